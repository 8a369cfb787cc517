//! Matching on an order-by-order book: the queue position is exact.
//!
//! A resting own order fills in two ways. A *trade* on its side reaches it when it is through its
//! price, or at its price with nothing visible ahead and a maker that was not ahead either: the
//! venue deletes the maker before it prints the trade, so what left in the present instant is
//! remembered until the next. And an order that becomes *visible* at a price that crosses ours
//! meets ours; a held order does not, for what it did its trades tell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::desk::Desk;
use super::matching::{Standing, meet, rejoin};
use super::own::{Own, Working};
use crate::book::{L3Book, Level};
use crate::event::{EventKind, OrderId};
use crate::instrument::Side;
use crate::num::{Price, Quantity};
use crate::order::Liquidity;
use crate::time::Timestamp;

/// What is known of the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Picture {
    /// It is as the feed tells.
    Whole,
    /// It is being told anew, by rows of this time.
    Coming(Timestamp),
    /// Something was missed.
    Missing,
}

/// What happened in the present instant, kept while own orders work.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Instant {
    /// Orders that changed or left where own orders rest: side, price and arrival.
    told: BTreeMap<OrderId, (Side, Price, u64)>,
    /// What incoming orders gave to own ones: side and quantity.
    met: BTreeMap<OrderId, (Side, Quantity)>,
    /// By side: what of `met` has since traded or left, so that its trades tell it again.
    retold: [Quantity; 2],
}

/// The historical order book with what we took taken out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct L3Market {
    book: L3Book,
    picture: Picture,
    now: Timestamp,
    instant: Instant,
    /// What we took of orders that have not ended yet; it outlasts a new picture.
    taken: BTreeMap<OrderId, Quantity>,
}

impl L3Market {
    /// An empty book; what is told of it at `time`, its first, is its opening picture.
    pub(super) fn new(hold_ns: i64, time: Timestamp) -> Self {
        Self {
            book: L3Book::new(hold_ns),
            picture: Picture::Coming(time),
            now: time,
            instant: Instant::default(),
            taken: BTreeMap::new(),
        }
    }

    /// Whether orders can be matched.
    pub(super) fn is_known(&self) -> bool {
        self.picture == Picture::Whole
    }

    /// Something was missed: nothing fills until a new picture.
    pub(super) fn on_gap(&mut self) {
        self.picture = Picture::Missing;
    }

    /// The new picture is whole: own orders have lost their places.
    pub(super) fn complete(&mut self, working: &mut Working) {
        self.picture = Picture::Whole;
        let book = &mut self.book;
        self.taken.retain(|&id, &mut quantity| {
            let stands = book.order(id).is_some();
            book.reduce(id, quantity);
            stands
        });
        rejoin(self, working);
    }

    /// Whether a new picture has been told by rows up to `time`.
    pub(super) fn is_told(&self, time: Timestamp) -> bool {
        matches!(self.picture, Picture::Coming(at) if at <= time)
    }

    pub(super) fn on_event(
        &mut self,
        kind: &EventKind,
        working: &mut Working,
        halted: bool,
        desk: &mut Desk<'_>,
    ) {
        let time = desk.time;
        if time > self.now {
            self.turn(working, halted, desk);
        }
        let idle = working.is_empty();
        match *kind {
            EventKind::Clear => {
                self.book.clear();
                self.instant = Instant::default();
                self.picture = Picture::Coming(time);
            }
            _ if self.picture == Picture::Missing => {}
            EventKind::Add { id, side, price, quantity } => {
                self.book.add(id, side, price, quantity, time);
            }
            EventKind::Change { id, quantity } => {
                if !idle {
                    self.note_told(id, working);
                }
                self.book.change(id, quantity);
            }
            EventKind::Delete { id } => {
                if !idle {
                    self.note_told(id, working);
                }
                self.book.delete(id);
                self.taken.remove(&id);
            }
            EventKind::Trade { price, quantity, aggressor, maker } if !idle && !halted && self.is_known() => {
                self.on_trade(price, quantity, aggressor, maker, working, desk);
            }
            _ => {}
        }
        self.meet(working, halted, desk);
    }

    /// A later instant begins.
    fn turn(&mut self, working: &mut Working, halted: bool, desk: &mut Desk<'_>) {
        if self.is_told(self.now) {
            self.complete(working);
            self.meet(working, halted, desk);
        }
        self.now = desk.time;
        if working.is_empty() {
            self.book.advance(desk.time);
            return;
        }
        self.instant = Instant::default();
        for own in working.resting_mut() {
            own.place.front = !self.is_behind(own);
        }
        self.book.advance(desk.time);
        self.meet(working, halted, desk);
    }

