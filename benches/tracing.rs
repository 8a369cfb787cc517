//! What it costs to trace a sample: its span, nine regions and the verdict, with nothing in between.
//!
//! `cargo bench --bench tracing`. The log goes to a file in the folder of temporary files. Each line is
//! run several times; printed are the smallest and the middle figure, wall time.

use std::fs::OpenOptions;
use std::hint::black_box;
use std::time::{Duration, Instant};

use janus::assemble::{self, Orders};
use janus::brain::{REGIONS, Tracer};
use janus::commands::DEMO_CONFIG;
use janus::config::Loader;
use janus::logging::{self, LogLayer};
use market::{InstrumentId, MarketEvent, Timestamp};
use synapse::Judged;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;

const RUNS: usize = 15;
const SAMPLES: u64 = 20_000;

/// What is logged, where it goes beside standard error, and every how manieth sequence is traced.
const MODES: [(&str, Option<&str>, u64); 5] = [
    ("no log but warnings", None, 100),
    ("a log, the sample is not traced", Some("info"), 0),
    ("a log, one sample in 100 is traced", Some("info"), 100),
    ("a log, each sample is traced at info", Some("info"), 1),
    ("a log, each sample is traced at debug", Some("info,janus::trace=debug"), 0),
];

fn main() {
    // without `--bench` this is a test that it works at all
    let is_bench = std::env::args().any(|arg| arg == "--bench");
    let (runs, samples) = if is_bench { (RUNS, SAMPLES) } else { (1, 200) };
    let judged = judged();
    let folder = tempfile::tempdir().expect("a folder");
    println!("{:<42}{:>10}{:>10}{:>14}", "ns a sample", "smallest", "middle", "bytes a sample");
    for (at, (name, filter, every)) in MODES.into_iter().enumerate() {
        let path = folder.path().join(at.to_string());
        let warnings = logging::json(std::io::stderr, EnvFilter::new("warn"));
        let mut layers: Vec<LogLayer> = vec![warnings];
        if let Some(filter) = filter {
            let file = OpenOptions::new().append(true).create(true).open(&path).expect("a file");
            layers.push(logging::json(file, EnvFilter::new(filter)));
        }
        let subscriber = tracing_subscriber::registry().with(layers);
        let mut figures: Vec<f64> = tracing::subscriber::with_default(subscriber, || {
            (0..runs).map(|_| pass(Tracer::new(every), &judged, samples)).collect()
        });
        figures.sort_by(f64::total_cmp);
        let bytes = std::fs::metadata(&path).map_or(0, |meta| meta.len()) / (samples * runs as u64);
        println!("{name:<42}{:>10.0}{:>10.0}{bytes:>14}", figures[0], figures[runs / 2]);
    }
}

/// Nanoseconds a sample.
fn pass(tracer: Tracer, judged: &Judged, samples: u64) -> f64 {
    let began = Instant::now();
    for sequence in 1..=samples {
        let traced = black_box(tracer).sample(sequence, InstrumentId(0));
        traced.took(REGIONS[0], Duration::from_nanos(sequence));
        for region in &REGIONS[1..] {
            drop(black_box(traced.region(region)));
        }
        traced.verdict(judged);
    }
    began.elapsed().as_nanos() as f64 / samples as f64
}

fn judged() -> Judged {
    let stream = Vec::<MarketEvent>::new().into_iter().peekable();
    let config = Loader::new().text(DEMO_CONFIG, "config/demo.toml").and_then(Loader::finish);
    let config = config.expect("the demo's configuration");
    let (engine, _) = assemble::engine(&config, stream, Orders::default()).expect("a brain");
    let judged = engine.line().peek(1, Timestamp::from_ns(0), InstrumentId(0)).expect("no fault");
    judged.expect("a sample")
}
