//! The region as a whole: styles, filter, what it learns and plans.

use super::*;
use crate::schedule::Algorithm;
use market::order::{ClientId, Fill, Liquidity, Report, ReportKind};
use market::{Money, Price, Timestamp};
use proptest::prelude::*;
use scenes::top;
use synapse::{SampleKind, Startle};

const ONE: Quantity = Quantity::from_units(scenes::ONE);

fn cerebellum(params: CerebellumParams) -> Cerebellum {
    // 1 of 10,000 is a share of 1e-4, whose root is 0.01
    let instruments = scenes::instruments(1, &scenes::instrument());
    Cerebellum::new(params, instruments, vec![Quantity::from_units(10_000_000_000_000)])
}

/// A sample without a position: 99.98 to 100.02, a volatility of 1 bp a sample.
fn sensed() -> Sensed {
    let mut sensed = scenes::sensed();
    sensed.top = Some(top(99_980_000_000, 100_020_000_000));
    sensed.context.volatility_bp = Some(1.0);
    sensed.account.position = Quantity::ZERO;
    sensed
}

fn proposed(sensed: Sensed, action: Action, target: Quantity, urgency: f32) -> Proposed {
    scenes::proposed(sensed, Proposal { urgency, ..scenes::proposal(action, target) })
}

fn forecast(sensed: Sensed, action: Action, target: Quantity, urgency: f32) -> ExecutionForecast {
    let mut cerebellum = cerebellum(CerebellumParams::default());
    cerebellum.step(proposed(sensed, action, target, urgency)).expect("a forecast").execution
}

fn chosen(urgency: f32) -> Option<Style> {
    forecast(sensed(), Action::Buy, ONE, urgency).chosen().map(|style| style.style)
}

#[test]
fn urgency_chooses_the_style() {
    for (urgency, style) in [
        (1.0, Style::Market),
        (0.5, Style::Market),
        (0.49, Style::Inside),
        (0.25, Style::Inside),
        (0.2, Style::AtTouch),
        (0.0, Style::AtTouch),
    ] {
        assert_eq!(chosen(urgency), Some(style), "{urgency}");
    }
}

#[test]
fn what_is_not_possible_is_replaced_by_the_more_patient() {
    let tight = Sensed { top: Some(top(99_990_000_000, 100_000_000_000)), ..sensed() };
    let style = |sensed, urgency| forecast(sensed, Action::Buy, ONE, urgency).chosen().map(|s| s.style);
    assert_eq!(style(tight, 0.3), Some(Style::AtTouch));
    let mut unknown = sensed();
    unknown.context.volatility_bp = None;
    assert_eq!(style(unknown, 1.0), Some(Style::Inside));
    let top = Some(top(100_000_000_000, 100_000_000_000));
    let locked = Sensed { book: BookState::Locked, top, ..sensed() };
    assert_eq!(style(locked.clone(), 1.0), Some(Style::Market));
    assert_eq!(style(locked, 0.1), None);
}

#[test]
fn impact_grows_with_the_root_of_the_size() {
    let impact = |target| forecast(sensed(), Action::Buy, target, 1.0).styles[0].impact_bp;
    let daily_bp = 345_600_f64.sqrt();
    assert!((impact(ONE) - 0.01 * daily_bp).abs() < 1e-9);
    assert!((impact(Quantity::from_units(4 * ONE.units())) - 0.02 * daily_bp).abs() < 1e-9);
}

#[test]
fn the_edge_is_signed_by_the_action() {
    // 3 at 99.98, 1 at 100.02: the microprice is 100.01
    let edge = |action, target| forecast(sensed(), action, target, 1.0).edge_bp.expect("a book");
    assert!((edge(Action::Buy, ONE) - 1.0).abs() < 1e-9);
    assert!((edge(Action::Sell, -ONE) + 1.0).abs() < 1e-9);
    assert_eq!(forecast(Sensed { top: None, ..sensed() }, Action::Buy, ONE, 1.0).edge_bp, None);
}

#[test]
fn the_filter_holds_what_does_not_pay() {
    let filtered = |params, action, target, urgency| {
        let message = proposed(sensed(), action, target, urgency);
        cerebellum(params).step(message).expect("a forecast").execution.filtered
    };
    let on = CerebellumParams::default;
    assert!(filtered(on(), Action::Buy, ONE, 1.0), "an edge of 1 bp against 5 bp and impact");
    assert!(!filtered(on(), Action::Buy, ONE, 0.0), "an edge of 1 bp against −2.5 bp at touch");
    assert!(!filtered(CerebellumParams { edge_filter: false, ..on() }, Action::Buy, ONE, 1.0));
    assert!(!filtered(on(), Action::Buy, Quantity::ZERO, 1.0), "nothing to trade");
}

