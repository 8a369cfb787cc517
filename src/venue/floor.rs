//! The venue without clock or socket: orders in, market in, reports out.
//!
//! Names are for ever. A second `Place` of a known name is answered by the order's last report and
//! never makes a second order. A `Cancel` of a name that never came leaves a *tombstone*: it is
//! answered `CancelRejected(UnknownOrder)`, an answer that means nothing else here, and a later
//! `Place` is refused. A `Cancel` of a finished order is answered by the report that finished it.

use std::collections::BTreeMap;

use market::exchange::Exchange;
use market::order::{ClientId, NewOrder, RejectReason, Report, ReportKind, Request};
use market::{InstrumentId, Instruments, MarketEvent, Money, Price, Quantity, Side, Timestamp};

use super::picture::Picture;
use super::wire::{Finished, How, OrderName, OrderState, StateAnswer, Told, VenueFill};

/// The venue.
#[derive(Debug, Clone)]
pub struct Floor {
    instruments: Instruments,
    exchange: Exchange,
    pictures: Vec<Picture>,
    now: Timestamp,
    orders: Vec<Order>,
    /// The place of each name in `orders`; none for a tombstone.
    names: BTreeMap<OrderName, Option<usize>>,
    fills: Vec<VenueFill>,
    /// The books of each run.
    books: BTreeMap<String, Books>,
    serial: u64,
    is_over: bool,
}

/// What a run's fills have come to.
#[derive(Debug, Clone, Default)]
struct Books {
    positions: BTreeMap<InstrumentId, Quantity>,
    cash: Money,
}

/// An order that came.
#[derive(Debug, Clone)]
struct Order {
    state: OrderState,
    /// How it ended, if it has.
    ended: Option<How>,
    /// What was last told of its state.
    last: Option<Told>,
}

impl Floor {
    /// A venue that opens at `start`.
    pub fn new(instruments: Instruments, exchange: Exchange, hold_ns: i64, start: Timestamp) -> Self {
        Self {
            pictures: vec![Picture::new(hold_ns); instruments.len()],
            instruments,
            exchange,
            now: start,
            orders: Vec::new(),
            names: BTreeMap::new(),
            fills: Vec::new(),
            books: BTreeMap::new(),
            serial: 0,
            is_over: false,
        }
    }

