//! The truth of many formulas together: p-means, and satisfaction (18), which the logical loss (19) is 1 less.

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
    pub fn p_mean(&self, x: impl ExactSizeIterator<Item = f64>) -> f64 {
        self.mean(x.map(|x| from_zero(x, self.epsilon)))
    }

    /// "All", the satisfaction of formulas (18): 1 − (1/n Σ (1 − x)^p)^(1/p), which tends to the least truth as p
    /// grows; with ε full satisfaction reads 0.9999. The literal p-mean of (18) would let one kept rule hide a broken
    /// one.
    #[must_use]
    pub fn p_mean_error(&self, x: impl ExactSizeIterator<Item = f64>) -> f64 {
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

    fn some_of(mean: &Aggregator, x: &[f64]) -> f64 {
        mean.p_mean(x.iter().copied())
    }

    fn all_of(mean: &Aggregator, x: &[f64]) -> f64 {
        mean.p_mean_error(x.iter().copied())
    }

    fn golden_aggregator(case: &Case) {
        let (x, p) = (case.input("x"), case.number("p"));
        let plain = Aggregator { p, epsilon: 0.0 };
        let stable = Aggregator { p, epsilon: case.number("eps") };
        type Value = fn(&Aggregator, &[f64]) -> f64;
        type Gradient = fn(&Aggregator, &[f64], &mut [f64]);
        let some: (Value, Gradient) = (some_of, Aggregator::p_mean_gradient);
        let all: (Value, Gradient) = (all_of, Aggregator::p_mean_error_gradient);
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
        let stable = Aggregator::stable(p);
        case.check("sat_adopted_pmean_error", &[all_of(&stable, &phi)]);
        case.check("loss_eq19", &[1.0 - all_of(&stable, &phi)]);
        let rising = gradient(&phi, |phi, g| stable.p_mean_error_gradient(phi, g));
        case.check("d_phi", &rising.iter().map(|slope| -slope).collect::<Vec<_>>());
        case.check("sat_literal_pmean", &[some_of(&Aggregator { p, epsilon: 0.0 }, &phi)]);
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
    fn nothing_to_satisfy_is_satisfied_and_what_is_not_a_number_is_not() {
        let stable = Aggregator::stable(2.0);
        assert_eq!((all_of(&stable, &[]), some_of(&stable, &[])), (1.0, 0.0));
        assert!(all_of(&stable, &[1.0, f64::NAN]).is_nan());
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
            prop_assert!((least - 1e-12..=plain + 1e-12).contains(&all_of(&mean, &x)));
            prop_assert!((plain - 1e-12..=largest + 1e-12).contains(&some_of(&mean, &x)));
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
            let (step, mean) = (1e-6, Aggregator::stable(p));
            for (i, g) in gradient(&x, |x, g| mean.p_mean_error_gradient(x, g)).iter().enumerate() {
                let moved = |by: f64| {
                    let mut x = x.clone();
                    x[i] += by;
                    all_of(&mean, &x)
                };
                prop_assert!(((moved(step) - moved(-step)) / (2.0 * step) - g).abs() < 1e-6);
            }
        }
    }
}
