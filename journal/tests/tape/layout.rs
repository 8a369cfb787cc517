//! Losses and flipped bits, everywhere in the last blocks of a small tape; what must come of them is
//! computed from where the blocks lie, and from nothing else.

use std::thread;

use journal::verify::{Verdict, verify_on};
use journal::{BlockAt, JournalError, PAGE_BYTES, Reader, SECTOR_BYTES, Tape};

use crate::made::{append, dir, read, segment, sequences, tape};
use crate::sim::{Random, SimDisk};

const SECTOR: u64 = SECTOR_BYTES as u64;

/// A tape of a process that did not end, and where its blocks lie.
struct Unclean {
    disk: SimDisk,
    blocks: Vec<BlockAt>,
    anchored: u64,
    segment_bytes: u64,
}

impl Unclean {
    /// Four blocks of which the anchor knows those up to `anchored`; the last in a segment of its own
    /// where `apart`, the one before of two pages, and their content zeros where `zeros`.
    fn new(anchored: u64, apart: bool, zeros: bool) -> Self {
        let segment_bytes = if apart { 4 } else { 8 } * PAGE_BYTES;
        let (disk, mut tape) = tape(segment_bytes);
        for (block, weights) in [vec![3], vec![1600, 900], vec![4]].iter().enumerate() {
            let weights = if zeros { vec![1, 1] } else { weights.clone() };
            append(&mut tape, &weights, zeros).expect("the disk is whole");
            if (block as u64) < anchored {
                tape.anchor().expect("the disk is whole");
            }
        }
        if apart && zeros {
            append(&mut tape, &[1], zeros).expect("the disk is whole");
        }
        let blocks = Reader::open_on(&disk, &dir()).expect("the disk is whole").headers().to_vec();
        let (before, last) = (&blocks[blocks.len() - 2], &blocks[blocks.len() - 1]);
        assert_eq!(before.segment != last.segment, apart);
        Self { disk, blocks, anchored, segment_bytes }
    }

    fn last_two(&self) -> &[BlockAt] {
        &self.blocks[self.blocks.len() - 2..]
    }

    /// The sectors of the last two blocks: segment and place in it.
    fn sectors(&self) -> Vec<(u32, u64)> {
        let of = |block: &BlockAt| {
            (block.offset / SECTOR..(block.offset + block.bytes()) / SECTOR)
                .map(|at| (block.segment, at))
                .collect::<Vec<_>>()
        };
        self.last_two().iter().flat_map(of).collect()
    }

    /// The head that must be found where some sectors were lost; none where it is damage.
    fn expected(&self, lost: impl Fn(u32, u64) -> bool) -> Option<u64> {
        let whole = |block: &BlockAt| {
            (block.offset..block.offset + block.bytes())
                .step_by(SECTOR_BYTES)
                .all(|at| !lost(block.segment, at / SECTOR))
        };
        let good = self.blocks.iter().take_while(|block| whole(block)).count();
        let head = good as u64 - 1;
        let behind = self.blocks[good..].iter().any(whole);
        (!behind && head >= self.anchored).then_some(head)
    }

    /// Opens a disk on which sectors were lost, compares with what must be, and goes on.
    fn open(&self, disk: &SimDisk, expected: Option<u64>, what: &str) {
        let report = verify_on(disk, &dir());
        let seen = Reader::open_on(disk, &dir()).ok().and_then(|reader| Some(reader.head()?.block));
        assert_eq!(seen, expected, "reader, {what}");
        assert_eq!(report.verdict == Verdict::Clean, expected.is_some(), "{what}: {report:?}");
        let opened = Tape::open(disk.clone(), &dir(), self.segment_bytes);
        let Some(head) = expected else {
            let damaged = matches!(opened, Err(JournalError::Damaged { .. }));
            assert!(damaged, "{what}: opened");
            return;
        };
        let (mut tape, opening) = opened.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((opening.head.block, opening.closed), (head, false), "{what}");
        assert_eq!(report.head, Some(opening.head), "{what}");
        append(&mut tape, &[2], false).expect("the disk is whole");
        let all: Vec<u64> = (1..=opening.head.sequence + 1).collect();
        assert_eq!(sequences(&read(disk, &dir())), all, "{what}");
    }
}

/// Does something for each of so many cases, on two threads.
fn each(cases: u64, work: impl Fn(u64) + Sync) {
    thread::scope(|scope| {
        for half in 0..2 {
            let work = &work;
            scope.spawn(move || (half..cases).step_by(2).for_each(work));
        }
    });
}

#[test]
fn a_tape_that_is_cut_off_at_any_byte_of_the_last_two_blocks_ends_with_the_last_whole_one() {
    for (anchored, zeros) in [(0, false), (2, false), (3, false), (0, true)] {
        let unclean = Unclean::new(anchored, false, zeros);
        let (from, file) = (unclean.last_two()[0].offset, segment(1));
        let last = &unclean.last_two()[1];
        let content = unclean.disk.content(&file);
        each(last.offset + last.bytes() - from, |at| {
            let length = from + at;
            // where the anchor or the content differ, only the edges of sectors and a few between
            if (anchored, zeros) != (0, false)
                && !(length + 1).is_multiple_of(53)
                && (length + 1) % SECTOR > 2
            {
                return;
            }
            let disk = unclean.disk.copy();
            disk.put(&file, &content[..length as usize]);
            let expected = unclean.expected(|_, sector| (sector + 1) * SECTOR > length);
            unclean.open(&disk, expected, &format!("cut at {length}, anchored {anchored}, zeros {zeros}"));
        });
    }
}

