//! What must hold of any history, judged from the script and the reports alone.

use std::cell::Cell;
use std::collections::BTreeMap;

use market::order::{ClientId, Fill, Liquidity, NewOrder, OrderKind, Report, ReportKind, Request};
use market::{EventKind, InstrumentId, Ledger, Money, OrderId, Price, Quantity, Side, Timestamp};
use proptest::prelude::*;

use crate::oracle::{at_least, other};
use crate::runner;
use crate::script::{Script, What};
use crate::steps::{Step, l2_steps, l3_steps, queue_steps};
use crate::streams::{FACTS, instruments, run_real};

/// An own order as its reports tell of it.
struct Told {
    side: Side,
    kind: OrderKind,
    limit: Price,
    rest: Quantity,
    filled: Quantity,
    ended: bool,
}

/// The orders that were asked for, by name, the first of each.
fn asked(script: &Script) -> BTreeMap<ClientId, NewOrder> {
    let mut orders = BTreeMap::new();
    for (_, what) in &script.actions {
        if let What::Ask(Request::Place(order)) = what {
            orders.entry(order.id).or_insert(*order);
        }
    }
    orders
}

/// Each order's life is consistent, no fill is better than the market gave or worse than the
/// limit, and the position is the sum of the fills.
fn lives(script: &Script, reports: &[(Timestamp, Report)]) -> Result<(), TestCaseError> {
    let orders = asked(script);
    let mut told: BTreeMap<ClientId, Told> = BTreeMap::new();
    let mut ledger = Ledger::new("USD", Money::ZERO);
    let (mut position, mut executions, mut last) = (0_i64, 0, Timestamp::MIN);
    for (due, report) in reports {
        prop_assert_eq!(*due, report.time.plus(FACTS.response));
        prop_assert!(*due >= last);
        last = *due;
        if report.kind == ReportKind::Accepted {
            let order = orders[&report.id];
            let new = Told {
                side: order.side,
                kind: order.kind,
                limit: order.price,
                rest: order.quantity,
                filled: Quantity::ZERO,
                ended: false,
            };
            prop_assert!(told.insert(report.id, new).is_none(), "accepted twice");
            continue;
        }
        let Some(order) = told.get_mut(&report.id) else {
            let works = matches!(
                report.kind,
                ReportKind::Filled(_) | ReportKind::Cancelled { .. } | ReportKind::Replaced { .. }
            );
            prop_assert!(!works, "it was never accepted");
            continue;
        };
        match report.kind {
            ReportKind::Filled(fill) => {
                prop_assert!(!order.ended, "a fill after the end");
                fits(order, &fill)?;
                executions += 1;
                prop_assert_eq!(fill.execution, executions);
                position += fill.side.signed(fill.quantity).units();
                ledger.apply_fill(&instruments(&FACTS), InstrumentId(0), &fill).expect("booked");
                order.rest = fill.remaining;
                order.filled = sum(order.filled, fill.quantity);
                order.ended = fill.remaining.is_zero();
            }
            ReportKind::Cancelled { filled } | ReportKind::Expired { filled } => {
                prop_assert!(!order.ended, "ended twice");
                prop_assert_eq!(filled, order.filled);
                order.ended = true;
            }
            ReportKind::Replaced { price, quantity } => {
                prop_assert!(!order.ended, "replaced after the end");
                (order.limit, order.rest) = (price, quantity);
            }
            _ => {}
        }
    }
    prop_assert!(told.values().all(|order| order.ended), "each has an end");
    prop_assert_eq!(ledger.position(InstrumentId(0)).units(), position);
    let profit = ledger.realised() + ledger.unrealised() - ledger.fees();
    prop_assert_eq!(profit, ledger.equity());
    Ok(())
}

fn sum(a: Quantity, b: Quantity) -> Quantity {
    a.checked_add(b).expect("small")
}

fn fits(order: &Told, fill: &Fill) -> Result<(), TestCaseError> {
    prop_assert_eq!(fill.side, order.side);
    prop_assert!(fill.quantity.is_positive());
    prop_assert_eq!(sum(fill.remaining, fill.quantity), order.rest);
    match fill.liquidity {
        Liquidity::Maker => prop_assert_eq!(fill.price, order.limit),
        Liquidity::Taker if order.kind == OrderKind::Market => {}
        Liquidity::Taker => {
            prop_assert!(order.kind != OrderKind::PostOnly);
            let (limit, price) = (order.limit.units(), fill.price.units());
            prop_assert!(at_least(order.side, limit, price), "worse than its limit");
        }
    }
    Ok(())
}

/// What stood or traded at some time within an instant: side that gives, price, units.
type Supply = Vec<(Side, i64, i64)>;