#[test]
fn without_an_edge_to_know_of_nothing_pays() {
    let bars = Sensed { book: BookState::Synthetic, top: None, ..sensed() };
    let forecast = forecast(bars, Action::Sell, -ONE, 1.0);
    assert_eq!(forecast.styles.iter().map(|s| s.style).collect::<Vec<_>>(), [Style::Market, Style::AtTouch]);
    assert_eq!((forecast.edge_bp, forecast.filtered), (None, true));
    assert_eq!(forecast.styles[0].slippage_bp, 1.0);
}

#[test]
fn nothing_to_trade_or_no_market_has_no_style() {
    let none = |sensed, action, target| {
        let forecast = forecast(sensed, action, target, 1.0);
        forecast.styles.is_empty() && forecast.chosen.is_none() && !forecast.filtered
    };
    let mut held = sensed();
    held.account.position = ONE;
    assert!(none(held, Action::Buy, ONE));
    assert!(none(sensed(), Action::Hold, ONE));
    assert!(none(sensed(), Action::Buy, Quantity::from_units(999_999)), "less than a lot");
    for book in [BookState::Unknown, BookState::OneSided, BookState::Crossed] {
        assert!(none(Sensed { book, ..sensed() }, Action::Buy, ONE), "{book:?}");
        assert!(none(Sensed { book, top: None, ..sensed() }, Action::Buy, ONE), "{book:?}");
    }
    assert!(none(Sensed { book: BookState::Synthetic, mark2: None, ..sensed() }, Action::Buy, ONE));
}

#[test]
fn a_forecast_that_is_not_finite_is_a_fault() {
    let params = CerebellumParams { synthetic_half_spread_bp: f64::NAN, ..CerebellumParams::default() };
    let bars = Sensed { book: BookState::Synthetic, top: None, ..sensed() };
    assert!(cerebellum(params).step(proposed(bars, Action::Buy, ONE, 1.0)).is_err());
}

#[test]
fn a_snapshot_restores() {
    let mut learned = cerebellum(CerebellumParams::default());
    trade(&mut learned, 1, 30, 3.0);
    let bytes = learned.snapshot();
    let mut other = cerebellum(CerebellumParams::default());
    assert_ne!(other.digest(), learned.digest());
    assert_eq!(other.restore(&bytes), Ok(()));
    assert_eq!(other.digest(), learned.digest());
    assert!(other.restore(&[1]).is_err());
    let next = || proposed(Sensed { sequence: 31, ..sensed() }, Action::Buy, ONE, 1.0);
    assert_eq!(other.step(next()), learned.step(next()));
    assert_eq!(other.digest(), learned.digest());
}

/// A notice of the fill of all of an order of decision `sequence`, so many bp above a mid of 100.
fn filled(sequence: u64, above_bp: f64) -> Notice {
    let fill = Fill {
        execution: sequence,
        side: Side::Buy,
        price: Price::from_units(100 * scenes::ONE + (above_bp * 1e7) as i64),
        quantity: ONE,
        fee: Money::ZERO,
        liquidity: Liquidity::Taker,
        remaining: Quantity::ZERO,
    };
    let id = ClientId { sequence, instrument: InstrumentId(0), k: 0 };
    let (time, kind) = (Timestamp::from_ns(0), ReportKind::Filled(fill));
    Notice { sequence, time, kind: NoticeKind::Report(Report { id, time, kind }) }
}

/// Takes 1 with each of these decisions, at such a cost.
fn trade(cerebellum: &mut Cerebellum, first: u64, last: u64, cost_bp: f64) {
    for sequence in first..=last {
        let mut sample = Sensed { sequence, ..sensed() };
        sample.features[Feature::Imbalance1] = Some(0.0);
        cerebellum.step(proposed(sample, Action::Buy, ONE, 1.0)).expect("a forecast");
        cerebellum.notice(&filled(sequence, cost_bp)).expect("no fault");
    }
}

fn market_style(cerebellum: &Cerebellum, urgency: f32) -> StyleForecast {
    let message = proposed(Sensed { sequence: 1_000, ..sensed() }, Action::Buy, ONE, urgency);
    let execution = cerebellum.peek(message).expect("a forecast").execution;
    let found = execution.styles.iter().find(|style| style.style == Style::Market);
    *found.expect("a taking style")
}

