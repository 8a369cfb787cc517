//! How a command fails: a message, and the exit code that scripts look at.

use std::process::ExitCode;

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A check failed: what was looked at is not as it should be.
    #[error("{0}")]
    Check(String),
    /// The input is bad: data, configuration or arguments.
    #[error("{0}")]
    Input(String),
    /// The environment does not allow it: a file that cannot be written, a full disk.
    #[error("{0}")]
    Environment(String),
    /// A bug of ours.
    #[error("internal: {0}; please report it with the command that led here")]
    Internal(String),
}

impl Failure {
    /// The exit code: 1 a check failed, 2 bad input, 3 environment, 70 internal.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(self.number())
    }

    /// The exit code as a number.
    pub const fn number(&self) -> u8 {
        match self {
            Self::Check(_) => 1,
            Self::Input(_) => 2,
            Self::Environment(_) => 3,
            Self::Internal(_) => INTERNAL,
        }
    }

    /// A file that cannot be written.
    pub fn unwritable(path: &std::path::Path, error: &dyn std::fmt::Display) -> Self {
        Self::Environment(format!("{}: {error}; choose a folder that can be written", path.display()))
    }
}

/// The exit code of a bug, a panic included.
pub const INTERNAL: u8 = 70;

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<crate::brain::EngineError> for Failure {
    fn from(error: crate::brain::EngineError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<journal::JournalError> for Failure {
    fn from(error: journal::JournalError) -> Self {
        use journal::JournalError::{
            Artefact, Damaged, Disk, Exists, Format, Index, Locked, Missing, Refused,
        };
        let message = error.to_string();
        match error {
            Damaged { .. } => Self::Check(message),
            Missing { .. } | Exists { .. } | Format { .. } | Artefact { .. } => Self::Input(message),
            Disk { .. } | Locked { .. } | Index(_) => Self::Environment(message),
            Refused { .. } => Self::Internal(message),
        }
    }
}
