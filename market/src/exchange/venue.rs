//! One instrument at the paper exchange: its market, our orders in it, and what may be asked.

use serde::{Deserialize, Serialize};

use super::desk::Desk;
use super::l2::{Depth, L2Market};
use super::l3::L3Market;
use super::matching;
use super::own::{Own, Working};
use super::plain::PlainMarket;
use crate::book::MAX_PRICE;
use crate::event::{EventKind, MarketEvent};
use crate::num::{Price, Quantity};
use crate::order::{ClientId, NewOrder, OrderKind, RejectReason, ReportKind, Request};
use crate::time::Timestamp;

/// What is known of the market; what tells more replaces what tells less.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Market {
    Nothing,
    Prints(PlainMarket),
    Levels(L2Market),
    Orders(Box<L3Market>),
}

/// One instrument at the exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Venue {
    hold_ns: i64,
    halted: bool,
    /// The time of the last event that is about the book: trades beside a book that has fallen
    /// silent do not make it fresh.
    last: Timestamp,
    market: Market,
    working: Working,
}

impl Venue {
    pub(super) fn new(hold_ns: i64) -> Self {
        Self {
            hold_ns,
            halted: false,
            last: Timestamp::MIN,
            market: Market::Nothing,
            working: Working::default(),
        }
    }

    /// Takes what a feed says; own orders that it reaches are filled.
    pub(super) fn on_event(&mut self, event: &MarketEvent, desk: &mut Desk<'_>) {
        if !is_sound(event) {
            return;
        }
        if !matches!(event.kind, EventKind::Trade { .. } | EventKind::Bar(_)) {
            self.last = self.last.max(event.time);
        }
        match &event.kind {
            EventKind::Halt => self.halted = true,
            EventKind::Resume => {
                self.halted = false;
                self.market.meet(&mut self.working, desk);
            }
            EventKind::Gap => self.market.on_gap(),
            kind => {
                if let Some(better) = self.market.replacement(kind, event.time, self.hold_ns) {
                    self.market = better;
                    for own in std::mem::take(&mut self.working.waiting) {
                        desk.cancel(&own);
                    }
                }
                self.market.on_event(kind, &mut self.working, self.halted, desk);
            }
        }
    }

    /// Does what a request, decided at `decided`, asks.
    pub(super) fn on_request(&mut self, request: &Request, decided: Timestamp, desk: &mut Desk<'_>) {
        if let Market::Orders(market) = &mut self.market
            && market.is_told(desk.time)
        {
            market.complete(&mut self.working);
            market.meet(&mut self.working, self.halted, desk);
        }
        match *request {
            Request::Place(order) => self.place(&order, decided, desk),
            Request::Cancel(id) => self.cancel(id, desk),
            Request::Replace { id, price, total } => self.replace(id, price, total, decided, desk),
        }
    }

    /// Ends all that still works.
    pub(super) fn expire(&mut self, desk: &mut Desk<'_>) {
        for own in self.working.take_all() {
            let filled = own.filled;
            desk.tell(own.id, ReportKind::Expired { filled });
        }
    }

    fn place(&mut self, order: &NewOrder, decided: Timestamp, desk: &mut Desk<'_>) {
        let own = Own::new(order, decided);
        match self.obstacle(&own, desk) {
            Some(reason) => desk.tell(own.id, ReportKind::Rejected(reason)),
            None => {
                desk.tell(own.id, ReportKind::Accepted);
                self.enter(own, desk);
            }
        }
    }

    fn cancel(&mut self, id: ClientId, desk: &mut Desk<'_>) {
        match self.working.remove(id) {
            Some(own) => desk.cancel(&own),
            None => desk.tell(id, ReportKind::CancelRejected(RejectReason::UnknownOrder)),
        }
    }

    fn replace(
        &mut self,
        id: ClientId,
        price: Price,
        total: Quantity,
        decided: Timestamp,
        desk: &mut Desk<'_>,
    ) {
        let Some(&old) = self.working.find_resting(id) else {
            desk.tell(id, ReportKind::ReplaceRejected(RejectReason::UnknownOrder));
            return;
        };
        // what filled while the request was on its way counts
        let remaining = Quantity::from_units(total.units().saturating_sub(old.filled.units()));
        if total.is_positive() && !remaining.is_positive() {
            self.cancel(id, desk);
            return;
        }
        let own = Own { price, remaining, decided, ..old };
        match self.obstacle(&own, desk) {
            Some(reason) => desk.tell(id, ReportKind::ReplaceRejected(reason)),
            None => {
                self.working.remove(id);
                desk.tell(id, ReportKind::Replaced { price, quantity: remaining });
                self.enter(own, desk);
            }
        }
    }

