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
use std::path::{Path, PathBuf};
use std::sync::Arc;
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

use super::common::{
    Books, PATIENCE, Place, Process, acknowledged, assert_whole, records, replay, until, until_status, verify,
};
use super::stage::{RELAY, Relay, acts, cut, place_of};

/// A venue, a line to it, and the journal of a run.
struct Scene {
    place: Place,
    venue: Process,
    relay: Arc<Relay>,
    journal: PathBuf,
}

impl Scene {
    fn of(place: Place, speed: &str) -> Self {
        let venue = place.venue(&["--speed", speed]);
        let relay = Relay::start(&place);
        let journal = place.journal();
        Self { place, venue, relay, journal }
    }

    fn new() -> Self {
        Self::of(Place::new(12_000), "4")
    }

    fn start(&self, journal: &Path) -> Process {
        self.place.trader_at(RELAY, journal, &[])
    }

    /// A venue that knows nothing takes the place of the one there was.
    fn forget(&mut self) {
        self.venue.child.kill().expect("killed");
        self.venue.ended();
        self.venue = self.place.venue(&["--speed", "4"]);
    }

    fn state(&self) -> StateAnswer {
        self.place.at_venue(&self.journal)
    }

    /// Trades until the venue has heard of an order, and dies; the tape, and where on it the first
    /// decision to act stands.
    fn first_order(&self) -> (Vec<Record>, usize, ClientId, Request) {
        let daemon = self.start(&self.journal);
        agreed(&self.journal);
        until("an order", || {
            let state = self.state();
            (state.orders.len() + state.finished.len() > 0).then_some(())
        });
        daemon.kill();
        let records = records(&self.journal);
        let at = place_of(&records, "decision to act", acts);
        let Record::Decision(decision) = &records[at] else { unreachable!("it is one") };
        let Outcome::Act(requests) = &decision.record.verdict.outcome else { unreachable!("it acts") };
        let request = requests[0];
        (records, at, request.id(), request)
    }

    /// Starts on a journal, waits until both sides agree, and ends; the tape.
    fn recover(&self, journal: &Path) -> Vec<Record> {
        let daemon = self.start(journal);
        agreed(journal);
        daemon.stop().json();
        proved(journal)
    }
}

fn agreed(journal: &Path) -> Value {
    until_status(journal, "an agreement with the venue", |status| {
        status["venue"]["state"] == "reconciled" && status["venue"]["pending"] == 0
    })
}

/// The tape, after `verify` and `replay` have found nothing.
fn proved(journal: &Path) -> Vec<Record> {
    assert_eq!(verify(journal)["verdict"], "clean");
    assert_eq!(replay(journal)["verdict"], "identical");
    let records = records(journal);
    assert_whole(&records);
    records
}

fn notices(records: &[Record]) -> impl Iterator<Item = &NoticeKind> {
    records.iter().filter_map(|record| match record {
        Record::Input(input) => match &input.kind {
            InputKind::Notice(notice) => Some(notice),
            _ => None,
        },
        _ => None,
    })
}

fn count(records: &[Record], is_it: impl Fn(&NoticeKind) -> bool) -> usize {
    notices(records).filter(|notice| is_it(notice)).count()
}

fn ends(state: &StateAnswer, id: ClientId) -> Vec<How> {
    state.finished.iter().filter(|end| end.id.id == id).map(|end| end.how).collect()
}

fn halt(journal: &Path) {
    let word = Ask::Halt { by: "ada".into(), reason: "test".into() };
    acknowledged(journal, &word).expect("acknowledged");
}

fn market(record: &Record) -> Option<&market::MarketEvent> {
    match record {
        Record::Input(input) => match &input.kind {
            InputKind::Market(event) => Some(event),
            _ => None,
        },
        _ => None,
    }
}

#[test]
fn input_received_but_not_durable_is_read_again_from_a_file() {
    let scene = Scene::new();
    let (feed, socket) = (scene.place.feed(), scene.place.path("v/orders.sock").display().to_string());
    let args = ["--once", "--venue", &socket, &feed];
    scene.place.daemon(&scene.journal, &args).end().json();
    let whole = proved(&scene.journal);
    let positions = |records: &[Record]| -> Vec<_> {
        records.iter().filter_map(market).map(|event| (event.source, event.position)).collect()
    };
    let lost = cut(&scene.journal, &scene.place.path("lost"), whole.len() / 2, 1);
    assert!(positions(&records(&lost)).len() < positions(&whole).len());
    scene.place.daemon(&lost, &args).end().json();
    let sorted = |mut list: Vec<_>| {
        list.sort_unstable();
        list
    };
    assert_eq!(sorted(positions(&proved(&lost))), sorted(positions(&whole)), "each row once");
}

