//! The order-by-order book (W3, eq. 44, 45): price-time priority, hold-out and repair.
//!
//! A raw order feed crosses itself: a venue first announces a marketable order and then what became
//! of it. So an order that would cross or lock the visible book is *held*, invisible, until it no
//! longer would, or until it has been held for too long: then what it would have traded with was
//! stale, and is evicted. The visible book is never locked nor crossed.

use super::answer::{self, Applied, Ignored, MAX_LEVELS, MAX_ORDERS, Refused};
use super::evicted::Evicted;
use super::held::{Held, HeldOrder, HoldStats, MAX_HELD};
use super::queue::Order;
use super::view::{Level, OrderView};
use super::visible::Visible;
use crate::event::OrderId;
use crate::instrument::Side;
use crate::num::{Price, Quantity};
use crate::time::Timestamp;

/// A book of orders. What it keeps is bounded by [`MAX_ORDERS`], [`MAX_LEVELS`], [`MAX_HELD`] and
/// [`MAX_EVICTED`](super::MAX_EVICTED).
#[derive(Debug, Clone)]
pub struct L3Book {
    /// How long an order may be held; `None` for a raw book, which holds nothing.
    pub(super) hold_ns: Option<i64>,
    pub(super) visible: Visible,
    pub(super) held: Held,
    pub(super) evicted: Evicted,
    pub(super) arrivals: u64,
    /// The latest time heard of.
    pub(super) now: Timestamp,
    pub(super) stats: HoldStats,
}

impl L3Book {
    /// An empty book that holds a crossing or locking order for at most `hold_ns`.
    pub fn new(hold_ns: i64) -> Self {
        Self::with_hold(Some(hold_ns))
    }

    /// An empty book that shows each order at once, and so may be crossed: for judging a feed.
    pub fn raw() -> Self {
        Self::with_hold(None)
    }

    pub(super) fn with_hold(hold_ns: Option<i64>) -> Self {
        Self {
            hold_ns,
            visible: Visible::new(),
            held: Held::default(),
            evicted: Evicted::default(),
            arrivals: 0,
            now: Timestamp::MIN,
            stats: HoldStats::default(),
        }
    }

    /// Repair, before a row of that time is applied: each order held for longer than allowed,
    /// oldest first, evicts what it would trade with or lock, and is released.
    pub fn advance(&mut self, time: Timestamp) {
        self.now = self.now.max(time);
        let Some(hold_ns) = self.hold_ns else { return };
        while let Some(order) = self.held.take_overdue(time, hold_ns) {
            self.prove(order);
        }
    }

    /// An order appears: it joins the back of its level, or is held.
    pub fn add(
        &mut self,
        id: OrderId,
        side: Side,
        price: Price,
        quantity: Quantity,
        time: Timestamp,
    ) -> Applied {
        self.row(|book| {
            if let Err(refused) = book.check_new(id, side, price, quantity) {
                return Applied::Refused(refused);
            }
            book.now = book.now.max(time);
            book.place(Order { id, side, price, quantity: quantity.units(), arrival: 0 });
            Applied::Done
        })
    }

    /// The remaining quantity of an order, which keeps its place.
    pub fn change(&mut self, id: OrderId, quantity: Quantity) -> Applied {
        self.row(|book| match answer::positive(quantity) {
            Ok(()) => book.announce(id, quantity.units()),
            Err(refused) => Applied::Refused(refused),
        })
    }

    /// An order is gone.
    pub fn delete(&mut self, id: OrderId) -> Applied {
        self.row(|book| {
            if let Some(at) = book.held.find(id) {
                book.held.remove(at);
                book.stats.deleted_while_held += 1;
            } else if book.visible.remove(id).is_none() {
                return book.unknown(id);
            }
            Applied::Done
        })
    }

    /// Forgets all orders; counters go on.
    pub fn clear(&mut self) {
        self.visible.clear();
        self.held.clear();
        self.evicted.clear();
    }

    /// The best price of a side and its total.
    pub fn best(&self, side: Side) -> Option<Level> {
        self.visible.ladder(side).best().map(|(price, queue)| Level::of_total(price, queue.total))
    }

    /// Writes the best levels of a side, best first, and tells how many.
    pub fn levels(&self, side: Side, into: &mut [Level]) -> usize {
        let mut written = 0;
        for (slot, (price, queue)) in into.iter_mut().zip(self.visible.ladder(side).iter()) {
            *slot = Level::of_total(price, queue.total);
            written += 1;
        }
        written
    }

