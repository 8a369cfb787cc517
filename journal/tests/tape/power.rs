//! Power cuts, full disks and failing syncs under the real writer.

use journal::verify::{Verdict, verify_on};
use journal::{Entry, JournalError, Note, PAGE_BYTES, Tape, codec};

use crate::made::{append, dir, input, manifest, read, sequences};
use crate::sim::{Fault, Random, SimDisk};

const SEGMENT_BYTES: u64 = 4 * PAGE_BYTES;

/// What a process did until the disk failed.
#[derive(Debug, Default)]
struct Life {
    /// The last input that was acknowledged, and the last that was tried.
    durable: u64,
    tried: u64,
    /// What it was at when the disk failed.
    at: &'static str,
}

/// Creates or opens the tape, and writes, anchors, drops, prepares and closes until an error.
fn live(disk: &SimDisk, random: &mut Random, life: &mut Life) -> Result<(), JournalError> {
    life.at = "opening";
    let mut tape = match Tape::open(disk.clone(), &dir(), SEGMENT_BYTES) {
        Ok((mut tape, opening)) => {
            let found = opening.head.sequence;
            assert!(found >= life.durable, "{} was acknowledged and {found} is the last", life.durable);
            assert!(found <= life.tried, "{found} is the last and only {} were tried", life.tried);
            life.durable = found;
            let mut frames = Vec::new();
            opening.set_aside.iter().for_each(|note| codec::frame(Entry::Note(note), &mut frames));
            if !frames.is_empty() {
                let head = crate::made::head(found);
                tape.append(&frames, opening.set_aside.len() as u32, head)?;
            }
            tape
        }
        Err(JournalError::Missing { .. }) => {
            assert_eq!(life.durable, 0);
            life.at = "creating";
            Tape::create(disk.clone(), &dir(), &manifest("power"), SEGMENT_BYTES)?
        }
        Err(error) => {
            assert!(!matches!(error, JournalError::Damaged { .. }), "{error}");
            return Err(error);
        }
    };
    for _ in 0..6 + random.below(10) {
        match random.below(12) {
            0 => {
                life.at = "anchoring";
                tape.anchor()?;
            }
            1 => {
                life.at = "preparing";
                tape.spare().prepare()?;
            }
            2 => {
                life.at = "dropping";
                tape.drop_before(tape.head().block.saturating_sub(5))?;
            }
            _ => {
                life.at = "appending";
                let weights: Vec<u64> = (0..1 + random.below(3)).map(|_| random.below(2200)).collect();
                life.tried = tape.last().sequence_last + weights.len() as u64;
                append(&mut tape, &weights, false)?;
                life.durable = life.tried;
            }
        }
    }
    if random.below(2) == 0 {
        life.at = "closing";
        tape.close(1)?;
    }
    Ok(())
}

/// All that was acknowledged is there, in order and as it was, from the first segment that was kept.
fn check(disk: &SimDisk, life: &Life) {
    let report = verify_on(disk, &dir());
    assert_eq!(report.verdict, Verdict::Clean, "{report:?}");
    let records = read(disk, &dir());
    let found = sequences(&records);
    let (Some(first), Some(last)) = (found.first(), found.last()) else {
        assert_eq!(life.durable, 0);
        return;
    };
    assert!((life.durable..=life.tried).contains(last), "{life:?}: {last} is the last");
    assert_eq!(found, (*first..=*last).collect::<Vec<_>>());
    let dropped = records.iter().any(|record| matches!(record, journal::Record::Note(Note::Dropped { .. })));
    assert!(*first == 1 || dropped);
    for record in &records {
        if let journal::Record::Input(found) = record {
            let journal_tick = matches!(&found.kind, synapse::InputKind::Tick(tick) if *found == input(found.sequence, tick.fresh.len() as u64, false));
            assert!(journal_tick, "input {} is another one", found.sequence);
        }
    }
}

