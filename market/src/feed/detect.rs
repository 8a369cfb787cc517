//! Recognising what a file is from how it begins.

use crate::error::Place;
use crate::feed::Format;
use crate::feed::bars::looks_like_bars;
use crate::feed::bitstamp::{ORDER_COLUMNS, TRADE_COLUMNS};
use crate::feed::columns::{Header, delimiter_of};
use crate::feed::lines::Packing;
use crate::feed::params::{CsvBars, CsvTrades};
use crate::feed::trades::looks_like_trades;

/// As many bytes as the longest mark has.
pub(crate) const MARK_BYTES: usize = 6;

/// What is written in a file, as far as its reader is chosen by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Orders,
    Trades,
    Binance,
    CsvBars,
    CsvTrades,
    Ndjson,
}

/// How a file is packed, by its first bytes; `Err` with the kind of one that is not read.
pub(crate) fn packing(mark: &[u8]) -> Result<Packing, &'static str> {
    const ARCHIVES: [(&[u8], &str); 7] = [
        (b"PK\x03\x04", "zip"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"BZh", "bzip2"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"PAR1", "parquet"),
        (b"ARROW1", "arrow"),
    ];
    if mark.starts_with(b"\x1f\x8b") {
        return Ok(Packing::Gzip);
    }
    if mark.starts_with(b"\x28\xb5\x2f\xfd") {
        return Ok(Packing::Zstd);
    }
    let known = ARCHIVES.iter().find(|(start, _)| mark.starts_with(start));
    known.map_or(Ok(Packing::Plain), |(_, kind)| Err(kind))
}

/// The first byte that no text has, if there is one.
pub(crate) fn binary_byte(start: &[u8]) -> Option<u8> {
    let is_text = |b: u8| b >= 0x20 || b"\t\n\r\x0c".contains(&b);
    start.iter().copied().find(|b| !is_text(*b))
}

/// What a text is, by its first line.
pub(crate) fn content(line: &[u8], bars: &CsvBars, trades: &CsvTrades) -> Option<Content> {
    if line.starts_with(b"{") {
        let has = |field: &[u8]| line.windows(field.len()).take(256).any(|w| w == field);
        let marks: [&[u8]; 4] = [b"\"stream\":", b"\"e\":", b"\"lastUpdateId\":", b"\"u\":"];
        let is_capture = !has(b"\"type\"") && marks.iter().any(|mark| has(mark));
        return Some(if is_capture { Content::Binance } else { Content::Ndjson });
    }
    let digits = line.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits > 0 && line[digits..].starts_with(b" {") {
        return Some(Content::Binance);
    }
    let header = read_header(line)?;
    bitstamp(&header).or_else(|| {
        if looks_like_bars(&header, bars) {
            Some(Content::CsvBars)
        } else if looks_like_trades(&header, trades) {
            Some(Content::CsvTrades)
        } else {
            None
        }
    })
}

/// What a text of a known format is.
pub(crate) fn content_of(format: Format, line: &[u8]) -> Content {
    match format {
        Format::Binance => Content::Binance,
        Format::CsvBars => Content::CsvBars,
        Format::CsvTrades => Content::CsvTrades,
        Format::Ndjson => Content::Ndjson,
        Format::Bitstamp => read_header(line).and_then(|header| bitstamp(&header)).unwrap_or(Content::Orders),
    }
}

fn read_header(line: &[u8]) -> Option<Header> {
    let place = Place { file: String::new(), line: 1 };
    Header::read(line, delimiter_of(line), place).ok()
}

/// Orders or trades, if most of the columns that only these have are there.
fn bitstamp(header: &Header) -> Option<Content> {
    let own = |columns: &[&str], other: &[&str]| {
        let own = columns.iter().filter(|c| !other.contains(c));
        own.filter(|c| header.position(c).is_some()).count()
    };
    let orders = own(&ORDER_COLUMNS, &TRADE_COLUMNS);
    let trades = own(&TRADE_COLUMNS, &ORDER_COLUMNS);
    match (orders, trades) {
        (2.., _) if orders >= trades => Some(Content::Orders),
        (_, 3..) => Some(Content::Trades),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_recognised_by_their_first_line() {
        for (line, want) in [
            ("id,timestamp,exchange_timestamp,price,volume,action,direction", Some(Content::Orders)),
            ("id,timestamp,exchange_timestamp,price,volume,action", Some(Content::Orders)),
            (
                "trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side",
                Some(Content::Trades),
            ),
            ("1723161253937085768 {\"stream\":\"btcusdt@depth@100ms\"", Some(Content::Binance)),
            ("{\"e\":\"trade\",\"E\":1}", Some(Content::Binance)),
            ("{\"type\":\"add\"}", Some(Content::Ndjson)),
            ("timestamp_ms,open,high,low,close,volume", Some(Content::CsvBars)),
            ("DATE;OPEN;HIGH;LOW;CLOSE", Some(Content::CsvBars)),
            ("Date,vix", Some(Content::CsvBars)),
            ("DateTime,Price,Volume", Some(Content::CsvTrades)),
            ("time,price,qty,is_buyer_maker", Some(Content::CsvTrades)),
            ("Date,AAPL,AMD", None),
            ("hello world", None),
            ("1,2,3", None),
        ] {
            let got = content(line.as_bytes(), &CsvBars::default(), &CsvTrades::default());
            assert_eq!(got, want, "{line}");
        }
        let apple = CsvBars { close: "AAPL".to_owned(), ..CsvBars::default() };
        let got = content(b"Date,AAPL,AMD", &apple, &CsvTrades::default());
        assert_eq!(got, Some(Content::CsvBars));
    }

    #[test]
    fn packings_are_told_by_their_marks() {
        assert_eq!(packing(b"\x1f\x8b\x08"), Ok(Packing::Gzip));
        assert_eq!(packing(b"\x28\xb5\x2f\xfd"), Ok(Packing::Zstd));
        assert_eq!(packing(b"PK\x03\x04.."), Err("zip"));
        assert_eq!(packing(b"id,tim"), Ok(Packing::Plain));
        assert_eq!(packing(b""), Ok(Packing::Plain));
    }
}
