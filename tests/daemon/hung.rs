//! A halt while many orders work, and while a region never returns: what it cancels leaves within a second.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use janus::config::Loader;
use janus::control::{Answer, Ask};
use janus::daemon::{self, Options};
use janus::policy::Backend;
use janus::venue::Speed;
use serde_json::Value;
use synapse::{CommandKind, Fault, LatchCause, NoticeKind};

use crate::common::{acknowledged, ask, status, until, until_status};
use crate::made::{BID, BRAIN, EVEN, Feed, facts};
use crate::place::Place;
use crate::stage::{RELAY, Stage};
use crate::tape::{count, notices, placed, proved, records};

/// How soon the last cancel has to leave.
const WITHIN: Duration = Duration::from_secs(1);
/// The region that does not return.
const HANGS: &str = "cerebellum";

pub fn halt() -> Ask {
    Ask::Halt { by: "ann".into(), reason: "a test".into() }
}

pub fn arm() -> Ask {
    Ask::Arm { by: "ann".into(), reason: "it is over".into() }
}

/// A market in which a brain comes to one resting order in each of so many instruments, and which then
/// goes on in the first of them alone.
fn crowd(instruments: usize) -> Place {
    let names: Vec<String> = (0..instruments).map(|n| format!("N{n}")).collect();
    let config = BRAIN
        .replace("grid_ms = 100\nstale_after_ms = 1000", "grid_ms = 86400000\nstale_after_ms = 86400000")
        .replace("edge_filter = false", "edge_filter = false\nmarket_urgency = 1.0\ninside_urgency = 1.0");
    let rest = "[sampler]\nkind = \"events\"\nevents = 1\n[brainstem]\nbook_stale_after_ms = 86400000\n\
                [brain]\nstep_limit_ms = 20000\n[exchange]\nstale_after_ns = 3600000000000\n";
    let facts: String = names.iter().map(|name| facts(name)).collect();
    let round = |feed: Feed, best| names.iter().fold(feed, |feed, name| feed.quote(name, best).wait(1));
    let feed = (0..4).fold(Feed::default(), |feed, _| round(feed, EVEN));
    let feed = (0..2).fold(feed, |feed, _| round(feed, BID));
    let feed = (0..12_000).fold(feed, |feed, _| feed.quote(&names[0], BID).wait(50));
    Place::of(&format!("{config}{rest}{facts}"), &feed.text())
}

fn working(status: &Value) -> usize {
    let orders = status["working"].as_array().expect("a list");
    orders.iter().filter(|order| order["state"] == "working").count()
}

/// Waits until an order works in each instrument.
fn until_working(stage: &Stage, instruments: usize) {
    // asking the daemon a thousand times for a thousand orders would hold it up
    for quarter in 1..=4 {
        let enough = instruments * quarter / 4;
        until("an order sent for each instrument", || (stage.relay.assert_once() >= enough).then_some(()));
    }
    let works = || status(&stage.journal).map(|status| working(&status));
    until("an order that works in each instrument", || works().filter(|works| *works == instruments));
}

/// The moment of the last of so many first cancels.
fn last_cancel(stage: &Stage, orders: usize) -> Instant {
    until("a cancel of each order", || {
        let (count, last) = stage.relay.cancelled();
        last.filter(|_| count >= orders)
    })
}

