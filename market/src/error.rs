//! What ends a feed (DESIGN §10): every message names the place, the value and the limit, and says
//! what to do.

use std::fmt;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named.
    pub file: String,
    /// The line in it, from 1, the header included.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A stream fault: it ends its feed, and everything before it has been delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarketError {
    /// A file could not be opened or read on.
    #[error("{file}: cannot be read: {reason}; check the path, its permissions and the disk")]
    Read {
        /// Which.
        file: String,
        /// What the system said.
        reason: String,
    },
    /// There is nothing in it.
    #[error("{file}: is empty; give a file that holds at least a header or a row")]
    Empty {
        /// Which.
        file: String,
    },
    /// A folder that is no feed.
    #[error(
        "{file}: is a folder {lacks}; give a file, or a folder that holds orders.csv(.gz) and trades.csv"
    )]
    Directory {
        /// Which.
        file: String,
        /// What is wrong with it.
        lacks: &'static str,
    },
    /// Bytes that are no text.
    #[error("{place}: is no text (byte {byte:#04x}); give a text file, plain, gzip or zstd")]
    Binary {
        /// Where.
        place: Place,
        /// The first such byte.
        byte: u8,
    },
    /// A kind of archive that is not read.
    #[error("{file}: is a {kind} file, which is not read; unpack it, or pack it with gzip or zstd")]
    Archive {
        /// Which.
        file: String,
        /// What kind.
        kind: &'static str,
    },
    /// The compressed stream is cut, damaged, or followed by something else.
    #[error(
        "{place}: the {kind} stream is broken here ({reason}); all rows before it were read; fetch the file again"
    )]
    Compression {
        /// The line that could not be read any more.
        place: Place,
        /// `gzip` or `zstd`.
        kind: &'static str,
        /// What the decompressor said.
        reason: String,
    },
    /// Bytes that are not UTF-8 where text is needed.
    #[error("{place}: is not UTF-8 from byte {at} of the line; convert the file, as with `iconv -t UTF-8`")]
    NotUtf8 {
        /// Where.
        place: Place,
        /// The first such byte of the line, from 1.
        at: usize,
    },
    /// A line beyond the limit.
    #[error("{place}: the line is longer than {limit} bytes; are there line ends in the file?")]
    LineTooLong {
        /// Where.
        place: Place,
        /// The limit.
        limit: usize,
    },
    /// Content that no reader knows.
    #[error("{place}: `{start}` begins no known format; name it with --format, one of {known}")]
    UnknownFormat {
        /// Where.
        place: Place,
        /// How it begins.
        start: String,
        /// The formats there are.
        known: String,
    },
    /// A format that there is not.
    #[error("`{name}` is no format; did you mean `{nearest}`? known are {known}")]
    NoSuchFormat {
        /// What was asked for.
        name: String,
        /// The nearest there is.
        nearest: &'static str,
        /// The formats there are.
        known: String,
    },
    /// A column that is needed and not there.
    #[error("{place}: column `{column}` is missing; the header has {header}; {remedy}")]
    MissingColumn {
        /// Where.
        place: Place,
        /// Which.
        column: String,
        /// What there is.
        header: String,
        /// What to do.
        remedy: String,
    },
    /// A column that does not belong there, or stands twice.
    #[error("{place}: column `{column}` {problem}; expected are {expected}, in any order")]
    StrayColumn {
        /// Where.
        place: Place,
        /// Which.
        column: String,
        /// `is unknown` or `stands twice`.
        problem: &'static str,
        /// What belongs there.
        expected: String,
    },
    /// Times that lie outside 1990 to 2100 in the unit of the format.
    #[error("{place}: {what} is no time from 1990 to 2100 in {unit}, but one in {fits}; {remedy}")]
    WrongTimeUnit {
        /// Where.
        place: Place,
        /// The column or field, and what stands there.
        what: String,
        /// The unit it should be in.
        unit: &'static str,
        /// The unit that would fit.
        fits: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A mapping of columns that cannot be.
    #[error("{key} is `{value}`, and must be {expected}")]
    Mapping {
        /// The key of the configuration.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// One bar does not tell how long it is.
    #[error("{place}: one bar does not tell its length; set csv_bars.bar_length_s")]
    BarLength {
        /// Where.
        place: Place,
    },
    /// A file that names no instrument, where several may be meant.
    #[error("{file}: says nothing of its instrument, and `{guess}` is not known; name one of {known}")]
    NoInstrument {
        /// Which.
        file: String,
        /// What its name suggests.
        guess: String,
        /// The instruments there are.
        known: String,
    },
}
