//! Our own working orders of one instrument.

use serde::{Deserialize, Serialize};

use crate::instrument::Side;
use crate::num::{Price, Quantity};
use crate::order::{ClientId, NewOrder, OrderKind};
use crate::time::Timestamp;

/// An own order at the venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Own {
    pub(super) id: ClientId,
    pub(super) side: Side,
    pub(super) kind: OrderKind,
    /// The worst price it may trade at; meaningless for a market order.
    pub(super) price: Price,
    pub(super) remaining: Quantity,
    /// Filled over its whole life.
    pub(super) filled: Quantity,
    /// When it, or the replace that gave it its price, was decided.
    pub(super) decided: Timestamp,
    pub(super) place: Place,
}

/// Where an own order stands in its queue, by the kind of book.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// L3: the stamp of its arrival; historical orders of its level with a lower one are ahead.
    pub(super) arrival: u64,
    /// L3: whether nothing was ahead of it when the present instant began.
    pub(super) front: bool,
    /// L2: how much of its level is ahead of it.
    pub(super) ahead: Quantity,
    /// L2: how much traded at its price since its level's total was last told.
    pub(super) traded: Quantity,
    /// No book: whether a bar or trade has come that it could have filled on.
    pub(super) tried: bool,
}

impl Own {
    pub(super) fn new(order: &NewOrder, decided: Timestamp) -> Self {
        Self {
            id: order.id,
            side: order.side,
            kind: order.kind,
            price: order.price,
            remaining: order.quantity,
            filled: Quantity::ZERO,
            decided,
            place: Place::default(),
        }
    }

    /// Whether it may trade at a price.
    pub(super) fn accepts(&self, price: Price) -> bool {
        self.kind == OrderKind::Market || self.side.reaches(self.price, price)
    }

    /// Whether what does not trade at once is cancelled.
    pub(super) fn is_immediate(&self) -> bool {
        matches!(self.kind, OrderKind::Market | OrderKind::ImmediateOrCancel)
    }
}

/// All own orders of an instrument that are not finished.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Working {
    /// By side, best price first, first come first.
    resting: [Vec<Own>; 2],
    /// Without a book: market and IOC orders that wait for a bar or a trade, first come first.
    pub(super) waiting: Vec<Own>,
}

impl Working {
    pub(super) fn is_empty(&self) -> bool {
        self.resting[0].is_empty() && self.resting[1].is_empty() && self.waiting.is_empty()
    }

    /// The resting orders of a side, best price first, first come first.
    pub(super) fn side(&self, side: Side) -> &[Own] {
        &self.resting[side as usize]
    }

    /// The same, to be filled or placed anew.
    pub(super) fn side_mut(&mut self, side: Side) -> &mut [Own] {
        &mut self.resting[side as usize]
    }

    /// All resting orders, buys first, each side in its order.
    pub(super) fn resting_mut(&mut self) -> impl Iterator<Item = &mut Own> {
        self.resting.iter_mut().flatten()
    }

    /// Whether an own order rests at a price.
    pub(super) fn rests_at(&self, side: Side, price: Price) -> bool {
        self.side(side).iter().any(|own| own.price == price)
    }

    /// Lets an order rest behind those of its price.
    pub(super) fn rest(&mut self, own: Own) {
        let orders = &mut self.resting[own.side as usize];
        let at = orders.partition_point(|o| !own.side.better(own.price, o.price));
        orders.insert(at, own);
    }

    /// Drops the filled orders of a side.
    pub(super) fn drop_filled(&mut self, side: Side) {
        self.resting[side as usize].retain(|own| own.remaining.is_positive());
    }

    /// The resting order of that name.
    pub(super) fn find_resting(&self, id: ClientId) -> Option<&Own> {
        self.resting.iter().flatten().find(|own| own.id == id)
    }

    /// Takes an order out, resting or waiting.
    pub(super) fn remove(&mut self, id: ClientId) -> Option<Own> {
        let [buys, sells] = &mut self.resting;
        [buys, sells, &mut self.waiting].into_iter().find_map(|orders| {
            let at = orders.iter().position(|own| own.id == id)?;
            Some(orders.remove(at))
        })
    }

    /// Takes all out: buys, sells, then the waiting.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Own> + use<> {
        let Self { resting: [buys, sells], waiting } = std::mem::take(self);
        buys.into_iter().chain(sells).chain(waiting)
    }
}
