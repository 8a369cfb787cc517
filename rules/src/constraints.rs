//! Weighted constraints and how well all of them are kept (46, 47, 50), and the soft truth of the
//! slippage rule (17). These numbers are for training, audit and explanation; they decide nothing.

use serde::{Deserialize, Serialize};

use crate::logic::sigmoid;

/// Why weights do not make a set of constraints.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum WeightError {
    /// A weight is negative or not finite.
    #[error("weight {index} is {weight}: give a finite number of at least 0")]
    Invalid {
        /// Its place.
        index: usize,
        /// The weight.
        weight: f64,
    },
    /// The weights sum to 0, or there is none.
    #[error("the weights sum to 0: give one constraint a weight above 0")]
    Weightless,
}

/// The weighted satisfaction Σ w P / Σ w of constraints, each the pair (w, P); 1 where none is given,
/// as nothing was asked for. The weights are such as [`Constraints::new`] accepts.
#[must_use]
pub fn satisfaction(weighted: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let (mut kept, mut total, mut none) = (0.0, 0.0, true);
    for (weight, truth) in weighted {
        (kept, total, none) = (kept + evaluation(weight, truth), total + weight, false);
    }
    if none { 1.0 } else { kept / total }
}

/// Eval of a constraint (47): w · P.
#[must_use]
pub fn evaluation(weight: f64, truth: f64) -> f64 {
    weight * truth
}

/// The weights of constraints C_k = (P_k, w_k) (46); the truths of the predicates P_k come with each
/// state, in the same order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Constraints {
    weights: Vec<f64>,
}

impl Constraints {
    /// Constraints of these weights.
    ///
    /// # Errors
    /// If a weight is negative or not finite, or all are 0.
    pub fn new(weights: Vec<f64>) -> Result<Self, WeightError> {
        for (index, &weight) in weights.iter().enumerate() {
            if !(weight >= 0.0 && weight.is_finite()) {
                return Err(WeightError::Invalid { index, weight });
            }
        }
        if weights.iter().any(|&weight| weight > 0.0) {
            Ok(Self { weights })
        } else {
            Err(WeightError::Weightless)
        }
    }

    /// The loss 1 − Σ w P / Σ w: (50) divided by the sum of the weights, not by their number, so
    /// that it keeps to [0, 1] whatever the weights.
    ///
    /// # Panics
    /// If there is not one truth a constraint.
    #[must_use]
    pub fn loss(&self, truths: &[f64]) -> f64 {
        assert_eq!(truths.len(), self.weights.len(), "one truth a constraint");
        1.0 - satisfaction(self.weights.iter().copied().zip(truths.iter().copied()))
    }
}

/// The least truth, whatever its weight: the mean of (50) hides it. Not a number if one is not; 1
/// of none.
#[must_use]
pub fn least_truth(truths: &[f64]) -> f64 {
    let lesser = |a: f64, b: f64| if a.is_nan() || a <= b { a } else { b };
    truths.iter().copied().fold(1.0, lesser)
}

/// The soft truth of slippage < slip multiple × volatility (17): ½ at the limit, a sigmoid of the
/// distance from it in units of the limit, as steep as `steepness` (10 by default).
///
/// Slippage and volatility are fractions of the price over the same horizon. Where nothing is
/// allowed (no volatility) only a slippage of nothing or a gain is true; what is not a number is
/// false.
#[must_use]
pub fn slippage_truth(slippage: f64, volatility: f64, slip_mult: f64, steepness: f64) -> f64 {
    let limit = slip_mult * volatility;
    // below nothing no less is allowed than at nothing; the maximum alone would hide what is no number
    at_most_truth(slippage, if limit <= 0.0 { 0.0 } else { limit }, steepness)
}

/// The soft truth of value ≤ bound: that of the margin in units of the bound's size, whatever its sign. Where
/// the bound is 0 only what keeps it is true; what is not a number is false.
#[must_use]
pub fn at_most_truth(value: f64, bound: f64, steepness: f64) -> f64 {
    if bound == 0.0 {
        return if value <= 0.0 { 1.0 } else { 0.0 };
    }
    margin_truth(bound - value, bound.abs(), steepness)
}

/// The soft truth of a margin to a bound (46): ½ where nothing is left, a sigmoid of the margin in
/// units of the bound; 0 for what is not finite.
#[must_use]
pub fn margin_truth(margin: f64, bound: f64, steepness: f64) -> f64 {
    if margin.is_finite() && bound > 0.0 { sigmoid(steepness * margin / bound) } else { 0.0 }
}

