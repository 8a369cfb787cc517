//! A region that fails takes the line down, not the daemon (S1, S2): what it fails on once is thought
//! again, what it fails on twice is left out for good.

use std::collections::BTreeSet;

use janus::daemon::{self, Options};
use journal::Record;
use synapse::{DecisionRecord, LatchCause, NoticeKind, Outcome as Decided, Reason};

use crate::common::until_status;
use crate::scene::{HOWS, How, Plan, Ran, Scene, When, make_plan, only_reduces, struck};
use crate::tape::{Books, assert_whole, records};

/// A decision of whose state there is no other.
fn victim(
    ran: &Ran,
    instrument: u16,
    nth: usize,
    is_one: impl Fn(&DecisionRecord) -> bool,
) -> &DecisionRecord {
    let is_alone = |one: &&DecisionRecord| ran.decisions().filter(|d| d.state.h == one.state.h).count() == 1;
    let all = ran.decisions().filter(|d| d.instrument.0 == instrument && is_one(d));
    all.filter(is_alone).nth(nth).expect("there are so many")
}

fn acts(decision: &DecisionRecord) -> bool {
    matches!(decision.verdict.outcome, Decided::Act(_))
}

/// Trouble with a decision as often as one process thinks it. Behind a quiet market and without an
/// order of ours the same state comes again, and is none of it.
fn always(decision: &DecisionRecord, how: How) -> (When, How) {
    (When::State(decision.state.h.to_vec(), 2), how)
}

#[test]
fn what_fails_once_leaves_no_trace_in_any_decision() {
    let scene = Scene::new();
    let calm = scene.run("calm", Plan::default());
    assert!(calm.placed().len() > 30 && calm.outcome.fills > 5, "{:?}", calm.outcome);
    for (at, how) in HOWS.into_iter().enumerate() {
        // far enough apart that no four of them are a reason to halt
        let call = 150 + 300 * at as u64;
        let ran = scene.run(&format!("{how:?}"), Plan::of([(When::Call(call), how)]));
        assert_eq!(ran.struck, 1);
        assert_eq!(ran.outcome.digest, calm.outcome.digest, "{how:?} at call {call}");
        assert_eq!(ran.story(), calm.story(), "{how:?} at call {call}");
        ran.is_proved();
    }
}

#[test]
fn what_fails_twice_is_left_out_and_its_instrument_rests() {
    let scene = Scene::new();
    let calm = scene.run("calm", Plan::default());
    let mut cancelled = 0;
    for (at, how) in HOWS.into_iter().enumerate() {
        let victim = victim(&calm, 1, 5 + 7 * at, acts);
        let ran = scene.run(&format!("{how:?}"), Plan::of([always(victim, how)]));
        assert_eq!(ran.struck, 2, "tried once more, and then left out: {:?}", ran.quarantines());
        let [(at, input, instrument)] = ran.quarantines()[..] else { panic!("{:?}", ran.quarantines()) };
        assert_eq!((input, instrument), (victim.sequence, Some(victim.instrument)));
        assert!(ran.decisions().all(|decision| decision.sequence != input), "it is absent");
        let after = |of: u16| ran.decisions().filter(move |d| d.sequence > at && d.instrument.0 == of);
        assert!(after(1).count() > 50 && after(1).all(only_reduces), "it rests");
        assert!(
            after(1).any(
                |d| d.verdict.outcome == Decided::Rest(Reason::Latched { cause: LatchCause::Quarantine })
            )
        );
        assert!(after(0).any(|d| !only_reduces(d)), "the other one goes on");
        cancelled += ran.cancelled_by_the_gate(1);
        assert_eq!(ran.cancelled_by_the_gate(0), 0);
        assert_eq!(ran.outcome.latch, None, "the daemon itself is not latched");
        ran.is_proved();
        let again = scene.run(&format!("{how:?}"), Plan::of([always(victim, how)]));
        assert_eq!(
            (again.outcome.digest, again.struck),
            (ran.outcome.digest, 0),
            "a restart leaves it out too"
        );
    }
    assert!(cancelled > 0, "an order worked at one of them, and was cancelled");
}

#[test]
fn of_a_tick_of_two_the_one_whose_sample_failed_rests() {
    let scene = Scene::new();
    let calm = scene.run("calm", Plan::default());
    let together =
        |d: &DecisionRecord| calm.decisions().filter(|other| other.sequence == d.sequence).count() == 2;
    for victim in [0, 1].map(|instrument| victim(&calm, instrument, 60, together)) {
        let ran = scene.run(&victim.instrument.0.to_string(), Plan::of([always(victim, How::Faults)]));
        let [(_, input, instrument)] = ran.quarantines()[..] else { panic!("{:?}", ran.quarantines()) };
        assert_eq!((input, instrument), (victim.sequence, Some(victim.instrument)));
        assert!(ran.decisions().all(|d| d.sequence != input), "the whole input is absent");
        ran.is_proved();
    }
}

