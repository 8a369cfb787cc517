//! Columns: a header matched by name, and rows split into fields.

use memchr::memchr_iter;

use crate::error::{MarketError, Place};
use crate::feed::fields::{nearest, shown};

/// The delimiters that are looked for in a header.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The delimiter that stands most often in a line; the comma where none does.
pub(crate) fn delimiter_of(line: &[u8]) -> u8 {
    let count = |d: u8| memchr_iter(d, line).count();
    DELIMITERS.into_iter().rev().max_by_key(|&d| count(d)).filter(|&d| count(d) > 0).unwrap_or(b',')
}

/// The names of the columns of a file, in order.
pub(crate) struct Header {
    names: Vec<String>,
    place: Place,
}

impl Header {
    /// Reads the header line.
    pub(crate) fn read(line: &[u8], delimiter: u8, place: Place) -> Result<Self, MarketError> {
        if let Err(error) = std::str::from_utf8(line) {
            let at = error.valid_up_to() + 1;
            return Err(MarketError::NotUtf8 { place, at });
        }
        let mut splitter = Splitter::new(delimiter);
        let fields = splitter.split(line);
        let names = (0..fields.len()).map(|k| String::from_utf8_lossy(fields.get(k)).into_owned()).collect();
        Ok(Self { names, place })
    }

    /// The header of a file without one: its columns are named by their number, from 1.
    pub(crate) fn numbered(line: &[u8], delimiter: u8, place: Place) -> Self {
        let count = Splitter::new(delimiter).split(line).len();
        let names = (1..=count).map(|n| n.to_string()).collect();
        Self { names, place }
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The name of a column.
    pub(crate) fn name(&self, column: usize) -> &str {
        self.names.get(column).map_or("", String::as_str)
    }

    /// Where a column stands, by its name as written, else without regard to case.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        let exact = self.names.iter().position(|n| n == name);
        exact.or_else(|| self.names.iter().position(|n| n.eq_ignore_ascii_case(name)))
    }

    /// Where the first of several names stands.
    pub(crate) fn any_of(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.position(name))
    }

    /// Where each wanted column stands, when these columns and no others are there.
    pub(crate) fn exactly<const N: usize>(&self, wanted: &[&str; N]) -> Result<[usize; N], MarketError> {
        let names = &self.names;
        let twice = (1..names.len()).find(|&at| names[..at].contains(&names[at]));
        if let Some(at) = twice {
            return Err(self.stray(&names[at], "stands twice", wanted));
        }
        let mut columns = [0; N];
        for (column, name) in columns.iter_mut().zip(wanted) {
            let remedy = || format!("expected are {}", wanted.join(", "));
            *column = names.iter().position(|n| n == name).ok_or_else(|| self.missing(name, &remedy()))?;
        }
        match names.iter().find(|n| !wanted.contains(&n.as_str())) {
            Some(extra) => Err(self.stray(extra, "is unknown", wanted)),
            None => Ok(columns),
        }
    }

    fn stray(&self, column: &str, problem: &'static str, wanted: &[&str]) -> MarketError {
        MarketError::StrayColumn {
            place: self.place.clone(),
            column: shown(column.as_bytes()),
            problem,
            expected: wanted.join(", "),
        }
    }

    /// The fault of a column that is not there.
    pub(crate) fn missing(&self, column: &str, remedy: &str) -> MarketError {
        let hint = nearest(column, self.names.iter().map(String::as_str))
            .filter(|name| strsim::damerau_levenshtein(name, column) <= column.len() / 3)
            .map_or_else(String::new, |name| format!("is it `{}`? ", shown(name.as_bytes())));
        MarketError::MissingColumn {
            place: self.place.clone(),
            column: shown(column.as_bytes()),
            header: shown_list(&self.names),
            remedy: format!("{hint}{remedy}"),
        }
    }
}

fn shown_list(names: &[String]) -> String {
    let mut list: Vec<String> = names.iter().take(40).map(|n| shown(n.as_bytes())).collect();
    if list.len() < names.len() {
        list.push("…".to_owned());
    }
    list.join(", ")
}

/// Splits rows, one after another, into fields.
pub(crate) struct Splitter {
    delimiter: u8,
    ends: Vec<usize>,
    record: csv::ByteRecord,
}

impl Splitter {
    pub(crate) fn new(delimiter: u8) -> Self {
        Self { delimiter, ends: Vec::with_capacity(16), record: csv::ByteRecord::new() }
    }

    /// The fields of a row; quotes are undone. Without quotes nothing is copied.
    pub(crate) fn split<'a>(&'a mut self, line: &'a [u8]) -> Fields<'a> {
        self.ends.clear();
        let (words, rest) = line.as_chunks::<8>();
        let mut quotes = 0;
        for (at, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            quotes |= bytes_equal(word, b'"');
            let mut found = bytes_equal(word, self.delimiter);
            while found != 0 {
                self.ends.push(8 * at + found.trailing_zeros() as usize / 8);
                found &= found - 1;
            }
        }
        if quotes != 0 || rest.contains(&b'"') {
            return self.split_quoted(line);
        }
        let start = line.len() - rest.len();
        let last = rest.iter().enumerate().filter(|(_, b)| **b == self.delimiter);
        self.ends.extend(last.map(|(at, _)| start + at));
        self.ends.push(line.len());
        Fields { bytes: line, ends: &self.ends, gap: 1 }
    }

