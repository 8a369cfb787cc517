//! A sudden rise of volatility: σ_t > k·σ_baseline (9.5).

use serde::{Deserialize, Serialize};

use crate::counter::{Freeze, Reading};

/// When volatility is too high.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolatilityRule {
    /// Weight of the past in the present volatility, per sample (0.94).
    pub fast_decay: f64,
    /// Weight of the past in the baseline, per sample (0.999).
    pub slow_decay: f64,
    /// The baseline counts as at least this, in the unit of the returns.
    pub floor: f64,
    /// How many times the baseline is too much (3).
    pub multiple: f64,
    /// There is no limit before more returns than this were seen.
    pub warm_up: u64,
    /// The baseline stands still for at most this many excesses in a row.
    pub frozen_at_most: u32,
}

/// Two exponentially forgotten variances of the returns around zero, a quick and a slow one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Volatility {
    count: u64,
    fast_variance: f64,
    slow_variance: f64,
    freeze: Freeze,
}

impl Volatility {
    /// The present volatility, per sample, in the unit of the returns.
    #[must_use]
    pub fn sigma(&self) -> f64 {
        self.fast_variance.sqrt()
    }

    /// The baseline without its floor, per sample, in the unit of the returns.
    #[must_use]
    pub fn baseline(&self) -> f64 {
        self.slow_variance.sqrt()
    }

    /// Folds one return in: the present volatility first, which is then held against the baseline of
    /// the sample before. The baseline does not learn from what exceeds it. A return that is not
    /// finite changes nothing, and its reading is NaN.
    pub fn observe(&mut self, value: f64, rule: &VolatilityRule) -> Reading {
        let square = value * value;
        if !square.is_finite() {
            return Reading { value: f64::NAN, limit: None };
        }
        let first = self.count == 0;
        self.count += 1;
        let before = if first { square } else { self.fast_variance };
        self.fast_variance = decayed(before, square, rule.fast_decay);
        let reading = Reading { value: self.sigma(), limit: self.limit(rule) };
        if !self.freeze.holds(reading.exceeded(), rule.frozen_at_most) {
            let before = if first { square } else { self.slow_variance };
            self.slow_variance = decayed(before, square, rule.slow_decay);
        }
        reading
    }

    fn limit(&self, rule: &VolatilityRule) -> Option<f64> {
        let baseline = self.baseline().max(rule.floor);
        (self.count > rule.warm_up && baseline > 0.0).then_some(rule.multiple * baseline)
    }
}

fn decayed(before: f64, new: f64, decay: f64) -> f64 {
    decay * before + (1.0 - decay) * new
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden;

    const RULE: VolatilityRule = VolatilityRule {
        fast_decay: 0.94,
        slow_decay: 0.999,
        floor: 0.0,
        multiple: 3.0,
        warm_up: 20,
        frozen_at_most: 240,
    };

    #[test]
    fn golden_volatility_spike() {
        let expected = "sigma_baseline";
        for case in golden::cases("16_").iter().filter(|c| c.expected.get(expected).is_some()) {
            let rule = VolatilityRule {
                fast_decay: case.number("lambda_fast"),
                slow_decay: case.number("lambda_slow"),
                floor: 0.0,
                multiple: case.number("k"),
                warm_up: case.number("warmup") as u64,
                frozen_at_most: u32::MAX,
            };
            let mut volatility = Volatility::default();
            let (mut sigma, mut baseline, mut trip) = (Vec::new(), Vec::new(), Vec::new());
            for r in case.input("r") {
                let reading = volatility.observe(r, &rule);
                sigma.push(reading.value);
                baseline.push(volatility.baseline());
                trip.push(f64::from(u8::from(reading.exceeded())));
            }
            case.check("sigma_fast", &sigma);
            case.check("sigma_baseline", &baseline);
            case.check("trip", &trip);
        }
    }

    #[test]
    fn a_still_market_has_no_limit_until_it_moves_but_a_floor_is_one() {
        let mut volatility = Volatility::default();
        for _ in 0..100 {
            assert_eq!(volatility.observe(0.0, &RULE), Reading { value: 0.0, limit: None });
        }
        let floored = VolatilityRule { floor: 0.5, ..RULE };
        assert_eq!(volatility.observe(0.0, &floored).limit, Some(1.5));
    }

    #[test]
    fn what_is_not_finite_changes_nothing_and_exceeds() {
        let mut volatility = Volatility::default();
        volatility.observe(1.0, &RULE);
        let before = volatility;
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e200] {
            assert!(volatility.observe(value, &RULE).exceeded());
            assert_eq!(volatility, before);
        }
    }

    #[test]
    fn a_new_regime_is_not_an_alarm_for_ever() {
        let run = |frozen_at_most: u32| {
            let rule = VolatilityRule { frozen_at_most, ..RULE };
            let mut volatility = Volatility::default();
            for t in 0..2000 {
                volatility.observe(if t < 100 { 1.0 } else { 10.0 }, &rule);
            }
            volatility.observe(10.0, &rule).exceeded()
        };
        assert!(run(u32::MAX));
        assert!(!run(240));
    }

    proptest! {
        #[test]
        fn the_unit_of_the_returns_does_not_matter(
            returns in prop::collection::vec(-1.0..1.0f64, 1..200),
            exponent in -20..20i32,
        ) {
            let unit = 2f64.powi(exponent);
            let (mut here, mut there) = (Volatility::default(), Volatility::default());
            for r in returns {
                let (a, b) = (here.observe(r, &RULE), there.observe(r * unit, &RULE));
                prop_assert_eq!(a.exceeded(), b.exceeded());
                prop_assert_eq!(a.value * unit, b.value);
            }
        }
    }
}
