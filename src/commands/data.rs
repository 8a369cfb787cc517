//! `janus data info`

use clap::{Args, Subcommand};
use market::book::Book;
use market::feed::{CsvBars, CsvTrades, Feed, Format, Merge, Names, OpenOptions};
use market::{MarketEvent, Timestamp};
use serde::Serialize;

use super::ConfigArgs;
use super::terminal;
use super::verdict::{self, Rows};
use crate::failure::Failure;
use crate::summary::{NOTES_SHOWN, grouped};

/// `janus data …`
#[derive(Debug, Subcommand)]
pub enum Data {
    /// Tell what a feed holds: format, span, rows, instruments, gaps, crossed share, the mid as a line.
    Info(Info),
}

/// Arguments of `janus data info`.
#[derive(Debug, Args)]
pub struct Info {
    #[command(flatten)]
    config: ConfigArgs,
    /// A file, a folder of orders and trades, or `-` for standard input.
    #[arg(value_name = "FILE")]
    file: String,
    /// The format, where it is not to be recognised.
    #[arg(long)]
    format: Option<Format>,
    /// One JSON object on the last line of standard output.
    #[arg(long)]
    json: bool,
}

/// What a feed holds.
#[derive(Debug, Serialize)]
struct Report {
    format: String,
    rows: u64,
    accepted: u64,
    refused: u64,
    ignored: u64,
    bookkeeping: u64,
    reordered: u64,
    instruments: Vec<String>,
    first: Option<String>,
    last: Option<String>,
    gaps: u64,
    /// Events after which a book taken as it comes was crossed.
    crossed_before: u64,
    /// Events after which a book with hold-out and repair was crossed.
    crossed_after: u64,
    /// Events that were applied to a book.
    events: u64,
    /// The first rows that were refused, with place and remedy.
    faults: Vec<String>,
    /// The first gaps, and the first rows that were ignored, with place and remedy.
    notes: Vec<String>,
    /// The faults that ended the feed, with place and remedy.
    stream_faults: Vec<String>,
    #[serde(skip)]
    lines: Vec<(String, Line)>,
}

impl Data {
    /// Carries it out.
    ///
    /// # Errors
    /// [`Failure::Input`] where the feed cannot be read to its end, or more rows are refused than a run
    /// allows; what was read is told before.
    pub fn run(self) -> Result<(), Failure> {
        let Self::Info(info) = self;
        let config = info.config.load(None)?;
        let options = OpenOptions {
            format: info.format,
            names: Names::any(),
            bars: CsvBars::clone(&config.csv_bars),
            trades: CsvTrades::clone(&config.csv_trades),
            ..OpenOptions::default()
        };
        let mut merge = Merge::open([(info.file.as_str(), options)]);
        let report = look(&mut merge, i64::from(config.book.hold_ms) * 1_000_000);
        terminal::report(info.json, &report.to_text(), &report)?;
        verdict::judge(&config, &merge, report.rows, report.refused)
    }
}

/// One instrument on the way through a feed.
struct Watch {
    raw: Book,
    repaired: Book,
    line: Line,
}

fn look(merge: &mut Merge, hold_ns: i64) -> Report {
    let mut watches: Vec<Watch> = Vec::new();
    let mut rows = Rows::of(merge);
    let (mut events, mut refused, mut ignored) = (0, 0, 0);
    for event in merge.by_ref() {
        let at = event.instrument.index();
        while watches.len() <= at {
            watches.push(Watch { raw: Book::raw(), repaired: Book::new(hold_ns), line: Line::default() });
        }
        watches[at].raw.apply(&event);
        let applied = watches[at].repaired.apply(&event);
        rows.note(&event, applied);
        events += u64::from(applied.is_done());
        refused += u64::from(matches!(applied, market::Applied::Refused(_)));
        ignored += u64::from(matches!(applied, market::Applied::Ignored(_)));
        let mark2 = watches[at].repaired.mark2();
        watches[at].line.note(&event, mark2);
    }
    let stats = merge.stats();
    let names = names(merge, watches.len());
    let crossed = |book: fn(&Watch) -> &Book| watches.iter().map(|w| book(w).stats().crossed_rows).sum();
    Report {
        format: format(merge),
        rows: stats.rows,
        accepted: stats.accepted - refused - ignored,
        refused: stats.refused + refused,
        ignored: stats.ignored + ignored,
        bookkeeping: stats.bookkeeping,
        reordered: stats.reordered,
        first: stats.first.map(|t| t.to_string()),
        last: stats.last.map(|t| t.to_string()),
        gaps: rows.gap_count(),
        crossed_before: crossed(|w| &w.raw),
        crossed_after: crossed(|w| &w.repaired),
        events,
        faults: rows.refused(merge),
        notes: rows.notes(),
        stream_faults: verdict::stream_faults(merge),
        lines: names.iter().cloned().zip(watches.into_iter().map(|w| w.line)).collect(),
        instruments: names,
    }
}

