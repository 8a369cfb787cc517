//! Matching on an order-by-order book.

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
fn a_resting_order_waits_for_exactly_those_ahead() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 100, 1);
    bench.add(4, 7, Buy, 100, 1);
    bench.delete(5, 1);
    bench.trade(5, Sell, 100, 1, 1);
    bench.change(6, 2, 1);
    bench.trade(6, Sell, 100, 1, 2);
    bench.delete(7, 2);
    bench.trade(7, Sell, 100, 1, 2);
    assert_eq!(bench.reports(), ["3 1 accepted"], "three trades, all for those ahead");
    bench.delete(8, 7);
    bench.trade(8, Sell, 100, 1, 7);
    assert_eq!(bench.reports(), ["8 1 maker buy 1@100 rest 0"]);
}

#[test]
fn one_sweep_goes_through_those_ahead_and_then_reaches_ours() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 100, 2);
    bench.add(4, 7, Buy, 100, 3);
    for id in [1, 2, 7] {
        bench.delete(5, id);
    }
    bench.trade(5, Sell, 100, 1, 1);
    bench.trade(5, Sell, 100, 2, 2);
    bench.trade(5, Sell, 100, 1, 7);
    assert_eq!(
        bench.reports(),
        ["3 1 accepted", "5 1 maker buy 1@100 rest 1"],
        "the maker told was behind us"
    );
}

#[test]
fn without_a_maker_told_the_queue_must_have_been_empty_before() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 100, 2);
    bench.delete(5, 1);
    bench.delete(5, 2);
    bench.trade(5, Sell, 100, 1, None);
    bench.trade(5, Sell, 100, 1, 99);
    assert_eq!(bench.reports(), ["3 1 accepted"], "it may have been theirs");
    bench.trade(6, Sell, 100, 1, None);
    bench.trade(6, Sell, 100, 1, 99);
    assert_eq!(bench.reports(), ["6 1 maker buy 1@100 rest 1", "6 1 maker buy 1@100 rest 0"]);
}

#[test]
fn a_trade_through_our_price_fills_us_at_our_price() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 100, 2);
    bench.place(1, 2, Buy, Limit, 101, 2);
    bench.trade(5, Sell, 99, 3, 3);
    assert_eq!(
        bench.reports(),
        ["3 1 accepted", "3 2 accepted", "5 2 maker buy 2@101 rest 0", "5 1 maker buy 1@100 rest 1",],
        "by price, and no more than traded"
    );
}

#[test]
fn a_trade_of_the_wrong_side_or_an_unknown_one_at_our_price_fills_nothing() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 101, 2);
    bench.trade(5, Buy, 101, 1, None);
    bench.trade(5, Buy, 99, 1, None);
    bench.trade(6, None, 101, 1, None);
    assert_eq!(bench.reports(), ["3 1 accepted"]);
    bench.trade(7, None, 100, 1, None);
    assert_eq!(bench.reports(), ["7 1 maker buy 1@101 rest 1"], "strictly through is proof enough");
}

#[test]
fn an_impossible_trade_fills_nothing() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 101, 2);
    bench.trade(5, Sell, 100, 0, None);
    bench.trade(5, Sell, 100, -3, None);
    bench.trade(5, Sell, 0, 3, None);
    bench.trade(5, Sell, -1, 3, None);
    assert_eq!(bench.reports(), ["3 1 accepted"]);
}

#[test]
fn own_orders_of_a_level_fill_in_their_order() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 101, 2);
    bench.place(2, 2, Buy, Limit, 101, 2);
    bench.trade(6, Sell, 101, 3, None);
    assert_eq!(bench.reports()[2..], ["6 1 maker buy 2@101 rest 0", "6 2 maker buy 1@101 rest 1"]);
}

#[test]
fn an_order_that_becomes_visible_and_crosses_meets_ours() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 101, 2);
    bench.place(1, 2, Sell, Limit, 102, 1);
    bench.add(5, 7, Sell, 101, 3);
    assert_eq!(bench.reports(), ["3 1 accepted", "3 2 accepted", "5 1 maker buy 2@101 rest 0"]);
    bench.place(6, 3, Buy, Ioc, 101, 3);
    assert_eq!(
        bench.reports(),
        ["8 3 accepted", "8 3 taker buy 1@101 rest 2", "8 3 cancelled, filled 1"],
        "what it gave us is gone"
    );
}

#[test]
fn an_incoming_order_is_met_at_our_price_not_at_its_own() {
    let mut bench = Bench::l3();
    for id in [1, 2, 3] {
        bench.delete(0, id);
    }
    bench.place(1, 1, Buy, Limit, 100, 1);
    bench.place(1, 2, Buy, Limit, 101, 1);
    bench.place(2, 3, Buy, Limit, 101, 1);
    bench.add(5, 7, Sell, 98, 4);
    assert_eq!(
        bench.reports()[3..],
        ["5 2 maker buy 1@101 rest 0", "5 3 maker buy 1@101 rest 0", "5 1 maker buy 1@100 rest 0",],
        "by price, then time"
    );
}

