//! Opponent learning on the weights of both pathways and a critic: what sleep teaches awake choice.
//!
//! The rule of `opal` where actions are judged in a state h. In that state, and for the action that was
//! done alone, Go becomes G (1 + α_g δ) and No-Go N (1 − α_n δ): three factors, what goes in, what comes
//! out and dopamine (Collins and Frank 2014; Jaskir and Frank 2023). The step of the weights is along
//! the input and over its square length, 1 + ‖h‖² with the bias (normalised least mean squares, Nagumo
//! and Noda 1967), so the change of G is the same at any size of h. A silent pathway learns nothing.

use synapse::{Action, Fault, Model};

use crate::NAME;
use crate::opal::{CEILING, taught};
use crate::pathways::{GoNoGo, Pathway};

/// What was done in a state and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step<'a> {
    /// The state h, `[inputs]`.
    pub h: &'a [f32],
    /// What was done.
    pub action: Action,
    /// What it brought, bp.
    pub reward_bp: f32,
    /// What the state it led to is worth, bp; none where the outcome stands by itself.
    pub next_value_bp: Option<f32>,
}

/// How fast weights learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plasticity {
    /// The critic's rate α_c, in [0, 1].
    pub critic: f64,
    /// The rate α_g of Go, in [0, 1].
    pub go: f64,
    /// The rate α_n of No-Go, in [0, 1].
    pub no_go: f64,
    /// What a value of the next state counts now, γ in [0, 1].
    pub discount: f64,
    /// The surprise that teaches the actors as much as any can, bp, above 0: δ is told in shares of it,
    /// at most 1.
    pub scale_bp: f64,
}

impl Plasticity {
    fn check(&self) -> Result<(), Fault> {
        let shares = [self.critic, self.go, self.no_go, self.discount];
        let are_shares = shares.into_iter().all(|share| (0.0..=1.0).contains(&share));
        if are_shares && self.scale_bp > 0.0 && self.scale_bp.is_finite() {
            return Ok(());
        }
        let what = format!("{self:?}: rates and discount are from 0 to 1, the scale above 0");
        Err(Fault::new(NAME, what))
    }
}

/// What a state is worth, V(h) = w h + b, bp: the expectation that dopamine corrects.
#[derive(Clone, Debug, PartialEq)]
pub struct Critic {
    weights: Vec<f64>,
    bias: f64,
}

impl Critic {
    /// A critic that expects nothing of states of so many inputs.
    #[must_use]
    pub fn new(inputs: usize) -> Self {
        Self { weights: vec![0.0; inputs], bias: 0.0 }
    }

    /// V(h), bp.
    ///
    /// # Errors
    /// A state of another size, or one of which the value is not finite.
    pub fn value_bp(&self, h: &[f32]) -> Result<f64, Fault> {
        if h.len() != self.weights.len() {
            let (reads, has) = (self.weights.len(), h.len());
            return Err(Fault::new(NAME, format!("the critic reads {reads} numbers, not {has}")));
        }
        finite("the value of a state", weigh(&self.weights, h) + self.bias)
    }
}

/// One row of a pathway in full precision: the weights of one action.
struct Row {
    weights: Vec<f64>,
    bias: f64,
}

/// The pathways and the critic after a batch, learned step by step in its order. The card stays what it
/// was; who teaches says what the result is.
///
/// # Errors
/// A rate that is none, a step of another size, or one in which something is not finite; then nothing was
/// learned.
pub fn learn(
    policy: &GoNoGo,
    critic: &Critic,
    steps: &[Step<'_>],
    plasticity: &Plasticity,
) -> Result<(GoNoGo, Critic), Fault> {
    plasticity.check()?;
    if policy.inputs() != critic.weights.len() {
        let (reads, critic) = (policy.inputs(), critic.weights.len());
        return Err(Fault::new(NAME, format!("the pathways read {reads} numbers, the critic {critic}")));
    }
    let mut critic = critic.clone();
    let (mut go, mut no_go) = (rows(policy.go()), rows(policy.no_go()));
    for (at, step) in steps.iter().enumerate() {
        let taught = teach(&mut critic, &mut go, &mut no_go, step, plasticity);
        taught.map_err(|fault| Fault::new(NAME, format!("step {at}: {}", fault.what)))?;
    }
    Ok((GoNoGo::new(policy.card().clone(), pathway(&go), pathway(&no_go)), critic))
}

fn teach(
    critic: &mut Critic,
    go: &mut [Row],
    no_go: &mut [Row],
    step: &Step<'_>,
    plasticity: &Plasticity,
) -> Result<(), Fault> {
    let Plasticity { discount, scale_bp, .. } = *plasticity;
    let value_bp = critic.value_bp(step.h)?;
    let next_bp = f64::from(step.next_value_bp.unwrap_or(0.0));
    let earned_bp = finite("the reward", f64::from(step.reward_bp) + discount * next_bp)?;
    let error_bp = earned_bp - value_bp;
    let dopamine = (error_bp / scale_bp).clamp(-1.0, 1.0);
    let along = Along::new(step.h)?;
    let at = step.action.index();
    for (rows, rate) in [(go, plasticity.go), (no_go, -plasticity.no_go)] {
        let Some(row) = rows.get_mut(at) else {
            return Err(Fault::new(NAME, format!("the pathways know no action {}", step.action)));
        };
        let activity = finite("a signal", weigh(&row.weights, step.h) + row.bias)?.max(0.0);
        let change = taught(activity, rate * dopamine) - activity;
        along.step(change, &mut row.weights, &mut row.bias);
    }
    along.step(plasticity.critic * error_bp, &mut critic.weights, &mut critic.bias);
    Ok(())
}

/// The direction in which weights change for a state.
struct Along<'a> {
    h: &'a [f32],
    square_length: f64,
}

