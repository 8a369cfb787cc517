//! Captures of Binance's streams: made-up ones for the rules, real ones where they are.

use std::collections::BTreeMap;
use std::path::Path;

use market::feed::{Format, Names, OpenOptions, open_reader};
use market::{EventKind, LevelChange, Price, Quantity, Side};
use support::unshipped;

use crate::common::{Outcome, gunzip, open_one, read_bytes, read_file};

/// The plainest book of levels.
#[derive(Default)]
struct Plain {
    sides: [BTreeMap<Price, Quantity>; 2],
}

impl Plain {
    fn apply(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Snapshot(levels) => {
                *self = Self::default();
                self.set(levels);
            }
            EventKind::Levels(levels) => self.set(levels),
            EventKind::Gap => *self = Self::default(),
            _ => {}
        }
    }

    fn set(&mut self, levels: &[LevelChange]) {
        for level in levels {
            let side = &mut self.sides[usize::from(level.side == Side::Sell)];
            if level.quantity.is_zero() {
                side.remove(&level.price);
            } else {
                side.insert(level.price, level.quantity);
            }
        }
    }

    fn best(&self) -> Option<(Price, Price)> {
        let bid = self.sides[0].last_key_value()?;
        let ask = self.sides[1].first_key_value()?;
        Some((*bid.0, *ask.0))
    }
}

fn read(lines: &[&str]) -> Outcome {
    read_bytes("capture", lines.join("\n").as_bytes(), &OpenOptions::default())
}

fn depth(sent: i64, first: u64, last: u64, price: &str) -> String {
    format!(
        r#"1723161253937085768 {{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":{sent},"s":"BTCUSDT","U":{first},"u":{last},"b":[["{price}","1.5"]],"a":[]}}}}"#
    )
}

fn snapshot(last: u64) -> String {
    format!(r#"1723161253937085769 {{"lastUpdateId":{last},"bids":[["99","1"]],"asks":[["110","2"]]}}"#)
}

const T: i64 = 1_723_161_255_000;

#[test]
fn a_missing_update_is_a_gap_until_the_next_snapshot() {
    let lines = [
        depth(T, 1, 4, "90"),
        depth(T + 1, 5, 6, "91"),
        snapshot(4),
        depth(T + 2, 7, 7, "92"),
        // 8 is missing
        depth(T + 3, 9, 9, "93"),
        depth(T + 4, 10, 12, "94"),
        snapshot(10),
        depth(T + 5, 13, 13, "95"),
    ];
    let outcome = read(&lines.each_ref().map(String::as_str));
    assert_eq!(outcome.fault, None);
    let kinds: Vec<&str> = outcome.events.iter().map(|e| name(&e.kind)).collect();
    assert_eq!(kinds, ["snapshot", "levels", "gap", "snapshot", "levels"]);
    let positions: Vec<u64> = outcome.events.iter().map(|e| e.position).collect();
    assert_eq!(positions, [3, 4, 5, 7, 8]);
    let times: Vec<i64> = outcome.events.iter().map(|e| e.time.ns() / 1_000_000 - T).collect();
    assert_eq!(times, [1, 2, 3, 4, 5]);
    // the first update is older than the first snapshot, the one that showed the gap than the second
    let stats = &outcome.stats;
    assert_eq!((stats.rows, stats.accepted, stats.ignored, stats.gaps), (8, 6, 2, 1));
    let EventKind::Snapshot(levels) = &outcome.events[3].kind else { panic!("a snapshot") };
    let text: Vec<String> = levels.iter().map(|l| format!("{} {}", l.side, l.price)).collect();
    assert_eq!(text, ["buy 94", "buy 99", "sell 110"]);
}

fn name(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Snapshot(_) => "snapshot",
        EventKind::Levels(_) => "levels",
        EventKind::Gap => "gap",
        EventKind::Quote { .. } => "quote",
        EventKind::Trade { .. } => "trade",
        _ => "other",
    }
}

