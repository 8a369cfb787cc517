//! A venue over a bad line: requests and reports rejected, lost, late, doubled, out of order, slow,
//! connections cut, and the daemon killed on the way.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::thread;

use janus::venue::How;
use serde_json::Value;

use super::common::{status, until, until_status};
use super::place::Place;
use super::stage::{Stage, agreed, ends};
use super::tape::{Books, records};

/// Every kind there is, by its name in what a venue tells last.
const KINDS: [&str; 8] =
    ["rejected", "lost", "lost_fills", "late", "doubled", "reordered", "disconnected", "slow"];

/// What a run over a bad line came to.
struct Came {
    seed: u64,
    faults: Value,
    latch: Option<String>,
    fills: usize,
}

/// Trades a feed to its end with two kills on the way; both sides agree then.
fn run(seed: u64) -> Came {
    // what rests is cancelled, what takes fills: both in turn
    let place = if seed.is_multiple_of(2) { Place::eager(20_000) } else { Place::new(20_000) };
    let stage = Stage::of(place, &["--speed", "10", "--faults", &seed.to_string()]);
    let journal = &stage.journal;
    for share in [3, 1] {
        let daemon = stage.start(journal);
        until_status(journal, "some orders", |status| status["decisions"].as_u64() > Some(3_000 / share));
        daemon.kill();
    }
    let daemon = stage.start(journal);
    stage.place.settled(journal);
    let latch = status(journal).expect("it runs")["latch"].as_str().map(ToOwned::to_owned);
    let (records, _) = stage.finish(daemon);
    let fills = Books::of(&records).executions.len();
    let last = stage.venue.stop().json();
    Came { seed, faults: last["faults"].clone(), latch, fills }
}

#[test]
fn whatever_a_line_does_both_sides_agree_in_the_end() {
    let mut counts = BTreeMap::new();
    let mut fills = 0;
    for first in (1..=12).step_by(2) {
        // a rare fault that the first six seeds did not meet is looked for in six more
        if first > 6 && counts.values().all(|count| *count > 0) {
            break;
        }
        let pair: [u64; 2] = [first, first + 1];
        let runs = pair.map(|seed| thread::spawn(move || run(seed)));
        for came in runs.map(|run| run.join().expect("it agrees")) {
            eprintln!("seed {}: {} fills, {}, latch {:?}", came.seed, came.fills, came.faults, came.latch);
            for kind in KINDS {
                *counts.entry(kind).or_insert(0) += came.faults[kind].as_u64().expect("a number");
            }
            fills += came.fills;
        }
    }
    assert!(fills > 20, "{fills} fills");
    assert!(counts.values().all(|count| *count > 0), "a fault that never occurred: {counts:?}");
}

#[test]
fn fills_during_a_disconnect_are_recovered() {
    let stage = Stage::of(Place::new(20_000), &["--speed", "6"]);
    let (relay, journal) = (&stage.relay, &stage.journal);
    let known = || Books::of(&records(journal)).executions.len();
    let daemon = stage.start(journal);
    let held = until("a fill while nothing is heard", || {
        agreed(journal);
        relay.dumb.store(true, Ordering::SeqCst);
        let there = until_any(|| stage.state().fills.len(), known());
        relay.down.store(true, Ordering::SeqCst);
        relay.cut();
        let missed = there.saturating_sub(known());
        relay.mend();
        (missed > 0).then_some(there)
    });
    until("the missed fills", || (known() >= held).then_some(()));
    stage.finish(daemon);
}

/// Looks for a while whether there are more than `before`; how many there are.
fn until_any(count: impl Fn() -> usize, before: usize) -> usize {
    (0..200).map(|_| count()).find(|count| *count > before).unwrap_or(before)
}

#[test]
fn orders_lost_in_an_outage_are_never_sent_again() {
    let stage = Stage::of(Place::new(12_000), &["--speed", "4"]);
    let journal = &stage.journal;
    let daemon = stage.start(journal);
    agreed(journal);
    stage.relay.deaf.store(true, Ordering::SeqCst);
    let lost = until("an order lost on its way", || stage.relay.lost());
    stage.relay.cut();
    stage.relay.mend();
    until("its tombstone", || (ends(&stage.state(), lost.id) == [How::Tombstone]).then_some(()));
    stage.finish(daemon);
}
