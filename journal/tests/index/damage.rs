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

/// The files of a folder, by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let paths = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    let read = |path: PathBuf| (name(&path), fs::read(path).expect("read"));
    let mut files: Vec<_> = paths.filter(|path| path.is_file()).map(read).collect();
    files.sort();
    files
}

impl Scene {
    fn new() -> Self {
        let records = story(SEED, 800);
        let dir = taped(&records, 60);
        drop(open(dir.path()));
        let files = files(&dir.path().join("index/000000000000"));
        Self { dir, want: scan(&records), files }
    }

    fn sled(&self) -> PathBuf {
        self.dir.path().join("index/000000000000")
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

    /// Changes something through sled itself.
    fn edit(&self, change: impl FnOnce(&sled::Db)) {
        let db = sled::open(self.sled()).expect("it opens");
        change(&db);
        drop(db);
        // its threads let go of the file a little later
        fs::File::open(self.sled().join("db")).expect("there").lock().expect("free");
    }

    /// Seals what is there, so that opening believes it.
    fn seal(&self) {
        let seal: Vec<(String, Hash)> =
            files(&self.sled()).into_iter().map(|(name, bytes)| (name, Hash::of(&bytes))).collect();
        let bytes = synapse::bytes::encode(&seal);
        fs::write(self.dir.path().join("index/000000000000.seal"), bytes).expect("written");
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
    fs::remove_file(scene.dir.path().join("index/000000000000.seal")).expect("there is a seal");
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
    let mut whys = Vec::new();
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
    }
    println!("seed {SEED}: {} of 40 flips had it rebuilt: {whys:#?}", whys.len());
    assert!(!whys.is_empty(), "no flip was ever noticed");
}

#[test]
fn damage_that_opening_believed_is_found_by_the_question() {
    let scene = Scene::new();
    scene.edit(|db| {
        let (key, _) = db.range([2u8]..).nth(40).expect("an entry").expect("read");
        db.insert(key, &[255]).expect("written");
    });
    scene.seal();
    assert_eq!(open(scene.dir.path()).opened().rebuilt, None, "the seal is not believed");
    let why = scene.check("asked").expect("rebuilt");
    assert!(why.contains("cannot be read"), "{why}");
}

#[test]
fn of_another_version() {
    let scene = Scene::new();
    scene.edit(|db| {
        let mut meta = db.get([0, 0]).expect("read").expect("there").to_vec();
        meta[0] += 1;
        db.insert([0, 0], meta).expect("written");
    });
    assert_eq!(scene.check("another version").as_deref(), Some("it is of another version"));
}

#[test]
fn an_entry_too_few_or_too_many() {
    let scene = Scene::new();
    for what in ["removed", "added", "changed"] {
        scene.put("", &[]);
        scene.edit(|db| {
            let (key, value) = db.range([2u8]..).nth(40).expect("an entry").expect("read");
            match what {
                "removed" => db.remove(key).expect("done"),
                "added" => db.insert([key.as_ref(), &[1]].concat(), value).expect("done"),
                _ => db.insert(key, [value.as_ref(), &[1]].concat()).expect("done"),
            };
        });
        let why = scene.check(what);
        assert_eq!(why.as_deref(), Some("entries are missing or changed"), "{what}");
    }
}

fn index_of(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("index/000000000000")).expect("made");
    for (name, bytes) in files(&from.join("index/000000000000")) {
        fs::write(to.join("index/000000000000").join(name), bytes).expect("written");
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
