//! What somebody's hand may do to a tape, and what finds it: the chain, the records themselves, or only
//! the anchor. This is the list of `docs/tape.md`.

use journal::disk::{Disk, DiskFile};
use journal::verify::{Verdict, verify_on};
use journal::{Entry, Hash, Head, Header, JournalError, Reader, SECTOR_BYTES, STAMP, Tape, codec, span};
use synapse::Digest;

use crate::made::{decision, dir, head, input, manifest, segment};
use crate::sim::SimDisk;

const SEGMENT_BYTES: u64 = 64 << 10;

/// A block taken apart, with its frames and not its payload.
#[derive(Clone)]
struct Block {
    header: Header,
    frames: Vec<u8>,
}

/// Five blocks: the first, and four of three inputs with a decision each.
fn tape(run: &str) -> SimDisk {
    let disk = SimDisk::default();
    let mut tape =
        Tape::create(disk.clone(), &dir(), &manifest(run), SEGMENT_BYTES).expect("the tape is whole");
    let mut digest = Digest::default();
    for block in 0..4 {
        let mut frames = Vec::new();
        for sequence in block * 3 + 1..=block * 3 + 3 {
            let bytes = decision(sequence).to_bytes();
            digest.push(&bytes);
            codec::frame(Entry::Input(&input(sequence, 2, false)), &mut frames);
            codec::frame(Entry::Decision { late: block == 1, bytes: &bytes }, &mut frames);
        }
        tape.append(&frames, 6, Head { digest, ..head(block * 3 + 3) }).expect("the tape is whole");
    }
    tape.anchor().expect("the tape is whole");
    assert_eq!(verify_on(&disk, &dir()).verdict, Verdict::Clean);
    disk
}

/// Takes a tape apart, by the layout that is written down and none of the code under test.
fn take_apart(disk: &SimDisk) -> Vec<Block> {
    let content = disk.content(&segment(1));
    let blocks = Reader::open_on(disk, &dir()).expect("the tape is whole").headers().to_vec();
    let apart = |at: &journal::BlockAt| {
        let sectors = content[at.offset as usize..(at.offset + at.bytes()) as usize].chunks(SECTOR_BYTES);
        let inner: Vec<u8> = sectors.flat_map(|sector| sector[..SECTOR_BYTES - 1].to_vec()).collect();
        let payload = &inner[200..200 + at.header.payload_bytes as usize];
        let raw = zstd::bulk::decompress(payload, 1 << 20);
        Block { header: at.header, frames: raw.unwrap_or_else(|_| payload.to_vec()) }
    };
    blocks.iter().map(apart).collect()
}

/// Writes blocks in place of a tape; each block's own CRC and hashes fit. The anchor stays.
fn put_together(disk: &SimDisk, blocks: &[Block]) {
    let mut content = Vec::new();
    for Block { header, frames } in blocks {
        let payload = if header.number == 0 {
            frames.clone()
        } else {
            zstd::bulk::compress(frames, 1).expect("the tape is whole")
        };
        let (payload_bytes, raw_bytes) = (payload.len() as u32, frames.len() as u32);
        let header = Header { payload_bytes, raw_bytes, payload: Hash::of(&payload), ..*header };
        let mut inner = [&header.to_bytes()[..], &payload].concat();
        inner.resize(span(payload.len()) as usize / SECTOR_BYTES * (SECTOR_BYTES - 1), 0);
        for sector in inner.chunks(SECTOR_BYTES - 1) {
            content.extend_from_slice(sector);
            content.push(STAMP);
        }
    }
    content.resize(SEGMENT_BYTES as usize, 0);
    disk.put(&segment(1), &content);
}

/// Makes numbers and hashes of all blocks chain again, as somebody would who knows how.
fn chain(blocks: &mut [Block]) {
    for at in 1..blocks.len() {
        let before = &blocks[at - 1];
        let payload = if at == 1 {
            before.frames.clone()
        } else {
            zstd::bulk::compress(&before.frames, 1).expect("the tape is whole")
        };
        let fitted = Header {
            payload_bytes: payload.len() as u32,
            raw_bytes: before.frames.len() as u32,
            payload: Hash::of(&payload),
            ..before.header
        };
        (blocks[at].header.previous, blocks[at].header.number) = (fitted.hash(), at as u64);
    }
}

