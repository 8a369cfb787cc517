//! Our picture against the venue's: what must enter, what must be cancelled, what latches.
//!
//! What the venue tells is tried on a copy of our intake and ledger first, so what comes out is what
//! the intake will admit. Nothing enters that the venue did not say: no fill is ever made up to bring
//! a position into line, and nothing is sent but cancels.

use std::collections::BTreeMap;

use journal::Finding;
use market::ledger::Ledger;
use market::order::{ClientId, RejectReason, Report, ReportKind};
use market::{InstrumentId, Timestamp};
use synapse::LatchCause;

use super::admission::{Admission, DropReason};
use super::intake::Intake;
use super::rules::Rule;
use super::sides::{Ours, Outcome};
use super::tracked::Tracked;
use crate::venue::{Finished, How, OrderState, StateAnswer, VenueFill};

/// Compares our picture with the venue's, whose orders are all of this run, and whose fills begin no
/// later than behind [`market::ledger::Seen::contiguous`] of our executions.
pub fn reconcile(ours: &Ours<'_>, theirs: &StateAnswer) -> Outcome {
    let (intake, ledger) = (ours.intake.clone(), ours.ledger.clone());
    let mut trial = Trial { ours, theirs, intake, ledger, outcome: Outcome::default() };
    trial.fills();
    trial.unknown_here();
    trial.outstanding();
    trial.books();
    let mut outcome = trial.outcome;
    outcome.agreed = outcome.latch.is_none() && outcome.cancels.is_empty() && outcome.in_motion == 0;
    outcome
}

/// A comparison under way, on copies.
struct Trial<'a> {
    ours: &'a Ours<'a>,
    theirs: &'a StateAnswer,
    intake: Intake,
    ledger: Ledger,
    outcome: Outcome,
}

/// What is done about a finding.
#[derive(Clone, Copy)]
enum Do {
    Admit,
    Drop,
    Lapse,
    Cancel,
    CancelUnseen,
    Latch(LatchCause),
    CancelAndLatch,
}

const MISMATCH: Do = Do::Latch(LatchCause::Reconciliation);

