//! The log for machines, and `janus trace` that reads it.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use janus::brain::{REGIONS, TRACE_TARGET, Traced, Tracer};
use janus::logging;
use market::InstrumentId;
use serde_json::Value;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;

use crate::bad_input::{Desk, good_orders, orders};
use crate::run;

/// A log of some work, beside the configuration of a desk.
fn log(desk: &Desk, work: impl FnOnce()) -> String {
    let path = desk.path("janus.log");
    let layer = logging::json(File::create(&path).expect("a file"), EnvFilter::new("info"));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    path.display().to_string()
}

/// A sample passes so many regions, each for so many µs and its place in the line.
fn pass(traced: &Traced, regions: usize, us: u64) {
    for (at, region) in REGIONS.iter().enumerate().take(regions) {
        traced.took(region, Duration::from_micros(us + at as u64));
    }
}

/// A verdict, as the log has it.
fn verdict(sequence: u64, instrument: u16) {
    tracing::info!(
        target: TRACE_TARGET,
        sequence,
        instrument,
        verdict = "rest",
        reason = "stale_book",
        why = "the book is stale",
        tripped = false,
        elapsed_ns = 1_234_500_u64,
        time = "2026-05-02T02:40:11.250Z",
        kind = "Regular"
    );
}

#[test]
fn a_sample_is_followed_through_the_regions() {
    let desk = Desk::new();
    let log = log(&desk, || {
        let tracer = Tracer::new(10);
        tracing::warn!(sequence = "of something else", kind = 7, "beside it");
        for (sequence, instrument) in [(20, 0), (20, 2), (21, 0), (30, 0)] {
            pass(&tracer.sample(sequence, InstrumentId(instrument)), REGIONS.len(), 10);
            if instrument == 0 {
                verdict(sequence, instrument);
            }
        }
    });
    let told = run(&["trace", "20:0", "--log", &log]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert_eq!(lines[0], "sample 20:0, regular, at 2026-05-02T02:40:11.250Z");
    for (at, (region, line)) in REGIONS.iter().zip(&lines[1..]).enumerate() {
        assert!(line.contains(region) && line.ends_with(&format!(" {}.0 µs", 10 + at)), "{line}");
    }
    assert!(told.stdout.contains(" 126.0 µs\n") && told.stdout.contains(" 1234.5 µs\n"), "{}", told.stdout);
    assert_eq!(lines.last(), Some(&"└─ rest: the book is stale"));

    let both = run(&["--log", &log, "trace", "20", "--json"]);
    let samples = both.json()["samples"].as_array().expect("samples").clone();
    let ids: Vec<_> = samples.iter().map(|sample| &sample["id"]).collect();
    assert_eq!(ids, ["20:0", "20:2"]);
    assert_eq!((&samples[0]["reason"], &samples[0]["regions_ns"]), (&"stale_book".into(), &126_000.into()));
    assert_eq!(
        (&samples[1]["verdict"], &samples[1]["regions"][8]["region"]),
        (&Value::Null, &REGIONS[8].into())
    );
    assert!(both.stderr.contains("no verdict in the log"), "{}", both.stderr);
}

#[test]
fn the_newest_of_several_passes_counts() {
    let desk = Desk::new();
    let log = log(&desk, || {
        let traced = Tracer::new(1).sample(7, InstrumentId(0));
        pass(&traced, 9, 100);
        verdict(7, 0);
        // thought again after a crash, and broken off
        pass(&traced, 4, 200);
    });
    let sample = run(&["trace", "7", "--json", "--log", &log]).json()["samples"][0].clone();
    let took: Vec<_> = (0..9).map(|at| sample["regions"][at]["elapsed_ns"].as_u64()).collect();
    assert_eq!(took[..4], [Some(200_000), Some(201_000), Some(202_000), Some(203_000)]);
    assert_eq!((&took[4..], &sample["verdict"]), (&[None; 5][..], &Value::Null));
}

#[test]
fn what_is_not_in_a_log_is_said() {
    let desk = Desk::new();
    let log = log(&desk, || {
        let tracer = Tracer::new(10);
        (1..=40).for_each(|sequence| pass(&tracer.sample(sequence, InstrumentId(1)), 9, 1));
    });
    let fails = |id: &str, log: &str, said: &[&str]| run(&["trace", id, "--log", log]).fails(2, said);
    let how = "`--log-filter info,janus::trace=debug`";
    fails("25", &log, &["input 25 is not traced", "20 and 30", "`brain.trace_every`", how]);
    fails("99", &log, &["the nearest are 40"]);
    fails("20:0", &log, &["20:0 is not traced; choose one of 20:1"]);
    for id in ["x", "20:X", "20:1:0", "18446744073709551616", ""] {
        fails(id, &log, &[&format!("`{id}` is no sample; write SEQUENCE")]);
    }
    run(&["trace", "20"]).fails(2, &["no log is named", "--log FILE"]);
    let missing = desk.path("nowhere").display().to_string();
    fails("20", &missing, &["nowhere: ", "give a log"]);
    assert!(!Path::new(&missing).exists(), "to read a log makes none");
    fails("20", &desk.path("").display().to_string(), &["give a log"]);
    fails(
        "20",
        &desk.write("text.log", "2026 WARN sequence=20\n"),
        &["text.log:1: is no line of a log", "written with `--log FILE`"],
    );
    fails("20", &desk.write("bytes.log", vec![0xff; 3 << 20]), &["bytes.log:1: is no line of a log"]);
    let quiet = desk.write("quiet.log", "{\"target\":\"janus::daemon\"}\n");
    fails("20", &quiet, &["no sample is traced in its 1 lines", how]);
    let mut torn = std::fs::read(&log).expect("a log");
    torn.truncate(torn.len() - 5);
    assert_eq!(
        run(&["trace", "20", "--log", &desk.write("torn.log", torn)]).code,
        0,
        "a torn end is no hindrance"
    );
}

/// A daemon that reads a few rows and ends.
fn daemon(desk: &Desk, journal: &str, more: &[&str]) -> crate::Run {
    let file = desk.write("X.csv", orders(&good_orders()));
    let journal = desk.path(journal).display().to_string();
    let args = ["run", &file, "--once", "--speed", "max", "--config", desk.config(), "--journal", &journal];
    run(&[&args, more].concat())
}

#[test]
fn the_log_is_appended_one_object_a_line() {
    let desk = Desk::new();
    let log = desk.path("run.log").display().to_string();
    let mut counts = Vec::new();
    for journal in ["one", "two"] {
        let run = daemon(&desk, journal, &["--log", &log]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let text = std::fs::read_to_string(&log).expect("a log");
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
        assert!(lines.iter().any(|line| line["level"] == "INFO" && line["target"].is_string()), "{text}");
        counts.push(lines.len());
    }
    assert!(counts[1] > counts[0], "{counts:?}");
    let quiet = desk.path("quiet.log").display().to_string();
    assert_eq!(daemon(&desk, "three", &["--log", &quiet, "--log-filter", "off"]).code, 0);
    assert_eq!(std::fs::read(&quiet).expect("a log"), b"");
}

#[test]
fn a_daemon_traces_each_sample_where_it_is_asked_to() {
    let desk = Desk::new();
    let log = desk.path("all.log").display().to_string();
    assert_eq!(daemon(&desk, "all", &["--log", &log, "--log-filter", "warn,janus::trace=debug"]).code, 0);
    let text = std::fs::read_to_string(&log).expect("a log");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("an object"));
    let verdicts: Vec<Value> = lines.filter(|line| line["verdict"].is_string()).collect();
    assert!(verdicts.len() > 2, "{text}");
    for verdict in verdicts {
        let id = verdict["sequence"].to_string();
        let of_it = text.lines().filter(|line| line.contains(&format!("\"sequence\":{id},")));
        assert_eq!(of_it.count(), REGIONS.len() + 1, "{text}");
        let sample = run(&["trace", &id, "--json", "--log", &log]).json()["samples"][0].clone();
        let took = sample["regions"].as_array().expect("regions").iter().map(|region| &region["elapsed_ns"]);
        assert!(took.clone().count() == REGIONS.len() && took.clone().all(Value::is_u64), "{sample}");
        assert_eq!((&sample["reason"], &sample["why"]), (&verdict["reason"], &verdict["why"]));
    }
}

#[test]
fn standard_error_is_text_or_json() {
    let desk = Desk::new();
    let text = daemon(&desk, "text", &[]).stderr;
    assert!(text.contains("WARN") && !text.contains('{'), "{text}");
    let json = daemon(&desk, "json", &["--log-format", "json"]).stderr;
    let line = json.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{json}"));
    assert_eq!(serde_json::from_str::<Value>(line).expect("an object")["level"], "WARN");
}

#[test]
fn a_log_that_cannot_be_written_stops_nobody() {
    let desk = Desk::new();
    if Path::new("/dev/full").exists() {
        let run = daemon(&desk, "full", &["--log", "/dev/full"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    } else {
        eprintln!("SKIPPED /dev/full: this system has none");
    }
    let nowhere = desk.path("no/where").display().to_string();
    run(&["config", "show", "--log", &nowhere]).fails(3, &["no/where: ", "name a file that can be written"]);
    run(&["config", "show", "--log-filter", "a=b=c"]).fails(2, &["a=b=c"]);
}
