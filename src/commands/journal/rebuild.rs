//! `janus journal rebuild`: the index behind the tape, made anew.

use journal::index::Index;

use super::JournalArgs;
use super::experiences::options;
use crate::commands::terminal::say;
use crate::failure::Failure;

/// Makes it anew where no other process has it open; the tape is not touched.
pub(super) fn run(journal: &JournalArgs) -> Result<(), Failure> {
    let tape = journal.open()?;
    let mut index = Index::rebuild(&tape.dir, options(&tape)?)?;
    let counts: Vec<String> = index.counts()?.iter().map(|(name, n)| format!("{n} {name}")).collect();
    say(&format!(
        "{}: rebuilt from {} blocks: {}\n",
        tape.dir.join("index").display(),
        index.opened().blocks,
        counts.join(", ")
    ))
}
