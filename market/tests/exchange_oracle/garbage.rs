//! Whatever a feed or a brain says, the exchange answers and never panics, and the ledger books or
//! refuses what it fills.

use market::order::{ClientId, NewOrder, OrderKind, ReportKind, Request};
use market::{
    Bar, EventKind, InstrumentId, Instruments, Ledger, LevelChange, MarketEvent, Money, Price, Quantity,
    SourceId, Timestamp,
};
use proptest::prelude::*;

use crate::runner;
use crate::steps::side;
use crate::streams::{FACTS, instruments};

/// Numbers at the edges, and small ones that meet each other.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => (-1_i64..6).prop_map(|n| n * 1_000_000_000),
        1 => prop::sample::select(vec![i64::MIN, i64::MIN + 1, -1, 1, i64::MAX / 2, i64::MAX - 1, i64::MAX]),
        1 => any::<i64>(),
    ]
}

fn price() -> impl Strategy<Value = Price> {
    number().prop_map(Price::from_units)
}

fn quantity() -> impl Strategy<Value = Quantity> {
    number().prop_map(Quantity::from_units)
}

fn levels() -> impl Strategy<Value = Box<[LevelChange]>> {
    let level = (side(), price(), quantity()).prop_map(|(side, price, quantity)| LevelChange {
        side,
        price,
        quantity,
    });
    prop::collection::vec(level, 0..4).prop_map(Into::into)
}

fn kind() -> impl Strategy<Value = EventKind> {
    let id = 0_u64..6;
    let aggressor = prop::option::of(side());
    let bar = (number(), price(), price(), price(), price(), quantity());
    prop_oneof![
        4 => (id.clone(), side(), price(), quantity())
            .prop_map(|(id, side, price, quantity)| EventKind::Add { id, side, price, quantity }),
        1 => (id.clone(), quantity()).prop_map(|(id, quantity)| EventKind::Change { id, quantity }),
        1 => id.clone().prop_map(|id| EventKind::Delete { id }),
        1 => Just(EventKind::Clear),
        2 => levels().prop_map(EventKind::Levels),
        1 => levels().prop_map(EventKind::Snapshot),
        1 => ((price(), quantity()), (price(), quantity()))
            .prop_map(|(bid, ask)| EventKind::Quote { bid, ask }),
        4 => (price(), quantity(), aggressor, prop::option::of(id))
            .prop_map(|(price, quantity, aggressor, maker)| EventKind::Trade { price, quantity, aggressor, maker }),
        2 => bar.prop_map(|(open_time, open, high, low, close, volume)| {
            let open_time = Timestamp::from_ns(open_time);
            EventKind::Bar(Bar { open_time, open, high, low, close, volume })
        }),
        1 => Just(EventKind::Halt),
        1 => Just(EventKind::Resume),
        1 => Just(EventKind::Gap),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let id = (0_u64..40, 0_u16..3).prop_map(|(sequence, n)| ClientId {
        sequence,
        instrument: InstrumentId(n),
        k: 0,
    });
    let kind = prop::sample::select(vec![
        OrderKind::Limit,
        OrderKind::Market,
        OrderKind::ImmediateOrCancel,
        OrderKind::PostOnly,
    ]);
    prop_oneof![
        4 => (id.clone(), side(), kind, price(), quantity())
            .prop_map(|(id, side, kind, price, quantity)| {
                Request::Place(NewOrder { id, side, kind, price, quantity })
            }),
        1 => id.clone().prop_map(Request::Cancel),
        1 => (id, price(), quantity())
            .prop_map(|(id, price, total)| Request::Replace { id, price, total }),
    ]
}

/// An event or a request of one of two instruments, or of a third that there is not.
#[derive(Debug, Clone)]
enum Input {
    Event(u16, i64, EventKind),
    Ask(i64, Request),
    Arrive,
    Expire(i64),
}

fn input() -> impl Strategy<Value = Input> {
    let time = prop_oneof![9 => 0_i64..60, 1 => number()];
    prop_oneof![
        10 => (0_u16..3, time.clone(), kind()).prop_map(|(n, t, kind)| Input::Event(n, t, kind)),
        5 => (time.clone(), request()).prop_map(|(t, request)| Input::Ask(t, request)),
        5 => Just(Input::Arrive),
        1 => time.prop_map(Input::Expire),
    ]
}

#[test]
fn nothing_panics() {
    let mut two: Vec<_> = instruments(&FACTS).iter().map(|(_, facts)| facts.clone()).collect();
    two.push(two[0].clone());
    let two = Instruments::new(two);
    let fills = std::cell::Cell::new(0);
    let result = runner(3_000).run(&prop::collection::vec(input(), 1..120), |inputs| {
        let mut real = market::Exchange::new(&two, market::ExchangeParams::default(), 0);
        let mut ledger = Ledger::new("USD", Money::ZERO);
        for input in inputs {
            match input {
                Input::Event(n, time, kind) => real.on_event(&MarketEvent {
                    instrument: InstrumentId(n),
                    time: Timestamp::from_ns(time),
                    source: SourceId(0),
                    position: 0,
                    kind,
                }),
                Input::Ask(time, request) => real.submit(Timestamp::from_ns(time), request),
                Input::Arrive => real.run_arrival(),
                Input::Expire(time) => real.expire(Timestamp::from_ns(time)),
            }
            while let Some((_, report)) = real.pop_report() {
                if let ReportKind::Filled(fill) = report.kind {
                    prop_assert!(fill.quantity.is_positive() && fill.remaining >= Quantity::ZERO);
                    let _ = ledger.apply_fill(&two, report.id.instrument, &fill);
                    ledger.mark(report.id.instrument, fill.price.units());
                    fills.set(fills.get() + 1);
                }
            }
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(fills.get() > 200, "{} fills", fills.get());
}
