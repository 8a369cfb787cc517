//! `janus backtest`: any feed, on paper.

use std::path::{Path, PathBuf};

use clap::Args;
use market::Timestamp;
use market::feed::{Format, Merge};
use serde::Deserialize;
use synapse::{Command, CommandKind};

use super::ConfigArgs;
use super::run::{self, EngineKind, TapeArgs, Wishes};
use super::terminal;
use crate::assemble::{self, Orders};
use crate::failure::Failure;
use crate::summary::Trials;

/// Arguments of `janus backtest`.
#[derive(Debug, Args)]
pub struct Backtest {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    tape: TapeArgs,
    /// Files, folders of orders and trades, or `-` for standard input.
    #[arg(required = true, value_name = "FEED")]
    feeds: Vec<String>,
    /// The format of every feed, where it is not to be recognised.
    #[arg(long)]
    format: Option<Format>,
    /// Trade from this time on; what comes before builds the books.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<Timestamp>,
    /// Stop after this time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Option<Timestamp>,
    /// Commands of an operator, one JSON object a line: time, command (halt, flatten or arm), by, reason.
    #[arg(long, value_name = "FILE")]
    commands: Option<PathBuf>,
    /// Headlines, as .jsonl or .csv of time, instruments and text, which the model news.model reads.
    #[arg(long, value_name = "FILE")]
    news: Option<PathBuf>,
    /// Where the regions run; what comes out is the same.
    #[arg(long, value_enum, default_value_t)]
    engine: EngineKind,
    /// How many configurations were tried in all, for the deflated Sharpe ratio.
    #[arg(long, value_name = "N", requires = "trials_variance")]
    trials: Option<f64>,
    /// The variance of their Sharpe ratios of a minute.
    #[arg(long, value_name = "V", requires = "trials")]
    trials_variance: Option<f64>,
    /// One JSON object on the last line of standard output.
    #[arg(long)]
    json: bool,
    /// Keep decisions, fills and equity as CSV in this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn parse_time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_civil(text)
        .ok_or_else(|| format!("`{text}` is no time; write 2026-05-02 or 2026-05-02T02:36:20Z"))
}

impl Backtest {
    /// Runs it.
    ///
    /// # Errors
    /// A [`Failure`] for bad configuration or data, or a folder that cannot be written.
    pub fn run(self) -> Result<(), Failure> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            return Err(Failure::Input(format!("--from {from} is later than --to {to}; swap them")));
        }
        let config = self.config.load(None)?;
        let commands = self.commands.as_deref().map(read_commands).transpose()?.unwrap_or_default();
        let (instruments, _) = config.traded(&config.instrument_names())?;
        let options = assemble::open_options(&config, &instruments, self.format);
        let merge = Merge::open(self.feeds.iter().map(|path| (path.as_str(), options.clone())));
        let commands =
            commands.into_iter().filter(|(time, _)| self.to.is_none_or(|to| *time <= to)).collect();
        let orders = Orders { commands, from: self.from, ..Orders::default() };
        let trials =
            self.trials.zip(self.trials_variance).map(|(count, variance)| Trials { count, variance });
        let journal = self.tape.folder();
        let wishes = Wishes {
            json: self.json,
            out: self.out.as_deref(),
            engine: self.engine,
            to: self.to,
            trials,
            journal: journal.as_deref(),
            feeds: self.feeds,
            news: self.news.as_deref(),
            ..Wishes::default()
        };
        if let Some(dir) = &journal {
            terminal::tell(&format!("janus: the tape goes to {}\n", dir.display()));
        }
        run::run(&config, merge, orders, &wishes).map(drop)
    }
}

/// One line of a file of commands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandLine {
    time: String,
    command: CommandKind,
    by: String,
    reason: String,
}

/// Reads commands, which must be in order of time.
fn read_commands(path: &Path) -> Result<Vec<(Timestamp, Command)>, Failure> {
    let place = |line: usize| format!("{}:{line}", path.display());
    let bad = |line: usize, what: String| Failure::Input(format!("{}: {what}", place(line)));
    let text = std::fs::read_to_string(path).map_err(|e| bad(1, format!("{e}; give a file of commands")))?;
    let mut commands: Vec<(Timestamp, Command)> = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let read: CommandLine = serde_json::from_str(line).map_err(|e| {
            bad(at + 1, format!("{e}; a command has time, command (halt, flatten or arm), by and reason"))
        })?;
        let time = parse_time(&read.time).map_err(|what| bad(at + 1, what))?;
        if commands.last().is_some_and(|(before, _)| *before > time) {
            return Err(bad(
                at + 1,
                format!("{time} is earlier than the command before; sort the file by time"),
            ));
        }
        if read.by.trim().is_empty() || read.reason.trim().is_empty() {
            return Err(bad(at + 1, "by and reason may not be empty; say who commands, and why".to_owned()));
        }
        commands.push((time, Command { kind: read.command, by: read.by, reason: read.reason }));
    }
    Ok(commands)
}
