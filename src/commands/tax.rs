//! `janus tax report`: tax lots and wash sales of a year.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use journal::artefacts;
use market::tax::{
    AccountTerms, EarlierPurchases, Identical, Report, Securities, TaxError, TaxYear, TradeFile, fold,
    read_trades,
};

use super::ConfigArgs;
use super::journal::{JournalArgs, Tape};
use super::terminal;
use crate::config::Config;
use crate::failure::Failure;
use crate::tax::{self, Fills};

/// `janus tax …`
#[derive(Debug, Subcommand)]
pub enum TaxCommand {
    /// Tell a year's disposals, wash sales and open lots, from a file of trades or from a journal.
    Report(Box<TaxReport>),
}

/// Arguments of `janus tax report`.
#[derive(Debug, Args)]
#[command(
    after_help = "A file of trades is CSV with the columns time, instrument, side, quantity, price, and if need be fee,\n\
                  account, lot and order. Sales take the earliest lots of their account, or those that `lot` names, by\n\
                  name or day of purchase, `;` between them. An account called `ira` is one. This is no tax advice."
)]
pub struct TaxReport {
    /// The tax year.
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i64).range(1700..=2250))]
    year: i64,
    /// A file of trades, or `-` for standard input, and not a journal.
    #[arg(long, value_name = "FILE")]
    trades: Option<PathBuf>,
    #[command(flatten)]
    journal: JournalArgs,
    /// How it is told.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// One JSON object on one line: --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Securities that are substantially identical: a file with a line a group, or groups like VOO=SPY,IVV.
    #[arg(long, value_name = "FILE|GROUP")]
    identical: Vec<String>,
    /// Whether shares bought before the acquisition of the shares sold can replace them: replace or exempt.
    #[arg(long, value_name = "POLICY")]
    contested: Option<EarlierPurchases>,
    /// What the rule applies to: auto, all, none, names, or `all but` names.
    #[arg(long, value_name = "NAMES")]
    securities: Option<Securities>,
    /// An account that is an IRA, whatever its name.
    #[arg(long, value_name = "ACCOUNT")]
    ira: Vec<String>,
    /// Take a sale of more than is held for a short sale; always so with a journal.
    #[arg(long)]
    shorts: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

/// How a report is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Tables for people.
    #[default]
    Table,
    /// A row a disposal and a row an open lot.
    Csv,
    /// One JSON object on one line.
    Json,
    /// The rows of Form 8949, as CSV.
    #[value(name = "8949")]
    Form8949,
}

impl TaxCommand {
    /// Carries it out.
    ///
    /// # Errors
    /// [`Failure::Input`] for trades that cannot be reported, or a journal that cannot be read.
    pub fn run(self) -> Result<(), Failure> {
        let Self::Report(report) = self;
        report.run()
    }
}

impl TaxReport {
    fn run(self) -> Result<(), Failure> {
        let (config, file) = match &self.trades {
            Some(path) => {
                let config = self.config.load(None)?;
                let file = from_file(path, config.tax.utc_offset_min)?;
                (config, file)
            }
            None => from_journal(&self.journal, &self.config)?,
        };
        let mut terms = config.tax.terms().map_err(bad)?;
        terms.earlier = self.contested.unwrap_or(terms.earlier);
        terms.securities = self.securities.clone().unwrap_or(terms.securities);
        for given in &self.identical {
            add_identical(&mut terms.identical, given)?;
        }
        let iras: BTreeSet<String> = self.ira.iter().cloned().collect();
        let accounts = AccountTerms { iras, shorts: self.shorts || self.trades.is_none() };
        let year = TaxYear::ending(self.year, &config.tax.year_end)
            .map_err(|error| Failure::Input(format!("tax.year_end `{}` {error}", config.tax.year_end)))?;
        let returns = fold(file.trades, &terms, &accounts).map_err(bad)?;
        let format = if self.json { Format::Json } else { self.format };
        tell(format, &Report { year, terms, returns, notes: file.notes })
    }
}

fn tell(format: Format, report: &Report) -> Result<(), Failure> {
    match format {
        Format::Table => terminal::say(&tax::text(report)),
        Format::Json => terminal::report(true, &tax::head(report), &report.object()),
        Format::Csv => {
            terminal::tell(&tax::head(report));
            terminal::say(&report.csv())
        }
        Format::Form8949 => {
            terminal::tell(&tax::head(report));
            terminal::say(&report.form_8949())
        }
    }
}

fn bad(error: TaxError) -> Failure {
    Failure::Input(error.to_string())
}

fn from_file(path: &Path, utc_offset_min: i64) -> Result<TradeFile, Failure> {
    if path.as_os_str() == "-" {
        return read_trades("standard input", std::io::stdin().lock(), utc_offset_min).map_err(bad);
    }
    let name = path.display().to_string();
    let file = File::open(path)
        .map_err(|error| bad(TaxError::Read { file: name.clone(), reason: error.to_string() }))?;
    read_trades(&name, file, utc_offset_min).map_err(bad)
}

/// The fills on a tape, and the configuration: that of its run, with what is given here over it.
fn from_journal(args: &JournalArgs, given: &ConfigArgs) -> Result<(Config, TradeFile), Failure> {
    let tape = args.open()?;
    let of_run = artefacts::get(&tape.dir, "config", &tape.reader.manifest().config).ok();
    let text = of_run.and_then(|bytes| String::from_utf8(bytes).ok());
    let config = given.load(text.as_deref().map(|text| (text, "configuration of the run")))?;
    let name = tape.dir.display().to_string();
    let trades = Fills::new(&tape.world, name, config.tax.utc_offset_min).collect(tape.reader.records())?;
    Ok((config, TradeFile { trades, notes: notes(&tape, text.is_some()) }))
}

/// What a reader should know of a tape.
fn notes(tape: &Tape, has_config: bool) -> Vec<String> {
    let mut notes = vec![format!("from the fills in {}; each order is one purchase", tape.dir.display())];
    if tape.reader.first_block() > 0 {
        notes.push("the oldest part of the tape is dropped: fills in it are not here, and sales of what they bought are taken for short sales".to_owned());
    }
    if !has_config || tape.world.facts.is_none() {
        notes.push("the configuration of the run is not at hand: multipliers are taken for 1".to_owned());
    }
    notes
}

/// Adds groups: of a flag where it says `=`, else of a file.
fn add_identical(table: &mut Identical, given: &str) -> Result<(), Failure> {
    if given.contains('=') {
        return table.add(given, "--identical").map_err(bad);
    }
    let text = std::fs::read_to_string(given)
        .map_err(|error| bad(TaxError::Read { file: given.to_owned(), reason: error.to_string() }))?;
    // the line of a file is told also where it has but one
    table.add(&(text + "\n"), given).map_err(bad)
}
