//! From the tape to entries: one pure fold, by which the index is followed, healed and rebuilt alike.

use std::collections::{BTreeMap, VecDeque};

use hippocampus::ExperienceEncoder;
use market::order::ClientId;
use serde::{Deserialize, Serialize};
use synapse::{DecisionRecord, Input, InputKind, Notice, NoticeKind};

use super::keys::{Key, Kind, OrderStep, outcome_byte};
use crate::record::Record;

/// Entries to be written, by key.
pub type Batch = BTreeMap<Vec<u8>, Vec<u8>>;

/// What the projection remembers from record to record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Projector {
    encoder: ExperienceEncoder,
    /// Notices that the encoder has not seen yet. An input can stand on the tape before decisions of
    /// earlier inputs (those that were recomputed after a crash do), so each waits for the first
    /// decision behind it.
    waiting: VecDeque<Notice>,
}

impl Projector {
    /// A projector at the beginning of a tape.
    pub fn new(encoder: ExperienceEncoder) -> Self {
        Self { encoder, waiting: VecDeque::new() }
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
            let key = Key::of(Kind::Snapshot).number(marker.sequence).number(block);
            out.insert(key.bytes(), marker.state.0.to_vec());
        }
        Record::Input(_) | Record::Released(_) | Record::Note(_) => {}
    }
}

fn notice(state: &mut Projector, notice: &Notice, out: &mut Batch) {
    match &notice.kind {
        NoticeKind::Report(report) => step(&report.id, notice.sequence, OrderStep::from(&report.kind), out),
        NoticeKind::Lapsed(id) => step(id, notice.sequence, OrderStep::Lapsed, out),
        NoticeKind::CancelSent(id) => step(id, notice.sequence, OrderStep::CancelSent, out),
        NoticeKind::Activate { hash, .. } => {
            out.insert(Key::of(Kind::Activated).number(notice.sequence).bytes(), hash.to_vec());
            state.waiting.push_back(notice.clone());
        }
        NoticeKind::Restarted | NoticeKind::Quarantine { .. } | NoticeKind::EndOfStream => {
            state.waiting.push_back(notice.clone());
        }
        NoticeKind::Command(_) | NoticeKind::Latch(_) => {}
    }
}

fn decided(state: &mut Projector, block: u64, record: &DecisionRecord, out: &mut Batch) {
    let (sequence, instrument) = (record.sequence, record.instrument);
    let by_time = Key::of(Kind::ByTime).time(record.time).number(sequence).instrument(instrument);
    out.insert(by_time.bytes(), Vec::new());
    let by_instrument = Key::of(Kind::ByInstrument).instrument(instrument).number(sequence);
    out.insert(by_instrument.bytes(), vec![outcome_byte(&record.verdict.outcome)]);
    let decision = Key::of(Kind::Decision).number(sequence).instrument(instrument);
    out.insert(decision.bytes(), block.to_be_bytes().to_vec());
    for request in record.verdict.requests() {
        step(&request.id(), sequence, OrderStep::from(request), out);
    }
    while let Some(notice) = state.waiting.pop_front_if(|notice| notice.sequence < sequence) {
        state.encoder.noticed(&notice);
    }
    if let Some(experience) = state.encoder.decided(record) {
        let key = Key::of(Kind::Experience).instrument(instrument).number(experience.closed_sequence);
        out.insert(key.bytes(), synapse::region::encode(&experience));
    }
}

fn step(id: &ClientId, sequence: u64, step: OrderStep, out: &mut Batch) {
    out.insert(Key::of(Kind::Order).client(id).number(sequence).byte(step as u8).bytes(), Vec::new());
}
