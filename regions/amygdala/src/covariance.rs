//! The memory of what is normal: mean and covariance that forget exponentially (for 40).

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// Mean `[d]` and covariance `[d][d]` of a state vector, exponentially forgotten.
///
/// Score a state *before* it is folded in: afterwards its own weight in the covariance caps D_M at
/// √((1−α)/α), and a threshold above that could never be passed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    count: u64,
    mean: Vec<f64>,
    /// Row-major, symmetric to the bit.
    covariance: Vec<f64>,
}

impl Moments {
    /// No state seen yet, of `dimension` features.
    #[must_use]
    pub fn new(dimension: usize) -> Self {
        Self { count: 0, mean: vec![0.0; dimension], covariance: vec![0.0; dimension * dimension] }
    }

    /// The number of features, d.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.mean.len()
    }

    /// How many states were folded in.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean μ `[d]`.
    #[must_use]
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The covariance Σ `[d][d]`.
    #[must_use]
    pub fn covariance(&self) -> DMatrix<f64> {
        DMatrix::from_row_slice(self.dimension(), self.dimension(), &self.covariance)
    }

    /// δ = x − μ `[d]`.
    ///
    /// # Panics
    /// If `state` has another dimension.
    #[must_use]
    pub fn deviation(&self, state: &[f64]) -> Vec<f64> {
        assert_eq!(state.len(), self.dimension(), "a state of another dimension");
        state.iter().zip(&self.mean).map(|(x, mean)| x - mean).collect()
    }

    /// The scale of each feature `[d]`: its standard deviation, but never below its floor.
    ///
    /// # Panics
    /// If `floors` has another dimension.
    #[must_use]
    pub fn scales(&self, floors: &[f64]) -> Vec<f64> {
        let dimension = self.dimension();
        assert_eq!(floors.len(), dimension, "floors of another dimension");
        let deviations = (0..dimension).map(|i| self.covariance[i * dimension + i].sqrt());
        deviations.zip(floors).map(|(sigma, &floor)| sigma.max(floor)).collect()
    }

    /// The correlation matrix `[d][d]` of features divided by `scales`.
    ///
    /// Where a floor raised a scale above the feature's own deviation, the difference counts as
    /// independent noise: the diagonal stays 1 and the correlations with it shrink. So a feature
    /// that never moved is uncorrelated, not 0/0.
    ///
    /// # Panics
    /// If `scales` has another dimension.
    #[must_use]
    pub fn correlation(&self, scales: &[f64]) -> DMatrix<f64> {
        let dimension = self.dimension();
        assert_eq!(scales.len(), dimension, "scales of another dimension");
        DMatrix::from_fn(dimension, dimension, |i, j| {
            if i == j { 1.0 } else { self.covariance[i * dimension + j] / (scales[i] * scales[j]) }
        })
    }

    /// Folds one state in: δ = x − μ; μ += αδ; Σ = (1−α)(Σ + αδδᵀ), from μ = x₁, Σ = 0.
    ///
    /// A constant gain α forgets exponentially; gain 1/n at the n-th state keeps the plain mean and
    /// the population covariance of all of them.
    ///
    /// # Panics
    /// If `state` has another dimension or is not finite: one such value would spoil μ and Σ for
    /// good.
    pub fn update(&mut self, state: &[f64], gain: f64) {
        assert!(state.iter().all(|x| x.is_finite()), "a state that is not finite");
        let deviation = self.deviation(state);
        let gain = if self.count == 0 { 1.0 } else { gain };
        for (mean, delta) in self.mean.iter_mut().zip(&deviation) {
            *mean += gain * delta;
        }
        for (row, delta_i) in self.covariance.chunks_exact_mut(deviation.len()).zip(&deviation) {
            for (cell, delta_j) in row.iter_mut().zip(&deviation) {
                // δᵢδⱼ first: the product commutes, so Σ stays symmetric to the bit.
                *cell = (1.0 - gain) * (*cell + gain * (delta_i * delta_j));
            }
        }
        self.count += 1;
    }
}

/// `matrix` shrunk towards the sphere of the same trace: (1−s)Σ + s(tr Σ/d)I.
#[must_use]
pub fn shrink(matrix: &DMatrix<f64>, shrinkage: f64) -> DMatrix<f64> {
    let dimension = matrix.nrows();
    let trace: f64 = (0..dimension).map(|i| matrix[(i, i)]).sum();
    let sphere = shrinkage * (trace / dimension as f64);
    DMatrix::from_fn(dimension, dimension, |i, j| {
        (1.0 - shrinkage) * matrix[(i, j)] + if i == j { sphere } else { 0.0 }
    })
}

