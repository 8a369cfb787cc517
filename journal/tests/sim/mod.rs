//! A disk in memory that can lose what was not synced: writes are dropped, torn at sectors and kept out
//! of order, and so are names in folders. A sector is written whole or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use journal::SECTOR_BYTES;
use journal::disk::{Disk, DiskFile};

/// What goes wrong, by the number of the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The power goes within the operation of this number, of which anything may be done; all later
    /// ones do nothing.
    PowerCut(u64),
    /// There is no room for the write of this number, nor for later ones; half of it is written.
    FullAtWrite(u64),
    /// The sync of this number fails, once; what it should have made durable is lost.
    FailedSync(u64),
}

/// A source of numbers (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// One of 0 to `n` − 1.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

#[derive(Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Length(usize),
}

#[derive(Clone, Default)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Naming {
    Set(PathBuf, usize),
    Move(PathBuf, PathBuf, usize),
    Remove(PathBuf),
}

impl Naming {
    fn dir(&self) -> Option<&Path> {
        match self {
            Self::Set(path, _) | Self::Move(_, path, _) | Self::Remove(path) => path.parent(),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Set(path, file) => drop(names.insert(path.clone(), *file)),
            Self::Move(from, to, file) => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
            Self::Remove(path) => drop(names.remove(path)),
        }
    }
}

#[derive(Clone, Default)]
struct State {
    files: Vec<Content>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    namings: Vec<Naming>,
    folders: BTreeSet<PathBuf>,
    fault: Option<Fault>,
    operations: u64,
    writes: u64,
    syncs: u64,
    injected: u64,
}

/// What was done to a disk.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    /// Writes.
    pub writes: u64,
    /// Syncs of files.
    pub syncs: u64,
    /// Faults that occurred.
    pub injected: u64,
}

/// The disk.
#[derive(Clone, Default)]
pub struct SimDisk(Arc<Mutex<State>>);

/// A file on it.
pub struct SimFile {
    disk: SimDisk,
    file: usize,
}

fn write(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

impl State {
    /// Does an operation that is not durable by itself, unless the power is gone; counts it.
    fn operate(&mut self, change: impl FnOnce(&mut Self)) -> io::Result<()> {
        let at = if let Some(Fault::PowerCut(at)) = self.fault { at } else { u64::MAX };
        self.operations += 1;
        if self.operations <= at {
            change(self);
        }
        if self.operations >= at {
            self.injected += 1;
            return Err(io::Error::other("the power is gone"));
        }
        Ok(())
    }

    fn name(&mut self, naming: Naming) -> io::Result<()> {
        self.operate(|state| {
            naming.apply(&mut state.names);
            state.namings.push(naming);
        })
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

impl SimDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds the disk")
    }

    /// Plans a fault; the counts begin anew.
    pub fn plan(&self, fault: Option<Fault>) {
        let mut state = self.state();
        (state.fault, state.operations, state.writes, state.syncs) = (fault, 0, 0, 0);
    }

    /// What was done.
    pub fn counts(&self) -> Counts {
        let State { writes, syncs, injected, .. } = *self.state();
        Counts { writes, syncs, injected }
    }

    /// The same disk, of which later changes are no part.
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.state().clone())))
    }

    /// What the disk holds after the power came back: of all that was not synced anything may be there.
    pub fn after_power_cut(&self, seed: u64) -> Self {
        let mut random = Random(seed);
        let mut state = self.state().clone();
        // how many in four of the unsynced changes are kept: none, some or all
        let keep = random.below(5);
        let mut kept = || random.below(4) < keep;
        for content in &mut state.files {
            for change in std::mem::take(&mut content.pending) {
                match change {
                    Change::Write(offset, bytes) => {
                        let mut at = 0;
                        while at < bytes.len() {
                            let place = offset as usize + at;
                            let end = bytes.len().min(at + SECTOR_BYTES - place % SECTOR_BYTES);
                            if kept() {
                                write(&mut content.durable, place, &bytes[at..end]);
                            }
                            at = end;
                        }
                    }
                    Change::Length(length) if kept() => content.durable.resize(length, 0),
                    Change::Length(_) => {}
                }
            }
            content.now = content.durable.clone();
        }
        for naming in std::mem::take(&mut state.namings) {
            if kept() {
                naming.apply(&mut state.durable_names);
            }
        }
        state.names = state.durable_names.clone();
        (state.fault, state.injected) = (None, 0);
        Self(Arc::new(Mutex::new(state)))
    }

    /// The content of a file.
    pub fn content(&self, path: &Path) -> Vec<u8> {
        let state = self.state();
        state.files[state.find(path).expect("it is there")].now.clone()
    }

    /// Puts a file there, durably, as if it had always been there.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state();
        let (now, durable) = (bytes.to_vec(), bytes.to_vec());
        state.files.push(Content { now, durable, pending: Vec::new() });
        let file = state.files.len() - 1;
        state.names.insert(path.to_owned(), file);
        state.durable_names.insert(path.to_owned(), file);
    }

    /// Flips one bit.
    pub fn flip(&self, path: &Path, bit: usize) {
        let mut state = self.state();
        let file = state.find(path).expect("it is there");
        state.files[file].now[bit / 8] ^= 1 << (bit % 8);
    }
}

