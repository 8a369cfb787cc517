//! Each trap of the rule: a boundary, or a fault of a public tool.

use market::tax::{AccountTerms, fold};

use crate::story::{Terms, held_from, losses, lots, returns, trades, under};

const WASHED: [&str; 3] = ["1000", "0", "1000"];
const ALLOWED: [&str; 3] = ["1000", "1000", "0"];

#[test]
fn a_lot_does_not_replace_itself_in_part() {
    let it = returns(
        "2026-03-01 buy 200 X @ 50
         2026-03-20 sell 100 X @ 40",
    );
    assert_eq!(losses(&it), [ALLOWED]);
    assert_eq!(lots(&it), [["2026-03-01", "100", "5000"]]);
}

#[test]
fn a_lot_does_not_replace_itself_in_whole() {
    let it = returns(
        "2026-03-01 buy 200 X @ 50
         2026-03-20 sell 200 X @ 40",
    );
    assert_eq!(losses(&it), [["2000", "2000", "0"]]);
    assert!(it.lots.is_empty());
}

#[test]
fn executions_of_one_order_are_one_purchase() {
    let story = |a: &str, b: &str| {
        format!(
            "2026-03-01 buy 100 X @ 50 {a}
             2026-03-01 buy 100 X @ 50 {b}
             2026-03-20 sell 100 X @ 40"
        )
    };
    assert_eq!(losses(&returns(&story("order 7", "order 7"))), [ALLOWED]);
    assert_eq!(losses(&returns(&story("order 7", "order 8"))), [WASHED]);
}

#[test]
fn an_order_that_goes_on_executing_replaces_nothing_of_itself() {
    let story = |order: &str| {
        format!(
            "2026-03-02 buy 100 X @ 50 order 7
             2026-03-02 sell 100 X @ 40
             2026-03-02 buy 100 X @ 40 {order}"
        )
    };
    assert_eq!(losses(&returns(&story("order 7"))), [ALLOWED]);
    assert_eq!(losses(&returns(&story("order 8"))), [WASHED]);
}

#[test]
fn separate_purchases_of_one_day_replace_each_other() {
    for contested in ["replace", "exempt"] {
        // the first of the day is sold, or the second by its name
        for (lot, basis) in [("", "6000"), ("lot b", "6000")] {
            let story = format!(
                "2026-03-01 buy 100 X @ 50 lot a
                 2026-03-01 buy 100 X @ 50 lot b
                 2026-03-20 sell 100 X @ 40 {lot}"
            );
            let it = under(&Terms::contested(contested), &story);
            assert_eq!(losses(&it), [WASHED], "{contested} {lot}");
            assert_eq!(lots(&it), [["2026-03-01", "100", basis]]);
        }
    }
}

#[test]
fn whether_an_earlier_purchase_replaces_is_a_setting() {
    let story = "2026-03-01 buy 100 X @ 45
                 2026-03-10 buy 100 X @ 50 lot b
                 2026-03-20 sell 100 X @ 40 lot b";
    let literal = under(&Terms::contested("replace"), story);
    assert_eq!(losses(&literal), [WASHED]);
    assert_eq!(lots(&literal), [["2026-03-01", "100", "5500"]]);
    assert_eq!(held_from(&literal), ["2026-03-01"], "it was held longer than what was sold");
    let exempt = under(&Terms::contested("exempt"), story);
    assert_eq!(losses(&exempt), [ALLOWED]);
    assert_eq!(lots(&exempt), [["2026-03-01", "100", "4500"]]);
}

#[test]
fn what_is_bought_after_the_lot_and_before_its_sale_replaces_under_both() {
    for contested in ["replace", "exempt"] {
        let it = under(
            &Terms::contested(contested),
            "2026-03-01 buy 100 X @ 50
             2026-03-10 buy 100 X @ 45
             2026-03-20 sell 100 X @ 40",
        );
        assert_eq!(losses(&it), [WASHED]);
        assert_eq!(lots(&it), [["2026-03-10", "100", "5500"]]);
    }
}

#[test]
fn a_gain_becomes_a_loss_by_the_adjusted_basis_and_is_washed_again() {
    let it = returns(
        "2026-01-05 buy 100 X @ 50
         2026-03-02 sell 100 X @ 40
         2026-03-10 buy 100 X @ 38
         2026-03-20 sell 100 X @ 42
         2026-04-01 buy 100 X @ 41",
    );
    // 42 is above what was paid, and below 38 + 10
    assert_eq!(losses(&it), [WASHED, ["600", "0", "600"]]);
    assert_eq!(lots(&it), [["2026-04-01", "100", "4700"]]);
}

