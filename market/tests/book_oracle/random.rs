//! Random histories of orders, hostile ones among them, told to both books.

use market::book::HoldStats;
use market::{Applied, Ignored, L3Book, Level, Price, Quantity, Side, Timestamp};
use proptest::prelude::*;

use super::slow_book::{Answer, Counts, Mistake, SlowBook, SlowOrder};

/// One thing done to a book.
#[derive(Debug, Clone, Copy)]
enum Step {
    Wait(i64),
    Add { id: u64, side: Side, price: i64, quantity: i64 },
    Change { id: u64, quantity: i64 },
    Delete { id: u64 },
    Stamp,
    Clear,
    Reread,
}

fn id() -> impl Strategy<Value = u64> {
    prop_oneof![30 => 1_u64..25, 1 => Just(0), 1 => Just(u64::MAX), 1 => (0_u32..64).prop_map(|b| 1 << b)]
}

fn price() -> impl Strategy<Value = i64> {
    prop_oneof![
        40 => 95_i64..106,
        1 => Just(0),
        1 => Just(-1),
        1 => Just(i64::MAX / 2),
        1 => Just(i64::MAX),
        1 => Just(i64::MIN),
    ]
}

fn quantity() -> impl Strategy<Value = i64> {
    prop_oneof![30 => 1_i64..9, 1 => Just(0), 1 => Just(-3), 1 => Just(i64::MAX), 1 => Just(i64::MIN)]
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0_i64..4).prop_map(Step::Wait),
        40 => (id(), side(), price(), quantity())
            .prop_map(|(id, side, price, quantity)| Step::Add { id, side, price, quantity }),
        10 => (id(), quantity()).prop_map(|(id, quantity)| Step::Change { id, quantity }),
        30 => id().prop_map(|id| Step::Delete { id }),
        1 => Just(Step::Stamp),
        1 => Just(Step::Clear),
        1 => Just(Step::Reread),
    ]
}

/// Both books, and the clock.
struct Pair {
    book: L3Book,
    slow: SlowBook,
    holds: bool,
    time: Timestamp,
}

impl Pair {
    fn new(hold_ns: Option<i64>, mistake: Mistake) -> Self {
        Self {
            book: hold_ns.map_or_else(L3Book::raw, L3Book::new),
            slow: SlowBook::new(hold_ns, mistake),
            holds: hold_ns.is_some(),
            time: Timestamp::from_ns(0),
        }
    }

    /// Does a step to both, and tells the first thing in which they differ.
    fn step(&mut self, step: Step) -> Result<(), String> {
        let answers = match step {
            Step::Wait(ns) => {
                self.time = self.time.plus(ns);
                self.book.advance(self.time);
                self.slow.advance(self.time);
                (Answer::Done, Answer::Done)
            }
            Step::Add { id, side, price, quantity } => {
                let price = Price::from_units(price);
                let order = SlowOrder { id, side, price, quantity, arrival: 0 };
                let added = self.book.add(id, side, price, Quantity::from_units(quantity), self.time);
                (answer(added), self.slow.add(order, self.time))
            }
            Step::Change { id, quantity } => {
                let quantity = Quantity::from_units(quantity);
                (answer(self.book.change(id, quantity)), self.slow.change(id, quantity))
            }
            Step::Delete { id } => (answer(self.book.delete(id)), self.slow.delete(id)),
            Step::Stamp => {
                self.slow.arrivals += 1;
                differ("stamp", self.book.next_arrival(), self.slow.arrivals)?;
                (Answer::Done, Answer::Done)
            }
            Step::Clear => {
                self.book.clear();
                self.slow.clear();
                (Answer::Done, Answer::Done)
            }
            Step::Reread => {
                let text = serde_json::to_string(&self.book).map_err(|e| e.to_string())?;
                let copy: L3Book = serde_json::from_str(&text).map_err(|e| e.to_string())?;
                if copy != self.book {
                    return Err(format!("read back differently: {text}"));
                }
                self.book = copy;
                (Answer::Done, Answer::Done)
            }
        };
        differ("answer", answers.0, answers.1)?;
        self.compare()
    }

