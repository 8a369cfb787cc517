//! Headlines from a file: JSON, one object a line, or CSV; time, instruments and text.

use std::fs;
use std::path::Path;

use market::feed::{FeedStats, RowFault, TimeColumn};
use market::{InstrumentId, Instruments, Timestamp};
use serde::Deserialize;

use crate::failure::Failure;

/// The longest text that is read.
pub const TEXT_BYTES: usize = 4096;
/// The largest file that is read.
const FILE_BYTES: u64 = 256 << 20;
/// How many refused rows are kept by name.
const KEPT_FAULTS: usize = 10;
const DAY_NS: i64 = 86_400 * market::time::SECOND_NS;
const COLUMNS: &str = "a headline has time, instruments (none: all) and text";

/// What was printed, when, and about what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// From when on it counts: the time it bears, or the day behind it where it bears a day alone.
    pub time: Timestamp,
    /// The instruments it is about; all of the run where it names none.
    pub instruments: Vec<InstrumentId>,
    /// What it says.
    pub text: String,
}

/// A row as it is written.
struct Row {
    time: String,
    instruments: Vec<String>,
    text: String,
}

/// Reads a file of headlines, which must be in order of the times from which they count. A row with a fault is
/// refused and counted, and the next is read.
///
/// # Errors
/// [`Failure::Input`] where the file cannot be read, or is neither `.jsonl` nor `.csv` with these columns.
pub fn read(path: &Path, instruments: &Instruments) -> Result<(Vec<Headline>, FeedStats), Failure> {
    let bad = |what: String| Failure::Input(format!("{}: {what}", path.display()));
    let unreadable = |e: std::io::Error| bad(format!("{e}; give a file of headlines"));
    let bytes = fs::metadata(path).map_err(unreadable)?.len();
    if bytes > FILE_BYTES {
        return Err(bad(format!("has {bytes} bytes, and may have {FILE_BYTES}; split it by time")));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let rows = match path.extension().and_then(|end| end.to_str()) {
        Some("jsonl" | "ndjson") => json_rows(bytes),
        Some("csv") => csv_rows(bytes).map_err(bad)?,
        _ => return Err(bad("is no file of headlines by its name; call it .jsonl or .csv".to_owned())),
    };
    let mut reader = Reader {
        known: instruments.iter().map(|(id, instrument)| (instrument.name.as_str(), id)).collect(),
        times: TimeColumn::new("time"),
        last: Timestamp::MIN,
    };
    let (mut headlines, mut stats) = (Vec::new(), FeedStats::default());
    for (line, row) in rows {
        stats.rows += 1;
        match row.and_then(|row| reader.headline(row)) {
            Ok(headline) => headlines.push(headline),
            Err(what) => {
                stats.refused += 1;
                if stats.faults.len() < KEPT_FAULTS {
                    stats.faults.push(RowFault { file: path.display().to_string(), line, what });
                }
            }
        }
    }
    stats.accepted = headlines.len() as u64;
    (stats.first, stats.last) = (headlines.first().map(|h| h.time), headlines.last().map(|h| h.time));
    Ok((headlines, stats))
}

/// What a row is read by, after those before it.
struct Reader<'a> {
    known: Vec<(&'a str, InstrumentId)>,
    times: TimeColumn,
    last: Timestamp,
}

impl Reader<'_> {
    fn headline(&mut self, row: Row) -> Result<Headline, String> {
        let (time, is_day) = self.times.read(row.time.trim())?;
        // what was printed during a day is not known before it is over
        let time = if is_day { time.plus(DAY_NS) } else { time };
        let text = row.text.trim();
        if text.is_empty() {
            return Err("text is empty; leave out the row".to_owned());
        }
        if text.len() > TEXT_BYTES {
            return Err(format!("text has {} bytes, and may have {TEXT_BYTES}; shorten it", text.len()));
        }
        let mut instruments = Vec::new();
        for name in row.instruments.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
            let id = self.id(name)?;
            if !instruments.contains(&id) {
                instruments.push(id);
            }
        }
        if instruments.is_empty() {
            instruments = self.known.iter().map(|(_, id)| *id).collect();
        }
        if time < self.last {
            return Err(format!(
                "counts from {time}, before that of the row before, {}; sort the rows by time",
                self.last
            ));
        }
        self.last = time;
        Ok(Headline { time, instruments, text: text.to_owned() })
    }

    fn id(&self, name: &str) -> Result<InstrumentId, String> {
        self.known.iter().find(|(known, _)| *known == name).map(|(_, id)| *id).ok_or_else(|| {
            let known: Vec<&str> = self.known.iter().map(|(known, _)| *known).take(20).collect();
            let name: String = name.chars().take(64).collect();
            format!(
                "instrument `{name}` is unknown; known are {}; correct or leave out the row",
                known.join(", ")
            )
        })
    }
}

type Rows = Vec<(u64, Result<Row, String>)>;

/// A row of JSON.
#[derive(Deserialize)]
struct Object {
    time: Moment,
    instruments: Option<Named>,
    text: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Moment {
    Text(String),
    Number(serde_json::Number),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    List(Vec<String>),
    Text(String),
}

fn split(names: &str) -> Vec<String> {
    names.split(';').map(str::to_owned).collect()
}

fn json_rows(bytes: &[u8]) -> Rows {
    let row = |line: &[u8]| {
        let read: Object = serde_json::from_slice(line).map_err(|e| format!("{e}; {COLUMNS}"))?;
        let time = match read.time {
            Moment::Text(text) => text,
            Moment::Number(number) => number.to_string(),
        };
        let instruments = match read.instruments {
            None => Vec::new(),
            Some(Named::List(list)) => list,
            Some(Named::Text(text)) => split(&text),
        };
        Ok(Row { time, instruments, text: read.text })
    };
    let lines = (1..).zip(bytes.split(|byte| *byte == b'\n'));
    let written = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    written.map(|(number, line)| (number, row(line))).collect()
}

fn csv_rows(bytes: &[u8]) -> Result<Rows, String> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().map_err(|e| format!("{e}; {COLUMNS}"))?.clone();
    let column = |name: &str| header.iter().position(|known| known.trim().eq_ignore_ascii_case(name));
    let needed = |name: &str| {
        column(name).ok_or_else(|| {
            let has = header.iter().collect::<Vec<_>>().join(", ");
            format!("column `{name}` is missing; the header has {has}; {COLUMNS}")
        })
    };
    let (time, text, instruments) = (needed("time")?, needed("text")?, column("instruments"));
    let row = |record: csv::StringRecord| {
        let of = |column: usize| record.get(column).unwrap_or_default();
        let names = instruments.map_or_else(Vec::new, |column| split(of(column)));
        Row { time: of(time).to_owned(), instruments: names, text: of(text).to_owned() }
    };
    let line = |position: Option<&csv::Position>| position.map_or(0, csv::Position::line);
    let rows = reader.records().map(|record| match record {
        Ok(record) => (line(record.position()), Ok(row(record))),
        Err(error) => (line(error.position()), Err(format!("{error}; correct or leave out the row"))),
    });
    Ok(rows.collect())
}
