//! A trip and its protective restart (G7): its steps, killed with -9 between any two of them, and killed
//! within milliseconds of a trip.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use janus::config::Loader;
use janus::daemon::{self, Options};
use janus::policy::Backend;
use janus::venue::Speed;
use journal::{Note, Record, RestartStep};
use synapse::random::seed_for;
use synapse::{Input, NoticeKind, Outcome, Reason};
use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

use crate::common::{PATIENCE, janus};
use crate::scene::{Plan, Ran, Scene, TWO_TICKS_NS, only_reduces};
use crate::tape::{place_of, records, restart_steps};

/// Asserts that each trip has its steps once, in order.
pub fn assert_in_order(steps: &[(u64, RestartStep)]) {
    for of_one in steps.chunks(4) {
        let [
            (first, RestartStep::Closed { .. }),
            (second, RestartStep::Durable),
            (third, RestartStep::Stopped),
            (fourth, RestartStep::Proved { .. }),
        ] = of_one
        else {
            panic!("not the steps of a restart: {of_one:?} of {steps:?}")
        };
        assert!(first == second && second == third && third == fourth, "{steps:?}");
    }
}

fn scene() -> Scene {
    Scene::shocked(PATIENCE.as_millis(), TWO_TICKS_NS)
}

fn input_of(record: &Record) -> Option<&Input> {
    match record {
        Record::Input(input) => Some(input),
        _ => None,
    }
}

#[test]
fn its_steps_stand_on_the_tape_and_change_nothing() {
    let scene = scene();
    let ran = scene.run("j", Plan::default());
    assert_told(&scene, &ran);
    let path = |name: &str| scene.place.path(name).display().to_string();
    let (config, feed) = (path("config.toml"), path("pair.ndjson"));
    let told = janus(&["backtest", "--engine", "loop", "--json", "--config", &config, &feed]).output();
    let told = String::from_utf8(told.expect("it starts").stdout).expect("text");
    let told: serde_json::Value =
        serde_json::from_str(told.lines().last().expect("an object")).expect("JSON");
    assert_eq!(told["digest"], ran.outcome.digest, "the plain loop's");
    ran.is_proved();
}

#[test]
fn its_steps_come_before_the_restart_however_soon_that_is_due() {
    for latency_ns in [100_000, 2_000_000] {
        let scene = Scene::shocked(PATIENCE.as_millis(), latency_ns);
        assert_told(&scene, &scene.run("j", Plan::default()));
    }
}

/// Asserts that the steps of the one restart are on the tape, between the trip and `Restarted`, which comes
/// when it must.
fn assert_told(scene: &Scene, ran: &Ran) {
    let (trip, restarted) = ran.trip();
    let steps = ran.restart_steps();
    assert_eq!(steps.iter().map(|(trip, _)| *trip).collect::<Vec<_>>(), [trip; 4]);
    assert_in_order(&steps);
    let input = |at: u64| ran.records.iter().filter_map(input_of).find(|input| input.sequence == at);
    let time = |at: u64| input(at).expect("an input").time;
    let latency_ns = scene.config.exchange.entry_latency_ns;
    assert_eq!(time(restarted), time(trip).plus(latency_ns), "an entry latency later");
    let place = |what: &str, is_it: &dyn Fn(&Record) -> bool| place_of(&ran.records, what, is_it);
    let is_step = |record: &Record, wanted: fn(&RestartStep) -> bool| matches!(record, Record::Note(Note::Restart { step, .. }) if wanted(step));
    let order = [
        place("trip", &|record| matches!(record, Record::Decision(it) if it.record.verdict.tripped)),
        place("closing", &|record| is_step(record, |step| matches!(step, RestartStep::Closed { .. }))),
        place("proof", &|record| is_step(record, |step| matches!(step, RestartStep::Proved { .. }))),
        place("restart", &|record| input_of(record).is_some_and(|input| input.sequence == restarted)),
    ];
    assert!(order.is_sorted(), "{order:?}");
    let [.., (_, RestartStep::Proved { decisions })] = steps[..] else { panic!("{steps:?}") };
    assert!(decisions > 0, "the rebuild recomputed decisions");
}

