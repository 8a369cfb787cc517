use journal::disk::RealDisk;
use journal::{Entry, Head, Manifest, PAGE_BYTES, Regime, Tape, codec};
use market::features::Feature;
use market::{InstrumentId, Money, Timestamp};
use neocortex::learn::Coded;
use proptest::prelude::*;
use synapse::{
    Account, Action, Context, DecisionRecord, Digest, ExecutionForecast, Forecast, Input, Judged, NoticeKind,
    Outcome, Reason, Sensed, Verdict,
};

use super::*;
use crate::config::Loader;

const HORIZON: u64 = 4;

fn config(sleep: &str) -> Config {
    let text = format!("[instrument.I0]\n[instrument.I1]\n[sleep]\n{sleep}\n");
    Loader::new().text(&text, "made up").expect("sound").finish().expect("sound")
}

fn other_codes() -> Config {
    let mut config = config("");
    config.hippocampus.codes = 64;
    config
}

/// A decision of one of three kinds: wide and falling, plain, rising; what it earns follows from the kind.
fn decision(sequence: u64, instrument: u16) -> DecisionRecord {
    let kind = (sequence * 7 / 5 + u64::from(instrument)) % 3;
    let move_bp = [-8.0, 0.1, 8.0][kind as usize];
    let mut sensed = scenes::sensed();
    for (feature, value) in [
        (Feature::SpreadBp, if kind == 0 { 9.0 } else { 1.0 }),
        (Feature::Imbalance1, move_bp / 10.0),
        (Feature::Imbalance5, move_bp / 10.0),
        (Feature::Imbalance10, move_bp / 10.0),
        (Feature::OrderFlowImbalance, move_bp),
        (Feature::ReturnMid, move_bp),
        (Feature::ReturnMicro, move_bp),
        (Feature::RealisedVol, 2.0 + (sequence % 5) as f32 / 10.0),
    ] {
        sensed.features[feature] = Some(value);
    }
    let spread_bp = sensed.features[Feature::SpreadBp];
    sensed = Sensed {
        sequence,
        instrument: InstrumentId(instrument),
        time: Timestamp::from_ns(sequence as i64),
        context: Context { volatility_bp: Some(2.0), spread_bp, volume: None },
        account: Account { earned: Money::from_units(i128::from(sequence)), ..sensed.account },
        ..sensed
    };
    let proposed = scenes::proposed(sensed, scenes::proposal(Action::Hold, market::Quantity::ZERO));
    let execution = ExecutionForecast::default();
    let outcome = Outcome::Rest(Reason::Halted {});
    let verdict = Verdict::untested(outcome);
    DecisionRecord::of(&Judged { forecast: Forecast { proposed, execution }, verdict })
}

/// A tape of so many inputs with two decisions each, in blocks of so many inputs; some are notices.
fn tape(dir: &Path, inputs: u64, a_block: u64, notices: &[(u64, NoticeKind)]) {
    let manifest = Manifest {
        run: "made".into(),
        created_ns: 0,
        build: "0".into(),
        regime: Regime::Simulated,
        config: Hash::default(),
        policy: Hash::default(),
        rules: None,
        schemas: None,
        backend: "none".into(),
        cpu: "any".into(),
        instruments: vec!["I0".into(), "I1".into()],
        feeds: Vec::new(),
        formats: Vec::new(),
        from_ns: None,
        venue: None,
    };
    let mut tape = Tape::create(RealDisk, dir, &manifest, 64 * PAGE_BYTES).expect("a tape");
    let (mut frames, mut records) = (Vec::new(), 0);
    for sequence in 1..=inputs {
        let time = Timestamp::from_ns(sequence as i64);
        let notice = notices.iter().find(|(at, _)| *at == sequence).map(|(_, kind)| kind.clone());
        let kind = notice.map_or(InputKind::Tick(synapse::Tick::default()), InputKind::Notice);
        codec::frame(Entry::Input(&Input { sequence, time, kind }), &mut frames);
        for instrument in [0, 1] {
            let bytes = decision(sequence, instrument).to_bytes();
            codec::frame(Entry::Decision { late: false, bytes: &bytes }, &mut frames);
        }
        records += 3;
        if sequence % a_block == 0 || sequence == inputs {
            let head = Head { sequence, time_ns: time.ns(), latched: false, digest: Digest::default() };
            tape.append(&frames, records, head).expect("appended");
            (frames, records) = (Vec::new(), 0);
        }
    }
    tape.close(0).expect("closed");
}

#[test]
fn the_same_prefix_and_seed_give_the_same_artefact_and_more_or_another_seed_do_not() {
    let dir = tempfile::tempdir().expect("a folder");
    tape(dir.path(), 200, 7, &[(50, NoticeKind::Restarted)]);
    let once = night(dir.path(), 150, &config("")).expect("a night");
    // two instruments; what is open at the restart and at the end has no outcome
    assert_eq!(once.experiences as u64, 2 * (150 - 2 * HORIZON), "{once:?}");
    assert_eq!((once.schemas, once.artefact.is_some()), (16, true), "{once:?}");
    assert_eq!(night(dir.path(), 150, &config("")).expect("again"), once);
    let longer = night(dir.path(), 151, &config("")).expect("a longer night");
    assert_ne!(longer.artefact, once.artefact);
    let mut other = config("");
    other.run.seed = 2;
    assert_ne!(night(dir.path(), 150, &other).expect("another seed").artefact, once.artefact);
    let hash = once.artefact.expect("an artefact");
    let book = read_book(dir.path(), &hash, &config("")).expect("the book");
    assert_eq!(book.experiences(), once.experiences as u64);
    assert!(read_book(dir.path(), &hash, &other_codes()).is_err_and(|why| why.to_string().contains("256")));
    let wide: Vec<&str> =
        book.labelled().map(|(_, label)| label).filter(|label| label.contains("wide spread")).collect();
    assert!(!wide.is_empty() && wide.iter().all(|label| label.contains("selling pressure")), "{wide:?}");
}