    fn enter(&mut self, own: Own, desk: &mut Desk<'_>) {
        let working = &mut self.working;
        match &mut self.market {
            Market::Orders(market) => matching::enter(market.as_mut(), working, own, desk),
            Market::Levels(market) => matching::enter(market, working, own, desk),
            Market::Prints(_) | Market::Nothing => PlainMarket::enter(working, own),
        }
    }

    /// Why an order cannot be let in, if so.
    fn obstacle(&self, own: &Own, desk: &Desk<'_>) -> Option<RejectReason> {
        if !is_well_formed(own, desk) {
            return Some(RejectReason::Malformed);
        }
        if self.halted {
            return Some(RejectReason::Halted);
        }
        let is_fresh = desk.time.since(self.last) <= desk.params.stale_after_ns;
        match &self.market {
            Market::Orders(market) if market.is_known() && is_fresh => {
                matching::obstacle(market.as_ref(), &self.working, own)
            }
            Market::Levels(market) if market.is_known() && is_fresh => {
                matching::obstacle(market, &self.working, own)
            }
            Market::Prints(market) if market.is_known() => market.obstacle(&self.working, own),
            _ => Some(RejectReason::NoMarket),
        }
    }
}

impl Market {
    /// The market that an event calls for where this one tells less.
    fn replacement(&self, kind: &EventKind, time: Timestamp, hold_ns: i64) -> Option<Self> {
        let depth = match self {
            Self::Orders(_) => return None,
            Self::Levels(market) if market.depth() == Depth::Levels => return None,
            Self::Levels(_) => 2,
            Self::Prints(_) => 1,
            Self::Nothing => 0,
        };
        match kind {
            EventKind::Add { .. }
            | EventKind::Change { .. }
            | EventKind::Delete { .. }
            | EventKind::Clear => Some(Self::Orders(Box::new(L3Market::new(hold_ns, time)))),
            EventKind::Snapshot(_) => Some(Self::Levels(L2Market::new(Depth::Levels))),
            EventKind::Quote { .. } if depth < 2 => Some(Self::Levels(L2Market::new(Depth::Quotes))),
            EventKind::Trade { .. } | EventKind::Bar(_) if depth < 1 => {
                Some(Self::Prints(PlainMarket::default()))
            }
            _ => None,
        }
    }

    fn on_event(&mut self, kind: &EventKind, working: &mut Working, halted: bool, desk: &mut Desk<'_>) {
        match self {
            Self::Orders(market) => market.on_event(kind, working, halted, desk),
            Self::Levels(market) => market.on_event(kind, working, halted, desk),
            Self::Prints(market) => market.on_event(kind, working, halted, desk),
            Self::Nothing => {}
        }
    }

    fn on_gap(&mut self) {
        match self {
            Self::Orders(market) => market.on_gap(),
            Self::Levels(market) => market.on_gap(),
            Self::Prints(market) => market.on_gap(),
            Self::Nothing => {}
        }
    }

    /// Trading goes on: what crosses own orders meets them.
    fn meet(&mut self, working: &mut Working, desk: &mut Desk<'_>) {
        match self {
            Self::Orders(market) => market.meet(working, false, desk),
            Self::Levels(market) => market.meet(working, false, desk),
            Self::Prints(_) | Self::Nothing => {}
        }
    }
}

/// Whether quantity and, where it has one, price are positive multiples of lot and tick.
fn is_well_formed(own: &Own, desk: &Desk<'_>) -> bool {
    let (price, quantity) = (own.price, own.remaining);
    let is_priced = price.is_positive() && price <= MAX_PRICE && price.floor_to(desk.facts.tick) == price;
    (own.kind == OrderKind::Market || is_priced)
        && quantity.is_positive()
        && quantity.floor_to(desk.facts.lot) == quantity
}

/// Whether a trade or bar can be true; books check what is theirs themselves.
fn is_sound(event: &MarketEvent) -> bool {
    let priced = |price: Price| price.is_positive() && price <= MAX_PRICE;
    match &event.kind {
        EventKind::Trade { price, quantity, .. } => priced(*price) && quantity.is_positive(),
        EventKind::Bar(bar) => {
            let within = |price: Price| (bar.low..=bar.high).contains(&price);
            priced(bar.low)
                && priced(bar.high)
                && within(bar.open)
                && within(bar.close)
                && bar.volume >= Quantity::ZERO
                && bar.open_time <= event.time
        }
        _ => true,
    }
}
