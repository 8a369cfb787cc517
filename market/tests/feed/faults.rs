//! Streams with a fault: every message names the place and says what to do, and nothing before it is lost.

use std::fs;
use std::io::{Cursor, Read};

use crate::common::{GOOD, HEADER, Pieces, drain, gunzip, gzip, read_bytes, read_orders as read, text};
use market::feed::{LINE_LIMIT, Merge, OpenOptions, open, open_reader};

#[test]
fn columns_may_be_in_any_order_but_must_be_those() {
    let reordered = text(&[
        "direction,action,volume,price,exchange_timestamp,timestamp,id",
        "bid,created,0.075,78319.0,1777689381262,1777689381332,7",
    ]);
    let plain = text(&[HEADER, GOOD[0]]);
    assert_eq!(read(&reordered).events, read(&plain).events);
    let all = "id, timestamp, exchange_timestamp, price, volume, action, direction";
    for (header, want) in [
        (
            "id,timestamp,exchange_timestamp,price,volume,action",
            format!(
                "column `direction` is missing; the header has id, timestamp, exchange_timestamp, price, volume, action; expected are {all}"
            ),
        ),
        (
            "id,timestamp,exchange_timestamp,price,volume,action,directions",
            format!(
                "column `direction` is missing; the header has id, timestamp, exchange_timestamp, price, volume, action, directions; is it `directions`? expected are {all}"
            ),
        ),
        (
            "id,timestamp,exchange_timestamp,price,volume,action,direction,note",
            format!("column `note` is unknown; expected are {all}, in any order"),
        ),
        (
            "id,timestamp,exchange_timestamp,price,volume,action,direction,id",
            format!("column `id` stands twice; expected are {all}, in any order"),
        ),
    ] {
        let outcome = read(&text(&[header, GOOD[0]]));
        assert_eq!(outcome.fault, Some(format!("orders.csv:1: {want}")));
    }
}

#[test]
fn times_in_another_unit_end_the_feed_at_the_first_row() {
    for (time, unit) in [("1777689381", "s"), ("1777689381262000", "us"), ("1777689381262000000", "ns")] {
        let row = format!("7,1777689381332,{time},78319.0,0.075,created,bid");
        let outcome = read(&text(&[HEADER, &row]));
        assert_eq!(
            outcome.fault,
            Some(format!(
                "orders.csv:2: exchange_timestamp `{time}` is no time from 1990 to 2100 in ms, but one in {unit}; write exchange_timestamp in milliseconds"
            ))
        );
        assert_eq!(outcome.stats.rows, 0);
    }
}

#[test]
fn a_stream_that_breaks_gives_everything_before() {
    let path = support::session().join("orders.csv.gz");
    let packed = fs::read(&path).expect("bundled");
    let whole = read_bytes("orders.csv.gz", &packed, &OpenOptions::default());
    let advice = "all rows before it were read; fetch the file again";

    let cut = read_bytes("orders.csv.gz", &packed[..packed.len() / 2], &OpenOptions::default());
    let fault = cut.fault.expect("it is cut");
    let next = cut.stats.rows + 2;
    assert!(fault.starts_with(&format!("orders.csv.gz:{next}: the gzip stream is broken here (")), "{fault}");
    assert!(fault.ends_with(advice), "{fault}");
    assert!(cut.stats.rows > 100_000, "{}", cut.stats.rows);
    assert!(cut.events == whole.events[..cut.events.len()], "a prefix of the whole");

    let mut checksum = packed.clone();
    let at = checksum.len() - 6;
    checksum[at] ^= 1;
    for bytes in [[&packed[..], b"garbage"].concat(), checksum] {
        let outcome = read_bytes("orders.csv.gz", &bytes, &OpenOptions::default());
        let fault = outcome.fault.expect("it is damaged");
        assert!(fault.starts_with("orders.csv.gz:314059: the gzip stream is broken here ("), "{fault}");
        assert!(fault.ends_with(advice), "{fault}");
        assert!(outcome.events == whole.events, "nothing is lost");
    }

    let text = gunzip(&path);
    let packed = zstd::encode_all(text.as_bytes(), 1).expect("in memory");
    for (bytes, all) in
        [(&packed[..packed.len() / 2], false), (&[&packed[..], b"garbage"].concat()[..], true)]
    {
        let outcome = read_bytes("orders.csv.zst", bytes, &OpenOptions::default());
        let fault = outcome.fault.expect("it is damaged");
        assert!(fault.contains(": the zstd stream is broken here ("), "{fault}");
        assert_eq!(outcome.events == whole.events, all);
        assert!(outcome.events == whole.events[..outcome.events.len()]);
    }
}

#[test]
fn two_gzip_members_are_one_file() {
    let packed = [gzip(&text(&[HEADER, GOOD[0]])), gzip(&text(&[GOOD[1]]))].concat();
    let outcome = read(&packed);
    assert_eq!((outcome.fault, outcome.events.len()), (None, 2));
}

