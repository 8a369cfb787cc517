//! Checking a tape (J9): every bit of it, and nothing is written. It shows that somebody touched the
//! tape, unless he rewrote everything behind the place and the anchor too.

use std::path::Path;

use serde::Serialize;
use synapse::Digest;

use crate::anchor::{self, Position};
use crate::codec::{FrameKind, each_record};
use crate::disk::{Disk, RealDisk};
use crate::error::{Damage, JournalError};
use crate::header::{Header, Kind};
use crate::reader::Reader;
use crate::record::Record;
use crate::survey::survey;

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything is as it was written, up to a torn end that a crash may leave.
    #[default]
    Clean,
    /// Something is not.
    Broken,
    /// There is no tape, or none that this build can read.
    Unreadable,
}

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// What came out.
    pub verdict: Verdict,
    /// How many blocks are good, from the first.
    pub blocks: u64,
    /// How many records they hold.
    pub records: u64,
    /// The last input in them.
    pub durable: u64,
    /// The last of them.
    pub head: Option<Position>,
    /// The last head in the anchor.
    pub anchored: Option<Position>,
    /// Whether the tape was closed in order.
    pub closed: bool,
    /// How many bytes behind the end a crash left.
    pub torn_bytes: u64,
    /// What is wrong first; where there is nothing to read, why.
    pub first_bad: Option<Damage>,
}

/// Checks the tape of a journal.
pub fn verify(dir: &Path) -> Report {
    verify_on(&RealDisk, dir)
}

/// As [`verify`], on a disk.
pub fn verify_on<D: Disk>(disk: &D, dir: &Path) -> Report {
    let mut report = Report::default();
    let (verdict, bad) = match check(disk, dir, &mut report) {
        Ok(None) => return report,
        Ok(Some(damage)) | Err(JournalError::Damaged(damage)) => (Verdict::Broken, damage),
        Err(error) => {
            let (block, sequence, segment) = (report.blocks, report.durable, String::new());
            (Verdict::Unreadable, Damage { block, sequence, segment, why: error.to_string() })
        }
    };
    (report.verdict, report.first_bad) = (verdict, Some(bad));
    report
}

fn check<D: Disk>(disk: &D, dir: &Path, report: &mut Report) -> Result<Option<Damage>, JournalError> {
    let mut seen = survey(disk, dir, false, 0)?;
    let behind = seen.damage.take();
    report.anchored = seen.anchored;
    report.torn_bytes = seen.leftovers.iter().map(|left| left.to - left.from).sum();
    if seen.blocks.is_empty() {
        return Ok(behind);
    }
    let reader = Reader::of(disk, dir, seen)?;
    let mut digest = None;
    for (at, block) in reader.headers().iter().enumerate() {
        let payload = reader.payload(block)?;
        if let Err(why) = fold(&mut digest, &block.header, &payload) {
            return Ok(Some(block.damaged(why)));
        }
        let Header { number, records, sequence_last: sequence, kind, .. } = block.header;
        report.blocks += 1;
        report.records += u64::from(records);
        (report.durable, report.closed) = (sequence, kind == Kind::Closed);
        report.head = Some(Position { block: number, sequence, hash: block.header.hash() });
        // what is behind the last one was surveyed
        let ends = reader.headers().get(at + 1).is_some_and(|next| next.segment != block.segment);
        if ends && reader.survey.segment(block).file.written(block.end())?.is_some() {
            return Ok(Some(block.damaged("there is something behind it in its segment")));
        }
    }
    Ok(match behind {
        None => history(disk, dir, &reader)?,
        damage => damage,
    })
}

/// Whether every head that was ever anchored is a block of this tape.
fn history<D: Disk>(disk: &D, dir: &Path, reader: &Reader<D>) -> Result<Option<Damage>, JournalError> {
    let blocks = reader.headers();
    let first = blocks.first().map_or(0, |block| block.header.number);
    for (at, record) in anchor::history(disk, dir)?.into_iter().enumerate() {
        let Some(head) = record else {
            let why = format!("record {at} of the anchor is not right");
            return Ok(Some(Damage { block: 0, sequence: 0, segment: "anchor".into(), why }));
        };
        let index = head.block.checked_sub(first).and_then(|at| usize::try_from(at).ok());
        let other = index.and_then(|at| blocks.get(at)).and_then(|block| block.is_not(&head));
        if other.is_some() {
            return Ok(other);
        }
    }
    Ok(None)
}

/// Checks the records of a block, and takes its decisions into the chain over them.
fn fold(chain: &mut Option<Digest>, header: &Header, payload: &[u8]) -> Result<(), String> {
    if header.kind == Kind::Genesis && (header.digest != Digest::default() || header.payload != header.root) {
        return Err("it does not begin the run of its manifest".into());
    }
    let mut sequence = header.sequence_first.wrapping_sub(1);
    let mut digest = chain.unwrap_or(header.digest);
    each_record(header, payload, |frame, record| {
        if matches!(frame.kind, FrameKind::Decision | FrameKind::LateDecision) {
            digest.push(frame.body);
        }
        if let Record::Input(input) = record {
            if input.sequence != sequence.wrapping_add(1) {
                return Err(format!("input {} stands behind input {sequence}", input.sequence));
            }
            sequence = input.sequence;
        }
        Ok(())
    })?;
    if sequence != header.sequence_last {
        return Err(format!("its inputs end with {sequence} and its header says {}", header.sequence_last));
    }
    // where retention dropped the beginning, the chain starts behind the first block that is left
    if chain.is_some() && digest != header.digest {
        let (found, said) = (digest.to_hex(), header.digest.to_hex());
        return Err(format!(
            "the digest of the decisions up to its end is {found} and its header says {said}"
        ));
    }
    *chain = Some(header.digest);
    Ok(())
}
