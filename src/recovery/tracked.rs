//! One outstanding order as the words admitted so far have made it, and what the venue may say of it
//! next.
//!
//! The order table ends an order with the fill that leaves nothing, and takes over the quantity that
//! a replacement is reported with. Both presume reports in their order: so a final fill waits here
//! for the fills before it, and a replacement is reported with what our own fills leave of it.

use market::book::MAX_PRICE;
use market::order::{Fill, RejectReason, Report, ReportKind};
use market::{Money, Price, Quantity, Side, Timestamp};
use prefrontal::{Order, OrderState};

use super::admission::{Admission, DropReason, latch};

/// No fee is larger: a million billions of the account's currency.
const LARGEST_FEE: Money = Money::from_units(10_i128.pow(24));

/// An outstanding order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tracked {
    pub(super) side: Side,
    pub(super) price: Price,
    /// All of it, what has filled included.
    pub(super) total: Quantity,
    pub(super) filled: Quantity,
    /// An unanswered replacement's price and total.
    pub(super) replacing: Option<(Price, Quantity)>,
    /// Whether a cancel is unanswered.
    pub(super) cancelling: bool,
    accepted: bool,
    /// Whether the venue never saw it and was told to refuse it from then on.
    pub(super) doubted: bool,
    /// Over at the venue, which states so much filled, more than it has told.
    pub(super) stated: Option<Quantity>,
    /// The final fill, come ahead of others.
    pub(super) waiting: Option<Report>,
    replace_answer: Option<Answer>,
    cancel_answer: Option<Answer>,
    /// When in the intake's count something last happened to it.
    pub(super) moved: u64,
}

/// The last answer to a kind of request.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Answer {
    time: Timestamp,
    kind: ReportKind,
}

impl Tracked {
    /// An order as it is sent.
    pub(super) const fn placed(side: Side, price: Price, total: Quantity) -> Self {
        Self {
            side,
            price,
            total,
            filled: Quantity::ZERO,
            replacing: None,
            cancelling: false,
            accepted: false,
            doubted: false,
            stated: None,
            waiting: None,
            replace_answer: None,
            cancel_answer: None,
            moved: 0,
        }
    }

    /// An order as the order table has it.
    pub(super) fn adopted(order: &Order) -> Self {
        let total = sum(order.filled, order.remaining);
        let mut tracked = Self { filled: order.filled, ..Self::placed(order.side, order.price, total) };
        match order.state {
            OrderState::Sent => {}
            OrderState::Working => tracked.accepted = true,
            OrderState::CancelSent => tracked.cancelling = true,
            OrderState::ReplaceSent { price, total } => {
                tracked.accepted = true;
                tracked.replacing = Some((price, total));
            }
            OrderState::Owed { quantity } => tracked.stated = Some(sum(order.filled, quantity)),
        }
        tracked
    }

    /// Whether the venue has told anything that says it has seen it.
    pub(super) fn is_known_there(&self) -> bool {
        self.accepted || !self.filled.is_zero() || self.waiting.is_some() || self.stated.is_some()
    }

    /// What the fills add up to, with the one that waits.
    fn told(&self) -> Quantity {
        let Some(ReportKind::Filled(fill)) = self.waiting.map(|report| report.kind) else {
            return self.filled;
        };
        sum(self.filled, fill.quantity)
    }

    /// The most that may fill over its whole life.
    fn reach(&self) -> Quantity {
        let replaced = self.replacing.map_or(self.total, |(_, total)| total);
        self.stated.unwrap_or(self.total.max(replaced))
    }

    /// The report to admit, or what else is done with it.
    pub(super) fn judge(&self, report: &Report) -> Result<Report, Box<Admission>> {
        let is_over = self.stated.is_some();
        match report.kind {
            ReportKind::Filled(fill) => self.judge_fill(report, &fill)?,
            ReportKind::Cancelled { filled } | ReportKind::Expired { filled } => {
                self.judge_end(report, filled)?;
            }
            // the word of a doubled request: the order of that name is there, or will never be
            ReportKind::Rejected(RejectReason::DuplicateId) => {
                return Err(Admission::Drop(DropReason::DuplicateRequest).into());
            }
            ReportKind::Rejected(_) if is_over || !self.told().is_zero() => {
                return Err(latch(report, format_args!("it filled {}", self.told())));
            }
            _ if is_over => return Err(Admission::Drop(DropReason::Finished).into()),
            ReportKind::Accepted if self.accepted => return Err(Admission::Drop(DropReason::Repeated).into()),
            ReportKind::Rejected(_) | ReportKind::Accepted => {}
            ReportKind::Replaced { price, quantity } => return self.judge_replaced(report, price, quantity),
            ReportKind::ReplaceRejected(_) => {
                fresh(self.replacing.is_some(), self.replace_answer, report)?;
                if self.told() > self.total {
                    return Err(latch(report, format_args!("{} of {} filled", self.told(), self.total)));
                }
            }
            ReportKind::CancelRejected(reason) => {
                fresh(self.cancelling, self.cancel_answer, report)?;
                if reason == RejectReason::UnknownOrder && self.doubted && !self.is_known_there() {
                    return Err(Admission::Lapse(report.id).into());
                }
                if self.replacing.is_some() {
                    return Err(Admission::Drop(DropReason::Premature).into());
                }
            }
        }
        Ok(*report)
    }

