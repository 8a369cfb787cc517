//! `janus journal rebuild`: the index behind the tape, made anew.

use std::io::ErrorKind;

use clap::Args;
use hippocampus::ExperienceEncoder;
use indicatif::{ProgressBar, ProgressStyle};
use journal::index::{Index, IndexOptions};

use super::JournalArgs;
use crate::commands::terminal::{on_terminal, say};
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
        let Some(facts) = tape.world.facts else {
            return Err(Failure::Input(format!(
                "{}: the configuration {} of the run is missing from artefacts, and the index needs it; copy it back",
                tape.dir.display(),
                tape.reader.manifest().config
            )));
        };
        let (horizon, dir) = (tape.world.horizon, tape.dir);
        let folder = dir.join("index").join("sled");
        let options = |bar: ProgressBar| {
            let facts = facts.clone();
            IndexOptions {
                encoder: Box::new(move || ExperienceEncoder::new(horizon, &facts)),
                progress: Box::new(move |done, of| {
                    bar.set_length(of);
                    bar.set_position(done);
                }),
            }
        };
        // opening shows that nobody else has it open
        drop(Index::open(&dir, options(ProgressBar::hidden()))?);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Failure::unwritable(&folder, &error));
            }
            _ => {}
        }
        let bar = bar();
        let index = Index::open(&dir, options(bar.clone()))?;
        bar.finish_and_clear();
        let counts: Vec<String> = index.counts().map(|(name, n)| format!("{n} {name}")).collect();
        say(&format!(
            "{}: rebuilt from {} blocks: {}\n",
            folder.display(),
            index.opened().blocks,
            counts.join(", ")
        ))
    }
}

fn bar() -> ProgressBar {
    if !on_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} blocks");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
