//! A daemon for hours, in seconds: a market without end at ten times its speed, with faults of every kind,
//! and memory, queues, descriptors and threads that stay as they are.
//!
//! `JANUS_SOAK_S` tells for how long, `JANUS_SOAK_BIN` which program, `JANUS_SOAK_OUT` where its samples go.

mod faults;
mod feeder;
mod samples;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use janus::config::Loader;
use journal::snapshots::list_snapshots;
use serde_json::Value;

use crate::common::{Process, until};
use crate::place::Place;
use faults::{Bag, Counts, DEEDS, Operator};
use feeder::{Feeder, TROUBLES};
use samples::{DESCRIPTORS, DISK, LAG, MAILBOX, RSS, Sample, THREADS, drift, names, spread, summary, usual};

const SEED: u64 = 13;
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// From so many seconds on a soak is long enough to fill every cache and to drop segments of its tape.
const LONG_S: u64 = 600;
/// So long a run keeps its whole tape.
const WHOLE_S: u64 = 30;
/// Memory is compared by so many stretches of time, and may move by so much of itself.
const STRETCHES: usize = 10;
const DRIFT: f64 = 0.02;
/// What is in memory at the most: the cache of the index has 64 MiB, and a night over a tape takes about as
/// much, over a long one more.
const MOST_RSS_KIB: [f64; 2] = [262144.0, 524288.0];
/// The next segment of the tape and a snapshot are open for a while.
const SPARE: f64 = 2.0;
/// What those who ask may have open beside.
const VISITORS: f64 = 4.0;
/// Segments that a night and the index read at the same time.
const READ: f64 = 2.0 * (BUDGET_MIB / SEGMENT_MIB + 1.0);
const CREDITS: f64 = 64.0;
const BUDGET_MIB: f64 = 128.0;
const SEGMENT_MIB: f64 = 8.0;
/// What waits for the disk fits a buffer, whose records are not smaller than that.
const BUFFER_BYTES: f64 = 1048576.0;
const RECORD_BYTES: f64 = 16.0;

/// A daemon that may lose rows and money and still has both, and keeps little of its past.
const MORE: &str = r#"
[run]
cash = "1000000000"
max_refused = 0.5
[brain]
credits = 64
[journal]
segment_mib = 8
buffer_mib = 1
budget_gib = 0.125
[sleep]
experiences_max = 4000
restarts = 1
iterations_max = 10
"#;

/// The configuration of a place, for two instruments and a long life.
fn config(place: &Place) -> String {
    let text = fs::read_to_string(place.path("config.toml")).expect("a configuration");
    let (brain, instrument) = text.split_once("[instrument.BTCUSD]").expect("an instrument");
    let brain = brain.replace("snapshot_inputs = 1500", "snapshot_inputs = 15000");
    let brain = brain.replace("grid_ms = 25\n", "grid_ms = 250\n");
    let instrument = format!("[instrument.BTCUSD]{instrument}").replace(
        "notional = \"40000\"\ncapital = \"60000\"",
        "notional = \"40000\"\ncapital = \"100000000\"",
    );
    format!("{brain}{instrument}{}{MORE}", instrument.replace("BTCUSD]", "BTCUSD2]"))
}

/// A daemon at the end of its feed.
struct Soak {
    program: PathBuf,
    place: Place,
    config: String,
    seconds: u64,
}

impl Soak {
    fn new() -> Self {
        let program =
            std::env::var_os("JANUS_SOAK_BIN").map_or(env!("CARGO_BIN_EXE_janus").into(), PathBuf::from);
        let seconds = std::env::var("JANUS_SOAK_S").map_or(20, |text| text.parse().expect("seconds"));
        let place = Place::eager(1);
        let config = config(&place);
        fs::write(place.path("config.toml"), &config).expect("written");
        Self { program, place, config, seconds }
    }

    fn is_long(&self) -> bool {
        self.seconds >= LONG_S
    }

    fn janus(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).arg("--journal").arg(self.place.journal()).env_clear();
        command
    }

    fn start(&self, socket: &Path) -> Process {
        let mut command = self.janus(&["run", "--json", "--http", "127.0.0.1:0"]);
        command.arg("--config").arg(self.place.path("config.toml")).arg(format!("unix:{}", socket.display()));
        Process::start(&mut command, &self.place.path("."))
    }

    /// The object that a command tells of the journal.
    fn told(&self, args: &[&str]) -> Value {
        let output = self.janus(args).arg("--json").output().expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().last().unwrap_or_default();
        let told = || format!("{args:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(last).unwrap_or_else(|_| panic!("{}", told()))
    }

    /// The tape is whole, and what is left of it is thought again to the same.
    fn proved(&self) {
        let proof = self.told(&["verify"]);
        assert_eq!(proof["verdict"], "clean", "{proof}");
        // of a tape that has lost its beginning no more than the end can be thought again
        let again = if self.seconds > WHOLE_S {
            let kept = list_snapshots(&self.place.journal()).expect("a folder");
            let mut kept: Vec<u64> = kept.iter().map(|snapshot| snapshot.sequence).collect();
            kept.sort_unstable();
            self.told(&["replay", "--from", &kept[kept.len() - 3].to_string()])
        } else {
            self.told(&["replay"])
        };
        assert_eq!(again["verdict"], "identical", "{again}");
        assert!(again["decisions"].as_u64() > Some(100), "{again}");
    }

    /// What is wrong with what was seen behind the warm-up.
    fn faults(&self, samples: &[Sample]) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |is_so: bool, what: String| {
            if !is_so {
                faults.push(what);
            }
        };
        let most = |figure| spread(samples, figure)[2];
        let (trend, range) = drift(samples, RSS, STRETCHES);
        eprintln!("resident memory: trend {:.2} %, range {:.2} %", trend * 100.0, range * 100.0);
        if self.is_long() {
            check(trend.abs() + range <= DRIFT, format!("memory moves by {trend} within {range}"));
        }
        // caches fill and the first nights make the heap what it will be: a short run only finds what holds
        // on to a kilobyte a row
        let bound = MOST_RSS_KIB[usize::from(self.is_long())];
        check(most(RSS) <= bound, format!("{} KiB are in memory", most(RSS)));
        let quiet: Vec<Sample> = samples.iter().filter(|sample| sample.is_quiet).copied().collect();
        let (before, after) = quiet.split_at(quiet.len() / 2);
        for (figure, spare, beside) in [(DESCRIPTORS, SPARE, VISITORS + READ), (THREADS, 0.0, VISITORS)] {
            let [usual, then] = [before, after].map(|part| usual(part, figure));
            check((then - usual).abs() <= spare, format!("{}: {usual}, then {then}", figure.0));
            check(most(figure) - usual <= beside, format!("{}: {} at times", figure.0, most(figure)));
        }
        check(most(MAILBOX) <= CREDITS, format!("a mailbox holds {}", most(MAILBOX)));
        check(most(LAG) <= BUFFER_BYTES / RECORD_BYTES, format!("{} inputs are not durable", most(LAG)));
        check(most(DISK) <= BUDGET_MIB + 2.0 * SEGMENT_MIB, format!("the tape takes {} MiB", most(DISK)));
        let is_full = most(DISK) >= BUDGET_MIB - SEGMENT_MIB;
        check(is_full || !self.is_long(), format!("the tape takes only {} MiB", most(DISK)));
        faults
    }
}

