//! Checking a tape (J9): every bit of it, and nothing is written. It shows that somebody touched the
//! tape, unless he rewrote everything behind the place and the anchor too.

use std::path::Path;

use serde::Serialize;
use synapse::Digest;

use crate::anchor::{self, Position};
use crate::codec::{Codec, FrameKind, codec};
use crate::disk::{Disk, DiskFile, RealDisk};
use crate::error::JournalError;
use crate::files::failed;
use crate::header::{Header, Kind};
use crate::reader::{Reader, damaged};
use crate::record::Record;
use crate::segments::{self, PIECE_BYTES};
use crate::survey::{BlockAt, Damage, survey};

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything is as it was written, up to a torn end that a crash may leave.
    Clean,
    /// Something is not.
    Broken,
    /// There is no tape, or none that this build can read.
    Unreadable,
}

/// The first thing that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FirstBad {
    /// The number of the block.
    pub block: u64,
    /// The last input before it.
    pub sequence: u64,
    /// The file.
    pub segment: String,
    /// What is wrong.
    pub why: String,
}

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    pub first_bad: Option<FirstBad>,
}

/// Checks the tape of a journal.
pub fn verify(dir: &Path) -> Report {
    verify_on(&RealDisk, dir)
}

/// As [`verify`], on a disk.
pub fn verify_on<D: Disk>(disk: &D, dir: &Path) -> Report {
    let mut report = Report {
        verdict: Verdict::Clean,
        blocks: 0,
        records: 0,
        durable: 0,
        head: None,
        anchored: None,
        closed: false,
        torn_bytes: 0,
        first_bad: None,
    };
    let (verdict, bad) = match check(disk, dir, &mut report) {
        Ok(None) => return report,
        Ok(Some(Damage { file: segment, block, sequence, what: why })) => {
            (Verdict::Broken, FirstBad { block, sequence, segment, why })
        }
        Err(JournalError::Damaged { file: segment, block, sequence, what: why }) => {
            (Verdict::Broken, FirstBad { block, sequence, segment, why })
        }
        Err(error) => {
            let (block, sequence, segment) = (report.blocks, report.durable, String::new());
            (Verdict::Unreadable, FirstBad { block, sequence, segment, why: error.to_string() })
        }
    };
    (report.verdict, report.first_bad) = (verdict, Some(bad));
    report
}

fn check<D: Disk>(disk: &D, dir: &Path, report: &mut Report) -> Result<Option<Damage>, JournalError> {
    let mut seen = survey(disk, dir, false, None)?;
    let behind = seen.damage.take();
    report.anchored = seen.anchored;
    report.torn_bytes = seen.leftovers.iter().map(|left| left.to - left.from).sum();
    if seen.blocks.is_empty() {
        return Ok(behind);
    }
    let gaps = gaps(&seen.blocks, &seen.segments.iter().map(|s| s.bytes).collect::<Vec<_>>());
    let reader = Reader::of(disk, dir, seen)?;
    let mut fold = Fold::default();
    for at in 0..reader.headers().len() {
        let Some((block, payload)) = reader.payload(at)? else { break };
        if let Err(what) = fold.block(&block.header, &payload) {
            return Ok(Some(damaged(block, what)));
        }
        report.blocks += 1;
        report.records += u64::from(block.header.records);
        report.durable = block.header.sequence_last;
        report.closed = block.header.kind == Kind::Closed;
        let hash = block.header.hash();
        report.head = Some(Position { block: block.header.number, sequence: report.durable, hash });
        if let Some((from, to)) = gaps.iter().find(|gap| gap.0 == at).map(|gap| gap.1)
            && !all_zero(disk, dir, block, from, to)?
        {
            return Ok(Some(damaged(block, "there is something behind it in its segment".into())));
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
            let (file, what) = ("anchor".into(), format!("record {at} of the anchor is not right"));
            return Ok(Some(Damage { file, block: 0, sequence: 0, what }));
        };
        let Some(index) = head.block.checked_sub(first).and_then(|at| usize::try_from(at).ok()) else {
            continue;
        };
        let Some(block) = blocks.get(index) else { continue };
        let found = block.header.hash();
        if found != head.hash {
            return Ok(Some(damaged(
                block,
                format!("its hash is {found}, and the anchor names {}", head.hash),
            )));
        }
    }
    Ok(None)
}

/// What lies between the last block of each segment and the segment's end, except in the last one,
/// which was surveyed: the block's place and the range.
fn gaps(blocks: &[BlockAt], sizes: &[u64]) -> Vec<(usize, (u64, u64))> {
    let ends = (0..blocks.len().saturating_sub(1)).filter(|at| blocks[*at].segment != blocks[at + 1].segment);
    ends.zip(sizes).map(|(at, bytes)| (at, (blocks[at].offset + blocks[at].bytes(), *bytes))).collect()
}

fn all_zero<D: Disk>(
    disk: &D,
    dir: &Path,
    block: &BlockAt,
    from: u64,
    to: u64,
) -> Result<bool, JournalError> {
    let path = segments::folder(dir).join(block.file());
    let file = disk.open(&path, false).map_err(failed(&path, "open"))?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut at = from;
    while at < to {
        let read = file.read_at(at, &mut piece).map_err(failed(&path, "read"))?;
        if piece[..read].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        if read == 0 {
            break;
        }
        at += read as u64;
    }
    Ok(true)
}

/// What runs through all blocks.
#[derive(Default)]
struct Fold {
    /// The chain over the decisions, and the last input; none before the first block.
    state: Option<(Digest, u64)>,
}

impl Fold {
    fn block(&mut self, header: &Header, payload: &[u8]) -> Result<(), String> {
        if header.kind == Kind::Genesis {
            self.state = Some((header.digest, header.sequence_last));
            return if header.digest == Digest::default() && header.payload == header.root {
                Ok(())
            } else {
                Err("it does not begin the run of its manifest".into())
            };
        }
        let codec = codec(header.version).ok_or_else(|| format!("format {} is not known", header.version))?;
        // where retention dropped the beginning, the chain over the decisions starts behind this block
        let first = self.state.is_none();
        let (mut digest, mut sequence) =
            self.state.unwrap_or((header.digest, header.sequence_first.wrapping_sub(1)));
        let records = self::records(codec, header, payload, &mut digest, &mut sequence)?;
        if records != header.records {
            return Err(format!("it has {records} records and its header says {}", header.records));
        }
        if sequence != header.sequence_last {
            return Err(format!(
                "its inputs end with {sequence} and its header says {}",
                header.sequence_last
            ));
        }
        if first {
            digest = header.digest;
        }
        if digest != header.digest {
            let (found, said) = (digest.to_hex(), header.digest.to_hex());
            return Err(format!(
                "the digest of the decisions up to its end is {found} and its header says {said}"
            ));
        }
        self.state = Some((digest, sequence));
        Ok(())
    }
}

fn records(
    codec: &dyn Codec,
    header: &Header,
    payload: &[u8],
    digest: &mut Digest,
    sequence: &mut u64,
) -> Result<u32, String> {
    let raw = codec.unpack(payload, header.raw_bytes)?;
    let frames = codec.frames(&raw)?;
    for frame in &frames {
        if matches!(frame.kind, FrameKind::Decision | FrameKind::LateDecision) {
            digest.push(frame.body);
        }
        if let Record::Input(input) = codec.record(*frame)? {
            if input.sequence != sequence.wrapping_add(1) {
                return Err(format!("input {} stands behind input {sequence}", input.sequence));
            }
            *sequence = input.sequence;
        }
    }
    Ok(frames.len() as u32)
}
