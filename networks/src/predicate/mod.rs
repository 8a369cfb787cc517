//! Learned predicates (grounding 9, f_θ: R^d → [0, 1]): how true a word of the rules is of a moment.
//!
//! A small network of two layers, σ(v · tanh(W x + b) + c), on named features in deviations from their means. It is
//! an artefact with a card (R2), takes no part in hard rules (R4), and gives the same bits on every machine (D2).

mod card;
#[cfg(test)]
mod tests;
mod weights;

use market::features::{FEATURE_COUNT, Feature, FeatureVector};

use crate::error::NetworkError;
use crate::parts::{Parts, put};

pub use card::{PredicateCard, PredicateInput, Turn};
pub use weights::PredicateWeights;

/// The first bytes of an artefact; the digit is the version of the format.
const MAGIC: &[u8; 8] = b"januspr1";
/// What lies further out than so many deviations is taken for this: nothing like it was learned from.
const FARTHEST: f32 = 8.0;

/// 1 / (1 + e^−x), without overflow on either side.
fn sigmoid(x: f32) -> f32 {
    let decay = libm::expf(-x.abs());
    (if x < 0.0 { decay } else { 1.0 }) / (1.0 + decay)
}

/// The direction of a moment by its `along` feature: 1, −1, or 0 where there is none.
fn way(x: f32) -> f32 {
    if x == 0.0 { 0.0 } else { 1f32.copysign(x) }
}

impl PredicateInput {
    /// The input at a moment that points `way`, turned and compressed; `None` where the feature is absent or not
    /// finite.
    #[must_use]
    pub fn of(&self, features: &FeatureVector, way: f32) -> Option<f32> {
        let x = known(features, self.feature)?;
        let turned = match self.turn {
            Turn::Plain => x,
            Turn::Size => x.abs(),
            Turn::Along => x * way,
        };
        Some(if self.log { libm::log1pf(turned.abs()).copysign(turned) } else { turned })
    }

    /// In deviations from its mean, clamped.
    #[must_use]
    pub fn standardised(&self, x: f32) -> f32 {
        ((x - self.mean) / self.deviation).clamp(-FARTHEST, FARTHEST)
    }
}

fn known(features: &FeatureVector, feature: Feature) -> Option<f32> {
    features[feature].filter(|x| x.is_finite())
}

impl PredicateCard {
    /// Which way a moment points: 1 where the card asks for no direction, 0 where the moment has none, `None` where it is
    /// not known.
    #[must_use]
    pub fn way(&self, features: &FeatureVector) -> Option<f32> {
        self.along.map_or(Some(1.0), |feature| known(features, feature).map(way))
    }
}

/// A learned predicate: what it is and what computes.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicate {
    /// What it is.
    pub card: PredicateCard,
    weights: PredicateWeights,
}

impl Predicate {
    /// A predicate of a card and the weights that fit it.
    ///
    /// # Errors
    /// All that [`PredicateCard::check`] and [`PredicateWeights::check`] refuse.
    pub fn new(card: PredicateCard, weights: PredicateWeights) -> Result<Self, NetworkError> {
        card.check()?;
        weights.check(card.inputs.len(), card.hidden)?;
        Ok(Self { card, weights })
    }

    /// A predicate from the contents of `card.json` and `weights.safetensors`.
    ///
    /// # Errors
    /// A bad card or bad weights.
    pub fn from_files(card_json: &[u8], safetensors: &[u8]) -> Result<Self, NetworkError> {
        let card = PredicateCard::from_json(card_json)?;
        let weights = PredicateWeights::from_safetensors(card.inputs.len(), card.hidden, safetensors)?;
        Self::new(card, weights)
    }

    /// The contents of `weights.safetensors`.
    #[must_use]
    pub fn safetensors(&self) -> Vec<u8> {
        self.weights.to_safetensors(self.card.inputs.len(), self.card.hidden)
    }

    /// How true it is of a moment, in [0, 1]; 0 where the moment has no direction and the predicate asks for one, `None`
    /// where a feature that it needs is absent or not finite.
    #[must_use]
    pub fn truth(&self, features: &FeatureVector) -> Option<f32> {
        let way = self.card.way(features)?;
        let mut x = [0.0; FEATURE_COUNT];
        for (x, input) in x.iter_mut().zip(&self.card.inputs) {
            *x = input.standardised(input.of(features, way)?);
        }
        if way == 0.0 {
            return Some(0.0);
        }
        Some(sigmoid(self.logit(&x[..self.card.inputs.len()])))
    }

    /// The log odds, one plain sum in the order of the units, each one in the order of the inputs.
    fn logit(&self, x: &[f32]) -> f32 {
        let PredicateWeights { hidden_weight, hidden_bias, output_weight, output_bias } = &self.weights;
        let mut logit = output_bias[0];
        for ((row, bias), out) in hidden_weight.chunks_exact(x.len()).zip(hidden_bias).zip(output_weight) {
            let mut unit = *bias;
            for (weight, x) in row.iter().zip(x) {
                unit += weight * x;
            }
            logit += out * synapse::math::tanh(unit);
        }
        logit
    }

    /// Canonical bytes: the same predicate gives the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        put(&mut bytes, &self.card.to_json());
        put(&mut bytes, &self.safetensors());
        bytes
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Bytes of another format, cut off or with something behind them; a bad card or bad weights.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NetworkError> {
        let mut parts = Parts::of("predicate", MAGIC, bytes)?;
        let (card, weights) = (parts.take()?, parts.take()?);
        parts.end()?;
        Self::from_files(card, weights)
    }

    /// The BLAKE3 hash of its canonical bytes: its name in tapes and commands.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.to_bytes()).as_bytes()
    }
}
