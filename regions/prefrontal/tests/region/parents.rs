//! Orders that go in parts: children follow the plan, and are never more than their parent.

use std::collections::BTreeMap;

use market::order::{NewOrder, RejectReason};
use proptest::prelude::*;
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

/// Something that latches.
type End = fn(&mut Desk);

#[test]
fn what_latches_ends_a_parent() {
    let trip = |desk: &mut Desk| {
        (desk.ask.level, desk.ask.trip) = (ThreatLevel::Tripped, true);
        assert!(desk.judge_in_parts().tripped);
        (desk.ask.level, desk.ask.trip) = (ThreatLevel::Calm, false);
        desk.notice(NoticeKind::Restarted);
    };
    let ends: [(&str, End); 7] = [
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

/// An order at a venue that answers at once.
#[derive(Debug, Clone, Copy)]
struct Open {
    side: Side,
    total: Quantity,
    filled: Quantity,
    asked: Option<(Price, Quantity)>,
    parent: Option<ClientId>,
}

impl Open {
    fn worst(&self) -> i64 {
        self.asked.map_or(self.total, |(_, asked)| asked.max(self.total)).units() - self.filled.units()
    }
}

/// What happens between two samples.
#[derive(Debug, Clone, Copy)]
enum Event {
    Fill(i64),
    Answer(bool),
    Cancel,
    Expire,
    Arm,
    Halt,
    Restart,
    Pass(u64),
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1i64..8).prop_map(Event::Fill),
        4 => any::<bool>().prop_map(Event::Answer),
        1 => Just(Event::Cancel),
        1 => Just(Event::Expire),
        2 => Just(Event::Arm),
        1 => Just(Event::Halt),
        1 => Just(Event::Restart),
        3 => (1u64..9).prop_map(Event::Pass),
    ]
}

/// The desk with its venue.
struct Scene {
    desk: Desk,
    open: BTreeMap<ClientId, Open>,
    /// What of each parent has filled.
    filled: BTreeMap<ClientId, i64>,
}

impl Scene {
    fn happens(&mut self, event: Event) {
        let first = self.open.iter().next().map(|(id, open)| (*id, *open));
        match (event, first) {
            (Event::Fill(whole), Some((id, open))) => {
                let part = q(whole).min(Quantity::from_units(open.total.units() - open.filled.units()));
                let filled = open.filled.checked_add(part).expect("small");
                let remaining = Quantity::from_units(open.total.units() - filled.units());
                if let Some(parent) = open.parent {
                    *self.filled.entry(parent).or_default() += part.units();
                }
                self.open.insert(id, Open { filled, ..open });
                if remaining.is_zero() {
                    self.open.remove(&id);
                }
                self.desk.fill(id, open.side, part, remaining);
            }
            (Event::Answer(yes), Some((id, open))) => match open.asked {
                Some((price, total)) if yes && total > open.filled => {
                    self.open.insert(id, Open { total, asked: None, ..open });
                    let quantity = Quantity::from_units(total.units() - open.filled.units());
                    self.desk.report(id, ReportKind::Replaced { price, quantity });
                }
                Some(_) => {
                    self.open.insert(id, Open { asked: None, ..open });
                    self.desk.report(id, ReportKind::ReplaceRejected(RejectReason::WouldTrade));
                }
                None => self.desk.report(id, ReportKind::Accepted),
            },
            (Event::Cancel, Some((id, open))) => {
                self.open.remove(&id);
                self.desk.report(id, ReportKind::Cancelled { filled: open.filled });
            }
            (Event::Expire, Some((id, open))) => {
                self.open.remove(&id);
                self.desk.report(id, ReportKind::Expired { filled: open.filled });
            }
            (Event::Arm, _) => self.desk.command(CommandKind::Arm),
            (Event::Halt, _) => self.desk.command(CommandKind::Halt),
            (Event::Restart, _) => self.desk.notice(NoticeKind::Restarted),
            (Event::Pass(samples), _) => self.desk.pass(samples),
            (_, None) => {}
        }
    }

    /// What may come of the children of a parent.
    fn worst(&self, parent: ClientId) -> i64 {
        let outstanding = self.open.values().filter(|open| open.parent == Some(parent)).map(Open::worst);
        self.filled.get(&parent).copied().unwrap_or(0) + outstanding.sum::<i64>()
    }

    fn leaves(&mut self, verdict: &Verdict) {
        let parent = verdict.parent.map(|parent| parent.id);
        for request in verdict.requests() {
            match *request {
                Request::Place(NewOrder { id, side, quantity, .. }) => {
                    let filled = Quantity::ZERO;
                    self.open.insert(id, Open { side, total: quantity, filled, asked: None, parent });
                }
                Request::Replace { id, price, total } => {
                    let open = self.open.get_mut(&id).expect("it is outstanding");
                    (open.asked, open.parent) = (Some((price, total)), parent);
                }
                Request::Cancel(_) => {}
            }
        }
    }
}

proptest! {
    #[test]
    fn children_are_never_more_than_their_parent(
        steps in prop::collection::vec(
            (-10i64..=10, 99i64..102, 0usize..4, 0.0f32..20.0, prop::collection::vec(events(), 0..4)),
            1..60,
        ),
    ) {
        let mut scene = Scene { desk: desk(), open: BTreeMap::new(), filled: BTreeMap::new() };
        let mut seen = BTreeMap::new();
        for (target, bid, plan_of, volume, events) in steps {
            let ask = &mut scene.desk.ask;
            (ask.target, ask.bid) = (q(target), bid);
            ask.action = if target > 0 { Action::Buy } else { Action::Sell };
            let verdict = scene.desk.judge_changed(|forecast| {
                forecast.execution.plan = [None, Some(plan()), Some(plan()), Some(participation())][plan_of].clone();
                forecast.proposed.fused.perceived.recalled.encoded.appraised.sensed.context.volume = Some(volume);
            });
            scene.leaves(&verdict);
            if let (Some(parent), Outcome::Act(_)) = (verdict.parent, &verdict.outcome) {
                prop_assert_eq!(*seen.entry(parent.id).or_insert(parent.total), parent.total);
                prop_assert!(scene.worst(parent.id) <= parent.total.units(), "{:?} of {:?}", scene.open, parent);
            }
            events.into_iter().for_each(|event| scene.happens(event));
        }
        for (parent, total) in seen {
            prop_assert!(scene.worst(parent) <= total.units());
        }
    }
}
