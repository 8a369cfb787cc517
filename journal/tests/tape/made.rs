//! Tapes made for tests, on a disk in memory.

use std::path::{Path, PathBuf};

use journal::{Entry, Head, Manifest, Record, Regime, Tape, codec};
use market::{InstrumentId, Quantity, Timestamp};
use synapse::{
    Action, DecisionRecord, Digest, ExecutionForecast, Forecast, Input, InputKind, Judged, Outcome, Reason,
    Sensed, Tick, Verdict,
};

use crate::sim::{Random, SimDisk};

/// The folder of the journal.
pub fn dir() -> PathBuf {
    PathBuf::from("/j")
}

/// The file of a segment.
pub fn segment(number: u32) -> PathBuf {
    dir().join(format!("tape/{number:010}.seg"))
}

/// The manifest of a run.
pub fn manifest(run: &str) -> Manifest {
    Manifest {
        run: run.into(),
        created_ns: 1_777_689_380_521_000_000,
        build: "0.1.0".into(),
        regime: Regime::Simulated,
        config: journal::Hash([1; 32]),
        policy: journal::Hash([2; 32]),
        rules: None,
        schemas: None,
        backend: "none".into(),
        cpu: "any".into(),
        instruments: vec!["TEST".into()],
        feeds: vec!["feed.csv".into()],
        formats: vec!["made up".into()],
        from_ns: None,
        venue: None,
    }
}

/// An input of two bytes for each of `weight`, which do not compress unless they are zeros.
pub fn input(sequence: u64, weight: u64, zeros: bool) -> Input {
    let mut random = Random(sequence);
    let fresh = (0..weight).map(|_| InstrumentId(if zeros { 0 } else { random.next() as u16 })).collect();
    let time = Timestamp::from_ns(sequence as i64 * 1_000);
    Input { sequence, time, kind: InputKind::Tick(Tick { fresh, ..Tick::default() }) }
}

/// A decision on an input: to rest.
pub fn decision(sequence: u64) -> DecisionRecord {
    let sensed = Sensed { sequence, time: Timestamp::from_ns(sequence as i64 * 1_000), ..scenes::sensed() };
    let proposed = scenes::proposed(sensed, scenes::proposal(Action::Hold, Quantity::from_units(0)));
    let execution = ExecutionForecast { edge_bp: Some(-0.5), ..ExecutionForecast::default() };
    let outcome = Outcome::Rest(Reason::AtTarget { target: Quantity::from_units(0) });
    let verdict = Verdict::untested(outcome);
    DecisionRecord::of(&Judged { forecast: Forecast { proposed, execution }, verdict })
}

/// What is known behind an input.
pub fn head(sequence: u64) -> Head {
    Head { sequence, time_ns: sequence as i64 * 1_000, latched: false, digest: Digest::default() }
}

/// Adds a block of one input for each of `weights`.
pub fn append(tape: &mut Tape<SimDisk>, weights: &[u64], zeros: bool) -> Result<(), journal::JournalError> {
    let mut frames = Vec::new();
    let mut sequence = tape.last().sequence_last;
    for weight in weights {
        sequence += 1;
        codec::frame(Entry::Input(&input(sequence, *weight, zeros)), &mut frames);
    }
    tape.append(&frames, weights.len() as u32, head(sequence)).map(drop)
}

/// The inputs among records, by number.
pub fn sequences(records: &[Record]) -> Vec<u64> {
    records
        .iter()
        .filter_map(|r| if let Record::Input(input) = r { Some(input.sequence) } else { None })
        .collect()
}

/// A new tape on a new disk.
pub fn tape(segment_bytes: u64) -> (SimDisk, Tape<SimDisk>) {
    let disk = SimDisk::default();
    let tape =
        Tape::create(disk.clone(), &dir(), &manifest("made"), segment_bytes).expect("the disk is whole");
    (disk, tape)
}

/// All records.
pub fn read(disk: &SimDisk, dir: &Path) -> Vec<Record> {
    let reader = journal::Reader::open_on(disk, dir).expect("the tape is whole");
    reader.records().collect::<Result<_, _>>().expect("the tape is whole")
}