#[test]
fn what_fills_cost_beyond_the_law_corrects_taking_orders_and_no_others() {
    let params = CerebellumParams { correct_after: 20, ..CerebellumParams::default() };
    let mut cerebellum = cerebellum(params);
    // half a spread of 2 bp and an impact of 5.88 bp are forecast
    let law = market_style(&cerebellum, 1.0);
    assert!((law.slippage_bp + law.impact_bp - 7.879).abs() < 0.01, "{law:?}");
    trade(&mut cerebellum, 1, 19, 3.0);
    assert_eq!(market_style(&cerebellum, 1.0), law, "too few fills");
    trade(&mut cerebellum, 20, 60, 3.0);
    let corrected = market_style(&cerebellum, 1.0);
    assert!((corrected.cost_bp() - corrected.fee_bp - 3.0).abs() < 0.1, "{corrected:?}");
    assert_eq!((corrected.slippage_bp, corrected.impact_bp), (law.slippage_bp, law.impact_bp));
    let message = proposed(Sensed { sequence: 61, ..sensed() }, Action::Buy, ONE, 1.0);
    let execution = cerebellum.step(message).expect("a forecast").execution;
    assert!(execution.styles[1..].iter().all(|style| style.correction_bp == 0.0));
}

#[test]
fn only_what_may_have_been_ordered_is_learned_from() {
    let seen = |cerebellum: &Cerebellum| cerebellum.memory(InstrumentId(0)).map(|m| m.fills.learner().seen());
    let mut one = cerebellum(CerebellumParams::default());
    one.notice(&filled(1, 3.0)).expect("no fault");
    assert_eq!(seen(&one), None, "of an instrument never seen");
    let patient = proposed(sensed(), Action::Buy, ONE, 0.0);
    one.step(patient).expect("a forecast");
    one.notice(&filled(1, 3.0)).expect("no fault");
    assert_eq!(seen(&one), Some(0), "what rests is no order that takes");
    let startled = Sensed { kind: SampleKind::Startle(Startle::LostBook), sequence: 2, ..sensed() };
    one.step(proposed(startled, Action::Buy, ONE, 1.0)).expect("a forecast");
    one.notice(&filled(2, 3.0)).expect("no fault");
    assert_eq!(seen(&one), Some(0), "a startle teaches nothing");
    trade(&mut one, 3, 3, 3.0);
    assert_eq!(seen(&one), Some(1));
}

#[test]
fn a_restart_forgets_what_is_under_way_and_keeps_what_was_learned() {
    let mut cerebellum = cerebellum(CerebellumParams::default());
    trade(&mut cerebellum, 1, 5, 3.0);
    let restarted = Notice { sequence: 6, time: Timestamp::from_ns(0), kind: NoticeKind::Restarted };
    let next = proposed(Sensed { sequence: 6, ..sensed() }, Action::Buy, ONE, 1.0);
    cerebellum.step(next).expect("a forecast");
    cerebellum.notice(&restarted).expect("no fault");
    cerebellum.notice(&filled(6, 3.0)).expect("no fault");
    let mut behind = Sensed { sequence: 7, ..sensed() };
    behind.features[Feature::Imbalance1] = Some(0.0);
    cerebellum.step(proposed(behind, Action::Buy, ONE, 1.0)).expect("a forecast");
    let memory = cerebellum.memory(InstrumentId(0)).expect("a memory");
    assert_eq!((memory.fills.learner().seen(), memory.drift.learner().seen()), (5, 5));
}

/// A market that moves by the lean of its book, and what is then foreseen.
fn leaning(params: CerebellumParams, samples: u64) -> ExecutionForecast {
    let mut cerebellum = cerebellum(params);
    let mut mid = 100_000_000_000_i64;
    let mut last = None;
    for sequence in 1..=samples {
        let lean: i64 = if sequence.is_multiple_of(3) { 1 } else { -1 };
        let mut sample = Sensed { sequence, ..sensed() };
        sample.top = Some(top(mid - 20_000_000, mid + 20_000_000));
        sample.features[Feature::Imbalance1] = Some(lean as f32);
        mid += lean * 10_000_000;
        let execution = cerebellum.step(proposed(sample, Action::Buy, ONE, 1.0));
        last = Some(execution.expect("a forecast").execution);
    }
    last.expect("a sample")
}

