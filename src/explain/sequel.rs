//! What became of a decision: its orders' reports, what they cost against what was forecast, and the
//! experience that it closed with. A fold over the records behind it.

use hippocampus::{Experience, ExperienceEncoder};
use journal::Record;
use market::order::{Fill, Report, ReportKind, Request};
use market::{Money, Quantity, Timestamp};
use serde_json::{Value, json};
use synapse::{DecisionRecord, Input, InputKind, Notice, NoticeKind, SampleKind};

use super::line;
use super::words::{Columns, World, number, number_or, request, span};

/// How many events of one order are told.
const TOLD: usize = 3;

/// One request of a decision and what the venue made of it.
#[derive(Debug, Clone)]
struct OrderTale {
    request: Request,
    /// What was said of its order from then on, in order.
    events: Vec<(Timestamp, NoticeKind)>,
    /// Whether nothing more can come.
    over: bool,
}

/// How an experience ended.
#[derive(Debug, Clone)]
enum Ending {
    Open,
    Closed(Box<Experience>),
    Void,
}

/// What became of a decision.
#[derive(Debug, Clone)]
pub struct Sequel {
    record: DecisionRecord,
    orders: Vec<OrderTale>,
    released: Option<Timestamp>,
    encoder: Option<ExperienceEncoder>,
    ending: Ending,
}

impl Sequel {
    /// Of a decision, before anything that followed is known.
    pub fn of(record: &DecisionRecord, world: &World) -> Self {
        let told = |request: &Request| OrderTale { request: *request, events: Vec::new(), over: false };
        let encoder = world
            .facts
            .as_ref()
            .filter(|_| record.kind == SampleKind::Regular)
            .map(|facts| ExperienceEncoder::new(world.horizon, facts));
        let orders = record.verdict.requests().iter().map(told).collect();
        let mut sequel =
            Self { record: record.clone(), orders, released: None, encoder, ending: Ending::Open };
        sequel.decided(record);
        sequel
    }

    /// Folds a record that stands behind the decision on the tape.
    pub fn fold(&mut self, record: &Record) {
        match record {
            Record::Input(Input { kind: InputKind::Notice(kind), sequence, time }) => {
                let (sequence, time) = (*sequence, *time);
                self.noticed(&Notice { sequence, time, kind: kind.clone() });
            }
            Record::Decision(decision) if decision.record.instrument == self.record.instrument => {
                self.decided(&decision.record);
            }
            Record::Released(released)
                if (released.sequence, released.instrument)
                    == (self.record.sequence, self.record.instrument) =>
            {
                self.released = Some(released.time);
            }
            _ => {}
        }
    }

    /// Whether nothing more can become of it.
    pub fn is_over(&self) -> bool {
        self.orders.iter().all(|order| order.over)
            && (self.encoder.is_none() || !matches!(self.ending, Ending::Open))
    }

    fn decided(&mut self, record: &DecisionRecord) {
        let (Some(encoder), Ending::Open) = (&mut self.encoder, &self.ending) else { return };
        // the experience of the decision itself was opened first, so it is the first to end
        if let Some(experience) = encoder.decided(record) {
            self.ending = Ending::Closed(Box::new(experience));
        } else if encoder.void() > 0 {
            self.ending = Ending::Void;
        }
    }

    fn noticed(&mut self, notice: &Notice) {
        if let (Some(encoder), Ending::Open) = (&mut self.encoder, &self.ending) {
            encoder.noticed(notice);
            if encoder.void() > 0 {
                self.ending = Ending::Void;
            }
        }
        let (id, over) = match &notice.kind {
            NoticeKind::Report(report) => (report.id, report.kind.is_terminal()),
            NoticeKind::Lapsed(id) => (*id, true),
            NoticeKind::CancelSent(id) => (*id, false),
            _ => return,
        };
        for order in self.orders.iter_mut().filter(|order| order.request.id() == id && !order.over) {
            order.events.push((notice.time, notice.kind.clone()));
            order.over = over;
        }
    }

    fn fills(&self) -> impl Iterator<Item = &Fill> {
        self.orders.iter().flat_map(|order| &order.events).filter_map(|(_, kind)| match kind {
            NoticeKind::Report(Report { kind: ReportKind::Filled(fill), .. }) => Some(fill),
            _ => None,
        })
    }

    /// The quantity filled, its average price and what it cost, signed: positive is worse than the mark.
    pub fn realised(&self) -> Option<Realised> {
        let first = self.fills().next()?;
        let mark = self.record.mark2.filter(|twice| *twice > 0)? as f64 / 2e9;
        let quantity = self.fills().fold(0_i64, |sum, fill| sum.saturating_add(fill.quantity.units()));
        let weighted: f64 = self.fills().map(|fill| fill.price.to_f64() * fill.quantity.to_f64()).sum();
        let quantity = Quantity::from_units(quantity);
        let average = weighted / quantity.to_f64();
        let fee: Money = self.fills().map(|fill| fill.fee).sum();
        let slippage_bp = first.side.sign() as f64 * (average - mark) / mark * 1e4;
        Some(Realised { quantity, average, slippage_bp, fee })
    }

