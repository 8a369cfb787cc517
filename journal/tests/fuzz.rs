//! Bytes that nobody wrote: whatever stands in a file, reading it neither panics nor asks for memory
//! without bound.
//!
//! `JANUS_FUZZ_SECONDS` says for how long, `JANUS_SEED` where to begin. What fails is repeated by the
//! seed and the number of the case, both of which are said.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use journal::disk::RealDisk;
use journal::verify::{Verdict, verify};
use journal::{
    Entry, Finding, Hash, Head, Header, Manifest, Marker, Note, Reader, Regime, Released, SECTOR_BYTES, Tape,
    codec,
};
use market::{FeatureVector, InstrumentId, Quantity, Timestamp};
use synapse::{
    Account, Action, Context, DecisionRecord, Digest, ExecutionForecast, FusedState, Input, InputKind,
    NoticeKind, Outcome, Reason, SampleKind, Tick, Verdict as Judgement,
};

/// More than a block of the largest size that the format allows needs, in all its forms at once.
const CAP_BYTES: usize = 256 << 20;
const SEGMENT_BYTES: u64 = 32 << 10;

/// The system's memory up to a cap, and the most that was asked for at once.
struct Capped;

static USED: AtomicUsize = AtomicUsize::new(0);
static LARGEST: AtomicUsize = AtomicUsize::new(0);

#[expect(unsafe_code, reason = "that is how an allocator is given; it only counts and passes on")]
// SAFETY: what is handed out comes from the system's allocator, with the layout asked for
unsafe impl GlobalAlloc for Capped {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        if USED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size() > CAP_BYTES {
            USED.fetch_sub(layout.size(), Ordering::Relaxed);
            return std::ptr::null_mut();
        }
        // SAFETY: passed on as it came
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: passed on as it came
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static MEMORY: Capped = Capped;

/// A source of numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// Numbers that lengths and counts go wrong at.
    fn edge(&mut self) -> u64 {
        let near = [0, 1, 0x7F, 0xFF, 0xFFFF, 1 << 20, 1 << 31, u64::from(u32::MAX), 1 << 40, u64::MAX];
        near[self.below(near.len())].wrapping_add(self.below(3) as u64).wrapping_sub(1)
    }

