//! Each rule of reconciliation: what it finds, and what is done.

use super::*;

/// Both sides with one order of 10 at 100 that the venue works.
fn both() -> (Client, Venue) {
    let (mut client, mut venue) = (Client::new(), Venue { is_ours: true, ..Venue::default() });
    let request = place(id(1), Side::Buy, 100, 10);
    client.send(&request);
    client.hear(&venue.hear(&request, false).expect("accepted"));
    (client, venue)
}

/// What comes of a comparison with nothing in motion.
fn compared(client: &Client, theirs: &StateAnswer) -> Outcome {
    client.compare(theirs, client.intake.moves())
}

/// Rule and action of each finding.
fn found(outcome: &Outcome) -> Vec<(&str, &str)> {
    outcome.findings.iter().map(|finding| (finding.rule.as_str(), finding.action.as_str())).collect()
}

fn latched(outcome: &Outcome) -> bool {
    outcome.latch == Some(LatchCause::Reconciliation) && !outcome.agreed
}

/// Applies an outcome; nothing must be left to find.
fn settles(client: &mut Client, venue: &mut Venue, outcome: &Outcome) {
    for cancel in client.apply(outcome) {
        if let Some(report) = venue.hear(&cancel, false) {
            client.hear(&report);
        }
    }
    let again = compared(client, &venue.state(client.intake.executions().contiguous()));
    assert_eq!(again, Outcome { agreed: true, ..Outcome::default() });
    assert_eq!(client.latches, []);
}

#[test]
fn two_equal_sides_agree() {
    let (client, venue) = both();
    assert_eq!(compared(&client, &venue.state(0)), Outcome { agreed: true, ..Outcome::default() });
}

#[test]
fn order_unknown_there() {
    let (mut client, mut venue) = both();
    client.send(&place(id(2), Side::Buy, 100, 10));
    let outcome = compared(&client, &venue.state(0));
    let expected = [("order_unknown_there", "cancelled by its id, to lapse with the answer")];
    assert_eq!((found(&outcome), outcome.agreed), (expected.to_vec(), false));
    assert_eq!((outcome.latch, outcome.lapses.len()), (None, 0), "not assumed rejected");
    client.apply(&outcome);
    assert_eq!(client.table.reserved(A, Side::Buy, None), q(20), "reserved until the answer");
    // the answer is lost: the tombstone tells the same
    venue.hear(&Request::Cancel(id(2)), false);
    let outcome = compared(&client, &venue.state(0));
    assert_eq!(found(&outcome), [("order_unknown_there", "lapsed")]);
    settles(&mut client, &mut venue, &outcome);
    assert_eq!(client.open(), [id(1)]);
}

#[test]
fn order_unknown_here() {
    let (mut client, mut venue) = both();
    venue.hear(&place(id(7), Side::Sell, 101, 3), false);
    let outcome = compared(&client, &venue.state(0));
    assert_eq!(found(&outcome), [("order_unknown_here", "cancelled there, latched")]);
    assert!(latched(&outcome) && outcome.cancels.contains(&id(7)));
    // and one that is over here
    client.say(1, 9, ReportKind::Cancelled { filled: q(0) });
    let outcome = compared(&client, &venue.state(0));
    assert_eq!(outcome.cancels.len(), 2);
    venue.trade(id(7), 3);
    let outcome = compared(&client, &venue.state(0));
    assert!(found(&outcome).contains(&("order_unknown_here", "latched")) && outcome.reports.is_empty());
}

#[test]
fn missed_fill() {
    let (mut client, mut venue) = both();
    let told: Vec<_> = [2, 3, 5].into_iter().filter_map(|quantity| venue.trade(id(1), quantity)).collect();
    client.hear(&told[1]);
    let mut theirs = venue.state(client.intake.executions().contiguous());
    theirs.fills.reverse();
    let outcome = compared(&client, &theirs);
    assert_eq!(found(&outcome), [("missed_fill", "admitted"); 2]);
    assert_eq!(outcome.reports, [told[0], told[2]], "in the order of execution");
    assert!(outcome.agreed);
    settles(&mut client, &mut venue, &outcome);
    assert_eq!((client.table.position(A), client.open().len()), (q(10), 0));
}

#[test]
fn fill_seen_twice() {
    let (mut client, mut venue) = both();
    client.hear(&venue.trade(id(1), 2).expect("works"));
    let mut theirs = venue.state(0);
    theirs.fills.push(theirs.fills[0].clone());
    let outcome = compared(&client, &theirs);
    assert_eq!(found(&outcome), [("fill_seen_twice", "dropped")]);
    assert!(outcome.agreed && outcome.reports.is_empty());
    theirs.fills[1].fill.quantity = q(1);
    let outcome = compared(&client, &theirs);
    assert_eq!(found(&outcome), [("fill_seen_twice", "latched")]);
    assert_eq!(outcome.latch, Some(LatchCause::RepeatedExecution));
}