#[test]
fn the_next_mid_is_foretold_and_is_the_edge_only_where_that_is_wished_and_earned() {
    let params = |use_drift| CerebellumParams { use_drift, drift_after: 100, ..CerebellumParams::default() };
    assert_eq!(leaning(params(false), 1).drift_bp, None, "nothing was learned");
    let told = leaning(params(false), 300);
    assert!((told.drift_bp.expect("a forecast") - 1.0).abs() < 0.1, "{:?}", told.drift_bp);
    let (micro, drift) = (leaning(params(false), 300), leaning(params(true), 300));
    assert_eq!(drift.edge_bp, drift.drift_bp);
    assert_ne!(micro.edge_bp, micro.drift_bp);
    assert_eq!(leaning(params(true), 99).edge_bp, leaning(params(false), 99).edge_bp, "too few samples");
}

#[test]
fn a_plan_is_made_where_one_is_wished_and_something_can_be_done() {
    let plan = |algorithm, sensed, target| {
        let params = CerebellumParams { algorithm, slices: 4, ..CerebellumParams::default() };
        let message = proposed(sensed, Action::Buy, target, 1.0);
        cerebellum(params).step(message).expect("a forecast").execution.plan
    };
    assert_eq!(plan(Algorithm::AtOnce, sensed(), ONE), None);
    for algorithm in [Algorithm::Twap, Algorithm::AlmgrenChriss, Algorithm::Pov] {
        let made = plan(algorithm, sensed(), ONE).expect("a plan");
        let lot = scenes::instrument().lot;
        assert_eq!(made.due(ONE, made.end_ns(), 0.0, lot), ONE, "{algorithm}");
        let first = made.due(ONE, 0, 0.0, lot);
        assert!(first < ONE && first.is_zero() == (algorithm == Algorithm::Pov), "{algorithm}: {first}");
        assert_eq!(plan(algorithm, sensed(), Quantity::from_units(9_000_000)), None, "nine lots");
        assert_eq!(plan(algorithm, Sensed { book: BookState::Unknown, ..sensed() }, ONE), None);
        let locked = Some(top(100_000_000_000, 100_000_000_000));
        assert!(plan(algorithm, Sensed { book: BookState::Locked, top: locked, ..sensed() }, ONE).is_some());
        let bars = Sensed { book: BookState::Synthetic, top: None, ..sensed() };
        assert!(plan(algorithm, bars, ONE).is_some(), "{algorithm} without a book");
    }
}

#[test]
fn impacts_that_have_no_schedule_are_a_fault() {
    let algorithm = Algorithm::AlmgrenChriss;
    let params = CerebellumParams { algorithm, perm_impact: 1e9, temp_impact: 1e-9, ..Default::default() };
    assert!(params.check().is_err());
    assert!(cerebellum(params).step(proposed(sensed(), Action::Buy, ONE, 1.0)).is_err());
}

fn any_book() -> impl Strategy<Value = BookState> {
    use BookState::{Crossed, Locked, Ok, OneSided, Synthetic, Unknown};
    prop::sample::select(vec![Ok, Locked, Crossed, OneSided, Unknown, Synthetic])
}

proptest! {
    #[test]
    fn peeking_is_stepping_and_any_market_is_answered(
        book in any_book(),
        quotes in prop::option::of((1i64..i64::MAX / 2, 1i64..i64::MAX / 2)),
        mark2 in prop::option::of(any::<i64>()),
        volatility_bp in prop::option::of(any::<f32>()),
        (position, target) in any::<(i64, i64)>(),
        action in prop::sample::select(Action::ALL.to_vec()),
        (urgency, startled) in (0.0f32..=1.0, any::<bool>()),
    ) {
        let mut cerebellum = cerebellum(CerebellumParams::default());
        trade(&mut cerebellum, 1, 3, 3.0);
        let mut sample = Sensed { book, top: quotes.map(|(bid, ask)| top(bid, ask)), mark2, ..sensed() };
        sample.context.volatility_bp = volatility_bp;
        sample.account.position = Quantity::from_units(position);
        if startled {
            sample.kind = SampleKind::Startle(Startle::LostBook);
        }
        let message = proposed(sample, action, Quantity::from_units(target), urgency);
        let before = cerebellum.digest();
        let peeked = cerebellum.peek(message.clone());
        prop_assert_eq!(cerebellum.digest(), before);
        let stepped = cerebellum.step(message);
        prop_assert_eq!(&peeked, &stepped);
        prop_assert!(!startled || cerebellum.digest() == before, "a startle teaches nothing");
        let execution = stepped.expect("a forecast").execution;
        let wanted = cerebellum.wanted(urgency);
        prop_assert!(execution.chosen().is_none_or(|s| patience(s.style) >= patience(wanted)));
        prop_assert!(!execution.filtered || execution.chosen.is_some());
    }
}