    /// Changes a few places.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..1 + self.below(4) {
            let at = self.below(bytes.len());
            match self.below(6) {
                _ if bytes.is_empty() => bytes.push(self.next() as u8),
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = self.next() as u8,
                2 | 3 => {
                    let (edge, width) = (self.edge().to_le_bytes(), [1, 2, 4, 8][self.below(4)]);
                    let end = bytes.len().min(at + width);
                    bytes[at..end].copy_from_slice(&edge[..end - at]);
                }
                4 => bytes.truncate(at),
                _ => {
                    let piece = bytes[at..bytes.len().min(at + 1 + self.below(64))].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
    }
}

fn decision(sequence: u64) -> DecisionRecord {
    let outcome = Outcome::Rest(Reason::WarmingUp { left: 3 });
    DecisionRecord {
        sequence,
        instrument: InstrumentId(0),
        time: Timestamp::from_ns(1),
        kind: SampleKind::Regular,
        mark2: Some(1),
        account: Account::default(),
        features: FeatureVector::default(),
        context: Context::default(),
        threat: scenes::threat(),
        recall: Default::default(),
        percept: [0; 32],
        state: FusedState { h: vec![0.5; 32].into(), gate: vec![0.25; 32].into(), absent: Vec::new() },
        proposal: scenes::proposal(Action::Buy, Quantity::ZERO),
        execution: ExecutionForecast::default(),
        verdict: Judgement::untested(outcome),
        book: Default::default(),
        top: None,
    }
}

/// Frames of every kind, and how many.
fn frames(sequence: u64) -> (Vec<u8>, u32, Head) {
    let time = Timestamp::from_ns(1);
    let fresh = (0..9).map(InstrumentId).collect();
    let by = |text: &str| text.to_owned();
    let kinds = [
        InputKind::Tick(Tick { fresh, ..Tick::default() }),
        InputKind::Notice(NoticeKind::Activate { hash: [1; 32], by: by("someone"), reason: by("a reason") }),
    ];
    let inputs = kinds.into_iter().zip(sequence..).map(|(kind, sequence)| Input { sequence, time, kind });
    let inputs: Vec<Input> = inputs.collect();
    let bytes = decision(sequence).to_bytes();
    let mut digest = Digest::default();
    digest.push(&bytes);
    let late = false;
    let released = Released { sequence, instrument: InstrumentId(0), time, late };
    let marker = Marker { sequence, time, state: Hash([2; 32]) };
    let finding = Finding {
        rule: by("fill"),
        order: None,
        instrument: Some(InstrumentId(0)),
        ours: by("1"),
        theirs: by("2"),
        action: by("taken over"),
    };
    let note = Note::Reconciled { agreed: true, findings: vec![finding] };
    let mut frames = Vec::new();
    let entries = [
        Entry::Input(&inputs[0]),
        Entry::Decision { late, bytes: &bytes },
        Entry::Released(&released),
        Entry::Input(&inputs[1]),
        Entry::Marker(&marker),
        Entry::Note(&note),
    ];
    entries.into_iter().for_each(|entry| codec::frame(entry, &mut frames));
    let head = Head { sequence: sequence + 1, time_ns: 1, latched: false, digest };
    (frames, entries.len() as u32, head)
}

fn manifest() -> Manifest {
    Manifest {
        run: "fuzz".into(),
        created_ns: 0,
        build: "0.1.0".into(),
        regime: Regime::Real,
        config: Hash([1; 32]),
        policy: Hash([2; 32]),
        rules: None,
        schemas: None,
        backend: "none".into(),
        cpu: "any".into(),
        instruments: vec!["TEST".into()],
        feeds: Vec::new(),
        formats: Vec::new(),
        from_ns: None,
        venue: None,
    }
}

/// How many cases a reader took, and how many it refused.
#[derive(Debug, Default)]
struct Counts {
    taken: u64,
    refused: u64,
}

impl Counts {
    fn count<T, E>(&mut self, result: &Result<T, E>) {
        *(if result.is_ok() { &mut self.taken } else { &mut self.refused }) += 1;
    }
}

fn decode(raw: &[u8], counts: &mut Counts) {
    let codec = codec::codec(journal::FORMAT).expect("it is the format of this build");
    let frames = codec.frames(raw);
    counts.count(&frames);
    frames.unwrap_or_default().into_iter().for_each(|frame| counts.count(&codec.record(frame)));
}

fn payload(random: &mut Random, counts: &mut Counts) {
    let codec = codec::codec(journal::FORMAT).expect("it is the format of this build");
    let (raw, ..) = frames(1);
    let mut payload = zstd::bulk::compress(&raw, 1).expect("it compresses");
    random.mutate(&mut payload);
    let claimed = if random.below(2) == 0 { raw.len() as u32 } else { random.edge() as u32 };
    let unpacked = codec.unpack(&payload, claimed);
    counts.count(&unpacked);
    decode(&unpacked.unwrap_or_default(), counts);
}

/// A tape of three blocks, the second of these frames.
fn tape(dir: &Path, strange: &[u8]) {
    let mut tape = Tape::create(RealDisk, dir, &manifest(), SEGMENT_BYTES).expect("created");
    let (good, count, head) = frames(1);
    tape.append(&good, count, head).expect("appended");
    tape.append(strange, count, head).expect("appended");
    tape.append(&frames(3).0, count, frames(3).2).expect("appended");
}

/// Reads everything of a tape in every way.
fn read(dir: &Path, counts: &mut Counts) {
    let report = verify(dir);
    assert!((report.verdict == Verdict::Clean) == report.first_bad.is_none(), "{report:?}");
    let reader = Reader::open(dir);
    counts.count(&reader);
    if let Ok(reader) = reader {
        (0..reader.headers().len() + 1).for_each(|at| counts.count(&reader.block(at)));
        assert!(reader.records().count() <= 1_000_000);
    }
}

/// A header changed so that its CRC is right, as somebody would who knows the format.
fn forge(random: &mut Random, bytes: &mut [u8]) -> Option<()> {
    let page = 8 * SECTOR_BYTES * random.below(bytes.len() / (8 * SECTOR_BYTES));
    let place = bytes.get_mut(page..)?.first_chunk_mut()?;
    let mut header = Header::from_bytes(place).ok()?;
    match random.below(7) {
        0 => header.payload_bytes = random.edge() as u32,
        1 => header.raw_bytes = random.edge() as u32,
        2 => header.records = random.edge() as u32,
        3 => header.number = random.edge(),
        4 => (header.sequence_first, header.sequence_last) = (random.edge(), random.edge()),
        5 => header.version = random.edge() as u16,
        _ => header.epoch = random.edge() as u32,
    }
    *place = header.to_bytes();
    Some(())
}

fn files(dir: &Path) -> [PathBuf; 3] {
    [dir.join("tape/0000000001.seg"), dir.join("anchor"), dir.join("manifest.json")]
}

fn segment(random: &mut Random, dir: &Path, whole: &[Vec<u8>; 3], counts: &mut Counts) {
    let (at, mut strange) = (random.below(8).saturating_sub(5), whole.clone());
    if at > 0 || random.below(2) == 0 {
        random.mutate(&mut strange[at]);
    }
    if random.below(2) == 0 {
        // nothing to forge where the place holds no header
        let _ = forge(random, &mut strange[0]);
    }
    files(dir).iter().zip(&strange).for_each(|(path, bytes)| fs::write(path, bytes).expect("written"));
    read(dir, counts);
}

#[test]
fn no_bytes_panic_or_take_memory_without_bound() {
    let number =
        |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let (seed, seconds) = (number("JANUS_SEED", 12), number("JANUS_FUZZ_SECONDS", 5));
    // not captured: where memory runs out the process aborts, and libtest would show nothing
    let say = |text: String| std::io::stderr().write_all(text.as_bytes()).expect("written");
    let folder = tempfile::tempdir().expect("a folder");
    tape(folder.path(), &frames(1).0);
    let whole = files(folder.path()).map(|path| fs::read(path).expect("it is there"));
    let mut counts: [Counts; 4] = Default::default();
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut case = 0;
    while Instant::now() < end {
        let mut random = Random(seed ^ (case << 20));
        // what needs a disk is rarer, as it takes a thousand times as long
        let kind =
            [0, 0, 0, 1, 1, 1, 2, 3][if case % 64 == 0 { 6 + random.below(2) } else { random.below(6) }];
        if case % 1024 == 0 {
            say(format!("seed {seed}, case {case}\n"));
        }
        let mut raw = frames(1).0;
        random.mutate(&mut raw);
        match kind {
            0 => decode(&raw, &mut counts[0]),
            1 => payload(&mut random, &mut counts[1]),
            2 => segment(&mut random, folder.path(), &whole, &mut counts[2]),
            _ => {
                let folder = tempfile::tempdir().expect("a folder");
                tape(folder.path(), &raw);
                read(folder.path(), &mut counts[3]);
            }
        }
        let largest = LARGEST.load(Ordering::Relaxed);
        assert!(
            largest <= CAP_BYTES,
            "seed {seed}, case {case}, kind {kind}: asked for {largest} bytes at once"
        );
        case += 1;
    }
    say(format!(
        "seed {seed}, {case} cases, at most {} bytes at once: {counts:?}\n",
        LARGEST.load(Ordering::Relaxed)
    ));
    assert!(counts.iter().all(|counts| counts.taken > 0 && counts.refused > 0), "one-sided: {counts:?}");
}
