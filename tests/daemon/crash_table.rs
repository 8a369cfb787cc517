//! What a crash may find in the real regime, and what the restart does: one test a row of the table.
//!
//! | at the crash | at restart |
//! |---|---|
//! | input received, not durable | a file is read again from there, a socket gets a `Gap` per instrument |
//! | command not durable | not there; a halt had closed the gate all the same |
//! | input durable, decision not | recomputed, late; its intents lapse, nothing is sent |
//! | decision durable, not released, or released and unanswered | cancelled by client id; a tombstone; `Lapsed`; never sent again |
//! | accepted, reports missed | fetched; each fill enters once |
//! | cancel sent, unanswered | cancelled again |
//! | in a trip, latch durable | latched; cancels are sent again |
//! | in a trip, latch not durable | the same input trips again |
//! | during recovery or reconciliation | the same again |
//! | a durable last block whose sectors the disk lost | torn; the venue knows an order that we do not: latch |
//!
//! The rows about files stand in `crash_files`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use janus::control::Ask;
use janus::venue::{Client, FromVenue, How, StateAnswer};
use journal::{Reader, Record};
use market::Timestamp;
use market::event::EventKind;
use market::order::{ClientId, RejectReason, ReportKind, Request};
use serde_json::Value;
use synapse::{InputKind, NoticeKind, Outcome};

use super::common::{PATIENCE, acknowledged, until, until_status};
use super::place::Place;
use super::stage::{Stage, agreed, ends};
use super::tape::{Books, acts, count, cut, events, overwrite, place_of, placed, proved, records};

fn stage() -> Stage {
    Stage::of(Place::new(12_000), &["--speed", "4"])
}

/// Trades until the venue has heard of an order, and dies; the tape, and where on it the first
/// decision to act stands.
fn first_order(stage: &Stage) -> (Vec<Record>, usize, ClientId, Request) {
    let daemon = stage.start(&stage.journal);
    agreed(&stage.journal);
    until("an order", || {
        let state = stage.state();
        (state.orders.len() + state.finished.len() > 0).then_some(())
    });
    daemon.kill();
    let records = records(&stage.journal);
    let at = place_of(&records, "decision to act", acts);
    let Record::Decision(decision) = &records[at] else { unreachable!("it is one") };
    let Outcome::Act(requests) = &decision.record.verdict.outcome else { unreachable!("it acts") };
    let request = requests[0];
    (records, at, request.id(), request)
}

/// Starts on a journal, waits until both sides agree, and ends; the tape.
fn recover(stage: &Stage, journal: &Path) -> Vec<Record> {
    let daemon = stage.start(journal);
    agreed(journal);
    daemon.stop().json();
    proved(journal)
}

fn halt(journal: &Path) {
    let word = Ask::Halt { by: "ada".into(), reason: "test".into() };
    acknowledged(journal, &word).expect("acknowledged");
}

/// Halts, and waits until a cancel is on its way, or there is nothing to cancel any more.
fn halt_and_cancel(stage: &Stage) {
    halt(&stage.journal);
    until("a cancel", || {
        let is_sent = stage.relay.cancels.load(Ordering::SeqCst) > 0;
        (is_sent || stage.state().orders.is_empty()).then_some(())
    });
}

#[test]
fn input_received_but_not_durable_is_read_again_from_a_file() {
    let stage = stage();
    let (feed, socket) = (stage.place.feed(), stage.place.path("v/orders.sock").display().to_string());
    let args = ["--once", "--venue", &socket, &feed];
    stage.place.daemon(&stage.journal, &args).end().json();
    let whole = proved(&stage.journal);
    let positions = |records: &[Record]| -> Vec<_> {
        events(records).map(|event| (event.source, event.position)).collect()
    };
    let lost = cut(&stage.journal, &stage.place.path("lost"), whole.len() / 2, 1);
    assert!(positions(&records(&lost)).len() < positions(&whole).len());
    stage.place.daemon(&lost, &args).end().json();
    let sorted = |mut list: Vec<_>| {
        list.sort_unstable();
        list
    };
    assert_eq!(sorted(positions(&proved(&lost))), sorted(positions(&whole)), "each row once");
}

