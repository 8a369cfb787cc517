//! `janus run`: the daemon.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use market::feed::Format;
use serde_json::json;

use super::ConfigArgs;
use super::journal::JournalArgs;
use super::terminal::{say, say_json, tell};
use crate::daemon::{self, Options, Outcome};
use crate::failure::Failure;
use crate::policy::Backend;
use crate::venue::Speed;

/// Arguments of `janus run`.
#[derive(Debug, Args)]
#[command(
    after_help = "A new journal needs --config. A later start with the same --journal and feeds goes on where the tape\n\
                        ends, with the configuration that is active. `janus stop`, SIGTERM or SIGINT end it."
)]
pub struct Run {
    /// Files, folders of orders and trades, `-`, `unix:PATH` or `tcp://127.0.0.1:PORT`; the latter
    /// three give newline-delimited JSON.
    #[arg(required = true, value_name = "FEED")]
    feeds: Vec<String>,
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    journal: JournalArgs,
    /// The format of every file, where it is not to be recognised.
    #[arg(long)]
    format: Option<Format>,
    /// How fast files are read: a multiple of real time, or `max`; beside a live feed they are read as
    /// they come.
    #[arg(long, default_value = "1", value_name = "N|max")]
    speed: Speed,
    /// Headlines, as .jsonl or .csv of time, instruments and text, which the model news.model reads; each comes
    /// when its time has passed.
    #[arg(long, value_name = "FILE")]
    news: Option<PathBuf>,
    /// Send orders to the venue process at this socket, not to the exchange in the program.
    #[arg(long, value_name = "SOCKET")]
    venue: Option<PathBuf>,
    /// Tell health and metrics over HTTP at this address, as 127.0.0.1:9464: /healthz, /readyz, /metrics.
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// End at the end of the feeds, not only when told to.
    #[arg(long)]
    once: bool,
    /// One JSON object on the last line of standard output.
    #[arg(long)]
    json: bool,
}

impl Run {
    /// Runs it.
    ///
    /// # Errors
    /// A [`Failure`] where it cannot start or go on, or a feed ended with a fault.
    pub fn run(self) -> Result<(), Failure> {
        let config = self.config.is_given().then(|| self.config.load(None)).transpose()?;
        let dir = self.journal.journal;
        let Self { feeds, format, speed, news, venue, http, once, .. } = self;
        tell(&format!("janus: pid {}, journal {}\n", std::process::id(), dir.display()));
        let outcome = daemon::run(Options {
            dir,
            feeds,
            format,
            config,
            speed,
            news,
            venue,
            once,
            backend: Backend::default(),
            http,
        })?;
        if self.json {
            say_json(&to_json(&outcome))?
        } else {
            say(&to_text(&outcome))?
        }
        if outcome.faults.is_empty() { Ok(()) } else { Err(Failure::Input(outcome.faults.join("\njanus: "))) }
    }
}

fn to_text(outcome: &Outcome) -> String {
    let Outcome { run, inputs, decisions, fills, digest, pnl_net, latch, head, ended, .. } = outcome;
    let end = if *ended { "the feeds ended" } else { "stopped" };
    let latch = latch.as_deref().unwrap_or("not set");
    format!(
        "run {run}: {end} behind input {inputs}, {decisions} decisions, {fills} fills, net {pnl_net}\n\
         latch {latch}, digest {digest}\n\
         head {head}\n"
    )
}

fn to_json(outcome: &Outcome) -> serde_json::Value {
    json!({
        "run": outcome.run,
        "inputs": outcome.inputs,
        "decisions": outcome.decisions,
        "fills": outcome.fills,
        "digest": outcome.digest,
        "pnl_net": outcome.pnl_net,
        "latch": outcome.latch,
        "head": outcome.head,
        "ended": outcome.ended,
        "faults": outcome.faults,
    })
}
