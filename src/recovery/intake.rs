//! The intake of a venue's reports: what is new and possible enters, and nothing else does.
//!
//! A venue may say anything: twice, late, in another order, of orders that are over or were never
//! ours, one thing now and another then. The regions fault on what no venue keeping the rules says,
//! so each report is judged here first. An ambiguous word is never read as a rejection.

use std::collections::BTreeMap;

use market::Quantity;
use market::ledger::Seen;
use market::order::{ClientId, Fill, NewOrder, RejectReason, Report, ReportKind, Request};
use prefrontal::Order;
use synapse::{LatchCause, NoticeKind};

use super::admission::{Admission, DropReason, latch};
use super::tracked::Tracked;

/// So many fills are kept whole, to tell a repeat from a contradiction; older ones by number alone.
const FILLS_KEPT: usize = 1024;
/// So many finished orders are remembered; a word on an older one latches.
const FINISHED_KEPT: usize = 4096;

/// How an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) filled: Quantity,
    was_there: bool,
    pub(super) moved: u64,
}

/// The intake.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Intake {
    orders: BTreeMap<ClientId, Tracked>,
    finished: BTreeMap<ClientId, Ended>,
    executions: Seen,
    fills: BTreeMap<u64, (ClientId, Fill)>,
    moves: u64,
    filled_at: u64,
    /// The last input of the tape that it was made from: of what ended before, it knows nothing.
    begun_behind: u64,
}

impl Intake {
    /// An intake of the order table's orders and the executions that the ledger has booked, behind an
    /// input.
    pub fn from_orders<'a>(
        orders: impl IntoIterator<Item = (ClientId, &'a Order)>,
        executions: Seen,
        begun_behind: u64,
    ) -> Self {
        let mut intake = Self { executions, begun_behind, ..Self::default() };
        intake.adopt(orders);
        intake
    }

