//! What a training came to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evaluate::Figures;
use crate::logic::term::RuleReport;

/// The report of a training, which goes into the network's card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The mean probabilities of all seeds on the test part.
    pub test: Test,
    /// The rule that d is held against, on the same samples.
    pub rule: Rule,
    /// Other forecasts of the same samples.
    pub baselines: BTreeMap<String, Figures>,
    /// Each seed alone.
    pub seeds: Vec<SeedReport>,
    /// The seed with the best validation, whose network is given.
    pub chosen_seed: u64,
    /// How many samples each part has.
    pub samples: Samples,
    /// The shares of the classes in the training part: up, down, flat.
    pub priors: [f64; 3],
    /// The time of the first test sample; no label of that time or later was learnt from.
    pub cut_ns: i64,
    /// The rules that were felt beside the loss.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rules: Option<RuleReport>,
    /// Whether every seed came to its end; false where training was stopped.
    pub finished: bool,
}

/// The figures of the test part, with its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// Samples after which the mid was higher.
    pub up: usize,
    /// Lower.
    pub down: usize,
    /// The same.
    pub flat: usize,
    /// What the forecasts are worth.
    #[serde(flatten)]
    pub figures: Figures,
}

/// The hits and misses of the sign of the imbalance: positive is up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Up, and it said so.
    pub true_up: usize,
    /// Up, and it did not.
    pub missed_up: usize,
    /// Down, and it said so.
    pub true_down: usize,
    /// Down, and it did not.
    pub missed_down: usize,
}

/// One seed's network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedReport {
    /// The seed.
    pub seed: u64,
    /// Epochs that it was trained.
    pub epochs: u32,
    /// The epoch of its network.
    pub best_epoch: u32,
    /// The loss of that in the validation part.
    pub validation_loss: f64,
    /// What it is worth on the test part.
    pub test: Figures,
}

/// How many samples each part has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Samples {
    /// Gradients came from.
    pub fit: usize,
    /// Decided when to stop.
    pub validation: usize,
    /// The training part, both and what lies between.
    pub train: usize,
    /// Judged on.
    pub test: usize,
}
