//! The writer of the tape (J1, J2): blocks strictly one after the other, one write and one fdatasync
//! each. What [`Tape::append`] returned is durable. After the first failure nothing is tried again.

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use zstd::bulk::Compressor;

use crate::anchor::{Anchor, Position};
use crate::codec::{self, MAX_RAW_BYTES};
use crate::disk::{Disk, RealDisk};
use crate::error::JournalError;
use crate::files::{self, Named, failed, write_whole};
use crate::header::{FORMAT, Header, Kind};
use crate::manifest::Manifest;
use crate::opening::{self, Opening};
use crate::record::{Entry, Hash, Head, Note};
use crate::sectors;
use crate::segments::{self, Segment, Spare};
use crate::survey::{BlockAt, Survey, survey};

/// A segment that is full.
struct Full {
    number: u32,
    bytes: u64,
    /// Its last block and the hash of that.
    block: u64,
    hash: Hash,
}

/// A tape, to write.
pub struct Tape<D: Disk = RealDisk> {
    spare: Spare<D>,
    full: VecDeque<Full>,
    current: Segment<D::File>,
    /// Where in the current segment the next block begins.
    offset: u64,
    anchor: Anchor<D::File>,
    epoch: u32,
    last: Header,
    hash: Hash,
    packer: Compressor<'static>,
    block: Vec<u8>,
    failed: Option<String>,
}

impl<D: Disk> Tape<D> {
    /// Begins a tape in a folder: when this returns, manifest and first block are durable.
    ///
    /// # Errors
    /// Where there is a tape already, or the disk fails.
    pub fn create(
        disk: D,
        dir: &Path,
        manifest: &Manifest,
        segment_bytes: u64,
    ) -> Result<Self, JournalError> {
        let begun = Named::find(&disk, &dir.join("anchor"), false)?.is_some();
        if begun || !segments::numbers(&disk, dir)?.is_empty() {
            return Err(JournalError::Exists { path: dir.to_owned() });
        }
        let (folder, path) = (segments::folder(dir), dir.join("manifest.json"));
        disk.create_dir(&folder).map_err(failed(&folder, "make the folder"))?;
        files::sync_dir(&disk, dir)?;
        let bytes =
            serde_json::to_vec(manifest).map_err(|error| failed(&path, "encode")(io::Error::other(error)))?;
        write_whole(&disk, &path, &bytes)?;
        let spare = Spare::new(disk, dir, segment_bytes);
        let file = spare.fill("next.part")?;
        let (last, mut block) = (genesis(&bytes), Vec::new());
        sectors::lay(&last, &bytes, &mut block);
        if block.len() as u64 > spare.segment_bytes {
            return Err(refused(format!("a manifest of {} bytes does not fit into a segment", bytes.len())));
        }
        file.write(0, &block)?;
        let current = spare.place(file, 1)?;
        let mut tape = Self::at(spare, dir, VecDeque::new(), (current, block.len() as u64), (0, last))?;
        tape.anchor()?;
        Ok(tape)
    }

    /// Opens a tape to go on with it. All headers are checked, and the payloads of the last two blocks.
    /// What a crash left is set aside.
    ///
    /// # Errors
    /// Where there is no tape or it is damaged, or the disk fails.
    pub fn open(disk: D, dir: &Path, segment_bytes: u64) -> Result<(Self, Opening), JournalError> {
        let mut seen = survey(&disk, dir, true, 0)?;
        if let Some(damage) = seen.damage.take() {
            return Err(JournalError::Damaged(damage));
        }
        let missing = || JournalError::Missing { path: dir.to_owned() };
        let head = seen.head().ok_or_else(missing)?;
        let Survey { segments, blocks, leftovers, .. } = seen;
        let end = blocks.last().ok_or_else(missing)?;
        let last = end.header;
        let manifest = opening::manifest(&disk, dir, &last.root)?;
        let closed =
            last.kind == Kind::Closed && segments.last().is_some_and(|last| last.number == end.segment);
        let full = full(&blocks, &segments);
        let spare = Spare::new(disk, dir, segment_bytes);
        let (current, set_aside) =
            opening::go_on(&spare.disk, dir, spare.segment_bytes, end, segments, &leftovers)?;
        let epoch = last.epoch.saturating_add(1);
        let tape = Self::at(spare, dir, full, (current, end.end()), (epoch, last))?;
        Ok((tape, Opening { manifest, blocks, head, closed, epoch, set_aside }))
    }

