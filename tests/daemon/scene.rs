//! A daemon in the thread of its test, over two instruments, with a policy that fails as planned.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use basal_ganglia::GoNoGo;
use janus::assemble::open_options;
use janus::brain::Hook;
use janus::config::{Config, Loader, name_of};
use janus::daemon::{self, Options, Outcome};
use janus::failure::Failure;
use janus::policy::Backend;
use janus::venue::Speed;
use journal::{Record, RestartStep};
use market::feed::{Merge, write_ndjson};
use market::order::Request;
use market::{InstrumentId, MarketEvent};
use synapse::{DecisionRecord, Fault, Model, ModelCard, NoticeKind, Outcome as Decided};

use crate::common::replay;
use crate::place::Place;
use crate::tape;

/// How a policy fails.
#[derive(Debug, Clone, Copy)]
pub enum How {
    Panics,
    Faults,
    IsNotFinite,
}

pub const HOWS: [How; 3] = [How::Panics, How::Faults, How::IsNotFinite];

/// When it does.
#[derive(Debug, Clone)]
pub enum When {
    /// At one call, counted from the start of the process.
    Call(u64),
    /// Whenever it sees this state, so many times.
    State(Vec<f32>, u64),
    /// Whenever a hash of the state leaves this rest.
    Rest(u64, u64),
}

/// What a policy has in store.
#[derive(Debug, Default)]
pub struct Plan {
    pub troubles: Vec<(When, How)>,
    /// The process dies when the brain is put together for the so-manieth time.
    dies_at_build: Option<u64>,
    calls: u64,
    builds: u64,
    pub struck: u64,
}

thread_local! {
    /// The plan of the daemon in this thread; its regions run in others.
    static PLAN: RefCell<Arc<Mutex<Plan>>> = RefCell::default();
}

/// Makes a plan for the daemon in this thread.
pub fn make_plan(plan: Plan) {
    PLAN.set(Arc::new(Mutex::new(plan)));
}

/// How often it has struck.
pub fn struck() -> u64 {
    PLAN.with_borrow(|plan| locked(plan).struck)
}

