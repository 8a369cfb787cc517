//! What an order did cost against the price at its decision.

use serde::{Deserialize, Serialize};

/// What the fills of an order came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shortfall {
    /// The mean price, weighted by quantity.
    pub vwap: f64,
    /// What was lost against the arrival price, as a fraction of it; negative where it was gained.
    pub slippage: f64,
}

/// The shortfall of an order whose fills come one by one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    arrival: f64,
    filled: f64,
    /// Σ (price − arrival) · quantity: offsets keep the digits that the cost is made of.
    offset: f64,
}

impl Measure {
    /// Nothing filled yet, of an order that was decided at this price.
    #[must_use]
    pub const fn new(arrival: f64) -> Self {
        Self { arrival, filled: 0.0, offset: 0.0 }
    }

    /// Adds a fill.
    pub fn add(&mut self, price: f64, quantity: f64) {
        self.filled += quantity;
        self.offset += (price - self.arrival) * quantity;
    }

    /// What was filled so far.
    #[must_use]
    pub const fn filled(&self) -> f64 {
        self.filled
    }

    /// What the fills came to; `side_sign` is 1 for a purchase and −1 for a sale. None where nothing was
    /// filled or the arrival price is not positive.
    #[must_use]
    pub fn shortfall(&self, side_sign: f64) -> Option<Shortfall> {
        let offset = self.offset / self.filled;
        let known = self.arrival > 0.0 && self.filled > 0.0 && offset.is_finite();
        known
            .then_some(Shortfall { vwap: self.arrival + offset, slippage: side_sign * offset / self.arrival })
    }
}

/// The implementation shortfall of fills (price, quantity) against the price on arrival.
///
/// As [`Measure::shortfall`].
#[must_use]
pub fn shortfall(side_sign: f64, arrival: f64, fills: &[(f64, f64)]) -> Option<Shortfall> {
    let mut measure = Measure::new(arrival);
    fills.iter().for_each(|(price, quantity)| measure.add(*price, *quantity));
    measure.shortfall(side_sign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden::{self, Case};

    fn golden_shortfall(case: &Case) {
        let side_sign = if case.inputs["side"] == "buy" { 1.0 } else { -1.0 };
        let fills: Vec<(f64, f64)> = case.rows("fills").iter().map(|f| (f[0], f[1])).collect();
        let shortfall = shortfall(side_sign, case.number("arrival"), &fills).expect("fills");
        case.check("vwap", &[shortfall.vwap]);
        case.check("slippage_fraction", &[shortfall.slippage]);
    }

    #[test]
    fn golden_slippage() {
        let mut measured = 0;
        for case in golden::cases("15_") {
            let given = |key: &str| !case.inputs[key].is_null();
            if given("fills") {
                golden_shortfall(&case);
                measured += 1;
            } else {
                let other = ["slip_vol_lambda", "Q_ADV_sigma", "eta"].into_iter().any(given);
                assert!(other, "{}: a case of no known kind", case.name);
            }
        }
        assert!(measured > 0, "no case of slippage");
    }

    #[test]
    fn nothing_filled_has_no_shortfall() {
        assert_eq!(shortfall(1.0, 100.0, &[]), None);
        assert_eq!(shortfall(1.0, 0.0, &[(1.0, 1.0)]), None);
        assert_eq!(shortfall(1.0, f64::NAN, &[(1.0, 1.0)]), None);
        assert_eq!(shortfall(1.0, 100.0, &[(f64::NAN, 1.0)]), None);
    }

    proptest! {
        #[test]
        fn buyer_and_seller_lose_what_the_other_gains(
            arrival in 1.0f64..1e5,
            fills in prop::collection::vec((1.0f64..1e5, 1e-3f64..1e3), 1..9),
        ) {
            let of = |sign| shortfall(sign, arrival, &fills).expect("fills");
            prop_assert_eq!(of(1.0).slippage, -of(-1.0).slippage);
            let best = fills.iter().map(|f| f.0).fold(f64::INFINITY, f64::min);
            let worst = fills.iter().map(|f| f.0).fold(0.0, f64::max);
            let vwap = of(1.0).vwap;
            prop_assert!(vwap >= best - 1e-9 * arrival && vwap <= worst + 1e-9 * worst.max(arrival));
        }
    }
}