#[test]
fn input_received_but_not_durable_is_a_gap_of_a_socket() {
    let stage = stage();
    let (records, at, ..) = first_order(&stage);
    let lost = cut(&stage.journal, &stage.place.path("lost"), at / 2, 1);
    assert_eq!(events(&records).filter(|event| event.kind == EventKind::Gap).count(), 0);
    let daemon = stage.start(&lost);
    let before = Reader::open(&lost).expect("a tape").head().map_or(0, |head| head.sequence);
    // behind the ticks of the silence before it
    until_status(&lost, "events", |status| status["sequence"].as_u64() > Some(before + 200));
    daemon.stop().json();
    let again = proved(&lost);
    let first = events(&again[at / 2..]).next().expect("an event");
    assert_eq!(first.kind, EventKind::Gap, "the first event of the socket");
    assert_eq!(events(&again).filter(|event| event.kind == EventKind::Gap).count(), 1);
}

fn places(record: &Record) -> bool {
    matches!(record, Record::Decision(decision) if placed(&decision.record).next().is_some())
}

fn is_halt(record: &Record) -> bool {
    matches!(record, Record::Input(input) if matches!(input.kind, InputKind::Notice(NoticeKind::Command(_))))
}

/// A run that was halted while an order worked; where on its tape the halt stands, unless something was
/// asked of the venue behind it.
fn halted() -> Option<(Stage, usize)> {
    // slow enough that the kill comes before another tick reduces the position
    let stage = Stage::of(Place::new(12_000), &["--speed", "1"]);
    let daemon = stage.start(&stage.journal);
    until_status(&stage.journal, "a working order", |status| status["working"][0]["state"] == "working");
    stage.relay.cancels.store(0, Ordering::SeqCst);
    halt_and_cancel(&stage);
    daemon.kill();
    let records = records(&stage.journal);
    let at = place_of(&records, "halt", is_halt);
    (!records[at..].iter().any(places)).then_some((stage, at))
}

#[test]
fn command_that_is_not_durable_is_not_there_but_a_halt_had_closed_the_gate() {
    let (stage, at) = (0..8).find_map(|_| halted()).expect("a halt behind which nothing is placed");
    let lost = cut(&stage.journal, &stage.place.path("lost"), at, 1);
    let daemon = stage.start(&lost);
    let status = agreed(&lost);
    assert_eq!(status["latch"], Value::Null);
    daemon.stop().json();
    assert!(!proved(&lost).iter().any(is_halt));
}

#[test]
fn input_durable_without_its_decision_is_decided_late_and_nothing_is_sent() {
    let mut stage = stage();
    let (_, at, id, _) = first_order(&stage);
    let lost = cut(&stage.journal, &stage.place.path("lost"), at, 1);
    stage.forget();
    let records = recover(&stage, &lost);
    let late = |record: &Record| matches!(record, Record::Decision(it) if it.late && it.record.sequence == id.sequence);
    assert_eq!(records.iter().filter(|record| late(record)).count(), 1);
    assert_eq!(count(&records, |notice| *notice == NoticeKind::Lapsed(id)), 1);
    let state = stage.state();
    assert!(!state.orders.iter().any(|order| order.id.id == id));
    assert!(ends(&state, id).iter().all(|how| *how == How::Tombstone));
}

#[test]
fn decision_durable_and_not_released_or_unanswered_is_cancelled_by_its_id_and_never_sent() {
    let mut stage = stage();
    let (records, at, id, request) = first_order(&stage);
    let is_release =
        |record: &Record| matches!(record, Record::Released(released) if released.sequence == id.sequence);
    let released = place_of(&records, "release", is_release);
    for (name, end) in [("held", at + 1), ("unanswered", released + 1)] {
        let lost = cut(&stage.journal, &stage.place.path(name), end, 1);
        stage.forget();
        let records = recover(&stage, &lost);
        assert_eq!(count(&records, |notice| *notice == NoticeKind::Lapsed(id)), 1, "{name}");
        assert_eq!(ends(&stage.state(), id), [How::Tombstone], "{name}");
        let (to, from) = sync_channel(64);
        let manifest = Reader::open(&lost).expect("a tape").manifest().clone();
        let socket = stage.place.path("v/orders.sock");
        let client = Client::start(socket, manifest.run, manifest.instruments, to).expect("a thread");
        assert_eq!(from.recv_timeout(PATIENCE).expect("an answer"), FromVenue::Connected);
        assert!(client.send(&request), "it arrives after all");
        let answer = until("a refusal", || match from.recv_timeout(PATIENCE).expect("an answer") {
            FromVenue::Report(report, _) if report.id == id => Some(report.kind),
            _ => None,
        });
        assert_eq!(answer, ReportKind::Rejected(RejectReason::DuplicateId), "{name}");
        assert_eq!(ends(&stage.state(), id), [How::Tombstone], "{name}");
    }
}

