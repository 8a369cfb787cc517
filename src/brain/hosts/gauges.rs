//! What can be read off the regions at work, by any thread at any time: wall time and counts, so no
//! part of any decision.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use market::InstrumentId;

use crate::brain::line::REGIONS;

/// The longest step that is told from longer ones.
const LONGEST_NS: u64 = 60_000_000_000;
/// Nobody's step.
const NOBODY: u32 = u32::MAX;

/// One gauge a region, in the order of [`REGIONS`].
#[derive(Debug)]
pub struct Gauges {
    regions: [RegionGauge; REGIONS.len()],
}

impl Default for Gauges {
    fn default() -> Self {
        let began = Instant::now();
        Self { regions: REGIONS.map(|name| RegionGauge::new(name, began)) }
    }
}

impl Gauges {
    /// All of them.
    pub fn regions(&self) -> &[RegionGauge; REGIONS.len()] {
        &self.regions
    }

    /// The region that has been at one step for longest, and how long.
    pub fn slowest(&self) -> Option<(&RegionGauge, Duration)> {
        let busy = self.regions.iter().filter_map(|gauge| gauge.busy().map(|busy| (gauge, busy)));
        busy.max_by_key(|(_, busy)| *busy)
    }
}

/// What can be read off one region.
#[derive(Debug)]
pub struct RegionGauge {
    /// The region's name.
    pub name: &'static str,
    began: Instant,
    mailbox: AtomicU32,
    restarts: AtomicU32,
    sequence: AtomicU64,
    instrument: AtomicU32,
    /// Nanoseconds after `began` at which the step under way was begun, plus 1; 0 where none is.
    busy_since: AtomicU64,
    /// The smallest and the largest batch that was passed on.
    batches: Mutex<Option<(u32, u32)>>,
    steps_ns: Mutex<Steps>,
}

/// How long steps took, ns.
#[derive(Debug)]
struct Steps {
    /// None where it could not be made: its bounds are constants.
    histogram: Option<Histogram<u64>>,
    sum_ns: u64,
    count: u64,
}

impl RegionGauge {
    fn new(name: &'static str, began: Instant) -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_NS, 2).ok();
        Self {
            name,
            began,
            mailbox: AtomicU32::new(0),
            restarts: AtomicU32::new(0),
            sequence: AtomicU64::new(0),
            instrument: AtomicU32::new(NOBODY),
            busy_since: AtomicU64::new(0),
            batches: Mutex::new(None),
            steps_ns: Mutex::new(Steps { histogram, sum_ns: 0, count: 0 }),
        }
    }

    /// Messages that wait.
    pub fn mailbox(&self) -> u32 {
        self.mailbox.load(Ordering::Acquire)
    }

    /// The input it worked on last.
    pub fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Relaxed)
    }

    /// Whose sample that was; none where it was nobody's alone.
    pub fn instrument(&self) -> Option<InstrumentId> {
        u16::try_from(self.instrument.load(Ordering::Relaxed)).ok().map(InstrumentId)
    }

    /// How often its actor was started anew.
    pub fn restarts(&self) -> u32 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// How long the step under way has taken so far.
    pub fn busy(&self) -> Option<Duration> {
        let since = self.busy_since.load(Ordering::Acquire).checked_sub(1)?;
        Some(self.began.elapsed().saturating_sub(Duration::from_nanos(since)))
    }

    /// The smallest and the largest batch that it passed on; none before the first.
    pub fn batches(&self) -> Option<(u32, u32)> {
        *self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Samples it was stepped with.
    pub fn handled(&self) -> u64 {
        self.with_steps(|steps| steps.count)
    }

    /// How long its steps took together.
    pub fn sum_ns(&self) -> u64 {
        self.with_steps(|steps| steps.sum_ns)
    }

    /// How long a step takes at that quantile; none before the first.
    pub fn quantile_ns(&self, quantile: f64) -> Option<u64> {
        self.with_steps(|steps| {
            let histogram = steps.histogram.as_ref().filter(|_| steps.count > 0)?;
            Some(histogram.value_at_quantile(quantile))
        })
    }

    fn with_steps<T>(&self, read: impl FnOnce(&mut Steps) -> T) -> T {
        read(&mut self.steps_ns.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A message was sent to it.
    pub(in crate::brain) fn sent(&self) {
        self.mailbox.fetch_add(1, Ordering::AcqRel);
    }

    /// It took a message; how many still wait.
    pub(in crate::brain) fn took(&self) -> u32 {
        self.mailbox.fetch_sub(1, Ordering::AcqRel) - 1
    }

    /// Its actor was started anew, with an empty mailbox.
    pub(in crate::brain) fn restarted(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        self.clear();
    }

    /// Its actor is there, with an empty mailbox.
    pub(in crate::brain) fn clear(&self) {
        self.mailbox.store(0, Ordering::Release);
        self.busy_since.store(0, Ordering::Release);
    }

    /// It passed that many packets on together.
    pub(in crate::brain) fn passed_on(&self, packets: usize) {
        let packets = packets as u32;
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        let (least, most) = batches.unwrap_or((packets, packets));
        *batches = Some((least.min(packets), most.max(packets)));
    }

    /// It begins a step.
    pub(in crate::brain) fn begin(&self, sequence: u64, instrument: Option<InstrumentId>) -> Instant {
        let now = Instant::now();
        self.sequence.store(sequence, Ordering::Relaxed);
        self.instrument.store(instrument.map_or(NOBODY, |id| u32::from(id.0)), Ordering::Relaxed);
        let since = now.saturating_duration_since(self.began).as_nanos() as u64;
        self.busy_since.store(since + 1, Ordering::Release);
        now
    }

    /// It ends the step that it began then; one with a sample is counted.
    pub(in crate::brain) fn end(&self, began: Instant, counts: bool) {
        self.busy_since.store(0, Ordering::Release);
        if counts {
            let ns = began.elapsed().as_nanos() as u64;
            self.with_steps(|steps| {
                steps.sum_ns += ns;
                steps.count += 1;
                if let Some(histogram) = &mut steps.histogram {
                    histogram.saturating_record(ns);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_counted_and_one_under_way_is_seen() {
        let gauges = Gauges::default();
        let gauge = &gauges.regions()[3];
        assert_eq!((gauge.busy(), gauge.quantile_ns(0.5), gauge.instrument()), (None, None, None));
        let began = gauge.begin(7, Some(InstrumentId(2)));
        assert!(gauge.busy().is_some());
        assert_eq!(gauges.slowest().map(|(slow, _)| slow.name), Some(REGIONS[3]));
        gauge.end(began, true);
        assert_eq!((gauge.busy(), gauge.handled(), gauge.sequence()), (None, 1, 7));
        assert_eq!(gauge.instrument(), Some(InstrumentId(2)));
        assert!(gauge.quantile_ns(0.99).is_some());
    }

    #[test]
    fn a_mailbox_tells_what_still_waits() {
        let gauges = Gauges::default();
        let gauge = &gauges.regions()[0];
        gauge.sent();
        gauge.sent();
        assert_eq!((gauge.took(), gauge.mailbox()), (1, 1));
        gauge.passed_on(4);
        gauge.passed_on(2);
        assert_eq!(gauge.batches(), Some((2, 4)));
        gauge.restarted();
        assert_eq!((gauge.mailbox(), gauge.restarts()), (0, 1));
    }
}
