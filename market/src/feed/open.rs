//! Opening files, folders and streams.

use std::fs;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use crate::error::MarketError;
use crate::event::SourceId;
use crate::feed::bars::{Bars, LOOKED_AT};
use crate::feed::binance::Binance;
use crate::feed::bitstamp::{Orders, Trades};
use crate::feed::columns::Header;
use crate::feed::detect::{Content, MARK_BYTES, binary_byte, content, content_of, packing};
use crate::feed::fields::shown;
use crate::feed::lines::{Lines, Packing};
use crate::feed::mapping::delimiter;
use crate::feed::names::Names;
use crate::feed::ndjson::Ndjson;
use crate::feed::params::{CsvBars, CsvTrades};
use crate::feed::rows::{RowFeed, RowParser};
use crate::feed::trades::CsvTradeRows;
use crate::feed::{Feed, Format};
use crate::instrument::InstrumentId;

/// What standard input is called in messages.
const STDIN: &str = "standard input";
/// How much is read at once of a packed file.
const PACKED_BUFFER: usize = 64 << 10;
/// The largest description of a session that is looked at.
const META_LIMIT: u64 = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How a feed is to be opened.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The format, where it is not to be recognised by content.
    pub format: Option<Format>,
    /// The instruments it may speak of.
    pub names: Names,
    /// The instrument of a file that names none; else its name is taken for it.
    pub instrument: Option<String>,
    /// Its rank; of a folder, that of its orders, and its trades have the next.
    pub source: SourceId,
    /// How bars are mapped.
    pub bars: CsvBars,
    /// How trades are mapped.
    pub trades: CsvTrades,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            format: None,
            names: Names::any(),
            instrument: None,
            source: SourceId(0),
            bars: CsvBars::default(),
            trades: CsvTrades::default(),
        }
    }
}

/// Opens a file, a folder of orders and trades (two feeds, orders first), or `-`, standard input.
///
/// # Errors
/// [`MarketError`] for what cannot be read or is of no known format.
pub fn open(path: &str, options: &OpenOptions) -> Result<Vec<Box<dyn Feed>>, MarketError> {
    if path == "-" {
        return Ok(vec![open_reader(STDIN, Box::new(io::stdin()), options)?]);
    }
    let metadata = fs::metadata(path).map_err(|e| unreadable(path, &e))?;
    if metadata.is_dir() {
        return open_folder(Path::new(path), options);
    }
    Ok(vec![open_file(path, None, options)?])
}

/// Opens a stream; `file` is what it is called in messages.
///
/// # Errors
/// [`MarketError`] for what cannot be read or is of no known format.
pub fn open_reader(
    file: &str,
    reader: Box<dyn Read + Send>,
    options: &OpenOptions,
) -> Result<Box<dyn Feed>, MarketError> {
    open_lines(unpack(file, reader)?, None, options)
}

/// What a file without a name of its instrument is likely about: the pair that a `meta.json` beside it
/// tells, or else its name up to the first dot.
pub fn instrument_name(path: &str) -> String {
    let path = Path::new(path);
    let folder = if path.is_dir() {
        Some(path)
    } else {
        path.parent()
    };
    let pair = folder.and_then(|folder| pair_of(&folder.join("meta.json")));
    let stem = || {
        let name = path
            .file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into());
        name.split('.').next().unwrap_or_default().to_owned()
    };
    pair.unwrap_or_else(stem)
}

fn pair_of(meta: &Path) -> Option<String> {
    let mut text = String::new();
    let file = fs::File::open(meta).ok()?;
    file.take(META_LIMIT).read_to_string(&mut text).ok()?;
    let meta: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(meta.get("pair")?.as_str()?.to_uppercase())
}

fn open_folder(folder: &Path, options: &OpenOptions) -> Result<Vec<Box<dyn Feed>>, MarketError> {
    let find = |name: &str| {
        let packed = ["", ".gz", ".zst"].map(|end| folder.join(format!("{name}{end}")));
        packed.into_iter().find(|path| path.is_file())
    };
    let lacking = |lacks: &str| MarketError::Directory {
        file: folder.display().to_string(),
        lacks: lacks.to_owned(),
    };
    let (orders, trades): (PathBuf, PathBuf) = match (find("orders.csv"), find("trades.csv")) {
        (Some(orders), Some(trades)) => (orders, trades),
        (Some(_), None) => return Err(lacking("with orders.csv but without trades.csv")),
        (None, Some(_)) => return Err(lacking("with trades.csv but without orders.csv")),
        (None, None) => {
            let is_empty = fs::read_dir(folder)
                .map_err(|e| unreadable(&folder.display().to_string(), &e))?
                .next()
                .is_none();
            return Err(lacking(if is_empty {
                "with nothing in it"
            } else {
                "without orders.csv and trades.csv"
            }));
        }
    };
    // trades come after the orders of the same time
    let behind = OpenOptions {
        source: SourceId(options.source.0.saturating_add(1)),
        ..options.clone()
    };
    Ok(vec![
        open_file(
            &orders.display().to_string(),
            Some(Content::Orders),
            options,
        )?,
        open_file(
            &trades.display().to_string(),
            Some(Content::Trades),
            &behind,
        )?,
    ])
}

fn open_file(
    path: &str,
    content: Option<Content>,
    options: &OpenOptions,
) -> Result<Box<dyn Feed>, MarketError> {
    let file = fs::File::open(path).map_err(|e| unreadable(path, &e))?;
    open_lines(unpack(path, Box::new(file))?, content, options)
}

