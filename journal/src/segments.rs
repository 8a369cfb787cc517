//! The segment files (J1): zeros written in advance, so that a commit changes no metadata.

use std::path::{Path, PathBuf};

use crate::disk::{Disk, RealDisk};
use crate::error::JournalError;
use crate::files::{self, Named};
use crate::sectors::{First, PAGE_BYTES, read_first};

/// How large a segment is unless told.
pub const DEFAULT_SEGMENT_BYTES: u64 = 64 << 20;

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
    pub file: Named<F>,
}

/// The numbers of a journal's segments in order; none where there is no folder.
pub(crate) fn numbers<D: Disk>(disk: &D, dir: &Path) -> Result<Vec<u32>, JournalError> {
    let names = files::names(disk, &folder(dir))?;
    let mut numbers: Vec<u32> =
        names.iter().filter_map(|name| name.strip_suffix(".seg")?.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Opens a segment, unless it has been dropped since it was listed.
pub(crate) fn open<D: Disk>(
    disk: &D,
    dir: &Path,
    number: u32,
    write: bool,
) -> Result<Option<Segment<D::File>>, JournalError> {
    let Some(file) = Named::find(disk, &folder(dir).join(name(number)), write)? else { return Ok(None) };
    Ok(Some(Segment { number, bytes: file.bytes()?, file }))
}

/// Of each segment of the tape in `dir`, in order, the number after the last input before it. Of a segment no
/// more is read than its first header.
///
/// # Errors
/// Where the disk fails.
pub fn segment_starts(dir: &Path) -> Result<Vec<u64>, JournalError> {
    let mut starts = Vec::new();
    for number in numbers(&RealDisk, dir)? {
        let Some(segment) = open(&RealDisk, dir, number, false)? else { continue };
        if let First::Header(header) = read_first(&segment.file, 0)? {
            starts.push(header.sequence_first);
        }
    }
    Ok(starts)
}

/// Makes the segment that will be needed next, so that the writer need not wait for it.
#[derive(Debug, Clone)]
pub struct Spare<D> {
    pub(crate) disk: D,
    pub(crate) dir: PathBuf,
    pub(crate) segment_bytes: u64,
}

impl<D: Disk> Spare<D> {
    pub(crate) fn new(disk: D, dir: &Path, segment_bytes: u64) -> Self {
        let segment_bytes = segment_bytes.max(1).next_multiple_of(PAGE_BYTES);
        Self { disk, dir: dir.to_owned(), segment_bytes }
    }

    /// Makes it, unless it is there; may be called from any one thread beside the writer's. Whether it
    /// was made.
    ///
    /// # Errors
    /// Where the disk fails; the tape is not touched by that.
    pub fn prepare(&self) -> Result<bool, JournalError> {
        let spare = folder(&self.dir).join(SPARE);
        if Named::find(&self.disk, &spare, false)?.is_some() {
            return Ok(false);
        }
        let part = self.fill("spare.part")?;
        files::rename(&self.disk, &part.path, &spare)?;
        Ok(true)
    }

    /// A file as large as a segment that is not yet in its place.
    pub(crate) fn fill(&self, name: &str) -> Result<Named<D::File>, JournalError> {
        let file = Named::create(&self.disk, &folder(&self.dir).join(name))?;
        file.zero(0, self.segment_bytes)?;
        Ok(file)
    }

    /// Puts a file into its place, durably.
    pub(crate) fn place(
        &self,
        mut file: Named<D::File>,
        number: u32,
    ) -> Result<Segment<D::File>, JournalError> {
        let path = folder(&self.dir).join(name(number));
        files::rename(&self.disk, &file.path, &path)?;
        file.path = path;
        Ok(Segment { number, bytes: self.segment_bytes, file })
    }

    /// The next segment, durably in its place: the spare one, or where it is not ready a new one.
    pub(crate) fn take(&self, number: u32) -> Result<Segment<D::File>, JournalError> {
        let file = match Named::find(&self.disk, &folder(&self.dir).join(SPARE), true)? {
            Some(spare) if spare.bytes()? == self.segment_bytes => spare,
            _ => self.fill("next.part")?,
        };
        self.place(file, number)
    }
}
