//! The region: fused state in, proposal out.

use std::fmt;

use market::Instruments;
use synapse::{Action, Fault, Fused, Model, Proposal, Proposed, Region};

use crate::NAME;
use crate::pathways::{compete, softmax};
use crate::select::{Selection, select};
use crate::sizing::Sizing;

/// Numbers of a rule: [go; no_go].
const RULE: usize = 2 * Action::COUNT;
/// Numbers of the heads of a network: [go; no_go; q].
const HEADS: usize = 3 * Action::COUNT;

type Numbers = [f32; Action::COUNT];
type Signals = (Numbers, Numbers, Option<Numbers>);

market::params! {
    /// What is chosen, and how much of it.
    pub struct BasalGangliaParams in "basal_ganglia" {
        /// Probability by which the best action must lead the second; below it holds.
        margin: f32 = 0.1, "1", 0.0, 0.99;
        /// Strength λ of No-Go against Go (39).
        inhibition: f32 = 0.5, "1", 0.0, 100.0;
        /// How far a trained policy is freed of how often each move came in training: 0 not at all, 1
        /// wholly; one that foretells a rare move else never beats that nothing moves.
        prior_weight: f32 = 0.0, "1", 0.0, 1.0;
        /// Go drive of the imbalance rule at an imbalance of 1.
        gain: f32 = 4.0, "1", 0.001, 100.0;
        /// Go drive of holding in the imbalance rule.
        hold_bias: f32 = 1.0, "1", 0.0, 100.0;
        /// Position aimed for at the reference volatility, as a share of the reference notional.
        budget_share: f64 = 1.0, "1", 1e-6, 1000.0;
        /// Volatility at which just that is aimed for; less in a wilder market, more in a calmer.
        reference_volatility_bp: f64 = 0.5, "bp a sample", 1e-6, 1e4;
        /// The least share of the budget, however wild the market, or where its volatility is unknown.
        min_share: f64 = 0.25, "1", 0.0, 1.0;
        /// The greatest share of the budget, however calm the market.
        max_share: f64 = 1.0, "1", 0.0, 100.0;
    }
}

/// The basal ganglia. They remember nothing; what they learned is in their model.
pub struct BasalGanglia {
    params: BasalGangliaParams,
    policy: Box<dyn Model>,
    /// What is taken from each logit; none where nothing is.
    prior_logits: Option<[f32; Action::COUNT]>,
    instruments: Instruments,
}

impl fmt::Debug for BasalGanglia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasalGanglia")
            .field("params", &self.params)
            .field("policy", self.policy.card())
            .field("instruments", &self.instruments)
            .finish()
    }
}

impl BasalGanglia {
    /// A choice by a model that reads the fused state and gives [go; no_go], or, where it has a critic,
    /// [go; no_go; q], one number an action; q in bp. The priors tell how often the model, in training,
    /// met a move up, a move down and none.
    ///
    /// # Panics
    /// If the model gives other numbers, or a prior is not in (0, 1].
    #[must_use]
    pub fn new(
        params: BasalGangliaParams,
        policy: Box<dyn Model>,
        priors: Option<[f32; Action::COUNT]>,
        instruments: Instruments,
    ) -> Self {
        assert!(
            [RULE, HEADS].contains(&policy.outputs()),
            "a policy gives a Go, a No-Go and perhaps a value an action"
        );
        let is_share = |prior: &f32| *prior > 0.0 && *prior <= 1.0;
        assert!(priors.iter().flatten().all(is_share), "the priors {priors:?} are no shares");
        let weight = params.prior_weight;
        let prior_logits = priors.filter(|_| weight > 0.0).map(|p| p.map(|p| weight * libm::logf(p)));
        Self { params, policy, prior_logits, instruments }
    }

    /// Go, No-Go and, where there is a critic, the values of a state.
    fn signals(&self, h: &[f32]) -> Result<Signals, Fault> {
        let mut signals = [0.0; HEADS];
        let signals = &mut signals[..self.policy.outputs()];
        self.policy.infer(h, signals)?;
        if !signals.iter().all(|signal| signal.is_finite()) {
            return Err(Fault::new(NAME, format!("the signals are {signals:?}")));
        }
        match *signals {
            [a, b, c, d, e, f] => Ok(([a, b, c], [d, e, f], None)),
            [a, b, c, d, e, f, g, h, i] => Ok(([a, b, c], [d, e, f], Some([g, h, i]))),
            _ => Err(Fault::new(NAME, format!("{} signals", signals.len()))),
        }
    }

