//! What a predicate learns from: the regular samples of one instrument, their labels by exact time, and how
//! they are parted so that nothing of the test is known to what is trained.

use std::ops::Range;

use market::features::FeatureVector;
use serde::{Deserialize, Serialize};

use super::task::Task;
use crate::error::TrainError;

/// The fewest samples of a part that say anything.
const LEAST_SAMPLES: usize = 30;

/// What is known at one regular sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Its time, in nanoseconds of the epoch.
    pub time_ns: i64,
    /// Twice the mid (best bid + best ask), exact in the instrument's smallest unit.
    pub mid2: i64,
    /// Best ask less best bid, in the same unit.
    pub spread: i64,
    /// The features, as the brainstem makes them.
    pub features: FeatureVector,
}

/// The samples of one instrument, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// They.
    pub moments: Vec<Moment>,
}

/// How moments are parted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protocol {
    /// From one regular sample to the next.
    pub period_ns: i64,
    /// Moments at the beginning that are never samples.
    pub skip: usize,
    /// The first so many percent of the moments train, the others test.
    pub train_percent: usize,
    /// The last so many percent of the training samples decide when to stop.
    pub validation_percent: usize,
}

impl Default for Protocol {
    fn default() -> Self {
        Self { period_ns: 250_000_000, skip: 120, train_percent: 60, validation_percent: 25 }
    }
}

/// A moment with a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The moment.
    pub moment: usize,
    /// Whether the predicate was true of it, as what came after shows.
    pub is_true: bool,
}

/// The samples of a task, in time order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// All of the training part: of each the label is known before the cut.
    pub train: Vec<Sample>,
    /// Of them those that gradients come from: their labels are known before the first of `validation`.
    pub fit: Range<usize>,
    /// Of them those that decide when to stop.
    pub validation: Range<usize>,
    /// What is judged on.
    pub test: Vec<Sample>,
    /// The time from which on the test is; no label of this time or later trains.
    pub cut_ns: i64,
}

impl Moments {
    /// Tests that every moment can be learnt from.
    ///
    /// # Errors
    /// The first that is out of order, without a mid, or crossed.
    pub fn check(&self) -> Result<(), TrainError> {
        for (at, moment) in self.moments.iter().enumerate() {
            let wrong = |why: String| Err(TrainError::Row { row: at, why });
            if at > 0 && moment.time_ns <= self.moments[at - 1].time_ns {
                let (time, before) = (moment.time_ns, self.moments[at - 1].time_ns);
                return wrong(format!("time {time} is not after {before}, that of the row before"));
            }
            if moment.mid2 <= 0 || moment.spread <= 0 {
                let Moment { mid2, spread, .. } = moment;
                return wrong(format!("twice the mid is {mid2}, the spread {spread}; both must be above 0"));
            }
        }
        Ok(())
    }

