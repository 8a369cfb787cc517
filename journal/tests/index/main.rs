//! The index behind the tape (J5): what it says is what a scan of the tape says, however it came to be.

mod damage;
mod pen;
mod story;

use std::path::Path;

use journal::index::{DEFAULT_ENTRIES_A_PART, Index, IndexOptions, spawn_follower};
use journal::{JournalError, Reader, Record};
use tempfile::TempDir;

use pen::Pen;
use story::{Dice, ask, encoder, scan, story};

const SEGMENT_BYTES: u64 = 1 << 20;

fn options() -> IndexOptions {
    options_of(DEFAULT_ENTRIES_A_PART)
}

fn options_of(entries_a_part: u64) -> IndexOptions {
    IndexOptions { encoder: Box::new(encoder), progress: Box::new(|_, _| {}), entries_a_part }
}

fn open(dir: &Path) -> Index {
    Index::open(dir, options()).expect("it opens")
}

/// A tape of these records, in blocks of at most so many.
fn taped(records: &[Record], a_block: usize) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let mut pen = Pen::create(dir.path(), "run", SEGMENT_BYTES);
    records.chunks(a_block).for_each(|block| pen.block(block));
    pen.close();
    dir
}

#[test]
fn its_answers_are_those_of_a_plain_scan() {
    let records = story(1, 1500);
    let late = records.iter().filter(|record| matches!(record, Record::Decision(d) if d.late)).count();
    let want = scan(&records);
    let orders: Vec<_> = want.orders.keys().copied().collect();
    let dir = taped(&records, 97);
    let mut index = open(dir.path());
    let got = ask(&mut index, orders);
    got.assert_are(&want, "seed 1");
    let sizes = [want.experiences.len(), want.orders.len(), want.snapshots.len(), want.activated.len(), late];
    assert!(sizes.iter().all(|size| *size > 10), "a story about too little: {sizes:?}");
    let counts: Vec<u64> = index.counts().expect("counts").iter().map(|(_, count)| *count).collect();
    let steps = want.orders.values().map(Vec::len).sum();
    let decisions = want.decisions.len();
    let expected = [decisions, decisions, decisions, steps, sizes[0], sizes[3], sizes[2]];
    assert_eq!(counts, expected.map(|count| count as u64));
}

#[test]
fn a_part_is_cut_out_by_time_sequence_and_name() {
    let records = story(2, 400);
    let all = scan(&records);
    let dir = taped(&records, 50);
    let mut index = open(dir.path());
    let (from, to) = (all.decisions[100].time, all.decisions[300].time);
    let between: Vec<_> = all.decisions.iter().filter(|d| (from..to).contains(&d.time)).copied().collect();
    assert_eq!(index.decisions_between(from, to).expect("an answer"), between);
    let (first, last) = (all.endings[1][20].0, all.endings[1][50].0);
    let part = index.decisions_of(market::InstrumentId(1), first..=last).expect("an answer");
    assert_eq!(part, all.endings[1][20..=50]);
    let reader = Reader::open(dir.path()).expect("a tape");
    for decision in &all.decisions {
        let block =
            index.block_of(decision.sequence, decision.instrument).expect("an answer").expect("known");
        let at = reader.headers().iter().position(|at| at.header.number == block).expect("on the tape");
        let holds = |record: &Record| {
            matches!(record, Record::Decision(d)
                if (d.record.sequence, d.record.instrument) == (decision.sequence, decision.instrument))
        };
        assert!(reader.block(at).expect("whole").iter().any(holds), "{decision:?} in block {block}");
    }
    assert_eq!(index.block_of(1_000_000, market::InstrumentId(0)).expect("an answer"), None);
    let nobody = "1000000:0:0".parse().expect("a client id");
    assert_eq!(index.order(&nobody).expect("an answer"), []);
}

