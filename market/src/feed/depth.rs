//! Binance's rule for a local order book: a snapshot, and the updates that continue it without a hole.
//!
//! Updates carry the numbers U (first) and u (last) of what they hold; those of futures also pu, the
//! u of the one before. Futures: an update follows when its pu is the last u; the first after a
//! snapshot must reach from no later than it to no earlier (pu ≤ lastUpdateId ≤ u). Spot: an update
//! follows when its U is the last u + 1; the first after a snapshot must hold lastUpdateId + 1.
//! Updates that come before their snapshot are kept until it comes, and those it holds already are
//! dropped.

use std::collections::{BTreeMap, VecDeque};

use crate::event::LevelChange;
use crate::instrument::Side;
use crate::num::{Price, Quantity};
use crate::time::Timestamp;

/// How much is kept while no snapshot comes.
const MOST_UPDATES: usize = 10_000;
const MOST_CHANGES: usize = 1_000_000;

/// One message of changed levels.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    /// U.
    pub(crate) first: u64,
    /// u.
    pub(crate) last: u64,
    /// pu, which only futures have.
    pub(crate) previous: Option<u64>,
    pub(crate) time: Timestamp,
    pub(crate) changes: Vec<LevelChange>,
}

impl Update {
    fn follows(&self, last: u64) -> bool {
        match self.previous {
            Some(previous) => previous == last,
            None => self.first.checked_sub(1) == Some(last),
        }
    }

    /// Whether it is the first after a snapshot.
    fn continues(&self, snapshot: u64) -> bool {
        match self.previous {
            Some(previous) => previous <= snapshot && snapshot <= self.last,
            None => self.first <= snapshot.saturating_add(1) && snapshot < self.last,
        }
    }

    /// Whether a snapshot holds it already.
    fn is_older(&self, snapshot: u64) -> bool {
        match self.previous {
            Some(_) => self.last < snapshot,
            None => self.last <= snapshot,
        }
    }
}

/// The whole book, as asked for.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// `lastUpdateId`.
    pub(crate) last: u64,
    pub(crate) levels: Vec<LevelChange>,
}

/// What a message comes to.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// The book changes.
    Levels(Vec<LevelChange>),
    /// The book begins anew.
    Snapshot {
        /// All levels.
        levels: Vec<LevelChange>,
        /// How many earlier rows went into it: the snapshot and the updates, but for the row that
        /// joined them.
        rows_before: u64,
        /// The time of the last update in it.
        time: Timestamp,
    },
    /// An update is missing.
    Gap,
    /// Nothing for now, or nothing at all.
    Nothing,
}

/// The state of one instrument.
#[derive(Debug)]
pub(crate) enum Depth {
    /// Waits for a snapshot and what continues it.
    Waiting(Waiting),
    /// Follows from update to update.
    Following {
        /// The u of the last.
        last: u64,
        /// A snapshot newer than the book, for the case that something is missing before it.
        spare: Option<Snapshot>,
    },
}

impl Default for Depth {
    fn default() -> Self {
        Self::Waiting(Waiting::default())
    }
}

impl Depth {
    /// Takes an update.
    pub(crate) fn update(&mut self, update: Update) -> Step {
        match self {
            Self::Waiting(waiting) => {
                waiting.keep(update);
                self.join()
            }
            Self::Following { last, .. } if update.last <= *last => Step::Nothing,
            Self::Following { last, .. } if update.follows(*last) => {
                *last = update.last;
                Step::Levels(update.changes)
            }
            Self::Following { spare, .. } => {
                let mut waiting = Waiting { snapshot: spare.take(), ..Waiting::default() };
                waiting.keep(update);
                *self = Self::Waiting(waiting);
                match self.join() {
                    Step::Nothing => Step::Gap,
                    joined => joined,
                }
            }
        }
    }

    /// Takes a snapshot. A book that follows is exact, so one that comes then is only kept.
    pub(crate) fn snapshot(&mut self, new: Snapshot) -> Step {
        match self {
            Self::Waiting(waiting) => {
                waiting.snapshot = Some(new);
                self.join()
            }
            Self::Following { last, spare } => {
                *spare = Some(new).filter(|new| new.last > *last);
                Step::Nothing
            }
        }
    }

