//! The percept v where no trained network reads the video: plain statistics of a frame's fields.
//!
//! They are the same seven numbers for each feature, named and told in [`STATISTICS`]. The mean of
//! a difference field is 0 whatever it shows (it is antisymmetric), so it is not among them.

use crate::video::{FIELDS, Field};

/// One number of the percept, computed for each feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistic {
    /// Its name, field first.
    pub name: &'static str,
    /// What it is.
    pub meaning: &'static str,
    field: Field,
    measure: Measure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Mean,
    Deviation,
    NewestRow,
    Contrast,
    Trend,
}

/// The statistics of a feature, in the order of the percept.
pub const STATISTICS: [Statistic; 7] = [
    Statistic {
        name: "gasf_mean",
        meaning: "mean of the summation field",
        field: Field::Sum,
        measure: Measure::Mean,
    },
    Statistic {
        name: "gasf_deviation",
        meaning: "standard deviation of the summation field",
        field: Field::Sum,
        measure: Measure::Deviation,
    },
    Statistic {
        name: "gasf_newest",
        meaning: "mean of the summation field's row of the newest sample",
        field: Field::Sum,
        measure: Measure::NewestRow,
    },
    Statistic {
        name: "gasf_contrast",
        meaning: "mean of the summation field among newer samples less that among older ones",
        field: Field::Sum,
        measure: Measure::Contrast,
    },
    Statistic {
        name: "gadf_deviation",
        meaning: "standard deviation of the difference field",
        field: Field::Difference,
        measure: Measure::Deviation,
    },
    Statistic {
        name: "gadf_newest",
        meaning: "mean of the difference field's row of the newest sample; negative where it is high",
        field: Field::Difference,
        measure: Measure::NewestRow,
    },
    Statistic {
        name: "gadf_trend",
        meaning: "mean of the difference field of newer against older samples; negative in a rise",
        field: Field::Difference,
        measure: Measure::Trend,
    },
];

/// The length of the percept of so many features, F · 7.
#[must_use]
pub const fn percept_len(features: usize) -> usize {
    features * STATISTICS.len()
}

/// Writes the percept, `[F][7]`, of a frame, `[2F][W][W]`.
///
/// # Panics
/// If `frame` is not whole features of `window`, or `percept` has not its length.
pub fn percept(frame: &[f32], window: usize, percept: &mut [f32]) {
    let pixels = window * window;
    let features = frame.len() / (FIELDS * pixels);
    assert_eq!(frame.len(), features * FIELDS * pixels, "a frame is [2F][W][W]");
    assert_eq!(percept.len(), percept_len(features), "one percept a feature");
    let fields = frame.chunks_exact(FIELDS * pixels);
    for (fields, percept) in fields.zip(percept.chunks_exact_mut(STATISTICS.len())) {
        let (sum, difference) = fields.split_at(pixels);
        let (sum_mean, difference_mean) = (mean(sum), mean(difference));
        for (statistic, value) in STATISTICS.iter().zip(percept) {
            *value = match statistic.field {
                Field::Sum => statistic.measure.of(sum, sum_mean, window),
                Field::Difference => statistic.measure.of(difference, difference_mean, window),
            };
        }
    }
}

impl Measure {
    /// The measure of a field of this mean.
    fn of(self, field: &[f32], mean_of_field: f32, window: usize) -> f32 {
        // An odd window's middle sample is in neither half; a window of one is both its halves.
        let half = (window / 2).max(1);
        let (older, newer) = (0, window - half);
        match self {
            Self::Mean => mean_of_field,
            Self::Deviation => deviation(field, mean_of_field),
            Self::NewestRow => mean(&field[field.len() - window..]),
            Self::Contrast => {
                block_mean(field, window, newer, newer, half) - block_mean(field, window, older, older, half)
            }
            Self::Trend => block_mean(field, window, newer, older, half),
        }
    }
}

/// The mean of the `side` × `side` block whose first pixel stands at `row`, `column`.
fn block_mean(field: &[f32], window: usize, row: usize, column: usize, side: usize) -> f32 {
    let rows = field.chunks_exact(window).skip(row).take(side);
    let total: f32 = rows.map(|pixels| sum(&pixels[column..column + side])).sum();
    total / (side * side) as f32
}

fn mean(x: &[f32]) -> f32 {
    sum(x) / x.len() as f32
}

fn deviation(x: &[f32], mean: f32) -> f32 {
    (sum_of(x, |x| (x - mean) * (x - mean)) / x.len() as f32).sqrt()
}

