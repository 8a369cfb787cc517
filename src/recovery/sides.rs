//! Our side of a comparison, and what comes of it.

use std::collections::BTreeSet;

use journal::Finding;
use market::Instruments;
use market::ledger::Ledger;
use market::order::{ClientId, Report};
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
}
