//! One side and the other: a client of intake, order table and ledger, and a truthful venue.

mod cases;
mod random;
mod regressions;
mod rules;

use std::collections::BTreeMap;

use market::ledger::Ledger;
use market::order::{
    ClientId, Fill, Liquidity, NewOrder, OrderKind, RejectReason, Report, ReportKind, Request,
};
use market::{Instrument, InstrumentId, Instruments, Money, Price, Quantity, Session, Side, Timestamp};
use prefrontal::OrderTable;
use synapse::{LatchCause, NoticeKind};

use super::*;
use crate::venue::{Finished, How, OrderName, OrderState, StateAnswer, VenueFill};

const A: InstrumentId = InstrumentId(0);
const B: InstrumentId = InstrumentId(1);

fn q(units: i64) -> Quantity {
    Quantity::from_units(units)
}

fn p(units: i64) -> Price {
    Price::from_units(units)
}

fn id(sequence: u64) -> ClientId {
    ClientId { sequence, instrument: A, k: 0 }
}

fn name(id: ClientId) -> OrderName {
    OrderName { run: "r".into(), id }
}

fn instruments() -> Instruments {
    let one = |name: &str| Instrument {
        name: name.into(),
        tick: p(1),
        lot: q(1),
        multiplier: Quantity::from_whole(1_000_000_000).expect("small"),
        currency: "USD".into(),
        maker_fee_bp: Quantity::ZERO,
        taker_fee_bp: Quantity::ZERO,
        session: Session::Always,
        reference_notional: Money::ZERO,
    };
    Instruments::new(vec![one("A"), one("B")])
}

fn place(id: ClientId, side: Side, price: i64, quantity: i64) -> Request {
    let (price, quantity) = (p(price), q(quantity));
    Request::Place(NewOrder { id, side, kind: OrderKind::Limit, price, quantity })
}

/// What the intake is rebuilt from.
enum OnTape {
    Released(Request),
    Entered(NoticeKind),
}

/// Our side: what the regions and the intake hold, without the line between them.
struct Client {
    instruments: Instruments,
    intake: Intake,
    table: OrderTable,
    ledger: Ledger,
    latches: Vec<(LatchCause, String)>,
    /// How often each execution was admitted.
    admitted: BTreeMap<u64, u32>,
    /// All that was released and admitted.
    tape: Vec<OnTape>,
    waits: u32,
}

impl Client {
    fn new() -> Self {
        Self {
            instruments: instruments(),
            intake: Intake::default(),
            table: OrderTable::default(),
            ledger: Ledger::new("USD", Money::ZERO),
            latches: Vec::new(),
            admitted: BTreeMap::new(),
            tape: Vec::new(),
            waits: 0,
        }
    }

    /// Approves and releases.
    fn send(&mut self, request: &Request) {
        self.table.approve(request);
        self.intake.released(request);
        self.tape.push(OnTape::Released(*request));
    }

    fn notice(&mut self, notice: NoticeKind) {
        match &notice {
            NoticeKind::Report(report) => {
                self.table.report(report).expect("what is admitted is never a fault");
                if let ReportKind::Filled(fill) = &report.kind {
                    *self.admitted.entry(fill.execution).or_default() += 1;
                    let booked = self.ledger.apply_fill(&self.instruments, report.id.instrument, fill);
                    booked.expect("what is admitted can be booked");
                }
            }
            NoticeKind::Lapsed(id) => self.table.lapsed(*id),
            NoticeKind::CancelSent(id) => self.table.cancel_sent(*id),
            _ => {}
        }
        if !matches!(notice, NoticeKind::Report(_)) {
            self.intake.fold_input(&notice);
        }
        self.tape.push(OnTape::Entered(notice));
    }

    fn hear(&mut self, report: &Report) -> Admission {
        let admission = self.intake.receive(report);
        match admission.clone() {
            Admission::Admit { report, then } => {
                self.notice(NoticeKind::Report(report));
                then.into_iter().for_each(|then| self.notice(NoticeKind::Report(then)));
            }
            Admission::Wait => self.waits += 1,
            Admission::Drop(_) => {}
            Admission::Lapse(id) => self.notice(NoticeKind::Lapsed(id)),
            Admission::Latch { cause, why } => self.latches.push((cause, why)),
        }
        admission
    }