    /// A tape that goes on at an offset of its last segment, behind its last header.
    fn at(
        spare: Spare<D>,
        dir: &Path,
        full: VecDeque<Full>,
        (current, offset): (Segment<D::File>, u64),
        (epoch, last): (u32, Header),
    ) -> Result<Self, JournalError> {
        let anchor = Anchor::open(&spare.disk, dir)?;
        let packer = codec::packer().map_err(failed(dir, "prepare to compress"))?;
        let (hash, block, failed) = (last.hash(), Vec::new(), None);
        Ok(Self { spare, full, current, offset, anchor, epoch, last, hash, packer, block, failed })
    }

    /// Writes a block of frames behind the last one; when this returns it is durable.
    ///
    /// # Errors
    /// Where the disk fails: from then on nothing can be written. Where the block is refused, nothing
    /// was written and the tape can be used.
    pub fn append(&mut self, frames: &[u8], records: u32, head: Head) -> Result<Position, JournalError> {
        self.write(Kind::Records, frames, records, head)
    }

    /// Writes the head into the anchor (J3).
    ///
    /// # Errors
    /// Where the disk fails: from then on nothing can be written.
    pub fn anchor(&mut self) -> Result<(), JournalError> {
        let head = self.head();
        self.guarded(|tape| tape.anchor.add(head))
    }

    /// The last block.
    pub fn head(&self) -> Position {
        Position { block: self.last.number, sequence: self.last.sequence_last, hash: self.hash }
    }

    /// The header of the last block.
    pub fn last(&self) -> &Header {
        &self.last
    }

    /// How many bytes the segments take.
    pub fn bytes(&self) -> u64 {
        self.full.iter().map(|full| full.bytes).sum::<u64>() + self.current.bytes
    }

    /// Whether more than half of the current segment is written.
    pub(crate) fn is_half_full(&self) -> bool {
        self.offset > self.current.bytes / 2
    }

    /// What prepares the next segment, for another thread.
    pub fn spare(&self) -> Spare<D> {
        self.spare.clone()
    }

    /// The first block behind the oldest segment, unless that is the one that is written.
    pub(crate) fn second_begins(&self) -> Option<u64> {
        self.full.front().map(|full| full.block.saturating_add(1))
    }

    /// Removes the segments that hold no block from `block` on, never the one that is written (J10).
    /// First a block says so, durably; the note in it is returned, none where nothing is to be dropped.
    pub fn drop_before(&mut self, block: u64) -> Result<Option<Note>, JournalError> {
        let count = self.full.partition_point(|full| full.block < block);
        let Some(end) = count.checked_sub(1).and_then(|at| self.full.get(at)) else { return Ok(None) };
        let note = Note::Dropped { segments: count as u32, block: end.block, hash: end.hash };
        self.note(Kind::Dropped, &note)?;
        self.guarded(|tape| {
            let folder = segments::folder(&tape.spare.dir);
            tape.full.drain(..count).try_for_each(|full| {
                files::remove(&tape.spare.disk, &folder.join(segments::name(full.number)))?;
                files::sync_dir(&tape.spare.disk, &folder)
            })
        })?;
        Ok(Some(note))
    }

