//! A network as one artefact: a card, and weights or graphs, as canonical bytes with a hash (R2).

use crate::card::Card;
use crate::error::NetworkError;
use crate::graphs::Graphs;
use crate::parts::{Parts, put};
use crate::shape::Shape;
use crate::weights::Weights;

/// The first bytes of an artefact; the digit is the version of the format.
const MAGIC: &[u8; 8] = b"janusnw1";
/// The kinds of body.
const WEIGHTS: u64 = 0;
const GRAPHS: u64 = 1;

/// What computes.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Weights of our own architecture.
    Weights(Weights),
    /// Somebody's own graphs with our signature.
    Graphs(Graphs),
}

/// A network: what it is and what computes.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// What it is.
    pub card: Card,
    /// What computes.
    pub body: Body,
}

impl Network {
    /// A network of random weights under a made-up card, for tests and for timing.
    #[must_use]
    pub fn random(shape: &Shape, seed: u64) -> Self {
        Self { card: Card::random(shape), body: Body::Weights(Weights::random(shape, seed)) }
    }

    /// A network of our own architecture.
    ///
    /// # Errors
    /// All that [`Card::check`] refuses.
    pub fn new(card: Card, weights: Weights) -> Result<Self, NetworkError> {
        card.check()?;
        Ok(Self { card, body: Body::Weights(weights) })
    }

    /// A network of somebody's own graphs.
    ///
    /// # Errors
    /// All that [`Card::check`] refuses.
    pub fn with_graphs(card: Card, graphs: Graphs) -> Result<Self, NetworkError> {
        card.check()?;
        Ok(Self { card, body: Body::Graphs(graphs) })
    }

    /// A network from the contents of `card.json` and `weights.safetensors`.
    ///
    /// # Errors
    /// A bad card or bad weights.
    pub fn from_files(card_json: &[u8], safetensors: &[u8]) -> Result<Self, NetworkError> {
        let card = Card::from_json(card_json)?;
        let weights = Weights::from_safetensors(&card.shape, safetensors)?;
        Self::new(card, weights)
    }

    /// The weights, where it is of our own architecture.
    #[must_use]
    pub fn weights(&self) -> Option<&Weights> {
        match &self.body {
            Body::Weights(weights) => Some(weights),
            Body::Graphs(_) => None,
        }
    }

    /// Canonical bytes: the same network gives the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        put(&mut bytes, &self.card.to_json());
        match &self.body {
            Body::Weights(weights) => {
                bytes.extend(WEIGHTS.to_le_bytes());
                put(&mut bytes, &weights.to_safetensors(&self.card.shape));
            }
            Body::Graphs(Graphs { frame, temporal, fusion, heads }) => {
                bytes.extend(GRAPHS.to_le_bytes());
                [frame, temporal, fusion, heads].into_iter().for_each(|graph| put(&mut bytes, graph));
            }
        }
        bytes
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Bytes of another format, cut off or with something behind them; a bad card or bad weights.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NetworkError> {
        let mut parts = Parts::of("network", MAGIC, bytes)?;
        let card = Card::from_json(parts.take()?)?;
        let network = match parts.number()? {
            WEIGHTS => Self::new(card.clone(), Weights::from_safetensors(&card.shape, parts.take()?)?),
            GRAPHS => {
                let mut graph = || parts.take().map(<[u8]>::to_vec);
                let (frame, temporal, fusion, heads) = (graph()?, graph()?, graph()?, graph()?);
                Self::with_graphs(card, Graphs { frame, temporal, fusion, heads })
            }
            kind => Err(parts.wrong(format!("body of kind {kind}; this program knows 0 and 1"))),
        }?;
        parts.end()?;
        Ok(network)
    }

    /// The BLAKE3 hash of its canonical bytes: its name in tapes and commands.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.to_bytes()).as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::odd_shape;

    fn graphs() -> Graphs {
        Graphs { frame: vec![1], temporal: vec![2, 3], fusion: Vec::new(), heads: vec![4] }
    }

    #[test]
    fn bytes_give_back_the_network_and_its_hash() {
        let own = Network::with_graphs(Card::random(&odd_shape()), graphs()).expect("a network");
        for network in [Network::random(&odd_shape(), 7), own] {
            let again = Network::from_bytes(&network.to_bytes()).expect("a network");
            assert_eq!(again, network);
            assert_eq!((again.to_bytes(), again.hash()), (network.to_bytes(), network.hash()));
        }
        let mut renamed = Network::random(&odd_shape(), 7);
        renamed.card.name.push('x');
        assert_ne!(renamed.hash(), Network::random(&odd_shape(), 7).hash());
    }

    #[test]
    fn every_way_of_cutting_bytes_off_is_refused() {
        let own = Network::with_graphs(Card::random(&odd_shape()), graphs()).expect("a network").to_bytes();
        for len in 0..own.len() {
            assert!(Network::from_bytes(&own[..len]).is_err(), "{len} bytes");
        }
        let whole = Network::random(&odd_shape(), 7).to_bytes();
        for bytes in [&whole[..whole.len() - 1], &[&whole[..], &[0]].concat(), b"janusnw2"] {
            let error = Network::from_bytes(bytes).expect_err("a refusal");
            assert!(matches!(error, NetworkError::Bytes { .. }), "{error}");
        }
    }

    #[test]
    fn a_flipped_bit_is_another_hash_or_no_network() {
        let network = Network::random(&odd_shape(), 7);
        let bytes = network.to_bytes();
        for at in (0..bytes.len()).step_by(97) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            if let Ok(other) = Network::from_bytes(&flipped) {
                assert_ne!(other.hash(), network.hash(), "byte {at}");
            }
        }
    }
}
