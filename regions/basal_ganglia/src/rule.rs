//! The policy that ships: a plain rule on the book imbalance, written as Go and No-Go weights (R3).

use synapse::ModelCard;

use crate::pathways::{GoNoGo, Pathway};
use crate::region::BasalGangliaParams;

/// The rule "buy where more is bid than offered, sell where less" on the fused state.
///
/// With i the imbalance: Go buy = relu(gain · i), Go sell = relu(−gain · i), Go hold = bias; No-Go
/// buy = relu(−gain · i), No-Go sell = relu(gain · i), No-Go hold = 0. What speaks for buying speaks
/// as much against selling. `embed` gives the weights on the fused state of a rule over the
/// concatenation, which has `width` numbers and the imbalance at `imbalance_at`.
///
/// # Panics
/// If there is no number at `imbalance_at`.
pub fn imbalance_rule(
    params: &BasalGangliaParams,
    embed: impl Fn(&[f32]) -> Vec<f32>,
    width: usize,
    imbalance_at: usize,
) -> GoNoGo {
    let mut rule = vec![0.0; width];
    rule[imbalance_at] = params.gain;
    let with = embed(&rule);
    let against: Vec<f32> = with.iter().map(|w| -w).collect();
    let silent = vec![0.0; with.len()];
    let go = Pathway::new([&with[..], &against, &silent].concat(), vec![0.0, 0.0, params.hold_bias]);
    let no_go = Pathway::new([against, with, silent].concat(), vec![0.0; 3]);
    let card = ModelCard {
        name: "imbalance rule".to_owned(),
        trained: false,
        about: "buys where more is bid than offered at the best prices, sells where less".to_owned(),
    };
    GoNoGo::new(card, go, no_go)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pathways::tests::run;
    use proptest::prelude::*;
    use synapse::{Action, Model};

    /// A rotation of two inputs, so that no weight stands where the input did.
    fn rotate(x: &[f32]) -> Vec<f32> {
        vec![0.6 * x[0] - 0.8 * x[1], 0.8 * x[0] + 0.6 * x[1]]
    }

    fn rule(params: &BasalGangliaParams) -> GoNoGo {
        imbalance_rule(params, rotate, 2, 1)
    }

    #[test]
    fn the_rule_is_called_what_it_is() {
        let rule = rule(&BasalGangliaParams::default());
        assert_eq!((rule.card().name.as_str(), rule.card().trained), ("imbalance rule", false));
        assert_eq!((rule.inputs(), rule.outputs()), (2, 2 * Action::COUNT));
    }

    #[test]
    fn its_signals_are_those_of_the_imbalance_alone() {
        let params = BasalGangliaParams { gain: 4.0, hold_bias: 1.0, ..BasalGangliaParams::default() };
        for (imbalance, want) in [
            (0.5, [2.0, 0.0, 1.0, 0.0, 2.0, 0.0]),
            (-0.25, [0.0, 1.0, 1.0, 1.0, 0.0, 0.0]),
            (0.0, [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
        ] {
            let (signals, _, _) = run(&rule(&params), &rotate(&[0.0, imbalance]), 0.5);
            for (got, want) in signals.iter().zip(want) {
                assert!((got - want).abs() < 1e-6, "{imbalance}: {signals:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_mirror_image_swaps_buy_and_sell(h in prop::array::uniform2(-2.0f32..2.0), inhibition in 0.0f32..3.0) {
            let rule = rule(&BasalGangliaParams::default());
            let (_, _, policy) = run(&rule, &h, inhibition);
            let (_, _, mirrored) = run(&rule, &h.map(|x| -x), inhibition);
            prop_assert_eq!(policy[Action::Buy.index()], mirrored[Action::Sell.index()]);
            prop_assert!((policy[Action::Hold.index()] - mirrored[Action::Hold.index()]).abs() < 1e-6);
        }
    }
}
