//! What was seen at the newest samples, so that a change is told without drawing an old frame again.

use serde::{Deserialize, Serialize};

/// A ring of the newest percepts, one a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Past {
    length: usize,
    lag: usize,
    // [lag + 1][length]
    percepts: Vec<f32>,
    count: u64,
}

impl Past {
    /// An empty ring of percepts of `length` numbers, whose oldest is `lag` samples older than its
    /// newest.
    #[must_use]
    pub fn new(length: usize, lag: usize) -> Self {
        Self { length, lag, percepts: vec![0.0; (lag + 1) * length], count: 0 }
    }

    /// Room `[length]` for the percept of a new sample, which takes the place of the oldest.
    pub fn push(&mut self) -> &mut [f32] {
        self.count += 1;
        let slot = self.slot(0);
        &mut self.percepts[slot]
    }

    /// The percept of the newest sample, `[length]`.
    #[must_use]
    pub fn newest(&self) -> Option<&[f32]> {
        self.back(0)
    }

    /// The percept of the sample `lag` before the newest, `[length]`; none until the ring is full.
    #[must_use]
    pub fn oldest(&self) -> Option<&[f32]> {
        self.back(self.lag)
    }

    /// Forgets every percept.
    pub fn clear(&mut self) {
        self.count = 0;
        self.percepts.fill(0.0);
    }

    fn back(&self, samples: usize) -> Option<&[f32]> {
        (self.count > samples as u64).then(|| &self.percepts[self.slot(samples)])
    }

    /// Where the percept stands that is so many samples older than the newest of at least one.
    fn slot(&self, older: usize) -> std::ops::Range<usize> {
        let at = ((self.count - 1 - older as u64) % (self.lag as u64 + 1)) as usize;
        at * self.length..(at + 1) * self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_a_lag_older_than_the_newest() {
        for lag in 0..4 {
            let mut past = Past::new(2, lag);
            assert_eq!((past.newest(), past.oldest()), (None, None));
            for sample in 0..12 {
                past.push().copy_from_slice(&[sample as f32, -1.0]);
                let at = |sample: usize| [sample as f32, -1.0];
                assert_eq!(past.newest(), Some(&at(sample)[..]));
                assert_eq!(past.oldest(), sample.checked_sub(lag).map(at).as_ref().map(|p| &p[..]));
            }
            past.clear();
            assert_eq!(past, Past::new(2, lag));
        }
    }
}
