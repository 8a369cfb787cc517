//! The ids of evicted orders, of which a feed may still speak.

use std::collections::VecDeque;

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use crate::event::OrderId;

/// The most evicted ids remembered; the oldest is forgotten first.
pub const MAX_EVICTED: usize = 65_536;

/// Ids, oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "VecDeque<OrderId>", into = "VecDeque<OrderId>")]
pub(super) struct Evicted {
    ids: VecDeque<OrderId>,
    index: FxHashSet<OrderId>,
}

impl Evicted {
    pub(super) fn contains(&self, id: OrderId) -> bool {
        !self.ids.is_empty() && self.index.contains(&id)
    }

    /// Remembers an id that is not remembered yet.
    pub(super) fn push(&mut self, id: OrderId) {
        if self.ids.len() == MAX_EVICTED
            && let Some(oldest) = self.ids.pop_front()
        {
            self.index.remove(&oldest);
        }
        self.ids.push_back(id);
        self.index.insert(id);
    }

    pub(super) fn clear(&mut self) {
        self.ids.clear();
        self.index.clear();
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = OrderId> {
        self.ids.iter().copied()
    }
}

impl PartialEq for Evicted {
    fn eq(&self, other: &Self) -> bool {
        self.ids == other.ids
    }
}

impl From<VecDeque<OrderId>> for Evicted {
    fn from(ids: VecDeque<OrderId>) -> Self {
        let mut evicted = Self::default();
        for id in ids {
            evicted.push(id);
        }
        evicted
    }
}

impl From<Evicted> for VecDeque<OrderId> {
    fn from(evicted: Evicted) -> Self {
        evicted.ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut evicted = Evicted::default();
        for id in 0..=MAX_EVICTED as OrderId {
            evicted.push(id);
        }
        assert!(!evicted.contains(0));
        assert!(evicted.contains(1) && evicted.contains(MAX_EVICTED as OrderId));
        let copy = Evicted::from(VecDeque::from(evicted.clone()));
        assert!(copy == evicted && copy.contains(1) && !copy.contains(0));
    }
}
