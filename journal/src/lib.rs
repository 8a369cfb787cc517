//! The journal (J1–J11): the tape, which is the truth and the commit point, and behind it what can
//! be rebuilt from it.

mod anchor;
pub mod artefacts;
mod buffer;
pub mod codec;
pub mod disk;
mod ending;
mod error;
mod files;
mod format1;
mod format2;
mod format3;
mod header;
pub mod index;
mod journal;
mod lock;
mod manifest;
mod opening;
mod priority;
mod reader;
mod record;
mod sectors;
mod segments;
pub mod snapshots;
mod survey;
mod tape;
pub mod verify;
mod writer;

pub use anchor::Position;
pub use error::{Damage, JournalError};
pub use header::{FORMAT, Header, Kind};
pub use journal::{Journal, Options};
pub use manifest::{Manifest, Regime};
pub use opening::Opening;
pub use priority::give_way;
pub use reader::Reader;
pub use record::{Decision, Entry, Finding, Hash, Head, Marker, Note, Record, Released, RestartStep};
pub use sectors::{PAGE_BYTES, SECTOR_BYTES, STAMP, span};
pub use segments::{DEFAULT_SEGMENT_BYTES, Spare, segment_starts};
pub use survey::BlockAt;
pub use tape::Tape;
pub use writer::Standing;

/// Whether a run was begun in a folder: a process that died while it made the first segment left none.
///
/// # Errors
/// Where the folder cannot be read.
pub fn exists(dir: &std::path::Path) -> Result<bool, JournalError> {
    Ok(dir.is_dir() && !segments::numbers(&disk::RealDisk, dir)?.is_empty())
}
