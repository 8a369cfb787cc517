//! What a book answers to an event.

use crate::num::{Price, Quantity};

/// The highest price a book takes: half of what fixed point holds, so that the sum of two prices
/// never overflows.
pub const MAX_PRICE: Price = Price::from_units(i64::MAX / 2);
/// The most orders a book keeps, held ones included.
pub const MAX_ORDERS: usize = 1_000_000;
/// The most price levels a book keeps on one side.
pub const MAX_LEVELS: usize = 131_072;

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is in the book.
    Done,
    /// It has no meaning for this book, which is as it was.
    Ignored(Ignored),
    /// It cannot be true; the book is as it was.
    Refused(Refused),
}

/// Why an event was ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// No such order was ever added, or it is gone already.
    #[error(
        "names an order that is not in the book: its creation was missed or its end came twice; begin the feed earlier, or leave the row out"
    )]
    UnknownId,
    /// The order was evicted as stale.
    #[error("names an order that was evicted as stale; nothing needs doing")]
    EvictedId,
    /// There is no book to change: a snapshot is awaited.
    #[error("changes a book that is unknown; send a snapshot first")]
    NoBook,
}

/// Why an event was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A quantity that must be greater than 0, or for an L2 total not below it, is not.
    #[error("quantity {0} is not positive; correct the row or drop it")]
    NotPositive(Quantity),
    /// The order's id is in use.
    #[error("order id {0} is in use; end that order first or choose another id")]
    DuplicateId(u64),
    /// A price that no order or quote can have.
    #[error(
        "price {0} is out of range: at least 0 for an order, above 0 for all else, at most {MAX_PRICE}; check the column and its unit"
    )]
    PriceOutOfRange(Price),
    /// The book is full.
    #[error("the book holds {MAX_ORDERS} orders, the most it takes; check that orders are deleted")]
    TooManyOrders,
    /// A side of the book is full.
    #[error("a side holds {MAX_LEVELS} prices, the most it takes; check that levels are removed")]
    TooManyLevels,
    /// A bar whose prices contradict each other, or that ends before it begins.
    #[error(
        "bar of low {low} and high {high} does not hold its own open and close, or has no span; check the columns"
    )]
    BadBar {
        /// Its low.
        low: Price,
        /// Its high.
        high: Price,
    },
    /// A quote with a price that is not positive where there is a quantity.
    #[error("quote of bid {bid} and ask {ask} is out of range; check the columns")]
    BadQuote {
        /// Its bid.
        bid: Price,
        /// Its ask.
        ask: Price,
    },
    /// Orders and level totals for one instrument.
    #[error("mixes orders and level totals in one book; give each feed an instrument of its own")]
    MixedFeeds,
}

impl Applied {
    /// Whether the event is in the book.
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Done)
    }
}

/// Refuses a quantity that is not greater than 0.
pub(super) fn positive(quantity: Quantity) -> Result<(), Refused> {
    if quantity.is_positive() { Ok(()) } else { Err(Refused::NotPositive(quantity)) }
}

/// Refuses a price below `least` or above [`MAX_PRICE`].
pub(super) fn in_range(price: Price, least: i64) -> Result<(), Refused> {
    if (least..=MAX_PRICE.units()).contains(&price.units()) {
        Ok(())
    } else {
        Err(Refused::PriceOutOfRange(price))
    }
}
