//! Filling orders without a book, on bars or trades alone.
//!
//! A market order fills at the next open or trade plus the half-spread, a limit only where price
//! trades strictly through it, and all own orders together never take more than a share of the
//! volume. A bar counts only if it opened at or after the decision: one that was under way then
//! is known, and fills nothing.

use serde::{Deserialize, Serialize};

use super::desk::Desk;
use super::own::{Own, Working};
use crate::event::EventKind;
use crate::instrument::Side;
use crate::num::{Price, Quantity, SCALE};
use crate::order::{Liquidity, OrderKind, RejectReason};
use crate::time::Timestamp;

/// What fills orders: the first kind that came; the other would tell the same volume twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Source {
    Bars,
    Trades,
}

/// A market of which only prints are known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct PlainMarket {
    source: Option<Source>,
    /// The last price, unless something was missed since.
    last: Option<Price>,
}

/// A bar, or a trade as a bar of one price.
struct Print {
    /// When it began, for a bar.
    since: Option<Timestamp>,
    open: Price,
    high: Price,
    low: Price,
    close: Price,
    volume: Quantity,
}

impl Print {
    fn of(kind: &EventKind) -> Option<(Source, Self)> {
        match *kind {
            EventKind::Bar(bar) => Some((
                Source::Bars,
                Self {
                    since: Some(bar.open_time),
                    open: bar.open,
                    high: bar.high,
                    low: bar.low,
                    close: bar.close,
                    volume: bar.volume,
                },
            )),
            EventKind::Trade { price, quantity, .. } => Some((
                Source::Trades,
                Self { since: None, open: price, high: price, low: price, close: price, volume: quantity },
            )),
            _ => None,
        }
    }

    /// Whether all of it came after the order was decided.
    fn is_after(&self, own: &Own) -> bool {
        self.since.is_none_or(|since| since >= own.decided)
    }

    /// The best price for an order of that side.
    fn extreme(&self, side: Side) -> Price {
        match side {
            Side::Buy => self.low,
            Side::Sell => self.high,
        }
    }
}

impl PlainMarket {
    /// Whether there is a price.
    pub(super) const fn is_known(&self) -> bool {
        self.last.is_some()
    }

    /// Something was missed: there is no price until the next print.
    pub(super) const fn on_gap(&mut self) {
        self.last = None;
    }

    pub(super) fn on_event(
        &mut self,
        kind: &EventKind,
        working: &mut Working,
        halted: bool,
        desk: &mut Desk<'_>,
    ) {
        let Some((source, print)) = Print::of(kind) else {
            return;
        };
        if *self.source.get_or_insert(source) != source {
            return;
        }
        self.last = Some(print.close);
        if halted || working.is_empty() {
            return;
        }
        let mut budget = budget_of(&print, desk);
        fill_waiting(&print, working, &mut budget, desk);
        for side in Side::BOTH {
            for own in working.side_mut(side) {
                fill_resting(&print, own, &mut budget, desk);
            }
            working.drop_filled(side);
        }
    }

    /// Why an order cannot be let in, if so.
    pub(super) fn obstacle(&self, working: &Working, own: &Own) -> Option<RejectReason> {
        let reaches = |other: Price| own.side.reaches(own.price, other);
        if own.kind == OrderKind::PostOnly && self.last.is_some_and(reaches) {
            return Some(RejectReason::WouldTrade);
        }
        let opposite = working.side(own.side.opposite()).first()?;
        let meets_own = own.kind != OrderKind::Market && reaches(opposite.price);
        meets_own.then_some(RejectReason::SelfTrade)
    }

    /// Lets an order in: it waits for the next print.
    pub(super) fn enter(working: &mut Working, mut own: Own) {
        own.place.tried = false;
        if own.is_immediate() {
            working.waiting.push(own);
        } else {
            working.rest(own);
        }
    }
}

/// How much all own orders may take of a print.
fn budget_of(print: &Print, desk: &Desk<'_>) -> Quantity {
    let share = desk.params.volume_share.units().clamp(0, SCALE);
    let units = i128::from(print.volume.units()) * i128::from(share) / i128::from(SCALE);
    let units = i64::try_from(units).unwrap_or(i64::MAX);
    Quantity::from_units(units).floor_to(desk.facts.lot)
}

/// Market and IOC orders fill at the open, in order of arrival; the rest is cancelled.
fn fill_waiting(print: &Print, working: &mut Working, budget: &mut Quantity, desk: &mut Desk<'_>) {
    working.waiting.retain_mut(|own| {
        if !print.is_after(own) {
            return true;
        }
        let price = beyond(own.side, print.open, desk);
        if own.accepts(price) {
            fill_within(own, price, Liquidity::Taker, budget, desk);
        }
        if own.remaining.is_positive() {
            desk.cancel(own);
        }
        false
    });
}

/// A limit fills where price trades strictly through it: at the open like a market order if that is
/// beyond the limit already, else at the limit. A trade counts as an open only for an order that
/// has not seen one: later the limit would have been passed on the way.
fn fill_resting(print: &Print, own: &mut Own, budget: &mut Quantity, desk: &mut Desk<'_>) {
    if !print.is_after(own) {
        return;
    }
    let may_take = own.kind != OrderKind::PostOnly && (print.since.is_some() || !own.place.tried);
    own.place.tried = true;
    if !own.side.better(own.price, print.extreme(own.side)) {
        return;
    }
    let taking = beyond(own.side, print.open, desk);
    let opens_beyond = own.side.better(own.price, print.open);
    if may_take && opens_beyond && own.side.reaches(own.price, taking) {
        fill_within(own, taking, Liquidity::Taker, budget, desk);
    } else {
        fill_within(own, own.price, Liquidity::Maker, budget, desk);
    }
}

/// A price with the half-spread against an order of that side, rounded against it.
fn beyond(side: Side, price: Price, desk: &Desk<'_>) -> Price {
    let whole = 10_000 * i128::from(SCALE);
    let half_spread_bp = i128::from(desk.params.half_spread_bp.units().max(0));
    let half = (i128::from(price.units()) * half_spread_bp + whole - 1) / whole;
    let half = i64::try_from(half).unwrap_or(i64::MAX);
    Price::from_units(match side {
        Side::Buy => price.units().saturating_add(half),
        Side::Sell => price.units().saturating_sub(half).max(1),
    })
}

/// Fills as much of an order as the budget allows.
fn fill_within(
    own: &mut Own,
    price: Price,
    liquidity: Liquidity,
    budget: &mut Quantity,
    desk: &mut Desk<'_>,
) {
    let quantity = own.remaining.min(*budget);
    if quantity.is_positive() {
        *budget = Quantity::from_units(budget.units() - quantity.units());
        desk.fill(own, price, quantity, liquidity);
    }
}
