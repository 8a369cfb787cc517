//! The region: gap = target − position − outstanding, turned into requests or a reason.

mod flatten;

use std::collections::{BTreeMap, BTreeSet};

use market::book::BookState;
use market::order::{ClientId, NewOrder, OrderKind, Request};
use market::{InstrumentId, Instruments, Money, Price, Quantity, Side, Timestamp};
use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};
use synapse::{
    Action, CommandKind, Fault, Forecast, Judged, LatchCause, Notice, NoticeKind, Outcome, Phase, Reason,
    Region, RuleTruth, SampleKind, Sensed, Signal, Startle, Style, ThreatLevel, Verdict,
};

use crate::NAME;
use crate::constraints::satisfaction;
use crate::latch::Latch;
use crate::limits::{self, Exposure, Limits, Recent};
use crate::orders::{Order, OrderState, OrderTable, add};

market::params! {
    /// How the latch and the judge behave.
    pub struct PrefrontalParams in "prefrontal" {
        /// Calm after which an amygdala's latch clears itself; 0 leaves that to an operator.
        rearm_after_s: u32 = 0, "s", 0.0, 86_400.0;
        /// Whether a feed that falls silent with a position open sets the latch.
        stale_feed_latches: bool = false, "", 0.0, 0.0;
    }
}

/// What the prefrontal cortex remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The one order table.
    pub orders: OrderTable,
    /// The latch.
    pub latch: Latch,
    recent: BTreeMap<InstrumentId, Recent>,
    marks: BTreeMap<InstrumentId, i64>,
    /// Instruments latched by themselves, until an operator arms (S2).
    quarantined: BTreeSet<InstrumentId>,
    /// Every position is being reduced to nothing, until an operator arms.
    flattening: bool,
}

/// The prefrontal cortex: the one judge (G2).
#[derive(Debug, Clone)]
pub struct Prefrontal {
    params: PrefrontalParams,
    instruments: Instruments,
    limits: Vec<Limits>,
    state: State,
}

/// What a thought comes to before it is written down.
struct Conclusion {
    outcome: Outcome,
    rules: SmallVec<[RuleTruth; 7]>,
}

impl From<Outcome> for Conclusion {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, rules: SmallVec::new() }
    }
}

impl Prefrontal {
    /// A judge with the limits of each instrument, in rank order.
    ///
    /// # Panics
    /// If an instrument has no limits.
    pub fn new(params: PrefrontalParams, instruments: Instruments, limits: Vec<Limits>) -> Self {
        assert_eq!(instruments.len(), limits.len(), "every instrument has limits");
        Self { params, instruments, limits, state: State::default() }
    }

    /// The order table.
    pub const fn orders(&self) -> &OrderTable {
        &self.state.orders
    }

    /// Why the latch is set, if it is.
    pub const fn latch(&self) -> Option<LatchCause> {
        self.state.latch.cause()
    }

    /// Why an instrument is latched, with all others or by itself.
    fn latch_of(&self, instrument: InstrumentId) -> Option<LatchCause> {
        let alone = self.state.quarantined.contains(&instrument).then_some(LatchCause::Quarantine);
        self.latch().or(alone)
    }

    fn judge(&self, forecast: &Forecast) -> Conclusion {
        let sensed = forecast.sensed();
        if let Some(reason) = self.obstacle(forecast) {
            return self.rest(sensed.instrument, reason).into();
        }
        if self.flattens(sensed) {
            return self.flatten(sensed);
        }
        let proposal = forecast.proposal();
        let hold = match proposal.action {
            // an action that did not stand out has become a hold
            _ if proposal.margin < proposal.margin_needed => {
                Some(Reason::HoldByMargin { margin: proposal.margin, needed: proposal.margin_needed })
            }
            Action::Hold => Some(Reason::Hold { position: sensed.account.position }),
            _ => None,
        };
        match hold {
            Some(reason) => self.rest(sensed.instrument, reason).into(),
            None => self.act(forecast),
        }
    }

