//! A reader who has gone, or a disk that is full, is no reason to panic.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::bad_input::{Desk, good_orders, orders};
use crate::{Run, janus};

/// Runs with one of its outputs closed at the other end.
fn closed(mut command: Command, stdout: bool) -> Run {
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("it starts");
    // nobody reads: writing fails, whenever it comes
    if stdout {
        drop(child.stdout.take());
    } else {
        drop(child.stderr.take());
    }
    Run::of(child.wait_with_output().expect("it ends"))
}

#[test]
fn a_reader_who_has_seen_enough_is_no_fault() {
    let desk = Desk::new();
    let file = desk.write("X.csv", orders(&good_orders()));
    for args in [
        &["config", "show"][..],
        &["config", "schema"],
        &["config", "check", desk.config()],
        &["completions", "bash"],
        &["data", "info", &file],
        &["data", "info", "--json", &file],
        &["backtest", "--config", desk.config(), &file],
        &["backtest", "--json", "--config", desk.config(), &file],
        &["demo"],
        &["--help"],
        &["demo", "--help"],
    ] {
        let run = closed(janus(args), true);
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn without_anybody_to_tell_the_answer_is_the_same() {
    let desk = Desk::new();
    let file = desk.write("X.csv", orders(&good_orders()));
    let missing = desk.path("nowhere").display().to_string();
    for (args, code) in [
        (&["backtest", "--json", "--config", desk.config(), &file][..], 0),
        (&["backtest", "--json", "--config", desk.config(), &missing], 2),
        (&["data", "info", "--json", &file], 0),
        (&["data", "info", "--json", &missing], 2),
    ] {
        let run = closed(janus(args), false);
        assert_eq!((run.code, run.json().is_object()), (code, true), "{args:?}");
    }
    assert_eq!(closed(janus(&["config", "check", &missing]), false).code, 2);
    assert_eq!(closed(janus(&["demo"]), false).code, 0);
}

#[test]
fn a_full_disk_is_the_environments_fault() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        eprintln!("SKIPPED /dev/full: this system has none");
        return;
    }
    let desk = Desk::new();
    let file = desk.write("X.csv", orders(&good_orders()));
    for args in [
        &["config", "show"][..],
        &["completions", "zsh"],
        &["data", "info", &file],
        &["backtest", "--json", "--config", desk.config(), &file],
    ] {
        let out = std::fs::OpenOptions::new().write(true).open(full).expect("a device");
        let output = janus(args).stdout(out).output().expect("it starts");
        Run::of(output).fails(3, &["standard output: ", "make room"]);
    }
}
