//! How moments are labelled by exact time and parted, so that nothing of the test is known to what is trained.

use serde::{Deserialize, Serialize};

use super::moments::{Moment, Moments};
use super::task::Task;
use crate::dataset::enough;
use crate::error::TrainError;

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
pub type Split = crate::dataset::Split<Sample>;

impl Moments {
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
mod tests {
    use super::*;
    use crate::predicates::moments::tests::session;
    use crate::predicates::task::TASKS;

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
    fn a_session_that_is_too_short_is_refused() {
        let short = session(160).split(&TASKS[0], &Protocol::default()).expect_err("too short");
        assert!(short.to_string().contains("the test part has"), "{short}");
    }
}
