//! Whatever a bad line does to a truthful venue's words, nothing faults and both sides end equal.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// What travels to the venue.
#[derive(Clone)]
enum Sent {
    Request(Request),
    Question { asked: u64, since: u64 },
}

/// How often each fault occurred.
#[derive(Default)]
struct Faults {
    lost: u64,
    doubled: u64,
    reordered: u64,
}

/// Both sides and a bad line between them.
struct World {
    client: Client,
    venue: Venue,
    is_lossy: bool,
    out: VecDeque<Sent>,
    back: VecDeque<Report>,
    answers: VecDeque<(u64, StateAnswer)>,
    late: Vec<Sent>,
    faults: Faults,
    sequence: u64,
}

impl World {
    fn new(is_ours: bool, is_lossy: bool) -> Self {
        Self {
            client: Client::new(),
            venue: Venue { is_ours, ..Venue::default() },
            is_lossy,
            out: VecDeque::new(),
            back: VecDeque::new(),
            answers: VecDeque::new(),
            late: Vec::new(),
            faults: Faults::default(),
            sequence: 0,
        }
    }

    fn send(&mut self, request: Request) {
        self.client.send(&request);
        self.out.push_back(Sent::Request(request));
    }

    fn step(&mut self, (op, a, b): (u8, usize, u32)) {
        let open = self.client.open();
        let one = (!open.is_empty()).then(|| open[a % open.len()]);
        match op {
            0..=3 => {
                self.sequence += 1;
                let instrument = if b % 3 == 0 { B } else { A };
                let id = ClientId { sequence: self.sequence, instrument, k: 0 };
                let side = if a.is_multiple_of(2) { Side::Buy } else { Side::Sell };
                self.send(place(id, side, 90 + i64::from(b % 20), 1 + i64::from(b % 9)));
            }
            4 => one.into_iter().for_each(|id| self.send(Request::Cancel(id))),
            5..=6 => {
                // nothing else is asked while a request of the instrument is unanswered (G2)
                let Some(id) = one else { return };
                if self.client.table.of(id.instrument).any(|(_, order)| order.is_unanswered()) {
                    return;
                }
                let (price, total) = (p(90 + i64::from(b % 20)), q(1 + i64::from(b % 12)));
                self.send(Request::Replace { id, price, total });
            }
            7..=13 => self.carry(b),
            14..=18 => {
                let working = self.venue.working();
                if !working.is_empty() {
                    self.back.extend(self.venue.trade(working[a % working.len()], 1 + i64::from(b % 4)));
                }
            }
            19..=27 => self.tell(a, b),
            28 if self.is_lossy => {
                let (asked, since) =
                    (self.client.intake.moves(), self.client.intake.executions().contiguous());
                self.out.push_back(Sent::Question { asked, since });
            }
            _ => self.answer(),
        }
    }

    /// The next request arrives: once, twice or never.
    fn carry(&mut self, b: u32) {
        let Some(sent) = self.out.pop_front() else { return };
        match (b % 10, &sent) {
            (0, Sent::Request(_)) if self.is_lossy => {
                self.faults.lost += 1;
                self.late.push(sent);
                return;
            }
            (1, Sent::Request(Request::Place(_) | Request::Cancel(_))) => {
                self.faults.doubled += 1;
                self.arrive(&sent, b);
            }
            _ => {}
        }
        self.arrive(&sent, b);
    }

    fn arrive(&mut self, sent: &Sent, b: u32) {
        match sent {
            Sent::Request(request) => self.back.extend(self.venue.hear(request, b % 7 == 6)),
            Sent::Question { asked, since } => self.answers.push_back((*asked, self.venue.state(*since))),
        }
    }

    /// A report is heard: in its order or not, once, twice or never.
    fn tell(&mut self, a: usize, b: u32) {
        let at = if b.is_multiple_of(4) { a % 5 } else { 0 };
        let Some(report) = self.back.get(at.min(self.back.len().saturating_sub(1))).copied() else { return };
        let at = at.min(self.back.len() - 1);
        self.faults.reordered += u64::from(at > 0);
        match b % 9 {
            0 if self.is_lossy => {
                self.faults.lost += 1;
                self.back.remove(at);
                return;
            }
            1 | 2 => self.faults.doubled += 1,
            _ => {
                self.back.remove(at);
            }
        }
        self.client.hear(&report);
    }

    /// The venue's answer to an earlier question comes.
    fn answer(&mut self) {
        let Some((asked, theirs)) = self.answers.pop_front() else { return };
        let outcome = self.client.compare(&theirs, asked);
        assert_eq!(outcome.latch, None, "{:?}", outcome.findings);
        self.out.extend(self.client.apply(&outcome).into_iter().map(Sent::Request));
    }

    /// All that is under way arrives.
    fn settle(&mut self) {
        while let Some(sent) = self.out.pop_front() {
            if matches!(sent, Sent::Request(_)) {
                self.arrive(&sent, 0);
            }
        }
        while let Some(report) = self.back.pop_front() {
            self.client.hear(&report);
        }
    }

