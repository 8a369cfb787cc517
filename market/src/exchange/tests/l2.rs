//! Matching on level totals and quotes.

use super::*;

fn quote(bench: &mut Bench, time: i64, bid: (i64, i64), ask: (i64, i64)) {
    let side = |(at, units)| (price(at), quantity(units));
    let (bid, ask) = (side(bid), side(ask));
    bench.event(time, EventKind::Quote { bid, ask });
}

#[test]
fn taking_consumes_levels_for_good() {
    let mut bench = Bench::l2();
    bench.place(1, 1, Buy, Ioc, 103, 4);
    bench.levels(5, &[(Sell, 102, 4)]);
    bench.place(6, 2, Buy, Ioc, 102, 4);
    bench.levels(9, &[(Sell, 102, 2)]);
    bench.levels(9, &[(Sell, 102, 5)]);
    bench.place(10, 3, Buy, Ioc, 102, 9);
    assert_eq!(
        bench.reports(),
        [
            "3 1 accepted",
            "3 1 taker buy 3@102 rest 1",
            "3 1 taker buy 1@103 rest 0",
            "8 2 accepted",
            "8 2 taker buy 1@102 rest 3",
            "8 2 cancelled, filled 1",
            "12 3 accepted",
            "12 3 taker buy 3@102 rest 6",
            "12 3 cancelled, filled 3",
        ],
        "consumed is never more than the level's least total since"
    );
}

#[test]
fn trades_shorten_the_queue_from_the_front() {
    let mut bench = Bench::l2();
    bench.place(1, 1, Buy, Limit, 100, 2);
    bench.trade(5, Sell, 100, 2, None);
    bench.trade(6, Sell, 100, 2, None);
    assert_eq!(bench.reports(), ["3 1 accepted", "6 1 maker buy 1@100 rest 1"]);
}

#[test]
fn cancels_shorten_the_queue_pro_rata_and_against_us() {
    let mut bench = Bench::l2();
    bench.place(1, 1, Buy, Limit, 100, 1);
    bench.levels(5, &[(Buy, 100, 9)]);
    bench.levels(6, &[(Buy, 100, 5)]);
    bench.trade(7, Sell, 100, 2, None);
    assert_eq!(bench.reports(), ["3 1 accepted"], "of 4 cancelled a third, 1 lot, was ahead");
    bench.trade(8, Sell, 100, 1, None);
    assert_eq!(bench.reports(), ["8 1 maker buy 1@100 rest 0"]);
}

#[test]
fn what_trades_explain_is_not_cancelled_again() {
    let mut bench = Bench::l2();
    bench.place(1, 1, Buy, Limit, 100, 1);
    bench.levels(5, &[(Buy, 100, 6)]);
    bench.trade(6, Sell, 100, 1, None);
    bench.levels(7, &[(Buy, 100, 5)]);
    bench.trade(8, Sell, 100, 2, None);
    assert_eq!(bench.reports(), ["3 1 accepted"], "2 were ahead still");
    bench.trade(9, Sell, 100, 1, None);
    assert_eq!(bench.reports(), ["9 1 maker buy 1@100 rest 0"]);
}

#[test]
fn a_total_that_is_told_unchanged_explains_the_trades_before_it() {
    let mut bench = Bench::l2();
    bench.place(1, 1, Buy, Limit, 100, 1);
    bench.levels(5, &[(Buy, 100, 9)]);
    // one of the 3 ahead traded, one joined behind; then 5 of 9 are cancelled
    bench.trade(6, Sell, 100, 1, None);
    bench.levels(7, &[(Buy, 100, 9)]);
    bench.levels(8, &[(Buy, 100, 4)]);
    bench.trade(9, Sell, 100, 1, None);
    assert_eq!(bench.reports(), ["3 1 accepted"]);
    bench.trade(10, Sell, 100, 1, None);
    assert_eq!(bench.reports(), ["10 1 maker buy 1@100 rest 0"], "5 of 9: one of the 2 ahead");
}

#[test]
fn the_queue_ahead_is_never_more_than_the_level() {
    let mut bench = Bench::l2();
    bench.place(1, 1, Buy, Limit, 100, 1);
    bench.levels(5, &[(Buy, 100, 0)]);
    bench.levels(6, &[(Buy, 100, 7)]);
    bench.trade(7, Sell, 100, 1, None);
    assert_eq!(bench.reports(), ["3 1 accepted", "7 1 maker buy 1@100 rest 0"]);
}

#[test]
fn a_later_own_order_stands_behind_the_earlier() {
    let mut bench = Bench::l2();
    bench.place(1, 1, Buy, Limit, 100, 2);
    bench.place(2, 2, Buy, Limit, 100, 2);
    bench.trade(6, Sell, 100, 4, None);
    bench.trade(7, Sell, 100, 2, None);
    assert_eq!(
        bench.reports(),
        [
            "3 1 accepted",
            "4 2 accepted",
            "6 1 maker buy 1@100 rest 1",
            "7 1 maker buy 1@100 rest 0",
            "7 2 maker buy 1@100 rest 1",
        ]
    );
}

#[test]
fn a_trade_through_our_price_fills_up_to_its_quantity() {
    let mut bench = Bench::l2();
    bench.place(1, 1, Buy, Limit, 100, 2);
    bench.place(1, 2, Buy, Limit, 101, 2);
    bench.trade(5, Sell, 99, 3, None);
    assert_eq!(bench.reports()[2..], ["5 2 maker buy 2@101 rest 0", "5 1 maker buy 1@100 rest 1"]);
}