    /// In words.
    pub fn text(&self, world: &World) -> String {
        let mut text = Columns::default();
        text.line("\nWhat became of it");
        if let Some(time) = self.released {
            text.row("released", format!("after {}", span(time.since(self.record.time))));
        }
        if self.orders.is_empty() {
            text.row("orders", "none");
        }
        for order in &self.orders {
            text.rows("order", self.order(order));
        }
        if let Some(realised) = self.realised() {
            text.rows("slippage", self.slippage(&realised, world));
        }
        text.rows("experience", self.experience());
        text.0
    }

    fn order(&self, order: &OrderTale) -> Vec<String> {
        let mut lines = vec![request(&order.request)];
        let later = |time: Timestamp| span(time.since(self.record.time));
        for (time, kind) in order.events.iter().take(TOLD) {
            let what = match kind {
                NoticeKind::Report(report) => line::report_text(report),
                other => line::notice(other),
            };
            lines.push(format!("  after {}: {what}", later(*time)));
        }
        let more = order.events.len().saturating_sub(TOLD);
        match (more, order.over) {
            (0, true) => {}
            (0, false) => lines.push("  it works still where the tape ends".to_owned()),
            (more, true) => lines.push(format!("  and {more} more, until it was over")),
            (more, false) => lines.push(format!("  and {more} more; it works still where the tape ends")),
        }
        lines
    }

    fn slippage(&self, realised: &Realised, world: &World) -> Vec<String> {
        let currency = world.currency(self.record.instrument);
        let forecast = self
            .record
            .execution
            .chosen()
            .map(|style| style.slippage_bp + style.impact_bp + style.correction_bp);
        vec![
            format!(
                "forecast {} bp (impact included), realised {} bp",
                number_or(forecast),
                number(realised.slippage_bp)
            ),
            format!(
                "{} at {} on average, {}{currency} in fees",
                realised.quantity,
                number(realised.average),
                realised.fee.rounded(6)
            ),
        ]
    }

    fn experience(&self) -> Vec<String> {
        let why_none = match &self.ending {
            _ if self.record.kind != SampleKind::Regular => "none: a startle teaches nothing",
            _ if self.encoder.is_none() => "not known: the configuration's artefact is not at hand",
            Ending::Open => "open still where the tape ends",
            Ending::Void => "void: no valid mark at both ends, or a restart or the end between",
            Ending::Closed(experience) => {
                let (reward, moved) = (number(experience.reward_bp), number(experience.markout_bp));
                let span = span(experience.closed_time.since(experience.time));
                return vec![
                    format!(
                        "{} was worth {reward} bp of the reference notional; the mid moved {moved} bp",
                        experience.action
                    ),
                    format!("closed after {span} by decision {}", experience.closed_sequence),
                ];
            }
        };
        vec![why_none.to_owned()]
    }

    /// As a JSON object.
    pub fn json(&self) -> Value {
        let orders = self.orders.iter().map(|order| {
            let events =
                order.events.iter().map(|(time, kind)| json!({ "time": time.to_string(), "event": kind }));
            json!({
                "id": order.request.id().to_string(), "request": order.request, "over": order.over,
                "events": events.collect::<Vec<_>>(),
            })
        });
        let realised = self.realised();
        let forecast = self.record.execution.chosen();
        let experience = match &self.ending {
            _ if self.encoder.is_none() => Value::Null,
            Ending::Open => json!({ "state": "open" }),
            Ending::Void => json!({ "state": "void" }),
            Ending::Closed(it) => json!({
                "state": "closed", "reward_bp": it.reward_bp, "markout_bp": it.markout_bp,
                "closed_sequence": it.closed_sequence,
            }),
        };
        json!({
            "released": self.released.map(|time| time.to_string()),
            "orders": orders.collect::<Vec<_>>(),
            "forecast_slippage_bp": forecast.map(|style| style.slippage_bp + style.impact_bp),
            "realised_slippage_bp": realised.as_ref().map(|it| it.slippage_bp),
            "filled": realised.as_ref().map(|it| it.quantity.to_string()),
            "average_price": realised.as_ref().map(|it| it.average),
            "fees": realised.as_ref().map(|it| it.fee.to_string()),
            "experience": experience,
        })
    }
}

/// What fills came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Realised {
    /// How much was filled.
    pub quantity: Quantity,
    /// The average price.
    pub average: f64,
    /// Its distance from the mark at the decision, bp; positive is a cost.
    pub slippage_bp: f64,
    /// The fees.
    pub fee: Money,
}
