//! What is told of a run afterwards: how well execution was foretold, and what each way of it costs.

pub mod compare;
mod execution;
mod plot;
mod tables;
#[cfg(test)]
mod tests;

pub use compare::{Comparison, Setting, compare};
pub use execution::{Attempt, Execution, Size, Whole};
pub use plot::plot;
pub use tables::{DriftRow, Report, Row};
