//! What may be asked, and when it is answered.

use super::*;

#[test]
fn an_order_arrives_after_its_latency_and_after_all_events_of_that_instant() {
    let mut bench = Bench::l3();
    bench.place(5, 1, Buy, Market, 0, 1);
    assert_eq!(bench.exchange.next_arrival(), Some(Timestamp::from_ns(7)));
    bench.delete(7, 4);
    bench.delete(7, 5);
    assert_eq!(bench.exchange.next_report(), None, "not matched within its instant");
    bench.delete(8, 6);
    assert_eq!(bench.exchange.next_report(), Some(Timestamp::from_ns(10)));
    assert_eq!(bench.reports(), ["7 1 accepted", "7 1 taker buy 1@103 rest 0"]);
}

#[test]
fn arrivals_of_one_instant_keep_the_order_of_submission() {
    let mut bench = Bench::l3();
    bench.place(5, 2, Buy, Ioc, 102, 3);
    bench.place(5, 1, Buy, Ioc, 102, 3);
    assert_eq!(
        bench.reports(),
        [
            "7 2 accepted",
            "7 2 taker buy 1@102 rest 2",
            "7 2 taker buy 2@102 rest 0",
            "7 1 accepted",
            "7 1 cancelled, filled 0",
        ]
    );
}

#[test]
fn a_latency_is_at_least_a_nanosecond() {
    let instruments = Instruments::new(vec![instrument("A")]);
    let params = ExchangeParams { entry_latency_ns: 0, response_latency_ns: -7, ..params() };
    let mut exchange = Exchange::new(&instruments, params, 0);
    assert_eq!(exchange.entry_latency_min_ns(), 1);
    exchange.submit(Timestamp::from_ns(5), Request::Cancel(id(1)));
    assert_eq!(exchange.next_arrival(), Some(Timestamp::from_ns(6)));
    exchange.run_arrival();
    assert_eq!(exchange.next_report(), Some(Timestamp::from_ns(7)));
}

#[test]
fn a_malformed_order_is_rejected() {
    let mut bench = Bench::l3();
    let half = crate::num::SCALE / 2;
    let bad = [
        (Limit, 0, crate::num::SCALE),
        (Limit, -crate::num::SCALE, crate::num::SCALE),
        (Limit, half, crate::num::SCALE),
        (Limit, i64::MAX, crate::num::SCALE),
        (Ioc, 0, crate::num::SCALE),
        (PostOnly, half, crate::num::SCALE),
        (Market, 0, 0),
        (Market, 0, -1),
        (Market, 0, half),
    ];
    for (k, (kind, at, units)) in bad.into_iter().enumerate() {
        let order = NewOrder {
            id: id(k as u16),
            side: Buy,
            kind,
            price: Price::from_units(at),
            quantity: Quantity::from_units(units),
        };
        bench.submit(1, Request::Place(order));
        assert_eq!(bench.reports(), [format!("3 {k} rejected Malformed")]);
    }
}

#[test]
fn an_order_id_is_used_once() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Market, 0, 1);
    bench.place(2, 1, Buy, Market, 0, 1);
    assert_eq!(bench.reports(), ["3 1 accepted", "3 1 taker buy 1@102 rest 0", "4 1 rejected DuplicateId"]);
    bench.place(3, 2, Buy, PostOnly, 102, 1);
    bench.place(4, 2, Buy, PostOnly, 101, 1);
    assert_eq!(
        bench.reports(),
        ["5 2 rejected WouldTrade", "6 2 rejected DuplicateId"],
        "a rejected one too"
    );
}

#[test]
fn nothing_trades_in_a_halt() {
    for mut bench in [Bench::l3(), Bench::l2()] {
        bench.place(1, 1, Buy, Limit, 101, 2);
        bench.event(5, Halt);
        bench.trade(6, Sell, 100, 1, None);
        bench.place(6, 2, Buy, Market, 0, 1);
        bench.replace(6, 1, 100, 1);
        assert_eq!(bench.reports(), ["3 1 accepted", "8 2 rejected Halted", "8 1 replace rejected Halted"]);
        bench.event(9, Resume);
        bench.trade(9, Sell, 100, 1, None);
        bench.cancel(9, 1);
        assert_eq!(bench.reports(), ["9 1 maker buy 1@101 rest 1", "11 1 cancelled, filled 1"]);
    }
}

#[test]
fn what_crosses_when_trading_resumes_meets() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 101, 2);
    bench.event(5, Halt);
    bench.add(6, 7, Sell, 101, 1);
    assert_eq!(bench.reports(), ["3 1 accepted"]);
    bench.event(9, Resume);
    assert_eq!(bench.reports(), ["9 1 maker buy 1@101 rest 1"]);
}