    /// The policy (39), freed of the priors.
    fn policy(&self, go: &[f32], no_go: &[f32]) -> Result<[f32; Action::COUNT], Fault> {
        let mut policy = [0.0; Action::COUNT];
        compete(go, no_go, self.params.inhibition, &mut policy);
        for (logit, prior) in policy.iter_mut().zip(self.prior_logits.iter().flatten()) {
            *logit -= prior;
        }
        softmax(&mut policy);
        if policy.iter().all(|p| p.is_finite()) {
            return Ok(policy);
        }
        Err(Fault::new(NAME, format!("go {go:?} and no-go {no_go:?} give the policy {policy:?}")))
    }

    fn propose(&self, fused: &Fused) -> Result<Proposal, Fault> {
        let (go, no_go, values) = self.signals(&fused.state.h)?;
        let policy = self.policy(&go, &no_go)?;
        let sensed = fused.sensed();
        let mark = sensed.mark().filter(|mark| *mark > 0.0);
        let permitted = [mark.is_some(), mark.is_some(), true];
        let Selection { action, lead, .. } = select(&policy, self.params.margin, permitted);
        let (target, urgency) = match (action, mark) {
            (Action::Buy | Action::Sell, Some(mark)) => {
                let instrument = self.instruments.get(sensed.instrument);
                let target = self.sizing().target(action, sensed.context.volatility_bp, mark, instrument);
                (target, self.urgency(lead.over_second))
            }
            _ => (sensed.account.position, 0.0),
        };
        Ok(Proposal {
            go,
            no_go,
            values,
            policy,
            action,
            margin: lead.over_second,
            margin_needed: self.params.margin,
            target,
            urgency,
        })
    }

    fn sizing(&self) -> Sizing {
        let &BasalGangliaParams { budget_share, reference_volatility_bp, min_share, max_share, .. } =
            &self.params;
        Sizing { budget_share, reference_volatility_bp, min_share, max_share }
    }

    /// 0 for an action that just has its margin, 1 for one that is certain.
    fn urgency(&self, margin: f32) -> f32 {
        let needed = self.params.margin;
        ((margin - needed) / (1.0 - needed)).clamp(0.0, 1.0)
    }
}

impl Region for BasalGanglia {
    type In = Fused;
    type Out = Proposed;
    type State = ();
    const NAME: &'static str = NAME;

    fn step(&mut self, fused: Fused) -> Result<Proposed, Fault> {
        self.peek(fused)
    }

    fn peek(&self, fused: Fused) -> Result<Proposed, Fault> {
        let proposal = self.propose(&fused)?;
        Ok(Proposed { fused, proposal })
    }

    fn state(&self) -> &() {
        &()
    }

    fn set_state(&mut self, (): ()) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::imbalance_rule;
    use proptest::prelude::*;
    use scenes::{fused, sensed};
    use synapse::{ModelCard, SampleKind, Sensed, Startle};

    /// Basal ganglia that read the imbalance as it is.
    fn ganglia(params: BasalGangliaParams) -> BasalGanglia {
        with_priors(params, None)
    }

    fn with_priors(params: BasalGangliaParams, priors: Option<[f32; 3]>) -> BasalGanglia {
        let rule = imbalance_rule(&params, <[f32]>::to_vec, 1, 0);
        BasalGanglia::new(params, Box::new(rule), priors, scenes::instruments(1, &scenes::instrument()))
    }

    /// Heads that give these numbers, whatever the state.
    struct Heads(ModelCard, [f32; HEADS]);

    impl Model for Heads {
        fn card(&self) -> &ModelCard {
            &self.0
        }
        fn inputs(&self) -> usize {
            1
        }
        fn outputs(&self) -> usize {
            HEADS
        }
        fn infer(&self, _: &[f32], output: &mut [f32]) -> Result<(), Fault> {
            output.copy_from_slice(&self.1);
            Ok(())
        }
    }

