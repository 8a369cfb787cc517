//! How good forecasts were: means with intervals, ratios of errors, and the calibration curve.
//!
//! Every figure is a ratio of sums over observations in time order, and its interval is drawn by the
//! moving-block bootstrap, seeded, so that a report says the same each time.

use serde::Serialize;
use synapse::random::{seed_for, uniform};

/// Observations below which an interval would say more than is known.
pub const LEAST: usize = 10;
/// How often the observations are drawn again.
const DRAWS: usize = 2_000;
/// The seed of the draws.
const SEED: u64 = 15;

/// A figure, and the 95 % interval around it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// 2.5 % of the draws are below; none with fewer than [`LEAST`] observations.
    pub low: Option<f64>,
    /// 2.5 % of the draws are above; likewise.
    pub high: Option<f64>,
}

impl Estimate {
    /// Whether the interval is known and holds nothing as large as `bound`.
    #[must_use]
    pub fn is_below(&self, bound: f64) -> bool {
        self.high.is_some_and(|high| high < bound)
    }

    /// The figure by a factor that is not negative.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let scaled = |value: f64| factor * value;
        Self { value: scaled(self.value), low: self.low.map(scaled), high: self.high.map(scaled) }
    }
}

/// The mean of values; `block` is how many neighbours may have something in common. None of no value.
#[must_use]
pub fn mean(values: impl IntoIterator<Item = f64>, block: usize) -> Option<Estimate> {
    let terms: Vec<(f64, f64)> = values.into_iter().map(|value| (value, 1.0)).collect();
    ratio(&terms, block)
}

/// Σ a / Σ b of observations (a, b), with blocks of so many. None where it is not a number.
#[must_use]
pub fn ratio(terms: &[(f64, f64)], block: usize) -> Option<Estimate> {
    // sums over the first 0, 1, 2 … terms, so that a block is a difference
    let mut sum = (0.0, 0.0);
    let mut sums = vec![sum];
    for (a, b) in terms {
        sum = (sum.0 + a, sum.1 + b);
        sums.push(sum);
    }
    let value = Some(sum.0 / sum.1).filter(|value| value.is_finite())?;
    if terms.len() < LEAST {
        return Some(Estimate { value, low: None, high: None });
    }
    let block = block.clamp(1, terms.len() / LEAST);
    let mut drawn: Vec<f64> = (0..DRAWS).map(|draw| redrawn(&sums, block, draw)).collect();
    drawn.retain(|value| value.is_finite());
    drawn.sort_by(f64::total_cmp);
    Some(Estimate { value, low: quantile(&drawn, 0.025), high: quantile(&drawn, 0.975) })
}

/// The ratio over blocks that begin anywhere, as many as fill the terms, the last cut short.
fn redrawn(sums: &[(f64, f64)], block: usize, draw: usize) -> f64 {
    let count = sums.len() - 1;
    let (seed, blocks) = (seed_for(SEED, "calibration"), count.div_ceil(block));
    let (mut above, mut below) = (0.0, 0.0);
    for i in 0..blocks {
        let place = 1.0 - uniform(seed, (draw * blocks + i) as u64);
        let begin = (place * (count - block + 1) as f64) as usize;
        let end = begin + block.min(count - i * block);
        above += sums[end].0 - sums[begin].0;
        below += sums[end].1 - sums[begin].1;
    }
    above / below
}

/// The quantile of sorted values, between two of them by their distance; none of no value.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share.clamp(0.0, 1.0) * sorted.len().saturating_sub(1) as f64;
    let low = *sorted.get(place as usize)?;
    let high = sorted.get(place as usize + 1).copied().unwrap_or(low);
    Some(low + place.fract() * (high - low))
}

/// A forecast and what became of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// What was foretold.
    pub forecast: f64,
    /// What was.
    pub realised: f64,
}

/// The mean square error in parts of that of foretelling 0: below 1 the forecast is the better one.
#[must_use]
pub fn error_ratio(outcomes: &[Outcome], block: usize) -> Option<Estimate> {
    let square = |x: f64| x * x;
    let terms = outcomes.iter().map(|it| (square(it.realised - it.forecast), square(it.realised)));
    ratio(&terms.collect::<Vec<_>>(), block)
}

/// One point of a calibration curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Outcomes in it.
    pub count: usize,
    /// Their mean forecast.
    pub forecast: f64,
    /// Their mean outcome.
    pub realised: Estimate,
}

/// The calibration curve: outcomes in so many groups of equal size by their forecast, the lowest first.
/// Outcomes of equal forecast stand in one group, so that there may be fewer.
#[must_use]
pub fn curve(outcomes: &[Outcome], groups: usize) -> Vec<Point> {
    let mut sorted = outcomes.to_vec();
    sorted.sort_by(|a, b| a.forecast.total_cmp(&b.forecast));
    let size = sorted.len().div_ceil(groups.max(1)).max(1);
    let mut points = Vec::new();
    let mut rest = sorted.as_slice();
    while let Some(edge) = rest.get(size.min(rest.len()).saturating_sub(1)) {
        let end = rest.partition_point(|it| it.forecast.total_cmp(&edge.forecast).is_le());
        let (group, after) = rest.split_at(end);
        points.extend(point(group));
        rest = after;
    }
    points
}

