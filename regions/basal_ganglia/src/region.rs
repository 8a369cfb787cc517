//! The region: fused state in, proposal out.

use std::fmt;

use market::{Instruments, Quantity};
use synapse::random::{seed_for, uniform};
use synapse::{Action, Fault, Fused, Model, Proposal, Proposed, Region, Sensed, ThreatLevel};

use crate::NAME;
use crate::pathways::{compete, softmax};
use crate::select::{Selection, draw, select};
use crate::sizing::{Outlook, Sizing, reduced};

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
        /// Whether to draw the action from the policy instead of taking the best; only in the simulated
        /// regime.
        sample: bool = false, "", 0.0, 0.0;
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
        /// The greatest share of the Kelly bet μ/σ² on the equity that a position may be, with μ what a
        /// trained critic expects of the action, else what is recalled of it; where neither tells, the
        /// position is the least share of the budget. 0: the bet limits nothing.
        kelly_fraction: f64 = 0.0, "1", 0.0, 10.0;
        /// How far the critic and the recall look ahead; over so many samples a volatility is one of
        /// their outcomes.
        outlook_samples: f64 = 4.0, "samples", 1.0, 1e6;
    }
}

/// The basal ganglia. They remember nothing; what they learned is in their model.
pub struct BasalGanglia {
    params: BasalGangliaParams,
    policy: Box<dyn Model>,
    /// What is taken from each logit; none where nothing is.
    prior_logits: Option<[f32; Action::COUNT]>,
    instruments: Instruments,
    /// The seed of the draws of each instrument, in rank order; none where the best is always taken.
    draws: Option<Vec<u64>>,
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
    /// met a move up, a move down and none. `sampling` is the seed of the run where actions may be drawn:
    /// in simulation, never live.
    ///
    /// # Panics
    /// If the model gives other numbers, a prior is not in (0, 1], or the parameters ask for draws where
    /// there may be none.
    #[must_use]
    pub fn new(
        params: BasalGangliaParams,
        policy: Box<dyn Model>,
        priors: Option<[f32; Action::COUNT]>,
        instruments: Instruments,
        sampling: Option<u64>,
    ) -> Self {
        assert!(
            [RULE, HEADS].contains(&policy.outputs()),
            "a policy gives a Go, a No-Go and perhaps a value an action"
        );
        let is_share = |prior: &f32| *prior > 0.0 && *prior <= 1.0;
        assert!(priors.iter().flatten().all(is_share), "the priors {priors:?} are no shares");
        let weight = params.prior_weight;
        let prior_logits = priors.filter(|_| weight > 0.0).map(|p| p.map(|p| weight * libm::logf(p)));
        assert!(!params.sample || sampling.is_some(), "actions are drawn only in simulation");
        // by name, so that what else trades changes no draw
        let seeds = |run: u64| {
            instruments
                .iter()
                .map(|(_, facts)| seed_for(run, &format!("{NAME}.action.{}", facts.name)))
                .collect()
        };
        let draws = sampling.filter(|_| params.sample).map(seeds);
        Self { params, policy, prior_logits, instruments, draws }
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
        let Selection { action, lead, probability, .. } = self.selected(sensed, &policy, permitted);
        let (target, urgency) = match (action, mark) {
            (Action::Buy | Action::Sell, Some(mark)) => {
                // nothing hurries to what was drawn against the best
                let leads = action == Action::ALL[lead.winner];
                let urgency = if leads { self.urgency(lead.over_second) } else { 0.0 };
                (self.target(fused, action, values, mark), urgency)
            }
            _ => (sensed.account.position, 0.0),
        };
        Ok(Proposal {
            go,
            no_go,
            values,
            policy,
            action,
            probability,
            margin: lead.over_second,
            margin_needed: self.params.margin,
            target,
            urgency,
        })
    }

    /// The action: the best, or one drawn by the place of the sample in the run and its instrument (D1).
    fn selected(&self, sensed: &Sensed, policy: &Numbers, permitted: [bool; Action::COUNT]) -> Selection {
        match &self.draws {
            None => select(policy, self.params.margin, permitted),
            Some(seeds) => {
                let drawn = uniform(seeds[sensed.instrument.index()], sensed.sequence);
                draw(policy, self.params.margin, permitted, drawn)
            }
        }
    }

    /// The position to aim for. Frightened or startled, only a reduction is proposed (W6).
    fn target(&self, fused: &Fused, action: Action, values: Option<Numbers>, mark: f64) -> Quantity {
        let sensed = fused.sensed();
        let instrument = self.instruments.get(sensed.instrument);
        let outlook = self.outlook(fused, action, values);
        let target = self.sizing().target(action, sensed.context.volatility_bp, &outlook, mark, instrument);
        let level = fused.perceived.recalled.encoded.appraised.threat.level;
        let is_calm = level == ThreatLevel::Calm && sensed.is_regular();
        if is_calm { target } else { reduced(target, sensed.account.position) }
    }

    /// What a trained critic expects of an action, else what is recalled of it; how far that may miss is
    /// the greater of what recall and volatility tell. A recalled reward is in bp of the reference
    /// notional, and so is that of a position of just this size.
    fn outlook(&self, fused: &Fused, action: Action, values: Option<Numbers>) -> Outlook {
        let (sensed, recall) = (fused.sensed(), &fused.perceived.recalled.recall[action.index()]);
        let valued = values.filter(|_| self.policy.card().trained).map(|values| values[action.index()]);
        let moved_bp = sensed.context.volatility_bp.map(f64::from).filter(|v| v.is_finite());
        let moved_bp = moved_bp.map(|v| v * self.params.outlook_samples.sqrt());
        let recalled_bp = recall.reward_std_bp.map(f64::from).filter(|d| d.is_finite());
        Outlook {
            edge_bp: valued.or(recall.reward_bp).map(f64::from),
            deviation_bp: moved_bp.into_iter().chain(recalled_bp).reduce(f64::max),
            equity: sensed.account.equity,
        }
    }

    fn sizing(&self) -> Sizing {
        let &BasalGangliaParams { budget_share, reference_volatility_bp, min_share, max_share, .. } =
            &self.params;
        let kelly_fraction = self.params.kelly_fraction;
        Sizing { budget_share, reference_volatility_bp, min_share, max_share, kelly_fraction }
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
mod tests;
