//! Instruments and their facts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::num::{Money, Price, Quantity};

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
    /// Hours of trading in UTC as `hh:mm-hh:mm`, or `always`.
    pub session: String,
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
        notional.fraction(
            i128::from(fee_bp.units()),
            10_000 * i128::from(crate::num::SCALE),
        )
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
        self.0
            .iter()
            .position(|i| i.name == name)
            .map(|at| InstrumentId(at as u16))
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
        self.0
            .iter()
            .enumerate()
            .map(|(at, i)| (InstrumentId(at as u16), i))
    }
}
