//! What a network must be held against, on the same samples.

use std::collections::BTreeMap;

use crate::batch::{Odd, Standard};
use crate::dataset::{Dataset, Sample, Split};
use crate::evaluate::{Forecast, sign};

/// Iterations of the logistic regression over all samples; it has converged long before.
const ITERATIONS: u32 = 600;
const RATE: f64 = 0.05;
/// Its ridge: the directions that nothing speaks for stay at 0.
const RIDGE: f64 = 1e-4;

/// The forecasts of every baseline for the test part, by name.
#[must_use]
pub fn baselines(
    dataset: &Dataset,
    split: &Split,
    standard: &Standard,
    rule_number: usize,
    odd: Option<&Odd>,
    priors: &[f64; 3],
) -> BTreeMap<String, Forecast> {
    let logistic = |odd: Option<&Odd>| {
        let model = Logistic::fit(dataset, &split.train, standard, odd, priors);
        let price = |sample: &Sample| &dataset.rows[sample.row].price;
        Forecast::of(split.test.iter().map(|s| model.forecast(price(s), standard)).collect(), priors)
    };
    let mut forecasts = vec![
        ("majority", Forecast::of(vec![*priors; split.test.len()], priors)),
        ("last_move", plain(last_moves(dataset, &split.test))),
        ("sign_of_imbalance", plain(rule(dataset, &split.test, rule_number))),
        ("logistic_regression", logistic(None)),
    ];
    if odd.is_some() {
        forecasts.push(("logistic_regression_mirrored", logistic(odd)));
    }
    forecasts.into_iter().map(|(name, forecast)| (name.to_owned(), forecast)).collect()
}

fn plain(signs: Vec<i8>) -> Forecast {
    Forecast { signs, probabilities: None }
}

/// The sign of a price number at each sample.
#[must_use]
pub fn rule(dataset: &Dataset, samples: &[Sample], number: usize) -> Vec<i8> {
    samples.iter().map(|s| sign(f64::from(dataset.rows[s.row].price[number]))).collect()
}

/// The sign of the newest move of the mid before each sample.
fn last_moves(dataset: &Dataset, samples: &[Sample]) -> Vec<i8> {
    let mut last = 0;
    let mut moves = vec![0];
    for pair in dataset.rows.windows(2) {
        let step = (pair[1].mid2 - pair[0].mid2).signum() as i8;
        last = if step == 0 { last } else { step };
        moves.push(last);
    }
    samples.iter().map(|sample| moves[sample.row]).collect()
}

/// Multinomial logistic regression on the newest price row, standardised.
pub struct Logistic {
    /// Of each class: the bias, then a weight a number.
    weights: [Vec<f64>; 3],
}

impl Logistic {
    /// Fits by full-batch descent with Adam, from the shares of the classes; with `odd` to each sample and its mirror
    /// image.
    #[must_use]
    pub fn fit(
        dataset: &Dataset,
        samples: &[Sample],
        standard: &Standard,
        odd: Option<&Odd>,
        priors: &[f64; 3],
    ) -> Self {
        let mirrored = samples.iter().filter(|_| odd.is_some()).map(|sample| sample.mirror());
        let samples: &[Sample] = &samples.iter().copied().chain(mirrored).collect::<Vec<_>>();
        let input = |sample: &Sample| {
            let odd = odd.filter(|_| sample.mirrored).map(|odd| &odd.price);
            let price = Odd::turn(&dataset.rows[sample.row].price, odd);
            std::iter::once(1.0).chain(standard.apply(&price)).collect()
        };
        let inputs: Vec<Vec<f64>> = samples.iter().map(input).collect();
        let width = inputs.first().map_or(1, Vec::len);
        let begin = |prior: f64| {
            let mut weights = vec![0.0; width];
            weights[0] = libm::log(prior.max(1e-3));
            weights
        };
        let mut model = Self { weights: priors.map(begin) };
        let mut moments =
            [const { [Vec::new(), Vec::new()] }; 3].map(|m: [Vec<f64>; 2]| m.map(|_| vec![0.0; width]));
        for step in 1..=ITERATIONS {
            let gradients = model.gradients(&inputs, samples);
            let correct = [0.9, 0.999].map(|decay| 1.0 - libm::pow(decay, f64::from(step)));
            // towards the end in ever smaller steps
            let rate = RATE * (1.0 - f64::from(step) / f64::from(ITERATIONS + 1));
            for (class, gradient) in gradients.iter().enumerate() {
                let [first, second] = &mut moments[class];
                for (i, g) in gradient.iter().enumerate() {
                    first[i] = 0.9 * first[i] + 0.1 * g;
                    second[i] = 0.999 * second[i] + 0.001 * g * g;
                    let size = (second[i] / correct[1]).sqrt() + 1e-12;
                    model.weights[class][i] -= rate * first[i] / correct[0] / size;
                }
            }
        }
        model
    }

    /// The gradients of the mean loss and the ridge.
    fn gradients(&self, inputs: &[Vec<f64>], samples: &[Sample]) -> [Vec<f64>; 3] {
        let count = inputs.len() as f64;
        let ridge = |(i, w): (usize, &f64)| if i == 0 { 0.0 } else { RIDGE * w };
        let mut gradients =
            [0, 1, 2].map(|c| self.weights[c].iter().enumerate().map(ridge).collect::<Vec<_>>());
        for (x, sample) in inputs.iter().zip(samples) {
            let p = self.probabilities(x);
            for (class, gradient) in gradients.iter_mut().enumerate() {
                let error = (p[class] - f64::from(u8::from(class == sample.class))) / count;
                gradient.iter_mut().zip(x).for_each(|(g, x)| *g += error * x);
            }
        }
        gradients
    }

