//! Hard limits (G2, G8): what one order is tested against before it may leave.
//!
//! Each test is crisp, inclusive and exact; beside it stands a soft truth that never decides
//! (46, 47). What is unknown, stale or not finite fails (R5).

use std::collections::VecDeque;

use market::order::{NewOrder, OrderKind};
use market::{Instrument, Money, Price, Quantity, Side, Timestamp};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use synapse::{Limit, RuleTruth};

use crate::constraints::margin_truth;

market::params! {
    /// The limits of one instrument. None has a default: without all of them nothing trades.
    pub struct Limits in "limits" {
        /// The largest quantity of one order.
        order_size: Quantity = Quantity::ZERO, "quantity", 1e-9, 9.2e9;
        /// The largest position, long or short, if everything outstanding fills.
        position: Quantity = Quantity::ZERO, "quantity", 1e-9, 9.2e9;
        /// The largest notional of one order.
        notional: Money = Money::ZERO, "currency", 1e-9, 1e15;
        /// The largest notional of all positions of the account if everything outstanding fills; what only
        /// reduces a position passes.
        capital: Money = Money::ZERO, "currency", 1e-9, 1e15;
        /// The farthest an order's price may be from the mid.
        collar: f64 = 0.0, "bp", 0.001, 10_000.0;
        /// The most orders and replacements in any second.
        rate: u32 = 0, "1/s", 1.0, 100_000.0;
        /// The shortest time between two orders of the same side, price and quantity.
        duplicate: u32 = 0, "ms", 1.0, 86_400_000.0;
    }
}

const SECOND_NS: i64 = 1_000_000_000;
const MS_NS: i64 = 1_000_000;
/// How sharply the soft truth falls around the bound, as in the slippage rule (17).
const SHARPNESS: f64 = 10.0;

/// What an order is tested in the light of.
#[derive(Debug, Clone, Copy)]
pub struct Exposure {
    /// The position by fills, signed.
    pub position: Quantity,
    /// What else is outstanding on the order's side.
    pub reserved: Quantity,
    /// The notional of everything else the account holds or may come to hold.
    pub elsewhere: Money,
    /// What is outstanding on the other side.
    pub reserved_opposite: Quantity,
    /// Twice the mid; absent where there is none.
    pub mark2: Option<i64>,
}

/// The recent orders of one instrument, for the limits that look back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    times: VecDeque<Timestamp>,
    orders: VecDeque<(Timestamp, Side, Price, Quantity)>,
}

impl Recent {
    /// Notes an approved order or replacement.
    pub fn note(&mut self, now: Timestamp, order: &NewOrder) {
        self.times.push_back(now);
        self.orders.push_back((now, order.side, order.price, order.quantity));
    }

    /// Forgets what no limit looks back to; what is left is bounded by the rate limit.
    pub fn forget(&mut self, now: Timestamp, limits: &Limits) {
        while self.times.front().is_some_and(|t| now.since(*t) >= SECOND_NS) {
            self.times.pop_front();
        }
        let window_ns = i64::from(limits.duplicate) * MS_NS;
        while self.orders.front().is_some_and(|(t, ..)| now.since(*t) >= window_ns) {
            self.orders.pop_front();
        }
    }

    fn since_same(&self, now: Timestamp, order: &NewOrder) -> Option<i64> {
        let same = |(_, side, price, quantity): &&(Timestamp, Side, Price, Quantity)| {
            (*side, *price, *quantity) == (order.side, order.price, order.quantity)
        };
        self.orders.iter().rev().find(same).map(|(t, ..)| now.since(*t))
    }
}

/// Tests an order against every limit, in the order of [`Limit::ALL`].
pub fn test(
    limits: &Limits,
    instrument: &Instrument,
    now: Timestamp,
    order: &NewOrder,
    exposure: &Exposure,
    recent: &Recent,
) -> SmallVec<[RuleTruth; 7]> {
    let rule = |limit| match limit {
        Limit::OrderSize => at_most(
            limit,
            order.quantity.to_f64(),
            limits.order_size.to_f64(),
            order.quantity.is_positive() && order.quantity <= limits.order_size,
        ),
        Limit::Position => {
            let reach = side_reach(exposure.position, exposure.reserved, order);
            at_most(
                limit,
                units(reach),
                limits.position.to_f64(),
                reach <= i128::from(limits.position.units()),
            )
        }
        Limit::Notional => money(
            limit,
            price_of(order, exposure).map(|p| instrument.notional(p, order.quantity).abs()),
            limits.notional,
        ),
        Limit::Capital => {
            let value = capital(instrument, order, exposure);
            let rule = money(limit, value, limits.capital);
            // what can only bring the position nearer to zero is the way back below the limit
            let passed = rule.passed || (value.is_some() && is_reduction(order, exposure));
            RuleTruth { passed, ..rule }
        }
        Limit::Collar => {
            let distance = collar_bp(order, exposure.mark2);
            at_most(limit, distance, limits.collar, distance <= limits.collar)
        }
        Limit::Rate => {
            let count = recent.times.len() + 1;
            at_most(limit, count as f64, f64::from(limits.rate), count <= limits.rate as usize)
        }
        Limit::Duplicate => duplicate(recent.since_same(now, order), limits.duplicate),
    };
    Limit::ALL.iter().map(|limit| rule(*limit)).collect()
}

