//! `janus load`: how long a daemon takes under a load.

use std::path::PathBuf;

use clap::Args;

use super::terminal::{report, tell};
use crate::failure::Failure;
use crate::load::{self, Options};

/// Arguments of `janus load`.
#[derive(Debug, Args)]
#[command(
    after_help = "A daemon of its own is started on a market that is made up, and warmed up until every instrument may\n\
                        trade. Each row is then meant to be sent at its time of a fixed schedule, and what it takes is counted\n\
                        from there, whether the daemon kept up or not. All times are in ms."
)]
pub struct Load {
    /// Rows a second, each of which makes a decision.
    #[arg(long, value_name = "R", default_value = "1000", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rate: u64,
    /// For how long it is measured.
    #[arg(long, value_name = "S", default_value = "10", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    seconds: u64,
    /// How many instruments take turns.
    #[arg(long, value_name = "N", default_value = "64", value_parser = clap::value_parser!(u16).range(1..=1000))]
    instruments: u16,
    /// The seed of the market.
    #[arg(long, default_value = "1")]
    seed: u64,
    /// Where the daemon's journal is kept; without it one that is thrown away.
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
    /// Override one key of the daemon's configuration.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    /// Let the daemon sleep meanwhile, and tell how long what came in the night took.
    #[arg(long)]
    sleep: bool,
    /// One JSON object on the last line of standard output.
    #[arg(long)]
    json: bool,
}

impl Load {
    /// Carries it out.
    ///
    /// # Errors
    /// A [`Failure`] where the daemon does not run, or what it did was no load.
    pub fn run(self) -> Result<(), Failure> {
        let Self { rate, seconds, instruments, seed, journal, set, sleep, json } = self;
        tell(&format!("janus: {rate} rows a second of {instruments} instruments for {seconds} s\n"));
        let instruments = usize::from(instruments);
        let options = Options { rate, seconds, instruments, seed, journal, set, sleep };
        let found = load::run(&options)?;
        report(json, &found.to_text(), &found.to_json())?;
        found.check()
    }
}