    fn judge_fill(&self, report: &Report, fill: &Fill) -> Result<(), Box<Admission>> {
        let is_bookable = fill.quantity.is_positive()
            && fill.remaining >= Quantity::ZERO
            && fill.price.is_positive()
            && fill.price <= MAX_PRICE
            && fill.fee.abs() <= LARGEST_FEE;
        if !is_bookable || fill.side != self.side {
            return Err(latch(report, format_args!("no fill of a {} order can be so", self.side)));
        }
        let after = i128::from(self.told().units()) + i128::from(fill.quantity.units());
        if after > i128::from(self.reach().units()) {
            return Err(latch(report, format_args!("{} of {} filled before", self.told(), self.reach())));
        }
        if self.stated.is_none() && fill.remaining.is_zero() {
            if self.waiting.is_some() {
                return Err(latch(report, format_args!("another fill left nothing of it")));
            }
            // an unanswered replacement leaves open of which total nothing remains
            if self.replacing.is_some() || after < i128::from(self.total.units()) {
                return Err(Admission::Wait.into());
            }
        }
        Ok(())
    }

    fn judge_end(&self, report: &Report, filled: Quantity) -> Result<(), Box<Admission>> {
        match self.stated {
            Some(stated) if stated == filled => Err(Admission::Drop(DropReason::Repeated).into()),
            Some(stated) => Err(latch(report, format_args!("it was over with {stated} filled"))),
            None if (self.told()..=self.reach()).contains(&filled) => Ok(()),
            None => Err(latch(report, format_args!("{} of {} filled", self.told(), self.reach()))),
        }
    }

    fn judge_replaced(
        &self,
        report: &Report,
        price: Price,
        quantity: Quantity,
    ) -> Result<Report, Box<Admission>> {
        fresh(self.replacing.is_some(), self.replace_answer, report)?;
        let (asked_price, asked_total) = self.replacing.unwrap_or((self.price, self.total));
        let is_granted = price == asked_price && quantity.is_positive() && quantity <= asked_total;
        let rest = Quantity::from_units(asked_total.units().saturating_sub(self.filled.units()));
        if !is_granted || !rest.is_positive() || self.told() > asked_total {
            let told = self.told();
            return Err(latch(
                report,
                format_args!("asked for {asked_total} at {asked_price}, {told} filled"),
            ));
        }
        Ok(Report { kind: ReportKind::Replaced { price, quantity: rest }, ..*report })
    }

    /// The final fill, where nothing that it waits for is missing any more.
    pub(super) fn released(&self) -> Option<Report> {
        let is_due = self.stated.is_some() || (self.replacing.is_none() && self.told() == self.total);
        self.waiting.filter(|_| is_due)
    }

    /// Folds an admitted report; whether the order is finished.
    pub(super) fn fold(&mut self, report: &Report) -> bool {
        let answer = Some(Answer { time: report.time, kind: report.kind });
        match report.kind {
            ReportKind::Rejected(_) => return true,
            ReportKind::Accepted => self.accepted = true,
            ReportKind::Filled(fill) => {
                self.filled = sum(self.filled, fill.quantity);
                if self.waiting.is_some_and(|waiting| waiting.kind == report.kind) {
                    self.waiting = None;
                }
                return self.stated.map_or(fill.remaining.is_zero(), |stated| self.filled >= stated);
            }
            ReportKind::Cancelled { filled } | ReportKind::Expired { filled } => {
                self.stated = Some(filled);
                return filled <= self.filled;
            }
            ReportKind::Replaced { price, quantity } => {
                self.accepted = true;
                (self.price, self.total) = (price, sum(self.filled, quantity));
                (self.replacing, self.replace_answer) = (None, answer);
            }
            ReportKind::ReplaceRejected(_) => (self.replacing, self.replace_answer) = (None, answer),
            ReportKind::CancelRejected(_) => (self.cancelling, self.cancel_answer) = (false, answer),
        }
        false
    }
}

/// Refuses an answer that nothing asked for, that is older than the last one, or the same again.
fn fresh(is_asked: bool, last: Option<Answer>, report: &Report) -> Result<(), Box<Admission>> {
    let is_same = |last: &Answer| match (last.kind, report.kind) {
        // the quantity was told from our own fills
        (ReportKind::Replaced { price, .. }, ReportKind::Replaced { price: again, .. }) => price == again,
        (kind, again) => kind == again,
    };
    let is_stale = |last: Answer| report.time < last.time || (report.time == last.time && is_same(&last));
    if is_asked && !last.is_some_and(is_stale) {
        Ok(())
    } else {
        Err(Admission::Drop(DropReason::Repeated).into())
    }
}

fn sum(a: Quantity, b: Quantity) -> Quantity {
    Quantity::from_units(a.units().saturating_add(b.units()))
}