#[test]
fn of_a_thousand_working_orders_the_last_cancel_leaves_within_a_second_of_a_halt() {
    let orders = 1000;
    let stage = Stage::of(crowd(orders), &[]);
    let daemon = stage.start(&stage.journal);
    until_working(&stage, orders);
    let begun = Instant::now();
    acknowledged(&stage.journal, &halt()).expect("acknowledged");
    let answered = begun.elapsed();
    let took = last_cancel(&stage, orders).saturating_duration_since(begun);
    eprintln!(
        "{orders} orders: the halt was acknowledged after {answered:?}, the last cancel after {took:?}"
    );
    assert!(took <= WITHIN, "the last of {orders} cancels came {took:?} after the halt was sent");
    until("no order at the venue", || stage.state().orders.is_empty().then_some(()));
    let sent = stage.relay.cancels.load(Ordering::SeqCst);
    acknowledged(&stage.journal, &halt()).expect("acknowledged");
    daemon.stop().json();
    assert_eq!(stage.relay.cancels.load(Ordering::SeqCst), sent, "a second halt cancels nothing");
    let records = proved(&stage.journal);
    assert_eq!(count(&records, |it| matches!(it, NoticeKind::CancelSent(_))), orders);
}

/// What makes a region hang from the next sample on, until it is let go.
#[derive(Default)]
struct Trap {
    is_set: AtomicBool,
    caught: AtomicU64,
}

impl Trap {
    fn hook(self: &Arc<Self>) -> janus::brain::Hook {
        let trap = Arc::clone(self);
        Arc::new(move |region, sequence, _, _| {
            if region == HANGS && trap.is_set.load(Ordering::SeqCst) {
                trap.caught.store(sequence, Ordering::SeqCst);
                while trap.is_set.load(Ordering::SeqCst) {
                    thread::park_timeout(Duration::from_millis(1));
                }
            }
            Ok(())
        })
    }

    fn spring(&self) -> Sprung<'_> {
        let sprung = Sprung(self);
        self.is_set.store(true, Ordering::SeqCst);
        until("a region that hangs", || (self.caught.load(Ordering::SeqCst) > 0).then_some(()));
        sprung
    }
}

/// A trap that lets go when this is dropped, so that a test that fails ends.
struct Sprung<'a>(&'a Trap);

impl Drop for Sprung<'_> {
    fn drop(&mut self) {
        self.0.is_set.store(false, Ordering::SeqCst);
    }
}

/// A daemon in this process that trades over the line of a stage.
fn options(stage: &Stage, hook: janus::brain::Hook) -> Options {
    let config = Loader::new().file(&stage.place.path("config.toml")).and_then(Loader::finish);
    Options {
        dir: stage.journal.clone(),
        feeds: vec![stage.place.market()],
        format: None,
        config: Some(config.expect("sound")),
        speed: Speed::Times(1.0),
        news: None,
        venue: Some(stage.place.path(RELAY)),
        once: false,
        http: None,
        backend: Backend { hook: Some(hook), ..Backend::default() },
    }
}

/// Runs such a daemon beside `meanwhile`, and stops it.
fn beside(stage: &Stage, hook: janus::brain::Hook, meanwhile: impl FnOnce()) {
    let options = options(stage, hook);
    thread::scope(|scope| {
        let daemon = scope.spawn(|| daemon::run(options));
        let went = catch_unwind(AssertUnwindSafe(meanwhile));
        janus::control::stop(&stage.journal).expect("it drains");
        went.unwrap_or_else(|panic| resume_unwind(panic));
        daemon.join().expect("no panic").expect("it ends well");
    });
}

/// Asks in a thread of its own.
fn asked(journal: &Path, word: Ask) -> thread::JoinHandle<Option<Answer>> {
    let journal: PathBuf = journal.to_owned();
    thread::spawn(move || ask(&journal, &word))
}

/// A question that stays without an answer: the loop is not refusing it, it waits itself. It comes to that,
/// since it compares with the venue every second.
fn waits(journal: &Path) -> Option<thread::JoinHandle<Option<Answer>>> {
    let asked = asked(journal, Ask::Status);
    thread::park_timeout(Duration::from_millis(200));
    (!asked.is_finished()).then_some(asked)
}