impl<'a> Along<'a> {
    fn new(h: &'a [f32]) -> Result<Self, Fault> {
        let squares = h.iter().map(|&x| f64::from(x) * f64::from(x));
        Ok(Self { h, square_length: finite("a state", 1.0 + squares.sum::<f64>())? })
    }

    /// Changes what weights say of the state by so much, none of them beyond [`CEILING`].
    fn step(&self, change: f64, weights: &mut [f64], bias: &mut f64) {
        let factor = change / self.square_length;
        let moved = |weight: f64, input: f64| (weight + factor * input).clamp(-CEILING, CEILING);
        for (weight, &x) in weights.iter_mut().zip(self.h) {
            *weight = moved(*weight, f64::from(x));
        }
        *bias = moved(*bias, 1.0);
    }
}

fn weigh(weights: &[f64], h: &[f32]) -> f64 {
    weights.iter().zip(h).map(|(w, &x)| w * f64::from(x)).sum()
}

fn finite(what: &str, number: f64) -> Result<f64, Fault> {
    if number.is_finite() { Ok(number) } else { Err(Fault::new(NAME, format!("{what} is {number}"))) }
}

fn rows(pathway: &Pathway) -> Vec<Row> {
    let weights = pathway.weights().chunks_exact(pathway.inputs());
    let wide = |row: &[f32]| row.iter().map(|&w| f64::from(w)).collect();
    weights.zip(pathway.bias()).map(|(row, &b)| Row { weights: wide(row), bias: f64::from(b) }).collect()
}

