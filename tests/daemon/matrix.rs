//! Every region, failed in every way before, at, within and behind a trip: what comes of it stands in a
//! table, written from the design (S1, S2, S3, R5).

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use janus::brain::{Hook, REGIONS};
use janus::failure::Failure;
use market::InstrumentId;
use market::features::{FEATURES, Feature};
use synapse::{
    Appraised, DecisionRecord, Encoded, Fault, Forecast, Fused, LatchCause, NoticeKind, Perceived, Proposed,
    Recalled, Sensed, Signal,
};

use crate::common::PATIENCE;
use crate::scene::{Plan, Ran, Scene, TWO_TICKS_NS, only_reduces};

/// What befalls a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    Panic,
    Error,
    /// The same whenever the sample is thought.
    ErrorAgain,
    Hang,
    NotFinite,
}

/// What must come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    /// Rebuilt and thought again: nothing that is decided differs (S1).
    Recovered,
    /// The input is quarantined and its instrument rests (S2).
    Rests,
    /// The input is quarantined, and being nobody's halts everything (S2).
    Halts,
    /// The amygdala trips on it at once, and nothing is placed (R5).
    Trips,
    /// It is as good as absent, which is no fault: nobody remembers, sees or costs it (W7, R5).
    Absent,
    /// The judge refuses what it is told of as not finite (R5).
    Refused,
}

use Comes::{Absent, Halts, Recovered, Refused, Rests, Trips};

/// What comes of a blow to each region, in the order of the line: panic or error once; error twice or a
/// hang, which ends the process first (S3); a value that is not finite, see [`poison`].
///
/// A tick is nobody's alone until the brainstem has made samples of it. What leaves the brainstem not finite
/// is the amygdala's affair; a region whose own output would not be finite fails; the hippocampus, the
/// neocortex that has learned nothing and the visual cortex take what is no number for absent.
const TABLE: [(&str, [Comes; 3]); 9] = [
    ("brainstem", [Recovered, Halts, Trips]),
    ("amygdala", [Recovered, Rests, Trips]),
    ("hippocampus", [Recovered, Rests, Absent]),
    ("neocortex", [Recovered, Rests, Absent]),
    ("visual_cortex", [Recovered, Rests, Absent]),
    ("thalamus", [Recovered, Rests, Recovered]),
    ("basal_ganglia", [Recovered, Rests, Recovered]),
    ("cerebellum", [Recovered, Rests, Absent]),
    ("prefrontal", [Recovered, Rests, Refused]),
];

/// When it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Before,
    /// At the very input that trips.
    At,
    /// Between the trip and its restart.
    Within,
    After,
}

/// How many samples later the pictures that a restart cleared are whole again.
const FRAMES: usize = 50;

const PHASES: [Phase; 4] = [Phase::Before, Phase::At, Phase::Within, Phase::After];

/// Makes what a region is given not finite, in a way that reaches what it makes of it; whether it could.
/// Numbers from the market are fixed point, so the brainstem is given none: what it hands on is spoiled.
fn poison(region: &str, message: &mut dyn Any) -> bool {
    fn given<T: 'static>(message: &mut dyn Any) -> &mut T {
        message.downcast_mut().expect("what the region is given")
    }
    let all = |sensed: &mut Sensed| {
        FEATURES.iter().for_each(|spec| sensed.features[spec.feature] = Some(f32::NAN));
    };
    match region {
        "brainstem" => given::<Sensed>(message).features[Feature::ReturnMid] = Some(f32::NAN),
        "amygdala" => given::<Sensed>(message).context.spread_bp = Some(f32::INFINITY),
        "hippocampus" => all(&mut given::<Appraised>(message).sensed),
        "neocortex" => {
            let codes = &mut given::<Encoded>(message).codes;
            codes.iter_mut().for_each(|code| code.fill(f32::NAN));
            return codes.iter().all(|code| !code.is_empty());
        }
        "visual_cortex" => all(&mut given::<Recalled>(message).encoded.appraised.sensed),
        "thalamus" => {
            let v = &mut given::<Perceived>(message).percept.v;
            v.fill(f32::NAN);
            return !v.is_empty();
        }
        "basal_ganglia" => given::<Fused>(message).state.h.fill(f32::NAN),
        "cerebellum" => {
            let appraised = &mut given::<Proposed>(message).fused.perceived.recalled.encoded.appraised;
            appraised.sensed.context.volatility_bp = Some(f32::NAN);
        }
        "prefrontal" => {
            given::<Forecast>(message).proposed.proposal.margin = f32::NAN;
        }
        other => panic!("there is no region {other}"),
    }
    true
}

/// One blow, and how often it was struck.
struct Trouble {
    region: &'static str,
    at: (u64, InstrumentId),
    blow: Blow,
    /// How often it may strike yet.
    left: AtomicU64,
    struck: AtomicU64,
    is_over: AtomicBool,
}

impl Trouble {
    fn hook(self: &Arc<Self>) -> Hook {
        let this = Arc::clone(self);
        Arc::new(move |region, sequence, instrument, message| {
            this.strike((region, sequence, instrument), message)
        })
    }

