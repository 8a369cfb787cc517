//! The journal: what a commit costs beside the disk itself, and how fast a tape is written, verified
//! and opened.
//!
//! `cargo bench --bench journal`. The tapes are made in the temporary folder (`TMPDIR`), which should
//! be on the disk that is meant. Printed are wall times; what the disk does by itself is measured
//! between the commits, so that both see the same noise.

use std::fs::{self, File};
use std::io::Cursor;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use janus::assemble::{self, Orders};
use janus::brain::Observer;
use janus::commands::DEMO_CONFIG;
use janus::config::Loader;
use journal::disk::RealDisk;
use journal::verify::{Verdict, verify};
use journal::{Entry, Hash, Head, Journal, Manifest, Options, Reader, Regime, Tape, codec, span};
use market::feed::{Feed, Merge, OpenOptions, open_reader};
use market::{SourceId, Timestamp};
use synapse::{DecisionRecord, Digest, Input, InputKind, Tick};

const FRAMES_BYTES: usize = 32 << 10;
const DAY_S: f64 = 86_400.0;

/// How much of everything.
struct Scale {
    commits: usize,
    paced: u64,
    events: u64,
}

fn main() {
    // without `--bench` this is a test that it works at all
    let full = std::env::args().any(|arg| arg == "--bench");
    let scale = if full {
        Scale { commits: 3_000, paced: 50_000, events: 10_000_000 }
    } else {
        Scale { commits: 20, paced: 200, events: 20_000 }
    };
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("wall time; load average {}\n", load.trim());
    commits(scale.commits);
    paced(scale.paced);
    let thoughts = Thoughts::of_session();
    thoughts.write();
    events(&thoughts, scale.events);
}

/// Commits of one block of 32 KiB, each beside a bare write and fdatasync of as many bytes.
fn commits(count: usize) {
    let dir = tempfile::tempdir().expect("a folder");
    let options = Options::default();
    let mut tape = Tape::create(RealDisk, dir.path(), &manifest(), options.segment_bytes).expect("created");
    let bare = prepared(&dir.path().join("bare"), options.segment_bytes);
    let spare = tape.spare();
    let (mut ours, mut floor, mut offset) = (Vec::new(), Vec::new(), 0);
    for at in 0..count {
        if at % 500 == 0 {
            // a journal has a thread for it
            spare.prepare().expect("room");
        }
        let frames = incompressible(at as u64);
        let begin = Instant::now();
        tape.append(&frames, 1, Head::default()).expect("room");
        ours.push(begin.elapsed());
        let block = vec![0xA5; span(tape.last().payload_bytes as usize) as usize];
        if offset + block.len() as u64 > options.segment_bytes {
            offset = 0;
        }
        let begin = Instant::now();
        bare.write_all_at(&block, offset).and_then(|()| bare.sync_data()).expect("room");
        floor.push(begin.elapsed());
        offset += block.len() as u64;
    }
    let (ours, floor) = (Times::of(ours), Times::of(floor));
    println!("{:<46}{:>10}{:>10}{:>10}", "µs", "p50", "p99", "goal");
    floor.print("write and fdatasync of a block of 32 KiB");
    ours.print("commit of a block of 32 KiB");
    let ratio = |q: f64| ours.at(q) / floor.at(q);
    println!("{:<46}{:>10.2}{:>10.2}{:>10}\n", "times the bare disk", ratio(0.5), ratio(0.99), "1.20");
}