/// By time, everything that could have filled a resting order.
fn supply(script: &Script) -> BTreeMap<i64, Supply> {
    let mut orders: BTreeMap<OrderId, (Side, i64, i64)> = BTreeMap::new();
    let mut levels: BTreeMap<(Side, i64), i64> = BTreeMap::new();
    let mut supply: BTreeMap<i64, Supply> = BTreeMap::new();
    for (time, what) in &script.actions {
        let What::Event(kind) = what else { continue };
        let now = supply.entry(*time).or_insert_with(|| {
            let standing = levels.iter().map(|(&(side, at), &units)| (side, at, units));
            orders.values().copied().chain(standing).collect()
        });
        match kind {
            &EventKind::Add { id, side, price, quantity } => {
                let order = (side, price.units(), quantity.units());
                orders.insert(id, order);
                now.push(order);
            }
            &EventKind::Change { id, quantity } => {
                if let Some(order) = orders.get_mut(&id)
                    && quantity.is_positive()
                {
                    order.2 = quantity.units();
                    now.push(*order);
                }
            }
            EventKind::Delete { id } => {
                orders.remove(id);
            }
            EventKind::Levels(changes) | EventKind::Snapshot(changes) => {
                for c in changes {
                    let level = (c.side, c.price.units(), c.quantity.units());
                    levels.insert((level.0, level.1), level.2);
                    now.push(level);
                }
            }
            &EventKind::Trade { price, quantity, aggressor, .. } => {
                for side in [Side::Buy, Side::Sell] {
                    if aggressor.is_none_or(|a| a == side) {
                        now.push((side, price.units(), quantity.units()));
                    }
                }
            }
            _ => {}
        }
    }
    supply
}

/// No resting order fills but by a trade, or an order on the other side, that reaches its price,
/// and all fills of an instant are no more than those gave.
fn are_supplied(script: &Script, reports: &[(Timestamp, Report)]) -> Result<(), TestCaseError> {
    let supply = supply(script);
    let mut made: BTreeMap<(i64, Side), (i64, i64)> = BTreeMap::new();
    for (_, report) in reports {
        if let ReportKind::Filled(fill) = report.kind
            && fill.liquidity == Liquidity::Maker
        {
            let worst = made.entry((report.time.ns(), fill.side)).or_insert((fill.price.units(), 0));
            worst.1 += fill.quantity.units();
            if at_least(fill.side, fill.price.units(), worst.0) {
                worst.0 = fill.price.units();
            }
        }
    }
    for ((time, side), (best, units)) in made {
        // a picture may be told in one instant and meet ours when the next input comes
        let instant = supply.range(..=time).next_back().map(|(_, s)| s);
        let given: i64 = instant
            .into_iter()
            .flatten()
            .filter(|(giver, at, _)| *giver == other(side) && at_least(side, best, *at))
            .map(|(_, _, units)| units)
            .sum();
        prop_assert!(given >= units, "{given} given, {units} filled at {time}");
    }
    Ok(())
}

fn check(steps: impl Strategy<Value = Vec<Step>>, by_order: bool) {
    let result = runner(1_000).run(&steps, |steps| {
        let script = Script::new(&steps, by_order);
        let reports = run_real(&script, &FACTS);
        lives(&script, &reports)?;
        are_supplied(&script, &reports)
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn fills_on_orders_are_supplied_and_add_up() {
    check(l3_steps(), true);
}

#[test]
fn fills_on_levels_are_supplied_and_add_up() {
    check(l2_steps(), false);
}

/// Where nothing crosses, an own order fills by a trade at its own price only once every order
/// that stood there before it arrived has left.
#[test]
fn no_order_fills_before_the_queue_ahead_is_gone() {
    let at_their_price = Cell::new(0);
    let result = runner(1_000).run(&queue_steps(), |steps| {
        let script = Script::new(&steps, true);
        let orders = asked(&script);
        let mut arrived = BTreeMap::new();
        for (_, report) in run_real(&script, &FACTS) {
            let order = orders[&report.id];
            match report.kind {
                ReportKind::Accepted => {
                    arrived.insert(report.id, report.time.ns());
                }
                ReportKind::Filled(_) => {
                    let (since, now) = (arrived[&report.id], report.time.ns());
                    if !trades_through(&script, &order, now) {
                        let ahead = standing_ahead(&script, &order, since, now);
                        prop_assert!(ahead.is_empty(), "{:?} ahead at {}", ahead, now);
                        at_their_price.set(at_their_price.get() + 1);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(at_their_price.get() > 500, "{} fills", at_their_price.get());
}

fn trades_through(script: &Script, order: &NewOrder, now: i64) -> bool {
    script.actions.iter().any(|(time, what)| match what {
        What::Event(EventKind::Trade { price, .. }) => *time == now && order.side.better(order.price, *price),
        _ => false,
    })
}

/// The orders of the same level that came by `since` and have not left by `now`.
fn standing_ahead(script: &Script, order: &NewOrder, since: i64, now: i64) -> Vec<OrderId> {
    let mut ahead = Vec::new();
    for (time, what) in &script.actions {
        match what {
            &What::Event(EventKind::Add { id, side, price, .. })
                if *time <= since && (side, price) == (order.side, order.price) =>
            {
                ahead.push(id)
            }
            What::Event(EventKind::Delete { id }) if *time <= now => ahead.retain(|a| a != id),
            _ => {}
        }
    }
    ahead
}
