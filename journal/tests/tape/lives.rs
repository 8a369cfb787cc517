//! A tape over several processes: ended in order, torn behind an end, its beginning dropped.

use journal::verify::{Verdict, verify_on};
use journal::{JournalError, Kind, Note, PAGE_BYTES, Reader, SECTOR_BYTES, Tape};

use crate::made::{append, dir, head, manifest, read, segment, sequences, tape};
use crate::sim::SimDisk;

const SEGMENT_BYTES: u64 = 4 * PAGE_BYTES;

fn open(disk: &SimDisk) -> Result<(Tape<SimDisk>, journal::Opening), JournalError> {
    Tape::open(disk.clone(), &dir(), SEGMENT_BYTES)
}

fn damaged<T>(result: Result<T, JournalError>) -> String {
    match result {
        Err(error @ JournalError::Damaged { .. }) => error.to_string(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it opened"),
    }
}

#[test]
fn a_closed_tape_goes_on_in_a_new_segment_where_a_block_may_be_torn() {
    let (disk, mut tape) = tape(SEGMENT_BYTES);
    append(&mut tape, &[1], false).expect("the disk is whole");
    let end = tape.close(5).expect("the disk is whole");
    assert_eq!(disk.content(&segment(1)).len() as u64, 3 * PAGE_BYTES, "cut off behind the last block");
    let (mut again, opening) = open(&disk).expect("the disk is whole");
    assert_eq!((opening.closed, opening.epoch, opening.head), (true, 1, end));
    append(&mut again, &[1], false).expect("the disk is whole");
    let mut content = disk.content(&segment(2));
    content[..SECTOR_BYTES].fill(0);
    disk.put(&segment(2), &content);
    let (mut third, opening) = open(&disk).expect("it is torn");
    assert_eq!((opening.closed, opening.head, opening.set_aside.len()), (false, end, 1));
    append(&mut third, &[1, 1], false).expect("the disk is whole");
    assert_eq!(sequences(&read(&disk, &dir())), [1, 2, 3]);
    assert_eq!(third.last().epoch, 1, "nothing was left of the epoch before");
}

#[test]
fn a_closed_tape_that_was_not_cut_off_is_good_unless_anything_stands_behind_its_end() {
    let (disk, mut tape) = tape(SEGMENT_BYTES);
    append(&mut tape, &[1], false).expect("the disk is whole");
    tape.close(5).expect("the disk is whole");
    let mut content = disk.content(&segment(1));
    content.resize(SEGMENT_BYTES as usize, 0);
    disk.put(&segment(1), &content);
    assert!(open(&disk.copy()).expect("the power went before it was cut off").1.closed);
    content[3 * PAGE_BYTES as usize + 700] = 1;
    disk.put(&segment(1), &content);
    assert!(damaged(open(&disk)).contains("block 3 after sequence 1"));
}

#[test]
fn what_was_dropped_is_told_and_a_segment_that_is_merely_gone_is_damage() {
    let (disk, mut tape) = tape(SEGMENT_BYTES);
    for _ in 0..12 {
        append(&mut tape, &[1], false).expect("the disk is whole");
    }
    let before = disk.copy();
    let bytes = tape.bytes();
    let note = tape.drop_before(9).expect("the disk is whole");
    let Some(Note::Dropped { segments: 2, block: 7, .. }) = note else { panic!("{note:?}") };
    assert_eq!(tape.bytes(), bytes - 2 * SEGMENT_BYTES);
    assert_eq!(tape.drop_before(9).expect("the disk is whole"), None);
    tape.anchor().expect("the disk is whole");
    let report = verify_on(&disk, &dir());
    assert_eq!((report.verdict, report.blocks), (Verdict::Clean, 6), "{report:?}");
    let reader = Reader::open_on(&disk, &dir()).expect("the tape is whole");
    assert_eq!(reader.headers().last().map(|block| block.header.kind), Some(Kind::Dropped));
    assert_eq!((reader.block_of(1), reader.block_of(9), reader.block_of(99)), (Some(0), Some(1), None));
    assert_eq!(sequences(&read(&disk, &dir())), [8, 9, 10, 11, 12]);
    let (mut again, _) = open(&disk).expect("the tape is whole");
    append(&mut again, &[1], false).expect("the disk is whole");

    // the power went when the first of two segments was gone
    journal::disk::Disk::remove(&before, &segment(1)).expect("it is there");
    assert!(damaged(open(&before)).contains("no record says"));
    assert_eq!(verify_on(&before, &dir()).verdict, Verdict::Broken);
    let both = disk.copy();
    both.put(&segment(2), &before.content(&segment(2)));
    assert_eq!(verify_on(&both, &dir()).verdict, Verdict::Clean);
}

#[test]
fn a_tape_is_begun_once_and_refuses_what_it_cannot_hold() {
    let (disk, mut tape) = tape(SEGMENT_BYTES);
    let again = Tape::create(disk.clone(), &dir(), &manifest("again"), SEGMENT_BYTES);
    assert!(matches!(again, Err(JournalError::Exists { .. })));
    let missing = Tape::open(SimDisk::default(), &dir(), SEGMENT_BYTES);
    assert!(matches!(missing, Err(JournalError::Missing { .. })));
    append(&mut tape, &[1], false).expect("the disk is whole");
    let large = append(&mut tape, &[9_000], false).expect_err("it is larger than a segment").to_string();
    assert!(large.contains("beyond the 16384 of a segment") && large.contains("append less"), "{large}");
    let back = tape.append(&[], 0, head(0)).expect_err("it goes back").to_string();
    assert!(back.contains("it ends with input 0, and 1 is written already"), "{back}");
    append(&mut tape, &[1], false).expect("a refusal is no failure");
    let mut other = disk.content(&dir().join("manifest.json"));
    other.push(b' ');
    disk.put(&dir().join("manifest.json"), &other);
    assert!(damaged(open(&disk)).contains("manifest.json"));
}
