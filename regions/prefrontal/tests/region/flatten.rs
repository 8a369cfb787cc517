//! The way to no position: what an operator asks for with `janus flatten`.

use market::book::BookState;
use market::order::NewOrder;
use proptest::prelude::*;
use synapse::{Appraised, Phase};

use super::*;

/// What is otherwise in a sample.
type Change = fn(&mut Forecast);

/// A desk that holds so much.
fn holding(whole: i64, limits: Limits) -> Desk {
    let mut desk = Desk::within(limits);
    while desk.position != q(whole) {
        let step = q(whole.signum());
        desk.ask.action = if whole > 0 { Action::Buy } else { Action::Sell };
        desk.ask.target = desk.position.checked_add(step).expect("small");
        let requests = desk.requests();
        let [Request::Place(order)] = requests[..] else { panic!("{requests:?}") };
        desk.fill(order.id, order.side, order.quantity, q(0));
    }
    desk
}

fn flattening(whole: i64) -> Desk {
    let mut desk = holding(whole, limits());
    desk.command(CommandKind::Flatten);
    desk
}

fn placed(requests: &[Request]) -> NewOrder {
    let [Request::Place(order)] = requests else { panic!("{requests:?}") };
    *order
}

fn appraised(forecast: &mut Forecast) -> &mut Appraised {
    &mut forecast.proposed.fused.perceived.recalled.encoded.appraised
}

#[test]
fn a_position_is_reduced_to_nothing_inside_the_collar() {
    for (held, side, price) in [(5, Side::Sell, p(96)), (-5, Side::Buy, p(105))] {
        let mut desk = flattening(held);
        let verdict = desk.judge();
        let order = placed(verdict.requests());
        // 5 % from a mid of 100.5, to the whole
        assert_eq!(
            (order.side, order.kind, order.price, order.quantity),
            (side, OrderKind::ImmediateOrCancel, price, q(5))
        );
        assert!(verdict.rules.iter().any(|rule| rule.is_hard));
        assert!(verdict.rules.iter().all(|rule| rule.passed || !rule.is_hard));
        assert_eq!(verdict.latch, Some(LatchCause::Operator));
        assert_eq!(desk.reason(), Reason::AwaitingVenue { unanswered: 1 });
        desk.fill(order.id, order.side, q(3), q(2));
        assert_eq!(desk.requests(), [Request::Cancel(order.id)], "it should have ended");
        desk.report(order.id, ReportKind::Cancelled { filled: q(3) });
        let rest = placed(&desk.requests());
        assert_eq!((rest.side, rest.quantity), (side, q(2)));
        desk.fill(rest.id, rest.side, q(2), q(0));
        assert_eq!(desk.reason(), Reason::Latched { cause: LatchCause::Operator });
    }
}

#[test]
fn what_is_outstanding_goes_first() {
    let mut desk = holding(4, limits());
    desk.ask.target = q(6);
    let id = desk.requests()[0].id();
    desk.report(id, ReportKind::Accepted);
    desk.command(CommandKind::Flatten);
    assert_eq!(desk.requests(), [Request::Cancel(id)]);
    assert_eq!(desk.reason(), Reason::AwaitingVenue { unanswered: 1 });
    desk.fill(id, Side::Buy, q(1), q(1));
    desk.report(id, ReportKind::Cancelled { filled: q(1) });
    assert_eq!(placed(&desk.requests()).quantity, q(5), "what it filled too");
}

#[test]
fn it_stands_until_an_operator_arms() {
    let mut desk = flattening(5);
    let before = desk.judge.digest();
    desk.command(CommandKind::Flatten);
    assert_eq!(desk.judge.digest(), before, "a second one changes nothing");
    desk.command(CommandKind::Halt);
    assert!(desk.judge.is_flattening(), "a halt does not end it");
    let bytes = desk.judge.snapshot();
    let mut copy = Desk::new();
    copy.judge.restore(&bytes).expect("a snapshot");
    assert!(copy.judge.is_flattening());
    desk.command(CommandKind::Arm);
    assert!(!desk.judge.is_flattening());
    assert_eq!(desk.reason(), Reason::AtTarget { target: q(5) });
}

