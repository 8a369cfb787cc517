//! Streams with a fault: they end there, everything before is processed and reported, exit code 2.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{CONFIG, Desk, HEADER, good_orders, order, orders};

fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(text.as_ref()).expect("in memory");
    packed.finish().expect("in memory")
}

/// The digest of a run over these rows alone.
fn digest(desk: &Desk, rows: &[String]) -> serde_json::Value {
    let clean = desk.backtest(&[&desk.write("clean.csv", orders(rows))]);
    assert_eq!(clean.run.code, 0, "{}", clean.run.stderr);
    clean.json["digest"].clone()
}

#[test]
fn a_header_that_does_not_fit_is_named_with_what_is_wrong() {
    let desk = Desk::new();
    for (header, said) in [
        (
            HEADER.replace(",volume", ""),
            vec![":1: column `volume` is missing", "the header has id, timestamp"],
        ),
        (HEADER.replace("volume", "amount"), vec![":1: column `volume` is missing", "amount"]),
        (format!("{HEADER},comment"), vec![":1: column `comment` is unknown", "in any order"]),
        (format!("{HEADER},price"), vec![":1: column `price` stands twice"]),
    ] {
        let file = desk.write("orders.csv", format!("{header}\n{}\n", good_orders().join("\n")));
        for told in desk.both(&[&file]) {
            told.ends(&[&[file.as_str()], &said[..]].concat(), 0);
        }
    }
}

#[test]
fn reordered_columns_are_read_by_name() {
    let desk = Desk::new();
    let turn = |line: &String| {
        let mut cells: Vec<&str> = line.split(',').collect();
        cells.reverse();
        cells.join(",")
    };
    let turned: Vec<String> = [vec![HEADER.to_owned()], good_orders()].concat().iter().map(turn).collect();
    let file = desk.write("orders.csv", turned.join("\n"));
    let [traded, _] = desk.both(&[&file]);
    assert_eq!((traded.run.code, traded.count("accepted")), (0, 6), "{}", traded.run.stderr);
    assert_eq!(traded.json["digest"], digest(&desk, &good_orders()));
}

#[test]
fn times_in_another_unit_name_the_one_that_fits() {
    let desk = Desk::new();
    for (factor, fits) in [("000", "us"), ("000000", "ns")] {
        let widen = |row: String| {
            let mut cells: Vec<String> = row.split(',').map(str::to_owned).collect();
            cells[2].push_str(factor);
            cells.join(",")
        };
        let rows: Vec<String> = good_orders().into_iter().map(widen).collect();
        let file = desk.write("orders.csv", orders(&rows));
        let place = format!("{file}:2: exchange_timestamp `{}{factor}`", super::T + 10);
        for told in desk.both(&[&file]) {
            told.ends(
                &[&place, &format!("in ms, but one in {fits}"), "write exchange_timestamp in milliseconds"],
                0,
            );
        }
    }
    let ndjson = r#"{"type":"halt","instrument":"X","time":1777689380000}"#;
    for told in desk.both(&[&desk.write("x.ndjson", ndjson)]) {
        told.ends(
            &["x.ndjson:1: time `1777689380000`", "in ns, but one in ms", "nanoseconds, or as ISO text"],
            0,
        );
    }
    let ticks = "timestamp_us,price,quantity\n1777689380000,100,1\n";
    for told in desk.both(&[&desk.write("ticks.csv", ticks)]) {
        told.ends(&["ticks.csv:2: timestamp_us `1777689380000`", "in us, but one in ms"], 0);
    }
}

#[test]
fn a_gzip_that_is_cut_gives_all_whole_lines_before() {
    let desk = Desk::new();
    // rows that pack badly, so that a cut falls among them
    let rows: Vec<String> = (0..2000_u64)
        .map(|k| order(k as i64, k, &(k * k * 7919 % 9973 + 1).to_string(), "1", "created", "bid"))
        .collect();
    let packed = gzip(orders(&rows));
    for cut in [packed.len() / 2, packed.len() - 9, packed.len() - 1] {
        let file = desk.write("orders.csv.gz", &packed[..cut]);
        let [traded, looked] = desk.both(&[&file]);
        let accepted = traded.count("accepted");
        assert!(accepted > 0 && (accepted == 2000) == (cut >= packed.len() - 9), "{cut}: {accepted}");
        let place = format!("{file}:{}: the gzip stream is broken here", accepted + 2);
        for told in [&traded, &looked] {
            told.ends(&[&place, "all rows before it were read; fetch the file again"], accepted);
        }
        assert_eq!(traded.json["digest"], digest(&desk, &rows[..accepted as usize]));
    }
    let file = desk.write("orders.csv.gz", &packed[..12]);
    for told in desk.both(&[&file]) {
        told.ends(&[&format!("{file}:1: the gzip stream is broken here"), "fetch the file again"], 0);
    }
}

#[test]
fn a_gzip_with_something_behind_it_gives_all_of_it() {
    let desk = Desk::new();
    let clean = digest(&desk, &good_orders());
    for garbage in [&b"garbage"[..], b"\0\0\0\0", b"\x1f\x8b\x08\0broken"] {
        let file = desk.write("orders.csv.gz", [&gzip(orders(&good_orders()))[..], garbage].concat());
        let [traded, looked] = desk.both(&[&file]);
        for told in [&traded, &looked] {
            told.ends(&[&format!("{file}:8: the gzip stream is broken here"), "fetch the file again"], 6);
        }
        assert_eq!(traded.json["digest"], clean);
    }
    // several members are one stream, as `cat a.gz b.gz` makes it
    let halves = [orders(&good_orders()[..3]), good_orders()[3..].join("\n")].map(gzip);
    let told = desk.backtest(&[&desk.write("orders.csv.gz", halves.concat())]);
    assert_eq!((told.run.code, &told.json["digest"]), (0, &clean), "{}", told.run.stderr);
}

