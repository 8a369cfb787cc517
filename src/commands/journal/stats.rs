//! `janus journal stats`: what is on a tape, and what it takes.

use std::collections::BTreeMap;
use std::fmt::Write;

use journal::{Note, Record};
use serde::Serialize;
use synapse::Outcome;
use synapse::bytes::encode;

use super::{LookArgs, Tape, times};
use crate::commands::terminal::report;
use crate::explain::Kind;
use crate::failure::Failure;
use crate::summary::grouped;

/// Reads the whole tape and counts.
pub(super) fn run(args: &LookArgs) -> Result<(), Failure> {
    let counted = count(&args.journal.open()?)?;
    report(args.json, &text(&counted), &counted)
}

/// Records of one kind.
#[derive(Debug, Default, Serialize)]
struct Weight {
    records: u64,
    /// As they are framed.
    bytes_raw: u64,
    /// Their share of the payloads, by raw bytes.
    bytes_compressed: f64,
}

/// What is on a tape.
#[derive(Debug, Default, Serialize)]
struct Counted {
    blocks: u64,
    records: u64,
    sequence_first: u64,
    sequence_last: u64,
    time_first: Option<String>,
    time_last: Option<String>,
    epochs: u32,
    crash_restarts: u64,
    kinds: BTreeMap<String, Weight>,
    acted: u64,
    reasons: BTreeMap<&'static str, u64>,
    late: u64,
    /// The least, median and most records of a block.
    block_records: [u32; 3],
    bytes_payload: u64,
    bytes_raw: u64,
    /// Payload a decision, whatever else is in it.
    bytes_a_decision: Option<f64>,
}

fn count(tape: &Tape) -> Result<Counted, Failure> {
    let blocks = tape.reader.headers();
    let mut counted = Counted { blocks: blocks.len() as u64, ..Counted::default() };
    let mut records_a_block: Vec<u32> =
        blocks.iter().map(|block| block.header.records).filter(|n| *n > 0).collect();
    records_a_block.sort_unstable();
    if let (Some(least), Some(most)) = (records_a_block.first(), records_a_block.last()) {
        counted.block_records = [*least, records_a_block[records_a_block.len() / 2], *most];
    }
    if let (Some(first), Some(last)) = (blocks.first(), blocks.last()) {
        counted.sequence_first = first.header.sequence_first;
        counted.sequence_last = last.header.sequence_last;
        counted.epochs = last.header.epoch + 1;
    }
    [counted.time_first, counted.time_last] = times(blocks);
    for (at, block) in blocks.iter().enumerate() {
        let packed = f64::from(block.header.payload_bytes) / f64::from(block.header.raw_bytes.max(1));
        counted.bytes_payload += u64::from(block.header.payload_bytes);
        counted.bytes_raw += u64::from(block.header.raw_bytes);
        for record in tape.reader.block(at)? {
            counted.note(&record, packed);
        }
    }
    let decisions = counted.kinds.get(&Kind::Decision.name()).map_or(0, |weight| weight.records);
    counted.bytes_a_decision = (decisions > 0).then(|| counted.bytes_payload as f64 / decisions as f64);
    Ok(counted)
}

/// The length and the kind that stand before each record.
const FRAME_BYTES: usize = 5;

impl Counted {
    fn note(&mut self, record: &Record, packed: f64) {
        let bytes = FRAME_BYTES
            + match record {
                Record::Input(input) => encode(input).len(),
                Record::Decision(decision) => decision.record.to_bytes().len(),
                Record::Released(released) => encode(released).len(),
                Record::Marker(marker) => encode(marker).len(),
                Record::Note(note) => encode(note).len(),
            };
        self.records += 1;
        let weight = self.kinds.entry(Kind::of(record).name()).or_default();
        weight.records += 1;
        weight.bytes_raw += bytes as u64;
        weight.bytes_compressed += bytes as f64 * packed;
        match record {
            Record::Decision(decision) => {
                self.late += u64::from(decision.late);
                match &decision.record.verdict.outcome {
                    Outcome::Act(_) => self.acted += 1,
                    Outcome::Rest(reason) => *self.reasons.entry(reason.name()).or_default() += 1,
                }
            }
            Record::Note(Note::Opened { after_crash: true, .. }) => self.crash_restarts += 1,
            _ => {}
        }
    }
}

fn text(counted: &Counted) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: String| _ = writeln!(text, "{name:<28} {value}");
    let dash = || "-".to_owned();
    row("blocks", grouped(counted.blocks));
    row("records", grouped(counted.records));
    row("sequence", format!("{} to {}", counted.sequence_first, counted.sequence_last));
    let (first, last) = (counted.time_first.clone(), counted.time_last.clone());
    row("event time", format!("{} to {}", first.unwrap_or_else(dash), last.unwrap_or_else(dash)));
    row("epochs", format!("{}, {} of them after a crash", counted.epochs, counted.crash_restarts));
    let [least, median, most] = counted.block_records;
    row("records a block", format!("{least} at least, {median} in the middle, {most} at most"));
    let (payload, raw) = (grouped(counted.bytes_payload), grouped(counted.bytes_raw));
    row("payload", format!("{payload} bytes, of {raw} before compression"));
    row(
        "payload a decision",
        counted.bytes_a_decision.map_or_else(dash, |bytes| format!("{bytes:.0} bytes")),
    );
    _ = writeln!(text, "\n{:<12} {:>12} {:>16} {:>16}", "kind", "records", "bytes raw", "≈ compressed");
    for (name, weight) in &counted.kinds {
        let (records, raw) = (grouped(weight.records), grouped(weight.bytes_raw));
        let packed = grouped(weight.bytes_compressed.round() as u64);
        _ = writeln!(text, "{name:<12} {records:>12} {raw:>16} {packed:>16}");
    }
    _ = writeln!(text, "\n{:<20} {:>12}", "decisions", "");
    _ = writeln!(text, "{:<20} {:>12}", "acted", grouped(counted.acted));
    let mut reasons: Vec<_> = counted.reasons.iter().collect();
    reasons.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    for (name, n) in reasons {
        _ = writeln!(text, "{name:<20} {:>12}", grouped(*n));
    }
    if counted.late > 0 {
        _ = writeln!(text, "{:<20} {:>12}", "recomputed late", grouped(counted.late));
    }
    text
}