/// The position on the order's side if everything outstanding there fills, in units.
fn side_reach(position: Quantity, reserved: Quantity, order: &NewOrder) -> i128 {
    let held = i128::from(position.units()) * i128::from(order.side.sign());
    held + i128::from(reserved.units()) + i128::from(order.quantity.units())
}

/// Whether an order cannot cross zero, whatever fills (G2).
fn is_reduction(order: &NewOrder, exposure: &Exposure) -> bool {
    exposure.position.units().signum() == -order.side.sign()
        && side_reach(exposure.position, exposure.reserved, order) <= 0
}

/// The price to value an order at: its own, or the mid where it names none.
fn price_of(order: &NewOrder, exposure: &Exposure) -> Option<Price> {
    match order.kind {
        OrderKind::Market => exposure.mark2.map(|twice| Price::from_units(twice / 2)),
        _ => Some(order.price),
    }
    .filter(|price| price.is_positive())
}

/// The account's notional if everything outstanding fills to the worse side.
fn capital(instrument: &Instrument, order: &NewOrder, exposure: &Exposure) -> Option<Money> {
    let mark = exposure.mark2.map(|twice| Price::from_units(twice / 2)).filter(|p| p.is_positive())?;
    let own = side_reach(exposure.position, exposure.reserved, order);
    let opposite = i128::from(exposure.reserved_opposite.units())
        - i128::from(exposure.position.units()) * i128::from(order.side.sign());
    let worse = i64::try_from(own.max(opposite)).unwrap_or(i64::MAX);
    Some(instrument.notional(mark, Quantity::from_units(worse)).abs() + exposure.elsewhere)
}

/// Distance of the order's price from the mid, bp; not a number where there is no mid.
fn collar_bp(order: &NewOrder, mark2: Option<i64>) -> f64 {
    match (order.kind, mark2.filter(|m| *m > 0)) {
        (_, None) => f64::NAN,
        (OrderKind::Market, Some(_)) => 0.0,
        (_, Some(_)) if !order.price.is_positive() => f64::NAN,
        (_, Some(twice)) => {
            let distance = (2 * i128::from(order.price.units()) - i128::from(twice)).unsigned_abs();
            distance as f64 * 1e4 / twice as f64
        }
    }
}

fn duplicate(since_ns: Option<i64>, window_ms: u32) -> RuleTruth {
    let (value, bound) =
        (since_ns.map_or(f64::from(window_ms) * 2.0, |ns| ns as f64 / MS_NS as f64), f64::from(window_ms));
    let passed = since_ns.is_none_or(|ns| ns >= i64::from(window_ms) * MS_NS);
    RuleTruth { limit: Limit::Duplicate, value, bound, passed, truth: soft(value - bound, bound) }
}

fn money(limit: Limit, value: Option<Money>, bound: Money) -> RuleTruth {
    at_most(limit, value.map_or(f64::NAN, Money::to_f64), bound.to_f64(), value.is_some_and(|v| v <= bound))
}

fn at_most(limit: Limit, value: f64, bound: f64, passed: bool) -> RuleTruth {
    RuleTruth { limit, value, bound, passed, truth: soft(bound - value, bound) }
}

/// The soft truth of a margin (46): one half at the bound; 0 for what is not a number.
fn soft(margin: f64, bound: f64) -> f64 {
    margin_truth(margin, bound, SHARPNESS)
}