#[test]
fn what_is_no_text_ends_the_feed_where_it_stands() {
    let desk = Desk::new();
    let clean = digest(&desk, &good_orders()[..3]);
    let text = orders(&good_orders()[..3]);
    let rest = good_orders()[3..].join("\n");
    for (bad, said) in [
        (&b"3,17,17,\xff\xfe,1,created,bid"[..], "is not UTF-8 from byte 9 of the line; convert the file"),
        (b"3,17,17,\0,1,created,bid", "is no text (byte 0x00); give a text file, plain, gzip or zstd"),
    ] {
        let file = desk.write("orders.csv", [text.as_bytes(), bad, b"\n", rest.as_bytes()].concat());
        let [traded, looked] = desk.both(&[&file]);
        for told in [&traded, &looked] {
            told.ends(&[&format!("{file}:5: {said}")], 3);
        }
        assert_eq!(traded.json["digest"], clean);
    }
}

#[test]
fn what_is_no_feed_at_all_is_told_apart() {
    let desk = Desk::new();
    let program = std::fs::read(env!("CARGO_BIN_EXE_janus")).expect("the program");
    let empty = "is empty; give a file that holds at least a header or a row";
    let text = "give a text file, plain, gzip or zstd";
    for (name, content, said) in [
        ("empty.csv", Vec::new(), vec![empty]),
        ("blank.csv", b"\n\n\r\n".to_vec(), vec![empty]),
        ("empty.csv.gz", gzip(""), vec![empty]),
        ("program", program, vec!["is no text (byte 0x", text]),
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), vec!["is no text (byte 0x", text]),
        ("feed.zip", b"PK\x03\x04....".to_vec(), vec!["is a zip file, which is not read; unpack it"]),
        ("wide.csv", b"\xff\xfei\0d\0".to_vec(), vec![":1: is not UTF-8 from byte 1", "iconv"]),
        (
            "letter.txt",
            b"Dear Sir,\nthe feed\n".to_vec(),
            vec![":1: `Dear Sir,` begins no known format", "--format"],
        ),
        ("table.csv", b"a,b\n1,2\n".to_vec(), vec![":1: `a,b` begins no known format", "bitstamp, binance"]),
    ] {
        let file = desk.write(name, content);
        for told in desk.both(&[&file]) {
            told.ends(&[&[file.as_str()], &said[..]].concat(), 0);
        }
    }
}

#[test]
fn a_folder_is_orders_and_trades_or_nothing() {
    let desk = Desk::new();
    let folder = desk.path("X");
    let name = folder.display().to_string();
    std::fs::create_dir(&folder).expect("a folder");
    let remedy = "give a file, or a folder that holds orders.csv(.gz) and trades.csv";
    let ends = |lacks: &str| {
        for told in desk.both(&[&name]) {
            told.ends(&[&format!("{name}: is a folder {lacks}"), remedy], 0);
        }
    };
    ends("with nothing in it");
    desk.write("X/notes.txt", "hello");
    ends("without orders.csv and trades.csv");
    desk.write("X/orders.csv", orders(&good_orders()));
    ends("with orders.csv but without trades.csv");
    let trades = "trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side\n";
    desk.write("X/trades.csv", trades);
    for told in desk.both(&[&name]) {
        assert_eq!((told.run.code, told.count("accepted")), (0, 6), "{}", told.run.stderr);
    }
    let missing = desk.path("nowhere").display().to_string();
    for told in desk.both(&[&missing]) {
        told.ends(
            &[&format!("{missing}: cannot be read"), "check the path, its permissions and the disk"],
            0,
        );
    }
}

#[test]
fn one_bad_feed_takes_no_other_away() {
    let other = CONFIG.replace('X', "Y").replace("tick = 1\n", "tick = 1\nlot = 1\n");
    let desk = Desk::with(&format!("{CONFIG}{other}"));
    let good = desk.write("X.csv", orders(&good_orders()));
    let bad = desk.write("Y.csv", format!("{}garbage\0\n", orders(&good_orders()[..2])));
    let missing = desk.path("Z.csv").display().to_string();
    for feeds in [[&missing, &good, &bad], [&bad, &missing, &good], [&good, &bad, &missing]] {
        let told = desk.backtest(&feeds.map(String::as_str));
        told.run
            .fails(2, &[&format!("{missing}: cannot be read"), &format!("{bad}:4: is no text (byte 0x00)")]);
        assert_eq!((told.count("accepted"), told.texts("stream_faults").len()), (8, 2));
        let feeds = told.json["feeds"].as_array().expect("feeds");
        let of = |name: &String| feeds.iter().find(|f| f["name"] == **name).expect("a feed");
        assert_eq!((&of(&good)["error"], &of(&good)["rows"]), (&serde_json::Value::Null, &6.into()));
        assert!(of(&bad)["error"].as_str().is_some_and(|e| e.starts_with(&bad)));
    }
}

#[test]
fn a_row_of_any_feed_is_named_by_its_own_file() {
    let other = CONFIG.replace('X', "Y");
    let desk = Desk::with(&format!("{CONFIG}{other}"));
    let rows = [good_orders(), vec![order(1500, 1, "100", "1", "created", "bid")]].concat();
    let [one, two] = ["X.csv", "Y.csv"].map(|name| desk.write(name, orders(&rows)));
    let missing = desk.path("Z.csv").display().to_string();
    let told = desk.backtest(&[&missing, &one, &two]);
    let said = "order id 1 is in use; end that order first or choose another id";
    assert_eq!(told.texts("faults"), [format!("{one}:8: {said}"), format!("{two}:8: {said}")]);
}