    /// The orders of a side, from the best price, first in its queue first.
    pub fn best_orders(&self, side: Side) -> impl Iterator<Item = OrderView> {
        let levels = self.visible.ladder(side).iter();
        levels.flat_map(|(_, queue)| self.visible.queued(queue).map(OrderView::from))
    }

    /// A visible order.
    pub fn order(&self, id: OrderId) -> Option<OrderView> {
        self.visible.get(id).map(OrderView::from)
    }

    /// When the order at the front of a level joined it.
    pub fn front_arrival(&self, side: Side, price: Price) -> Option<u64> {
        let queue = self.visible.ladder(side).get(price)?;
        Some(self.visible.front(queue).arrival)
    }

    /// Takes the next stamp of arrival, for an order that is not of this book and yet has a place
    /// in its queues: ahead of it is what stands at its price with a lower stamp.
    pub const fn next_arrival(&mut self) -> u64 {
        self.arrivals += 1;
        self.arrivals
    }

    /// How many orders are held.
    pub const fn held_count(&self) -> usize {
        self.held.len()
    }

    /// The ids of evicted orders, oldest first, of which the feed may still speak.
    pub fn evicted(&self) -> impl Iterator<Item = OrderId> {
        self.evicted.iter()
    }

    /// What hold-out and repair did so far.
    pub const fn stats(&self) -> HoldStats {
        self.stats
    }

    /// A row of the feed, after which what is free of the held orders is released.
    fn row(&mut self, act: impl FnOnce(&mut Self) -> Applied) -> Applied {
        let applied = act(self);
        self.settle();
        applied
    }

    /// What the feed says remains of an order, visible or not.
    fn announce(&mut self, id: OrderId, units: i64) -> Applied {
        if let Some(at) = self.held.find(id) {
            self.held.get_mut(at).quantity = units;
        } else if !self.visible.set_quantity(id, units) {
            return self.unknown(id);
        }
        Applied::Done
    }

    /// What is answered about an order that is neither visible nor held.
    fn unknown(&self, id: OrderId) -> Applied {
        Applied::Ignored(match self.evicted.contains(id) {
            true => Ignored::EvictedId,
            false => Ignored::UnknownId,
        })
    }

    fn check_new(&self, id: OrderId, side: Side, price: Price, quantity: Quantity) -> Result<(), Refused> {
        answer::positive(quantity)?;
        answer::in_range(price, 0)?;
        if self.visible.len() + self.held.len() >= MAX_ORDERS {
            return Err(Refused::TooManyOrders);
        }
        if self.visible.ladder(side).len() + self.held.len() >= MAX_LEVELS {
            return Err(Refused::TooManyLevels);
        }
        if self.visible.contains(id) || self.held.find(id).is_some() || self.evicted.contains(id) {
            return Err(Refused::DuplicateId(id));
        }
        Ok(())
    }

    /// Holds a new order that reaches the opposite best, or lets it join.
    fn place(&mut self, order: Order) {
        let reached = self
            .visible
            .best_price(order.side.opposite())
            .filter(|best| self.hold_ns.is_some() && order.side.reaches(order.price, *best));
        let Some(best) = reached else {
            return self.join(order);
        };
        if order.price == best {
            self.stats.locking += 1;
        } else {
            self.stats.crossing += 1;
        }
        self.held.push(HeldOrder { order, since: self.now });
        if self.held.len() > MAX_HELD {
            let oldest = self.held.remove(0);
            self.prove(oldest);
        }
    }

    /// Releases a held order for which the levels that it reaches make way.
    fn prove(&mut self, order: Order) {
        let opposite = order.side.opposite();
        while self.visible.best_price(opposite).is_some_and(|best| order.side.reaches(order.price, best)) {
            for stale in self.visible.pop_best(opposite) {
                self.stats.evicted += 1;
                self.evicted.push(stale.id);
            }
        }
        self.release(order);
    }

    /// Releases each held order that reaches the opposite best no longer, oldest first.
    fn settle(&mut self) {
        while !self.held.is_empty() {
            let (bid, ask) = (self.visible.best_price(Side::Buy), self.visible.best_price(Side::Sell));
            match self.held.take_free(bid, ask) {
                Some(order) => self.release(order),
                None => return,
            }
        }
    }

    fn release(&mut self, order: Order) {
        self.stats.released += 1;
        self.join(order);
    }

    fn join(&mut self, order: Order) {
        let arrival = self.next_arrival();
        self.visible.insert(Order { arrival, ..order });
    }
}

#[cfg(test)]
mod tests;
