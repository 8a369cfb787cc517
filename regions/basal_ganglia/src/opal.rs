//! Opponent learning: what an action brings beyond expectation and what it costs, kept apart.
//!
//! OpAL (Collins and Frank 2014, "Opponent actor learning", Psychological Review 121) with the
//! refinements of OpAL* (Jaskir and Frank 2023, eLife 12, e85107). A critic expects a reward V,
//! whatever is done; the prediction error δ = r − V is the dopamine that teaches both actors in
//! proportion to their own activity, Go by G += α_g G δ and No-Go by N += α_n N (−δ). At choice the
//! level ρ of dopamine weighs them, Act = β (1 + ρ) G − β (1 − ρ) N: the more of it, the more benefits
//! count and the less costs do. That is (39) at λ = (1 − ρ) / (1 + ρ), see [`inhibition`].
//!
//! Here actions stand in a table, without a state; `plasticity` has the same rule on weights.

use synapse::Fault;

use crate::NAME;

/// The most an actor ever says, so that no run of luck ends beyond numbers.
pub const CEILING: f64 = 1e6;

/// Made-up outcomes that a critic starts with, one good and one bad: a Beta(1, 1) prior.
const PRIOR_COUNT: f64 = 2.0;
const PRIOR_VALUE: f64 = 0.5;

/// How critic and actors learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learning {
    /// The worst reward there is.
    pub worst: f64,
    /// The best reward there is. Rewards are told as shares of the way from the worst to the best, and
    /// so is δ, which makes rates mean the same at any size of rewards.
    pub best: f64,
    /// The critic's rate α_c in [0, 1], reached from above: it starts as a mean over what it met, which
    /// it stays at 0.
    pub critic: f64,
    /// The rate α_g of Go, in [0, 1].
    pub go: f64,
    /// The rate α_n of No-Go, in [0, 1].
    pub no_go: f64,
    /// T: both rates are α / (1 + 1 / (T σ²)), with σ² the variance of what the critic believes of the
    /// mean reward; they fall as it grows certain. None leaves them as they are.
    pub annealing: Option<f64>,
}

/// The level ρ of dopamine at choice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dopamine {
    /// Always that; 0 weighs both actors alike.
    Fixed(f64),
    /// By how rich the world is: `gain` times what the mean reward is believed to be above half of its
    /// range, once that is farther from it than `deviations` standard deviations of the belief.
    Dynamic {
        /// The gain k; 20 in the paper.
        gain: f64,
        /// φ; 1 in the paper.
        deviations: f64,
    },
}

/// How actions are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choosing {
    /// The inverse temperature β.
    pub inverse_temperature: f64,
    /// The level of dopamine.
    pub dopamine: Dopamine,
}

/// What a critic believes of a reward: the mean of a Beta distribution, and of how many outcomes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Belief {
    value: f64,
    count: f64,
}

/// An agent with a critic and two opponent actors.
#[derive(Clone, Debug, PartialEq)]
pub struct Opal {
    learning: Learning,
    choosing: Choosing,
    critic: Belief,
    go: Vec<f64>,
    no_go: Vec<f64>,
}

impl Opal {
    /// An agent that knows nothing of its actions: each is expected to bring half of the range, and both
    /// actors say 1 of it.
    ///
    /// # Panics
    /// If there is no action, the best reward is not above the worst, or a rate is not in [0, 1].
    #[must_use]
    pub fn new(actions: usize, learning: Learning, choosing: Choosing) -> Self {
        assert!(actions > 0, "an agent has at least one action");
        let Learning { worst, best, critic, go, no_go, .. } = learning;
        assert!(worst < best && (best - worst).is_finite(), "rewards go from {worst} to {best}");
        let is_rate = |rate: f64| (0.0..=1.0).contains(&rate);
        assert!([critic, go, no_go].into_iter().all(is_rate), "rates are from 0 to 1: {learning:?}");
        let belief = Belief { value: PRIOR_VALUE, count: PRIOR_COUNT };
        Self { learning, choosing, critic: belief, go: vec![1.0; actions], no_go: vec![1.0; actions] }
    }

    /// What Go says of each action, G.
    #[must_use]
    pub fn go(&self) -> &[f64] {
        &self.go
    }

    /// What No-Go says of each action, N.
    #[must_use]
    pub fn no_go(&self) -> &[f64] {
        &self.no_go
    }

    /// The level ρ of dopamine now.
    #[must_use]
    pub fn dopamine(&self) -> f64 {
        match self.choosing.dopamine {
            Dopamine::Fixed(level) => level,
            Dopamine::Dynamic { gain, deviations } => {
                let above_half = self.critic.value - PRIOR_VALUE;
                let is_told = above_half.abs() > deviations * self.variance().sqrt();
                if is_told { gain * above_half } else { 0.0 }
            }
        }
    }

    /// The same agent at another level of dopamine.
    #[must_use]
    pub fn with_dopamine(self, dopamine: Dopamine) -> Self {
        Self { choosing: Choosing { dopamine, ..self.choosing }, ..self }
    }

