//! The rules of reconciliation, each declared once as data.

use synapse::reason::Spec;

macro_rules! rules {
    ($($(#[doc = $meaning:literal])+ $variant:ident $name:literal;)*) => {
        /// In what way our picture and the venue's differ.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rule {
            $($(#[doc = $meaning])+ $variant,)*
        }

        impl Rule {
            /// Every rule there is, in order.
            pub const ALL: &'static [Spec] =
                &[$(Spec { name: $name, meaning: concat!($($meaning),+).trim_ascii() },)*];

            /// Its name in findings.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

rules! {
    /// The venue never saw an order of ours: it is cancelled by its id, and lapses with the answer.
    OrderUnknownThere "order_unknown_there";
    /// The venue works an order of this run that we do not have: it is cancelled there, and latches.
    OrderUnknownHere "order_unknown_here";
    /// The venue told a fill that did not reach us: it enters once.
    MissedFill "missed_fill";
    /// The venue lists an execution twice: dropped; with another content it latches.
    FillSeenTwice "fill_seen_twice";
    /// Side, price or quantities of an order differ: it is cancelled there, and latches.
    WrongQuantity "wrong_quantity";
    /// An order is over at the venue and its end did not reach us: it enters.
    FinishedThere "finished_there";
    /// The venue works an order as we asked and its answer did not reach us: it enters.
    AnswerMissed "answer_missed";
    /// The venue shows no sign of a cancel or a replacement: the order is cancelled.
    RequestUnanswered "request_unanswered";
    /// A position differs with every fill entered: it latches, and no fill is made up.
    PositionDiffers "position_differs";
    /// The cash differs with every fill entered: it latches.
    CashDiffers "cash_differs";
}
