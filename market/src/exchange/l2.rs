//! Matching on a book of level totals, or of best quotes only: the queue position is conservative.
//!
//! The queue ahead is the level's total on arrival. Trades at the price shorten it from the front;
//! what else the total loses was cancelled somewhere in the queue, so the part ahead loses its
//! share, rounded against us to a whole lot.

use serde::{Deserialize, Serialize};

use super::desk::Desk;
use super::matching::{Standing, meet, rejoin};
use super::own::{Own, Working};
use crate::book::{L2Book, Level};
use crate::event::{EventKind, LevelChange};
use crate::instrument::Side;
use crate::num::{Price, Quantity};
use crate::order::Liquidity;

/// What the feed shows of the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Depth {
    /// Levels.
    Levels,
    /// The best bid and ask: behind them anything may stand.
    Quotes,
}

/// The historical level totals with what we took taken out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct L2Market {
    book: L2Book,
    depth: Depth,
    known: bool,
}

impl L2Market {
    /// A book of which nothing is known yet.
    pub(super) const fn new(depth: Depth) -> Self {
        Self { book: L2Book::new(), depth, known: false }
    }

    pub(super) const fn depth(&self) -> Depth {
        self.depth
    }

    /// Whether orders can be matched.
    pub(super) const fn is_known(&self) -> bool {
        self.known
    }

    /// Something was missed: nothing fills until a new picture.
    pub(super) const fn on_gap(&mut self) {
        self.known = false;
    }

    pub(super) fn on_event(
        &mut self,
        kind: &EventKind,
        working: &mut Working,
        halted: bool,
        desk: &mut Desk<'_>,
    ) {
        let lot = desk.facts.lot;
        match (kind, self.depth) {
            (EventKind::Levels(levels), Depth::Levels) if self.known => {
                let apply = |book: &mut L2Book| book.update(levels).is_done();
                self.told(levels, working, lot, apply);
            }
            (EventKind::Snapshot(levels), Depth::Levels) => self.on_picture(levels, working, lot),
            (&EventKind::Quote { bid, ask }, Depth::Quotes) => {
                let levels: Vec<LevelChange> = [(Side::Buy, bid), (Side::Sell, ask)]
                    .into_iter()
                    .filter(|(_, (_, quantity))| !quantity.is_zero())
                    .map(|(side, (price, quantity))| LevelChange { side, price, quantity })
                    .collect();
                self.on_picture(&levels, working, lot);
            }
            (&EventKind::Trade { price, quantity, aggressor, .. }, _) if self.known && !halted => {
                on_trade(price, quantity, aggressor, working, desk)
            }
            _ => {}
        }
        self.meet(working, halted, desk);
    }

    /// Lets what crosses own orders meet them.
    pub(super) fn meet(&mut self, working: &mut Working, halted: bool, desk: &mut Desk<'_>) {
        if !working.is_empty() && !halted && self.known {
            meet(self, working, desk);
        }
    }

    /// The whole of what the feed shows; after a gap own orders have lost their places.
    fn on_picture(&mut self, levels: &[LevelChange], working: &mut Working, lot: Quantity) {
        if self.known {
            let apply = |book: &mut L2Book| book.snapshot(levels).is_done();
            self.told(levels, working, lot, apply);
        } else if self.book.snapshot(levels).is_done() {
            self.known = true;
            rejoin(self, working);
        }
    }

    /// Applies new totals, and moves own orders up by what their levels lost.
    fn told(
        &mut self,
        levels: &[LevelChange],
        working: &mut Working,
        lot: Quantity,
        apply: impl FnOnce(&mut L2Book) -> bool,
    ) {
        let before: Vec<Quantity> =
            working.resting_mut().map(|own| self.book.level(own.side, own.price)).collect();
        if !apply(&mut self.book) {
            return;
        }
        for (own, before) in working.resting_mut().zip(before) {
            let after = self.book.level(own.side, own.price);
            let is_named = levels.iter().any(|l| l.side == own.side && l.price == own.price);
            let told = is_named || before != after || self.depth == Depth::Quotes;
            if told && self.shows(own) {
                move_up(own, before, after, lot);
            }
        }
    }

    /// Whether the feed shows what stands at the order's price.
    fn shows(&self, own: &Own) -> bool {
        match self.depth {
            Depth::Levels => true,
            Depth::Quotes => {
                self.book.best(own.side).is_some_and(|best| !own.side.better(best.price, own.price))
            }
        }
    }
}

/// Moves an order up after its level's total went from `before` to `after`.
fn move_up(own: &mut Own, before: Quantity, after: Quantity, lot: Quantity) {
    let place = &mut own.place;
    let standing = before.units() - place.traded.units().min(before.units());
    let cancelled = i128::from((standing - after.units()).max(0));
    let ahead = place.ahead.units().min(standing);
    let share = i128::from(ahead) * cancelled / i128::from(standing.max(1));
    let share = Quantity::from_units(i64::try_from(share).unwrap_or(0)).floor_to(lot);
    let rest = Quantity::from_units(place.ahead.units().saturating_sub(share.units()));
    place.ahead = rest.min(after);
    place.traded = Quantity::ZERO;
}

/// Shares a trade among the own orders it reached, by price, then time: at their price it takes
/// the queue ahead first.
fn on_trade(
    price: Price,
    quantity: Quantity,
    aggressor: Option<Side>,
    working: &mut Working,
    desk: &mut Desk<'_>,
) {
    for side in Side::BOTH {
        if aggressor == Some(side) {
            continue;
        }
        let mut budget = quantity.units();
        for own in working.side_mut(side) {
            let mut reach = budget;
            if own.price == price && aggressor.is_some() {
                let place = &mut own.place;
                let ahead = place.ahead.units().min(budget.max(0));
                place.ahead = Quantity::from_units(place.ahead.units() - ahead);
                place.traded = place.traded.checked_add(quantity).unwrap_or(Quantity::MAX);
                reach = budget - ahead;
            } else if !side.better(own.price, price) {
                break;
            }
            let filled = own.remaining.units().min(reach);
            if filled > 0 {
                budget -= filled;
                desk.fill(own, own.price, Quantity::from_units(filled), Liquidity::Maker);
            }
        }
        working.drop_filled(side);
    }
}

impl Standing for L2Market {
    fn front(&self, side: Side) -> Option<Level> {
        self.book.best(side)
    }

    fn consume(&mut self, side: Side, by: Quantity) {
        if let Some(level) = self.book.best(side) {
            let taken = self.book.take(side, level.price, by);
            debug_assert_eq!(taken, by, "no more is taken than stands");
        }
    }

    fn before(&self, own: &Own, enough: Quantity) -> Quantity {
        let mut before = own.place.ahead.min(self.book.level(own.side, own.price));
        for level in self.book.iter(own.side) {
            if !own.side.better(level.price, own.price) || before >= enough {
                break;
            }
            before = before.checked_add(level.quantity).unwrap_or(Quantity::MAX);
        }
        before
    }

    fn join(&mut self, own: &mut Own) {
        let unseen = self.depth == Depth::Quotes
            && self.book.best(own.side).is_none_or(|best| own.side.better(best.price, own.price));
        own.place.ahead = if unseen { Quantity::MAX } else { self.book.level(own.side, own.price) };
        own.place.traded = Quantity::ZERO;
    }
}
