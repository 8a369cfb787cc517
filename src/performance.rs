//! Performance of a series of returns, and how much of it may be luck.
//!
//! Figures are of simple returns a period, net of cost. What is undefined (no variance, too few
//! periods, capital gone) is `None`: never infinite, never NaN.

mod luck;

use serde::Serialize;

pub use luck::{DeflatedSharpe, SharpeEvidence};

/// A deviation below this share of the largest return is rounding, not variance.
const ROUNDING: f64 = 1e-14;

/// What a series of returns amounts to; fractions unless told otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Performance {
    /// Periods.
    pub periods: usize,
    /// Mean return a period.
    pub mean: Option<f64>,
    /// Standard deviation of the return a period, over n − 1.
    pub deviation: Option<f64>,
    /// Standard deviation a year.
    pub volatility_annual: Option<f64>,
    /// Mean over deviation, a period.
    pub sharpe_per_period: Option<f64>,
    /// The same a year.
    pub sharpe_annual: Option<f64>,
    /// Mean over downside deviation (from 0, over all n), a year.
    pub sortino_annual: Option<f64>,
    /// The deepest fall from a peak, the start included.
    pub max_drawdown: Option<f64>,
    /// Compound growth a year.
    pub cagr: Option<f64>,
    /// Growth a year over the deepest fall.
    pub calmar: Option<f64>,
    /// Third standardised moment, over n.
    pub skew: Option<f64>,
    /// Fourth standardised moment, over n; 3 for a Gaussian.
    pub kurtosis: Option<f64>,
    /// Share of periods with a gain.
    pub hit_rate: Option<f64>,
}

impl Performance {
    /// The figures of `returns`, of which there are `periods_per_year` in a year (252 for days).
    /// Nothing is defined where a return is not finite.
    #[must_use]
    pub fn of(returns: &[f64], periods_per_year: f64) -> Self {
        if !returns.iter().all(|r| r.is_finite()) {
            return Self { periods: returns.len(), ..Self::default() };
        }
        let year = periods_per_year.sqrt();
        let mean = ratio(returns.iter().sum(), returns.len() as f64);
        let deviation = deviation(returns);
        let sharpe_per_period = mean.zip(deviation).and_then(|(m, sd)| ratio(m, sd));
        let sortino = mean.zip(downside(returns)).and_then(|(m, sd)| ratio(m, sd));
        let max_drawdown = max_drawdown(returns);
        let cagr = cagr(returns, periods_per_year);
        let gains = returns.iter().filter(|r| **r > 0.0).count();
        Self {
            periods: returns.len(),
            mean,
            deviation,
            volatility_annual: deviation.and_then(|sd| finite(sd * year)),
            sharpe_per_period,
            sharpe_annual: sharpe_per_period.and_then(|sharpe| finite(sharpe * year)),
            sortino_annual: sortino.and_then(|sortino| finite(sortino * year)),
            max_drawdown,
            cagr,
            calmar: cagr.zip(max_drawdown).and_then(|(growth, fall)| ratio(growth, fall)),
            skew: standardised_moment(returns, 3),
            kurtosis: standardised_moment(returns, 4),
            hit_rate: ratio(gains as f64, returns.len() as f64),
        }
    }

    /// PSR: the probability that the true Sharpe ratio is above `benchmark`, both a period.
    #[must_use]
    pub fn probabilistic_sharpe(&self, benchmark: f64) -> Option<f64> {
        self.evidence()?.probabilistic_sharpe(benchmark)
    }

    /// What PSR and DSR are computed from.
    #[must_use]
    pub fn evidence(&self) -> Option<SharpeEvidence> {
        Some(SharpeEvidence {
            sharpe: self.sharpe_per_period?,
            periods: self.periods as f64,
            skew: self.skew?,
            kurtosis: self.kurtosis?,
        })
    }
}

fn finite(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}

fn ratio(above: f64, below: f64) -> Option<f64> {
    finite(above / below)
}

fn central_moment(returns: &[f64], power: u32) -> f64 {
    let n = returns.len() as f64;
    let mean = returns.iter().sum::<f64>() / n;
    let product = |r: &f64| (0..power).fold(1.0, |product, _| product * (r - mean));
    returns.iter().map(product).sum::<f64>() / n
}

/// Over n − 1; `None` with fewer than two returns. Returns that are all alike but for rounding have
/// deviation 0.
fn deviation(returns: &[f64]) -> Option<f64> {
    let n = returns.len() as f64;
    let largest = returns.iter().fold(0.0, |largest, r| f64::max(largest, r.abs()));
    let deviation = finite((central_moment(returns, 2) * (n / (n - 1.0))).sqrt())?;
    Some(if deviation <= ROUNDING * largest { 0.0 } else { deviation })
}

/// √(mean(min(r, 0)²)) over all returns; `None` with fewer than two.
fn downside(returns: &[f64]) -> Option<f64> {
    let squares = returns.iter().map(|r| r.min(0.0) * r.min(0.0)).sum::<f64>();
    (returns.len() >= 2).then(|| (squares / returns.len() as f64).sqrt())
}

fn standardised_moment(returns: &[f64], power: u32) -> Option<f64> {
    deviation(returns).filter(|deviation| *deviation > 0.0)?;
    let deviation = central_moment(returns, 2).sqrt();
    let scale = (0..power).fold(1.0, |product, _| product * deviation);
    ratio(central_moment(returns, power), scale)
}

/// Wealth after each period, of 1 at the start; ends with the capital.
fn wealth(returns: &[f64]) -> Vec<f64> {
    let mut path = vec![1.0];
    for r in returns {
        let before = path[path.len() - 1];
        if before <= 0.0 {
            break;
        }
        path.push(before * (1.0 + r));
    }
    path
}

