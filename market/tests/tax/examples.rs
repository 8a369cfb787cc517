//! The numbered examples: of the regulation, Publication 550, the VITA case, a broker and a column.

use crate::story::{held_from, losses, lots, returns};

#[test]
fn example_1_the_loss_goes_into_the_basis() {
    let it = returns(
        "2025-03-03 buy 100 X @ 10
         2025-06-02 sell 100 X @ 7.5
         2025-06-20 buy 100 X @ 8",
    );
    assert_eq!(losses(&it), [["250", "0", "250"]]);
    assert_eq!(lots(&it), [["2025-06-20", "100", "1050"]]);
}

#[test]
fn example_2_the_formula_of_the_regulation_gives_the_same() {
    let it = returns(
        "1954-10-01 buy 1 X @ 100
         1955-01-15 sell 1 X @ 80
         1955-02-01 buy 1 X @ 90",
    );
    assert_eq!(losses(&it), [["20", "0", "20"]]);
    assert_eq!(lots(&it), [["1955-02-01", "1", "110"]], "100 + (90 − 80)");
    // § 1.1091-2 example 2: bought back for less than the sale brought
    let it = returns(
        "1954-10-01 buy 1 X @ 100
         1955-01-15 sell 1 X @ 80
         1955-02-01 buy 1 X @ 70",
    );
    assert_eq!(lots(&it), [["1955-02-01", "1", "90"]], "100 − (80 − 70)");
}

#[test]
fn example_3_a_purchase_before_the_sale_replaces() {
    let it = returns(
        "1953-12-01 buy 100 X @ 100
         1953-12-15 buy 100 X @ 90
         1954-01-03 sell 100 X @ 90",
    );
    assert_eq!(losses(&it), [["1000", "0", "1000"]]);
    assert_eq!(lots(&it), [["1953-12-15", "100", "10000"]]);
    assert_eq!(held_from(&it), ["1953-12-01"]);
}

#[test]
fn example_4_a_part_is_replaced() {
    let it = returns(
        "1954-09-21 buy 100 X @ 50
         1954-12-21 buy 50 X @ 55
         1954-12-27 buy 25 X @ 45
         1955-01-03 sell 100 X @ 40",
    );
    assert_eq!(losses(&it), [["1000", "250", "750"]]);
    assert_eq!(lots(&it), [["1954-12-21", "50", "3250"], ["1954-12-27", "25", "1375"]]);
}

#[test]
fn example_5_as_publication_550_dates_it() {
    let it = returns(
        "2009-09-24 buy 100 X @ 50
         2009-12-18 buy 50 X @ 55
         2009-12-28 buy 25 X @ 45
         2010-01-07 sell 100 X @ 40",
    );
    assert_eq!(losses(&it), [["1000", "250", "750"]]);
}

#[test]
fn example_7_of_a_broker() {
    let it = returns(
        "2025-01-10 buy 100 X @ 25
         2025-05-01 sell 100 X @ 22
         2025-05-20 buy 100 X @ 22.5",
    );
    assert_eq!(losses(&it), [["300", "0", "300"]]);
    assert_eq!(lots(&it), [["2025-05-20", "100", "2550"]]);
}

#[test]
fn example_9_both_replacements_gain_the_holding_period() {
    let it = returns(
        "2008-12-01 buy 100 X @ 20
         2009-03-01 buy 50 X @ 24
         2009-03-10 buy 25 X @ 26
         2009-03-27 sell 100 X @ 13",
    );
    assert_eq!(losses(&it), [["700", "175", "525"]]);
    assert_eq!(lots(&it), [["2009-03-01", "50", "1550"], ["2009-03-10", "25", "825"]]);
    // 2 December 2008 is the first day of the period of what was bought on the 1st
    assert_eq!(held_from(&it), ["2008-12-01", "2008-12-01"]);
}