#[test]
fn input_received_but_not_durable_is_a_gap_of_a_socket() {
    let scene = Scene::new();
    let (records, at, ..) = scene.first_order();
    let lost = cut(&scene.journal, &scene.place.path("lost"), at / 2, 1);
    assert_eq!(records.iter().filter_map(market).filter(|event| event.kind == EventKind::Gap).count(), 0);
    let daemon = scene.start(&lost);
    let before = Reader::open(&lost).expect("a tape").head().map_or(0, |head| head.sequence);
    until_status(&lost, "events", |status| status["sequence"].as_u64() > Some(before + 5));
    daemon.stop().json();
    let again = proved(&lost);
    let first = again.iter().skip(at / 2).find_map(market).expect("an event");
    assert_eq!(first.kind, EventKind::Gap, "the first event of the socket");
    assert_eq!(again.iter().filter_map(market).filter(|event| event.kind == EventKind::Gap).count(), 1);
}

fn places(record: &Record) -> bool {
    let Record::Decision(decision) = record else { return false };
    let Outcome::Act(requests) = &decision.record.verdict.outcome else { return false };
    requests.iter().any(|request| matches!(request, Request::Place(_)))
}

fn is_halt(record: &Record) -> bool {
    matches!(record, Record::Input(input) if matches!(input.kind, InputKind::Notice(NoticeKind::Command(_))))
}

/// A run that was halted while an order worked; where on its tape the halt stands, unless something was
/// asked of the venue behind it.
fn halted() -> Option<(Scene, usize)> {
    let scene = Scene::new();
    let daemon = scene.start(&scene.journal);
    until_status(&scene.journal, "a working order", |status| status["working"][0]["state"] == "working");
    halt(&scene.journal);
    until("the cancels", || scene.state().orders.is_empty().then_some(()));
    daemon.kill();
    let records = records(&scene.journal);
    let at = place_of(&records, "halt", is_halt);
    (!records[at..].iter().any(places)).then_some((scene, at))
}

#[test]
fn command_that_is_not_durable_is_not_there_but_a_halt_had_closed_the_gate() {
    let (scene, at) = (0..8).find_map(|_| halted()).expect("a halt behind which nothing is placed");
    let lost = cut(&scene.journal, &scene.place.path("lost"), at, 1);
    let daemon = scene.start(&lost);
    let status = agreed(&lost);
    assert_eq!(status["latch"], Value::Null);
    daemon.stop().json();
    assert!(!proved(&lost).iter().any(is_halt));
}

#[test]
fn input_durable_without_its_decision_is_decided_late_and_nothing_is_sent() {
    let mut scene = Scene::new();
    let (_, at, id, _) = scene.first_order();
    let lost = cut(&scene.journal, &scene.place.path("lost"), at, 1);
    scene.forget();
    let records = scene.recover(&lost);
    let late = |record: &Record| matches!(record, Record::Decision(it) if it.late && it.record.sequence == id.sequence);
    assert_eq!(records.iter().filter(|record| late(record)).count(), 1);
    assert_eq!(count(&records, |notice| *notice == NoticeKind::Lapsed(id)), 1);
    let state = scene.state();
    assert!(!state.orders.iter().any(|order| order.id.id == id));
    assert!(ends(&state, id).iter().all(|how| *how == How::Tombstone));
}