#[test]
fn rebuilt_equals_followed_whatever_the_steps() {
    let mut pieces = Vec::new();
    for seed in 0..12 {
        let records = story(seed, 300);
        let (mut dice, mut at, mut steps) = (Dice::new(seed ^ 99), 0, 0);
        let dir = tempfile::tempdir().expect("a folder");
        let mut pen = Pen::create(dir.path(), "run", SEGMENT_BYTES);
        let mut index = open(dir.path());
        while at < records.len() {
            let end = (at + 1 + dice.below(60)).min(records.len());
            pen.block(&records[at..end]);
            at = end;
            match dice.below(4) {
                0 => {}
                1 => {
                    drop(index);
                    index = open(dir.path());
                    assert_eq!(index.opened().rebuilt, None, "seed {seed}");
                }
                _ => {
                    index.follow(&Reader::open(dir.path()).expect("a tape")).expect("followed");
                    steps += 1;
                }
            }
        }
        pen.close();
        index.follow(&Reader::open(dir.path()).expect("a tape")).expect("followed");
        let followed = index.entries().expect("entries");
        drop(index);
        let mut rebuilt = Index::rebuild(dir.path(), options()).expect("it opens");
        assert!(rebuilt.opened().rebuilt.is_some());
        let entries = rebuilt.entries().expect("entries");
        let other = entries.iter().zip(&followed).find(|(rebuilt, followed)| rebuilt != followed);
        assert_eq!((other, entries.len()), (None, followed.len()), "seed {seed}");
        pieces.push(followed.keys().filter(|key| key.starts_with(&[0, 1])).count());
        assert!(steps > 2 && followed.len() > 500, "seed {seed}: {steps} steps, {} entries", followed.len());
    }
    // the state of the projection comes in pieces, which grow and dwindle
    pieces.sort_unstable();
    assert!(pieces[0] == 1 && pieces[11] > 1, "{pieces:?}");
}

/// The parts of an index that are there, by name.
fn parts(dir: &Path) -> Vec<String> {
    let entries =
        std::fs::read_dir(dir.join("index")).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.parse::<u64>().is_ok());
    names.sort();
    names
}

/// An index in parts of so many entries that has followed a tape from block to block, and the tape.
fn in_parts(records: &[Record], entries_a_part: u64) -> (TempDir, Index) {
    let dir = tempfile::tempdir().expect("a folder");
    let mut pen = Pen::create(dir.path(), "run", SEGMENT_BYTES);
    let mut index = Index::open(dir.path(), options_of(entries_a_part)).expect("it opens");
    for block in records.chunks(31) {
        pen.block(block);
        index.catch_up().expect("followed");
    }
    pen.close();
    index.catch_up().expect("followed");
    (dir, index)
}

#[test]
fn in_parts_it_answers_as_in_one() {
    let records = story(7, 600);
    let want = scan(&records);
    let (dir, mut index) = in_parts(&records, 700);
    let names = parts(dir.path());
    assert!(names.len() > 3, "{names:?}");
    let orders: Vec<_> = want.orders.keys().copied().collect();
    ask(&mut index, orders.clone()).assert_are(&want, "followed in parts");
    let entries = index.entries().expect("entries");
    let first = index.experiences((market::InstrumentId(0), 0), 7).expect("an answer");
    assert_eq!(first, want.experiences[..7]);
    drop(index);
    let mut rebuilt = Index::rebuild(dir.path(), options_of(700)).expect("it opens");
    assert_eq!(parts(dir.path()), names, "the parts are those of the tape, however it is followed");
    let again = rebuilt.entries().expect("entries");
    let other = again.iter().zip(&entries).find(|(rebuilt, followed)| rebuilt != followed);
    assert_eq!((other, again.len()), (None, entries.len()));
    drop(rebuilt);
    let mut again = Index::open(dir.path(), options_of(700)).expect("it opens");
    assert_eq!((again.opened().rebuilt.as_deref(), again.opened().blocks), (None, 0));
    ask(&mut again, orders).assert_are(&want, "opened again");
}

#[test]
fn a_part_that_is_lost_or_broken_is_made_again() {
    let records = story(8, 600);
    let want = scan(&records);
    let (dir, index) = in_parts(&records, 700);
    drop(index);
    let names = parts(dir.path());
    let whole = Reader::open(dir.path()).expect("a tape").headers().len() as u64;
    let (last, middle) = (names.len() - 1, names.len() / 2);
    for (at, what, rebuilt, is_all) in [
        (last, "db", "", false),
        (last, "", "", false),
        (middle, "db", "", true),
        (middle, "", "a part is missing", true),
        (last - 1, "", "a part is missing", true),
    ] {
        let part = dir.path().join("index").join(&names[at]);
        match what {
            "" => std::fs::remove_dir_all(&part).expect("removed"),
            file => std::fs::write(part.join(file), [7; 5000]).expect("written"),
        }
        let mut index = Index::open(dir.path(), options_of(700)).expect("it opens");
        ask(&mut index, want.orders.keys().copied()).assert_are(&want, &format!("{what:?} of part {at}"));
        let told = index.opened().rebuilt.clone();
        // without its newest part it is one that is behind
        let is_behind = at == last && what.is_empty();
        assert_eq!(told.is_none(), is_behind, "{what:?} of part {at}: {told:?}");
        assert!(told.unwrap_or_default().contains(rebuilt), "{what:?} of part {at}");
        assert!(is_all || (1..whole / 2).contains(&index.opened().blocks), "{:?}", index.opened());
        drop(index);
        assert_eq!(parts(dir.path()), names);
    }
}

