//! What a feed has read so far.

use std::fmt;

use crate::time::Timestamp;

/// How many refused rows are kept by name.
const KEPT_FAULTS: usize = 10;

/// A row that was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// In which file.
    pub file: String,
    /// On which line, from 1, the header included.
    pub line: u64,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// The counts of a feed. `rows = accepted + refused + bookkeeping + ignored` at any moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedStats {
    /// Rows read, without header and blank lines.
    pub rows: u64,
    /// Rows that became events, or part of a snapshot.
    pub accepted: u64,
    /// Rows with a fault.
    pub refused: u64,
    /// Rows that say nothing of the market, such as a capture's own notes.
    pub bookkeeping: u64,
    /// Good rows that cannot be used: updates older than the snapshot, or after a gap.
    pub ignored: u64,
    /// Gaps found; each is an event of its own, beside the row that showed it.
    pub gaps: u64,
    /// Accepted rows that came a little late by the venue's clock and took the time of the row before.
    pub reordered: u64,
    /// Accepted bars whose volume is beyond fixed point and stands at the largest value there is.
    pub capped: u64,
    /// The first ten refused rows.
    pub faults: Vec<RowFault>,
    /// The time of the first event.
    pub first: Option<Timestamp>,
    /// The time of the last event.
    pub last: Option<Timestamp>,
}

impl FeedStats {
    /// Counts a refused row, and keeps it while there is room.
    pub(crate) fn refuse(&mut self, file: &str, line: u64, what: String) {
        self.refused += 1;
        if self.faults.len() < KEPT_FAULTS {
            self.faults.push(RowFault { file: file.to_owned(), line, what });
        }
    }

    /// Notes that an event of this time goes out.
    pub(crate) fn stamp(&mut self, time: Timestamp) {
        self.first.get_or_insert(time);
        self.last = Some(time);
    }

    /// Adds the counts of another feed; the faults are kept up to ten.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.bookkeeping += other.bookkeeping;
        self.ignored += other.ignored;
        self.gaps += other.gaps;
        self.reordered += other.reordered;
        self.capped += other.capped;
        let room = KEPT_FAULTS - self.faults.len().min(KEPT_FAULTS);
        self.faults.extend(other.faults.iter().take(room).cloned());
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = [self.last, other.last].into_iter().flatten().max();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_faults_are_named_and_all_are_counted() {
        let mut stats = FeedStats::default();
        for line in 1..=25 {
            stats.refuse("a.csv", line, "price `x` is not a number".to_owned());
        }
        assert_eq!((stats.refused, stats.faults.len()), (25, 10));
        assert_eq!(stats.faults[9].to_string(), "a.csv:10: price `x` is not a number");
        let mut sum = stats.clone();
        sum.add(&stats);
        assert_eq!((sum.refused, sum.faults.len()), (50, 10));
    }

    #[test]
    fn sums_span_both_feeds() {
        let at = Timestamp::from_ns;
        let one = FeedStats { first: Some(at(5)), last: Some(at(9)), ..FeedStats::default() };
        let mut sum = FeedStats::default();
        sum.add(&one);
        sum.add(&FeedStats { first: Some(at(2)), last: Some(at(3)), ..FeedStats::default() });
        assert_eq!((sum.first, sum.last), (Some(at(2)), Some(at(9))));
    }
}
