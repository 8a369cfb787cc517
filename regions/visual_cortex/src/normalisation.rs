//! Learnable normalisation (equation 1), forward only.
//!
//! A value is normalised once, on arrival, by the running mean and deviation of the values before
//! it, so that nothing later can reach back into it. What is kept is the argument of the tanh: in
//! floating point tanh itself is exactly ±1 from |z| about 9, and √(1 − tanh² z) exactly 0.

use serde::{Deserialize, Serialize};

/// The scale an untrained normaliser starts with: it keeps inputs of unit variance out of
/// saturation.
pub const INITIAL_SCALE: f32 = 0.6;

/// The variance added under the root, as a share of the square of the feature's own unit.
const RELATIVE_EPSILON: f64 = 1e-5;

/// A normalised value as the angle φ = arccos(tanh z) of equation 2.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Angle {
    /// The normalised value before the tanh; no unit.
    pub z: f32,
    /// cos φ = tanh z, in [-1, 1]: the normalised value itself.
    pub cos: f32,
    /// sin φ = sech z, in [0, 1].
    pub sin: f32,
}

impl Angle {
    /// The angle of `z`, accurate for saturated `z` too.
    #[must_use]
    pub fn of(z: f32) -> Self {
        let decay = libm::expf(-z.abs());
        Self { z, cos: libm::tanhf(z), sin: 2.0 * decay / (1.0 + decay * decay) }
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

/// The normalisation of one feature: z = scale · (x − mean) / √(variance + ε) + shift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normaliser {
    scale: f32,
    shift: f32,
    alpha: f64,
    epsilon: f64,
    moments: Option<Moments>,
}

impl Normaliser {
    /// An untrained normaliser that forgets by `alpha` a value; `unit` is a change of the feature
    /// that is just worth seeing, in its own unit (a tick of spread, a tenth of a basis point).
    ///
    /// # Panics
    /// Unless 0 < `alpha` ≤ 1 and `unit` is positive and finite.
    #[must_use]
    pub fn new(alpha: f64, unit: f64) -> Self {
        assert!(alpha > 0.0 && alpha <= 1.0, "alpha {alpha} is outside (0, 1]");
        assert!(unit > 0.0 && unit.is_finite(), "unit {unit} is not positive and finite");
        let epsilon = RELATIVE_EPSILON * unit * unit;
        Self { scale: INITIAL_SCALE, shift: 0.0, alpha, epsilon, moments: None }
    }

    /// The same normaliser with learned parameters γ (`scale`) and β (`shift`).
    #[must_use]
    pub fn with_affine(self, scale: f32, shift: f32) -> Self {
        Self { scale, shift, ..self }
    }

    /// The angle of `x` by the statistics so far, which it leaves as they are.
    ///
    /// The first value has nothing to be compared with and gives z = shift. A value that is not
    /// finite gives an angle that is not a number.
    #[must_use]
    pub fn angle(&self, x: f32) -> Angle {
        if !x.is_finite() {
            return Angle::of(f32::NAN);
        }
        let Some(Moments { mean, variance }) = self.moments else {
            return Angle::of(self.shift);
        };
        let feat_std = (variance + self.epsilon).sqrt();
        let z = f64::from(self.scale) * (f64::from(x) - mean) / feat_std + f64::from(self.shift);
        Angle::of(z.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32)
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

    /// The angle of a value that arrives: first normalised, then observed.
    pub fn normalise(&mut self, x: f32) -> Angle {
        let angle = self.angle(x);
        self.observe(x);
        angle
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
    fn a_constant_feature_is_the_shift() {
        let mut normaliser = Normaliser::new(0.05, 1.0).with_affine(0.5, 0.25);
        for _ in 0..100 {
            assert_eq!(normaliser.normalise(78_000.5).z, 0.25);
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
            assert!(normaliser.normalise(x).cos.is_nan());
        }
        assert_eq!(normaliser, before);
    }

    proptest! {
        #[test]
        fn the_sine_and_cosine_are_of_one_angle(z in -40.0f32..40.0) {
            let Angle { cos, sin, .. } = Angle::of(z);
            prop_assert!((cos * cos + sin * sin - 1.0).abs() < 1e-6);
            prop_assert!((-1.0..=1.0).contains(&cos) && (0.0..=1.0).contains(&sin));
        }

        #[test]
        fn the_future_never_reaches_a_value(
            past in prop::collection::vec(-1e3f32..1e3, 1..30),
            futures in prop::array::uniform2(prop::collection::vec(-1e3f32..1e3, 1..30)),
        ) {
            let angles = |future: &[f32]| -> Vec<Angle> {
                let mut normaliser = Normaliser::new(0.05, 0.1);
                past.iter().chain(future).map(|&x| normaliser.normalise(x)).take(past.len()).collect()
            };
            prop_assert_eq!(angles(&futures[0]), angles(&futures[1]));
        }

        #[test]
        fn any_finite_value_gives_a_finite_angle(x in prop::collection::vec(-f32::MAX..f32::MAX, 1..9)) {
            let mut normaliser = Normaliser::new(0.5, 1e-6);
            for x in x {
                let angle = normaliser.normalise(x);
                prop_assert!(angle.z.is_finite() && angle.cos.is_finite() && angle.sin.is_finite());
            }
        }
    }
}