    /// The present, by the market's clock.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether the feeds have ended.
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// The instruments traded here.
    pub const fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    /// When the next request arrives or the next report is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.exchange.next_arrival().into_iter().chain(self.exchange.next_report()).min()
    }

    /// What a new subscriber is told first: every book as it stands.
    pub fn picture(&self) -> Vec<MarketEvent> {
        let all = self.instruments.iter().zip(&self.pictures);
        all.flat_map(|((id, _), picture)| picture.events(id, self.now)).collect()
    }

    /// Time passes up to `to`, whose own events have all been taken.
    pub fn advance(&mut self, to: Timestamp) -> Vec<Told> {
        self.now = self.now.max(to);
        let mut told = Vec::new();
        loop {
            let arrival = self.exchange.next_arrival().filter(|due| *due < self.now);
            let report = self.exchange.next_report().filter(|due| *due <= self.now);
            match (arrival, report) {
                (Some(arrival), report) if report.is_none_or(|report| arrival <= report) => {
                    self.exchange.run_arrival();
                }
                (_, Some(_)) => told.extend(self.report()),
                _ => return told,
            }
        }
    }

    /// The market says something; what fell due before it happens first.
    pub fn on_event(&mut self, event: &MarketEvent) -> Vec<Told> {
        let told = self.advance(event.time);
        if let Some(picture) = self.pictures.get_mut(event.instrument.index()) {
            picture.apply(event);
        }
        self.exchange.on_event(event);
        told
    }

    /// Works off all that is under way, however far its time: for a clock that stands still.
    pub fn hurry(&mut self) -> Vec<Told> {
        while self.exchange.next_arrival().is_some() {
            self.exchange.run_arrival();
        }
        let mut told = Vec::new();
        while self.exchange.next_report().is_some() {
            told.extend(self.report());
        }
        told
    }

    /// The end of all feeds: working orders expire, and no more are taken.
    pub fn end(&mut self) -> Vec<Told> {
        let mut told = self.hurry();
        self.exchange.expire(self.now);
        self.is_over = true;
        told.extend(self.hurry());
        told
    }

    /// Whether an order of that name came, or is never to come.
    pub fn knows(&self, name: &OrderName) -> bool {
        self.names.contains_key(name)
    }

    /// A request to place an order; what is answered at once, if anything.
    ///
    /// `refuse` turns a new order away for no reason of the market's.
    pub fn place(&mut self, name: OrderName, order: &NewOrder, refuse: bool) -> Option<Told> {
        match self.names.get(&name) {
            Some(Some(at)) => return self.orders[*at].last.clone(),
            Some(None) => {
                return Some(self.tell(name, self.now, ReportKind::Rejected(RejectReason::DuplicateId)));
            }
            None => {}
        }
        let at = self.orders.len();
        self.names.insert(name.clone(), Some(at));
        let NewOrder { side, kind, price, quantity, .. } = *order;
        let (filled, total, remaining) = (Quantity::ZERO, quantity, quantity);
        let state = OrderState { id: name, side, kind, price, total, filled, remaining };
        self.orders.push(Order { state, ended: None, last: None });
        if refuse || self.is_over {
            return self.happened(at, self.now, ReportKind::Rejected(RejectReason::NoMarket));
        }
        let inner = self.inner(at);
        self.exchange.submit(self.now, Request::Place(NewOrder { id: inner, ..*order }));
        None
    }

    /// A request to cancel an order; what is answered at once, if anything.
    pub fn cancel(&mut self, name: OrderName) -> Option<Told> {
        let Some(&Some(at)) = self.names.get(&name) else {
            self.names.insert(name.clone(), None);
            return Some(self.tell(name, self.now, ReportKind::CancelRejected(RejectReason::UnknownOrder)));
        };
        if self.orders[at].ended.is_some() {
            return self.orders[at].last.clone();
        }
        let inner = self.inner(at);
        self.exchange.submit(self.now, Request::Cancel(inner));
        None
    }

    /// A request to replace an order; what is answered at once, if anything.
    pub fn replace(&mut self, name: OrderName, price: Price, total: Quantity) -> Option<Told> {
        match self.names.get(&name) {
            Some(&Some(at)) if self.orders[at].ended.is_none() => {
                let inner = self.inner(at);
                self.exchange.submit(self.now, Request::Replace { id: inner, price, total });
                None
            }
            _ => Some(self.tell(name, self.now, ReportKind::ReplaceRejected(RejectReason::UnknownOrder))),
        }
    }

    /// The highest execution.
    pub fn executions(&self) -> u64 {
        self.fills.last().map_or(0, |f| f.fill.execution)
    }

    /// The change of cash of all runs together, fees included.
    pub fn cash(&self) -> Money {
        self.books.values().map(|books| books.cash).sum()
    }

    /// How everything stands for a run, with its fills later than an execution.
    pub fn state(&self, run: &str, since_execution: u64) -> StateAnswer {
        let books = self.books.get(run).cloned().unwrap_or_default();
        let fills = self.fills.iter().filter(|f| f.id.run == run && f.fill.execution > since_execution);
        let mut state = StateAnswer {
            time: self.now,
            fills: fills.cloned().collect(),
            cash: books.cash,
            executions: self.executions(),
            ..StateAnswer::default()
        };
        for (instrument, position) in books.positions {
            state.positions.insert(self.instruments.get(instrument).name.clone(), position);
        }
        for (name, at) in self.names.iter().filter(|(name, _)| name.run == run) {
            let id = name.clone();
            let Some(order) = at.map(|at| &self.orders[at]) else {
                state.finished.push(Finished { id, how: How::Tombstone, filled: Quantity::ZERO });
                continue;
            };
            match order.ended {
                Some(how) => state.finished.push(Finished { id, how, filled: order.state.filled }),
                None => state.orders.push(order.state.clone()),
            }
        }
        state
    }

    /// What the exchange calls an order: names of several runs may be alike.
    fn inner(&self, at: usize) -> ClientId {
        ClientId { sequence: at as u64, instrument: self.orders[at].state.id.id.instrument, k: 0 }
    }

    /// Takes the exchange's next report.
    fn report(&mut self) -> Option<Told> {
        let (_, Report { id, time, kind }) = self.exchange.pop_report()?;
        let at = id.sequence as usize;
        let order = &self.orders[at];
        match kind {
            // it ended while its cancel was on the way
            ReportKind::CancelRejected(_) if order.ended.is_some() => order.last.clone(),
            ReportKind::CancelRejected(_) | ReportKind::ReplaceRejected(_) => {
                let name = order.state.id.clone();
                Some(self.tell(name, time, kind))
            }
            _ => self.happened(at, time, kind),
        }
    }

    /// Keeps what happened to an order, and tells it.
    fn happened(&mut self, at: usize, time: Timestamp, kind: ReportKind) -> Option<Told> {
        let Order { state, ended, .. } = &mut self.orders[at];
        let name = state.id.clone();
        match kind {
            ReportKind::Filled(fill) => {
                (state.filled, state.remaining) = (plus(state.filled, fill.quantity), fill.remaining);
                let instrument = name.id.instrument;
                let notional = self.instruments.get(instrument).notional(fill.price, fill.quantity);
                let paid = if fill.side == Side::Buy { notional } else { -notional };
                let books = self.books.entry(name.run.clone()).or_default();
                books.cash -= paid + fill.fee;
                let position = books.positions.entry(instrument).or_default();
                *position = plus(*position, fill.side.signed(fill.quantity));
                self.fills.push(VenueFill { id: name.clone(), time, fill });
            }
            ReportKind::Replaced { price, quantity } => (state.price, state.remaining) = (price, quantity),
            _ => {}
        }
        state.total = plus(state.filled, state.remaining);
        if kind.is_terminal() {
            *ended = Some(match kind {
                ReportKind::Filled(_) => How::Filled,
                ReportKind::Cancelled { .. } => How::Cancelled,
                ReportKind::Expired { .. } => How::Expired,
                _ => How::Rejected,
            });
        }
        let told = self.tell(name, time, kind);
        self.orders[at].last = Some(told.clone());
        Some(told)
    }

    fn tell(&mut self, id: OrderName, time: Timestamp, kind: ReportKind) -> Told {
        self.serial += 1;
        Told { serial: self.serial, id, time, kind }
    }
}

fn plus(a: Quantity, b: Quantity) -> Quantity {
    Quantity::from_units(a.units().saturating_add(b.units()))
}

#[cfg(test)]
mod tests;
