//! How many faults of regions are borne.

use std::collections::VecDeque;

use market::Timestamp;

use crate::config::DaemonParams;

/// So many more faults than are borne end the daemon.
const HOPELESS: usize = 32;

/// The faults of late, in event time.
#[derive(Debug)]
pub(super) struct Faults {
    max: usize,
    within_ns: i64,
    recent: VecDeque<Timestamp>,
    count: u64,
}

impl Faults {
    pub fn new(params: &DaemonParams) -> Self {
        let within_ns = i64::from(params.faults_within_s) * 1_000_000_000;
        Self { max: params.faults_max as usize, within_ns, recent: VecDeque::new(), count: 0 }
    }

    /// How many there were.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Whether the latch has not ended them: what it is set by fails too.
    pub fn are_hopeless(&self) -> bool {
        self.recent.len() > self.max + HOPELESS
    }

    /// Notes one; true where there are more than are borne.
    pub fn note(&mut self, time: Timestamp) -> bool {
        self.count += 1;
        self.recent.push_back(time);
        while self.recent.front().is_some_and(|first| time.since(*first) > self.within_ns) {
            self.recent.pop_front();
        }
        self.recent.len() > self.max
    }
}
