//! The schedule of Almgren and Chriss (2000): the way to sell X by T that is best for a given aversion to
//! risk, where impact is linear.
//!
//! η̃ = η − γτ/2, κ̃² = λσ²/η̃, cosh κτ = 1 + κ̃²τ²/2 and x_j = X sinh κ(T − t_j) / sinh κT minimise E + λV.
//! It predicts the cost of a *linear* impact; the square-root law beside it ([`crate::impact`]) is another
//! model, and forecasts what an order taken at once does.

/// κτ at most: beyond it a schedule is one trade, and its square would overflow.
const STEEPEST: f64 = 1e6;

/// Why there is no schedule.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    /// A number that the problem cannot have.
    #[error("{name} is {value}, and must be {must}")]
    Unsound {
        /// Of what.
        name: &'static str,
        /// The number.
        value: f64,
        /// What it must be.
        must: &'static str,
    },
    /// Holding back would never end to pay.
    #[error(
        "temporary impact less half of the permanent one times the period, η − γτ/2, is {value}, and must \
         be above 0; raise temp_impact, or trade in more slices"
    )]
    NotConvex {
        /// η̃.
        value: f64,
    },
}

/// A parent order to be worked off, and its market, in one set of units: quantity, currency and a unit of
/// time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Problem {
    /// How much, X, not negative.
    pub quantity: f64,
    /// How long it may take, T.
    pub horizon: f64,
    /// In how many slices, N.
    pub slices: u32,
    /// The standard deviation of the price over a unit of time, σ.
    pub volatility: f64,
    /// What a trade of any size costs a unit of quantity, ε: half the spread.
    pub half_spread: f64,
    /// How far each unit of quantity moves the price for good, γ.
    pub permanent: f64,
    /// How far each unit of quantity a unit of time moves the price of its own trade, η.
    pub temporary: f64,
    /// How much cost a unit of variance is worth, λ.
    pub risk_aversion: f64,
}

/// The best schedule of a [`Problem`], and what it costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// η̃.
    pub eta_tilde: f64,
    /// κ, the rate at which what is held decays; 0 where it falls evenly.
    pub kappa: f64,
    /// What is held at the start and after each slice, x_0 … x_N.
    pub holdings: Vec<f64>,
    /// The trades, n_1 … n_N.
    pub trades: Vec<f64>,
    /// The expected cost, E.
    pub cost: f64,
    /// The variance of the cost, V.
    pub variance: f64,
}

impl Problem {
    /// Its best schedule.
    ///
    /// # Errors
    /// [`ScheduleError`] where a number is out of place or η̃ is not above 0.
    pub fn schedule(&self) -> Result<Schedule, ScheduleError> {
        self.check()?;
        let (period, eta_tilde) = (self.period(), self.eta_tilde()?);
        let steepness = self.steepness(eta_tilde, period);
        let holdings: Vec<f64> =
            (0..=self.slices).map(|j| self.quantity * self.share(steepness, j)).collect();
        let trades: Vec<f64> = holdings.windows(2).map(|pair| pair[0] - pair[1]).collect();
        let (cost, variance) = self.worth(&trades)?;
        Ok(Schedule { eta_tilde, kappa: steepness / period, holdings, trades, cost, variance })
    }

    /// Expected cost E and variance V of any trades that add up to X, one a slice:
    /// E = ½γX² + ε Σ|n_j| + (η̃/τ) Σ n_j², V = σ²τ Σ x_j².
    ///
    /// # Errors
    /// As [`Problem::schedule`].
    pub fn worth(&self, trades: &[f64]) -> Result<(f64, f64), ScheduleError> {
        let (period, eta_tilde) = (self.period(), self.eta_tilde()?);
        let squares: f64 = trades.iter().map(|n| n * n).sum();
        let spread: f64 = self.half_spread * trades.iter().map(|n| n.abs()).sum::<f64>();
        let cost =
            0.5 * self.permanent * self.quantity * self.quantity + spread + eta_tilde / period * squares;
        let mut held = self.quantity;
        let risk: f64 = trades
            .iter()
            .map(|n| {
                held -= n;
                held * held
            })
            .sum();
        Ok((cost, self.volatility * self.volatility * period * risk))
    }

