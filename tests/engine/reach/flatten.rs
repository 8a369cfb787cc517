//! `flatten`: what is held is sold off inside the collar, whatever is feared, as soon as there is a price.

use synapse::Region;

use super::*;

fn held(decision: &DecisionRecord) -> Quantity {
    decision.account.position
}

fn ms(decision: &DecisionRecord) -> i64 {
    decision.time.since(at(0)) / MS_NS
}

/// What each decision from a moment on came to.
fn outcomes(kept: &Kept, from_ms: i64) -> Vec<&DecisionRecord> {
    kept.decisions.iter().filter(|decision| ms(decision) >= from_ms).collect()
}

fn rests(decision: &DecisionRecord, name: &str) -> bool {
    matches!(&decision.verdict.outcome, Outcome::Rest(reason) if reason.name() == name)
}

/// Buys, and is told to close everything at 1000 ms.
fn flattened(sets: &[&str], tape: Tape) -> (Engine<Events>, Kept) {
    let (engine, kept) = play(sets, tape, vec![command(1000, CommandKind::Flatten)]);
    let before = kept.decisions.iter().find(|decision| ms(decision) >= 1000).expect("a decision");
    assert!(held(before).is_positive(), "there is something to close: {before:?}");
    assert_eq!(engine.line().prefrontal.latch(), Some(LatchCause::Operator));
    assert!(kept.decisions.iter().all(|decision| !held(decision).units().is_negative()), "it never crosses");
    (engine, kept)
}

fn position(engine: &Engine<Events>) -> Quantity {
    engine.line().prefrontal.state().orders.position(InstrumentId(0))
}

fn bought() -> Tape {
    Tape::default().book(5, EVEN).book(4, [100.0, 950.0, 101.0, 50.0])
}

#[test]
fn a_position_is_closed_in_as_many_orders_as_it_takes() {
    // three are bid for at a time
    let thin = [100.0, 99.0, 98.0, 97.0, 96.0];
    let tape = thin.iter().fold(bought(), |tape, bid| tape.book(1, [*bid, 3.0, bid + 1.0, 50.0]));
    let (engine, kept) = flattened(&[], tape);
    assert_eq!(position(&engine), Quantity::ZERO);
    let after = outcomes(&kept, 1000);
    let orders = after.iter().flat_map(|decision| decision.verdict.requests());
    let sells = orders.filter(|request| matches!(request, Request::Place(order) if order.side == Side::Sell));
    assert!(sells.count() >= 3, "{after:?}");
    assert!(rests(after.last().expect("one"), "latched"), "{after:?}");
}

#[test]
fn while_the_book_is_unknown_it_waits_and_goes_on_when_it_is_back() {
    let tape = bought().then(EventKind::Gap).then(EventKind::Gap).then(EventKind::Gap);
    let (engine, kept) = flattened(&[], tape.book(5, EVEN));
    let waiting: Vec<_> = outcomes(&kept, 1000).into_iter().filter(|it| rests(it, "stale_book")).collect();
    assert!(waiting.len() >= 2 && waiting.iter().all(|it| held(it).is_positive()), "{waiting:?}");
    assert_eq!(position(&engine), Quantity::ZERO);
}

#[test]
fn while_the_market_is_halted_it_waits() {
    let tape = bought().then(EventKind::Halt).book(3, EVEN).then(EventKind::Resume).book(4, EVEN);
    let (engine, kept) = flattened(&[], tape);
    assert!(outcomes(&kept, 1000).iter().filter(|it| rests(it, "halted")).count() >= 2);
    assert_eq!(position(&engine), Quantity::ZERO);
}

#[test]
fn fear_does_not_keep_it() {
    let wide = [90.0, 50.0, 111.0, 50.0];
    let (engine, kept) = flattened(&[], bought().book(9, wide));
    let closing = outcomes(&kept, 1000)
        .into_iter()
        .find(|it| it.verdict.requests().iter().any(|r| matches!(r, Request::Place(_))));
    let closing = closing.expect("an order");
    assert_ne!(closing.threat.level, ThreatLevel::Calm, "{closing:?}");
    assert_eq!(position(&engine), Quantity::ZERO);
}

#[test]
fn armed_again_it_trades_again() {
    let commands = vec![
        command(1000, CommandKind::Flatten),
        command(1010, CommandKind::Flatten),
        command(1600, CommandKind::Arm),
    ];
    let tape = bought().book(4, EVEN).book(8, [100.0, 950.0, 101.0, 50.0]);
    let (engine, kept) = play(&[], tape, commands);
    assert!(outcomes(&kept, 1000).iter().any(|it| ms(it) < 1600 && held(it).is_zero()), "closed in between");
    assert!(position(&engine).is_positive() && engine.line().prefrontal.latch().is_none());
}