    /// Why nothing new may be done, whatever is proposed.
    fn obstacle(&self, forecast: &Forecast) -> Option<Reason> {
        let (sensed, threat) = (forecast.sensed(), forecast.threat());
        if let SampleKind::Startle(startle) = sensed.kind {
            return Some(Reason::Startled { startle });
        }
        if threat.reading(Signal::NotFinite).exceeded || !forecast.proposal().margin.is_finite() {
            return Some(Reason::NotFinite {});
        }
        if let Some(cause) = self.latch_of(sensed.instrument)
            && !self.flattens(sensed)
            && !self.is_reduction(forecast)
        {
            return Some(Reason::Latched { cause });
        }
        if sensed.halted {
            return Some(Reason::Halted {});
        }
        if sensed.mark2.is_none() || is_blind(sensed.book) {
            return Some(Reason::StaleBook { book: sensed.book });
        }
        if !self.instruments.get(sensed.instrument).session.contains(sensed.time) {
            return Some(Reason::OutsideSession {});
        }
        // what is held is not held on to because it frightens
        if self.flattens(sensed) {
            return None;
        }
        match threat.phase {
            Phase::WarmingUp { left } | Phase::Calibrating { left } => {
                return Some(Reason::WarmingUp { left });
            }
            Phase::Armed => {}
        }
        if threat.level == ThreatLevel::Calm || self.latch_of(sensed.instrument).is_some() {
            return None;
        }
        let feared = threat.exceeded().or_else(|| threat.tripped_by.map(|signal| threat.reading(signal)));
        // wary of nothing in particular: something that belongs to a valid book is absent
        Some(feared.map_or(Reason::StaleBook { book: sensed.book }, |reading| Reason::Frightened {
            signal: reading.signal,
            value: reading.value.unwrap_or(f64::NAN),
            limit: reading.limit.unwrap_or(f64::NAN),
        }))
    }

    /// Whether what is proposed can only bring the position nearer to zero, whatever fills (G2).
    fn is_reduction(&self, forecast: &Forecast) -> bool {
        let (sensed, proposal) = (forecast.sensed(), forecast.proposal());
        let position = sensed.account.position;
        let wanted = proposal.target.units().saturating_sub(position.units());
        let Some(side) = side_of(wanted) else {
            return false;
        };
        // the order that works already is kept or replaced, not added to
        let working = self.state.orders.of(sensed.instrument).next().map(|(id, _)| id);
        let reserved = self.state.orders.reserved(sensed.instrument, side, working);
        let free = position.units().unsigned_abs().saturating_sub(reserved.units().unsigned_abs());
        wanted.signum() == -position.units().signum() && wanted.unsigned_abs() <= free
    }

    /// Nothing new: what is outstanding is cancelled, or the reason is given.
    fn rest(&self, instrument: InstrumentId, reason: Reason) -> Outcome {
        let cancels: SmallVec<[Request; 2]> = self.cancels(instrument, |_| true);
        if cancels.is_empty() { Outcome::Rest(reason) } else { Outcome::Act(cancels) }
    }

    fn cancels(&self, instrument: InstrumentId, which: impl Fn(&Order) -> bool) -> SmallVec<[Request; 2]> {
        let open = |order: &Order| !matches!(order.state, OrderState::CancelSent | OrderState::Owed { .. });
        let orders = self.state.orders.of(instrument).filter(|(_, order)| open(order) && which(order));
        orders.map(|(id, _)| Request::Cancel(id)).collect()
    }

    /// Turns the gap between target and position into requests.
    fn act(&self, forecast: &Forecast) -> Conclusion {
        let (sensed, proposal, execution) = (forecast.sensed(), forecast.proposal(), &forecast.execution);
        let instrument = sensed.instrument;
        let rest = |reason| Conclusion::from(self.rest(instrument, reason));
        let gap = proposal.target.units().saturating_sub(sensed.account.position.units());
        let Some(side) = side_of(gap) else {
            return rest(Reason::AtTarget { target: proposal.target });
        };
        let against = self.cancels(instrument, |order| order.side != side);
        if !against.is_empty() {
            return Outcome::Act(against).into();
        }
        let unanswered =
            self.state.orders.of(instrument).filter(|(_, order)| order.is_unanswered()).count() as u32;
        if unanswered > 0 {
            return Outcome::Rest(Reason::AwaitingVenue { unanswered }).into();
        }
        let facts = self.instruments.get(instrument);
        let missing = Quantity::from_units(gap.saturating_abs());
        let quantity = missing.floor_to(facts.lot);
        if !quantity.is_positive() {
            return rest(Reason::BelowMinimumSize { size: missing, lot: facts.lot });
        }
        let Some(style) = execution.chosen() else {
            return rest(Reason::StaleBook { book: sensed.book });
        };
        if execution.filtered {
            // an edge that cannot be told is none
            let edge_bp = execution.edge_bp.unwrap_or(0.0);
            return rest(Reason::NoEdge { edge_bp, cost_bp: style.cost_bp() });
        }
        let (kind, price) = match (style.style, sensed.top, sensed.mark2) {
            // without a book nothing says what will be paid: the collar does
            (Style::Market, None, Some(mark2)) => {
                let collar = self.limits[instrument.index()].collar;
                (OrderKind::ImmediateOrCancel, farthest(side, mark2, collar, facts.tick))
            }
            (Style::Market, ..) => (OrderKind::ImmediateOrCancel, style.price),
            (Style::AtTouch | Style::Inside, None, _) => (OrderKind::Limit, style.price),
            (Style::AtTouch | Style::Inside, Some(_), _) => (OrderKind::PostOnly, style.price),
        };
        let id = ClientId { sequence: sensed.sequence, instrument, k: 0 };
        self.propose(sensed, NewOrder { id, side, kind, price, quantity })
    }

