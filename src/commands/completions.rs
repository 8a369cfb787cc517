//! `janus completions`

use clap::{Args, CommandFactory};

use super::terminal::say;
use crate::failure::Failure;

/// Arguments of `janus completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    shell: clap_complete::Shell,
}

impl Completions {
    /// Writes the script to standard output.
    ///
    /// # Errors
    /// [`Failure::Environment`] where it cannot be written.
    pub fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Cli::command(), "janus", &mut script);
        say(&String::from_utf8_lossy(&script))
    }
}