impl Trial<'_> {
    /// Notes a difference in an order, and what is done about it.
    fn find(&mut self, rule: Rule, id: ClientId, ours: String, theirs: String, then: Do) {
        let outcome = &mut self.outcome;
        let (action, cancels, latch) = match then {
            Do::Admit => ("admitted", false, None),
            Do::Drop => ("dropped", false, None),
            Do::Lapse => ("lapsed", false, None),
            Do::Cancel => ("cancelled", true, None),
            Do::CancelUnseen => ("cancelled by its id, to lapse with the answer", true, None),
            Do::Latch(cause) => ("latched", false, Some(cause)),
            Do::CancelAndLatch => ("cancelled there, latched", true, Some(LatchCause::Reconciliation)),
        };
        outcome.lapses.extend(matches!(then, Do::Lapse).then_some(id));
        outcome.cancels.extend(cancels.then_some(id));
        outcome.doubted.extend(matches!(then, Do::CancelUnseen).then_some(id));
        outcome.latch = outcome.latch.or(latch);
        let (rule, action) = (rule.name(), action.to_owned());
        let (order, instrument) = (Some(id), Some(id.instrument));
        outcome.findings.push(Finding { rule, order, instrument, ours, theirs, action });
    }

    /// Tries a report on the copies, and keeps it where the intake takes it.
    fn admit(&mut self, id: ClientId, time: Timestamp, kind: ReportKind) -> Admission {
        let report = Report { id, time, kind };
        let admission = self.intake.receive(&report);
        match &admission {
            Admission::Admit { report: entered, then } => {
                self.outcome.reports.push(report);
                self.book(entered);
                then.iter().for_each(|then| self.book(then));
            }
            Admission::Wait => self.outcome.reports.push(report),
            _ => {}
        }
        admission
    }

    fn book(&mut self, report: &Report) {
        let ReportKind::Filled(fill) = &report.kind else { return };
        if let Err(error) = self.ledger.apply_fill(self.ours.instruments, report.id.instrument, fill) {
            let theirs = fill.to_string();
            self.find(Rule::MissedFill, report.id, error.to_string(), theirs, MISMATCH);
        }
    }

    /// The fills that missed us, in the order of their execution.
    fn fills(&mut self) {
        let mut fills: Vec<&VenueFill> = self.theirs.fills.iter().collect();
        fills.sort_by_key(|listed| listed.fill.execution);
        let mut last = None;
        for VenueFill { id, time, fill } in fills {
            let (id, time, fill) = (id.id, *time, *fill);
            let is_twice = last.replace(fill.execution) == Some(fill.execution);
            let is_unknown = self.intake.order(id).is_none() && self.intake.ended(id).is_none();
            let theirs = fill.to_string();
            match self.admit(id, time, ReportKind::Filled(fill)) {
                Admission::Admit { .. } | Admission::Wait => {
                    self.find(Rule::MissedFill, id, "nothing".to_owned(), theirs, Do::Admit);
                }
                Admission::Drop(DropReason::RepeatedFill) if is_twice => {
                    self.find(Rule::FillSeenTwice, id, "the same".to_owned(), theirs, Do::Drop);
                }
                Admission::Drop(_) | Admission::Lapse(_) => {}
                Admission::Latch { cause, why } => {
                    let rule = match cause {
                        LatchCause::RepeatedExecution => Rule::FillSeenTwice,
                        _ if is_unknown => Rule::OrderUnknownHere,
                        _ => Rule::MissedFill,
                    };
                    self.find(rule, id, why, theirs, Do::Latch(cause));
                }
            }
        }
    }

    /// The orders that work there and are not outstanding here.
    fn unknown_here(&mut self) {
        for order in &self.theirs.orders {
            let id = order.id.id;
            if self.ours.intake.order(id).is_some() {
                continue;
            }
            let ours = match self.ours.intake.ended(id) {
                Some(ended) if ended.moved > self.ours.asked => {
                    self.outcome.in_motion += 1;
                    continue;
                }
                Some(ended) => format!("over with {} filled", ended.filled),
                None => "no such order".to_owned(),
            };
            self.find(Rule::OrderUnknownHere, id, ours, shown(order), Do::CancelAndLatch);
        }
    }

    /// Our outstanding orders, each against what the venue has of it.
    fn outstanding(&mut self) {
        let theirs = self.theirs;
        let working: BTreeMap<_, &OrderState> = theirs.orders.iter().map(|o| (o.id.id, o)).collect();
        let ended: BTreeMap<_, &Finished> = theirs.finished.iter().map(|e| (e.id.id, e)).collect();
        for (id, before) in self.ours.intake.outstanding() {
            // the fills may have ended it
            let Some(order) = self.intake.order(id).copied() else { continue };
            if before.moved > self.ours.asked {
                self.outcome.in_motion += 1;
                continue;
            }
            match (working.get(&id), ended.get(&id)) {
                (Some(theirs), _) => self.working(id, &order, theirs),
                (None, Some(theirs)) => self.finished(id, &order, theirs),
                (None, None) => {
                    let then = if order.is_known_there() { Do::CancelAndLatch } else { Do::CancelUnseen };
                    self.find(Rule::OrderUnknownThere, id, seen(&order), "no such order".to_owned(), then);
                }
            }
        }
    }

    /// An order that both have.
    fn working(&mut self, id: ClientId, ours: &Tracked, theirs: &OrderState) {
        let (kept, asked) = ((ours.price, ours.total), ours.replacing);
        let terms = (theirs.price, theirs.total);
        let is_replaced = asked == Some(terms);
        let is_same = ours.side == theirs.side
            && ours.filled == theirs.filled
            && theirs.total.checked_sub(theirs.filled) == Some(theirs.remaining)
            && (is_replaced || terms == kept)
            && ours.stated.is_none()
            && ours.waiting.is_none();
        if !is_same {
            self.find(Rule::WrongQuantity, id, seen(ours), shown(theirs), Do::CancelAndLatch);
            return;
        }
        let quantity = theirs.remaining;
        let accepted = (!ours.is_known_there()).then_some(ReportKind::Accepted);
        let replaced = is_replaced.then_some(ReportKind::Replaced { price: theirs.price, quantity });
        for kind in [accepted, replaced].into_iter().flatten() {
            self.missed(Rule::AnswerMissed, id, ours, shown(theirs), kind);
        }
        if ours.cancelling || (asked.is_some() && !is_replaced) {
            self.find(Rule::RequestUnanswered, id, seen(ours), shown(theirs), Do::Cancel);
        }
    }

    /// An order that is over there and outstanding here.
    fn finished(&mut self, id: ClientId, ours: &Tracked, theirs: &Finished) {
        let Finished { how, filled, .. } = *theirs;
        let shown = format!("{how:?} with {filled} filled");
        if how == How::Tombstone && !ours.is_known_there() {
            self.find(Rule::OrderUnknownThere, id, seen(ours), shown, Do::Lapse);
            return;
        }
        let end = match how {
            How::Cancelled => Some(ReportKind::Cancelled { filled }),
            How::Expired => Some(ReportKind::Expired { filled }),
            How::Rejected => Some(ReportKind::Rejected(RejectReason::UnknownOrder)),
            // its last fill ends it; what that waits for is the replacement's answer
            How::Filled => ours.replacing.map(|(price, total)| match total.checked_sub(ours.filled) {
                Some(quantity) if total == filled => ReportKind::Replaced { price, quantity },
                _ => ReportKind::ReplaceRejected(RejectReason::UnknownOrder),
            }),
            How::Tombstone => None,
        };
        if let Some(kind) = end
            && ours.stated.is_none()
        {
            self.missed(Rule::FinishedThere, id, ours, shown.clone(), kind);
        }
        if let Some(order) = self.intake.order(id) {
            // the venue's own list does not add up to what it states
            self.find(Rule::WrongQuantity, id, seen(order), shown, MISMATCH);
        }
    }

    /// A report, other than of a fill, that missed us.
    fn missed(&mut self, rule: Rule, id: ClientId, ours: &Tracked, theirs: String, kind: ReportKind) {
        // behind all that the venue had told by then
        match self.admit(id, self.theirs.time.plus(1), kind) {
            Admission::Admit { .. } => self.find(rule, id, seen(ours), theirs, Do::Admit),
            Admission::Latch { why, .. } => self.find(rule, id, why, theirs, MISMATCH),
            refused => self.find(rule, id, format!("{refused:?}"), theirs, MISMATCH),
        }
    }

    /// Positions and cash, with the fills that missed us.
    fn books(&mut self) {
        // an answer that is older than our last fill says nothing of them, nor do books that lack one
        let highest = self.intake.executions().last().unwrap_or(0);
        let is_old = self.ours.intake.filled_at() > self.ours.asked && highest > self.theirs.executions;
        if is_old || self.intake.outstanding().any(|(_, order)| order.waiting.is_some()) {
            self.outcome.in_motion += 1;
            return;
        }
        for (id, facts) in self.ours.instruments.iter() {
            let theirs = self.theirs.positions.get(&facts.name).copied().unwrap_or_default();
            let ours = self.ledger.position(id);
            if ours != theirs {
                self.differs(Rule::PositionDiffers, Some(id), ours.to_string(), theirs.to_string());
            }
        }
        let is_ours = |name: &String| self.ours.instruments.iter().any(|(_, facts)| facts.name == *name);
        for (name, theirs) in self.theirs.positions.iter().filter(|(name, _)| !is_ours(name)) {
            if !theirs.is_zero() {
                let theirs = format!("{theirs} of {name}");
                self.differs(Rule::PositionDiffers, None, "no such instrument".to_owned(), theirs);
            }
        }
        let cash = self.ledger.cash() - self.ledger.start();
        if cash != self.theirs.cash {
            self.differs(Rule::CashDiffers, None, cash.to_string(), self.theirs.cash.to_string());
        }
    }

    fn differs(&mut self, rule: Rule, instrument: Option<InstrumentId>, ours: String, theirs: String) {
        let (rule, action) = (rule.name(), "latched".to_owned());
        self.outcome.latch = self.outcome.latch.or(Some(LatchCause::Reconciliation));
        self.outcome.findings.push(Finding { rule, order: None, instrument, ours, theirs, action });
    }
}

/// Our order, for a finding.
fn seen(order: &Tracked) -> String {
    let Tracked { side, price, total, filled, replacing, cancelling, stated, .. } = order;
    let mut text = format!("{side} {total} at {price}, {filled} filled");
    if let Some((price, total)) = replacing {
        text += &format!(", asked for {total} at {price}");
    }
    if let Some(stated) = stated {
        text += &format!(", over with {stated} filled");
    }
    if *cancelling {
        text += ", asked to be cancelled";
    }
    text
}

/// The venue's order, for a finding.
fn shown(order: &OrderState) -> String {
    let OrderState { side, price, total, filled, remaining, .. } = order;
    format!("{side} {total} at {price}, {filled} filled, {remaining} left")
}