/// Halts while a region hangs; where `looks`, while the loop waits for that region for a status too.
fn halts_while_it_hangs(orders: usize, looks: bool) {
    let stage = Stage::of(crowd(orders), &[]);
    let trap = Arc::<Trap>::default();
    beside(&stage, trap.hook(), || {
        until_working(&stage, orders);
        let sprung = trap.spring();
        let looked = looks.then(|| until("a loop that waits for the region", || waits(&stage.journal)));
        let begun = Instant::now();
        let halted = asked(&stage.journal, halt());
        let took = last_cancel(&stage, orders).saturating_duration_since(begun);
        eprintln!("{orders} orders, hung, looked at: {looks}: the last cancel after {took:?}");
        assert!(took <= WITHIN, "the last of {orders} cancels came {took:?} after the halt was sent");
        assert!(!halted.is_finished(), "it is acknowledged when it is durable");
        until("no order at the venue", || stage.state().orders.is_empty().then_some(()));
        let sent = stage.relay.cancels.load(Ordering::SeqCst);
        let again = asked(&stage.journal, halt());
        drop(sprung);
        for word in [halted, again] {
            let answer = word.join().expect("no panic");
            assert!(matches!(answer, Some(Answer::Done { sequence: Some(_), .. })), "{answer:?}");
        }
        looked.into_iter().for_each(|looked| drop(looked.join().expect("no panic")));
        let stands = until_status(&stage.journal, "no order", |status| working(status) == 0);
        assert_eq!(stands["latch"], LatchCause::Operator.to_string());
        let of_all = stage.relay.cancels.load(Ordering::SeqCst);
        assert!(of_all - sent <= orders as u64, "{sent} cancels while it hung, {of_all} in all");
    });
    let records = proved(&stage.journal);
    assert_eq!(count(&records, |it| matches!(it, NoticeKind::Quarantine { .. })), 0);
    assert_eq!(
        count(&records, |it| matches!(it, NoticeKind::Command(it) if it.kind == CommandKind::Halt)),
        2
    );
}

#[test]
fn of_a_thousand_working_orders_the_last_cancel_leaves_within_a_second_though_a_region_hangs() {
    halts_while_it_hangs(1000, false);
}

#[test]
fn a_loop_that_waits_for_a_region_that_hangs_holds_up_no_cancel() {
    halts_while_it_hangs(50, true);
}

#[test]
fn regression_a_reset_that_does_nothing_to_a_quarantine() {
    let stage = Stage::of(crowd(1), &[]);
    let (bad, journal) = (Arc::new(AtomicU64::new(0)), &stage.journal);
    let planted = Arc::clone(&bad);
    // 1: the next sample is the bad one, and stays it
    let hook: janus::brain::Hook = Arc::new(move |region, sequence, _, _| {
        if region != HANGS {
            return Ok(());
        }
        let _ = planted.compare_exchange(1, sequence, Ordering::SeqCst, Ordering::SeqCst);
        if planted.load(Ordering::SeqCst) == sequence {
            return Err(Fault::new(HANGS, "a planted fault"));
        }
        Ok(())
    });
    beside(&stage, hook, || {
        until_working(&stage, 1);
        bad.store(1, Ordering::SeqCst);
        until_status(journal, "a quarantine, and its cancel", |status| {
            status["quarantined"].as_array().is_some_and(|all| !all.is_empty()) && working(status) == 0
        });
        acknowledged(journal, &arm()).expect("acknowledged");
        until_working(&stage, 1);
    });
    let records = records(journal);
    let armed = notices(&records).find(|(_, it)| matches!(it, NoticeKind::Command(_))).expect("armed").0;
    let after = |from: u64, to: u64| {
        crate::tape::decisions(&records).filter(move |it| (from..to).contains(&it.sequence)).flat_map(placed)
    };
    let quarantined = bad.load(Ordering::SeqCst);
    assert!(quarantined > 1 && quarantined < armed);
    assert_eq!(after(quarantined, armed).count(), 0, "it rests until it is armed");
    assert!(after(armed, u64::MAX).count() > 0, "and trades then");
    proved(journal);
}
