//! How the journal fails.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

/// Something on a tape that no crash leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{segment}: block {block} after sequence {sequence} is damaged: {why}")]
pub struct Damage {
    /// The number of the block.
    pub block: u64,
    /// The last input before it.
    pub sequence: u64,
    /// The file.
    pub segment: String,
    /// What is wrong.
    pub why: String,
}

/// Why the journal cannot go on, or cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// The disk said no. A failing sync is never retried (J2).
    #[error(
        "{path}: {what}: {source}; nothing after the last durable record was acknowledged: make room or replace the disk, then start again"
    )]
    Disk {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Something is there that a crash cannot have left (J4).
    #[error("{0}; nothing is overwritten: restore the file from a copy, or look at it with `janus verify`")]
    Damaged(Damage),
    /// A block that no tape can hold; nothing of it was written.
    #[error("a block is refused: {what}; append less at once")]
    Refused {
        /// What is wrong with it.
        what: String,
    },
    /// Another process writes this journal (J7).
    #[error("{path} is being written by another process{by}; stop it, or give another folder with --journal")]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Which process, where it is known.
        by: String,
    },
    /// There is no journal.
    #[error("{path}: there is no journal here; give its folder with --journal")]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// There is one already.
    #[error("{path}: there is a journal here already; give an empty folder with --journal")]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A format that this build does not know.
    #[error(
        "{path}: format {found} is not known to this build, which reads up to {known}; use a newer build"
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: u16,
        /// The newest version known.
        known: u16,
    },
    /// An artefact or snapshot that should be there is not, or is not what its name says.
    #[error("{path}: {what}; copy it back into the journal's folder")]
    Artefact {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The index behind the tape failed; it can be rebuilt.
    #[error("the index: {0}; rebuild it with `janus journal rebuild`")]
    Index(String),
}
