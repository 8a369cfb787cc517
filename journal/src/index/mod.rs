//! The index behind the tape (J5): sled, filled by a pure projection of the tape's records, healed from
//! the tape when it is behind, rebuilt from it when it is damaged, foreign or of another version.
//!
//! It answers in moments what a scan of the tape answers in minutes, and is never the truth.

mod follower;
mod keys;
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
use project::{Projector, project};
use store::{Meta, Store, broken};

/// Blocks are committed together until they hold so many entries.
const ENTRIES_A_BATCH: usize = 4096;

/// What the index needs from its host.
pub struct IndexOptions {
    /// Makes the encoder of experiences as it is at the beginning of a tape.
    pub encoder: Box<dyn Fn() -> ExperienceEncoder + Send>,
    /// Told while blocks are worked off: how many are done, of how many.
    pub progress: Box<dyn FnMut(u64, u64) + Send>,
}

/// What opening found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opened {
    /// Why the index was made anew; `None` where it went on from what was there.
    pub rebuilt: Option<String>,
    /// How many blocks were worked off.
    pub blocks: u64,
    /// How many blocks at the beginning of the run are no longer on the tape: entries made while they
    /// were stay, until the index is rebuilt.
    pub dropped: u64,
}

/// The open index.
pub struct Index {
    dir: PathBuf,
    options: IndexOptions,
    store: Store,
    meta: Meta,
    projector: Projector,
    opened: Opened,
    _lock: Lock,
}

impl Index {
    /// Opens the index of the journal in `dir` and brings it up to the tape.
    ///
    /// # Errors
    /// [`JournalError::Locked`] where another process has it open; what reading the tape says.
    pub fn open(dir: &Path, options: IndexOptions) -> Result<Self, JournalError> {
        Self::begin(dir, options, Store::open)
    }

    /// As [`open`](Self::open), but makes the index anew, whatever is there.
    pub fn rebuild(dir: &Path, options: IndexOptions) -> Result<Self, JournalError> {
        Self::begin(dir, options, |_| Err(broken("it was asked for")))
    }

    fn begin(
        dir: &Path,
        options: IndexOptions,
        find: impl Fn(&Path) -> Result<(Store, Meta, Projector), JournalError>,
    ) -> Result<Self, JournalError> {
        let reader = Reader::open(dir)?;
        let beside = dir.join("index");
        fs::create_dir_all(&beside).map_err(failed(&beside, "make the folder"))?;
        // not by sled's own lock: that one goes with the folder that is rebuilt
        let lock = Lock::take(&beside, wall_ns())?;
        let (store, meta, projector, rebuilt) = match find(&folder(dir)) {
            Ok((store, meta, projector)) => (store, meta, projector, None),
            Err(JournalError::Index(why)) => {
                let (store, meta, projector) = empty(dir, &options, &reader)?;
                (store, meta, projector, Some(why))
            }
            Err(error) => return Err(error),
        };
        let dropped = reader.headers().first().map_or(0, |first| first.header.number);
        let opened = Opened { rebuilt, blocks: 0, dropped };
        let mut index = Self { dir: dir.to_owned(), options, store, meta, projector, opened, _lock: lock };
        index.opened.blocks = index.follow(&reader)?;
        Ok(index)
    }

    /// What opening found and did, and whether the index had to be rebuilt since.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Takes in every whole block that `reader` sees; gives how many that were.
    ///
    /// # Errors
    /// What reading the tape says; [`JournalError::Index`] where even an empty index fails.
    pub fn follow(&mut self, reader: &Reader) -> Result<u64, JournalError> {
        match self.advance(reader) {
            Err(JournalError::Index(why)) => self.renew(reader, why),
            done => done,
        }
    }

    /// How many entries there are, by kind.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        KINDS.into_iter().zip(self.meta.counts)
    }

    /// Everything there is, with what the index keeps for itself: what two of them are compared by.
    ///
    /// # Errors
    /// [`JournalError::Index`] where sled fails.
    pub fn entries(&self) -> Result<Batch, JournalError> {
        let entries = self.store.scan(&[], &[u8::MAX], usize::MAX)?;
        Ok(entries.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect())
    }

    fn renew(&mut self, reader: &Reader, why: String) -> Result<u64, JournalError> {
        tracing::warn!(why, "the index is rebuilt from the tape");
        self.store.forget();
        (self.store, self.meta, self.projector) = empty(&self.dir, &self.options, reader)?;
        self.opened.rebuilt = Some(why);
        self.advance(reader)
    }

    fn advance(&mut self, reader: &Reader) -> Result<u64, JournalError> {
        let blocks = reader.headers();
        let from = self.next(reader)?;
        let mut batch = Batch::new();
        for (at, block) in blocks.iter().enumerate().skip(from) {
            for record in reader.block(at)? {
                project(&mut self.projector, block.header.number, &record, &mut batch);
            }
            self.meta.block = Some((block.header.number, block.header.hash()));
            if batch.len() >= ENTRIES_A_BATCH || at + 1 == blocks.len() {
                self.store.commit(&batch, &mut self.meta, &self.projector)?;
                batch.clear();
                (self.options.progress)((at + 1 - from) as u64, (blocks.len() - from) as u64);
            }
        }
        if from < blocks.len() {
            self.store.flush()?;
        }
        Ok((blocks.len() - from) as u64)
    }

    /// The place of the first block that is not in the index.
    fn next(&mut self, reader: &Reader) -> Result<usize, JournalError> {
        if self.meta.run != reader.manifest().run {
            return Err(broken("it is of another run"));
        }
        let Some((number, hash)) = self.meta.block else { return Ok(0) };
        let blocks = reader.headers();
        match blocks.binary_search_by_key(&number, |block| block.header.number) {
            Ok(at) if blocks[at].header.hash() == hash => Ok(at + 1),
            Ok(_) => Err(broken(format!("block {number} is another on the tape"))),
            // the tape begins behind the index: what is in it stays, and what was under way has no end
            Err(0) if blocks.first().is_some_and(|first| first.header.number > number + 1) => {
                self.projector = Projector::new((self.options.encoder)());
                Ok(0)
            }
            Err(0) if blocks.first().is_some_and(|first| first.header.previous == hash) => Ok(0),
            Err(0) => Err(broken(format!("block {number} was another on the tape"))),
            Err(_) => Err(broken(format!("the tape ends before block {number}"))),
        }
    }
}

/// An index with nothing in it, in the place of whatever is there.
fn empty(
    dir: &Path,
    options: &IndexOptions,
    reader: &Reader,
) -> Result<(Store, Meta, Projector), JournalError> {
    let projector = Projector::new((options.encoder)());
    Ok((Store::create(&folder(dir))?, Meta::new(&reader.manifest().run), projector))
}

fn folder(dir: &Path) -> PathBuf {
    dir.join("index").join("sled")
}
