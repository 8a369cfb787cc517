//! Things that are due at a time.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A queue by due time; what is due together keeps the order in which it was put in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Schedule<T>(VecDeque<(Timestamp, T)>);

impl<T> Default for Schedule<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Schedule<T> {
    /// Puts something in; nearly always it goes to the back.
    pub(super) fn put(&mut self, due: Timestamp, what: T) {
        let later = self.0.iter().rev().take_while(|(t, _)| *t > due).count();
        self.0.insert(self.0.len() - later, (due, what));
    }

    /// When the first is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.0.front().map(|(due, _)| *due)
    }

    /// Takes the first out.
    pub(super) fn pop(&mut self) -> Option<(Timestamp, T)> {
        self.0.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_sorts_and_keeps_the_order_of_equals(dues in prop::collection::vec(0_i64..6, 0..40)) {
            let mut schedule = Schedule::default();
            let mut expected = Vec::new();
            for (n, due) in dues.into_iter().enumerate() {
                schedule.put(Timestamp::from_ns(due), n);
                expected.push((Timestamp::from_ns(due), n));
            }
            expected.sort();
            prop_assert_eq!(schedule.next_due(), expected.first().map(|(due, _)| *due));
            let got: Vec<_> = std::iter::from_fn(|| schedule.pop()).collect();
            prop_assert_eq!(got, expected);
        }
    }
}