fn pathway(rows: &[Row]) -> Pathway {
    let weights = rows.iter().flat_map(|row| row.weights.iter().map(|&w| w as f32)).collect();
    Pathway::new(weights, rows.iter().map(|row| row.bias as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opal::{Choosing, Dopamine, Learning, Opal};
    use crate::pathways::tests::{model, run};
    use proptest::prelude::*;
    use synapse::random::{normal, seed_for, uniform};

    const PLASTICITY: Plasticity =
        Plasticity { critic: 0.25, go: 0.5, no_go: 0.25, discount: 0.5, scale_bp: 4.0 };

    /// Pathways that say 1 of everything, whatever the state.
    fn naive(inputs: usize) -> GoNoGo {
        let pathway = || Pathway::new(vec![0.0; 3 * inputs], vec![1.0; 3]);
        model(pathway(), pathway())
    }

    fn step(h: &[f32], action: Action, reward_bp: f32) -> Step<'_> {
        Step { h, action, reward_bp, next_value_bp: None }
    }

    /// What both pathways say of an action in a state.
    fn told(policy: &GoNoGo, h: &[f32], action: Action) -> (f32, f32) {
        let (signals, _, _) = run(policy, h, 1.0);
        (signals[action.index()], signals[3 + action.index()])
    }

    #[test]
    fn what_was_done_in_a_state_is_taught_as_on_a_table() {
        let h = [3.0, -4.0];
        let (policy, critic) =
            learn(&naive(2), &Critic::new(2), &[step(&h, Action::Sell, 2.0)], &PLASTICITY).expect("a lesson");
        // δ is 2 of 4 bp
        assert_eq!(told(&policy, &h, Action::Sell), (1.25, 0.875));
        assert_eq!(told(&policy, &h, Action::Buy), (1.0, 1.0));
        assert!((critic.value_bp(&h).expect("a value") - 0.5).abs() < 1e-12);
    }

    #[test]
    fn the_worth_of_the_next_state_counts_at_its_discount() {
        let h = [1.0];
        let with_next = Step { next_value_bp: Some(2.0), ..step(&h, Action::Buy, 1.0) };
        let learned = |step| learn(&naive(1), &Critic::new(1), &[step], &PLASTICITY).expect("a lesson");
        assert_eq!(learned(with_next), learned(step(&h, Action::Buy, 2.0)));
    }

    #[test]
    fn a_surprise_beyond_the_scale_teaches_the_actors_no_more() {
        let h = [0.0];
        let learned = |reward| {
            let (policy, _) =
                learn(&naive(1), &Critic::new(1), &[step(&h, Action::Buy, reward)], &PLASTICITY)
                    .expect("a lesson");
            told(&policy, &h, Action::Buy)
        };
        assert_eq!((learned(4.0), learned(-4.0)), ((1.5, 0.75), (0.5, 1.25)));
        assert_eq!((learned(1e6), learned(-1e6)), (learned(4.0), learned(-4.0)));
    }

    #[test]
    fn a_silent_pathway_learns_nothing() {
        let silent = || Pathway::new(vec![0.5; 3], vec![-1.0; 3]);
        let policy = model(silent(), silent());
        let steps = [step(&[0.5], Action::Buy, 9.0), step(&[-2.0], Action::Sell, -9.0)];
        assert_eq!(learn(&policy, &Critic::new(1), &steps, &PLASTICITY).expect("a lesson").0, policy);
    }

    #[test]
    fn nothing_teaches_nothing() {
        let learned = learn(&naive(2), &Critic::new(2), &[], &PLASTICITY).expect("a lesson");
        assert_eq!(learned, (naive(2), Critic::new(2)));
    }

    #[test]
    fn what_is_no_lesson_is_a_fault() {
        let bad = |step: Step<'_>, plasticity: &Plasticity| {
            let fault =
                learn(&naive(1), &Critic::new(1), &[self::step(&[0.0], Action::Buy, 1.0), step], plasticity);
            fault.expect_err("no lesson").to_string()
        };
        for h in [&[f32::NAN][..], &[f32::INFINITY], &[], &[0.0, 0.0]] {
            assert!(bad(step(h, Action::Buy, 1.0), &PLASTICITY).contains("step 1"));
        }
        assert!(bad(step(&[0.0], Action::Buy, f32::NAN), &PLASTICITY).contains("the reward is NaN"));
        let next = Step { next_value_bp: Some(f32::INFINITY), ..step(&[0.0], Action::Buy, 0.0) };
        assert!(bad(next, &PLASTICITY).contains("the reward is inf"));
        for plasticity in [
            Plasticity { go: 1.5, ..PLASTICITY },
            Plasticity { critic: f64::NAN, ..PLASTICITY },
            Plasticity { scale_bp: 0.0, ..PLASTICITY },
        ] {
            assert!(bad(step(&[0.0], Action::Buy, 1.0), &plasticity).contains("rates and discount"));
        }
        assert!(learn(&naive(1), &Critic::new(2), &[], &PLASTICITY).is_err());
    }

    /// The move that comes is with the state, and noise twice as large on top; buying earns it, selling
    /// loses it. Each action is tried alike, as on a tape, and the greedy choice is judged on states that
    /// taught nothing.
    #[test]
    fn it_learns_when_to_buy_and_when_to_sell() {
        let plasticity = Plasticity { critic: 0.02, go: 0.05, no_go: 0.05, discount: 0.0, scale_bp: 6.0 };
        let mut right = Vec::new();
        for seed in 0..20 {
            let drawn = |what: &str, count: u64| -> Vec<f64> {
                (0..count).map(|i| normal(seed_for(seed, what), i)).collect()
            };
            let states: Vec<[f32; 2]> = drawn("states", 2000)
                .iter()
                .zip(drawn("others", 2000))
                .map(|(&x, other)| [x as f32, other as f32])
                .collect();
            let noise = drawn("noise", 2000);
            let steps: Vec<Step<'_>> = states
                .iter()
                .zip(&noise)
                .enumerate()
                .map(|(at, (h, noise))| {
                    let action =
                        Action::ALL[(uniform(seed_for(seed, "actions"), at as u64) * 2.999) as usize];
                    let earned = action.sign() as f64 * (f64::from(h[0]) + 2.0 * noise);
                    step(h, action, earned as f32)
                })
                .collect();
            let (policy, _) = learn(&naive(2), &Critic::new(2), &steps, &plasticity).expect("a lesson");
            let tests = drawn("tests", 400);
            let is_right = |&&x: &&f64| {
                let (_, _, policy) = run(&policy, &[x as f32, 0.0], 1.0);
                (policy[Action::Buy.index()] > policy[Action::Sell.index()]) == (x > 0.0)
            };
            right.push(tests.iter().filter(is_right).count() as f64 / tests.len() as f64);
        }
        let worst = right.iter().copied().fold(1.0, f64::min);
        assert!(worst > 0.8, "{right:?}");
    }

    proptest! {
        #[test]
        fn without_inputs_it_is_the_table(lessons in prop::collection::vec((0usize..3, -4.0f32..4.0), 0..60)) {
            // no critic learns, so that both know the same δ: half of the range and 0 bp
            let plasticity = Plasticity { critic: 0.0, ..PLASTICITY };
            let learning =
                Learning { worst: -4.0, best: 4.0, critic: 0.0, go: 1.0, no_go: 0.5, annealing: None };
            let choosing = Choosing { inverse_temperature: 1.0, dopamine: Dopamine::Fixed(0.0) };
            for (at, &(action, reward)) in lessons.iter().enumerate() {
                let mut table = Opal::new(3, learning, choosing);
                table.learn(action, f64::from(reward)).expect("a reward");
                let steps = [step(&[0.0], Action::ALL[action], reward)];
                let (policy, _) = learn(&naive(1), &Critic::new(1), &steps, &plasticity).expect("a lesson");
                let (go, no_go) = told(&policy, &[0.0], Action::ALL[action]);
                prop_assert!((f64::from(go) - table.go()[action]).abs() < 1e-6, "{at}");
                prop_assert!((f64::from(no_go) - table.no_go()[action]).abs() < 1e-6, "{at}");
            }
        }

        #[test]
        fn whatever_comes_the_weights_stay_bounded(
            lessons in prop::collection::vec(
                (prop::array::uniform2(any::<f32>()), 0usize..3, any::<f32>(), prop::option::of(any::<f32>())),
                0..100,
            ),
            rates in prop::array::uniform3(0.0f64..=1.0),
        ) {
            let [critic, go, no_go] = rates;
            let plasticity = Plasticity { critic, go, no_go, ..PLASTICITY };
            let (mut policy, mut critic) = (naive(2), Critic::new(2));
            for (h, action, reward_bp, next_value_bp) in &lessons {
                let step = Step { h, action: Action::ALL[*action], reward_bp: *reward_bp, next_value_bp: *next_value_bp };
                let is_finite = h.iter().chain([reward_bp]).chain(next_value_bp).all(|x| x.is_finite());
                match learn(&policy, &critic, &[step], &plasticity) {
                    Ok(learned) => (policy, critic) = learned,
                    Err(fault) => prop_assert!(!is_finite, "{fault}"),
                }
            }
            let bounded = |x: f64| x.abs() <= CEILING;
            for pathway in [policy.go(), policy.no_go()] {
                prop_assert!(pathway.weights().iter().chain(pathway.bias()).all(|&w| bounded(f64::from(w))));
            }
            prop_assert!(critic.weights.iter().chain([&critic.bias]).all(|&w| bounded(w)));
        }

        #[test]
        fn a_batch_is_its_steps_in_order(
            lessons in prop::collection::vec((prop::array::uniform2(-2.0f32..2.0), 0usize..3, -9.0f32..9.0), 1..20),
            at in any::<prop::sample::Index>(),
        ) {
            let steps: Vec<Step<'_>> = lessons.iter().map(|(h, a, r)| step(h, Action::ALL[*a], *r)).collect();
            let (first, second) = steps.split_at(at.index(steps.len()));
            let taught = |policy: &GoNoGo, critic: &Critic, steps: &[Step<'_>]| {
                learn(policy, critic, steps, &PLASTICITY).expect("a lesson")
            };
            let whole = taught(&naive(2), &Critic::new(2), &steps);
            let (policy, critic) = taught(&naive(2), &Critic::new(2), first);
            let (policy, critic) = taught(&policy, &critic, second);
            // between batches weights are rounded to single precision
            for h in lessons.iter().map(|(h, _, _)| h) {
                prop_assert!((critic.value_bp(h).expect("a value") - whole.1.value_bp(h).expect("a value")).abs() < 1e-9);
                for action in Action::ALL {
                    let (a, b) = (told(&policy, h, action), told(&whole.0, h, action));
                    prop_assert!((a.0 - b.0).abs() < 1e-4 && (a.1 - b.1).abs() < 1e-4);
                }
            }
        }
    }
}