/// Loses those sectors of the last two blocks whose bit is set.
fn lose(unclean: &Unclean, subset: u64) {
    let sectors = unclean.sectors();
    let lost: Vec<(u32, u64)> = sectors
        .iter()
        .enumerate()
        .filter(|(at, _)| subset >> at & 1 == 1)
        .map(|(_, sector)| *sector)
        .collect();
    let disk = unclean.disk.copy();
    for number in unclean.last_two().iter().map(|block| block.segment) {
        let mut content = disk.content(&segment(number));
        for (_, at) in lost.iter().filter(|(segment, _)| *segment == number) {
            content[(at * SECTOR) as usize..((at + 1) * SECTOR) as usize].fill(0);
        }
        disk.put(&segment(number), &content);
    }
    let expected = unclean.expected(|segment, at| lost.contains(&(segment, at)));
    let anchored = unclean.anchored;
    unclean.open(&disk, expected, &format!("sectors {lost:?} lost, anchored {anchored}"));
}

#[test]
fn a_tape_that_lost_any_sectors_of_the_last_two_blocks_ends_before_the_first_of_them() {
    let seed = 20_261_125;
    for (anchored, apart, zeros) in [
        (0, false, true),
        (0, false, false),
        (0, true, false),
        (2, true, true),
        (2, false, false),
        (3, false, true),
    ] {
        let unclean = Unclean::new(anchored, apart, zeros);
        let sectors = unclean.sectors().len() as u64;
        let first = unclean.last_two()[0].bytes() / SECTOR;
        // every subset within either block alone where it is of one page, then any at random
        let ones = (1..256).map(|subset| subset << first);
        let alone = (1..1 << first.min(8)).chain(ones);
        let all = (1 << first) - 1;
        let mut random = Random(seed);
        let mixed = (0..2_000).map(|_| random.below(1 << sectors));
        let subsets: Vec<u64> = alone.chain([all, all << first, (1 << sectors) - 1]).chain(mixed).collect();
        eprintln!("seed {seed}, {} subsets of {sectors} sectors", subsets.len());
        each(subsets.len() as u64, |at| lose(&unclean, subsets[at as usize]));
    }
}

#[test]
fn any_flipped_bit_in_the_last_two_blocks_of_an_unclean_tape_is_found_and_the_block_named() {
    for zeros in [true, false] {
        let unclean = Unclean::new(0, false, zeros);
        for block in unclean.last_two() {
            let disks = [unclean.disk.copy(), unclean.disk.copy()];
            each(block.bytes() * 8, |bit| {
                let disk = &disks[bit as usize % 2];
                let place = (block.offset * 8 + bit) as usize;
                disk.flip(&segment(1), place);
                let opened = Tape::open(disk.clone(), &dir(), unclean.segment_bytes).err();
                let named = matches!(opened, Some(JournalError::Damaged(journal::Damage { block: at, .. })) if at == block.header.number);
                assert!(named, "bit {bit} of block {}: {opened:?}", block.header.number);
                disk.flip(&segment(1), place);
            });
        }
    }
}

#[test]
fn any_flipped_bit_in_a_closed_tape_is_found_and_the_block_named() {
    let (disk, mut tape) = tape(3 * PAGE_BYTES);
    append(&mut tape, &[3], false).expect("the disk is whole");
    append(&mut tape, &[2000], false).expect("the disk is whole");
    tape.close(1).expect("the disk is whole");
    let report = verify_on(&disk, &dir());
    assert_eq!((report.verdict, report.blocks, report.closed), (Verdict::Clean, 4, true), "{report:?}");
    let blocks = Reader::open_on(&disk, &dir()).expect("the disk is whole").headers().to_vec();
    assert!(
        blocks[1].offset + blocks[1].bytes() < 3 * PAGE_BYTES && blocks[2].segment == 2,
        "a gap before the end"
    );
    let files = [segment(1), segment(2), dir().join("anchor"), dir().join("manifest.json")];
    for (number, file) in files.iter().enumerate() {
        let bits = disk.content(file).len() as u64 * 8;
        let disks = [disk.copy(), disk.copy()];
        each(bits, |bit| {
            let disk = &disks[bit as usize % 2];
            disk.flip(file, bit as usize);
            let report = verify_on(disk, &dir());
            assert_eq!(report.verdict, Verdict::Broken, "bit {bit} of {}", file.display());
            let found = report.first_bad.expect("it is broken");
            let inside = |block: &&BlockAt| block.segment as usize == number + 1 && block.offset <= bit / 8;
            if let Some(block) = blocks.iter().rfind(inside) {
                // zeros behind the last block of a segment are where the next one might have begun
                let gap = u64::from(bit / 8 >= block.offset + block.bytes());
                let named = block.header.number..=block.header.number + gap;
                assert!(named.contains(&found.block), "bit {bit} of {}: {found:?}", file.display());
            }
            disk.flip(file, bit as usize);
        });
    }
}

#[test]
fn what_was_torn_is_set_aside_as_it_was() {
    let unclean = Unclean::new(0, true, false);
    let last = &unclean.last_two()[1];
    let mut content = unclean.disk.content(&segment(last.segment));
    content[last.offset as usize..][..SECTOR_BYTES].fill(0);
    unclean.disk.put(&segment(last.segment), &content);
    let (_, opening) =
        Tape::open(unclean.disk.clone(), &dir(), unclean.segment_bytes).expect("the disk is whole");
    let [journal::Note::SetAside { file, block, bytes }] = &opening.set_aside[..] else {
        panic!("{:?}", opening.set_aside)
    };
    assert_eq!((*block, *bytes), (last.header.number, last.bytes()));
    let end = (last.offset + last.bytes()) as usize;
    assert_eq!(unclean.disk.content(&dir().join("aside").join(file)), content[last.offset as usize..end]);
    assert!(opening.epoch == 1 && !opening.closed);
}
