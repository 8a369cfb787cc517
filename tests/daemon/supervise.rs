//! A region that fails takes the line down, not the daemon (S1, S2): what it fails on once is thought
//! again, what it fails on twice is left out for good.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use basal_ganglia::GoNoGo;
use janus::assemble::open_options;
use janus::blueprint::Backend;
use janus::config::{Config, Loader, name_of};
use janus::daemon::{self, Options, Outcome};
use janus::failure::Failure;
use janus::venue::Speed;
use journal::Record;
use market::feed::{Merge, write_ndjson};
use market::order::Request;
use market::{InstrumentId, MarketEvent};
use synapse::{
    DecisionRecord, Fault, Input, InputKind, LatchCause, Model, ModelCard, NoticeKind, Outcome as Decided,
    Reason,
};

use crate::common::{Books, Place, assert_whole, records, replay, until_status, verify};

/// How a policy fails.
#[derive(Debug, Clone, Copy)]
enum How {
    Panics,
    Faults,
    IsNotFinite,
}

const HOWS: [How; 3] = [How::Panics, How::Faults, How::IsNotFinite];

/// When it does.
#[derive(Debug, Clone)]
enum When {
    /// At one call, counted from the start of the process.
    Call(u64),
    /// Whenever it sees this state, so many times.
    State(Vec<f32>, u64),
    /// Whenever a hash of the state leaves this rest.
    Rest(u64, u64),
}

/// What a policy has in store.
#[derive(Debug, Default)]
struct Plan {
    troubles: Vec<(When, How)>,
    /// The process dies when the brain is put together for the so-manieth time.
    dies_at_build: Option<u64>,
    calls: u64,
    builds: u64,
    struck: u64,
}

thread_local! {
    static PLAN: RefCell<Plan> = RefCell::new(Plan::default());
}

impl Plan {
    fn of(troubles: impl IntoIterator<Item = (When, How)>) -> Self {
        Self { troubles: troubles.into_iter().collect(), ..Self::default() }
    }

    fn strike(&mut self, h: &[f32]) -> Option<How> {
        self.calls += 1;
        let calls = self.calls;
        let hash = || {
            h.iter().fold(7_u64, |all, x| (all ^ u64::from(x.to_bits())).wrapping_mul(0x0100_0000_01b3)) >> 20
        };
        let how = self.troubles.iter_mut().find_map(|(when, how)| {
            let is_now = match when {
                When::Call(at) => *at == calls,
                When::State(state, times) if *times > 0 && state == h => {
                    *times -= 1;
                    true
                }
                When::State(..) => false,
                When::Rest(modulus, rest) => hash() % *modulus == *rest,
            };
            is_now.then_some(*how)
        });
        self.struck += u64::from(how.is_some());
        how
    }
}

/// A policy that follows the plan of its thread.
struct Troubled(GoNoGo);

impl Troubled {
    fn open(policy: GoNoGo) -> Box<dyn Model> {
        let builds = PLAN.with_borrow_mut(|plan| {
            plan.builds += 1;
            (plan.dies_at_build == Some(plan.builds)).then_some(plan.builds)
        });
        assert_eq!(builds, None, "the process dies here");
        Box::new(Self(policy))
    }
}

impl Model for Troubled {
    fn card(&self) -> &ModelCard {
        self.0.card()
    }

    fn inputs(&self) -> usize {
        self.0.inputs()
    }

    fn outputs(&self) -> usize {
        self.0.outputs()
    }

    fn infer(&self, h: &[f32], output: &mut [f32]) -> Result<(), Fault> {
        self.0.infer(h, output)?;
        match PLAN.with_borrow_mut(|plan| plan.strike(h)) {
            None => {}
            Some(How::Panics) => panic!("a planted panic"),
            Some(How::Faults) => return Err(Fault::new("basal_ganglia", "a planted fault")),
            Some(How::IsNotFinite) => output[1] = f32::NAN,
        }
        Ok(())
    }
}

const SECOND: &str = r#"
[instrument.BTCUSD2]
tick = "1"
lot = "0.0001"
maker_fee = "1"
taker_fee = "2"
[limits.BTCUSD2]
order_size = "0.26"
position = "0.25"
notional = "40000"
capital = "60000"
collar = 50.0
rate = 100
duplicate = 150
"#;
const SHIFT_NS: i64 = 137_000_000;

/// Two instruments, the second a little behind the first.
struct Scene {
    place: Place,
    config: Config,
}

/// What a daemon left behind.
struct Ran {
    outcome: Outcome,
    records: Vec<Record>,
    struck: u64,
    journal: PathBuf,
}

impl Scene {
    fn new() -> Self {
        Self::with("")
    }

    fn with(more: &str) -> Self {
        let place = Place::new(9_000);
        let text = std::fs::read_to_string(place.path("config.toml")).expect("a configuration");
        let text = text.replace("[daemon]\n", &format!("[daemon]\n{more}\n")) + SECOND;
        let config = Loader::new().text(&text, "test").and_then(Loader::finish).expect("sound");
        let scene = Self { place, config };
        let mut lines = String::new();
        scene.events().iter().for_each(|event| {
            let instruments = scene.config.known(&scene.config.instrument_names()).expect("facts");
            write_ndjson(event, name_of(&instruments, event.instrument), &mut lines);
        });
        std::fs::write(scene.place.path("pair.ndjson"), lines).expect("written");
        scene
    }

