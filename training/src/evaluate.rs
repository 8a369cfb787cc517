//! What forecasts are worth, with intervals, by the definitions that every program uses.
//!
//! * Balanced accuracy (BA): of the non-flat samples a correct sign counts 1 and none ½; the mean of the
//!   two classes. d is a forecast's BA less that of the rule beside it, on the same samples.
//! * Skill = 1 − mean(−ln p) / mean(−ln π), π the shares in training: over all samples and three classes,
//!   and over the non-flat ones with p_up / (p_up + p_down).
//! * Intervals by moving-block bootstrap; all forecasts are drawn alike, so that differences are paired.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use synapse::random::{seed_for, uniform};

use crate::dataset::{DOWN, FLAT, UP};

/// The smallest probability that is taken at its word.
const LEAST: f64 = 1e-12;
/// Sums that a figure is made of.
const COLUMNS: usize = 10;

/// How intervals are drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Samples of a block: longer than what they have in common.
    pub block: usize,
    /// How many times the samples are drawn again.
    pub draws: usize,
    /// The seed.
    pub seed: u64,
}

impl Bootstrap {
    /// The blocks of one draw over so many places: they begin anywhere, as many as fill the places, the last cut short.
    pub(crate) fn blocks(&self, count: usize, draw: usize) -> impl Iterator<Item = Range<usize>> {
        let block = self.block.clamp(1, count.max(1));
        let (seed, blocks) = (seed_for(self.seed, "bootstrap"), count.div_ceil(block));
        (0..blocks).map(move |i| {
            let place = 1.0 - uniform(seed, (draw * blocks + i) as u64);
            let begin = (place * (count - block + 1) as f64) as usize;
            begin..begin + block.min(count - i * block)
        })
    }
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { block: 120, draws: 2000, seed: 1 }
    }
}

/// A figure with its one-sided 95 % lower bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lo5 {
    /// The figure.
    pub value: f64,
    /// 5 % of the draws are below.
    pub lo5: f64,
}

/// A figure with the lower end of its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lo25 {
    /// The figure.
    pub value: f64,
    /// 2.5 % of the draws are below.
    pub lo25: f64,
}

/// What a forecast is worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Balanced accuracy less the rule's.
    pub d: Lo5,
    /// Balanced accuracy.
    pub ba: Lo25,
    /// Skill in three classes, where there are probabilities.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub three_class_skill: Option<Lo5>,
    /// Skill in direction, where there are probabilities.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub direction_skill: Option<Lo25>,
}

/// A forecast of each sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Its sign: 1 up, −1 down, 0 neither.
    pub signs: Vec<i8>,
    /// Its probabilities, up, down and flat, where it has any.
    pub probabilities: Option<Vec<[f64; 3]>>,
}

impl Forecast {
    /// Of probabilities: the sign is that of p_up / π_up − p_down / π_down.
    #[must_use]
    pub fn of(probabilities: Vec<[f64; 3]>, priors: &[f64; 3]) -> Self {
        // multiplied out, so that a class that training never saw divides by nothing
        let sign = |p: &[f64; 3]| sign(p[UP] * priors[DOWN] - p[DOWN] * priors[UP]);
        Self { signs: probabilities.iter().map(sign).collect(), probabilities: Some(probabilities) }
    }
}

/// 1, −1 or 0.
#[must_use]
pub fn sign(x: f64) -> i8 {
    i8::from(x > 0.0) - i8::from(x < 0.0)
}

/// The mean of several models' probabilities, sample by sample.
#[must_use]
pub fn mean(models: &[Vec<[f64; 3]>]) -> Vec<[f64; 3]> {
    let count = models.len() as f64;
    let samples = models.first().map_or(0, Vec::len);
    (0..samples)
        .map(|i| [UP, DOWN, FLAT].map(|c| models.iter().map(|m| m[i][c]).sum::<f64>() / count))
        .collect()
}

/// What happened in the samples that are judged, the rule that forecasts are held against, and π.
pub struct Judge<'a> {
    /// The classes, in time order.
    pub classes: &'a [usize],
    /// The rule's signs.
    pub rule: &'a [i8],
    /// The shares of the classes in training.
    pub priors: [f64; 3],
    /// How intervals are drawn.
    pub bootstrap: &'a Bootstrap,
}

