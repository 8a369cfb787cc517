use std::collections::BTreeSet;

use market::exchange::ExchangeParams;
use market::order::{Fill, OrderKind};
use market::{EventKind, Instrument, Session, SourceId};
use proptest::prelude::*;

use super::*;

const WHOLE: i64 = 1_000_000_000;

fn floor() -> Floor {
    let instrument = Instrument {
        name: "X".into(),
        tick: Price::from_units(WHOLE),
        lot: Quantity::from_units(WHOLE),
        multiplier: Quantity::from_units(WHOLE),
        currency: "USD".into(),
        maker_fee_bp: Quantity::from_units(WHOLE),
        taker_fee_bp: Quantity::from_units(3 * WHOLE),
        session: Session::Always,
        reference_notional: Money::from_units(1),
    };
    let instruments = Instruments::new(vec![instrument]);
    let params = ExchangeParams { entry_latency_ns: 2, response_latency_ns: 3, ..ExchangeParams::default() };
    let exchange = Exchange::new(&instruments, params, 0);
    Floor::new(instruments, exchange, 0, Timestamp::from_ns(0))
}

fn event(time: i64, kind: EventKind) -> MarketEvent {
    let time = Timestamp::from_ns(time);
    MarketEvent { instrument: InstrumentId(0), time, source: SourceId(0), position: 0, kind }
}

fn add(time: i64, id: u64, side: Side, price: i64, quantity: i64) -> MarketEvent {
    let (price, quantity) = (Price::from_units(price * WHOLE), Quantity::from_units(quantity * WHOLE));
    event(time, EventKind::Add { id, side, price, quantity })
}

fn name(run: &str, sequence: u64) -> OrderName {
    OrderName { run: run.into(), id: ClientId { sequence, instrument: InstrumentId(0), k: 0 } }
}

fn limit(name: &OrderName, side: Side, price: i64, quantity: i64) -> NewOrder {
    NewOrder {
        id: name.id,
        side,
        kind: OrderKind::Limit,
        price: Price::from_units(price * WHOLE),
        quantity: Quantity::from_units(quantity * WHOLE),
    }
}

/// A floor with a book of 10 at 99 and 10 at 101, at time 10.
fn open() -> Floor {
    let mut floor = floor();
    floor.on_event(&event(1, EventKind::Clear));
    floor.on_event(&add(1, 1, Side::Buy, 99, 10));
    floor.on_event(&add(1, 2, Side::Sell, 101, 10));
    floor.on_event(&add(10, 3, Side::Sell, 105, 1));
    floor
}

fn kinds(told: &[Told]) -> Vec<ReportKind> {
    told.iter().map(|t| t.kind).collect()
}

fn fill_of(told: &Told) -> Fill {
    match told.kind {
        ReportKind::Filled(fill) => fill,
        other => panic!("no fill: {other:?}"),
    }
}

#[test]
fn a_second_place_is_answered_and_makes_no_second_order() {
    let mut floor = open();
    let order = name("r", 1);
    assert_eq!(floor.place(order.clone(), &limit(&order, Side::Buy, 101, 4), false), None);
    assert_eq!(floor.place(order.clone(), &limit(&order, Side::Buy, 101, 4), false), None, "on its way");
    let told = floor.advance(Timestamp::from_ns(100));
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0].kind, ReportKind::Accepted);
    let again = floor.place(order.clone(), &limit(&order, Side::Buy, 101, 4), false);
    assert_eq!(again.as_ref(), told.last(), "the same report under the same number");
    assert_eq!(floor.cancel(order.clone()), again, "what ended it answers a cancel");
    assert!(floor.advance(Timestamp::from_ns(200)).is_empty());
    let other = name("s", 1);
    floor.place(other.clone(), &limit(&other, Side::Buy, 101, 1), false);
    assert_eq!(floor.advance(Timestamp::from_ns(300)).len(), 2, "another run's order of that name");
}

#[test]
fn a_tombstone_is_for_ever() {
    let mut floor = open();
    let order = name("r", 1);
    let unknown = ReportKind::CancelRejected(RejectReason::UnknownOrder);
    for serial in [1, 2] {
        let told = floor.cancel(order.clone()).expect("an answer");
        assert_eq!((told.kind, told.serial), (unknown, serial));
    }
    let told = floor.place(order.clone(), &limit(&order, Side::Buy, 101, 4), false).expect("an answer");
    assert_eq!(told.kind, ReportKind::Rejected(RejectReason::DuplicateId));
    assert!(floor.hurry().is_empty());
    let finished = floor.state("r", 0).finished;
    assert_eq!(finished, [Finished { id: order, how: How::Tombstone, filled: Quantity::ZERO }]);
}

#[test]
fn a_cancel_that_a_fill_overtook_is_answered_by_the_fill() {
    let mut floor = open();
    let order = name("r", 1);
    floor.place(order.clone(), &limit(&order, Side::Buy, 101, 4), false);
    assert_eq!(floor.cancel(order), None, "it is on its way, like the order");
    let told = floor.hurry();
    assert_eq!(told.len(), 3);
    assert!(fill_of(&told[1]).remaining.is_zero());
    assert_eq!(told[2], told[1]);
}

