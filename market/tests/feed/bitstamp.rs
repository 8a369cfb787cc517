//! The bundled session, against the facts of its description and a slow reader of its own.

use std::fs::File;

use market::feed::{Format, Merge, Names, OpenOptions, instrument_name, open, open_reader};
use market::{EventKind, InstrumentId, Price, Quantity, Side, SourceId};

use crate::common::{Outcome, Pieces, drain, gunzip, open_one, read_file};

fn orders_path() -> std::path::PathBuf {
    support::session().join("orders.csv.gz")
}

fn orders() -> Outcome {
    read_file(&orders_path(), &OpenOptions::default())
}

#[test]
fn every_row_of_the_session_is_accounted_for() {
    let orders = orders();
    assert_eq!(orders.fault, None);
    let stats = &orders.stats;
    assert_eq!((stats.rows, stats.bookkeeping, stats.refused, stats.ignored), (314_057, 6_518, 3, 0));
    let count = |is: fn(&EventKind) -> bool| orders.events.iter().filter(|e| is(&e.kind)).count();
    assert_eq!(count(|k| matches!(k, EventKind::Add { .. })), 6_512 + 150_377 - 2);
    assert_eq!(count(|k| matches!(k, EventKind::Change { .. })), 266 - 1);
    assert_eq!(count(|k| matches!(k, EventKind::Delete { .. })), 150_384);
    let free = |k: &EventKind| matches!(k, EventKind::Add { price, .. } if price.is_zero());
    assert_eq!(count(free), 27, "22 opening bids and 5 market sells");
    let lines: Vec<u64> = stats.faults.iter().map(|f| f.line).collect();
    assert_eq!(lines, [180_893, 180_894, 304_033]);
    assert_eq!(
        stats.faults[0].to_string(),
        format!(
            "{}:180893: volume `0.0` is not positive; it must be greater than 0",
            orders_path().display()
        )
    );
    let mut times: Vec<_> = orders.events.iter().map(|e| e.time).collect();
    times.dedup();
    assert!(times.len() <= 168_657, "{}", times.len());
    assert_eq!(orders.events[6_511].position, 6_513);
}

/// The events of the orders by the plainest of readers.
#[test]
fn a_slow_reader_finds_the_same_events() {
    let text = gunzip(&orders_path());
    let mut events = orders().events.into_iter();
    for (position, line) in (1_u64..).zip(text.lines()).skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let quantity: Quantity = cells[4].parse().expect("a quantity");
        if cells[1] == cells[2] || (cells[5] != "deleted" && !quantity.is_positive()) {
            continue;
        }
        let id = cells[0].parse().expect("an id");
        let price: Price = cells[3].parse().expect("a price");
        let side = if cells[6] == "bid" { Side::Buy } else { Side::Sell };
        let kind = match cells[5] {
            "created" => EventKind::Add { id, side, price, quantity },
            "changed" => EventKind::Change { id, quantity },
            _ => EventKind::Delete { id },
        };
        let event = events.next().expect("an event for the row");
        let ms: i64 = cells[2].parse().expect("a time");
        assert_eq!((event.position, event.time.ns(), event.kind), (position, ms * 1_000_000, kind));
    }
    assert_eq!(events.next(), None);
}

#[test]
fn trades_name_the_side_that_took_and_the_order_that_rested() {
    let path = support::session().join("trades.csv");
    let trades = read_file(&path, &OpenOptions::default());
    assert_eq!((trades.fault, trades.stats.accepted), (None, 284));
    let EventKind::Trade { price, quantity, aggressor, maker } = &trades.events[0].kind else {
        panic!("a trade")
    };
    assert_eq!((price.to_string(), quantity.to_string()), ("78319".into(), "0.121".into()));
    assert_eq!((*aggressor, *maker), (Some(Side::Buy), Some(2_002_347_637_526_531)));
    assert_eq!(trades.events[0].time.ns(), 1_777_689_383_817_000_000);
}

#[test]
fn a_folder_is_orders_and_then_trades() {
    let folder = support::session().display().to_string();
    assert_eq!(instrument_name(&folder), "BTCUSD");
    let feeds: Vec<_> =
        open(&folder, &OpenOptions::default()).into_iter().map(|feed| feed.expect("a session")).collect();
    assert!(feeds.iter().all(|f| f.format() == Format::Bitstamp));
    assert!(feeds[0].name().ends_with("orders.csv.gz"));
    assert_eq!((feeds[0].source(), feeds[1].source()), (SourceId(0), SourceId(1)));
    assert_eq!(feeds[1].names().name(InstrumentId(0)), Some("BTCUSD"));

    let mut merge = Merge::open([(folder.as_str(), OpenOptions::default())]);
    let (mut last, mut trades) = (None, 0);
    while let Some(time) = merge.peek_time() {
        let event = merge.next().expect("it was announced");
        assert_eq!(event.time, time);
        let key = (event.time, event.source, event.position);
        assert!(last < Some(key), "{event:?} is out of order");
        last = Some(key);
        trades += u64::from(matches!(event.kind, EventKind::Trade { .. }));
    }
    assert_eq!((merge.faults().len(), trades), (0, 284));
    let stats = merge.stats();
    assert_eq!((stats.rows, stats.accepted), (314_057 + 284, 307_536 + 284));
}

#[test]
fn pieces_of_any_size_give_the_same_events() {
    let whole = orders();
    for size in [1, 7, 1 << 20] {
        let file = std::io::BufReader::new(File::open(orders_path()).expect("bundled"));
        let pieces = Box::new(Pieces(file, size));
        let feed = open_reader("orders.csv.gz", pieces, &OpenOptions::default()).expect("a feed");
        let cut = drain(feed);
        assert_eq!(cut.fault, None);
        assert!(cut.events == whole.events, "reads of {size}");
    }
}

#[test]
fn zstd_and_plain_files_give_the_same_events() {
    let whole = orders();
    let text = gunzip(&orders_path());
    let folder = tempfile::tempdir().expect("a folder");
    let packed = zstd::encode_all(text.as_bytes(), 1).expect("in memory");
    for (name, bytes) in [("orders.csv", text.as_bytes()), ("orders.csv.zst", &packed)] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        assert!(read_file(&path, &OpenOptions::default()).events == whole.events, "{name}");
    }
}

#[test]
fn a_format_that_is_named_is_not_looked_for() {
    let options = OpenOptions {
        format: Some(Format::Bitstamp),
        names: Names::any(),
        instrument: Some("XBTUSD".to_owned()),
        source: SourceId(7),
        ..OpenOptions::default()
    };
    let mut feed = open_one(&orders_path(), &options);
    let event = feed.next().expect("read").expect("an event");
    assert_eq!(event.source, SourceId(7));
    assert_eq!(feed.names().name(event.instrument), Some("XBTUSD"));
}