/// Inputs that come 10,000 a second, until each is told to be durable.
fn paced(count: u64) {
    const APART: Duration = Duration::from_micros(100);
    let dir = tempfile::tempdir().expect("a folder");
    let journal = Journal::create(dir.path(), &manifest(), &Options::default()).expect("created");
    let begin = Instant::now();
    let now_ns = move || begin.elapsed().as_nanos() as u64;
    let appended: Arc<Vec<AtomicU64>> = Arc::new((0..=count).map(|_| AtomicU64::new(0)).collect());
    let told: Arc<Vec<AtomicU64>> = Arc::new((0..=count).map(|_| AtomicU64::new(0)).collect());
    let (notes, last) = (told.clone(), AtomicU64::new(0));
    journal.subscribe(Box::new(move |durable| {
        for sequence in last.swap(durable, Ordering::Relaxed) + 1..=durable {
            notes[sequence as usize].store(now_ns(), Ordering::Relaxed);
        }
    }));
    for sequence in 1..=count {
        while begin.elapsed() < APART * sequence as u32 {
            std::thread::yield_now();
        }
        appended[sequence as usize].store(now_ns(), Ordering::Relaxed);
        let input = tick(sequence);
        journal.append(Entry::Input(&input), head(&input, Digest::default()));
        journal.complete(sequence);
    }
    journal.wait().expect("room");
    journal.close().expect("closed");
    let blocks = Reader::open(dir.path()).expect("whole").headers().len() as f64;
    let times = told.iter().zip(appended.iter()).skip(1);
    let times = times.map(|(told, at)| told.load(Ordering::Relaxed) - at.load(Ordering::Relaxed));
    Times::of(times.map(Duration::from_nanos).collect()).print("input to durable, 10,000 inputs/s");
    println!("{:<46}{:>10.1}\n", "inputs a block", count as f64 / blocks);
}

/// Everything that the demo's brain was told and decided, with the head behind it.
#[derive(Default)]
struct Thoughts {
    steps: Vec<(Step, Head)>,
    decisions: u64,
    decided_bytes: u64,
    head: Head,
}

enum Step {
    Input(Input),
    Decision(Vec<u8>),
}

impl Observer for Thoughts {
    fn admitted(&mut self, input: &Input) {
        self.head = head(input, self.head.digest);
        self.steps.push((Step::Input(input.clone()), self.head));
    }

    fn decided(&mut self, _record: &DecisionRecord, bytes: &[u8], digest: Digest) {
        self.head.digest = digest;
        self.decisions += 1;
        self.decided_bytes += bytes.len() as u64;
        self.steps.push((Step::Decision(bytes.to_vec()), self.head));
    }
}

impl Thoughts {
    fn of_session() -> Self {
        let events: Vec<_> = Merge::new(vec![feed("orders.csv.gz", 0), feed("trades.csv", 1)]).collect();
        let config = Loader::new().text(DEMO_CONFIG, "config/demo.toml").and_then(Loader::finish);
        let (config, stream) = (config.expect("the demo's configuration"), events.into_iter().peekable());
        let (mut engine, _) = assemble::engine(&config, stream, Orders::default()).expect("a brain");
        let mut thoughts = Self::default();
        engine.run(&mut thoughts).expect("no region faults");
        thoughts
    }

    /// Writes them as fast as they go.
    fn write(&self) {
        let dir = tempfile::tempdir().expect("a folder");
        let journal = Journal::create(dir.path(), &manifest(), &Options::default()).expect("created");
        let begin = Instant::now();
        for (step, head) in &self.steps {
            let entry = match step {
                Step::Input(input) => Entry::Input(input),
                Step::Decision(bytes) => Entry::Decision { late: false, bytes },
            };
            journal.append(entry, *head);
        }
        journal.wait().expect("room");
        let seconds = begin.elapsed().as_secs_f64();
        journal.close().expect("closed");
        let bytes = blocks_bytes(dir.path()) as f64;
        let (records, decisions) = (self.steps.len() as f64, self.decisions as f64);
        println!("the bundled session: {records} records, of which {decisions} decisions");
        println!("{:<46}{:>10.0}", "records/s appended", records / seconds);
        println!("{:<46}{:>10.0}", "bytes a decision, as it is", self.decided_bytes as f64 / decisions);
        println!("{:<46}{:>10.0}", "bytes a decision on the tape, inputs and all", bytes / decisions);
        for rate in [100.0, 10_000.0] {
            let gigabytes = bytes / decisions * rate * DAY_S / 1e9;
            println!("{:<46}{:>10.1}", format!("GB a day at {rate} decisions/s"), gigabytes);
        }
        println!();
    }
}

