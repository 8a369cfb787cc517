//! Who may look on while the engine works, without a say in anything.

use journal::Released;
use market::book::Applied;
use market::order::Report;
use market::{MarketEvent, Timestamp};
use synapse::{DecisionRecord, Digest, Input};

/// Somebody who looks on.
pub trait Observer {
    /// An input was admitted and thought through; what came of it follows.
    fn admitted(&mut self, _input: &Input) {}
    /// A market event was folded; `applied` is what the book made of it.
    fn sensed(&mut self, _event: &MarketEvent, _applied: Applied) {}
    /// A decision was taken: its canonical bytes, and the chain behind it.
    fn decided(&mut self, _record: &DecisionRecord, _bytes: &[u8], _digest: Digest) {}
    /// A report was admitted at `time`.
    fn reported(&mut self, _time: Timestamp, _report: &Report) {}
    /// The gate let the requests of a durable decision go.
    fn released(&mut self, _released: &Released) {}
    /// An input was folded, with all that came of it; whether the latch is set now.
    fn folded(&mut self, _input: &Input, _latched: bool) {}
}

/// Nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}
