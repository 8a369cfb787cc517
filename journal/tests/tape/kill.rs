//! A process that writes is killed with SIGKILL, again and again, and goes on each time.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use journal::{Entry, Journal, JournalError, Options, Reader, Record};

use crate::made::{head, manifest};
use crate::sim::Random;
use crate::writing::{check, decisions, released, think};

const KILLS: u64 = 200;
/// A folder sees so many kills.
const LIVES: u64 = 10;
const DIR: &str = "JANUS_TEST_KILLED_DIR";
const OPTIONS: Options = Options {
    segment_bytes: 256 << 10,
    buffer_bytes: 64 << 10,
    block_bytes: 2_000,
    budget_bytes: 1 << 30,
    linger: Duration::ZERO,
};

fn records(dir: &Path) -> Result<Vec<Record>, JournalError> {
    Reader::open(dir)?.records().collect()
}

/// One line to the parent, who sees all of it or nothing.
fn say(word: &str, sequence: u64) {
    let line = format!("\n{word} {sequence}\n");
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).expect("the parent listens");
}

#[test]
#[ignore = "it is the process that the test below kills"]
fn the_process_that_is_killed() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    let (journal, last) = match Journal::open(&dir, &OPTIONS) {
        Ok((journal, opening)) => (journal, opening.head.sequence),
        Err(JournalError::Missing { .. }) => {
            (Journal::create(&dir, &manifest("killed"), &OPTIONS).expect("created"), 0)
        }
        Err(error) => panic!("{error}"),
    };
    journal.subscribe(Box::new(|durable| say("durable", durable)));
    let of_last = |r: &&Record| matches!(r, Record::Released(r) if r.sequence == last);
    let found = records(&dir).expect("it was just opened").iter().filter(of_last).count() as u64;
    for _ in found..decisions(last) {
        journal.append(Entry::Released(&released(last)), head(last));
    }
    journal.complete(last);
    for sequence in last + 1.. {
        say("tried", sequence);
        think(&journal, sequence);
        if sequence % 16 == 0 {
            journal.wait().expect("the disk is whole");
        }
    }
}

/// Starts the process, kills it when it has said so many lines; the last it tried and the last that
/// was durable.
fn live_and_die(dir: &Path, lines: u64) -> (u64, u64) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["kill::the_process_that_is_killed", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let (mut tried, mut durable, mut said) = (0, 0, 0);
    let mut line = String::new();
    // libtest says something first, so that even at none the process is running
    while out.read_line(&mut line).expect("text") > 0 {
        if let Some(sequence) = line.strip_suffix('\n').and_then(|line| line.strip_prefix("tried ")) {
            tried = sequence.parse().expect("a number");
        }
        if let Some(sequence) = line.strip_suffix('\n').and_then(|line| line.strip_prefix("durable ")) {
            durable = sequence.parse().expect("a number");
        }
        line.clear();
        if said == lines {
            child.kill().expect("killed");
        }
        said += 1;
    }
    let ended = child.wait_with_output().expect("it ended");
    let code = ended.status.code();
    assert_eq!(code, None, "it ended by itself: {}", String::from_utf8_lossy(&ended.stderr));
    (tried, durable)
}

#[test]
fn nothing_that_was_acknowledged_is_lost_and_nothing_is_there_twice() {
    let seed = std::env::var("JANUS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(12);
    let mut random = Random(seed);
    let (mut under_way, mut while_opening) = (0, 0);
    for round in 0..KILLS / LIVES {
        let folder = tempfile::tempdir().expect("a folder");
        let mut acknowledged = 0;
        for life in 0..LIVES {
            let lines = if random.below(8) == 0 { random.below(3) } else { random.below(1_500) };
            let (tried, durable) = live_and_die(folder.path(), lines);
            eprintln!(
                "seed {seed}, round {round}, life {life}: killed after {lines} lines, {durable} of {tried}"
            );
            acknowledged = acknowledged.max(durable);
            under_way += u64::from(tried > durable);
            while_opening += u64::from(tried == 0);
            match records(folder.path()) {
                Ok(records) => {
                    check(&records, acknowledged);
                }
                Err(JournalError::Missing { .. }) => assert_eq!(acknowledged, 0, "it is gone"),
                Err(error) => panic!("{error}"),
            }
        }
    }
    eprintln!("{KILLS} kills, {under_way} with a write under way, {while_opening} while opening");
    assert!(under_way * 3 >= KILLS, "only {under_way} of {KILLS} kills fell into a write");
    assert!(while_opening > 0, "no kill fell into opening");
}
