//! `janus journal experiences`: what was done in a state and what came of it, from the index.

use clap::Args;
use hippocampus::{Experience, ExperienceEncoder};
use journal::index::{DEFAULT_ENTRIES_A_PART, Index, IndexOptions};
use market::InstrumentId;
use serde_json::json;

use super::{JournalArgs, Lines, Tape};
use crate::commands::terminal::bar;
use crate::explain::World;
use crate::failure::Failure;

/// Arguments of `janus journal experiences`.
#[derive(Debug, Args)]
pub struct Experiences {
    #[command(flatten)]
    journal: JournalArgs,
    /// Of this instrument alone.
    #[arg(long, value_name = "NAME")]
    instrument: Option<String>,
    /// At most so many of each instrument, oldest first.
    #[arg(long, default_value = "1000", value_name = "N")]
    limit: usize,
    /// JSON lines.
    #[arg(long)]
    json: bool,
}

impl Experiences {
    /// Prints them; the index is healed first where it is behind or broken.
    ///
    /// # Errors
    /// A [`Failure`] where the tape is damaged, or a running daemon has the index open.
    pub fn run(self) -> Result<(), Failure> {
        let tape = self.journal.open()?;
        let mut index = Index::open(&tape.dir, options(&tape)?)?;
        let wanted = self.instrument.as_ref().map(|name| tape.instrument(name)).transpose()?;
        let all = (0..tape.world.names.len()).map(|at| InstrumentId(at as u16));
        let mut lines = Lines::to_stdout();
        for instrument in all.filter(|id| wanted.is_none_or(|wanted| wanted == *id)) {
            let found = index.experiences((instrument, 0), self.limit)?;
            for experience in found.iter().take_while(|experience| experience.instrument == instrument) {
                if !lines.write(&self.line(experience, &tape.world))? {
                    return Ok(());
                }
            }
        }
        lines.close()
    }

    fn line(&self, experience: &Experience, world: &World) -> String {
        let Experience { sequence, closed_sequence, time, action, reward_bp, markout_bp, .. } = experience;
        let name = world.name(experience.instrument);
        if self.json {
            let value = json!({
                "sequence": sequence,
                "closed_sequence": closed_sequence,
                "instrument": name,
                "time": time.to_string(),
                "closed_time": experience.closed_time.to_string(),
                "action": action.to_string(),
                "reward_bp": reward_bp,
                "markout_bp": markout_bp,
            });
            return value.to_string();
        }
        format!(
            "{sequence:>10} to {closed_sequence:<10} {time:<28} {name} {action:<5} reward {reward_bp:+.4} bp, the mid {markout_bp:+.4} bp"
        )
    }
}

/// What an index of a tape needs, with a progress bar.
pub(super) fn options(tape: &Tape) -> Result<IndexOptions, Failure> {
    let Some(facts) = tape.world.facts.clone() else {
        return Err(Failure::Input(format!(
            "{}: the configuration {} of the run is missing from artefacts, and the index needs it; copy it back",
            tape.dir.display(),
            tape.reader.manifest().config
        )));
    };
    let horizon = tape.world.horizon;
    let bar = bar(Some(0), "blocks");
    Ok(IndexOptions {
        encoder: Box::new(move || ExperienceEncoder::new(horizon, &facts)),
        progress: Box::new(move |done, of| {
            bar.set_length(of);
            bar.set_position(done);
            if done == of {
                bar.finish_and_clear();
            }
        }),
        entries_a_part: DEFAULT_ENTRIES_A_PART,
    })
}
