//! What flowed since the last regular sample: orders at the best prices, and trades.

use serde::{Deserialize, Serialize};

use crate::book::{Level, Top};
use crate::instrument::Side;
use crate::num::{Quantity, SCALE};

/// Order-flow imbalance after Cont, Kukanov and Stoikov (2014), exactly, in units of 1e-9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OrderFlow {
    top: Option<Top>,
    units: i128,
    /// The book was without a top since the last sample, so something flowed unseen.
    interrupted: bool,
}

impl OrderFlow {
    /// Takes note of the top after an event.
    pub fn on_top(&mut self, top: Option<Top>) {
        if top == self.top {
            return;
        }
        match (self.top, top) {
            (Some(before), Some(after)) => {
                self.units +=
                    arrived(Side::Buy, before.bid, after.bid) - arrived(Side::Sell, before.ask, after.ask);
            }
            (Some(_), None) => self.interrupted = true,
            _ => {}
        }
        self.top = top;
    }

    /// The imbalance since the last regular sample, in instrument units; `None` where the book is
    /// without a top, or was meanwhile.
    pub fn value(&self) -> Option<f64> {
        let known = self.top.is_some() && !self.interrupted;
        known.then(|| self.units as f64 / SCALE as f64)
    }

    /// Begins a new interval.
    pub fn close(&mut self) {
        self.units = 0;
        self.interrupted = self.top.is_none();
    }
}

/// What arrived at the best of a side, less what left: a better price brings all that rests there,
/// a worse one means that all that rested before is gone.
fn arrived(side: Side, before: Level, after: Level) -> i128 {
    let mut units = 0;
    if !side.better(before.price, after.price) {
        units += i128::from(after.quantity.units());
    }
    if !side.better(after.price, before.price) {
        units -= i128::from(before.quantity.units());
    }
    units
}

/// Volume and signed volume of trades, exactly, in units of 1e-9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TradeFlow {
    volume: i128,
    bought: i128,
    /// Some trade, or bar, came at all.
    traded: bool,
    /// Some trade came with its aggressor.
    signed: bool,
    /// Some trade of this interval came without its aggressor, so the sum of signs is unknown.
    unsigned: bool,
    /// Something of this interval was missed, so no sum of it is known.
    missed: bool,
}

impl TradeFlow {
    /// Takes note of a trade, or of a bar's volume, which has no aggressor.
    pub fn on_trade(&mut self, quantity: Quantity, aggressor: Option<Side>) {
        self.traded = true;
        self.volume += i128::from(quantity.units());
        match aggressor {
            Some(side) => {
                self.signed = true;
                self.bought += i128::from(side.signed(quantity).units());
            }
            None => self.unsigned = true,
        }
    }

    /// Takes note of a gap: trades may have been missed.
    pub fn on_gap(&mut self) {
        self.missed = true;
    }

    /// Bought less sold by aggressors since the last regular sample, in instrument units; `None`
    /// before the first trade that names one, or where a trade of the interval does not or may
    /// have been missed.
    pub fn flow(&self) -> Option<f64> {
        let known = self.signed && !self.unsigned && !self.missed;
        known.then(|| self.bought as f64 / SCALE as f64)
    }

    /// What traded since the last regular sample, in instrument units; `None` before the first
    /// trade, or where one may have been missed.
    pub fn volume(&self) -> Option<f64> {
        let known = self.traded && !self.missed;
        known.then(|| self.volume as f64 / SCALE as f64)
    }

    /// Begins a new interval.
    pub fn close(&mut self) {
        self.volume = 0;
        self.bought = 0;
        self.unsigned = false;
        self.missed = false;
    }
}
