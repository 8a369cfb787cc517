//! Resting in an order-by-order book: queue positions, trades, orders that meet ours.

use super::*;

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
fn an_order_that_finds_gone_what_we_took_meets_us_by_its_trades_and_once() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 102, 3);
    bench.place(2, 2, Sell, Limit, 101, 3);
    bench.reports();
    // in history 7 takes 4, which we took before it
    bench.add(9, 7, Buy, 102, 1);
    bench.delete(9, 7);
    bench.delete(9, 4);
    bench.trade(9, Buy, 102, 1, 4);
    assert_eq!(bench.reports(), ["9 2 maker sell 1@101 rest 2"]);
}

#[test]
fn what_history_rejects_does_not_fill_us_because_we_emptied_the_level() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 102, 3);
    bench.place(2, 2, Sell, PostOnly, 102, 3);
    bench.reports();
    for id in 7..9 {
        // a post-only order, rejected because of 4 and 5, of which it knows no better
        bench.add(9, id, Buy, 102, 1);
        bench.delete(9, id);
    }
    assert!(bench.reports().is_empty());
    bench.delete(10, 4);
    bench.delete(10, 5);
    bench.add(10, 9, Buy, 102, 1);
    assert_eq!(bench.reports(), ["10 2 maker sell 1@102 rest 2"], "now it would have rested");
}

#[test]
fn what_we_took_is_not_ahead_of_us() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Sell, Limit, 100, 2);
    bench.reports();
    bench.place(5, 2, Buy, Limit, 100, 2);
    bench.trade(8, Sell, 100, 1, None);
    assert_eq!(bench.reports(), ["7 2 accepted"], "2 has 1 left");
    bench.place(9, 3, Sell, Limit, 100, 1);
    bench.trade(12, Sell, 100, 1, 1);
    assert_eq!(
        bench.reports(),
        ["11 3 accepted", "11 3 taker sell 1@100 rest 0", "12 2 maker buy 1@100 rest 1"]
    );
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