#[test]
fn accepted_and_reports_missed_are_fetched_and_each_fill_enters_once() {
    let stage = Stage::of(Place::eager(12_000), &["--speed", "4"]);
    let daemon = stage.start(&stage.journal);
    agreed(&stage.journal);
    stage.relay.dumb.store(true, Ordering::SeqCst);
    until("a fill", || (!stage.state().fills.is_empty()).then_some(()));
    daemon.kill();
    let executions =
        |state: &StateAnswer| state.fills.iter().map(|it| it.fill.execution).collect::<BTreeSet<_>>();
    let there = executions(&stage.state());
    let missed = there.difference(&Books::of(&records(&stage.journal)).executions).count();
    assert!(missed > 0, "nothing was missed");
    stage.relay.mend();
    let books = Books::of(&recover(&stage, &stage.journal));
    assert!(there.is_subset(&books.executions));
    assert_eq!(books.repeated, 0);
}

/// A run that was halted while an order worked, and whose cancel was lost; none where the market filled
/// the order meanwhile.
fn cancel_lost() -> Option<(Stage, ClientId)> {
    let stage = Stage::of(Place::patient(12_000), &["--speed", "1"]);
    let daemon = stage.start(&stage.journal);
    let id = until("an order at work", || {
        stage.relay.mend();
        agreed(&stage.journal);
        stage.state().orders.first()?;
        // whatever the daemon says from here on is lost
        stage.relay.deaf.store(true, Ordering::SeqCst);
        stage.relay.cancels.store(0, Ordering::SeqCst);
        stage.state().orders.first().map(|order| order.id.id)
    });
    halt_and_cancel(&stage);
    daemon.kill();
    stage.relay.mend();
    let is_open = stage.state().orders.iter().any(|order| order.id.id == id);
    is_open.then_some((stage, id))
}

#[test]
fn cancel_sent_and_unanswered_is_sent_again() {
    let mut again = 0;
    for _ in 0..16 {
        let Some((stage, id)) = cancel_lost() else { continue };
        stage.relay.cancels.store(0, Ordering::SeqCst);
        let daemon = stage.start(&stage.journal);
        until_status(&stage.journal, "nothing at work", |status| {
            status["working"] == Value::Array(Vec::new()) && status["venue"]["state"] == "reconciled"
        });
        daemon.stop().json();
        proved(&stage.journal);
        // the cancels before were lost; the market may fill the order while this one is on its way
        if stage.relay.cancels.load(Ordering::SeqCst) > 0 {
            assert!(matches!(ends(&stage.state(), id)[..], [How::Cancelled | How::Filled]));
            again += 1;
            break;
        }
    }
    assert!(again > 0, "the market filled every order before the daemon was back");
}

fn is_trip(record: &Record) -> bool {
    matches!(record, Record::Decision(decision) if decision.record.verdict.tripped)
}

/// A run that tripped while an order worked whose cancel was lost, and where on its tape the trip
/// stands; in the first attempts the order may have been over.
fn tripped() -> (Stage, usize) {
    let late = Timestamp::from_ns(1_777_689_389_000_000_000);
    let attempt = || {
        let stage = Stage::of(Place::shock(), &["--speed", "3"]);
        let daemon = stage.start(&stage.journal);
        until_status(&stage.journal, "a trip", |status| {
            stage.relay.stubborn.fetch_or(stage.state().time >= late, Ordering::SeqCst);
            !status["latch"].is_null()
        });
        let at = until("the trip on the tape", || records(&stage.journal).iter().position(is_trip));
        daemon.kill();
        stage.relay.mend();
        (!stage.state().orders.is_empty()).then_some((stage, at))
    };
    (0..8).find_map(|_| attempt()).expect("an order at work in a trip")
}

