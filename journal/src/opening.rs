//! Opening a tape to write on (J4): what a crash left is set aside, and never overwrites anything.

use std::path::Path;

use crate::anchor::Position;
use crate::disk::Disk;
use crate::error::{Damage, JournalError};
use crate::files::{self, Named, write_whole};
use crate::header::Kind;
use crate::manifest::Manifest;
use crate::record::{Hash, Note};
use crate::sectors::PAGE_BYTES;
use crate::segments::{self, Segment};
use crate::survey::{BlockAt, Leftover};

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
    let wrong = |why| {
        let segment = "manifest.json".into();
        JournalError::Damaged(Damage { block: 0, sequence: 0, segment, why })
    };
    let file = Named::find(disk, &dir.join("manifest.json"), false)?;
    let bytes = file.ok_or_else(|| wrong("it is missing".into()))?.whole()?;
    let found = Hash::of(&bytes);
    if found != *root {
        return Err(wrong(format!("its hash is {found}, and the tape names {root}")));
    }
    serde_json::from_slice(&bytes).map_err(|error| wrong(format!("it is not a manifest: {error}")))
}

/// Sets aside what a crash left behind the last block, and gives the segment in which the tape goes on.
pub(crate) fn go_on<D: Disk>(
    disk: &D,
    dir: &Path,
    segment_bytes: u64,
    last: &BlockAt,
    segments: Vec<Segment<D::File>>,
    leftovers: &[Leftover],
) -> Result<(Segment<D::File>, Vec<Note>), JournalError> {
    let next = last.header.number.saturating_add(1);
    let aside = |left: &Leftover| set_aside(disk, dir, &segments[left.at], left, next);
    let notes = leftovers.iter().map(aside).collect::<Result<_, _>>()?;
    let mut current = None;
    for (at, segment) in segments.into_iter().enumerate() {
        if segment.number > last.segment {
            files::remove(disk, &segment.file.path)?;
        } else if segment.number == last.segment {
            if let Some(leftover) = leftovers.iter().find(|leftover| leftover.at == at) {
                segment.file.zero(leftover.from, leftover.to)?;
            }
            current = Some(segment);
        }
    }
    let mut current = current.ok_or_else(|| JournalError::Missing { path: dir.to_owned() })?;
    // the last block may be in the system's memory alone: the process before was killed while it synced,
    // or its sync failed, after which only what is written again reaches the disk
    current.file.write(last.offset, &current.file.part(last.offset, last.bytes())?)?;
    files::sync_dir(disk, &segments::folder(dir))?;
    if last.header.kind == Kind::Closed {
        // a process that goes on begins a segment, so that nothing may ever stand behind this block
        current.bytes = last.end();
    } else if current.bytes < segment_bytes {
        current.file.zero(current.bytes, segment_bytes)?;
        current.bytes = segment_bytes;
    }
    current.bytes = current.bytes / PAGE_BYTES * PAGE_BYTES;
    Ok((current, notes))
}

fn set_aside<D: Disk>(
    disk: &D,
    dir: &Path,
    segment: &Segment<D::File>,
    leftover: &Leftover,
    block: u64,
) -> Result<Note, JournalError> {
    let bytes = segment.file.part(leftover.from, leftover.to - leftover.from)?;
    let aside = dir.join("aside");
    let stem = format!("{:010}-{}", segment.number, leftover.from);
    let mut file = format!("{stem}.torn");
    for again in 1.. {
        if Named::find(disk, &aside.join(&file), false)?.is_none() {
            break;
        }
        file = format!("{stem}-{again}.torn");
    }
    write_whole(disk, &aside.join(&file), &bytes)?;
    Ok(Note::SetAside { file, block, bytes: bytes.len() as u64 })
}
