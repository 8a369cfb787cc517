//! From the tape to entries: one pure fold, by which the index is followed, healed and rebuilt alike.

use std::collections::BTreeMap;

use hippocampus::{ExperienceEncoder, TapeEncoder};
use market::order::ClientId;
use serde::{Deserialize, Serialize};
use synapse::bytes::encode;
use synapse::{DecisionRecord, Input, InputKind, Notice, NoticeKind, Outcome};

use super::keys::{Kind, OrderStep, field_of, key};
use crate::record::Record;

/// Entries to be written, by key.
pub type Batch = BTreeMap<Vec<u8>, Vec<u8>>;

/// What the projection remembers from record to record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Projector {
    encoder: TapeEncoder,
}

impl Projector {
    /// A projector at the beginning of a tape.
    pub const fn new(encoder: ExperienceEncoder) -> Self {
        Self { encoder: TapeEncoder::new(encoder) }
    }
}

/// Adds the entries of one record, which stands in the block of that number.
pub fn project(state: &mut Projector, block: u64, record: &Record, out: &mut Batch) {
    match record {
        Record::Input(Input { sequence, time, kind: InputKind::Notice(kind) }) => {
            notice(state, &Notice { sequence: *sequence, time: *time, kind: kind.clone() }, out);
        }
        Record::Decision(decision) => decided(state, block, &decision.record, out),
        Record::Marker(marker) => {
            out.insert(key(Kind::Snapshot, (marker.sequence, block)), marker.state.0.to_vec());
        }
        Record::Input(_) | Record::Released(_) | Record::Note(_) => {}
    }
}

fn notice(state: &mut Projector, notice: &Notice, out: &mut Batch) {
    match &notice.kind {
        NoticeKind::Report(report) => step(&report.id, notice.sequence, OrderStep::from(&report.kind), out),
        NoticeKind::Lapsed(id) => step(id, notice.sequence, OrderStep::Lapsed, out),
        NoticeKind::CancelSent(id) => step(id, notice.sequence, OrderStep::CancelSent, out),
        _ => state.encoder.noticed(notice),
    }
    if let Some(hash) = notice.kind.activates() {
        out.insert(key(Kind::Activated, notice.sequence), hash.to_vec());
    }
}

fn decided(state: &mut Projector, block: u64, record: &DecisionRecord, out: &mut Batch) {
    let (sequence, instrument) = (record.sequence, record.instrument);
    let ended = match &record.verdict.outcome {
        Outcome::Act(_) => "",
        Outcome::Rest(reason) => reason.name(),
    };
    out.insert(key(Kind::ByTime, (field_of(record.time), sequence, instrument)), Vec::new());
    out.insert(key(Kind::ByInstrument, (instrument, sequence)), ended.into());
    out.insert(key(Kind::Decision, (sequence, instrument)), encode(&block));
    for request in record.verdict.requests() {
        step(&request.id(), sequence, OrderStep::from(request), out);
    }
    if let Some(experience) = state.encoder.decided(record) {
        let key = key(Kind::Experience, (instrument, experience.closed_sequence));
        out.insert(key, encode(&experience));
    }
}

fn step(id: &ClientId, sequence: u64, step: OrderStep, out: &mut Batch) {
    out.insert(key(Kind::Order, (id, sequence, step)), Vec::new());
}
