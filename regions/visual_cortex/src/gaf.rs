//! Gramian angular fields (equations 2–5) and the min-max scaling of section 12.3.
//!
//! A window of angles φ₀ … φ_{W−1}, oldest first, becomes two pictures of W × W pixels, row i by
//! column j, row-major: GASF = cos(φ_i + φ_j) and GADF = sin(φ_i − φ_j). Both come from the cosines
//! and sines by products alone, which is exact near ±1 where arccos is not, and needs no
//! transcendental a pixel. The radius t/T (3) enters neither field.

use crate::VisionError;

/// Writes the summation field (4), `[W][W]`, of the window with these cosines and sines, `[W]` each.
///
/// # Panics
/// If the lengths do not agree.
pub fn gasf(cos: &[f32], sin: &[f32], field: &mut [f32]) {
    assert_shapes(cos, sin, field);
    for ((&cos_i, &sin_i), row) in cos.iter().zip(sin).zip(field.chunks_exact_mut(cos.len())) {
        for ((pixel, &cos_j), &sin_j) in row.iter_mut().zip(cos).zip(sin) {
            *pixel = (cos_i * cos_j - sin_i * sin_j).clamp(-1.0, 1.0);
        }
    }
}

/// Writes the difference field (5), `[W][W]`, of the window with these cosines and sines, `[W]` each.
///
/// A pixel whose row is newer than its column is negative where the feature rose in between.
///
/// # Panics
/// If the lengths do not agree.
pub fn gadf(cos: &[f32], sin: &[f32], field: &mut [f32]) {
    assert_shapes(cos, sin, field);
    for ((&cos_i, &sin_i), row) in cos.iter().zip(sin).zip(field.chunks_exact_mut(cos.len())) {
        for ((pixel, &cos_j), &sin_j) in row.iter_mut().zip(cos).zip(sin) {
            *pixel = (sin_i * cos_j - cos_i * sin_j).clamp(-1.0, 1.0);
        }
    }
}

fn assert_shapes(cos: &[f32], sin: &[f32], field: &[f32]) {
    assert!(!cos.is_empty(), "a window has at least one value");
    assert_eq!(cos.len(), sin.len(), "one sine a cosine");
    assert_eq!(field.len(), cos.len() * cos.len(), "a field is window by window");
}

/// Writes cosine and sine of φ = arccos x (2) for values that are already scaled.
///
/// # Errors
/// If a value lies outside [-1, 1] or is not a number.
pub fn polar(x: &[f64], cos: &mut [f32], sin: &mut [f32]) -> Result<(), VisionError> {
    for (index, ((&value, cos), sin)) in x.iter().zip(cos).zip(sin).enumerate() {
        if !(-1.0..=1.0).contains(&value) {
            return Err(VisionError::OutOfRange { index, value });
        }
        *cos = value as f32;
        *sin = ((1.0 - value) * (1.0 + value)).sqrt() as f32;
    }
    Ok(())
}