impl Judge<'_> {
    /// What a forecast is worth.
    ///
    /// # Panics
    /// If it has another number of samples.
    #[must_use]
    pub fn figures(&self, forecast: &Forecast) -> Figures {
        assert_eq!(forecast.signs.len(), self.classes.len(), "a forecast of each sample");
        let sums = self.running_sums(forecast);
        let all = worth(&sums[self.classes.len()]);
        let draws: Vec<[f64; 4]> =
            (0..self.bootstrap.draws).map(|draw| worth(&self.draw(&sums, draw))).collect();
        let low = |which: usize, share: f64| quantile(draws.iter().map(|draw| draw[which]), share);
        let has = forecast.probabilities.is_some();
        Figures {
            d: Lo5 { value: all[0], lo5: low(0, 0.05) },
            ba: Lo25 { value: all[1], lo25: low(1, 0.025) },
            three_class_skill: has.then(|| Lo5 { value: all[2], lo5: low(2, 0.05) }),
            direction_skill: has.then(|| Lo25 { value: all[3], lo25: low(3, 0.025) }),
        }
    }

    /// The sums over the first 0, 1, 2 … samples, so that a block is a difference.
    fn running_sums(&self, forecast: &Forecast) -> Vec<[f64; COLUMNS]> {
        let mut sum = [0.0; COLUMNS];
        let mut sums = vec![sum];
        for (i, &class) in self.classes.iter().enumerate() {
            let p = forecast.probabilities.as_ref().map_or(self.priors, |p| p[i]);
            let surprise = |p: f64| -libm::log(p.max(LEAST));
            sum[8] += surprise(p[class]);
            sum[9] += surprise(self.priors[class]);
            if class != FLAT {
                let right = if class == UP { 1 } else { -1 };
                let credit = |sign: i8| if sign == 0 { 0.5 } else { f64::from(u8::from(sign == right)) };
                sum[3 * class] += 1.0;
                sum[3 * class + 1] += credit(forecast.signs[i]);
                sum[3 * class + 2] += credit(self.rule[i]);
                let way = |p: &[f64; 3]| surprise(p[class] / (p[UP] + p[DOWN]).max(LEAST));
                sum[6] += way(&p);
                sum[7] += way(&self.priors);
            }
            sums.push(sum);
        }
        sums
    }

    /// The sums over one draw.
    fn draw(&self, sums: &[[f64; COLUMNS]], draw: usize) -> [f64; COLUMNS] {
        let mut total = [0.0; COLUMNS];
        for Range { start, end } in self.bootstrap.blocks(self.classes.len(), draw) {
            total.iter_mut().zip(sums[end].iter().zip(&sums[start])).for_each(|(t, (e, b))| *t += e - b);
        }
        total
    }
}

/// d, BA, three-class skill and direction skill from sums; NaN where a draw has none of a class.
fn worth(sum: &[f64; COLUMNS]) -> [f64; 4] {
    let (up, down) = (3 * UP, 3 * DOWN);
    let ba = |which: usize| (sum[up + which] / sum[up] + sum[down + which] / sum[down]) / 2.0;
    [ba(1) - ba(2), ba(1), 1.0 - sum[8] / sum[9], 1.0 - sum[6] / sum[7]]
}

