//! What an operator says to a running daemon, and what it answers.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use janus::control::{Answer, Ask};
use market::Timestamp;
use serde_json::Value;
use synapse::{CommandKind, NoticeKind};

use crate::common::{
    Ended, Process, acknowledged, ask, janus, replay, status, tell, until, until_status, verify,
};
use crate::place::Place;
use crate::tape::{count, notices, proved, records};

const ROWS: usize = 9_000;
const SIGNED: [&str; 4] = ["--by", "ann", "--reason", "a test"];

fn halt() -> Ask {
    Ask::Halt { by: "ann".into(), reason: "a test".into() }
}

fn arm() -> Ask {
    Ask::Arm { by: "ann".into(), reason: "it is over".into() }
}

/// The input of that number where it is a command.
fn command(place: &Place, sequence: u64) -> Option<CommandKind> {
    notices(&records(&place.journal())).find_map(|(at, notice)| match notice {
        NoticeKind::Command(command) if at == sequence => Some(command.kind),
        _ => None,
    })
}

/// A daemon in the middle of files.
fn paced(place: &Place) -> Process {
    let daemon = place.daemon(&place.journal(), &["--speed", "1", &place.feed()]);
    until_status(&place.journal(), "decisions", |status| status["decisions"].as_u64() > Some(20));
    daemon
}

/// `janus run` on a journal that is there, to its end.
fn run(place: &Place, args: &[&str]) -> Ended {
    tell(&[&["run", "--json", "--once", "--speed", "max"], args].concat(), &place.journal())
}

/// Says a word, kills the daemon as soon as it has answered, and looks for it on the tape.
fn survives(place: &Place, daemon: Process, word: &Ask, kind: CommandKind) {
    let sequence = until("an answer", || acknowledged(&place.journal(), word));
    daemon.kill();
    assert_eq!(command(place, sequence), Some(kind), "acknowledged as input {sequence}");
}

#[test]
fn a_command_that_was_acknowledged_survives_in_files() {
    let place = Place::new(ROWS);
    let journal = place.journal();
    survives(&place, paced(&place), &halt(), CommandKind::Halt);
    let again = place.daemon(&journal, &["--speed", "1", &place.feed()]);
    let stands = until_status(&journal, "a start", |_| true);
    assert_eq!((&stands["latch"], &stands["epoch"]), (&"operator".into(), &1.into()), "latched as it was");
    assert!(stands["gate"].as_str().is_some_and(|gate| gate.starts_with("closed: latched")), "{stands}");
    survives(&place, again, &arm(), CommandKind::Arm);
    // without a configuration it goes on with the one it has
    let end = run(&place, &[&place.feed()]).json();
    assert_eq!((&end["latch"], &end["ended"]), (&serde_json::Value::Null, &true.into()));
    assert_eq!(replay(&journal)["verdict"], "identical");
    assert_eq!(verify(&journal)["closed"], true);
}

#[test]
fn a_command_that_was_acknowledged_survives_at_a_venue() {
    let place = Place::new(ROWS);
    let journal = place.journal();
    let _venue = place.venue(&["--speed", "2"]);
    let daemon = place.trader(&journal, &[]);
    until_status(&journal, "decisions", |status| status["decisions"].as_u64() > Some(20));
    survives(&place, daemon, &halt(), CommandKind::Halt);
    let again = place.trader(&journal, &[]);
    let stands = until_status(&journal, "a start", |_| true);
    assert_eq!((&stands["latch"], &stands["regime"]), (&"operator".into(), &"real".into()));
    let settled = until_status(&journal, "both sides agree, and nothing works", |status| {
        status["venue"]["state"] == "reconciled" && status["working"].as_array().is_some_and(Vec::is_empty)
    });
    assert_eq!(settled["latch"], "operator");
    survives(&place, again, &arm(), CommandKind::Arm);
    assert_eq!(replay(&journal)["verdict"], "identical");
}

