//! The square-root law of market impact, the base of the forward model (42).

use serde::{Deserialize, Serialize};

/// I = Y · σ · √(Q / ADV): the price moves against an order by a share of the daily volatility that
/// grows with the root of its size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SquareRootLaw {
    /// The factor Y; 0.5 to 1 in most markets.
    pub coefficient: f64,
}

impl SquareRootLaw {
    /// The expected move of the price as a fraction of it, with the sign of the order.
    ///
    /// `quantity` is positive for a purchase and negative for a sale, `daily_volume` is in the same
    /// unit, `daily_volatility` is a fraction of the price. An order of nothing moves nothing. None
    /// where that is not known: a volume that is not positive, a volatility that is negative, or
    /// anything not finite.
    #[must_use]
    pub fn impact(&self, quantity: f64, daily_volume: f64, daily_volatility: f64) -> Option<f64> {
        if quantity == 0.0 {
            return Some(0.0);
        }
        if !(daily_volume > 0.0 && daily_volatility >= 0.0) {
            return None;
        }
        let share = quantity.abs() / daily_volume;
        let move_fraction = self.coefficient * daily_volatility * share.sqrt();
        move_fraction.is_finite().then_some(move_fraction.copysign(quantity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden;

    #[test]
    fn golden_square_root_law() {
        let mut run = 0;
        for case in golden::cases("15_") {
            if case.inputs["Q_ADV_sigma"].is_null() {
                continue;
            }
            let law = SquareRootLaw { coefficient: case.number("Y") };
            let orders = case.rows("Q_ADV_sigma");
            let impacts: Vec<f64> = orders
                .iter()
                .map(|order| law.impact(order[0], order[1], order[2]).expect("a known market"))
                .collect();
            case.check("impact_fraction", &impacts);
            run += 1;
        }
        assert!(run > 0, "no case of the square-root law");
    }

    #[test]
    fn what_is_not_known_has_no_forecast() {
        let law = SquareRootLaw { coefficient: 1.0 };
        for (quantity, volume, volatility) in [
            (1.0, 0.0, 0.01),
            (1.0, -5.0, 0.01),
            (1.0, f64::NAN, 0.01),
            (1.0, 1e6, f64::NAN),
            (1.0, 1e6, f64::INFINITY),
            (1.0, 1e6, -0.01),
            (f64::NAN, 1e6, 0.01),
            (f64::INFINITY, 1e6, 0.01),
        ] {
            assert_eq!(law.impact(quantity, volume, volatility), None);
        }
        assert_eq!(law.impact(0.0, 0.0, 0.01), Some(0.0));
    }

    proptest! {
        #[test]
        fn impact_is_odd_and_four_times_the_size_is_twice_the_move(
            quantity in 1e-6f64..1e9,
            volume in 1.0f64..1e12,
            volatility in 0.0f64..1.0,
        ) {
            let law = SquareRootLaw { coefficient: 0.7 };
            let of = |quantity| law.impact(quantity, volume, volatility).unwrap_or(f64::NAN);
            prop_assert_eq!(of(-quantity), -of(quantity));
            prop_assert!((of(4.0 * quantity) - 2.0 * of(quantity)).abs() <= 1e-12 * of(4.0 * quantity));
        }
    }
}
