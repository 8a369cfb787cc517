//! Readers: files and streams of market data, each row a pure function from text to an event.
//!
//! A feed is pulled, reads in constant memory and gives its events in the order of time. Rows with a
//! fault are refused and counted; a stream fault ends the feed after everything before it was given.

mod bars;
mod binance;
mod binance_message;
mod bitstamp;
mod columns;
mod depth;
mod detect;
mod digits;
mod fields;
mod json;
mod lines;
mod mapping;
mod merge;
mod names;
mod ndjson;
mod ndjson_write;
mod open;
mod params;
mod pattern;
mod rows;
mod stats;
mod times;
mod trades;
mod volume;

use std::fmt;
use std::str::FromStr;

use crate::error::MarketError;
use crate::event::{MarketEvent, SourceId};

pub use lines::LINE_LIMIT;
pub use merge::Merge;
pub use names::Names;
pub use ndjson_write::{write_ndjson, write_ndjson_sent};
pub use open::{OpenOptions, Opened, instrument_name, open, open_reader};
pub use params::{CsvBars, CsvTrades};
pub use stats::{FeedStats, RowFault};
pub use times::TimeColumn;

/// A source of market events, pulled one at a time.
pub trait Feed: Send {
    /// The next event, never earlier than the one before; `None` at the end and ever after.
    ///
    /// Rows that are refused or say nothing of the market are passed over and counted.
    ///
    /// # Errors
    /// [`MarketError`] where the stream cannot be read on; the feed has then ended.
    fn next(&mut self) -> Result<Option<MarketEvent>, MarketError>;
    /// The file it reads, as it was named.
    fn name(&self) -> &str;
    /// What it takes the file for.
    fn format(&self) -> Format;
    /// Its rank among the feeds of a run.
    fn source(&self) -> SourceId;
    /// The instruments it may speak of.
    fn names(&self) -> &Names;
    /// When the sender meant to send the last event, ns since 1970, where its row says so. It is no part
    /// of the event: nothing that is decided may depend on it.
    fn sent_ns(&self) -> Option<i64> {
        None
    }
    /// What it has read so far.
    fn stats(&self) -> &FeedStats;
}

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Bitstamp orders (L3) or trades as CSV.
    Bitstamp,
    /// A raw capture of Binance's WebSocket streams.
    Binance,
    /// Bars as CSV with a column mapping.
    CsvBars,
    /// Trades as CSV with a column mapping.
    CsvTrades,
    /// Newline-delimited JSON of our own event schema.
    Ndjson,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Bitstamp, Self::Binance, Self::CsvBars, Self::CsvTrades, Self::Ndjson];

    /// Its name, as `--format` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bitstamp => "bitstamp",
            Self::Binance => "binance",
            Self::CsvBars => "csv-bars",
            Self::CsvTrades => "csv-trades",
            Self::Ndjson => "ndjson",
        }
    }

    /// The names of all, for messages and help.
    pub fn known() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = MarketError;
    fn from_str(text: &str) -> Result<Self, MarketError> {
        let found = Self::ALL.into_iter().find(|f| f.name() == text);
        found.ok_or_else(|| MarketError::NoSuchFormat {
            name: fields::shown(text.as_bytes()),
            nearest: fields::nearest(text, Self::ALL.map(Self::name)).unwrap_or_default(),
            known: Self::known(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_named_or_the_nearest_offered() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        let fault = "binanse".parse::<Format>().expect_err("no format");
        assert_eq!(
            fault.to_string(),
            "`binanse` is no format; did you mean `binance`? known are bitstamp, binance, csv-bars, csv-trades, ndjson"
        );
    }

    #[test]
    fn a_feed_may_be_boxed_and_sent() {
        fn sent<T: Send + ?Sized>() {}
        sent::<dyn Feed>();
    }
}
