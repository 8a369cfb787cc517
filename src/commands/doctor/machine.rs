//! The machine: folder, disk, clock, descriptors.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use journal::{BlockAt, Regime};
use market::Timestamp;

use super::{Check, Patient};
use crate::blueprint;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// How often the disk is asked.
const SYNCS: usize = 50;
/// What one sync has to bring to the disk.
const PAGE: [u8; 4096] = [0x5a; 4096];
/// A disk whose slow syncs take longer holds decisions up.
const SLOW_SYNC: Duration = Duration::from_millis(10);
/// Without a budget, less room than this is soon used up.
const ROOM: u64 = 10 * GIB;
/// Files that a daemon may need open at once: clients, feeds, segments and the index.
const DESCRIPTORS: [u64; 2] = [256, 1024];
/// A clock that moves more than this against time that passes was set.
const STEP: Duration = Duration::from_millis(100);

/// What is to be said of the machine.
pub(super) fn checks(patient: &Patient) -> Vec<Check> {
    let place = existing(&patient.dir);
    let mut checks = match probe(&place) {
        Ok(syncs) => vec![Check::ok("folder", format!("{} can be written", place.display())), speed(&syncs)],
        Err(error) => vec![Check::fail(
            "folder",
            format!("{}: {error}", place.display()),
            "give another folder with --journal, or let this user write there",
        )],
    };
    checks.extend([room(patient, &place), descriptors(patient), socket(&patient.dir)]);
    checks
}