#[test]
fn other_messages_are_bookkeeping_and_late_ones_take_the_last_time() {
    let trade = |time: i64, more: &str| {
        format!(
            r#"{{"e":"trade","E":{time},"T":{time},"s":"BTCUSDT","t":1,"p":"100.5","q":"2","m":false{more}}}"#
        )
    };
    let lines = [
        trade(T, ""),
        trade(T - 40, ""),
        trade(T, r#","X":"INSURANCE_FUND""#),
        r#"{"u":5,"s":"BTCUSDT","b":"100","B":"1","a":"101","A":"2"}"#.to_owned(),
        r#"{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1723161255000,"s":"BTCUSDT","k":{}}}"#
            .to_owned(),
        r#"{"result":null,"id":1}"#.to_owned(),
        trade(T - 6_000, ""),
        trade(T + 1, ""),
    ];
    let outcome = read(&lines.each_ref().map(String::as_str));
    let stats = &outcome.stats;
    assert_eq!((stats.accepted, stats.reordered, stats.bookkeeping, stats.refused), (3, 1, 4, 1));
    assert_eq!(
        stats.faults[0].to_string(),
        "capture:7: time goes back from 2024-08-08T23:54:15Z to 2024-08-08T23:54:09Z, more than 5 s; sort the rows by time"
    );
    assert_eq!(outcome.events[1].time, outcome.events[0].time);
    let EventKind::Trade { aggressor, .. } = outcome.events[0].kind else { panic!("a trade") };
    assert_eq!(aggressor, Some(Side::Buy));
}

#[test]
fn bad_messages_are_refused_and_named() {
    let good = depth(T, 1, 4, "90");
    for (row, want) in [
        ("hello {}", "is no message; it must be the local time in ns and a JSON object"),
        (
            "12 {\"e\":",
            "is no JSON message (EOF while parsing a value at line 1 column 5); correct or leave out the row",
        ),
        (&depth(T, 5, 6, "0"), "b `0` is not positive; it must be greater than 0"),
        (&depth(T, 5, 6, "NaN"), "b `NaN` is not a decimal number; write it like 1234.5"),
        (
            &good.replace("[[", "[").replace("]]", "]"),
            "b is no list of [price, quantity]; correct or leave out the row",
        ),
        (&good.replace("\"U\":1,", ""), "U is missing; complete or leave out the row"),
        (&good.replace("\"s\":\"BTCUSDT\",", ""), "s is missing; complete or leave out the row"),
        (&good.replace("1.5", "-1.5"), "b `-1.5` is negative; it must be 0 or more"),
    ] {
        let outcome = read(&[&good, row]);
        let faults: Vec<String> = outcome.stats.faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, [format!("capture:2: {want}")], "{row}");
        assert_eq!((outcome.fault, outcome.stats.rows), (None, 2), "{row}");
    }
    let wrong_unit = depth(T * 1000, 1, 4, "90");
    assert_eq!(
        read(&[&wrong_unit]).fault.as_deref(),
        Some(
            "capture:1: time `1723161255000000` is no time from 1990 to 2100 in ms, but one in us; capture times in milliseconds, the venue's default"
        )
    );
}

#[test]
fn a_symbol_is_an_instrument_by_name() {
    let two = [depth(T, 1, 4, "90"), depth(T, 1, 4, "90").replace("BTCUSDT", "ETHUSDT"), snapshot(4)];
    let outcome = read(&two.each_ref().map(String::as_str));
    assert_eq!(
        outcome.stats.faults[0].what,
        "a snapshot does not say its symbol, and the capture has several; keep one symbol a file"
    );
    let early = [snapshot(4), depth(T, 5, 6, "90")];
    let outcome = read_bytes(
        "capture",
        early.join("\n").as_bytes(),
        &OpenOptions { format: Some(Format::Binance), ..OpenOptions::default() },
    );
    assert_eq!((outcome.events.len(), outcome.stats.accepted), (1, 2));
    assert_eq!(name(&outcome.events[0].kind), "snapshot");
    let options = OpenOptions { names: Names::any(), ..OpenOptions::default() };
    let reader = Box::new(std::io::Cursor::new(depth(T, 1, 4, "90")));
    let feed = open_reader("capture", reader, &options).expect("a feed");
    assert_eq!(feed.format(), Format::Binance);
}