#[test]
fn a_halt_alone_closes_nothing() {
    let mut desk = holding(5, limits());
    desk.command(CommandKind::Halt);
    desk.ask.target = q(9);
    assert_eq!(desk.reason(), Reason::Latched { cause: LatchCause::Operator });
}

#[test]
fn some_things_keep_it_waiting_and_it_says_which() {
    let cases: [(Change, &str); 6] = [
        (|forecast| appraised(forecast).sensed.kind = SampleKind::Startle(Startle::Gap), "startled"),
        (
            |forecast| {
                let of = Signal::ALL.iter().position(|signal| *signal == Signal::NotFinite).expect("known");
                appraised(forecast).threat.signals[of].exceeded = true;
            },
            "not_finite",
        ),
        (|forecast| appraised(forecast).sensed.halted = true, "halted"),
        (|forecast| appraised(forecast).sensed.book = BookState::Unknown, "stale_book"),
        (|forecast| appraised(forecast).sensed.mark2 = None, "stale_book"),
        (
            |forecast| appraised(forecast).sensed.time = Timestamp::from_ns(13 * 3600 * 1_000_000_000),
            "outside_session",
        ),
    ];
    for (change, name) in cases {
        let mut desk = flattening(5);
        let verdict = desk.judge_changed(change);
        assert!(
            matches!(&verdict.outcome, Outcome::Rest(reason) if reason.name() == name),
            "{name}: {verdict:?}"
        );
    }
    let mut desk = flattening(5);
    desk.judge_changed(|forecast| appraised(forecast).sensed.book = BookState::Unknown);
    assert_eq!(desk.requests().len(), 1, "it goes on when the book is back");
}

#[test]
fn neither_fear_nor_warming_up_keeps_it() {
    let cases: [Change; 4] = [
        |forecast| appraised(forecast).threat.phase = Phase::WarmingUp { left: 9 },
        |forecast| appraised(forecast).threat.phase = Phase::Calibrating { left: 9 },
        |forecast| appraised(forecast).threat.level = ThreatLevel::Wary,
        |forecast| {
            let threat = &mut appraised(forecast).threat;
            (threat.level, threat.trip_begins) = (ThreatLevel::Tripped, true);
            threat.tripped_by = Some(Signal::Spread);
        },
    ];
    for change in cases {
        let mut desk = flattening(5);
        assert_eq!(placed(desk.judge_changed(change).requests()).quantity, q(5));
    }
    let mut desk = flattening(5);
    desk.notice(NoticeKind::Quarantine { input: 1, instrument: Some(InstrumentId(0)) });
    assert_eq!(placed(&desk.requests()).quantity, q(5));
}

#[test]
fn a_limit_refuses_it_as_it_does_any_order() {
    let mut desk = holding(5, Limits { notional: "101".parse().expect("money"), ..limits() });
    desk.command(CommandKind::Flatten);
    desk.ask.bid = 200;
    let reason = desk.reason();
    assert!(matches!(reason, Reason::Refused { value, .. } if value == 191.0.into()), "{reason}");
    assert_eq!(refusal(&reason), Some("notional"));
    let mut desk = holding(5, Limits { collar: 120.0, ..limits() });
    desk.command(CommandKind::Flatten);
    // nothing lies on the tick within the collar of so low a price
    desk.ask.bid = 3;
    assert_eq!(refusal(&desk.reason()), Some("collar"));
}

/// Sells all, which expires, and all again within the duplicate window.
fn twice(desk: &mut Desk) -> (NewOrder, Verdict) {
    let first = placed(&desk.requests());
    let at = Timestamp::from_ns(desk.sequence as i64 * 250_000_000);
    desk.report(first.id, ReportKind::Expired { filled: q(0) });
    (first, desk.judge_changed(|forecast| appraised(forecast).sensed.time = at))
}

#[test]
fn ma_5_what_a_person_asked_for_may_repeat_and_the_same_of_the_brain_may_not() {
    let mut desk = flattening(5);
    for _ in 0..3 {
        let (first, verdict) = twice(&mut desk);
        let again = placed(verdict.requests());
        assert_eq!(NewOrder { id: first.id, ..again }, first);
        desk.report(again.id, ReportKind::Expired { filled: q(0) });
    }
    desk.command(CommandKind::Arm);
    (desk.ask.action, desk.ask.target, desk.ask.style) = (Action::Sell, q(0), Style::Market);
    let (first, verdict) = twice(&mut desk);
    assert_eq!((first.kind, first.quantity), (OrderKind::ImmediateOrCancel, q(5)));
    let Outcome::Rest(reason) = &verdict.outcome else { panic!("{verdict:?}") };
    assert_eq!(refusal(reason), Some("duplicate"));
}

