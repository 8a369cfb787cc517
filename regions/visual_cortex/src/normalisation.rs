//! Learnable normalisation (equation 1): z by the running statistics, then tanh(scale · z + shift).
//!
//! A value is normalised once, on arrival, by the running mean and deviation of the values before
//! it, so that nothing later can reach back into it. What is kept is z, to which whoever looks
//! applies a scale and a shift, and not the tanh: in floating point tanh itself is exactly ±1 from
//! about 9, and √(1 − tanh²) exactly 0.

use serde::{Deserialize, Serialize};

/// The untrained scale γ: it keeps inputs of unit variance out of
/// saturation.
pub const INITIAL_SCALE: f32 = 0.6;

/// The variance added under the root, as a share of the square of the feature's own unit.
const RELATIVE_EPSILON: f64 = 1e-5;

/// A normalised value as the angle φ = arccos(tanh u) of equation 2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Angle {
    /// cos φ = tanh u, in [-1, 1]: the normalised value itself.
    pub cos: f32,
    /// sin φ = sech u, in [0, 1].
    pub sin: f32,
}

impl Angle {
    /// The angle of u = scale · z + shift, accurate for saturated `u` too.
    #[must_use]
    pub fn of(u: f32) -> Self {
        let decay = libm::expf(-u.abs());
        Self { cos: libm::tanhf(u), sin: 2.0 * decay / (1.0 + decay * decay) }
    }
}

/// Mean and variance of a feature, exponentially forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Moments {
    /// The running mean, in the feature's unit.
    mean: f64,
    /// The running (biased) variance, in the square of the feature's unit.
    variance: f64,
}

/// The normalisation of one feature: z = (x − mean) / √(variance + ε).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normaliser {
    alpha: f64,
    epsilon: f64,
    moments: Option<Moments>,
}

impl Normaliser {
    /// A normaliser that forgets by `alpha` a value; `unit` is a change of the feature
    /// that is just worth seeing, in its own unit (a tick of spread, a tenth of a basis point).
    ///
    /// # Panics
    /// Unless 0 < `alpha` ≤ 1 and `unit` is positive and finite.
    #[must_use]
    pub fn new(alpha: f64, unit: f64) -> Self {
        assert!(alpha > 0.0 && alpha <= 1.0, "alpha {alpha} is outside (0, 1]");
        assert!(unit > 0.0 && unit.is_finite(), "unit {unit} is not positive and finite");
        let epsilon = RELATIVE_EPSILON * unit * unit;
        Self { alpha, epsilon, moments: None }
    }

    /// The z of `x` by the statistics so far, which it leaves as they are.
    ///
    /// The first value has nothing to be compared with and gives 0. A value that is not finite gives
    /// what is not a number.
    #[must_use]
    pub fn score(&self, x: f32) -> f32 {
        if !x.is_finite() {
            return f32::NAN;
        }
        let Some(Moments { mean, variance }) = self.moments else { return 0.0 };
        let z = (f64::from(x) - mean) / (variance + self.epsilon).sqrt();
        z.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
    }

    /// Takes `x` into the statistics; a value that is not finite leaves them as they are.
    pub fn observe(&mut self, x: f32) {
        if !x.is_finite() {
            return;
        }
        let x = f64::from(x);
        let Moments { mean, variance } = self.moments.unwrap_or(Moments { mean: x, variance: 0.0 });
        let deviation = x - mean;
        self.moments = Some(Moments {
            mean: mean + self.alpha * deviation,
            variance: (1.0 - self.alpha) * (variance + self.alpha * deviation * deviation),
        });
    }