    #[cold]
    fn split_quoted<'a>(&'a mut self, line: &[u8]) -> Fields<'a> {
        self.ends.clear();
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .buffer_capacity(line.len().max(1))
            .from_reader(line);
        if reader.read_byte_record(&mut self.record).is_err() {
            self.record.clear();
        }
        let ends = (0..self.record.len()).filter_map(|k| self.record.range(k).map(|r| r.end));
        self.ends.extend(ends);
        Fields { bytes: self.record.as_slice(), ends: &self.ends, gap: 0 }
    }
}

/// The high bit of each byte of a word that equals `byte`.
fn bytes_equal(word: u64, byte: u8) -> u64 {
    const LOW_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let differing = word ^ u64::from_le_bytes([byte; 8]);
    !(((differing & LOW_BITS) + LOW_BITS) | differing | LOW_BITS)
}

/// The fields of one row.
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
    ends: &'a [usize],
    /// What stands between two fields: a delimiter, or nothing.
    gap: usize,
}

impl<'a> Fields<'a> {
    pub(crate) const fn len(&self) -> usize {
        self.ends.len()
    }

    /// One field without the spaces around it; empty where there is none.
    pub(crate) fn get(&self, k: usize) -> &'a [u8] {
        let Some(&end) = self.ends.get(k) else {
            return b"";
        };
        let start = if k == 0 { 0 } else { self.ends[k - 1] + self.gap };
        let field = &self.bytes[start..end];
        match field {
            [first, .., last] if *first > b' ' && *last > b' ' => field,
            _ => field.trim_ascii(),
        }
    }

    /// Refuses a row that has not as many fields as the header.
    pub(crate) fn counted(self, columns: usize) -> Result<Self, String> {
        if self.len() == columns {
            return Ok(self);
        }
        Err(wrong_count(self.len(), columns))
    }
}

#[cold]
fn wrong_count(fields: usize, columns: usize) -> String {
    format!("has {fields} fields and the header {columns}; complete or leave out the row")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(line: &str) -> Header {
        let place = Place { file: "a.csv".to_owned(), line: 1 };
        Header::read(line.as_bytes(), b',', place).expect("a header")
    }

    #[test]
    fn columns_are_found_in_any_order() {
        assert_eq!(header("b,\"a\", c").exactly(&["a", "b", "c"]), Ok([1, 0, 2]));
        assert_eq!(header("Date,Close").position("close"), Some(1));
        assert_eq!(header("x,Date").any_of(&["time", "date"]), Some(1));
    }

    #[test]
    fn missing_extra_and_double_columns_are_named() {
        for (line, want) in [
            ("a,b", "a.csv:1: column `c` is missing; the header has a, b; expected are a, b, c"),
            (
                "a,b,action_",
                "a.csv:1: column `c` is missing; the header has a, b, action_; expected are a, b, c",
            ),
            ("a,b,c,d", "a.csv:1: column `d` is unknown; expected are a, b, c, in any order"),
            ("a,b,c,a", "a.csv:1: column `a` stands twice; expected are a, b, c, in any order"),
        ] {
            let fault = header(line).exactly(&["a", "b", "c"]).expect_err(line);
            assert_eq!(fault.to_string(), want);
        }
        let fault = header("id,acton").exactly(&["id", "action"]).expect_err("misspelt");
        assert!(
            fault
                .to_string()
                .contains("column `action` is missing; the header has id, acton; is it `acton`?"),
            "{fault}"
        );
    }

    #[test]
    fn quoted_and_plain_rows_give_the_same_fields() {
        let mut splitter = Splitter::new(b',');
        for line in ["1,two,,4", "\"1\",two,\"\", 4"] {
            let fields = splitter.split(line.as_bytes());
            let all: Vec<&[u8]> = (0..fields.len()).map(|k| fields.get(k)).collect();
            assert_eq!(all, [&b"1"[..], b"two", b"", b"4"], "{line}");
        }
        let fields = splitter.split(b"\"a,b\",\"c\"\"d\"");
        assert_eq!((fields.get(0), fields.get(1)), (&b"a,b"[..], &b"c\"d"[..]));
        assert_eq!(fields.get(9), b"");
    }

    #[test]
    fn the_delimiter_is_told_from_the_header() {
        for (line, want) in [("a,b;c,d", b','), ("a;b;c,d", b';'), ("a\tb", b'\t'), ("a", b',')] {
            assert_eq!(delimiter_of(line.as_bytes()), want, "{line}");
        }
    }
}
