//! The record of a decision in format 2, which told neither the gate of fusion nor what the critic
//! expects. It is frozen: tapes hold it (J8).

use market::book::{BookState, Top};
use market::features::FeatureVector;
use market::{InstrumentId, Quantity, Timestamp};
use serde::Deserialize;
use synapse::{Account, Action, Context, Modality, Recall, SampleKind, Threat};

use crate::format3::{ExecutionForecast, Verdict};

/// A fused state as formats 1 and 2 kept it.
#[derive(Debug, Deserialize)]
pub(crate) struct FusedState {
    h: Box<[f32]>,
    absent: Vec<Modality>,
}

impl From<FusedState> for synapse::FusedState {
    fn from(old: FusedState) -> Self {
        Self { h: old.h, gate: Box::default(), absent: old.absent }
    }
}

/// A proposal as formats 1 and 2 kept it.
#[derive(Debug, Deserialize)]
pub(crate) struct Proposal {
    go: [f32; Action::COUNT],
    no_go: [f32; Action::COUNT],
    policy: [f32; Action::COUNT],
    action: Action,
    margin: f32,
    margin_needed: f32,
    target: Quantity,
    urgency: f32,
}

impl From<Proposal> for synapse::Proposal {
    fn from(old: Proposal) -> Self {
        Self {
            go: old.go,
            no_go: old.no_go,
            values: None,
            policy: old.policy,
            action: old.action,
            probability: 1.0,
            margin: old.margin,
            margin_needed: old.margin_needed,
            target: old.target,
            urgency: old.urgency,
        }
    }
}

/// A decision as format 2 kept it.
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
    book: BookState,
    top: Option<Top>,
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
            book: old.book,
            top: old.top,
        }
    }
}
