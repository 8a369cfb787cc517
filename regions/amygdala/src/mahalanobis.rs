//! How far a state stands from what is normal (40), by Cholesky and never by an inverse.

use nalgebra::{DMatrix, DVector};

use crate::covariance::{Moments, shrink};

/// Below this share of its own variance a pivot is rounding, and what is divided by it is noise.
const SMALLEST_PIVOT: f64 = 1e-12;

/// The first shrinkage tried when none was asked for and the matrix turns out to be singular.
const FIRST_SHRINKAGE: f64 = 1e-3;

/// The lower Cholesky factor L of a covariance matrix, Σ = LLᵀ.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    lower: DMatrix<f64>,
    shrinkage: f64,
}

impl Factor {
    /// Factors `matrix` `[d][d]` as it is; `None` if it is singular to working precision, indefinite
    /// or not finite.
    #[must_use]
    pub fn new(matrix: &DMatrix<f64>) -> Option<Self> {
        let lower = matrix.clone().cholesky()?.unpack();
        let sound = (0..matrix.nrows()).all(|i| {
            let pivot = lower[(i, i)] * lower[(i, i)];
            pivot.is_finite() && pivot > SMALLEST_PIVOT * matrix[(i, i)]
        });
        let finite = lower.iter().all(|cell| cell.is_finite());
        (sound && finite).then_some(Self { lower, shrinkage: 0.0 })
    }

    /// Factors `matrix` shrunk by `shrinkage`, and by ten times as much, up to 1, for as long as
    /// that fails. `None` if even the sphere has no factor: all variances 0, or one not finite.
    #[must_use]
    pub fn shrunk(matrix: &DMatrix<f64>, shrinkage: f64) -> Option<Self> {
        let mut shrinkage = shrinkage.clamp(0.0, 1.0);
        loop {
            if let Some(factor) = Self::new(&shrink(matrix, shrinkage)) {
                return Some(Self { shrinkage, ..factor });
            }
            if shrinkage >= 1.0 {
                return None;
            }
            shrinkage = if shrinkage == 0.0 { FIRST_SHRINKAGE } else { (shrinkage * 10.0).min(1.0) };
        }
    }

    /// L `[d][d]`, zero above the diagonal.
    #[must_use]
    pub fn lower(&self) -> &DMatrix<f64> {
        &self.lower
    }

    /// The shrinkage at which the factor was found.
    #[must_use]
    pub fn shrinkage(&self) -> f64 {
        self.shrinkage
    }

    /// L⁻¹δ `[d]`: the deviation in directions that are independent and of unit variance.
    ///
    /// # Panics
    /// If `deviation` has another dimension.
    #[must_use]
    pub fn whiten(&self, deviation: &[f64]) -> Vec<f64> {
        assert_eq!(deviation.len(), self.lower.nrows(), "a deviation of another dimension");
        let mut white = DVector::from_column_slice(deviation);
        // The pivots were checked when the factor was made, so no division by zero stops the solve.
        self.lower.solve_lower_triangular_unchecked_mut(&mut white);
        white.as_slice().to_vec()
    }

    /// D_M = √(δᵀΣ⁻¹δ) = ‖L⁻¹δ‖ (40); the distance, not its square.
    ///
    /// # Panics
    /// If `deviation` has another dimension.
    #[must_use]
    pub fn distance(&self, deviation: &[f64]) -> f64 {
        self.whiten(deviation).iter().map(|y| y * y).sum::<f64>().sqrt()
    }
}

/// A distance and the shrinkage it took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distance {
    /// D_M, without a unit.
    pub value: f64,
    /// The shrinkage of the correlation matrix; above the one asked for where that did not do.
    pub shrinkage: f64,
}

