//! Without a book: half-spread 100 bp, half of the volume.

use super::*;

const FLAT: [i64; 4] = [100, 100, 100, 100];

fn bars() -> Bench {
    let mut bench = Bench::new();
    bench.bar(10, 0, FLAT, 10);
    bench
}

fn trades() -> Bench {
    let mut bench = Bench::new();
    bench.trade(10, Buy, 100, 10, None);
    bench
}

#[test]
fn a_market_order_fills_at_the_next_open_plus_the_half_spread() {
    let mut bench = bars();
    bench.place(10, 1, Buy, Market, 0, 3);
    bench.place(10, 2, Sell, Market, 0, 4);
    bench.bar(20, 10, [200, 210, 190, 205], 10);
    assert_eq!(
        bench.reports(),
        [
            "12 1 accepted",
            "12 2 accepted",
            "20 1 taker buy 3@202 rest 0",
            "20 2 taker sell 2@198 rest 2",
            "20 2 cancelled, filled 2",
        ],
        "half of 10 in all, in order of arrival"
    );
}

#[test]
fn a_market_order_fills_at_the_next_trade() {
    let mut bench = trades();
    bench.place(10, 1, Buy, Market, 0, 3);
    bench.trade(12, Sell, 50, 100, None);
    bench.trade(13, Sell, 200, 7, None);
    assert_eq!(
        bench.reports(),
        ["12 1 accepted", "13 1 taker buy 3@202 rest 0"],
        "the trade of its own instant came first"
    );
}

#[test]
fn the_share_is_rounded_down_to_a_lot() {
    let mut bench = trades();
    bench.place(10, 1, Buy, Market, 0, 3);
    bench.trade(13, Sell, 200, 1, None);
    assert_eq!(bench.reports(), ["12 1 accepted", "13 1 cancelled, filled 0"]);
}

#[test]
fn an_ioc_fills_only_within_its_limit() {
    let mut bench = bars();
    bench.place(10, 1, Buy, Ioc, 201, 1);
    bench.place(10, 2, Buy, Ioc, 202, 1);
    bench.bar(20, 10, [200; 4], 10);
    assert_eq!(bench.reports()[2..], ["20 1 cancelled, filled 0", "20 2 taker buy 1@202 rest 0"]);
}

#[test]
fn a_limit_fills_only_where_price_trades_strictly_through() {
    let mut bench = bars();
    bench.place(10, 1, Buy, Limit, 95, 9);
    bench.place(10, 2, Sell, Limit, 105, 9);
    bench.bar(20, 10, [100, 105, 95, 100], 100);
    assert_eq!(bench.reports(), ["12 1 accepted", "12 2 accepted"]);
    bench.bar(30, 20, [100, 106, 94, 100], 20);
    bench.bar(40, 30, [100, 106, 94, 100], 20);
    assert_eq!(
        bench.reports(),
        ["30 1 maker buy 9@95 rest 0", "30 2 maker sell 1@105 rest 8", "40 2 maker sell 8@105 rest 0"],
        "half of 20 in all; a limit keeps working"
    );
}

#[test]
fn a_bar_that_opens_beyond_a_limit_fills_it_at_the_open_or_the_limit() {
    let mut bench = bars();
    bench.place(10, 1, Buy, Limit, 95, 1);
    bench.place(10, 2, Buy, Limit, 91, 1);
    bench.place(10, 3, Buy, PostOnly, 90, 1);
    bench.bar(20, 10, [89, 89, 89, 89], 100);
    let reports = bench.reports();
    assert_eq!(
        reports[3..],
        ["20 1 taker buy 1@89.89 rest 0", "20 2 taker buy 1@89.89 rest 0", "20 3 maker buy 1@90 rest 0",]
    );
    bench.bar(30, 20, [100; 4], 10);
    bench.place(30, 4, Sell, Limit, 103, 1);
    bench.bar(40, 30, [104; 4], 10);
    assert_eq!(
        bench.reports()[1..],
        ["40 4 maker sell 1@103 rest 0"],
        "102.96 would be worse than the limit"
    );
}

#[test]
fn a_bar_that_opens_at_a_limit_has_not_traded_through_it_yet() {
    let mut bench = Bench::with(ExchangeParams { half_spread_bp: Quantity::ZERO, ..params() });
    bench.bar(10, 0, FLAT, 10);
    bench.place(10, 1, Buy, Limit, 95, 1);
    bench.bar(20, 10, [95, 95, 94, 94], 10);
    assert_eq!(bench.reports()[1..], ["20 1 maker buy 1@95 rest 0"], "it rested first");
}

