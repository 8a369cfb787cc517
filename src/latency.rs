//! How long what is sent takes to its decision, and to the release of its orders, counted from the
//! moment at which its sender meant to send it.
//!
//! It knows no clock and takes bounded memory: of each moment the caller tells, of older events nothing is
//! kept but where they fall in a histogram.

use std::collections::VecDeque;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The longest that is told apart, µs.
const LONGEST_US: u64 = 60_000_000;
const DIGITS: u8 = 3;
/// How many events may be under way, or decided and not released, before the oldest is forgotten.
const UNDER_WAY: usize = 1 << 16;
/// What lies so near to a snapshot, before it or after, counts to its second.
const NEAR_NS: i64 = 500_000_000;
/// How many of the newest snapshots are kept.
const SNAPSHOTS: usize = 16;

/// How long it took, for events that said when they were sent.
#[derive(Debug)]
pub struct Latencies {
    all: Spans,
    /// Of those that came while no night was under way, and of those that came in one.
    awake_asleep: [Spans; 2],
    is_asleep: bool,
    /// By sequence.
    under_way: VecDeque<UnderWay>,
    /// What was decided last before it was expected, and when: a plain loop decides as it admits.
    early: Option<(u64, i64)>,
    snapshots: VecDeque<Snapshot>,
    newest_snapshot: u64,
}

/// An event that may still be decided or released.
#[derive(Debug)]
struct UnderWay {
    sequence: u64,
    sent_ns: i64,
    is_asleep: bool,
    decided_us: Option<u64>,
    released_us: Option<u64>,
}

/// The second around a snapshot.
#[derive(Debug)]
struct Snapshot {
    at_ns: i64,
    spans: Spans,
}

/// To both ends.
#[derive(Debug)]
struct Spans {
    decided: Histogram<u32>,
    released: Histogram<u32>,
}

/// What there is to tell of [`Latencies`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatencyStatus {
    /// From the moment an event was meant to be sent to its decision.
    pub decided: SpanStatus,
    /// To the release of the orders that were decided, with the decision durable.
    pub released: SpanStatus,
    /// The same within half a second of each snapshot, oldest first.
    pub snapshots: Vec<EndsStatus>,
    /// The same of what came while no night was under way, and of what came in one, where something did.
    pub awake_asleep: Option<[EndsStatus; 2]>,
}

/// To both ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndsStatus {
    /// To the decision.
    pub decided: SpanStatus,
    /// To the release.
    pub released: SpanStatus,
}

/// How long something took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SpanStatus {
    /// How often.
    pub count: u64,
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// 99 % took no longer.
    pub p99_ms: f64,
    /// 99.9 % took no longer.
    pub p99_9_ms: f64,
    /// None took longer.
    pub max_ms: f64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            all: Spans::new(),
            awake_asleep: [Spans::new(), Spans::new()],
            is_asleep: false,
            under_way: VecDeque::new(),
            early: None,
            snapshots: VecDeque::new(),
            newest_snapshot: 0,
        }
    }
}

impl Latencies {
    /// From here on what comes comes in a night, or no longer does.
    pub const fn set_asleep(&mut self, is_asleep: bool) {
        self.is_asleep = is_asleep;
    }

    /// The event of that input was meant to be sent then. Sequences ascend.
    pub fn sent(&mut self, sequence: u64, sent_ns: i64) {
        if self.under_way.len() == UNDER_WAY {
            self.under_way.pop_front();
        }
        let is_asleep = self.is_asleep;
        let event = UnderWay { sequence, sent_ns, is_asleep, decided_us: None, released_us: None };
        self.under_way.push_back(event);
        if let Some((_, now_ns)) = self.early.take_if(|(early, _)| *early == sequence) {
            self.decided(sequence, now_ns);
        }
    }

    /// What that input made was decided by now; it may be expected just afterwards.
    pub fn decided(&mut self, sequence: u64, now_ns: i64) {
        if self.under_way.back().is_none_or(|newest| newest.sequence < sequence) {
            self.early = Some((sequence, now_ns));
            return;
        }
        self.note(sequence, now_ns, |at| &mut at.decided_us, |spans| &mut spans.decided);
    }

