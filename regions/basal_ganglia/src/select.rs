//! From a policy to an action.

use serde::{Deserialize, Serialize};
use synapse::Action;

/// Why an action was selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The policy is clearly for it.
    Preferred,
    /// Held: the best action leads the second by less than the margin.
    Margin,
    /// Held: two actions are best, or the policy is not a number.
    Undecided,
    /// Held: the best action is not permitted.
    Forbidden,
}

/// The best action of a policy and how clearly it is the best.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lead {
    /// Its place in the policy; the first of the best where several are.
    pub winner: usize,
    /// Its probability less that of the second best: 0 where several are best, not a number where a
    /// probability is not.
    pub over_second: f32,
}

/// An action and why.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// What to do.
    pub action: Action,
    /// Why.
    pub cause: Cause,
    /// The best action of the policy, which may be another.
    pub lead: Lead,
}

/// The best action of a policy.
#[must_use]
pub fn lead(policy: &[f32]) -> Lead {
    let (mut winner, mut best, mut second) = (0, f32::NEG_INFINITY, f32::NEG_INFINITY);
    for (place, &probability) in policy.iter().enumerate() {
        if probability.is_nan() {
            return Lead { winner: place, over_second: f32::NAN };
        }
        if probability > best {
            (winner, best, second) = (place, probability, best);
        } else {
            second = second.max(probability);
        }
    }
    Lead { winner, over_second: best - second }
}

/// Selects the policy's best action if it leads by at least `margin` and is permitted; else holds.
///
/// Two silent pathways give a uniform policy, so without a margin an order would be the toss of a
/// coin; where several actions are best, it holds even so. No-Go cannot forbid (a probability is
/// never 0), so what must not be done is masked here; holding always may be done.
#[must_use]
pub fn select(policy: &[f32; Action::COUNT], margin: f32, permitted: [bool; Action::COUNT]) -> Selection {
    let lead = lead(policy);
    let best = Action::ALL[lead.winner];
    // Each test is true only of numbers: what is not a number is held.
    let decided = lead.over_second > 0.0;
    let clear = lead.over_second >= margin;
    let (action, cause) = match best {
        _ if !decided => (Action::Hold, Cause::Undecided),
        Action::Hold => (Action::Hold, Cause::Preferred),
        _ if !clear => (Action::Hold, Cause::Margin),
        _ if !permitted[lead.winner] => (Action::Hold, Cause::Forbidden),
        _ => (best, Cause::Preferred),
    };
    Selection { action, cause, lead }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ANY: [bool; 3] = [true; 3];

    fn selected(policy: [f32; 3], margin: f32, permitted: [bool; 3]) -> (Action, Cause) {
        let Selection { action, cause, .. } = select(&policy, margin, permitted);
        (action, cause)
    }

    #[test]
    fn an_action_needs_its_margin() {
        assert_eq!(selected([0.5, 0.25, 0.25], 0.25, ANY), (Action::Buy, Cause::Preferred));
        assert_eq!(selected([0.25, 0.5, 0.25], 0.25, ANY), (Action::Sell, Cause::Preferred));
        assert_eq!(selected([0.5, 0.25, 0.25], 0.26, ANY), (Action::Hold, Cause::Margin));
        assert_eq!(selected([0.2, 0.2, 0.6], 0.9, ANY), (Action::Hold, Cause::Preferred));
    }

    #[test]
    fn a_tie_holds_even_without_a_margin() {
        assert_eq!(selected([0.4, 0.4, 0.2], 0.0, ANY), (Action::Hold, Cause::Undecided));
        assert_eq!(selected([0.4, 0.2, 0.4], 0.0, ANY), (Action::Hold, Cause::Undecided));
        assert_eq!(selected([1.0 / 3.0; 3], 0.0, ANY), (Action::Hold, Cause::Undecided));
    }

    #[test]
    fn what_is_masked_is_not_done_nor_replaced() {
        let permitted = [false, true, true];
        assert_eq!(selected([0.6, 0.4, 0.0], 0.0, permitted), (Action::Hold, Cause::Forbidden));
        assert_eq!(selected([0.0, 0.4, 0.6], 0.0, [true, true, false]).0, Action::Hold);
    }

    #[test]
    fn the_lead_is_told_even_when_held() {
        let selection = select(&[0.25, 0.5, 0.25], 0.3, ANY);
        assert_eq!(selection.action, Action::Hold);
        assert_eq!(selection.lead, Lead { winner: Action::Sell.index(), over_second: 0.25 });
    }

    #[test]
    fn what_is_not_a_number_holds() {
        assert_eq!(selected([f32::NAN, 0.9, 0.0], 0.1, ANY), (Action::Hold, Cause::Undecided));
        assert_eq!(selected([0.9, 0.1, 0.0], f32::NAN, ANY), (Action::Hold, Cause::Margin));
    }

    proptest! {
        #[test]
        fn only_a_permitted_unique_winner_is_ever_done(
            policy in prop::array::uniform3(prop::sample::select(vec![0.0f32, 0.2, 0.3, 0.5, 1.0])),
            margin in 0.0f32..0.6,
            permitted in prop::array::uniform3(any::<bool>()),
        ) {
            let Selection { action, .. } = select(&policy, margin, permitted);
            if action != Action::Hold {
                let place = action.index();
                prop_assert!(permitted[place]);
                for other in (0..3).filter(|o| *o != place) {
                    prop_assert!(policy[place] > policy[other]);
                    prop_assert!(policy[place] - policy[other] >= margin);
                }
            }
        }
    }
}
