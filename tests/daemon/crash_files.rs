//! What a crash may leave of files, and what the restart does: one test a row of the table.
//!
//! | at the crash | at restart |
//! |---|---|
//! | snapshot half written, or newer than the durable end | not there; the one before is used |
//! | artefact half written | not there |
//! | artefact of a durable activation missing | exit 2, named |
//! | sled behind, torn or broken | healed or rebuilt from the tape |
//! | a durable last block damaged, all sectors written | refused, exit 1 |

use std::fs;
use std::path::{Path, PathBuf};

use janus::control::Ask;
use journal::{Reader, Record, snapshots};

use super::common::{Ended, acknowledged, janus, replay, tell, until, until_status};
use super::place::Place;
use super::tape::{cut, overwrite, place_of, proved, records};

/// A run that was killed on its way, with some snapshots, and the digest of one that was not.
struct Killed {
    place: Place,
    journal: PathBuf,
    digest: String,
}

impl Killed {
    fn new() -> Self {
        let place = Place::new(12_000);
        let feed = place.feed();
        let calm = place.daemon(&place.path("calm"), &["--speed", "max", "--once", &feed]).end().json();
        let journal = place.journal();
        let daemon = place.daemon(&journal, &["--speed", "20", &feed]);
        until_status(&journal, "half of the feed", |status| status["sequence"].as_u64() > Some(9_000));
        daemon.kill();
        until("snapshots", || (snapshots::list_snapshots(&journal).expect("listed").len() > 1).then_some(()));
        Self { journal, digest: calm["digest"].as_str().expect("text").to_owned(), place }
    }

    /// Starts on a journal and runs to the end.
    fn go_on(&self, journal: &Path) -> Ended {
        self.place.daemon(journal, &["--speed", "max", "--once", &self.place.feed()]).end()
    }

    /// That, and it comes to the digest of the run that was not killed; what it said.
    fn assert_same(&self, journal: &Path, what: &str) -> String {
        let ended = self.go_on(journal);
        assert_eq!(ended.json()["digest"], *self.digest, "{what}");
        proved(journal);
        ended.stderr
    }

    /// The snapshots whose markers are durable, the oldest first: the input and the file of each.
    fn snapshots(&self) -> Vec<(u64, PathBuf)> {
        let markers = records(&self.journal).into_iter().filter_map(|record| match record {
            Record::Marker(marker) => Some(marker.state),
            _ => None,
        });
        let markers: Vec<_> = markers.collect();
        let file = |it: &snapshots::Snapshot| format!("snapshots/{:020}-{}.snap", it.sequence, it.hash);
        let known = snapshots::list_snapshots(&self.journal).expect("listed");
        let usable = known.iter().filter(|it| markers.contains(&it.hash));
        usable.map(|it| (it.sequence, self.journal.join(file(it)))).collect()
    }
}

#[test]
fn snapshot_half_written_is_not_there_and_the_one_before_is_used() {
    let killed = Killed::new();
    let known = killed.snapshots();
    let [.., (before, _), (_, newest)] = &known[..] else { panic!("{} snapshots", known.len()) };
    let bytes = fs::read(newest).expect("a file");
    fs::write(newest, &bytes[..bytes.len() / 2]).expect("written");
    fs::write(killed.journal.join("snapshots/x.snap.1-0.part"), &bytes[..100]).expect("written");
    fs::write(killed.journal.join("artefacts/x.policy.1-0.part"), &bytes[..100]).expect("written");
    let said = killed.assert_same(&killed.journal, "half written");
    assert!(said.contains(&format!("from={before}")), "{said}");
}

#[test]
fn snapshot_newer_than_the_durable_end_is_not_there_and_the_one_before_is_used() {
    let killed = Killed::new();
    let known = killed.snapshots();
    let [.., (before, _), (newest, _)] = &known[..] else { panic!("{} snapshots", known.len()) };
    let is_its = |record: &Record| matches!(record, Record::Marker(marker) if marker.sequence == *newest);
    let all = records(&killed.journal);
    for (name, end) in [
        ("marker", place_of(&all, "marker", is_its)),
        (
            "inputs",
            place_of(&all, "input", |it| matches!(it, Record::Input(input) if input.sequence + 50 > *newest)),
        ),
    ] {
        let lost = cut(&killed.journal, &killed.place.path(name), end, 1);
        fs::create_dir(lost.join("snapshots")).expect("a folder");
        for (_, file) in &known {
            fs::copy(file, lost.join("snapshots").join(file.file_name().expect("a name"))).expect("copied");
        }
        let said = killed.assert_same(&lost, name);
        assert!(said.contains(&format!("from={before}")), "{name}: {said}");
    }
}