#[test]
fn the_state_tells_orders_fills_positions_and_cash() {
    let mut floor = open();
    let (taker, rests, refused) = (name("r", 1), name("r", 2), name("r", 3));
    floor.place(taker.clone(), &limit(&taker, Side::Buy, 101, 4), false);
    floor.place(rests.clone(), &limit(&rests, Side::Buy, 98, 5), false);
    let told = floor.place(refused.clone(), &limit(&refused, Side::Buy, 98, 1), true).expect("refused");
    assert_eq!(told.kind, ReportKind::Rejected(RejectReason::NoMarket));
    floor.advance(Timestamp::from_ns(100));
    floor.replace(rests.clone(), Price::from_units(97 * WHOLE), Quantity::from_units(6 * WHOLE));
    floor.advance(Timestamp::from_ns(200));
    let state = floor.state("r", 0);
    let [order] = state.orders.as_slice() else { panic!("{state:?}") };
    assert_eq!(
        (&order.id, order.price.to_string(), order.total.to_string()),
        (&rests, "97".into(), "6".into())
    );
    let how: Vec<(&OrderName, How)> = state.finished.iter().map(|f| (&f.id, f.how)).collect();
    assert_eq!(how, [(&taker, How::Filled), (&refused, How::Rejected)]);
    assert_eq!(state.positions["X"].to_string(), "4");
    assert_eq!(state.cash.to_string(), "-404.1212", "four at 101 and 3 bp of it");
    assert_eq!((state.fills.len(), state.executions), (1, 1));
    assert!(floor.state("r", 1).fills.is_empty());
    let told = floor.end();
    assert_eq!(kinds(&told), [ReportKind::Expired { filled: Quantity::ZERO }]);
    let late = name("r", 9);
    let told = floor.place(late.clone(), &limit(&late, Side::Buy, 98, 1), false).expect("an answer");
    assert_eq!(told.kind, ReportKind::Rejected(RejectReason::NoMarket), "the market is over");
}

#[derive(Debug, Clone)]
enum Step {
    Place(u64, bool, i64, i64),
    Cancel(u64),
    Replace(u64, i64, i64),
    Market(bool, i64, i64),
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let (id, price, quantity) = (0_u64..8, 96_i64..105, 1_i64..6);
    prop_oneof![
        4 => (id.clone(), any::<bool>(), price.clone(), quantity.clone()).prop_map(|(i, b, p, q)| Step::Place(i, b, p, q)),
        2 => id.clone().prop_map(Step::Cancel),
        1 => (id, price.clone(), quantity.clone()).prop_map(|(i, p, q)| Step::Replace(i, p, q)),
        3 => (any::<bool>(), price, quantity).prop_map(|(b, p, q)| Step::Market(b, p, q)),
        3 => (1_i64..8).prop_map(Step::Wait),
    ]
}

fn side(is_buy: bool) -> Side {
    if is_buy { Side::Buy } else { Side::Sell }
}

proptest! {
    /// Whatever is asked in whatever order: position and cash are the sums of the fills, executions
    /// count up, an order is accepted at most once, never after its tombstone, and never fills more
    /// than the largest total it was given.
    #[test]
    fn the_books_add_up(steps in prop::collection::vec(step(), 0..80)) {
        let mut floor = open();
        let (mut time, mut told, mut most) = (10, Vec::new(), BTreeMap::<u64, i64>::new());
        for (at, step) in steps.iter().enumerate() {
            let answer = match *step {
                Step::Place(id, buy, price, quantity) => {
                    most.entry(id).and_modify(|m| *m = (*m).max(quantity)).or_insert(quantity);
                    let name = name("r", id);
                    floor.place(name.clone(), &limit(&name, side(buy), price, quantity), false)
                }
                Step::Cancel(id) => floor.cancel(name("r", id)),
                Step::Replace(id, price, total) => {
                    most.entry(id).and_modify(|m| *m = (*m).max(total)).or_insert(total);
                    let (price, total) = (Price::from_units(price * WHOLE), Quantity::from_units(total * WHOLE));
                    floor.replace(name("r", id), price, total)
                }
                Step::Market(buy, price, quantity) => {
                    told.extend(floor.on_event(&add(time, 100 + at as u64, side(buy), price, quantity)));
                    None
                }
                Step::Wait(ns) => {
                    time += ns;
                    told.extend(floor.advance(Timestamp::from_ns(time)));
                    None
                }
            };
            told.extend(answer);
        }
        told.extend(floor.end());
        let state = floor.state("r", 0);
        prop_assert!(state.orders.is_empty());
        let (mut position, mut cash) = (0_i128, 0_i128);
        let mut filled = BTreeMap::<u64, i128>::new();
        for (at, VenueFill { id, fill, .. }) in state.fills.iter().enumerate() {
            prop_assert_eq!(fill.execution, at as u64 + 1);
            let (price, quantity) = (i128::from(fill.price.units()), i128::from(fill.quantity.units()));
            let sign = i128::from(fill.side.sign());
            position += sign * quantity;
            cash -= sign * price * quantity / i128::from(WHOLE) + fill.fee.units();
            *filled.entry(id.id.sequence).or_default() += quantity;
        }
        let held = state.positions.get("X").copied().unwrap_or_default();
        prop_assert_eq!(i128::from(held.units()), position);
        prop_assert_eq!(state.cash.units(), cash);
        for (id, quantity) in filled {
            prop_assert!(quantity <= i128::from(most[&id] * WHOLE));
        }
        let names: BTreeSet<&OrderName> = state.finished.iter().map(|f| &f.id).collect();
        prop_assert_eq!(names.len(), state.finished.len());
        let mut by_serial = BTreeMap::new();
        for told in &told {
            let first = by_serial.entry(told.serial).or_insert(told);
            prop_assert_eq!(*first, told, "one number, one report");
        }
        let accepted: Vec<&OrderName> =
            by_serial.values().filter(|t| t.kind == ReportKind::Accepted).map(|t| &t.id).collect();
        let once: BTreeSet<&&OrderName> = accepted.iter().collect();
        prop_assert_eq!(once.len(), accepted.len());
        for finished in state.finished.iter().filter(|f| f.how == How::Tombstone) {
            prop_assert!(!accepted.contains(&&finished.id));
        }
    }
}
