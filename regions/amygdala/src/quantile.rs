//! How far is too far (41): thresholds of D_M at a rate p of false alarms.
//!
//! Three follow from a law of the state (Gaussian with a known normal, Gaussian with an estimated
//! one, Student's t); one is counted from calm scores and needs no law. All are limits of the
//! distance itself, not of its square.

/// Bounds every series and continued fraction; they converge within about √a terms.
const MAX_TERMS: u32 = 10_000;

/// Halvings of a bracket; a double runs out of digits after some sixty.
const MAX_HALVINGS: u32 = 200;

/// τ = √χ²_d⁻¹(1−p): a Gaussian state of `dimension` features whose mean and covariance are known.
///
/// `None` unless `dimension` ≥ 1 and 0 < p < 1.
#[must_use]
pub fn chi_square_threshold(dimension: usize, p: f64) -> Option<f64> {
    let half = 0.5 * dimension as f64;
    is_rate(p).filter(|_| dimension >= 1)?;
    finite(upper_quantile(|x| gamma_upper(half, 0.5 * x), p).sqrt())
}

/// τ = √(d(n+1)(n−1)/(n(n−d)) · F⁻¹_{d,n−d}(1−p)): a new Gaussian state against mean and covariance
/// (unbiased) that were estimated from `samples` others.
///
/// `None` unless n > d ≥ 1 and 0 < p < 1.
#[must_use]
pub fn finite_sample_threshold(dimension: usize, samples: f64, p: f64) -> Option<f64> {
    let (d, n) = (dimension as f64, samples);
    is_rate(p).filter(|_| dimension >= 1 && n > d)?;
    let spread = d * (n + 1.0) * (n - 1.0) / (n * (n - d));
    finite((spread * f_upper_quantile(d, n - d, p)).sqrt())
}

/// τ = √((ν−2)/ν · d · F⁻¹_{d,ν}(1−p)): a state of Student's t with `degrees` of freedom ν and a
/// known covariance.
///
/// `None` unless ν > 2 (below, there is no covariance), `dimension` ≥ 1 and 0 < p < 1.
#[must_use]
pub fn student_t_threshold(dimension: usize, degrees: f64, p: f64) -> Option<f64> {
    let d = dimension as f64;
    is_rate(p).filter(|_| dimension >= 1 && degrees > 2.0)?;
    finite(((degrees - 2.0) / degrees * d * f_upper_quantile(d, degrees, p)).sqrt())
}

/// The ⌈(m+1)(1−p)⌉-th smallest of m calm scores (split conformal): whatever their law, a new calm
/// score exceeds it at a rate of at most p.
///
/// `None` while there are fewer than 1/p − 1 scores, or where one is not finite.
#[must_use]
pub fn conformal_threshold(scores: &[f64], p: f64) -> Option<f64> {
    is_rate(p).filter(|_| scores.iter().all(|score| score.is_finite()))?;
    // A rank that is whole but for rounding, such as 1000 · 0.999, must not be raised to the next.
    let rank = ((scores.len() + 1) as f64 * (1.0 - p) - 1e-9).ceil();
    let index = (rank.max(1.0) as usize) - 1;
    let mut scores = scores.to_vec();
    (index < scores.len()).then(|| *scores.select_nth_unstable_by(index, f64::total_cmp).1)
}

/// The threshold of D_M that is used (41): counted from calm scores, but never below what a Gaussian
/// state of that dimension would need. `None` while there are too few scores.
#[must_use]
pub fn danger_threshold(dimension: usize, scores: &[f64], p: f64) -> Option<f64> {
    Some(conformal_threshold(scores, p)?.max(chi_square_threshold(dimension, p)?))
}

fn is_rate(p: f64) -> Option<f64> {
    (p > 0.0 && p < 1.0).then_some(p)
}

fn finite(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}

