//! A parent order and what of it is due: its children are judged like every other order.

use market::order::ClientId;
use market::{Quantity, Side, Timestamp};
use serde::{Deserialize, Serialize};
use synapse::Plan;

/// An order that is sent in parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParentOrder {
    /// Its name: that of its first child, and before there is one that of the sample it began with.
    pub id: ClientId,
    /// Its side.
    pub side: Side,
    /// How much it is in all.
    pub total: Quantity,
    /// Its newest child: only that is ever replaced by another.
    child: Option<ClientId>,
    plan: Plan,
    began: Timestamp,
    /// The position when it began, signed.
    base: Quantity,
    /// What has traded in the market since.
    volume: f64,
}

impl ParentOrder {
    /// A parent that begins now.
    pub const fn new(
        id: ClientId,
        side: Side,
        total: Quantity,
        plan: Plan,
        began: Timestamp,
        base: Quantity,
    ) -> Self {
        Self { id, side, total, child: None, plan, began, base, volume: 0.0 }
    }

    /// Whether an order is its newest child.
    pub fn is_of(&self, id: ClientId) -> bool {
        self.child == Some(id)
    }

    /// Notes that another child is placed.
    pub fn bears(&mut self, id: ClientId) {
        if self.child.replace(id).is_none() {
            self.id = id;
        }
    }

    /// Notes what has traded in the market.
    pub fn traded(&mut self, volume: f64) {
        if volume > 0.0 && volume.is_finite() {
            self.volume += volume;
        }
    }

    /// How much of it has filled, by the position now.
    pub fn filled(&self, position: Quantity) -> Quantity {
        let moved = i128::from(position.units()) - i128::from(self.base.units());
        let filled = (moved * i128::from(self.side.sign())).clamp(0, i128::from(self.total.units()));
        Quantity::from_units(filled as i64)
    }

    /// How much of it is due by now.
    pub fn due(&self, now: Timestamp, lot: Quantity) -> Quantity {
        self.plan.due(self.total, now.since(self.began), self.volume, lot)
    }

    /// Whether nothing is left of it.
    pub fn is_over(&self, position: Quantity) -> bool {
        self.filled(position) >= self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use market::InstrumentId;

    fn q(units: i64) -> Quantity {
        Quantity::from_units(units)
    }

    fn parent(side: Side, base: i64) -> ParentOrder {
        let id = ClientId { sequence: 1, instrument: InstrumentId(0), k: 0 };
        let plan = Plan::Trajectory { period_ns: 100, cumulative: vec![q(4), q(8), q(10)] };
        ParentOrder::new(id, side, q(10), plan, Timestamp::from_ns(1_000), q(base))
    }

    #[test]
    fn what_is_due_follows_the_plan() {
        let due = |ns: i64| parent(Side::Buy, 0).due(Timestamp::from_ns(1_000 + ns), q(1));
        assert_eq!([0, 99, 100, 199, 200, 10_000].map(due), [4, 4, 8, 8, 10, 10].map(q));
    }

    #[test]
    fn what_has_filled_is_told_by_the_position() {
        let sold = parent(Side::Sell, 7);
        assert_eq!([7, 4, -3, -9, 8].map(|at| sold.filled(q(at))), [0, 3, 10, 10, 0].map(q));
        assert!(sold.is_over(q(-3)) && !sold.is_over(q(-2)));
    }

    #[test]
    fn a_share_of_what_trades_is_due() {
        let id = ClientId { sequence: 1, instrument: InstrumentId(0), k: 0 };
        let plan = Plan::Participation { rate: 0.5, end_ns: 100 };
        let whole = 1_000_000_000;
        let mut parent = ParentOrder::new(id, Side::Buy, q(10 * whole), plan, Timestamp::from_ns(0), q(0));
        for volume in [4.0, f64::NAN, -3.0, 3.0] {
            parent.traded(volume);
        }
        assert_eq!(parent.due(Timestamp::from_ns(99), q(whole)), q(3 * whole));
        assert_eq!(parent.due(Timestamp::from_ns(100), q(whole)), q(10 * whole), "at the end all of it");
    }
}
