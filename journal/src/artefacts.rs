//! Artefacts: files named by the hash of their content, in `artefacts/HASH.KIND` (J6).
//!
//! A configuration or a policy that a tape names by its hash is found here, and is what it was or is
//! refused.

use std::path::{Path, PathBuf};

use crate::disk::RealDisk;
use crate::{Hash, JournalError, files};

/// An artefact that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// Its name.
    pub hash: Hash,
    /// What it is, `config` or `policy`.
    pub kind: String,
    /// Its size.
    pub bytes: u64,
}

/// Keeps some bytes in the journal of `dir`; when this returns they are durable.
///
/// # Errors
/// Where the disk fails.
pub fn put(dir: &Path, kind: &str, bytes: &[u8]) -> Result<Hash, JournalError> {
    let hash = Hash::of(bytes);
    // one that is there is written again: it may be damaged, or its name not yet durable
    files::write_whole(&RealDisk, &path(dir, kind, &hash), bytes)?;
    Ok(hash)
}

/// The bytes of that name.
///
/// # Errors
/// [`JournalError::Artefact`] where the file is missing or is not what its name says.
pub fn get(dir: &Path, kind: &str, hash: &Hash) -> Result<Vec<u8>, JournalError> {
    files::read_named(&RealDisk, &path(dir, kind, hash), hash)
}

/// What is there, by hash; files with other names are passed over.
///
/// # Errors
/// Where the disk fails.
pub fn list(dir: &Path) -> Result<Vec<Artefact>, JournalError> {
    let files = files::list(&RealDisk, &dir.join("artefacts"), false)?;
    Ok(files.into_iter().filter_map(|listed| parse(&listed.file.name(), listed.bytes)).collect())
}

fn path(dir: &Path, kind: &str, hash: &Hash) -> PathBuf {
    dir.join("artefacts").join(format!("{hash}.{kind}"))
}

fn parse(name: &str, bytes: u64) -> Option<Artefact> {
    let (hash, kind) = name.split_once('.')?;
    let hash = hash.parse().ok()?;
    (!kind.contains('.')).then(|| Artefact { hash, kind: kind.to_owned(), bytes })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_put_is_got_and_listed_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(list(dir.path()).expect("no folder is no artefact"), []);
        let config = put(dir.path(), "config", b"[amygdala]").expect("put");
        assert_eq!(put(dir.path(), "config", b"[amygdala]").expect("put again"), config);
        fs::write(dir.path().join(format!("artefacts/{config}.config.1-2.part")), "half").expect("written");
        let listed = Artefact { hash: config, kind: "config".into(), bytes: 10 };
        assert_eq!(list(dir.path()).expect("listed"), [listed]);
        assert_eq!(get(dir.path(), "config", &config).expect("there"), b"[amygdala]");
        let missing = get(dir.path(), "policy", &config).expect_err("of another kind").to_string();
        assert!(missing.contains(&format!("{config}.policy: it is missing; copy it back")), "{missing}");
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused_by_name_and_put_heals_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let bytes = b"weights";
        let hash = put(dir.path(), "policy", bytes).expect("put");
        let path = path(dir.path(), "policy", &hash);
        let flipped = (0..bytes.len() * 8).map(|bit| {
            let mut bytes = bytes.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        });
        for damaged in flipped.chain((0..bytes.len()).map(|end| bytes[..end].to_vec())) {
            fs::write(&path, &damaged).expect("damaged");
            let refused = get(dir.path(), "policy", &hash).expect_err("damaged").to_string();
            assert!(
                refused.contains(&path.display().to_string()) && refused.contains("damaged"),
                "{refused}"
            );
        }
        put(dir.path(), "policy", bytes).expect("put again");
        assert_eq!(get(dir.path(), "policy", &hash).expect("whole"), bytes);
    }
}
