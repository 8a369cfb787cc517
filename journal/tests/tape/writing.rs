//! The journal around the tape: many threads append, one writes, and nobody is told too much.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use journal::verify::{Verdict, verify};
use journal::{Entry, Head, Journal, JournalError, Note, Options, Reader, Record, Released};
use market::{InstrumentId, Timestamp};
use tempfile::TempDir;

use crate::made::{head, input, manifest, sequences};
use crate::sim::{Fault, SimDisk};

const OPTIONS: Options = Options {
    segment_bytes: 1 << 20,
    buffer_bytes: 1 << 20,
    block_bytes: 256 << 10,
    budget_bytes: 1 << 30,
    linger: Duration::ZERO,
};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// What stands for a decision of an input.
pub fn released(sequence: u64) -> Released {
    Released { sequence, instrument: InstrumentId(0), time: Timestamp::from_ns(sequence as i64), late: false }
}

/// How many of them an input has.
pub fn decisions(sequence: u64) -> u64 {
    sequence % 4
}

/// Appends an input with all its decisions.
pub fn think(journal: &Journal, sequence: u64) {
    journal.append(Entry::Input(&input(sequence, sequence % 40, false)), head(sequence));
    for _ in 0..decisions(sequence) {
        journal.append(Entry::Released(&released(sequence)), head(sequence));
    }
}

/// Checks that inputs stand in order from the first, each once, those up to `durable` with all their
/// decisions and none with too many; the last one.
pub fn check(records: &[Record], durable: u64) -> u64 {
    let inputs = sequences(records);
    assert!(inputs.iter().copied().eq(1..=inputs.len() as u64), "{inputs:?}");
    assert!(inputs.len() as u64 >= durable, "{durable} was told and {} inputs are there", inputs.len());
    let mut counts = BTreeMap::new();
    for record in records {
        if let Record::Released(released) = record {
            *counts.entry(released.sequence).or_insert(0) += 1;
        }
    }
    for sequence in inputs.iter().copied() {
        let (found, all) = (counts.get(&sequence).copied().unwrap_or(0), decisions(sequence));
        assert!(found <= all, "{found} of {all} decisions of {sequence} are there");
        assert!(found == all || sequence > durable, "{durable} was told, {sequence} has {found} of {all}");
    }
    inputs.len() as u64
}

fn notes(dir: &Path) -> Vec<Note> {
    let reader = Reader::open(dir).expect("the tape is whole");
    let records: Vec<Record> = reader.records().collect::<Result<_, _>>().expect("the tape is whole");
    records.into_iter().filter_map(|r| if let Record::Note(note) = r { Some(note) } else { None }).collect()
}

#[test]
fn what_many_threads_append_is_there_once_and_in_the_order_of_each() {
    const THREADS: u64 = 4;
    const EACH: u64 = 2_000;
    let dir = folder();
    let journal = Journal::create(dir.path(), &manifest("many"), &OPTIONS).expect("created");
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let journal = &journal;
            scope.spawn(move || {
                for block in 0..EACH {
                    let note = Note::SetAside { file: thread.to_string(), block, bytes: 0 };
                    journal.append(Entry::Note(&note), Head::default());
                    if block % 97 == 0 {
                        journal.wait().expect("the disk is whole");
                    }
                }
            });
        }
    });
    journal.close().expect("closed");
    let mut next = BTreeMap::new();
    for note in notes(dir.path()) {
        let Note::SetAside { file, block, .. } = note else { continue };
        let next = next.entry(file).or_insert(0);
        assert_eq!(*next, block);
        *next += 1;
    }
    assert_eq!(next.into_values().collect::<Vec<_>>(), [EACH; THREADS as usize]);
    assert_eq!(verify(dir.path()).verdict, Verdict::Clean);
    let reader = Reader::open(dir.path()).expect("whole");
    let sizes: BTreeMap<u32, u32> = reader.headers().iter().fold(BTreeMap::new(), |mut sizes, block| {
        *sizes.entry(block.header.records).or_default() += 1;
        sizes
    });
    assert!(sizes.len() >= 4, "batches did not vary, by size: {sizes:?}");
}

