use super::*;
use crate::rule::imbalance_rule;
use market::Money;
use proptest::prelude::*;
use scenes::{ONE, fused, money, sensed};
use synapse::{ModelCard, Recall, SampleKind, Startle};

/// Basal ganglia that read the imbalance as it is.
fn ganglia(params: BasalGangliaParams) -> BasalGanglia {
    with_priors(params, None)
}

fn with_priors(params: BasalGangliaParams, priors: Option<[f32; 3]>) -> BasalGanglia {
    let rule = imbalance_rule(&params, <[f32]>::to_vec, 1, 0);
    BasalGanglia::new(params, Box::new(rule), priors, instruments(), None)
}

fn instruments() -> Instruments {
    scenes::instruments(1, &scenes::instrument())
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
    sized_heads(BasalGangliaParams::default(), true, signals)
}

fn sized_heads(params: BasalGangliaParams, trained: bool, signals: [f32; HEADS]) -> BasalGanglia {
    let card = ModelCard { name: "heads".into(), trained, about: String::new() };
    BasalGanglia::new(params, Box::new(Heads(card, signals)), None, instruments(), None)
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
    let params = BasalGangliaParams { prior_weight: 1.0, hold_bias: 0.0, ..BasalGangliaParams::default() };
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

/// A long position of 2 of a sample that is feared at that level.
fn feared(level: ThreatLevel, imbalance: f32) -> Fused {
    let mut message = fused(sensed(), &[imbalance]);
    message.perceived.recalled.encoded.appraised.threat.level = level;
    message
}

fn proposed(message: Fused) -> (Action, String) {
    let proposal = ganglia(BasalGangliaParams::default()).peek(message).expect("a proposal").proposal;
    (proposal.action, proposal.target.to_string())
}

#[test]
fn what_is_feared_is_only_reduced() {
    // calm, an imbalance buys 2.5 and sells 2.5
    assert_eq!(proposed(feared(ThreatLevel::Calm, 0.9)), (Action::Buy, "2.5".into()));
    assert_eq!(proposed(feared(ThreatLevel::Calm, -0.9)), (Action::Sell, "-2.5".into()));
    for level in [ThreatLevel::Wary, ThreatLevel::Tripped] {
        assert_eq!(proposed(feared(level, 0.9)), (Action::Buy, "2".into()));
        assert_eq!(proposed(feared(level, -0.9)), (Action::Sell, "0".into()));
        assert_eq!(proposed(feared(level, 0.0)), (Action::Hold, "2".into()));
        let mut flat = feared(level, 0.9);
        flat.perceived.recalled.encoded.appraised.sensed.account.position = Quantity::ZERO;
        assert_eq!(proposed(flat), (Action::Buy, "0".into()));
    }
    let startled = Sensed { kind: SampleKind::Startle(Startle::Spread), ..sensed() };
    assert_eq!(proposed(fused(startled, &[-0.9])), (Action::Sell, "0".into()));
}

#[test]
fn a_smaller_target_is_reached_in_fear_too() {
    let mut held = feared(ThreatLevel::Wary, 0.9);
    held.perceived.recalled.encoded.appraised.sensed.account.position = Quantity::from_units(9 * ONE);
    assert_eq!(proposed(held), (Action::Buy, "2.5".into()));
}

/// A sample of a calm market, an account worth 1000, and this recall of buying.
fn foreseen(reward_bp: Option<f32>, reward_std_bp: Option<f32>) -> Fused {
    let mut message = fused(sensed(), &[0.9]);
    let recalled = &mut message.perceived.recalled;
    recalled.recall[Action::Buy.index()] = Recall { reward_bp, reward_std_bp, ..Recall::default() };
    let sensed = &mut recalled.encoded.appraised.sensed;
    (sensed.account.equity, sensed.context.volatility_bp) = (money(1000), Some(1.0));
    message
}

fn careful() -> BasalGangliaParams {
    // half of the bet, of a budget of 1000 at this volatility
    BasalGangliaParams { kelly_fraction: 0.5, reference_volatility_bp: 1.0, ..BasalGangliaParams::default() }
}

fn target(ganglia: &BasalGanglia, message: Fused) -> String {
    let proposal = ganglia.peek(message).expect("a proposal").proposal;
    assert_eq!(proposal.action, Action::Buy);
    proposal.target.to_string()
}

#[test]
fn a_position_is_no_more_than_its_part_of_the_bet_that_is_recalled() {
    let ganglia = ganglia(careful());
    // 2 bp of 200 bp: half of 0.5 times 1000, at a mark of 100
    assert_eq!(target(&ganglia, foreseen(Some(2.0), Some(200.0))), "2.5");
    // 2 bp with the 2 bp of four samples that move 1 bp each: more than the budget
    assert_eq!(target(&ganglia, foreseen(Some(2.0), Some(0.5))), "10");
    assert_eq!(target(&ganglia, foreseen(Some(-2.0), Some(200.0))), "0");
}

#[test]
fn a_trained_critic_tells_the_bet_before_the_recall() {
    let signals = [9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0, -4.0, 0.0];
    let trained = sized_heads(careful(), true, signals);
    assert_eq!(target(&trained, foreseen(Some(-2.0), Some(200.0))), "5");
    let untrained = sized_heads(careful(), false, signals);
    assert_eq!(target(&untrained, foreseen(Some(2.0), Some(200.0))), "2.5");
    assert_eq!(target(&untrained, foreseen(None, None)), "2.5", "the least share, 0.25 of the budget");
}

#[test]
fn without_critic_or_recall_a_bet_is_the_least_share() {
    let ganglia = ganglia(careful());
    for (mean, deviation) in [(None, None), (None, Some(2.0)), (Some(f32::NAN), Some(2.0))] {
        assert_eq!(target(&ganglia, foreseen(mean, deviation)), "2.5");
    }
    let mut unseen = foreseen(Some(2.0), Some(f32::NAN));
    unseen.perceived.recalled.encoded.appraised.sensed.context.volatility_bp = None;
    assert_eq!(target(&ganglia, unseen), "2.5");
}

/// Basal ganglia that draw, in a run of that seed.
fn drawing(run: u64) -> BasalGanglia {
    let params = BasalGangliaParams { sample: true, ..BasalGangliaParams::default() };
    let rule = imbalance_rule(&params, <[f32]>::to_vec, 1, 0);
    let instruments = scenes::instruments(2, &scenes::instrument());
    BasalGanglia::new(params, Box::new(rule), None, instruments, Some(run))
}

fn drawn(ganglia: &BasalGanglia, sensed: &Sensed, imbalance: f32) -> Vec<Proposal> {
    let at = |sequence| fused(Sensed { sequence, ..sensed.clone() }, &[imbalance]);
    (1..=400).map(|sequence| ganglia.peek(at(sequence)).expect("a proposal").proposal).collect()
}

#[test]
fn draws_depend_on_seed_place_and_instrument_alone() {
    let actions = |run, sensed: &Sensed| -> Vec<Action> {
        drawn(&drawing(run), sensed, 0.35).iter().map(|p| p.action).collect()
    };
    let first = actions(1, &sensed());
    assert_eq!(first, actions(1, &sensed()));
    assert!(Action::ALL.iter().all(|action| first.contains(action)), "{first:?}");
    assert_ne!(first, actions(2, &sensed()));
    let other = Sensed { instrument: market::InstrumentId(1), ..sensed() };
    assert_ne!(first, actions(1, &other));
}

#[test]
fn what_was_drawn_says_how_probable_it_was() {
    for proposal in drawn(&drawing(1), &sensed(), 0.35) {
        let told = proposal.policy[proposal.action.index()];
        assert!((proposal.probability - told).abs() < 1e-6, "{proposal:?}");
        assert!(proposal.action == Action::Buy || proposal.urgency == 0.0, "{proposal:?}");
    }
    // without a mark what is drawn is held, and sure to be
    let blind = Sensed { mark2: None, ..sensed() };
    for proposal in drawn(&drawing(1), &blind, 0.35) {
        assert_eq!((proposal.action, proposal.target), (Action::Hold, blind.account.position));
        assert!((proposal.probability - 1.0).abs() < 1e-6);
    }
}

#[test]
fn an_unclear_policy_is_not_drawn_from() {
    let params = BasalGangliaParams { margin: 0.9, sample: true, ..BasalGangliaParams::default() };
    let rule = imbalance_rule(&params, <[f32]>::to_vec, 1, 0);
    let ganglia = BasalGanglia::new(params, Box::new(rule), None, instruments(), Some(1));
    for proposal in drawn(&ganglia, &sensed(), 0.35) {
        assert_eq!((proposal.action, proposal.probability), (Action::Hold, 1.0));
        assert!(proposal.margin < proposal.margin_needed);
    }
}

#[test]
fn a_seed_alone_draws_nothing() {
    let rule = imbalance_rule(&BasalGangliaParams::default(), <[f32]>::to_vec, 1, 0);
    let seeded =
        BasalGanglia::new(BasalGangliaParams::default(), Box::new(rule), None, instruments(), Some(1));
    let best = ganglia(BasalGangliaParams::default());
    assert_eq!(drawn(&seeded, &sensed(), 0.35), drawn(&best, &sensed(), 0.35));
    assert!(drawn(&best, &sensed(), 0.35).iter().all(|p| (p.action, p.probability) == (Action::Buy, 1.0)));
}

#[test]
#[should_panic(expected = "only in simulation")]
fn live_nothing_is_drawn() {
    let _ = ganglia(BasalGangliaParams { sample: true, ..BasalGangliaParams::default() });
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

    #[test]
    fn in_fear_nothing_is_proposed_that_adds_or_turns(
        imbalance in -1.0f32..=1.0,
        position: i64,
        equity: i64,
        recalled in prop::array::uniform2(prop::option::of(any::<f32>())),
        tripped: bool,
        draws: bool,
        sequence: u64,
    ) {
        let mut message = feared(if tripped { ThreatLevel::Tripped } else { ThreatLevel::Wary }, imbalance);
        let place = &mut message.perceived.recalled;
        for recall in &mut place.recall {
            (recall.reward_bp, recall.reward_std_bp) = (recalled[0], recalled[1]);
        }
        let sensed = &mut place.encoded.appraised.sensed;
        sensed.sequence = sequence;
        sensed.account.position = Quantity::from_units(position);
        sensed.account.equity = Money::from_units(equity.into());
        let ganglia = if draws { drawing(3) } else { ganglia(careful()) };
        let target = ganglia.peek(message).expect("a proposal").proposal.target.units();
        prop_assert!(target.unsigned_abs() <= position.unsigned_abs());
        prop_assert!(target == 0 || target.signum() == position.signum());
    }
}
