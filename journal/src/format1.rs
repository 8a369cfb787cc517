//! The record of a decision in format 1, which told neither the book's state nor the best prices. It is
//! frozen: tapes hold it (J8).

use market::book::BookState;
use market::features::FeatureVector;
use market::{InstrumentId, Timestamp};
use serde::Deserialize;
use synapse::{Account, Action, Context, Recall, SampleKind, Threat};

use crate::format2::{FusedState, Proposal};
use crate::format3::{ExecutionForecast, Verdict};

/// A decision as format 1 kept it.
#[derive(Debug, Deserialize)]
pub(crate) struct DecisionRecord {
    sequence: u64,
    instrument: InstrumentId,
    time: Timestamp,
    kind: SampleKind,
    mark2: Option<i64>,
    account: Account,
    features: FeatureVector,
    context: Context,
    threat: Threat,
    recall: [Recall; Action::COUNT],
    percept: [u8; 32],
    state: FusedState,
    proposal: Proposal,
    execution: ExecutionForecast,
    verdict: Verdict,
}

impl From<DecisionRecord> for synapse::DecisionRecord {
    fn from(old: DecisionRecord) -> Self {
        Self {
            sequence: old.sequence,
            instrument: old.instrument,
            time: old.time,
            kind: old.kind,
            mark2: old.mark2,
            account: old.account,
            features: old.features,
            context: old.context,
            threat: old.threat,
            recall: old.recall,
            percept: old.percept,
            state: old.state.into(),
            proposal: old.proposal.into(),
            execution: old.execution.into(),
            verdict: old.verdict.into(),
            book: BookState::Unknown,
            top: None,
        }
    }
}
