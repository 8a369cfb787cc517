//! The whole state of a brain between two inputs.

use serde::{Deserialize, Serialize};
use synapse::Fault;
use synapse::bytes::{decode, encode};

use super::broker::Broker;
use super::door::Door;
use super::spine::MindState;

/// Everything that changes with an input: what a snapshot holds (J6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    pub(super) door: Door,
    pub(super) mind: MindState,
    pub(super) broker: Broker,
}

impl Cut {
    /// Its canonical bytes: what a snapshot keeps, and what a marker's hash is of.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// From its bytes.
    ///
    /// # Errors
    /// A [`Fault`] where they are not those of a cut of this build.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        decode(bytes).map_err(|e| Fault::new("snapshot", e.to_string()))
    }

    /// The artefacts that had taken effect, in order.
    pub fn activated(&self) -> &[[u8; 32]] {
        self.mind.activated()
    }
}
