//! What is fit to run is told so, and what is not with what to do.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Run, run, run_with, write};

const CONFIG: &str = "[journal]\nsegment_mib = 1\n[instrument.X]\ntick = 1\n[limits.X]\norder_size = 1\nposition = 2\n\
                      notional = 1000\ncapital = 1000\ncollar = 50.0\nrate = 10\nduplicate = 500\n";
/// 2026-05-02, and the year 2099.
const TIMES: [i64; 2] = [1_777_699_999_000_000_000, 4_070_908_800_000_000_000];

/// A folder with a configuration, and where a journal is or may be.
struct Ward {
    folder: TempDir,
    config: String,
}

impl Ward {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = write(folder.path(), "janus.toml", CONFIG);
        Self { folder, config }
    }

    /// With the journal of a daemon that was fed one event of that time, and ended.
    fn with_journal(time_ns: i64) -> Self {
        let ward = Self::new();
        let event = format!(
            "{{\"type\":\"levels\",\"instrument\":\"X\",\"time\":{time_ns},\"bids\":[[\"998\",\"7\"]],\"asks\":[[\"999\",\"2\"]]}}\n"
        );
        let dir = ward.dir();
        let args = ["run", "--once", "--config", &ward.config, "--journal", &dir, "-"];
        let ran = run_with(&args, event.as_bytes());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ward
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("j").join(name)
    }

    fn dir(&self) -> String {
        self.folder.path().join("j").display().to_string()
    }

    /// The only file of a folder of the journal whose name ends so.
    fn file(&self, folder: &str, end: &str) -> PathBuf {
        let names =
            fs::read_dir(self.path(folder)).expect("a folder").map(|entry| entry.expect("an entry").path());
        let mut found: Vec<PathBuf> =
            names.filter(|path| path.display().to_string().ends_with(end)).collect();
        found.sort();
        found.into_iter().next_back().expect("a file")
    }

    fn doctor(&self, args: &[&str]) -> Seen {
        Seen::of(run(&[&["doctor", "--json", "--journal", &self.dir()], args].concat()))
    }
}

/// What the doctor found.
struct Seen {
    run: Run,
    found: Value,
}

impl Seen {
    fn of(run: Run) -> Self {
        let found = run.json();
        assert_eq!(found["ok"], run.code == 0, "{found}");
        Self { run, found }
    }

    fn check(&self, name: &str) -> &Value {
        let checks = self.found["checks"].as_array().expect("checks");
        checks
            .iter()
            .find(|check| check["name"] == name)
            .unwrap_or_else(|| panic!("{name} in {}", self.found))
    }

    fn level(&self, name: &str) -> &str {
        self.check(name)["level"].as_str().expect("a level")
    }

    /// Those that failed, and nothing but those.
    fn failed(&self) -> Vec<&str> {
        let checks = self.found["checks"].as_array().expect("checks").iter();
        let failed = checks.filter(|check| check["level"] == "fail");
        failed.map(|check| check["name"].as_str().expect("a name")).collect()
    }

    /// Asserts that this alone failed, and that it says these words.
    fn fails(&self, name: &str, said: &[&str]) {
        assert_eq!(self.failed(), [name], "{}", self.found);
        self.run.fails(1, &["1 of ", "checks failed", name]);
        let check = self.check(name).to_string();
        for words in said {
            assert!(check.contains(words), "`{words}` is not in: {check}");
        }
    }
}

#[test]
fn a_fresh_machine_is_fit_and_nothing_is_left_there() {
    let ward = Ward::new();
    let seen = ward.doctor(&["--config", &ward.config]);
    assert_eq!((seen.run.code, seen.failed()), (0, vec![]), "{}", seen.found);
    for name in ["folder", "socket", "configuration", "limits", "journal", "clock"] {
        assert_eq!(seen.level(name), "ok", "{name}: {}", seen.found);
    }
    assert!(seen.check("journal")["found"].as_str().is_some_and(|found| found.ends_with("none yet")));
    assert!(seen.check("fsync")["found"].as_str().is_some_and(|found| found.contains("p99")));
    assert!(seen.check("models").to_string().contains("ort-tract agree"), "{}", seen.found);
    assert!(!Path::new(&ward.dir()).exists(), "it makes no journal");
    assert_eq!(fs::read_dir(ward.folder.path()).expect("a folder").count(), 1, "the configuration alone");
    let without = ward.doctor(&[]);
    assert_eq!((without.level("configuration"), without.run.code), ("warn", 0), "{}", without.found);
    let text = run(&["doctor", "--journal", &ward.dir()]).stdout;
    assert!(text.contains("warn  configuration") && text.contains("janus config show"), "{text}");
}