fn max_drawdown(returns: &[f64]) -> Option<f64> {
    let (mut peak, mut deepest) = (0.0, 0.0);
    for wealth in wealth(returns) {
        peak = f64::max(peak, finite(wealth)?);
        deepest = f64::max(deepest, (peak - wealth) / peak);
    }
    Some(deepest)
}

/// `None` where the capital is gone, or was never invested.
fn cagr(returns: &[f64], periods_per_year: f64) -> Option<f64> {
    let wealth = wealth(returns).pop().filter(|wealth| *wealth > 0.0)?;
    let years = returns.len() as f64 / periods_per_year;
    finite(libm::pow(wealth, 1.0 / years) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden::{self, Case};

    fn check(case: &Case, key: &str, got: Option<f64>) {
        case.check(key, &[got.unwrap_or(f64::NAN)]);
    }

    #[test]
    fn golden_figures_of_a_series() {
        for case in golden::cases("17_").iter().filter(|c| c.inputs.get("returns").is_some()) {
            let year = case.number("periods_per_year");
            let got = Performance::of(&case.input("returns"), year);
            check(case, "mean", got.mean);
            check(case, "sd_ddof1", got.deviation);
            check(case, "volatility_annual", got.volatility_annual);
            check(case, "sharpe_per_period", got.sharpe_per_period);
            check(case, "sharpe_annual", got.sharpe_annual);
            check(case, "sortino_annual", got.sortino_annual);
            check(case, "max_drawdown", got.max_drawdown);
            check(case, "cagr", got.cagr);
            check(case, "calmar", got.calmar);
            check(case, "skew_population", got.skew);
            check(case, "kurtosis_raw_population", got.kurtosis);
            check(case, "hit_rate", got.hit_rate);
            check(case, "psr_vs_0", got.probabilistic_sharpe(0.0));
            check(case, "psr_vs_sr_annual_1", got.probabilistic_sharpe(1.0 / year.sqrt()));
        }
    }

    #[test]
    fn golden_undefined_figures() {
        for case in golden::cases("17_").iter().filter(|c| c.inputs.get("series").is_some()) {
            let series = case.rows("series");
            let of = |figure: fn(Performance) -> Option<f64>| -> Vec<f64> {
                let figures = series.iter().map(|r| figure(Performance::of(r, 252.0)));
                figures.map(|figure| figure.unwrap_or(f64::NAN)).collect()
            };
            case.check("sharpe", &of(|p| p.sharpe_annual));
            case.check("sortino", &of(|p| p.sortino_annual));
            case.check("max_drawdown", &of(|p| p.max_drawdown));
        }
    }

    #[test]
    fn returns_that_only_rounding_tells_apart_have_no_sharpe_ratio() {
        for r in [0.1, 0.01, 1.0 / 3.0, -0.07] {
            for n in 2..50 {
                assert_eq!(Performance::of(&vec![r; n], 252.0).sharpe_annual, None, "{n} of {r}");
            }
        }
    }

    #[test]
    fn ruin_and_nonsense_are_undefined_and_never_infinite() {
        let ruined = Performance::of(&[0.1, -1.0, 0.2], 252.0);
        assert_eq!((ruined.cagr, ruined.max_drawdown), (None, Some(1.0)));
        let beyond = Performance::of(&[0.0, -1.5, -3.0], 252.0);
        assert_eq!((beyond.cagr, beyond.max_drawdown), (None, Some(1.5)));
        let overflow = Performance::of(&[1e300, 1e300], 252.0);
        assert_eq!((overflow.cagr, overflow.max_drawdown), (None, None));
        let unknown = Performance::of(&[0.1, f64::NAN], 252.0);
        assert_eq!(unknown, Performance { periods: 2, ..Performance::default() });
        assert_eq!(Performance::of(&[0.01, 0.02], 252.0).calmar, None);
    }

    proptest! {
        #[test]
        fn every_figure_is_finite_or_undefined(
            returns in prop::collection::vec(
                prop_oneof![-1.5..1.5f64, Just(0.0), Just(-1.0), -1e-300..1e-300f64, -1e200..1e200f64],
                0..40,
            ),
        ) {
            let p = Performance::of(&returns, 252.0);
            let psr = p.probabilistic_sharpe(0.1);
            let dsr = p.evidence().and_then(|e| e.deflated_sharpe(20.0, 0.01));
            let figures = [
                p.mean, p.deviation, p.volatility_annual, p.sharpe_per_period, p.sharpe_annual,
                p.sortino_annual, p.max_drawdown, p.cagr, p.calmar, p.skew, p.kurtosis,
                p.hit_rate, psr, dsr.map(|d| d.benchmark), dsr.map(|d| d.probability),
            ];
            prop_assert!(figures.into_iter().flatten().all(f64::is_finite), "{:?}", p);
            prop_assert!(psr.is_none_or(|probability| (0.0..=1.0).contains(&probability)));
        }

        #[test]
        fn leverage_changes_neither_sharpe_nor_sortino(
            returns in prop::collection::vec(-0.1..0.1f64, 3..60),
            leverage in 0.1..5.0f64,
        ) {
            let levered: Vec<f64> = returns.iter().map(|r| leverage * r).collect();
            let (a, b) = (Performance::of(&returns, 252.0), Performance::of(&levered, 252.0));
            for (a, b) in [(a.sharpe_annual, b.sharpe_annual), (a.sortino_annual, b.sortino_annual)] {
                prop_assert_eq!(a.is_some(), b.is_some());
                let (a, b) = (a.unwrap_or(0.0), b.unwrap_or(0.0));
                prop_assert!((a - b).abs() < 1e-6 * (1.0 + a.abs()), "{a} {b}");
            }
        }
    }
}
