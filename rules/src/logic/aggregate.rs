//! The truth of many formulas together: p-means, satisfaction (18) and the logical loss (19).

use serde::{Deserialize, Serialize};

use super::{STABLE_EPSILON, from_one, from_zero};

/// The generalised means of truths with exponent p ≥ 1: the p-mean says "some", the p-mean of
/// errors says "all".
///
/// Of no formula at all the first is 0 and the second 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aggregator {
    /// The exponent; the larger, the more the truest (p-mean) or the falsest (errors) counts.
    pub p: f64,
    /// How far truths are pushed from where the gradient is infinite; 0 for the plain form.
    pub epsilon: f64,
}

impl Aggregator {
    /// The form that training uses.
    #[must_use]
    pub fn stable(p: f64) -> Self {
        Self { p, epsilon: STABLE_EPSILON }
    }

    /// "Some": (1/n Σ x^p)^(1/p), which tends to the largest truth as p grows.
    #[must_use]
    pub fn p_mean(&self, x: &[f64]) -> f64 {
        self.p_mean_of(x.iter().copied())
    }

    /// [`Aggregator::p_mean`] of truths that do not stand side by side.
    #[must_use]
    pub fn p_mean_of(&self, x: impl ExactSizeIterator<Item = f64>) -> f64 {
        self.mean(x.map(|x| from_zero(x, self.epsilon)))
    }

    /// "All": 1 − (1/n Σ (1 − x)^p)^(1/p), which tends to the least truth as p grows.
    #[must_use]
    pub fn p_mean_error(&self, x: &[f64]) -> f64 {
        self.p_mean_error_of(x.iter().copied())
    }

    /// [`Aggregator::p_mean_error`] of truths that do not stand side by side.
    #[must_use]
    pub fn p_mean_error_of(&self, x: impl ExactSizeIterator<Item = f64>) -> f64 {
        1.0 - self.mean(x.map(|x| self.error(x)))
    }

    /// Writes the derivative of [`Aggregator::p_mean`] by each truth; without ε it is not finite where
    /// all are 0 and p > 1.
    pub fn p_mean_gradient(&self, x: &[f64], gradient: &mut [f64]) {
        self.gradient(x.iter().map(|&x| from_zero(x, self.epsilon)), gradient);
    }

    /// Writes the derivative of [`Aggregator::p_mean_error`] by each truth; without ε it is not finite where
    /// all are 1, that is at full satisfaction, and p > 1.
    pub fn p_mean_error_gradient(&self, x: &[f64], gradient: &mut [f64]) {
        self.gradient(x.iter().map(|&x| self.error(x)), gradient);
    }

    fn error(&self, x: f64) -> f64 {
        1.0 - from_one(x, self.epsilon)
    }

    fn mean(&self, x: impl ExactSizeIterator<Item = f64>) -> f64 {
        if x.len() == 0 {
            return 0.0;
        }
        let n = x.len() as f64;
        // the usual exponents are those of the mean and of the root mean square, without a power
        if self.p == 1.0 {
            x.sum::<f64>() / n
        } else if self.p == 2.0 {
            libm::sqrt(x.map(|x| x * x).sum::<f64>() / n)
        } else {
            libm::pow(x.map(|x| libm::pow(x, self.p)).sum::<f64>() / n, 1.0 / self.p)
        }
    }

    fn gradient(&self, x: impl ExactSizeIterator<Item = f64> + Clone, gradient: &mut [f64]) {
        let n = x.len() as f64;
        let outer = libm::pow(self.mean(x.clone()), 1.0 - self.p) * (1.0 - self.epsilon) / n;
        for (g, x) in gradient.iter_mut().zip(x) {
            *g = libm::pow(x, self.p - 1.0) * outer;
        }
    }
}

/// SAT of a knowledge base's formulas (18): the stable p-mean of errors, so
/// that full satisfaction reads 0.9999. The literal p-mean of (18) would let one kept rule hide a
/// broken one.
#[must_use]
pub fn satisfaction(phi: &[f64], p: f64) -> f64 {
    Aggregator::stable(p).p_mean_error(phi)
}

/// The logical loss 1 − SAT (19); for p = 2 the root mean square violation.
#[must_use]
pub fn logical_loss(phi: &[f64], p: f64) -> f64 {
    1.0 - satisfaction(phi, p)
}

