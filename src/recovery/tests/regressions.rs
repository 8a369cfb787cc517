//! What has gone wrong elsewhere, by name.

use super::*;

fn sides() -> (Client, Venue) {
    (Client::new(), Venue { is_ours: true, ..Venue::default() })
}

/// Sends an order that the venue accepts and fills in part, with all reports heard.
fn hold(client: &mut Client, venue: &mut Venue, sequence: u64, side: Side, quantity: i64, filled: i64) {
    let request = place(id(sequence), side, 100, quantity);
    client.send(&request);
    client.hear(&venue.hear(&request, false).expect("accepted"));
    client.hear(&venue.trade(id(sequence), filled).expect("works"));
}

fn compared(client: &Client, venue: &Venue) -> Outcome {
    let since = client.intake.executions().contiguous();
    client.compare(&venue.state(since), client.intake.moves())
}

#[test]
fn a_warm_restart_flattens_no_position_by_a_synthetic_opposite_fill() {
    let (mut client, mut venue) = sides();
    hold(&mut client, &mut venue, 1, Side::Buy, 10, 10);
    let client = restart(&client);
    assert_eq!(compared(&client, &venue), Outcome { agreed: true, ..Outcome::default() });
    // and where the venue says it is flat, no fill explains it
    venue.positions.clear();
    let outcome = compared(&client, &venue);
    assert_eq!(outcome.latch, Some(LatchCause::Reconciliation));
    assert!(outcome.reports.is_empty() && outcome.cancels.is_empty());
    assert_eq!(client.table.position(A), q(10));
}

#[test]
fn no_working_order_is_dropped_by_reconciliation() {
    let (mut client, mut venue) = sides();
    hold(&mut client, &mut venue, 1, Side::Buy, 10, 4);
    let mut client = restart(&client);
    venue.trade(id(1), 1);
    let outcome = compared(&client, &venue);
    assert!(outcome.agreed && outcome.cancels.is_empty() && outcome.lapses.is_empty());
    client.apply(&outcome);
    let (at, order) = client.table.of(A).next().expect("it works");
    assert_eq!((at, order.remaining, order.filled), (id(1), q(5), q(5)));
    assert_eq!(client.open(), venue.working());
}

#[test]
fn an_old_snapshot_opens_no_real_short() {
    let (mut client, mut venue) = sides();
    hold(&mut client, &mut venue, 1, Side::Buy, 10, 10);
    let mut old = restart(&client);
    hold(&mut client, &mut venue, 2, Side::Sell, 10, 10);
    // the sale's order is not in the snapshot: long by its own books, flat at the venue
    let outcome = compared(&old, &venue);
    assert_eq!(outcome.latch, Some(LatchCause::Reconciliation));
    assert!(outcome.reports.is_empty(), "a fill of an order that is not known enters nowhere");
    let rules: Vec<_> = outcome.findings.iter().map(|finding| finding.rule.as_str()).collect();
    assert_eq!(rules, ["order_unknown_here", "position_differs", "cash_differs"]);
    // with the tape folded behind the snapshot, the sale enters, once
    old.send(&place(id(2), Side::Sell, 100, 10));
    let outcome = compared(&old, &venue);
    assert!(outcome.agreed, "{:?}", outcome.findings);
    old.apply(&outcome);
    assert_eq!((old.table.position(A), old.ledger.position(A)), (q(0), q(0)));
}

#[test]
fn fills_during_a_disconnect_are_recovered() {
    let (mut client, mut venue) = sides();
    hold(&mut client, &mut venue, 1, Side::Buy, 10, 2);
    let missed: Vec<_> = [3, 1, 4].into_iter().filter_map(|quantity| venue.trade(id(1), quantity)).collect();
    let outcome = compared(&client, &venue);
    assert_eq!((outcome.agreed, &outcome.reports), (true, &missed));
    client.apply(&outcome);
    assert_eq!((client.ledger.position(A), client.ledger.cash()), (q(10), venue.cash));
    // the reports come after all
    for report in &missed {
        assert!(matches!(client.hear(report), Admission::Drop(_)));
    }
    assert_eq!(client.ledger.position(A), q(10));
}

#[test]
fn orders_accepted_by_the_venue_are_not_lost_in_an_outage() {
    let (mut client, mut venue) = sides();
    for sequence in [1, 2] {
        let request = place(id(sequence), Side::Buy, 100, 10);
        client.send(&request);
        venue.hear(&request, false);
    }
    venue.trade(id(2), 3);
    let mut client = restart(&client);
    let outcome = compared(&client, &venue);
    assert!(outcome.agreed && outcome.cancels.is_empty() && outcome.lapses.is_empty());
    client.apply(&outcome);
    assert_eq!(client.open(), [id(1), id(2)]);
    assert!(client.table.of(A).all(|(_, order)| !order.is_unanswered()));
    // nor where the venue has lost them: they stay reserved, and somebody is told
    let outcome = client.compare(&StateAnswer { orders: vec![], ..venue.state(1) }, client.intake.moves());
    assert_eq!(outcome.latch, Some(LatchCause::Reconciliation));
    assert_eq!((outcome.cancels.len(), outcome.doubted.len(), outcome.lapses.len()), (2, 0, 0));
}

#[test]
fn a_position_older_than_the_retained_tape_is_compared_with_the_ledger() {
    let (mut client, mut venue) = sides();
    hold(&mut client, &mut venue, 1, Side::Buy, 10, 10);
    hold(&mut client, &mut venue, 2, Side::Buy, 10, 3);
    // nothing of the tape is left; snapshot of ledger and order table are
    let mut old = restart(&client);
    old.intake = Intake::from_orders(old.table.of(A), old.ledger.executions().clone(), 0);
    assert_eq!(compared(&old, &venue), Outcome { agreed: true, ..Outcome::default() });
    venue.trade(id(2), 7);
    let outcome = compared(&old, &venue);
    assert_eq!((outcome.agreed, outcome.reports.len()), (true, 1));
    old.apply(&outcome);
    assert_eq!(old.ledger.position(A), q(20));
}
