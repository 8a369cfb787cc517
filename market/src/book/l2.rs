//! The book of level totals (W3, eq. 44, 45).

use serde::{Deserialize, Serialize};

use super::answer::{self, Applied, MAX_LEVELS, Refused};
use super::ladder::Ladder;
use super::view::Level;
use crate::event::LevelChange;
use crate::instrument::Side;
use crate::num::{Price, Quantity};

/// A book of totals by price, at most [`MAX_LEVELS`] a side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct L2Book {
    bids: Ladder<Total>,
    asks: Ladder<Total>,
}

/// What rests at a price, in units of 1e-9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Total {
    /// As the feed has it.
    announced: i64,
    /// What of it the exchange consumed.
    taken: i64,
}

impl Total {
    const fn rest(self) -> i64 {
        self.announced - self.taken
    }
}

impl Default for L2Book {
    fn default() -> Self {
        Self::new()
    }
}

impl L2Book {
    /// An empty book.
    pub const fn new() -> Self {
        Self { bids: Ladder::new(Side::Buy), asks: Ladder::new(Side::Sell) }
    }

    /// Replaces the whole book; what was consumed at a price stays consumed while it has a total.
    pub fn snapshot(&mut self, levels: &[LevelChange]) -> Applied {
        if let Err(refused) = check(levels, 0) {
            return Applied::Refused(refused);
        }
        self.bids = rebuilt(&self.bids, Side::Buy, levels);
        self.asks = rebuilt(&self.asks, Side::Sell, levels);
        Applied::Done
    }

    /// Applies new totals, all or, where one of them cannot be, none.
    pub fn update(&mut self, levels: &[LevelChange]) -> Applied {
        if let Err(refused) = check(levels, self.bids.len().max(self.asks.len())) {
            return Applied::Refused(refused);
        }
        for change in levels {
            self.set(change.side, change.price, change.quantity.units());
        }
        Applied::Done
    }

    /// Takes up to `by` at a price for good, and tells how much: what the exchange consumed of
    /// history is not consumed twice. It stays consumed until the level's total falls below it.
    pub fn take(&mut self, side: Side, price: Price, by: Quantity) -> Quantity {
        let ladder = self.ladder_mut(side);
        let Ok(at) = ladder.find(price) else {
            return Quantity::ZERO;
        };
        let total = ladder.at_mut(at);
        let taken = by.units().clamp(0, total.rest());
        total.taken += taken;
        Quantity::from_units(taken)
    }

    /// The best price of a side with something left, and what is left.
    pub fn best(&self, side: Side) -> Option<Level> {
        self.iter(side).next()
    }

    /// Writes the best levels of a side, best first, and tells how many.
    pub fn levels(&self, side: Side, into: &mut [Level]) -> usize {
        let mut written = 0;
        for (slot, level) in into.iter_mut().zip(self.iter(side)) {
            *slot = level;
            written += 1;
        }
        written
    }

    /// The levels of a side with something left, best first.
    pub fn iter(&self, side: Side) -> impl Iterator<Item = Level> {
        self.ladder(side)
            .iter()
            .filter(|(_, total)| total.rest() > 0)
            .map(|(price, total)| Level { price, quantity: Quantity::from_units(total.rest()) })
    }

    /// What is left at a price.
    pub fn level(&self, side: Side, price: Price) -> Quantity {
        let rest = self.ladder(side).get(price).map_or(0, |total| total.rest());
        Quantity::from_units(rest)
    }

    fn set(&mut self, side: Side, price: Price, announced: i64) {
        let ladder = self.ladder_mut(side);
        match ladder.find(price) {
            Ok(at) if announced == 0 => ladder.remove_at(at),
            Ok(at) => {
                let total = ladder.at_mut(at);
                total.announced = announced;
                total.taken = total.taken.min(announced);
            }
            Err(_) if announced == 0 => {}
            Err(at) => ladder.insert_at(at, price, Total { announced, taken: 0 }),
        }
    }

