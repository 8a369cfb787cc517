//! Reading a tape: never locks, never writes, and sees what is whole.

use std::path::Path;

use crate::anchor::Position;
use crate::codec::records;
use crate::disk::{Disk, RealDisk};
use crate::error::JournalError;
use crate::manifest::Manifest;
use crate::opening;
use crate::record::Record;
use crate::sectors::Found;
use crate::survey::{BlockAt, Survey, survey};

/// A tape, to read: what stood on it when it was opened.
pub struct Reader<D: Disk = RealDisk> {
    pub(crate) survey: Survey<D::File>,
    manifest: Manifest,
}

impl Reader {
    /// Opens the tape of a journal.
    ///
    /// # Errors
    /// Where there is none, it is damaged, or the disk fails.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        Self::open_on(&RealDisk, dir)
    }

    /// As [`Reader::open`], but sees no segment before one, which is for those who know the tape up to
    /// there: what is not read is not checked.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_from(dir: &Path, segment: u32) -> Result<Self, JournalError> {
        Self::checked(&RealDisk, dir, segment)
    }
}

impl<D: Disk> Reader<D> {
    /// As [`Reader::open`], on a disk.
    pub fn open_on(disk: &D, dir: &Path) -> Result<Self, JournalError> {
        Self::checked(disk, dir, 0)
    }

    fn checked(disk: &D, dir: &Path, segment: u32) -> Result<Self, JournalError> {
        let mut survey = survey(disk, dir, false, segment)?;
        match survey.damage.take() {
            Some(damage) => Err(JournalError::Damaged(damage)),
            None => Self::of(disk, dir, survey),
        }
    }

    /// What was surveyed, damage or not.
    pub(crate) fn of(disk: &D, dir: &Path, survey: Survey<D::File>) -> Result<Self, JournalError> {
        let first = survey.blocks.first().ok_or_else(|| JournalError::Missing { path: dir.to_owned() })?;
        let manifest = opening::manifest(disk, dir, &first.header.root)?;
        Ok(Self { survey, manifest })
    }

    /// What the run was started with.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where the tape ends.
    pub fn head(&self) -> Option<Position> {
        self.survey.head()
    }

    /// The last head in the anchor.
    pub fn anchored(&self) -> Option<Position> {
        self.survey.anchored
    }

    /// The number of the first block on the tape, seen or not.
    pub fn first_block(&self) -> u64 {
        self.survey.first
    }

    /// The blocks, in order.
    pub fn headers(&self) -> &[BlockAt] {
        &self.survey.blocks
    }

    /// The first block that reaches to an input or beyond it, by its place in [`Reader::headers`].
    pub fn block_of(&self, sequence: u64) -> Option<usize> {
        let at = self.headers().partition_point(|block| block.header.sequence_last < sequence);
        (at < self.headers().len()).then_some(at)
    }

    /// The payload of a block, checked against its header.
    pub(crate) fn payload(&self, block: &BlockAt) -> Result<Vec<u8>, JournalError> {
        let why = match self.survey.read(block)? {
            Found::Whole(header, payload) if header == block.header => return Ok(payload),
            Found::Bad(why) => why,
            Found::Whole(..) => "its header changed".into(),
            Found::Torn => "a part of it was never written".into(),
        };
        Err(JournalError::Damaged(block.damaged(why)))
    }

    /// The records of a block; none beyond the last, and in the first block of a run.
    ///
    /// # Errors
    /// Where the block is damaged, or the disk fails.
    pub fn block(&self, at: usize) -> Result<Vec<Record>, JournalError> {
        let Some(block) = self.headers().get(at) else { return Ok(Vec::new()) };
        let payload = self.payload(block)?;
        records(&block.header, &payload).map_err(|why| JournalError::Damaged(block.damaged(why)))
    }

    /// All records, in order; after an error there are no more.
    pub fn records(&self) -> impl Iterator<Item = Result<Record, JournalError>> {
        self.records_from(0)
    }

    /// The records from a block on, by its place in [`Reader::headers`]; after an error there are no more.
    pub fn records_from(&self, at: usize) -> impl Iterator<Item = Result<Record, JournalError>> {
        let mut whole = true;
        (at..self.headers().len())
            .map_while(move |at| whole.then(|| self.block(at)).inspect(|read| whole = read.is_ok()))
            .flat_map(|read| match read {
                Ok(records) => records.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
    }
}