    /// Act of each action: β (1 + ρ) G − β (1 − ρ) N, neither factor below 0.
    #[must_use]
    pub fn drives(&self) -> Vec<f64> {
        let (beta, level) = (self.choosing.inverse_temperature, self.dopamine());
        let (for_go, for_no_go) = (beta * (1.0 + level).max(0.0), beta * (1.0 - level).max(0.0));
        self.go.iter().zip(&self.no_go).map(|(g, n)| for_go * g - for_no_go * n).collect()
    }

    /// The probability of each action, softmax of [`Self::drives`].
    #[must_use]
    pub fn policy(&self) -> Vec<f64> {
        softmax(&self.drives())
    }

    /// Learns what an action brought, and gives δ, in shares of the range of rewards.
    ///
    /// # Errors
    /// A reward that is not a number; nothing is learned of it. One beyond the range counts as its end.
    ///
    /// # Panics
    /// If there is no such action.
    pub fn learn(&mut self, action: usize, reward: f64) -> Result<f64, Fault> {
        if reward.is_nan() {
            return Err(Fault::new(NAME, format!("the reward of action {action} is not a number")));
        }
        let Learning { worst, best, critic, go, no_go, .. } = self.learning;
        let share = (reward.clamp(worst, best) - worst) / (best - worst);
        let error = share - self.critic.value;
        let annealed = self.annealed();
        self.go[action] = taught(self.go[action], annealed * go * error);
        self.no_go[action] = taught(self.no_go[action], annealed * no_go * -error);
        let belief = &mut self.critic;
        // a rate of 0 is a count without end
        belief.count = (belief.count + 1.0).min(1.0 / critic);
        belief.value += error / belief.count;
        Ok(error)
    }

    /// The variance of what is believed of the mean reward, by the outcomes that came to each action.
    fn variance(&self) -> f64 {
        let Belief { value, count } = self.critic;
        value * (1.0 - value) / (count / self.go.len() as f64 + 1.0)
    }

    /// The share of a rate that annealing leaves.
    fn annealed(&self) -> f64 {
        self.learning.annealing.map_or(1.0, |t| {
            let certain = t * self.variance();
            certain / (certain + 1.0)
        })
    }
}

/// The activity of an actor after a lesson of `step` = rate × error: taught in proportion to itself.
pub(crate) fn taught(activity: f64, step: f64) -> f64 {
    (activity * (1.0 + step)).clamp(0.0, CEILING)
}

/// The λ of (39) at which it weighs No-Go against Go as dopamine of the level ρ in (−1, 1) does:
/// (1 − ρ) / (1 + ρ).
#[must_use]
pub fn inhibition(level: f64) -> f64 {
    (1.0 - level) / (1.0 + level)
}

