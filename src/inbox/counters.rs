//! What is known of a source while its thread reads.

use std::sync::{Mutex, MutexGuard, PoisonError};
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

/// The counters of a source: its thread counts, the daemon looks.
#[derive(Debug)]
pub(super) struct Counters {
    name: String,
    counts: Mutex<Counts>,
}

#[derive(Debug)]
struct Counts {
    stage: Stage,
    events: u64,
    refused: u64,
    /// When the last event was read; at first when it began.
    last: Instant,
    /// How long the event taken last had waited.
    lag: Duration,
    faults: Vec<String>,
}

impl Counters {
    pub(super) fn new(name: String) -> Self {
        let (stage, last, lag) = (Stage::Connecting, Instant::now(), Duration::ZERO);
        let counts = Counts { stage, events: 0, refused: 0, last, lag, faults: Vec::new() };
        Self { name, counts: Mutex::new(counts) }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on to a stage; one that is stopped stays so.
    pub(super) fn set(&self, stage: Stage) {
        let mut counts = self.counts();
        if counts.stage != Stage::Stopped {
            counts.stage = stage;
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.counts().stage
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stage() == Stage::Stopped
    }

    /// An event was read.
    pub(super) fn read(&self, at: Instant) {
        let mut counts = self.counts();
        counts.events += 1;
        counts.last = at;
    }

    pub(super) fn events(&self) -> u64 {
        self.counts().events
    }

    /// An event was taken.
    pub(super) fn taken(&self, read_at: Instant) {
        self.counts().lag = read_at.elapsed();
    }

    /// A connection's counts, of which `known` rows with a fault were noted before; how many are now.
    pub(super) fn note(&self, stats: &FeedStats, known: u64) -> u64 {
        if stats.refused > known {
            let new = stats.faults.iter().skip(known as usize).map(ToString::to_string);
            self.counts().refuse(stats.refused - known, new);
        }
        stats.refused
    }

    /// A row was refused here.
    pub(super) fn refuse(&self, what: String) {
        self.counts().refuse(1, std::iter::once(what));
    }

    pub(super) fn faults(&self) -> Vec<String> {
        self.counts().faults.clone()
    }

    pub(super) fn status(&self) -> FeedStatus {
        let counts = self.counts();
        let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        FeedStatus {
            name: self.name.clone(),
            state: format!("{:?}", counts.stage).to_lowercase(),
            events: counts.events,
            refused: counts.refused,
            lag_ms: ms(counts.lag),
            silent_ms: ms(counts.last.elapsed()),
        }
    }
}

impl Counts {
    fn refuse(&mut self, count: u64, what: impl Iterator<Item = String>) {
        self.refused += count;
        let room = KEPT_FAULTS - self.faults.len();
        self.faults.extend(what.take(room));
    }
}
