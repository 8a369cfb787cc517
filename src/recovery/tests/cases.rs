//! The intake, word by word.

use super::*;

/// A client with one order: buy 10 at 100.
fn one() -> Client {
    let mut client = Client::new();
    client.send(&place(id(1), Side::Buy, 100, 10));
    client
}

fn fill(execution: u64, quantity: i64, remaining: i64) -> ReportKind {
    ReportKind::Filled(Fill {
        execution,
        side: Side::Buy,
        price: p(100),
        quantity: q(quantity),
        fee: Money::ZERO,
        liquidity: Liquidity::Maker,
        remaining: q(remaining),
    })
}

fn cancelled(filled: i64) -> ReportKind {
    ReportKind::Cancelled { filled: q(filled) }
}

#[track_caller]
fn enters(admission: &Admission) {
    assert!(matches!(admission, Admission::Admit { then: None, .. }), "{admission:?}");
}

#[track_caller]
fn latches(admission: &Admission, with: LatchCause) {
    assert!(matches!(admission, Admission::Latch { cause, .. } if *cause == with), "{admission:?}");
}

#[track_caller]
fn drops(admission: &Admission, reason: DropReason) {
    assert_eq!(*admission, Admission::Drop(reason));
}

#[test]
fn what_is_said_twice_enters_once() {
    let mut client = one();
    enters(&client.say(1, 1, ReportKind::Accepted));
    drops(&client.say(1, 1, ReportKind::Accepted), DropReason::Repeated);
    enters(&client.say(1, 2, fill(1, 4, 6)));
    drops(&client.say(1, 2, fill(1, 4, 6)), DropReason::RepeatedFill);
    enters(&client.say(1, 3, cancelled(4)));
    drops(&client.say(1, 3, cancelled(4)), DropReason::Finished);
    drops(&client.say(1, 1, ReportKind::Accepted), DropReason::Finished);
    assert_eq!((client.table.position(A), client.table.len()), (q(4), 0));
}

#[test]
fn an_execution_with_another_content_latches() {
    let mut client = one();
    client.send(&place(id(2), Side::Buy, 100, 10));
    enters(&client.say(1, 1, fill(1, 4, 6)));
    latches(&client.say(1, 1, fill(1, 3, 6)), LatchCause::RepeatedExecution);
    latches(&client.say(2, 1, fill(1, 4, 6)), LatchCause::RepeatedExecution);
    assert_eq!(client.say(1, 2, fill(3, 5, 0)), Admission::Wait);
    latches(&client.say(2, 2, fill(3, 5, 0)), LatchCause::RepeatedExecution);
    drops(&client.say(1, 2, fill(3, 5, 0)), DropReason::RepeatedFill);
}

#[test]
fn what_was_never_ordered_latches() {
    let mut client = one();
    latches(&client.say(1, 1, fill(1, 11, 0)), LatchCause::Reconciliation);
    latches(&client.say(2, 1, fill(2, 1, 0)), LatchCause::Reconciliation);
    latches(&client.say(2, 1, ReportKind::Accepted), LatchCause::Reconciliation);
    latches(&client.say(1, 1, cancelled(11)), LatchCause::Reconciliation);
    enters(&client.say(1, 1, fill(3, 4, 6)));
    latches(&client.say(1, 1, cancelled(3)), LatchCause::Reconciliation);
    assert!(client.latches[0].1.ends_with("compare its books with ours"), "{:?}", client.latches[0]);
    drops(&client.say(2, 1, ReportKind::CancelRejected(RejectReason::UnknownOrder)), DropReason::Unknown);
    assert_eq!(client.table.position(A), q(4));
}

#[test]
fn no_fill_that_cannot_be_booked_enters() {
    let ReportKind::Filled(sound) = fill(1, 4, 6) else { unreachable!() };
    let unsound = [
        Fill { side: Side::Sell, ..sound },
        Fill { quantity: q(0), ..sound },
        Fill { remaining: q(-1), ..sound },
        Fill { price: p(0), ..sound },
        Fill { price: Price::MAX, ..sound },
        Fill { fee: Money::from_units(i128::MAX), ..sound },
    ];
    for fill in unsound {
        latches(&one().say(1, 1, ReportKind::Filled(fill)), LatchCause::Reconciliation);
    }
}

#[test]
fn a_fill_may_come_before_accepted_and_after_the_end() {
    let mut client = one();
    enters(&client.say(1, 2, fill(1, 4, 6)));
    enters(&client.say(1, 1, ReportKind::Accepted));
    enters(&client.say(1, 4, cancelled(7)));
    assert_eq!(client.table.reserved(A, Side::Buy, None), q(3), "owed");
    enters(&client.say(1, 3, fill(2, 3, 3)));
    assert_eq!((client.table.position(A), client.table.len()), (q(7), 0));
    latches(&client.say(1, 3, fill(3, 1, 2)), LatchCause::Reconciliation);
}

#[test]
fn the_final_fill_waits_for_those_before_it() {
    let mut client = one();
    assert_eq!(client.say(1, 3, fill(3, 2, 0)), Admission::Wait);
    assert_eq!(client.table.position(A), q(0));
    enters(&client.say(1, 1, fill(1, 5, 5)));
    let last = client.say(1, 2, fill(2, 3, 2));
    assert!(matches!(last, Admission::Admit { then: Some(_), .. }), "{last:?}");
    assert_eq!((client.table.position(A), client.table.len()), (q(10), 0));
}