    /// What that input made was let go by now.
    pub fn released(&mut self, sequence: u64, now_ns: i64) {
        self.note(sequence, now_ns, |at| &mut at.released_us, |spans| &mut spans.released);
    }

    /// Notes a span once, at its event and at each snapshot that is near.
    fn note(
        &mut self,
        sequence: u64,
        now_ns: i64,
        slot: impl Fn(&mut UnderWay) -> &mut Option<u64>,
        histogram: impl Fn(&mut Spans) -> &mut Histogram<u32>,
    ) {
        let Ok(at) = self.under_way.binary_search_by_key(&sequence, |at| at.sequence) else { return };
        let event = &mut self.under_way[at];
        let (sent_ns, is_asleep, slot) = (event.sent_ns, event.is_asleep, slot(event));
        if slot.is_some() {
            return;
        }
        let us = u64::try_from((now_ns - sent_ns) / 1000).unwrap_or(0);
        *slot = Some(us);
        histogram(&mut self.all).saturating_record(us);
        histogram(&mut self.awake_asleep[usize::from(is_asleep)]).saturating_record(us);
        let near = self.snapshots.iter_mut().rev().take_while(|snapshot| sent_ns - snapshot.at_ns <= NEAR_NS);
        for snapshot in near.filter(|snapshot| snapshot.at_ns - sent_ns <= NEAR_NS) {
            histogram(&mut snapshot.spans).saturating_record(us);
        }
    }

    /// The newest snapshot is the one behind that input; where it is a new one, it was taken now.
    /// What was taken before an event said when it was sent is of no interest.
    pub fn snapshot(&mut self, sequence: u64, now_ns: i64) {
        let is_known = sequence == std::mem::replace(&mut self.newest_snapshot, sequence);
        if is_known || self.under_way.is_empty() {
            return;
        }
        let mut spans = Spans::new();
        for event in self.under_way.iter().rev().take_while(|event| now_ns - event.sent_ns <= NEAR_NS) {
            event.decided_us.into_iter().for_each(|us| spans.decided.saturating_record(us));
            event.released_us.into_iter().for_each(|us| spans.released.saturating_record(us));
        }
        if self.snapshots.len() == SNAPSHOTS {
            self.snapshots.pop_front();
        }
        self.snapshots.push_back(Snapshot { at_ns: now_ns, spans });
    }

    /// What there is to tell; none before an event said when it was sent.
    pub fn status(&self) -> Option<LatencyStatus> {
        self.under_way.front()?;
        let is_seen = |near: &EndsStatus| near.decided.count > 0;
        let near = self.snapshots.iter().map(|snapshot| snapshot.spans.status());
        let EndsStatus { decided, released } = self.all.status();
        let awake_asleep = Some(self.awake_asleep.each_ref().map(Spans::status));
        Some(LatencyStatus {
            decided,
            released,
            snapshots: near.filter(is_seen).collect(),
            awake_asleep: awake_asleep.filter(|[_, asleep]| is_seen(asleep)),
        })
    }
}

impl Spans {
    fn new() -> Self {
        Self { decided: histogram(), released: histogram() }
    }

    fn status(&self) -> EndsStatus {
        EndsStatus { decided: SpanStatus::of(&self.decided), released: SpanStatus::of(&self.released) }
    }
}

impl SpanStatus {
    fn of(histogram: &Histogram<u32>) -> Self {
        let at = |share| histogram.value_at_quantile(share) as f64 / 1000.0;
        Self {
            count: histogram.len(),
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            p99_9_ms: at(0.999),
            max_ms: histogram.max() as f64 / 1000.0,
        }
    }
}

