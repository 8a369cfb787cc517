//! What a user may ask for beside a file: standard input, a format, a range of time, commands, a folder.

use std::process::Stdio;

use serde_json::Value;

use crate::bad_input::{CONFIG, Desk, T, Told, good_orders, orders};
use crate::{Run, janus, run, run_with, write};

/// A book that changes each 100 ms for three seconds, in our own schema.
pub fn events() -> String {
    let event = |k: i64| {
        let time = (T + 100 * k) * 1_000_000;
        let (kind, bid) = if k == 0 { ("snapshot", 100) } else { ("levels", 100 + k % 2) };
        let gone = if k == 0 { String::new() } else { format!(r#",["{}","0"]"#, 201 - bid) };
        format!(
            r#"{{"type":"{kind}","instrument":"X","time":{time},"bids":[["{bid}","5"]{gone}],"asks":[["104","5"]]}}"#
        )
    };
    (0..=30).map(event).collect::<Vec<_>>().join("\n") + "\n"
}

/// Time in ms, mid and latch of each decision that `--out` kept.
fn decisions(desk: &Desk) -> Vec<(i64, String, String)> {
    let mut reader = csv::Reader::from_path(desk.path("out").join("decisions.csv")).expect("decisions");
    let headers = reader.headers().expect("a header").clone();
    let at = |name: &str| headers.iter().position(|h| h == name).expect("a column");
    let (time, mid, latch) = (at("time"), at("mid"), at("latch"));
    let row = |row: csv::StringRecord| {
        let time = market::Timestamp::parse_civil(&row[time]).expect("a time");
        (time.ns() / 1_000_000 - T, row[mid].to_owned(), row[latch].to_owned())
    };
    reader.records().map(|r| row(r.expect("a row"))).collect()
}

#[test]
fn standard_input_is_a_feed_like_a_file() {
    let desk = Desk::new();
    for (name, text) in [("X.ndjson", events()), ("X.csv", orders(&good_orders()))] {
        let file = desk.backtest(&[&desk.write(name, &text)]);
        let piped = ["backtest", "--json", "--config", desk.config(), "-"];
        let piped = Told::of(run_with(&piped, text.as_bytes()));
        assert_eq!(piped.run.code, 0, "{}", piped.run.stderr);
        assert_eq!(piped.json["digest"], file.json["digest"], "{name}");
        let looked = Told::of(run_with(&["data", "info", "--json", "-"], text.as_bytes()));
        assert_eq!((looked.run.code, looked.count("rows")), (0, file.count("rows")));
    }
    let nothing = janus(&["data", "info", "-"]).stdin(Stdio::null()).output().expect("it starts");
    Run::of(nothing).fails(2, &["standard input: is empty; give a file"]);
}

#[test]
fn the_bundled_session_comes_through_a_pipe() {
    let orders = std::fs::read(support::session().join("orders.csv.gz")).expect("the session");
    let looked = Told::of(run_with(&["data", "info", "--json", "-"], &orders));
    assert_eq!(looked.run.code, 0, "{}", looked.run.stderr);
    let counts =
        ["rows", "refused", "ignored", "bookkeeping", "gaps", "crossed_after"].map(|key| looked.count(key));
    assert_eq!(counts, [314_057, 3, 16, 6_518, 0, 0]);
    assert_eq!(looked.json["format"], "bitstamp");
    assert_eq!(looked.json["instruments"].as_array().expect("a list").len(), 1);
    assert!(looked.count("crossed_before") > 0);
}

#[test]
fn a_format_overrides_what_is_recognised() {
    let desk = Desk::new();
    let file = desk.write("X.csv", orders(&good_orders()));
    let named = desk.both(&[&file, "--format", "bitstamp"]);
    assert_eq!((named[0].run.code, named[0].count("accepted")), (0, 6));
    for told in desk.both(&[&file, "--format", "csv-bars"]) {
        told.ends(&[&format!("{file}:1: column"), "is missing"], 0);
    }
    for (format, said) in [("ndjson", "is no JSON object"), ("binance", "is no message")] {
        for told in desk.both(&[&file, "--format", format]) {
            told.run.fails(2, &["7 of 7 rows were refused", &format!("{file}:1: {said}")]);
            assert_eq!((told.count("accepted"), told.count("refused")), (0, 7), "{format}");
        }
    }
    run(&["data", "info", &file, "--format", "bitstmp"]).fails(2, &["did you mean `bitstamp`?", "ndjson"]);
}

#[test]
fn a_range_of_time_is_traded_and_what_comes_before_builds_the_book() {
    let desk = Desk::with(&format!("{CONFIG}[door]\ngrid_ms = 100\n"));
    let file = desk.write("X.ndjson", events());
    let out = desk.path("out").display().to_string();
    let times = |more: &[&str]| {
        let told = desk.backtest(&[&[file.as_str(), "--out", &out], more].concat());
        assert_eq!(told.run.code, 0, "{}", told.run.stderr);
        decisions(&desk)
    };
    let all = times(&[]);
    assert_eq!((all[0].0, all.last().map(|d| d.0)), (100, Some(3000)));
    let later = times(&["--from", "2026-05-02T02:36:21Z", "--to", "2026-05-02T02:36:22.050Z"]);
    assert_eq!(later, all[9..20], "the book is the same, and nothing else is decided");
    assert_eq!(times(&["--from", "2026-05-03"]), []);
    assert_eq!(times(&["--to", "2026-05-01"]), []);
    let args = ["backtest", "--config", desk.config(), &file];
    let with = |more: &[&str]| run(&[&args[..], more].concat());
    with(&["--from", "soon"]).fails(2, &["`soon` is no time; write 2026-05-02 or 2026-05-02T02:36:20Z"]);
    with(&["--from", "2026-05-03", "--to", "2026-05-02"]).fails(2, &["--from 2026-05-03", "later than --to"]);
}

#[test]
fn a_trade_before_the_range_hides_nothing_and_shows_nothing() {
    let desk = Desk::with(&format!("{CONFIG}[door]\ngrid_ms = 100\n"));
    let lines: Vec<String> = events().lines().map(str::to_owned).collect();
    // the second change comes after the first moment of the range, the trade before it
    let trade = format!(
        r#"{{"type":"trade","instrument":"X","time":{},"price":"104","quantity":"1"}}"#,
        (T + 150) * 1_000_000
    );
    let file = desk.write("X.ndjson", [&lines[0], &trade, &lines[3]].map(String::as_str).join("\n"));
    let out = desk.path("out").display().to_string();
    let told = desk.backtest(&[&file, "--out", &out, "--from", "2026-05-02T02:36:20.200Z"]);
    assert_eq!(told.run.code, 0, "{}", told.run.stderr);
    let seen: Vec<(i64, String)> = decisions(&desk).into_iter().map(|d| (d.0, d.1)).collect();
    assert_eq!(seen[0], (200, "102".to_owned()), "the change at 300 ms is not known yet");
}

#[test]
fn commands_come_at_their_own_times() {
    let desk = Desk::with(&format!("{CONFIG}[door]\ngrid_ms = 100\n"));
    let file = desk.write("X.ndjson", events());
    let halt = r#"{"time":"2026-05-02T02:36:20.950Z","command":"halt","by":"ada","reason":"lunch"}"#;
    let arm = r#"{"time":"2026-05-02T02:36:22Z","command":"arm","by":"ada","reason":"back"}"#;
    let commands = desk.write("commands.ndjson", format!("{halt}\n\n{arm}\n"));
    let out = desk.path("out").display().to_string();
    let told = desk.backtest(&[&file, "--out", &out, "--commands", &commands]);
    assert_eq!((told.run.code, &told.json["latch"]), (0, &Value::Null), "{}", told.run.stderr);
    assert_ne!(told.json["digest"], desk.backtest(&[&file]).json["digest"]);
    for (ms, _, latch) in decisions(&desk) {
        // a command stands before the tick of its time
        assert_eq!(latch == "operator", (950..2000).contains(&ms), "{ms} ms: {latch}");
    }
    let halted = desk.backtest(&[&file, "--commands", &desk.write("halt.ndjson", halt)]);
    assert_eq!(halted.json["latch"], "operator");
    let early = r#"{"time":"2001-01-01","command":"halt","by":"ada","reason":"always"}"#;
    let early = desk.backtest(&[&file, "--commands", &desk.write("early.ndjson", early)]);
    assert_eq!((early.run.code, &early.json["latch"]), (0, &"operator".into()));
    let late = r#"{"time":"2099-01-01","command":"halt","by":"ada","reason":"for good"}"#;
    let late = desk.backtest(&[&file, "--commands", &desk.write("late.ndjson", late)]);
    assert_eq!((late.run.code, &late.json["latch"]), (0, &"operator".into()));
}

#[test]
fn a_bad_command_is_named_by_its_line_before_anything_runs() {
    let desk = Desk::new();
    let file = desk.write("X.ndjson", events());
    let good = r#"{"time":"2026-05-02T02:36:21Z","command":"halt","by":"ada","reason":"lunch"}"#;
    for (bad, said) in [
        ("halt".to_owned(), "a command has time, command (halt, flatten or arm), by and reason"),
        (good.replace("halt", "stop"), "unknown variant `stop`"),
        (good.replace("\"by\":\"ada\",", ""), "missing field `by`"),
        (good.replace("\"by\"", "\"who\""), "unknown field `who`"),
        (good.replace("2026-05-02T02:36:21Z", "noon"), "`noon` is no time"),
        (good.replace(":21Z", ":20Z"), "is earlier than the command before; sort the file by time"),
        ("{\"time\":\"2026".to_owned(), "a command has time"),
    ] {
        let commands = desk.write("commands.ndjson", format!("{good}\n{bad}\n"));
        let run = run(&["backtest", "--json", "--config", desk.config(), &file, "--commands", &commands]);
        run.fails(2, &[&format!("{commands}:2: "), said]);
        assert_eq!(run.stdout, "");
    }
    let text = desk.write("commands.ndjson", b"\xff\xfe");
    for path in [&text, &desk.path("nowhere").display().to_string()] {
        run(&["backtest", "--config", desk.config(), &file, "--commands", path])
            .fails(2, &[path, "give a file of commands"]);
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_told_before_anything_runs() {
    let desk = Desk::new();
    let file = desk.write("X.ndjson", events());
    let out = format!("{file}/out");
    let told = run(&["backtest", "--json", "--config", desk.config(), &file, "--out", &out]);
    told.fails(3, &[&out, "choose a folder that can be written"]);
    assert_eq!(told.stdout, "");
    std::fs::create_dir_all(desk.path("taken/fills.csv")).expect("folders");
    let taken = desk.path("taken").display().to_string();
    run(&["demo", "--json", "--out", &taken]).fails(3, &["fills.csv", "choose a folder that can be written"]);
}

#[test]
fn without_limits_nothing_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(folder.path(), "X.ndjson", events());
    let config = |text: &str| write(folder.path(), "janus.toml", text);
    let backtest = |config: &str| run(&["backtest", "--json", "--config", config, &file]);
    for key in ["order_size", "position", "notional", "capital", "collar", "rate", "duplicate"] {
        let lacking: Vec<&str> =
            CONFIG.lines().filter(|line| !line.starts_with(&format!("{key} ="))).collect();
        let run = backtest(&config(&lacking.join("\n")));
        run.fails(2, &[&format!("X has no {key}; nothing trades without all of them"), "[limits.X]"]);
        assert_eq!(run.stdout, "");
    }
    backtest(&config("[instrument.X]\ntick = 1\n"))
        .fails(2, &["X has no order_size, position, notional, capital"]);
    run(&["backtest", &file]).fails(2, &["the configuration names no instrument; add [instrument.NAME]"]);
}
