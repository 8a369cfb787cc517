//! Execution algorithms: how the way to a target is divided over time, as a [`Plan`] in whole lots.
//!
//! Each is a pure function of the parent order and its market. What releases the children, and sees to it
//! that they never add up to more than the parent, is prefrontal.

use std::fmt;
use std::str::FromStr;

use market::Quantity;
use market::params::{Param, Value};
use serde::{Deserialize, Serialize};
use synapse::Plan;

use crate::almgren_chriss::{Problem, ScheduleError};

const SECOND_NS: i64 = 1_000_000_000;
const SECONDS_PER_DAY: f64 = 86_400.0;

/// How the way to a target is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// By one order.
    #[default]
    AtOnce,
    /// In equal slices at equal distances.
    Twap,
    /// In the slices of Almgren and Chriss (2000): the more averse to risk, the earlier.
    AlmgrenChriss,
    /// As a share of what the market trades.
    Pov,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::AtOnce, Self::Twap, Self::AlmgrenChriss, Self::Pov];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtOnce => "at_once",
            Self::Twap => "twap",
            Self::AlmgrenChriss => "almgren_chriss",
            Self::Pov => "pov",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == text).ok_or(())
    }
}

impl Param for Algorithm {
    const KIND: &'static str = "name, one of at_once, twap, almgren_chriss and pov";
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
    fn write(&self) -> Value {
        Value::Text(self.name().to_owned())
    }
    fn measure(&self) -> Option<f64> {
        None
    }
}

/// How parent orders are divided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// By which algorithm.
    pub algorithm: Algorithm,
    /// How long a parent order may take, seconds.
    pub horizon_s: u32,
    /// In how many slices.
    pub slices: u32,
    /// The share of the market's volume that a participating order takes.
    pub participation: f64,
    /// λ of Almgren and Chriss, in 1/currency.
    pub risk_aversion: f64,
    /// γ, how far a unit of the instrument moves the price for good, in currency; 0 derives it.
    pub permanent: f64,
    /// η, how far a unit of the instrument a day moves the price of its own trade, in currency; 0 derives it.
    pub temporary: f64,
    /// A parent order of fewer lots goes at once.
    pub least_lots: u32,
}

/// What an instrument's market is like, in currency a unit of the instrument.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarketState {
    /// The smallest quantity step.
    pub lot: Quantity,
    /// Half the spread.
    pub half_spread: f64,
    /// The standard deviation of the price over a day; absent where it is not known.
    pub daily_volatility: Option<f64>,
    /// What is traded in a day, in units of the instrument.
    pub daily_volume: f64,
}

impl Pace {
    /// How a parent order of `quantity`, in whole lots, is divided; none where it goes at once.
    ///
    /// # Errors
    /// [`ScheduleError`] where the impacts that are configured have no best schedule.
    pub fn plan(&self, quantity: Quantity, market: &MarketState) -> Result<Option<Plan>, ScheduleError> {
        let lots = quantity.units() / market.lot.units().max(1);
        if lots < i64::from(self.least_lots.max(2)) {
            return Ok(None);
        }
        Ok(match self.algorithm {
            Algorithm::AtOnce => None,
            Algorithm::Twap => Some(self.trajectory(&self.even(), quantity, market.lot)),
            Algorithm::AlmgrenChriss => {
                let trades = self.averse(quantity, market)?.unwrap_or_else(|| self.even());
                Some(self.trajectory(&trades, quantity, market.lot))
            }
            Algorithm::Pov => {
                Some(Plan::Participation { rate: self.participation, end_ns: self.horizon_ns() })
            }
        })
    }

    /// The impacts γ and η: as configured; else by the rule of thumb of Almgren and Chriss, section 3.4:
    /// the price moves by a whole spread for good with a tenth of the daily volume, and for each hundredth
    /// of the daily volume that is traded a day.
    #[must_use]
    pub fn impacts(&self, market: &MarketState) -> (f64, f64) {
        let spread_a_unit = 2.0 * market.half_spread / market.daily_volume;
        let given = |configured: f64, derived: f64| if configured > 0.0 { configured } else { derived };
        (given(self.permanent, 10.0 * spread_a_unit), given(self.temporary, 100.0 * spread_a_unit))
    }

    /// The trades of Almgren and Chriss; none where volatility or volume is not known, for then it is not
    /// known what waiting risks, and slices are even.
    fn averse(&self, quantity: Quantity, market: &MarketState) -> Result<Option<Vec<f64>>, ScheduleError> {
        let Some(volatility) = market.daily_volatility.filter(|_| market.daily_volume > 0.0) else {
            return Ok(None);
        };
        let (permanent, temporary) = self.impacts(market);
        let problem = Problem {
            quantity: quantity.to_f64(),
            horizon: f64::from(self.horizon_s) / SECONDS_PER_DAY,
            slices: self.slices,
            volatility,
            half_spread: market.half_spread,
            permanent,
            temporary,
            risk_aversion: self.risk_aversion,
        };
        Ok(Some(problem.schedule()?.trades))
    }

