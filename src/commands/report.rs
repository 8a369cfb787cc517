//! `janus report`: what is told of a run afterwards.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use market::params::Section;
use market::{MarketEvent, Quantity};
use serde_json::json;

use super::demo::DEMO_CONFIG;
use super::journal::LookArgs;
use super::terminal::{bar, report};
use super::{ConfigArgs, bundled};
use crate::failure::Failure;
use crate::report::{Execution, Report, Setting, compare, plot};
use crate::see::Canvas;

/// `janus report …`
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// How well slippage and the next mid were foretold, and what each way of execution costs.
    Execution(Box<ExecutionReport>),
}

/// Arguments of `janus report execution`.
#[derive(Debug, Args)]
pub struct ExecutionReport {
    #[command(flatten)]
    look: LookArgs,
    /// Draw the calibration curves into this PNG file.
    #[arg(long, value_name = "FILE", conflicts_with = "compare")]
    plot: Option<PathBuf>,
    /// Work off parent orders on the bundled session in each way instead: a market order, at once, twap,
    /// Almgren and Chriss, and a share of the volume.
    #[arg(long)]
    compare: bool,
    /// How many parent orders.
    #[arg(long, value_name = "N", default_value = "200", requires = "compare")]
    parents: usize,
    /// How large each is.
    #[arg(long, value_name = "QUANTITY", default_value = "2", requires = "compare")]
    quantity: Quantity,
    #[command(flatten)]
    config: ConfigArgs,
}

impl ReportCommand {
    /// Tells it.
    ///
    /// # Errors
    /// [`Failure::Input`] where there is no journal or nothing can be compared, [`Failure::Check`] where the
    /// tape is damaged, [`Failure::Environment`] where the picture cannot be written.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Execution(command) if command.compare => command.compare(),
            Self::Execution(command) => command.tell(),
        }
    }
}

impl ExecutionReport {
    fn tell(self) -> Result<(), Failure> {
        let tape = self.look.journal.open()?;
        let mut execution = Execution::default();
        let blocks = tape.reader.headers().len();
        let bar = bar(Some(blocks as u64), "blocks");
        for at in 0..blocks {
            tape.reader.block(at)?.iter().for_each(|record| execution.fold(record));
            bar.set_position(at as u64 + 1);
        }
        bar.finish_and_clear();
        execution.end();
        let told = Report::of(&execution);
        let mut text = told.text();
        if let Some(path) = &self.plot {
            write(&plot(&told), path)?;
            text.push_str(&format!("\nThe calibration curves are in {}.\n", path.display()));
        }
        report(self.look.json, &text, &told)
    }

    fn compare(self) -> Result<(), Failure> {
        let config = self.config.load(Some((DEMO_CONFIG, "config/demo.toml")))?;
        let names = config.instrument_names();
        let instruments = config.known(&names)?;
        if instruments.find("BTCUSD") != Some(market::InstrumentId(0)) || instruments.len() != 1 {
            return Err(Failure::Input(format!(
                "the bundled session is of BTCUSD alone, and the configuration names {}; leave out --config",
                names.join(", ")
            )));
        }
        let mut merge = bundled::feeds(&config, &instruments)?;
        let events: Vec<MarketEvent> = merge.by_ref().collect();
        let setting = Setting {
            cerebellum: config.cerebellum.clone(),
            exchange: config.exchange.clone(),
            hold_ns: i64::from(config.book.hold_ms) * 1_000_000,
            period_ns: i64::from(config.door.grid_ms) * 1_000_000,
            daily_volume: config.instruments.get("BTCUSD").cloned().unwrap_or_default().daily_volume,
            parents: self.parents,
            quantity: self.quantity,
            seed: config.run.seed,
        };
        let lot = instruments.get(market::InstrumentId(0)).lot;
        if !self.quantity.is_positive() || self.quantity.floor_to(lot) != self.quantity {
            return Err(Failure::Input(format!(
                "--quantity {} is no multiple of the lot, {lot}, above 0",
                self.quantity
            )));
        }
        let bar = bar(Some(self.parents as u64), "parent orders");
        let compared = compare(&events, &instruments, &setting, |done| bar.set_position(done as u64));
        bar.finish_and_clear();
        let section = cerebellum::CerebellumParams::NAME;
        let compared = compared.map_err(|error| Failure::Input(format!("[{section}]: {error}")))?;
        if compared.parents == 0 {
            return Err(Failure::Input(
                "no parent order was worked off by every way; make --parents larger, or --quantity smaller"
                    .to_owned(),
            ));
        }
        report(self.look.json, &compared.text(), &json!({ "comparison": compared }))
    }
}

fn write(canvas: &Canvas, path: &Path) -> Result<(), Failure> {
    let file = File::create(path).map_err(|error| Failure::unwritable(path, &error))?;
    canvas.write_png(BufWriter::new(file)).map_err(|error| Failure::unwritable(path, &error))
}
