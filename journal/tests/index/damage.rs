//! What can happen to the folder of sled, and that it changes no answer.

use std::fs;
use std::path::{Path, PathBuf};

use journal::Hash;
use tempfile::TempDir;

use crate::pen::Pen;
use crate::story::{Answers, Dice, ask, scan, story};
use crate::{SEGMENT_BYTES, open, taped};

const SEED: u64 = 20;

/// A tape, its index closed in order, and what it should answer.
struct Scene {
    dir: TempDir,
    want: Answers,
    files: Vec<(String, Vec<u8>)>,
}

impl Scene {
    fn new() -> Self {
        let records = story(SEED, 800);
        let dir = taped(&records, 60);
        drop(open(dir.path()));
        let sled = dir.path().join("index/sled");
        let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("a name");
        let entries = fs::read_dir(&sled).expect("a folder").map(|entry| entry.expect("an entry"));
        let files = entries.filter(|entry| entry.path().is_file()).map(name);
        let files = files.map(|name| (name.clone(), fs::read(sled.join(name)).expect("read"))).collect();
        Self { dir, want: scan(&records), files }
    }

    fn sled(&self) -> PathBuf {
        self.dir.path().join("index/sled")
    }

    /// Puts the folder back as it was, but for one file.
    fn put(&self, changed: &str, bytes: &[u8]) {
        fs::remove_dir_all(self.sled()).expect("removed");
        fs::create_dir_all(self.sled()).expect("made");
        for (name, content) in &self.files {
            fs::write(self.sled().join(name), if name == changed { bytes } else { content })
                .expect("written");
        }
    }

    /// Opens and asks everything; tells why the index was rebuilt, if it was.
    fn check(&self, what: &str) -> Option<String> {
        let mut index = open(self.dir.path());
        let got = ask(&mut index, self.want.orders.keys().copied());
        got.assert_are(&self.want, what);
        index.opened().rebuilt.clone()
    }
}

#[test]
fn what_nobody_touched_is_not_rebuilt() {
    let scene = Scene::new();
    assert_eq!(scene.check("sealed"), None);
    fs::remove_file(scene.dir.path().join("index/sled.seal")).expect("there is a seal");
    assert_eq!(scene.check("not sealed, so checked entry by entry"), None);
}

#[test]
fn deleted_or_cut_short_anywhere() {
    let scene = Scene::new();
    fs::remove_dir_all(scene.sled()).expect("removed");
    assert_eq!(scene.check("deleted").as_deref(), Some("there was none"));
    let mut rebuilt = 0;
    for (name, content) in &scene.files {
        for length in [0, 1, content.len() / 9, content.len() / 2, content.len().saturating_sub(1)] {
            scene.put(name, &content[..length]);
            rebuilt += u32::from(scene.check(&format!("{name} cut to {length}")).is_some());
        }
    }
    assert!(rebuilt > 0, "no cut was ever noticed");
}

#[test]
fn forty_flipped_bits() {
    let scene = Scene::new();
    let mut dice = Dice::new(SEED);
    let (mut whys, mut sealed_over) = (Vec::new(), 0);
    for _ in 0..40 {
        // most of them in the large file, where the entries are
        let any = &scene.files[dice.below(scene.files.len())];
        let large = scene.files.iter().find(|(name, _)| name == "db").filter(|_| dice.below(4) > 0);
        let (name, content) = large.unwrap_or(any);
        let (at, bit) = (dice.below(content.len()), dice.below(8));
        let mut flipped = content.clone();
        flipped[at] ^= 1 << bit;
        scene.put(name, &flipped);
        whys.extend(scene.check(&format!("seed {SEED}: bit {bit} of byte {at} of {name} flipped")));
        scene.put(name, &flipped);
        sealed_over += u32::from(found_by_a_question(&scene));
    }
    println!(
        "seed {SEED}: {} of 40 flips had it rebuilt, {sealed_over} by a question: {whys:#?}",
        whys.len()
    );
    assert!(!whys.is_empty(), "no flip was ever noticed");
}

/// Seals the damage, so that opening believes it: then a question may find it.
fn found_by_a_question(scene: &Scene) -> bool {
    let mut names: Vec<&String> = scene.files.iter().map(|(name, _)| name).collect();
    names.sort();
    let hash =
        |name: &&String| (name.to_string(), Hash::of(&fs::read(scene.sled().join(name)).expect("read")));
    let seal: Vec<(String, Hash)> = names.iter().map(hash).collect();
    fs::write(scene.dir.path().join("index/sled.seal"), synapse::region::encode(&seal)).expect("written");
    let mut index = open(scene.dir.path());
    let at_open = index.opened().rebuilt.is_some();
    let orders: Vec<_> = scene.want.orders.keys().copied().collect();
    for id in &orders {
        index.order(id).expect("an answer, rebuilt or not");
    }
    let by_question = !at_open && index.opened().rebuilt.is_some();
    if by_question {
        ask(&mut index, orders).assert_are(&scene.want, "rebuilt by a question");
    }
    by_question
}

#[test]
fn of_another_version() {
    let scene = Scene::new();
    let db = sled::open(scene.sled()).expect("it opens");
    let mut meta = db.get([0, 0]).expect("read").expect("there").to_vec();
    meta[0] += 1;
    db.insert([0, 0], meta).expect("written");
    drop(db);
    assert_eq!(scene.check("another version").as_deref(), Some("it is of another version"));
}

#[test]
fn an_entry_too_few_or_too_many() {
    let scene = Scene::new();
    for what in ["removed", "added", "changed"] {
        scene.put("", &[]);
        let db = sled::open(scene.sled()).expect("it opens");
        let (key, value) = db.range([2u8]..).nth(40).expect("an entry").expect("read");
        match what {
            "removed" => db.remove(key).expect("done"),
            "added" => db.insert([key.as_ref(), &[1]].concat(), value).expect("done"),
            _ => db.insert(key, [value.as_ref(), &[1]].concat()).expect("done"),
        };
        drop(db);
        let why = scene.check(what);
        assert_eq!(why.as_deref(), Some("entries are missing or changed"), "{what}");
    }
}

fn index_of(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("index/sled")).expect("made");
    for entry in fs::read_dir(from.join("index/sled")).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let name = path.file_name().expect("a name");
            fs::copy(&path, to.join("index/sled").join(name)).expect("copied");
        }
    }
}

#[test]
fn of_another_run_another_tape_or_a_longer_one() {
    let records = story(SEED, 200);
    let theirs = taped(&records, 40);
    drop(open(theirs.path()));
    let expect = |run: &str, records: &[journal::Record], a_block: usize, why: &str| {
        let dir = tempfile::tempdir().expect("a folder");
        let mut pen = Pen::create(dir.path(), run, SEGMENT_BYTES);
        records.chunks(a_block).for_each(|block| pen.block(block));
        pen.close();
        index_of(theirs.path(), dir.path());
        let mut index = open(dir.path());
        let rebuilt = index.opened().rebuilt.clone().unwrap_or_default();
        assert!(rebuilt.contains(why), "{rebuilt:?} does not say {why:?}");
        let want = scan(records);
        ask(&mut index, want.orders.keys().copied()).assert_are(&want, why);
    };
    expect("another", &records, 40, "another run");
    expect("run", &records, 20, "another on the tape");
    expect("run", &records[..100], 40, "the tape ends before");
}
