//! Looking over a tape (J4): where it ends, and whether what stands behind its end is torn, which a
//! crash leaves, or damage, which it does not.

use std::path::Path;

use crate::anchor::{self, Position};
use crate::codec::codec;
use crate::disk::{Disk, DiskFile};
use crate::error::{Damage, JournalError};
use crate::header::{FORMAT, Header, Kind};
use crate::record::Hash;
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

    /// Where in the segment it ends.
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.bytes()
    }

    /// That something is wrong with it.
    pub(crate) fn damaged(&self, why: impl Into<String>) -> Damage {
        let Header { number: block, sequence_first, .. } = self.header;
        Damage { block, sequence: sequence_first.saturating_sub(1), segment: self.file(), why: why.into() }
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
    /// The number of its first block; 0 where there is none.
    pub first: u64,
    /// Its segments, from the first that was to be seen.
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

/// Where the walk over the headers stopped.
pub(crate) struct Stop {
    /// The segment, by its place in the list.
    pub at: usize,
    /// Where in it the next block would begin.
    pub offset: u64,
    /// What is wrong with what is there, where that is known.
    pub why: Option<String>,
}

/// Looks a tape over, from a segment on. All headers are checked, and the payloads of the last two blocks.
/// Damage counts only where a second look sees the same: another process may be writing.
///
/// # Errors
/// Where there is no tape, the disk fails, or the format is not known. Damage is no error here.
pub(crate) fn survey<D: Disk>(
    disk: &D,
    dir: &Path,
    write: bool,
    from: u32,
) -> Result<Survey<D::File>, JournalError> {
    let mut damage = None;
    for _ in 0..8 {
        let seen = look(disk, dir, write, from)?;
        if seen.damage.is_none() || seen.damage == damage {
            return Ok(seen);
        }
        damage = seen.damage;
    }
    look(disk, dir, write, from)
}

fn look<D: Disk>(disk: &D, dir: &Path, write: bool, from: u32) -> Result<Survey<D::File>, JournalError> {
    // the anchor first: whoever writes meanwhile adds blocks before he anchors them
    let anchored = anchor::read(disk, dir)?;
    let numbers = segments::numbers(disk, dir)?;
    let from = from.min(numbers.last().copied().unwrap_or(from));
    let (mut segments, mut first, mut is_part) = (Vec::new(), None, false);
    for number in numbers {
        if number < from && first.is_some() {
            continue;
        }
        let Some(segment) = segments::open(disk, dir, number, write)? else { continue };
        if first.is_none() {
            first = Some(match read_first(&segment.file, 0)? {
                First::Header(header) => header.number,
                _ => 0,
            });
            is_part = number < from;
        }
        if number >= from {
            segments.push(segment);
        }
    }
    let Some(first) = first else {
        return Err(JournalError::Missing { path: dir.to_owned() });
    };
    let (blocks, leftovers, hash, anchor) = (Vec::new(), Vec::new(), Hash::default(), anchored.last);
    let mut seen = Survey { first, segments, blocks, hash, leftovers, anchored: anchor, damage: None };
    let mut stop = seen.walk()?;
    seen.check_payloads(&mut stop)?;
    seen.damage = match seen.judge(&stop)? {
        None if is_part => seen.anchor(anchored.damage),
        None => seen.beginning()?.or_else(|| seen.anchor(anchored.damage)),
        damage => damage,
    };
    Ok(seen)
}

impl<F: DiskFile> Survey<F> {
    /// Where the tape ends.
    pub fn head(&self) -> Option<Position> {
        let of = |Header { number, sequence_last, .. }: Header| Position {
            block: number,
            sequence: sequence_last,
            hash: self.hash,
        };
        self.blocks.last().map(|last| of(last.header))
    }

    /// The place of a block's segment in the list.
    fn place(&self, block: &BlockAt) -> usize {
        self.segments.partition_point(|segment| segment.number < block.segment)
    }

    /// The segment of a block.
    pub fn segment(&self, block: &BlockAt) -> &Segment<F> {
        &self.segments[self.place(block)]
    }

    /// What stands in the place of a block.
    pub fn read(&self, block: &BlockAt) -> Result<Found, JournalError> {
        read_block(&self.segment(block).file, block.offset)
    }

    /// What the first sector of a place tells; only a header that may stand there is one.
    fn first(&self, at: usize, offset: u64) -> Result<First, JournalError> {
        let file = &self.segments[at].file;
        match read_first(file, offset)? {
            First::Header(Header { version: found, .. }) if codec(found).is_none() => {
                Err(JournalError::Format { path: file.path.clone(), found, known: FORMAT })
            }
            First::Header(header) => {
                Ok(self.joins(&header, offset).map_or_else(First::Bad, |()| First::Header(header)))
            }
            first => Ok(first),
        }
    }

    /// Whether a block may stand at the beginning or behind the last one found.
    fn joins(&self, header: &Header, offset: u64) -> Result<(), String> {
        match self.blocks.last() {
            Some(last) if last.header.kind == Kind::Closed && offset != 0 => {
                Err("it stands behind the end of a process in one segment".into())
            }
            Some(last) => header.follows(&last.header, &self.hash),
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
                First::Header(header) => {
                    let block = BlockAt { segment: self.segments[at].number, offset, header };
                    if block.end() <= self.segments[at].bytes {
                        (self.hash, offset) = (header.hash(), block.end());
                        self.blocks.push(block);
                        continue;
                    }
                    None
                }
                First::Bad(why) => Some(why),
                First::Unwritten
                    if at + 1 < self.segments.len() && matches!(self.first(at + 1, 0)?, First::Header(_)) =>
                {
                    (at, offset) = (at + 1, 0);
                    continue;
                }
                First::Unwritten => None,
            };
            return Ok(Stop { at, offset, why });
        }
    }

    /// Checks payloads, and takes back what was found from the first bad one on. The last block that
    /// stays is always one whose payload was checked.
    fn check_payloads(&mut self, stop: &mut Stop) -> Result<(), JournalError> {
        let mut from = self.blocks.len().saturating_sub(2);
        while let Some((index, found)) = self.bad_payload(from)? {
            self.blocks.truncate(index);
            self.hash = self.blocks.last().map(|last| last.header.hash()).unwrap_or_default();
            *stop = found;
            if index > from || from == 0 {
                break;
            }
            from -= 1;
        }
        Ok(())
    }

    /// The first block from one on that is not whole.
    fn bad_payload(&self, from: usize) -> Result<Option<(usize, Stop)>, JournalError> {
        for (index, block) in self.blocks.iter().enumerate().skip(from) {
            let why = match self.read(block)? {
                Found::Whole(header, _) if header == block.header => continue,
                Found::Bad(why) => Some(why),
                Found::Whole(..) | Found::Torn => None,
            };
            return Ok(Some((index, Stop { at: self.place(block), offset: block.offset, why })));
        }
        Ok(None)
    }
}
