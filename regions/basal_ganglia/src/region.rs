//! The region: fused state in, proposal out.

use std::fmt;

use market::Instruments;
use synapse::{Action, Fault, Fused, Model, Proposal, Proposed, Region};

use crate::NAME;
use crate::pathways::{compete, softmax};
use crate::select::{Selection, select};
use crate::sizing::Sizing;

market::params! {
    /// What is chosen, and how much of it.
    pub struct BasalGangliaParams in "basal_ganglia" {
        /// Probability by which the best action must lead the second; below it holds.
        margin: f32 = 0.1, "1", 0.0, 0.99;
        /// Strength λ of No-Go against Go (39).
        inhibition: f32 = 0.5, "1", 0.0, 100.0;
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
    /// A choice by a model that reads the fused state and gives [go; no_go], one number an action.
    ///
    /// # Panics
    /// If the model gives other numbers.
    #[must_use]
    pub fn new(params: BasalGangliaParams, policy: Box<dyn Model>, instruments: Instruments) -> Self {
        assert_eq!(policy.outputs(), 2 * Action::COUNT, "a policy gives a Go and a No-Go an action");
        Self { params, policy, instruments }
    }

    fn propose(&self, fused: &Fused) -> Result<Proposal, Fault> {
        let mut signals = [0.0; 2 * Action::COUNT];
        self.policy.infer(&fused.state.h, &mut signals)?;
        let [buy, sell, hold, no_buy, no_sell, no_hold] = signals;
        let (go, no_go) = ([buy, sell, hold], [no_buy, no_sell, no_hold]);
        let mut policy = [0.0; Action::COUNT];
        compete(&go, &no_go, self.params.inhibition, &mut policy);
        softmax(&mut policy);
        if !signals.iter().chain(&policy).all(|x| x.is_finite()) {
            return Err(Fault::new(NAME, format!("signals {signals:?} give the policy {policy:?}")));
        }
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
    use synapse::{SampleKind, Sensed, Startle};

    /// Basal ganglia that read the imbalance as it is.
    fn ganglia(params: BasalGangliaParams) -> BasalGanglia {
        let rule = imbalance_rule(&params, <[f32]>::to_vec, 1, 0);
        BasalGanglia::new(params, Box::new(rule), scenes::instruments(1, &scenes::instrument()))
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