    fn say(&mut self, sequence: u64, time: i64, kind: ReportKind) -> Admission {
        self.hear(&Report { id: id(sequence), time: Timestamp::from_ns(time), kind })
    }

    fn compare(&self, theirs: &StateAnswer, asked: u64) -> Outcome {
        let Self { intake, ledger, instruments, .. } = self;
        reconcile(&Ours { intake, ledger, instruments, asked }, theirs)
    }

    /// Does what came of a comparison; the cancels to send.
    fn apply(&mut self, outcome: &Outcome) -> Vec<Request> {
        for report in &outcome.reports {
            let admission = self.hear(report);
            assert!(matches!(admission, Admission::Admit { .. } | Admission::Wait), "{admission:?}");
        }
        for id in &outcome.lapses {
            self.notice(NoticeKind::Lapsed(*id));
        }
        for id in &outcome.cancels {
            self.notice(NoticeKind::CancelSent(*id));
            if outcome.doubted.contains(id) {
                self.intake.doubt(*id);
            }
        }
        outcome.cancels.iter().map(|id| Request::Cancel(*id)).collect()
    }

    /// The intake, rebuilt.
    fn folded(&self) -> Intake {
        let mut intake = Intake::default();
        for record in &self.tape {
            match record {
                OnTape::Released(request) => intake.released(request),
                OnTape::Entered(notice) => intake.fold_input(notice),
            }
        }
        intake
    }

    /// The orders the table holds.
    fn open(&self) -> Vec<ClientId> {
        let mut open: Vec<_> = [A, B].iter().flat_map(|at| self.table.of(*at)).map(|(id, _)| id).collect();
        open.sort_unstable();
        open
    }
}

/// A client that restarts from a snapshot of another.
fn restart(client: &Client) -> Client {
    let bytes = synapse::bytes::encode(&(&client.table, &client.ledger));
    let (table, ledger) = synapse::bytes::decode(&bytes).expect("plain data");
    Client { intake: client.intake.clone(), table, ledger, ..Client::new() }
}

/// What must be the same however an intake was made.
fn facts(intake: &Intake) -> impl PartialEq + std::fmt::Debug + use<> {
    let of = |(id, o): (ClientId, &Tracked)| (id, o.total, o.filled, o.replacing, o.cancelling, o.stated);
    (intake.outstanding().map(of).collect::<Vec<_>>(), intake.executions().clone())
}

/// A venue that keeps the rules and tells the truth.
#[derive(Default)]
struct Venue {
    /// Whether a second word on a finished order repeats the last report, as our own venue does, or
    /// is a bare refusal.
    is_ours: bool,
    now: i64,
    orders: BTreeMap<ClientId, (OrderState, Option<How>, Option<Report>)>,
    fills: Vec<VenueFill>,
    positions: BTreeMap<InstrumentId, Quantity>,
    cash: Money,
}

impl Venue {
    fn tell(&mut self, id: ClientId, kind: ReportKind) -> Option<Report> {
        let report = Report { id, time: Timestamp::from_ns(self.now), kind };
        if let Some(order) = self.orders.get_mut(&id) {
            order.2 = Some(report);
        }
        Some(report)
    }

    fn end(&mut self, id: ClientId, how: How) {
        if let Some(order) = self.orders.get_mut(&id) {
            order.1 = Some(how);
        }
    }

