//! Witnesses: they judge what the court judges, and decide nothing.

use super::*;

/// At most one order in five minutes, which is longer than any rule that ships looks back.
fn one_in_five_minutes() -> Law {
    let text = "hard rule few: forall o in orders: orders_in(o.instrument, 5 min) < 1 order\n";
    let rules = Arc::new(RuleSet::compile("few.ltn", text).expect("sound"));
    Law { rules, learned: Vec::new(), ..law() }
}

/// What the last witness says of the last order: the rules that it breaks.
fn broken(desk: &mut Desk) -> Vec<String> {
    let heard = desk.judge.take_testimony().pop().expect("an order was judged");
    let last = heard.statements.last().expect("a witness");
    last.rules.iter().filter(|rule| !rule.passed).map(|rule| rule.rule.to_string()).collect()
}

#[test]
fn by_the_same_law_a_witness_says_the_same_and_nothing_changes() {
    let (mut desk, mut plain) = (Desk::new(), Desk::new());
    desk.judge.watch(law());
    for (target, judged) in [(11, 1), (5, 1), (5, 0)] {
        (desk.ask.target, plain.ask.target) = (q(target), q(target));
        let verdict = desk.judge();
        assert_eq!(verdict, plain.judge());
        let heard = desk.judge.take_testimony();
        assert_eq!(heard.len(), judged, "{verdict:?}");
        for testimony in heard {
            assert_eq!((testimony.sequence, testimony.instrument), (desk.sequence, InstrumentId(0)));
            assert_eq!(testimony.order.quantity, q(target));
            assert_eq!(testimony.statements[0].rules, verdict.rules);
        }
    }
    assert_eq!(desk.judge.state(), plain.judge.state());
}

#[test]
fn another_law_is_told_and_does_not_decide() {
    let mut desk = Desk::new();
    desk.judge.watch(law());
    desk.judge.watch(one_in_five_minutes());
    desk.ask.target = q(1);
    let id = desk.requests()[0].id();
    assert_eq!(broken(&mut desk), Vec::<String>::new());
    desk.fill(id, Side::Buy, q(1), q(0));
    // 100 s later the court has forgotten the first order, and the witness has not
    desk.sequence += 400;
    desk.ask.target = q(3);
    assert_eq!(desk.requests().len(), 1, "it is placed all the same");
    assert_eq!(broken(&mut desk), ["few"]);
}

#[test]
fn a_successor_calls_the_witnesses_with_what_they_remember() {
    let mut desk = Desk::new();
    desk.judge.watch(one_in_five_minutes());
    desk.ask.target = q(1);
    let id = desk.requests()[0].id();
    desk.fill(id, Side::Buy, q(1), q(0));
    desk.sequence += 400;
    let mut next = Desk::new().judge;
    next.watch_on(&desk.judge, [one_in_five_minutes()]);
    next.set_state(desk.judge.state().clone());
    desk.judge = next;
    desk.ask.target = q(3);
    assert_eq!(desk.requests().len(), 1);
    assert_eq!(broken(&mut desk), ["few"]);
}
