//! Price-time matching of own orders against a book, whatever its depth.

use super::desk::Desk;
use super::own::{Own, Working};
use crate::book::Level;
use crate::instrument::Side;
use crate::num::Quantity;
use crate::order::{Liquidity, OrderKind, RejectReason};

/// What rests in the visible book, one portion after the other: orders of an L3 book, levels of
/// an L2 one.
pub(super) trait Standing {
    /// The portion that the next incoming order meets.
    fn front(&self, side: Side) -> Option<Level>;
    /// Takes so much of that portion for good; at most all of it.
    fn consume(&mut self, side: Side, by: Quantity);
    /// How much an incoming order meets before it meets this own one; counting stops at `enough`.
    fn before(&self, own: &Own, enough: Quantity) -> Quantity;
    /// Puts an own order at the tail of its level.
    fn join(&mut self, own: &mut Own);
}

/// Why an order cannot be let in, if so.
pub(super) fn obstacle(book: &impl Standing, working: &Working, own: &Own) -> Option<RejectReason> {
    let opposite = own.side.opposite();
    let front = book.front(opposite);
    if own.kind == OrderKind::PostOnly && front.is_some_and(|front| own.accepts(front.price)) {
        return Some(RejectReason::WouldTrade);
    }
    let resting = working.side(opposite).first()?;
    let meets_own = own.accepts(resting.price) && book.before(resting, own.remaining) < own.remaining;
    meets_own.then_some(RejectReason::SelfTrade)
}

/// Lets an arriving order in: it trades with what it reaches, at the prices that stand there; what
/// is left rests at the tail of its level, or is cancelled.
pub(super) fn enter(book: &mut impl Standing, working: &mut Working, mut own: Own, desk: &mut Desk<'_>) {
    let opposite = own.side.opposite();
    while own.remaining.is_positive()
        && let Some(front) = book.front(opposite)
        && own.accepts(front.price)
    {
        let quantity = own.remaining.min(front.quantity);
        book.consume(opposite, quantity);
        desk.fill(&mut own, front.price, quantity, Liquidity::Taker);
    }
    if own.remaining.is_zero() {
        return;
    }
    if own.is_immediate() {
        desk.cancel(&own);
        return;
    }
    book.join(&mut own);
    working.rest(own);
}

/// Lets what became visible and crosses own resting orders meet them, at their price.
///
/// Nothing visible crosses an own order before, so what does is new.
pub(super) fn meet(book: &mut impl Standing, working: &mut Working, desk: &mut Desk<'_>) {
    for side in Side::BOTH {
        let opposite = side.opposite();
        while let Some(own) = working.side_mut(side).first_mut()
            && let Some(front) = book.front(opposite)
            && side.reaches(own.price, front.price)
        {
            let quantity = own.remaining.min(front.quantity);
            book.consume(opposite, quantity);
            desk.fill(own, own.price, quantity, Liquidity::Maker);
            working.drop_filled(side);
        }
    }
}

/// Lets all own orders join anew, at the tail of their levels.
pub(super) fn rejoin(book: &mut impl Standing, working: &mut Working) {
    for own in working.resting_mut() {
        book.join(own);
    }
}