#[test]
fn a_held_order_does_not_meet_ours_but_its_trades_do() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 101, 2);
    bench.add(5, 7, Sell, 100, 2);
    bench.delete(5, 7);
    assert_eq!(bench.reports(), ["3 1 accepted"], "a rejected post-only");
    bench.add(6, 8, Sell, 100, 2);
    bench.change(6, 8, 1);
    bench.delete(6, 1);
    bench.trade(6, Sell, 100, 1, 1);
    assert_eq!(bench.reports(), ["6 1 maker buy 1@101 rest 1"]);
}

#[test]
fn a_released_order_meets_ours() {
    let mut bench = Bench::l3();
    bench.delete(0, 2);
    bench.place(1, 1, Buy, Limit, 101, 4);
    bench.add(5, 7, Sell, 100, 3);
    bench.delete(5, 1);
    bench.trade(5, Sell, 100, 1, 1);
    assert_eq!(
        bench.reports(),
        ["3 1 accepted", "5 1 maker buy 3@101 rest 1", "5 1 maker buy 1@101 rest 0"],
        "what it did not trade, and then what it did"
    );
}

#[test]
fn a_repaired_order_meets_ours_at_the_later_time() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 101, 4);
    bench.add(5, 7, Sell, 100, 3);
    assert_eq!(bench.reports(), ["3 1 accepted"], "held");
    bench.add(6, 8, Buy, 90, 1);
    assert_eq!(bench.reports(), ["6 1 maker buy 3@101 rest 1"], "the bids at 100 were stale");
}

#[test]
fn an_incoming_order_that_met_us_does_not_fill_us_again_by_its_trades() {
    let mut bench = Bench::l3();
    for id in [5, 6] {
        bench.delete(0, id);
    }
    bench.place(1, 1, Buy, Market, 0, 1);
    bench.place(2, 2, Sell, Limit, 101, 3);
    bench.reports();
    // history: 7 takes 4, which we took before it
    bench.add(9, 7, Buy, 102, 1);
    bench.delete(9, 7);
    bench.delete(9, 4);
    bench.trade(9, Buy, 102, 1, 4);
    assert_eq!(bench.reports(), ["9 2 maker sell 1@101 rest 2"]);
    bench.trade(10, Buy, 102, 1, None);
    assert_eq!(bench.reports(), ["10 2 maker sell 1@101 rest 1"], "a new instant");
}

#[test]
fn a_replaced_order_joins_the_tail_or_trades() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 101, 3);
    bench.add(5, 7, Buy, 101, 1);
    bench.replace(6, 1, 101, 2);
    bench.trade(9, Sell, 101, 1, None);
    assert_eq!(bench.reports(), ["3 1 accepted", "8 1 replaced 2@101"], "7 is ahead now");
    bench.replace(10, 1, 102, 2);
    assert_eq!(
        bench.reports(),
        ["12 1 replaced 2@102", "12 1 taker buy 1@102 rest 1", "12 1 taker buy 1@102 rest 0",]
    );
}

#[test]
fn after_a_gap_nothing_fills_and_then_the_place_is_lost() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 101, 1);
    bench.event(5, Gap);
    bench.trade(6, Sell, 99, 1, None);
    bench.add(6, 9, Sell, 90, 1);
    bench.place(6, 2, Sell, Market, 0, 1);
    bench.replace(6, 1, 100, 1);
    bench.event(10, Clear);
    bench.add(10, 11, Buy, 101, 1);
    bench.trade(10, Sell, 101, 1, None);
    assert_eq!(bench.reports(), ["3 1 accepted", "8 2 rejected NoMarket", "8 1 replace rejected NoMarket"]);
    bench.trade(12, Sell, 101, 1, None);
    assert!(bench.reports().is_empty(), "11 is ahead now");
    bench.delete(13, 11);
    bench.trade(14, Sell, 101, 1, None);
    assert_eq!(bench.reports(), ["14 1 maker buy 1@101 rest 0"]);
}

#[test]
fn a_new_picture_that_crosses_ours_meets_it_when_it_is_whole() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 101, 5);
    bench.event(10, Gap);
    bench.event(10, Clear);
    bench.add(10, 20, Sell, 100, 2);
    bench.add(10, 21, Sell, 99, 1);
    assert_eq!(bench.reports(), ["3 1 accepted"], "not before");
    bench.delete(12, 21);
    assert_eq!(bench.reports(), ["12 1 maker buy 1@101 rest 4", "12 1 maker buy 2@101 rest 2"]);
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
