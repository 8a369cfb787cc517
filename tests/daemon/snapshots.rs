//! Snapshots of a run: how many are kept, and that every one leads to the same end.

use std::path::{Path, PathBuf};

use journal::Reader;
use journal::snapshots::{Snapshot, list_snapshots};

use crate::common::{janus, replay, tell, verify};
use crate::place::Place;

const ROWS: usize = 9_000;

fn newest(journal: &Path) -> Snapshot {
    let all = list_snapshots(journal).expect("a folder");
    all.into_iter().max_by_key(|snapshot| snapshot.sequence).expect("snapshots")
}

fn file(journal: &Path, snapshot: &Snapshot) -> PathBuf {
    let name =
        |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().contains(&snapshot.hash.to_string());
    let mut entries = std::fs::read_dir(journal.join("snapshots")).expect("a folder").flatten();
    entries.find(name).expect("its file").path()
}

/// What a start without a configuration tells in its log, and its exit code.
fn start(place: &Place) -> (Option<i32>, String) {
    let mut command = janus(&["run", "--once", "--speed", "max", &place.feed()]);
    command.arg("--journal").arg(place.journal()).env("JANUS_LOG", "info");
    let output = command.output().expect("it starts");
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

#[test]
fn every_snapshot_leads_to_the_same_end_and_a_damaged_one_is_passed_over() {
    let place = Place::new(ROWS);
    let journal = place.journal();
    let end = place.daemon(&journal, &["--speed", "max", "--once", &place.feed()]).end().json();
    let kept = list_snapshots(&journal).expect("a folder");
    let segments = std::fs::read_dir(journal.join("tape")).expect("a folder").count();
    assert!((2..=3 + segments).contains(&kept.len()), "{} kept of {segments} segments", kept.len());
    let whole = replay(&journal);
    assert!(whole["snapshots"].as_u64() > Some(kept.len() as u64), "more were taken than are kept: {whole}");
    assert_eq!((&whole["from"], &whole["digest"]), (&0.into(), &end["digest"]));
    for snapshot in &kept {
        for from in [snapshot.sequence, snapshot.sequence + 1] {
            let again = tell(&["replay", "--json", "--from", &from.to_string()], &journal).json();
            assert_eq!(
                (&again["verdict"], &again["from"]),
                (&"identical".into(), &snapshot.sequence.into()),
                "{again}"
            );
            assert_eq!(again["digest"], end["digest"]);
        }
    }
    let before = tell(&["replay", "--json", "--from", &(kept[0].sequence - 1).to_string()], &journal).json();
    assert_eq!((&before["from"], &before["verdict"]), (&0.into(), &"identical".into()));
    let last = newest(&journal);
    let (code, told) = start(&place);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains(&format!("from=Some({})", last.sequence))
            || told.contains(&format!("from={}", last.sequence)),
        "{told}"
    );
    // damaged: the one before is taken, and the end is the same
    let last = newest(&journal);
    let path = file(&journal, &last);
    let mut bytes = std::fs::read(&path).expect("a snapshot");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    let (code, told) = start(&place);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("a snapshot is of no use") && !told.contains(&format!("from={}", last.sequence)),
        "{told}"
    );
    let again = tell(&["replay", "--json", "--from", &last.sequence.to_string()], &journal).json();
    assert_eq!((&again["verdict"], &again["digest"]), (&"identical".into(), &end["digest"]));
    assert_eq!(verify(&journal)["verdict"], "clean");
    let reader = Reader::open(&journal).expect("a tape");
    assert_eq!(reader.manifest().run, end["run"].as_str().expect("a run"));
}
