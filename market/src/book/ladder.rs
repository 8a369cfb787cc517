//! The prices of one side of a book, sorted, best last.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::instrument::Side;
use crate::num::Price;

/// Values by price. Most of what happens in a market happens near the best price, so a search
/// gallops from there; a book that is loaded best first grows at the other end for free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ladder<T> {
    side: Side,
    rungs: VecDeque<Rung<T>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Rung<T> {
    /// The price with the sign that makes higher better.
    rank: i64,
    value: T,
}

impl<T> Ladder<T> {
    pub(super) const fn new(side: Side) -> Self {
        Self { side, rungs: VecDeque::new() }
    }

    /// A ladder of these values by price, of which the last for a price stands if `keep` says so.
    pub(super) fn collect(
        side: Side,
        values: impl Iterator<Item = (Price, T)>,
        keep: impl Fn(&T) -> bool,
    ) -> Self {
        let mut ladder = Self::new(side);
        let mut rungs: Vec<Rung<T>> =
            values.map(|(price, value)| Rung { rank: ladder.rank(price), value }).collect();
        // stable and in reverse, so that the last of equals comes first and is the one to stay
        rungs.reverse();
        rungs.sort_by_key(|r| r.rank);
        rungs.dedup_by_key(|r| r.rank);
        rungs.retain(|r| keep(&r.value));
        ladder.rungs = rungs.into();
        ladder
    }

    pub(super) fn len(&self) -> usize {
        self.rungs.len()
    }

    pub(super) fn clear(&mut self) {
        self.rungs.clear();
    }

    fn rank(&self, price: Price) -> i64 {
        match self.side {
            Side::Buy => price.units(),
            Side::Sell => price.units().saturating_neg(),
        }
    }

    fn price(&self, rank: i64) -> Price {
        Price::from_units(rank.saturating_mul(self.side.sign()))
    }

    /// The best price and its value.
    pub(super) fn best(&self) -> Option<(Price, &T)> {
        self.rungs.back().map(|r| (self.price(r.rank), &r.value))
    }

    /// Takes the best price out.
    pub(super) fn pop_best(&mut self) -> Option<(Price, T)> {
        let rung = self.rungs.pop_back()?;
        Some((self.price(rung.rank), rung.value))
    }

    /// Prices and values, best first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Price, &T)> {
        self.rungs.iter().rev().map(|r| (self.price(r.rank), &r.value))
    }

    /// Where a price stands, or where it would be inserted.
    pub(super) fn find(&self, price: Price) -> Result<usize, usize> {
        let rank = self.rank(price);
        let mut high = self.rungs.len();
        let mut step = 1;
        // all from `high` on are better than or equal to the one sought, all before `low` worse
        let low = loop {
            if high < step {
                break 0;
            }
            let at = high - step;
            if self.rungs[at].rank < rank {
                break at + 1;
            }
            high = at;
            step *= 2;
        };
        let mut low = low;
        while low < high {
            let middle = low + (high - low) / 2;
            if self.rungs[middle].rank < rank {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        match self.rungs.get(low) {
            Some(rung) if rung.rank == rank => Ok(low),
            _ => Err(low),
        }
    }

    pub(super) fn get(&self, price: Price) -> Option<&T> {
        self.find(price).ok().map(|at| &self.rungs[at].value)
    }

    /// The value at a place that [`Ladder::find`] gave.
    pub(super) fn at_mut(&mut self, at: usize) -> &mut T {
        &mut self.rungs[at].value
    }

    pub(super) fn insert_at(&mut self, at: usize, price: Price, value: T) {
        let rank = self.rank(price);
        debug_assert!(at == 0 || self.rungs[at - 1].rank < rank, "sorted");
        debug_assert!(self.rungs.get(at).is_none_or(|r| r.rank > rank), "sorted");
        self.rungs.insert(at, Rung { rank, value });
    }

    pub(super) fn remove_at(&mut self, at: usize) {
        self.rungs.remove(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_sorted_map(prices in proptest::collection::vec(-40_i64..40, 0..200), buy: bool) {
            let side = if buy { Side::Buy } else { Side::Sell };
            let mut ladder = Ladder::new(side);
            let mut map = std::collections::BTreeMap::new();
            for (n, &units) in prices.iter().enumerate() {
                let price = Price::from_units(units);
                match ladder.find(price) {
                    Ok(at) if n % 3 == 0 => {
                        ladder.remove_at(at);
                        map.remove(&units);
                    }
                    Ok(at) => {
                        *ladder.at_mut(at) = n;
                        map.insert(units, n);
                    }
                    Err(at) => {
                        ladder.insert_at(at, price, n);
                        map.insert(units, n);
                    }
                }
                let mut expected: Vec<(i64, usize)> = map.iter().map(|(&p, &v)| (p, v)).collect();
                if buy {
                    expected.reverse();
                }
                let got: Vec<(i64, usize)> = ladder.iter().map(|(p, &v)| (p.units(), v)).collect();
                prop_assert_eq!(&got, &expected);
                prop_assert_eq!(ladder.best().map(|(p, &v)| (p.units(), v)), expected.first().copied());
                prop_assert_eq!(ladder.len(), expected.len());
            }
        }
    }
}