#[test]
fn a_replacement_is_told_from_the_fills_that_have_come() {
    let mut client = one();
    client.say(1, 1, ReportKind::Accepted);
    let price = p(99);
    client.send(&Request::Replace { id: id(1), price, total: q(6) });
    assert_eq!(client.say(1, 4, fill(2, 2, 0)), Admission::Wait, "of which total nothing remains is open");
    // 4 filled before it, which have not come
    let replaced = client.say(1, 3, ReportKind::Replaced { price, quantity: q(2) });
    let Admission::Admit { report, then: None } = replaced else { panic!("{replaced:?}") };
    assert_eq!(report.kind, ReportKind::Replaced { price, quantity: q(6) });
    client.say(1, 2, fill(1, 4, 6));
    assert_eq!((client.table.position(A), client.table.len(), client.latches.len()), (q(6), 0, 0));
}

#[test]
fn a_stale_answer_is_not_taken_for_a_later_one() {
    let mut client = one();
    client.say(1, 1, ReportKind::Accepted);
    let refused = ReportKind::ReplaceRejected(RejectReason::WouldTrade);
    client.send(&Request::Replace { id: id(1), price: p(99), total: q(5) });
    enters(&client.say(1, 2, refused));
    client.send(&Request::Replace { id: id(1), price: p(99), total: q(20) });
    drops(&client.say(1, 2, refused), DropReason::Repeated);
    assert_eq!(client.table.reserved(A, Side::Buy, None), q(20));
    enters(&client.say(1, 3, fill(1, 15, 5)));
    enters(&client.say(1, 4, ReportKind::Replaced { price: p(99), quantity: q(20) }));
    assert_eq!(client.table.reserved(A, Side::Buy, None), q(5));
    drops(&client.say(1, 4, ReportKind::Replaced { price: p(99), quantity: q(20) }), DropReason::Repeated);
}

#[test]
fn what_was_not_granted_as_asked_latches() {
    let mut client = one();
    client.send(&Request::Replace { id: id(1), price: p(99), total: q(5) });
    for (price, quantity) in [(98, 5), (99, 6), (99, 0)] {
        let word = ReportKind::Replaced { price: p(price), quantity: q(quantity) };
        latches(&client.say(1, 1, word), LatchCause::Reconciliation);
    }
}

#[test]
fn a_doubled_request_refused_is_no_rejection() {
    let mut client = one();
    drops(&client.say(1, 2, ReportKind::Rejected(RejectReason::DuplicateId)), DropReason::DuplicateRequest);
    enters(&client.say(1, 1, ReportKind::Accepted));
    enters(&client.say(1, 3, fill(1, 4, 6)));
    latches(&client.say(1, 4, ReportKind::Rejected(RejectReason::Halted)), LatchCause::Reconciliation);
    assert_eq!(client.table.reserved(A, Side::Buy, None), q(6));
}

#[test]
fn a_refused_cancel_does_not_answer_a_replacement() {
    let mut client = one();
    client.send(&Request::Replace { id: id(1), price: p(99), total: q(5) });
    client.send(&Request::Cancel(id(1)));
    drops(&client.say(1, 1, ReportKind::CancelRejected(RejectReason::Halted)), DropReason::Premature);
    assert!(client.table.of(A).all(|(_, order)| order.is_unanswered()));
}

#[test]
fn only_the_answer_to_a_recovery_cancel_lapses_an_order() {
    let unknown = ReportKind::CancelRejected(RejectReason::UnknownOrder);
    let mut client = one();
    client.send(&Request::Cancel(id(1)));
    enters(&client.say(1, 1, unknown));
    assert_eq!(client.table.reserved(A, Side::Buy, None), q(10), "it may still be on its way");
    client.table.cancel_sent(id(1));
    client.intake.doubt(id(1));
    assert_eq!(client.say(1, 2, unknown), Admission::Lapse(id(1)));
    assert!(client.table.is_empty());
    drops(&client.say(1, 3, ReportKind::Rejected(RejectReason::DuplicateId)), DropReason::Finished);
    latches(&client.say(1, 3, ReportKind::Accepted), LatchCause::Reconciliation);
}

#[test]
fn it_survives_a_rebuild_from_the_tape() {
    let mut client = one();
    client.send(&place(id(2), Side::Buy, 100, 5));
    client.say(1, 1, ReportKind::Accepted);
    client.say(1, 2, fill(1, 4, 6));
    client.say(2, 3, cancelled(2));
    client.say(2, 4, fill(2, 2, 3));
    client.send(&Request::Cancel(id(1)));
    let adopted = Intake::from_orders(client.table.of(A), client.ledger.executions().clone(), 0);
    let mut again = client.intake.clone();
    again.fold_input(&NoticeKind::Report(Report {
        id: id(1),
        time: Timestamp::from_ns(2),
        kind: fill(1, 4, 6),
    }));
    for rebuilt in [client.folded(), adopted, again] {
        assert_eq!(facts(&rebuilt), facts(&client.intake));
    }
}

#[test]
fn a_word_on_what_ended_before_a_restart_is_dropped_and_a_fill_of_it_is_not() {
    let client = Client::new();
    let mut again = Intake::from_orders(client.table.of(A), client.ledger.executions().clone(), 7);
    let of = |sequence| ClientId { sequence, instrument: A, k: 0 };
    let report = |sequence, kind| Report { id: of(sequence), time: Timestamp::from_ns(1), kind };
    let over = ReportKind::Cancelled { filled: Quantity::from_units(3) };
    assert_eq!(again.receive(&report(7, over)), Admission::Drop(DropReason::Finished));
    assert!(matches!(again.receive(&report(8, over)), Admission::Latch { .. }), "never released by us");
}
