//! Looking over a tape (J4): where it ends, and whether what stands behind its end is torn, which a
//! crash leaves, or damage, which it does not.

use std::path::{Path, PathBuf};

use crate::anchor::{self, Position};
use crate::codec::codec;
use crate::disk::{Disk, DiskFile};
use crate::error::JournalError;
use crate::files::failed;
use crate::header::{FORMAT, Header, Kind};
use crate::record::{Hash, Record};
use crate::sectors::{First, Found, read_block, read_first, span};
use crate::segments::{self, Segment};

/// A block and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockAt {
    /// The number of its segment.
    pub segment: u32,
    /// Where in the segment it begins.
    pub offset: u64,
    /// Its header.
    pub header: Header,
}

impl BlockAt {
    /// The name of its segment's file.
    pub fn file(&self) -> String {
        segments::name(self.segment)
    }

    /// How many bytes of the segment it takes.
    pub fn bytes(&self) -> u64 {
        span(self.header.payload_bytes as usize)
    }
}

/// Something that no crash leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damage {
    /// The file.
    pub file: String,
    /// The number of the block.
    pub block: u64,
    /// The last input before it.
    pub sequence: u64,
    /// What is wrong.
    pub what: String,
}

impl From<Damage> for JournalError {
    fn from(Damage { file, block, sequence, what }: Damage) -> Self {
        Self::Damaged { file, block, sequence, what }
    }
}

/// Bytes behind the end, in one segment: from where the next block would begin to the last that is not
/// zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leftover {
    /// The segment, by its place in the list.
    pub at: usize,
    /// Where it begins.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
}

/// What was seen of a tape.
pub(crate) struct Survey<F> {
    /// Its segments.
    pub segments: Vec<Segment<F>>,
    /// Its blocks, up to its end or to the damage.
    pub blocks: Vec<BlockAt>,
    /// The hash of the last header.
    pub hash: Hash,
    /// What a crash left behind the end.
    pub leftovers: Vec<Leftover>,
    /// The last anchored head.
    pub anchored: Option<Position>,
    /// The first damage, if there is any.
    pub damage: Option<Damage>,
}

impl<F: DiskFile> Survey<F> {
    /// Where the tape ends.
    pub fn head(&self) -> Option<Position> {
        self.blocks.last().map(|last| Position {
            block: last.header.number,
            sequence: last.header.sequence_last,
            hash: self.hash,
        })
    }

    /// The file of a block.
    pub fn file(&self, block: &BlockAt) -> Option<&F> {
        self.segments.iter().find(|segment| segment.number == block.segment).map(|segment| &segment.file)
    }
}

/// Where the walk over the headers stopped.
pub(crate) struct Stop {
    /// The segment, by its place in the list.
    pub at: usize,
    /// Where in it the next block would begin.
    pub offset: u64,
    /// What is wrong with what is there, where that is known.
    pub why: Option<String>,
}

pub(crate) struct Look<F> {
    /// The folder of the segments.
    pub folder: PathBuf,
    /// What was seen so far.
    pub survey: Survey<F>,
}

/// Looks a tape over. Headers are checked from the beginning, payloads from block `payloads_from` and
/// in any case those of the last two. Damage counts only where a second look sees the same: another
/// process may be writing.
///
/// # Errors
/// Where there is no tape, the disk fails, or the format is not known. Damage is no error here.
pub(crate) fn survey<D: Disk>(
    disk: &D,
    dir: &Path,
    write: bool,
    payloads_from: Option<u64>,
) -> Result<Survey<D::File>, JournalError> {
    let mut seen = look(disk, dir, write, payloads_from)?;
    for _ in 0..8 {
        if seen.damage.is_none() {
            break;
        }
        let again = look(disk, dir, write, payloads_from)?;
        let same = again.damage == seen.damage;
        seen = again;
        if same {
            break;
        }
    }
    Ok(seen)
}

fn look<D: Disk>(
    disk: &D,
    dir: &Path,
    write: bool,
    payloads_from: Option<u64>,
) -> Result<Survey<D::File>, JournalError> {
    // the anchor first: whoever writes meanwhile adds blocks before he anchors them
    let anchored = anchor::read(disk, dir)?;
    let segments = segments::list(disk, dir, write)?;
    if segments.is_empty() {
        return Err(JournalError::Missing { path: dir.to_owned() });
    }
    let survey = Survey {
        segments,
        blocks: Vec::new(),
        hash: Hash::default(),
        leftovers: Vec::new(),
        anchored: anchored.last,
        damage: None,
    };
    let mut look = Look { folder: segments::folder(dir), survey };
    let mut stop = look.walk()?;
    look.check_payloads(&mut stop, payloads_from)?;
    look.survey.damage = look.judge(&stop)?;
    if look.survey.damage.is_none() {
        look.survey.damage = look.beginning()?.or_else(|| look.anchor(anchored.damage));
    }
    Ok(look.survey)
}

