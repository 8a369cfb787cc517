//! What a feed says (W2).

use serde::{Deserialize, Serialize};

use crate::instrument::{InstrumentId, Side};
use crate::num::{Price, Quantity};
use crate::time::Timestamp;

/// The venue's number of a historical order.
pub type OrderId = u64;

/// The rank of a feed among those of a run: ties of time go to the lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceId(pub u16);

/// One thing a feed said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarketEvent {
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// When, by the venue's clock.
    pub time: Timestamp,
    /// By which feed.
    pub source: SourceId,
    /// Where in it: the line of the file, from 1, the header included.
    pub position: u64,
    /// What.
    pub kind: EventKind,
}

/// The content of a [`MarketEvent`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum EventKind {
    /// L3: an order appears.
    Add {
        /// The venue's number of it.
        id: OrderId,
        /// Its side, for life.
        side: Side,
        /// Its price, for life; 0 is a market order to sell.
        price: Price,
        /// Its quantity, greater than 0.
        quantity: Quantity,
    },
    /// L3: an order's remaining quantity, greater than 0; it keeps its place.
    Change {
        /// The venue's number of it.
        id: OrderId,
        /// What remains.
        quantity: Quantity,
    },
    /// L3: an order is gone, filled or cancelled.
    Delete {
        /// The venue's number of it.
        id: OrderId,
    },
    /// L3: the book is empty; what follows at the same time is a full picture.
    Clear,
    /// L2: new totals of levels; 0 removes one.
    Levels(Box<[LevelChange]>),
    /// L2: the whole book.
    Snapshot(Box<[LevelChange]>),
    /// The best quote, where a feed has no deeper book or beside it.
    Quote {
        /// The best bid, price and quantity.
        bid: (Price, Quantity),
        /// The best ask, price and quantity.
        ask: (Price, Quantity),
    },
    /// A trade.
    Trade {
        /// At which price.
        price: Price,
        /// How much, greater than 0.
        quantity: Quantity,
        /// The side that took, where the feed tells.
        aggressor: Option<Side>,
        /// The resting order, where the feed tells.
        maker: Option<OrderId>,
    },
    /// A bar, at its close.
    Bar(Bar),
    /// Trading stops.
    Halt,
    /// Trading goes on.
    Resume,
    /// Something was missed: the book is unknown until the next snapshot.
    Gap,
}

/// One side's level and its new total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelChange {
    /// Of which side.
    pub side: Side,
    /// At which price.
    pub price: Price,
    /// The new total; 0 removes the level.
    pub quantity: Quantity,
}

/// Open, high, low, close and volume of a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// When the span began; it ends at the event's time.
    pub open_time: Timestamp,
    /// The first price.
    pub open: Price,
    /// The highest price.
    pub high: Price,
    /// The lowest price.
    pub low: Price,
    /// The last price.
    pub close: Price,
    /// How much traded.
    pub volume: Quantity,
}
