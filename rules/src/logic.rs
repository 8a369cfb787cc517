//! Truth between 0 and 1: connectives (10–15) and the truth of many formulas together (18, 19).

mod aggregate;
mod operators;

pub use aggregate::Aggregator;
pub use operators::{Graded, Logic, not};

/// The ε of the stable forms: they push truths this far away from where gradients vanish or are
/// infinite, and move values by a few ε.
pub const STABLE_EPSILON: f64 = 1e-4;

/// Pushes a truth away from 0: (1 − ε) x + ε.
fn from_zero(x: f64, epsilon: f64) -> f64 {
    (1.0 - epsilon) * x + epsilon
}

/// Pushes a truth away from 1: (1 − ε) x.
fn from_one(x: f64, epsilon: f64) -> f64 {
    (1.0 - epsilon) * x
}

/// 1 / (1 + e^−x), the truth of a margin x; without overflow on either side.
#[must_use]
pub fn sigmoid(x: f64) -> f64 {
    let decay = libm::exp(-x.abs());
    (if x >= 0.0 { 1.0 } else { decay }) / (1.0 + decay)
}
