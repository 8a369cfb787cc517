use super::*;
use market::order::{Fill, Liquidity, NewOrder, OrderKind, RejectReason};
use market::{Money, Price, Timestamp};
use synapse::Command;

fn id(sequence: u64) -> ClientId {
    ClientId { sequence, instrument: InstrumentId(0), k: 0 }
}

fn place(sequence: u64, side: Side, units: i64) -> Request {
    let price = Price::from_units(100);
    let quantity = Quantity::from_units(units);
    Request::Place(NewOrder { id: id(sequence), side, kind: OrderKind::Limit, price, quantity })
}

fn report(sequence: u64, kind: ReportKind) -> NoticeKind {
    NoticeKind::Report(Report { id: id(sequence), time: Timestamp::from_ns(1), kind })
}

fn filled(sequence: u64, side: Side, units: i64, remaining: i64) -> NoticeKind {
    let fill = Fill {
        execution: sequence,
        side,
        price: Price::from_units(100),
        quantity: Quantity::from_units(units),
        fee: Money::ZERO,
        liquidity: Liquidity::Taker,
        remaining: Quantity::from_units(remaining),
    };
    report(sequence, ReportKind::Filled(fill))
}

fn command(kind: CommandKind) -> NoticeKind {
    NoticeKind::Command(Command { kind, by: "ada".into(), reason: "test".into() })
}

fn release(gate: &mut Gate, request: Request) -> Vec<Effect> {
    let mut effects = Vec::new();
    gate.release(request, None, &mut effects);
    effects
}

fn notice(gate: &mut Gate, notice: &NoticeKind) -> Vec<Effect> {
    let mut effects = Vec::new();
    gate.noticed(notice, &mut effects);
    effects
}

#[test]
fn a_halt_cancels_what_is_released_once() {
    let mut gate = Gate::default();
    for sequence in [1, 2] {
        let request = place(sequence, Side::Buy, 5);
        assert_eq!(release(&mut gate, request), [Effect::Send(request)]);
    }
    notice(&mut gate, &filled(1, Side::Buy, 5, 0));
    let cancels = notice(&mut gate, &command(CommandKind::Halt));
    let expected = [Effect::Send(Request::Cancel(id(2))), Effect::Return(NoticeKind::CancelSent(id(2)))];
    assert_eq!(cancels, expected, "the filled one is finished");
    assert_eq!(notice(&mut gate, &command(CommandKind::Halt)), [], "a second halt adds nothing");
    assert!(gate.is_closed());
}

#[test]
fn children_never_outgrow_their_parent_whoever_sends_them() {
    let mut gate = Gate::default();
    let parent = Parent { id: id(1), total: Quantity::from_units(10) };
    let send = |gate: &mut Gate, sequence, units| {
        let mut effects = Vec::new();
        gate.release(place(sequence, Side::Buy, units), Some(parent), &mut effects);
        effects
    };
    // a router that never hears of a fill sends the same again and again
    assert_eq!(send(&mut gate, 1, 4), [Effect::Send(place(1, Side::Buy, 4))]);
    notice(&mut gate, &filled(1, Side::Buy, 4, 0));
    assert_eq!(send(&mut gate, 2, 4), [Effect::Send(place(2, Side::Buy, 4))]);
    let stopped = [
        Effect::Return(NoticeKind::Lapsed(id(3))),
        Effect::Return(NoticeKind::Latch(LatchCause::Oversent)),
        Effect::Send(Request::Cancel(id(2))),
        Effect::Return(NoticeKind::CancelSent(id(2))),
    ];
    assert_eq!(send(&mut gate, 3, 4), stopped, "4 are filled, 4 may fill, 4 more are 12 of 10");
    assert!(gate.is_closed());
    assert_eq!(gate.orders(), 2);
}

#[test]
fn what_a_child_did_not_fill_may_be_sent_again() {
    let mut gate = Gate::default();
    let parent = Parent { id: id(1), total: Quantity::from_units(10) };
    let mut effects = Vec::new();
    gate.release(place(1, Side::Buy, 10), Some(parent), &mut effects);
    notice(&mut gate, &filled(1, Side::Buy, 3, 7));
    notice(&mut gate, &report(1, ReportKind::Cancelled { filled: Quantity::from_units(3) }));
    effects.clear();
    gate.release(place(2, Side::Buy, 7), Some(parent), &mut effects);
    assert_eq!(effects, [Effect::Send(place(2, Side::Buy, 7))]);
    let next = Parent { id: id(3), total: Quantity::from_units(2) };
    effects.clear();
    gate.release(place(3, Side::Buy, 2), Some(next), &mut effects);
    assert_eq!(effects, [Effect::Send(place(3, Side::Buy, 2))], "another parent counts anew");
}

#[test]
fn a_flatten_halts_and_lets_reductions_pass() {
    let mut gate = Gate::default();
    release(&mut gate, place(1, Side::Buy, 5));
    notice(&mut gate, &filled(1, Side::Buy, 3, 2));
    let flatten = command(CommandKind::Flatten);
    let cancels = [Effect::Send(Request::Cancel(id(1))), Effect::Return(NoticeKind::CancelSent(id(1)))];
    assert_eq!(notice(&mut gate, &flatten), cancels);
    assert_eq!(notice(&mut gate, &flatten), [], "a second one adds nothing");
    assert!(gate.is_closed());
    let whole = place(2, Side::Sell, 3);
    assert_eq!(release(&mut gate, whole), [Effect::Send(whole)]);
    assert_eq!(release(&mut gate, place(3, Side::Sell, 1)), [Effect::Return(NoticeKind::Lapsed(id(3)))]);
}