    fn join(&mut self) -> Step {
        let Self::Waiting(waiting) = self else {
            return Step::Nothing;
        };
        let Some((last, step)) = waiting.join() else {
            return Step::Nothing;
        };
        *self = Self::Following { last, spare: None };
        step
    }
}

/// What is kept until snapshot and updates meet.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    updates: VecDeque<Update>,
    /// How many changes the updates hold.
    changes: usize,
    snapshot: Option<Snapshot>,
}

impl Waiting {
    /// Keeps an update; those it does not follow are of no more use.
    fn keep(&mut self, update: Update) {
        if self.updates.back().is_some_and(|kept| !update.follows(kept.last)) {
            self.updates.clear();
            self.changes = 0;
        }
        self.changes += update.changes.len();
        self.updates.push_back(update);
        while self.updates.len() > MOST_UPDATES || self.changes > MOST_CHANGES {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.updates.pop_front() {
            self.changes -= oldest.changes.len();
        }
    }

    /// The u of the last update and the book after it, where the snapshot and the updates meet. A
    /// snapshot that is older than the updates can never meet them, and is dropped.
    fn join(&mut self) -> Option<(u64, Step)> {
        let base = self.snapshot.as_ref()?.last;
        while self.updates.front().is_some_and(|u| u.is_older(base)) {
            self.drop_oldest();
        }
        let is_met = self.updates.front()?.continues(base);
        let snapshot = self.snapshot.take().filter(|_| is_met)?;
        let newest = self.updates.back()?;
        let (last, time) = (newest.last, newest.time);
        let rows_before = self.updates.len() as u64;
        let updates = std::mem::take(&mut self.updates);
        let step = Step::Snapshot { levels: fold(snapshot.levels, updates), rows_before, time };
        Some((last, step))
    }
}

/// The levels of a snapshot after some updates, bids first, each side from its lowest price.
fn fold(base: Vec<LevelChange>, updates: VecDeque<Update>) -> Vec<LevelChange> {
    let mut book: BTreeMap<(Side, Price), Quantity> = BTreeMap::new();
    for change in base.into_iter().chain(updates.into_iter().flat_map(|u| u.changes)) {
        let key = (change.side, change.price);
        if change.quantity.is_zero() {
            book.remove(&key);
        } else {
            book.insert(key, change.quantity);
        }
    }
    book.into_iter().map(|((side, price), quantity)| LevelChange { side, price, quantity }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn level(price: i64, quantity: i64) -> LevelChange {
        LevelChange {
            side: Side::Buy,
            price: Price::from_units(price),
            quantity: Quantity::from_units(quantity),
        }
    }

    fn spot(first: u64, last: u64) -> Update {
        Update {
            first,
            last,
            previous: None,
            time: Timestamp::from_ns(last as i64),
            changes: vec![level(last as i64, 1)],
        }
    }

    fn futures(previous: u64, first: u64, last: u64) -> Update {
        Update { previous: Some(previous), ..spot(first, last) }
    }

    fn snapshot(last: u64) -> Snapshot {
        Snapshot { last, levels: vec![level(1, 5), level(2, 0)] }
    }

    fn joined(prices: &[i64], rows_before: u64, time: i64) -> Step {
        let mut levels = vec![level(1, 5)];
        levels.extend(prices.iter().map(|p| level(*p, 1)));
        Step::Snapshot { levels, rows_before, time: Timestamp::from_ns(time) }
    }

    #[test]
    fn spot_updates_are_kept_filtered_and_joined() {
        let mut depth = Depth::default();
        for (first, last) in [(8, 10), (11, 15), (16, 18)] {
            assert_eq!(depth.update(spot(first, last)), Step::Nothing);
        }
        assert_eq!(depth.snapshot(snapshot(12)), joined(&[15, 18], 2, 18));
        assert_eq!(depth.update(spot(19, 19)), Step::Levels(vec![level(19, 1)]));
        assert_eq!(depth.update(spot(19, 19)), Step::Nothing);
        assert_eq!(depth.update(spot(21, 22)), Step::Gap);
        assert_eq!(depth.update(spot(23, 24)), Step::Nothing);
        assert_eq!(depth.snapshot(snapshot(19)), Step::Nothing);
        assert_eq!(depth.snapshot(snapshot(23)), joined(&[24], 1, 24));
    }

    #[test]
    fn a_snapshot_waits_for_the_update_that_continues_it() {
        let mut depth = Depth::default();
        assert_eq!(depth.snapshot(snapshot(20)), Step::Nothing);
        assert_eq!(depth.update(spot(18, 20)), Step::Nothing);
        assert_eq!(depth.update(spot(21, 30)), joined(&[30], 1, 30));
        let mut late = Depth::default();
        assert_eq!(late.snapshot(snapshot(20)), Step::Nothing);
        assert_eq!(late.update(spot(22, 30)), Step::Nothing);
        assert_eq!(late.update(spot(31, 40)), Step::Nothing);
        assert_eq!(late.snapshot(snapshot(35)), joined(&[40], 1, 40));
    }

    #[test]
    fn futures_follow_by_pu() {
        let mut depth = Depth::default();
        assert_eq!(depth.update(futures(4, 7, 9)), Step::Nothing);
        assert_eq!(depth.update(futures(9, 12, 20)), Step::Nothing);
        // the snapshot lies between two updates of this symbol
        assert_eq!(depth.snapshot(snapshot(10)), joined(&[20], 1, 20));
        assert_eq!(depth.update(futures(20, 33, 35)), Step::Levels(vec![level(35, 1)]));
        assert_eq!(depth.update(futures(36, 37, 38)), Step::Gap);
    }

    #[test]
    fn a_spare_snapshot_closes_a_hole_at_once() {
        let mut depth = Depth::default();
        depth.snapshot(snapshot(10));
        assert_eq!(depth.update(spot(11, 12)), joined(&[12], 1, 12));
        assert_eq!(depth.snapshot(snapshot(20)), Step::Nothing);
        assert_eq!(depth.update(spot(21, 22)), joined(&[22], 1, 22));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut waiting = Waiting::default();
        for n in 1..3 * MOST_UPDATES as u64 {
            waiting.keep(spot(n, n));
        }
        assert_eq!(waiting.updates.len(), MOST_UPDATES);
        let mut wide = spot(3 * MOST_UPDATES as u64, 3 * MOST_UPDATES as u64);
        wide.changes = vec![level(1, 1); MOST_CHANGES + 1];
        waiting.keep(wide);
        assert_eq!((waiting.updates.len(), waiting.changes), (0, 0));
    }

    proptest! {
        /// However a snapshot falls among the updates, the book after it is that of all updates.
        #[test]
        fn any_snapshot_gives_the_one_book(sizes in proptest::collection::vec((1_u64..4, 1_i64..6, 0_i64..3), 2..30), at in any::<proptest::sample::Index>(), behind in 0_u64..6) {
            let (mut updates, mut next) = (Vec::new(), 1);
            for (size, price, quantity) in sizes {
                updates.push(Update { changes: vec![level(price, quantity)], ..spot(next, next + size - 1) });
                next += size;
            }
            let book = |updates: &[Update]| fold(Vec::new(), updates.iter().cloned().collect());
            let row = at.index(updates.len());
            let base = updates[row].last.saturating_sub(behind);
            let held = updates.iter().take_while(|u| u.last <= base).count();
            let taken = Snapshot { last: base, levels: book(&updates[..held]) };
            let (mut depth, mut levels) = (Depth::default(), Vec::new());
            for (k, update) in updates.iter().enumerate() {
                let mut steps = vec![depth.update(update.clone())];
                if k == row {
                    steps.push(depth.snapshot(taken.clone()));
                }
                for step in steps {
                    match step {
                        Step::Levels(changes) => levels = fold(levels, [Update { changes, ..update.clone() }].into()),
                        Step::Snapshot { levels: all, .. } => levels = all,
                        Step::Gap => prop_assert!(false, "no gap"),
                        Step::Nothing => {}
                    }
                }
            }
            if held < updates.len() {
                prop_assert_eq!(levels, book(&updates));
            }
        }
    }
}
