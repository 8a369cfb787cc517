//! The configured limits as the file that ships tells them, against an oracle in plain integers: the same
//! orders are refused, to the last unit, whatever the numbers.

use market::order::OrderKind;
use market::{Money, Price, Quantity, Side};
use proptest::prelude::*;
use rules::facts::{OrderFacts, WindowFact};
use rules::{Bp, Count, Duration, InstrumentFacts, InstrumentRow, Judgement, Number, Rate, RuleSet, World};

const ONE: i128 = 1_000_000_000;

/// An order and what it meets, in units of 1e-9.
#[derive(Clone, Debug)]
struct Case {
    sell: bool,
    market: bool,
    quantity: i64,
    price: i64,
    mark2: i64,
    position: i64,
    reserved: i64,
    opposite: i64,
    elsewhere: i64,
    orders: u64,
    same_ns: Option<i64>,
    order_size: i64,
    limit: i64,
    notional: i64,
    capital: i64,
    collar_bp: i64,
    rate: u32,
    window_ms: i64,
}

/// Numbers that often meet: small whole ones, give or take a unit.
fn near() -> impl Strategy<Value = i64> {
    (0_i64..12, -1_i64..=1).prop_map(|(whole, bit)| whole * 1_000_000_000 + bit)
}

fn positive() -> impl Strategy<Value = i64> {
    near().prop_map(|x| x.max(1))
}

prop_compose! {
    fn cases()(
        (sell, market) in any::<(bool, bool)>(),
        quantity in near(),
        (price, mark2) in (near(), near()),
        (position, reserved, opposite) in (near(), near(), near()),
        (short, elsewhere) in (any::<bool>(), near()),
        (orders, rate) in (0_u64..6, 1_u32..6),
        same_ns in prop::option::of((0_i64..4, -1_i64..=1).prop_map(|(ms, bit)| (ms * 1_000_000 + bit).max(0))),
        (order_size, limit) in (positive(), positive()),
        (notional, capital) in (positive(), positive()),
        (collar_bp, window_ms) in (1_i64..9_000, 1_i64..4),
    ) -> Case {
        Case {
            sell, market, quantity, price,
            // half a unit is no price
            mark2: if mark2 == 1 { 0 } else { mark2 },
            position: if short { -position } else { position },
            reserved: reserved.max(0), opposite: opposite.max(0), elsewhere: elsewhere.max(0),
            orders, same_ns, order_size, limit, notional, capital, collar_bp, rate, window_ms,
        }
    }
}

/// A product of two fixed-point numbers, rounded half away from zero.
fn times(a: i128, b: i128) -> i128 {
    let product = a * b;
    (product.abs() + ONE / 2) / ONE * product.signum()
}

impl Case {
    fn sign(&self) -> i128 {
        if self.sell { -1 } else { 1 }
    }

    /// The position on the order's side if everything there fills.
    fn reach(&self) -> i128 {
        i128::from(self.position) * self.sign() + i128::from(self.reserved) + i128::from(self.quantity)
    }

    fn mark(&self) -> Option<i128> {
        Some(i128::from(self.mark2 / 2)).filter(|mark| *mark > 0)
    }

    fn worth(&self) -> Option<i128> {
        let price = if self.market { self.mark() } else { Some(i128::from(self.price)).filter(|p| *p > 0) };
        price.map(|price| times(price, i128::from(self.quantity)).abs())
    }

    fn capital_after(&self) -> Option<i128> {
        let other = i128::from(self.opposite) - i128::from(self.position) * self.sign();
        self.mark().map(|mark| times(mark, self.reach().max(other)).abs() + i128::from(self.elsewhere))
    }

    fn is_reduction(&self) -> bool {
        i128::from(self.position).signum() == -self.sign() && self.reach() <= 0
    }

