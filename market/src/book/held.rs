//! Orders held out of the book because they would cross or lock it (W3).

use serde::{Deserialize, Serialize};

use super::queue::Order;
use crate::event::OrderId;
use crate::instrument::Side;
use crate::num::Price;
use crate::time::Timestamp;

/// The most orders held at a time. One more proves the oldest right at once, as if its time were
/// up: real feeds hold a handful, and a search of them all stays cheap.
pub const MAX_HELD: usize = 1024;

/// An invisible order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HeldOrder {
    pub order: Order,
    /// When it came.
    pub since: Timestamp,
}

/// The held orders, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Held(Vec<HeldOrder>);

/// What hold-out and repair did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HoldStats {
    /// Orders held because they would have locked the book.
    pub locking: u64,
    /// Orders held because they would have crossed it.
    pub crossing: u64,
    /// Held orders deleted while held.
    pub deleted_while_held: u64,
    /// Held orders released into the book.
    pub released: u64,
    /// Visible orders evicted as stale.
    pub evicted: u64,
}

impl HoldStats {
    /// Orders held, for whichever reason.
    pub const fn held(&self) -> u64 {
        self.locking + self.crossing
    }
}

impl Held {
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn push(&mut self, order: HeldOrder) {
        self.0.push(order);
    }

    pub(super) fn find(&self, id: OrderId) -> Option<usize> {
        self.0.iter().position(|o| o.order.id == id)
    }

    pub(super) fn get_mut(&mut self, at: usize) -> &mut Order {
        &mut self.0[at].order
    }

    pub(super) fn remove(&mut self, at: usize) -> Order {
        self.0.remove(at).order
    }

    /// Takes out the oldest order, if it is held for longer than `hold_ns`.
    pub(super) fn take_overdue(&mut self, now: Timestamp, hold_ns: i64) -> Option<Order> {
        let overdue = self.0.first().is_some_and(|o| now.since(o.since) > hold_ns);
        overdue.then(|| self.remove(0))
    }

    /// Takes out the oldest order that reaches the opposite best no longer.
    pub(super) fn take_free(&mut self, best_bid: Option<Price>, best_ask: Option<Price>) -> Option<Order> {
        let is_free = |HeldOrder { order, .. }: &HeldOrder| {
            let opposite = match order.side {
                Side::Buy => best_ask,
                Side::Sell => best_bid,
            };
            opposite.is_none_or(|best| !order.side.reaches(order.price, best))
        };
        let at = self.0.iter().position(is_free)?;
        Some(self.remove(at))
    }
}
