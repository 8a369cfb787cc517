//! Predicates are learned: two words of the rules whose truth no formula gives.
//!
//! What is learned from, what exactly is asked and how moments are parted stand in [`moments`], [`task`] and [`split`]; what
//! a predicate is worth beside plain rules on the same moments goes into its card.

pub mod evaluate;
pub mod learn;
pub mod mlp;
pub mod moments;
pub mod report;
pub mod split;
pub mod task;

pub use learn::{Learned, Plan, learn};
pub use moments::{Moment, Moments};
pub use report::PredicateReport;
pub use split::Protocol;
pub use task::{TASKS, Task};