fn format(merge: &Merge) -> String {
    let mut formats: Vec<String> = merge.feeds().map(|f: &dyn Feed| f.format().to_string()).collect();
    formats.dedup();
    formats.join(", ")
}

/// The instruments' names, by rank.
fn names(merge: &Merge, count: usize) -> Vec<String> {
    let name = |at: usize| {
        let id = market::InstrumentId(at as u16);
        merge.feeds().find_map(|feed| feed.names().name(id).map(str::to_owned)).unwrap_or_default()
    };
    (0..count).map(name).collect()
}

impl Report {
    fn to_text(&self) -> String {
        let share = |crossed: u64| format!("{:.2} %", crossed as f64 / self.events.max(1) as f64 * 100.0);
        let time = |t: &Option<String>| t.as_deref().unwrap_or("-").to_owned();
        let mut lines = vec![
            format!("format       {}", self.format),
            format!("span         {} to {}", time(&self.first), time(&self.last)),
            format!(
                "rows         {} = {} accepted + {} refused + {} ignored + {} bookkeeping",
                grouped(self.rows),
                grouped(self.accepted),
                grouped(self.refused),
                grouped(self.ignored),
                grouped(self.bookkeeping)
            ),
            format!("instruments  {}", self.instruments.join(", ")),
            format!("gaps         {}", self.gaps),
            format!(
                "crossed      {} of events as they come, {} after hold-out and repair",
                share(self.crossed_before),
                share(self.crossed_after)
            ),
        ];
        for (name, line) in &self.lines {
            lines.push(format!("{name:<12} {}", line.draw()));
        }
        lines.extend(self.faults.iter().map(|fault| format!("refused: {fault}")));
        lines.extend(self.notes.iter().take(NOTES_SHOWN).map(|note| format!("noted: {note}")));
        lines.push(String::new());
        lines.join("\n")
    }
}

/// Columns of the drawn line.
const COLUMNS: usize = 60;

/// The mid over time, in constant memory: when there is no more room, every two spans become one.
#[derive(Debug, Default)]
struct Line {
    span_ns: i64,
    first: Option<Timestamp>,
    mids: Vec<Option<i64>>,
    /// The lowest and highest mid there was, also between what is drawn.
    range: Option<(i64, i64)>,
}

impl Line {
    fn note(&mut self, event: &MarketEvent, mark2: Option<i64>) {
        let Some(mark2) = mark2 else { return };
        let (low, high) = self.range.unwrap_or((mark2, mark2));
        self.range = Some((low.min(mark2), high.max(mark2)));
        let first = *self.first.get_or_insert(event.time);
        self.span_ns = self.span_ns.max(1_000_000);
        while event.time.since(first) / self.span_ns >= 2 * COLUMNS as i64 {
            self.span_ns = self.span_ns.saturating_mul(2);
            self.mids = self.mids.chunks(2).map(|pair| pair.iter().rev().find_map(|m| *m)).collect();
        }
        let at = (event.time.since(first) / self.span_ns) as usize;
        if self.mids.len() <= at {
            self.mids.resize(at + 1, None);
        }
        self.mids[at] = Some(mark2);
    }

    /// The line in block characters, with its lowest and highest value.
    fn draw(&self) -> String {
        const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let Some((low, high)) = self.range else {
            return "no mid".to_owned();
        };
        let height = (high - low).max(1) as f64;
        let block = |mid: i64| BLOCKS[(((mid - low) as f64 / height) * 7.0).round() as usize];
        let mut last = low;
        let columns: String = self
            .mids
            .chunks(self.mids.len().div_ceil(COLUMNS))
            .map(|span| {
                last = span.iter().rev().find_map(|m| *m).unwrap_or(last);
                block(last)
            })
            .collect();
        format!("{columns}  {} to {}", low as f64 / 2e9, high as f64 / 2e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_keeps_its_shape_however_long_the_feed() {
        let mut line = Line::default();
        for k in 0..100_000_i64 {
            let event = MarketEvent {
                instrument: market::InstrumentId(0),
                time: Timestamp::from_ns(k * 1_000_000_000),
                source: market::SourceId(0),
                position: 1,
                kind: market::EventKind::Clear,
            };
            line.note(&event, Some(2_000_000_000 * (1000 + k)));
        }
        assert!(line.mids.len() <= 2 * COLUMNS);
        let text = line.draw();
        assert!(text.starts_with('▁') && text.contains("█  1000"), "{text}");
        assert_eq!(Line::default().draw(), "no mid");
    }
}