    fn heads(signals: [f32; HEADS]) -> BasalGanglia {
        let card = ModelCard { name: "heads".into(), trained: true, about: String::new() };
        let instruments = scenes::instruments(1, &scenes::instrument());
        BasalGanglia::new(BasalGangliaParams::default(), Box::new(Heads(card, signals)), None, instruments)
    }

    #[test]
    fn a_critic_tells_what_it_expects_and_decides_nothing() {
        let signals = [0.5, 2.0, 1.0, 0.25, 0.0, 0.5, 3.0, -1.5, 0.0];
        let told = proposal(&mut heads(signals), sensed(), 0.0);
        assert_eq!((told.go, told.no_go), ([0.5, 2.0, 1.0], [0.25, 0.0, 0.5]));
        assert_eq!(told.values, Some([3.0, -1.5, 0.0]));
        let mut others = signals;
        others[6..].copy_from_slice(&[-9.0, 9.0, 1.0]);
        let other = proposal(&mut heads(others), sensed(), 0.0);
        assert_eq!(Proposal { values: told.values, ..other }, told);
        others[8] = f32::NAN;
        assert!(heads(others).step(fused(sensed(), &[0.0])).is_err());
        assert_eq!(proposal(&mut ganglia(BasalGangliaParams::default()), sensed(), 0.5).values, None);
    }

    #[test]
    fn a_whole_weight_frees_the_policy_of_the_priors() {
        let priors = [0.125, 0.25, 0.625];
        let params =
            BasalGangliaParams { prior_weight: 1.0, hold_bias: 0.0, ..BasalGangliaParams::default() };
        // silent pathways: without the priors each action is as likely as it was rare
        let freed = proposal(&mut with_priors(params.clone(), Some(priors)), sensed(), 0.0);
        let total: f32 = priors.iter().map(|p| 1.0 / p).sum();
        for (got, prior) in freed.policy.iter().zip(priors) {
            assert!((got - 1.0 / prior / total).abs() < 1e-6, "{:?}", freed.policy);
        }
        assert_eq!(freed.action, Action::Buy);
        assert_eq!(proposal(&mut with_priors(params, None), sensed(), 0.0).policy, [1.0 / 3.0; 3]);
    }

    #[test]
    #[should_panic(expected = "are no shares")]
    fn a_class_that_never_came_has_no_prior() {
        let _ = with_priors(BasalGangliaParams::default(), Some([0.5, 0.0, 0.5]));
    }

    fn proposal(ganglia: &mut BasalGanglia, sensed: Sensed, imbalance: f32) -> Proposal {
        ganglia.step(fused(sensed, &[imbalance])).expect("a proposal").proposal
    }

    #[test]
    fn the_imbalance_decides_and_the_volatility_sizes() {
        let mut ganglia = ganglia(BasalGangliaParams::default());
        let mut sensed = sensed();
        sensed.context.volatility_bp = Some(1.0);
        let long = proposal(&mut ganglia, sensed.clone(), 0.9);
        let short = proposal(&mut ganglia, sensed, -0.9);
        assert_eq!((long.action, long.target.to_string()), (Action::Buy, "5".into()));
        assert_eq!((short.action, short.target.to_string()), (Action::Sell, "-5".into()));
        assert_eq!(long.urgency, short.urgency);
        assert!(long.urgency > 0.5 && long.margin > long.margin_needed);
    }

    #[test]
    fn an_unknown_volatility_takes_the_smallest_share() {
        let long = proposal(&mut ganglia(BasalGangliaParams::default()), sensed(), 0.9);
        assert_eq!(long.target.to_string(), "2.5");
    }

    #[test]
    fn without_its_margin_an_action_is_held() {
        let params = BasalGangliaParams { margin: 0.5, hold_bias: 0.0, ..BasalGangliaParams::default() };
        let held = proposal(&mut ganglia(params), sensed(), 0.2);
        let buy = Action::Buy.index();
        assert!(held.policy.iter().enumerate().all(|(at, p)| at == buy || *p < held.policy[buy]));
        assert_eq!((held.action, held.target, held.urgency), (Action::Hold, sensed().account.position, 0.0));
        assert!(held.margin < held.margin_needed);
    }

