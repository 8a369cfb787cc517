//! Matching on an order-by-order book: the queue position is exact.
//!
//! A resting own order fills in two ways. A *trade* on its side reaches it when it is through its
//! price, or at its price with nothing visible ahead and a maker that was not ahead either: the
//! venue deletes the maker before it prints the trade, so what left in the present instant is
//! remembered until the next. And an order that becomes *visible* at a price that crosses ours
//! meets ours; a held order does not, for what it did its trades tell.
//!
//! The historical book itself is never changed: what we took is kept beside it. So the orders that
//! history holds out are held out here, however much of the other side we took.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::desk::Desk;
use super::matching::{Standing, meet, rejoin};
use super::own::{Own, Working};
use crate::book::{L3Book, Level, OrderView};
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

/// Side, price and stamp of arrival of an order.
type Position = (Side, Price, u64);

/// What we took of a historical order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Taken {
    side: Side,
    price: Price,
    quantity: Quantity,
}

/// The historical order book, and what we took of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct L3Market {
    book: L3Book,
    picture: Picture,
    now: Timestamp,
    /// Where the orders stood that changed or left in the present instant, of levels on which own
    /// orders rest.
    told: BTreeMap<OrderId, Position>,
    /// By order until it ends; it outlasts a new picture.
    taken: BTreeMap<OrderId, Taken>,
}

impl L3Market {
    /// An empty book; what is told of it at `time`, its first, is its opening picture.
    pub(super) fn new(hold_ns: i64, time: Timestamp) -> Self {
        Self {
            book: L3Book::new(hold_ns),
            picture: Picture::Coming(time),
            now: time,
            told: BTreeMap::new(),
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
                self.told.clear();
                self.picture = Picture::Coming(time);
            }
            _ if self.picture == Picture::Missing => {}
            EventKind::Add { id, side, price, quantity } => {
                self.book.add(id, side, price, quantity, time);
            }
            EventKind::Change { id, quantity } => {
                if !idle {
                    self.note(id, working);
                }
                self.book.change(id, quantity);
            }
            EventKind::Delete { id } => {
                if !idle {
                    self.note(id, working);
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
        self.told.clear();
        for own in working.resting_mut() {
            own.place.front = !self.is_behind(own);
        }
        self.book.advance(desk.time);
        self.meet(working, halted, desk);
    }

    /// Lets what crosses own orders meet them.
    pub(super) fn meet(&mut self, working: &mut Working, halted: bool, desk: &mut Desk<'_>) {
        if working.is_empty() || halted || !self.is_known() {
            return;
        }
        let crosses = |side: Side| {
            let best = self.book.best(side.opposite());
            let own = working.side(side).first();
            own.zip(best).is_some_and(|(own, best)| side.reaches(own.price, best.price))
        };
        if Side::BOTH.into_iter().any(crosses) {
            meet(self, working, desk);
        }
    }

    /// Before an order changes or leaves: remembers what a trade of this instant may ask.
    fn note(&mut self, id: OrderId, working: &Working) {
        if let Some(order) = self.standing(id)
            && working.rests_at(order.side, order.price)
        {
            self.told.insert(id, (order.side, order.price, order.arrival));
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
            let mut budget = quantity;
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
        let level = (own.side, own.price);
        let front = self.book.front_arrival(own.side, own.price);
        if front.is_none_or(|arrival| arrival > own.place.arrival) {
            return false;
        }
        if !self.taken.values().any(|t| (t.side, t.price) == level) {
            return true;
        }
        self.book
            .best_orders(own.side)
            .skip_while(|order| order.price != own.price)
            .take_while(|order| order.price == own.price && order.arrival < own.place.arrival)
            .any(|order| self.left(&order).is_positive())
    }

    /// The arrival of an order of the same level, as it stands or stood before this instant.
    fn arrival_of(&self, id: OrderId, own: &Own) -> Option<u64> {
        let standing = self.standing(id).map(|o| (o.side, o.price, o.arrival));
        let (side, price, arrival) = self.told.get(&id).copied().or(standing)?;
        ((side, price) == (own.side, own.price)).then_some(arrival)
    }

    /// A visible order of which something is left.
    fn standing(&self, id: OrderId) -> Option<OrderView> {
        self.book.order(id).filter(|order| self.left(order).is_positive())
    }

    /// What we left of an order.
    fn left(&self, order: &OrderView) -> Quantity {
        let taken = self.taken.get(&order.id).map_or(0, |taken| taken.quantity.units());
        Quantity::from_units(order.quantity.units().saturating_sub(taken).max(0))
    }

    /// The order that the next incoming one meets, and what is left of it.
    fn first(&self, side: Side) -> Option<(OrderView, Quantity)> {
        self.book
            .best_orders(side)
            .map(|order| (order, self.left(&order)))
            .find(|(_, left)| left.is_positive())
    }
}

impl Standing for L3Market {
    fn front(&self, side: Side) -> Option<Level> {
        let (order, quantity) = self.first(side)?;
        Some(Level { price: order.price, quantity })
    }

    fn consume(&mut self, side: Side, by: Quantity) {
        let Some((order, left)) = self.first(side) else {
            return;
        };
        debug_assert!(by <= left, "no more is taken than stands");
        let (side, price) = (order.side, order.price);
        let none = Taken { side, price, quantity: Quantity::ZERO };
        let taken = self.taken.entry(order.id).or_insert(none);
        taken.quantity = taken.quantity.checked_add(by).unwrap_or(Quantity::MAX);
    }

    fn before(&self, own: &Own, enough: Quantity) -> Quantity {
        let mut before = Quantity::ZERO;
        for order in self.book.best_orders(own.side) {
            let ahead = own.side.better(order.price, own.price)
                || (order.price == own.price && order.arrival < own.place.arrival);
            if !ahead || before >= enough {
                break;
            }
            before = before.checked_add(self.left(&order)).unwrap_or(Quantity::MAX);
        }
        before
    }

    fn join(&mut self, own: &mut Own) {
        own.place.arrival = self.book.next_arrival();
        own.place.front = !self.is_behind(own);
    }
}
