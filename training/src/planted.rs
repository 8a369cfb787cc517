//! Whether the network learns what is there, and nothing where nothing is: a planted edge.
//!
//! In a series x_{t+1} = φ · x_t + noise the best forecast of the next sign is the sign of x_t, right in
//! ½ + arcsin(φ)/π of all cases. GASF is even: from it alone no network can tell a rise from a fall.

use networks::Shape;
use serde::{Deserialize, Serialize};
use synapse::random::{normal, seed_for, uniform};

use crate::adamw::Rates;
use crate::batch::{Numbers, Standard};
use crate::dataset::{DOWN, Dataset, Protocol, Row, Sample, UP, priors};
use crate::error::TrainError;
use crate::evaluate::{Forecast, sign};
use crate::fit::{Course, Fitting, Lessons, Progress};

/// Between two rows.
const STEP_NS: i64 = 250_000_000;
/// Twice the mid of the first row, and the move of one deviation: a basis point.
const MID2: i64 = 2_000_000_000;
const MOVE2: f64 = 200_000.0;

/// What is planted and how it is learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planted {
    /// φ.
    pub phi: f64,
    /// Samples that train and validate.
    pub train: usize,
    /// Samples that are judged.
    pub test: usize,
    /// The network's sizes: one feature, one price number, which says nothing.
    pub shape: Shape,
    /// How it is fitted.
    pub fitting: Fitting,
    /// The seed of series and network.
    pub seed: u64,
}

impl Default for Planted {
    fn default() -> Self {
        let shape = Shape {
            features: 1,
            stride: 8,
            frames: 2,
            width: 16,
            price_numbers: 1,
            price_window: 2,
            ..Shape::default()
        };
        let rates = Rates { rate: 2e-3, decay: 0.05, ..Rates::default() };
        let fitting = Fitting {
            rates,
            batch: 64,
            epochs: 14,
            patience: 8,
            modality_dropout: 0.0,
            critic_weight: 0.0,
            bag_block: None,
            ..Fitting::default()
        };
        Self { phi: 0.3, train: 8000, test: 8000, shape, fitting, seed: 1 }
    }
}

/// Shares of test samples whose direction was forecast right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlantedReport {
    /// Samples that were judged.
    pub test: usize,
    /// What the best forecast reaches.
    pub bayes: f64,
    /// The sign of the last step, on the same samples.
    pub last_sign: f64,
    /// The network with both fields.
    pub both_fields: f64,
    /// The network with GASF alone, without shift.
    pub sum_alone: f64,
    /// The network on noise.
    pub noise: f64,
    /// The network with shuffled labels.
    pub shuffled: f64,
    /// Half the 99 % interval around ½ of a forecast that knows nothing.
    pub chance_half_width: f64,
}

/// Runs the four experiments.
///
/// # Errors
/// Sizes that cannot be.
pub fn planted(plan: &Planted, progress: &mut dyn FnMut(Progress)) -> Result<PlantedReport, TrainError> {
    let series = series(plan.phi, plan);
    let noise = self::series(0.0, plan);
    let sum_only = Planted { fitting: Fitting { sum_only: true, ..plan.fitting.clone() }, ..plan.clone() };
    let mut run = |course: usize, dataset: &Dataset, plan: &Planted, shuffle: bool| {
        accuracy(dataset, plan, shuffle, course, progress)
    };
    let [both_fields, last_sign] = run(0, &series, plan, false)?;
    let [sum_alone, _] = run(1, &series, &sum_only, false)?;
    let [of_noise, _] = run(2, &noise, plan, false)?;
    let [shuffled, _] = run(3, &series, plan, true)?;
    Ok(PlantedReport {
        test: plan.test,
        bayes: 0.5 + libm::asin(plan.phi) / std::f64::consts::PI,
        last_sign,
        both_fields,
        sum_alone,
        noise: of_noise,
        shuffled,
        chance_half_width: 2.576 * 0.5 / (plan.test as f64).sqrt(),
    })
}

