//! The rules of reconciliation.

/// In what way our picture and the venue's differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The venue never saw an order of ours: it is cancelled by its id, and lapses with the answer.
    OrderUnknownThere,
    /// The venue works an order of this run that we do not have: it is cancelled there, and latches.
    OrderUnknownHere,
    /// The venue told a fill that did not reach us: it enters once.
    MissedFill,
    /// The venue lists an execution twice: dropped; with another content it latches.
    FillSeenTwice,
    /// Side, price or quantities of an order differ: it is cancelled there, and latches.
    WrongQuantity,
    /// An order is over at the venue and its end did not reach us: it enters.
    FinishedThere,
    /// The venue works an order as we asked and its answer did not reach us: it enters.
    AnswerMissed,
    /// The venue shows no sign of a cancel or a replacement: the order is cancelled.
    RequestUnanswered,
    /// A position differs with every fill entered: it latches, and no fill is made up.
    PositionDiffers,
    /// The cash differs with every fill entered: it latches.
    CashDiffers,
}

impl Rule {
    /// Its name in findings: `OrderUnknownThere` is `order_unknown_there`.
    pub fn name(self) -> String {
        crate::explain::words(self).replace(' ', "_")
    }
}