#[test]
fn a_chain_carries_the_basis_on() {
    let it = returns(
        "2026-01-05 buy 100 X @ 50
         2026-03-02 sell 100 X @ 40
         2026-03-10 buy 100 X @ 40
         2026-03-20 sell 100 X @ 30
         2026-04-01 buy 100 X @ 30
         2026-06-01 sell 100 X @ 30",
    );
    assert_eq!(losses(&it), [WASHED, ["2000", "0", "2000"], ["2000", "2000", "0"]]);
    // 56 days, then 10 more days, before 1 April
    assert_eq!(it.disposals[2].held_from.to_string(), "2026-01-25");
    assert!(it.lots.is_empty());
}

#[test]
fn one_replacement_serves_one_loss() {
    let it = returns(
        "2026-01-05 buy 100 X @ 50 lot a
         2026-01-06 buy 100 X @ 50 lot b
         2026-03-02 sell 100 X @ 40 lot a
         2026-03-03 sell 100 X @ 40 lot b
         2026-03-10 buy 100 X @ 40",
    );
    assert_eq!(losses(&it), [WASHED, ALLOWED]);
    assert_eq!(lots(&it), [["2026-03-10", "100", "5000"]]);
}

#[test]
fn the_earliest_loss_is_served_first_and_by_the_earliest_purchase() {
    let it = returns(
        "2026-01-05 buy 100 X @ 50
         2026-03-02 sell 60 X @ 40
         2026-03-03 sell 40 X @ 30
         2026-03-10 buy 50 X @ 40
         2026-03-11 buy 30 X @ 41",
    );
    assert_eq!(losses(&it), [["600", "0", "600"], ["800", "400", "400"]]);
    let bases = lots(&it);
    assert_eq!(
        bases,
        [
            ["2026-03-10", "50", "2500"],
            // 10 shares at 10 of the first loss, 20 at 20 of the second
            ["2026-03-11", "10", "510"],
            ["2026-03-11", "20", "1220"],
        ]
    );
}

#[test]
fn a_purchase_before_the_sale_is_not_forgotten_nor_its_cost_a_cap() {
    let it = returns(
        "2026-01-05 buy 100 X @ 50
         2026-02-25 buy 100 X @ 1
         2026-03-02 sell 100 X @ 2",
    );
    assert_eq!(losses(&it), [["4800", "0", "4800"]]);
    assert_eq!(lots(&it), [["2026-02-25", "100", "4900"]]);
}

/// A sale of 16 March 2026 at a loss of 1000, and a purchase on that day.
fn with_purchase(day: &str) -> Vec<[String; 3]> {
    losses(&returns(&format!(
        "2025-01-05 buy 100 X @ 50 lot a
         2026-03-16 sell 100 X @ 40 lot a
         {day} buy 100 X @ 41"
    )))
}

#[test]
fn thirty_calendar_days_both_ways_are_in_and_thirty_one_are_out() {
    for (sold, bought, washed) in [
        ("2026-03-16", "2026-02-13", false),
        ("2026-03-16", "2026-02-14", true),
        ("2026-03-16", "2026-03-16", true),
        ("2026-03-16", "2026-04-15", true),
        ("2026-03-16", "2026-04-16", false),
        ("2026-12-31", "2027-01-30", true),
        ("2026-12-31", "2027-01-31", false),
        ("2028-02-15", "2028-01-15", false),
        ("2028-02-15", "2028-01-16", true),
        ("2028-02-15", "2028-03-16", true),
        ("2028-02-15", "2028-03-17", false),
    ] {
        let it = returns(&format!(
            "2025-01-05 buy 100 X @ 50 lot a
             {bought} buy 100 X @ 41
             {sold} sell 100 X @ 40 lot a"
        ));
        assert_eq!(losses(&it), [if washed { WASHED } else { ALLOWED }], "{sold} {bought}");
    }
    assert_eq!(with_purchase("2026-04-15"), [WASHED]);
}

#[test]
fn days_are_counted_and_not_seconds() {
    // 30 days later in the calendar, and more than 2,592,000 seconds later
    let mut late = trades(
        "2025-01-05 buy 100 X @ 50
         2026-03-16 sell 100 X @ 40
         2026-04-15 buy 100 X @ 41",
    );
    late[1].time = market::Timestamp::parse_civil("2026-03-16 09:30").expect("a time");
    late[2].time = market::Timestamp::parse_civil("2026-04-15 15:59").expect("a time");
    let it = fold(late, &Terms::default().read(), &AccountTerms::default()).expect("three trades");
    assert_eq!(losses(&it), [WASHED]);
}

