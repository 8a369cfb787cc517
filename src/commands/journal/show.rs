//! `janus journal show` and `export`: records, as text or as JSON lines.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Args;
use journal::{Record, Regime};
use market::{InstrumentId, Timestamp};
use synapse::{Input, InputKind, NoticeKind};

use super::{JournalArgs, Lines, Tape};
use crate::commands::backtest::parse_time;
use crate::commands::terminal::tell;
use crate::explain::{self, Kind};
use crate::failure::Failure;

/// Arguments of `janus journal show`.
#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    journal: JournalArgs,
    #[command(flatten)]
    filter: Filter,
    /// Print JSON lines instead of text.
    #[arg(long)]
    json: bool,
}

/// Which records are shown: those that pass every one of these.
#[derive(Debug, Args)]
struct Filter {
    /// Nothing before this event time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<Timestamp>,
    /// Nothing after this event time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Option<Timestamp>,
    /// Only what is about this instrument.
    #[arg(long, value_name = "NAME")]
    instrument: Option<String>,
    /// Only records of these kinds.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<Kind>,
    /// Only these sequence numbers: `A..B`, both ends included, either may be left out.
    #[arg(long, value_name = "A..B", value_parser = range)]
    sequence: Option<RangeInclusive<u64>>,
    /// No more than so many records.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Only what was asked of the venue, and what it said.
    #[arg(long)]
    orders: bool,
}

fn range(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let bound = |text: &str, open: u64| if text.is_empty() { Some(open) } else { text.parse().ok() };
    match (bound(first, 0), bound(last, u64::MAX)) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => Err(format!("`{text}` is no range; write 100..200, 100.. or ..200")),
    }
}

impl Show {
    /// Prints what passes the filter.
    ///
    /// # Errors
    /// A [`Failure`] where the tape cannot be read, or an instrument is not on it.
    pub fn run(self) -> Result<(), Failure> {
        let tape = self.journal.open()?;
        let mut lines = Lines::to_stdout();
        let mut left = self.filter.limit.unwrap_or(u64::MAX);
        let instrument = self.filter.instrument.as_ref().map(|name| tape.instrument(name)).transpose()?;
        for at in self.filter.first_block(&tape)..tape.reader.headers().len() {
            if left == 0 {
                break;
            }
            let mut is_past = false;
            for record in tape.reader.block(at)? {
                is_past |= self.filter.is_past(&record, tape.reader.manifest().regime);
                if left > 0 && self.filter.passes(&record, instrument) {
                    left = if lines.write(&line(&record, &tape, self.json)?)? { left - 1 } else { 0 };
                }
            }
            if is_past {
                break;
            }
        }
        lines.close()
    }
}

fn line(record: &Record, tape: &Tape, json: bool) -> Result<String, Failure> {
    if !json {
        return Ok(explain::text(record, &tape.world));
    }
    Ok(explain::json(record, &tape.world)?.to_string())
}

impl Filter {
    /// Blocks before hold nothing that passes: a record is never in a block before its input's.
    fn first_block(&self, tape: &Tape) -> usize {
        tape.reader.headers().partition_point(|block| {
            self.sequence.as_ref().is_some_and(|wanted| block.header.sequence_last < *wanted.start())
                || self.from.is_some_and(|from| block.header.time_last_ns < from.ns())
        })
    }

    /// Whether nothing behind the block of this record can pass: decisions stand in order, none before
    /// its input.
    fn is_past(&self, record: &Record, regime: Regime) -> bool {
        let Record::Decision(decision) = record else { return false };
        // in the real regime a release of it may come at any time
        let by_sequence = self.sequence.as_ref().filter(|_| regime == Regime::Simulated);
        by_sequence.is_some_and(|wanted| decision.record.sequence > *wanted.end())
            || self.to.is_some_and(|to| decision.record.time > to)
    }

    fn passes(&self, record: &Record, instrument: Option<InstrumentId>) -> bool {
        let (sequence, time) = explain::place_of(record).unzip();
        (self.kind.is_empty() || self.kind.iter().any(|kind| kind.holds(record)))
            && self.from.is_none_or(|from| time.is_some_and(|time| time >= from))
            && self.to.is_none_or(|to| time.is_some_and(|time| time <= to))
            && self.sequence.as_ref().is_none_or(|wanted| sequence.is_some_and(|it| wanted.contains(&it)))
            && (instrument.is_none() || explain::instrument_of(record) == instrument)
            && (!self.orders || is_of_orders(record))
    }
}

fn is_of_orders(record: &Record) -> bool {
    match record {
        Record::Decision(decision) => !decision.record.verdict.requests().is_empty(),
        Record::Input(Input { kind: InputKind::Notice(notice), .. }) => {
            matches!(notice, NoticeKind::Report(_) | NoticeKind::Lapsed(_) | NoticeKind::CancelSent(_))
        }
        Record::Released(_) => true,
        _ => false,
    }
}

/// Arguments of `janus journal export`.
#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    journal: JournalArgs,
    /// The file to write, or `-` for standard output.
    file: PathBuf,
}

impl Export {
    /// Writes every record.
    ///
    /// # Errors
    /// A [`Failure`] where the tape cannot be read or the file cannot be written.
    pub fn run(self) -> Result<(), Failure> {
        let tape = self.journal.open()?;
        let is_pipe = self.file.as_os_str() == "-";
        let mut lines = if is_pipe { Lines::to_stdout() } else { Lines::to_file(&self.file)? };
        let mut count = 0_u64;
        for record in tape.reader.records() {
            if !lines.write(&line(&record?, &tape, true)?)? {
                break;
            }
            count += 1;
        }
        lines.close()?;
        tell(&format!("{count} records of {} blocks\n", tape.reader.headers().len()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn a_range_has_both_ends() {
        let read = |text| range(text).ok().map(|it| (*it.start(), *it.end()));
        assert_eq!(read("3..5"), Some((3, 5)));
        assert_eq!(read("3.."), Some((3, u64::MAX)));
        assert_eq!(read("..5"), Some((0, 5)));
        assert_eq!(read("4"), Some((4, 4)));
        for text in ["5..3", "a..b", "-1", "1..2..3"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
