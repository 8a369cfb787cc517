//! What the learning of a predicate came to: the figures of its card.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::evaluate::{Bin, Interval, Worth};

/// The report of a predicate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredicateReport {
    /// What the figures come to, in words.
    pub verdict: String,
    /// How many samples each part has.
    pub samples: Parts,
    /// How often it was true in the training part.
    pub base_rate: f64,
    /// The time from which on the test is; no label of this time or later was learnt from.
    pub cut_ns: i64,
    /// What the predicate that is kept is worth on the test part.
    pub test: Worth,
    /// By how much its Brier skill is above that of each plain rule; below 0, it loses.
    pub beyond: BTreeMap<String, Interval>,
    /// What the plain rules are worth on the same samples.
    pub baselines: BTreeMap<String, Worth>,
    /// The test part in fifths by truth, from the least on.
    pub calibration: Vec<Bin>,
    /// Each seed alone.
    pub seeds: Vec<SeedReport>,
    /// The seed with the best validation, whose predicate is kept.
    pub chosen_seed: u64,
}

/// How many samples each part has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Decided in which direction to learn.
    pub fit: usize,
    /// Decided when to stop.
    pub validation: usize,
    /// The training part, both and what lies between.
    pub train: usize,
    /// Judged on.
    pub test: usize,
    /// Of them those where it was true.
    pub test_true: usize,
}

/// One seed's predicate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedReport {
    /// The seed.
    pub seed: u64,
    /// After how many epochs validation was best.
    pub best_epoch: u32,
    /// The log loss of that in the validation part.
    pub validation_loss: f64,
    /// What it is worth on the test part.
    pub test: Worth,
}

impl PredicateReport {
    /// The verdict of these figures: only an interval that excludes 0 is called better or worse.
    #[must_use]
    pub fn judged(test: &Worth, beyond: &BTreeMap<String, Interval>) -> String {
        let against = |name: &str, interval: &Interval| {
            let word = match (interval.lo25 > 0.0, interval.hi25 < 0.0) {
                (true, _) => "better than",
                (_, true) => "worse than",
                _ => "not proved to differ from",
            };
            format!("{word} {name} ({:+.3}, {:+.3} to {:+.3})", interval.value, interval.lo25, interval.hi25)
        };
        let base = against("the base rate", &test.brier_skill);
        let others: Vec<String> = beyond.iter().map(|(name, interval)| against(name, interval)).collect();
        format!("by Brier skill, with 95 % intervals: {base}; {}", others.join("; "))
    }
}
