//! The state s_t that is held against what is normal: a named list of numbers, declared once (R6).
//!
//! Each number is taken in units of its floor, the smallest deviation that counts. Heavy tails are
//! compressed by a signed logarithm, so that one sale does not become the measure of all others.
//! The spread is not: ten times its floor has to be ten times as alarming. The return of the
//! microprice is left out, since a jump of the price would count twice.

use market::book::BookState;
use market::{Feature, Instrument};
use serde::{Deserialize, Serialize};
use synapse::Sensed;

use crate::params::AmygdalaParams;

/// How a heavy tail is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compress {
    /// Not at all.
    No,
    /// sign(x)·ln(1 + |x|).
    Log,
}

impl Compress {
    fn apply(self, x: f64) -> f64 {
        match self {
            Self::No => x,
            Self::Log => libm::copysign(libm::log1p(x.abs()), x),
        }
    }
}

/// One number of the state.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// The unit it and its floor are in.
    pub unit: &'static str,
    /// What it can be; outside, it is not known.
    pub range: (f64, f64),
    /// How its tail is compressed.
    pub compress: Compress,
    value: fn(&Sensed, &Instrument) -> Option<f64>,
    floor: fn(&AmygdalaParams) -> f64,
}

const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
const NOT_NEGATIVE: (f64, f64) = (0.0, f64::INFINITY);

/// The state of an instrument with a book.
pub const WITH_BOOK: [Entry; 7] = [
    Entry {
        name: "spread",
        unit: "ticks",
        range: NOT_NEGATIVE,
        compress: Compress::No,
        value: spread_ticks,
        floor: |params| params.spread_floor_ticks,
    },
    RETURN,
    Entry {
        name: "imbalance_1",
        unit: "1",
        range: (-1.0, 1.0),
        compress: Compress::No,
        value: |sensed, _| feature(sensed, Feature::Imbalance1),
        floor: |params| params.imbalance_floor,
    },
    Entry {
        name: "order_flow_imbalance",
        unit: "reference notionals",
        range: ANY,
        compress: Compress::Log,
        value: |sensed, facts| notionals(sensed, facts, feature(sensed, Feature::OrderFlowImbalance)?),
        floor: |params| params.flow_floor,
    },
    TRADE_FLOW,
    VOLUME,
    VOLATILITY,
];

/// The state of an instrument without a book, of which only trades or bars are known.
pub const WITHOUT_BOOK: [Entry; 4] = [RETURN, TRADE_FLOW, VOLUME, VOLATILITY];

const RETURN: Entry = Entry {
    name: "return_mid",
    unit: "bp",
    range: ANY,
    compress: Compress::Log,
    value: |sensed, _| feature(sensed, Feature::ReturnMid),
    floor: |params| params.return_floor_bp,
};

const TRADE_FLOW: Entry = Entry {
    name: "trade_flow",
    unit: "reference notionals",
    range: ANY,
    compress: Compress::Log,
    value: |sensed, facts| traded(sensed, facts, Feature::TradeFlow),
    floor: |params| params.flow_floor,
};

const VOLUME: Entry = Entry {
    name: "volume",
    unit: "reference notionals",
    range: NOT_NEGATIVE,
    compress: Compress::Log,
    value: |sensed, facts| traded(sensed, facts, Feature::Volume),
    floor: |params| params.flow_floor,
};

const VOLATILITY: Entry = Entry {
    name: "realised_vol",
    unit: "bp a sample",
    range: NOT_NEGATIVE,
    compress: Compress::Log,
    value: |sensed, _| feature(sensed, Feature::RealisedVol),
    floor: |params| params.volatility_floor_bp,
};

fn feature(sensed: &Sensed, feature: Feature) -> Option<f64> {
    sensed.features[feature].map(f64::from)
}

fn spread_ticks(sensed: &Sensed, facts: &Instrument) -> Option<f64> {
    Some(feature(sensed, Feature::Spread)? / facts.tick.to_f64())
}

/// What was traded. A feed that never tells of a trade, or not who took, tells of none: without
/// this, an instrument of quotes alone would never be calibrated.
fn traded(sensed: &Sensed, facts: &Instrument, which: Feature) -> Option<f64> {
    notionals(sensed, facts, feature(sensed, which).unwrap_or(0.0))
}

/// A quantity in units of the instrument's reference notional.
fn notionals(sensed: &Sensed, facts: &Instrument, quantity: f64) -> Option<f64> {
    Some(quantity * sensed.mark()? * facts.multiplier.to_f64() / facts.reference_notional.to_f64())
}

/// Which of the states an instrument has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Senses {
    /// [`WITH_BOOK`].
    Book,
    /// [`WITHOUT_BOOK`].
    Tape,
}

impl Senses {
    /// By what a sample was seen; `None` where there is no valid book and no mark (W3).
    pub fn of(sensed: &Sensed) -> Option<Self> {
        sensed.mark2?;
        match sensed.book {
            BookState::Ok | BookState::Locked => {
                sensed.top.filter(|top| top.spread().units() >= 0).map(|_| Self::Book)
            }
            BookState::Synthetic => Some(Self::Tape),
            BookState::Unknown | BookState::OneSided | BookState::Crossed => None,
        }
    }

    /// The numbers of its state.
    pub const fn entries(self) -> &'static [Entry] {
        match self {
            Self::Book => &WITH_BOOK,
            Self::Tape => &WITHOUT_BOOK,
        }
    }

    /// s_t `[d]`; `None` where one of its numbers is absent or cannot be.
    pub fn state(self, sensed: &Sensed, facts: &Instrument, params: &AmygdalaParams) -> Option<Vec<f64>> {
        let entries = self.entries();
        let mut state = Vec::with_capacity(entries.len());
        for entry in entries {
            let (least, most) = entry.range;
            let value = (entry.value)(sensed, facts).filter(|value| (least..=most).contains(value))?;
            state.push(entry.compress.apply(value / (entry.floor)(params)));
        }
        Some(state)
    }

    /// The smallest deviation of each number of the state that counts `[d]`.
    pub fn floors(self) -> Vec<f64> {
        self.entries().iter().map(|entry| entry.compress.apply(1.0)).collect()
    }
}

/// How many values of a sample are no numbers.
pub fn not_finite(sensed: &Sensed) -> usize {
    let context = sensed.context.entries();
    let values = sensed.features.0.iter().copied().chain(context.iter().map(|(_, value)| *value));
    values.flatten().filter(|value| !value.is_finite()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_a_list_of_at_most_eight_names() {
        for entries in [&WITH_BOOK[..], &WITHOUT_BOOK] {
            assert!((1..=8).contains(&entries.len()));
            for (at, entry) in entries.iter().enumerate() {
                assert!(Feature::find(entry.name).is_some(), "{}", entry.name);
                assert!(!entry.unit.is_empty());
                assert!(entries[..at].iter().all(|other| other.name != entry.name));
            }
        }
    }

    #[test]
    fn the_logarithm_is_odd_and_one_floor_is_worth_its_own() {
        let log = |x| Compress::Log.apply(x);
        assert_eq!(log(-3.5), -log(3.5));
        assert_eq!(log(0.0), 0.0);
        assert_eq!(log(1.0), std::f64::consts::LN_2);
        assert_eq!(Senses::Tape.floors(), [std::f64::consts::LN_2; 4]);
        assert_eq!(Senses::Book.floors()[0], 1.0);
    }
}
