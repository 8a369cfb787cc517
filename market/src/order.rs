//! Orders and what a venue says of them: the `Broker` seam that the paper exchange and a real
//! venue share.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::instrument::{InstrumentId, Side};
use crate::num::{Money, Price, Quantity};
use crate::time::Timestamp;

/// The name of an order, chosen before its first attempt and unique for ever within a run (G1):
/// the sequence number of the decision's input, the instrument, and a running number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClientId {
    /// The sequence number of the input that was decided on.
    pub sequence: u64,
    /// The instrument.
    pub instrument: InstrumentId,
    /// The place among the orders of one decision.
    pub k: u16,
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.sequence, self.instrument.0, self.k)
    }
}

/// Why a text is not a client id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a client id is `sequence:instrument:k`")]
pub struct ClientIdError;

impl FromStr for ClientId {
    type Err = ClientIdError;
    fn from_str(text: &str) -> Result<Self, ClientIdError> {
        let mut parts = text.splitn(3, ':');
        let mut next = || parts.next().ok_or(ClientIdError);
        Ok(Self {
            sequence: next()?.parse().map_err(|_| ClientIdError)?,
            instrument: InstrumentId(next()?.parse().map_err(|_| ClientIdError)?),
            k: next()?.parse().map_err(|_| ClientIdError)?,
        })
    }
}

/// What kind of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// Rests at its price where it cannot trade at once.
    Limit,
    /// Trades at any price, now; the rest is cancelled.
    Market,
    /// Trades up to its price, now; the rest is cancelled.
    ImmediateOrCancel,
    /// Rests, or is rejected where it would trade at once.
    PostOnly,
}

/// A new order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOrder {
    /// Its name.
    pub id: ClientId,
    /// Buy or sell.
    pub side: Side,
    /// What kind.
    pub kind: OrderKind,
    /// The worst price it may trade at; a market order has none and carries 0.
    pub price: Price,
    /// How much, greater than 0.
    pub quantity: Quantity,
}

/// What may be asked of a venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Place an order.
    Place(NewOrder),
    /// Cancel what rests of one.
    Cancel(ClientId),
    /// Give a resting order a new price and a new total quantity; it loses its place.
    Replace {
        /// Which.
        id: ClientId,
        /// The new price.
        price: Price,
        /// The new total, what has filled included, so that a fill on the way cannot make it more; an
        /// order that has filled so much already is over.
        total: Quantity,
    },
}

impl Request {
    /// The order it is about.
    pub const fn id(&self) -> ClientId {
        match self {
            Self::Place(order) => order.id,
            Self::Cancel(id) | Self::Replace { id, .. } => *id,
        }
    }
}

/// Whether a fill took or rested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Liquidity {
    /// It rested.
    Maker,
    /// It took.
    Taker,
}

/// Why a venue refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// A post-only order would have traded at once.
    WouldTrade,
    /// The instrument is halted.
    Halted,
    /// The book is unknown, so there is nothing to match against.
    NoMarket,
    /// An order of that name was seen before.
    DuplicateId,
    /// No such order rests.
    UnknownOrder,
    /// The price or quantity is no multiple of tick or lot, or not positive.
    Malformed,
    /// It would trade with an own resting order.
    SelfTrade,
}

/// A fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// The venue's number of it, unique within the venue.
    pub execution: u64,
    /// Buy or sell.
    pub side: Side,
    /// At which price.
    pub price: Price,
    /// How much, greater than 0.
    pub quantity: Quantity,
    /// The fee in the instrument's currency; negative is a rebate.
    pub fee: Money,
    /// Whether it took or rested.
    pub liquidity: Liquidity,
    /// What remains of the order.
    pub remaining: Quantity,
}

impl fmt::Display for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { execution, side, price, quantity, fee, remaining, .. } = self;
        write!(f, "execution {execution}: {side} {quantity} at {price}, fee {fee}, {remaining} left")
    }
}

/// What a venue says of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Of which order.
    pub id: ClientId,
    /// When it happened at the venue; it reaches the door later.
    pub time: Timestamp,
    /// What happened.
    pub kind: ReportKind,
}

/// The content of a [`Report`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReportKind {
    /// It is at the venue.
    Accepted,
    /// It never was: terminal.
    Rejected(RejectReason),
    /// It traded; terminal when nothing remains.
    Filled(Fill),
    /// What remained is gone: terminal.
    Cancelled {
        /// Filled over its whole life.
        filled: Quantity,
    },
    /// The session ended with the order working: terminal.
    Expired {
        /// Filled over its whole life.
        filled: Quantity,
    },
    /// It has a new price and remaining quantity.
    Replaced {
        /// The new price.
        price: Price,
        /// The new remaining quantity.
        quantity: Quantity,
    },
    /// A cancel was refused; the order is as it was.
    CancelRejected(RejectReason),
    /// A replace was refused; the order is as it was.
    ReplaceRejected(RejectReason),
}

impl ReportKind {
    /// Whether nothing more can happen to the order.
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::Rejected(_) | Self::Cancelled { .. } | Self::Expired { .. } => true,
            Self::Filled(fill) => fill.remaining.is_zero(),
            _ => false,
        }
    }
}