fn point(group: &[Outcome]) -> Option<Point> {
    let forecast = group.iter().map(|it| it.forecast).sum::<f64>() / group.len() as f64;
    let realised = mean(group.iter().map(|it| it.realised), 1)?;
    Some(Point { count: group.len(), forecast, realised })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use synapse::random::normal;

    #[test]
    fn the_interval_of_a_mean_is_that_of_the_normal_law() {
        let values: Vec<f64> = (0..400).map(|at| 3.0 + 2.0 * normal(1, at)).collect();
        let estimate = mean(values.iter().copied(), 1).expect("values");
        let (low, high) = (estimate.low.expect("an interval"), estimate.high.expect("an interval"));
        // 1.96 · 2 / √400
        assert!((high - low - 0.392).abs() < 0.05, "{low} {high}");
        assert!(low < 3.0 && high > 3.0 && low < estimate.value && estimate.value < high);
        assert_eq!(mean(values, 1), Some(estimate), "seeded");
    }

    #[test]
    fn the_interval_covers_the_truth_as_often_as_it_says() {
        let covers = (0..200)
            .filter(|sample| {
                let values = (0..40).map(|at| normal(2, 1_000 * sample + at));
                let estimate = mean(values, 1).expect("values");
                estimate.low.expect("low") <= 0.0 && estimate.high.expect("high") >= 0.0
            })
            .count();
        assert!((178..=198).contains(&covers), "{covers} of 200");
    }

    #[test]
    fn what_hangs_together_widens_the_interval_of_longer_blocks() {
        let values: Vec<f64> = (0..2_000).map(|at| normal(3, at / 20)).collect();
        let width = |block| {
            let estimate = mean(values.iter().copied(), block).expect("values");
            estimate.high.expect("high") - estimate.low.expect("low")
        };
        assert!(width(40) > 2.5 * width(1), "{} {}", width(40), width(1));
    }

    #[test]
    fn few_observations_have_no_interval_and_none_no_figure() {
        assert_eq!(mean([1.0, 2.0], 1), Some(Estimate { value: 1.5, low: None, high: None }));
        assert_eq!(mean([], 1), None);
        assert_eq!(ratio(&[(1.0, 0.0)], 1), None);
        assert_eq!(mean([f64::NAN], 1), None);
        assert!(mean(vec![1.0; LEAST], 1).expect("ten").low.is_some());
    }

    #[test]
    fn the_error_ratio_is_one_of_nothing_foretold_and_none_of_all_foretold() {
        let of = |share: f64| {
            let outcome = |at| Outcome { forecast: share * normal(4, at), realised: normal(4, at) };
            error_ratio(&(0..100).map(outcome).collect::<Vec<_>>(), 1).expect("outcomes")
        };
        assert_eq!((of(0.0).value, of(1.0).value), (1.0, 0.0));
        assert!((of(0.5).value - 0.25).abs() < 1e-12);
        assert!(of(0.5).is_below(1.0) && !of(0.0).is_below(1.0) && !of(3.0).is_below(1.0));
    }

    #[test]
    fn a_curve_groups_by_forecast_and_keeps_equal_ones_together() {
        let outcome = |forecast: f64| Outcome { forecast, realised: 2.0 * forecast };
        let even = curve(&[4.0, 1.0, 3.0, 2.0].map(outcome), 2);
        assert_eq!(even.iter().map(|p| (p.count, p.forecast)).collect::<Vec<_>>(), [(2, 1.5), (2, 3.5)]);
        assert!(even.iter().all(|p| p.realised.value == 2.0 * p.forecast));
        let tied = curve(&[1.0, 1.0, 1.0, 2.0].map(outcome), 2);
        assert_eq!(tied.iter().map(|p| p.count).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(curve(&[], 5), []);
    }

    proptest! {
        #[test]
        fn every_outcome_stands_in_one_group(
            forecasts in prop::collection::vec(-5i32..5, 0..80),
            groups in 0usize..12,
        ) {
            let outcomes: Vec<Outcome> = forecasts
                .iter()
                .map(|f| Outcome { forecast: f64::from(*f), realised: 1.0 })
                .collect();
            let curve = curve(&outcomes, groups);
            prop_assert_eq!(curve.iter().map(|p| p.count).sum::<usize>(), outcomes.len());
            prop_assert!(curve.len() <= groups.max(1));
            prop_assert!(curve.is_sorted_by(|a, b| a.forecast < b.forecast));
        }
    }
}
