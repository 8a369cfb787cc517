//! CPU time of the bundled session: a row of the market, a decision of the brain, region by region.
//!
//! `cargo bench --bench brain`. All data is in memory. Each line is run several times; printed are
//! the smallest and the middle figure. CPU time is this thread's, told by the scheduler in
//! `/proc/thread-self/schedstat`; where there is none, wall time takes its place and is called so.

mod session;

use std::hint::black_box;
use std::io::Read;
use std::time::{Duration, Instant};

use janus::assemble::{self, Orders};
use janus::brain::{REGIONS, RegionGauge, Silent};
use janus::config::{Config, SamplerParams};
use market::MarketEvent;

use session::{Market, Parts};

const RUNS: usize = 15;
const SCHEDSTAT: &str = "/proc/thread-self/schedstat";

fn main() {
    // without `--bench` this is a test that it works at all
    let runs = if std::env::args().any(|arg| arg == "--bench") { RUNS } else { 1 };
    let (config, events) = (session::config(), session::events());
    let clock = if cpu_ns().is_some() { "CPU" } else { "wall" };
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("{clock} time, {runs} runs; load average {}\n", load.trim());
    println!("{:<42}{:>10}{:>10}{:>10}", "µs a row", "smallest", "middle", "goal");
    reading(runs);
    market(&config, &events, runs);
    let idle = SamplerParams { kind: "bars".to_owned(), ..config.sampler.clone() };
    back_test(
        "the whole loop, no decision taken",
        &Config { sampler: idle, ..config.clone() },
        &events,
        runs,
    );
    let test = back_test("the whole loop, decisions and all", &config, &events, runs);
    test.tell(events.len());
}

fn reading(runs: usize) {
    let packed = session::bytes("orders.csv.gz");
    let rows = session::read("orders.csv.gz", packed.clone());
    let inflate = || {
        let mut decoder = flate2::read::MultiGzDecoder::new(packed.as_slice());
        let mut chunk = vec![0; 64 << 10];
        while decoder.read(&mut chunk).expect("a whole gzip") > 0 {
            black_box(&chunk);
        }
    };
    line("inflating orders.csv.gz", runs, rows, None, inflate);
    line("reading it", runs, rows, Some(0.25), || {
        session::read("orders.csv.gz", packed.clone());
    });
}

fn market(config: &Config, events: &[MarketEvent], runs: usize) {
    let rows = events.len() as u64;
    for (parts, name) in Parts::ALL {
        let goal = (parts >= Parts::Exchange).then_some(0.35);
        line(name, runs, rows, goal, || {
            let (samples, reports) = Market::new(config, parts).run(events);
            assert_eq!(samples > 7_000, parts >= Parts::Features, "{parts:?} made {samples} samples");
            assert_eq!(reports > 14_000, parts == Parts::Quoting, "{parts:?} made {reports} reports");
        });
    }
}

/// What back-tests of the session took.
struct BackTest {
    /// The fastest.
    seconds: f64,
    decisions: u64,
    digest: String,
    /// Wall time a decision, µs, by region and run.
    region_us: Vec<Vec<f64>>,
}

fn back_test(name: &str, config: &Config, events: &[MarketEvent], runs: usize) -> BackTest {
    let mut test = BackTest {
        seconds: 0.0,
        decisions: 0,
        digest: String::new(),
        region_us: vec![Vec::new(); REGIONS.len()],
    };
    let rows = events.len() as f64;
    let mut per_row = Vec::new();
    for _ in 0..runs {
        let stream = Vec::from(events).into_iter().peekable();
        let (mut engine, _) = assemble::engine(config, stream, Orders::default()).expect("the demo's brain");
        let time = timed(|| engine.run(&mut Silent).expect("no region faults"));
        per_row.push(micros(time) / rows);
        test.decisions = engine.totals().decisions();
        test.digest = engine.digest().to_hex();
        for (us, ns) in
            test.region_us.iter_mut().zip(engine.gauges().regions().each_ref().map(RegionGauge::sum_ns))
        {
            us.push(ns as f64 / 1000.0 / test.decisions as f64);
        }
    }
    print(name, &per_row, None);
    test.seconds = smallest(&per_row) * rows / 1e6;
    test
}

impl BackTest {
    fn tell(&self, rows: usize) {
        let Self { seconds, decisions, digest, .. } = self;
        println!("\n{rows} rows and {decisions} decisions in {seconds:.3} s, the smallest; digest {digest}");
        let a_second = |count: f64| count / seconds;
        println!("{:.0} rows/s, {:.0} decisions/s\n", a_second(rows as f64), a_second(*decisions as f64));
        println!("{:<42}{:>10}{:>10}", "µs a decision, wall time", "smallest", "middle");
        for (name, us) in REGIONS.iter().zip(&self.region_us) {
            print(name, us, None);
        }
    }
}

/// Times some work on the session and prints it as µs a row.
fn line(name: &str, runs: usize, rows: u64, goal: Option<f64>, mut work: impl FnMut()) {
    let figures: Vec<f64> = (0..runs).map(|_| micros(timed(&mut work)) / rows as f64).collect();
    print(name, &figures, goal);
}

fn print(name: &str, figures: &[f64], goal: Option<f64>) {
    let goal = goal.map_or(String::new(), |goal| format!("{goal:>10}"));
    println!("{name:<42}{:>10.3}{:>10.3}{goal}", smallest(figures), middle(figures));
}

fn smallest(figures: &[f64]) -> f64 {
    figures.iter().copied().fold(f64::INFINITY, f64::min)
}

fn middle(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The CPU time of some work, or its wall time where the system does not tell.
fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let (wall, cpu) = (Instant::now(), cpu_ns());
    black_box(work());
    match (cpu, cpu_ns()) {
        (Some(before), Some(after)) => Duration::from_nanos(after - before),
        _ => wall.elapsed(),
    }
}

fn cpu_ns() -> Option<u64> {
    // the scheduler brings its count up to date when it is entered
    std::thread::yield_now();
    let text = std::fs::read_to_string(SCHEDSTAT).ok()?;
    text.split_whitespace().next()?.parse().ok()
}