/// A tape of many events: writing, verifying and opening it.
fn events(thoughts: &Thoughts, count: u64) {
    let inputs: Vec<&Input> = thoughts.steps.iter().filter_map(|(step, _)| step.input()).collect();
    let dir = tempfile::tempdir().expect("a folder");
    let options = Options::default();
    let journal = Journal::create(dir.path(), &manifest(), &options).expect("created");
    let begin = Instant::now();
    for (sequence, input) in (1..=count).zip(inputs.iter().cycle()) {
        let input = Input { sequence, time: Timestamp::from_ns(sequence as i64), kind: input.kind.clone() };
        journal.append(Entry::Input(&input), head(&input, Digest::default()));
    }
    let position = journal.close().expect("closed");
    println!("a tape of {count} events in {} blocks", position.block + 1);
    println!("{:<46}{:>10.0}", "events/s appended", count as f64 / begin.elapsed().as_secs_f64());
    let bytes = blocks_bytes(dir.path()) as f64;
    let begin = Instant::now();
    assert_eq!(verify(dir.path()).verdict, Verdict::Clean);
    println!("{:<46}{:>10.2}", "GB/s verified, on the disk", bytes / 1e9 / begin.elapsed().as_secs_f64());
    let begin = Instant::now();
    let (journal, opening) = Journal::open(dir.path(), &options).expect("whole");
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!(opening.head, position);
    println!("{:<46}{seconds:>10.3}{:>10}{:>10}", "seconds to open it, to write", "", "1.000");
    journal.close().expect("closed");
}

impl Step {
    fn input(&self) -> Option<&Input> {
        if let Self::Input(input) = self { Some(input) } else { None }
    }
}

/// A file of the bundled session, in memory.
fn feed(name: &str, source: u16) -> Box<dyn Feed> {
    let bytes = fs::read(support::session().join(name)).expect("the session is bundled");
    let (instrument, source) = (Some("BTCUSD".to_owned()), SourceId(source));
    let options = OpenOptions { instrument, source, ..OpenOptions::default() };
    open_reader(name, Box::new(Cursor::new(bytes)), &options).expect("a known format")
}

/// Sorted times.
struct Times(Vec<Duration>);

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// A quantile, µs.
    fn at(&self, quantile: f64) -> f64 {
        self.0[(self.0.len() as f64 * quantile) as usize].as_secs_f64() * 1e6
    }

    fn print(&self, name: &str) {
        println!("{name:<46}{:>10.0}{:>10.0}", self.at(0.5), self.at(0.99));
    }
}

fn blocks_bytes(dir: &Path) -> u64 {
    Reader::open(dir).expect("whole").headers().iter().map(|block| block.bytes()).sum()
}

/// A file whose bytes are all written already, as a segment's are.
fn prepared(path: &Path, bytes: u64) -> File {
    fs::write(path, vec![0; bytes as usize]).expect("room");
    let file = File::options().write(true).open(path).expect("it is there");
    file.sync_all().expect("room");
    file
}

/// A frame of 32 KiB that stays as large when it is packed.
fn incompressible(seed: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FRAMES_BYTES);
    while bytes.len() < FRAMES_BYTES {
        bytes.extend_from_slice(&Hash::of(&[seed, bytes.len() as u64].map(u64::to_le_bytes).concat()).0);
    }
    let mut frames = Vec::new();
    codec::frame(Entry::Decision { late: false, bytes: &bytes }, &mut frames);
    frames
}

fn tick(sequence: u64) -> Input {
    let time = Timestamp::from_ns(sequence as i64);
    Input { sequence, time, kind: InputKind::Tick(Tick::default()) }
}

fn head(input: &Input, digest: Digest) -> Head {
    Head { sequence: input.sequence, time_ns: input.time.ns(), latched: false, digest }
}

fn manifest() -> Manifest {
    Manifest {
        run: "bench".into(),
        created_ns: 0,
        build: env!("CARGO_PKG_VERSION").into(),
        regime: Regime::Simulated,
        config: Hash::default(),
        policy: Hash::default(),
        rules: None,
        schemas: None,
        backend: "none".into(),
        cpu: "any".into(),
        instruments: vec!["BTCUSD".into()],
        feeds: Vec::new(),
        formats: Vec::new(),
        from_ns: None,
        venue: None,
    }
}