    const fn ladder(&self, side: Side) -> &Ladder<Total> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    const fn ladder_mut(&mut self, side: Side) -> &mut Ladder<Total> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

/// Refuses totals below 0, prices that are not positive, and more levels than a side takes.
fn check(levels: &[LevelChange], present: usize) -> Result<(), Refused> {
    if present + levels.len() > MAX_LEVELS {
        return Err(Refused::TooManyLevels);
    }
    for change in levels {
        answer::in_range(change.price, 1)?;
        if change.quantity < Quantity::ZERO {
            return Err(Refused::NotPositive(change.quantity));
        }
    }
    Ok(())
}

/// A side of a snapshot; of a price that is named twice the later total stands.
fn rebuilt(old: &Ladder<Total>, side: Side, levels: &[LevelChange]) -> Ladder<Total> {
    let totals = levels.iter().filter(|change| change.side == side);
    Ladder::collect(
        side,
        totals.map(|change| {
            let announced = change.quantity.units();
            let taken = old.get(change.price).map_or(0, |total| total.taken);
            let total = Total { announced, taken: taken.min(announced) };
            (change.price, total)
        }),
        |total| total.announced > 0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(side: Side, at: i64, total: i64) -> LevelChange {
        LevelChange { side, price: Price::from_units(at), quantity: Quantity::from_units(total) }
    }

    fn sells(book: &L2Book) -> Vec<(i64, i64)> {
        book.iter(Side::Sell).map(|level| (level.price.units(), level.quantity.units())).collect()
    }

    fn update(book: &mut L2Book, at: i64, total: i64) {
        assert!(book.update(&[change(Side::Sell, at, total)]).is_done());
    }

    #[test]
    fn totals_are_replaced_and_removed() {
        let mut book = L2Book::new();
        let levels = [(20, 5), (10, 4), (30, 0), (10, 7)].map(|(at, total)| change(Side::Sell, at, total));
        assert!(book.snapshot(&levels).is_done());
        assert_eq!(sells(&book), [(10, 7), (20, 5)], "the later of two totals stands");
        update(&mut book, 15, 1);
        update(&mut book, 20, 0);
        update(&mut book, 40, 0);
        assert_eq!(sells(&book), [(10, 7), (15, 1)]);
        assert_eq!(book.best(Side::Buy), None);
        assert!(book.snapshot(&[change(Side::Buy, 9, 1)]).is_done());
        assert_eq!(sells(&book), []);
        assert_eq!(book.level(Side::Buy, Price::from_units(9)).units(), 1);
    }

    #[test]
    fn a_bad_total_refuses_the_whole_update() {
        let mut book = L2Book::new();
        let good = change(Side::Sell, 10, 4);
        for (bad, refused) in [
            (change(Side::Buy, 9, -1), Refused::NotPositive(Quantity::from_units(-1))),
            (change(Side::Buy, 0, 1), Refused::PriceOutOfRange(Price::ZERO)),
            (change(Side::Buy, i64::MAX, 1), Refused::PriceOutOfRange(Price::MAX)),
        ] {
            assert_eq!(book.update(&[good, bad]), Applied::Refused(refused));
            assert_eq!(book.snapshot(&[good, bad]), Applied::Refused(refused));
        }
        assert_eq!(book, L2Book::new());
        let many = vec![good; MAX_LEVELS + 1];
        assert_eq!(book.update(&many), Applied::Refused(Refused::TooManyLevels));
    }

    #[test]
    fn what_was_taken_stays_taken_while_the_total_holds_it() {
        let mut book = L2Book::new();
        let at = Price::from_units(10);
        update(&mut book, 10, 8);
        update(&mut book, 11, 1);
        assert_eq!(book.take(Side::Sell, at, Quantity::from_units(5)).units(), 5);
        assert_eq!(sells(&book), [(10, 3), (11, 1)]);
        update(&mut book, 10, 9);
        assert_eq!(sells(&book), [(10, 4), (11, 1)]);
        update(&mut book, 10, 4);
        assert_eq!(sells(&book), [(11, 1)], "nothing is left of 4 when 5 were taken");
        assert_eq!(book.best(Side::Sell).map(|l| l.price.units()), Some(11));
        update(&mut book, 10, 6);
        assert_eq!(sells(&book), [(10, 2), (11, 1)], "4 stay taken");
        assert_eq!(book.take(Side::Sell, at, Quantity::MAX).units(), 2);
        assert!(book.snapshot(&[change(Side::Sell, 10, 7)]).is_done());
        assert_eq!(sells(&book), [(10, 1)]);
        update(&mut book, 10, 0);
        update(&mut book, 10, 7);
        assert_eq!(sells(&book), [(10, 7)], "a level that was gone comes anew");
        assert_eq!(book.take(Side::Buy, at, Quantity::MAX).units(), 0);
    }
}
