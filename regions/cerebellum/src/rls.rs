//! Recursive least squares with forgetting: a linear rule that is learned one observation at a time.

use serde::{Deserialize, Serialize};

/// The weights w of y ≈ w·x that are best for all observations so far, the older counting the less:
/// they minimise Σ λ^age (y − w·x)² + |w|² / prior.
///
/// It is kept in information form: R = P⁻¹ and b, with R ← λR + xxᵀ + (1 − λ)/prior · I, b ← λb + xy, and
/// w = R⁻¹ b by Cholesky's factors. The last term (forgetting to the prior; Kulhavý and Zarrop, 1993)
/// makes the ridge constant: where x says nothing of a direction, R falls to 1/prior there and never below,
/// so that P, whose trace in the plain form grows without bound, is bounded by the prior; and w returns
/// to 0 there. R is symmetric to the bit, and the work is done in a fixed order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rls {
    weights: Vec<f64>,
    /// R, row-major.
    information: Vec<f64>,
    /// b.
    moment: Vec<f64>,
    /// 1/prior.
    ridge: f64,
}

impl Rls {
    /// Nothing learned of so many weights, whose variance is `prior` times that of the noise.
    #[must_use]
    pub fn new(count: usize, prior: f64) -> Self {
        let ridge = 1.0 / prior;
        let information = (0..count * count).map(|at| if is_diagonal(at, count) { ridge } else { 0.0 });
        Self {
            weights: vec![0.0; count],
            information: information.collect(),
            moment: vec![0.0; count],
            ridge,
        }
    }

    /// The weights w.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// R, row-major.
    #[must_use]
    pub fn information(&self) -> &[f64] {
        &self.information
    }

    /// w·x.
    #[must_use]
    pub fn predict(&self, x: &[f64]) -> f64 {
        self.weights.iter().zip(x).map(|(w, x)| w * x).sum()
    }

    /// Learns that `x` came with `y`, and forgets what is older by the factor `forgetting`, λ in (0, 1].
    ///
    /// False, and nothing is learned, where the observation is of another size, or it or what would become
    /// of it is not finite.
    pub fn learn(&mut self, x: &[f64], y: f64, forgetting: f64) -> bool {
        let count = self.weights.len();
        if x.len() != count {
            return false;
        }
        let mut information = self.information.clone();
        for (at, r) in information.iter_mut().enumerate() {
            let leak = if is_diagonal(at, count) { (1.0 - forgetting) * self.ridge } else { 0.0 };
            // the product commutes, so R stays symmetric to the bit
            *r = forgetting * *r + x[at / count] * x[at % count] + leak;
        }
        let moment: Vec<f64> = self.moment.iter().zip(x).map(|(b, x)| forgetting * b + x * y).collect();
        match solved(&information, &moment) {
            Some(weights) => {
                (self.weights, self.information, self.moment) = (weights, information, moment);
                true
            }
            None => false,
        }
    }
}

const fn is_diagonal(at: usize, count: usize) -> bool {
    at.is_multiple_of(count + 1)
}

/// R⁻¹ b by Cholesky's factors; none where R is not positive definite or the result not finite.
fn solved(r: &[f64], b: &[f64]) -> Option<Vec<f64>> {
    let count = b.len();
    let mut lower = vec![0.0; count * count];
    for i in 0..count {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| lower[i * count + k] * lower[j * count + k]).sum();
            let rest = r[i * count + j] - known;
            lower[i * count + j] = if i > j { rest / lower[j * count + j] } else { positive(rest)?.sqrt() };
        }
    }
    let mut solution = b.to_vec();
    for i in 0..count {
        let known: f64 = (0..i).map(|k| lower[i * count + k] * solution[k]).sum();
        solution[i] = (solution[i] - known) / lower[i * count + i];
    }
    for i in (0..count).rev() {
        let known: f64 = (i + 1..count).map(|k| lower[k * count + i] * solution[k]).sum();
        solution[i] = (solution[i] - known) / lower[i * count + i];
    }
    solution.iter().all(|w| w.is_finite()).then_some(solution)
}