    fn strike(
        &self,
        (region, sequence, instrument): (&str, u64, InstrumentId),
        message: &mut dyn Any,
    ) -> Result<(), Fault> {
        let spoils = self.blow == Blow::NotFinite;
        let place = match self.region {
            // what it hands on is what the amygdala is given
            "brainstem" if spoils => "amygdala",
            region => region,
        };
        let is_its = place == "brainstem" || instrument == self.at.1;
        if region != place || sequence != self.at.0 || !is_its {
            return Ok(());
        }
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
            return Ok(());
        }
        if !spoils || poison(self.region, message) {
            self.struck.fetch_add(1, Ordering::SeqCst);
        }
        match self.blow {
            Blow::Panic => panic!("a planted panic"),
            Blow::Error | Blow::ErrorAgain => Err(Fault::new(self.region, "a planted fault")),
            Blow::Hang => {
                while !self.is_over.load(Ordering::SeqCst) {
                    std::thread::park_timeout(Duration::from_millis(1));
                }
                Ok(())
            }
            Blow::NotFinite => Ok(()),
        }
    }
}

/// The run that nothing befalls, and where blows fall in it.
struct Calm {
    scene: Scene,
    ran: Ran,
}

impl Calm {
    fn new(step_limit_ms: u128) -> Self {
        let scene = Scene::shocked(step_limit_ms, TWO_TICKS_NS);
        let ran = scene.run("calm", Plan::default());
        let (trip, restarted) = ran.trip();
        let tripped: Vec<u64> = ran.decisions().filter(|d| d.verdict.tripped).map(|d| d.sequence).collect();
        assert_eq!(tripped, [trip], "one trip");
        assert!(ran.placed().len() > 20, "{} orders", ran.placed().len());
        assert!(ran.outcome.ended && ran.decisions().any(|d| d.sequence > restarted + 20));
        ran.is_proved();
        Self { scene, ran }
    }

    /// The decision whose sample is struck: of the calm market, but for the trip itself.
    fn victim(&self, phase: Phase) -> &DecisionRecord {
        let (trip, restarted) = self.ran.trip();
        let shocked = self.ran.decisions().find(|d| d.verdict.tripped).expect("a trip");
        let mut of = self.ran.decisions().filter(|d| match phase {
            Phase::At => d.verdict.tripped,
            _ => d.instrument != shocked.instrument && d.verdict.latch.is_some() == (d.sequence > trip),
        });
        let found = match phase {
            // far enough back that it is armed, and its orders work
            Phase::Before => of.filter(|d| d.sequence + 60 < trip && !only_reduces(d)).last(),
            Phase::At => of.next(),
            Phase::Within => of.find(|d| d.sequence > trip && d.sequence < restarted),
            // its pictures are whole again
            Phase::After => of.filter(|d| d.sequence > restarted).nth(FRAMES),
        };
        found.unwrap_or_else(|| panic!("a sample {phase:?} the trip"))
    }