fn histogram() -> Histogram<u32> {
    match Histogram::new_with_bounds(1, LONGEST_US, DIGITS) {
        Ok(histogram) => histogram,
        Err(error) => unreachable!("the bounds of a histogram are constants: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS_NS: i64 = 1_000_000;

    fn status(latencies: &Latencies) -> LatencyStatus {
        latencies.status().expect("something was sent")
    }

    #[test]
    fn each_end_is_counted_once_from_the_moment_of_sending() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.status(), None);
        for sequence in 1..=100 {
            latencies.sent(sequence * 2, 0);
            latencies.decided(sequence * 2, sequence as i64 * MS_NS);
        }
        latencies.released(20, 300 * MS_NS);
        latencies.released(20, 900 * MS_NS);
        latencies.released(21, 900 * MS_NS);
        let LatencyStatus { decided, released, .. } = status(&latencies);
        let near = |value: f64, want: f64| (value / want - 1.0).abs() < 0.001;
        assert_eq!((decided.count, released.count), (100, 1), "of what was not expected nothing is told");
        assert!(near(decided.p50_ms, 50.0) && near(decided.p99_ms, 99.0), "{decided:?}");
        assert!(near(decided.max_ms, 100.0) && near(released.max_ms, 300.0), "{decided:?} {released:?}");
    }

    #[test]
    fn what_is_decided_just_before_it_is_expected_counts() {
        let mut latencies = Latencies::default();
        for (decided, expected) in [(1, 1), (2, 3), (3, 4), (5, 5)] {
            latencies.decided(decided, 5 * MS_NS);
            latencies.sent(expected, 4 * MS_NS);
        }
        let decided = status(&latencies).decided;
        assert_eq!((decided.count, decided.max_ms), (3, 1.0), "1, 5, and 3, which was expected already");
    }

    #[test]
    fn a_clock_set_back_and_an_age_are_the_ends_of_the_scale() {
        let mut latencies = Latencies::default();
        for (sequence, now_ns) in [(1, -5), (2, i64::MAX)] {
            latencies.sent(sequence, 0);
            latencies.decided(sequence, now_ns);
        }
        let decided = status(&latencies).decided;
        assert_eq!((decided.count, decided.p50_ms), (2, 0.0));
        assert!((60_000.0..61_000.0).contains(&decided.max_ms), "{decided:?}");
    }

    #[test]
    fn what_was_sent_within_half_a_second_of_a_snapshot_counts_to_it() {
        let mut latencies = Latencies::default();
        // one each 100 ms, from 0 s to 3 s, each decided at once
        for sequence in 0..=30 {
            let now_ns = sequence as i64 * 100 * MS_NS;
            latencies.sent(sequence, now_ns);
            latencies.decided(sequence, now_ns + MS_NS);
            let newest = [29, 10].into_iter().find(|at| *at <= sequence).unwrap_or(0);
            latencies.snapshot(newest, now_ns);
        }
        let counts: Vec<u64> = status(&latencies).snapshots.iter().map(|near| near.decided.count).collect();
        assert_eq!(counts, [11, 7], "the second one is cut off by the end");
    }

    #[test]
    fn what_comes_in_a_night_is_told_apart() {
        let mut latencies = Latencies::default();
        for sequence in 1..=10 {
            latencies.set_asleep((4..=6).contains(&sequence));
            assert_eq!(latencies.status().and_then(|status| status.awake_asleep).is_some(), sequence > 4);
            latencies.sent(sequence, 0);
            // decided behind the end of the night it came in
            latencies.set_asleep(false);
            latencies.decided(sequence, sequence as i64 * MS_NS);
        }
        let [awake, asleep] = status(&latencies).awake_asleep.expect("a night");
        assert_eq!((awake.decided.count, asleep.decided.count), (7, 3));
        assert!((asleep.decided.max_ms - 6.0).abs() < 0.01 && awake.decided.max_ms > 9.9, "{asleep:?}");
    }

    #[test]
    fn what_is_never_decided_takes_bounded_room() {
        let mut latencies = Latencies::default();
        for sequence in 0..3 * UNDER_WAY as u64 {
            latencies.sent(sequence, 0);
            latencies.snapshot(sequence.min(2 * SNAPSHOTS as u64), 0);
        }
        assert_eq!((latencies.under_way.len(), latencies.snapshots.len()), (UNDER_WAY, SNAPSHOTS));
        latencies.decided(0, 1);
        latencies.decided(3 * UNDER_WAY as u64 - 1, 1);
        assert_eq!(status(&latencies).decided.count, 1, "the oldest is forgotten");
    }
}