#[test]
fn what_is_not_utf8_ends_the_feed_where_text_is_needed() {
    let row = b"8,1777689381332,1777689381262,1,1,cr\xe9ated,ask\n";
    let outcome = read(&[&text(&[HEADER, GOOD[0]])[..], row].concat());
    assert_eq!(
        outcome.fault.as_deref(),
        Some(
            "orders.csv:3: is not UTF-8 from byte 37 of the line; convert the file, as with `iconv -t UTF-8`"
        )
    );
    assert_eq!((outcome.events.len(), outcome.stats.rows), (1, 1));
    let utf16: Vec<u8> =
        [0xfeff].into_iter().chain(HEADER.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let fault = read(&utf16).fault.expect("UTF-16");
    assert!(fault.starts_with("orders.csv:1: is not UTF-8 from byte 1"), "{fault}");
    let latin = [&text(&[HEADER])[..HEADER.len()], b",pr\xefce\n"].concat();
    let fault = read(&latin).fault.expect("Latin-1");
    assert!(fault.starts_with("orders.csv:1: is not UTF-8 from byte 65"), "{fault}");
}

#[test]
fn what_is_no_feed_is_told_at_once() {
    let known = "name it with --format, one of bitstamp, binance, csv-bars, csv-trades, ndjson";
    for (bytes, want) in [
        (vec![], "orders.csv: is empty; give a file that holds at least a header or a row".to_owned()),
        (gzip(b""), "orders.csv: is empty; give a file that holds at least a header or a row".to_owned()),
        (
            b"\n\n".to_vec(),
            "orders.csv: is empty; give a file that holds at least a header or a row".to_owned(),
        ),
        (
            b"\x89PNG\r\n\x1a\n\0\0".to_vec(),
            "orders.csv:1: is no text (byte 0x1a); give a text file, plain, gzip or zstd".to_owned(),
        ),
        (
            vec![0; 9 << 20],
            "orders.csv:1: is no text (byte 0x00); give a text file, plain, gzip or zstd".to_owned(),
        ),
        (
            b"PK\x03\x04rest".to_vec(),
            "orders.csv: is a zip file, which is not read; unpack it, or pack it with gzip or zstd"
                .to_owned(),
        ),
        (
            b"once upon a time\n".to_vec(),
            format!("orders.csv:1: `once upon a time` begins no known format; {known}"),
        ),
    ] {
        assert_eq!(read(&bytes).fault, Some(want));
    }
}

#[test]
fn text_that_turns_binary_ends_the_feed() {
    let outcome = read(&[&text(&[HEADER, GOOD[0]])[..], b"\0\0\0\0\n"].concat());
    assert_eq!(
        outcome.fault.as_deref(),
        Some("orders.csv:3: is no text (byte 0x00); give a text file, plain, gzip or zstd")
    );
    assert_eq!(outcome.events.len(), 1);
}

#[test]
fn a_folder_that_is_no_feed_says_what_it_lacks() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = folder.path().display().to_string();
    let fault = || {
        let opened = open(&name, &OpenOptions::default()).remove(0);
        opened.err().expect("no feed").to_string()
    };
    let want = |lacks: &str| {
        format!(
            "{name}: is a folder {lacks}; give a file, or a folder that holds orders.csv(.gz) and trades.csv"
        )
    };
    assert_eq!(fault(), want("with nothing in it"));
    fs::write(folder.path().join("notes.txt"), "x").expect("written");
    assert_eq!(fault(), want("without orders.csv and trades.csv"));
    fs::write(folder.path().join("orders.csv"), text(&[HEADER, GOOD[0]])).expect("written");
    assert_eq!(fault(), want("with orders.csv but without trades.csv"));
    let trades = "trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side\n";
    fs::write(folder.path().join("trades.csv"), trades).expect("written");
    let opened = || open(&name, &OpenOptions::default()).into_iter().map(|feed| feed.is_ok());
    assert!(opened().eq([true, true]));
    fs::write(folder.path().join("trades.csv"), "trade_id,price\n").expect("written");
    assert!(opened().eq([true, false]));
    let mut merge = Merge::open([(name.as_str(), OpenOptions::default())]);
    assert_eq!((merge.by_ref().count(), merge.faults().len()), (1, 1));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let fault = open("no/such.csv", &OpenOptions::default()).remove(0);
    let fault = fault.err().expect("no file");
    assert_eq!(
        fault.to_string(),
        "no/such.csv: cannot be read: No such file or directory (os error 2); check the path, its permissions and the disk"
    );
}

/// Digits without end.
struct Endless;

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        out.fill(b'1');
        Ok(out.len())
    }
}

#[test]
fn a_line_without_end_is_given_up() {
    for size in [4096, 1 << 20] {
        let start = Cursor::new(text(&[HEADER, GOOD[0], GOOD[1]]));
        let pipe = Box::new(Pieces(start.chain(Endless), size));
        let outcome = drain(open_reader("standard input", pipe, &OpenOptions::default()).expect("a feed"));
        assert_eq!(
            outcome.fault,
            Some(format!(
                "standard input:4: the line is longer than {LINE_LIMIT} bytes; are there line ends in the file?"
            ))
        );
        assert_eq!(outcome.events.len(), 2);
    }
    let fault = open_reader("standard input", Box::new(Endless), &OpenOptions::default()).err();
    let fault = fault.expect("no line ends").to_string();
    assert!(fault.starts_with("standard input:1: the line is longer than"), "{fault}");
}
