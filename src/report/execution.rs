//! What orders were foretold to cost and what they did cost, folded from the records of a tape.

use std::collections::BTreeMap;

use cerebellum::calibration::Outcome;
use cerebellum::slippage::Measure;
use journal::Record;
use market::book::BookState;
use market::order::{ClientId, Fill, NewOrder, OrderKind, Report, ReportKind, Request};
use market::{InstrumentId, Quantity, Side};
use serde::Serialize;
use synapse::{DecisionRecord, InputKind, NoticeKind, SampleKind, Style};

/// How large an order is beside what stood at the opposite best when it was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// A quarter of it, or less.
    Quarter,
    /// All of it, or less.
    Best,
    /// More than stood there.
    Beyond,
    /// There was no book.
    NoBook,
}

impl Size {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Quarter, Self::Best, Self::Beyond, Self::NoBook];

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Quarter => "up to a quarter of the best",
            Self::Best => "up to the best",
            Self::Beyond => "beyond the best",
            Self::NoBook => "without a book",
        }
    }
}

/// One attempt of an order that has filled: from its placing, or its move to another price, to the next
/// move or its end. Each was foretold by a decision of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attempt {
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// In which style.
    pub style: Style,
    /// How large.
    pub size: Size,
    /// What distance and square-root law foretold, bp.
    pub law_bp: f64,
    /// What was learned beyond them, bp; 0 where that was not trusted.
    pub correction_bp: f64,
    /// The shortfall against the mark at the decision, bp.
    pub realised_bp: f64,
}

/// An order from its first decision to its end, with all its children and moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Whole {
    /// How many orders it was sent as.
    pub children: u32,
    /// Whether it was moved to another price.
    pub is_moved: bool,
    /// The shortfall against the mark at the first decision, bp.
    pub realised_bp: f64,
}

/// An attempt under way.
#[derive(Debug, Clone, Copy)]
struct Try {
    style: Style,
    size: Size,
    law_bp: f64,
    correction_bp: f64,
    measure: Measure,
}

/// An order under way.
#[derive(Debug, Clone, Copy)]
struct Open {
    whole: ClientId,
    side: Side,
    kind: OrderKind,
    filled: Quantity,
    /// None where no forecast is of this order.
    now: Option<Try>,
    /// What takes its place when the venue has moved it.
    next: Option<Option<Try>>,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    side: Side,
    measure: Measure,
    children: u32,
    is_moved: bool,
}

/// What a tape tells of execution.
#[derive(Debug, Default)]
pub struct Execution {
    /// Attempts that filled, in the order of their ends.
    pub attempts: Vec<Attempt>,
    /// What filled without a forecast, such as the orders of a flattening.
    pub unforeseen: u64,
    /// The forecasts of the next mid and what it became, bp, in time order.
    pub drift: Vec<Outcome>,
    open: BTreeMap<ClientId, Open>,
    groups: BTreeMap<ClientId, Group>,
    /// The forecast and twice the mid of each instrument's newest regular sample.
    awaited: BTreeMap<InstrumentId, (f64, i64)>,
}

impl Execution {
    /// Folds the next record of the tape.
    pub fn fold(&mut self, record: &Record) {
        match record {
            Record::Decision(decision) => {
                self.drifted(&decision.record);
                for request in decision.record.verdict.requests() {
                    self.requested(&decision.record, request);
                }
            }
            Record::Input(input) => match &input.kind {
                InputKind::Notice(NoticeKind::Report(report)) => self.reported(report),
                InputKind::Notice(NoticeKind::Lapsed(id)) => self.lapsed(*id),
                // what comes behind it is no neighbour of what came before
                InputKind::Notice(NoticeKind::Restarted) => self.awaited.clear(),
                _ => {}
            },
            _ => {}
        }
    }

    /// The tape ends: what filled of orders that work still counts.
    pub fn end(&mut self) {
        let open = std::mem::take(&mut self.open);
        for (id, order) in open {
            self.close(id.instrument, &order);
        }
    }

    /// Every order that filled, from its first decision on, parents as one.
    pub fn wholes(&self) -> Vec<Whole> {
        let whole = |group: &Group| {
            let shortfall = group.measure.shortfall(group.side.sign() as f64)?;
            let (children, is_moved) = (group.children, group.is_moved);
            Some(Whole { children, is_moved, realised_bp: 1e4 * shortfall.slippage })
        };
        self.groups.values().filter_map(whole).collect()
    }

