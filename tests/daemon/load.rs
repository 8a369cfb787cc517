//! A load from a process of its own: what it tells, and that a time of sending decides nothing.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::tell;
use crate::place::Place;
use crate::tape::{decisions, placed, proved};

#[test]
fn a_load_is_measured_and_its_tape_knows_nothing_of_it() {
    let folder = TempDir::new().expect("a folder");
    let journal = folder.path().join("j");
    let args = ["load", "--rate", "200", "--seconds", "2", "--instruments", "4", "--json"];
    let found = tell(&args, &journal).json();
    let number = |name: &str| found[name].as_f64().unwrap_or_else(|| panic!("no {name}: {found}"));
    assert_eq!((number("sent"), number("decisions")), (400.0, 400.0), "{found}");
    assert!(number("released_share") >= 0.05 && number("orders") >= 20.0, "{found}");
    for end in ["decided", "released"] {
        let [p50, p99, p99_9, max] =
            ["p50", "p99", "p99_9", "max"].map(|name| number(&format!("{name}_{end}_ms")));
        assert!(0.0 < p50 && p50 <= p99 && p99 <= p99_9 && p99_9 <= max, "{found}");
    }
    for name in ["cpu_us_per_decision", "generator_cpu_s", "generator_late_max_ms"] {
        assert!(number(name) >= 0.0, "{found}");
    }
    assert!(number("peak_rss_bytes") > 1e6, "{found}");
    assert!(found["snapshots"].as_array().is_some_and(|near| near.len() >= 2), "{found}");
    let records = proved(&journal);
    assert!(decisions(&records).filter(|decision| placed(decision).next().is_some()).count() > 20);
    let exported = tell(&["journal", "export", "-"], &journal).stdout;
    assert!(exported.contains("\"time\"") && !exported.contains("sent_ns"));
}

#[test]
fn a_load_that_releases_nothing_fails() {
    let folder = TempDir::new().expect("a folder");
    let held = ["--set", "basal_ganglia.hold_bias=100"];
    let args = ["load", "--rate", "200", "--seconds", "1", "--instruments", "1"];
    let ended = tell(&[&args[..], &held[..]].concat(), &folder.path().join("j"));
    ended.fails(1, &["0.0000 of the decisions released an order"]);
}

#[test]
fn a_feed_decides_the_same_with_and_without_times_of_sending() {
    let place = Place::eager(9_000);
    let plain = place.lines();
    let sent = plain.iter().map(|line| line.replace("}\n", ",\"sent_ns\":1}\n"));
    let run = |name: &str, lines: String| -> Value {
        let feed = place.path(&format!("{name}.ndjson"));
        fs::write(&feed, lines).expect("written");
        let feed = feed.display().to_string();
        place.daemon(&place.path(name), &["--once", "--speed", "max", &feed]).end().json()
    };
    let ends = [run("plain", plain.concat()), run("sent", sent.collect())];
    assert!(ends[0]["decisions"].as_u64() > Some(100), "{}", ends[0]);
    for figure in ["digest", "inputs", "decisions", "fills"] {
        assert_eq!(ends[0][figure], ends[1][figure], "{figure}");
    }
}