/// Where a process dies in a restart, by its own hand: kill -9.
const DEATHS: [(&str, usize); 6] = [
    // behind so many steps on the tape
    ("Closed", 0),
    ("Durable", 1),
    ("Stopped", 2),
    ("rebuilding", 3),
    ("Proved", 3),
    ("behind", 4),
];
const PLACE: &str = "JANUS_TRIP_PLACE";
const DEATH: &str = "JANUS_TRIP_DEATH";

/// Dies with -9, now.
fn die() -> ! {
    let id = std::process::id().to_string();
    Command::new("kill").args(["-9", &id]).status().expect("it can be killed");
    loop {
        std::thread::park();
    }
}

/// Watches the log for the steps of a restart, and dies before the one it waits for is written down.
struct Watch {
    death: String,
    /// What has been begun: the rebuild, and all.
    is_rebuilding: Arc<AtomicBool>,
    is_proved: Arc<AtomicBool>,
}

struct Step(String);

impl Visit for Step {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "step" {
            self.0 = format!("{value:?}");
        }
    }
}

impl<S: tracing::Subscriber> Layer<S> for Watch {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut step = Step(String::new());
        event.record(&mut step);
        if step.0.is_empty() {
            return;
        }
        if step.0.starts_with(&self.death) {
            die();
        }
        self.is_rebuilding.store(step.0.starts_with("Stopped"), Ordering::SeqCst);
        self.is_proved.store(step.0.starts_with("Proved"), Ordering::SeqCst);
    }
}

fn options(place: &Path, journal: PathBuf) -> Options {
    let text = std::fs::read_to_string(place.join("config.toml")).expect("a configuration");
    Options {
        dir: journal,
        feeds: vec![place.join("pair.ndjson").display().to_string()],
        format: None,
        config: Some(Loader::new().text(&text, "test").and_then(Loader::finish).expect("sound")),
        speed: Speed::Max,
        news: None,
        venue: None,
        once: true,
        http: None,
        backend: Backend::default(),
    }
}

#[test]
#[ignore = "the process that is killed: another test starts it"]
fn the_one_that_dies() {
    let (Ok(place), Ok(death)) = (std::env::var(PLACE), std::env::var(DEATH)) else { return };
    let (is_rebuilding, is_proved) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
    let mut options = options(Path::new(&place), Path::new(&place).join(&death));
    let (rebuilding, proved, at) = (Arc::clone(&is_rebuilding), Arc::clone(&is_proved), death.clone());
    options.backend.hook = Some(Arc::new(move |_, _, _, _| {
        let is_now = match at.as_str() {
            "rebuilding" => &rebuilding,
            "behind" => &proved,
            _ => return Ok(()),
        };
        if is_now.load(Ordering::SeqCst) { die() } else { Ok(()) }
    }));
    let watch = Watch { death, is_rebuilding, is_proved };
    tracing::subscriber::with_default(tracing_subscriber::registry().with(watch), || daemon::run(options))
        .expect("it runs until it is killed");
}

#[test]
fn killed_between_any_two_steps_it_ends_the_same() {
    let scene = scene();
    let calm = scene.run("calm", Plan::default());
    let (trip, _) = calm.trip();
    for (death, steps) in DEATHS {
        let mut child = Command::new(std::env::current_exe().expect("this program"));
        let name = format!("{}::the_one_that_dies", module_path!().split_once("::").expect("a path").1);
        child.args([&name, "--exact", "--ignored", "--nocapture"]);
        child.env(PLACE, scene.place.path("")).env(DEATH, death);
        let died = child.output().expect("it starts");
        assert_eq!(died.status.signal(), Some(9), "{death}: {}", String::from_utf8_lossy(&died.stderr));
        let dead = records(&scene.place.path(death));
        assert_eq!(restart_steps(&dead).len(), steps, "{death}: {:?}", restart_steps(&dead));
        let is_durable = dead.iter().filter_map(input_of).any(|input| input.sequence == trip);
        assert!(is_durable || steps == 0, "{death}: the latch is durable before the first step is");
        let again = scene.run(death, Plan::default());
        assert_same(&again, &calm, death);
        let told = again.restart_steps();
        let whole = if is_durable { steps } else { 4 };
        assert_eq!(told.len(), whole, "{death}: no step twice: {told:?}");
        assert!(told.iter().all(|(of, _)| *of == trip), "{death}: {told:?}");
        again.is_proved();
    }
}