    /// Does what a request asks, or refuses it.
    fn hear(&mut self, request: &Request, refuses: bool) -> Option<Report> {
        self.now += 1;
        let id = request.id();
        let known = self.orders.get(&id).cloned();
        match (*request, known) {
            (Request::Place(_), Some((_, Some(How::Tombstone), _))) => {
                self.tell(id, ReportKind::Rejected(RejectReason::DuplicateId))
            }
            (Request::Place(_), Some((_, _, last))) if self.is_ours => last,
            (Request::Place(_), Some(_)) => self.tell(id, ReportKind::Rejected(RejectReason::DuplicateId)),
            (Request::Place(NewOrder { side, kind, price, quantity: total, .. }), None) => {
                let order =
                    OrderState { id: name(id), side, kind, price, total, filled: q(0), remaining: total };
                self.orders.insert(id, (order, refuses.then_some(How::Rejected), None));
                let refused = ReportKind::Rejected(RejectReason::NoMarket);
                self.tell(id, if refuses { refused } else { ReportKind::Accepted })
            }
            (Request::Cancel(_), Some((order, None, _))) => {
                self.end(id, How::Cancelled);
                self.tell(id, ReportKind::Cancelled { filled: order.filled })
            }
            (Request::Cancel(_), Some((_, Some(_), last))) if self.is_ours => last,
            (Request::Cancel(_), known) => {
                let (side, kind, price, none) = (Side::Buy, OrderKind::Limit, p(0), q(0));
                let (id_there, total, filled, remaining) = (name(id), none, none, none);
                let order = OrderState { id: id_there, side, kind, price, total, filled, remaining };
                if known.is_none() {
                    self.orders.insert(id, (order, Some(How::Tombstone), None));
                }
                self.tell(id, ReportKind::CancelRejected(RejectReason::UnknownOrder))
            }
            (Request::Replace { price, total, .. }, Some((order, None, _))) if !refuses => {
                let rest = total.units() - order.filled.units();
                if rest <= 0 {
                    self.end(id, How::Cancelled);
                    return self.tell(id, ReportKind::Cancelled { filled: order.filled });
                }
                let order = OrderState { price, total, remaining: q(rest), ..order };
                self.orders.insert(id, (order, None, None));
                self.tell(id, ReportKind::Replaced { price, quantity: q(rest) })
            }
            (Request::Replace { .. }, known) => {
                let reason = if known.is_some_and(|(_, ended, _)| ended.is_none()) {
                    RejectReason::WouldTrade
                } else {
                    RejectReason::UnknownOrder
                };
                // the word on the request is not the last on the order
                Some(Report {
                    id,
                    time: Timestamp::from_ns(self.now),
                    kind: ReportKind::ReplaceRejected(reason),
                })
            }
        }
    }

    fn working(&self) -> Vec<ClientId> {
        self.orders.iter().filter(|(_, order)| order.1.is_none()).map(|(id, _)| *id).collect()
    }

    /// Fills so much of a working order, or what is left.
    fn trade(&mut self, id: ClientId, quantity: i64) -> Option<Report> {
        self.now += 1;
        let (mut order, ..) = self.orders.get(&id).cloned().filter(|order| order.1.is_none())?;
        let units = quantity.min(order.remaining.units());
        order.remaining = q(order.remaining.units() - units);
        order.filled = q(order.filled.units() + units);
        let fill = Fill {
            execution: self.fills.len() as u64 + 1,
            side: order.side,
            price: order.price,
            quantity: q(units),
            fee: Money::from_units(1),
            liquidity: Liquidity::Maker,
            remaining: order.remaining,
        };
        self.fills.push(VenueFill { id: name(id), time: Timestamp::from_ns(self.now), fill });
        let signed = order.side.signed(fill.quantity);
        let end = order.remaining.is_zero().then_some(How::Filled);
        self.orders.insert(id, (order, end, None));
        let position = self.positions.entry(id.instrument).or_default();
        *position = q(position.units() + signed.units());
        let paid = Money::notional(fill.price, signed, Quantity::from_whole(1_000_000_000).expect("small"));
        self.cash = self.cash - paid - fill.fee;
        self.tell(id, ReportKind::Filled(fill))
    }

    fn state(&self, since: u64) -> StateAnswer {
        let ended = |(order, how, _): &(OrderState, Option<How>, _)| {
            how.map(|how| Finished { id: order.id.clone(), how, filled: order.filled })
        };
        let working = self.orders.values().filter(|order| order.1.is_none());
        let position = |(id, held): (&InstrumentId, &Quantity)| (["A", "B"][id.index()].to_owned(), *held);
        StateAnswer {
            time: Timestamp::from_ns(self.now),
            orders: working.map(|order| order.0.clone()).collect(),
            finished: self.orders.values().filter_map(ended).collect(),
            fills: self.fills.iter().filter(|f| f.fill.execution > since).cloned().collect(),
            positions: self.positions.iter().map(position).collect(),
            cash: self.cash,
            executions: self.fills.len() as u64,
        }
    }
}