#[test]
fn durable_tells_no_more_than_a_power_cut_leaves() {
    let (dir, disk) = (folder(), SimDisk::default());
    let options = Options { segment_bytes: 64 << 10, block_bytes: 150, ..OPTIONS };
    let journal = Journal::create_on(disk.clone(), dir.path(), &manifest("told"), &options).expect("created");
    let told = Arc::new(AtomicU64::new(0));
    let (seen, path, witness) = (told.clone(), dir.path().to_owned(), disk.clone());
    // this runs on the writing thread: nothing is written meanwhile, and a panic fails the journal
    journal.subscribe(Box::new(move |durable| {
        let cut = witness.after_power_cut(durable);
        let reader = Reader::open_on(&cut, &path).expect("a cut leaves a tape");
        let records: Vec<Record> = reader.records().collect::<Result<_, _>>().expect("whole");
        check(&records, durable);
        seen.fetch_add(1, Ordering::Relaxed);
    }));
    for sequence in 1..=300 {
        think(&journal, sequence);
        if sequence % 10 == 0 {
            journal.complete(sequence);
            journal.wait().expect("nothing failed, nor was too much told");
            assert_eq!(journal.durable(), sequence, "the last one was completed");
        }
    }
    assert!(told.load(Ordering::Relaxed) >= 60, "told only {told:?} times");
    journal.close().expect("closed");
    let reader = Reader::open_on(&disk, dir.path()).expect("whole");
    let first = |at: usize| reader.block(at).expect("whole").into_iter().next();
    let within = (0..reader.headers().len()).filter(|at| matches!(first(*at), Some(Record::Released(_))));
    assert!(within.count() > 20, "too few blocks ended within an input");
}

#[test]
fn the_second_writer_is_refused_by_name_and_readers_are_not() {
    let dir = folder();
    let missing = Journal::open(dir.path(), &OPTIONS).err().expect("nothing is here");
    assert!(matches!(missing, JournalError::Missing { .. }), "{missing}");
    let journal = Journal::create(dir.path(), &manifest("one"), &OPTIONS).expect("created");
    let refused = Journal::open(dir.path(), &OPTIONS).err().expect("it is being written").to_string();
    assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
    Reader::open(dir.path()).expect("readers need no lock");
    journal.close().expect("closed");
    let exists = Journal::create(dir.path(), &manifest("two"), &OPTIONS).err().expect("one is here");
    assert!(matches!(exists, JournalError::Exists { .. }), "{exists}");
}

#[test]
fn the_buffer_keeps_its_bound_while_the_disk_is_slow() {
    const BUFFER_BYTES: usize = 2_000;
    let dir = folder();
    // larger blocks than the buffer: so one block is what the buffer held
    let options = Options { buffer_bytes: BUFFER_BYTES, ..OPTIONS };
    let journal = Journal::create(dir.path(), &manifest("slow"), &options).expect("created");
    let frame_bytes = {
        let mut frame = Vec::new();
        journal::codec::frame(Entry::Input(&input(2, 0, false)), &mut frame);
        frame.len()
    };
    let fills = (BUFFER_BYTES / frame_bytes) as u64;
    let appended = Arc::new(AtomicU64::new(0));
    let held = appended.clone();
    // holds the writer until the buffer is full behind its back
    journal.subscribe(Box::new(move |_| {
        while held.load(Ordering::Acquire) < fills {
            std::thread::yield_now();
        }
    }));
    journal.append(Entry::Input(&input(1, 0, false)), head(1));
    journal.complete(1);
    for sequence in 2..=500 {
        journal.append(Entry::Input(&input(sequence, 0, false)), head(sequence));
        appended.fetch_add(1, Ordering::Release);
    }
    journal.close().expect("closed");
    let reader = Reader::open(dir.path()).expect("whole");
    let largest = reader.headers().iter().skip(1).map(|block| block.header.raw_bytes as usize).max();
    let largest = largest.expect("there are blocks");
    assert!(largest <= BUFFER_BYTES, "{largest} bytes waited");
    assert!(largest > BUFFER_BYTES - frame_bytes, "only {largest} bytes ever waited: it was never full");
}