fn positive(pivot: f64) -> Option<f64> {
    (pivot > 0.0 && pivot.is_finite()).then_some(pivot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use synapse::random::normal;

    /// The `at`-th observation of y = 2 x₁ − x₂ + 0.5 x₃ + noise.
    fn observation(at: u64, noise: f64) -> ([f64; 3], f64) {
        let x = [0, 1, 2].map(|k| normal(7, 4 * at + k));
        (x, 2.0 * x[0] - x[1] + 0.5 * x[2] + noise * normal(7, 4 * at + 3))
    }

    /// Weighted ridge regression by the normal equations, all at once, by Gauss and Jordan.
    fn at_once(observations: &[([f64; 3], f64)], forgetting: f64, prior: f64) -> Vec<f64> {
        let mut rows = [[0.0; 4]; 3];
        for (i, row) in rows.iter_mut().enumerate() {
            row[i] = 1.0 / prior;
            let mut weight = 1.0;
            for (x, y) in observations.iter().rev() {
                (0..3).for_each(|j| row[j] += weight * x[i] * x[j]);
                row[3] += weight * x[i] * y;
                weight *= forgetting;
            }
        }
        for i in 0..3 {
            let pivot = rows[i];
            for (_, row) in rows.iter_mut().enumerate().filter(|(k, _)| *k != i) {
                let factor = row[i] / pivot[i];
                (0..4).for_each(|j| row[j] -= factor * pivot[j]);
            }
        }
        (0..3).map(|i| rows[i][3] / rows[i][i]).collect()
    }

    #[test]
    fn one_at_a_time_it_is_the_weighted_ridge_regression_of_all() {
        let observations: Vec<_> = (0..200).map(|at| observation(at, 0.3)).collect();
        for forgetting in [1.0, 0.99, 0.9] {
            let mut rls = Rls::new(3, 10.0);
            for (x, y) in &observations {
                assert!(rls.learn(x, *y, forgetting));
            }
            for (w, known) in rls.weights().iter().zip(at_once(&observations, forgetting, 10.0)) {
                assert!((w - known).abs() < 1e-9, "{w} {known} at {forgetting}");
            }
        }
    }

    #[test]
    fn what_has_changed_is_learned_anew_only_where_it_forgets() {
        let learned = |forgetting| {
            let mut rls = Rls::new(3, 1.0);
            for at in 0..2_000 {
                let (x, y) = observation(at, 0.1);
                let y = if at < 1_000 { y } else { -y };
                rls.learn(&x, y, forgetting);
            }
            rls.weights().to_vec()
        };
        let near = |weights: &[f64]| (weights[0] + 2.0).abs() < 0.1 && (weights[1] - 1.0).abs() < 0.1;
        assert!(near(&learned(0.98)), "{:?}", learned(0.98));
        assert!(!near(&learned(1.0)), "{:?}", learned(1.0));
    }

    #[test]
    fn without_excitation_nothing_grows_and_everything_can_be_learned_still() {
        let mut rls = Rls::new(3, 1.0);
        for _ in 0..20_000 {
            assert!(rls.learn(&[1.0, 0.0, 0.0], 3.0, 0.9));
        }
        // 3 · 10 / (10 + 1): the ridge is 1, and ten observations count
        assert!((rls.weights()[0] - 30.0 / 11.0).abs() < 1e-9 && rls.weights()[1..] == [0.0, 0.0]);
        assert!((rls.information()[0] - 11.0).abs() < 1e-9, "P is bounded");
        assert!((rls.information()[4] - 1.0).abs() < 1e-9 && (rls.information()[8] - 1.0).abs() < 1e-9);
        for at in 0..300 {
            let (x, y) = observation(at, 0.0);
            rls.learn(&x, y, 0.98);
        }
        let near = rls.weights().iter().zip([2.0, -1.0, 0.5]).all(|(w, known)| (w - known).abs() < 0.1);
        assert!(near, "{:?}", rls.weights());
    }

    #[test]
    fn what_is_not_finite_or_of_another_size_is_not_learned() {
        let mut rls = Rls::new(2, 1.0);
        rls.learn(&[1.0, 2.0], 3.0, 1.0);
        let before = rls.clone();
        for (x, y) in [
            (&[f64::NAN, 1.0][..], 1.0),
            (&[1.0, f64::INFINITY], 1.0),
            (&[1.0, 1.0], f64::NAN),
            (&[1e200, 1e200], 1.0),
            (&[1e160, 1.0], f64::MAX),
            (&[1.0], 1.0),
            (&[1.0; 3], 1.0),
        ] {
            assert!(!rls.learn(x, y, 1.0), "{x:?} {y}");
            assert_eq!(rls, before);
        }
    }

    proptest! {
        #[test]
        fn r_stays_symmetric_and_above_the_ridge(
            observations in prop::collection::vec((prop::array::uniform4(-1e3f64..1e3), -1e3f64..1e3), 1..200),
            forgetting in 0.8f64..=1.0,
            along in prop::array::uniform4(-1.0f64..1.0),
        ) {
            let mut rls = Rls::new(4, 1.0);
            for (x, y) in &observations {
                prop_assert!(rls.learn(x, *y, forgetting));
                let r = rls.information();
                for at in 0..16 {
                    prop_assert_eq!(r[at].to_bits(), r[4 * (at % 4) + at / 4].to_bits());
                }
                let form: f64 = (0..16).map(|at| along[at / 4] * r[at] * along[at % 4]).sum();
                let square: f64 = along.iter().map(|a| a * a).sum();
                prop_assert!(form >= square * (1.0 - 1e-6) - 1e-6, "{form} {square}");
            }
        }
    }
}