    fn even(&self) -> Vec<f64> {
        vec![1.0; self.slices as usize]
    }

    fn trajectory(&self, trades: &[f64], quantity: Quantity, lot: Quantity) -> Plan {
        let step = lot.units().max(1);
        let lots = largest_remainder(trades, quantity.units().unsigned_abs() / step.unsigned_abs());
        let mut sum = 0_i64;
        let cumulative = lots.iter().map(|lots| {
            sum += *lots as i64 * step;
            Quantity::from_units(sum)
        });
        let slices = i64::try_from(trades.len()).unwrap_or(i64::MAX).max(1);
        Plan::Trajectory { period_ns: (self.horizon_ns() / slices).max(1), cumulative: cumulative.collect() }
    }

    fn horizon_ns(&self) -> i64 {
        i64::from(self.horizon_s) * SECOND_NS
    }
}

/// `total` divided in proportion to weights that are not negative, by the largest remainder (Hamilton), so
/// that the parts are whole and add up to it; of equal remainders the earlier is larger.
#[must_use]
pub fn largest_remainder(weights: &[f64], total: u64) -> Vec<u64> {
    let sum: f64 = weights.iter().sum();
    let exact = |weight: &f64| if sum > 0.0 { weight / sum * total as f64 } else { 0.0 };
    let mut left = total;
    let mut parts: Vec<u64> = weights
        .iter()
        .map(|weight| {
            // a share beyond 2^53 may be rounded up: no more is given than there is
            let part = (exact(weight) as u64).min(left);
            left -= part;
            part
        })
        .collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    let remainder = |at: usize| exact(&weights[at]) - parts[at] as f64;
    let remainders: Vec<f64> = order.iter().map(|at| remainder(*at)).collect();
    order.sort_by(|a, b| remainders[*b].total_cmp(&remainders[*a]));
    let count = weights.len().max(1) as u64;
    for (place, at) in order.into_iter().enumerate() {
        parts[at] += left / count + u64::from((place as u64) < left % count);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOT: Quantity = Quantity::from_units(1_000_000);

    fn lots(count: i64) -> Quantity {
        Quantity::from_units(count * LOT.units())
    }

    fn pace(algorithm: Algorithm) -> Pace {
        Pace {
            algorithm,
            horizon_s: 60,
            slices: 4,
            participation: 0.1,
            risk_aversion: 1e-6,
            permanent: 0.0,
            temporary: 0.0,
            least_lots: 10,
        }
    }

    fn market() -> MarketState {
        MarketState { lot: LOT, half_spread: 0.02, daily_volatility: Some(2.0), daily_volume: 10_000.0 }
    }

    fn plan(pace: &Pace, quantity: Quantity) -> Option<Plan> {
        pace.plan(quantity, &market()).expect("a plan")
    }

    fn slices(plan: Option<Plan>) -> Vec<i64> {
        match plan {
            Some(Plan::Trajectory { cumulative, .. }) => {
                let units: Vec<i64> = cumulative.iter().map(|sum| sum.units() / LOT.units()).collect();
                std::iter::once(units[0]).chain(units.windows(2).map(|pair| pair[1] - pair[0])).collect()
            }
            other => panic!("no trajectory: {other:?}"),
        }
    }

    #[test]
    fn at_once_and_small_orders_have_no_plan() {
        assert_eq!(plan(&pace(Algorithm::AtOnce), lots(1_000)), None);
        assert_eq!(plan(&pace(Algorithm::Twap), lots(9)), None);
        assert!(plan(&pace(Algorithm::Twap), lots(10)).is_some());
        let eager = Pace { least_lots: 0, ..pace(Algorithm::Twap) };
        assert_eq!(plan(&eager, lots(1)), None, "one lot cannot be divided");
    }

    #[test]
    fn twap_is_even_and_starts_at_once() {
        let plan = plan(&pace(Algorithm::Twap), lots(10));
        assert_eq!(slices(plan.clone()), [3, 3, 2, 2]);
        let plan = plan.expect("a plan");
        assert_eq!(plan.end_ns(), 45 * SECOND_NS);
        assert_eq!(plan.due(lots(10), 0, 0.0, LOT), lots(3));
    }

    #[test]
    fn aversion_to_risk_loads_almgren_and_chriss_to_the_front() {
        let with = |risk_aversion| {
            slices(plan(&Pace { risk_aversion, ..pace(Algorithm::AlmgrenChriss) }, lots(100)))
        };
        assert_eq!(with(0.0), [25; 4]);
        assert_eq!(with(1e9), [100, 0, 0, 0]);
        let between = with(500.0);
        assert!(between.is_sorted_by(|a, b| a > b), "{between:?}");
        assert_eq!(between.iter().sum::<i64>(), 100);
    }

    #[test]
    fn what_waiting_risks_is_not_known_without_volatility_or_volume() {
        let averse = Pace { risk_aversion: 1e9, ..pace(Algorithm::AlmgrenChriss) };
        for market in [
            MarketState { daily_volatility: None, ..market() },
            MarketState { daily_volume: 0.0, ..market() },
        ] {
            assert_eq!(slices(averse.plan(lots(100), &market).expect("a plan")), [25; 4], "{market:?}");
        }
    }

    #[test]
    fn impacts_are_derived_as_in_the_paper_unless_they_are_given() {
        // a spread of 1/8, a median daily volume of 5 million shares
        let paper = MarketState { half_spread: 0.0625, daily_volume: 5e6, ..market() };
        let (permanent, temporary) = pace(Algorithm::AlmgrenChriss).impacts(&paper);
        assert!((permanent - 2.5e-7).abs() < 1e-18 && (temporary - 2.5e-6).abs() < 1e-17);
        let given = Pace { permanent: 1e-9, temporary: 2e-9, ..pace(Algorithm::AlmgrenChriss) };
        assert_eq!(given.impacts(&paper), (1e-9, 2e-9));
        let bad = Pace { permanent: 1.0, temporary: 1e-9, ..pace(Algorithm::AlmgrenChriss) };
        assert!(matches!(bad.plan(lots(100), &paper), Err(ScheduleError::NotConvex { .. })));
    }

    #[test]
    fn participation_is_a_share_until_the_horizon() {
        let plan = plan(&pace(Algorithm::Pov), lots(100));
        assert_eq!(plan, Some(Plan::Participation { rate: 0.1, end_ns: 60 * SECOND_NS }));
    }

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::read(&algorithm.write()), Some(algorithm));
        }
        assert_eq!(Algorithm::read(&Value::Text("vwap".into())), None);
        assert_eq!(Algorithm::read(&Value::Int(1)), None);
    }

    #[test]
    fn remainders_go_to_the_largest_and_of_equal_ones_to_the_earlier() {
        assert_eq!(largest_remainder(&[1.0, 1.0, 1.0], 10), [4, 3, 3]);
        assert_eq!(largest_remainder(&[0.44, 0.35, 0.21], 10), [4, 4, 2]);
        assert_eq!(largest_remainder(&[0.0, 0.0], 3), [2, 1], "nothing to go by");
        assert_eq!(largest_remainder(&[], 3), [0; 0]);
    }

    proptest! {
        #[test]
        fn parts_add_up_and_are_within_one_of_the_exact(
            weights in prop::collection::vec(0.0f64..1.0, 1..60),
            total in prop_oneof![0u64..1_000_000, any::<u64>()],
        ) {
            prop_assume!(weights.iter().sum::<f64>() > 0.0);
            let parts = largest_remainder(&weights, total);
            prop_assert_eq!(parts.iter().map(|part| u128::from(*part)).sum::<u128>(), u128::from(total));
            let sum: f64 = weights.iter().sum();
            if total < 1 << 40 {
                for (part, weight) in parts.iter().zip(&weights) {
                    prop_assert!((*part as f64 - weight / sum * total as f64).abs() <= 1.0 + 1e-3);
                }
            }
        }

        #[test]
        fn every_plan_ends_with_all_of_it_in_whole_lots(
            algorithm in prop::sample::select(Algorithm::ALL.to_vec()),
            count in 2i64..1_000_000_000,
            (slices, horizon_s) in (1u32..100, 1u32..86_400),
            risk_aversion in 0.0f64..1e3,
        ) {
            let pace = Pace { slices, horizon_s, risk_aversion, least_lots: 2, ..pace(algorithm) };
            let Some(plan) = plan(&pace, lots(count)) else {
                prop_assert_eq!(algorithm, Algorithm::AtOnce);
                return Ok(());
            };
            if let Plan::Trajectory { cumulative, .. } = &plan {
                prop_assert_eq!(cumulative.last(), Some(&lots(count)));
                prop_assert!(cumulative.is_sorted());
                prop_assert!(cumulative.iter().all(|sum| sum.units() % LOT.units() == 0));
            }
            prop_assert!(plan.end_ns() <= i64::from(horizon_s) * SECOND_NS);
            prop_assert_eq!(plan.due(lots(count), plan.end_ns(), 0.0, LOT), lots(count));
        }
    }
}
