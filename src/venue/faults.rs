//! A bad connection, from a seed: what a client hears may be lost, late, doubled or out of order.
//!
//! The floor stays the truth; a rejected order is rejected there too. The same seed and the same
//! order of requests and reports give the same faults.

use serde::Serialize;
use synapse::random::seed_for;

use super::wire::Told;

/// Of a thousand requests or reports, how many suffer which fault.
const REJECTED: u64 = 20;
const LOST: u64 = 30;
const LATE: u64 = 40;
const DOUBLED: u64 = 40;
const REORDERED: u64 = 40;
const DISCONNECTED: u64 = 10;
const SLOW: u64 = 20;
/// A late report comes after at most so many others.
const LATEST: u64 = 5;

/// How often each fault occurred.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FaultCounts {
    /// New orders rejected for no reason.
    pub rejected: u64,
    /// Acknowledgements never told.
    pub lost: u64,
    /// Fills never told.
    pub lost_fills: u64,
    /// Reports held back until others were told.
    pub late: u64,
    /// Reports told twice.
    pub doubled: u64,
    /// Reports told after the next one.
    pub reordered: u64,
    /// Connections cut behind a report.
    pub disconnected: u64,
    /// Answers held up.
    pub slow: u64,
}

/// What a client gets to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A report.
    Told(Told),
    /// Nothing for a while, by that run.
    Pause(String),
    /// Nothing more: the connections of that run are cut.
    Cut(String),
}

/// The faults of a venue.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    seed: Option<u64>,
    drawn: u64,
    counts: FaultCounts,
    /// Reports that wait until so many others were told.
    waiting: Vec<(u64, Told)>,
}

impl Faults {
    /// Those of a seed; none without one.
    pub fn new(seed: Option<u64>) -> Self {
        Self { seed, ..Self::default() }
    }

    /// How often each occurred.
    pub const fn counts(&self) -> FaultCounts {
        self.counts
    }

    /// Whether a new order is to be rejected.
    pub fn rejects(&mut self) -> bool {
        let is_hit = self.hits(REJECTED);
        self.counts.rejected += u64::from(is_hit);
        is_hit
    }

    /// Whether an answer is to be held up.
    pub fn slows(&mut self) -> bool {
        let is_hit = self.hits(SLOW);
        self.counts.slow += u64::from(is_hit);
        is_hit
    }

    fn hits(&mut self, share: u64) -> bool {
        self.draw().is_some_and(|draw| draw % 1000 < share)
    }

    /// What is heard, now that the floor has told something.
    pub fn hear(&mut self, told: Told) -> Vec<Heard> {
        let Some(draw) = self.draw() else { return vec![Heard::Told(told)] };
        let mut heard = Vec::new();
        let mut at = draw % 1000;
        let mut is = |share: u64| {
            let is_hit = at < share;
            at = at.saturating_sub(share);
            is_hit
        };
        let counts = &mut self.counts;
        if is(LOST) {
            let is_fill = matches!(told.kind, market::order::ReportKind::Filled(_));
            *(if is_fill { &mut counts.lost_fills } else { &mut counts.lost }) += 1;
            return heard;
        } else if is(LATE) {
            counts.late += 1;
            self.waiting.push((2 + (draw >> 32) % (LATEST - 1), told));
            return heard;
        } else if is(REORDERED) {
            counts.reordered += 1;
            self.waiting.push((1, told));
            return heard;
        } else if is(DOUBLED) {
            counts.doubled += 1;
            heard.extend([Heard::Told(told.clone()), Heard::Told(told)]);
        } else if is(DISCONNECTED) {
            counts.disconnected += 1;
            let run = told.id.run.clone();
            heard.extend([Heard::Told(told), Heard::Cut(run)]);
        } else if is(SLOW) {
            counts.slow += 1;
            heard.extend([Heard::Pause(told.id.run.clone()), Heard::Told(told)]);
        } else {
            heard.push(Heard::Told(told));
        }
        self.waiting.iter_mut().for_each(|(left, _)| *left -= 1);
        heard.extend(self.waiting.extract_if(.., |(left, _)| *left == 0).map(|(_, told)| Heard::Told(told)));
        heard
    }

    /// What still waits, when nothing more will be told.
    pub fn flush(&mut self) -> Vec<Heard> {
        std::mem::take(&mut self.waiting).into_iter().map(|(_, told)| Heard::Told(told)).collect()
    }

    fn draw(&mut self) -> Option<u64> {
        let seed = self.seed?;
        self.drawn += 1;
        Some(seed_for(seed ^ self.drawn.rotate_left(32), "venue faults"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use market::Timestamp;
    use market::order::ReportKind;

    use super::*;

    fn told(serial: u64) -> Told {
        let id = "r:1:0:0".parse().expect("a name");
        Told { serial, id, time: Timestamp::from_ns(0), kind: ReportKind::Accepted }
    }

    fn serials(heard: &[Heard]) -> Vec<u64> {
        heard
            .iter()
            .filter_map(|h| if let Heard::Told(told) = h { Some(told.serial) } else { None })
            .collect()
    }

    #[test]
    fn without_a_seed_all_is_heard_in_order() {
        let mut faults = Faults::new(None);
        let heard: Vec<Heard> = (0..100).flat_map(|n| faults.hear(told(n))).collect();
        assert_eq!(serials(&heard), (0..100).collect::<Vec<_>>());
        assert!(!faults.rejects() && !faults.slows());
        assert_eq!(faults.counts(), FaultCounts::default());
    }

    #[test]
    fn every_fault_occurs_and_is_counted() {
        let seed = 7;
        let run = || {
            let mut faults = Faults::new(Some(seed));
            let mut heard: Vec<Heard> = (0..2000).flat_map(|n| faults.hear(told(n))).collect();
            heard.extend(faults.flush());
            let rejected = (0..1000).filter(|_| faults.rejects()).count() as u64;
            assert_eq!(rejected, faults.counts().rejected);
            (heard, faults.counts())
        };
        let (heard, counts) = run();
        assert_eq!(run(), (heard.clone(), counts), "seed {seed} is repeatable");
        let serials = serials(&heard);
        let mut times = BTreeMap::<u64, u64>::new();
        serials.iter().for_each(|serial| *times.entry(*serial).or_default() += 1);
        assert_eq!(2000 - times.len() as u64, counts.lost);
        assert_eq!(times.values().filter(|n| **n == 2).count() as u64, counts.doubled);
        let cuts = heard.iter().filter(|h| matches!(h, Heard::Cut(_))).count() as u64;
        let pauses = heard.iter().filter(|h| matches!(h, Heard::Pause(_))).count() as u64;
        assert_eq!((cuts, pauses), (counts.disconnected, counts.slow));
        let overtaken = serials.windows(2).filter(|pair| pair[1] < pair[0]).count() as u64;
        assert!(overtaken > 0 && overtaken <= counts.late + counts.reordered, "{overtaken}");
        let FaultCounts { rejected, lost, late, doubled, reordered, disconnected, slow, .. } = counts;
        for count in [rejected, lost, late, doubled, reordered, disconnected, slow] {
            assert!(count > 0, "seed {seed}: {counts:?}");
        }
    }
}
