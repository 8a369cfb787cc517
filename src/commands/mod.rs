//! The command line: one file a command.

mod ablate;
mod backtest;
mod brain;
mod bundled;
mod completions;
mod config;
mod daemon;
mod data;
mod demo;
mod doctor;
mod flatten;
mod journal;
mod load;
mod operator;
mod replay;
mod report;
mod rules;
mod run;
mod see;
mod sleep;
mod tax;
mod trace;
mod train;
mod venue;
mod verdict;
mod verify;
mod why;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Loader};
use crate::control::Ask;
use crate::failure::Failure;
use crate::logging::LogArgs;
use crate::policy::NONE;
use crate::terminal;

pub use crate::terminal::{on_terminal, tell};
pub use demo::DEMO_CONFIG;

/// A trading daemon with a brain of regions, each decision of which can be proved afterwards.
#[derive(Debug, Parser)]
#[command(name = "janus", version, propagate_version = true)]
#[command(after_help = "Exit codes: 0 ok, 1 a check failed, 2 bad input, 3 environment, 70 internal.\n\
                        JANUS_LOG=debug (or a filter such as janus=trace) logs to standard error.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Trade half an hour of a real order book on paper.
    Demo(demo::Demo),
    /// Trade any feed on paper.
    Backtest(backtest::Backtest),
    /// Run as a daemon: trade feeds on paper, and go on after a restart where it was.
    Run(daemon::Run),
    /// Publish a market of feeds and match orders against it, on paper, as a process of its own.
    Venue(venue::Venue),
    /// Measure how long a daemon takes under a load.
    Load(load::Load),
    /// Explain a decision: what made it, each region's part, and what became of it.
    Why(why::Why),
    /// Draw the frames that the brain saw at a decision, and what it attended to.
    See(see::See),
    /// Follow a sample through the regions, in a log.
    Trace(trace::Trace),
    /// Think a tape again, and compare every decision.
    Replay(replay::Replay),
    /// Tell how well execution was foretold, and what each way of it costs.
    #[command(subcommand)]
    Report(report::ReportCommand),
    /// Check that a tape is what was written.
    Verify(journal::LookArgs),
    /// Look at a journal.
    #[command(subcommand)]
    Journal(journal::JournalCommand),
    /// Stop the trading of a running daemon, and cancel what works.
    Halt(operator::Order),
    /// Let a running daemon trade again.
    Arm(operator::Order),
    /// Stop the trading of a running daemon, close every position, and wait until nothing is held.
    Flatten(flatten::Flatten),
    /// Tell how things stand with a running daemon.
    Status(operator::Status),
    /// Let a running daemon drain and end.
    Stop(journal::JournalArgs),
    /// Ask a running daemon what it would decide now, which changes nothing.
    Ask(operator::Question),
    /// Learn schemas from what was lived through, and recall from them.
    Sleep(sleep::Sleep),
    /// Train a network on feeds, beside plain rules.
    Train(train::Train),
    /// Account for taxes: lots, wash sales, the rows of Form 8949.
    #[command(subcommand)]
    Tax(tax::TaxCommand),
    /// Look at what is learned, and let it take effect.
    #[command(subcommand)]
    Brain(brain::BrainCommand),
    /// Tell whether machine, configuration and journal are fit to run, and what to do where they are not.
    Doctor(doctor::Doctor),
    /// Check, test and explain the rules that orders are held to, and let others take effect.
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// Look at market data.
    #[command(subcommand)]
    Data(data::Data),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Write a completion script for a shell.
    Completions(completions::Completions),
}

impl Cli {
    /// Starts the log.
    ///
    /// # Errors
    /// [`Failure::Environment`] where its file cannot be appended to.
    pub fn start_log(&self) -> Result<(), Failure> {
        self.log.start(!matches!(self.command, Command::Trace(_)))
    }

    /// Carries the command out.
    ///
    /// # Errors
    /// A [`Failure`] with the exit code to end with.
    pub fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Demo(command) => command.run(),
            Command::Backtest(command) => command.run(),
            Command::Run(command) => command.run(),
            Command::Replay(command) => command.run(),
            Command::Venue(command) => command.run(),
            Command::Load(command) => command.run(),
            Command::Why(command) => command.run(),
            Command::See(command) => command.run(),
            Command::Trace(command) => command.run(self.log.file.as_deref()),
            Command::Report(command) => command.run(),
            Command::Verify(args) => verify::run(&args),
            Command::Journal(command) => command.run(),
            Command::Halt(order) => order.send(|by, reason| Ask::Halt { by, reason }),
            Command::Arm(order) => order.send(|by, reason| Ask::Arm { by, reason }),
            Command::Flatten(command) => command.run(),
            Command::Status(command) => command.run(),
            Command::Stop(journal) => operator::stop(&journal),
            Command::Ask(command) => command.run(),
            Command::Sleep(command) => command.run(),
            Command::Train(command) => command.run(),
            Command::Tax(command) => command.run(),
            Command::Brain(command) => command.run(),
            Command::Doctor(command) => command.run(),
            Command::Rules(command) => command.run(),
            Command::Data(command) => command.run(),
            Command::Config(command) => command.run(),
            Command::Completions(command) => command.run(),
        }
    }
}

/// Where the configuration comes from.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The configuration file; see `janus config show`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Override one key, after file and environment.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    /// Let the plain rule decide, and no network: inference.network=none.
    #[arg(long, conflicts_with = "network")]
    untrained: bool,
    /// Let the network in this folder decide: inference.network.
    #[arg(long, value_name = "DIR")]
    network: Option<String>,
    /// Hold orders to the rules of this file, or of all that are given: prefrontal.rules.
    #[arg(long, value_name = "FILE")]
    rules: Vec<String>,
    /// What runs networks, auto, native, ort-tract or onnxruntime: inference.backend.
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
}

impl ConfigArgs {
    /// Whether anything was given on the command line.
    fn is_given(&self) -> bool {
        self.config.is_some() || !self.flags().is_empty()
    }

    /// Keys with values, as `--set` takes them.
    fn flags(&self) -> Vec<String> {
        let network = self.network.as_deref().or(self.untrained.then_some(NONE));
        let rules = self.rules.join(",");
        let flag = |key: &str, value: Option<&str>| value.map(|value| format!("{key}={value}"));
        let named = [
            flag("inference.network", network),
            flag("inference.backend", self.backend.as_deref()),
            flag("prefrontal.rules", Some(rules.as_str()).filter(|rules| !rules.is_empty())),
        ];
        self.set.iter().cloned().chain(named.into_iter().flatten()).collect()
    }

    /// Defaults, then `base`, then the file, then `JANUS_*` variables, then the flags.
    fn load(&self, base: Option<(&str, &str)>) -> Result<Config, Failure> {
        let mut loader = Loader::new();
        if let Some((text, name)) = base {
            loader = loader.text(text, name)?;
        }
        if let Some(path) = &self.config {
            loader = loader.file(path)?;
        }
        Ok(loader.variables(std::env::vars())?.flags(&self.flags())?.finish()?)
    }
}
