//! What happened in a run, counted.

use std::collections::BTreeMap;
use std::fmt;

use hippocampus::Experience;
use market::Money;
use market::book::{Applied, Ignored};
use market::order::{Report, ReportKind, Request};
use serde::{Deserialize, Serialize};
use synapse::{DecisionRecord, Outcome, Phase, Reason, SampleKind, Signal};

/// The trips whose sample is kept.
const TRIPS_KEPT: usize = 16;

/// Counts of a value from 0 to 100 in steps of 0.01; what is above counts as the top.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram(Vec<u64>);

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} values, median {:?}", self.count(), self.median())
    }
}

impl Histogram {
    const STEPS: usize = 10_000;

    fn add(&mut self, value: f64) {
        self.0.resize(Self::STEPS, 0);
        // a float outside the range saturates
        let at = (value * 100.0) as usize;
        self.0[at.min(Self::STEPS - 1)] += 1;
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The middle value, to a step; none where there are no values.
    pub fn median(&self) -> Option<f64> {
        let half = self.count() / 2;
        let mut below = 0;
        let middle = |count: &u64| {
            below += count;
            below > half
        };
        self.0.iter().position(middle).map(|at| at as f64 / 100.0)
    }
}

/// The counters of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Inputs admitted.
    pub inputs: u64,
    /// Rows that named an order the book does not know.
    pub ignored: u64,
    /// Rows that named an order evicted as stale.
    pub ignored_evicted: u64,
    /// Rows the book refused.
    pub refused: u64,
    /// Regular samples.
    pub samples: u64,
    /// Startles.
    pub startles: u64,
    /// Times the amygdala tripped.
    pub trips: u64,
    /// The sample of each of the first trips, counted from 0, with its signal.
    pub tripped_at: Vec<(u64, Signal)>,
    /// Samples that ended with requests.
    pub acted: u64,
    /// Samples that ended without, by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Orders refused, by limit.
    pub refusals: BTreeMap<String, u64>,
    /// Orders placed.
    pub placed: u64,
    /// Cancels requested by judgement.
    pub cancels: u64,
    /// Replacements requested.
    pub replaces: u64,
    /// Orders the venue rejected.
    pub rejected: u64,
    /// Orders that expired at the end of the feeds.
    pub expired: u64,
    /// Fills.
    pub fills: u64,
    /// Fills that left something of their order.
    pub partial_fills: u64,
    /// Notional of all fills.
    pub turnover: Money,
    /// Experiences closed.
    pub experiences: u64,
    /// Sum of their rewards, bp.
    pub reward_sum_bp: f64,
    /// The D_M of the armed samples.
    pub distances: Histogram,
    /// Armed samples whose D_M was above τ.
    pub distances_above: u64,
    /// τ of the last armed sample.
    pub tau: Option<f64>,
}

impl Totals {
    /// Decisions: one a sample, regular or not.
    pub const fn decisions(&self) -> u64 {
        self.samples + self.startles
    }

    /// The share of armed samples whose D_M was above τ.
    pub fn share_above(&self) -> Option<f64> {
        let count = self.distances.count();
        (count > 0).then(|| self.distances_above as f64 / count as f64)
    }

    pub(super) fn sensed(&mut self, applied: Applied) {
        match applied {
            Applied::Done => {}
            Applied::Ignored(Ignored::EvictedId) => self.ignored_evicted += 1,
            Applied::Ignored(_) => self.ignored += 1,
            Applied::Refused(_) => self.refused += 1,
        }
    }

    pub(super) fn decided(&mut self, record: &DecisionRecord) {
        match record.kind {
            SampleKind::Regular => self.samples += 1,
            SampleKind::Startle(_) => self.startles += 1,
        }
        self.appraised(record);
        match &record.verdict.outcome {
            Outcome::Act(requests) => {
                self.acted += 1;
                for request in requests {
                    match request {
                        Request::Place(_) => self.placed += 1,
                        Request::Cancel(_) => self.cancels += 1,
                        Request::Replace { .. } => self.replaces += 1,
                    }
                }
            }
            Outcome::Rest(reason) => {
                count(&mut self.reasons, reason.name());
                if let Reason::Refused { rule, .. } = reason {
                    count(&mut self.refusals, rule.as_str());
                }
            }
        }
    }

    fn appraised(&mut self, record: &DecisionRecord) {
        let threat = &record.threat;
        if threat.trip_begins {
            self.trips += 1;
            if let Some(signal) = threat.tripped_by.filter(|_| self.tripped_at.len() < TRIPS_KEPT) {
                self.tripped_at.push((self.samples - 1, signal));
            }
        }
        let anomaly = threat.reading(Signal::Anomaly);
        if threat.phase == Phase::Armed
            && let (Some(distance), Some(tau)) = (anomaly.value, anomaly.limit)
        {
            self.distances.add(distance);
            self.distances_above += u64::from(distance > tau);
            self.tau = Some(tau);
        }
    }

    pub(super) fn reported(&mut self, report: &Report, notional: Option<Money>) {
        match &report.kind {
            ReportKind::Filled(fill) => {
                self.fills += 1;
                self.partial_fills += u64::from(!fill.remaining.is_zero());
                self.turnover += notional.unwrap_or_default();
            }
            ReportKind::Rejected(_) => self.rejected += 1,
            ReportKind::Expired { .. } => self.expired += 1,
            _ => {}
        }
    }

    pub(super) fn experienced(&mut self, experience: &Experience) {
        self.experiences += 1;
        self.reward_sum_bp += f64::from(experience.reward_bp);
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(n) => *n += 1,
        None => _ = counts.insert(name.to_owned(), 1),
    }
}
