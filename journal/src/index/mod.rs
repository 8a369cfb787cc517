//! The index behind the tape (J5): sled, filled by a pure projection of the tape's records, healed from
//! the tape when it is behind, rebuilt from it when it is damaged, foreign or of another version.
//!
//! It answers in moments what a scan of the tape answers in minutes, and is never the truth.

mod follower;
mod keys;
mod parts;
mod project;
mod query;
mod store;

use std::fs;
use std::path::{Path, PathBuf};

use hippocampus::ExperienceEncoder;

pub use follower::{Follower, spawn_follower};
pub use keys::OrderStep;
pub use project::Batch;
pub use query::DecisionAt;

use crate::files::failed;
use crate::journal::wall_ns;
use crate::lock::Lock;
use crate::{JournalError, Reader};
use keys::KINDS;
use parts::Parts;
use project::{Projector, project};
use store::broken;

/// Blocks are committed together until they hold so many entries.
const ENTRIES_A_BATCH: usize = 4096;
/// How many entries a part of the index holds unless told: as much as is in memory while a tape is followed.
pub const DEFAULT_ENTRIES_A_PART: u64 = 1 << 14;

/// What the index needs from its host.
pub struct IndexOptions {
    /// Makes the encoder of experiences as it is at the beginning of a tape.
    pub encoder: Box<dyn Fn() -> ExperienceEncoder + Send>,
    /// Told while blocks are worked off: how many are done, of how many.
    pub progress: Box<dyn FnMut(u64, u64) + Send>,
    /// A part ends with the block that brings it to so many entries.
    pub entries_a_part: u64,
}

/// What opening found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opened {
    /// Why the index, or its newest part, was made anew; `None` where it went on from what was there.
    pub rebuilt: Option<String>,
    /// How many blocks were worked off.
    pub blocks: u64,
    /// How many blocks at the beginning of the run are no longer on the tape: a part of the index goes
    /// when the last of its blocks has gone.
    pub dropped: u64,
}

/// The open index.
pub struct Index {
    dir: PathBuf,
    options: IndexOptions,
    parts: Parts,
    /// The segment that holds the last block taken in, or one before it.
    segment: u32,
    opened: Opened,
    _lock: Lock,
}

impl Index {
    /// Opens the index of the journal in `dir` and brings it up to the tape.
    ///
    /// # Errors
    /// [`JournalError::Locked`] where another process has it open; what reading the tape says.
    pub fn open(dir: &Path, options: IndexOptions) -> Result<Self, JournalError> {
        Self::begin(dir, options, Parts::open)
    }

    /// As [`open`](Self::open), but makes the index anew, whatever is there.
    pub fn rebuild(dir: &Path, options: IndexOptions) -> Result<Self, JournalError> {
        Self::begin(dir, options, |_| Err(broken("it was asked for")))
    }

    fn begin(
        dir: &Path,
        options: IndexOptions,
        find: impl Fn(&Path) -> Result<(Parts, Option<String>), JournalError>,
    ) -> Result<Self, JournalError> {
        let reader = Reader::open(dir)?;
        let beside = folder(dir);
        fs::create_dir_all(&beside).map_err(failed(&beside, "make the folder"))?;
        // not by sled's own lock: that one goes with the folder that is rebuilt
        let lock = Lock::take(&beside, wall_ns())?;
        let (parts, rebuilt) = match find(&beside) {
            Err(JournalError::Index(why)) => (empty(dir, &options, &reader)?, Some(why)),
            found => found?,
        };
        let opened = Opened { rebuilt, blocks: 0, dropped: reader.first_block() };
        let mut index = Self { dir: dir.to_owned(), options, parts, segment: 0, opened, _lock: lock };
        index.opened.blocks = index.follow(&reader)?;
        Ok(index)
    }

    /// What opening found and did, and whether the index had to be rebuilt since.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Takes in what was written since, and drops the parts that retention has dropped from the tape; gives
    /// how many blocks that were. Of the tape no more is read than the segments since.
    ///
    /// # Errors
    /// As [`follow`](Self::follow).
    pub fn catch_up(&mut self) -> Result<u64, JournalError> {
        let reader = Reader::open_from(&self.dir, self.segment)?;
        self.follow(&reader)
    }

    /// Takes in every whole block that `reader` sees; gives how many that were.
    ///
    /// # Errors
    /// What reading the tape says; [`JournalError::Index`] where even an empty index fails.
    pub fn follow(&mut self, reader: &Reader) -> Result<u64, JournalError> {
        match self.advance(reader) {
            Err(JournalError::Index(why)) => self.renew(why),
            done => done,
        }
    }