#[test]
fn artefact_of_a_durable_activation_that_is_missing_is_named() {
    let place = Place::new(9_000);
    let (journal, feed) = (place.journal(), place.feed());
    let daemon = place.daemon(&journal, &["--speed", "1", &feed]);
    let before = until_status(&journal, "an answer", |_| true);
    let config = fs::read_to_string(place.path("config.toml")).expect("a file");
    let config = config.replace("collar = 50.0", "collar = 40.0");
    let word = Ask::Apply { config, by: "ada".into(), reason: "test".into() };
    acknowledged(&journal, &word).expect("acknowledged");
    let after = until_status(&journal, "the activation", |status| status["config"] != before["config"]);
    daemon.kill();
    let hash = after["config"].as_str().expect("text");
    let mut files =
        fs::read_dir(journal.join("artefacts")).expect("a folder").map(|it| it.expect("a file").path());
    let file = files.find(|it| it.display().to_string().contains(hash)).expect("the artefact");
    let bytes = fs::read(&file).expect("a file");
    for broken in [None, Some(&bytes[..bytes.len() / 2])] {
        fs::remove_file(&file).expect("removed");
        broken.iter().for_each(|bytes| fs::write(&file, bytes).expect("written"));
        let mut command = janus(&["run", "--speed", "max", "--once", &feed]);
        let ended = command.arg("--journal").arg(&journal).output().expect("it starts");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{said}");
        assert!(said.contains(hash), "{said}");
        if broken.is_none() {
            fs::write(&file, b"").expect("written");
        }
    }
    fs::write(&file, &bytes).expect("written");
    let mut command = janus(&["run", "--speed", "max", "--once", &feed]);
    assert!(command.arg("--journal").arg(&journal).status().expect("it starts").success());
    assert_eq!(replay(&journal)["verdict"], "identical");
}

#[test]
fn sled_missing_torn_or_broken_is_healed_or_rebuilt_from_the_tape() {
    let killed = Killed::new();
    let why = |journal: &Path| tell(&["why", "--last"], journal);
    killed.assert_same(&killed.journal, "whole");
    let whole = why(&killed.journal);
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    let index = killed.journal.join("index");
    let mut files = Vec::new();
    list(&index, &mut files);
    assert!(!files.is_empty(), "the daemon keeps an index");
    for name in ["missing", "torn", "garbled"] {
        let mut files = Vec::new();
        list(&index, &mut files);
        let largest = files.into_iter().max_by_key(|file| file.metadata().map_or(0, |it| it.len()));
        let file = largest.expect("a file");
        let mut bytes = fs::read(&file).expect("a file");
        match name {
            "missing" => fs::remove_dir_all(&index).expect("removed"),
            "torn" => fs::write(&file, &bytes[..10]).expect("written"),
            _ => {
                let half = bytes.len() / 2;
                bytes[..half].iter_mut().for_each(|byte| *byte ^= 0x55);
                fs::write(&file, bytes).expect("written");
            }
        }
        killed.assert_same(&killed.journal, name);
        assert_eq!(why(&killed.journal).stdout, whole.stdout, "{name}");
        assert!(index.is_dir(), "{name}");
    }
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() { list(&path, files) } else { files.push(path) }
    }
}

#[test]
fn last_block_damaged_with_all_sectors_written_is_refused() {
    let killed = Killed::new();
    let last = Reader::open(&killed.journal).expect("a tape").headers().last().expect("a block").clone();
    let tape = fs::read(killed.journal.join("tape").join(last.file())).expect("a file");
    let damaged = tape[(last.offset + 300) as usize] ^ 4;
    overwrite(&killed.journal, &last, 300, &[damaged]);
    let block = format!("block {}", last.header.number);
    killed.go_on(&killed.journal).fails(1, &[&block, "damaged"]);
    killed.go_on(&killed.journal).fails(1, &[&block]);
    assert!(!killed.journal.join("aside").exists(), "nothing is set aside");
}
