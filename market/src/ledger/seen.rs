//! Which execution numbers have been booked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A set of numbers kept as closed ranges: a venue that counts its executions costs one entry,
/// whatever the order they come in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The last number of each range, by its first.
    ranges: BTreeMap<u64, u64>,
}

impl Seen {
    /// Whether `number` is in the set.
    pub fn contains(&self, number: u64) -> bool {
        self.ranges.range(..=number).next_back().is_some_and(|(_, &last)| number <= last)
    }

    /// Adds `number`, joining it to the ranges it touches; false where it was there.
    pub fn insert(&mut self, number: u64) -> bool {
        if self.contains(number) {
            return false;
        }
        let before = self
            .ranges
            .range(..number)
            .next_back()
            .filter(|&(_, &last)| last == number - 1)
            .map(|(&first, _)| first);
        let after = number.checked_add(1).and_then(|next| self.ranges.remove(&next));
        let first = before.unwrap_or(number);
        self.ranges.insert(first, after.unwrap_or(number));
        true
    }

    /// The number up to which, from 1, none is missing; 0 where 1 is.
    pub fn contiguous(&self) -> u64 {
        self.ranges.range(..=1).next_back().map_or(0, |(_, &last)| last)
    }

    /// The highest number.
    pub fn last(&self) -> Option<u64> {
        self.ranges.last_key_value().map(|(_, &last)| last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn counting_costs_one_range() {
        let mut seen = Seen::default();
        for number in [3, 1, 2, 5, 4, u64::MAX, 0] {
            assert!(seen.insert(number), "{number}");
            assert!(!seen.insert(number), "{number}");
        }
        assert_eq!(seen.ranges, BTreeMap::from([(0, 5), (u64::MAX, u64::MAX)]));
    }

    proptest! {
        #[test]
        fn it_is_a_set(numbers in prop::collection::vec(0_u64..40, 0..80)) {
            let (mut seen, mut plain) = (Seen::default(), BTreeSet::new());
            for number in numbers {
                prop_assert_eq!(seen.insert(number), plain.insert(number));
            }
            for number in 0..41 {
                prop_assert_eq!(seen.contains(number), plain.contains(&number));
            }
            let missing = (1..).find(|number| !plain.contains(number));
            prop_assert_eq!(Some(seen.contiguous() + 1), missing);
            prop_assert_eq!(seen.last(), plain.last().copied());
        }
    }
}