fn assert_same(again: &Ran, calm: &Ran, name: &str) {
    assert_eq!(again.outcome.digest, calm.outcome.digest, "{name}");
    assert_eq!(again.story(), calm.story(), "{name}");
    assert_eq!(again.outcome.latch, calm.outcome.latch, "{name}");
}

/// How soon behind a trip a kill is to come.
const WINDOW: Duration = Duration::from_millis(5);

/// Runs a process until it says that it is at that step of a restart, and kills it `after` that; whether
/// within the window. Where it says `Durable`, the trip's input is.
fn kill_at(scene: &Scene, journal: &Path, step: &str, after: Duration) -> bool {
    let path = |name: &str| scene.place.path(name).display().to_string();
    let dir = journal.display().to_string();
    let (config, feed) = (path("config.toml"), path("pair.ndjson"));
    let mut command =
        janus(&["run", "--json", "--once", "--speed", "max", "--journal", &dir, "--config", &config, &feed]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let said = BufReader::new(child.stderr.take().expect("a pipe"));
    let says = |line: &String| line.contains("protective restart") && line.contains(step);
    said.lines().map_while(Result::ok).find(says).expect("it trips");
    let seen = Instant::now();
    while seen.elapsed() < after {
        std::hint::spin_loop();
    }
    child.kill().expect("it can be killed");
    let lasted = seen.elapsed();
    child.wait().expect("its end");
    lasted <= WINDOW
}

/// How a killed process goes on: latched, and where it was killed soon behind the trip an order is refused.
/// Whether its trip was durable, and behind how many steps of the restart it died.
fn goes_on_latched(scene: &Scene, calm: &Ran, name: &str, is_soon: bool) -> (bool, usize) {
    let dead = records(&scene.place.path(name));
    let last = dead.iter().rev().find_map(input_of).expect("inputs").sequence;
    let steps = restart_steps(&dead);
    let again = scene.run(name, Plan::default());
    assert_same(&again, calm, name);
    let (trip, _) = again.trip();
    let behind: Vec<_> = again.decisions().filter(|decision| decision.sequence > trip).collect();
    assert!(behind.iter().all(|decision| decision.verdict.latch.is_some() && only_reduces(decision)));
    let is_refusal = |outcome: &Outcome| matches!(outcome, Outcome::Rest(Reason::Latched { .. }));
    let refused = behind.iter().filter(|it| it.sequence > last && is_refusal(&it.verdict.outcome)).count();
    assert!(refused > 0 || !is_soon, "{name}: an order is refused behind input {last}");
    let restarts = again.notices().filter(|(_, notice)| **notice == NoticeKind::Restarted).count();
    assert_eq!(restarts, 1, "{name}: it is restarted once");
    (last >= trip, steps.len())
}

#[test]
fn killed_within_milliseconds_of_a_trip_it_stays_latched() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let kills = number("JANUS_TRIP_KILLS").unwrap_or(20);
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.subsec_nanos().into());
    let seed = number("JANUS_KILL_SEED").unwrap_or_else(clock);
    eprintln!(
        "to repeat: JANUS_KILL_SEED={seed} JANUS_TRIP_KILLS={kills} cargo test --test daemon trip::killed_within"
    );
    let scene = scene();
    let calm = scene.run("calm", Plan::default());
    let (mut within, mut left) = (0, [0_u64; 5]);
    for kill in 0..kills {
        let name = format!("{kill}");
        let drawn = seed_for(seed ^ kill, "trip.kill");
        // where it is not durable yet, the same input trips again
        let step = if drawn.is_multiple_of(4) { "Closed" } else { "Durable" };
        let after = Duration::from_micros((drawn >> 8) % 4_500);
        let is_soon = kill_at(&scene, &scene.place.path(&name), step, after);
        let (is_durable, steps) = goes_on_latched(&scene, &calm, &name, is_soon);
        assert!(is_durable || step == "Closed", "seed {seed}, kill {kill}: what was called durable is not");
        within += u64::from(is_soon && is_durable);
        left[steps] += 1;
        std::fs::remove_dir_all(scene.place.path(&name)).expect("removed");
    }
    eprintln!("{kills} kills, {within} within {WINDOW:?} of a durable trip; behind so many steps: {left:?}");
    assert!(3 * within >= kills, "seed {seed}: only {within} of {kills} kills fell within {WINDOW:?}");
}
