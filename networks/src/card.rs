//! What a network is, was trained on and is worth: the card beside its weights.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::NetworkError;
use crate::shape::Shape;

/// The modalities that fusion knows, in the order of its mask.
pub const MODALITIES: [&str; 4] = ["vision", "price", "text", "memory"];

/// A part of the data that a network was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// The BLAKE3 hash of its samples, in hexadecimal digits.
    pub hash: String,
    /// How many samples.
    pub samples: u64,
}

/// The card of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Its name.
    pub name: String,
    /// What it does, in a sentence.
    pub about: String,
    /// Whether it was trained; random weights are not.
    pub trained: bool,
    /// What it was trained to do, such as `next-move`.
    pub task: String,
    /// The features that are drawn, in order of channels.
    pub features: Vec<String>,
    /// [`Card::hash_of`] the features.
    pub features_hash: String,
    /// The names of the K numbers of a row of the price stream.
    pub price: Vec<String>,
    /// The modalities it was trained with, of [`MODALITIES`]; every other one is masked for ever.
    pub modalities: Vec<String>,
    /// The name of the schemas that were recalled from at the end of its training: a run begins with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schemas: Option<String>,
    /// The gain α of the running normalisation that its features went through.
    pub gain: f64,
    /// The sampler whose samples it knows, such as `1s`.
    pub sampler: String,
    /// Its sizes.
    pub shape: Shape,
    /// What it was trained on.
    pub data: Vec<Source>,
    /// No label after this time, in nanoseconds of the epoch, was used.
    pub cut_ns: Option<i64>,
    /// The shares of the classes in the training part: up, down, flat.
    pub priors: [f64; 3],
    /// The seeds of the runs.
    pub seeds: Vec<u64>,
    /// What it reached, and what the baselines did.
    pub figures: serde_json::Value,
}

/// The text of a card.
pub(crate) fn to_text(card: &impl Serialize) -> Vec<u8> {
    // a card has nothing that JSON cannot say: every key is a string
    let mut text = serde_json::to_vec_pretty(card).unwrap_or_default();
    text.push(b'\n');
    text
}

/// A card as its text tells it, not yet checked.
pub(crate) fn from_text<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, NetworkError> {
    serde_json::from_slice(bytes).map_err(|e| NetworkError::Bytes { what: "card", why: e.to_string() })
}

impl Card {
    /// The card of random weights of a shape, for tests and benchmarks: its features and price numbers are called by
    /// their places, and it reads every modality.
    #[must_use]
    pub fn random(shape: &Shape) -> Self {
        let names = |what: &str, count: usize| (0..count).map(|i| format!("{what}_{i}")).collect::<Vec<_>>();
        let features = names("feature", shape.features);
        Self {
            name: "random".to_owned(),
            about: "random weights".to_owned(),
            trained: false,
            task: "none".to_owned(),
            features_hash: Self::hash_of(&features),
            features,
            price: names("price", shape.price_numbers),
            modalities: MODALITIES.map(str::to_owned).into(),
            schemas: None,
            gain: 0.01,
            sampler: "1s".to_owned(),
            shape: shape.clone(),
            data: Vec::new(),
            cut_ns: None,
            priors: [0.3, 0.3, 0.4],
            seeds: Vec::new(),
            figures: serde_json::Value::Null,
        }
    }

    /// The hash of a list of names, in hexadecimal digits: BLAKE3 over the names, a line each.
    #[must_use]
    pub fn hash_of(names: &[String]) -> String {
        let mut hasher = blake3::Hasher::new();
        for name in names {
            hasher.update(name.as_bytes()).update(b"\n");
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The text of `card.json`; the same card gives the same bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        to_text(self)
    }

    /// Reads a card.
    ///
    /// # Errors
    /// Text that is no card, and all that [`Card::check`] refuses.
    pub fn from_json(bytes: &[u8]) -> Result<Self, NetworkError> {
        let card: Self = from_text(bytes)?;
        card.check()?;
        Ok(card)
    }

    /// Tests that the card fits itself.
    ///
    /// # Errors
    /// A shape that cannot be, lists of other lengths than the shape's, unknown modalities, or a hash that is
    /// not the features'.
    pub fn check(&self) -> Result<(), NetworkError> {
        self.shape.check()?;
        let lists = [
            ("features", self.features.len(), self.shape.features),
            ("price", self.price.len(), self.shape.price_numbers),
        ];
        if let Some((list, got, want)) = lists.into_iter().find(|(_, got, want)| got != want) {
            return Err(NetworkError::Card(format!("{list} lists {got} names, but the shape has {want}")));
        }
        if let Some(name) = self.modalities.iter().find(|name| !MODALITIES.contains(&name.as_str())) {
            return Err(NetworkError::Card(format!("modality `{name}` is none of {MODALITIES:?}")));
        }
        if !self.modalities.iter().any(|name| name == "price") {
            return Err(NetworkError::Card("price is missing from modalities; it is always one".to_owned()));
        }
        if !(self.gain > 0.0 && self.gain < 1.0) {
            return Err(NetworkError::Card(format!("gain is {}, but must lie between 0 and 1", self.gain)));
        }
        let want = Self::hash_of(&self.features);
        if self.features_hash != want {
            return Err(NetworkError::FeaturesHash { got: self.features_hash.clone(), want });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::odd_shape;

    #[test]
    fn a_card_comes_back_from_its_text() {
        let card = Card::random(&odd_shape());
        assert_eq!(Card::from_json(&card.to_json()).expect("a card"), card);
        let error = Card::from_json(b"{\"name\": 1").expect_err("no card");
        assert!(error.to_string().starts_with("card: the bytes cannot be read"), "{error}");
    }

    #[test]
    fn a_card_that_does_not_fit_itself_is_refused() {
        let refusal = |change: fn(&mut Card)| {
            let mut card = Card::random(&odd_shape());
            change(&mut card);
            Card::from_json(&card.to_json()).expect_err("a refusal").to_string()
        };
        assert!(refusal(|c| c.features.swap(0, 1)).contains("features_hash"));
        assert!(refusal(|c| drop(c.price.pop())).contains("price lists 4 names, but the shape has 5"));
        assert!(refusal(|c| c.modalities[0] = "smell".to_owned()).contains("`smell`"));
        assert!(refusal(|c| drop(c.modalities.remove(1))).contains("price is missing"));
        assert!(refusal(|c| c.gain = 0.0).contains("gain is 0"));
        assert!(refusal(|c| c.shape.heads = 5).contains("heads, 5"));
    }
}