#[test]
fn an_unknown_market_rejects() {
    let mut bench = Bench::new();
    bench.place(1, 1, Buy, Limit, 100, 1);
    assert_eq!(bench.reports(), ["3 1 rejected NoMarket"]);
    let stranger = ClientId { instrument: InstrumentId(9), ..id(1) };
    bench.submit(4, Request::Cancel(stranger));
    let order = NewOrder { id: stranger, side: Buy, kind: Limit, price: price(1), quantity: quantity(1) };
    bench.submit(4, Request::Place(order));
    assert_eq!(bench.reports(), ["6 1 cancel rejected UnknownOrder", "6 1 rejected NoMarket"]);
    bench.exchange.on_event(&MarketEvent {
        instrument: InstrumentId(9),
        time: Timestamp::from_ns(9),
        source: SourceId(0),
        position: 0,
        kind: Halt,
    });
}

#[test]
fn a_finished_order_cannot_be_cancelled_or_replaced() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Market, 0, 1);
    bench.place(1, 2, Buy, Limit, 99, 1);
    bench.cancel(2, 2);
    bench.reports();
    for k in [1, 2, 3] {
        bench.cancel(10, k);
        bench.replace(10, k, 99, 1);
        assert_eq!(
            bench.reports(),
            [format!("12 {k} cancel rejected UnknownOrder"), format!("12 {k} replace rejected UnknownOrder")]
        );
    }
}

#[test]
fn a_malformed_replace_leaves_the_order_as_it_was() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Sell, Limit, 101, 2);
    bench.replace(2, 1, 0, 1);
    bench.replace(2, 1, 101, 0);
    bench.trade(5, Buy, 101, 1, None);
    assert_eq!(
        bench.reports(),
        [
            "3 1 accepted",
            "4 1 replace rejected Malformed",
            "4 1 replace rejected Malformed",
            "5 1 maker sell 1@101 rest 1"
        ]
    );
}

#[test]
fn working_orders_expire_at_the_end() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Sell, Limit, 103, 2);
    bench.place(1, 2, Buy, Limit, 98, 2);
    bench.place(1, 3, Buy, Limit, 101, 2);
    bench.trade(5, Sell, 100, 1, 1);
    bench.reports();
    bench.exchange.expire(Timestamp::from_ns(9));
    assert_eq!(bench.reports(), ["9 3 expired, filled 1", "9 2 expired, filled 0", "9 1 expired, filled 0"]);
    bench.exchange.expire(Timestamp::from_ns(10));
    assert!(bench.reports().is_empty());
}

#[test]
fn instruments_do_not_meet() {
    let instruments = Instruments::new(vec![instrument("A"), instrument("B")]);
    let mut exchange = Exchange::new(&instruments, params(), 0);
    for (at, id) in [(0, 1), (1, 1)] {
        exchange.on_event(&MarketEvent {
            instrument: InstrumentId(at),
            time: Timestamp::from_ns(0),
            source: SourceId(0),
            position: 0,
            kind: EventKind::Add { id, side: Sell, price: price(10 + i64::from(at)), quantity: quantity(1) },
        });
    }
    let order = NewOrder {
        id: ClientId { instrument: InstrumentId(1), ..id(1) },
        side: Buy,
        kind: Market,
        price: Price::ZERO,
        quantity: quantity(2),
    };
    exchange.submit(Timestamp::from_ns(1), Request::Place(order));
    exchange.run_arrival();
    let reports: Vec<_> = std::iter::from_fn(|| exchange.pop_report()).map(|(_, r)| line(&r)).collect();
    assert_eq!(reports, ["3 1 accepted", "3 1 taker buy 1@11 rest 1", "3 1 cancelled, filled 1"]);
}

#[test]
fn state_survives_serialisation_at_any_moment() {
    for mut bench in [Bench::l3(), Bench::l2()] {
        bench.place(1, 1, Buy, Limit, 100, 2);
        bench.place(1, 2, Buy, Market, 0, 1);
        bench.trade(5, Sell, 100, 1, None);
        bench.place(5, 3, Sell, Limit, 101, 2);
        let text = serde_json::to_string(&bench.exchange).expect("plain data");
        let copy: Exchange = serde_json::from_str(&text).expect("plain data");
        assert_eq!(copy, bench.exchange);
        let mut other = Bench { exchange: copy, now: bench.now };
        for bench in [&mut bench, &mut other] {
            bench.trade(9, Sell, 99, 1, None);
            bench.trade(9, Buy, 102, 1, None);
        }
        assert_eq!(bench.reports(), other.reports());
        assert_eq!(bench.exchange, other.exchange);
    }
}