#[test]
fn a_limit_that_the_first_trade_passes_takes_later_ones_at_the_limit() {
    let mut bench = trades();
    bench.place(10, 1, Buy, Limit, 105, 2);
    bench.place(10, 2, Buy, Limit, 99, 2);
    bench.trade(13, Sell, 100, 2, None);
    bench.trade(14, Sell, 97, 4, None);
    assert_eq!(
        bench.reports()[2..],
        ["13 1 taker buy 1@101 rest 1", "14 1 maker buy 1@105 rest 0", "14 2 maker buy 1@99 rest 1"]
    );
}

#[test]
fn post_only_and_self_trade_are_judged_by_the_last_price_and_own_orders() {
    let mut bench = bars();
    bench.place(10, 1, Buy, PostOnly, 100, 1);
    bench.place(10, 2, Buy, PostOnly, 99, 1);
    bench.place(10, 3, Sell, Limit, 99, 1);
    bench.place(10, 4, Sell, Ioc, 98, 1);
    bench.place(10, 5, Sell, Limit, 101, 1);
    assert_eq!(
        bench.reports(),
        [
            "12 1 rejected WouldTrade",
            "12 2 accepted",
            "12 3 rejected SelfTrade",
            "12 4 rejected SelfTrade",
            "12 5 accepted",
        ]
    );
}

#[test]
fn a_waiting_order_can_be_cancelled_and_expires() {
    let mut bench = bars();
    bench.place(10, 1, Buy, Market, 0, 1);
    bench.place(10, 2, Buy, Market, 0, 1);
    bench.cancel(11, 1);
    bench.replace(11, 2, 100, 1);
    assert_eq!(
        bench.reports()[2..],
        ["13 1 cancelled, filled 0", "13 2 replace rejected UnknownOrder"],
        "it does not rest"
    );
    bench.exchange.expire(Timestamp::from_ns(14));
    assert_eq!(bench.reports(), ["14 2 expired, filled 0"]);
}

#[test]
fn a_replaced_limit_waits_for_a_bar_after_the_replace() {
    let mut bench = bars();
    bench.place(10, 1, Buy, Limit, 90, 1);
    bench.replace(15, 1, 95, 1);
    bench.bar(20, 10, [100, 100, 80, 100], 100);
    assert_eq!(bench.reports(), ["12 1 accepted", "17 1 replaced 1@95"]);
    bench.bar(30, 20, [100, 100, 80, 100], 100);
    assert_eq!(bench.reports(), ["30 1 maker buy 1@95 rest 0"]);
}

#[test]
fn bars_and_trades_of_one_instrument_do_not_fill_twice() {
    let mut bench = bars();
    bench.place(10, 1, Buy, Limit, 95, 100);
    bench.trade(15, Sell, 90, 50, None);
    bench.bar(20, 10, [100, 100, 90, 90], 50);
    assert_eq!(bench.reports(), ["12 1 accepted", "20 1 maker buy 25@95 rest 75"]);
}

#[test]
fn a_gap_or_a_halt_fills_nothing() {
    let mut bench = bars();
    bench.place(10, 1, Buy, Limit, 95, 1);
    bench.event(13, Gap);
    bench.place(13, 2, Buy, Market, 0, 1);
    assert_eq!(bench.reports(), ["12 1 accepted", "15 2 rejected NoMarket"]);
    bench.event(16, Halt);
    bench.bar(20, 10, [90; 4], 10);
    bench.event(25, Resume);
    assert!(bench.reports().is_empty());
    bench.bar(30, 20, [90; 4], 10);
    assert_eq!(bench.reports(), ["30 1 taker buy 1@90.9 rest 0"]);
}

#[test]
fn an_impossible_bar_fills_nothing() {
    let mut bench = bars();
    bench.place(10, 1, Buy, Market, 0, 1);
    for bad in [[100, 90, 100, 95], [0, 0, 0, 0], [100, 99, 90, 95], [100, 110, 95, 90]] {
        bench.bar(20, 10, bad, 10);
    }
    bench.bar(20, 21, FLAT, 10);
    bench.bar(20, 10, FLAT, -1);
    assert_eq!(bench.reports(), ["12 1 accepted"]);
}

#[test]
fn the_half_spread_is_rounded_against_us() {
    let mut bench = Bench::new();
    let tiny = |units| EventKind::Trade {
        price: Price::from_units(units),
        quantity: quantity(10),
        aggressor: None,
        maker: None,
    };
    bench.event(0, tiny(101));
    bench.place(0, 1, Buy, Market, 0, 1);
    bench.place(0, 2, Sell, Market, 0, 1);
    bench.event(5, tiny(101));
    let prices: Vec<_> = bench.fills().iter().map(|f| f.price.units()).collect();
    assert_eq!(prices, [103, 99], "1.01 is rounded up");
}
