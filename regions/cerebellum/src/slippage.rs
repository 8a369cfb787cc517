//! What an order did cost against the price at its decision.

/// What the fills of an order came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shortfall {
    /// The mean price, weighted by quantity.
    pub vwap: f64,
    /// What was lost against the arrival price, as a fraction of it; negative where it was gained.
    pub slippage: f64,
}

/// The implementation shortfall of fills (price, quantity) against the price on arrival.
///
/// `side_sign` is 1 for a purchase and −1 for a sale. None where nothing was filled or the arrival
/// price is not positive.
#[must_use]
pub fn shortfall(side_sign: f64, arrival: f64, fills: &[(f64, f64)]) -> Option<Shortfall> {
    let filled: f64 = fills.iter().map(|(_, quantity)| quantity).sum();
    // Summed as offsets from the arrival price, which keeps the digits that the cost is made of.
    let offset = fills.iter().map(|(price, quantity)| (price - arrival) * quantity).sum::<f64>() / filled;
    let known = arrival > 0.0 && filled > 0.0 && offset.is_finite();
    known.then_some(Shortfall { vwap: arrival + offset, slippage: side_sign * offset / arrival })
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