fn locked(plan: &Mutex<Plan>) -> MutexGuard<'_, Plan> {
    plan.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Plan {
    pub fn of(troubles: impl IntoIterator<Item = (When, How)>) -> Self {
        Self { troubles: troubles.into_iter().collect(), ..Self::default() }
    }

    /// It dies when the brain is put together for that time.
    pub fn dying_at(self, build: u64) -> Self {
        Self { dies_at_build: Some(build), ..self }
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

/// A policy that follows the plan of its daemon.
struct Troubled(GoNoGo, Arc<Mutex<Plan>>);

impl Troubled {
    fn open(policy: GoNoGo) -> Box<dyn Model> {
        let shared = PLAN.with_borrow(Arc::clone);
        let dies = {
            let mut plan = locked(&shared);
            plan.builds += 1;
            plan.dies_at_build == Some(plan.builds)
        };
        assert!(!dies, "the process dies here");
        Box::new(Self(policy, shared))
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
        let struck = locked(&self.1).strike(h);
        match struck {
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
/// When the market of the shocked scene is in shock.
const SHOCK_NS: std::ops::Range<i64> = 1_777_689_390_000_000_000..1_777_689_390_400_000_000;
/// Its book is whole again behind a gap, and long enough before the shock.
const BEGIN_NS: i64 = 1_777_689_386_260_000_000;
const END_NS: i64 = 1_777_689_391_500_000_000;
/// So that no event falls on a tick.
const CALM_SHIFT_NS: i64 = 7_000_000;
const SHOCK_SHIFT_NS: i64 = 3_000_000;
/// An entry latency that is longer than two ticks.
pub const TWO_TICKS_NS: i64 = 62_500_000;

/// Two instruments, the second a little behind the first.
pub struct Scene {
    pub place: Place,
    pub config: Config,
}

/// What a daemon left behind.
pub struct Ran {
    pub outcome: Outcome,
    pub records: Vec<Record>,
    pub struck: u64,
    pub journal: PathBuf,
}

impl Scene {
    pub fn new() -> Self {
        Self::with("")
    }

    pub fn with(more: &str) -> Self {
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

    /// Two instruments with the same market, but that only one of them has a shock, at which the amygdala
    /// trips; an entry latency later comes the restart.
    pub fn shocked(step_limit_ms: u128, latency_ns: i64) -> Self {
        let place = Place::shock();
        let read = |path: PathBuf| std::fs::read_to_string(path).expect("a file");
        let text = read(place.path("config.toml"));
        let (_, facts) = text.split_once("[instrument.SHOCK]").expect("an instrument");
        let calm = format!("[instrument.SHOCK]{facts}").replace("SHOCK", "CALM");
        let text = text.replace("gain = 8.0\nhold_bias = 0.5", "gain = 40.0\nhold_bias = 0.0");
        let text = text.replace(
            "[daemon]\n",
            "[daemon]\nsnapshot_every_s = 0\nsnapshot_inputs = 300\nfaults_max = 1000\n",
        );
        let text = format!(
            "{text}{calm}[exchange]\nentry_latency_ns = {latency_ns}\n[brain]\nstep_limit_ms = {step_limit_ms}\n"
        );
        std::fs::write(place.path("config.toml"), &text).expect("written");
        let config = Loader::new().text(&text, "test").and_then(Loader::finish).expect("sound");
        let mut lines = Vec::new();
        let market = read(support::root().join("tests/busy/events.ndjson"));
        let mut market: Vec<String> = market.lines().map(str::to_owned).collect();
        // behind the end of it the market goes on at the same prices
        market.extend((1..=60).map(|step| {
            let (time, bid, ask) = (END_NS + step * 20_000_000, 1 + step * 7 % 9, 1 + step * 5 % 8);
            format!(
                r#"{{"type":"levels","instrument":"SHOCK","time":{time},"bids":[["998","{bid}"]],"asks":[["999","{ask}"]]}}"#
            )
        }));
        for line in market {
            let event: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            let time = event["time"].as_i64().expect("a time");
            let mut add = |name: &str, shift_ns: i64| {
                let (shifted, line) = (time + shift_ns, line.replace("SHOCK", name));
                lines.push((shifted, line.replace(&time.to_string(), &shifted.to_string())));
            };
            if time < BEGIN_NS {
                continue;
            }
            if !SHOCK_NS.contains(&time) {
                add("CALM", CALM_SHIFT_NS);
            }
            add("SHOCK", SHOCK_SHIFT_NS);
        }
        lines.sort();
        let lines: String = lines.into_iter().map(|(_, line)| line + "\n").collect();
        std::fs::write(place.path("pair.ndjson"), lines).expect("written");
        Self { place, config }
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

    pub fn options(&self, journal: &str) -> Options {
        Options {
            dir: self.place.path(journal),
            feeds: vec![self.place.path("pair.ndjson").display().to_string()],
            format: None,
            config: Some(self.config.clone()),
            speed: Speed::Max,
            news: None,
            venue: None,
            once: true,
            http: None,
            backend: Backend { rule: Troubled::open, ..Backend::default() },
        }
    }

    fn try_run(&self, journal: &str, plan: Plan) -> Result<Ran, Failure> {
        self.try_run_with(journal, plan, None)
    }

    /// With something put in the way of the regions.
    pub fn try_run_with(&self, journal: &str, plan: Plan, hook: Option<Hook>) -> Result<Ran, Failure> {
        make_plan(plan);
        let mut options = self.options(journal);
        options.backend.hook = hook;
        let journal = options.dir.clone();
        let outcome = daemon::run(options)?;
        let struck = struck();
        Ok(Ran { outcome, records: tape::records(&journal), struck, journal })
    }

    pub fn run(&self, journal: &str, plan: Plan) -> Ran {
        self.try_run(journal, plan).expect("it runs to its end")
    }

    /// A daemon that dies in the middle: a panic outside of any region.
    pub fn dies(&self, journal: &str, plan: Plan) {
        assert!(plan.dies_at_build.is_some());
        let died = catch_unwind(AssertUnwindSafe(|| self.try_run(journal, plan).map(drop)));
        assert!(died.is_err(), "it was to die: {died:?}");
    }
}

/// Whether a decision does nothing but cancel, and bring its position nearer to zero.
pub fn only_reduces(decision: &DecisionRecord) -> bool {
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

impl Ran {
    /// The input at which the amygdala tripped first, and the one that told of the restart.
    pub fn trip(&self) -> (u64, u64) {
        let trip = self.decisions().find(|decision| decision.verdict.tripped).expect("a trip").sequence;
        let restarted =
            |(at, notice): (u64, &NoticeKind)| (*notice == NoticeKind::Restarted && at > trip).then_some(at);
        (trip, self.notices().find_map(restarted).expect("a restart"))
    }

    /// The steps of protective restarts, each with the input that tripped.
    pub fn restart_steps(&self) -> Vec<(u64, RestartStep)> {
        tape::restart_steps(&self.records)
    }

    pub fn decisions(&self) -> impl Iterator<Item = &DecisionRecord> {
        tape::decisions(&self.records)
    }

    pub fn notices(&self) -> impl Iterator<Item = (u64, &NoticeKind)> {
        tape::notices(&self.records)
    }

    /// Each as number of the notice, number of the input, instrument.
    pub fn quarantines(&self) -> Vec<(u64, u64, Option<InstrumentId>)> {
        let told = self.notices().filter_map(|(at, notice)| match notice {
            NoticeKind::Quarantine { input, instrument } => Some((at, *input, *instrument)),
            _ => None,
        });
        told.collect()
    }

    /// What inputs and decisions are, without what depends on the clock of the machine.
    pub fn story(&self) -> Vec<&Record> {
        self.records
            .iter()
            .filter(|record| matches!(record, Record::Input(_) | Record::Decision(_)))
            .collect()
    }

    /// The orders that were placed.
    pub fn placed(&self) -> Vec<String> {
        self.decisions().flat_map(tape::placed).map(|order| order.id.to_string()).collect()
    }

    /// How many cancels the gate sent of its own accord.
    pub fn cancelled_by_the_gate(&self, of: u16) -> usize {
        let is_cancel =
            |notice: &NoticeKind| matches!(notice, NoticeKind::CancelSent(id) if id.instrument.0 == of);
        self.notices().filter(|(_, notice)| is_cancel(notice)).count()
    }

    /// The tape is whole and thought again by a healthy policy it is the same.
    pub fn is_proved(&self) {
        tape::proved(&self.journal);
        assert_eq!(replay(&self.journal)["digest"], self.outcome.digest);
        let placed = self.placed();
        assert_eq!(placed.iter().collect::<BTreeSet<_>>().len(), placed.len(), "no order twice");
    }
}
