//! Orders that go in parts: children follow the plan. That they are never more than their parent the adversary's
//! oracle counts.

use market::order::NewOrder;
use synapse::{Parent, Plan};

use super::*;

/// 2, then 3, then 5, eight samples apart.
fn plan() -> Plan {
    Plan::Trajectory { period_ns: 2_000_000_000, cumulative: [2, 5, 10].map(q).to_vec() }
}

/// Half of what others trade, and all of it after a minute.
fn participation() -> Plan {
    Plan::Participation { rate: 0.5, end_ns: 60_000_000_000 }
}

/// Wants ten, in parts.
fn desk() -> Desk {
    let mut desk = Desk::new();
    desk.ask.target = q(10);
    desk
}

impl Desk {
    fn judge_in_parts(&mut self) -> Verdict {
        self.judge_changed(|forecast| forecast.execution.plan = Some(plan()))
    }

    /// The child that is placed, with its parent.
    fn child(&mut self) -> (NewOrder, Parent) {
        let verdict = self.judge_in_parts();
        let [Request::Place(order)] = verdict.requests() else { panic!("{:?}", verdict.outcome) };
        (*order, verdict.parent.expect("it is a child"))
    }

    /// The child that is placed fills at once.
    fn child_fills(&mut self) -> Parent {
        let (order, parent) = self.child();
        self.fill(order.id, order.side, order.quantity, q(0));
        parent
    }

    /// Time passes to so many samples of 250 ms later.
    fn pass(&mut self, samples: u64) {
        self.sequence += samples;
    }

    fn pacing(&mut self) -> Reason {
        match self.judge_in_parts().outcome {
            Outcome::Rest(reason) => reason,
            Outcome::Act(requests) => panic!("it acts: {requests:?}"),
        }
    }
}

#[test]
fn children_follow_the_plan() {
    let mut desk = desk();
    let (first, parent) = desk.child();
    assert_eq!((first.quantity, parent), (q(2), Parent { id: first.id, total: q(10) }));
    desk.fill(first.id, Side::Buy, q(2), q(0));
    assert_eq!(desk.pacing(), Reason::Pacing { due: q(2), total: q(10) });
    desk.pass(6);
    for (quantity, due) in [(3, 5), (5, 10)] {
        let (child, of) = desk.child();
        assert_eq!((child.quantity, of), (q(quantity), parent));
        desk.fill(child.id, Side::Buy, q(quantity), q(0));
        if due < 10 {
            assert_eq!(desk.pacing(), Reason::Pacing { due: q(due), total: q(10) });
        }
        desk.pass(6);
    }
    assert_eq!(desk.position, q(10));
    assert_eq!(desk.pacing(), Reason::AtTarget { target: q(10) });
}

#[test]
fn what_a_child_did_not_fill_is_due_again() {
    let mut desk = desk();
    let (first, parent) = desk.child();
    desk.report(first.id, ReportKind::Accepted);
    assert_eq!(desk.pacing(), Reason::AlreadyWorking { remaining: q(2) });
    desk.fill(first.id, Side::Buy, q(1), q(1));
    desk.pass(6);
    // 5 are due, 1 is filled, and the 1 that works becomes 4
    let verdict = desk.judge_in_parts();
    assert_eq!(verdict.requests(), [Request::Replace { id: first.id, price: p(100), total: q(5) }]);
    assert_eq!(verdict.parent, Some(parent));
    desk.report(first.id, ReportKind::Replaced { price: p(100), quantity: q(4) });
    desk.report(first.id, ReportKind::Cancelled { filled: q(1) });
    let (next, of) = desk.child();
    assert_eq!((next.quantity, of), (q(4), parent));
    desk.notice(NoticeKind::Lapsed(next.id));
    let (next, of) = desk.child();
    assert_eq!((next.quantity, of), (q(4), parent), "the gate dropped it");
}

#[test]
fn a_smaller_target_is_a_smaller_child() {
    let mut desk = desk();
    let parent = desk.child_fills();
    desk.pass(8);
    desk.ask.target = q(4);
    let (child, of) = desk.child();
    assert_eq!((child.quantity, of), (q(2), parent), "3 are due, and 2 are missing");
}

