//! The regions as actors: whatever order the machine lets them work in, what comes out is what the plain
//! loop gives (L4, L5).

use std::collections::BTreeSet;

use janus::assemble::{self, Parts};
use janus::brain::{Actors, BrainParams, Credits, Engine, Rethink};
use janus::config::Config;
use journal::Record;
use synapse::Digest;

use crate::busy::{CONFIG, events, instruments, whole};
use crate::rethink::{Tape, orders};
use crate::{Events, config};

fn engine(config: &Config) -> Engine<Events> {
    let stream = events(&instruments(config), whole);
    assemble::engine(config, stream, orders()).expect("an engine").0
}

fn actors(workers: u32) -> Actors {
    Actors::new(&BrainParams { workers, ..BrainParams::default() }, None).expect("threads")
}

fn recorded(mut engine: Engine<Events>) -> (Engine<Events>, Vec<Record>) {
    let mut tape = Tape::default();
    engine.run(&mut tape).expect("no region faults");
    (engine, tape.0)
}

fn assert_replays(config: &Config, records: &[Record], digest: Digest, hosted: Option<Actors>) {
    let Parts { door, mut mind, broker, .. } = assemble::parts(config, orders()).expect("a brain");
    hosted.into_iter().for_each(|actors| mind.host(actors));
    let mut again = Rethink::new(door, mind, broker, BTreeSet::new());
    records.iter().for_each(|record| again.follow(record).expect("the same"));
    assert_eq!(again.mind().spine().digest(), digest);
}

#[test]
fn loop_and_line_are_one_at_every_latency() {
    let line = [
        ("one worker", 1, Credits::Fixed(256)),
        ("two workers", 2, Credits::Fixed(256)),
        ("credits of 1", 2, Credits::Fixed(1)),
        ("credits of 7", 2, Credits::Fixed(7)),
        ("credits of 64", 2, Credits::Fixed(64)),
        ("credits at random", 2, Credits::Drawn { seed: 11, most: 97 }),
    ];
    let (mut digests, mut batches) = (BTreeSet::new(), BTreeSet::new());
    for (at, entry_ns) in [100_000, 2_000_000, 50_000_000].into_iter().enumerate() {
        let config = config(&format!("{CONFIG}\n[exchange]\nentry_latency_ns = {entry_ns}\n"));
        let (plain, tape) = recorded(engine(&config));
        assert!(digests.insert(plain.digest().to_hex()), "{entry_ns} ns makes a difference");
        assert_replays(&config, &tape, plain.digest(), None);
        for (seed, (name, workers, credits)) in line.into_iter().enumerate() {
            let name = format!("{name}, entry latency {entry_ns} ns, seed {seed}");
            let hosted = engine(&config).on(actors(workers).yielding(seed as u64), credits);
            let (hosted, records) = recorded(hosted);
            assert_eq!(hosted.digest(), plain.digest(), "{name}");
            assert_eq!(records.len(), tape.len(), "{name}");
            assert!(records == tape, "the same tape: {name}");
            assert_eq!(hosted.line().state(), plain.line().state(), "{name}");
            assert_eq!(hosted.totals(), plain.totals(), "{name}");
            let gauges = hosted.gauges().regions().iter();
            batches.extend(gauges.filter_map(|gauge| gauge.batches()).map(|(_, most)| most));
        }
        if at == 1 {
            assert_replays(&config, &tape, plain.digest(), Some(actors(1)));
        }
    }
    assert!(batches.len() >= 4, "how much is passed on together varies: {batches:?}");
}