#[test]
fn too_many_faults_in_a_short_time_halt() {
    let scene = Scene::with("faults_max = 3\nfaults_within_s = 5");
    let calm = scene.run("calm", Plan::default());
    let once = |nth: usize| {
        let decision = calm.decisions().nth(nth).expect("decisions");
        (When::State(decision.state.h.to_vec(), 1), How::Faults)
    };
    let borne = scene.run("borne", Plan::of([300, 310, 320].map(once)));
    assert_eq!((borne.struck, &borne.outcome.digest), (3, &calm.outcome.digest), "three are borne");
    // forty samples of each instrument pass in a second
    let spread = scene.run("spread", Plan::of([100, 400, 700, 1000, 1300].map(once)));
    assert_eq!((spread.struck, &spread.outcome.digest), (5, &calm.outcome.digest), "one in 3.75 s is borne");
    let halted = scene.run("halted", Plan::of([300, 310, 320, 330].map(once)));
    assert_eq!(halted.struck, 4);
    assert_eq!(halted.outcome.latch, Some(LatchCause::Faults.to_string()));
    let latches = halted.notices().filter(|(_, notice)| **notice == NoticeKind::Latch(LatchCause::Faults));
    let [(at, _)] = latches.collect::<Vec<_>>()[..] else { panic!("one latch") };
    let after: Vec<_> = halted.decisions().filter(|d| d.sequence > at).collect();
    assert!(after.len() > 500 && after.iter().all(|d| d.verdict.latch == Some(LatchCause::Faults)));
    assert!(after.iter().all(|d| only_reduces(d)));
    halted.is_proved();
}

#[test]
fn a_death_before_the_quarantine_is_durable_ends_in_the_same_quarantine() {
    let scene = Scene::new();
    let calm = scene.run("calm", Plan::default());
    let victim = victim(&calm, 0, 9, acts);
    let lived = scene.run("lived", Plan::of([always(victim, How::Panics)]));
    // the first brain is the one that fails; the second is being put together when the process dies
    scene.dies("died", Plan::of([always(victim, How::Panics)]).dying_at(2));
    let dead = records(&scene.place.path("died"));
    let last = dead.iter().rev().find_map(|record| match record {
        Record::Input(input) => Some(input.sequence),
        _ => None,
    });
    assert!(last < Some(victim.sequence), "what is not thought through is not told as durable: {last:?}");
    let ran = scene.run("died", Plan::of([always(victim, How::Panics)]));
    assert_eq!(ran.struck, 2, "it fails once more, and is tried again");
    assert_eq!(ran.quarantines(), lived.quarantines());
    assert_eq!(ran.outcome.digest, lived.outcome.digest);
    ran.is_proved();
    // where it was transient, nothing is quarantined
    scene.dies("well", Plan::of([always(victim, How::Panics)]).dying_at(2));
    let well = scene.run("well", Plan::default());
    assert_eq!((well.quarantines().len(), &well.outcome.digest), (0, &calm.outcome.digest));
}

#[test]
fn whatever_is_quarantined_the_tape_is_thought_again_to_the_same() {
    let scene = Scene::with("faults_max = 1000000");
    let mut quarantined = 0;
    for seed in 0..3_u64 {
        let journal = format!("{seed}");
        let how = HOWS[seed as usize % 3];
        let trouble = || Plan::of([(When::Rest(300 + 100 * seed, seed), how)]);
        // dies while it heals, so that a start has to, and again in the middle of that
        scene.dies(&journal, trouble().dying_at(2 + seed));
        scene.dies(&journal, trouble().dying_at(2));
        let ran = scene.run(&journal, trouble());
        quarantined += ran.quarantines().len();
        ran.is_proved();
        let absent: BTreeSet<u64> = ran.quarantines().iter().map(|(_, input, _)| *input).collect();
        assert!(ran.decisions().all(|d| !absent.contains(&d.sequence)), "seed {seed}");
    }
    assert!(quarantined >= 8, "{quarantined} inputs");
}

#[test]
fn at_a_venue_nothing_is_lost_and_nothing_sent_twice() {
    let mut scene = Scene::with("faults_max = 100");
    scene.config.instruments.remove("BTCUSD2");
    scene.config.limits.remove("BTCUSD2");
    let _venue = scene.place.venue(&["--speed", "4"]);
    let journal = scene.place.journal();
    let options = Options {
        dir: journal.clone(),
        feeds: vec![scene.place.market()],
        venue: Some(scene.place.path("v/orders.sock")),
        once: false,
        ..scene.options("j")
    };
    let once = [101, 230, 397, 611].map(|call| (When::Call(call), How::Panics));
    make_plan(Plan::of(once));
    let (place, looked_at) = (&scene.place, &journal);
    let (outcome, state) = std::thread::scope(|scope| {
        let watcher = scope.spawn(move || {
            until_status(looked_at, "a start", |_| true);
            let state = place.settled(looked_at);
            janus::control::stop(looked_at).expect("it drains");
            state
        });
        let outcome = daemon::run(options).expect("it runs to its end");
        (outcome, watcher.join().expect("settled"))
    });
    let struck = struck();
    let ran = Ran { outcome, records: records(&journal), struck, journal };
    assert_eq!((ran.struck, ran.quarantines().len()), (4, 0), "all were transient");
    ran.is_proved();
    assert_whole(&ran.records);
    let (ours, theirs) = (Books::of(&ran.records), Books::at(&state));
    assert!(ours.executions.len() > 3, "{} fills", ours.executions.len());
    assert_eq!((ours.repeated, ours.position, ours.cash), (0, theirs.position, theirs.cash));
    assert_eq!(ours.executions, theirs.executions);
    let mut known: Vec<String> = state.finished.iter().map(|end| end.id.to_string()).collect();
    known.sort();
    assert!(known.windows(2).all(|pair| pair[0] != pair[1]), "no client id twice: {known:?}");
}