#[test]
fn status_tells_what_is_so() {
    let place = Place::new(ROWS);
    let journal = place.journal();
    let daemon = place.daemon(&journal, &["--speed", "max", &place.feed()]);
    // what is durable may catch up with what came in before the feed is over
    let end = until_status(&journal, "the end of the feed", |status| {
        let is_over = |feed: &serde_json::Value| feed["state"] == "ended";
        status["feeds"].as_array().is_some_and(|feeds| feeds.iter().all(is_over))
            && status["decisions"].as_u64() > Some(500)
            && status["sequence"] == status["durable"]
    });
    let told = tell(&["status", "--json"], &journal).json();
    for key in
        ["run", "digest", "decisions", "sequence", "policy", "config", "pid", "regime", "speed", "time"]
    {
        assert_eq!(told[key], end[key], "{key}");
    }
    assert_eq!((&told["pid"], &told["regime"]), (&daemon.child.id().into(), &"simulated".into()));
    assert_eq!(
        (&told["speed"], &told["latch"], &told["gate"]),
        (&"max".into(), &serde_json::Value::Null, &"open".into())
    );
    assert_eq!(
        (&told["epoch"], &told["faults"], &told["venue"]),
        (&0.into(), &0.into(), &serde_json::Value::Null)
    );
    let feeds = told["feeds"].as_array().expect("feeds");
    assert_eq!(feeds.len(), 2, "orders and trades: {told}");
    let events: u64 = feeds.iter().filter_map(|feed| feed["events"].as_u64()).sum();
    assert!(events >= ROWS as u64 && told["sequence"].as_u64() > Some(events), "{told}");
    let number = |key: &str| told[key].as_str().and_then(|text| text.parse::<f64>().ok()).expect(key);
    assert!((number("pnl_gross") - number("fees") - number("pnl_net")).abs() < 1e-6, "{told}");
    assert!(number("fees") > 0.0 && (99_000.0..101_000.0).contains(&number("equity")), "{told}");
    assert!(told["disk"]["used_bytes"].as_u64() > Some(100_000), "{told}");
    assert!(told["snapshots"]["last_sequence"].as_u64() > Some(1500), "{told}");
    let text = tell(&["status"], &journal).stdout;
    for words in ["run", "simulated", "digest", "latch", "gate", "BTCUSD"] {
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
    let digest = told["digest"].as_str().expect("a digest");
    assert!(text.contains(digest), "{text}");
    let mode = std::fs::metadata(journal.join("control.sock")).expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let second = run(&place, &[&place.feed()]);
    second.fails(3, &[&journal.display().to_string()]);
    let stopped = tell(&["stop"], &journal);
    assert!(stopped.code == Some(0) && !stopped.stdout.is_empty(), "{stopped:?}");
    assert_eq!(daemon.end().json()["digest"], told["digest"], "the second did it no harm");
    assert_eq!(verify(&journal)["closed"], true);
    assert!(!journal.join("control.sock").exists());
    tell(&["status"], &journal).fails(3, &["no daemon runs here", "janus run"]);
}

#[test]
fn signals_let_it_drain() {
    for signal in ["-TERM", "-INT"] {
        let place = Place::new(ROWS);
        let daemon = paced(&place);
        let id = daemon.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
        let end = daemon.end().json();
        assert_eq!(end["ended"], false, "{signal}");
        let told = verify(&place.journal());
        assert_eq!((&told["closed"], &told["durable"]), (&true.into(), &end["inputs"]), "{signal}");
        assert_eq!(replay(&place.journal())["digest"], end["digest"], "{signal}");
    }
}

#[test]
fn a_halt_behind_the_end_of_the_feeds_cancels_what_works() {
    let place = Place::new(7_000);
    let journal = place.journal();
    let daemon = place.daemon(&journal, &["--speed", "max", &place.feed()]);
    let end = Timestamp::from_ns(place.end_ms * 1_000_000).to_string();
    let working = |status: &Value| status["working"].as_array().map_or(0, Vec::len);
    let status =
        until_status(&journal, "the end of the feed", |status| status["time"].as_str() >= Some(end.as_str()));
    assert!(working(&status) > 0, "nothing to cancel: {status}");
    acknowledged(&journal, &halt()).expect("acknowledged");
    until_status(&journal, "the cancels", |status| working(status) == 0);
    daemon.stop().json();
    let cancels = count(&proved(&journal), |notice| matches!(notice, NoticeKind::CancelSent(_)));
    assert!(cancels >= working(&status), "{cancels} cancels");
}

#[test]
fn asking_changes_nothing() {
    let place = Place::new(ROWS);
    let (quiet, asked) = (place.path("quiet"), place.journal());
    let unasked = place.daemon(&quiet, &["--speed", "max", "--once", &place.feed()]).end().json();
    let daemon = place.daemon(&asked, &["--speed", "3", "--once", &place.feed()]);
    until_status(&asked, "decisions", |status| status["decisions"].as_u64() > Some(0));
    let mut thoughts = std::collections::BTreeSet::new();
    let mut answers = 0;
    while let Some(answer) = ask(&asked, &Ask::Ask { instrument: "BTCUSD".into() }) {
        let (text, value) = match answer {
            Answer::Thought(text, value) => (text, value),
            // it ended meanwhile
            Answer::Refused { code: 3, .. } => break,
            other => panic!("{other:?}"),
        };
        assert!(text.contains("BTCUSD") && value["verdict"].is_object(), "{text}");
        thoughts.insert(value["sequence"].as_u64());
        answers += 1;
        if answers == 1 {
            let text = tell(&["ask", "BTCUSD"], &asked);
            assert!(text.code == Some(0) && text.stdout.len() > 200, "{text:?}");
            tell(&["ask", "NOPE"], &asked).fails(2, &["NOPE", "BTCUSD"]);
        }
    }
    let end = daemon.end().json();
    assert!(answers >= 200 && thoughts.len() >= 100, "{answers} answers at {} inputs", thoughts.len());
    for key in ["digest", "decisions", "inputs", "fills", "pnl_net"] {
        assert_eq!(end[key], unasked[key], "{key}, asked {answers} times");
    }
}

#[test]
fn a_run_goes_on_as_what_it_was_begun() {
    let place = Place::new(ROWS);
    let daemon = paced(&place);
    daemon.stop();
    let journal = place.journal();
    let dir = journal.display().to_string();
    let stands = verify(&journal);
    let copy = place.path("other");
    std::fs::create_dir(&copy).expect("a folder");
    for name in ["orders.csv", "trades.csv"] {
        std::fs::copy(place.path("feed").join(name), copy.join(name)).expect("copied");
    }
    run(&place, &[&copy.display().to_string()]).fails(2, &[&dir, "list of feeds", "begin a new one"]);
    run(&place, &[&place.market()]).fails(2, &[&dir, "regime of time", "simulated"]);
    assert_eq!(verify(&journal), stands, "nothing was written");
    let config = place.path("config.toml").display().to_string();
    let other = ["--config", &config, "--set", "basal_ganglia.margin=0.06", &place.feed()];
    run(&place, &other).fails(2, &[&dir, "leave --config out", "janus config apply"]);
    assert_eq!(verify(&journal)["durable"], stands["durable"], "nothing was admitted");
    let none = tell(&["run", "--once", &place.feed()], &place.path("new"));
    none.fails(2, &["there is no journal here to go on with", "--config"]);
    let end = run(&place, &["--config", &config, &place.feed()]).json();
    assert_eq!(end["ended"], true);
    let fresh = place.daemon(&place.path("fresh"), &["--speed", "max", "--once", &place.feed()]).end().json();
    assert_eq!(end["digest"], fresh["digest"], "a stop leaves no trace");
}

#[test]
fn a_folder_that_is_no_journal_is_named() {
    let place = Place::new(10);
    let (folder, hash) = (place.path("feed"), "0".repeat(64));
    let config = place.path("config.toml").display().to_string();
    let said: [&[&str]; 17] = [
        &["verify"],
        &["replay"],
        &["why", "--last"],
        &["journal", "ls"],
        &["journal", "show"],
        &["journal", "stats"],
        &["journal", "export", "-"],
        &["journal", "rebuild"],
        &["brain", "ls"],
        &["status"],
        &["stop"],
        &["ask", "BTCUSD"],
        &[&["halt"], &SIGNED[..]].concat(),
        &[&["arm"], &SIGNED[..]].concat(),
        &[&["flatten"], &SIGNED[..]].concat(),
        &[&["brain", "activate", &hash], &SIGNED[..]].concat(),
        &[&["config", "apply", &config], &SIGNED[..]].concat(),
    ];
    for args in said {
        tell(args, &folder).fails(2, &[&folder.display().to_string(), "there is no journal here"]);
        let mut command = janus(args);
        let output = command.env("JANUS_JOURNAL", &folder).output().expect("it starts");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(&folder.display().to_string()), "{args:?} by JANUS_JOURNAL: {told}");
    }
    assert_eq!(status(&folder), None);
}
