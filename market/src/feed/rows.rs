//! The engine of every reader: lines in, events out, everything counted.

use crate::error::{MarketError, Place};
use crate::event::{EventKind, MarketEvent, SourceId};
use crate::feed::lines::Lines;
use crate::feed::names::Names;
use crate::feed::stats::FeedStats;
use crate::feed::times::TimeFault;
use crate::feed::{Feed, Format};
use crate::instrument::InstrumentId;
use crate::time::Timestamp;

/// What a row says.
pub(crate) enum Parsed {
    /// Something of the market; what, stands in the slot.
    Event(InstrumentId, Timestamp),
    /// Nothing of the market.
    Bookkeeping,
    /// Nothing that can be used.
    Ignored,
    /// Nothing that can be used, and that something was missed; the slot is left as it was, a gap.
    Gap(InstrumentId, Timestamp),
}

/// What is wrong with a row.
pub(crate) enum Bad {
    /// It is refused, and the next is read.
    Row(String),
    /// The feed ends here.
    Stream(Box<MarketError>),
}

impl From<String> for Bad {
    fn from(what: String) -> Self {
        Self::Row(what)
    }
}

impl Bad {
    /// What comes of a time that was not read: a wrong unit ends the feed.
    #[cold]
    pub(crate) fn time(fault: TimeFault, at: At<'_>, remedy: &'static str) -> Self {
        match fault {
            TimeFault::Row(what) => Self::Row(what),
            TimeFault::Unit { what, unit, fits } => {
                Self::from(MarketError::WrongTimeUnit { place: at.place(), what, unit, fits, remedy })
            }
        }
    }
}

impl From<&str> for Bad {
    fn from(what: &str) -> Self {
        Self::Row(what.to_owned())
    }
}

impl From<MarketError> for Bad {
    fn from(fault: MarketError) -> Self {
        Self::Stream(Box::new(fault))
    }
}

/// Where a row stands.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) file: &'a str,
    pub(crate) line: u64,
}

impl At<'_> {
    pub(crate) fn place(self) -> Place {
        Place { file: self.file.to_owned(), line: self.line }
    }
}

/// A format: what each row says, after those before it. It sees text, never a stream.
pub(crate) trait RowParser: Send {
    const FORMAT: Format;
    fn names(&self) -> &Names;
    /// See [`Feed::sent_ns`].
    fn sent_ns(&self) -> Option<i64> {
        None
    }
    /// Reads a row. The event's kind goes into a slot, which spares moving it about; counters of its
    /// own a format keeps in `stats`.
    fn parse(
        &mut self,
        row: &[u8],
        at: At<'_>,
        stats: &mut FeedStats,
        slot: &mut EventKind,
    ) -> Result<Parsed, Bad>;
}

/// A format over a stream of lines.
pub(crate) struct RowFeed<P> {
    parser: P,
    lines: Lines,
    file: String,
    source: SourceId,
    stats: FeedStats,
    last: Timestamp,
    ended: bool,
}

impl<P: RowParser> RowFeed<P> {
    pub(crate) fn new(parser: P, lines: Lines, source: SourceId) -> Self {
        Self {
            parser,
            file: lines.file().to_owned(),
            lines,
            source,
            stats: FeedStats::default(),
            last: Timestamp::MIN,
            ended: false,
        }
    }

    /// Reads rows until one makes an event.
    fn advance(&mut self) -> Result<Option<MarketEvent>, MarketError> {
        loop {
            let line = self.lines.number() + 1;
            let Some(row) = self.lines.next()? else {
                return Ok(None);
            };
            if row.is_empty() {
                continue;
            }
            self.stats.rows += 1;
            let at = At { file: &self.file, line };
            let mut kind = EventKind::Gap;
            let parsed = match self.parser.parse(row, at, &mut self.stats, &mut kind) {
                Err(Bad::Row(what)) => Err(not_text(row, at).map_or(Bad::Row(what), Bad::from)),
                parsed => parsed,
            };
            if let Some((instrument, time)) = self.settle(parsed, line)? {
                return Ok(Some(MarketEvent { instrument, time, source: self.source, position: line, kind }));
            }
        }
    }

    /// Counts a row, and tells of which instrument and when it is an event, if it is one.
    fn settle(
        &mut self,
        parsed: Result<Parsed, Bad>,
        line: u64,
    ) -> Result<Option<(InstrumentId, Timestamp)>, MarketError> {
        let (instrument, time) = match parsed {
            Ok(Parsed::Event(_, time)) if time < self.last => {
                let what = backwards(time, self.last);
                self.stats.refuse(&self.file, line, what);
                return Ok(None);
            }
            Ok(Parsed::Event(instrument, time)) => {
                self.stats.accepted += 1;
                (instrument, time)
            }
            Ok(Parsed::Gap(instrument, time)) => {
                self.stats.ignored += 1;
                self.stats.gaps += 1;
                (instrument, time.max(self.last))
            }
            Ok(Parsed::Bookkeeping) => {
                self.stats.bookkeeping += 1;
                return Ok(None);
            }
            Ok(Parsed::Ignored) => {
                self.stats.ignored += 1;
                return Ok(None);
            }
            Err(Bad::Row(what)) => {
                self.stats.refuse(&self.file, line, what);
                return Ok(None);
            }
            Err(Bad::Stream(fault)) => {
                // the row that shows it is not one of those read
                self.stats.rows -= 1;
                return Err(*fault);
            }
        };
        self.last = time;
        self.stats.stamp(time);
        Ok(Some((instrument, time)))
    }
}

#[cold]
fn backwards(time: Timestamp, last: Timestamp) -> String {
    format!("time goes back from {last} to {time}; sort the rows by time")
}

/// The fault of a row that is not text at all, which ends the feed.
#[cold]
fn not_text(row: &[u8], at: At<'_>) -> Option<MarketError> {
    if let Err(error) = std::str::from_utf8(row) {
        return Some(MarketError::NotUtf8 { place: at.place(), at: error.valid_up_to() + 1 });
    }
    let byte = row.iter().copied().find(|b| *b == 0)?;
    Some(MarketError::Binary { place: at.place(), byte })
}

impl<P: RowParser> Feed for RowFeed<P> {
    fn next(&mut self) -> Result<Option<MarketEvent>, MarketError> {
        if self.ended {
            return Ok(None);
        }
        let event = self.advance();
        self.ended = !matches!(event, Ok(Some(_)));
        event
    }

    fn name(&self) -> &str {
        &self.file
    }

    fn format(&self) -> Format {
        P::FORMAT
    }

    fn source(&self) -> SourceId {
        self.source
    }

    fn names(&self) -> &Names {
        self.parser.names()
    }

    fn sent_ns(&self) -> Option<i64> {
        self.parser.sent_ns()
    }

    fn stats(&self) -> &FeedStats {
        &self.stats
    }
}