/// The folder, or the nearest above it that is there, though it may be none.
fn existing(dir: &Path) -> PathBuf {
    let found = dir.ancestors().find(|above| above.exists());
    found.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// Writes as a tape is written, into room that is there already; how long each sync took, the shortest
/// first.
fn probe(place: &Path) -> io::Result<Vec<Duration>> {
    let path = place.join(format!(".doctor-{}", std::process::id()));
    let measure = || {
        let mut file = File::create_new(&path)?;
        file.write_all(&PAGE.repeat(SYNCS))?;
        file.sync_all()?;
        let sync = |at: usize| {
            let began = Instant::now();
            file.write_all_at(&PAGE, (at * PAGE.len()) as u64)?;
            file.sync_data()?;
            Ok(began.elapsed())
        };
        (0..SYNCS).map(sync).collect::<io::Result<Vec<_>>>()
    };
    let measured = measure();
    // where it was never made there is nothing to remove
    let _ = fs::remove_file(&path);
    measured.map(|mut syncs| {
        syncs.sort_unstable();
        syncs
    })
}

fn speed(syncs: &[Duration]) -> Check {
    let at = |share: f64| {
        syncs.get((syncs.len() as f64 * share) as usize).or(syncs.last()).copied().unwrap_or_default()
    };
    let (p50, p99) = (at(0.5), at(0.99));
    let found = format!("p50 {:.2} ms, p99 {:.2} ms", p50.as_secs_f64() * 1e3, p99.as_secs_f64() * 1e3);
    if p99 <= SLOW_SYNC {
        return Check::ok("fsync", found);
    }
    Check::warn(
        "fsync",
        found,
        "no order leaves before its decision is on the disk: put the journal on a faster one",
    )
}

fn room(patient: &Patient, place: &Path) -> Check {
    let Some(free) = free_bytes(place) else {
        let found = format!("how much is free at {} is not known", place.display());
        return Check::warn("disk", found, "look with `df`");
    };
    let options = blueprint::options(&patient.journal_params());
    let used: u64 = patient.reader().map_or(0, |tape| tape.headers().iter().map(BlockAt::bytes).sum());
    let (free_mib, budget) = (free / MIB, options.budget_bytes);
    // the segment that is written, and the one prepared behind it
    let least = 2 * options.segment_bytes;
    if free < least {
        let found = format!("{free_mib} MiB free, and a tape needs {} MiB at once", least / MIB);
        return Check::fail("disk", found, "make room, or lower journal.segment_mib");
    }
    if budget == u64::MAX {
        let found = format!("{free_mib} MiB free, and no budget");
        return match free < ROOM {
            true => {
                Check::warn("disk", found, "the tape grows until the disk is full: set journal.budget_gib")
            }
            false => Check::ok("disk", found),
        };
    }
    let left = budget.saturating_sub(used);
    let found = format!("{free_mib} MiB free, and the budget allows {} MiB more", left / MIB);
    match free < left {
        true => Check::warn("disk", found, "make room, or lower journal.budget_gib"),
        false => Check::ok("disk", found),
    }
}

/// What is free, as `df` has it.
fn free_bytes(place: &Path) -> Option<u64> {
    let said = Command::new("df").arg("-Pk").arg(place).env("LC_ALL", "C").output().ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    text.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

fn descriptors(patient: &Patient) -> Check {
    let (whose, of) = match &patient.daemon {
        Some(status) => (status.pid.to_string(), "the daemon"),
        None => ("self".to_owned(), "a process started here"),
    };
    let limits = fs::read_to_string(format!("/proc/{whose}/limits")).unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()).unwrap_or("not known");
    let found = format!("{soft} files for {of}");
    let advice = "raise it, with `ulimit -n` or LimitNOFILE";
    match soft.parse::<u64>() {
        Ok(soft) if soft < DESCRIPTORS[0] => Check::fail("descriptors", found, advice),
        Ok(soft) if soft < DESCRIPTORS[1] => Check::warn("descriptors", found, advice),
        _ => Check::ok("descriptors", found),
    }
}

fn socket(dir: &Path) -> Check {
    let path = dir.join("control.sock");
    let bytes = path.as_os_str().len();
    match SocketAddr::from_pathname(&path) {
        Ok(_) => Check::ok("socket", format!("a path of {bytes} bytes")),
        Err(_) => Check::fail(
            "socket",
            format!(
                "{}: a path of {bytes} bytes is too long for a socket, which takes about 100",
                path.display()
            ),
            "give a shorter folder with --journal, or one relative to where you are",
        ),
    }
}

/// Both clocks when it began.
pub(super) struct Clock {
    steady: Instant,
    wall: SystemTime,
}

impl Clock {
    /// Now.
    pub fn start() -> Self {
        Self { steady: Instant::now(), wall: SystemTime::now() }
    }

    /// What is to be said of the clock by now.
    pub fn check(&self, patient: &Patient) -> Check {
        const SYNC: &str = "let a time service such as chrony or systemd-timesyncd keep it, which slews it";
        let (passed, now) = (self.steady.elapsed(), SystemTime::now());
        let moved = match now.duration_since(self.wall) {
            Ok(moved) => moved.abs_diff(passed),
            Err(back) => back.duration() + passed,
        };
        if moved > STEP {
            let found = format!("it was set by {} ms while this looked", moved.as_millis());
            return Check::fail("clock", found, SYNC);
        }
        let last = patient.reader().filter(|tape| tape.manifest().regime == Regime::Real);
        let last = last.and_then(|tape| tape.headers().last()).map(|block| block.header.time_last_ns);
        let now_ns = blueprint::now_ns();
        match last {
            Some(last_ns) if last_ns > now_ns => Check::fail(
                "clock",
                format!("it says {}, and the tape ends at {}", at(now_ns), at(last_ns)),
                SYNC,
            ),
            _ => Check::ok("clock", format!("{}, and steady", at(now_ns))),
        }
    }
}

fn at(ns: i64) -> Timestamp {
    Timestamp::from_ns(ns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::Level;

    #[test]
    fn a_slow_disk_is_told_by_its_slow_syncs() {
        let ms = Duration::from_millis;
        let mut syncs = vec![ms(1); SYNCS];
        assert_eq!(speed(&syncs).level, Level::Ok);
        syncs[SYNCS - 1] = ms(11);
        let slow = speed(&syncs);
        assert_eq!((slow.level, slow.found.as_str()), (Level::Warn, "p50 1.00 ms, p99 11.00 ms"));
    }

    #[test]
    fn a_folder_to_come_is_judged_by_the_one_above_it() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(existing(&folder.path().join("a/b")), folder.path());
        assert_eq!(existing(Path::new("no-such-folder")), Path::new("."));
        assert_eq!(probe(folder.path()).expect("measured").len(), SYNCS);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is left behind");
        assert!(free_bytes(folder.path()).is_some_and(|free| free > 0));
    }

    #[test]
    fn a_path_too_long_for_a_socket_fails() {
        assert_eq!(socket(Path::new("j")).level, Level::Ok);
        assert_eq!(socket(Path::new(&"x".repeat(200))).level, Level::Fail);
    }

    #[test]
    fn a_clock_that_was_set_fails() {
        let patient = Patient { dir: "j".into(), tape: None, blueprint: None, config: None, daemon: None };
        assert_eq!(Clock::start().check(&patient).level, Level::Ok);
        for wall in [SystemTime::now() + Duration::from_secs(5), SystemTime::now() - Duration::from_secs(5)] {
            let set = Clock { steady: Instant::now(), wall }.check(&patient);
            assert_eq!(set.level, Level::Fail, "{set:?}");
        }
    }
}