/// The quantile of what is a number, between two draws by their distance.
fn quantile(values: impl Iterator<Item = f64>, share: f64) -> f64 {
    let mut sorted: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let place = share * sorted.len().saturating_sub(1) as f64;
    let (below, rest) = (place as usize, place.fract());
    match (sorted.get(below), sorted.get(below + 1)) {
        (Some(low), Some(high)) => low + rest * (high - low),
        (Some(low), None) => *low,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 80 up, 150 down, 2,600 flat in bursts, and a rule with 74 and 120 right, as the bundled session has.
    fn session() -> (Vec<usize>, Vec<i8>) {
        let mut classes = vec![FLAT; 2830];
        let mut rule = vec![1; 2830];
        for i in 0..230 {
            let at = (i / 10) * 120 + i % 10;
            classes[at] = if i % 23 < 8 { UP } else { DOWN };
        }
        let ups: Vec<usize> = (0..2830).filter(|i| classes[*i] == UP).collect();
        let downs: Vec<usize> = (0..2830).filter(|i| classes[*i] == DOWN).collect();
        assert_eq!((ups.len(), downs.len()), (80, 150));
        ups[..6].iter().for_each(|at| rule[*at] = -1);
        downs[..120].iter().for_each(|at| rule[*at] = -1);
        (classes, rule)
    }

    #[test]
    fn the_rule_has_its_known_accuracy_and_no_distance_to_itself() {
        let (classes, rule) = session();
        let bootstrap = Bootstrap::default();
        let judge =
            Judge { classes: &classes, rule: &rule, priors: [0.03, 0.05, 0.92], bootstrap: &bootstrap };
        let figures = judge.figures(&Forecast { signs: rule.clone(), probabilities: None });
        assert_eq!(figures.ba.value, 0.8625);
        assert_eq!(figures.d, Lo5 { value: 0.0, lo5: 0.0 });
        assert!(figures.ba.lo25 < 0.8625 && figures.ba.lo25 > 0.6, "{figures:?}");
        assert!(figures.three_class_skill.is_none() && figures.direction_skill.is_none());
        let undecided = judge.figures(&Forecast { signs: vec![0; 2830], probabilities: None });
        assert_eq!((undecided.ba.value, undecided.ba.lo25), (0.5, 0.5));
        assert_eq!(judge.figures(&Forecast { signs: rule.clone(), probabilities: None }), figures, "seeded");
    }

    #[test]
    fn skill_is_what_a_forecast_says_beyond_the_shares() {
        let (classes, rule) = session();
        let (priors, bootstrap) = ([0.03, 0.05, 0.92], Bootstrap::default());
        let judge = Judge { classes: &classes, rule: &rule, priors, bootstrap: &bootstrap };
        let none = judge.figures(&Forecast::of(vec![priors; 2830], &priors));
        let skill = none.three_class_skill.expect("skill");
        assert!(skill.value.abs() < 1e-12 && skill.lo5.abs() < 1e-12, "{skill:?}");
        assert!(none.direction_skill.expect("skill").value.abs() < 1e-12);
        assert_eq!(none.ba.value, 0.5, "no sign where the odds are those of training");
        let knows = |class: &usize| {
            let mut p = [0.1; 3];
            p[*class] = 0.8;
            p
        };
        let good = judge.figures(&Forecast::of(classes.iter().map(knows).collect(), &priors));
        let want = 1.0
            - 2830.0 * -libm::log(0.8)
                / -(80.0 * libm::log(0.03) + 150.0 * libm::log(0.05) + 2600.0 * libm::log(0.92));
        let skill = good.three_class_skill.expect("skill").value;
        assert!((skill - want).abs() < 1e-12, "{skill}, not {want}");
        let want =
            1.0 - 230.0 * -libm::log(8.0 / 9.0) / -(80.0 * libm::log(0.375) + 150.0 * libm::log(0.625));
        let skill = good.direction_skill.expect("skill").value;
        assert!((skill - want).abs() < 1e-12, "{skill}, not {want}");
        assert_eq!((good.ba.value, good.ba.lo25), (1.0, 1.0));
    }

    #[test]
    fn intervals_of_independent_samples_are_those_of_statistics() {
        let draw = |i: usize, purpose: &str| uniform(seed_for(5, purpose), i as u64);
        let classes: Vec<usize> = (0..4000).map(|i| usize::from(draw(i, "class") < 0.5)).collect();
        let right = |i: usize| if classes[i] == UP { 1 } else { -1 };
        let signs = (0..4000).map(|i| if draw(i, "hit") < 0.7 { right(i) } else { -right(i) }).collect();
        let bootstrap = Bootstrap { block: 5, ..Bootstrap::default() };
        let rule = vec![0; 4000];
        let judge = Judge { classes: &classes, rule: &rule, priors: [0.5, 0.5, 0.0], bootstrap: &bootstrap };
        let ba = judge.figures(&Forecast { signs, probabilities: None }).ba;
        let half_width = 1.96 * (0.7f64 * 0.3 / 4000.0).sqrt();
        assert!((ba.value - ba.lo25 - half_width).abs() < 0.1 * half_width, "{ba:?}, {half_width}");
    }

    #[test]
    fn quantiles_lie_between_draws() {
        let values = || [4.0, f64::NAN, 1.0, 2.0, 3.0].into_iter();
        assert_eq!(quantile(values(), 0.5), 2.5);
        assert_eq!((quantile(values(), 0.0), quantile(values(), 1.0)), (1.0, 4.0));
        assert!(quantile([].into_iter(), 0.5).is_nan());
    }
}