fn softmax(x: &[f64]) -> Vec<f64> {
    let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = x.iter().map(|x| libm::exp(x - largest)).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|w| w / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pathways;
    use proptest::prelude::*;

    const LEARNING: Learning =
        Learning { worst: -1.0, best: 1.0, critic: 0.0, go: 0.5, no_go: 0.25, annealing: None };
    const CHOOSING: Choosing = Choosing { inverse_temperature: 2.0, dopamine: Dopamine::Fixed(0.0) };

    #[test]
    fn a_surprise_teaches_both_actors_and_the_critic() {
        let mut agent = Opal::new(2, LEARNING, CHOOSING);
        // the best of −1 to 1 where half of the way was expected
        assert_eq!(agent.learn(0, 1.0), Ok(0.5));
        assert_eq!((agent.go(), agent.no_go()), (&[1.25, 1.0][..], &[0.875, 1.0][..]));
        // (1 good + 1 of the prior) of (1 + 2 of the prior)
        assert!((agent.learn(1, -1.0).expect("a reward") + 2.0 / 3.0).abs() < 1e-12);
        assert!((agent.go()[1] - 2.0 / 3.0).abs() < 1e-12 && (agent.no_go()[1] - 7.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn a_critic_with_a_rate_ends_at_it() {
        let error_after = |critic, lessons| {
            let mut agent = Opal::new(1, Learning { critic, ..LEARNING }, CHOOSING);
            (0..lessons).for_each(|_| _ = agent.learn(0, 1.0));
            let before = agent.learn(0, 1.0).expect("a reward");
            agent.learn(0, 1.0).expect("a reward") / before
        };
        assert!((error_after(0.2, 50) - 0.8).abs() < 1e-9);
        assert!((error_after(0.0, 50) - 52.0 / 53.0).abs() < 1e-9, "a mean of 52 outcomes and one more");
        assert_eq!(error_after(1.0, 0), 0.0);
    }

    #[test]
    fn dopamine_weighs_the_actors() {
        let mut agent = Opal::new(2, LEARNING, CHOOSING);
        agent.learn(0, 1.0).expect("a reward");
        let drives = |level| agent.clone().with_dopamine(Dopamine::Fixed(level)).drives();
        assert_eq!(drives(0.0), [2.0 * 1.25 - 2.0 * 0.875, 0.0]);
        assert_eq!(drives(0.5), [3.0 * 1.25 - 0.875, 2.0]);
        assert_eq!(drives(-2.0), [-6.0 * 0.875, -6.0]);
    }

    #[test]
    fn dynamic_dopamine_waits_until_the_world_is_told_rich_or_lean() {
        let dynamic = Dopamine::Dynamic { gain: 20.0, deviations: 1.0 };
        let mut agent = Opal::new(2, LEARNING, Choosing { dopamine: dynamic, ..CHOOSING });
        assert_eq!(agent.dopamine(), 0.0);
        agent.learn(0, 1.0).expect("a reward");
        assert_eq!(agent.dopamine(), 0.0, "2 of 3 is within a deviation");
        (0..8).for_each(|_| _ = agent.learn(0, 1.0));
        assert!((agent.dopamine() - 20.0 * (10.0 / 11.0 - 0.5)).abs() < 1e-9);
        (0..40).for_each(|_| _ = agent.learn(1, -1.0));
        assert!(agent.dopamine() < -1.0);
    }

    #[test]
    fn annealing_slows_what_is_certain() {
        let step_after = |lessons: u32| {
            let learning = Learning { annealing: Some(12.0), ..LEARNING };
            let mut agent = Opal::new(1, learning, CHOOSING);
            // as many good as bad: the critic expects half, the actors stay where δ finds them
            for lesson in 0..2 * lessons {
                agent.learn(0, if lesson % 2 == 0 { 1.0 } else { -1.0 }).expect("a reward");
            }
            let before = agent.go()[0];
            let error = agent.learn(0, 1.0).expect("a reward");
            (agent.go()[0] / before - 1.0) / error
        };
        // σ² of Beta(1, 1) is 1/12: half of the rate 0.5 is left
        assert!((step_after(0) - 0.25).abs() < 1e-12);
        assert!(step_after(20) < 0.06, "{}", step_after(20));
    }

    #[test]
    fn what_is_not_a_number_teaches_nothing() {
        let mut agent = Opal::new(2, LEARNING, CHOOSING);
        let before = agent.clone();
        assert!(agent.learn(1, f64::NAN).is_err());
        assert_eq!(agent, before);
    }

    #[test]
    fn the_level_is_an_inhibition() {
        assert_eq!([-0.5, 0.0, 0.5].map(inhibition), [3.0, 1.0, 1.0 / 3.0]);
        let (go, no_go) = ([0.5f32, 0.25, 1.0], [1.0f32, 0.0, 0.5]);
        let mut logits = [0.0; 3];
        pathways::compete(&go, &no_go, inhibition(0.5) as f32, &mut logits);
        let learned = Opal {
            go: go.map(f64::from).to_vec(),
            no_go: no_go.map(f64::from).to_vec(),
            ..Opal::new(3, LEARNING, CHOOSING).with_dopamine(Dopamine::Fixed(0.5))
        };
        for (drive, logit) in learned.drives().iter().zip(logits) {
            assert!((drive - 2.0 * 1.5 * f64::from(logit)).abs() < 1e-6);
        }
    }

    #[test]
    #[should_panic(expected = "rates are from 0 to 1")]
    fn a_rate_beyond_one_is_none() {
        let _ = Opal::new(2, Learning { go: 1.5, ..LEARNING }, CHOOSING);
    }

    proptest! {
        #[test]
        fn whatever_comes_an_agent_stays_bounded_and_its_policy_a_distribution(
            lessons in prop::collection::vec((0usize..3, any::<f64>()), 0..400),
            rates in prop::array::uniform3(0.0f64..=1.0),
            annealing in prop::option::of(0.0f64..1e6),
            level in -3.0f64..3.0,
        ) {
            let [critic, go, no_go] = rates;
            let learning = Learning { critic, go, no_go, annealing, ..LEARNING };
            let mut agent = Opal::new(3, learning, CHOOSING);
            for (action, reward) in lessons {
                prop_assert_eq!(agent.learn(action, reward).is_err(), reward.is_nan());
            }
            prop_assert!(agent.go().iter().chain(agent.no_go()).all(|x| (0.0..=CEILING).contains(x)));
            for dopamine in [Dopamine::Fixed(level), Dopamine::Dynamic { gain: 20.0, deviations: 1.0 }] {
                let policy = agent.clone().with_dopamine(dopamine).policy();
                prop_assert!((policy.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                prop_assert!(policy.iter().all(|p| (0.0..=1.0).contains(p)));
            }
        }

        #[test]
        fn good_news_lifts_go_and_lowers_no_go(lessons in prop::collection::vec(any::<bool>(), 0..50)) {
            let mut agent = Opal::new(1, LEARNING, CHOOSING);
            for good in lessons {
                let before = (agent.go()[0], agent.no_go()[0]);
                let error = agent.learn(0, if good { 1.0 } else { -1.0 }).expect("a reward");
                prop_assert_eq!(error > 0.0, good);
                prop_assert_eq!(agent.go()[0] > before.0, good);
                prop_assert_eq!(agent.no_go()[0] < before.1, good);
            }
        }
    }
}