/// Changes the frames of a block: what stands at a place in it, counted from 0, is replaced.
fn replace(block: &mut Block, at: usize, with: &[Entry<'_>]) {
    let codec = codec::codec(journal::FORMAT).expect("the tape is whole");
    let mut frames = Vec::new();
    for (place, frame) in codec.frames(&block.frames).expect("the tape is whole").into_iter().enumerate() {
        if place == at {
            with.iter().for_each(|entry| codec::frame(*entry, &mut frames));
        } else {
            frames.extend_from_slice(&(frame.body.len() as u32).to_le_bytes());
            frames.push(frame.kind as u8);
            frames.extend_from_slice(frame.body);
        }
    }
    block.header.records = codec.frames(&frames).expect("the tape is whole").len() as u32;
    block.frames = frames;
}

/// What must be found after blocks were changed: the block and a part of the sentence; none where
/// nothing can be seen.
fn attack(change: impl FnOnce(&mut Vec<Block>), anchor: bool) -> Option<(u64, String)> {
    let disk = tape("ours");
    let mut blocks = take_apart(&disk);
    change(&mut blocks);
    put_together(&disk, &blocks);
    if !anchor {
        disk.remove(&dir().join("anchor")).expect("the tape is whole");
    }
    let report = verify_on(&disk, &dir());
    assert_eq!(report.anchored.is_some(), anchor);
    assert_eq!(report.first_bad.is_some(), report.verdict == Verdict::Broken, "{report:?}");
    report.first_bad.map(|bad| (bad.block, bad.why))
}

fn expect(found: Option<(u64, String)>, block: u64, words: &str) {
    let (at, why) = found.expect("it is found");
    assert!(at == block && why.contains(words), "block {at}: {why}");
}

fn other_input(sequence: u64) -> synapse::Input {
    synapse::Input { kind: input(99, 3, false).kind, ..input(sequence, 0, false) }
}

#[test]
fn taking_apart_and_putting_together_changes_nothing() {
    assert_eq!(attack(|_| (), true), None);
    assert_eq!(attack(|blocks| chain(blocks), true), None);
}

#[test]
fn a_record_changed_or_a_block_dropped_inserted_or_taken_from_elsewhere_breaks_the_chain() {
    let changed = |blocks: &mut Vec<Block>| replace(&mut blocks[2], 0, &[Entry::Input(&other_input(4))]);
    expect(attack(changed, false), 3, "it was written behind");
    expect(attack(|blocks| drop(blocks.remove(2)), false), 2, "it says that it is block 3");
    let inserted = |blocks: &mut Vec<Block>| blocks.insert(2, blocks[2].clone());
    expect(attack(inserted, false), 3, "it says that it is block 2");
    let another = take_apart(&tape("another"));
    expect(attack(|blocks| blocks[3] = another[3].clone(), false), 3, "it is of another run");
}

#[test]
fn where_the_chain_is_made_to_fit_again_records_that_no_longer_follow_each_other_are_found() {
    let fitted = |change: &dyn Fn(&mut Vec<Block>)| {
        attack(
            |blocks| {
                change(blocks);
                chain(blocks);
            },
            false,
        )
    };
    expect(fitted(&|blocks| drop(blocks.remove(2))), 2, "it holds the inputs 7 to 9 and stands behind 3");
    expect(fitted(&|blocks| replace(&mut blocks[2], 2, &[])), 2, "input 6 stands behind input 4");
    let late = decision(5).to_bytes();
    let twice = [Entry::Decision { late: true, bytes: &late }; 2];
    expect(fitted(&|blocks| replace(&mut blocks[2], 3, &twice)), 2, "the digest of the decisions");
    let other = decision(99).to_bytes();
    let instead = [Entry::Decision { late: true, bytes: &other }];
    expect(fitted(&|blocks| replace(&mut blocks[2], 3, &instead)), 2, "the digest of the decisions");
}

#[test]
fn only_the_anchor_finds_a_tape_rewritten_from_one_place_to_its_end() {
    let rewritten = |blocks: &mut Vec<Block>| {
        replace(&mut blocks[2], 0, &[Entry::Input(&other_input(4))]);
        chain(blocks);
    };
    expect(attack(rewritten, true), 4, "the anchor names");
    assert_eq!(attack(rewritten, false), None, "a chain without a signature cannot show it");
    let last = |blocks: &mut Vec<Block>| replace(&mut blocks[4], 0, &[Entry::Input(&other_input(10))]);
    expect(attack(last, true), 4, "the anchor names");
    assert_eq!(attack(last, false), None, "nothing stands behind the last block");
}

#[test]
fn only_the_anchor_finds_a_tail_cut_off() {
    let cut = |blocks: &mut Vec<Block>| blocks.truncate(4);
    expect(attack(cut, true), 4, "the tape ends before the head that was anchored");
    assert_eq!(attack(cut, false), None, "a chain cannot see its own tail cut off");
    let disk = tape("ours");
    let blocks = take_apart(&disk);
    put_together(&disk, &blocks[..4]);
    let opened = Tape::open(disk.clone(), &dir(), SEGMENT_BYTES);
    assert!(matches!(opened, Err(JournalError::Damaged(journal::Damage { block: 4, sequence: 9, .. }))));
    let size = disk.open(&segment(1), false).expect("the tape is whole").size().expect("the tape is whole");
    assert_eq!(size, SEGMENT_BYTES, "nothing was written");
}