    fn compare(&self) -> Result<(), String> {
        differ("held", self.book.held_count(), self.slow.held.len())?;
        differ("counts", counts(self.book.stats()), self.slow.counts)?;
        let evicted: Vec<u64> = self.slow.evicted.iter().map(|order| order.id).collect();
        differ("evicted", self.book.evicted().collect::<Vec<_>>(), evicted)?;
        for side in [Side::Buy, Side::Sell] {
            self.compare_side(side)?;
        }
        let tops = [Side::Buy, Side::Sell].map(|side| self.book.best(side));
        if let [Some(bid), Some(ask)] = tops
            && self.holds
            && bid.price >= ask.price
        {
            return Err(format!("locked or crossed: {bid:?} {ask:?}"));
        }
        Ok(())
    }

    fn compare_side(&self, side: Side) -> Result<(), String> {
        let slow: Vec<SlowOrder> = self.slow.queues(side).flat_map(|(_, queue)| queue).copied().collect();
        let ours: Vec<_> = self.book.best_orders(side).collect();
        let told = |o: &SlowOrder| (o.id, o.side, o.price.units(), o.quantity, o.arrival);
        differ(
            "orders",
            ours.iter().map(|o| (o.id, o.side, o.price.units(), o.quantity.units(), o.arrival)).collect(),
            slow.iter().map(told).collect::<Vec<_>>(),
        )?;
        for order in &ours {
            differ("order by id", self.book.order(order.id), Some(*order))?;
        }

        let mut levels = vec![Level::default(); 64];
        let count = self.book.levels(side, &mut levels);
        levels.truncate(count);
        let mut expected = Vec::new();
        for (price, queue) in self.slow.queues(side) {
            let total: i128 = queue.iter().map(|order| i128::from(order.quantity)).sum();
            let quantity = Quantity::from_units(total.min(i128::from(i64::MAX)) as i64);
            expected.push(Level { price, quantity });
            let front = queue.front().map(|order| order.arrival);
            differ("front", self.book.front_arrival(side, price), front)?;
        }
        differ("best", self.book.best(side), expected.first().copied())?;
        differ("levels", levels, expected)
    }
}

fn differ<T: PartialEq + std::fmt::Debug>(what: &str, ours: T, expected: T) -> Result<(), String> {
    if ours == expected { Ok(()) } else { Err(format!("{what}: {ours:?}, and not {expected:?}")) }
}

pub fn answer(applied: Applied) -> Answer {
    match applied {
        Applied::Done => Answer::Done,
        Applied::Ignored(Ignored::EvictedId) => Answer::Evicted,
        Applied::Ignored(_) => Answer::Unknown,
        Applied::Refused(_) => Answer::Refused,
    }
}

pub fn counts(stats: HoldStats) -> Counts {
    Counts {
        locking: stats.locking,
        crossing: stats.crossing,
        deleted_while_held: stats.deleted_while_held,
        released: stats.released,
        evicted: stats.evicted,
    }
}

fn first_difference(hold_ns: Option<i64>, mistake: Mistake, steps: &[Step]) -> Option<String> {
    let mut pair = Pair::new(hold_ns, mistake);
    steps
        .iter()
        .enumerate()
        .find_map(|(n, step)| pair.step(*step).err().map(|what| format!("after step {n}, {step:?}: {what}")))
}

proptest! {
    #[test]
    fn the_book_does_what_the_slow_one_does(
        hold_ns in proptest::option::weighted(0.9, 0_i64..6),
        steps in proptest::collection::vec(step(), 1..250),
    ) {
        prop_assert_eq!(first_difference(hold_ns, Mistake::None, &steps), None);
    }
}

/// The comparison is worth something: each planted mistake is caught by a history that is not.
#[test]
fn planted_mistakes_are_caught() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let histories: Vec<Vec<Step>> = (0..40)
        .map(|_| proptest::collection::vec(step(), 400).new_tree(&mut runner).expect("a history").current())
        .collect();
    let caught =
        |mistake| histories.iter().filter_map(|steps| first_difference(Some(2), mistake, steps)).count();
    assert_eq!(caught(Mistake::None), 0);
    for mistake in [
        Mistake::QueueOffByOne,
        Mistake::ChangeLosesPlace,
        Mistake::ShowsLocking,
        Mistake::EvictsOneLevel,
        Mistake::ReleasesYoungest,
        Mistake::RepairsEarly,
    ] {
        assert!(caught(mistake) > 0, "{mistake:?} was not caught");
    }
}
