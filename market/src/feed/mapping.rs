//! From configuration to columns, for the formats that are mapped.

use crate::error::MarketError;
use crate::feed::columns::{Header, delimiter_of};
use crate::feed::times::{TIME_FORMATS, TimeFormat, TimeReader};
use crate::time::SECOND_NS;

/// The usual names of a column of times.
pub(crate) const TIME_NAMES: [&str; 11] = [
    "timestamp",
    "timestamp_ms",
    "timestamp_us",
    "timestamp_ns",
    "timestamp_s",
    "datetime",
    "date_time",
    "date",
    "time",
    "open_time",
    "index",
];

/// What to do about times in another unit.
pub(crate) const UNIT_REMEDY: &str = "set time_format of the mapping to that unit";

/// Finds the columns of one section of the configuration.
pub(crate) struct Mapping<'a> {
    header: &'a Header,
    section: &'static str,
}

impl<'a> Mapping<'a> {
    pub(crate) const fn new(header: &'a Header, section: &'static str) -> Self {
        Self { header, section }
    }

    /// The column of that name, or where none is configured, of a usual name.
    pub(crate) fn column(&self, key: &str, configured: &str, usual: &[&str]) -> Result<usize, MarketError> {
        self.optional(key, configured, usual)?.ok_or_else(|| self.missing(key, key))
    }

    /// The same for a column that need not be there, unless it is configured.
    pub(crate) fn optional(
        &self,
        key: &str,
        configured: &str,
        usual: &[&str],
    ) -> Result<Option<usize>, MarketError> {
        if configured.is_empty() {
            return Ok(self.header.any_of(usual));
        }
        match self.header.position(configured) {
            Some(at) => Ok(Some(at)),
            None => Err(self.missing(key, configured)),
        }
    }

    fn missing(&self, key: &str, column: &str) -> MarketError {
        let remedy = format!("set {}.{key} to the column that holds it", self.section);
        self.header.missing(column, &remedy)
    }
}

/// The delimiter that is configured, or else told from the first line.
pub(crate) fn delimiter(key: &'static str, configured: &str, first: &[u8]) -> Result<u8, MarketError> {
    match configured.as_bytes() {
        b"auto" => Ok(delimiter_of(first)),
        b"\\t" => Ok(b'\t'),
        [byte] if *byte != b'"' && byte.is_ascii() => Ok(*byte),
        _ => Err(MarketError::Mapping {
            key,
            value: configured.to_owned(),
            expected: "one character, or auto",
        }),
    }
}

/// The reader of a column of times: as configured, else by the column's name, else by its values.
pub(crate) fn clock(
    column: &str,
    key: &'static str,
    configured: &str,
    utc_offset_min: i64,
) -> Result<TimeReader, MarketError> {
    let format = match TimeFormat::named(configured) {
        Some(TimeFormat::Auto) => TimeFormat::of_column(column).unwrap_or(TimeFormat::Auto),
        Some(format) => format,
        None => {
            return Err(MarketError::Mapping { key, value: configured.to_owned(), expected: TIME_FORMATS });
        }
    };
    let offset_ns = utc_offset_min.saturating_mul(60 * SECOND_NS);
    Ok(TimeReader::new(column, format, offset_ns))
}
