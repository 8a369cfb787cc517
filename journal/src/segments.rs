//! The segment files (J1): zeros written in advance, so that a commit changes no metadata.

use std::path::{Path, PathBuf};

use crate::disk::{Disk, DiskFile};
use crate::error::JournalError;
use crate::files::failed;

/// How large a segment is unless told.
pub const DEFAULT_SEGMENT_BYTES: u64 = 64 << 20;
/// How much is written between two syncs of what nobody waits for.
pub(crate) const PIECE_BYTES: usize = 1 << 20;

const SPARE: &str = "spare.seg";

/// The folder of the segments.
pub(crate) fn folder(dir: &Path) -> PathBuf {
    dir.join("tape")
}

/// The name of a segment's file.
pub(crate) fn name(number: u32) -> String {
    format!("{number:010}.seg")
}

/// A segment that stands in the folder.
pub(crate) struct Segment<F> {
    /// Its number.
    pub number: u32,
    /// How long it is.
    pub bytes: u64,
    /// Its file.
    pub file: F,
}

/// The segments of a journal in order; none where there is no folder.
pub(crate) fn list<D: Disk>(
    disk: &D,
    dir: &Path,
    write: bool,
) -> Result<Vec<Segment<D::File>>, JournalError> {
    let folder = folder(dir);
    let names = match disk.list(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        names => names.map_err(failed(&folder, "list"))?,
    };
    let mut segments = Vec::new();
    for file in names {
        let Some(number) = file.strip_suffix(".seg").and_then(|stem| stem.parse().ok()) else { continue };
        let path = folder.join(&file);
        let file = disk.open(&path, write).map_err(failed(&path, "open"))?;
        let bytes = file.size().map_err(failed(&path, "measure"))?;
        segments.push(Segment { number, bytes, file });
    }
    segments.sort_by_key(|segment| segment.number);
    Ok(segments)
}

/// Writes zeros over a range, in pieces, each durable.
pub(crate) fn zero(file: &impl DiskFile, path: &Path, from: u64, to: u64) -> Result<(), JournalError> {
    let zeros = vec![0; PIECE_BYTES.min(to.saturating_sub(from) as usize)];
    let mut at = from;
    while at < to {
        let piece = zeros.len().min((to - at) as usize);
        file.write_at(at, &zeros[..piece]).map_err(failed(path, "fill with zeros"))?;
        file.sync_data().map_err(failed(path, "sync"))?;
        at += piece as u64;
    }
    Ok(())
}

/// Makes the segment that will be needed next, so that the writer need not wait for it.
#[derive(Debug, Clone)]
pub struct Spare<D> {
    pub(crate) disk: D,
    pub(crate) dir: PathBuf,
    pub(crate) segment_bytes: u64,
}

impl<D: Disk> Spare<D> {
    /// Makes it, unless it is there; may be called from any one thread beside the writer's. Whether it
    /// was made.
    ///
    /// # Errors
    /// Where the disk fails; the tape is not touched by that.
    pub fn prepare(&self) -> Result<bool, JournalError> {
        let folder = folder(&self.dir);
        if self.disk.open(&folder.join(SPARE), false).is_ok() {
            return Ok(false);
        }
        let part = folder.join("spare.part");
        self.fill(&part)?;
        self.disk.rename(&part, &folder.join(SPARE)).map_err(failed(&part, "rename"))?;
        self.disk.sync_dir(&folder).map_err(failed(&folder, "sync"))?;
        Ok(true)
    }

    fn fill(&self, path: &Path) -> Result<D::File, JournalError> {
        let file = self.disk.create(path).map_err(failed(path, "create"))?;
        zero(&file, path, 0, self.segment_bytes)?;
        Ok(file)
    }

    /// A segment that is not yet in its place.
    pub(crate) fn start(&self) -> Result<(PathBuf, D::File), JournalError> {
        let part = folder(&self.dir).join("next.part");
        let file = self.fill(&part)?;
        Ok((part, file))
    }

    /// Puts what [`Spare::start`] made into its place, durably.
    pub(crate) fn place(&self, part: &Path, number: u32) -> Result<(), JournalError> {
        let folder = folder(&self.dir);
        self.disk.rename(part, &folder.join(name(number))).map_err(failed(part, "rename"))?;
        self.disk.sync_dir(&folder).map_err(failed(&folder, "sync"))
    }

    /// The next segment, durably in its place: the spare one, or where it is not ready a new one.
    pub(crate) fn take(&self, number: u32) -> Result<D::File, JournalError> {
        let folder = folder(&self.dir);
        let spare = folder.join(SPARE);
        if let Ok(file) = self.disk.open(&spare, true)
            && file.size().map_err(failed(&spare, "measure"))? == self.segment_bytes
        {
            self.place(&spare, number)?;
            return Ok(file);
        }
        let (part, file) = self.start()?;
        self.place(&part, number)?;
        Ok(file)
    }
}