    /// The z of a value that arrives: first normalised, then observed.
    pub fn normalise(&mut self, x: f32) -> f32 {
        let z = self.score(x);
        self.observe(x);
        z
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden::{self, Case};

    #[test]
    fn saturated_angles_keep_their_sine() {
        for (z, sine) in [(-30.0, 1.871_524_6e-13), (9.2, 2.020_788e-4), (0.0, 1.0)] {
            let angle = Angle::of(z);
            assert!((angle.sin / sine - 1.0).abs() < 1e-5, "sech {z} = {}", angle.sin);
        }
        assert_eq!(Angle::of(30.0).cos, 1.0);
        assert_eq!(Angle::of(f32::MAX).sin, 0.0);
    }

    #[test]
    fn a_constant_feature_is_zero() {
        let mut normaliser = Normaliser::new(0.05, 1.0);
        for _ in 0..100 {
            assert_eq!(normaliser.normalise(78_000.5), 0.0);
        }
    }

    #[test]
    fn golden_saturation_and_running_statistics() {
        for case in golden::cases("01_") {
            let case = case.single_precision();
            if !case.expected["cos_phi_tanh"].is_null() {
                let angles = case.input("z").into_iter().map(|z| Angle::of(z as f32));
                let (cos, sin): (Vec<_>, Vec<_>) =
                    angles.map(|a| (f64::from(a.cos), f64::from(a.sin))).unzip();
                case.check("cos_phi_tanh", &cos);
                case.check("sin_phi_sech", &sin);
            }
            if !case.expected["ewma_mean_last"].is_null() {
                golden_moments(&case);
            }
        }
    }

    /// Moments after every row, and after the fourth.
    fn golden_moments(case: &Case) {
        let rows = case.rows("x");
        let mut normalisers = vec![Normaliser::new(case.number("alpha"), 1.0); rows[0].len()];
        for (row, count) in rows.iter().zip(1..) {
            normalisers.iter_mut().zip(row).for_each(|(normaliser, &x)| normaliser.observe(x as f32));
            let moments = |of: fn(&Moments) -> f64| -> Vec<f64> {
                normalisers.iter().filter_map(|n| n.moments.as_ref().map(of)).collect()
            };
            if count == 4 {
                case.check("ewma_var_t4", &moments(|m| m.variance));
            }
            if count == rows.len() {
                case.check("ewma_mean_last", &moments(|m| m.mean));
                case.check("ewma_var_last", &moments(|m| m.variance));
            }
        }
    }

    #[test]
    fn statistics_are_the_weighted_mean_and_variance() {
        let x: Vec<f32> = (0..40).map(|i| ((i * 37) % 11) as f32 - 3.0).collect();
        let alpha = 0.1;
        let mut normaliser = Normaliser::new(alpha, 1.0);
        x.iter().for_each(|&x| normaliser.observe(x));
        let weight = |age: usize| {
            let kept = (1.0 - alpha).powi(age as i32);
            if age + 1 == x.len() { kept } else { alpha * kept }
        };
        let aged = || x.iter().rev().map(|&x| f64::from(x)).enumerate();
        let mean: f64 = aged().map(|(age, x)| weight(age) * x).sum();
        let variance: f64 = aged().map(|(age, x)| weight(age) * (x - mean).powi(2)).sum();
        let moments = normaliser.moments.expect("values were observed");
        assert!((moments.mean - mean).abs() < 1e-12);
        assert!((moments.variance - variance).abs() < 1e-12);
    }

    #[test]
    fn a_value_that_is_not_finite_shows_and_leaves_no_trace() {
        let mut normaliser = Normaliser::new(0.05, 1.0);
        normaliser.observe(1.0);
        let before = normaliser.clone();
        for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(normaliser.normalise(x).is_nan());
        }
        assert_eq!(normaliser, before);
    }

    proptest! {
        #[test]
        fn the_sine_and_cosine_are_of_one_angle(z in -40.0f32..40.0) {
            let Angle { cos, sin } = Angle::of(z);
            prop_assert!((cos * cos + sin * sin - 1.0).abs() < 1e-6);
            prop_assert!((-1.0..=1.0).contains(&cos) && (0.0..=1.0).contains(&sin));
        }

        #[test]
        fn the_future_never_reaches_a_value(
            past in prop::collection::vec(-1e3f32..1e3, 1..30),
            futures in prop::array::uniform2(prop::collection::vec(-1e3f32..1e3, 1..30)),
        ) {
            let scores = |future: &[f32]| -> Vec<f32> {
                let mut normaliser = Normaliser::new(0.05, 0.1);
                past.iter().chain(future).map(|&x| normaliser.normalise(x)).take(past.len()).collect()
            };
            prop_assert_eq!(scores(&futures[0]), scores(&futures[1]));
        }

        #[test]
        fn any_finite_value_gives_a_finite_angle(x in prop::collection::vec(-f32::MAX..f32::MAX, 1..9)) {
            let mut normaliser = Normaliser::new(0.5, 1e-6);
            for x in x {
                let z = normaliser.normalise(x);
                let Angle { cos, sin } = Angle::of(10.0 * z);
                prop_assert!(z.is_finite() && cos.is_finite() && sin.is_finite());
            }
        }
    }
}
