//! `janus completions`

use clap::{Args, CommandFactory};

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
    /// None.
    pub fn run(self) -> Result<(), Failure> {
        clap_complete::generate(self.shell, &mut super::Cli::command(), "janus", &mut std::io::stdout());
        Ok(())
    }
}