#[test]
fn a_code_of_the_tape_is_the_code_that_the_line_had() {
    let config = config("");
    let hippocampus = hippocampus::Hippocampus::new(config.hippocampus.clone(), config.run.seed);
    let record = decision(3, 0);
    let mut sensed = scenes::sensed();
    sensed = Sensed { features: record.features, context: record.context, ..sensed };
    let codes = synapse::Region::peek(&hippocampus, scenes::appraised(sensed)).expect("codes").codes;
    for action in Action::ALL {
        let code = hippocampus.code(&(&record).into(), action).expect("finite").expect("a code");
        assert!(!code.is_empty());
        assert_eq!(code, codes[action.index()]);
    }
}

#[test]
fn too_little_to_learn_from_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    tape(dir.path(), 15, 7, &[]);
    let night = night(dir.path(), u64::MAX, &config("")).expect("a night");
    assert_eq!((night.artefact, night.experiences, night.schemas), (None, 22, 0));
    assert_eq!(night.reason, "22 experiences with a code, and sleep.experiences_min is 32");
    assert_eq!(artefacts::list(dir.path()).expect("listed"), []);
}

#[test]
fn the_newest_experiences_do_not_depend_on_how_the_tape_is_cut_into_blocks() {
    let few = config("experiences_max = 40");
    let of = |inputs, a_block| {
        let dir = tempfile::tempdir().expect("a folder");
        tape(dir.path(), inputs, a_block, &[]);
        let reader = Reader::open(dir.path()).expect("a tape");
        let instruments = few.known(&reader.manifest().instruments).expect("known");
        let memory = remember(&reader, u64::MAX, &few, &instruments).expect("remembered");
        (memory.count(), memory.into_experiences())
    };
    // one block an input: reading begins in the middle
    let ((some, newest), (all, same)) = (of(600, 1), of(600, 600));
    assert!(some < all, "{some} of {all}");
    assert_eq!((newest.len(), newest), (40, same));
}

#[test]
fn the_book_of_a_decision_is_the_newest_that_was_active() {
    let dir = tempfile::tempdir().expect("a folder");
    let put = |sequence| {
        let coded = Coded { sequence, code: [1.0; 4].into(), reward_bp: 1.0, features: Default::default() };
        let search = Search { k: 1, restarts: 1, iterations_max: 1 };
        let book = consolidate(&[coded], &search, 1).expect("a book");
        artefacts::put(dir.path(), SCHEMAS, &book.to_bytes()).expect("put")
    };
    let config = artefacts::put(dir.path(), "config", b"another kind").expect("put");
    let activate = |hash: Hash| NoticeKind::Activate { hash: hash.0, by: "Ada".into(), reason: "new".into() };
    let notices = [(5, activate(put(1))), (9, activate(put(2))), (10, activate(config))];
    tape(dir.path(), 20, 3, &notices);
    let reader = Reader::open(dir.path()).expect("a tape");
    let first = |at| book_at(dir.path(), &reader, at).expect("whole").map(|book| book.span().0);
    assert_eq!([4, 5, 8, 9, 20].map(first), [None, Some(1), Some(1), Some(2), Some(2)]);
}

#[test]
fn an_hour_that_is_none_is_refused() {
    for at in ["24:00", "7:00", "07:60", "noon", "07:0", "+7:00", "07:00:00"] {
        let refused = SleepParams { at: at.into(), ..SleepParams::default() }.bedtime();
        assert!(refused.is_err_and(|(key, why)| key == "sleep.at" && why.contains(at)), "{at}");
    }
    let refused = SleepParams { every_min: 7, ..SleepParams::default() }.bedtime();
    assert!(refused.is_err_and(|(key, why)| key == "sleep.every_min" && why.contains("is 7")));
    assert_eq!(SleepParams::default().bedtime(), Ok(None));
}

proptest! {
    #[test]
    fn the_next_night_is_at_the_hour_or_so_many_minutes_behind_it(
        hour in 0_i64..24,
        minute in 0_i64..60,
        every_min in prop::sample::select(vec![1_u32, 5, 60, 720, 1440]),
        ns in -9e17 as i64..9e17 as i64,
    ) {
        let sleep = SleepParams { at: format!("{hour:02}:{minute:02}"), every_min, ..SleepParams::default() };
        let bedtime = sleep.bedtime().expect("an hour").expect("a night");
        let (due, every_ns) = (bedtime.due_after(Timestamp::from_ns(ns)).ns(), i64::from(every_min) * 60_000_000_000);
        prop_assert!(due > ns && due - ns <= every_ns);
        prop_assert_eq!((due - (hour * 60 + minute) * 60_000_000_000).rem_euclid(every_ns), 0);
    }
}
