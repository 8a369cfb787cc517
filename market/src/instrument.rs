//! Instruments and their facts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::num::{Money, Price, Quantity};
use crate::time::{SECOND_NS, Timestamp, parse_clock};

const MINUTE_NS: i64 = 60 * SECOND_NS;
const HOUR_NS: i64 = 60 * MINUTE_NS;
const DAY_NS: i64 = 24 * HOUR_NS;

/// The side of an order or a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Buyers: bids.
    Buy,
    /// Sellers: asks.
    Sell,
}

impl Side {
    /// Both sides, bids first.
    pub const BOTH: [Self; 2] = [Self::Buy, Self::Sell];

    /// The other side.
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// 1 for a buy, −1 for a sell.
    pub const fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }

    /// The quantity with the sign a fill on this side gives a position.
    pub fn signed(self, quantity: Quantity) -> Quantity {
        match self {
            Self::Buy => quantity,
            Self::Sell => -quantity,
        }
    }

    /// Whether `price` is better for the book than `other`: higher for bids, lower for asks.
    pub fn better(self, price: Price, other: Price) -> bool {
        match self {
            Self::Buy => price > other,
            Self::Sell => price < other,
        }
    }

    /// Whether an order of this side at `price` would trade with, or lock, `opposite`.
    pub fn reaches(self, price: Price, opposite: Price) -> bool {
        match self {
            Self::Buy => price >= opposite,
            Self::Sell => price <= opposite,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        })
    }
}

/// The place of an instrument in [`Instruments`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstrumentId(pub u16);

impl InstrumentId {
    /// As an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Hours of trading in UTC: `always`, or `hh:mm-hh:mm`, which may pass midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Session {
    /// Around the clock.
    #[default]
    Always,
    /// From a moment of the day, inclusive, to another, exclusive; nanoseconds after midnight.
    Daily {
        /// When it opens.
        open_ns: i64,
        /// When it closes.
        close_ns: i64,
    },
}

impl Session {
    /// Whether the instrument trades at that moment.
    pub fn contains(self, time: Timestamp) -> bool {
        match self {
            Self::Always => true,
            Self::Daily { open_ns, close_ns } => {
                let at = time.ns().rem_euclid(DAY_NS);
                if open_ns <= close_ns {
                    (open_ns..close_ns).contains(&at)
                } else {
                    at >= open_ns || at < close_ns
                }
            }
        }
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |ns: i64| format!("{:02}:{:02}", ns / HOUR_NS, ns / MINUTE_NS % 60);
        match self {
            Self::Always => f.write_str("always"),
            Self::Daily { open_ns, close_ns } => {
                write!(f, "{}-{}", clock(*open_ns), clock(*close_ns))
            }
        }
    }
}

/// Why a text is not a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session is `always` or `hh:mm-hh:mm` in UTC")]
pub struct SessionError;

impl FromStr for Session {
    type Err = SessionError;
    fn from_str(text: &str) -> Result<Self, SessionError> {
        if text == "always" {
            return Ok(Self::Always);
        }
        let (open, close) = text.split_once('-').ok_or(SessionError)?;
        let clock = |text: &str| {
            if text.is_empty() { None } else { parse_clock(text) }
        };
        match (clock(open), clock(close)) {
            (Some(open_ns), Some(close_ns)) if open_ns != close_ns => Ok(Self::Daily { open_ns, close_ns }),
            _ => Err(SessionError),
        }
    }
}

/// The facts of an instrument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrument {
    /// Its name, as feeds and configuration write it.
    pub name: String,
    /// The smallest price step.
    pub tick: Price,
    /// The smallest quantity step.
    pub lot: Quantity,
    /// Units of currency in one point of price and one of quantity.
    pub multiplier: Quantity,
    /// The currency its price is in.
    pub currency: String,
    /// Fee of a resting fill, in bp of the notional; negative is a rebate.
    pub maker_fee_bp: Quantity,
    /// Fee of a taking fill, in bp of the notional.
    pub taker_fee_bp: Quantity,
    /// Its hours of trading.
    pub session: Session,
    /// The notional that rewards and budgets are measured against.
    pub reference_notional: Money,
}

impl Instrument {
    /// What a fill is worth, with the sign of the quantity.
    pub fn notional(&self, price: Price, quantity: Quantity) -> Money {
        Money::notional(price, quantity, self.multiplier)
    }

    /// The fee of a fill in the instrument's currency, positive when paid.
    pub fn fee(&self, price: Price, quantity: Quantity, fee_bp: Quantity) -> Money {
        let notional = self.notional(price, quantity).abs();
        notional.fraction(i128::from(fee_bp.units()), 10_000 * i128::from(crate::num::SCALE))
    }
}

/// The instruments of a run, in a fixed order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instruments(Vec<Instrument>);

impl Instruments {
    /// A table of these instruments; their order is their rank.
    pub fn new(instruments: Vec<Instrument>) -> Self {
        Self(instruments)
    }

    /// The facts of one.
    pub fn get(&self, id: InstrumentId) -> &Instrument {
        &self.0[id.index()]
    }

    /// The instrument of that name.
    pub fn find(&self, name: &str) -> Option<InstrumentId> {
        self.0.iter().position(|i| i.name == name).map(|at| InstrumentId(at as u16))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each with its id, in rank order.
    pub fn iter(&self) -> impl Iterator<Item = (InstrumentId, &Instrument)> {
        self.0.iter().enumerate().map(|(at, i)| (InstrumentId(at as u16), i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_may_pass_midnight() {
        let night: Session = "22:00-06:30".parse().expect("a session");
        assert_eq!(night.to_string(), "22:00-06:30");
        for (clock, open) in
            [("21:59", false), ("22:00", true), ("02:00", true), ("06:29:59", true), ("06:30", false)]
        {
            let time = Timestamp::parse_civil(&format!("2026-05-02 {clock}")).expect("a time");
            assert_eq!(night.contains(time), open, "{clock}");
        }
        for text in ["", "-", "9-17x", "10:00-10:00", "24:00-25:00", "sometimes"] {
            assert_eq!(text.parse::<Session>(), Err(SessionError), "{text}");
        }
    }

    #[test]
    fn a_fee_is_in_bp_of_the_notional() {
        let instrument = Instrument {
            name: "BTCUSD".into(),
            tick: Price::from_units(1_000_000_000),
            lot: Quantity::from_units(1),
            multiplier: Quantity::from_units(1_000_000_000),
            currency: "USD".into(),
            maker_fee_bp: Quantity::from_units(-500_000_000),
            taker_fee_bp: Quantity::from_units(3_000_000_000),
            session: Session::Always,
            reference_notional: Money::from_units(1_000_000_000_000),
        };
        let (price, sold) = (Price::from_units(80_000_000_000_000), Quantity::from_units(-500_000_000));
        assert_eq!(instrument.fee(price, sold, instrument.taker_fee_bp).to_string(), "12");
        assert_eq!(instrument.fee(price, sold, instrument.maker_fee_bp).to_string(), "-2");
    }
}