impl Disk for SimDisk {
    type File = SimFile;

    fn create(&self, path: &Path) -> io::Result<SimFile> {
        let mut state = self.state();
        state.files.push(Content::default());
        let file = state.files.len() - 1;
        state.name(Naming::Set(path.to_owned(), file))?;
        Ok(SimFile { disk: self.clone(), file })
    }

    fn open(&self, path: &Path, _write: bool) -> io::Result<SimFile> {
        Ok(SimFile { disk: self.clone(), file: self.state().find(path)? })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let file = state.find(from)?;
        state.name(Naming::Move(from.to_owned(), to.to_owned(), file))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.find(path)?;
        state.name(Naming::Remove(path.to_owned()))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        if !state.folders.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.state().folders.extend(dir.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.operate(|_| ())?;
        let (these, others) =
            std::mem::take(&mut state.namings).into_iter().partition(|n| n.dir() == Some(dir));
        state.namings = others;
        let these: Vec<Naming> = these;
        these.iter().for_each(|naming| naming.apply(&mut state.durable_names));
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.state();
        let rest = state.files[self.file].now.get(offset as usize..).unwrap_or_default();
        let read = rest.len().min(into.len());
        into[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        state.writes += 1;
        let full = matches!(state.fault, Some(Fault::FullAtWrite(at)) if state.writes > at);
        let bytes = if full { &bytes[..bytes.len() / 2] } else { bytes };
        state.operate(|state| {
            let content = &mut state.files[self.file];
            write(&mut content.now, offset as usize, bytes);
            content.pending.push(Change::Write(offset, bytes.to_vec()));
        })?;
        state.injected += u64::from(full);
        if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.operate(|_| ())?;
        state.syncs += 1;
        let fails = matches!(state.fault, Some(Fault::FailedSync(at)) if state.syncs == at + 1);
        state.injected += u64::from(fails);
        let content = &mut state.files[self.file];
        if fails {
            // as Linux does: the pages stay in memory and count as clean
            content.pending.clear();
            return Err(io::Error::other("input/output error"));
        }
        for change in std::mem::take(&mut content.pending) {
            match change {
                Change::Write(offset, bytes) => write(&mut content.durable, offset as usize, &bytes),
                Change::Length(length) => content.durable.resize(length, 0),
            }
        }
        Ok(())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.operate(|state| {
            let content = &mut state.files[self.file];
            content.now.resize(bytes as usize, 0);
            content.pending.push(Change::Length(bytes as usize));
        })
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.disk.state().files[self.file].now.len() as u64)
    }
}