#[test]
fn what_is_due_by_volume_follows_it() {
    let mut desk = desk();
    let ask = |desk: &mut Desk, volume: f32| {
        desk.judge_changed(|forecast| {
            forecast.execution.plan = Some(participation());
            forecast.proposed.fused.perceived.recalled.encoded.appraised.sensed.context.volume = Some(volume);
        })
    };
    let waits = |due| Outcome::Rest(Reason::Pacing { due: q(due), total: q(10) });
    assert_eq!(ask(&mut desk, 100.0).outcome, waits(0), "nothing has traded since it began");
    assert_eq!(ask(&mut desk, 1.0).outcome, waits(0), "half a lot");
    assert_eq!(ask(&mut desk, f32::INFINITY).outcome, waits(0));
    // what trades while a child is refused is not made up for
    let refused = desk.judge_changed(|forecast| {
        forecast.execution.plan = Some(participation());
        let sensed = &mut forecast.proposed.fused.perceived.recalled.encoded.appraised.sensed;
        (sensed.context.volume, sensed.mark_age_ns) = (Some(5.0), 6_000_000_000);
    });
    assert!(matches!(&refused.outcome, Outcome::Rest(reason) if refusal(reason) == Some("stale_reference")));
    let verdict = ask(&mut desk, 5.0);
    let [Request::Place(child)] = verdict.requests() else { panic!("{:?}", verdict.outcome) };
    assert_eq!((child.quantity, verdict.parent), (q(3), Some(Parent { id: child.id, total: q(10) })));
    desk.fill(child.id, Side::Buy, q(3), q(0));
    assert_eq!(ask(&mut desk, 1.0).outcome, waits(3));
    // a minute after it began all is due, whatever has traded
    desk.pass(240);
    let verdict = ask(&mut desk, 0.0);
    let [Request::Place(last)] = verdict.requests() else { panic!("{:?}", verdict.outcome) };
    assert_eq!((last.quantity, verdict.parent.map(|parent| parent.id)), (q(7), Some(child.id)));
}

#[test]
fn the_other_side_ends_a_parent() {
    let mut desk = desk();
    let first = desk.child_fills();
    (desk.ask.action, desk.ask.target) = (Action::Sell, q(-8));
    let second = desk.child_fills();
    assert_eq!((second.total, desk.position), (q(10), q(0)));
    assert_ne!(second.id, first.id);
    (desk.ask.action, desk.ask.target) = (Action::Buy, q(10));
    let (child, third) = desk.child();
    assert_eq!((child.quantity, third), (q(2), Parent { id: child.id, total: q(10) }), "it begins anew");
}

#[test]
fn the_other_side_ends_a_parent_even_where_nothing_leaves() {
    let mut desk = desk();
    let first = desk.child_fills();
    (desk.ask.action, desk.ask.target) = (Action::Sell, q(-11));
    assert_eq!(refusal(&desk.reason()), Some("position"), "13 at once");
    (desk.ask.action, desk.ask.target) = (Action::Buy, q(10));
    assert_ne!(desk.child().1.id, first.id);
}

#[test]
fn an_order_by_itself_ends_a_parent() {
    let mut desk = desk();
    let first = desk.child_fills();
    desk.ask.target = q(5);
    let [Request::Place(whole)] = desk.requests()[..] else { panic!("it goes at once") };
    assert_eq!(whole.quantity, q(3));
    desk.fill(whole.id, Side::Buy, q(3), q(0));
    desk.ask.target = q(10);
    let (child, second) = desk.child();
    assert_eq!((child.quantity, second), (q(2), Parent { id: child.id, total: q(5) }));
    assert_ne!(second.id, first.id);
}

#[test]
fn a_child_replaces_no_order_but_its_parents() {
    let mut desk = desk();
    desk.ask.target = q(7);
    let whole = desk.requests()[0].id();
    desk.report(whole, ReportKind::Accepted);
    // what it fills until it is replaced would be no part of the parent
    let verdict = desk.judge_in_parts();
    assert_eq!((verdict.requests(), verdict.parent), (&[Request::Cancel(whole)][..], None));
    desk.fill(whole, Side::Buy, q(1), q(6));
    desk.report(whole, ReportKind::Cancelled { filled: q(1) });
    let (child, parent) = desk.child();
    assert_eq!((child.quantity, parent.total), (q(2), q(6)));
}