/// After the restart it is latched, and what worked is cancelled.
fn assert_latched(stage: &Stage, journal: &Path) -> Vec<Record> {
    let open = stage.state().orders;
    assert!(!open.is_empty(), "nothing to cancel");
    let daemon = stage.start(journal);
    let latched =
        |status: &Value| status["latch"].as_str().is_some_and(|cause| cause.starts_with("amygdala"));
    until_status(journal, "an answer", |status| {
        assert!(latched(status), "{status}");
        true
    });
    until("the cancels", || stage.state().orders.is_empty().then_some(()));
    let state = stage.state();
    for order in open {
        assert_eq!(ends(&state, order.id.id), [How::Cancelled]);
    }
    assert!(latched(&agreed(journal)));
    daemon.stop().json();
    proved(journal)
}

#[test]
fn in_a_trip_with_the_latch_durable_it_is_latched_and_cancels_again() {
    let (stage, at) = tripped();
    let lost = cut(&stage.journal, &stage.place.path("lost"), at + 1, 1);
    assert_latched(&stage, &lost);
}

#[test]
fn in_a_trip_with_the_latch_not_durable_the_same_input_trips_again() {
    let (stage, at) = tripped();
    let lost = cut(&stage.journal, &stage.place.path("lost"), at, 1);
    let records = assert_latched(&stage, &lost);
    let late =
        |record: &Record| matches!(record, Record::Decision(it) if it.late && it.record.verdict.tripped);
    assert_eq!(records.iter().filter(|record| late(record)).count(), 1);
}

#[test]
fn during_recovery_or_reconciliation_the_same_is_done_again() {
    let mut stage = stage();
    let (_, at, id, _) = first_order(&stage);
    let lost = cut(&stage.journal, &stage.place.path("lost"), at + 1, 1);
    stage.forget();
    let mut unfinished = 0;
    for round in 0..8 {
        let daemon = stage.start(&lost);
        thread::sleep(Duration::from_millis(10 * round));
        daemon.kill();
        unfinished += u64::from(count(&records(&lost), |notice| *notice == NoticeKind::Lapsed(id)) == 0);
    }
    assert!(unfinished * 3 >= 8, "{unfinished} kills came before the end of the recovery");
    let records = recover(&stage, &lost);
    assert_eq!(count(&records, |notice| *notice == NoticeKind::Lapsed(id)), 1);
    assert_eq!(ends(&stage.state(), id), [How::Tombstone]);
}

#[test]
fn last_block_lost_by_the_disk_is_torn_and_an_order_only_the_venue_knows_latches() {
    // of an order that is over without a fill nobody need know
    let attempt = || {
        let stage = Stage::of(Place::eager(12_000), &["--speed", "4"]);
        let (_, at, id, _) = first_order(&stage);
        let has_filled = stage.state().fills.iter().any(|fill| fill.id.id == id);
        has_filled.then_some((stage, at))
    };
    let (stage, at) = (0..8).find_map(|_| attempt()).expect("an order that filled");
    // the block of the input that the decision was made on, with which the decision is lost
    let lost = cut(&stage.journal, &stage.place.path("lost"), at, 1);
    let reader = Reader::open(&lost).expect("a tape");
    let last = reader.headers().last().expect("a block").clone();
    overwrite(&lost, &last, 512, &[0; 512]);
    let daemon = stage.start(&lost);
    until_status(&lost, "the latch", |status| {
        status["latch"].as_str().is_some_and(|cause| cause.contains("reconciliation"))
    });
    until("the cancel", || stage.state().orders.is_empty().then_some(()));
    daemon.stop().json();
    assert!(lost.join("aside").read_dir().expect("a folder").count() > 0, "it is set aside");
    proved(&lost);
    // the numbers of lost inputs are given again, and with them the names of orders: none goes out
    stage.relay.assert_once();
}
