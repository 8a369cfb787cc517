//! What a truth is worth, with intervals.
//!
//! * Brier skill = 1 − mean (p − y)² / mean (π − y)², π how often it was true in training; log skill the same of
//!   −ln p. Above 0 is better than saying π each time.
//! * AUC: the chance that of a moment where it was true and one where it was not the first has the greater
//!   truth, a tie counting ½.
//! * Intervals by moving-block bootstrap over moments; all truths are drawn alike, so that differences are paired.

use serde::{Deserialize, Serialize};

use super::split::Sample;
use crate::evaluate::Bootstrap;

/// The least probability that is taken at its word.
const LEAST: f64 = 1e-6;

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The figure.
    pub value: f64,
    /// 2.5 % of the draws are below.
    pub lo25: f64,
    /// 2.5 % of the draws are above.
    pub hi25: f64,
}

/// What a truth is worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worth {
    /// Skill of the squared error.
    pub brier_skill: Interval,
    /// Skill of the log loss.
    pub log_skill: Interval,
    /// Mean log loss.
    pub log_loss: Interval,
    /// The area under the curve of hits against false alarms.
    pub auc: Interval,
}

/// Truths of about the same height, and how often it was true there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Samples.
    pub count: usize,
    /// The mean truth.
    pub mean_truth: f64,
    /// The share that was true.
    pub share_true: f64,
}

/// The samples that truths are judged on.
pub struct Judge<'a> {
    samples: &'a [Sample],
    base_rate: f64,
    /// How often each sample is in each draw.
    draws: Vec<Vec<f64>>,
}

impl<'a> Judge<'a> {
    /// Of samples in time order, and how often it was true in training.
    #[must_use]
    pub fn new(samples: &'a [Sample], base_rate: f64, bootstrap: &Bootstrap) -> Self {
        let draws = (0..bootstrap.draws).map(|draw| drawn(samples, bootstrap, draw)).collect();
        Self { samples, base_rate, draws }
    }

    /// What these truths are worth.
    #[must_use]
    pub fn worth(&self, truths: &[f64]) -> Worth {
        let order = ordered(truths);
        let of = |count: &[f64]| self.figures(truths, &order, count);
        let all = of(&vec![1.0; self.samples.len()]);
        let draws: Vec<[f64; 4]> = self.draws.iter().map(|draw| of(draw)).collect();
        let [brier_skill, log_skill, log_loss, auc] =
            [0, 1, 2, 3].map(|i| interval(all[i], draws.iter().map(|draw| draw[i])));
        Worth { brier_skill, log_skill, log_loss, auc }
    }

    /// By how much the Brier skill of the first is above that of the second.
    #[must_use]
    pub fn beyond(&self, truths: &[f64], others: &[f64]) -> Interval {
        let of = |count: &[f64]| self.sums(truths, count)[0] - self.sums(others, count)[0];
        let base = |count: &[f64]| self.sums(&vec![self.base_rate; self.samples.len()], count)[0];
        let skill = |count: &[f64]| -of(count) / base(count);
        interval(skill(&vec![1.0; self.samples.len()]), self.draws.iter().map(|draw| skill(draw)))
    }

    /// The samples in so many bins of as many samples each, by their truth.
    #[must_use]
    pub fn calibration(&self, truths: &[f64], bins: usize) -> Vec<Bin> {
        let order = ordered(truths);
        let size = order.len().div_ceil(bins.max(1)).max(1);
        let bin = |places: &[usize]| {
            let mean = |of: &dyn Fn(usize) -> f64| {
                places.iter().map(|at| of(*at)).sum::<f64>() / places.len() as f64
            };
            Bin {
                count: places.len(),
                mean_truth: mean(&|at| truths[at]),
                share_true: mean(&|at| self.happened(at)),
            }
        };
        order.chunks(size).map(bin).collect()
    }

    fn happened(&self, at: usize) -> f64 {
        f64::from(u8::from(self.samples[at].is_true))
    }

    /// Squared errors and surprises, summed over a draw.
    fn sums(&self, truths: &[f64], count: &[f64]) -> [f64; 2] {
        let mut sums = [0.0; 2];
        for ((at, p), times) in truths.iter().enumerate().zip(count) {
            let y = self.happened(at);
            sums[0] += times * (p - y) * (p - y);
            sums[1] -= times * libm::log((if y > 0.5 { *p } else { 1.0 - p }).max(LEAST));
        }
        sums
    }

    /// Brier skill, log skill, log loss and AUC over a draw; not a number where a draw has none of a class.
    fn figures(&self, truths: &[f64], order: &[usize], count: &[f64]) -> [f64; 4] {
        let [brier, surprise] = self.sums(truths, count);
        let [base_brier, base_surprise] = self.sums(&vec![self.base_rate; truths.len()], count);
        let total: f64 = count.iter().sum();
        [
            1.0 - brier / base_brier,
            1.0 - surprise / base_surprise,
            surprise / total,
            self.auc(truths, order, count),
        ]
    }