#[test]
fn decision_durable_and_not_released_or_unanswered_is_cancelled_by_its_id_and_never_sent() {
    let mut scene = Scene::new();
    let (records, at, id, request) = scene.first_order();
    let is_release =
        |record: &Record| matches!(record, Record::Released(released) if released.sequence == id.sequence);
    let released = place_of(&records, "release", is_release);
    for (name, end) in [("held", at + 1), ("unanswered", released + 1)] {
        let lost = cut(&scene.journal, &scene.place.path(name), end, 1);
        scene.forget();
        let records = scene.recover(&lost);
        assert_eq!(count(&records, |notice| *notice == NoticeKind::Lapsed(id)), 1, "{name}");
        assert_eq!(ends(&scene.state(), id), [How::Tombstone], "{name}");
        let (to, from) = sync_channel(64);
        let manifest = Reader::open(&lost).expect("a tape").manifest().clone();
        let socket = scene.place.path("v/orders.sock");
        let client = Client::start(socket, manifest.run, manifest.instruments, to).expect("a thread");
        assert_eq!(from.recv_timeout(PATIENCE).expect("an answer"), FromVenue::Connected);
        assert!(client.send(&request), "it arrives after all");
        let answer = until("a refusal", || match from.recv_timeout(PATIENCE).expect("an answer") {
            FromVenue::Report(report, _) if report.id == id => Some(report.kind),
            _ => None,
        });
        assert_eq!(answer, ReportKind::Rejected(RejectReason::DuplicateId), "{name}");
        assert_eq!(ends(&scene.state(), id), [How::Tombstone], "{name}");
    }
}

#[test]
fn accepted_and_reports_missed_are_fetched_and_each_fill_enters_once() {
    let scene = Scene::of(Place::eager(12_000), "4");
    let daemon = scene.start(&scene.journal);
    agreed(&scene.journal);
    scene.relay.dumb.store(true, Ordering::SeqCst);
    until("a fill", || (!scene.state().fills.is_empty()).then_some(()));
    daemon.kill();
    let executions =
        |state: &StateAnswer| state.fills.iter().map(|it| it.fill.execution).collect::<BTreeSet<_>>();
    let there = executions(&scene.state());
    let missed = there.difference(&Books::of(&records(&scene.journal)).executions).count();
    assert!(missed > 0, "nothing was missed");
    scene.relay.mend();
    let books = Books::of(&scene.recover(&scene.journal));
    assert!(there.is_subset(&books.executions));
    assert_eq!(books.repeated, 0);
}

/// A run that was halted while an order worked, and whose cancel was lost; none where the market filled
/// the order meanwhile.
fn cancel_lost() -> Option<(Scene, ClientId)> {
    let scene = Scene::of(Place::new(12_000), "1");
    let daemon = scene.start(&scene.journal);
    let id = until("an order at work", || {
        scene.relay.mend();
        agreed(&scene.journal);
        scene.state().orders.first()?;
        // whatever the daemon says from here on is lost
        scene.relay.deaf.store(true, Ordering::SeqCst);
        scene.state().orders.first().map(|order| order.id.id)
    });
    halt(&scene.journal);
    daemon.kill();
    scene.relay.mend();
    let is_open = scene.state().orders.iter().any(|order| order.id.id == id);
    is_open.then_some((scene, id))
}

#[test]
fn cancel_sent_and_unanswered_is_sent_again() {
    let mut again = 0;
    for _ in 0..8 {
        let Some((scene, id)) = cancel_lost() else { continue };
        let is_cancel = |notice: &NoticeKind| *notice == NoticeKind::CancelSent(id);
        let before = count(&records(&scene.journal), is_cancel);
        let daemon = scene.start(&scene.journal);
        until_status(&scene.journal, "nothing at work", |status| {
            status["working"] == Value::Array(Vec::new()) && status["venue"]["state"] == "reconciled"
        });
        daemon.stop().json();
        let after = count(&proved(&scene.journal), is_cancel);
        if ends(&scene.state(), id) == [How::Cancelled] {
            assert!(after > before, "{after} cancels on the tape, {before} before the restart");
            again += 1;
            break;
        }
    }
    assert!(again > 0, "the market filled every order before its cancel");
}

fn is_trip(record: &Record) -> bool {
    matches!(record, Record::Decision(decision) if decision.record.verdict.tripped)
}