    /// Places an order, or brings the one that works to its price and quantity.
    fn propose(&self, sensed: &Sensed, order: NewOrder) -> Conclusion {
        let working = self.state.orders.of(sensed.instrument).next();
        let request = match working {
            None => Request::Place(order),
            Some((_, at))
                if at.price == order.price && at.remaining == order.quantity && order.kind == at.kind =>
            {
                return Outcome::Rest(Reason::AlreadyWorking { remaining: at.remaining }).into();
            }
            Some((_, at)) if order.kind != at.kind => {
                return Outcome::Act(self.cancels(sensed.instrument, |_| true)).into();
            }
            Some((id, at)) => {
                Request::Replace { id, price: order.price, total: add(at.filled, order.quantity) }
            }
        };
        let rules = self.test(sensed, &order, working.map(|(id, _)| id));
        let outcome = match rules.iter().find(|rule| !rule.passed) {
            Some(rule) => {
                let reason = Reason::Refused { limit: rule.limit, value: rule.value, bound: rule.bound };
                Outcome::Rest(reason)
            }
            None => Outcome::Act(smallvec![request]),
        };
        Conclusion { outcome, rules }
    }

    /// Tests an order; one that replaces another reserves the larger of old rest and new quantity.
    fn test(
        &self,
        sensed: &Sensed,
        order: &NewOrder,
        replaced: Option<ClientId>,
    ) -> SmallVec<[RuleTruth; 7]> {
        let (instrument, orders) = (sensed.instrument, &self.state.orders);
        let old_rest = orders.of(instrument).find(|(id, _)| Some(*id) == replaced).map(|(_, o)| o.reserved());
        let beyond = old_rest.unwrap_or_default().units().saturating_sub(order.quantity.units()).max(0);
        let reserved = add(orders.reserved(instrument, order.side, replaced), Quantity::from_units(beyond));
        let exposure = Exposure {
            position: orders.position(instrument),
            reserved,
            reserved_opposite: orders.reserved(instrument, order.side.opposite(), None),
            elsewhere: self.elsewhere(instrument),
            mark2: sensed.mark2,
        };
        let limits = &self.limits[instrument.index()];
        let nothing = Recent::default();
        let recent = self.state.recent.get(&instrument).unwrap_or(&nothing);
        limits::test(limits, self.instruments.get(instrument), sensed.time, order, &exposure, recent)
    }

    /// The notional of all other instruments if everything outstanding fills to the worse side.
    fn elsewhere(&self, instrument: InstrumentId) -> Money {
        let others = self.instruments.iter().filter(|(id, _)| *id != instrument);
        others
            .map(|(id, facts)| {
                let (orders, position) = (&self.state.orders, self.state.orders.position(id));
                let long = add(position, orders.reserved(id, Side::Buy, None));
                let short = add(-position, orders.reserved(id, Side::Sell, None));
                let mark =
                    self.state.marks.get(&id).map_or(Price::ZERO, |twice| Price::from_units(twice / 2));
                facts.notional(mark, long.max(short)).abs()
            })
            .sum()
    }

    /// Folds what the sample says into latch and marks; true where a trip begins.
    fn prepare(&mut self, forecast: &Forecast) -> Result<bool, Fault> {
        let (sensed, instrument) = (forecast.sensed(), forecast.sensed().instrument);
        let position = self.state.orders.position(instrument);
        if position != sensed.account.position {
            let ledger = sensed.account.position;
            return Err(Fault::new(
                NAME,
                format!("the position by fills is {position}, the ledger's {ledger}"),
            ));
        }
        if let Some(mark2) = sensed.mark2 {
            self.state.marks.insert(instrument, mark2);
        }
        let limits = &self.limits[instrument.index()];
        self.state.recent.entry(instrument).or_default().forget(sensed.time, limits);
        let silent = sensed.kind == SampleKind::Startle(Startle::Stale) && !position.is_zero();
        if silent && self.params.stale_feed_latches {
            self.state.latch.set(LatchCause::StaleFeed);
        }
        if !sensed.is_regular() {
            return Ok(false);
        }
        let rearm_after_ns = i64::from(self.params.rearm_after_s) * 1_000_000_000;
        Ok(self.state.latch.appraise(forecast.threat(), sensed.time, rearm_after_ns))
    }

