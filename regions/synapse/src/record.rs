//! What is kept of a decision (J11), and the digest of a run (D4).

use market::book::{BookState, Top};
use market::features::FeatureVector;
use market::{InstrumentId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::bytes::encode;
use crate::message::{Account, Context, ExecutionForecast, FusedState, Judged, Proposal, Recall, SampleKind};
use crate::threat::Threat;
use crate::verdict::Verdict;

/// A decision, with all that is needed to ask why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// The sequence number of the input it was made by.
    pub sequence: u64,
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// When, in event time.
    pub time: Timestamp,
    /// Whether the sampler made the sample.
    pub kind: SampleKind,
    /// Twice the instrument's mark.
    pub mark2: Option<i64>,
    /// The account.
    pub account: Account,
    /// The features.
    pub features: FeatureVector,
    /// The surroundings.
    pub context: Context,
    /// What was feared.
    pub threat: Threat,
    /// What was remembered of each action.
    pub recall: [Recall; Action::COUNT],
    /// The hash of what was seen.
    pub percept: [u8; 32],
    /// The fused state.
    pub state: FusedState,
    /// What was proposed.
    pub proposal: Proposal,
    /// What acting would have cost.
    pub execution: ExecutionForecast,
    /// What was done, or why nothing.
    pub verdict: Verdict,
    /// What the book said of itself.
    pub book: BookState,
    /// The best bid and ask, where both were known.
    pub top: Option<Top>,
}

impl DecisionRecord {
    /// Its canonical bytes: what the digest is made of, and what a journal keeps.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// What is kept of a thought.
    pub fn of(judged: &Judged) -> Self {
        let sensed = judged.sensed();
        Self {
            sequence: sensed.sequence,
            instrument: sensed.instrument,
            time: sensed.time,
            kind: sensed.kind,
            mark2: sensed.mark2,
            account: sensed.account,
            features: sensed.features,
            context: sensed.context,
            threat: judged.threat().clone(),
            recall: judged.recalled().recall.clone(),
            percept: *blake3::hash(&encode(judged.percept())).as_bytes(),
            state: judged.fused().clone(),
            proposal: judged.proposal().clone(),
            execution: judged.execution().clone(),
            verdict: judged.verdict.clone(),
            book: sensed.book,
            top: sensed.top,
        }
    }
}

/// The chain over all decisions of a run, from a fixed start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest([u8; 32]);

impl Default for Digest {
    fn default() -> Self {
        Self(*blake3::hash(b"janus decisions 1").as_bytes())
    }
}

impl Digest {
    /// Adds a decision by its canonical bytes.
    pub fn push(&mut self, record: &[u8]) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        hasher.update(record);
        self.0 = *hasher.finalize().as_bytes();
    }

    /// Its bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// In hexadecimal.
    pub fn to_hex(self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }
}