#[test]
fn a_thousand_power_cuts_lose_nothing_that_was_acknowledged() {
    let (mut cuts, mut places) = (0, std::collections::BTreeMap::<&str, u32>::new());
    let (mut torn, mut beyond) = (0, 0);
    let mut seed = 0;
    while cuts < 1_000 {
        seed += 1;
        let mut random = Random(seed);
        let mut disk = SimDisk::default();
        let mut life = Life::default();
        eprintln!("seed {seed}");
        // a few processes on the same disk, each with a power cut or without
        for _ in 0..4 {
            disk.plan((random.below(5) > 0).then(|| Fault::PowerCut(1 + random.below(90))));
            let done = live(&disk, &mut random, &mut life);
            if done.is_err() {
                assert!(disk.counts().injected > 0, "{done:?}");
                cuts += 1;
                *places.entry(life.at).or_default() += 1;
                disk = disk.after_power_cut(random.next());
                let before = verify_on(&disk, &dir());
                torn += u32::from(before.torn_bytes > 0);
                beyond += u32::from(before.durable > life.durable);
            }
            disk.plan(None);
        }
        let mut quiet = Random(0);
        live(&disk, &mut quiet, &mut life).expect("the disk is whole");
        check(&disk, &life);
    }
    eprintln!("{cuts} cuts {places:?}, {torn} torn, {beyond} with more than was acknowledged");
    for at in ["opening", "creating", "anchoring", "preparing", "dropping", "appending", "closing"] {
        assert!(places.get(at).is_some_and(|count| *count >= 5), "{at}: {places:?}");
    }
    assert!(torn > 20 && beyond > 20, "{torn} torn, {beyond} beyond");
}

/// Lets a fault occur at every place where it can, until a run ends without it.
fn everywhere(fault: impl Fn(u64) -> Fault) -> u64 {
    for at in 0.. {
        let (disk, mut life) = (SimDisk::default(), Life::default());
        disk.plan(Some(fault(at)));
        let mut random = Random(7);
        let done = (0..5).try_for_each(|_| live(&disk, &mut random, &mut life));
        if disk.counts().injected == 0 {
            done.expect("the disk is whole");
            return at;
        }
        let error = done.expect_err("the fault is told").to_string();
        assert!(error.contains("make room or replace the disk, then start again"), "{at}: {error}");
        disk.plan(None);
        for disk in [disk.copy(), disk.after_power_cut(at)] {
            let (mut again, mut random) = (Life { ..life }, Random(9));
            live(&disk, &mut random, &mut again).expect("the disk is whole");
            check(&disk, &again);
            let disk = disk.after_power_cut(at);
            check(&disk, &again);
        }
    }
    unreachable!("there are fewer operations than numbers")
}

#[test]
fn a_disk_that_is_full_at_any_write_loses_nothing_that_was_acknowledged() {
    let places = everywhere(Fault::FullAtWrite);
    assert!(places > 30, "{places}");
}

#[test]
fn a_sync_that_fails_anywhere_loses_nothing_that_was_acknowledged() {
    let places = everywhere(Fault::FailedSync);
    assert!(places > 30, "{places}");
}

#[test]
fn after_a_failed_sync_nothing_is_written_any_more() {
    let (disk, mut tape) = crate::made::tape(SEGMENT_BYTES);
    append(&mut tape, &[1], false).expect("the disk is whole");
    disk.plan(Some(Fault::FailedSync(0)));
    let head = tape.head();
    assert!(append(&mut tape, &[1], false).is_err());
    let counts = disk.counts();
    assert_eq!((counts.syncs, counts.injected), (1, 1));
    for _ in 0..3 {
        let error = append(&mut tape, &[1], false).expect_err("it failed").to_string();
        assert!(error.contains("input/output error") && error.contains("start again"), "{error}");
        assert!(tape.anchor().is_err());
        assert!(tape.drop_before(u64::MAX).is_err() || tape.head() == head);
    }
    assert_eq!(tape.head(), head);
    assert!(tape.close(1).is_err());
    let after = disk.counts();
    assert_eq!((after.writes, after.syncs), (counts.writes, counts.syncs), "nothing was tried again");
}