    /// Reserves what was approved.
    fn approve(&mut self, now: Timestamp, instrument: InstrumentId, outcome: &Outcome) {
        let Outcome::Act(requests) = outcome else {
            return;
        };
        for request in requests {
            let counted = match *request {
                Request::Place(order) => Some(order),
                Request::Replace { id, price, total } => {
                    let found = self.state.orders.of(instrument).find(|(at, _)| *at == id);
                    found.map(|(_, at)| {
                        let quantity = add(total, -at.filled);
                        NewOrder { id, side: at.side, kind: at.kind, price, quantity }
                    })
                }
                Request::Cancel(_) => None,
            };
            if let Some(order) = counted {
                self.state.recent.entry(instrument).or_default().note(now, &order);
            }
            self.state.orders.approve(request);
        }
    }

    fn conclude(&self, forecast: Forecast, conclusion: Conclusion, tripped: bool) -> Judged {
        let verdict = Verdict {
            satisfaction: satisfaction(conclusion.rules.iter().map(|rule| (1.0, rule.truth))),
            outcome: conclusion.outcome,
            rules: conclusion.rules,
            latch: self.state.latch.cause(),
            tripped,
        };
        Judged { forecast, verdict }
    }
}

/// Whether a book gives no price to act on.
fn is_blind(book: BookState) -> bool {
    matches!(book, BookState::Unknown | BookState::OneSided | BookState::Crossed)
}

/// The price farthest from the mark that the collar allows, on the tick nearer to the mark.
fn farthest(side: Side, mark2: i64, collar_bp: f64, tick: Price) -> Price {
    let mark = mark2 as f64 / 2.0;
    let step = tick.units().max(1) as f64;
    let steps = match side {
        Side::Buy => ((mark + mark * collar_bp / 1e4) / step).floor(),
        // a collar of the whole price still leaves a price
        Side::Sell => ((mark - mark * collar_bp / 1e4) / step).ceil().max(1.0),
    };
    // beyond fixed point the cast saturates, and the collar's own test refuses
    Price::from_units((steps as i64).saturating_mul(tick.units().max(1)))
}

fn side_of(gap: i64) -> Option<Side> {
    match gap.signum() {
        1 => Some(Side::Buy),
        -1 => Some(Side::Sell),
        _ => None,
    }
}

impl Region for Prefrontal {
    type In = Forecast;
    type Out = Judged;
    type State = State;
    const NAME: &'static str = NAME;

    fn step(&mut self, forecast: Forecast) -> Result<Judged, Fault> {
        let tripped = self.prepare(&forecast)?;
        let conclusion = self.judge(&forecast);
        let sensed = forecast.sensed();
        self.approve(sensed.time, sensed.instrument, &conclusion.outcome);
        Ok(self.conclude(forecast, conclusion, tripped))
    }

    fn notice(&mut self, notice: &Notice) -> Result<(), Fault> {
        match &notice.kind {
            NoticeKind::Report(report) => self.state.orders.report(report)?,
            NoticeKind::Command(command) => {
                self.state.latch.command(command.kind);
                match command.kind {
                    CommandKind::Halt => {}
                    CommandKind::Flatten => self.state.flattening = true,
                    CommandKind::Arm => {
                        self.state.flattening = false;
                        self.state.quarantined.clear();
                    }
                }
            }
            NoticeKind::Latch(cause) => self.state.latch.set(*cause),
            NoticeKind::Quarantine { instrument: Some(instrument), .. } => {
                self.state.quarantined.insert(*instrument);
            }
            NoticeKind::Quarantine { instrument: None, .. } => self.state.latch.set(LatchCause::Faults),
            NoticeKind::Restarted => self.state.latch.restarted(),
            NoticeKind::Lapsed(id) => self.state.orders.lapsed(*id),
            NoticeKind::CancelSent(id) => self.state.orders.cancel_sent(*id),
            NoticeKind::EndOfStream
            | NoticeKind::Activate { .. }
            | NoticeKind::Slept { .. }
            | NoticeKind::News { .. } => {}
        }
        Ok(())
    }

    fn peek(&self, forecast: Forecast) -> Result<Judged, Fault> {
        let mut copy = self.clone();
        copy.step(forecast)
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn set_state(&mut self, state: State) {
        self.state = state;
    }
}
