//! `janus journal rebuild`: the index behind the tape, made anew.

use clap::Args;
use journal::index::Index;

use super::JournalArgs;
use super::experiences::options;
use crate::commands::terminal::say;
use crate::failure::Failure;

/// Arguments of `janus journal rebuild`.
#[derive(Debug, Args)]
pub struct Rebuild {
    #[command(flatten)]
    journal: JournalArgs,
}

impl Rebuild {
    /// Makes it anew where no other process has it open; the tape is not touched.
    ///
    /// # Errors
    /// A [`Failure`] where another process has it open, or the configuration of the run is missing.
    pub fn run(self) -> Result<(), Failure> {
        let tape = self.journal.open()?;
        let index = Index::rebuild(&tape.dir, options(&tape)?)?;
        let counts: Vec<String> = index.counts().map(|(name, n)| format!("{n} {name}")).collect();
        say(&format!(
            "{}: rebuilt from {} blocks: {}\n",
            tape.dir.join("index").display(),
            index.opened().blocks,
            counts.join(", ")
        ))
    }
}