    /// Lets what crosses own orders meet them.
    pub(super) fn meet(&mut self, working: &mut Working, halted: bool, desk: &mut Desk<'_>) {
        if !working.is_empty() && !halted && self.is_known() {
            meet(self, working, desk);
        }
    }

    /// Before an order changes or leaves: remembers what later rows of this instant may ask.
    fn note_told(&mut self, id: OrderId, working: &Working) {
        self.instant.retell(id);
        if let Some(order) = self.book.order(id)
            && working.rests_at(order.side, order.price)
        {
            let place = (order.side, order.price, order.arrival);
            self.instant.told.insert(id, place);
        }
    }

    /// Shares a trade among the own orders it reached, by price, then time.
    fn on_trade(
        &mut self,
        price: Price,
        quantity: Quantity,
        aggressor: Option<Side>,
        maker: Option<OrderId>,
        working: &mut Working,
        desk: &mut Desk<'_>,
    ) {
        for side in Side::BOTH {
            if aggressor == Some(side) {
                continue;
            }
            let mut budget = self.instant.untold(side.opposite(), quantity);
            for own in working.side_mut(side) {
                let reached = side.better(own.price, price)
                    || (own.price == price && aggressor.is_some() && self.is_next(own, maker));
                if !reached || !budget.is_positive() {
                    break;
                }
                let filled = own.remaining.min(budget);
                budget = Quantity::from_units(budget.units() - filled.units());
                desk.fill(own, own.price, filled, Liquidity::Maker);
            }
            working.drop_filled(side);
        }
    }

    /// Whether a trade at the order's price reached it, and not someone ahead.
    fn is_next(&self, own: &Own, maker: Option<OrderId>) -> bool {
        if self.is_behind(own) {
            return false;
        }
        match maker.and_then(|id| self.arrival_of(id, own)) {
            Some(arrival) => arrival > own.place.arrival,
            None => own.place.front,
        }
    }

    /// Whether a historical order stands ahead of it at its price.
    fn is_behind(&self, own: &Own) -> bool {
        self.book.front_arrival(own.side, own.price).is_some_and(|arrival| arrival < own.place.arrival)
    }

    /// The arrival of an order of the same level, there or gone in this instant.
    fn arrival_of(&self, id: OrderId, own: &Own) -> Option<u64> {
        let standing = self.book.order(id).map(|o| (o.side, o.price, o.arrival));
        self.instant
            .told
            .get(&id)
            .copied()
            .or(standing)
            .filter(|&(side, price, _)| (side, price) == (own.side, own.price))
            .map(|(_, _, arrival)| arrival)
    }
}

impl Instant {
    /// An order of which own ones took something traded or left: the trades of this instant may
    /// tell of it again.
    fn retell(&mut self, id: OrderId) {
        if let Some((side, quantity)) = self.met.remove(&id) {
            let retold = &mut self.retold[side as usize];
            *retold = retold.checked_add(quantity).unwrap_or(Quantity::MAX);
        }
    }

    /// What of a trade by `aggressor` own orders have not had already.
    fn untold(&mut self, aggressor: Side, quantity: Quantity) -> Quantity {
        let retold = &mut self.retold[aggressor as usize];
        let told = (*retold).min(quantity).max(Quantity::ZERO);
        *retold = Quantity::from_units(retold.units() - told.units());
        Quantity::from_units(quantity.units().saturating_sub(told.units()))
    }
}

impl Standing for L3Market {
    fn front(&self, side: Side) -> Option<Level> {
        let order = self.book.best_orders(side).next()?;
        Some(Level { price: order.price, quantity: order.quantity })
    }

    fn consume(&mut self, side: Side, by: Quantity) {
        let Some(order) = self.book.best_orders(side).next() else {
            return;
        };
        let taken = self.book.reduce(order.id, by);
        debug_assert_eq!(taken, by, "no more is taken than stands");
        let sum = |old: Quantity| old.checked_add(taken).unwrap_or(Quantity::MAX);
        let total = self.taken.entry(order.id).or_default();
        *total = sum(*total);
        let (_, met) = self.instant.met.entry(order.id).or_insert((side, Quantity::ZERO));
        *met = sum(*met);
    }

    fn before(&self, own: &Own, enough: Quantity) -> Quantity {
        let mut before = Quantity::ZERO;
        for order in self.book.best_orders(own.side) {
            let ahead = own.side.better(order.price, own.price)
                || (order.price == own.price && order.arrival < own.place.arrival);
            if !ahead || before >= enough {
                break;
            }
            before = before.checked_add(order.quantity).unwrap_or(Quantity::MAX);
        }
        before
    }

    fn join(&mut self, own: &mut Own) {
        own.place.arrival = self.book.next_arrival();
        own.place.front = self.book.front_arrival(own.side, own.price).is_none();
    }
}
