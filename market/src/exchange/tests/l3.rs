//! Taking from an order-by-order book, and what is rejected there.

use super::*;

#[test]
fn a_market_order_takes_price_by_price_and_what_it_took_stays_taken() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Market, 0, 4);
    bench.place(5, 2, Buy, Market, 0, 5);
    assert_eq!(
        bench.reports(),
        [
            "3 1 accepted",
            "3 1 taker buy 1@102 rest 3",
            "3 1 taker buy 2@102 rest 1",
            "3 1 taker buy 1@103 rest 0",
            "7 2 accepted",
            "7 2 taker buy 4@103 rest 1",
            "7 2 cancelled, filled 4",
        ]
    );
}

#[test]
fn what_was_taken_of_an_order_is_not_told_back() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Ioc, 102, 2);
    bench.change(5, 5, 2);
    bench.place(6, 2, Buy, Ioc, 102, 3);
    bench.change(9, 5, 1);
    bench.place(10, 3, Buy, Ioc, 102, 3);
    assert_eq!(
        bench.reports(),
        [
            "3 1 accepted",
            "3 1 taker buy 1@102 rest 1",
            "3 1 taker buy 1@102 rest 0",
            "8 2 accepted",
            "8 2 taker buy 1@102 rest 2",
            "8 2 cancelled, filled 1",
            "12 3 accepted",
            "12 3 cancelled, filled 0",
        ]
    );
}

#[test]
fn what_was_taken_stays_taken_in_a_new_picture() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Ioc, 102, 2);
    bench.event(5, Clear);
    bench.add(5, 4, Sell, 102, 1);
    bench.add(5, 5, Sell, 102, 2);
    bench.place(6, 2, Buy, Ioc, 102, 3);
    let reports = bench.reports();
    assert_eq!(reports[3..], ["8 2 accepted", "8 2 taker buy 1@102 rest 2", "8 2 cancelled, filled 1"]);
}

#[test]
fn an_id_that_is_used_again_is_another_order() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Ioc, 102, 1);
    bench.delete(5, 4);
    bench.delete(5, 5);
    bench.add(6, 4, Sell, 102, 1);
    bench.place(6, 2, Buy, Ioc, 102, 1);
    assert_eq!(bench.reports()[2..], ["8 2 accepted", "8 2 taker buy 1@102 rest 0"]);
}

#[test]
fn the_rest_of_a_limit_rests() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 102, 5);
    bench.trade(5, Sell, 101, 1, None);
    assert_eq!(
        bench.reports(),
        [
            "3 1 accepted",
            "3 1 taker buy 1@102 rest 4",
            "3 1 taker buy 2@102 rest 2",
            "5 1 maker buy 1@102 rest 1",
        ]
    );
}

#[test]
fn a_post_only_order_that_would_trade_or_lock_is_rejected() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, PostOnly, 102, 1);
    bench.place(1, 2, Buy, PostOnly, 103, 1);
    bench.place(1, 3, Buy, PostOnly, 101, 1);
    bench.replace(2, 3, 102, 1);
    assert_eq!(
        bench.reports(),
        [
            "3 1 rejected WouldTrade",
            "3 2 rejected WouldTrade",
            "3 3 accepted",
            "4 3 replace rejected WouldTrade",
        ]
    );
}

#[test]
fn an_order_that_would_trade_with_an_own_one_is_rejected() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Sell, Limit, 102, 1);
    bench.place(2, 2, Buy, Limit, 102, 4);
    bench.place(2, 3, Buy, Limit, 102, 3);
    assert_eq!(
        bench.reports(),
        [
            "3 1 accepted",
            "4 2 rejected SelfTrade",
            "4 3 accepted",
            "4 3 taker buy 1@102 rest 2",
            "4 3 taker buy 2@102 rest 0",
        ],
        "what stands ahead of the own order may be taken"
    );
    bench.place(5, 4, Buy, Market, 0, 1);
    bench.place(5, 5, Buy, PostOnly, 102, 1);
    bench.place(5, 6, Buy, Limit, 101, 1);
    bench.replace(6, 6, 102, 1);
    bench.cancel(7, 1);
    bench.place(8, 7, Buy, Market, 0, 1);
    assert_eq!(
        bench.reports(),
        [
            "7 4 rejected SelfTrade",
            "7 5 rejected SelfTrade",
            "7 6 accepted",
            "8 6 replace rejected SelfTrade",
            "9 1 cancelled, filled 0",
            "10 7 accepted",
            "10 7 taker buy 1@103 rest 0",
        ]
    );
}

#[test]
fn a_market_order_may_trade_at_any_price() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Sell, Market, 0, 10);
    assert_eq!(
        bench.reports()[1..],
        [
            "3 1 taker sell 1@100 rest 9",
            "3 1 taker sell 2@100 rest 7",
            "3 1 taker sell 5@99 rest 2",
            "3 1 cancelled, filled 8",
        ]
    );
}