/// A run that tripped while an order worked whose cancel was lost, and where on its tape the trip
/// stands; in the first attempts the order may have been over.
fn tripped() -> (Scene, usize) {
    let late = Timestamp::from_ns(1_777_689_389_000_000_000);
    let attempt = || {
        let scene = Scene::of(Place::shock(), "3");
        let daemon = scene.start(&scene.journal);
        until_status(&scene.journal, "a trip", |status| {
            scene.relay.stubborn.fetch_or(scene.state().time >= late, Ordering::SeqCst);
            !status["latch"].is_null()
        });
        let at = until("the trip on the tape", || records(&scene.journal).iter().position(is_trip));
        daemon.kill();
        scene.relay.mend();
        (!scene.state().orders.is_empty()).then_some((scene, at))
    };
    (0..8).find_map(|_| attempt()).expect("an order at work in a trip")
}

/// After the restart it is latched, and what worked is cancelled.
fn assert_latched(scene: &Scene, journal: &Path) -> Vec<Record> {
    let open = scene.state().orders;
    assert!(!open.is_empty(), "nothing to cancel");
    let daemon = scene.start(journal);
    let latched =
        |status: &Value| status["latch"].as_str().is_some_and(|cause| cause.starts_with("amygdala"));
    until_status(journal, "an answer", |status| {
        assert!(latched(status), "{status}");
        true
    });
    until("the cancels", || scene.state().orders.is_empty().then_some(()));
    let state = scene.state();
    for order in open {
        assert_eq!(ends(&state, order.id.id), [How::Cancelled]);
    }
    assert!(latched(&agreed(journal)));
    daemon.stop().json();
    proved(journal)
}

#[test]
fn in_a_trip_with_the_latch_durable_it_is_latched_and_cancels_again() {
    let (scene, at) = tripped();
    let lost = cut(&scene.journal, &scene.place.path("lost"), at + 1, 1);
    assert_latched(&scene, &lost);
}

#[test]
fn in_a_trip_with_the_latch_not_durable_the_same_input_trips_again() {
    let (scene, at) = tripped();
    let lost = cut(&scene.journal, &scene.place.path("lost"), at, 1);
    let records = assert_latched(&scene, &lost);
    let late =
        |record: &Record| matches!(record, Record::Decision(it) if it.late && it.record.verdict.tripped);
    assert_eq!(records.iter().filter(|record| late(record)).count(), 1);
}

#[test]
fn during_recovery_or_reconciliation_the_same_is_done_again() {
    let mut scene = Scene::new();
    let (_, at, id, _) = scene.first_order();
    let lost = cut(&scene.journal, &scene.place.path("lost"), at + 1, 1);
    scene.forget();
    let mut unfinished = 0;
    for round in 0..8 {
        let daemon = scene.start(&lost);
        thread::sleep(Duration::from_millis(10 * round));
        daemon.kill();
        unfinished += u64::from(count(&records(&lost), |notice| *notice == NoticeKind::Lapsed(id)) == 0);
    }
    assert!(unfinished * 3 >= 8, "{unfinished} kills came before the end of the recovery");
    let records = scene.recover(&lost);
    assert_eq!(count(&records, |notice| *notice == NoticeKind::Lapsed(id)), 1);
    assert_eq!(ends(&scene.state(), id), [How::Tombstone]);
}

#[test]
fn last_block_lost_by_the_disk_is_torn_and_an_order_only_the_venue_knows_latches() {
    // of an order that is over without a fill nobody need know
    let attempt = || {
        let scene = Scene::of(Place::eager(12_000), "4");
        let (_, at, id, _) = scene.first_order();
        let has_filled = scene.state().fills.iter().any(|fill| fill.id.id == id);
        has_filled.then_some((scene, at))
    };
    let (scene, at) = (0..8).find_map(|_| attempt()).expect("an order that filled");
    // the block of the input that the decision was made on, with which the decision is lost
    let lost = cut(&scene.journal, &scene.place.path("lost"), at, 1);
    let reader = Reader::open(&lost).expect("a tape");
    let last = reader.headers().last().expect("a block").clone();
    super::stage::overwrite(&lost, &last, 512, &[0; 512]);
    let daemon = scene.start(&lost);
    until_status(&lost, "the latch", |status| {
        status["latch"].as_str().is_some_and(|cause| cause.contains("reconciliation"))
    });
    until("the cancel", || scene.state().orders.is_empty().then_some(()));
    daemon.stop().json();
    assert!(lost.join("aside").read_dir().expect("a folder").count() > 0, "it is set aside");
    proved(&lost);
    // the numbers of lost inputs are given again, and with them the names of orders: none goes out
    scene.relay.assert_once();
}
