//! What a learned predicate is, was trained on and is worth: the card beside its weights.

use market::features::{FEATURE_COUNT, Feature};
use serde::{Deserialize, Serialize};

use crate::card::{Source, from_text, to_text};
use crate::error::NetworkError;

/// The most hidden units: a predicate is a small thing.
const MOST_HIDDEN: usize = 256;

/// How an input is turned before it is compressed, so that buyers and sellers in each other's place give the
/// same truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// As it is: what has no side, such as the spread.
    Plain,
    /// Its magnitude.
    Size,
    /// Positive where it points the way of [`PredicateCard::along`].
    Along,
}

/// An input of a predicate: a feature, what becomes of it, and its law in the training part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredicateInput {
    /// The feature.
    pub feature: Feature,
    /// How it is turned.
    pub turn: Turn,
    /// Whether it is compressed, sign(x) · ln(1 + |x|), for heavy tails.
    pub log: bool,
    /// Its mean, turned and compressed.
    pub mean: f32,
    /// Its standard deviation.
    pub deviation: f32,
}

/// The card of a predicate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredicateCard {
    /// Its name in rules.
    pub name: String,
    /// What it says, in a sentence.
    pub about: String,
    /// What exactly was true of the moments that it was taught to call true.
    pub label: String,
    /// Whether it was trained; random weights are not.
    pub trained: bool,
    /// The feature that gives a moment its direction: where it is 0 there is none, and the truth is 0.
    pub along: Option<Feature>,
    /// Its inputs, in order.
    pub inputs: Vec<PredicateInput>,
    /// How many hidden units it has.
    pub hidden: usize,
    /// How many regular samples ahead it looks.
    pub horizon_samples: u32,
    /// The sampler whose samples it knows, such as `grid:250ms`.
    pub sampler: String,
    /// What it was trained on.
    pub data: Vec<Source>,
    /// No label of this time or later, in nanoseconds of the epoch, was used.
    pub cut_ns: Option<i64>,
    /// How often it was true in the training part.
    pub base_rate: f64,
    /// The seeds of the runs.
    pub seeds: Vec<u64>,
    /// What it reached, and what plain rules did.
    pub figures: serde_json::Value,
}

impl PredicateCard {
    /// The text of `card.json`; the same card gives the same bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        to_text(self)
    }

    /// Reads a card.
    ///
    /// # Errors
    /// Text that is no card, and all that [`PredicateCard::check`] refuses.
    pub fn from_json(bytes: &[u8]) -> Result<Self, NetworkError> {
        let card: Self = from_text(bytes)?;
        card.check()?;
        Ok(card)
    }

    /// Tests that the card fits itself.
    ///
    /// # Errors
    /// A name that no rule can say, no inputs or too many, hidden units out of range, a mean or deviation that
    /// cannot be, an input that is turned along nothing.
    pub fn check(&self) -> Result<(), NetworkError> {
        let wrong = |why: String| Err(NetworkError::Card(why));
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !self.name.starts_with(|c: char| c.is_ascii_lowercase()) || !self.name.chars().all(is_word) {
            return wrong(format!("name `{}` must be a word of a-z, 0-9 and _, as rules call it", self.name));
        }
        let (inputs, hidden) = (self.inputs.len(), self.hidden);
        if !(1..=FEATURE_COUNT).contains(&inputs) {
            return wrong(format!("{inputs} inputs are listed, but must be 1 to {FEATURE_COUNT}"));
        }
        if !(1..=MOST_HIDDEN).contains(&hidden) {
            return wrong(format!("hidden is {hidden}, but must be 1 to {MOST_HIDDEN}"));
        }
        for PredicateInput { feature, turn, mean, deviation, .. } in &self.inputs {
            let name = feature.spec().name;
            if !mean.is_finite() || !deviation.is_normal() || *deviation <= 0.0 {
                return wrong(format!(
                    "input {name} has mean {mean} and deviation {deviation}; they must be finite, and the \
                     deviation above 0"
                ));
            }
            if *turn == Turn::Along && self.along.is_none() {
                return wrong(format!("input {name} is turned along, but along names no feature"));
            }
        }
        Ok(())
    }
}
