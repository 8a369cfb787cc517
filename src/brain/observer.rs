//! Who may look on while the engine works, without a say in anything.

use market::book::Applied;
use market::order::Report;
use market::{MarketEvent, Timestamp};
use synapse::DecisionRecord;

/// Somebody who looks on.
pub trait Observer {
    /// A market event was folded; `applied` is what the book made of it.
    fn sensed(&mut self, _event: &MarketEvent, _applied: Applied) {}
    /// A decision was taken.
    fn decided(&mut self, _record: &DecisionRecord) {}
    /// A report was admitted at `time`.
    fn reported(&mut self, _time: Timestamp, _report: &Report) {}
}

/// Nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}
