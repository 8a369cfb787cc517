//! Without a book: what must hold of every fill, judged from bars, trades and orders alone.

use std::collections::BTreeMap;

use market::order::{ClientId, Fill, Liquidity, NewOrder, OrderKind, ReportKind, Request};
use market::{Bar, EventKind, InstrumentId, Quantity, Side, Timestamp};
use proptest::prelude::*;

use crate::oracle::{Facts, WHOLE, at_least};
use crate::runner;
use crate::script::{price, quantity};
use crate::steps::side;
use crate::streams::{FACTS, arrive_before, event, exchange};

/// A bar of 10 ns: open, how far up and down it goes, where it closes, its volume; and what is
/// asked while it is under way, and when.
type Span = (i64, i64, i64, i64, i64, Vec<(i64, Side, OrderKind, i64, i64)>);

fn span() -> impl Strategy<Value = Span> {
    let kind = prop_oneof![
        Just(OrderKind::Limit),
        Just(OrderKind::Market),
        Just(OrderKind::ImmediateOrCancel),
        Just(OrderKind::PostOnly),
    ];
    let order = (0_i64..11, side(), kind, 95_i64..106, 1_i64..9);
    let orders = prop::collection::vec(order, 0..3);
    (96_i64..105, 0_i64..4, 0_i64..4, -3_i64..4, 0_i64..90, orders)
}

fn bar(n: i64, &(open, up, down, close, volume, _): &Span) -> Bar {
    let (high, low) = (open + up, open - down);
    Bar {
        open_time: Timestamp::from_ns(10 * n),
        open: price(open),
        high: price(high),
        low: price(low),
        close: price((open + close).clamp(low, high)),
        volume: quantity(volume),
    }
}

/// A limit must be traded strictly through; the first price of a bar that is beyond it counts.
fn fits(order: &NewOrder, fill: &Fill, bar: &Bar) -> Result<(), TestCaseError> {
    let extreme = if order.side == Side::Buy { bar.low } else { bar.high };
    // the half-spread is 1 bp: exact for whole prices
    let beyond = bar.open.units() + order.side.sign() * bar.open.units() / 10_000;
    let limit = order.price.units();
    let rests = matches!(order.kind, OrderKind::Limit | OrderKind::PostOnly);
    prop_assert!(!rests || order.side.better(order.price, extreme), "not strictly through");
    if order.kind != OrderKind::Market {
        prop_assert!(at_least(order.side, limit, fill.price.units()), "worse than its limit");
    }
    match fill.liquidity {
        Liquidity::Taker => {
            prop_assert!(order.kind != OrderKind::PostOnly);
            prop_assert_eq!(fill.price.units(), beyond);
        }
        Liquidity::Maker => {
            prop_assert!(rests);
            prop_assert_eq!(fill.price.units(), limit);
            let takes = order.kind == OrderKind::Limit
                && order.side.better(order.price, bar.open)
                && at_least(order.side, limit, beyond);
            prop_assert!(!takes, "it opened beyond the limit");
        }
    }
    Ok(())
}

#[test]
fn fills_on_bars_look_neither_ahead_nor_beyond_their_share() {
    let spans = prop::collection::vec(span(), 2..30);
    let result = runner(1_000).run(&spans, |spans| {
        let mut real = exchange(&Facts { stale: 1, ..FACTS });
        let mut orders: BTreeMap<ClientId, (i64, NewOrder)> = BTreeMap::new();
        for (n, span) in spans.iter().enumerate() {
            for &(after, side, kind, at, units) in &span.5 {
                let id = ClientId { sequence: orders.len() as u64, instrument: InstrumentId(0), k: 0 };
                let order = NewOrder { id, side, kind, price: price(at), quantity: quantity(units) };
                let decided = 10 * n as i64 + after.min(9);
                orders.insert(id, (decided, order));
                real.submit(Timestamp::from_ns(decided), Request::Place(order));
            }
            let close = 10 * (n as i64 + 1);
            arrive_before(&mut real, close);
            real.on_event(&event(close, EventKind::Bar(bar(n as i64, span))));
        }
        let mut taken: BTreeMap<i64, i64> = BTreeMap::new();
        while let Some((_, report)) = real.pop_report() {
            let ReportKind::Filled(fill) = report.kind else { continue };
            let (decided, order) = orders[&report.id];
            let n = report.time.ns() / 10 - 1;
            let bar = bar(n, &spans[n as usize]);
            prop_assert!(bar.open_time.ns() >= decided, "it looked ahead");
            fits(&order, &fill, &bar)?;
            let sum = taken.entry(n).or_default();
            *sum += fill.quantity.units();
            let share = bar.volume.units() / 10 / WHOLE * WHOLE;
            prop_assert!(*sum <= share, "more than the share");
            prop_assert_eq!(fill.quantity.floor_to(Quantity::from_units(WHOLE)), fill.quantity);
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