#[test]
fn what_retention_drops_goes_with_its_part() {
    let records = story(6, 1200);
    let dir = tempfile::tempdir().expect("a folder");
    let mut pen = Pen::create(dir.path(), "run", 64 << 10);
    let mut blocks = records.chunks(20);
    blocks.by_ref().take(60).for_each(|block| pen.block(block));
    let mut index = Index::open(dir.path(), options_of(700)).expect("it opens");
    let before = parts(dir.path());
    assert!(before.len() > 2, "{before:?}");
    let all = scan(&records[..1200]);
    ask(&mut index, all.orders.keys().copied()).assert_are(&all, "nothing is dropped");
    blocks.by_ref().take(10).for_each(|block| pen.block(block));
    pen.drop_before(40);
    index.catch_up().expect("followed");
    let (after, reader) = (parts(dir.path()), Reader::open(dir.path()).expect("a tape"));
    let first = reader.first_block();
    assert_eq!(first, reader.headers()[0].header.number);
    let firsts: Vec<u64> = after.iter().map(|name| name.parse().expect("a number")).collect();
    assert!(firsts[0] > 0 && firsts[0] <= first && firsts[1] > first, "{firsts:?} of a tape from {first}");
    // what is on the tape has its answer
    for record in reader.records() {
        if let Record::Decision(d) = record.expect("whole") {
            let block = index.block_of(d.record.sequence, d.record.instrument).expect("an answer");
            assert!(block >= Some(first), "{block:?}");
        }
    }
    drop(index);
    // now blocks are dropped that the index has never seen
    let seen = reader.headers().last().expect("a block").header.number;
    blocks.for_each(|block| pen.block(block));
    pen.drop_before(110);
    let first = Reader::open(dir.path()).expect("a tape").first_block();
    assert!(first > seen + 1, "nothing unseen was dropped: {first}");
    let mut index = Index::open(dir.path(), options_of(700)).expect("it opens");
    assert_eq!((index.opened().rebuilt.as_deref(), index.opened().dropped), (None, first));
    assert!(index.counts().expect("counts")[0].1 > 50);
    let kept = parts(dir.path());
    assert!(kept[0] > after[0], "{after:?}, then {kept:?}");
}

#[test]
fn the_second_to_open_it_is_told_and_the_first_goes_on() {
    let records = story(3, 100);
    let dir = taped(&records, 20);
    let mut first = open(dir.path());
    let refused = Index::open(dir.path(), options()).err().expect("it is taken");
    assert!(matches!(&refused, JournalError::Locked { by, .. } if by.contains("process")), "{refused}");
    let entries = first.entries().expect("still there");
    drop(first);
    assert_eq!(open(dir.path()).entries().expect("entries"), entries);
}

#[test]
fn a_follower_takes_in_all_that_is_there_when_it_is_stopped() {
    let records = story(4, 300);
    let dir = tempfile::tempdir().expect("a folder");
    let mut pen = Pen::create(dir.path(), "run", SEGMENT_BYTES);
    let follower = spawn_follower(dir.path(), options()).expect("a thread");
    for block in records.chunks(30) {
        pen.block(block);
    }
    pen.close();
    follower.stop();
    let mut index = open(dir.path());
    assert_eq!((index.opened().rebuilt.as_deref(), index.opened().blocks), (None, 0));
    let want = scan(&records);
    ask(&mut index, want.orders.keys().copied()).assert_are(&want, "followed");
}

#[test]
fn progress_is_told_to_the_end() {
    let dir = taped(&story(5, 2500), 100);
    let (tell, told) = std::sync::mpsc::channel();
    let progress = Box::new(move |done, all| tell.send((done, all)).expect("heard"));
    drop(Index::open(dir.path(), IndexOptions { progress, ..options() }).expect("it opens"));
    let told: Vec<(u64, u64)> = told.iter().collect();
    let all = Reader::open(dir.path()).expect("a tape").headers().len() as u64;
    assert!(told.len() > 1 && told.is_sorted() && told.last() == Some(&(all, all)), "{told:?}");
}
