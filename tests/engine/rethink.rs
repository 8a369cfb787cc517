//! Thinking again (D3): a recorded run gives the same decisions from the beginning and from every
//! snapshot, and a planted change is named.

use std::collections::BTreeSet;

use janus::assemble::{self, Orders, Parts};
use janus::brain::{Advance, Cut, Observer, Rethink, Stray};
use janus::config::Config;
use journal::{Decision, Hash, Marker, Record};
use market::Quantity;
use market::feed::Format;
use synapse::{DecisionRecord, Digest, Input, InputKind, NoticeKind};

use crate::busy::{CONFIG, arm, events, instruments, whole};
use crate::config;

/// A tape in memory.
#[derive(Default)]
pub struct Tape(pub Vec<Record>);

impl Observer for Tape {
    fn admitted(&mut self, input: &Input) {
        self.0.push(Record::Input(input.clone()));
    }

    fn decided(&mut self, record: &DecisionRecord, _bytes: &[u8], _digest: Digest) {
        self.0.push(Record::Decision(Box::new(Decision { late: false, record: record.clone() })));
    }
}

pub fn orders() -> Orders {
    Orders { commands: arm(), formats: vec![Format::Bitstamp, Format::Ndjson], ..Orders::default() }
}

/// Snapshots: each stands behind so many records.
type Cuts = Vec<(usize, Vec<u8>)>;

/// The busy tape, and the snapshots taken of it: behind which record, and what.
fn recorded(config: &Config, every: usize) -> (Vec<Record>, Cuts, Digest) {
    let stream = events(&instruments(config), whole);
    let (mut engine, _) = assemble::engine(config, stream, orders()).expect("an engine");
    let (mut tape, mut cuts) = (Tape::default(), Vec::new());
    let mut inputs = 0;
    while engine.advance(&mut tape).expect("no fault") == Advance::Moved {
        inputs += 1;
        if inputs % every == 0 {
            let state = engine.cut().to_bytes();
            let (sequence, time) = (engine.door().sequence(), engine.door().now());
            if matches!(tape.0.last(), Some(Record::Marker(marker)) if marker.sequence == sequence) {
                continue;
            }
            tape.0.push(Record::Marker(Marker { sequence, time, state: Hash::of(&state) }));
            cuts.push((tape.0.len(), state));
        }
    }
    engine.end(&mut tape).expect("no fault");
    (tape.0, cuts, engine.digest())
}

fn rethink(config: &Config) -> Rethink {
    let Parts { door, mind, broker, .. } = assemble::parts(config, orders()).expect("a brain");
    Rethink::new(door, mind, broker, BTreeSet::new())
}

#[test]
fn a_run_thought_again_is_the_same_from_the_beginning_and_from_every_snapshot() {
    let config = config(CONFIG);
    let (records, cuts, digest) = recorded(&config, 997);
    assert!(cuts.len() > 20, "{} snapshots", cuts.len());
    let mut whole = rethink(&config);
    for record in &records {
        whole.follow(record).expect("the same");
    }
    assert_eq!(whole.mind().spine().digest(), digest);
    assert_eq!(whole.proof().markers as usize, cuts.len(), "the state behind every marker is proved");
    let decisions = records.iter().filter(|r| matches!(r, Record::Decision(_))).count() as u64;
    assert_eq!(whole.proof().decisions, decisions);
    for (from, state) in cuts.iter().step_by(3) {
        let mut part = rethink(&config);
        part.restore(Cut::from_bytes(state).expect("a cut")).expect("a snapshot");
        for record in &records[*from..] {
            part.follow(record).expect("the same");
        }
        assert_eq!(part.mind().spine().digest(), digest, "from record {from}");
        assert!(part.proof().inputs < whole.proof().inputs);
    }
}

