//! A parent order and what of it is due: its children are judged like every other order.

use market::order::ClientId;
use market::{Quantity, Side, Timestamp};
use serde::{Deserialize, Serialize};
use synapse::{Plan, Sensed};

use crate::orders::add;

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
    /// The most that one step of its plan asks for; nothing where it has no steps.
    largest: Quantity,
    /// The step by the clock, and what had filled when it began.
    step: (i64, Quantity),
    began: Timestamp,
    /// The position when it began, signed.
    base: Quantity,
    /// What has traded in the market since.
    volume: f64,
}

impl ParentOrder {
    /// A parent that begins now.
    pub fn new(
        id: ClientId,
        side: Side,
        total: Quantity,
        plan: Plan,
        began: Timestamp,
        base: Quantity,
    ) -> Self {
        let (largest, step) = (largest_step(&plan), (0, Quantity::ZERO));
        Self { id, side, total, child: None, plan, largest, step, began, base, volume: 0.0 }
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

    /// Notes what has traded in the market since the last sample.
    pub fn traded(&mut self, sensed: &Sensed) {
        let volume = sensed.context.volume.map_or(0.0, f64::from);
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

    /// How much of it is due by now. What is behind its plan is caught up no faster than the plan ever goes: in one
    /// step no more is asked for than its largest.
    pub fn due(&mut self, now: Timestamp, position: Quantity, lot: Quantity) -> Quantity {
        let elapsed_ns = now.since(self.began);
        let due = self.plan.due(self.total, elapsed_ns, self.volume, lot);
        let (Plan::Trajectory { period_ns, .. }, true) = (&self.plan, self.largest.is_positive()) else {
            return due;
        };
        let step = elapsed_ns / (*period_ns).max(1);
        if step != self.step.0 {
            self.step = (step, self.filled(position));
        }
        due.min(add(self.step.1, self.largest))
    }

    /// Whether nothing is left of it.
    pub fn is_over(&self, position: Quantity) -> bool {
        self.filled(position) >= self.total
    }
}

/// The most that one step of a plan asks for.
fn largest_step(plan: &Plan) -> Quantity {
    let Plan::Trajectory { cumulative, .. } = plan else { return Quantity::ZERO };
    let before = std::iter::once(&Quantity::ZERO).chain(cumulative);
    let steps = cumulative.iter().zip(before).map(|(to, from)| to.units().saturating_sub(from.units()));
    Quantity::from_units(steps.max().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use market::InstrumentId;
    use synapse::Context;

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
        let mut parent = parent(Side::Buy, 0);
        let due = |(ns, filled): (i64, i64)| parent.due(Timestamp::from_ns(1_000 + ns), q(filled), q(1));
        let moments = [(0, 0), (99, 3), (100, 4), (199, 8), (200, 8), (10_000, 8)];
        assert_eq!(moments.map(due), [4, 4, 8, 8, 10, 10].map(q));
    }

    #[test]
    fn no_step_asks_for_more_than_the_largest_of_the_plan() {
        let mut parent = parent(Side::Buy, 0);
        let due = |(ns, filled): (i64, i64)| parent.due(Timestamp::from_ns(1_000 + ns), q(filled), q(1));
        // all is due long since: 4 in this step, whatever fills of them, and what is left in the next ones
        let moments = [(900, 1), (950, 1), (999, 5), (1_000, 5), (1_100, 8)];
        assert_eq!(moments.map(due), [5, 5, 5, 9, 10].map(q));
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
        for volume in [4.0, f32::NAN, -3.0, 3.0] {
            let context = Context { volume: Some(volume), ..Context::default() };
            parent.traded(&Sensed { context, ..scenes::sensed() });
        }
        assert_eq!(parent.due(Timestamp::from_ns(99), q(0), q(whole)), q(3 * whole));
        assert_eq!(
            parent.due(Timestamp::from_ns(100), q(0), q(whole)),
            q(10 * whole),
            "at the end all of it"
        );
    }
}
