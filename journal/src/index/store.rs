//! sled, at arm's length. It panics on damaged bytes, at open as at any later read, and can lose part
//! of its log without a word: so nothing touches it outside [`guarded`], and what it holds is summed.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::{fs, io, mem};

use serde::{Deserialize, Serialize};
use sled::IVec;
use synapse::bytes::{decode, encode};

use super::keys::KINDS;
use super::project::{Batch, Projector};
use crate::files::failed;
use crate::{Hash, JournalError};

/// Of the entries and of what stands beside them; one of another version is rebuilt.
const SCHEMA: u16 = 3;
const META: &[u8] = &[0, 0];
/// The projector's state, in pieces: sled's values have to stay far below 128 KiB.
const STATE: &[u8] = &[0, 1];
const BEHIND_STATE: &[u8] = &[0, 2];
const PIECE_BYTES: usize = 4 << 10;
const CACHE_BYTES: u64 = 16 << 20;
/// Each write replaces a node, and sled frees those only when it is accessed: 512 of them in 128 accesses,
/// of which a batch is one. Half an access a write keeps up with that.
const WRITES_AN_ACCESS: usize = 2;

/// What the index says of itself; written together with the entries it speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    schema: u16,
    /// The run it belongs to.
    pub run: String,
    /// The first block of the part before it, which retention may have dropped.
    pub before: Option<u64>,
    /// The number and hash of the last block in it, or before it.
    pub block: Option<(u64, Hash)>,
    /// How many entries there are of each kind.
    pub counts: [u64; KINDS.len()],
    /// The sum of the hashes of all entries, which does not depend on their order.
    sum: u64,
    /// The hash of the projector's state.
    state: Hash,
}

impl Meta {
    /// Of an empty index that begins with the tape.
    pub fn new(run: &str) -> Self {
        let (counts, state) = (Default::default(), Hash::default());
        Self { schema: SCHEMA, run: run.to_owned(), before: None, block: None, counts, sum: 0, state }
    }

    /// Of an empty part behind the one that begins with block `before`.
    pub fn next(&self, before: u64) -> Self {
        Self { before: Some(before), block: self.block, ..Self::new(&self.run) }
    }

    /// How many entries there are.
    pub fn entries(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn add(&mut self, key: &[u8], value: &[u8]) {
        let kind = key.first().and_then(|kind| usize::from(*kind).checked_sub(1));
        if let Some(count) = kind.and_then(|at| self.counts.get_mut(at)) {
            *count += 1;
        }
        let hash = Hash::of(&[&(key.len() as u64).to_le_bytes(), key, value].concat());
        let (words, _) = hash.0.as_chunks();
        self.sum = self.sum.wrapping_add(u64::from_le_bytes(words[0]));
    }
}

/// An open sled, and the seal beside it that tells what its files were when it was last closed.
pub struct Store {
    folder: PathBuf,
    /// Always there but while it is being exchanged or closed.
    db: Option<sled::Db>,
}

impl Store {
    /// Opens what is there and checks it: by its seal, or else entry by entry.
    pub fn open(folder: &Path) -> Result<(Self, Meta, Projector), JournalError> {
        if !folder.is_dir() {
            return Err(broken("there was none"));
        }
        let sealed = fs::read(seal_path(folder)).is_ok_and(|old| seal(folder).is_ok_and(|now| now == old));
        let mut store = Self { folder: folder.to_owned(), db: Some(open(folder)?) };
        let read = store.read(sealed);
        if read.is_err() {
            store.forget();
        }
        read.map(|(meta, projector)| (store, meta, projector))
    }