    /// The BLAKE3 hash of all moments, in hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for Moment { time_ns, mid2, spread, features } in &self.moments {
            [time_ns, mid2, spread].iter().for_each(|x| _ = hasher.update(&x.to_le_bytes()));
            for feature in features.0 {
                // an absent one has bits that no number has
                hasher.update(&feature.map_or(u32::MAX, f32::to_bits).to_le_bytes());
            }
        }
        hasher.finalize().to_hex().to_string()
    }

    /// What came in the `count` samples after a moment; `None` where one of them is missing.
    fn after(&self, at: usize, count: usize, period_ns: i64) -> Option<&[Moment]> {
        let after = self.moments.get(at + 1..at + 1 + count)?;
        let last = self.moments[at].time_ns.checked_add(period_ns.checked_mul(count as i64)?)?;
        after.last().is_some_and(|moment| moment.time_ns == last).then_some(after)
    }

    /// Labels the moments for a task and parts them.
    ///
    /// The cut stands where it stands for every task: at a share of all moments that have a future, whether the task asks
    /// about them or not.
    ///
    /// # Errors
    /// All that [`Moments::check`] refuses; percentages that leave nothing; a part with too few samples.
    pub fn split(&self, task: &Task, protocol: &Protocol) -> Result<Split, TrainError> {
        self.check()?;
        if protocol.period_ns <= 0 || protocol.train_percent >= 100 || protocol.validation_percent >= 100 {
            return Err(TrainError::Plan(format!("{protocol:?}: a period above 0 and shares below 100 %")));
        }
        let horizon = task.horizon_samples as usize;
        let with_future: Vec<(usize, &[Moment])> = (protocol.skip..self.moments.len())
            .filter_map(|at| Some((at, self.after(at, horizon, protocol.period_ns)?)))
            .collect();
        let enough = |part, got| {
            let too_few = TrainError::TooFew { part, got, least: LEAST_SAMPLES };
            if got < LEAST_SAMPLES { Err(too_few) } else { Ok(()) }
        };
        enough("test", with_future.len() * (100 - protocol.train_percent) / 100)?;
        let (cut, _) = with_future[with_future.len() * protocol.train_percent / 100];
        let cut_ns = self.moments[cut].time_ns;
        let sample = |&(at, after): &(usize, &[Moment])| {
            let is_true = task.label(&self.moments[at], after)?;
            Some(Sample { moment: at, is_true })
        };
        let samples: Vec<Sample> = with_future.iter().filter_map(sample).collect();
        let known_before = |samples: &[Sample], moment: usize| {
            samples.partition_point(|sample| sample.moment + horizon < moment)
        };
        let train = samples[..known_before(&samples, cut)].to_vec();
        let test = samples[samples.partition_point(|sample| sample.moment < cut)..].to_vec();
        enough("test", test.len())?;
        let from = train.len() * (100 - protocol.validation_percent) / 100;
        enough("validation", train.len() - from)?;
        let fit = known_before(&train, train[from].moment);
        enough("training", fit)?;
        Ok(Split { fit: 0..fit, validation: from..train.len(), train, test, cut_ns })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use market::features::Feature;

    use super::*;
    use crate::predicates::task::TASKS;

    const QUARTER_NS: i64 = 250_000_000;

    /// As many moments as the bundled session has, a mid that moves every hundredth one, flow in every other one.
    pub(crate) fn session(count: usize) -> Moments {
        let moment = |i: usize| {
            let mut features = FeatureVector::default();
            features[Feature::OrderFlowImbalance] = Some((i % 2) as f32);
            Moment {
                time_ns: 1_777_689_380_750_000_000 + i as i64 * QUARTER_NS,
                mid2: 1_000_000 + 4 * (i as i64 / 100),
                spread: 2,
                features,
            }
        };
        Moments { moments: (0..count).map(moment).collect() }
    }

    #[test]
    fn the_session_is_cut_at_one_time_for_every_task() {
        let moments = session(7199);
        for task in &TASKS {
            let split = moments.split(task, &Protocol::default()).expect("parts");
            assert_eq!(split.cut_ns, 1_777_690_472_000_000_000, "{}", task.name);
            let first = split.test.first().map(|s| s.moment);
            assert_eq!(first, Some(4365), "{}", task.name);
            let horizon = task.horizon_samples as usize;
            assert!(split.train.iter().all(|s| s.moment + horizon < 4365));
            let validation = split.train[split.validation.start].moment;
            assert!(split.train[split.fit.clone()].iter().all(|s| s.moment + horizon < validation));
        }
    }

    #[test]
    fn a_moment_whose_future_has_a_hole_is_no_sample() {
        let mut moments = session(2000);
        moments.moments.remove(1000);
        let split = moments.split(&TASKS[0], &Protocol { skip: 0, ..Protocol::default() }).expect("parts");
        let has = |at: usize| split.train.iter().any(|sample| sample.moment == at);
        assert!(has(995) && !has(996) && !has(999) && has(1000));
    }

    #[test]
    fn bad_moments_are_refused_by_name() {
        let refused = |spoil: fn(&mut Moment)| {
            let mut moments = session(200);
            spoil(&mut moments.moments[7]);
            moments.check().expect_err("refused").to_string()
        };
        assert!(refused(|m| m.time_ns = 0).contains("row 7: time 0 is not after"));
        assert!(refused(|m| m.mid2 = 0).contains("twice the mid is 0"));
        assert!(refused(|m| m.spread = -1).contains("the spread -1"));
        let short = session(160).split(&TASKS[0], &Protocol::default()).expect_err("too short");
        assert!(short.to_string().contains("the test part has"), "{short}");
    }
}