/// Writes the derivative of the logical loss by each formula's truth.
pub fn logical_loss_gradient(phi: &[f64], p: f64, gradient: &mut [f64]) {
    Aggregator::stable(p).p_mean_error_gradient(phi, gradient);
    gradient.iter_mut().for_each(|g| *g = -*g);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden::{self, Case};

    fn gradient(x: &[f64], write: impl FnOnce(&[f64], &mut [f64])) -> Vec<f64> {
        let mut gradient = vec![0.0; x.len()];
        write(x, &mut gradient);
        gradient
    }

    fn golden_aggregator(case: &Case) {
        let (x, p) = (case.input("x"), case.number("p"));
        let plain = Aggregator { p, epsilon: 0.0 };
        let stable = Aggregator { p, epsilon: case.number("eps") };
        type Value = fn(&Aggregator, &[f64]) -> f64;
        type Gradient = fn(&Aggregator, &[f64], &mut [f64]);
        let some: (Value, Gradient) = (Aggregator::p_mean, Aggregator::p_mean_gradient);
        let all: (Value, Gradient) = (Aggregator::p_mean_error, Aggregator::p_mean_error_gradient);
        for (key, aggregator, (value, write)) in [
            ("pmean", plain, some),
            ("pmean_stable", stable, some),
            ("pmean_error", plain, all),
            ("pmean_error_stable", stable, all),
        ] {
            let value = value(&aggregator, &x);
            let gradient = gradient(&x, |x, g| write(&aggregator, x, g));
            let want = &case.expected[key];
            case.check_value(key, &[value], &want["value"]);
            if want["grad_finite"] == true {
                case.check_value(key, &gradient, &want["grad"]);
            } else {
                assert!(gradient.iter().any(|g| !g.is_finite()), "{}: {key}", case.name);
            }
        }
    }

    fn golden_loss(case: &Case) {
        let (phi, p) = (case.input("phi"), case.number("p"));
        case.check("sat_adopted_pmean_error", &[satisfaction(&phi, p)]);
        case.check("loss_eq19", &[logical_loss(&phi, p)]);
        case.check("d_phi", &gradient(&phi, |phi, g| logical_loss_gradient(phi, p, g)));
        case.check("sat_literal_pmean", &[Aggregator { p, epsilon: 0.0 }.p_mean(&phi)]);
    }

    #[test]
    fn golden_aggregators() {
        let (mut aggregators, mut losses) = (0, 0);
        for case in golden::cases("06_") {
            if !case.inputs["x"].is_null() {
                golden_aggregator(&case);
                aggregators += 1;
            } else if !case.inputs["phi"].is_null() {
                golden_loss(&case);
                losses += 1;
            }
        }
        assert!(aggregators > 0 && losses > 0, "a kind of case is missing");
    }

    #[test]
    fn nothing_to_satisfy_is_satisfied() {
        assert_eq!(satisfaction(&[], 2.0), 1.0);
        assert_eq!(Aggregator::stable(2.0).p_mean(&[]), 0.0);
    }

    #[test]
    fn what_is_not_a_number_is_not_satisfied() {
        assert!(satisfaction(&[1.0, f64::NAN], 2.0).is_nan());
    }

    proptest! {
        #[test]
        fn means_lie_between_the_least_and_the_largest_truth(
            x in prop::collection::vec(0.0f64..=1.0, 1..20),
            p in 1.0f64..8.0,
        ) {
            let least = x.iter().copied().fold(1.0, f64::min);
            let largest = x.iter().copied().fold(0.0, f64::max);
            let mean = Aggregator { p, epsilon: 0.0 };
            let plain = x.iter().sum::<f64>() / x.len() as f64;
            prop_assert!(mean.p_mean_error(&x) >= least - 1e-12 && mean.p_mean_error(&x) <= plain + 1e-12);
            prop_assert!(mean.p_mean(&x) >= plain - 1e-12 && mean.p_mean(&x) <= largest + 1e-12);
        }

        #[test]
        fn stable_gradients_are_finite_everywhere(
            x in prop::collection::vec(prop::sample::select(vec![0.0f64, 0.3, 1.0]), 1..9),
            p in 1.0f64..8.0,
        ) {
            let mean = Aggregator::stable(p);
            let some = gradient(&x, |x, g| mean.p_mean_gradient(x, g));
            let all = gradient(&x, |x, g| mean.p_mean_error_gradient(x, g));
            prop_assert!(some.iter().chain(&all).all(|g| g.is_finite() && *g >= 0.0));
        }

        #[test]
        fn gradients_are_slopes(
            x in prop::collection::vec(0.05f64..0.95, 1..6),
            p in 1.0f64..4.0,
        ) {
            let step = 1e-6;
            for (i, g) in gradient(&x, |x, g| logical_loss_gradient(x, p, g)).iter().enumerate() {
                let moved = |by: f64| {
                    let mut x = x.clone();
                    x[i] += by;
                    logical_loss(&x, p)
                };
                prop_assert!(((moved(step) - moved(-step)) / (2.0 * step) - g).abs() < 1e-6);
            }
        }
    }
}
