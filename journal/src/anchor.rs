//! The anchor (J3): the heads that were, in a file of their own. A chain alone cannot see its own tail
//! cut off; this file can, as long as it is not cut with it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use synapse::bytes::{decode, encode};

use crate::disk::{Disk, DiskFile};
use crate::error::JournalError;
use crate::files::{self, Named};
use crate::record::Hash;

const MAGIC: [u8; 8] = *b"JANUSANC";
/// Divides a sector, so that a record is written whole or not at all.
const RECORD_BYTES: usize = 64;
const BODY_BYTES: usize = RECORD_BYTES - 4;

/// A place on a tape: a block and what it ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The block.
    pub block: u64,
    /// The last input up to its end.
    pub sequence: u64,
    /// The hash of its header.
    pub hash: Hash,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "block {}, sequence {}, hash {}", self.block, self.sequence, self.hash)
    }
}

impl Position {
    /// Magic, block, sequence, hash, four zeros, CRC32C.
    fn to_bytes(self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..56].copy_from_slice(&encode(&self));
        let crc = crc32c::crc32c(&bytes[..BODY_BYTES]);
        bytes[BODY_BYTES..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; RECORD_BYTES]) -> Option<Self> {
        decode(&bytes[8..56]).ok().filter(|position: &Self| position.to_bytes() == *bytes)
    }
}

fn path(dir: &Path) -> PathBuf {
    dir.join("anchor")
}

/// What an anchor's file tells.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Anchored {
    /// The last head in it.
    pub last: Option<Position>,
    /// What is wrong with the record behind it.
    pub damage: Option<String>,
    /// Where the next record goes.
    end: u64,
}

/// Reads the anchor. A record that is cut off, or that was never written, is torn and does not count.
pub(crate) fn read<D: Disk>(disk: &D, dir: &Path) -> Result<Anchored, JournalError> {
    let Some(file) = Named::find(disk, &path(dir), false)? else { return Ok(Anchored::default()) };
    let mut damage = None;
    for record in (0..file.bytes()? / RECORD_BYTES as u64).rev() {
        let at = record * RECORD_BYTES as u64;
        let mut bytes = [0; RECORD_BYTES];
        let read = file.read(at, &mut bytes)?;
        if let Some(last) = Position::from_bytes(&bytes) {
            return Ok(Anchored { last: Some(last), damage, end: at + RECORD_BYTES as u64 });
        }
        if read == RECORD_BYTES && bytes != [0; RECORD_BYTES] {
            damage = Some(format!("record {record} of the anchor is not right"));
        }
    }
    Ok(Anchored { last: None, damage, end: 0 })
}

/// All records in order; none in place of one that is not right. Those never written are left out.
pub(crate) fn history<D: Disk>(disk: &D, dir: &Path) -> Result<Vec<Option<Position>>, JournalError> {
    let file = Named::find(disk, &path(dir), false)?;
    let bytes = file.map_or(Ok(Vec::new()), |file| file.whole())?;
    let (records, _torn) = bytes.as_chunks::<RECORD_BYTES>();
    let written = records.iter().filter(|record| **record != [0; RECORD_BYTES]);
    Ok(written.map(Position::from_bytes).collect())
}

/// The anchor, to write.
pub(crate) struct Anchor<F> {
    file: Named<F>,
    end: u64,
}

impl<F: DiskFile> Anchor<F> {
    /// Opens it behind its last record, or makes it.
    pub(crate) fn open<D: Disk<File = F>>(disk: &D, dir: &Path) -> Result<Self, JournalError> {
        let (path, end) = (path(dir), read(disk, dir)?.end);
        let file = Named::find(disk, &path, true)?.map_or_else(|| Named::create(disk, &path), Ok)?;
        files::sync_dir(disk, dir)?;
        Ok(Self { file, end })
    }

    /// Adds a head, durably.
    pub(crate) fn add(&mut self, head: Position) -> Result<(), JournalError> {
        self.file.write(self.end, &head.to_bytes())?;
        self.end += RECORD_BYTES as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::disk::RealDisk;

    fn head(block: u64) -> Position {
        Position { block, sequence: block * 10, hash: Hash([block as u8; 32]) }
    }

    #[test]
    fn the_last_whole_record_counts_and_a_changed_one_is_seen() {
        let dir = tempfile::tempdir().expect("the disk is whole");
        assert_eq!(read(&RealDisk, dir.path()).expect("the disk is whole"), Anchored::default());
        let mut anchor = Anchor::open(&RealDisk, dir.path()).expect("the disk is whole");
        anchor.add(head(1)).expect("the disk is whole");
        anchor.add(head(2)).expect("the disk is whole");
        let whole = fs::read(path(dir.path())).expect("the disk is whole");
        let told = |bytes: &[u8]| {
            fs::write(path(dir.path()), bytes).expect("the disk is whole");
            let anchored = read(&RealDisk, dir.path()).expect("the disk is whole");
            (anchored.last.map(|head| head.block), anchored.damage.is_some())
        };
        assert_eq!(told(&whole), (Some(2), false));
        for length in RECORD_BYTES..2 * RECORD_BYTES {
            assert_eq!(told(&whole[..length]), (Some(1), false), "cut at {length}");
        }
        assert_eq!(told(&[&whole[..RECORD_BYTES], &[0; RECORD_BYTES]].concat()), (Some(1), false));
        for bit in 0..RECORD_BYTES * 8 {
            let mut flipped = whole.clone();
            flipped[RECORD_BYTES + bit / 8] ^= 1 << (bit % 8);
            assert_eq!(told(&flipped), (Some(1), true), "bit {bit}");
        }
        told(&whole[..RECORD_BYTES + 5]);
        Anchor::open(&RealDisk, dir.path())
            .expect("the disk is whole")
            .add(head(3))
            .expect("the disk is whole");
        assert_eq!(told(&fs::read(path(dir.path())).expect("the disk is whole")), (Some(3), false));
    }
}
