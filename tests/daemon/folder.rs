//! What a start finds in its folder: a run that had hardly begun, no place for snapshots, or a
//! configuration of its own.

use std::fs;

use journal::Reader;

use crate::common::{replay, until_status};
use crate::place::Place;
use crate::tape::proved;

#[test]
fn a_run_that_died_in_the_making_of_its_journal_begins_anew() {
    let place = Place::new(8_000);
    let (feed, whole) = (place.feed(), place.path("whole"));
    let end = place.daemon(&whole, &["--speed", "max", "--once", &feed]).end().json();
    for name in ["manifest", "part"] {
        let died = place.path(name);
        fs::create_dir_all(died.join("tape")).expect("a folder");
        fs::copy(whole.join("manifest.json"), died.join("manifest.json")).expect("copied");
        if name == "part" {
            fs::write(died.join("tape/next.part"), [0; 5_000]).expect("written");
        }
        let again = place.daemon(&died, &["--speed", "max", "--once", &feed]).end().json();
        assert_eq!(again["digest"], end["digest"], "{name}");
        assert_ne!(again["run"], end["run"], "{name}: it is another run");
        proved(&died);
    }
}

#[test]
fn without_snapshots_the_beginning_of_the_tape_is_never_dropped() {
    let place = Place::new(36_000);
    let feed = place.feed();
    let bound = ["journal.segment_mib=1", "journal.budget_gib=0.001", "daemon.snapshot_inputs=5000"];
    let run = |name: &str| {
        let mut args = vec!["--speed", "max", "--once", &feed];
        bound.iter().for_each(|bound| args.extend(["--set", bound]));
        let ended = place.daemon(&place.path(name), &args).end();
        let first = Reader::open(&place.path(name)).expect("a tape").headers()[0].header.number;
        (ended, first)
    };
    let (_, first) = run("kept");
    assert!(first > 0, "with snapshots the tape is kept within its budget");
    let failing = place.path("failing");
    fs::create_dir(&failing).expect("a folder");
    fs::write(failing.join("snapshots"), "in the way").expect("written");
    let (ended, first) = run("failing");
    assert!(ended.stderr.matches("a snapshot was not kept").count() > 5, "{}", ended.stderr);
    assert_eq!(first, 0, "nothing is dropped");
    fs::remove_file(failing.join("snapshots")).expect("removed");
    let again = place.daemon_again(&failing, &["--speed", "max", "--once", &feed]).end().json();
    assert_eq!(again["digest"], ended.json()["digest"]);
    assert_eq!(replay(&failing)["from"], 0);
    proved(&failing);
}

#[test]
fn without_a_configuration_the_journal_is_opened_as_it_was_made() {
    let place = Place::new(8_000);
    let (feed, journal) = (place.feed(), place.journal());
    let begun = ["--set", "journal.budget_gib=2", "--speed", "max", "--once", &feed];
    place.daemon(&journal, &begun).end().json();
    let _again = place.daemon_again(&journal, &["--speed", "max", &feed]);
    let status = until_status(&journal, "a start", |_| true);
    assert_eq!(status["disk"]["budget_bytes"], 2_u64 << 30, "{}", status["disk"]);
}
