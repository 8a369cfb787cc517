//! Opening a tape to write on (J4): what a crash left is set aside, and never overwrites anything.

use std::path::Path;

use crate::anchor::Position;
use crate::disk::{Disk, DiskFile};
use crate::error::JournalError;
use crate::files::{failed, read_whole, write_whole};
use crate::header::Kind;
use crate::manifest::Manifest;
use crate::record::{Hash, Note};
use crate::sectors::PAGE_BYTES;
use crate::segments::{self, PIECE_BYTES, Segment, folder, zero};
use crate::survey::{BlockAt, Damage, Leftover};

/// What was found when a tape was opened.
#[derive(Debug)]
pub struct Opening {
    /// What the run was started with.
    pub manifest: Manifest,
    /// The blocks, in order.
    pub blocks: Vec<BlockAt>,
    /// Where the tape ended.
    pub head: Position,
    /// Whether the process before ended in order.
    pub closed: bool,
    /// How many processes wrote before.
    pub epoch: u32,
    /// What was set aside: a [`Note::SetAside`] each, for the caller to write down.
    pub set_aside: Vec<Note>,
}

/// Reads the manifest of a journal's folder, which must be the one its tape was begun with.
pub(crate) fn manifest<D: Disk>(disk: &D, dir: &Path, root: &Hash) -> Result<Manifest, JournalError> {
    let path = dir.join("manifest.json");
    let bytes = read_whole(disk, &path).map_err(failed(&path, "read"))?;
    let wrong = |what| Damage { file: "manifest.json".into(), block: 0, sequence: 0, what };
    let found = Hash::of(&bytes);
    if found != *root {
        return Err(wrong(format!("its hash is {found}, and the tape names {root}")).into());
    }
    serde_json::from_slice(&bytes).map_err(|error| wrong(format!("it is not a manifest: {error}")).into())
}

/// A segment to go on writing in.
pub(crate) struct Current<F> {
    pub number: u32,
    pub file: F,
    pub offset: u64,
    pub bytes: u64,
}

/// Sets aside what a crash left behind the last block, and gives the segment in which the tape goes on.
pub(crate) fn go_on<D: Disk>(
    disk: &D,
    dir: &Path,
    segment_bytes: u64,
    last: &BlockAt,
    segments: Vec<Segment<D::File>>,
    leftovers: &[Leftover],
) -> Result<(Current<D::File>, Vec<Note>), JournalError> {
    let folder = folder(dir);
    let mut notes = Vec::new();
    for leftover in leftovers {
        let segment = &segments[leftover.at];
        notes.push(set_aside(disk, dir, segment, leftover, last.header.number.saturating_add(1))?);
    }
    let mut current = None;
    for (at, segment) in segments.into_iter().enumerate() {
        let path = folder.join(segments::name(segment.number));
        if segment.number > last.segment {
            disk.remove(&path).map_err(failed(&path, "remove"))?;
        } else if segment.number == last.segment {
            if let Some(leftover) = leftovers.iter().find(|leftover| leftover.at == at) {
                zero(&segment.file, &path, leftover.from, leftover.to)?;
            }
            current = Some((segment, path));
        }
    }
    let (segment, path) = current.ok_or_else(|| JournalError::Missing { path: dir.to_owned() })?;
    secure(&segment.file, last).map_err(failed(&path, "write the last block again"))?;
    disk.sync_dir(&folder).map_err(failed(&folder, "sync"))?;
    let (offset, mut bytes) = (last.offset + last.bytes(), segment.bytes);
    if last.header.kind == Kind::Closed {
        // a process that goes on begins a segment, so that nothing may ever stand behind this block
        bytes = offset;
    } else if bytes < segment_bytes {
        zero(&segment.file, &path, bytes, segment_bytes)?;
        bytes = segment_bytes;
    }
    let bytes = bytes / PAGE_BYTES * PAGE_BYTES;
    Ok((Current { number: segment.number, file: segment.file, offset, bytes }, notes))
}

/// Makes the last block durable. It may be in the system's memory alone: the process before was killed
/// while it synced, or its sync failed, after which only what is written again reaches the disk.
fn secure(file: &impl DiskFile, last: &BlockAt) -> std::io::Result<()> {
    let mut bytes = vec![0; last.bytes() as usize];
    let read = file.read_at(last.offset, &mut bytes)?;
    file.write_at(last.offset, &bytes[..read])?;
    file.sync_data()
}

fn set_aside<D: Disk>(
    disk: &D,
    dir: &Path,
    segment: &Segment<D::File>,
    leftover: &Leftover,
    block: u64,
) -> Result<Note, JournalError> {
    let path = folder(dir).join(segments::name(segment.number));
    let mut bytes = vec![0; (leftover.to - leftover.from) as usize];
    let read = segment.file.read_at(leftover.from, &mut bytes).map_err(failed(&path, "read"))?;
    bytes.truncate(read);
    let aside = dir.join("aside");
    let taken = crate::files::names(disk, &aside)?;
    let stem = format!("{:010}-{}", segment.number, leftover.from);
    let mut file = format!("{stem}.torn");
    for again in 1.. {
        if !taken.iter().any(|(name, _)| *name == file) {
            break;
        }
        file = format!("{stem}-{again}.torn");
    }
    write_whole(disk, &aside.join(&file), &bytes, PIECE_BYTES)?;
    Ok(Note::SetAside { file, block, bytes: bytes.len() as u64 })
}
