//! An L3 book as it is written and read: its orders without the structures around them, so that the
//! bytes tell the state and nothing of how it is kept.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::answer::MAX_ORDERS;
use super::evicted::Evicted;
use super::held::{Held, HoldStats, MAX_HELD};
use super::l3::L3Book;
use super::queue::Order;
use crate::instrument::Side;
use crate::time::Timestamp;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct L3Image {
    hold_ns: Option<i64>,
    now: Timestamp,
    arrivals: u64,
    stats: HoldStats,
    /// Bids and asks, each best first, a level from its front.
    orders: Vec<Order>,
    held: Held,
    evicted: Evicted,
}

impl L3Image {
    fn of(book: &L3Book) -> Self {
        let mut orders: Vec<Order> = Vec::with_capacity(book.visible.len());
        for side in Side::BOTH {
            for (_, queue) in book.visible.ladder(side).iter() {
                orders.extend(book.visible.queued(queue));
            }
        }
        Self {
            hold_ns: book.hold_ns,
            now: book.now,
            arrivals: book.arrivals,
            stats: book.stats,
            orders,
            held: book.held.clone(),
            evicted: book.evicted.clone(),
        }
    }

    /// The book of the image, or what is wrong with it.
    fn restore(self) -> Result<L3Book, &'static str> {
        if self.orders.len() + self.held.len() > MAX_ORDERS || self.held.len() > MAX_HELD {
            return Err("more orders than a book takes");
        }
        let mut book = L3Book::with_hold(self.hold_ns);
        for order in self.orders {
            if order.quantity <= 0 || book.visible.contains(order.id) {
                return Err("an order twice, or of which nothing remains");
            }
            book.visible.insert(order);
        }
        book.now = self.now;
        book.arrivals = self.arrivals;
        book.stats = self.stats;
        book.held = self.held;
        book.evicted = self.evicted;
        Ok(book)
    }
}

impl PartialEq for L3Book {
    fn eq(&self, other: &Self) -> bool {
        L3Image::of(self) == L3Image::of(other)
    }
}

impl Serialize for L3Book {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        L3Image::of(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for L3Book {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        L3Image::deserialize(deserializer)?.restore().map_err(D::Error::custom)
    }
}
