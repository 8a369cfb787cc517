//! What is done with a report of a venue.

use std::fmt;

use market::order::{ClientId, Report};
use synapse::LatchCause;

/// What is done with a report.
#[derive(Debug, Clone, PartialEq)]
pub enum Admission {
    /// It enters.
    Admit {
        /// As it enters: a replacement bears the quantity that our own fills leave.
        report: Report,
        /// The order's final fill, which waited for this one; it enters next.
        then: Option<Report>,
    },
    /// It is kept: a final fill that others must precede. Where those are lost, reconciliation
    /// fetches them.
    Wait,
    /// Nothing.
    Drop(DropReason),
    /// The order will never reach the venue: `Lapsed` enters instead.
    Lapse(ClientId),
    /// It contradicts what is known: `Latch` enters instead.
    Latch {
        /// Why it is set.
        cause: LatchCause,
        /// What contradicts what.
        why: String,
    },
}

/// Why nothing is done with a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// The execution entered before, or waits.
    RepeatedFill,
    /// The same was said before, or nobody asked.
    Repeated,
    /// The order is finished.
    Finished,
    /// A request reached the venue twice, and it refused the second.
    DuplicateRequest,
    /// An order that is not ours, of which nothing is there.
    Unknown,
    /// A refused cancel ahead of a replacement's answer: the order table would take both as answered.
    Premature,
}

/// The latch for a report that contradicts what is known.
pub(super) fn latch(report: &Report, known: fmt::Arguments<'_>) -> Box<Admission> {
    let Report { id, kind, .. } = report;
    let why = format!("the venue says {kind:?} of order {id}, but {known}; compare its books with ours");
    Admission::Latch { cause: LatchCause::Reconciliation, why }.into()
}