    fn probabilities(&self, x: &[f64]) -> [f64; 3] {
        let logits =
            [0, 1, 2].map(|class| self.weights[class].iter().zip(x).map(|(w, x)| w * x).sum::<f64>());
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers = logits.map(|logit| libm::exp(logit - largest));
        powers.map(|power| power / powers.iter().sum::<f64>())
    }

    /// The probabilities of up, down and flat after a price row.
    #[must_use]
    pub fn forecast(&self, price: &[f32], standard: &Standard) -> [f64; 3] {
        let x: Vec<f64> = std::iter::once(1.0).chain(standard.apply(price)).collect();
        self.probabilities(&x)
    }
}

#[cfg(test)]
mod tests {
    use synapse::random::{normal, seed_for, uniform};

    use super::*;
    use crate::dataset::{FLAT, Row, UP};

    #[test]
    fn logistic_regression_finds_the_law_that_made_its_data() {
        let rows: Vec<Row> = (0..20_000)
            .map(|i| {
                let price = [0, 1].map(|k| (3.0 + 5.0 * normal(seed_for(2, "x"), 2 * i + k)) as f32);
                Row { time_ns: i as i64, mid2: 1, price: price.to_vec(), ..Row::default() }
            })
            .collect();
        let dataset = Dataset { rows, ..Dataset::default() };
        let truth = |price: &[f32]| {
            let z = (f64::from(price[0]) - 3.0) / 5.0;
            let powers = [libm::exp(-1.0 + z), libm::exp(-1.0 - z), 1.0];
            powers.map(|power| power / powers.iter().sum::<f64>())
        };
        let sample = |row: usize| {
            let (p, drawn) = (truth(&dataset.rows[row].price), uniform(seed_for(2, "class"), row as u64));
            let class = if drawn < p[0] {
                UP
            } else if drawn < p[0] + p[1] {
                1
            } else {
                FLAT
            };
            Sample { row, class, move_bp: 0.0, mirrored: false }
        };
        let samples: Vec<Sample> = (0..20_000).map(sample).collect();
        let standard = Standard::of(&dataset, &samples, 2);
        let model = Logistic::fit(&dataset, &samples, &standard, None, &[0.3, 0.3, 0.4]);
        for row in 0..200 {
            let price = &dataset.rows[row].price;
            let (got, want) = (model.forecast(price, &standard), truth(price));
            for class in 0..3 {
                assert!((got[class] - want[class]).abs() < 0.03, "row {row}: {got:?}, not {want:?}");
            }
        }
    }

    #[test]
    fn what_learns_from_mirror_images_too_forecasts_them_alike() {
        let draw = |i: usize, k: u64| normal(seed_for(5, "x"), 2 * i as u64 + k) as f32;
        let rows = (0..2000).map(|i| Row { price: vec![draw(i, 0) + 0.5, draw(i, 1)], ..Row::default() });
        let dataset = Dataset { rows: rows.collect(), ..Dataset::default() };
        let class = |row: usize| {
            if draw(row, 0) > 0.7 { UP } else { FLAT }
        };
        let sample = |row| Sample { row, class: class(row), move_bp: 0.0, mirrored: false };
        let samples: Vec<Sample> = (0..2000).map(sample).collect();
        let standard = Standard::of(&dataset, &samples, 2);
        let odd = Odd { features: Vec::new(), price: vec![true, false] };
        let [plain, mirrored] =
            [None, Some(&odd)].map(|odd| Logistic::fit(&dataset, &samples, &standard, odd, &[0.2, 0.1, 0.7]));
        let both = |model: &Logistic, row: &Row| {
            let turned = Odd::turn(&row.price, Some(&odd.price));
            (model.forecast(&row.price, &standard), model.forecast(&turned, &standard))
        };
        let apart = |model: &Logistic| {
            let apart = |row| {
                let (p, turned) = both(model, row);
                (p[0] - turned[1]).abs().max((p[1] - turned[0]).abs()).max((p[2] - turned[2]).abs())
            };
            dataset.rows.iter().map(apart).fold(0.0, f64::max)
        };
        assert!(apart(&mirrored) < 0.01, "{}", apart(&mirrored));
        assert!(apart(&plain) > 0.3, "down never came: {}", apart(&plain));
    }

    #[test]
    fn the_last_move_outlasts_quiet_rows() {
        let mids = [10, 10, 12, 12, 12, 11, 11];
        let row = |(i, mid2): (usize, &i64)| Row {
            time_ns: i as i64,
            mid2: *mid2,
            price: vec![-0.5],
            ..Row::default()
        };
        let dataset = Dataset { rows: mids.iter().enumerate().map(row).collect(), ..Dataset::default() };
        let samples: Vec<Sample> =
            (0..7).map(|row| Sample { row, class: FLAT, move_bp: 0.0, mirrored: false }).collect();
        assert_eq!(last_moves(&dataset, &samples), [0, 0, 1, 1, 1, -1, -1]);
        assert_eq!(rule(&dataset, &samples, 0), [-1; 7]);
    }
}
