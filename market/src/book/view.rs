//! What a book shows (eq. 44, 45).

use serde::{Deserialize, Serialize};

use super::held::HoldStats;
use super::queue::Order;
use crate::event::OrderId;
use crate::instrument::Side;
use crate::num::{Price, Quantity, SCALE};
use crate::time::Timestamp;

/// What a book says of itself (W3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookState {
    /// Nothing came yet, or something was missed and the next snapshot is awaited.
    #[default]
    Unknown,
    /// A side, or both, is empty.
    OneSided,
    /// The best bid is below the best ask.
    Ok,
    /// The best bid equals the best ask.
    Locked,
    /// The best bid is above the best ask.
    Crossed,
    /// There is no book, only bars or trades.
    Synthetic,
}

/// A price and what rests there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Level {
    /// The price.
    pub price: Price,
    /// The total of its orders; one beyond fixed point reads as the largest there is.
    pub quantity: Quantity,
}

impl Level {
    /// A level of that total, or of the largest that fixed point holds.
    pub(super) fn of_total(price: Price, total: i128) -> Self {
        Self { price, quantity: Quantity::from_units(i64::try_from(total).unwrap_or(i64::MAX)) }
    }
}

/// The best bid and ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Top {
    /// The best bid.
    pub bid: Level,
    /// The best ask.
    pub ask: Level,
}

impl Top {
    /// The best of a side.
    pub const fn side(&self, side: Side) -> Level {
        match side {
            Side::Buy => self.bid,
            Side::Sell => self.ask,
        }
    }

    /// Twice the mid, exactly: bid + ask in units of 1e-9.
    pub const fn mid2(&self) -> i64 {
        self.bid.price.units().saturating_add(self.ask.price.units())
    }

    /// Ask − bid; 0 when locked, negative when crossed.
    pub const fn spread(&self) -> Price {
        Price::from_units(self.ask.price.units().saturating_sub(self.bid.price.units()))
    }

    /// The mid.
    pub fn mid_f64(&self) -> f64 {
        self.mid2() as f64 / (2.0 * SCALE as f64)
    }

    /// The microprice: the bid weighted by the ask's quantity and the ask by the bid's.
    pub fn microprice_f64(&self) -> f64 {
        let (bid_quantity, ask_quantity) = (self.bid.quantity.to_f64(), self.ask.quantity.to_f64());
        let share = bid_quantity / (bid_quantity + ask_quantity);
        self.bid.price.to_f64() + self.spread().to_f64() * share
    }

    /// (microprice − mid) in bp of the mid: what buying at the mid is expected to gain. `None` where
    /// the mid is not above 0 or nothing rests.
    pub fn micro_edge_bp(&self) -> Option<f64> {
        let mid = self.mid_f64();
        let edge_bp = 1e4 * (self.microprice_f64() - mid) / mid;
        (mid > 0.0 && edge_bp.is_finite()).then_some(edge_bp)
    }
}

/// A visible order of an L3 book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderView {
    /// The venue's number of it.
    pub id: OrderId,
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price: Price,
    /// What remains of it.
    pub quantity: Quantity,
    /// When it joined its queue: the lower of two at one price stands ahead.
    pub arrival: u64,
}

/// A trade, or the close of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastTrade {
    /// At which price.
    pub price: Price,
    /// How much; of a bar its volume.
    pub quantity: Quantity,
    /// When.
    pub time: Timestamp,
}

/// What a book went through so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BookStats {
    /// What hold-out and repair did; all 0 without an L3 feed.
    pub hold: HoldStats,
    /// Rows of orders, levels and quotes after which the visible book was crossed.
    pub crossed_rows: u64,
    /// Rows of orders, levels and quotes after which the visible book was locked.
    pub locked_rows: u64,
}

impl From<&Order> for OrderView {
    fn from(order: &Order) -> Self {
        Self {
            id: order.id,
            side: order.side,
            price: order.price,
            quantity: Quantity::from_units(order.quantity),
            arrival: order.arrival,
        }
    }
}
