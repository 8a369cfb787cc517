//! The rows of example tables, as the checker leaves them.

use std::ops::Range;

use crate::vocabulary::Sort;

/// What a row sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Setting {
    /// A fact of the one order, its instrument, or of what there is one of.
    Cell { sort: Sort, column: u16, value: i128 },
    /// The truth of a learned predicate.
    Learned { learned: u16, truth: f64 },
}

/// A row of an example table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Example {
    pub(crate) rule: String,
    pub(crate) passes: bool,
    pub(crate) note: String,
    pub(crate) settings: Vec<Setting>,
    pub(crate) span: Range<usize>,
}