/// D_M of `state` `[d]` from `moments` (40), each feature in units of its scale.
///
/// A scale is the feature's deviation, but never below its floor `[d]` (above 0, in the feature's
/// own unit): a feature that hardly ever moved would else make an emergency of its first tick.
/// `None` where no distance exists, which is as alarming as a large one.
///
/// # Panics
/// If `state` or `floors` has another dimension than `moments`.
#[must_use]
pub fn standardised_distance(
    moments: &Moments,
    state: &[f64],
    floors: &[f64],
    shrinkage: f64,
) -> Option<Distance> {
    let scales = moments.scales(floors);
    let factor = Factor::shrunk(&moments.correlation(&scales), shrinkage)?;
    let deviation = moments.deviation(state);
    let standard: Vec<f64> = deviation.iter().zip(&scales).map(|(d, scale)| d / scale).collect();
    let value = factor.distance(&standard);
    value.is_finite().then_some(Distance { value, shrinkage: factor.shrinkage() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden::{self, Case};

    fn population(states: &[Vec<f64>]) -> Moments {
        let mut moments = Moments::new(states[0].len());
        for (n, state) in (1..).zip(states) {
            moments.update(state, 1.0 / f64::from(n));
        }
        moments
    }

    fn distances(case: &Case, moments: &Moments, factor: &Factor) -> Vec<f64> {
        let queries = case.rows("query");
        queries.iter().map(|query| factor.distance(&moments.deviation(query))).collect()
    }

    fn row_major(matrix: &DMatrix<f64>) -> Vec<f64> {
        matrix.transpose().as_slice().to_vec()
    }

    #[test]
    fn golden_distance_from_a_known_normal() {
        for case in golden::cases("08_").iter().filter(|c| c.expected.get("D").is_some()) {
            let moments = population(&case.rows("X"));
            let covariance = moments.covariance();
            let factor = Factor::new(&covariance).expect("a regular covariance");
            let d = distances(case, &moments, &factor);
            let squares: Vec<f64> = d.iter().map(|d| d * d).collect();
            case.check("cholesky_lower", &row_major(factor.lower()));
            case.check("D", &d);
            case.check("D_squared_sklearn", &squares);
            let log_pivots = factor.lower().diagonal().map(libm::log);
            case.check("log_det", &[2.0 * log_pivots.sum()]);

            let shrinkage = golden::floats(&case.expected["ledoit_wolf_shrinkage"])[0];
            let shrunk = Factor::shrunk(&covariance, shrinkage).expect("a regular matrix");
            case.check("ledoit_wolf_cov", &row_major(&shrink(&covariance, shrinkage)));
            case.check("D_ledoit_wolf", &distances(case, &moments, &shrunk));
        }
    }

    #[test]
    fn golden_singular_covariance_is_reported() {
        let singular = "cholesky_unregularised";
        for case in golden::cases("08_").iter().filter(|c| c.expected.get(singular).is_some()) {
            let moments = population(&case.rows("X"));
            let covariance = moments.covariance();
            assert_eq!(Factor::new(&covariance), None, "{}", case.name);
            let raised = Factor::shrunk(&covariance, 0.0).expect("a factor after shrinking");
            assert!(raised.shrinkage() > 0.0, "{}: the shrinkage is reported", case.name);
            let shrunk = Factor::shrunk(&covariance, 0.1).expect("a regular matrix");
            assert_eq!(shrunk.shrinkage(), 0.1);
            case.check("D_shrunk_0_1", &distances(case, &moments, &shrunk));
        }
    }

    #[test]
    fn golden_factor_of_forgotten_moments() {
        for case in golden::cases("09_").iter().filter(|c| c.expected.get("solve_b").is_some()) {
            let mut moments = Moments::new(case.rows("x")[0].len());
            for state in case.rows("x") {
                moments.update(&state, case.number("alpha"));
            }
            let factor =
                Factor::shrunk(&moments.covariance(), case.number("shrinkage")).expect("a regular matrix");
            let b = case.input("b");
            let white = DVector::from_vec(factor.whiten(&b));
            let solution = factor.lower().tr_solve_lower_triangular(&white).expect("a solution");
            case.check("cholesky_lower", &row_major(factor.lower()));
            case.check("solve_b", solution.as_slice());
            case.check("D_of_b_minus_mean", &[factor.distance(&moments.deviation(&b))]);
        }
    }

    #[test]
    fn golden_scoring_after_the_update_masks_the_state() {
        let bound = "max_D_if_updated_before_scoring";
        for case in golden::cases("09_").iter().filter(|c| c.expected.get(bound).is_some()) {
            let masked = |alpha: f64| {
                let mut moments = Moments::new(1);
                moments.update(&[0.0], alpha);
                moments.update(&[1e9], alpha);
                let factor = Factor::new(&moments.covariance()).expect("a positive variance");
                factor.distance(&moments.deviation(&[1e9]))
            };
            let got: Vec<f64> = case.input("alpha").into_iter().map(masked).collect();
            case.check(bound, &got);
        }
    }

    #[test]
    fn what_has_no_factor_has_no_distance() {
        assert_eq!(Factor::shrunk(&DMatrix::zeros(2, 2), 0.1), None);
        assert_eq!(Factor::shrunk(&DMatrix::from_element(2, 2, f64::NAN), 0.1), None);
        assert_eq!(Factor::shrunk(&DMatrix::from_element(2, 2, f64::INFINITY), 0.1), None);
        let mut moments = Moments::new(2);
        moments.update(&[1.0, 1.0], 0.1);
        moments.update(&[2.0, 1.0], 0.1);
        assert!(standardised_distance(&moments, &[1.0, f64::NAN], &[0.1, 0.1], 0.1).is_none());
        assert!(standardised_distance(&moments, &[1.0, f64::INFINITY], &[0.1, 0.1], 0.1).is_none());
    }

    #[test]
    fn an_indefinite_matrix_is_shrunk_until_it_is_not() {
        let indefinite = DMatrix::from_row_slice(2, 2, &[1.0, 1.05, 1.05, 1.0]);
        let factor = Factor::shrunk(&indefinite, 0.01).expect("a factor after shrinking");
        assert!((factor.shrinkage() - 0.1).abs() < 1e-12);
    }

    #[test]
    fn the_floor_keeps_a_still_feature_quiet() {
        let mut moments = Moments::new(2);
        for x in [1.0, -1.0, 1.0, -1.0, 1.0] {
            moments.update(&[x, 7.0], 0.2);
        }
        let mean = [moments.mean()[0], 7.0];
        let distance = |y: f64, floor: f64| {
            let scored = standardised_distance(&moments, &[mean[0], y], &[0.1, floor], 0.1);
            scored.expect("a distance").value
        };
        assert_eq!(distance(7.0, 0.5), 0.0);
        assert!((distance(8.0, 0.5) - 2.0).abs() < 1e-12);
        assert!((distance(8.0, 0.25) - 4.0).abs() < 1e-12);
    }

    fn states() -> impl Strategy<Value = Vec<Vec<f64>>> {
        prop::collection::vec(prop::collection::vec(-5.0..5.0f64, 4), 30..60)
    }

    proptest! {
        #[test]
        fn without_floor_or_shrinkage_it_is_the_distance_by_covariance(states in states()) {
            let moments = population(&states);
            let plain = Factor::new(&moments.covariance()).expect("a regular covariance");
            for state in &states {
                let standard = standardised_distance(&moments, state, &[1e-9; 4], 0.0);
                let got = standard.expect("a distance").value;
                let want = plain.distance(&moments.deviation(state));
                prop_assert!((got - want).abs() < 1e-8 * (1.0 + want), "{got} {want}");
            }
        }

        #[test]
        fn it_does_not_depend_on_the_features_units(states in states(), exponent in -6..6i32) {
            let unit = 10f64.powi(exponent);
            let scaled: Vec<Vec<f64>> = states
                .iter()
                .map(|s| vec![s[0] * unit, s[1], s[2] / unit, s[3]])
                .collect();
            let floors = [0.1 * unit, 0.1, 0.1 / unit, 0.1];
            let (here, there) = (population(&states), population(&scaled));
            for (a, b) in states.iter().zip(&scaled) {
                let a = standardised_distance(&here, a, &[0.1; 4], 0.1).expect("a distance").value;
                let b = standardised_distance(&there, b, &floors, 0.1).expect("a distance").value;
                prop_assert!((a - b).abs() < 1e-8 * (1.0 + a), "{a} {b}");
            }
        }
    }
}
