//! `janus journal ls|show|stats|export|rebuild`

mod experiences;
mod listing;
mod rebuild;
mod show;
mod stats;

use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use journal::{BlockAt, Position, Reader, artefacts};
use market::{InstrumentId, Timestamp};

use crate::config::Loader;
use crate::explain::World;
use crate::failure::Failure;

/// Where the journal is.
#[derive(Debug, Clone, Args)]
pub struct JournalArgs {
    /// The journal's folder.
    #[arg(long, value_name = "DIR", env = "JANUS_JOURNAL", default_value = "janus-journal")]
    pub journal: PathBuf,
}

/// A journal to look at, and how that is told.
#[derive(Debug, Args)]
pub struct LookArgs {
    #[command(flatten)]
    pub(super) journal: JournalArgs,
    /// One JSON object on the last line of standard output.
    #[arg(long)]
    pub(super) json: bool,
}

/// A tape that is read, and what is known of the world it speaks of.
pub(super) struct Tape {
    pub dir: PathBuf,
    pub reader: Reader,
    pub world: World,
}

impl JournalArgs {
    /// Opens it for reading, which a process that writes it does not notice.
    ///
    /// # Errors
    /// A [`Failure`] where there is no journal or its headers cannot be read.
    pub(super) fn open(&self) -> Result<Tape, Failure> {
        let reader = Reader::open(&self.journal)?;
        let world = world(&self.journal, &reader);
        Ok(Tape { dir: self.journal.clone(), reader, world })
    }
}

impl Tape {
    /// The instrument of a name or number.
    fn instrument(&self, name: &str) -> Result<InstrumentId, Failure> {
        self.world.find(name).ok_or_else(|| {
            let known = self.world.names.join(", ");
            Failure::Input(format!("instrument {name} is not on this tape, which has {known}"))
        })
    }
}

/// The event times of the first and the last input of blocks; none where they have no input.
fn times(blocks: &[BlockAt]) -> [Option<String>; 2] {
    // a block without an input has no time of its own
    let has_input = |block: &&BlockAt| block.header.sequence_last >= block.header.sequence_first;
    let first_ns = blocks.iter().find(has_input).map(|block| block.header.time_first_ns);
    let last_ns = blocks.iter().rfind(has_input).map(|block| block.header.time_last_ns);
    [first_ns, last_ns].map(|ns| ns.map(|ns| Timestamp::from_ns(ns).to_string()))
}

/// A position on a tape, where there is one.
pub(super) fn or_none(position: Option<Position>) -> String {
    position.map_or("none".to_owned(), |it| it.to_string())
}

/// The instruments with their facts, where the configuration of the run is at hand.
fn world(dir: &Path, reader: &Reader) -> World {
    let manifest = reader.manifest();
    let known = || {
        let bytes = artefacts::get(dir, "config", &manifest.config).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let config = Loader::new().text(&text, "config").ok()?.finish().ok()?;
        Some(World::of(&config.known(&manifest.instruments).ok()?, config.hippocampus.horizon))
    };
    known().unwrap_or_else(|| World { names: manifest.instruments.clone(), ..World::default() })
}

/// `janus journal …`
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// List segments, snapshots, artefacts and the anchor.
    Ls(LookArgs),
    /// Print records, one line each.
    Show(show::Show),
    /// Count what is on the tape, and what it takes.
    Stats(LookArgs),
    /// Write every record as a JSON line.
    Export(show::Export),
    /// List what was done in which state and what came of it; not while a daemon runs.
    Experiences(experiences::Experiences),
    /// Drop the index behind the tape and make it anew; not while a daemon runs.
    Rebuild(JournalArgs),
}

impl JournalCommand {
    /// Carries it out.
    ///
    /// # Errors
    /// A [`Failure`] where there is no journal, it is damaged, or the output cannot be written.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Ls(args) => listing::run(&args),
            Self::Show(command) => command.run(),
            Self::Stats(args) => stats::run(&args),
            Self::Export(command) => command.run(),
            Self::Experiences(command) => command.run(),
            Self::Rebuild(journal) => rebuild::run(&journal),
        }
    }
}

/// Lines for a file or standard output, whose reader may go.
struct Lines {
    out: BufWriter<Box<dyn Write>>,
    name: PathBuf,
}

impl Lines {
    fn to_stdout() -> Self {
        Self { out: BufWriter::new(Box::new(std::io::stdout())), name: "standard output".into() }
    }

    fn to_file(path: &Path) -> Result<Self, Failure> {
        let file = std::fs::File::create(path).map_err(|error| Failure::unwritable(path, &error))?;
        Ok(Self { out: BufWriter::new(Box::new(file)), name: path.to_owned() })
    }

    /// Whether anybody reads on.
    fn write(&mut self, line: &str) -> Result<bool, Failure> {
        let written = writeln!(self.out, "{line}");
        self.judge(written)
    }

    fn close(mut self) -> Result<(), Failure> {
        let flushed = self.out.flush();
        self.judge(flushed).map(drop)
    }

    fn judge(&self, written: std::io::Result<()>) -> Result<bool, Failure> {
        match written {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Failure::unwritable(&self.name, &error)),
        }
    }
}
