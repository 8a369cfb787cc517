//! The index behind the tape (J5): what it says is what a scan of the tape says, however it came to be.

mod damage;
mod pen;
mod story;

use std::path::Path;

use journal::index::{Index, IndexOptions, spawn_follower};
use journal::{JournalError, Reader, Record};
use tempfile::TempDir;

use pen::Pen;
use story::{Dice, ask, encoder, scan, story};

const SEGMENT_BYTES: u64 = 1 << 20;

fn options() -> IndexOptions {
    IndexOptions { encoder: Box::new(encoder), progress: Box::new(|_, _| {}) }
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
    let counts: Vec<u64> = index.counts().map(|(_, count)| count).collect();
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
        let rebuilt = Index::rebuild(dir.path(), options()).expect("it opens");
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

#[test]
fn what_retention_dropped_stays_until_it_is_rebuilt() {
    let records = story(6, 600);
    let dir = tempfile::tempdir().expect("a folder");
    let mut pen = Pen::create(dir.path(), "run", 64 << 10);
    let (mut blocks, mut closed) = (records.chunks(20), Vec::new());
    blocks.by_ref().take(40).for_each(|block| pen.block(block));
    let mut index = open(dir.path());
    blocks.by_ref().take(10).for_each(|block| pen.block(block));
    pen.drop_before(30);
    index.follow(&Reader::open(dir.path()).expect("a tape")).expect("followed");
    assert_eq!(index.opened().rebuilt.as_deref(), Some("there was none"));
    let all = scan(&records[..1000]);
    ask(&mut index, all.orders.keys().copied()).assert_are(&all, "followed over retention");
    closed.push(index.counts().collect::<Vec<_>>());
    drop(index);
    // now blocks are dropped that the index has never seen
    blocks.for_each(|block| pen.block(block));
    pen.drop_before(70);
    let first = Reader::open(dir.path()).expect("a tape").headers()[0].header.number;
    assert!(first > 52, "nothing unseen was dropped: {first}");
    let index = open(dir.path());
    assert_eq!((index.opened().rebuilt.as_deref(), index.opened().dropped), (None, first));
    closed.push(index.counts().collect());
    drop(index);
    std::fs::remove_dir_all(dir.path().join("index")).expect("removed");
    let rebuilt = open(dir.path());
    assert_eq!(rebuilt.opened().dropped, first);
    let counts: Vec<_> = rebuilt.counts().collect();
    assert!(closed[1][0].1 > closed[0][0].1 && counts[0].1 < closed[1][0].1, "{closed:?} {counts:?}");
}

#[test]
fn the_second_to_open_it_is_told_and_the_first_goes_on() {
    let records = story(3, 100);
    let dir = taped(&records, 20);
    let first = open(dir.path());
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