    fn auc(&self, truths: &[f64], order: &[usize], count: &[f64]) -> f64 {
        let (mut falses, mut trues, mut won) = (0.0, 0.0, 0.0);
        for tied in order.chunk_by(|a, b| truths[*a] == truths[*b]) {
            let [mut those_true, mut those_false] = [0.0; 2];
            for at in tied {
                let y = self.happened(*at);
                those_true += y * count[*at];
                those_false += (1.0 - y) * count[*at];
            }
            won += those_true * (falses + those_false / 2.0);
            trues += those_true;
            falses += those_false;
        }
        won / (trues * falses)
    }
}

/// The places of the truths, from the least on.
fn ordered(truths: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..truths.len()).collect();
    order.sort_by(|a, b| truths[*a].total_cmp(&truths[*b]));
    order
}

/// How often each sample is in one draw of moments.
fn drawn(samples: &[Sample], bootstrap: &Bootstrap, draw: usize) -> Vec<f64> {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return Vec::new() };
    let mut counts = vec![0.0; last.moment - first.moment + 1];
    for block in bootstrap.blocks(counts.len(), draw) {
        counts[block].iter_mut().for_each(|count| *count += 1.0);
    }
    samples.iter().map(|sample| counts[sample.moment - first.moment]).collect()
}

fn interval(value: f64, draws: impl Iterator<Item = f64>) -> Interval {
    let mut sorted: Vec<f64> = draws.filter(|draw| !draw.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| {
        sorted
            .get((share * sorted.len().saturating_sub(1) as f64).round() as usize)
            .copied()
            .unwrap_or(f64::NAN)
    };
    Interval { value, lo25: at(0.025), hi25: at(0.975) }
}

#[cfg(test)]
mod tests {
    use synapse::random::{seed_for, uniform};

    use super::*;

    fn samples(count: usize, chance: impl Fn(usize) -> f64) -> Vec<Sample> {
        let happens = |i: usize| uniform(seed_for(5, "y"), i as u64) < chance(i);
        (0..count).map(|moment| Sample { moment: 7 + 2 * moment, is_true: happens(moment) }).collect()
    }

    #[test]
    fn figures_are_those_of_their_definitions() {
        let samples: Vec<Sample> = [true, false, true, false]
            .into_iter()
            .enumerate()
            .map(|(moment, is_true)| Sample { moment, is_true })
            .collect();
        let bootstrap = Bootstrap { draws: 10, ..Bootstrap::default() };
        let judge = Judge::new(&samples, 0.25, &bootstrap);
        let worth = judge.worth(&[0.9, 0.2, 0.2, 0.1]);
        let (brier, base) = (0.01 + 0.04 + 0.64 + 0.01, 2.0 * 0.5625 + 2.0 * 0.0625);
        assert!((worth.brier_skill.value - (1.0 - brier / base)).abs() < 1e-12);
        let surprise = -[0.9, 0.8, 0.2, 0.9].map(libm::log).iter().sum::<f64>();
        assert!((worth.log_loss.value - surprise / 4.0).abs() < 1e-12);
        let base = -2.0 * libm::log(0.25) - 2.0 * libm::log(0.75);
        assert!((worth.log_skill.value - (1.0 - surprise / base)).abs() < 1e-12);
        // of four pairs three are in order and one is a tie
        assert_eq!(worth.auc.value, 3.5 / 4.0);
        let nothing = judge.worth(&[0.25; 4]);
        assert_eq!((nothing.brier_skill.value, nothing.log_skill.value, nothing.auc.value), (0.0, 0.0, 0.5));
        let bins = judge.calibration(&[0.9, 0.2, 0.2, 0.1], 2);
        assert_eq!(bins.iter().map(|bin| bin.share_true).collect::<Vec<_>>(), [0.0, 1.0]);
    }

    #[test]
    fn a_difference_is_paired() {
        let samples = samples(2000, |_| 0.3);
        let judge = Judge::new(&samples, 0.3, &Bootstrap::default());
        let truths: Vec<f64> = (0..2000).map(|i| uniform(9, i)).collect();
        let none = judge.beyond(&truths, &truths);
        assert_eq!((none.value, none.lo25, none.hi25), (0.0, 0.0, 0.0));
        let base = judge.beyond(&truths, &[0.3; 2000]);
        assert!((base.value - judge.worth(&truths).brier_skill.value).abs() < 1e-12);
        assert!(base.hi25 < 0.0, "noise is worse than the base rate: {base:?}");
    }

    #[test]
    fn intervals_of_independent_samples_are_those_of_statistics() {
        let samples = samples(4000, |_| 0.3);
        let judge = Judge::new(&samples, 0.3, &Bootstrap { block: 10, ..Bootstrap::default() });
        let loss = judge.worth(&[0.5; 4000]).log_loss;
        assert!((loss.value - std::f64::consts::LN_2).abs() < 1e-12 && loss.hi25 - loss.lo25 < 1e-12);
        let loss = judge.worth(&[0.2; 4000]).log_loss;
        let spread = (libm::log(0.8) - libm::log(0.2)) * (0.3f64 * 0.7 / 4000.0).sqrt();
        let half = (loss.hi25 - loss.lo25) / 2.0;
        assert!((half - 1.96 * spread).abs() < 0.15 * 1.96 * spread, "{loss:?}, {spread}");
    }
}
