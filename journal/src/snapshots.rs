//! Snapshots of the state behind an input (J6): files named by that input and by the hash of their
//! content, `snapshots/SEQUENCE-HASH.snap`, so that the newest before a place is found by name.

use std::path::{Path, PathBuf};

use crate::disk::RealDisk;
use crate::{Hash, JournalError, files};

/// A snapshot that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// The last input in it.
    pub sequence: u64,
    /// The hash of its content, which the tape's marker tells.
    pub hash: Hash,
    /// Its size.
    pub bytes: u64,
}

/// Keeps the state behind an input in the journal of `dir`; when this returns it is durable.
///
/// # Errors
/// Where the disk fails.
pub fn put_snapshot(dir: &Path, sequence: u64, bytes: &[u8]) -> Result<Hash, JournalError> {
    let hash = Hash::of(bytes);
    files::write_whole(&RealDisk, &path(dir, sequence, &hash), bytes)?;
    Ok(hash)
}

/// The state of that name.
///
/// # Errors
/// [`JournalError::Artefact`] where the file is missing or is not what its name says.
pub fn get_snapshot(dir: &Path, sequence: u64, hash: &Hash) -> Result<Vec<u8>, JournalError> {
    files::read_named(&RealDisk, &path(dir, sequence, hash), hash)
}

/// What is there, the oldest first; files with other names are passed over.
///
/// # Errors
/// Where the disk fails.
pub fn list_snapshots(dir: &Path) -> Result<Vec<Snapshot>, JournalError> {
    let files = files::list(&RealDisk, &folder(dir), false)?;
    Ok(files.into_iter().filter_map(|listed| parse(&listed.file.name(), listed.bytes)).collect())
}

/// Removes every snapshot but those to `keep`, and what a crash left half written; how many
/// snapshots went. Only the writer of a journal may do it.
///
/// # Errors
/// Where the disk fails.
pub fn prune(dir: &Path, keep: &[Hash]) -> Result<usize, JournalError> {
    let mut gone = 0;
    for files::Listed { file, bytes } in files::list(&RealDisk, &folder(dir), false)? {
        let snapshot = parse(&file.name(), bytes);
        if file.name().ends_with(files::UNFINISHED)
            || snapshot.is_some_and(|snapshot| !keep.contains(&snapshot.hash))
        {
            files::remove(&RealDisk, &file.path)?;
            gone += usize::from(snapshot.is_some());
        }
    }
    Ok(gone)
}

fn folder(dir: &Path) -> PathBuf {
    dir.join("snapshots")
}

fn path(dir: &Path, sequence: u64, hash: &Hash) -> PathBuf {
    folder(dir).join(format!("{sequence:020}-{hash}.snap"))
}

fn parse(name: &str, bytes: u64) -> Option<Snapshot> {
    let (sequence, hash) = name.strip_suffix(".snap")?.split_once('-')?;
    Some(Snapshot { sequence: sequence.parse().ok()?, hash: hash.parse().ok()?, bytes })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn they_are_listed_by_sequence_and_pruned_by_hash() {
        let dir = tempfile::tempdir().expect("a folder");
        let large: Vec<u8> = (0..files::PIECE_BYTES * 2 + 7).map(|at| (at % 251) as u8).collect();
        let late = put_snapshot(dir.path(), 100, &large).expect("put");
        let early = put_snapshot(dir.path(), 20, b"").expect("put");
        let middle = put_snapshot(dir.path(), 30, b"state").expect("put");
        fs::write(folder(dir.path()).join("x.1-1.part"), "half").expect("written");
        let all = [(20, early, 0), (30, middle, 5), (100, late, large.len() as u64)];
        let all = all.map(|(sequence, hash, bytes)| Snapshot { sequence, hash, bytes });
        assert_eq!(list_snapshots(dir.path()).expect("listed"), all);
        assert_eq!(get_snapshot(dir.path(), 100, &late).expect("there"), large);
        assert_eq!(prune(dir.path(), &[late, early]).expect("pruned"), 1);
        assert_eq!(list_snapshots(dir.path()).expect("listed"), [all[0], all[2]]);
        assert_eq!(
            fs::read_dir(folder(dir.path())).expect("a folder").count(),
            2,
            "the half written one went"
        );
    }

    #[test]
    fn one_that_is_damaged_is_refused_by_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let hash = put_snapshot(dir.path(), 7, b"state").expect("put");
        fs::write(path(dir.path(), 7, &hash), "State").expect("damaged");
        let refused = get_snapshot(dir.path(), 7, &hash).expect_err("damaged").to_string();
        assert!(refused.contains(&format!("{:020}-{hash}.snap: it is damaged", 7)), "{refused}");
    }
}