#[test]
fn wrong_quantity() {
    let (client, venue) = both();
    let sound = venue.state(0).orders.remove(0);
    let unsound = [
        OrderState { remaining: q(9), ..sound.clone() },
        OrderState { total: q(9), remaining: q(9), ..sound.clone() },
        OrderState { filled: q(1), remaining: q(9), ..sound.clone() },
        OrderState { side: Side::Sell, ..sound.clone() },
        OrderState { price: p(101), ..sound.clone() },
    ];
    for order in unsound {
        let outcome = compared(&client, &StateAnswer { orders: vec![order.clone()], ..venue.state(0) });
        assert_eq!(found(&outcome), [("wrong_quantity", "cancelled there, latched")], "{order:?}");
        assert!(latched(&outcome) && outcome.cancels.contains(&id(1)));
    }
    let mut over = restart(&client);
    over.say(1, 9, ReportKind::Cancelled { filled: q(2) });
    assert_eq!(found(&compared(&over, &venue.state(0)))[0].0, "wrong_quantity", "over with fills owed");
    let finished = vec![Finished { id: name(id(1)), how: How::Filled, filled: q(10) }];
    let outcome = compared(&client, &StateAnswer { orders: vec![], finished, ..venue.state(0) });
    assert_eq!(found(&outcome), [("wrong_quantity", "latched")], "filled by fills it does not list");
}

#[test]
fn finished_there() {
    for how in [How::Cancelled, How::Expired, How::Rejected] {
        let (mut client, mut venue) = both();
        let filled = if how == How::Rejected { 0 } else { 4 };
        if filled > 0 {
            venue.trade(id(1), filled);
        }
        venue.end(id(1), how);
        let outcome = compared(&client, &venue.state(0));
        assert_eq!(found(&outcome).last(), Some(&("finished_there", "admitted")), "{how:?}");
        assert!(outcome.agreed);
        settles(&mut client, &mut venue, &outcome);
        assert_eq!((client.table.position(A), client.open().len()), (q(filled), 0));
    }
}

#[test]
fn finished_there_by_a_replacement_that_was_not_answered() {
    for total in [12, 7] {
        let (mut client, mut venue) = both();
        let replace = Request::Replace { id: id(1), price: p(99), total: q(total) };
        client.send(&replace);
        venue.hear(&replace, total == 7);
        venue.trade(id(1), 4);
        venue.trade(id(1), 8);
        let outcome = compared(&client, &venue.state(0));
        let expected =
            [("missed_fill", "admitted"), ("missed_fill", "admitted"), ("finished_there", "admitted")];
        assert_eq!(found(&outcome), expected, "total {total}");
        settles(&mut client, &mut venue, &outcome);
        assert!(client.open().is_empty());
    }
}

#[test]
fn what_reconciliation_concludes_is_no_repeat_of_an_answer_of_the_same_moment() {
    let (mut client, mut venue) = both();
    let replace = Request::Replace { id: id(1), price: p(99), total: q(5) };
    venue.trade(id(1), 10);
    client.send(&replace);
    client.hear(&venue.hear(&replace, false).expect("refused"));
    client.send(&replace);
    let outcome = compared(&client, &venue.state(0));
    settles(&mut client, &mut venue, &outcome);
    assert!(client.open().is_empty());
}

#[test]
fn answer_missed() {
    let (mut client, mut venue) = both();
    let request = place(id(2), Side::Sell, 110, 4);
    client.send(&request);
    venue.hear(&request, false);
    let replace = Request::Replace { id: id(1), price: p(99), total: q(12) };
    client.send(&replace);
    venue.hear(&replace, false);
    let outcome = compared(&client, &venue.state(0));
    assert_eq!(found(&outcome), [("answer_missed", "admitted"); 2]);
    settles(&mut client, &mut venue, &outcome);
    assert!(client.table.of(A).all(|(_, order)| !order.is_unanswered()));
}

#[test]
fn request_unanswered() {
    for request in [Request::Cancel(id(1)), Request::Replace { id: id(1), price: p(99), total: q(5) }] {
        let (mut client, mut venue) = both();
        client.send(&request);
        let outcome = compared(&client, &venue.state(0));
        assert_eq!(found(&outcome), [("request_unanswered", "cancelled")]);
        assert_eq!((outcome.latch, outcome.agreed), (None, false));
        settles(&mut client, &mut venue, &outcome);
        assert!(client.open().is_empty());
    }
}

#[test]
fn position_differs() {
    let (client, venue) = both();
    for positions in [("A".to_owned(), q(-3)), ("C".to_owned(), q(1))].map(|one| BTreeMap::from([one])) {
        let outcome = compared(&client, &StateAnswer { positions, ..venue.state(0) });
        assert_eq!(found(&outcome), [("position_differs", "latched")]);
        assert!(latched(&outcome) && outcome.reports.is_empty() && outcome.cancels.is_empty());
    }
}

#[test]
fn cash_differs() {
    let (client, venue) = both();
    let outcome = compared(&client, &StateAnswer { cash: Money::from_units(-1), ..venue.state(0) });
    assert_eq!(found(&outcome), [("cash_differs", "latched")]);
    assert!(latched(&outcome) && outcome.reports.is_empty());
}

#[test]
fn what_moved_since_the_question_is_not_compared_with_its_answer() {
    let (mut client, mut venue) = both();
    let asked = client.intake.moves();
    let theirs = venue.state(0);
    client.send(&place(id(2), Side::Buy, 100, 10));
    client.hear(&venue.trade(id(1), 10).expect("works"));
    let outcome = client.compare(&theirs, asked);
    assert_eq!((outcome.latch, outcome.agreed, outcome.in_motion), (None, false, 3));
    assert!(outcome.findings.is_empty() && outcome.cancels.is_empty());
}