    /// Ends the tape in order: a last block, the anchor, and what is left of the segment is cut off.
    pub fn close(mut self, wall_ns: i64) -> Result<Position, JournalError> {
        self.note(Kind::Closed, &Note::Closed { wall_ns })?;
        self.anchor()?;
        self.current.file.cut(self.offset)?;
        Ok(self.head())
    }

    fn note(&mut self, kind: Kind, note: &Note) -> Result<Position, JournalError> {
        let mut frames = Vec::new();
        codec::frame(Entry::Note(note), &mut frames);
        self.write(kind, &frames, 1, self.last.head())
    }

    /// Does what may fail, once: nothing is done after a failure.
    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        if let Some(why) = &self.failed {
            return Err(failed(&self.current.file.path, "after a failure")(io::Error::other(why.clone())));
        }
        let done = work(self);
        self.failed = done.as_ref().err().map(ToString::to_string);
        done
    }

    fn write(
        &mut self,
        kind: Kind,
        frames: &[u8],
        records: u32,
        head: Head,
    ) -> Result<Position, JournalError> {
        let (bytes, last, now) = (frames.len(), self.last.sequence_last, head.sequence);
        if bytes > MAX_RAW_BYTES {
            return Err(refused(format!("{bytes} bytes are beyond the {MAX_RAW_BYTES} of a block")));
        }
        if now < last {
            return Err(refused(format!("it ends with input {now}, and {last} is written already")));
        }
        let payload = self.packer.compress(frames).map_err(failed(&self.current.file.path, "compress"))?;
        let span = sectors::span(payload.len());
        if span > self.spare.segment_bytes {
            let limit = self.spare.segment_bytes;
            return Err(refused(format!("{span} bytes on the disk are beyond the {limit} of a segment")));
        }
        let header = Header {
            version: FORMAT,
            kind,
            latched: head.latched,
            epoch: self.epoch,
            number: self.last.number + 1,
            records,
            payload_bytes: payload.len() as u32,
            raw_bytes: bytes as u32,
            sequence_first: last + 1,
            sequence_last: now,
            time_first_ns: codec::first_time_ns(frames).unwrap_or(self.last.time_last_ns),
            time_last_ns: head.time_ns,
            digest: head.digest,
            root: self.last.root,
            payload: Hash::of(&payload),
            previous: self.hash,
        };
        sectors::lay(&header, &payload, &mut self.block);
        self.guarded(|tape| tape.commit(span))?;
        (self.last, self.hash) = (header, header.hash());
        Ok(self.head())
    }

    fn commit(&mut self, span: u64) -> Result<(), JournalError> {
        if self.offset + span > self.current.bytes {
            let next = self.spare.take(self.current.number + 1)?;
            let Segment { number, bytes, .. } = std::mem::replace(&mut self.current, next);
            self.full.push_back(Full { number, bytes, block: self.last.number, hash: self.hash });
            self.offset = 0;
        }
        self.current.file.write(self.offset, &self.block)?;
        self.offset += span;
        Ok(())
    }
}

fn refused(what: String) -> JournalError {
    JournalError::Refused { what }
}

fn genesis(manifest: &[u8]) -> Header {
    let (root, bytes) = (Hash::of(manifest), manifest.len() as u32);
    let (payload, previous) = (root, root);
    let (payload_bytes, raw_bytes, sequence_first) = (bytes, bytes, 1);
    let version = FORMAT;
    Header { version, payload_bytes, raw_bytes, sequence_first, root, payload, previous, ..Header::default() }
}

/// The segments before that of the last block.
fn full<F>(blocks: &[BlockAt], segments: &[Segment<F>]) -> VecDeque<Full> {
    let ends = blocks.windows(2).filter(|pair| pair[0].segment != pair[1].segment);
    ends.map(|pair| {
        let bytes = segments.iter().find(|s| s.number == pair[0].segment).map_or(0, |s| s.bytes);
        let (block, hash) = (pair[0].header.number, pair[1].header.previous);
        Full { number: pair[0].segment, bytes, block, hash }
    })
    .collect()
}