#[test]
fn each_process_says_how_the_one_before_ended() {
    let dir = folder();
    let journal = Journal::create(dir.path(), &manifest("epochs"), &OPTIONS).expect("created");
    think(&journal, 1);
    journal.close().expect("closed");
    let (journal, opening) = Journal::open(dir.path(), &OPTIONS).expect("opened");
    assert!(opening.closed && opening.epoch == 1 && opening.head.sequence == 1);
    assert_eq!(journal.durable(), 1, "a close completes the last input");
    think(&journal, 2);
    journal.wait().expect("durable");
    drop(journal);
    let (journal, opening) = Journal::open(dir.path(), &OPTIONS).expect("the lock went with it");
    assert!(!opening.closed && opening.epoch == 2 && opening.head.sequence == 2);
    assert_eq!(journal.durable(), 1, "2 may lack decisions");
    journal.complete(2);
    journal.wait().expect("durable");
    assert_eq!(journal.durable(), 2);
    journal.close().expect("closed");
    let opened = notes(dir.path()).into_iter().filter_map(|note| match note {
        Note::Opened { epoch, after_crash, .. } => Some((epoch, after_crash)),
        _ => None,
    });
    assert_eq!(opened.collect::<Vec<_>>(), [(0, false), (1, false), (2, true)]);
    assert_eq!(verify(dir.path()).verdict, Verdict::Clean);
}

#[test]
fn a_failing_disk_stops_everything_and_nothing_that_was_told_is_lost() {
    let (mut injected, mut stopped) = (0, 0);
    for at in 0..40 {
        let fault = if at % 2 == 0 { Fault::FailedSync(at) } else { Fault::FullAtWrite(at) };
        let (dir, disk) = (folder(), SimDisk::default());
        let options = Options { segment_bytes: 16 << 10, buffer_bytes: 4 << 10, ..OPTIONS };
        let journal =
            Journal::create_on(disk.clone(), dir.path(), &manifest("bad"), &options).expect("created");
        let woken = Arc::new(Mutex::new(0));
        let counter = woken.clone();
        journal.subscribe(Box::new(move |_| *counter.lock().expect("nobody panics") += 1));
        disk.plan(Some(fault));
        for sequence in 1..=400 {
            think(&journal, sequence);
            if sequence % 8 == 0 && journal.wait().is_err() {
                break;
            }
        }
        // the fault may have met the thread that prepares segments, which the writer does without
        let Some(failed) = journal.failed() else {
            injected += disk.counts().injected;
            continue;
        };
        stopped += 1;
        assert!(failed.contains("nothing after the last durable record was acknowledged"), "{failed}");
        let durable = journal.durable();
        think(&journal, 401);
        assert!(journal.wait().is_err() && journal.close().is_err(), "it came back to life");
        assert!(*woken.lock().expect("nobody panics") > 0, "nobody was woken");
        injected += disk.counts().injected;
        let cut = disk.after_power_cut(at);
        let reader = Reader::open_on(&cut, dir.path()).expect("whole up to there");
        check(&reader.records().collect::<Result<Vec<_>, _>>().expect("whole"), durable);
    }
    assert!(injected >= 40 && stopped >= 30, "{injected} faults occurred and {stopped} stopped the writer");
}

#[test]
fn the_oldest_segments_go_when_the_budget_is_used_up_and_the_brain_allows_it() {
    let dir = folder();
    let segment_bytes = 64 << 10;
    let options = Options { segment_bytes, budget_bytes: 4 * segment_bytes, ..OPTIONS };
    let write = |journal: &Journal, sequences: std::ops::RangeInclusive<u64>| {
        for sequence in sequences {
            think(journal, sequence);
            journal.wait().expect("durable");
        }
    };
    let first = || Reader::open(dir.path()).expect("whole").headers()[0].header;
    let journal = Journal::create(dir.path(), &manifest("budget"), &options).expect("created");
    write(&journal, 1..=120);
    assert_eq!(first().number, 0, "nothing may go yet");
    let kept = Reader::open(dir.path()).expect("whole").headers()[70].header.number;
    journal.keep_from(kept);
    write(&journal, 121..=160);
    journal.close().expect("closed");
    let first = first();
    assert!(first.number > 0 && first.number <= kept, "{} is the first, {kept} had to stay", first.number);
    let dropped = notes(dir.path()).into_iter().rev().find_map(|note| match note {
        Note::Dropped { block, hash, .. } => Some((block, hash)),
        _ => None,
    });
    assert_eq!(dropped, Some((first.number - 1, first.previous)));
    assert_eq!(verify(dir.path()).verdict, Verdict::Clean);
    Journal::open(dir.path(), &options).expect("it can be gone on with");
}