#[test]
fn a_brain_cut_off_anywhere_goes_on_to_the_same_end() {
    let config = config(CONFIG);
    let (records, _, digest) = recorded(&config, usize::MAX);
    let feed: Vec<_> = events(&instruments(&config), whole).collect();
    for share in [0.1, 0.37, 0.5, 0.501, 0.83, 0.999] {
        let cut = (records.len() as f64 * share) as usize;
        let mut again = rethink(&config);
        for record in &records[..cut] {
            again.follow(record).expect("the same");
        }
        let taken =
            |record: &&Record| matches!(record, Record::Input(Input { kind: InputKind::Market(_), .. }));
        let read = records[..cut].iter().filter(taken).count();
        let rest: Vec<_> = feed.iter().skip(read).cloned().collect();
        let (mut engine, late) = again.go_on(rest.into_iter().peekable());
        assert!(late.len() <= 2, "decisions of one input");
        engine.run(&mut janus::brain::Silent).expect("no fault");
        assert_eq!(engine.digest(), digest, "cut at record {cut}");
    }
}

#[test]
fn what_was_changed_is_named() {
    let config = config(CONFIG);
    let (mut records, ..) = recorded(&config, usize::MAX);
    let changed = records.iter().rposition(|r| matches!(r, Record::Decision(_))).expect("decisions");
    let Record::Decision(decision) = &mut records[changed] else { panic!("a decision") };
    decision.record.state.h[3] = f32::from_bits(decision.record.state.h[3].to_bits() + 1);
    let sequence = decision.record.sequence;
    let mut again = rethink(&config);
    let stray = records.iter().find_map(|record| again.follow(record).err()).expect("a difference");
    let Stray::Differs { difference, .. } = stray else { panic!("{stray}") };
    assert_eq!((difference.sequence, difference.region), (sequence, "thalamus"));
    assert_eq!(difference.field, "state.h[3]");
}

#[test]
fn what_two_back_ends_may_differ_by_is_told_from_what_they_may_not() {
    let config = config(CONFIG);
    let (mut records, ..) = recorded(&config, usize::MAX);
    records.truncate(records.len() / 3);
    let last = records.iter().rposition(|r| matches!(r, Record::Decision(_))).expect("decisions");
    let thought_again = |change: &dyn Fn(&mut DecisionRecord)| {
        let mut records = records.clone();
        let Record::Decision(decision) = &mut records[last] else { panic!("a decision") };
        change(&mut decision.record);
        let mut again = rethink(&config).lenient();
        records.iter().for_each(|record| again.follow(record).expect("let pass"));
        assert!(again.first_difference().is_some());
        (again.proof().beyond, again.proof().largest_difference)
    };
    let off_by = |x: f32| thought_again(&|record| record.state.h[3] += x);
    let (beyond, largest) = off_by(1e-5);
    assert!(beyond == 0 && largest > 0.9e-5 && largest < 1.1e-5, "{largest}");
    assert_eq!(off_by(0.02).0, 1);
    assert_eq!(thought_again(&|record| record.percept[0] ^= 1), (0, 0.0), "of a hash nobody tells how far");
    let unit = Quantity::from_units(1);
    assert_eq!(thought_again(&|record| record.account.position = unit).0, 1);
    assert_eq!(thought_again(&|record| record.verdict.tripped ^= true).0, 1);
    assert_eq!(thought_again(&|record| record.state.gate = vec![0.0].into()).0, 1, "one number more");
}

#[test]
fn a_report_that_the_exchange_never_gave_is_found() {
    let config = config(CONFIG);
    let (mut records, ..) = recorded(&config, usize::MAX);
    let report = records.iter_mut().find_map(|record| match record {
        Record::Input(Input { kind: InputKind::Notice(NoticeKind::Report(report)), .. }) => Some(report),
        _ => None,
    });
    let report = report.expect("a report");
    report.time = report.time.plus(1);
    let mut again = rethink(&config);
    let stray = records.iter().find_map(|record| again.follow(record).err()).expect("a difference");
    let Stray::Differs { difference, .. } = stray else { panic!("{stray}") };
    assert_eq!(difference.region, "exchange");
}