    /// The names of the limits that refuse it, in order.
    fn refused(&self) -> Vec<&'static str> {
        let (twice, price) = (i128::from(self.mark2), i128::from(self.price));
        let far = match (self.market, twice > 0) {
            (_, false) => true,
            (true, true) => false,
            (false, true) => {
                price <= 0 || (2 * price - twice).abs() * 10_000 > i128::from(self.collar_bp) * twice
            }
        };
        let size = i128::from(self.quantity);
        let beyond = |value: Option<i128>, bound: i64| value.is_none_or(|v| v > i128::from(bound));
        [
            ("order_size", size <= 0 || size > i128::from(self.order_size)),
            ("position", self.reach() > i128::from(self.limit)),
            ("notional", beyond(self.worth(), self.notional)),
            (
                "capital",
                self.capital_after().is_none()
                    || (beyond(self.capital_after(), self.capital) && !self.is_reduction()),
            ),
            ("collar", far),
            ("rate", self.orders + 1 > u64::from(self.rate)),
            ("duplicate", self.same_ns.is_some_and(|ns| ns < self.window_ms * 1_000_000)),
        ]
        .into_iter()
        .filter_map(|(name, refused)| refused.then_some(name))
        .collect()
    }

    fn order(&self) -> OrderFacts {
        let money = |units: Option<i128>| units.map(Money::from_units);
        let reach = i64::try_from(self.reach() * self.sign()).ok().map(Quantity::from_units);
        let price = Price::from_units(self.price);
        OrderFacts {
            side: Some(if self.sell { Side::Sell } else { Side::Buy }),
            kind: Some(if self.market { OrderKind::Market } else { OrderKind::Limit }),
            quantity: Some(Quantity::from_units(self.quantity)),
            price: (!self.market).then_some(price),
            instrument: Some(InstrumentRow(0)),
            position_after: reach,
            notional: money(self.worth()),
            capital_after: money(self.capital_after()),
            price_distance: match self.market {
                true => (self.mark2 > 0).then(Bp::default),
                false => Bp::distance(price, self.mark2),
            },
            reference_known: Some(self.mark2 > 0),
            same_order_age: self.same_ns.map(Duration),
            is_reduction: Some(self.is_reduction()),
            is_flagged: Some(false),
            ..OrderFacts::default()
        }
    }

    fn instrument(&self) -> InstrumentFacts {
        InstrumentFacts {
            limit: Some(Quantity::from_units(self.limit)),
            order_size_limit: Some(Quantity::from_units(self.order_size)),
            notional_limit: Some(Money::from_units(i128::from(self.notional))),
            capital_limit: Some(Money::from_units(i128::from(self.capital))),
            collar: Some(Bp::from_units(i128::from(self.collar_bp) * ONE)),
            rate_limit: Some(Rate(self.rate)),
            duplicate_window: Some(Duration(self.window_ms * 1_000_000)),
            ..InstrumentFacts::default()
        }
    }
}

fn shipped() -> RuleSet {
    let path = support::root().join("config/compliance.ltn");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    RuleSet::compile("compliance.ltn", &text).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn the_limits_refuse_what_the_oracle_refuses() {
    let rules = shipped();
    let mut world = World::new(&rules, 1);
    let orders = rules.windows().iter().position(|w| w.fact == WindowFact::OrdersIn).expect("the rate asks");
    let mut judgement = Judgement::default();
    let mut seen = std::collections::BTreeMap::<Vec<&str>, u32>::new();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(20_000)
    });
    let mut decide = |case: &Case| {
        world.clear_orders();
        world.push_order(&case.order());
        world.set_instrument(InstrumentRow(0), &case.instrument());
        world.set_window(InstrumentRow(0), orders, Some(Number::of(Count(case.orders))));
        rules.judge(&world, &mut judgement);
        let limits = judgement.verdicts.iter().filter(|v| v.rule.0 < 7 && !v.passed);
        limits.map(|v| rules.rule(v.rule).name.clone()).collect::<Vec<_>>()
    };
    let cell = std::cell::RefCell::new((&mut decide, &mut seen));
    let outcome = runner.run(&cases(), |case| {
        let mut borrowed = cell.borrow_mut();
        let (decide, seen) = &mut *borrowed;
        prop_assert_eq!(decide(&case), case.refused(), "{:?}", case);
        *seen.entry(case.refused()).or_default() += 1;
        Ok(())
    });
    outcome.unwrap_or_else(|e| panic!("{e}"));
    assert!(seen.contains_key(&vec![]), "some order passes all");
    assert!(seen.len() > 40, "only {} ways to be refused", seen.len());
}
