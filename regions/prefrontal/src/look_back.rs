//! What rules look back at, of every instrument: recent orders and fills, and the price of the last seconds.

use std::collections::BTreeMap;

use market::order::NewOrder;
use market::{InstrumentId, Money, Timestamp};
use serde::{Deserialize, Serialize};
use synapse::Sensed;

use crate::marks::Marks;
use crate::recent::Recent;

/// How far back the rules of a court look.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// For how long orders and fills are remembered.
    pub orders_ns: i64,
    /// For how many seconds marks are.
    pub seconds: usize,
}

/// What was done and seen lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookBack {
    recent: BTreeMap<InstrumentId, Recent>,
    marks: BTreeMap<InstrumentId, Marks>,
}

impl LookBack {
    /// A sample: what is too old is forgotten, and the mark noted.
    pub fn sampled(&mut self, sensed: &Sensed, reach: Reach) {
        let (instrument, now) = (sensed.instrument, sensed.time);
        let recent = self.recent.entry(instrument).or_default();
        recent.forget(now, reach.orders_ns);
        recent.is_halted(now, sensed.halted);
        if let Some(mark2) = sensed.mark2 {
            self.marks.entry(instrument).or_default().note(now, mark2, reach.seconds);
        }
    }

    /// An order or a replacement that was approved.
    pub fn approved(&mut self, now: Timestamp, instrument: InstrumentId, order: &NewOrder, notional: Money) {
        self.recent.entry(instrument).or_default().note(now, order, notional);
    }

    /// A fill.
    pub fn filled(&mut self, now: Timestamp, instrument: InstrumentId) {
        self.recent.entry(instrument).or_default().filled(now);
    }

    /// The orders and fills of an instrument.
    pub fn recent(&self, instrument: InstrumentId) -> Option<&Recent> {
        self.recent.get(&instrument)
    }

    /// The marks of an instrument.
    pub fn marks(&self, instrument: InstrumentId) -> Option<&Marks> {
        self.marks.get(&instrument)
    }
}