#[test]
fn what_is_late_is_caught_up_at_the_pace_of_the_plan() {
    let mut desk = desk();
    let parent = desk.child_fills();
    // no sample came for long, and all of it is due by the clock
    desk.pass(400);
    let (child, of) = desk.child();
    assert_eq!((child.quantity, of), (q(5), parent), "the largest step of the plan");
    desk.fill(child.id, Side::Buy, q(4), q(0));
    assert_eq!(desk.child().0.quantity, q(1), "and no more of it in this step");
    let id = ClientId { sequence: desk.sequence, instrument: InstrumentId(0), k: 0 };
    desk.fill(id, Side::Buy, q(1), q(0));
    assert_eq!(desk.pacing(), Reason::Pacing { due: q(7), total: q(10) });
    desk.pass(8);
    assert_eq!(desk.child().0.quantity, q(3), "the rest in the next");
}

/// Something that ends a parent.
type End = fn(&mut Desk);

#[test]
fn what_latches_and_what_wants_nothing_ends_a_parent() {
    let trip = |desk: &mut Desk| {
        (desk.ask.level, desk.ask.trip) = (ThreatLevel::Tripped, true);
        assert!(desk.judge_in_parts().tripped);
        (desk.ask.level, desk.ask.trip) = (ThreatLevel::Calm, false);
        desk.notice(NoticeKind::Restarted);
    };
    let ends: [(&str, End); 11] = [
        ("hold", |desk| {
            desk.ask.action = Action::Hold;
            assert!(matches!(desk.pacing(), Reason::Hold { .. }));
            desk.ask.action = Action::Buy;
        }),
        ("no margin", |desk| {
            let verdict = desk.judge_changed(|forecast| forecast.proposed.proposal.margin_needed = 0.9);
            assert!(matches!(verdict.outcome, Outcome::Rest(Reason::HoldByMargin { .. })));
        }),
        ("a shock", |desk| {
            desk.ask.kind = SampleKind::Startle(Startle::Spread);
            assert!(matches!(desk.pacing(), Reason::Startled { .. }));
            desk.ask.kind = SampleKind::Regular;
        }),
        ("a halt of the venue", |desk| {
            let verdict = desk.judge_changed(|forecast| {
                forecast.proposed.fused.perceived.recalled.encoded.appraised.sensed.halted = true;
            });
            assert!(matches!(verdict.outcome, Outcome::Rest(Reason::Halted {})));
        }),
        ("halt", |desk| desk.command(CommandKind::Halt)),
        ("flatten", |desk| desk.command(CommandKind::Flatten)),
        ("latch", |desk| desk.notice(NoticeKind::Latch(LatchCause::Reconciliation))),
        ("faults", |desk| desk.notice(NoticeKind::Quarantine { input: 1, instrument: None })),
        ("quarantine", |desk| {
            desk.notice(NoticeKind::Quarantine { input: 1, instrument: Some(InstrumentId(0)) });
        }),
        ("restart", |desk| desk.notice(NoticeKind::Restarted)),
        ("trip", trip),
    ];
    for (name, end) in ends {
        let mut desk = desk();
        let first = desk.child_fills();
        end(&mut desk);
        desk.command(CommandKind::Arm);
        desk.pass(16);
        // all of the first would be due by now
        let (child, second) = desk.child();
        assert_eq!((child.quantity, second.total), (q(2), q(8)), "{name}");
        assert_ne!(second.id, first.id, "{name}");
    }
    let mut desk = desk();
    let first = desk.child_fills();
    desk.notice(NoticeKind::Quarantine { input: 1, instrument: Some(InstrumentId(7)) });
    desk.pass(6);
    assert_eq!(desk.child().1, first, "another instrument's is none of it");
}

#[test]
fn a_snapshot_brings_a_parent_back() {
    let mut desk = desk();
    let first = desk.child_fills();
    let mut copy = self::desk();
    copy.judge.restore(&desk.judge.snapshot()).expect("a snapshot");
    (copy.sequence, copy.position) = (desk.sequence + 8, desk.position);
    let (child, parent) = copy.child();
    assert_eq!((child.quantity, parent), (q(3), first));
}

#[test]
fn a_child_is_judged_as_every_order_is() {
    let mut desk = Desk::within(Limits { order_size: q(1), ..limits() });
    desk.ask.target = q(10);
    let verdict = desk.judge_in_parts();
    assert!(matches!(&verdict.outcome, Outcome::Rest(reason) if refusal(reason) == Some("order_size")));
    assert!(verdict.rules.iter().any(|rule| rule.rule.as_str() == "child_of_parent" && rule.passed));
}