    /// How many entries there are, by kind.
    ///
    /// # Errors
    /// As [`entries`](Self::entries).
    pub fn counts(&mut self) -> Result<Vec<(&'static str, u64)>, JournalError> {
        self.ask(|parts| {
            let mut counts = KINDS.map(|name| (name, 0));
            for (_, meta) in parts.all()? {
                counts.iter_mut().zip(meta.counts).for_each(|((_, count), more)| *count += more);
            }
            Ok(counts.to_vec())
        })
    }

    /// Everything there is, with what the index keeps for itself: what two of them are compared by.
    ///
    /// # Errors
    /// Where a part is broken, and rebuilding the index fails.
    pub fn entries(&mut self) -> Result<Batch, JournalError> {
        self.ask(|parts| {
            let mut all = Batch::new();
            for (store, _) in parts.all()? {
                // what the older ones keep for themselves is of the past
                all.retain(|key, _| key[0] > 0);
                let entries = store.scan(&[], &[u8::MAX], usize::MAX)?;
                all.extend(entries.iter().map(|(key, value)| (key.to_vec(), value.to_vec())));
            }
            Ok(all)
        })
    }

    /// Asks; where an answer finds damage, the index is rebuilt and asked again.
    fn ask<T>(
        &mut self,
        question: impl Fn(&mut Parts) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        match question(&mut self.parts) {
            Err(JournalError::Index(why)) => {
                self.renew(why)?;
                question(&mut self.parts)
            }
            answer => answer,
        }
    }

    fn renew(&mut self, why: String) -> Result<u64, JournalError> {
        tracing::warn!(why, "the index is rebuilt from the tape");
        let reader = Reader::open(&self.dir)?;
        self.parts.forget();
        self.parts = empty(&self.dir, &self.options, &reader)?;
        self.opened.rebuilt = Some(why);
        self.advance(&reader)
    }

    fn advance(&mut self, reader: &Reader) -> Result<u64, JournalError> {
        let blocks = reader.headers();
        let from = self.next(reader)?;
        let mut batch = Batch::new();
        for (at, block) in blocks.iter().enumerate().skip(from) {
            if self.parts.meta.entries() >= self.options.entries_a_part {
                self.parts.roll()?;
            }
            for record in reader.block(at)? {
                project(&mut self.parts.projector, block.header.number, &record, &mut batch);
            }
            self.parts.meta.block = Some((block.header.number, block.header.hash()));
            // by the block, so that the parts are the same however the tape was followed
            let is_full = self.parts.meta.entries() + batch.len() as u64 >= self.options.entries_a_part;
            if is_full || batch.len() >= ENTRIES_A_BATCH || at + 1 == blocks.len() {
                self.parts.commit(&batch)?;
                batch.clear();
                (self.options.progress)((at + 1 - from) as u64, (blocks.len() - from) as u64);
            }
            self.segment = block.segment;
        }
        if from < blocks.len() {
            self.parts.newest.flush()?;
        }
        self.parts.trim(reader.first_block())?;
        Ok((blocks.len() - from) as u64)
    }

    /// The place of the first block that is not in the index.
    fn next(&mut self, reader: &Reader) -> Result<usize, JournalError> {
        if self.parts.meta.run != reader.manifest().run {
            return Err(broken("it is of another run"));
        }
        let Some((number, hash)) = self.parts.meta.block else { return Ok(0) };
        let blocks = reader.headers();
        match blocks.binary_search_by_key(&number, |block| block.header.number) {
            Ok(at) if blocks[at].header.hash() == hash => {
                self.segment = blocks[at].segment;
                Ok(at + 1)
            }
            Ok(_) => Err(broken(format!("block {number} is another on the tape"))),
            // the tape begins behind the index: what was under way has no end
            Err(0) if blocks.first().is_some_and(|first| first.header.number > number + 1) => {
                self.parts.projector = Projector::new((self.options.encoder)());
                Ok(0)
            }
            Err(0) if blocks.first().is_some_and(|first| first.header.previous == hash) => Ok(0),
            Err(0) => Err(broken(format!("block {number} was another on the tape"))),
            Err(_) => Err(broken(format!("the tape ends before block {number}"))),
        }
    }
}

/// An index with nothing in it, in the place of whatever is there.
fn empty(dir: &Path, options: &IndexOptions, reader: &Reader) -> Result<Parts, JournalError> {
    let projector = Projector::new((options.encoder)());
    Parts::create(&folder(dir), &reader.manifest().run, projector)
}

fn folder(dir: &Path) -> PathBuf {
    dir.join("index")
}