fn sum(x: &[f32]) -> f32 {
    sum_of(x, |x| x)
}

/// Σ f(x) in eight lanes: an order of additions that is fixed, and that vectorises.
fn sum_of(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; 8];
    let chunks = x.chunks_exact(lanes.len());
    let rest: f32 = chunks.remainder().iter().map(|&x| f(x)).sum();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f(x);
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::normalisation::Angle;
    use crate::video::{Shape, Video};
    use proptest::prelude::*;

    /// The percept of one feature that went through these normalised values.
    fn seen(z: &[f32]) -> Vec<f32> {
        let shape = Shape { features: 1, window: z.len(), stride: 1, frames: 1 };
        let mut video = Video::new(shape);
        for &z in z {
            video.push(&[Angle::of(z)]);
        }
        let mut frame = vec![0.0; shape.frame_len()];
        assert!(video.draw(0, &mut frame));
        let mut v = vec![0.0; percept_len(1)];
        percept(&frame, shape.window, &mut v);
        v
    }

    fn place(name: &str) -> usize {
        STATISTICS.iter().position(|s| s.name == name).expect("a statistic of this name")
    }

    #[test]
    fn names_are_unique_and_told() {
        for (i, statistic) in STATISTICS.iter().enumerate() {
            assert_eq!(place(statistic.name), i);
            assert!(!statistic.meaning.is_empty());
        }
    }

    #[test]
    fn the_difference_field_tells_a_rise_from_a_fall() {
        let rise: Vec<f32> = (0..16).map(|i| i as f32 * 0.1 - 0.8).collect();
        let fall: Vec<f32> = rise.iter().map(|z| -z).collect();
        let (rise, fall) = (seen(&rise), seen(&fall));
        for name in ["gadf_trend", "gadf_newest"] {
            assert!(rise[place(name)] < -0.1 && fall[place(name)] > 0.1, "{name}");
        }
        for name in ["gasf_mean", "gasf_deviation", "gasf_newest", "gasf_contrast"] {
            assert_eq!(rise[place(name)], fall[place(name)], "{name}");
        }
    }

    #[test]
    fn each_feature_is_told_by_its_own_fields() {
        let shape = Shape { features: 2, window: 5, stride: 1, frames: 1 };
        let mut video = Video::new(shape);
        let series = [[0.1, -1.0], [0.5, 2.0], [-0.2, 0.0], [0.9, 0.4], [0.3, -0.7]];
        for z in series {
            video.push(&z.map(Angle::of));
        }
        let mut frame = vec![0.0; shape.frame_len()];
        assert!(video.draw(0, &mut frame));
        let mut v = vec![0.0; percept_len(2)];
        percept(&frame, shape.window, &mut v);
        let alone = |feature: usize| seen(&series.map(|z| z[feature]));
        assert_eq!(v, [alone(0), alone(1)].concat());
    }

    proptest! {
        #[test]
        fn statistics_are_what_they_say(z in prop::collection::vec(-3.0f32..3.0, 1..40)) {
            let w = z.len();
            let phi: Vec<f64> = z.iter().map(|&z| libm::acos(libm::tanh(f64::from(z)))).collect();
            let mean = |rows: Range<usize>, columns: Range<usize>, f: &dyn Fn(f64, f64) -> f64| {
                let mut pixels = Vec::new();
                for i in rows {
                    pixels.extend(columns.clone().map(|j| f(phi[i], phi[j])));
                }
                pixels.iter().sum::<f64>() / pixels.len() as f64
            };
            let sum = |a: f64, b: f64| libm::cos(a + b);
            let difference = |a: f64, b: f64| libm::sin(a - b);
            let spread = |f: &dyn Fn(f64, f64) -> f64| {
                let m = mean(0..w, 0..w, f);
                mean(0..w, 0..w, &|a, b| (f(a, b) - m).powi(2)).sqrt()
            };
            let half = (w / 2).max(1);
            let (old, new) = (0..half, w - half..w);
            let want = [
                mean(0..w, 0..w, &sum),
                spread(&sum),
                mean(w - 1..w, 0..w, &sum),
                mean(new.clone(), new.clone(), &sum) - mean(old.clone(), old.clone(), &sum),
                spread(&difference),
                mean(w - 1..w, 0..w, &difference),
                mean(new, old, &difference),
            ];
            for (got, want) in seen(&z).iter().zip(want) {
                prop_assert!((f64::from(*got) - want).abs() < 1e-5, "{} against {}", got, want);
            }
        }
    }
}
