//! `janus sleep`: learns schemas from what a journal holds.

use clap::Args;

use super::journal::JournalArgs;
use super::operator;
use crate::control::{self, Ask};
use crate::daemon;
use crate::failure::Failure;

/// Arguments of `janus sleep`.
#[derive(Debug, Args)]
#[command(
    after_help = "A running daemon sleeps beside its trading; without one the journal is opened, slept over and closed.\n\
                        `janus brain rollback` takes back what came of it."
)]
pub struct Sleep {
    #[command(flatten)]
    journal: JournalArgs,
    /// Who asks for it.
    #[arg(long, value_name = "NAME", default_value = "operator")]
    by: String,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "by hand")]
    reason: String,
    /// One JSON object on one line.
    #[arg(long)]
    json: bool,
}

impl Sleep {
    /// Sleeps, and tells what came of it.
    ///
    /// # Errors
    /// A [`Failure`] where there is no journal, or the night fails.
    pub fn run(self) -> Result<(), Failure> {
        let Self { journal: JournalArgs { journal: dir }, by, reason, json } = self;
        let ask = Ask::Sleep { by: by.clone(), reason: reason.clone() };
        ask.check().map_err(Failure::Input)?;
        let answer = if control::is_answered(&dir) {
            control::ask(&dir, &ask)?
        } else {
            daemon::sleep_once(&dir, by, reason)?
        };
        operator::thought(answer, json)
    }
}
