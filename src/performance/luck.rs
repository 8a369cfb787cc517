//! How much of a Sharpe ratio may be luck: its probabilistic and its deflated form (PSR, DSR).

use serde::Serialize;

use super::finite;

/// The Euler-Mascheroni constant.
const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// Halvings of a bracket; a double runs out of digits after some sixty.
const MAX_HALVINGS: u32 = 200;

/// A Sharpe ratio and what its uncertainty depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SharpeEvidence {
    /// Sharpe ratio a period.
    pub sharpe: f64,
    /// Periods it was measured over.
    pub periods: f64,
    /// Skew of the returns.
    pub skew: f64,
    /// Kurtosis of the returns; 3 for a Gaussian.
    pub kurtosis: f64,
}

/// A Sharpe ratio held against the best that luck alone would have found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DeflatedSharpe {
    /// The best Sharpe ratio a period to be expected of that many worthless trials.
    pub benchmark: f64,
    /// DSR: the probability that the true ratio is above it.
    pub probability: f64,
}

impl SharpeEvidence {
    /// PSR(SR*) = Φ((SR − SR*)√(n−1)/√(1 − γ₃SR + (γ₄−1)/4·SR²)), all a period.
    #[must_use]
    pub fn probabilistic_sharpe(&self, benchmark: f64) -> Option<f64> {
        let Self { sharpe, periods, skew, kurtosis } = *self;
        let variance = 1.0 - skew * sharpe + 0.25 * (kurtosis - 1.0) * sharpe * sharpe;
        if periods < 2.0 || variance <= 0.0 {
            return None;
        }
        let z = (sharpe - benchmark) * (periods - 1.0).sqrt() / variance.sqrt();
        finite(normal_cdf(z))
    }

    /// DSR (Bailey and López de Prado): PSR against the best of `trials` worthless configurations,
    /// whose Sharpe ratios a period vary by `variance_of_trials`. Every configuration that was tried
    /// is a trial. `None` for fewer than two.
    #[must_use]
    pub fn deflated_sharpe(&self, trials: f64, variance_of_trials: f64) -> Option<DeflatedSharpe> {
        if !(trials >= 2.0 && variance_of_trials >= 0.0) {
            return None;
        }
        let best = (1.0 - EULER_GAMMA) * normal_upper_quantile(1.0 / trials)
            + EULER_GAMMA * normal_upper_quantile(1.0 / (trials * std::f64::consts::E));
        let benchmark = finite(variance_of_trials.sqrt() * best)?;
        let probability = self.probabilistic_sharpe(benchmark)?;
        Some(DeflatedSharpe { benchmark, probability })
    }
}

/// Φ(z).
fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// The z that a standard normal number exceeds with probability p, 0 < p < 1: Φ⁻¹(1−p), to the last
/// digit also where 1 − p would round to 1.
fn normal_upper_quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..MAX_HALVINGS {
        let middle = 0.5 * (low + high);
        if normal_cdf(-middle) > p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use support::golden;

    #[test]
    fn golden_deflated_sharpe() {
        for case in golden::cases("17_").iter().filter(|c| c.inputs.get("fields").is_some()) {
            let names: Vec<&str> = case.inputs["fields"]
                .as_array()
                .expect("a list of names")
                .iter()
                .filter_map(|name| name.as_str())
                .collect();
            let column = |name| names.iter().position(|n| *n == name).expect("a known field");
            let deflated = |row: &Vec<f64>| {
                let evidence = SharpeEvidence {
                    sharpe: row[column("sr_per_period")],
                    periods: row[column("T")],
                    skew: row[column("skew")],
                    kurtosis: row[column("raw_kurtosis")],
                };
                let variance = row[column("var_of_trial_sr_per_period")];
                let deflated = evidence.deflated_sharpe(row[column("n_trials")], variance);
                deflated.map_or([f64::NAN; 2], |d| [d.benchmark, d.probability])
            };
            let got: Vec<f64> = case.rows("rows").iter().flat_map(deflated).collect();
            case.check("sr0_psr", &got);
        }
    }

    /// Annual Sharpe ratio 2.5 over 1250 days, best of 100 trials with an annual variance of ½.
    #[test]
    fn the_worked_example_of_its_authors_is_reproduced() {
        let (sharpe, skew) = (2.5 / 250f64.sqrt(), -3.0);
        let evidence = SharpeEvidence { sharpe, periods: 1250.0, skew, kurtosis: 10.0 };
        let deflated = evidence.deflated_sharpe(100.0, 0.5 / 250.0).expect("a defined figure");
        assert!((deflated.benchmark - 0.1132).abs() < 5e-5, "{deflated:?}");
        assert!((deflated.probability - 0.9004).abs() < 5e-5, "{deflated:?}");
    }

    #[test]
    fn what_is_undefined_says_so() {
        let evidence = SharpeEvidence { sharpe: 1.0, periods: 99.0, skew: 3.0, kurtosis: 3.0 };
        assert_eq!(evidence.probabilistic_sharpe(0.0), None);
        let sound = SharpeEvidence { skew: 0.0, ..evidence };
        assert_eq!(sound.deflated_sharpe(1.0, 0.1), None);
        assert_eq!(sound.deflated_sharpe(f64::NAN, 0.1), None);
        assert_eq!(sound.deflated_sharpe(9.0, -0.1), None);
        assert_eq!(SharpeEvidence { periods: 1.0, ..sound }.probabilistic_sharpe(0.0), None);
    }

    #[test]
    fn the_quantile_is_the_inverse_of_the_distribution() {
        for p in [0.9, 0.5, 0.1, 1e-3, 1e-9, 1e-20, 1e-200] {
            let back = normal_cdf(-normal_upper_quantile(p));
            assert!((back / p - 1.0).abs() < 1e-11, "{p}: {back}");
        }
        assert!((normal_upper_quantile(0.025) - 1.959_963_984_540_054).abs() < 1e-14);
    }
}
