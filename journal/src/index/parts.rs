//! The index in parts, each a sled of its own over a span of blocks: no more than the newest is in memory
//! while the tape is followed, and what retention drops of the tape goes with its part, never key by key.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::project::{Batch, Projector};
use super::store::{Meta, Store, broken};
use crate::JournalError;
use crate::files::failed;
use crate::lock;

/// The parts of an index, one behind the other without a gap.
pub struct Parts {
    folder: PathBuf,
    /// The older ones by their first block; those that a question opened stay open.
    older: BTreeMap<u64, Option<(Store, Meta)>>,
    /// The first block of the newest.
    first: u64,
    /// The newest, which is written.
    pub newest: Store,
    /// What the newest says of itself.
    pub meta: Meta,
    /// The projection's state behind the last block.
    pub projector: Projector,
}

impl Parts {
    /// Opens what is there. A newest part that is no good is dropped, and the one before it is then the
    /// newest: the tape tells what is missing. Why the first to be dropped was, if one was.
    pub fn open(folder: &Path) -> Result<(Self, Option<String>), JournalError> {
        let mut older: BTreeMap<_, _> = list(folder)?.into_iter().map(|first| (first, None)).collect();
        let mut dropped: Option<String> = None;
        while let Some((first, _)) = older.pop_last() {
            match Store::open(&path(folder, first)) {
                Ok((newest, meta, projector)) => {
                    check_order(&older, &meta)?;
                    let folder = folder.to_owned();
                    return Ok((Self { folder, older, first, newest, meta, projector }, dropped));
                }
                Err(JournalError::Index(why)) => {
                    remove(folder, first)?;
                    dropped.get_or_insert(why);
                }
                Err(error) => return Err(error),
            }
        }
        Err(broken(dropped.unwrap_or_else(|| "there was none".into())))
    }

    /// One empty part in the place of whatever is there.
    pub fn create(folder: &Path, run: &str, projector: Projector) -> Result<Self, JournalError> {
        clear(folder)?;
        let (first, mut meta) = (0, Meta::new(run));
        let newest = begin(folder, first, &mut meta, &projector)?;
        Ok(Self { folder: folder.to_owned(), older: BTreeMap::new(), first, newest, meta, projector })
    }

    /// Writes entries, and the block they end with, into the newest.
    pub fn commit(&mut self, batch: &Batch) -> Result<(), JournalError> {
        self.newest.commit(batch, &mut self.meta, &self.projector)
    }

    /// Closes the newest behind its last block, and begins another.
    pub fn roll(&mut self) -> Result<(), JournalError> {
        let Some((last, _)) = self.meta.block else { return Ok(()) };
        self.newest.flush()?;
        let mut meta = self.meta.next(self.first);
        self.newest = begin(&self.folder, last + 1, &mut meta, &self.projector)?;
        self.meta = meta;
        self.older.insert(self.first, None);
        self.first = last + 1;
        Ok(())
    }

    /// Drops the parts all of whose blocks stand before `first`.
    pub fn trim(&mut self, first: u64) -> Result<(), JournalError> {
        while let Some((&oldest, _)) = self.older.first_key_value() {
            if self.older.keys().nth(1).unwrap_or(&self.first) > &first {
                break;
            }
            drop(self.older.remove(&oldest));
            remove(&self.folder, oldest)?;
        }
        Ok(())
    }

    /// All of them, oldest first, the older ones opened where they are not yet.
    pub fn all(&mut self) -> Result<impl Iterator<Item = (&Store, &Meta)>, JournalError> {
        let mut before = None;
        for (&first, part) in &mut self.older {
            if part.is_none() {
                let (store, meta, _) = Store::open(&path(&self.folder, first))?;
                *part = Some((store, meta));
            }
            let is_next = part.as_ref().is_some_and(|(_, meta)| before.is_none() || meta.before == before);
            if !is_next {
                return Err(broken("a part is missing"));
            }
            before = Some(first);
        }
        let older = self.older.values().flatten().map(|(store, meta)| (store, meta));
        Ok(older.chain([(&self.newest, &self.meta)]))
    }

    /// Lets go of them all, as [`Store::forget`].
    pub fn forget(&mut self) {
        self.newest.forget();
        self.older.values_mut().flatten().for_each(|(store, _)| store.forget());
    }
}

/// Whether the part before the newest is there.
fn check_order(older: &BTreeMap<u64, Option<(Store, Meta)>>, meta: &Meta) -> Result<(), JournalError> {
    match older.last_key_value() {
        Some((&first, _)) if meta.before != Some(first) => Err(broken("a part is missing")),
        _ => Ok(()),
    }
}

fn begin(folder: &Path, first: u64, meta: &mut Meta, state: &Projector) -> Result<Store, JournalError> {
    let store = Store::create(&path(folder, first))?;
    store.commit(&Batch::new(), meta, state)?;
    Ok(store)
}

fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:012}"))
}

/// The first blocks of the parts that are there, in order.
fn list(folder: &Path) -> Result<Vec<u64>, JournalError> {
    let entries = fs::read_dir(folder).map_err(failed(folder, "list the index"))?;
    let mut firsts = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed(folder, "list the index"))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        firsts.extend(name.filter(|_| path.is_dir()).and_then(|name| name.parse::<u64>().ok()));
    }
    firsts.sort_unstable();
    Ok(firsts)
}

fn remove(folder: &Path, first: u64) -> Result<(), JournalError> {
    let part = path(folder, first);
    let of = |removed: io::Result<()>| match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&part, "remove")(error)),
        _ => Ok(()),
    };
    of(fs::remove_file(super::store::seal_path(&part)))?;
    of(fs::remove_dir_all(&part))
}

/// Removes everything but the lock.
fn clear(folder: &Path) -> Result<(), JournalError> {
    for entry in fs::read_dir(folder).map_err(failed(folder, "list the index"))? {
        let path = entry.map_err(failed(folder, "list the index"))?.path();
        if path.is_dir() {
            fs::remove_dir_all(&path).map_err(failed(&path, "remove"))?;
        } else if path.file_name() != Some(lock::NAME.as_ref()) {
            fs::remove_file(&path).map_err(failed(&path, "remove"))?;
        }
    }
    Ok(())
}