    /// The next mid against what was foretold of it, and the next forecast.
    fn drifted(&mut self, record: &DecisionRecord) {
        if record.kind != SampleKind::Regular {
            return;
        }
        let is_known = matches!(record.book, BookState::Ok | BookState::Locked);
        let mid2 = record.top.map(|top| top.mid2()).filter(|mid2| is_known && *mid2 > 0);
        let awaited = self.awaited.remove(&record.instrument);
        if let (Some((forecast, before)), Some(now)) = (awaited, mid2) {
            let realised = 1e4 * (i128::from(now) - i128::from(before)) as f64 / before as f64;
            self.drift.push(Outcome { forecast, realised });
        }
        if let Some(next) = record.execution.drift_bp.zip(mid2) {
            self.awaited.insert(record.instrument, next);
        }
    }

    fn requested(&mut self, record: &DecisionRecord, request: &Request) {
        match *request {
            Request::Place(order) => self.placed(record, &order),
            Request::Replace { id, total, .. } => {
                let Some(order) = self.open.get_mut(&id) else { return };
                let left = Quantity::from_units(total.units().saturating_sub(order.filled.units()));
                order.next = Some(attempt(record, order.side, order.kind, left));
            }
            Request::Cancel(_) => {}
        }
    }

    fn placed(&mut self, record: &DecisionRecord, order: &NewOrder) {
        let whole = record.verdict.parent.map_or(order.id, |parent| parent.id);
        let new =
            Group { side: order.side, measure: Measure::new(mark(record)), children: 0, is_moved: false };
        self.groups.entry(whole).or_insert(new).children += 1;
        let open = Open {
            whole,
            side: order.side,
            kind: order.kind,
            filled: Quantity::ZERO,
            now: attempt(record, order.side, order.kind, order.quantity),
            next: None,
        };
        self.open.insert(order.id, open);
    }

    fn reported(&mut self, report: &Report) {
        let Some(order) = self.open.get_mut(&report.id) else { return };
        match &report.kind {
            ReportKind::Filled(fill) => {
                let whole = order.whole;
                order.fill(fill);
                if let Some(group) = self.groups.get_mut(&whole) {
                    group.measure.add(fill.price.to_f64(), fill.quantity.to_f64());
                }
            }
            ReportKind::Replaced { .. } => {
                let ended = *order;
                if let Some(next) = order.next.take() {
                    order.now = next;
                }
                if let Some(group) = self.groups.get_mut(&ended.whole) {
                    group.is_moved = true;
                }
                self.close(report.id.instrument, &ended);
            }
            ReportKind::ReplaceRejected(_) => order.next = None,
            _ => {}
        }
        if report.kind.is_terminal()
            && let Some(order) = self.open.remove(&report.id)
        {
            self.close(report.id.instrument, &order);
        }
    }

    fn lapsed(&mut self, id: ClientId) {
        self.open.remove(&id);
    }

    /// Ends an attempt.
    fn close(&mut self, instrument: InstrumentId, order: &Open) {
        let Some(now) = order.now else {
            self.unforeseen += u64::from(order.filled.is_positive());
            return;
        };
        let Some(shortfall) = now.measure.shortfall(order.side.sign() as f64) else { return };
        let Try { style, size, law_bp, correction_bp, .. } = now;
        let realised_bp = 1e4 * shortfall.slippage;
        self.attempts.push(Attempt { instrument, style, size, law_bp, correction_bp, realised_bp });
    }
}

impl Open {
    fn fill(&mut self, fill: &Fill) {
        self.filled = self.filled.checked_add(fill.quantity).unwrap_or(Quantity::MAX);
        if let Some(now) = &mut self.now {
            now.measure.add(fill.price.to_f64(), fill.quantity.to_f64());
        }
    }
}

/// The mark at a decision; 0, of which nothing is measured, where there was none.
fn mark(record: &DecisionRecord) -> f64 {
    record.mark2.map_or(0.0, |twice| twice as f64 / 2e9)
}

/// What a decision foretold of an order of a quantity; none where its forecast is of another side or kind.
fn attempt(record: &DecisionRecord, side: Side, kind: OrderKind, quantity: Quantity) -> Option<Try> {
    let gap = record.proposal.target.units().saturating_sub(record.account.position.units());
    let style = record.execution.chosen()?;
    let takes = matches!(kind, OrderKind::Market | OrderKind::ImmediateOrCancel);
    if gap.signum() != side.sign() || takes != (style.style == Style::Market) {
        return None;
    }
    let gap = Quantity::from_units(gap.saturating_abs()).to_f64();
    // the law of what was ordered, which may be a part of the way
    let impact_bp = style.impact_bp * (quantity.to_f64() / gap).sqrt();
    let size = match record.top.map(|top| top.side(side.opposite()).quantity.units()) {
        None => Size::NoBook,
        Some(best) if quantity.units().saturating_mul(4) <= best => Size::Quarter,
        Some(best) if quantity.units() <= best => Size::Best,
        Some(_) => Size::Beyond,
    };
    Some(Try {
        style: style.style,
        size,
        law_bp: style.slippage_bp + impact_bp,
        correction_bp: style.correction_bp,
        measure: Measure::new(mark(record)),
    })
}
