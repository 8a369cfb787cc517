//! A market made up for a load: calm enough that nobody is frightened, and busy enough to be traded.

use market::event::EventKind;
use market::{InstrumentId, LevelChange, MarketEvent, Price, Quantity, Side, SourceId, Timestamp};
use synapse::random::{normal, seed_for};

/// The price step, in units of 1e-9: one cent.
const TICK: i64 = 10_000_000;
const ONE: i64 = 1_000_000_000;
/// Where each bid begins, in ticks: a step is about one basis point of it.
const FIRST_BID: i64 = 9_500;
/// Levels a side.
const DEPTH: i64 = 5;
/// A side is heavy or light by these quantities, on average.
const HEAVY: f64 = 800.0;
const LIGHT: f64 = 200.0;
/// Beyond this a standard normal number lies in 16 % of cases: that often the heavy side changes.
const TURNS_BEYOND: f64 = 1.0;
/// Beyond this in 4 % of cases to either side: that often the price goes a step.
const STEPS_BEYOND: f64 = 1.75;

/// The books of all instruments.
pub(super) struct Market {
    books: Vec<Book>,
}

/// One book: a bid, and an ask a tick above it.
struct Book {
    seed: u64,
    drawn: u64,
    bid: i64,
    buyers: bool,
    is_shown: bool,
}

/// The name of an instrument.
pub(super) fn name(at: usize) -> String {
    format!("LOAD{at:03}")
}

impl Market {
    /// So many books, each drawn by itself from a seed.
    pub(super) fn new(seed: u64, instruments: usize) -> Self {
        let book = |at| Book {
            seed: seed_for(seed, &name(at)),
            drawn: 0,
            bid: FIRST_BID,
            buyers: true,
            is_shown: false,
        };
        Self { books: (0..instruments).map(book).collect() }
    }

    /// What happens next to an instrument, at that time.
    pub(super) fn next(&mut self, at: usize, time: Timestamp) -> MarketEvent {
        let kind = self.books[at].next();
        MarketEvent { instrument: InstrumentId(at as u16), time, source: SourceId(0), position: 0, kind }
    }
}

impl Book {
    fn draw(&mut self) -> f64 {
        self.drawn += 1;
        normal(self.seed, self.drawn)
    }

    /// A full picture at first; then new quantities at the best prices, and now and then a step.
    fn next(&mut self) -> EventKind {
        self.buyers ^= self.draw() > TURNS_BEYOND;
        let step = self.draw();
        let (bid, ask) = if self.buyers { (HEAVY, LIGHT) } else { (LIGHT, HEAVY) };
        let (bid, ask) = (self.quantity(bid), self.quantity(ask));
        if !std::mem::replace(&mut self.is_shown, true) {
            let deeper = (1..DEPTH).flat_map(|k| {
                let (low, high) = (self.bid - k, self.bid + 1 + k);
                [level(Side::Buy, low, HEAVY as i64), level(Side::Sell, high, HEAVY as i64)]
            });
            let best = [level(Side::Buy, self.bid, bid), level(Side::Sell, self.bid + 1, ask)];
            return EventKind::Snapshot(best.into_iter().chain(deeper).collect());
        }
        let mut levels = if step.abs() > STEPS_BEYOND { self.step(step > 0.0) } else { Vec::new() };
        levels.extend([level(Side::Buy, self.bid, bid), level(Side::Sell, self.bid + 1, ask)]);
        EventKind::Levels(levels.into())
    }

    /// Goes a step up or down: a level goes at either end, and one comes.
    fn step(&mut self, is_up: bool) -> Vec<LevelChange> {
        let old = self.bid;
        self.bid += if is_up { 1 } else { -1 };
        if is_up {
            let gone = [level(Side::Sell, old + 1, 0), level(Side::Buy, old + 1 - DEPTH, 0)];
            [gone[0], gone[1], level(Side::Sell, self.bid + DEPTH, HEAVY as i64)].into()
        } else {
            let gone = [level(Side::Buy, old, 0), level(Side::Sell, old + DEPTH, 0)];
            [gone[0], gone[1], level(Side::Buy, self.bid + 1 - DEPTH, HEAVY as i64)].into()
        }
    }

    /// About so much, in whole lots.
    fn quantity(&mut self, about: f64) -> i64 {
        (about * (1.0 + 0.1 * self.draw())).max(1.0) as i64
    }
}

fn level(side: Side, ticks: i64, quantity: i64) -> LevelChange {
    let (price, quantity) = (Price::from_units(ticks * TICK), Quantity::from_units(quantity * ONE));
    LevelChange { side, price, quantity }
}

#[cfg(test)]
mod tests {
    use super::*;
    use market::book::{Applied, Book as Kept};

    #[test]
    fn the_book_never_crosses_and_either_side_is_heavy_half_of_the_time() {
        let mut market = Market::new(1, 2);
        let (mut kept, mut heavy, mut steps) = (Kept::new(0), 0, 0);
        const EVENTS: usize = 5_000;
        let mut before = None;
        for at in 0..EVENTS {
            market.next(1, Timestamp::from_ns(at as i64));
            let event = market.next(0, Timestamp::from_ns(at as i64));
            assert_eq!(kept.apply(&event), Applied::Done, "{event:?}");
            let top = kept.top().expect("both sides");
            assert_eq!(top.ask.price.units() - top.bid.price.units(), TICK);
            heavy += usize::from(top.bid.quantity > top.ask.quantity);
            steps += usize::from(before.replace(top.bid.price).is_some_and(|b| b != top.bid.price));
        }
        assert!((EVENTS / 3..EVENTS * 2 / 3).contains(&heavy), "{heavy}");
        assert!((EVENTS / 30..EVENTS / 5).contains(&steps), "{steps}");
    }

    #[test]
    fn a_seed_has_one_market() {
        let run = |seed| -> Vec<MarketEvent> {
            let mut market = Market::new(seed, 3);
            (0..300).map(|at| market.next(at % 3, Timestamp::from_ns(at as i64))).collect()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }
}