    /// Takes over what it does not know of the order table's orders: approved ones that a crash
    /// leaves open whether they were released.
    pub fn adopt<'a>(&mut self, orders: impl IntoIterator<Item = (ClientId, &'a Order)>) {
        for (id, order) in orders {
            if !self.finished.contains_key(&id) {
                self.orders.entry(id).or_insert_with(|| Tracked::adopted(order));
            }
        }
    }

    /// Notes that the gate released a request.
    pub fn released(&mut self, request: &Request) {
        let id = request.id();
        if let Request::Place(NewOrder { side, price, quantity, .. }) = *request
            && !self.finished.contains_key(&id)
        {
            self.orders.entry(id).or_insert(Tracked::placed(side, price, quantity));
        }
        let moved = self.moved();
        let Some(order) = self.orders.get_mut(&id) else { return };
        order.moved = moved;
        match *request {
            Request::Place(_) => {}
            Request::Cancel(_) => order.cancelling = true,
            Request::Replace { price, total, .. } => order.replacing = Some((price, total)),
        }
    }

    /// Notes that an order is cancelled by its id that the venue, asked, had never seen: its
    /// `CancelRejected(UnknownOrder)` then says that the order can never arrive.
    pub fn doubt(&mut self, id: ClientId) {
        self.released(&Request::Cancel(id));
        if let Some(order) = self.orders.get_mut(&id) {
            order.doubted = true;
        }
    }

    /// Judges a report, and takes it in where it enters.
    pub fn receive(&mut self, report: &Report) -> Admission {
        match self.judge(report) {
            Ok(report) => {
                self.fold(&report);
                let then = self.orders.get(&report.id).and_then(Tracked::released);
                if let Some(then) = &then {
                    self.fold(then);
                }
                Admission::Admit { report, then }
            }
            Err(refused) => {
                match &*refused {
                    Admission::Wait => self.wait(report),
                    Admission::Lapse(id) => self.end(*id),
                    Admission::Admit { .. } | Admission::Drop(_) | Admission::Latch { .. } => {}
                }
                *refused
            }
        }
    }

    fn judge(&self, report: &Report) -> Result<Report, Box<Admission>> {
        if let ReportKind::Filled(fill) = &report.kind {
            self.judge_execution(report, fill)?;
        }
        match (self.orders.get(&report.id), self.finished.get(&report.id)) {
            (Some(order), _) => order.judge(report),
            (None, Some(ended)) => Err(ended.judge(report)),
            (None, None) => Err(match report.kind {
                ReportKind::Rejected(_) | ReportKind::CancelRejected(_) | ReportKind::ReplaceRejected(_) => {
                    Admission::Drop(DropReason::Unknown).into()
                }
                // it ended before this intake began: were it at work, reconciliation would find it there
                _ if !matches!(report.kind, ReportKind::Filled(_))
                    && report.id.sequence <= self.begun_behind =>
                {
                    Admission::Drop(DropReason::Finished).into()
                }
                _ => latch(report, format_args!("no such order was released")),
            }),
        }
    }

    /// Refuses an execution that entered before, or waits.
    fn judge_execution(&self, report: &Report, fill: &Fill) -> Result<(), Box<Admission>> {
        let waiting = self.orders.iter().filter_map(|(id, order)| match order.waiting?.kind {
            ReportKind::Filled(waiting) => Some((*id, waiting)),
            _ => None,
        });
        let kept = self.fills.get(&fill.execution).copied();
        let kept = kept.or_else(|| waiting.into_iter().find(|(_, w)| w.execution == fill.execution));
        match kept {
            Some((id, before)) if (id, &before) != (report.id, fill) => Err(Box::new(Admission::Latch {
                cause: LatchCause::RepeatedExecution,
                why: format!("was {before} of order {id}, and is now {fill} of {}", report.id),
            })),
            None if !self.executions.contains(fill.execution) => Ok(()),
            _ => Err(Admission::Drop(DropReason::RepeatedFill).into()),
        }
    }

    /// Keeps a final fill until it may enter.
    fn wait(&mut self, report: &Report) {
        self.filled_at = self.moved();
        if let Some(order) = self.orders.get_mut(&report.id) {
            (order.waiting, order.moved) = (Some(*report), self.filled_at);
        }
    }

    /// Takes in what entered by another way: what the gate gave back, and anything that is read from
    /// the tape; never a report that [`Intake::receive`] has taken in already.
    pub fn fold_input(&mut self, notice: &NoticeKind) {
        match notice {
            NoticeKind::Report(report) => self.fold(report),
            NoticeKind::Lapsed(id) => self.end(*id),
            NoticeKind::CancelSent(id) => self.released(&Request::Cancel(*id)),
            _ => {}
        }
    }

    /// Folds an admitted report; a fill that has entered changes nothing.
    fn fold(&mut self, report: &Report) {
        let moved = self.moved();
        if let ReportKind::Filled(fill) = &report.kind {
            if !self.executions.insert(fill.execution) {
                return;
            }
            self.filled_at = moved;
            self.fills.insert(fill.execution, (report.id, *fill));
            if self.fills.len() > FILLS_KEPT {
                self.fills.pop_first();
            }
        }
        let Some(order) = self.orders.get_mut(&report.id) else { return };
        order.moved = moved;
        if order.fold(report) {
            self.end(report.id);
        }
    }

    fn end(&mut self, id: ClientId) {
        let moved = self.moved();
        let order = self.orders.remove(&id);
        let ended = Ended {
            filled: order.map_or(Quantity::ZERO, |order| order.filled),
            was_there: order.is_some_and(|order| order.is_known_there()),
            moved,
        };
        self.finished.entry(id).or_insert(ended);
        if self.finished.len() > FINISHED_KEPT {
            self.finished.pop_first();
        }
    }

    fn moved(&mut self) -> u64 {
        self.moves += 1;
        self.moves
    }

    /// How many things have happened here: noted when the venue is asked how everything stands, so
    /// that what happens before the answer is not compared with it.
    pub const fn moves(&self) -> u64 {
        self.moves
    }

    /// When in that count a fill last came.
    pub(super) const fn filled_at(&self) -> u64 {
        self.filled_at
    }

    /// The executions that have entered.
    pub const fn executions(&self) -> &Seen {
        &self.executions
    }

    /// The orders that are not finished.
    pub fn outstanding(&self) -> impl Iterator<Item = (ClientId, &Tracked)> {
        self.orders.iter().map(|(id, order)| (*id, order))
    }

    /// One of them.
    pub(super) fn order(&self, id: ClientId) -> Option<&Tracked> {
        self.orders.get(&id)
    }

    /// How an order ended.
    pub(super) fn ended(&self, id: ClientId) -> Option<&Ended> {
        self.finished.get(&id)
    }
}

impl Ended {
    /// What is done with another word on a finished order; a fill here is one that never entered.
    fn judge(&self, report: &Report) -> Box<Admission> {
        let is_consistent = match report.kind {
            ReportKind::Filled(_) => false,
            ReportKind::Cancelled { filled } | ReportKind::Expired { filled } => filled == self.filled,
            ReportKind::Rejected(reason) => self.filled.is_zero() || reason == RejectReason::DuplicateId,
            ReportKind::Accepted | ReportKind::Replaced { .. } => self.was_there,
            ReportKind::CancelRejected(_) | ReportKind::ReplaceRejected(_) => true,
        };
        if is_consistent {
            Admission::Drop(DropReason::Finished).into()
        } else {
            latch(report, format_args!("it was over with {} filled", self.filled))
        }
    }
}