fn units(value: i128) -> f64 {
    value as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use market::InstrumentId;
    use market::order::ClientId;
    use scenes::instrument;

    fn q(text: &str) -> Quantity {
        text.parse().expect("a quantity")
    }

    fn limits() -> Limits {
        Limits {
            order_size: q("10000"),
            position: q("10000"),
            notional: "500000".parse().expect("money"),
            capital: "1000000".parse().expect("money"),
            collar: 500.0,
            rate: 50,
            duplicate: 500,
        }
    }

    fn order(side: Side, price: &str, quantity: &str) -> NewOrder {
        let id = ClientId { sequence: 1, instrument: InstrumentId(0), k: 0 };
        NewOrder {
            id,
            side,
            kind: OrderKind::Limit,
            price: price.parse().expect("a price"),
            quantity: q(quantity),
        }
    }

    fn calm() -> Exposure {
        Exposure {
            position: Quantity::ZERO,
            reserved: Quantity::ZERO,
            elsewhere: Money::ZERO,
            reserved_opposite: Quantity::ZERO,
            mark2: Some(200_000_000_000),
        }
    }

    fn refused(order: &NewOrder, exposure: &Exposure, recent: &Recent) -> Vec<Limit> {
        let now = Timestamp::from_ns(10 * SECOND_NS);
        let rules = test(&limits(), &instrument(), now, order, exposure, recent);
        assert!(rules.iter().all(|r| (0.0..=1.0).contains(&r.truth)));
        rules.iter().filter(|r| !r.passed).map(|r| r.limit).collect()
    }

    #[test]
    fn limits_are_inclusive() {
        let none = Recent::default();
        assert_eq!(refused(&order(Side::Buy, "105.00", "1"), &calm(), &none), []);
        assert_eq!(refused(&order(Side::Buy, "105.01", "1"), &calm(), &none), [Limit::Collar]);
        assert_eq!(refused(&order(Side::Sell, "95.00", "1"), &calm(), &none), []);
        assert_eq!(refused(&order(Side::Sell, "94.99", "1"), &calm(), &none), [Limit::Collar]);
        assert_eq!(refused(&order(Side::Buy, "100", "5000"), &calm(), &none), []);
        assert_eq!(refused(&order(Side::Buy, "100", "5001"), &calm(), &none), [Limit::Notional]);
        let cheap = Exposure { mark2: Some(2_000_000_000), ..calm() };
        assert_eq!(
            refused(&order(Side::Buy, "1", "10001"), &cheap, &none),
            [Limit::OrderSize, Limit::Position]
        );
    }

    #[test]
    fn capital_counts_what_is_held_elsewhere() {
        let held = |elsewhere: &str| Exposure { elsewhere: elsewhere.parse().expect("money"), ..calm() };
        let none = Recent::default();
        assert_eq!(refused(&order(Side::Buy, "100", "500"), &held("950000"), &none), []);
        assert_eq!(refused(&order(Side::Buy, "100", "501"), &held("950000"), &none), [Limit::Capital]);
    }

    #[test]
    fn a_reduction_is_the_way_back_below_the_capital() {
        let none = Recent::default();
        let long = Exposure { position: q("100"), elsewhere: "999000".parse().expect("money"), ..calm() };
        assert_eq!(refused(&order(Side::Buy, "100", "1"), &long, &none), [Limit::Capital]);
        assert_eq!(refused(&order(Side::Sell, "100", "100"), &long, &none), []);
        assert_eq!(
            refused(&order(Side::Sell, "100", "101"), &long, &none),
            [Limit::Capital],
            "it crosses zero"
        );
        let reserved = Exposure { reserved: q("1"), ..long };
        assert_eq!(refused(&order(Side::Sell, "100", "100"), &reserved, &none), [Limit::Capital]);
    }

    #[test]
    fn the_sides_never_net() {
        let none = Recent::default();
        let long = Exposure { position: q("8000"), reserved: q("1999"), ..calm() };
        let cheap = Exposure { mark2: Some(2_000_000_000), ..long };
        assert_eq!(refused(&order(Side::Buy, "1", "1"), &cheap, &none), []);
        assert_eq!(refused(&order(Side::Buy, "1", "2"), &cheap, &none), [Limit::Position]);
        let short_reserved = Exposure { reserved: q("1999"), ..cheap };
        assert_eq!(refused(&order(Side::Sell, "1", "8001"), &short_reserved, &none), []);
    }

    #[test]
    fn what_is_unknown_or_not_positive_fails() {
        let none = Recent::default();
        for mark2 in [None, Some(0), Some(-5)] {
            let blind = Exposure { mark2, ..calm() };
            assert_eq!(
                refused(&order(Side::Buy, "100", "1"), &blind, &none),
                [Limit::Capital, Limit::Collar],
                "{mark2:?}"
            );
        }
        assert_eq!(refused(&order(Side::Buy, "0", "1"), &calm(), &none), [Limit::Notional, Limit::Collar]);
        assert_eq!(refused(&order(Side::Buy, "-1", "1"), &calm(), &none), [Limit::Notional, Limit::Collar]);
        assert_eq!(refused(&order(Side::Buy, "100", "0"), &calm(), &none), [Limit::OrderSize]);
        let huge = order(Side::Buy, "9000000000", "9000000000");
        assert_eq!(
            refused(&huge, &calm(), &none),
            [Limit::OrderSize, Limit::Position, Limit::Notional, Limit::Capital, Limit::Collar]
        );
    }

    #[test]
    fn rate_and_duplicates_look_back() {
        let mut recent = Recent::default();
        let earlier = |ms: i64| Timestamp::from_ns(10 * SECOND_NS - ms * MS_NS);
        for k in 0..49 {
            recent.note(earlier(900), &order(Side::Buy, "100", &(k + 2).to_string()));
        }
        let wanted = order(Side::Buy, "100", "1");
        assert_eq!(refused(&wanted, &calm(), &recent), []);
        recent.note(earlier(499), &wanted);
        assert_eq!(refused(&wanted, &calm(), &recent), [Limit::Rate, Limit::Duplicate]);
        recent.forget(earlier(0), &limits());
        assert_eq!(
            refused(&wanted, &calm(), &recent),
            [Limit::Rate, Limit::Duplicate],
            "the window is not over"
        );
        recent.forget(earlier(-600), &limits());
        assert_eq!(refused(&wanted, &calm(), &recent), []);
    }
}
