//! What a run was started with: the first thing on a tape, and the root of its chain (J1).

use serde::{Deserialize, Serialize};

use crate::record::Hash;

/// How time is treated (L5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Regime {
    /// The door merges by event time; a run is a pure function of its feeds.
    Simulated,
    /// The door takes things as they come; the tape holds the order that came.
    Real,
}

/// What a run was started with. Its canonical bytes are its JSON, in the order of the fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The run's name, drawn once when the tape is created.
    pub run: String,
    /// When that was, nanoseconds since the epoch by the clock of the machine.
    pub created_ns: i64,
    /// The version of the program.
    pub build: String,
    /// How time is treated.
    pub regime: Regime,
    /// The artefact that is the configuration.
    pub config: Hash,
    /// The artefact that is the policy.
    pub policy: Hash,
    /// The artefact that is the rule set; none of a tape older than rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Hash>,
    /// The artefact that is what was learned asleep before; none where the run began with nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schemas: Option<Hash>,
    /// What computes the networks.
    pub backend: String,
    /// The processor's features that could change a bit of a result.
    pub cpu: String,
    /// The instruments, by number.
    pub instruments: Vec<String>,
    /// The feeds, in rank order.
    pub feeds: Vec<String>,
    /// The formats of the feeds, which choose samplers where the configuration does not.
    pub formats: Vec<String>,
    /// Nothing is sampled before this event time.
    pub from_ns: Option<i64>,
    /// The venue process; none where the exchange is in the program.
    pub venue: Option<String>,
}