    #[test]
    fn urgency_rises_from_the_margin_to_certainty() {
        let ganglia = ganglia(BasalGangliaParams { margin: 0.5, ..BasalGangliaParams::default() });
        assert_eq!([0.25, 0.5, 0.75, 1.0].map(|margin| ganglia.urgency(margin)), [0.0, 0.0, 0.5, 1.0]);
    }

    #[test]
    fn without_a_mark_the_position_is_kept() {
        let mut ganglia = ganglia(BasalGangliaParams::default());
        for mark2 in [None, Some(0), Some(-1)] {
            let held = proposal(&mut ganglia, Sensed { mark2, ..sensed() }, 0.9);
            assert_eq!((held.action, held.target), (Action::Hold, sensed().account.position));
        }
    }

    #[test]
    fn silent_pathways_hold() {
        let params = BasalGangliaParams { margin: 0.0, hold_bias: 0.0, ..BasalGangliaParams::default() };
        let held = proposal(&mut ganglia(params), sensed(), 0.0);
        assert_eq!((held.action, held.margin), (Action::Hold, 0.0));
    }

    #[test]
    fn what_is_no_state_is_a_fault() {
        let mut ganglia = ganglia(BasalGangliaParams::default());
        for h in [vec![], vec![0.5, 0.5], vec![f32::NAN], vec![f32::INFINITY]] {
            assert!(ganglia.step(fused(sensed(), &h)).is_err(), "{h:?}");
        }
    }

    #[test]
    fn it_says_what_it_is() {
        let mut ganglia = ganglia(BasalGangliaParams::default());
        assert!(format!("{ganglia:?}").contains("imbalance rule"));
        let bytes = ganglia.snapshot();
        assert_eq!(ganglia.restore(&bytes), Ok(()));
        assert!(ganglia.restore(&[1]).is_err());
    }

    proptest! {
        #[test]
        fn priors_of_no_weight_change_no_bit(imbalance in -1.0f32..=1.0, up in 0.01f32..0.4, down in 0.01f32..0.4) {
            let message = fused(sensed(), &[imbalance]);
            let plain = ganglia(BasalGangliaParams::default()).peek(message.clone()).expect("a proposal");
            let priors = Some([up, down, 1.0 - up - down]);
            let mut params = BasalGangliaParams::default();
            let with = with_priors(params.clone(), priors).peek(message.clone()).expect("a proposal");
            let bytes = |proposed: &Proposed| synapse::bytes::encode(&proposed.proposal);
            prop_assert_eq!(bytes(&with), bytes(&plain));
            params.prior_weight = 0.5;
            let with = with_priors(params, priors).peek(message).expect("a proposal");
            prop_assert_ne!(bytes(&with), bytes(&plain));
        }

        #[test]
        fn peeking_is_stepping_and_nothing_is_remembered(
            imbalance in -1.0f32..=1.0,
            mark2 in prop::option::of(any::<i64>()),
            volatility_bp in prop::option::of(any::<f32>()),
            startled: bool,
        ) {
            let mut ganglia = ganglia(BasalGangliaParams::default());
            let mut sample = Sensed { mark2, ..sensed() };
            sample.context.volatility_bp = volatility_bp;
            if startled {
                sample.kind = SampleKind::Startle(Startle::Halt);
            }
            let message = fused(sample, &[imbalance]);
            let before = ganglia.digest();
            let peeked = ganglia.peek(message.clone());
            let stepped = ganglia.step(message);
            prop_assert_eq!(&peeked, &stepped);
            prop_assert_eq!(ganglia.digest(), before);
            let proposal = stepped.expect("a proposal").proposal;
            prop_assert!((0.0..=1.0).contains(&proposal.urgency));
            if proposal.action != Action::Hold {
                prop_assert!(proposal.margin >= proposal.margin_needed);
                prop_assert!(proposal.target.units().signum() * proposal.action.sign() >= 0);
            }
        }
    }
}