/// How many equally weighted samples know as much as an exponential memory of this gain: (2−α)/α.
#[must_use]
pub fn effective_samples(gain: f64) -> f64 {
    (2.0 - gain) / gain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden;

    fn folded(states: &[Vec<f64>], gain: f64) -> Moments {
        let mut moments = Moments::new(states[0].len());
        for state in states {
            moments.update(state, gain);
        }
        moments
    }

    fn row_major(matrix: &DMatrix<f64>) -> Vec<f64> {
        matrix.transpose().as_slice().to_vec()
    }

    fn condition(matrix: &DMatrix<f64>) -> f64 {
        let eigenvalues = matrix.symmetric_eigenvalues();
        eigenvalues.max() / eigenvalues.min()
    }

    #[test]
    fn golden_moments_after_many_states() {
        for case in golden::cases("09_").iter().filter(|c| c.expected.get("cov_shrunk").is_some()) {
            let moments = folded(&case.rows("x"), case.number("alpha"));
            let shrunk = shrink(&moments.covariance(), case.number("shrinkage"));
            case.check("mean", moments.mean());
            case.check("cov", &row_major(&moments.covariance()));
            case.check("cov_shrunk", &row_major(&shrunk));
            case.check("cond_raw", &[condition(&moments.covariance())]);
            case.check("cond_shrunk", &[condition(&shrunk)]);
        }
    }

    #[test]
    fn golden_moments_after_each_state() {
        for case in golden::cases("09_").iter().filter(|c| c.expected.get("states").is_some()) {
            let states = case.rows("x");
            let mut moments = Moments::new(states[0].len());
            moments.update(&states[0], case.number("alpha"));
            let expected = case.expected["states"].as_array().expect("a list of states");
            assert_eq!(expected.len(), states.len() - 1, "{}: one per later state", case.name);
            for (state, want) in states[1..].iter().zip(expected) {
                moments.update(state, case.number("alpha"));
                case.check_value("mean", moments.mean(), &want["mean"]);
                case.check_value("cov", &row_major(&moments.covariance()), &want["cov"]);
            }
        }
    }

    #[test]
    fn golden_effective_samples() {
        for case in golden::cases("09_").iter().filter(|c| c.expected.get("n_eff").is_some()) {
            let got: Vec<f64> = case.input("alpha").into_iter().map(effective_samples).collect();
            case.check("n_eff", &got);
        }
    }

    #[test]
    fn golden_population_moments() {
        for case in golden::cases("08_").iter().filter(|c| c.expected.get("mean").is_some()) {
            let states = case.rows("X");
            let mut moments = Moments::new(states[0].len());
            for (n, state) in (1..).zip(&states) {
                moments.update(state, 1.0 / f64::from(n));
            }
            case.check("mean", moments.mean());
            case.check("cov_population", &row_major(&moments.covariance()));
        }
    }

    #[test]
    fn a_feature_that_never_moved_is_uncorrelated() {
        let moments = folded(&[vec![1.0, 5.0], vec![2.0, 5.0], vec![4.0, 5.0]], 0.1);
        let scales = moments.scales(&[1e-3, 0.5]);
        assert_eq!(scales[1], 0.5);
        assert_eq!(moments.correlation(&scales), DMatrix::identity(2, 2));
    }

    #[test]
    #[should_panic(expected = "not finite")]
    fn a_state_that_is_not_finite_is_never_folded_in() {
        Moments::new(1).update(&[f64::NAN], 0.1);
    }

    proptest! {
        #[test]
        fn equals_the_weighted_moments(
            states in prop::collection::vec(prop::collection::vec(-5.0..5.0f64, 3), 2..40),
            gain in 0.01..0.5f64,
        ) {
            let moments = folded(&states, gain);
            // The first state bears what weight is left over: (1−α)^(T−1).
            let last = states.len() - 1;
            let weight = |t: usize| {
                let age = (1.0 - gain).powi((last - t) as i32);
                if t == 0 { age } else { gain * age }
            };
            let mean = |i: usize| (0..=last).map(|t| weight(t) * states[t][i]).sum::<f64>();
            for i in 0..3 {
                prop_assert!((moments.mean()[i] - mean(i)).abs() < 1e-10);
                for j in 0..3 {
                    let product = |t: usize| (states[t][i] - mean(i)) * (states[t][j] - mean(j));
                    let covariance: f64 = (0..=last).map(|t| weight(t) * product(t)).sum();
                    let got = moments.covariance()[(i, j)];
                    prop_assert!((got - covariance).abs() < 1e-9);
                    prop_assert_eq!(got.to_bits(), moments.covariance()[(j, i)].to_bits());
                }
            }
        }

        #[test]
        fn shrinking_keeps_the_trace(entries in prop::collection::vec(-3.0..3.0f64, 9), s in 0.0..=1.0f64) {
            let root = DMatrix::from_row_slice(3, 3, &entries);
            let matrix = &root * root.transpose();
            prop_assert!((shrink(&matrix, s).trace() - matrix.trace()).abs() < 1e-9);
        }
    }
}