    fn check(&self) -> Result<(), ScheduleError> {
        let not_negative = [
            ("the quantity", self.quantity),
            ("the volatility", self.volatility),
            ("the half spread", self.half_spread),
            ("the permanent impact", self.permanent),
            ("the temporary impact", self.temporary),
            ("the risk aversion", self.risk_aversion),
        ];
        for (name, value) in not_negative {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(ScheduleError::Unsound { name, value, must: "finite and not below 0" });
            }
        }
        for (name, value) in [("the horizon", self.horizon), ("the slices", f64::from(self.slices))] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(ScheduleError::Unsound { name, value, must: "finite and above 0" });
            }
        }
        Ok(())
    }

    /// τ = T/N.
    fn period(&self) -> f64 {
        self.horizon / f64::from(self.slices)
    }

    fn eta_tilde(&self) -> Result<f64, ScheduleError> {
        let value = self.temporary - 0.5 * self.permanent * self.period();
        if value > 0.0 { Ok(value) } else { Err(ScheduleError::NotConvex { value }) }
    }

    /// κτ. With y = κ̃²τ²/2 it is arcosh(1 + y) = ln(1 + y + √(y(2 + y))), whose digits are all in y where
    /// λ is small.
    fn steepness(&self, eta_tilde: f64, period: f64) -> f64 {
        let y =
            0.5 * (self.risk_aversion * self.volatility * self.volatility / eta_tilde) * (period * period);
        libm::log1p(y + y.sqrt() * (2.0 + y).sqrt()).min(STEEPEST)
    }

    /// x_j / X = e^{−κt} (1 − e^{−2κ(T−t)}) / (1 − e^{−2κT}), which overflows nowhere.
    fn share(&self, steepness: f64, j: u32) -> f64 {
        let (left, all) = (f64::from(self.slices - j), f64::from(self.slices));
        if steepness == 0.0 {
            return left / all;
        }
        let ratio = libm::expm1(-2.0 * steepness * left) / libm::expm1(-2.0 * steepness * all);
        libm::exp(-steepness * f64::from(j)) * ratio
    }
}

