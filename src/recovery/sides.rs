//! The two sides of a comparison, and what comes of it.

use std::collections::BTreeSet;

use journal::Finding;
use market::ledger::Ledger;
use market::order::{ClientId, Fill, Report};
use market::{InstrumentId, Instruments, Money, Price, Quantity, Side, Timestamp};
use synapse::LatchCause;

use super::intake::Intake;

/// Our side: every report that was admitted is in the ledger, every approved order in the intake.
#[derive(Debug, Clone, Copy)]
pub struct Ours<'a> {
    /// The orders.
    pub intake: &'a Intake,
    /// The positions and the cash, whether the tape still holds their fills or not.
    pub ledger: &'a Ledger,
    /// The instruments.
    pub instruments: &'a Instruments,
    /// [`Intake::moves`] when the venue was asked.
    pub asked: u64,
}

/// The venue's side, for the orders of this run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Theirs {
    /// When it was so.
    pub time: Timestamp,
    /// The orders that are not finished.
    pub orders: Vec<VenueOrder>,
    /// Those that are, and the tombstones.
    pub finished: Vec<VenueEnd>,
    /// The fills since [`market::ledger::Seen::contiguous`] of our executions, or earlier.
    pub fills: Vec<VenueFill>,
    /// The positions; none is zero.
    pub positions: Vec<(InstrumentId, Quantity)>,
    /// The change of cash since the start.
    pub cash: Money,
    /// The highest execution.
    pub executions: u64,
}

/// An order that works at the venue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VenueOrder {
    /// Which.
    pub id: ClientId,
    /// Buy or sell.
    pub side: Side,
    /// Its price.
    pub price: Price,
    /// All of it.
    pub total: Quantity,
    /// What has filled.
    pub filled: Quantity,
    /// What has not.
    pub remaining: Quantity,
}

/// An order that is over at the venue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VenueEnd {
    /// Which.
    pub id: ClientId,
    /// How it ended.
    pub how: How,
    /// Filled over its whole life.
    pub filled: Quantity,
}

/// How an order ended at the venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// All of it filled.
    Filled,
    /// What remained was cancelled.
    Cancelled,
    /// The session ended.
    Expired,
    /// It was refused.
    Rejected,
    /// It never came, was cancelled all the same, and is refused from then on.
    Tombstone,
}

/// A fill, as the venue lists it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VenueFill {
    /// Of which order.
    pub id: ClientId,
    /// When.
    pub time: Timestamp,
    /// The fill.
    pub fill: Fill,
}

/// What comes of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Whether both agree once the reports and lapses have entered.
    pub agreed: bool,
    /// Orders and books that changed since the question and are compared with the next answer.
    pub in_motion: usize,
    /// What differed.
    pub findings: Vec<Finding>,
    /// What missed us, for [`Intake::receive`] in this order.
    pub reports: Vec<Report>,
    /// To be cancelled at the venue by their ids.
    pub cancels: BTreeSet<ClientId>,
    /// Those of them that the venue never saw, for [`Intake::doubt`].
    pub doubted: BTreeSet<ClientId>,
    /// Orders that can never arrive: `Lapsed` enters.
    pub lapses: Vec<ClientId>,
    /// The latch, where no report explains a difference.
    pub latch: Option<LatchCause>,
    /// Listed fills that had entered before.
    pub repeated: u64,
}
