//! What the program tells of its work: text for people on standard error, and JSON lines for machines.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::failure::Failure;
use crate::terminal::on_terminal;

/// A layer of the log.
pub type LogLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// How standard error is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where the log goes, and how.
#[derive(Debug, Args)]
pub struct LogArgs {
    // their ids are their own: a global argument gives way to a command's of the same id, such as `format`
    /// The log for machines, one JSON object a line: commands append to it, `janus trace` reads it.
    #[arg(id = "log", long, global = true, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What goes to that file: a level, or a filter such as `info,janus::trace=debug`.
    #[arg(id = "log-filter", long, global = true, value_name = "FILTER", default_value = "info", value_parser = parse_filter)]
    pub filter: String,
    /// How standard error is written.
    #[arg(id = "log-format", long, global = true, value_name = "FORMAT", default_value = "text")]
    pub format: LogFormat,
}

impl LogArgs {
    /// Starts the log of this process: standard error as `JANUS_LOG` says, warnings if it does not; and
    /// the file, where it is written and not read.
    ///
    /// # Errors
    /// [`Failure::Environment`] where the file cannot be appended to.
    pub fn start(&self, is_writer: bool) -> Result<(), Failure> {
        let filter = EnvFilter::try_from_env("JANUS_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
        let stderr = match self.format {
            LogFormat::Json => json(std::io::stderr, filter),
            LogFormat::Text => fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(on_terminal())
                .log_internal_errors(false)
                .with_filter(filter)
                .boxed(),
        };
        let file = self.file.as_deref().filter(|_| is_writer);
        let file = file.map(append).transpose()?;
        let layers: Vec<LogLayer> =
            file.map(|file| json(file, EnvFilter::new(&self.filter))).into_iter().chain([stderr]).collect();
        tracing_subscriber::registry().with(layers).init();
        Ok(())
    }
}

/// JSON lines to `writer`, the fields of an event beside its time and level. A line that cannot be
/// written is lost, and nothing else: whoever logs must not end because a disk is full.
pub fn json<W>(writer: W, filter: EnvFilter) -> LogLayer
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_writer(writer)
        .log_internal_errors(false)
        .with_filter(filter)
        .boxed()
}

/// Each line is one write at the end of the file, so that several processes may share it.
fn append(path: &Path) -> Result<File, Failure> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|error| {
        Failure::Environment(format!("--log {}: {error}; name a file that can be written", path.display()))
    })
}

fn parse_filter(text: &str) -> Result<String, String> {
    let what = |error| format!("{error}; write a level, or TARGET=LEVEL, separated by commas");
    EnvFilter::try_new(text).map_err(what).map(|_| text.to_owned())
}