fn unreadable(file: &str, error: &io::Error) -> MarketError {
    MarketError::Read {
        file: file.to_owned(),
        reason: error.to_string(),
    }
}

/// The lines of a stream, unpacked by how it begins.
fn unpack(file: &str, mut reader: Box<dyn Read + Send>) -> Result<Lines, MarketError> {
    let mut mark = Vec::with_capacity(MARK_BYTES);
    reader
        .by_ref()
        .take(MARK_BYTES as u64)
        .read_to_end(&mut mark)
        .map_err(|e| unreadable(file, &e))?;
    let packing = packing(&mark).map_err(|kind| MarketError::Archive {
        file: file.to_owned(),
        kind,
    })?;
    let whole = Cursor::new(mark).chain(reader);
    let buffered = |r| BufReader::with_capacity(PACKED_BUFFER, r);
    let plain: Box<dyn Read + Send> = match packing {
        Packing::Plain => Box::new(whole),
        Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered(whole))),
        Packing::Zstd => {
            let decoder = zstd::stream::read::Decoder::with_buffer(buffered(whole));
            Box::new(decoder.map_err(|e| unreadable(file, &e))?)
        }
    };
    Ok(Lines::new(plain, file, packing))
}

/// The feed of a text; `content` where it is known already.
fn open_lines(
    mut lines: Lines,
    content: Option<Content>,
    options: &OpenOptions,
) -> Result<Box<dyn Feed>, MarketError> {
    let first = first_line(&mut lines)?;
    let content = match (content, options.format) {
        (Some(content), _) => content,
        (None, Some(format)) => content_of(format, &first),
        (None, None) => recognise(&lines, &first, options)?,
    };
    let (file, names) = (lines.file().to_owned(), options.names.clone());
    match content {
        Content::Binance => Ok(feed(Binance::new(names), lines, options)),
        Content::Ndjson => Ok(feed(Ndjson::new(names), lines, options)),
        Content::Orders => {
            let (names, id) = named(&file, options)?;
            let (header, by) = header(&mut lines, "auto", "", true)?;
            Ok(feed(Orders::new(&header, by, names, id)?, lines, options))
        }
        Content::Trades => {
            let (names, id) = named(&file, options)?;
            let (header, by) = header(&mut lines, "auto", "", true)?;
            Ok(feed(Trades::new(&header, by, names, id)?, lines, options))
        }
        Content::CsvBars => {
            let (names, id) = named(&file, options)?;
            let map = &options.bars;
            let (header, by) =
                header(&mut lines, &map.delimiter, "csv_bars.delimiter", map.header)?;
            let mut bars = Bars::new(header, by, map, names, id)?;
            let rows: Vec<Vec<u8>> = (0..LOOKED_AT)
                .map_while(|k| lines.peek(k).map(<[u8]>::to_vec))
                .collect();
            bars.measure(&rows);
            Ok(feed(bars, lines, options))
        }
        Content::CsvTrades => {
            let (names, id) = named(&file, options)?;
            let map = &options.trades;
            let (header, by) = header(
                &mut lines,
                &map.delimiter,
                "csv_trades.delimiter",
                map.header,
            )?;
            let rows = CsvTradeRows::new(header, by, map, names, id)?;
            Ok(feed(rows, lines, options))
        }
    }
}

fn feed(parser: impl RowParser + 'static, lines: Lines, options: &OpenOptions) -> Box<dyn Feed> {
    Box::new(RowFeed::new(parser, lines, options.source))
}

fn named(file: &str, options: &OpenOptions) -> Result<(Names, InstrumentId), MarketError> {
    let mut names = options.names.clone();
    let asked = options.instrument.as_deref();
    let id = names.of_file(file, asked, &instrument_name(file))?;
    Ok((names, id))
}

/// The first line that is not blank, left to be read; what is no text is told here.
fn first_line(lines: &mut Lines) -> Result<Vec<u8>, MarketError> {
    loop {
        let line = lines.peek(0).map(<[u8]>::to_vec);
        if lines.number() == 0 && lines.waiting().starts_with(BYTE_ORDER_MARK) {
            lines.skip(BYTE_ORDER_MARK.len());
            continue;
        }
        let place = lines.next_place();
        let start = &lines.waiting()[..lines.waiting().len().min(1024)];
        let is_utf16 = start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff");
        if is_utf16 {
            return Err(MarketError::NotUtf8 { place, at: 1 });
        }
        if let Some(byte) = binary_byte(start) {
            return Err(MarketError::Binary { place, byte });
        }
        match line {
            Some(line) if line.is_empty() => lines.next()?,
            Some(line) => return Ok(line),
            None => {
                lines.next()?;
                return Err(MarketError::Empty { file: place.file });
            }
        };
    }
}

fn recognise(lines: &Lines, first: &[u8], options: &OpenOptions) -> Result<Content, MarketError> {
    content(first, &options.bars, &options.trades).ok_or_else(|| MarketError::UnknownFormat {
        place: lines.next_place(),
        start: shown(first),
        known: Format::known(),
    })
}

/// The header and the delimiter; a file without a header keeps its first line.
fn header(
    lines: &mut Lines,
    by: &str,
    key: &'static str,
    has_header: bool,
) -> Result<(Header, u8), MarketError> {
    let place = lines.next_place();
    let line = lines.peek(0).map(<[u8]>::to_vec).unwrap_or_default();
    let by = delimiter(key, by, &line)?;
    if !has_header {
        return Ok((Header::numbered(&line, by, place), by));
    }
    lines.next()?;
    Ok((Header::read(&line, by, place)?, by))
}