impl<F: DiskFile> Look<F> {
    /// A segment and its path.
    pub fn segment(&self, at: usize) -> (&Segment<F>, PathBuf) {
        let segment = &self.survey.segments[at];
        (segment, self.folder.join(segments::name(segment.number)))
    }

    fn first(&self, at: usize, offset: u64) -> Result<First, JournalError> {
        let (segment, path) = self.segment(at);
        let first = read_first(&segment.file, offset).map_err(failed(&path, "read"))?;
        if let First::Header(header) = &first
            && codec(header.version).is_none()
        {
            return Err(JournalError::Format { path, found: header.version, known: FORMAT });
        }
        Ok(first)
    }

    /// Whether a block may stand at the beginning or behind the last one found.
    fn joins(&self, header: &Header, offset: u64) -> Result<(), String> {
        match self.survey.blocks.last() {
            Some(last) if last.header.kind == Kind::Closed && offset != 0 => {
                Err("it stands behind the end of a process in one segment".into())
            }
            Some(last) => header.follows(&last.header, &self.survey.hash),
            None if header.number > 0 => Ok(()),
            None if header.kind != Kind::Genesis || header.previous != header.root => {
                Err("it is the first and does not begin a tape".into())
            }
            None => Ok(()),
        }
    }

    /// Goes from header to header as far as they chain.
    fn walk(&mut self) -> Result<Stop, JournalError> {
        let (mut at, mut offset) = (0, 0);
        loop {
            let why = match self.first(at, offset)? {
                First::Header(header) => match self.joins(&header, offset) {
                    Ok(()) => {
                        let end = offset + span(header.payload_bytes as usize);
                        if end > self.survey.segments[at].bytes {
                            return Ok(Stop { at, offset, why: None });
                        }
                        self.survey.hash = header.hash();
                        let segment = self.survey.segments[at].number;
                        self.survey.blocks.push(BlockAt { segment, offset, header });
                        offset = end;
                        continue;
                    }
                    Err(why) => Some(why),
                },
                First::Bad(why) => Some(why),
                First::Unwritten if self.goes_on(at + 1)? => {
                    (at, offset) = (at + 1, 0);
                    continue;
                }
                First::Unwritten => None,
            };
            return Ok(Stop { at, offset, why });
        }
    }

    fn goes_on(&self, at: usize) -> Result<bool, JournalError> {
        if at >= self.survey.segments.len() {
            return Ok(false);
        }
        Ok(matches!(self.first(at, 0)?, First::Header(header) if self.joins(&header, 0).is_ok()))
    }

    /// Checks payloads, and takes back what was found from the first bad one on. The last block that
    /// stays is always one whose payload was checked.
    fn check_payloads(&mut self, stop: &mut Stop, payloads_from: Option<u64>) -> Result<(), JournalError> {
        let wanted = payloads_from.unwrap_or(u64::MAX);
        let begin = self.survey.blocks.partition_point(|block| block.header.number < wanted);
        let mut from = begin.min(self.survey.blocks.len().saturating_sub(2));
        loop {
            let mut bad = None;
            for (index, block) in self.survey.blocks.iter().enumerate().skip(from) {
                let at = self.survey.segments.partition_point(|segment| segment.number < block.segment);
                let (segment, path) = self.segment(at);
                let why = match read_block(&segment.file, block.offset).map_err(failed(&path, "read"))? {
                    Found::Whole(header, _) if header == block.header => continue,
                    Found::Bad(why) => Some(why),
                    Found::Whole(..) | Found::Torn => None,
                };
                bad = Some((index, Stop { at, offset: block.offset, why }));
                break;
            }
            let Some((index, found)) = bad else { return Ok(()) };
            self.survey.blocks.truncate(index);
            self.survey.hash = self.survey.blocks.last().map(|last| last.header.hash()).unwrap_or_default();
            *stop = found;
            if index > from || from == 0 {
                return Ok(());
            }
            from -= 1;
        }
    }
}

/// The records of a payload.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn records(header: &Header, payload: &[u8]) -> Result<Vec<Record>, String> {
    if header.kind == Kind::Genesis {
        return Ok(Vec::new());
    }
    let codec = codec(header.version).ok_or_else(|| format!("format {} is not known", header.version))?;
    let raw = codec.unpack(payload, header.raw_bytes)?;
    let frames = codec.frames(&raw)?;
    if frames.len() != header.records as usize {
        return Err(format!("it has {} records and its header says {}", frames.len(), header.records));
    }
    frames.into_iter().map(|frame| codec.record(frame)).collect()
}
