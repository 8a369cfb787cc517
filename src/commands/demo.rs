//! `janus demo`: half an hour of a real order book, which the program carries in itself.

use std::path::{Path, PathBuf};

use clap::Args;

use super::run::{self, EngineKind, TapeArgs, Wishes};
use super::terminal::{say, tell};
use super::{ConfigArgs, bundled};
use crate::assemble::Orders;
use crate::failure::Failure;

/// The demo's configuration.
pub const DEMO_CONFIG: &str = include_str!("../../config/demo.toml");

const ROWS: u64 = 314_341;

/// Arguments of `janus demo`.
#[derive(Debug, Args)]
pub struct Demo {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    tape: TapeArgs,
    /// Headlines, as .jsonl or .csv of time, instruments and text, which the model news.model reads.
    #[arg(long, value_name = "FILE")]
    news: Option<PathBuf>,
    /// Where the regions run; what comes out is the same.
    #[arg(long, value_enum, default_value_t)]
    engine: EngineKind,
    /// One JSON object on the last line of standard output.
    #[arg(long)]
    json: bool,
    /// Tell instead how many decisions change when the network is kept from each modality.
    #[arg(long, conflicts_with_all = ["out", "journal", "no_journal", "engine"])]
    ablate: bool,
    /// Keep decisions, fills and equity as CSV in this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Demo {
    /// Runs it.
    ///
    /// # Errors
    /// A [`Failure`] for a configuration that does not stand, or a folder that cannot be written.
    pub fn run(self) -> Result<(), Failure> {
        let config = self.config.load(Some((DEMO_CONFIG, "config/demo.toml")))?;
        if self.ablate {
            return super::ablate::run(&config, self.news.as_deref(), self.json);
        }
        tell("JANUS demo: BTC/USD on Bitstamp, 2026-05-02 02:36 to 03:06 UTC, order by order, on paper.\n");
        if !config.cerebellum.edge_filter {
            tell(
                "No rule pays its costs on this half hour: the cost filter is off so that you can see it trade.\n\
                 With --set cerebellum.edge_filter=true it holds instead, and says why.\n\n",
            );
        }
        let instruments = config.known(&config.instrument_names())?;
        let merge = bundled::feeds(&config, &instruments)?;
        let journal = self.tape.folder();
        let wishes = Wishes {
            engine: self.engine,
            journal: journal.as_deref(),
            feeds: vec!["the bundled session".to_owned()],
            json: self.json,
            out: self.out.as_deref(),
            expected_rows: Some(ROWS),
            news: self.news.as_deref(),
            ..Wishes::default()
        };
        run::run(&config, merge, Orders::default(), &wishes)?;
        if let Some(dir) = &journal {
            tell(&format!("Its tape is in {}.\n", dir.display()));
        }
        if self.json { Ok(()) } else { say(&next(journal.as_deref())) }
    }
}

/// What to try next, to paste.
fn next(journal: Option<&Path>) -> String {
    let of_tape = journal.map_or(String::new(), |dir| {
        let dir = dir.display();
        format!(
            "  janus verify --journal {dir}\n      the tape is what was written\n  \
             janus replay --journal {dir}\n      every decision again, bit for bit\n  \
             janus why --last --journal {dir}\n      why it did what it did last\n"
        )
    });
    format!("Next:\n{of_tape}{NEXT}")
}

const NEXT: &str = "  \
  janus demo --out out                             every decision with its reason, as CSV
  janus demo --set cerebellum.edge_filter=true     with the cost filter on
  janus data info FILE                             look at a feed of your own
  janus config show > janus.toml                   every key, to edit
  janus backtest --config janus.toml FILE          and to trade it on paper
";
