//! What the basal ganglia choose between.

use std::fmt;

use market::Side;
use serde::{Deserialize, Serialize};

/// An action (39). The order is that of every vector over actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Be long.
    Buy,
    /// Be short.
    Sell,
    /// Keep what is held.
    Hold,
}

impl Action {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Buy, Self::Sell, Self::Hold];
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Its place in vectors over actions.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The side of its orders.
    pub const fn side(self) -> Option<Side> {
        match self {
            Self::Buy => Some(Side::Buy),
            Self::Sell => Some(Side::Sell),
            Self::Hold => None,
        }
    }

    /// 1 for buy, −1 for sell, 0 for hold.
    pub const fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
            Self::Hold => 0,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
            Self::Hold => "hold",
        })
    }
}
