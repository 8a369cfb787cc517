//! What was done lately, for the rules that look back.

use std::collections::VecDeque;

use market::order::NewOrder;
use market::{Money, Price, Quantity, Side, Timestamp};
use serde::{Deserialize, Serialize};

/// An order or a replacement that was approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Approved {
    time: Timestamp,
    side: Side,
    price: Price,
    quantity: Quantity,
    notional: Money,
}

/// The recent orders and fills of one instrument.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    orders: VecDeque<Approved>,
    fills: VecDeque<Timestamp>,
    /// When its last halt began, and whether it is over.
    halt: Option<(Timestamp, bool)>,
}

impl Recent {
    /// Notes an approved order or replacement.
    pub fn note(&mut self, time: Timestamp, order: &NewOrder, notional: Money) {
        let NewOrder { side, price, quantity, .. } = *order;
        self.orders.push_back(Approved { time, side, price, quantity, notional });
    }

    /// Notes a fill.
    pub fn filled(&mut self, time: Timestamp) {
        self.fills.push_back(time);
    }

    /// Notes whether it is halted now.
    pub fn is_halted(&mut self, now: Timestamp, halted: bool) {
        match &mut self.halt {
            Some((_, is_over)) if !*is_over || !halted => *is_over = !halted,
            _ if halted => self.halt = Some((now, false)),
            _ => {}
        }
    }

    /// How long ago its last halt began.
    pub fn halt_age(&self, now: Timestamp) -> Option<i64> {
        self.halt.map(|(began, _)| now.since(began))
    }

    /// Forgets what is older than a span; what is left is bounded by the rate limit.
    pub fn forget(&mut self, now: Timestamp, span_ns: i64) {
        while self.orders.front().is_some_and(|order| now.since(order.time) >= span_ns) {
            self.orders.pop_front();
        }
        while self.fills.front().is_some_and(|time| now.since(*time) >= span_ns) {
            self.fills.pop_front();
        }
    }

    /// How many orders and replacements were approved in a span that ends now, and what they were worth.
    pub fn orders_in(&self, now: Timestamp, span_ns: i64) -> (u64, Money) {
        let within = self.orders.iter().rev().take_while(|order| now.since(order.time) < span_ns);
        within.fold((0, Money::ZERO), |(count, sum), order| (count + 1, sum + order.notional))
    }

    /// How many fills came in a span that ends now.
    pub fn fills_in(&self, now: Timestamp, span_ns: i64) -> u64 {
        self.fills.iter().rev().take_while(|time| now.since(**time) < span_ns).count() as u64
    }

    /// How long ago an order of the same side, price and quantity was approved.
    pub fn since_same(&self, now: Timestamp, order: &NewOrder) -> Option<i64> {
        let same =
            |it: &&Approved| (it.side, it.price, it.quantity) == (order.side, order.price, order.quantity);
        self.orders.iter().rev().find(same).map(|it| now.since(it.time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use market::InstrumentId;
    use market::order::{ClientId, OrderKind};

    const MS_NS: i64 = 1_000_000;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ns(ms * MS_NS)
    }

    fn order(quantity: i64) -> NewOrder {
        let id = ClientId { sequence: 1, instrument: InstrumentId(0), k: 0 };
        let (price, quantity) = (Price::from_units(100), Quantity::from_units(quantity));
        NewOrder { id, side: Side::Buy, kind: OrderKind::Limit, price, quantity }
    }

    #[test]
    fn a_span_holds_what_is_younger_than_it() {
        let mut recent = Recent::default();
        for (ms, units) in [(0, 1), (500, 2), (999, 3)] {
            recent.note(at(ms), &order(units), Money::from_units(10));
            recent.filled(at(ms));
        }
        let second_ns = 1_000 * MS_NS;
        assert_eq!(recent.orders_in(at(999), second_ns), (3, Money::from_units(30)));
        assert_eq!(recent.orders_in(at(1_000), second_ns), (2, Money::from_units(20)));
        assert_eq!(recent.fills_in(at(1_500), second_ns), 1);
        recent.forget(at(1_000), second_ns);
        assert_eq!(recent.orders_in(at(1_000), 9 * second_ns), (2, Money::from_units(20)), "it is forgotten");
    }

    #[test]
    fn a_halt_is_as_old_as_its_beginning_also_when_it_is_over() {
        let mut recent = Recent::default();
        for (ms, halted, age_ms) in [
            (0, false, None),
            (10, true, Some(0)),
            (30, true, Some(20)),
            (50, false, Some(40)),
            (60, true, Some(0)),
        ] {
            recent.is_halted(at(ms), halted);
            assert_eq!(recent.halt_age(at(ms)), age_ms.map(|age: i64| age * MS_NS), "{ms}");
        }
    }

    #[test]
    fn the_same_is_of_one_side_price_and_quantity() {
        let mut recent = Recent::default();
        recent.note(at(0), &order(1), Money::ZERO);
        recent.note(at(200), &order(2), Money::ZERO);
        assert_eq!(recent.since_same(at(499), &order(1)), Some(499 * MS_NS));
        assert_eq!(recent.since_same(at(499), &order(3)), None);
        let other_side = NewOrder { side: Side::Sell, ..order(1) };
        assert_eq!(recent.since_same(at(499), &other_side), None);
    }
}