/// The x ≥ 0 at which the falling `tail` reaches `p`, to the last digit.
fn upper_quantile(tail: impl Fn(f64) -> f64, p: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while tail(high) > p && high < f64::MAX / 2.0 {
        low = high;
        high *= 2.0;
    }
    for _ in 0..MAX_HALVINGS {
        let middle = low + 0.5 * (high - low);
        if middle <= low || middle >= high {
            break;
        }
        if tail(middle) > p {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The x that an F variable of (d1, d2) degrees exceeds with probability p.
fn f_upper_quantile(d1: f64, d2: f64, p: f64) -> f64 {
    upper_quantile(|f| beta_regularised(d2, d1 * f, 0.5 * d2, 0.5 * d1), p)
}

/// Q(a, x), the upper regularised incomplete gamma function.
fn gamma_upper(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let front = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for n in 1..MAX_TERMS {
            term *= x / (a + f64::from(n));
            sum += term;
            if term < sum * f64::EPSILON {
                break;
            }
        }
        1.0 - front * sum
    } else {
        let tail = |n: u32| {
            let n = f64::from(n);
            (n * (a - n), x + 2.0 * n + 1.0 - a)
        };
        front / continued_fraction(x + 1.0 - a, tail)
    }
}

/// I(a, b) at x = u/(u+v), the regularised incomplete beta function; u and v are given apart because
/// 1 − x loses its digits where x is near 1.
fn beta_regularised(u: f64, v: f64, a: f64, b: f64) -> f64 {
    let (x, y) = (u / (u + v), v / (u + v));
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_fraction(y, x, b, a);
    }
    beta_fraction(x, y, a, b)
}

/// I(a, b) at x with y = 1 − x, where its continued fraction converges fast.
fn beta_fraction(x: f64, y: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let log_beta = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    let front = libm::exp(a * libm::log(x) + b * libm::log(y) - log_beta) / a;
    let tail = |n: u32| {
        let m = f64::from(n / 2);
        let numerator = if n.is_multiple_of(2) {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        (numerator, 1.0)
    };
    front / continued_fraction(1.0, tail)
}

/// b₀ + a₁/(b₁ + a₂/(b₂ + …)) by Lentz's method; `tail(n)` gives (aₙ, bₙ).
fn continued_fraction(b0: f64, tail: impl Fn(u32) -> (f64, f64)) -> f64 {
    let not_zero = |x: f64| if x.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { x };
    let mut value = not_zero(b0);
    let (mut c, mut d) = (value, 0.0);
    for n in 1..MAX_TERMS {
        let (a, b) = tail(n);
        d = 1.0 / not_zero(b + a * d);
        c = not_zero(b + a / c);
        value *= c * d;
        if (c * d - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden;

    #[test]
    fn golden_thresholds_of_a_known_normal() {
        for case in golden::cases("08_").iter().filter(|c| c.name.starts_with("tau_table")) {
            let mut got = Vec::new();
            for d in case.input("d") {
                for p in case.input("p") {
                    got.push(chi_square_threshold(d as usize, p).expect("a threshold"));
                }
            }
            case.check("tau", &got);
        }
    }

    #[test]
    fn golden_thresholds_of_an_estimated_normal() {
        for case in golden::cases("08_").iter().filter(|c| c.inputs.get("n_d").is_some()) {
            assert_eq!(case.number("cov_ddof"), 1.0, "{}: unbiased covariance", case.name);
            let p = case.number("p");
            let threshold = |n_d: &Vec<f64>| finite_sample_threshold(n_d[1] as usize, n_d[0], p);
            let got: Option<Vec<f64>> = case.rows("n_d").iter().map(threshold).collect();
            case.check("tau", &got.expect("a threshold for each pair"));
        }
    }

    #[test]
    fn golden_thresholds_of_heavy_tails() {
        for case in golden::cases("08_").iter().filter(|c| c.inputs.get("nu").is_some()) {
            let (nu, p) = (case.number("nu"), case.number("p"));
            let threshold = |d: f64| student_t_threshold(d as usize, nu, p);
            let got: Option<Vec<f64>> = case.input("d").into_iter().map(threshold).collect();
            case.check("tau_known_covariance", &got.expect("a threshold for each dimension"));
        }
    }

    #[test]
    fn in_two_dimensions_the_tail_is_elementary() {
        for p in [0.5, 0.05, 1e-3, 1e-6, 1e-12, 1e-100] {
            let want = (-2.0 * f64::ln(p)).sqrt();
            let got = chi_square_threshold(2, p).expect("a threshold");
            assert!((got / want - 1.0).abs() < 1e-13, "p {p}: {got} {want}");
        }
    }

    #[test]
    fn five_is_one_in_a_thousand_only_up_to_seven_features() {
        let tau = |d| chi_square_threshold(d, 1e-3).expect("a threshold");
        assert!(tau(7) < 5.0 && tau(8) > 5.0);
    }

    #[test]
    fn many_samples_know_the_normal() {
        let known = chi_square_threshold(8, 1e-3).expect("a threshold");
        let estimated = finite_sample_threshold(8, 1e7, 1e-3).expect("a threshold");
        assert!((estimated - known).abs() < 1e-5, "{estimated} {known}");
        let heavy = student_t_threshold(8, 1e7, 1e-3).expect("a threshold");
        assert!((heavy - known).abs() < 1e-5, "{heavy} {known}");
    }

    #[test]
    fn what_has_no_threshold_says_so() {
        for p in [0.0, 1.0, -0.1, f64::NAN] {
            assert_eq!(chi_square_threshold(3, p), None);
            assert_eq!(conformal_threshold(&[1.0; 99], p), None);
        }
        assert_eq!(chi_square_threshold(0, 0.01), None);
        assert_eq!(finite_sample_threshold(8, 8.0, 0.01), None);
        assert_eq!(student_t_threshold(8, 2.0, 0.01), None);
        let mut scores = vec![1.0; 99];
        scores[40] = f64::NAN;
        assert_eq!(conformal_threshold(&scores, 0.01), None);
    }

    #[test]
    fn the_rank_is_whole_where_the_rate_is() {
        let scores = |m: u32| (1..=m).map(f64::from).collect::<Vec<_>>();
        assert_eq!(conformal_threshold(&scores(999), 0.001), Some(999.0));
        assert_eq!(conformal_threshold(&scores(998), 0.001), None);
        assert_eq!(conformal_threshold(&scores(49), 0.02), Some(49.0));
        assert_eq!(conformal_threshold(&scores(48), 0.02), None);
        assert_eq!(conformal_threshold(&scores(99), 0.29), Some(71.0));
    }

    #[test]
    fn calm_scores_never_lower_the_gaussian_threshold() {
        let gaussian = chi_square_threshold(4, 0.02).expect("a threshold");
        assert_eq!(danger_threshold(4, &[0.1; 49], 0.02), Some(gaussian));
        assert_eq!(danger_threshold(4, &[90.0; 49], 0.02), Some(90.0));
        assert_eq!(danger_threshold(4, &[90.0; 48], 0.02), None);
    }

    /// Over many calibrations on heavy-tailed scores, fresh calm ones alarm at a rate of p.
    #[test]
    fn the_conformal_rate_of_false_alarms_is_kept() {
        let mut state = 7u64;
        let mut heavy_tailed = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let uniform = ((state >> 11) as f64 + 1.0) / (1u64 << 53) as f64;
            uniform.powf(-0.4)
        };
        let (p, rounds, fresh) = (0.01, 400, 100);
        let mut alarms = 0;
        for _ in 0..rounds {
            let scores: Vec<f64> = (0..99).map(|_| heavy_tailed()).collect();
            let tau = conformal_threshold(&scores, p).expect("enough scores");
            alarms += (0..fresh).filter(|_| heavy_tailed() > tau).count();
        }
        let rate = alarms as f64 / f64::from(rounds * fresh);
        // Calibrations and alarms each scatter the rate by about p/√400 and √(p/40 000).
        assert!((rate - p).abs() < 0.0021, "rate {rate}");
    }

    proptest! {
        #[test]
        fn thresholds_grow_with_dimension_and_rarity(d in 1usize..40, p in 1e-9..0.4f64) {
            let tau = chi_square_threshold(d, p).expect("a threshold");
            prop_assert!(tau < chi_square_threshold(d + 1, p).expect("a threshold"));
            prop_assert!(tau < chi_square_threshold(d, 0.5 * p).expect("a threshold"));
            let estimated = finite_sample_threshold(d, d as f64 + 50.0, p).expect("a threshold");
            prop_assert!(tau < estimated);
        }

        #[test]
        fn at_most_the_rate_of_scores_lies_above(
            scores in prop::collection::vec(0.0..10.0f64, 20..200),
            p in 0.06..0.9f64,
        ) {
            let tau = conformal_threshold(&scores, p).expect("enough scores");
            let above = scores.iter().filter(|&&s| s > tau).count();
            prop_assert!(above as f64 <= p * (scores.len() + 1) as f64);
            prop_assert!(scores.contains(&tau));
        }
    }
}
