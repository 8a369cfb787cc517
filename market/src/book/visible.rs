//! The visible orders of an L3 book, by id and by price and time.

use rustc_hash::FxHashMap;

use super::ladder::Ladder;
use super::queue::{Order, Orders, Queue, Slot};
use crate::event::OrderId;
use crate::instrument::Side;
use crate::num::Price;

/// Two ladders of queues and an index.
#[derive(Debug, Clone)]
pub(super) struct Visible {
    bids: Ladder<Queue>,
    asks: Ladder<Queue>,
    orders: Orders,
    index: FxHashMap<OrderId, Slot>,
}

impl Visible {
    pub(super) fn new() -> Self {
        Self {
            bids: Ladder::new(Side::Buy),
            asks: Ladder::new(Side::Sell),
            orders: Orders::default(),
            index: FxHashMap::default(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
        self.orders.clear();
        self.index.clear();
    }

    /// How many orders there are.
    pub(super) fn len(&self) -> usize {
        self.index.len()
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

    /// Puts an order at the back of its level.
    pub(super) fn insert(&mut self, order: Order) {
        let slot = self.orders.insert(order);
        self.index.insert(order.id, slot);
        let (ladder, orders) = self.side_mut(order.side);
        let at = ladder.find(order.price).unwrap_or_else(|at| {
            ladder.insert_at(at, order.price, Queue::new());
            at
        });
        ladder.at_mut(at).join(orders, slot);
    }

    /// Takes an order out, wherever it stands.
    pub(super) fn remove(&mut self, id: OrderId) -> Option<Order> {
        let slot = self.index.remove(&id)?;
        let Order { side, price, .. } = *self.orders.get(slot);
        let (ladder, orders) = self.side_mut(side);
        let found = ladder.find(price);
        debug_assert!(found.is_ok(), "an order has a level");
        if let Ok(at) = found {
            let queue = ladder.at_mut(at);
            queue.leave(orders, slot);
            if queue.is_empty() {
                ladder.remove_at(at);
            }
        }
        Some(self.orders.remove(slot))
    }

    /// Gives an order a new quantity, above 0, in its place; tells whether there is such an order.
    pub(super) fn set_quantity(&mut self, id: OrderId, quantity: i64) -> bool {
        let Some(&slot) = self.index.get(&id) else {
            return false;
        };
        let order = self.orders.get_mut(slot);
        let Order { side, price, quantity: before, .. } = *order;
        order.quantity = quantity;
        let (ladder, _) = self.side_mut(side);
        if let Ok(at) = ladder.find(price) {
            ladder.at_mut(at).total += i128::from(quantity) - i128::from(before);
        }
        true
    }

    /// Takes all orders at the best price of a side out, first come first.
    pub(super) fn pop_best(&mut self, side: Side) -> Vec<Order> {
        let Some((_, queue)) = self.side_mut(side).0.pop_best() else {
            return Vec::new();
        };
        let orders: Vec<Order> = self.queued(&queue).copied().collect();
        for order in &orders {
            if let Some(slot) = self.index.remove(&order.id) {
                self.orders.remove(slot);
            }
        }
        orders
    }

    const fn side_mut(&mut self, side: Side) -> (&mut Ladder<Queue>, &mut Orders) {
        match side {
            Side::Buy => (&mut self.bids, &mut self.orders),
            Side::Sell => (&mut self.asks, &mut self.orders),
        }
    }
}