#[test]
fn a_level_that_crosses_ours_meets_it_and_is_taken() {
    let mut bench = Bench::l2();
    bench.place(1, 1, Buy, Limit, 101, 4);
    bench.levels(5, &[(Sell, 101, 3)]);
    bench.levels(6, &[(Sell, 101, 3)]);
    bench.levels(7, &[(Sell, 101, 4)]);
    assert_eq!(
        bench.reports(),
        ["3 1 accepted", "5 1 maker buy 3@101 rest 1", "7 1 maker buy 1@101 rest 0"],
        "the same three are not met twice"
    );
}

#[test]
fn self_trades_and_post_only_are_judged_on_what_stands_ahead() {
    let mut bench = Bench::l2();
    bench.place(1, 1, Sell, Limit, 103, 1);
    bench.levels(4, &[(Sell, 103, 9)]);
    bench.place(5, 2, Buy, Ioc, 103, 9);
    bench.place(5, 3, Buy, Ioc, 103, 8);
    bench.place(6, 4, Buy, PostOnly, 103, 1);
    assert_eq!(
        bench.reports(),
        [
            "3 1 accepted",
            "7 2 rejected SelfTrade",
            "7 3 accepted",
            "7 3 taker buy 3@102 rest 5",
            "7 3 taker buy 5@103 rest 0",
            "8 4 rejected WouldTrade",
        ]
    );
}

#[test]
fn a_gap_stops_all_until_a_snapshot_and_costs_the_place() {
    let mut bench = Bench::l2();
    bench.place(1, 1, Buy, Limit, 101, 2);
    bench.event(5, Gap);
    bench.trade(6, Sell, 99, 1, None);
    bench.levels(6, &[(Sell, 90, 1)]);
    bench.place(6, 2, Sell, Market, 0, 1);
    assert_eq!(bench.reports(), ["3 1 accepted", "8 2 rejected NoMarket"]);
    let snapshot = changes(&[(Buy, 101, 4), (Sell, 102, 1)]);
    bench.event(10, EventKind::Snapshot(snapshot));
    bench.trade(11, Sell, 101, 5, None);
    assert_eq!(bench.reports(), ["11 1 maker buy 1@101 rest 1"], "behind the 4");
}

#[test]
fn a_snapshot_without_a_gap_is_only_new_totals() {
    let mut bench = Bench::l2();
    bench.place(1, 1, Buy, Limit, 100, 2);
    let snapshot = changes(&[(Buy, 100, 9), (Sell, 102, 1)]);
    bench.event(5, EventKind::Snapshot(snapshot));
    bench.trade(6, Sell, 100, 4, None);
    assert_eq!(bench.reports(), ["3 1 accepted", "6 1 maker buy 1@100 rest 1"]);
}

#[test]
fn a_bad_update_changes_nothing() {
    let mut bench = Bench::l2();
    bench.place(1, 1, Buy, Limit, 101, 2);
    bench.levels(5, &[(Sell, 101, 1), (Sell, 0, 1)]);
    assert_eq!(bench.reports(), ["3 1 accepted"]);
}

#[test]
fn with_quotes_only_an_order_behind_the_best_waits_behind_the_whole_level() {
    let mut bench = Bench::new();
    quote(&mut bench, 0, (100, 3), (102, 3));
    bench.place(1, 1, Buy, Limit, 99, 2);
    quote(&mut bench, 5, (99, 4), (102, 3));
    bench.trade(6, Sell, 99, 5, None);
    assert_eq!(bench.reports(), ["3 1 accepted", "6 1 maker buy 1@99 rest 1"]);
    quote(&mut bench, 7, (98, 1), (100, 1));
    bench.trade(8, Sell, 99, 5, None);
    assert_eq!(bench.reports(), ["8 1 maker buy 1@99 rest 0"], "now alone");
}

#[test]
fn quotes_keep_the_place_of_an_order_that_they_leave_behind() {
    let mut bench = Bench::new();
    quote(&mut bench, 0, (100, 3), (103, 3));
    bench.place(1, 1, Buy, Limit, 100, 2);
    quote(&mut bench, 5, (101, 4), (103, 3));
    quote(&mut bench, 6, (100, 9), (103, 3));
    bench.trade(7, Sell, 100, 4, None);
    assert_eq!(bench.reports(), ["3 1 accepted", "7 1 maker buy 1@100 rest 1"]);
    bench.event(8, Gap);
    bench.place(9, 2, Buy, Market, 0, 1);
    assert_eq!(bench.reports(), ["11 2 rejected NoMarket"]);
    quote(&mut bench, 12, (100, 2), (102, 1));
    bench.place(13, 3, Buy, Market, 0, 2);
    bench.trade(17, Sell, 100, 2, None);
    assert_eq!(bench.reports(), ["15 3 accepted", "15 3 taker buy 1@102 rest 1", "15 3 cancelled, filled 1"]);
}

#[test]
fn a_deeper_feed_replaces_a_shallower_one() {
    let mut bench = Bench::new();
    bench.trade(0, Sell, 101, 1, None);
    bench.place(1, 1, Buy, Limit, 100, 2);
    bench.place(1, 2, Buy, Market, 0, 2);
    quote(&mut bench, 5, (99, 3), (102, 3));
    assert_eq!(bench.reports(), ["3 1 accepted", "3 2 accepted", "5 2 cancelled, filled 0"]);
    let snapshot = changes(&[(Buy, 100, 4), (Sell, 102, 1)]);
    bench.event(6, EventKind::Snapshot(snapshot));
    quote(&mut bench, 7, (90, 3), (91, 3));
    bench.add(7, 1, Sell, 90, 1);
    bench.bar(7, 5, [99, 99, 90, 90], 100);
    bench.trade(8, Sell, 100, 5, None);
    assert_eq!(bench.reports(), ["8 1 maker buy 1@100 rest 1"]);
}