    /// An empty one, in the place of whatever is there.
    pub fn create(folder: &Path) -> Result<Self, JournalError> {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(folder, "remove the index")(error));
            }
            _ => fs::create_dir_all(folder).map_err(failed(folder, "make the index"))?,
        }
        Ok(Self { folder: folder.to_owned(), db: Some(open(folder)?) })
    }

    fn read(&self, sealed: bool) -> Result<(Meta, Projector), JournalError> {
        let meta = self.get(META)?.ok_or_else(|| broken("it is empty"))?;
        if meta.get(..2) != Some(&SCHEMA.to_le_bytes()) {
            return Err(broken("it is of another version"));
        }
        let meta: Meta = decode(&meta).map_err(broken)?;
        let pieces = self.scan(STATE, BEHIND_STATE, usize::MAX)?;
        let state: Vec<u8> = pieces.iter().flat_map(|(_, piece)| piece.iter().copied()).collect();
        if Hash::of(&state) != meta.state || !(sealed || self.adds_up(&meta)?) {
            return Err(broken("entries are missing or changed"));
        }
        Ok((meta, decode(&state).map_err(broken)?))
    }

    /// Whether the entries are those that were written.
    fn adds_up(&self, meta: &Meta) -> Result<bool, JournalError> {
        let mut found = Meta { counts: Default::default(), sum: 0, ..meta.clone() };
        self.guarded(|db| {
            db.range(BEHIND_STATE..).try_for_each(|entry| entry.map(|(key, value)| found.add(&key, &value)))
        })?;
        Ok(found == *meta)
    }

    /// Writes entries, the block they end with, and the projector's state behind it, all or nothing.
    pub fn commit(&self, batch: &Batch, meta: &mut Meta, projector: &Projector) -> Result<(), JournalError> {
        let mut writes = sled::Batch::default();
        for (key, value) in batch {
            meta.add(key, value);
            writes.insert(key.as_slice(), value.as_slice());
        }
        let state = encode(projector);
        meta.state = Hash::of(&state);
        for (key, _) in self.scan(STATE, BEHIND_STATE, usize::MAX)? {
            writes.remove(key);
        }
        for (piece, at) in state.chunks(PIECE_BYTES).zip(0u32..) {
            writes.insert([STATE, &at.to_be_bytes()].concat(), piece);
        }
        writes.insert(META, encode(meta));
        let accesses = (batch.len() + state.len() / PIECE_BYTES) / WRITES_AN_ACCESS;
        self.guarded(|db| {
            db.apply_batch(writes)?;
            (0..accesses).try_for_each(|_| db.get(META).map(drop))
        })
    }

    /// Hands what was committed to the system, which then survives the end of this process.
    pub fn flush(&self) -> Result<(), JournalError> {
        self.guarded(|db| db.flush().map(drop))
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Result<Option<IVec>, JournalError> {
        self.guarded(|db| db.get(key))
    }

    /// The first entries with `from` ≤ key < `to`.
    pub fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(IVec, IVec)>, JournalError> {
        if from >= to {
            return Ok(Vec::new());
        }
        self.guarded(|db| db.range(from..to).take(limit).collect())
    }

    fn guarded<T>(&self, act: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, JournalError> {
        let db = self.db.as_ref().ok_or_else(|| broken("it is closed"))?;
        guarded(|| act(db))
    }

    /// Lets go of one that failed, without the flush of its destructor: that can panic or wait for ever.
    pub fn forget(&mut self) {
        mem::forget(self.db.take());
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let Some(db) = self.db.take() else { return };
        let closed = guarded(|| {
            drop(db);
            // sled's threads let go of its file a little later, and its own lock with it
            fs::File::open(self.folder.join("db"))?.lock()?;
            Ok(fs::write(seal_path(&self.folder), seal(&self.folder)?)?)
        });
        if let Err(error) = closed {
            tracing::warn!(%error, "the index is not sealed: it will be checked when it is opened");
        }
    }
}

/// That sled failed.
pub fn broken(why: impl Display) -> JournalError {
    JournalError::Index(why.to_string())
}

fn open(folder: &Path) -> Result<sled::Db, JournalError> {
    guarded(|| sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).flush_every_ms(None).open())
}

fn guarded<T>(act: impl FnOnce() -> sled::Result<T>) -> Result<T, JournalError> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(result) => result.map_err(broken),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Err(broken(text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked")))
        }
    }
}

/// Where the seal of a store is.
pub fn seal_path(folder: &Path) -> PathBuf {
    folder.with_extension("seal")
}

/// The names and hashes of sled's files.
fn seal(folder: &Path) -> io::Result<Vec<u8>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if path.is_file() {
            let mut hasher = blake3::Hasher::new();
            hasher.update_reader(fs::File::open(path)?)?;
            files.push((name.to_string_lossy().into_owned(), Hash(hasher.finalize().into())));
        }
    }
    files.sort();
    Ok(encode(&files))
}