impl Schedule {
    /// 1/κ, the time in which what is held would fall by the factor e if it had no end.
    #[must_use]
    pub fn half_life(&self) -> f64 {
        1.0 / self.kappa
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden::{self, Case};

    use crate::rls::Rls;
    use crate::schedule::largest_remainder;
    use synapse::random::{normal, seed_for, uniform};

    fn problem(case: &Case, risk_aversion: f64) -> Problem {
        Problem {
            quantity: case.number("X"),
            horizon: case.number("T"),
            slices: case.number("N") as u32,
            volatility: case.number("sigma"),
            half_spread: case.number("epsilon"),
            permanent: case.number("gamma"),
            temporary: case.number("eta"),
            risk_aversion,
        }
    }

    /// The standard example of the paper.
    fn paper(risk_aversion: f64) -> Problem {
        Problem {
            quantity: 1e6,
            horizon: 5.0,
            slices: 5,
            volatility: 0.95,
            half_spread: 0.0625,
            permanent: 2.5e-7,
            temporary: 2.5e-6,
            risk_aversion,
        }
    }

    fn golden_case(case: &Case) {
        let problem = problem(case, case.number("lam"));
        let schedule = problem.schedule().expect("a schedule");
        case.check("eta_tilde", &[schedule.eta_tilde]);
        case.check("kappa", &[schedule.kappa]);
        case.check("half_life", &[schedule.half_life()]);
        case.check("trajectory", &schedule.holdings);
        case.check("trades", &schedule.trades);
        case.check("E", &[schedule.cost]);
        case.check("V", &[schedule.variance]);
        case.check("sd", &[schedule.variance.sqrt()]);
        case.check("objective", &[schedule.cost + problem.risk_aversion * schedule.variance]);
    }

    /// A case whose expectation is told in words: near a straight line for small λ, near one trade for large.
    fn golden_property(case: &Case) {
        for risk_aversion in case.input("lam") {
            let problem = problem(case, risk_aversion);
            let schedule = problem.schedule().expect("a schedule");
            let period = problem.horizon / f64::from(problem.slices);
            assert!(schedule.holdings.iter().all(|x| x.is_finite()), "{}", case.name);
            if case.inputs["lam"].is_array() {
                for (j, x) in schedule.holdings.iter().enumerate() {
                    let line = problem.quantity * (1.0 - j as f64 / f64::from(problem.slices));
                    assert!((x - line).abs() <= 1e-6 * problem.quantity, "{}: {x} at {j}", case.name);
                }
            } else {
                let (first, decay) = (schedule.holdings[1] / problem.quantity, -schedule.kappa * period);
                assert!((first - libm::exp(decay)).abs() <= 1e-9, "{}: {first}", case.name);
            }
        }
    }

    #[test]
    fn golden_almgren_chriss() {
        let (mut exact, mut told) = (0, 0);
        for case in golden::cases("15_").iter().filter(|case| !case.inputs["eta"].is_null()) {
            if case.expected["property"].is_null() {
                golden_case(case);
                exact += 1;
            } else {
                golden_property(case);
                told += 1;
            }
        }
        assert!(exact >= 2 && told >= 2, "{exact} exact cases, {told} told");
    }

    #[test]
    fn the_example_of_the_paper_comes_out_in_whole_shares() {
        // rounded one by one, the trades of the last row would lack a share
        for (risk_aversion, half_life, trades, cost, deviation) in [
            (0.0, f64::INFINITY, [200_000; 5], 662_500.0, 1_040_673.0),
            (1e-6, 1.647, [458_044, 252_101, 141_957, 85_756, 62_142], 911_227.0, 603_431.0),
            (2e-6, 1.182, [571_401, 245_666, 106_637, 48_652, 27_644], 1_140_715.0, 449_368.0),
        ] {
            let schedule = paper(risk_aversion).schedule().expect("a schedule");
            assert_eq!(largest_remainder(&schedule.trades, 1_000_000), trades);
            assert!((schedule.cost - cost).abs() < 1.0, "{}", schedule.cost);
            assert!((schedule.variance.sqrt() - deviation).abs() < 1.0, "{}", schedule.variance.sqrt());
            let is_near =
                schedule.half_life() == half_life || (schedule.half_life() - half_life).abs() < 1e-3;
            assert!(is_near, "{}", schedule.half_life());
        }
        let (cost, variance) = paper(0.0).worth(&[1e6, 0.0, 0.0, 0.0, 0.0]).expect("a cost");
        assert_eq!((cost, variance), (2_562_500.0, 0.0), "all at once");
    }

    #[test]
    fn one_slice_is_one_trade() {
        let schedule = Problem { slices: 1, ..paper(1e-6) }.schedule().expect("a schedule");
        assert_eq!(schedule.trades, [1e6]);
    }

    #[test]
    fn what_cannot_be_scheduled_is_named() {
        let error = Problem { temporary: 1e-7, ..paper(1e-6) }.schedule().expect_err("not convex");
        assert!(matches!(error, ScheduleError::NotConvex { value } if value < 0.0), "{error}");
        for problem in [
            Problem { slices: 0, ..paper(0.0) },
            Problem { horizon: f64::NAN, ..paper(0.0) },
            Problem { volatility: -1.0, ..paper(0.0) },
            Problem { quantity: f64::INFINITY, ..paper(0.0) },
        ] {
            assert!(matches!(problem.schedule(), Err(ScheduleError::Unsound { .. })), "{problem:?}");
        }
    }

    /// Estimates of γ and η from what each of so many random trades moved and paid.
    fn recovered(seed: u64, trades: u64, (permanent, temporary): (f64, f64)) -> (f64, f64) {
        // a minute of 390 in a day; half a cent of noise in what is paid
        let (period, volatility, half_spread, noise) = (1.0_f64 / 390.0, 0.3, 0.0625, 0.005);
        let (mut moved, mut paid) = (Rls::new(2, 1e12), Rls::new(2, 1e12));
        for at in 0..trades {
            let quantity = 40_000.0 * (uniform(seed_for(seed, "size"), at) - 0.5);
            let drawn = |purpose| normal(seed_for(seed, purpose), at);
            let fall = permanent * quantity + volatility * period.sqrt() * drawn("price");
            let cost =
                half_spread * quantity.signum() + temporary * quantity / period + noise * drawn("cost");
            moved.learn(&[1.0, quantity], fall, 1.0);
            paid.learn(&[quantity.signum(), quantity / period], cost, 1.0);
        }
        (moved.weights()[1], paid.weights()[1])
    }

    #[test]
    fn known_impacts_are_recovered_from_two_thousand_trades() {
        let known = (2.5e-6, 2.5e-6);
        for seed in 0..10 {
            let (permanent, temporary) = recovered(seed, 2_000, known);
            assert!((permanent / known.0 - 1.0).abs() < 0.05, "γ {permanent} of seed {seed}");
            assert!((temporary / known.1 - 1.0).abs() < 0.05, "η {temporary} of seed {seed}");
        }
        let (permanent, _) = recovered(0, 2_000, (0.0, known.1));
        assert!(permanent.abs() < 0.05 * known.0, "there is none to recover: {permanent}");
    }

    fn problems() -> impl Strategy<Value = Problem> {
        let sizes = (1.0f64..1e7, 0.01f64..10.0, 1u32..40);
        let market = (0.0f64..5.0, 0.0f64..0.1, 0.0f64..1e-6, 1e-5f64..1e-3);
        (sizes, market, -12.0f64..0.0).prop_map(|(size, market, power)| Problem {
            quantity: size.0,
            horizon: size.1,
            slices: size.2,
            volatility: market.0,
            half_spread: market.1,
            permanent: market.2,
            temporary: market.3,
            risk_aversion: libm::pow(10.0, power),
        })
    }

    proptest! {
        #[test]
        fn no_other_way_is_better(problem in problems(), at in 0usize..40, by in -0.5f64..0.5) {
            let best = problem.schedule().expect("a schedule");
            let objective = |(cost, variance): (f64, f64)| cost + problem.risk_aversion * variance;
            let value = objective((best.cost, best.variance));
            let mut other = best.trades.clone();
            let moved = by * problem.quantity;
            let (from, to) = (at % other.len(), (at + 1) % other.len());
            other[from] -= moved;
            other[to] += moved;
            let worse = objective(problem.worth(&other).expect("a cost"));
            prop_assert!(worse >= value - 1e-9 * value.abs(), "{} {}", worse, value);
        }

        #[test]
        fn along_the_frontier_cost_rises_as_risk_falls(problem in problems(), factor in 1.5f64..1e4) {
            let calm = problem.schedule().expect("a schedule");
            let averse = Problem { risk_aversion: factor * problem.risk_aversion, ..problem };
            let averse = averse.schedule().expect("a schedule");
            prop_assert!(averse.cost >= calm.cost * (1.0 - 1e-12));
            prop_assert!(averse.variance <= calm.variance * (1.0 + 1e-12));
            for (early, late) in averse.holdings.iter().zip(&calm.holdings) {
                prop_assert!(*early <= late + 1e-9 * problem.quantity, "it is loaded to the front");
            }
            prop_assert!(calm.trades.is_sorted_by(|a, b| a >= &(b - 1e-9 * problem.quantity)));
        }
    }
}