    /// The events of both.
    fn events(&self) -> Vec<MarketEvent> {
        let instruments = self.config.known(&self.config.instrument_names()).expect("facts");
        let mut open = open_options(&self.config, &instruments, None);
        open.instrument = Some("BTCUSD".to_owned());
        let feed = self.place.feed();
        let first: Vec<MarketEvent> = Merge::open([(feed.as_str(), open)]).collect();
        let instrument = instruments.find("BTCUSD2").expect("configured");
        let later = |event: &MarketEvent| MarketEvent {
            instrument,
            time: event.time.plus(SHIFT_NS),
            ..event.clone()
        };
        let mut all: Vec<MarketEvent> = first.iter().map(later).collect();
        all.extend(first);
        all.sort_by_key(|event| event.time);
        all
    }

    fn options(&self, journal: &str) -> Options {
        Options {
            dir: self.place.path(journal),
            feeds: vec![self.place.path("pair.ndjson").display().to_string()],
            format: None,
            config: Some(self.config.clone()),
            speed: Speed::Max,
            venue: None,
            once: true,
            backend: Backend { name: "native", policy: Troubled::open },
        }
    }

    fn try_run(&self, journal: &str, plan: Plan) -> Result<Ran, Failure> {
        PLAN.set(plan);
        let options = self.options(journal);
        let journal = options.dir.clone();
        let outcome = daemon::run(options)?;
        let struck = PLAN.with_borrow(|plan| plan.struck);
        Ok(Ran { outcome, records: records(&journal), struck, journal })
    }

    fn run(&self, journal: &str, plan: Plan) -> Ran {
        self.try_run(journal, plan).expect("it runs to its end")
    }

    /// A daemon that dies in the middle: a panic outside of any region.
    fn dies(&self, journal: &str, plan: Plan) {
        assert!(plan.dies_at_build.is_some());
        let died = catch_unwind(AssertUnwindSafe(|| self.try_run(journal, plan).map(drop)));
        assert!(died.is_err(), "it was to die: {died:?}");
    }
}

impl Ran {
    fn decisions(&self) -> impl Iterator<Item = &DecisionRecord> {
        self.records.iter().filter_map(|record| match record {
            Record::Decision(decision) => Some(&decision.record),
            _ => None,
        })
    }

    fn notices(&self) -> impl Iterator<Item = (u64, &NoticeKind)> {
        self.records.iter().filter_map(|record| match record {
            Record::Input(Input { sequence, kind: InputKind::Notice(notice), .. }) => {
                Some((*sequence, notice))
            }
            _ => None,
        })
    }

    /// Each as number of the notice, number of the input, instrument.
    fn quarantines(&self) -> Vec<(u64, u64, Option<InstrumentId>)> {
        let told = self.notices().filter_map(|(at, notice)| match notice {
            NoticeKind::Quarantine { input, instrument } => Some((at, *input, *instrument)),
            _ => None,
        });
        told.collect()
    }

    /// What inputs and decisions are, without what depends on the clock of the machine.
    fn story(&self) -> Vec<&Record> {
        self.records
            .iter()
            .filter(|record| matches!(record, Record::Input(_) | Record::Decision(_)))
            .collect()
    }

    /// The orders that were placed.
    fn placed(&self) -> Vec<String> {
        let requests = self.decisions().filter_map(|decision| match &decision.verdict.outcome {
            Decided::Act(requests) => Some(requests),
            Decided::Rest(_) => None,
        });
        let places = requests.flatten().filter(|request| matches!(request, Request::Place(_)));
        places.map(|request| request.id().to_string()).collect()
    }

    /// How many cancels the gate sent of its own accord.
    fn cancelled_by_the_gate(&self, of: u16) -> usize {
        let is_cancel =
            |notice: &NoticeKind| matches!(notice, NoticeKind::CancelSent(id) if id.instrument.0 == of);
        self.notices().filter(|(_, notice)| is_cancel(notice)).count()
    }

    /// The tape is whole and thought again by a healthy policy it is the same.
    fn is_proved(&self) {
        assert_eq!(verify(&self.journal)["verdict"], "clean");
        let again = replay(&self.journal);
        assert_eq!(
            (&again["verdict"], &again["digest"]),
            (&"identical".into(), &self.outcome.digest.clone().into())
        );
        let placed = self.placed();
        assert_eq!(placed.iter().collect::<BTreeSet<_>>().len(), placed.len(), "no order twice");
    }
}

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

/// Whether it does nothing but cancel, and bring its position nearer to zero.
fn only_reduces(decision: &DecisionRecord) -> bool {
    let Decided::Act(requests) = &decision.verdict.outcome else { return true };
    let position = decision.account.position.units();
    requests.iter().all(|request| match request {
        Request::Cancel(_) => true,
        Request::Replace { .. } => false,
        Request::Place(order) => {
            let change = order.side.signed(order.quantity).units();
            change.signum() == -position.signum() && change.abs() <= position.abs()
        }
    })
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
    scene.dies("died", Plan { dies_at_build: Some(2), ..Plan::of([always(victim, How::Panics)]) });
    let dead = records(&scene.place.path("died"));
    let last = dead.iter().rev().find_map(|record| match record {
        Record::Input(input) => Some(input.sequence),
        _ => None,
    });
    assert_eq!(last, Some(victim.sequence), "the input is durable, and nothing behind it");
    let ran = scene.run("died", Plan::of([always(victim, How::Panics)]));
    assert_eq!(ran.struck, 2, "it fails once more, and is tried again");
    assert_eq!(ran.quarantines(), lived.quarantines());
    assert_eq!(ran.outcome.digest, lived.outcome.digest);
    ran.is_proved();
    // where it was transient, nothing is quarantined
    scene.dies("well", Plan { dies_at_build: Some(2), ..Plan::of([always(victim, How::Panics)]) });
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
        scene.dies(&journal, Plan { dies_at_build: Some(2 + seed), ..trouble() });
        scene.dies(&journal, Plan { dies_at_build: Some(2), ..trouble() });
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
    PLAN.set(Plan::of(once));
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
    let struck = PLAN.with_borrow(|plan| plan.struck);
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