#[test]
fn a_configuration_that_nothing_can_trade_with_fails() {
    let ward = Ward::new();
    let config = |text: &str| write(ward.folder.path(), "other.toml", text);
    let mistaken = config("[amygdala]\nalfa = 0.1\n");
    ward.doctor(&["--config", &mistaken]).fails("configuration", &["amygdala.alfa", "did you mean"]);
    let lacking = config("[instrument.X]\ntick = 1\n[limits.Y]\ncollar = 5.0\n[instrument.Z]\ntick = 1\n");
    let named = ["X has no order_size", "Y has no order_size", "Z has no order_size", "[limits.NAME]"];
    ward.doctor(&["--config", &lacking]).fails("limits", &named);
    let set = ["--config", &ward.config, "--set", "limits.X.collar=0"];
    ward.doctor(&set).fails("configuration", &["limits.X.collar"]);
}

#[test]
fn a_folder_that_cannot_be_written_or_is_too_deep_fails() {
    let ward = Ward::new();
    let file = write(ward.folder.path(), "file", "");
    let look = |dir: &str| Seen::of(run(&["doctor", "--json", "--config", &ward.config, "--journal", dir]));
    look(&format!("{file}/j")).fails("folder", &["--journal"]);
    let deep = format!("{}/{}", ward.folder.path().display(), "x".repeat(120));
    look(&deep).fails("socket", &["too long for a socket", "shorter folder"]);
}

#[test]
fn too_little_room_fails_and_less_than_the_budget_warns() {
    let ward = Ward::new();
    let room = |set: &str| ward.doctor(&["--config", &ward.config, "--set", set]);
    let seen = room("journal.budget_gib=900000");
    assert_eq!(seen.level("disk"), "warn", "{}", seen.found);
    assert!(seen.check("disk")["advice"].as_str().is_some_and(|text| text.contains("journal.budget_gib")));
    assert_eq!(room("journal.budget_gib=0.001").level("disk"), "ok");
    if Path::new("/proc/self").exists() {
        // a file system without room, in which nobody can write
        let seen = Seen::of(run(&["doctor", "--json", "--journal", "/proc/j", "--config", &ward.config]));
        assert_eq!(seen.failed(), ["folder", "disk"], "{}", seen.found);
    }
}

#[test]
fn a_journal_that_is_whole_is_told_with_its_end_and_snapshot() {
    let ward = Ward::with_journal(TIMES[0]);
    let seen = ward.doctor(&[]);
    assert_eq!((seen.run.code, seen.failed()), (0, vec![]), "{}", seen.found);
    for (name, words) in [
        ("journal", "closed in order"),
        ("snapshots", "the newest is behind input"),
        ("daemon", "none runs here"),
        ("limits", "all are set: X"),
        ("models", "next-move (trained)"),
    ] {
        let found = seen.check(name)["found"].as_str().expect("words");
        assert!(found.contains(words), "{name}: {found}");
    }
}

#[test]
fn what_is_damaged_is_named() {
    let ward = Ward::with_journal(TIMES[0]);
    let snapshot = ward.file("snapshots", ".snap");
    let whole = fs::read(&snapshot).expect("a snapshot");
    fs::write(&snapshot, "x").expect("written");
    let seen = ward.doctor(&[]);
    assert_eq!((seen.level("snapshots"), seen.run.code), ("warn", 0), "{}", seen.found);
    assert!(seen.check("snapshots").to_string().contains("damaged"), "{}", seen.found);
    fs::write(&snapshot, whole).expect("written");

    let manifest = ward.path("manifest.json");
    let whole = fs::read(&manifest).expect("a manifest");
    fs::write(&manifest, "{}").expect("written");
    ward.doctor(&["--config", &ward.config]).fails("journal", &["manifest.json", "restore the file"]);
    fs::write(&manifest, whole).expect("written");

    fs::remove_dir_all(ward.path("artefacts")).expect("removed");
    ward.doctor(&[]).fails("configuration", &["artefacts", "copy it back"]);
}

#[test]
fn a_writer_that_does_not_answer_fails() {
    let ward = Ward::with_journal(TIMES[0]);
    let lock = File::options().write(true).open(ward.path("lock")).expect("a lock");
    lock.lock().expect("free");
    ward.doctor(&[]).fails("daemon", &["does not answer", "look at its log"]);
    lock.unlock().expect("ours");
    assert_eq!(ward.doctor(&[]).level("daemon"), "ok");
}

#[test]
fn a_clock_that_is_behind_the_tape_fails() {
    let ward = Ward::with_journal(TIMES[1]);
    ward.doctor(&[]).fails("clock", &["the tape ends at 2099", "time service"]);
}
