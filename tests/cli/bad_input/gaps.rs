//! A missing update: the book is unknown until the next snapshot, and nothing trades on a stale price.
//!
//! The captures are made up, in the format of a raw capture of Binance's streams of spot.

use super::{CONFIG, Desk};

/// The venue's time of the first message, ms.
const T: i64 = 1_777_689_380_000;
const SECONDS: i64 = 12;

/// An amygdala that is armed soon and not easily frightened.
const FEARLESS: &str = "[amygdala]\nwarm_up = 1\np = 0.5\ncalibration = 1\nspread_floor_ticks = 1e6\n\
                        return_floor_bp = 1e4\nimbalance_floor = 1\nflow_floor = 1e9\nvolatility_floor_bp = 1e4\n";

/// Whatever a capture says, before it the capture's own clock, ns.
fn line(ms: i64, message: &str) -> String {
    format!("{} {message}", (T + ms) * 1_000_000 + 1)
}

/// A change of one bid, by the updates of these numbers.
fn depth(ms: i64, first: u64, last: u64) -> String {
    let (sent, price) = (T + ms, 90 + last % 10);
    let update = format!(
        r#"{{"e":"depthUpdate","E":{sent},"s":"X","U":{first},"u":{last},"b":[["{price}","{last}"]],"a":[]}}"#
    );
    line(ms, &format!(r#"{{"stream":"x@depth@100ms","data":{update}}}"#))
}

fn trade(ms: i64) -> String {
    let time = T + ms;
    let trade = format!(r#"{{"e":"trade","E":{time},"T":{time},"s":"X","p":"100","q":"0.1","m":false}}"#);
    line(ms, &format!(r#"{{"stream":"x@trade","data":{trade}}}"#))
}

fn snapshot(ms: i64, last: u64) -> String {
    line(ms, &format!(r#"{{"lastUpdateId":{last},"bids":[["90","5"],["99","5"]],"asks":[["101","5"]]}}"#))
}

/// An update each 100 ms, a trade each second, a snapshot at the start and perhaps one more; of the
/// updates one may be missing.
fn capture(missing: Option<i64>, again: Option<i64>) -> Vec<String> {
    let mut lines = vec![snapshot(0, 0)];
    for k in 1..=SECONDS * 10 {
        let (ms, id) = (k * 100, k as u64);
        if missing != Some(k) {
            lines.push(depth(ms, id, id));
        }
        if again == Some(k) {
            lines.push(snapshot(ms + 20, id));
        }
        if k % 10 == 5 {
            lines.push(trade(ms + 50));
        }
    }
    lines
}

/// What the book was worth at each decision: time in ms, mid, reason.
fn decisions(desk: &Desk, file: &str) -> Vec<(i64, Option<f64>, String)> {
    let out = desk.path("out").display().to_string();
    assert_eq!(desk.backtest(&[file, "--out", &out]).run.code, 0);
    let mut reader = csv::Reader::from_path(desk.path("out").join("decisions.csv")).expect("decisions");
    let headers = reader.headers().expect("a header").clone();
    let at = |name: &str| headers.iter().position(|h| h == name).expect("a column");
    let (time, mid, outcome) = (at("time"), at("mid"), at("outcome"));
    reader
        .records()
        .map(|row| {
            let row = row.expect("a row");
            let time = market::Timestamp::parse_civil(&row[time]).expect("a time");
            (time.ns() / 1_000_000 - T, row[mid].parse().ok(), row[outcome].to_owned())
        })
        .collect()
}

#[test]
fn the_book_is_unknown_from_the_gap_to_the_next_snapshot() {
    let desk = Desk::with(&format!("{CONFIG}{FEARLESS}[inference]\nnetwork = \"none\"\n"));
    let lines = capture(Some(40), Some(80));
    let gap = 1 + lines.iter().position(|line| line.contains(r#""U":41,"#)).expect("the update behind");
    let file = desk.write("capture", lines.join("\n"));
    let note = format!(
        "{file}:{gap}: rows are missing before this one: the book is unknown until the next snapshot; fetch the file again if it should be whole"
    );
    let [traded, looked] = desk.both(&[&file]);
    for told in [&traded, &looked] {
        assert_eq!(told.run.code, 0, "{}", told.run.stderr);
        assert_eq!(told.texts("notes"), [note.as_str()]);
        assert!(told.run.stderr.contains(&note));
        assert_eq!(told.count("ignored"), 40, "the updates from the gap to what the snapshot holds");
    }
    assert_eq!((looked.count("gaps"), looked.json["format"].as_str()), (1, Some("binance")));
    assert_eq!(traded.count("startles"), 1);
    assert_eq!(traded.json["reasons"]["startled"], 1);

    let mut blind = 0;
    for (ms, mid, reason) in decisions(&desk, &file) {
        // the gap shows at 4.1 s; the snapshot is joined by the update of 8.1 s
        let expected = !(4100..=8100).contains(&ms);
        assert_eq!(mid.is_some(), expected, "{ms} ms: {mid:?} {reason}");
        if !expected {
            blind += 1;
            assert!(["stale_book", "startled"].contains(&reason.as_str()), "{ms} ms: {reason}");
        }
    }
    // all of them but the startle, and the first sample behind, which has no return yet
    assert_eq!(traded.json["reasons"]["stale_book"], blind);
    let last = decisions(&desk, &file).pop().expect("decisions");
    assert_eq!((last.1, last.2.as_str()), (Some(100.0), "no_edge"), "it thinks on after the snapshot");
}

#[test]
fn without_another_snapshot_it_stays_unknown() {
    let desk = Desk::new();
    let file = desk.write("capture", capture(Some(40), None).join("\n"));
    let [traded, looked] = desk.both(&[&file]);
    assert_eq!((looked.count("gaps"), traded.run.code), (1, 0));
    for (ms, mid, reason) in decisions(&desk, &file) {
        assert_eq!(mid.is_none(), ms >= 4100, "{ms} ms: {mid:?} {reason}");
    }
}

#[test]
fn a_capture_without_a_hole_has_no_gap() {
    let desk = Desk::new();
    let [traded, looked] = desk.both(&[&desk.write("capture", capture(None, None).join("\n"))]);
    assert_eq!((looked.count("gaps"), looked.count("ignored"), traded.run.code), (0, 0, 0));
    assert_eq!(traded.json["reasons"]["stale_book"], serde_json::Value::Null);
}