#[test]
fn only_a_loss_is_washed() {
    let it = returns(
        "2026-01-05 buy 100 X @ 50
         2026-03-02 sell 100 X @ 60
         2026-03-10 buy 100 X @ 40
         2026-06-01 sell 100 X @ 40
         2026-06-02 buy 100 X @ 40",
    );
    assert_eq!(losses(&it), [["0", "0", "0"], ["0", "0", "0"]]);
    assert_eq!(lots(&it), [["2026-06-02", "100", "4000"]]);
}

#[test]
fn the_lot_sold_counts_and_not_the_average() {
    // the average cost is 45, so that a tool that averages sees a gain
    let it = returns(
        "2025-01-05 buy 100 X @ 50
         2025-01-06 buy 100 X @ 40
         2026-03-16 sell 100 X @ 46
         2026-03-20 buy 100 X @ 46",
    );
    assert_eq!(losses(&it), [["400", "0", "400"]]);
}

#[test]
fn what_is_gone_when_the_sale_is_done_replaces_nothing() {
    // one sale of two lots: nothing is left to hold a loss
    let it = returns(
        "2026-03-01 buy 100 X @ 50
         2026-03-10 buy 100 X @ 50
         2026-03-20 sell 200 X @ 40",
    );
    assert_eq!(losses(&it), [ALLOWED, ALLOWED]);
    // sold before the loss was made
    let it = returns(
        "2026-03-01 buy 100 X @ 50 lot a
         2026-03-10 buy 100 X @ 50 lot b
         2026-03-19 sell 100 X @ 60 lot b
         2026-03-20 sell 100 X @ 40 lot a",
    );
    assert_eq!(losses(&it), [["0", "0", "0"], ALLOWED]);
    // two sales, the second lot still held at the first
    let it = returns(
        "2026-03-01 buy 100 X @ 50
         2026-03-10 buy 100 X @ 50
         2026-03-20 sell 100 X @ 40
         2026-03-20 sell 100 X @ 40",
    );
    assert_eq!(losses(&it), [WASHED, ["2000", "2000", "0"]]);
}

#[test]
fn into_an_ira_a_loss_is_lost_for_ever() {
    let it = returns(
        "2026-01-05 buy 100 X @ 50
         2026-03-16 sell 100 X @ 40
         2026-03-20 buy 60 X @ 40 in ira
         2026-03-21 buy 100 X @ 40",
    );
    assert_eq!(losses(&it), [WASHED]);
    assert_eq!(it.disposals[0].lost().to_string(), "600");
    assert_eq!(
        lots(&it),
        [["2026-03-20", "60", "2400"], ["2026-03-21", "40", "2000"], ["2026-03-21", "60", "2400"]]
    );
    assert_eq!(held_from(&it)[0], "2026-03-20");
    assert_eq!(it.iras, ["ira"]);
}

#[test]
fn a_loss_in_an_ira_is_no_disposal() {
    let it = returns(
        "2026-01-05 buy 100 X @ 50 in ira
         2026-03-16 sell 100 X @ 40 in ira
         2026-03-20 buy 100 X @ 40",
    );
    assert!(it.disposals.is_empty());
    assert_eq!(lots(&it), [["2026-03-20", "100", "4000"]]);
}

#[test]
fn identical_securities_replace_each_other() {
    let story = "2026-01-05 buy 100 VOO @ 50
                 2026-03-16 sell 100 VOO @ 40
                 2026-03-20 buy 100 IVV @ 41";
    assert_eq!(losses(&returns(story)), [ALLOWED]);
    let it = under(&Terms::identical("SPY=VOO,IVV"), story);
    assert_eq!(losses(&it), [WASHED]);
    assert_eq!(lots(&it), [["2026-03-20", "100", "5100"]]);
    assert_eq!(it.disposals[0].replacements[0].symbol, "IVV");
}

#[test]
fn coins_are_not_washed_unless_told() {
    let story = "2026-01-05 buy 1 BTCUSD @ 50000
                 2026-03-16 sell 1 BTCUSD @ 49000
                 2026-03-20 buy 1 BTCUSD @ 49000";
    let it = returns(story);
    assert_eq!(losses(&it), [ALLOWED]);
    assert_eq!(it.exempt, ["BTCUSD"]);
    let mut terms = Terms::default();
    terms.params.securities = "all".to_owned();
    assert_eq!(losses(&under(&terms, story)), [WASHED]);
}

#[test]
fn a_purchase_of_the_next_year_changes_a_sale_of_this_one() {
    let sale = "2026-01-05 buy 100 X @ 50
                2026-12-31 sell 100 X @ 40";
    assert_eq!(losses(&returns(sale)), [ALLOWED]);
    assert_eq!(losses(&returns(&format!("{sale}\n2027-01-30 buy 100 X @ 40"))), [WASHED]);
    assert_eq!(losses(&returns(&format!("{sale}\n2027-01-31 buy 100 X @ 40"))), [ALLOWED]);
}