/// File, rows, quotes, trades, depth messages.
const CAPTURES: [(&str, u64, usize, usize, u64); 4] = [
    ("usdm_btcusdt_20240808.gz", 93_954, 66_089, 21_313, 6_551),
    ("usdm_ethusdt_20240808.gz", 74_655, 53_992, 14_076, 6_586),
    ("spot_btcusdt_20240808.gz", 41_249, 0, 9_757, 3_451),
    ("spot_ethusdt_20240808.gz", 33_618, 0, 6_106, 3_434),
];

#[test]
fn real_captures_are_replayed_and_never_crossed() {
    let Some(folder) = unshipped("lob-binance-raw-2024-08-08") else {
        return;
    };
    for (file, rows, quotes, trades, depths) in CAPTURES {
        let path = folder.join(file);
        assert_eq!(open_one(&path, &OpenOptions::default()).format(), Format::Binance);
        let outcome = read_file(&path, &OpenOptions::default());
        assert_eq!((outcome.fault.as_deref(), outcome.stats.refused), (None, 0), "{file}");
        assert_eq!((outcome.stats.rows, outcome.stats.gaps), (rows, 0), "{file}");
        let count = |what: &str| outcome.events.iter().filter(|e| name(&e.kind) == what).count();
        assert_eq!((count("quote"), count("trade"), count("snapshot")), (quotes, trades, 1), "{file}");
        // all but those older than the snapshot count, and the snapshot
        let depth_rows = outcome.stats.accepted - (quotes + trades) as u64;
        assert_eq!(depth_rows + outcome.stats.ignored, depths + 1, "{file}");
        assert!(outcome.stats.ignored < 60, "{file}: {}", outcome.stats.ignored);
        let (mut book, mut seen) = (Plain::default(), 0);
        for event in &outcome.events {
            book.apply(&event.kind);
            if let Some((bid, ask)) = book.best() {
                assert!(bid < ask, "{file}: crossed at row {}", event.position);
                seen += 1;
            }
        }
        assert!(seen > 9_000, "{file}: {seen}");
    }
}

#[test]
fn a_real_capture_without_one_update_has_a_gap() {
    let Some(folder) = unshipped("lob-binance-raw-2024-08-08") else {
        return;
    };
    for (file, ..) in CAPTURES {
        let text = gunzip(&Path::new(&folder).join(file));
        let depths: Vec<usize> = text
            .lines()
            .enumerate()
            .filter(|(_, line)| line.contains("\"depthUpdate\""))
            .map(|(at, _)| at)
            .collect();
        let gone = depths[depths.len() / 2];
        let kept: Vec<&str> =
            text.lines().enumerate().filter(|(at, _)| *at != gone).map(|(_, line)| line).collect();
        let outcome = read(&kept);
        assert_eq!((outcome.stats.gaps, outcome.stats.refused), (1, 0), "{file}");
        let at = outcome.events.iter().position(|e| e.kind == EventKind::Gap).expect("a gap");
        let next_depth = depths[depths.len() / 2 + 1] as u64;
        assert_eq!(outcome.events[at].position, next_depth, "{file}");
        let after = &outcome.events[at + 1..];
        assert!(after.iter().any(|e| name(&e.kind) == "trade"), "{file}");
        assert!(after.iter().all(|e| !matches!(name(&e.kind), "levels" | "snapshot")), "{file}");
        assert!(outcome.stats.ignored >= (depths.len() / 2 - 1) as u64, "{file}");
    }
}
