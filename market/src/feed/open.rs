//! Opening files, folders and streams.

use std::fs;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

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
use crate::feed::names::{LONGEST_NAME, Names};
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
/// How much is looked at of what has no line ends, to tell whether it is text.
const SNIFFED: usize = 1024;
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

/// A feed, or why there is none.
pub type Opened = Result<Box<dyn Feed>, MarketError>;

/// Opens a file, a folder of orders and trades (two feeds, orders first), or `-`, standard input.
///
/// Each feed opens or fails by itself: bad trades do not take the orders away.
pub fn open(path: &str, options: &OpenOptions) -> Vec<Opened> {
    if path == "-" {
        return vec![open_reader(STDIN, Box::new(io::stdin()), options)];
    }
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => open_folder(Path::new(path), options),
        Ok(_) => vec![open_file(path, None, options)],
        Err(error) => vec![Err(unreadable(path, &error))],
    }
}

/// Opens a stream; `file` is what it is called in messages.
///
/// # Errors
/// [`MarketError`] for what cannot be read or is of no known format.
pub fn open_reader(file: &str, reader: Box<dyn Read + Send>, options: &OpenOptions) -> Opened {
    open_lines(unpack(file, reader)?, None, options)
}

/// What a file without a name of its instrument is likely about: the pair that a `meta.json` beside it
/// tells, or else its name up to the first dot.
pub fn instrument_name(path: &str) -> String {
    let path = Path::new(path);
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let pair = folder.and_then(|folder| pair_of(&folder.join("meta.json")));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').next().filter(|stem| !stem.is_empty());
    let stem = stem.unwrap_or(&name).chars().take(LONGEST_NAME);
    pair.unwrap_or_else(|| stem.collect())
}

fn pair_of(meta: &Path) -> Option<String> {
    let mut text = String::new();
    let file = fs::File::open(meta).ok()?;
    file.take(META_LIMIT).read_to_string(&mut text).ok()?;
    let meta: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(meta.get("pair")?.as_str()?.to_uppercase())
}

fn open_folder(folder: &Path, options: &OpenOptions) -> Vec<Opened> {
    let find = |name: &str| {
        let packed = ["", ".gz", ".zst"].map(|end| folder.join(format!("{name}{end}")));
        packed.into_iter().find(|path| path.is_file())
    };
    let lacks = match (find("orders.csv"), find("trades.csv")) {
        (Some(orders), Some(trades)) => {
            // trades come after the orders of the same time
            let behind =
                OpenOptions { source: SourceId(options.source.0.saturating_add(1)), ..options.clone() };
            return vec![
                open_file(&orders.display().to_string(), Some(Content::Orders), options),
                open_file(&trades.display().to_string(), Some(Content::Trades), &behind),
            ];
        }
        (Some(_), None) => "with orders.csv but without trades.csv",
        (None, Some(_)) => "with trades.csv but without orders.csv",
        (None, None) => match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
            Ok(true) => "with nothing in it",
            Ok(false) => "without orders.csv and trades.csv",
            Err(error) => return vec![Err(unreadable(&folder.display().to_string(), &error))],
        },
    };
    vec![Err(MarketError::Directory { file: folder.display().to_string(), lacks })]
}

fn open_file(path: &str, content: Option<Content>, options: &OpenOptions) -> Opened {
    let file = fs::File::open(path).map_err(|e| unreadable(path, &e))?;
    open_lines(unpack(path, Box::new(file))?, content, options)
}

fn unreadable(file: &str, error: &io::Error) -> MarketError {
    MarketError::Read { file: file.to_owned(), reason: error.to_string() }
}

/// The lines of a stream, unpacked by how it begins.
fn unpack(file: &str, mut reader: Box<dyn Read + Send>) -> Result<Lines, MarketError> {
    let mut mark = Vec::with_capacity(MARK_BYTES);
    reader.by_ref().take(MARK_BYTES as u64).read_to_end(&mut mark).map_err(|e| unreadable(file, &e))?;
    let packing = packing(&mark).map_err(|kind| MarketError::Archive { file: file.to_owned(), kind })?;
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
fn open_lines(mut lines: Lines, content: Option<Content>, options: &OpenOptions) -> Opened {
    let first = first_line(&mut lines)?;
    let content = match (content, options.format) {
        (Some(content), _) => content,
        (None, Some(format)) => content_of(format, &first),
        (None, None) => recognise(&mut lines, &first, options)?,
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
            let (header, by) = header(&mut lines, &map.delimiter, "csv_bars.delimiter", map.header)?;
            let mut bars = Bars::new(header, by, map, names, id)?;
            if bars.needs_length() {
                let rows = (0..LOOKED_AT).map_while(|k| lines.peek(k).map(<[u8]>::to_vec));
                bars.measure(&rows.collect::<Vec<_>>());
            }
            Ok(feed(bars, lines, options))
        }
        Content::CsvTrades => {
            let (names, id) = named(&file, options)?;
            let map = &options.trades;
            let (header, by) = header(&mut lines, &map.delimiter, "csv_trades.delimiter", map.header)?;
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
        let start = lines.waiting();
        if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
            // UTF-16
            return Err(MarketError::NotUtf8 { place, at: 1 });
        }
        let shown = line.as_deref().unwrap_or(&start[..start.len().min(SNIFFED)]);
        if let Some(byte) = binary_byte(shown) {
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

fn recognise(lines: &mut Lines, first: &[u8], options: &OpenOptions) -> Result<Content, MarketError> {
    if let Some(content) = content(first, &options.bars, &options.trades) {
        return Ok(content);
    }
    let place = lines.next_place();
    let Err(error) = std::str::from_utf8(first) else {
        return Err(MarketError::UnknownFormat { place, start: shown(first), known: Format::known() });
    };
    // a picture or a program shows itself within a few lines
    lines.peek(3);
    let start = lines.waiting();
    Err(match binary_byte(&start[..start.len().min(SNIFFED)]) {
        Some(byte) => MarketError::Binary { place, byte },
        None => MarketError::NotUtf8 { place, at: error.valid_up_to() + 1 },
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