/// The series as rows: z is x over its deviation, the mid its sum.
fn series(phi: f64, plan: &Planted) -> Dataset {
    let seed = seed_for(plan.seed, "planted");
    let rows = plan.train + plan.test + first(plan) + 2;
    let deviation = 1.0 / (1.0 - phi * phi).sqrt();
    let (mut x, mut mid2) = (deviation * normal(seed, u64::MAX), MID2);
    let row = |i: usize| {
        x = phi * x + normal(seed, i as u64);
        // a move of 0 would be none
        let step = (MOVE2 * x).round() as i64;
        mid2 += if step == 0 { 1 } else { step };
        Row {
            time_ns: i as i64 * STEP_NS,
            mid2,
            z: vec![(x / deviation) as f32],
            price: vec![0.0],
            ..Row::default()
        }
    };
    Dataset { rows: (0..rows).map(row).collect(), ..Dataset::default() }
}

/// Rows until a video is full.
fn first(plan: &Planted) -> usize {
    plan.shape.window + plan.shape.frames.saturating_sub(1) * plan.shape.stride
}

/// Trains on a series; the shares of right directions in the test part, the network's and the last sign's.
fn accuracy(
    dataset: &Dataset,
    plan: &Planted,
    shuffle: bool,
    at: usize,
    progress: &mut dyn FnMut(Progress),
) -> Result<[f64; 2], TrainError> {
    let protocol = Protocol {
        horizon_ns: STEP_NS,
        skip_rows: first(plan),
        train_percent: 100 * plan.train / (plan.train + plan.test).max(1),
        validation_percent: 15,
    };
    let mut split = dataset.split(&protocol, &plan.shape)?;
    if shuffle {
        shuffle_labels(&mut split.train, seed_for(plan.seed, "shuffle"));
    }
    let numbers = Numbers::new(dataset, &plan.shape, &Standard::of(dataset, &split.train, 1), None);
    let lessons = Lessons {
        shape: &plan.shape,
        numbers: &numbers,
        train: &split.train,
        fit: split.fit.clone(),
        validation: split.validation.clone(),
        rules: None,
    };
    let priors = priors(&split.train);
    let mut course = Course::new(&plan.shape, plan.seed, &priors)?;
    while !course.is_over(&plan.fitting) {
        let losses = course.run_epoch(&lessons, &plan.fitting)?;
        progress(course.progress(at, 4, &plan.fitting, losses));
    }
    let best = course.learned().ok_or(TrainError::Stopped)?;
    let forecasts = best.forecast(&numbers, &plan.shape, &split.test, &plan.fitting)?;
    // the shares are those of coins: a drift that training saw is not direction
    let signs = Forecast::of(forecasts, &[0.5, 0.5, 0.0]).signs;
    let last = split.test.iter().map(|sample| sign(f64::from(dataset.rows[sample.row].z[0]))).collect();
    Ok([signs, last].map(|signs: Vec<i8>| share_right(&signs, &split.test)))
}

fn share_right(signs: &[i8], samples: &[Sample]) -> f64 {
    let right = |(sign, sample): &(&i8, &Sample)| [(UP, 1), (DOWN, -1)].contains(&(sample.class, **sign));
    signs.iter().zip(samples).filter(right).count() as f64 / samples.len().max(1) as f64
}

/// Gives each sample the label of another, by Fisher and Yates.
fn shuffle_labels(samples: &mut [Sample], seed: u64) {
    for i in (1..samples.len()).rev() {
        let j = ((1.0 - uniform(seed, i as u64)) * (i + 1) as f64) as usize;
        let (a, b) = (samples[i], samples[j]);
        (samples[i].class, samples[i].move_bp) = (b.class, b.move_bp);
        (samples[j].class, samples[j].move_bp) = (a.class, a.move_bp);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_edge_is_found_in_both_fields_and_nothing_where_nothing_is() {
        let shape = Shape { window: 8, frames: 1, text: 1, memory: 1, ..Planted::default().shape };
        let mut fitting = Fitting { epochs: 10, patience: 6, ..Planted::default().fitting };
        fitting.rates.rate = 3e-3;
        // a stronger edge than the full experiment plants, for fewer samples
        let plan = Planted { phi: 0.6, train: 2000, test: 2000, shape, fitting, seed: 1 };
        let report = planted(&plan, &mut |_| {}).expect("a report");
        assert!((report.last_sign - report.bayes).abs() < report.chance_half_width, "{report:?}");
        assert!(report.both_fields > 0.5 + 0.5 * (report.bayes - 0.5), "{report:?}");
        for nothing in [report.sum_alone, report.noise, report.shuffled] {
            // of a model that says one thing often, neighbours in the series are not independent
            assert!((nothing - 0.5).abs() < 2.0 * report.chance_half_width, "{report:?}");
        }
    }
}