/// Where it answers, as it says.
fn http_of(daemon: &mut Process) -> String {
    until("an address", || {
        let said = daemon.said();
        assert!(daemon.is_alive(), "{said}");
        let mut lines = said.lines();
        lines.find_map(|line| line.strip_prefix("janus: health and metrics at http://")).map(str::to_owned)
    })
}

/// What its metrics are.
fn metrics(http: &str) -> String {
    let mut stream = TcpStream::connect(http).expect("it listens");
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: janus\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    text
}

/// Looks at a daemon once a second until it has run for long enough.
fn watch(daemon: &mut Process, http: &str, seconds: u64, counts: &Counts) -> Vec<Sample> {
    let (began, mut samples) = (Instant::now(), Vec::new());
    let mut out = std::env::var_os("JANUS_SOAK_OUT").map(|path| File::create(path).expect("a file"));
    out.iter_mut().for_each(|out| writeln!(out, "{}", names()).expect("written"));
    let mut told = metrics(http);
    while began.elapsed().as_secs() < seconds && daemon.is_alive() {
        let was_quiet = counts.is_quiet();
        let mut sample = Sample::of(daemon.child.id(), began.elapsed().as_secs_f64(), &told);
        sample.is_quiet = was_quiet && counts.is_quiet();
        out.iter_mut().for_each(|out| writeln!(out, "{}", sample.to_row()).expect("written"));
        samples.push(sample);
        thread::sleep(LOOK_EVERY);
        told = metrics(http);
    }
    samples
}

#[test]
fn memory_queues_descriptors_and_threads_stay_as_they_are() {
    let soak = Soak::new();
    let config = Loader::new().text(&soak.config, "a soak").and_then(Loader::finish).expect("sound");
    let socket = soak.place.path("feed.sock");
    let feeder = Feeder::new(&socket, &config);
    let mut daemon = soak.start(&socket);
    let http = http_of(&mut daemon);
    let (counts, over) = (Arc::<Counts>::default(), Arc::<AtomicBool>::default());
    let operator = Operator {
        journal: soak.place.journal(),
        pid: daemon.child.id(),
        http: http.clone(),
        configs: [soak.config.clone(), soak.config.replace("margin = 0.05", "margin = 0.06")],
    };
    let mean = Duration::from_secs(soak.seconds).mul_f64(1.0 / 16.0).min(Duration::from_secs(6));
    let (troubles, deeds) = (Bag::new(&TROUBLES, SEED, "feed", mean), Bag::new(&DEEDS, SEED, "deeds", mean));
    let (fed, done) = thread::scope(|scope| {
        let feeding = scope.spawn(|| feeder.run(troubles, &counts, &over));
        let acting = scope.spawn(|| operator.run(deeds, &counts, &over));
        let samples = watch(&mut daemon, &http, soak.seconds, &counts);
        over.store(true, Ordering::Relaxed);
        acting.join().expect("what was asked was done");
        (feeding.join().expect("it connects"), samples)
    });
    let told = metrics(&http);
    let ended = daemon.stop();
    let (counts, fed) = (counts.all(), fed.expect("it is read to the end"));
    eprintln!("soak of {} s, seed {SEED}: {counts:?}\n{fed:?}\n{}", soak.seconds, ended.stdout);
    let after = &done[done.len().div_ceil(4).max(5)..];
    assert!(after.len() >= STRETCHES, "only {} samples", after.len());
    eprintln!("least/median/most behind the warm-up: {}", summary(after));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let names = TROUBLES.iter().map(|(_, name)| name).chain(DEEDS.iter().map(|(_, name)| name));
    names.for_each(|name| assert!(counts.get(name) > Some(&0), "no {name}, seed {SEED}: {counts:?}"));
    let faults = told.lines().find(|line| line.starts_with("janus_faults_total")).expect("a metric");
    assert!(faults.ends_with(" 0"), "{faults}");
    let faults = soak.faults(after);
    assert!(faults.is_empty(), "{faults:?}, seed {SEED}");
    soak.proved();
}
