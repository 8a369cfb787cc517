//! From a policy to an action.

use serde::{Deserialize, Serialize};
use synapse::Action;

/// Why an action was selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The policy is clearly for it.
    Preferred,
    /// Drawn from a policy that is clear.
    Drawn,
    /// Held: the best action leads the second by less than the margin.
    Margin,
    /// Held: two actions are best, or the policy is not a number.
    Undecided,
    /// Held: the best action, or the one drawn, is not permitted.
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
    /// How probable the action was by what selected it: 1 where nothing was drawn.
    pub probability: f32,
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
    let (action, cause) = match (hesitation(lead, margin), best) {
        (Some(Cause::Undecided), _) => (Action::Hold, Cause::Undecided),
        (_, Action::Hold) => (Action::Hold, Cause::Preferred),
        (Some(cause), _) => (Action::Hold, cause),
        (None, _) if !permitted[lead.winner] => (Action::Hold, Cause::Forbidden),
        (None, _) => (best, Cause::Preferred),
    };
    Selection { action, cause, lead, probability: 1.0 }
}

/// Draws the action from the policy, by a number uniform in (0, 1]; in simulation alone.
///
/// The margin asks whether the policy is clear enough to act on, as for [`select`], and holds where it
/// is not; the draw asks only then which action it is. One that is drawn but not permitted is held, so
/// the probability of holding is then that of all of them.
#[must_use]
pub fn draw(
    policy: &[f32; Action::COUNT],
    margin: f32,
    permitted: [bool; Action::COUNT],
    uniform: f64,
) -> Selection {
    let lead = lead(policy);
    if let Some(cause) = hesitation(lead, margin) {
        return Selection { action: Action::Hold, cause, lead, probability: 1.0 };
    }
    let weights = policy.map(f64::from);
    let total: f64 = weights.iter().sum();
    let mut left = uniform * total;
    let drawn = weights.iter().position(|weight| {
        left -= weight;
        left <= 0.0
    });
    // a rounding may leave a crumb: it is of the last action, to hold
    let drawn = drawn.map_or(Action::Hold, |at| Action::ALL[at]);
    let is_held = |action: Action| action == Action::Hold || !permitted[action.index()];
    let (action, cause) = match drawn {
        Action::Hold => (Action::Hold, Cause::Drawn),
        _ if is_held(drawn) => (Action::Hold, Cause::Forbidden),
        _ => (drawn, Cause::Drawn),
    };
    let becomes_it = |other: &Action| if action == Action::Hold { is_held(*other) } else { *other == action };
    let probable: f64 = Action::ALL.iter().filter(|a| becomes_it(a)).map(|a| weights[a.index()]).sum();
    Selection { action, cause, lead, probability: (probable / total) as f32 }
}

/// Why a policy is not acted on, whatever it says.
fn hesitation(lead: Lead, margin: f32) -> Option<Cause> {
    // each test is true only of numbers: what is not a number is held
    let decided = lead.over_second > 0.0;
    let clear = lead.over_second >= margin;
    match (decided, clear) {
        (false, _) => Some(Cause::Undecided),
        (true, false) => Some(Cause::Margin),
        (true, true) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use synapse::random::{seed_for, uniform};

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

    fn drawn(policy: [f32; 3], margin: f32, permitted: [bool; 3], uniform: f64) -> (Action, Cause, f32) {
        let Selection { action, cause, probability, .. } = draw(&policy, margin, permitted, uniform);
        (action, cause, probability)
    }

    #[test]
    fn a_draw_takes_each_action_in_its_share() {
        let policy = [0.5, 0.125, 0.375];
        for (uniform, action, probability) in [
            (1e-16, Action::Buy, 0.5),
            (0.5, Action::Buy, 0.5),
            (0.5001, Action::Sell, 0.125),
            (0.625, Action::Sell, 0.125),
            (0.6251, Action::Hold, 0.375),
            (1.0, Action::Hold, 0.375),
        ] {
            assert_eq!(drawn(policy, 0.125, ANY, uniform), (action, Cause::Drawn, probability), "{uniform}");
        }
        assert_eq!(drawn([0.0, 1.0, 0.0], 0.1, ANY, 1e-16).0, Action::Sell, "what is impossible never comes");
    }

    #[test]
    fn a_policy_that_is_not_clear_is_not_drawn_from() {
        let first = 1e-16;
        assert_eq!(drawn([0.5, 0.25, 0.25], 0.3, ANY, first), (Action::Hold, Cause::Margin, 1.0));
        assert_eq!(drawn([0.25, 0.25, 0.5], 0.3, ANY, first), (Action::Hold, Cause::Margin, 1.0));
        assert_eq!(drawn([0.5, 0.5, 0.0], 0.0, ANY, first), (Action::Hold, Cause::Undecided, 1.0));
        assert_eq!(drawn([f32::NAN, 0.5, 0.5], 0.0, ANY, first), (Action::Hold, Cause::Undecided, 1.0));
    }

    #[test]
    fn a_draw_of_what_is_masked_is_a_hold() {
        let (policy, no_buy) = ([0.5, 0.125, 0.375], [false, true, false]);
        assert_eq!(drawn(policy, 0.0, no_buy, 0.25), (Action::Hold, Cause::Forbidden, 0.875));
        assert_eq!(drawn(policy, 0.0, no_buy, 0.6), (Action::Sell, Cause::Drawn, 0.125));
        assert_eq!(drawn(policy, 0.0, no_buy, 0.9), (Action::Hold, Cause::Drawn, 0.875));
    }

    /// χ² of 100,000 draws against the policy, two degrees of freedom: beyond 13.8 once in a thousand.
    #[test]
    fn draws_follow_the_policy() {
        let count = 100_000;
        for (seed, policy) in [(1, [0.5f32, 0.3, 0.2]), (2, [0.05, 0.9, 0.05]), (3, [0.333, 0.334, 0.333])] {
            let seed = seed_for(seed, "draws");
            let mut drawn = [0u32; 3];
            for place in 0..count {
                let selection = draw(&policy, 1e-4, ANY, uniform(seed, place));
                assert!((selection.probability - policy[selection.action.index()]).abs() < 1e-6);
                drawn[selection.action.index()] += 1;
            }
            let expected = policy.map(|p| f64::from(p) * count as f64);
            let terms = drawn.iter().zip(expected).map(|(&n, e)| (f64::from(n) - e) * (f64::from(n) - e) / e);
            let chi_square: f64 = terms.sum();
            assert!(chi_square < 13.8, "{chi_square} of {drawn:?} against {policy:?}");
        }
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

        #[test]
        fn only_what_is_permitted_and_possible_is_ever_drawn(
            policy in prop::array::uniform3(prop::sample::select(vec![0.0f32, 0.2, 0.3, 0.5, 1.0, f32::NAN])),
            margin in 0.0f32..0.6,
            permitted in prop::array::uniform3(any::<bool>()),
            place: u64,
        ) {
            let greedy = select(&policy, margin, permitted);
            let Selection { action, cause, lead, probability } =
                draw(&policy, margin, permitted, uniform(0, place));
            prop_assert_eq!(lead.winner, greedy.lead.winner);
            prop_assert_eq!(greedy.probability, 1.0);
            prop_assert!(probability > 0.0 && probability <= 1.0);
            if action != Action::Hold {
                prop_assert!(permitted[action.index()] && policy[action.index()] > 0.0);
                prop_assert!(lead.over_second > 0.0 && lead.over_second >= margin);
            }
            if matches!(cause, Cause::Margin | Cause::Undecided) {
                prop_assert_eq!(greedy.action, Action::Hold);
            }
        }
    }
}