    fn check_equal(&self) {
        let client = &self.client;
        assert_eq!(client.latches, [], "the venue was truthful");
        for at in [A, B] {
            let theirs = self.venue.positions.get(&at).copied().unwrap_or_default();
            assert_eq!((client.table.position(at), client.ledger.position(at)), (theirs, theirs));
        }
        assert_eq!(client.open(), self.venue.working());
        assert!(client.admitted.values().all(|times| *times == 1), "{:?}", client.admitted);
        assert_eq!(client.admitted.len(), self.venue.fills.len());
        for (id, order) in client.intake.outstanding() {
            let (_, row) = client.table.of(id.instrument).find(|(at, _)| *at == id).expect("in both");
            assert!(row.reserved().units() >= order.total.units() - order.filled.units());
        }
    }

    /// Asks, applies and cancels until both agree; the line is good again.
    fn reconcile(&mut self) {
        for _ in 0..3 {
            let since = self.client.intake.executions().contiguous();
            let outcome = self.client.compare(&self.venue.state(since), self.client.intake.moves());
            assert_eq!(outcome.latch, None, "{:?}", outcome.findings);
            let cancels = self.client.apply(&outcome);
            if outcome.agreed {
                return;
            }
            for cancel in cancels {
                if let Some(report) = self.venue.hear(&cancel, false) {
                    self.client.hear(&report);
                }
            }
        }
        panic!("no agreement after three comparisons");
    }
}

fn steps() -> impl Strategy<Value = Vec<(u8, usize, u32)>> {
    prop::collection::vec((0_u8..31, 0_usize..1000, 0_u32..1000), 1..220)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Doubled, late and reordered words, none lost: every fill enters once, nothing faults.
    #[test]
    fn nothing_said_twice_or_out_of_order_does_harm(is_ours: bool, steps in steps()) {
        let mut world = World::new(is_ours, false);
        steps.into_iter().for_each(|step| world.step(step));
        world.settle();
        world.check_equal();
        prop_assert_eq!(facts(&world.client.folded()), facts(&world.client.intake));
    }

    /// Requests and reports lost besides, and the venue asked now and then: after an outage both
    /// sides agree, a second comparison finds nothing, and what comes late does no harm.
    #[test]
    fn reconciliation_recovers_what_was_lost(steps in steps()) {
        let mut world = World::new(true, true);
        steps.into_iter().for_each(|step| world.step(step));
        let late: Vec<Sent> = world.late.drain(..).chain(world.out.drain(..)).collect();
        let unheard: Vec<Report> = world.back.drain(..).collect();
        world.answers.clear();
        world.reconcile();
        world.check_equal();
        let since = world.client.intake.executions().contiguous();
        let again = world.client.compare(&world.venue.state(since), world.client.intake.moves());
        prop_assert_eq!(again, Outcome { agreed: true, ..Outcome::default() });
        unheard.iter().for_each(|report| drop(world.client.hear(report)));
        late.iter().for_each(|sent| world.arrive(sent, 0));
        world.settle();
        world.check_equal();
    }

    /// Anything at all may be said: what enters is never a fault.
    #[test]
    fn nonsense_never_faults(
        words in prop::collection::vec((0_u64..4, 0_u8..9, -3_i64..12, -2_i64..12, 0_u64..6, 0_i64..4), 1..80),
    ) {
        let mut client = Client::new();
        let mut orders = 0;
        for (order, word, x, y, execution, time) in words {
            let fill = Fill {
                execution,
                side: if y % 4 == 0 { Side::Sell } else { Side::Buy },
                price: p(x),
                quantity: q(y),
                fee: Money::from_units(i128::from(time) * 10_i128.pow(24)),
                liquidity: Liquidity::Taker,
                remaining: q(x - y),
            };
            let kind = match word {
                0 => {
                    orders += 1;
                    client.send(&place(id(orders), Side::Buy, 5, 7));
                    continue;
                }
                1 => ReportKind::Accepted,
                2 => ReportKind::Rejected(if x > 3 { RejectReason::Halted } else { RejectReason::DuplicateId }),
                3 | 4 => ReportKind::Filled(fill),
                5 => ReportKind::Cancelled { filled: q(y) },
                6 => ReportKind::Replaced { price: p(x), quantity: q(y) },
                7 => ReportKind::ReplaceRejected(RejectReason::UnknownOrder),
                _ => ReportKind::CancelRejected(RejectReason::UnknownOrder),
            };
            let is_settled = client.table.of(A).all(|(_, order)| !order.is_unanswered());
            if y == 5 && is_settled && client.open().contains(&id(order)) {
                client.send(&Request::Replace { id: id(order), price: p(5), total: q(x.max(1)) });
            }
            client.say(order, time, kind);
        }
        prop_assert_eq!(client.table.position(A), client.ledger.position(A));
        prop_assert!(client.admitted.values().all(|times| *times == 1));
    }
}

#[test]
fn the_bad_line_is_bad() {
    let mut faults = Faults::default();
    let mut waits = 0;
    for seed in 0..40_u32 {
        let mut world = World::new(true, seed % 2 == 0);
        for n in 0..300_u32 {
            let draw = (seed * 7919 + n).wrapping_mul(2_654_435_761) >> 7;
            world.step(((draw % 31) as u8, (draw / 31) as usize, draw / 997));
        }
        faults.lost += world.faults.lost;
        faults.doubled += world.faults.doubled;
        faults.reordered += world.faults.reordered;
        waits += world.client.waits;
    }
    assert!(faults.lost > 20 && faults.doubled > 20 && faults.reordered > 20 && waits > 0);
}
