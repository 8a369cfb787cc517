//! What is known of a source while its thread reads.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use market::feed::FeedStats;

use crate::control::FeedStatus;

/// How many rows with a fault are kept by name.
const KEPT_FAULTS: usize = 10;

/// How far a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Connecting,
    Open,
    Lost,
    Ended,
    /// Nobody listens any more.
    Stopped,
}

const STAGES: [Stage; 5] = [Stage::Connecting, Stage::Open, Stage::Lost, Stage::Ended, Stage::Stopped];

/// The counters of a source: its thread counts, the daemon looks.
#[derive(Debug)]
pub(super) struct Counters {
    name: String,
    began: Instant,
    stage: AtomicU8,
    events: AtomicU64,
    refused: AtomicU64,
    /// When the last event was read, since the beginning.
    last_ns: AtomicU64,
    /// How long the event taken last had waited.
    lag_ns: AtomicU64,
    faults: Mutex<Vec<String>>,
}

impl Counters {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            began: Instant::now(),
            stage: AtomicU8::new(Stage::Connecting as u8),
            events: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            last_ns: AtomicU64::new(0),
            lag_ns: AtomicU64::new(0),
            faults: Mutex::new(Vec::new()),
        }
    }

    /// Goes on to a stage; one that is stopped stays so.
    pub(super) fn set(&self, stage: Stage) {
        let next = |now| (now != Stage::Stopped as u8).then_some(stage as u8);
        let _ = self.stage.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
    }

    pub(super) fn stage(&self) -> Stage {
        STAGES[usize::from(self.stage.load(Ordering::SeqCst))]
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stage() == Stage::Stopped
    }

    /// An event was read.
    pub(super) fn read(&self, at: Instant) {
        self.events.fetch_add(1, Ordering::Relaxed);
        self.last_ns.store(nanoseconds(at.duration_since(self.began)), Ordering::Relaxed);
    }

    pub(super) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// An event was taken.
    pub(super) fn taken(&self, read_at: Instant) {
        self.lag_ns.store(nanoseconds(read_at.elapsed()), Ordering::Relaxed);
    }

    /// A connection's counts, of which `known` rows with a fault were noted before; how many are now.
    pub(super) fn note(&self, stats: &FeedStats, known: u64) -> u64 {
        if stats.refused > known {
            self.refused.fetch_add(stats.refused - known, Ordering::Relaxed);
            let new = stats.faults.iter().skip(known as usize).map(ToString::to_string);
            self.keep(new);
        }
        stats.refused
    }

    /// A row was refused here.
    pub(super) fn refuse(&self, what: String) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.keep(std::iter::once(what));
    }

    fn keep(&self, new: impl Iterator<Item = String>) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let room = KEPT_FAULTS - faults.len();
        faults.extend(new.take(room));
    }

    pub(super) fn faults(&self) -> Vec<String> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn status(&self) -> FeedStatus {
        let ms = |ns: u64| ns / 1_000_000;
        let now_ns = nanoseconds(self.began.elapsed());
        FeedStatus {
            name: self.name.clone(),
            state: format!("{:?}", self.stage()).to_lowercase(),
            events: self.events(),
            refused: self.refused.load(Ordering::Relaxed),
            lag_ms: ms(self.lag_ns.load(Ordering::Relaxed)),
            silent_ms: ms(now_ns.saturating_sub(self.last_ns.load(Ordering::Relaxed))),
        }
    }
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