#[test]
fn a_collar_of_the_whole_price_leaves_a_price() {
    let mut desk = holding(5, Limits { collar: 10_000.0, ..limits() });
    desk.command(CommandKind::Flatten);
    assert_eq!(placed(&desk.requests()).price, p(1));
}

#[test]
fn less_than_a_lot_is_told() {
    let mut desk = holding(1, limits());
    desk.ask.target = q(2);
    let id = desk.requests()[0].id();
    let half = Quantity::from_units(500_000_000);
    desk.fill(id, Side::Buy, half, half);
    desk.command(CommandKind::Flatten);
    assert_eq!(desk.requests(), [Request::Cancel(id)]);
    desk.report(id, ReportKind::Cancelled { filled: half });
    let order = placed(&desk.requests());
    assert_eq!(order.quantity, q(1));
    desk.fill(order.id, Side::Sell, q(1), q(0));
    assert_eq!(desk.reason(), Reason::BelowMinimumSize { size: half, lot: q(1) });
}

/// Orders on their way to their end, each with the sample it comes in.
type Pending = Vec<(usize, NewOrder, Quantity)>;

fn part(quantity: Quantity, tenths: i64) -> Quantity {
    Quantity::from_units(quantity.units() / 10 * tenths).floor_to(q(1))
}

/// Tells what has become of the orders that are due.
fn settle(desk: &mut Desk, pending: &mut Pending, now: usize) {
    for (_, order, filled) in pending.extract_if(.., |(due, ..)| *due <= now).collect::<Vec<_>>() {
        let rest = order.quantity.checked_add(-filled).expect("small");
        if filled.is_positive() {
            desk.fill(order.id, order.side, filled, rest);
        }
        if !rest.is_zero() {
            desk.report(order.id, ReportKind::Cancelled { filled });
        }
    }
}

proptest! {
    #[test]
    fn it_never_crosses_zero_and_ends_at_it(
        held in prop_oneof![-10i64..=-1, 1i64..=10],
        (order_size, notional, collar) in (1i64..8, 160i64..2_000, 120.0f64..5_000.0),
        rests in any::<bool>(),
        fates in prop::collection::vec((0i64..=10, 0usize..4), 0..30),
    ) {
        let limits = Limits {
            order_size: q(order_size),
            notional: notional.to_string().parse().expect("money"),
            collar,
            ..limits()
        };
        let mut desk = holding(held, limits);
        let mut pending = Pending::new();
        if rests {
            // one more on the reducing side, which fills while its cancel is on its way
            desk.ask.action = if held > 0 { Action::Sell } else { Action::Buy };
            desk.ask.target = q(held - held.signum());
            let order = placed(&desk.requests());
            desk.report(order.id, ReportKind::Accepted);
            pending.push((2, order, q(1)));
        }
        desk.command(CommandKind::Flatten);
        let fates = fates.into_iter().chain(std::iter::repeat((10, 0)));
        for (now, (tenths, delay)) in fates.take(60).enumerate() {
            settle(&mut desk, &mut pending, now);
            prop_assert!(desk.position.units().signum() * held >= 0, "{} of {held}", desk.position);
            for request in desk.judge().requests() {
                let Request::Place(order) = request else { continue };
                prop_assert!(pending.is_empty(), "{order:?} beside {pending:?}");
                prop_assert_eq!(order.side.sign(), -held.signum());
                prop_assert!(order.quantity <= desk.position.abs(), "{:?} at {}", order, desk.position);
                pending.push((now + 1 + delay, *order, part(order.quantity, tenths)));
            }
        }
        settle(&mut desk, &mut pending, usize::MAX);
        prop_assert_eq!(desk.position, Quantity::ZERO);
        prop_assert_eq!(desk.reason(), Reason::Latched { cause: LatchCause::Operator });
    }
}
