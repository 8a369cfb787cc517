//! The writer of the tape (J1, J2): blocks strictly one after the other, one write and one fdatasync
//! each. What [`Tape::append`] returned is durable. After the first failure nothing is tried again.

use std::io;
use std::path::{Path, PathBuf};

use crate::anchor::{Anchor, Position};
use crate::codec::{self, MAX_RAW_BYTES, Packer};
use crate::disk::{Disk, DiskFile, RealDisk};
use crate::error::JournalError;
use crate::files::{failed, write_whole};
use crate::header::{FORMAT, Header, Kind};
use crate::manifest::Manifest;
use crate::opening::{self, Current, Opening};
use crate::record::{Entry, Hash, Head, Note};
use crate::sectors::{self, PAGE_BYTES};
use crate::segments::{self, PIECE_BYTES, Segment, Spare};
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
    full: Vec<Full>,
    current: Current<D::File>,
    anchor: Anchor<D::File>,
    epoch: u32,
    last: Header,
    hash: Hash,
    packer: Packer,
    block: Vec<u8>,
    failed: Option<String>,
}

/// What a block is made of.
struct Content<'a> {
    kind: Kind,
    frames: &'a [u8],
    records: u32,
    head: Head,
}

fn spare<D: Disk>(disk: D, dir: &Path, segment_bytes: u64) -> Spare<D> {
    let segment_bytes = segment_bytes.max(1).next_multiple_of(PAGE_BYTES);
    Spare { disk, dir: dir.to_owned(), segment_bytes }
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
        let exists = || JournalError::Exists { path: dir.to_owned() };
        if !segments::list(&disk, dir, false)?.is_empty() || disk.open(&dir.join("anchor"), false).is_ok() {
            return Err(exists());
        }
        let folder = segments::folder(dir);
        disk.create_dir(&folder).map_err(failed(&folder, "make the folder"))?;
        disk.sync_dir(dir).map_err(failed(dir, "sync the folder"))?;
        let path = dir.join("manifest.json");
        let bytes =
            serde_json::to_vec(manifest).map_err(|error| failed(&path, "encode")(io::Error::other(error)))?;
        write_whole(&disk, &path, &bytes, PIECE_BYTES)?;
        let spare = spare(disk, dir, segment_bytes);
        let (part, file) = spare.start()?;
        let (last, mut block) = (genesis(&bytes), Vec::new());
        sectors::lay(&last, &bytes, &mut block);
        if block.len() as u64 > spare.segment_bytes {
            return Err(refused(format!("a manifest of {} bytes does not fit into a segment", bytes.len())));
        }
        file.write_at(0, &block).map_err(failed(&part, "write"))?;
        file.sync_data().map_err(failed(&part, "sync"))?;
        spare.place(&part, 1)?;
        let mut anchor = Anchor::open(&spare.disk, dir)?;
        let hash = last.hash();
        anchor.add(Position { block: 0, sequence: 0, hash })?;
        let packer = Packer::new().map_err(failed(dir, "prepare to compress"))?;
        let current = Current { number: 1, file, offset: block.len() as u64, bytes: spare.segment_bytes };
        Ok(Self {
            spare,
            full: Vec::new(),
            current,
            anchor,
            epoch: 0,
            last,
            hash,
            packer,
            block,
            failed: None,
        })
    }

    /// Opens a tape to go on with it. Headers are checked from the beginning, payloads from block
    /// `payloads_from` and those of the last two. What a crash left is set aside.
    ///
    /// # Errors
    /// Where there is no tape or it is damaged, or the disk fails.
    pub fn open(
        disk: D,
        dir: &Path,
        segment_bytes: u64,
        payloads_from: Option<u64>,
    ) -> Result<(Self, Opening), JournalError> {
        let mut seen = survey(&disk, dir, true, payloads_from)?;
        if let Some(damage) = seen.damage.take() {
            return Err(damage.into());
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
        let spare = spare(disk, dir, segment_bytes);
        let (current, set_aside) =
            opening::go_on(&spare.disk, dir, spare.segment_bytes, end, segments, &leftovers)?;
        let anchor = Anchor::open(&spare.disk, dir)?;
        let packer = Packer::new().map_err(failed(dir, "prepare to compress"))?;
        let (epoch, hash, block, failed) = (last.epoch.saturating_add(1), head.hash, Vec::new(), None);
        let tape = Self { spare, full, current, anchor, epoch, last, hash, packer, block, failed };
        Ok((tape, Opening { manifest, blocks, head, closed, epoch, set_aside }))
    }

    /// Writes a block of frames behind the last one; when this returns it is durable.
    ///
    /// # Errors
    /// Where the disk fails: from then on nothing can be written. Where the block is refused, nothing
    /// was written and the tape can be used.
    pub fn append(&mut self, frames: &[u8], records: u32, head: Head) -> Result<Position, JournalError> {
        self.write(&Content { kind: Kind::Records, frames, records, head })
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

    /// How many processes wrote before this one.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// How many bytes the segments take.
    pub fn bytes(&self) -> u64 {
        self.full.iter().map(|full| full.bytes).sum::<u64>() + self.current.bytes
    }

    /// What prepares the next segment, for another thread.
    pub fn spare(&self) -> Spare<D> {
        self.spare.clone()
    }

    /// Removes the segments that hold no block from `block` on, never the one that is written (J10).
    /// First a block says so, durably; the note in it is returned, none where nothing is to be dropped.
    ///
    /// # Errors
    /// As [`Tape::append`].
    pub fn drop_before(&mut self, block: u64) -> Result<Option<Note>, JournalError> {
        let count = self.full.iter().take_while(|full| full.block < block).count();
        let Some(end) = self.full[..count].last() else { return Ok(None) };
        let note = Note::Dropped { segments: count as u32, block: end.block, hash: end.hash };
        self.note(Kind::Dropped, &note)?;
        self.guarded(|tape| {
            let folder = segments::folder(&tape.spare.dir);
            for full in tape.full.drain(..count) {
                let path = folder.join(segments::name(full.number));
                tape.spare.disk.remove(&path).map_err(failed(&path, "remove"))?;
                tape.spare.disk.sync_dir(&folder).map_err(failed(&folder, "sync the folder"))?;
            }
            Ok(())
        })?;
        Ok(Some(note))
    }

    /// Ends the tape in order: a last block, the anchor, and what is left of the segment is cut off.
    ///
    /// # Errors
    /// As [`Tape::append`].
    pub fn close(mut self, wall_ns: i64) -> Result<Position, JournalError> {
        self.note(Kind::Closed, &Note::Closed { wall_ns })?;
        self.anchor()?;
        let path = self.path();
        self.current.file.set_len(self.current.offset).map_err(failed(&path, "cut"))?;
        self.current.file.sync_data().map_err(failed(&path, "sync"))?;
        Ok(self.head())
    }

    fn note(&mut self, kind: Kind, note: &Note) -> Result<Position, JournalError> {
        let mut frames = Vec::new();
        codec::frame(Entry::Note(note), &mut frames);
        let Header { sequence_last: sequence, time_last_ns: time_ns, latched, digest, .. } = self.last;
        let head = Head { sequence, time_ns, latched, digest };
        self.write(&Content { kind, frames: &frames, records: 1, head })
    }

    fn path(&self) -> PathBuf {
        segments::folder(&self.spare.dir).join(segments::name(self.current.number))
    }

    /// Does what may fail, once: nothing is done after a failure.
    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        if let Some(why) = &self.failed {
            return Err(failed(&self.path(), "after a failure")(io::Error::other(why.clone())));
        }
        let done = work(self);
        self.failed = done.as_ref().err().map(ToString::to_string);
        done
    }

    fn write(&mut self, content: &Content<'_>) -> Result<Position, JournalError> {
        let (bytes, last, now) = (content.frames.len(), self.last.sequence_last, content.head.sequence);
        if bytes > MAX_RAW_BYTES {
            return Err(refused(format!("{bytes} bytes are beyond the {MAX_RAW_BYTES} of a block")));
        }
        if now < last {
            return Err(refused(format!("it ends with input {now}, and {last} is written already")));
        }
        let payload = self.packer.pack(content.frames).map_err(failed(&self.path(), "compress"))?;
        let span = sectors::span(payload.len());
        if span > self.spare.segment_bytes {
            let limit = self.spare.segment_bytes;
            return Err(refused(format!("{span} bytes on the disk are beyond the {limit} of a segment")));
        }
        let header = self.header(content, &payload);
        sectors::lay(&header, &payload, &mut self.block);
        self.guarded(|tape| tape.commit(span))?;
        (self.last, self.hash) = (header, header.hash());
        Ok(self.head())
    }

    fn header(&self, content: &Content<'_>, payload: &[u8]) -> Header {
        let &Content { kind, frames, records, head } = content;
        Header {
            version: FORMAT,
            kind,
            latched: head.latched,
            epoch: self.epoch,
            number: self.last.number + 1,
            records,
            payload_bytes: payload.len() as u32,
            raw_bytes: frames.len() as u32,
            sequence_first: self.last.sequence_last + 1,
            sequence_last: head.sequence,
            time_first_ns: codec::first_time_ns(frames).unwrap_or(self.last.time_last_ns),
            time_last_ns: head.time_ns,
            digest: head.digest,
            root: self.last.root,
            payload: Hash::of(payload),
            previous: self.hash,
        }
    }

    fn commit(&mut self, span: u64) -> Result<(), JournalError> {
        if self.current.offset + span > self.current.bytes {
            let Current { number, bytes, .. } = self.current;
            let file = self.spare.take(number + 1)?;
            self.full.push(Full { number, bytes, block: self.last.number, hash: self.hash });
            self.current = Current { number: number + 1, file, offset: 0, bytes: self.spare.segment_bytes };
        }
        let path = self.path();
        let Current { file, offset, .. } = &mut self.current;
        file.write_at(*offset, &self.block).map_err(failed(&path, "write a block"))?;
        file.sync_data().map_err(failed(&path, "sync a block"))?;
        *offset += span;
        Ok(())
    }
}

fn refused(what: String) -> JournalError {
    JournalError::Refused { what }
}

fn genesis(manifest: &[u8]) -> Header {
    let root = Hash::of(manifest);
    Header {
        version: FORMAT,
        kind: Kind::Genesis,
        latched: false,
        epoch: 0,
        number: 0,
        records: 0,
        payload_bytes: manifest.len() as u32,
        raw_bytes: manifest.len() as u32,
        sequence_first: 1,
        sequence_last: 0,
        time_first_ns: 0,
        time_last_ns: 0,
        digest: synapse::Digest::default(),
        root,
        payload: root,
        previous: root,
    }
}

/// The segments before that of the last block.
fn full<F>(blocks: &[BlockAt], segments: &[Segment<F>]) -> Vec<Full> {
    let ends = blocks.windows(2).filter(|pair| pair[0].segment != pair[1].segment);
    ends.map(|pair| {
        let bytes = segments.iter().find(|s| s.number == pair[0].segment).map_or(0, |s| s.bytes);
        let (block, hash) = (pair[0].header.number, pair[1].header.previous);
        Full { number: pair[0].segment, bytes, block, hash }
    })
    .collect()
}