/// Scales a window to [`low`, `high`], its smallest value to `low` and its largest to `high`
/// (section 12.3). A constant window becomes the middle of the range.
///
/// # Errors
/// If a value is infinite or not a number.
pub fn min_max(x: &[f64], low: f64, high: f64, scaled: &mut [f64]) -> Result<(), VisionError> {
    if let Some(index) = x.iter().position(|x| !x.is_finite()) {
        return Err(VisionError::NotFinite { what: "the window", index });
    }
    let min = x.iter().copied().fold(f64::INFINITY, f64::min);
    let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for (&x, scaled) in x.iter().zip(scaled) {
        let share = if max > min { (x - min) / (max - min) } else { 0.5 };
        *scaled = (low + (high - low) * share).clamp(low, high);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden::{self, Case};

    /// Cosines, GASF and GADF of values in [-1, 1].
    fn fields(x: &[f64]) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let (mut cos, mut sin) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        polar(x, &mut cos, &mut sin).expect("values in range");
        let mut sum = vec![0.0; x.len() * x.len()];
        let mut difference = sum.clone();
        gasf(&cos, &sin, &mut sum);
        gadf(&cos, &sin, &mut difference);
        let phi = cos.iter().zip(&sin).map(|(&c, &s)| libm::atan2f(s, c)).collect();
        (phi, sum, difference)
    }

    fn wide(x: &[f32]) -> Vec<f64> {
        x.iter().map(|&x| f64::from(x)).collect()
    }

    /// The case's values, scaled where it gives a range.
    fn values(case: &Case) -> Vec<f64> {
        let x = case.input("x");
        if case.inputs["range"].is_null() {
            return x;
        }
        let range = case.input("range");
        let mut scaled = vec![0.0; x.len()];
        min_max(&x, range[0], range[1], &mut scaled).expect("finite values");
        case.check("x_tilde", &scaled);
        scaled
    }

    #[test]
    fn golden_fields() {
        for case in golden::cases("02_") {
            let x = values(&case);
            let case = case.single_precision();
            let expects = |key: &str| !case.expected[key].is_null();
            if expects("gasf_of_minus_x") {
                let (_, sum, difference) = fields(&x.iter().map(|x| -x).collect::<Vec<_>>());
                case.check("gasf_of_minus_x", &wide(&sum));
                case.check("gadf_of_minus_x", &wide(&difference));
                continue;
            }
            let (phi, sum, difference) = fields(&x);
            case.check("gasf", &wide(&sum));
            case.check("gadf", &wide(&difference));
            if expects("phi") {
                case.check("phi", &wide(&phi));
            }
            if expects("recovered_from_gasf_diag") {
                let diagonal = sum.iter().step_by(x.len() + 1);
                let recovered: Vec<f64> = diagonal.map(|&g| ((f64::from(g) + 1.0) / 2.0).sqrt()).collect();
                case.check("recovered_from_gasf_diag", &recovered);
            }
        }
    }

    #[test]
    fn a_constant_window_is_the_middle_of_its_range() {
        let mut scaled = [9.0; 3];
        min_max(&[7.0; 3], -1.0, 1.0, &mut scaled).expect("finite values");
        assert_eq!(scaled, [0.0; 3]);
        min_max(&[7.0; 3], 0.0, 1.0, &mut scaled).expect("finite values");
        assert_eq!(scaled, [0.5; 3]);
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let (mut cos, mut sin) = ([0.0; 2], [0.0; 2]);
        for value in [1.000_001, -1.5, f64::INFINITY] {
            let refused = polar(&[0.5, value], &mut cos, &mut sin);
            assert_eq!(refused, Err(VisionError::OutOfRange { index: 1, value }));
        }
        assert!(polar(&[f64::NAN, 0.0], &mut cos, &mut sin).is_err());
        let mut scaled = [0.0; 2];
        let refused = min_max(&[0.0, f64::NAN], -1.0, 1.0, &mut scaled);
        assert_eq!(refused, Err(VisionError::NotFinite { what: "the window", index: 1 }));
    }

    proptest! {
        #[test]
        fn fields_have_their_symmetries(x in prop::collection::vec(-1.0f64..=1.0, 1..40)) {
            let n = x.len();
            let (_, sum, difference) = fields(&x);
            let (_, mirror_sum, mirror_difference) = fields(&x.iter().map(|x| -x).collect::<Vec<_>>());
            prop_assert_eq!(&sum, &mirror_sum);
            for i in 0..n {
                prop_assert!((f64::from(sum[i * n + i]) - (2.0 * x[i] * x[i] - 1.0)).abs() < 1e-6);
                prop_assert_eq!(difference[i * n + i], 0.0);
                for j in 0..n {
                    prop_assert_eq!(sum[i * n + j], sum[j * n + i]);
                    prop_assert_eq!(difference[i * n + j], -difference[j * n + i]);
                    prop_assert_eq!(difference[i * n + j], -mirror_difference[i * n + j]);
                }
            }
            prop_assert!(sum.iter().chain(&difference).all(|pixel| (-1.0..=1.0).contains(pixel)));
        }

        #[test]
        fn fields_are_the_trigonometry_they_stand_for(x in prop::collection::vec(-1.0f64..=1.0, 1..20)) {
            let n = x.len();
            let (_, sum, difference) = fields(&x);
            for i in 0..n {
                for j in 0..n {
                    let (a, b) = (libm::acos(x[i]), libm::acos(x[j]));
                    prop_assert!((f64::from(sum[i * n + j]) - libm::cos(a + b)).abs() < 1e-6);
                    prop_assert!((f64::from(difference[i * n + j]) - libm::sin(a - b)).abs() < 1e-6);
                }
            }
        }

        #[test]
        fn min_max_reaches_both_ends(x in prop::collection::vec(-1e6f64..1e6, 2..40)) {
            prop_assume!(x.iter().any(|v| *v != x[0]));
            let mut scaled = vec![0.0; x.len()];
            min_max(&x, -1.0, 1.0, &mut scaled).expect("finite values");
            prop_assert!(scaled.contains(&-1.0) && scaled.contains(&1.0));
            prop_assert!(scaled.iter().all(|x| (-1.0..=1.0).contains(x)));
        }
    }
}