#[test]
fn a_closed_gate_lets_reductions_pass_and_drops_the_rest() {
    let mut gate = Gate::default();
    release(&mut gate, place(1, Side::Buy, 5));
    notice(&mut gate, &filled(1, Side::Buy, 5, 0));
    notice(&mut gate, &command(CommandKind::Halt));
    let too_much = release(&mut gate, place(2, Side::Sell, 6));
    assert_eq!(too_much, [Effect::Return(NoticeKind::Lapsed(id(2)))]);
    assert_eq!(release(&mut gate, place(3, Side::Buy, 1)), [Effect::Return(NoticeKind::Lapsed(id(3)))]);
    let half = place(4, Side::Sell, 3);
    assert_eq!(release(&mut gate, half), [Effect::Send(half)]);
    let rest = release(&mut gate, place(5, Side::Sell, 3));
    assert_eq!(rest, [Effect::Return(NoticeKind::Lapsed(id(5)))], "both together would cross zero");
}

#[test]
fn a_replacement_that_may_not_pass_becomes_a_cancel() {
    let mut gate = Gate::default();
    release(&mut gate, place(1, Side::Buy, 5));
    notice(&mut gate, &report(1, ReportKind::Accepted));
    notice(&mut gate, &command(CommandKind::Halt));
    notice(&mut gate, &report(1, ReportKind::CancelRejected(RejectReason::UnknownOrder)));
    let replace =
        Request::Replace { id: id(1), price: Price::from_units(90), total: Quantity::from_units(9) };
    let effects = release(&mut gate, replace);
    assert_eq!(effects[0], Effect::Send(Request::Cancel(id(1))));
}

#[test]
#[should_panic(expected = "released once")]
fn nothing_is_released_twice() {
    let mut gate = Gate::default();
    release(&mut gate, place(1, Side::Buy, 5));
    release(&mut gate, place(1, Side::Buy, 5));
}

/// A decision of that number, at that millisecond, with these requests.
fn judged(sequence: u64, ms: i64, requests: &[Request]) -> Judged {
    let time = Timestamp::from_ns(ms * 1_000_000);
    let sensed = synapse::Sensed { sequence, time, ..scenes::sensed() };
    let proposed = scenes::proposed(sensed, scenes::proposal(synapse::Action::Hold, Quantity::ZERO));
    let execution = synapse::ExecutionForecast::default();
    let verdict = synapse::Verdict::untested(synapse::Outcome::Act(requests.into()));
    Judged { forecast: synapse::Forecast { proposed, execution }, verdict }
}

const TTL_NS: i64 = 1_000_000_000;

fn let_go(gate: &mut Gate, durable: u64, now_ms: i64) -> Vec<Effect> {
    let mut effects = Vec::new();
    let now = Timestamp::from_ns(now_ms * 1_000_000);
    while let Some(released) = gate.due(durable, now, TTL_NS) {
        gate.let_go(&released, &mut effects);
    }
    effects
}

#[test]
fn a_patient_gate_lets_go_what_is_durable_in_order_and_nothing_else() {
    let mut gate = Gate::patient();
    let mut effects = Vec::new();
    let requests: Vec<Request> = (1..=3).map(|sequence| place(sequence, Side::Buy, 5)).collect();
    for (request, sequence) in requests.iter().zip(1..) {
        gate.judged(&judged(sequence, 0, &[*request]), &mut effects);
    }
    assert_eq!(effects, [], "nothing is durable yet");
    assert_eq!(let_go(&mut gate, 0, 1), []);
    assert_eq!(let_go(&mut gate, 2, 1), [Effect::Send(requests[0]), Effect::Send(requests[1])]);
    assert_eq!(let_go(&mut gate, 2, 1), [], "once");
    assert_eq!(let_go(&mut gate, 9, 1), [Effect::Send(requests[2])]);
}

#[test]
fn what_is_durable_too_late_lapses_and_a_cancel_is_never_too_late() {
    let mut gate = Gate::patient();
    let mut effects = Vec::new();
    gate.judged(&judged(1, 0, &[place(1, Side::Buy, 5)]), &mut effects);
    assert_eq!(let_go(&mut gate, 1, 1000), [Effect::Send(place(1, Side::Buy, 5))], "in time, to the last");
    let replace =
        Request::Replace { id: id(1), price: Price::from_units(90), total: Quantity::from_units(9) };
    for (sequence, request) in [(2, place(2, Side::Buy, 5)), (3, replace)] {
        gate.judged(&judged(sequence, 2000, &[request]), &mut effects);
    }
    let late = let_go(&mut gate, 3, 3001);
    let cancel = [Effect::Send(Request::Cancel(id(1))), Effect::Return(NoticeKind::CancelSent(id(1)))];
    assert_eq!(late[0], Effect::Return(NoticeKind::Lapsed(id(2))));
    assert_eq!(late[1..], cancel, "a stale replacement becomes a cancel");
    gate.judged(&judged(4, 4000, &[Request::Cancel(id(1))]), &mut effects);
    assert_eq!(let_go(&mut gate, 4, 9000), [Effect::Send(Request::Cancel(id(1)))]);
}

#[test]
fn what_lapsed_after_a_restart_is_no_longer_held() {
    let mut gate = Gate::patient();
    gate.judged(&judged(1, 0, &[place(1, Side::Buy, 5)]), &mut Vec::new());
    notice(&mut gate, &NoticeKind::Lapsed(id(1)));
    assert_eq!(let_go(&mut gate, 9, 1), []);
}
