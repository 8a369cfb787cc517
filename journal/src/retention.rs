//! Retention (J10): the disk budget, and which segments go when it is used up.

use std::collections::VecDeque;

use crate::survey::BlockAt;

/// Which blocks begin the segments, and how much they all may take.
#[derive(Debug)]
pub(crate) struct Retention {
    budget_bytes: u64,
    starts: VecDeque<u64>,
}

impl Retention {
    /// Of a tape with these blocks.
    pub fn new(budget_bytes: u64, blocks: &[BlockAt]) -> Self {
        let of_segments = blocks.chunk_by(|before, block| before.segment == block.segment);
        let starts = of_segments.filter_map(|segment| Some(segment.first()?.header.number)).collect();
        Self { budget_bytes, starts }
    }

    /// A segment was begun with this block.
    pub fn begun(&mut self, block: u64) {
        self.starts.push_back(block);
    }

    /// How much the segments may take.
    pub fn budget_bytes(&self) -> u64 {
        self.budget_bytes
    }

    /// Whether so many bytes are more than four fifths of the budget.
    pub fn is_short(&self, bytes: u64) -> bool {
        bytes > self.budget_bytes / 5 * 4
    }

    /// The block up to which the oldest segment should go: the tape is over its budget, and no block
    /// from `keep_from` on goes with it.
    pub fn due(&self, bytes: u64, keep_from: u64) -> Option<u64> {
        let next = *self.starts.get(1)?;
        (bytes > self.budget_bytes && next <= keep_from).then_some(next)
    }

    /// The oldest segment went.
    pub fn dropped(&mut self) {
        self.starts.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_over_budget_unless_it_is_kept_or_the_only_one() {
        let mut retention = Retention::new(100, &[]);
        retention.begun(0);
        assert_eq!(retention.due(101, u64::MAX), None, "it is being written");
        retention.begun(7);
        retention.begun(9);
        assert_eq!(retention.due(100, u64::MAX), None);
        assert_eq!(retention.due(101, 6), None, "block 6 is in it");
        assert_eq!(retention.due(101, 7), Some(7));
        retention.dropped();
        assert_eq!(retention.due(101, 7), None);
        assert_eq!(retention.due(101, 9), Some(9));
        assert_eq!((retention.is_short(80), retention.is_short(81)), (false, true));
    }
}
