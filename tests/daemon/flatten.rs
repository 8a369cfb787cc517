//! `janus flatten`: from a position to none, and what it says on the way.

use std::io::Write;
use std::path::Path;

use janus::control::{Answer, Ask};
use market::Timestamp;
use market::order::{OrderKind, Report, ReportKind};
use serde_json::{Value, json};
use synapse::{Command, CommandKind, NoticeKind};

use crate::common::{Ended, Process, acknowledged, ask, janus, status, tell, until, until_status};
use crate::place::Place;
use crate::tape::{Books, decisions, notices, placed, proved};

const ROWS: usize = 9_000;
const FLATTEN: [&str; 5] = ["flatten", "--by", "ann", "--reason", "home"];

const MS_NS: i64 = 1_000_000;
const GRID_NS: i64 = 25 * MS_NS;

fn time_ns(line: &str) -> i64 {
    let row: Value = serde_json::from_str(line).expect("JSON");
    row["time"].as_i64().expect("a time")
}

fn is_held(status: &Value) -> bool {
    status["positions"].as_object().is_some_and(|held| !held.is_empty())
}

fn works(status: &Value) -> bool {
    status["working"].as_array().is_some_and(|working| !working.is_empty())
}

/// Lets a daemon trade until it is halted with something in hand.
fn halted_with_a_position(journal: &Path) {
    let halt = Ask::Halt { by: "ann".into(), reason: "a test".into() };
    let arm = Ask::Arm { by: "ann".into(), reason: "it holds nothing".into() };
    loop {
        until_status(journal, "a position", is_held);
        acknowledged(journal, &halt).expect("acknowledged");
        if is_held(&until_status(journal, "the cancels", |status| !works(status))) {
            return;
        }
        acknowledged(journal, &arm).expect("acknowledged");
    }
}

/// The input that a flatten says it entered with, of one that ended well.
fn flat(ended: &Ended) -> u64 {
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let last = ended.stdout.lines().last().expect("a line");
    let number = last.strip_prefix("flat (input ").and_then(|rest| rest.strip_suffix(')'));
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("not flat: {last}"))
}

/// What the tape tells of a position that was closed, one flatten being the input of that number.
fn assert_closed(journal: &Path, daemon: Process, number: u64) {
    daemon.stop().json();
    let records = proved(journal);
    assert_eq!(Books::of(&records).position, 0);
    let is_flatten = |notice: &NoticeKind| {
        matches!(notice, NoticeKind::Command(Command { kind: CommandKind::Flatten, .. }))
    };
    let flattens: Vec<u64> = notices(&records).filter(|(_, it)| is_flatten(it)).map(|(at, _)| at).collect();
    assert!(flattens.contains(&number), "input {number} is none of {flattens:?}");
    let closing = decisions(&records).filter(|it| it.sequence > flattens[0]).flat_map(placed);
    let closing: Vec<_> = closing.map(|order| (order.id, order.kind)).collect();
    assert!(!closing.is_empty() && closing.iter().all(|(_, kind)| *kind == OrderKind::ImmediateOrCancel));
    let fills = notices(&records).filter(|(_, notice)| match notice {
        NoticeKind::Report(Report { id, kind: ReportKind::Filled(_), .. }) => id.sequence > flattens[0],
        _ => false,
    });
    assert!(fills.count() > 0, "{closing:?} were not filled");
}

#[test]
fn a_position_is_closed_in_files() {
    let place = Place::eager(ROWS);
    let journal = place.journal();
    let daemon = place.daemon(&journal, &["--speed", "1", &place.feed()]);
    halted_with_a_position(&journal);
    let number = flat(&tell(&FLATTEN, &journal));
    let stands = status(&journal).expect("it runs");
    assert_eq!(stands["gate"], "closed: latched, operator, flattening");
    assert!(!is_held(&stands) && !works(&stands), "{stands}");
    assert!(flat(&tell(&FLATTEN, &journal)) > number, "a second one finds nothing to do");
    assert_closed(&journal, daemon, number);
}

#[test]
fn a_position_is_closed_at_a_venue_even_after_a_crash() {
    let place = Place::eager(ROWS);
    let journal = place.journal();
    let _venue = place.venue(&["--speed", "1"]);
    let daemon = place.trader(&journal, &[]);
    halted_with_a_position(&journal);
    let word = Ask::Flatten { by: "ann".into(), reason: "home".into() };
    let number = until("an answer", || acknowledged(&journal, &word));
    daemon.kill();
    let again = place.trader(&journal, &[]);
    until_status(&journal, "a start", |status| status["gate"] == "closed: latched, operator, flattening");
    flat(&tell(&FLATTEN, &journal));
    assert!(place.at_venue(&journal).positions.values().all(|held| held.is_zero()));
    assert_closed(&journal, again, number);
}

#[test]
fn while_the_book_is_unknown_it_waits_and_says_so() {
    let place = Place::eager(ROWS);
    let journal = place.journal();
    // only what is said lets time pass
    let (daemon, mut input) = place.daemon_fed(&journal, &["--set", "daemon.tick_grace_ms=60000"]);
    let lines = place.lines();
    let mut time = 0;
    let held = lines.chunks(50).find(|chunk| {
        input.write_all(chunk.concat().as_bytes()).expect("it reads");
        time = time_ns(chunk.last().expect("a line"));
        let now = Timestamp::from_ns(time).to_string();
        let come = until_status(&journal, "what was sent", |status| status["time"].as_str() >= Some(&now));
        // no tick is between this and what comes a millisecond later
        is_held(&come) && !works(&come) && time % GRID_NS < GRID_NS - MS_NS
    });
    assert!(held.is_some(), "it never held anything");
    let mut say = |after_ns: i64, what: Value| {
        time += after_ns;
        let mut line = json!({"instrument": "BTCUSD", "time": time});
        line.as_object_mut().expect("an object").extend(what.as_object().expect("an object").clone());
        writeln!(input, "{line}").expect("it reads");
    };
    say(MS_NS, json!({"type": "gap"}));
    until("the gap", || match ask(&journal, &Ask::Ask { instrument: "BTCUSD".into() })? {
        Answer::Thought(_, thought) => (thought["book"] == "unknown").then_some(()),
        other => panic!("no thought: {other:?}"),
    });
    let early = tell(&[&FLATTEN[..], &["--within", "1"]].concat(), &journal);
    early.fails(1, &["not flat within 1 s: BTCUSD: ", " left, the book is Unknown, since 2026-05-02T"]);
    assert_eq!(early.stdout.matches("the book is Unknown").count(), 1, "once: {}", early.stdout);
    let mut command = janus(&FLATTEN);
    let mut waiting = Process::start(command.arg("--journal").arg(&journal), &place.path(""));
    say(GRID_NS, json!({"type": "clear"}));
    for (id, side, price) in [(1, "buy", "78318"), (2, "sell", "78319")] {
        say(0, json!({"type": "add", "id": id, "side": side, "price": price, "quantity": "5"}));
    }
    let mut quantity = 6;
    until("it is flat", || {
        quantity += 1;
        say(GRID_NS, json!({"type": "change", "id": 1, "quantity": quantity.to_string()}));
        (!waiting.is_alive()).then_some(())
    });
    let number = flat(&waiting.ended());
    assert_closed(&journal, daemon, number);
}