/// Whether slippage < slip multiple × volatility, strictly (17): the form that enforcement uses.
#[must_use]
pub fn slippage_holds(slippage: f64, volatility: f64, slip_mult: f64) -> bool {
    slippage < slip_mult * volatility
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden::{self, Case};

    /// (50) as it stands in the specification: divided by the number of constraints.
    fn literal_loss(evaluations: &[f64]) -> f64 {
        1.0 - evaluations.iter().sum::<f64>() / evaluations.len() as f64
    }

    fn golden_loss(case: &Case) {
        let (weights, truths) = (case.input("w"), case.input("P"));
        let evaluations: Vec<f64> = weights.iter().zip(&truths).map(|(&w, &p)| evaluation(w, p)).collect();
        let constraints = Constraints::new(weights).expect("weights");
        case.check("L_adopted_weight_normalised", &[constraints.loss(&truths)]);
        case.check("L_literal_eq50", &[literal_loss(&evaluations)]);
        let expects = |key: &str| !case.expected[key].is_null();
        if expects("eval_eq47") {
            case.check("eval_eq47", &evaluations);
        }
        if expects("min_unweighted") {
            case.check("min_unweighted", &[least_truth(&truths)]);
        }
    }

    fn golden_slippage(case: &Case) {
        let (volatility, slip_mult) = (case.number("volatility"), case.number("lam"));
        let slippages = case.input("slippage");
        let soft = |&s: &f64| slippage_truth(s, volatility, slip_mult, case.number("k"));
        let crisp = |&s: &f64| f64::from(u8::from(slippage_holds(s, volatility, slip_mult)));
        case.check("truth", &slippages.iter().map(soft).collect::<Vec<_>>());
        case.check("crisp", &slippages.iter().map(crisp).collect::<Vec<_>>());
    }

    #[test]
    fn golden_constraints() {
        let (mut losses, mut slippages) = (0, 0);
        for case in golden::cases("06_") {
            let given = |key: &str| !case.inputs[key].is_null();
            if given("w") {
                golden_loss(&case);
                losses += 1;
            } else if given("slippage") {
                golden_slippage(&case);
                slippages += 1;
            } else {
                let elsewhere = ["uv", "u", "x", "phi", "trades"].into_iter().any(given);
                assert!(elsewhere, "{}: a case of no known kind", case.name);
            }
        }
        assert!(losses > 0 && slippages > 0, "a kind of case is missing");
    }

    #[test]
    fn golden_slippage_of_orders() {
        let mut run = 0;
        for case in golden::cases("15_").iter().filter(|case| !case.inputs["slip_vol_lambda"].is_null()) {
            let holds = |order: &Vec<f64>| f64::from(u8::from(slippage_holds(order[0], order[1], order[2])));
            case.check("ok", &case.rows("slip_vol_lambda").iter().map(holds).collect::<Vec<_>>());
            run += 1;
        }
        assert!(run > 0, "no case of the slippage rule");
    }

    #[test]
    fn weights_that_weigh_nothing_are_refused() {
        let refused = |weights: &[f64]| Constraints::new(weights.to_vec()).err();
        assert_eq!(refused(&[]), Some(WeightError::Weightless));
        assert_eq!(refused(&[0.0, 0.0]), Some(WeightError::Weightless));
        assert_eq!(refused(&[1.0, -0.5]), Some(WeightError::Invalid { index: 1, weight: -0.5 }));
        assert!(refused(&[f64::NAN]).is_some() && refused(&[f64::INFINITY]).is_some());
    }

    #[test]
    fn nothing_asked_for_is_satisfied() {
        assert_eq!(satisfaction([]), 1.0);
    }

    #[test]
    fn without_volatility_only_no_slippage_is_true() {
        assert_eq!(slippage_truth(0.0, 0.0, 2.0, 10.0), 1.0);
        assert_eq!(slippage_truth(-0.1, 0.0, 2.0, 10.0), 1.0);
        assert_eq!(slippage_truth(1e-9, 0.0, 2.0, 10.0), 0.0);
    }

    #[test]
    fn what_is_not_a_number_is_not_true() {
        assert_eq!(slippage_truth(f64::NAN, 0.01, 2.0, 10.0), 0.0);
        assert_eq!(slippage_truth(-1.0, f64::NAN, 2.0, 10.0), 0.0);
        assert!(!slippage_holds(f64::NAN, 0.01, 2.0));
        assert!(least_truth(&[0.5, f64::NAN, 0.1]).is_nan());
        assert!(Constraints::new(vec![1.0]).expect("weights").loss(&[f64::NAN]).is_nan());
    }

    proptest! {
        #[test]
        fn the_loss_keeps_to_its_range_and_ignores_the_scale_of_weights(
            pairs in prop::collection::vec((0.01f64..100.0, 0.0f64..=1.0), 1..12),
            scale in 0.01f64..100.0,
        ) {
            let (weights, truths): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let scaled = weights.iter().map(|w| w * scale).collect();
            let loss = Constraints::new(weights).expect("weights").loss(&truths);
            prop_assert!((-1e-12..=1.0).contains(&loss));
            prop_assert!((loss - Constraints::new(scaled).expect("weights").loss(&truths)).abs() < 1e-12);
            prop_assert!(loss <= 1.0 - least_truth(&truths) + 1e-12);
        }

        #[test]
        fn soft_and_crisp_bounds_agree_on_the_side(value in -1e6f64..1e6, bound in -1e6f64..1e6) {
            let soft = at_most_truth(value, bound, 10.0);
            prop_assert!((0.0..=1.0).contains(&soft));
            prop_assume!((value - bound).abs() > 1e-9 * bound.abs());
            prop_assert_eq!(soft > 0.5, value <= bound);
        }

        #[test]
        fn soft_and_crisp_slippage_agree_on_the_side(
            slippage in -0.1f64..0.1,
            volatility in 1e-4f64..0.1,
        ) {
            let soft = slippage_truth(slippage, volatility, 2.0, 10.0);
            prop_assert!((0.0..=1.0).contains(&soft));
            prop_assume!((slippage - 2.0 * volatility).abs() > 1e-12);
            prop_assert_eq!(soft > 0.5, slippage_holds(slippage, volatility, 2.0));
        }
    }
}
