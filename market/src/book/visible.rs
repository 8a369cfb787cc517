//! The visible orders of an L3 book, by id and by price and time.

use rustc_hash::FxHashMap;

use super::ladder::Ladder;
use super::queue::{Order, Orders, Queue, Slot};
use crate::event::OrderId;
use crate::instrument::Side;
use crate::num::Price;

/// Two ladders of queues and an index. Orders of which nothing remains, and whose end the feed has not
/// told yet, are known here too, but wait in no queue.
#[derive(Debug, Clone)]
pub(super) struct Visible {
    bids: Ladder<Queue>,
    asks: Ladder<Queue>,
    orders: Orders,
    index: FxHashMap<OrderId, Slot>,
    /// How many wait in queues, bids and asks.
    waiting: [usize; 2],
}

impl Visible {
    pub(super) fn new() -> Self {
        Self {
            bids: Ladder::new(Side::Buy),
            asks: Ladder::new(Side::Sell),
            orders: Orders::default(),
            index: FxHashMap::default(),
            waiting: [0; 2],
        }
    }

    pub(super) fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
        self.orders.clear();
        self.index.clear();
        self.waiting = [0; 2];
    }

    /// How many orders are known, whether something remains of them or not.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) const fn waiting(&self, side: Side) -> usize {
        self.waiting[side as usize]
    }

    pub(super) fn contains(&self, id: OrderId) -> bool {
        self.index.contains_key(&id)
    }

    pub(super) fn get(&self, id: OrderId) -> Option<&Order> {
        self.index.get(&id).map(|slot| self.orders.get(*slot))
    }

    pub(super) const fn ladder(&self, side: Side) -> &Ladder<Queue> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    pub(super) fn best_price(&self, side: Side) -> Option<Price> {
        self.ladder(side).best().map(|(price, _)| price)
    }

    /// The orders of a queue, first come first.
    pub(super) fn queued(&self, queue: &Queue) -> impl Iterator<Item = &Order> {
        queue.iter(&self.orders)
    }

    /// The order at the front of a queue.
    pub(super) fn front(&self, queue: &Queue) -> &Order {
        self.orders.get(queue.first())
    }

    /// Orders of which nothing remains, in no order that means anything.
    pub(super) fn consumed(&self) -> impl Iterator<Item = &Order> {
        self.orders.iter().filter(|order| order.quantity == 0)
    }

    /// Puts an order at the back of its level, if something remains of it.
    pub(super) fn insert(&mut self, order: Order) {
        let slot = self.orders.insert(order);
        self.index.insert(order.id, slot);
        if order.quantity > 0 {
            self.waiting[order.side as usize] += 1;
            let (ladder, orders) = self.side_mut(order.side);
            let at = ladder.find(order.price).unwrap_or_else(|at| {
                ladder.insert_at(at, order.price, Queue::new());
                at
            });
            ladder.at_mut(at).join(orders, slot);
        }
    }

    /// Takes an order out, wherever it stands.
    pub(super) fn remove(&mut self, id: OrderId) -> Option<Order> {
        let slot = self.index.remove(&id)?;
        self.leave(slot);
        Some(self.orders.remove(slot))
    }

    /// Gives an order a new quantity in its place; with 0 it leaves its queue. An order of which
    /// nothing remained has no place to come back to.
    pub(super) fn set_quantity(&mut self, id: OrderId, quantity: i64) {
        if let Some(&slot) = self.index.get(&id) {
            self.set_at(slot, quantity);
        }
    }

    /// Takes up to `by` of an order for good, and tells how much.
    pub(super) fn take(&mut self, id: OrderId, by: i64) -> i64 {
        let Some(&slot) = self.index.get(&id) else { return 0 };
        let order = self.orders.get_mut(slot);
        let taken = by.clamp(0, order.quantity);
        let rest = order.quantity - taken;
        order.taken += taken;
        self.set_at(slot, rest);
        taken
    }

    /// Takes all orders at the best price of a side out, first come first.
    pub(super) fn pop_best(&mut self, side: Side) -> Vec<Order> {
        let Some((_, queue)) = self.side_mut(side).0.pop_best() else {
            return Vec::new();
        };
        self.waiting[side as usize] -= queue.count as usize;
        let orders: Vec<Order> = self.queued(&queue).copied().collect();
        for order in &orders {
            if let Some(slot) = self.index.remove(&order.id) {
                self.orders.remove(slot);
            }
        }
        orders
    }

    fn set_at(&mut self, slot: Slot, quantity: i64) {
        let Order { side, price, quantity: before, .. } = *self.orders.get(slot);
        debug_assert!(before > 0 || quantity == 0, "it has a place");
        if quantity == 0 {
            self.leave(slot);
        } else {
            let ladder = self.side_mut(side).0;
            if let Ok(at) = ladder.find(price) {
                ladder.at_mut(at).total += i128::from(quantity) - i128::from(before);
            }
        }
        self.orders.get_mut(slot).quantity = quantity;
    }

    /// Takes an order out of its queue, if it waits in one; it keeps its slot.
    fn leave(&mut self, slot: Slot) {
        let Order { side, price, quantity, .. } = *self.orders.get(slot);
        if quantity == 0 {
            return;
        }
        self.waiting[side as usize] -= 1;
        let (ladder, orders) = self.side_mut(side);
        let found = ladder.find(price);
        debug_assert!(found.is_ok(), "an order that waits has a level");
        if let Ok(at) = found {
            let queue = ladder.at_mut(at);
            queue.leave(orders, slot);
            if queue.count == 0 {
                ladder.remove_at(at);
            }
        }
    }

    const fn side_mut(&mut self, side: Side) -> (&mut Ladder<Queue>, &mut Orders) {
        match side {
            Side::Buy => (&mut self.bids, &mut self.orders),
            Side::Sell => (&mut self.asks, &mut self.orders),
        }
    }
}
