//! How a command fails: a message, and the exit code that scripts look at.

use std::process::ExitCode;

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
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
    /// The exit code: 2 bad input, 3 environment, 70 internal.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Input(_) => 2,
            Self::Environment(_) => 3,
            Self::Internal(_) => INTERNAL,
        })
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