    /// Strikes, and asserts that what comes of it is as the table says.
    fn cell(&self, (region, comes): (&'static str, Comes), blow: Blow, phase: Phase) {
        let victim = self.victim(phase);
        let name = format!("{region} {blow:?} {phase:?}");
        let times = match (blow, comes) {
            (Blow::ErrorAgain, _) => 2,
            // what comes of a value on the tape comes of it whenever the tape is thought
            (Blow::NotFinite, Trips | Absent | Refused) => u64::MAX,
            _ => 1,
        };
        let (left, struck) = (AtomicU64::new(times), AtomicU64::new(0));
        let at = (victim.sequence, victim.instrument);
        let trouble = Arc::new(Trouble { region, at, blow, left, struck, is_over: AtomicBool::new(false) });
        let ran = self.scene.try_run_with(&name, Plan::default(), Some(trouble.hook()));
        trouble.is_over.store(true, Ordering::SeqCst);
        let struck = trouble.struck.load(Ordering::SeqCst);
        assert!(
            if times == u64::MAX { struck > 0 } else { struck == times },
            "{name}: struck {struck} times"
        );
        let ran = if blow == Blow::Hang {
            let ended = ran.err().unwrap_or_else(|| panic!("{name}: it was to end"));
            assert!(matches!(ended, Failure::Internal(_)) && ended.number() == 70, "{name}: {ended}");
            let left = crate::tape::records(&self.scene.place.path(&name));
            let told = crate::tape::count(&left, |notice| matches!(notice, NoticeKind::Quarantine { .. }));
            assert_eq!(told, 1, "{name}: the quarantine is on the tape");
            let again = self.scene.try_run_with(&name, Plan::default(), None);
            again.unwrap_or_else(|failure| panic!("{name}, started again: {failure}"))
        } else {
            ran.unwrap_or_else(|failure| panic!("{name}: {failure}"))
        };
        assert!(ran.outcome.ended, "{name}");
        match comes {
            Recovered => self.is_recovered(&ran, &name),
            Rests | Halts => self.is_left_out(&ran, victim, (comes, blow), &name),
            Trips => self.trips(&ran, victim, phase, &name),
            Absent => self.goes_on(&ran, victim, &name),
            Refused => {
                self.goes_on(&ran, victim, &name);
                let struck = same(&ran, victim).expect("it is judged");
                assert!(only_reduces(struck), "{name}: {:?}", struck.verdict.outcome);
            }
        }
        // of a trip that is thought while a hang is dealt with, the restart is that of the process
        if blow != Blow::Hang || !ran.restart_steps().is_empty() {
            assert_steps(&ran, &name);
        }
    }

    fn is_recovered(&self, ran: &Ran, name: &str) {
        assert_eq!(ran.outcome.digest, self.ran.outcome.digest, "{name}");
        assert_eq!(ran.story(), self.ran.story(), "{name}");
        assert_eq!(ran.outcome.latch, self.ran.outcome.latch, "{name}");
    }

    fn is_left_out(&self, ran: &Ran, victim: &DecisionRecord, (comes, blow): (Comes, Blow), name: &str) {
        let whose = (comes == Rests).then_some(victim.instrument);
        let [(at, input, instrument)] = ran.quarantines()[..] else {
            panic!("{name}: {:?}", ran.quarantines())
        };
        assert_eq!((input, instrument), (victim.sequence, whose), "{name}");
        assert!(ran.decisions().all(|d| d.sequence != input), "{name}: it is absent");
        let mut after = 0;
        for d in ran.decisions().filter(|d| d.sequence > at && whose.is_none_or(|it| it == d.instrument)) {
            assert!(only_reduces(d), "{name}: {d:?}");
            after += 1;
        }
        assert!(after > 5, "{name}: {after} decisions behind it");
        assert!(comes != Halts || ran.outcome.latch.is_some(), "{name}: halted");
        if blow != Blow::Hang {
            ran.is_proved();
        }
    }

    fn trips(&self, ran: &Ran, victim: &DecisionRecord, phase: Phase, name: &str) {
        let struck = same(ran, victim).unwrap_or_else(|| panic!("{name}: it is judged"));
        assert!(only_reduces(struck) && ran.quarantines().is_empty(), "{name}: {:?}", struck.verdict);
        let not_finite = LatchCause::Amygdala(Signal::NotFinite);
        let first = self.ran.outcome.latch.clone();
        let says = |cause: Option<LatchCause>| cause.map(|cause| cause.to_string());
        match phase {
            Phase::Before | Phase::At => {
                assert_eq!(says(struck.verdict.latch), says(Some(not_finite)), "{name}")
            }
            Phase::Within | Phase::After => assert_eq!(says(struck.verdict.latch), first, "{name}"),
        }
        assert!(struck.threat.reading(Signal::NotFinite).exceeded, "{name}");
        // one while a restart is pending adds none (G7)
        assert_eq!(struck.verdict.tripped, phase != Phase::Within, "{name}");
        assert!(ran.outcome.latch.is_some(), "{name}");
    }

    /// No fault, and the trip comes as it did.
    fn goes_on(&self, ran: &Ran, victim: &DecisionRecord, name: &str) {
        let struck = same(ran, victim).unwrap_or_else(|| panic!("{name}: it is judged"));
        assert_eq!(struck.verdict.tripped, victim.verdict.tripped, "{name}");
        assert!(ran.quarantines().is_empty(), "{name}: no fault");
        assert_eq!(ran.outcome.latch, self.ran.outcome.latch, "{name}");
    }
}

/// What a run decided about the same sample.
fn same<'a>(ran: &'a Ran, victim: &DecisionRecord) -> Option<&'a DecisionRecord> {
    ran.decisions().find(|d| (d.sequence, d.instrument) == (victim.sequence, victim.instrument))
}

/// Each trip has its four steps, in order, once.
fn assert_steps(ran: &Ran, name: &str) {
    let trips: Vec<u64> = ran.decisions().filter(|d| d.verdict.tripped).map(|d| d.sequence).collect();
    let steps = ran.restart_steps();
    let told: Vec<u64> = steps.chunks(4).map(|steps| steps[0].0).collect();
    assert_eq!(told, trips, "{name}: {steps:?}");
    crate::trip::assert_in_order(&steps);
}

fn table(blow: Blow, column: usize) {
    // no step of a sound region takes so long, however busy the machine is
    let calm = Calm::new(if blow == Blow::Hang { 800 } else { PATIENCE.as_millis() });
    assert_eq!(TABLE.map(|(region, _)| region), REGIONS);
    for (region, comes) in TABLE {
        for phase in PHASES {
            calm.cell((region, comes[column]), blow, phase);
        }
    }
}

#[test]
fn a_panic() {
    table(Blow::Panic, 0);
}

#[test]
fn an_error() {
    table(Blow::Error, 0);
}

#[test]
fn an_error_that_comes_again() {
    table(Blow::ErrorAgain, 1);
}

#[test]
fn a_hang() {
    table(Blow::Hang, 1);
}

#[test]
fn a_value_that_is_not_finite() {
    table(Blow::NotFinite, 2);
}
