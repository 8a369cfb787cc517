//! Lots, accounts, fees and terms.

use market::tax::{AccountTerms, TaxError, fold};

use crate::story::{Terms, losses, lots, money, returns, trades, under};

const WASHED: [&str; 3] = ["1000", "0", "1000"];

#[test]
fn fees_are_in_the_basis_and_out_of_the_proceeds() {
    let it = returns(
        "2026-01-05 buy 100 X @ 50 fee 10
         2026-03-16 sell 50 X @ 40 fee 4
         2026-03-20 buy 50 X @ 41 fee 1",
    );
    let sold = &it.disposals[0];
    assert_eq!((sold.proceeds.to_string(), sold.basis.to_string()), ("1996".to_owned(), "2505".to_owned()));
    assert_eq!(losses(&it), [["509", "0", "509"]]);
    assert_eq!(lots(&it), [["2026-01-05", "50", "2505"], ["2026-03-20", "50", "2560"]]);
}

#[test]
fn parts_of_a_loss_sum_to_it_to_the_last_digit() {
    let it = returns(
        "2026-01-05 buy 3 X @ 33.333333333
         2026-03-16 sell 3 X @ 0.000000001 fee 0.000000001
         2026-03-17 buy 1 X @ 1
         2026-03-18 buy 1 X @ 1
         2026-03-19 buy 1 X @ 1",
    );
    let sold = &it.disposals[0];
    assert_eq!(sold.loss(), sold.allowed() + sold.disallowed());
    assert_eq!(sold.allowed().to_string(), "0");
    assert_eq!(sold.loss().to_string(), "99.999999997");
    let parts: Vec<String> = sold.replacements.iter().map(|it| it.amount.to_string()).collect();
    assert_eq!(parts, ["33.333333332", "33.333333332", "33.333333333"]);
}

#[test]
fn a_sale_of_what_is_not_held_is_an_error_or_a_short_sale() {
    let story = "2026-01-05 buy 100 X @ 50
                 2026-03-16 sell 150 X @ 60
                 2026-03-20 buy 80 X @ 70";
    let error = fold(trades(story), &Terms::default().read(), &AccountTerms::default());
    assert_eq!(
        error.expect_err("50 too many").to_string(),
        "trades:2: sells 150 of X, of which account main holds 100 on 2026-03-16; add the purchases before it, or take it for a short sale with --shorts"
    );
    let mut terms = Terms::default();
    terms.accounts.shorts = true;
    let it = under(&terms, story);
    assert_eq!(losses(&it), [["0", "0", "0"], ["500", "500", "0"]]);
    let closed = &it.disposals[1];
    assert_eq!(
        (closed.sold.to_string(), closed.is_long_term(), closed.is_judged),
        ("2026-03-20".to_owned(), false, false)
    );
    assert_eq!(closed.short_since.map(|day| day.to_string()).as_deref(), Some("2026-03-16"));
    assert_eq!(lots(&it), [["2026-03-20", "30", "2100"]]);
    assert_eq!(it.short_losses(), (1, money("500")));
}

#[test]
fn lots_are_named_by_name_or_day_and_must_hold_enough() {
    let story = |lots: &str| {
        format!(
            "2025-01-05 buy 100 X @ 10 lot a
             2025-02-05 buy 100 X @ 20 lot b
             2025-03-05 buy 100 X @ 30
             2026-03-16 sell 150 X @ 60 lot {lots}"
        )
    };
    let bases = |lots: &str| -> Vec<String> {
        returns(&story(lots)).disposals.iter().map(|it| it.basis.to_string()).collect()
    };
    assert_eq!(bases("b;a"), ["2000", "500"]);
    assert_eq!(bases("2025-03-05;a"), ["3000", "500"]);
    let error = fold(trades(&story("b")), &Terms::default().read(), &AccountTerms::default());
    assert!(matches!(&error, Err(TaxError::NotInLots { lots, .. }) if lots == "b"), "{error:?}");
    assert_eq!(
        error.expect_err("too few").to_string(),
        "trades:4: sells 150 of X from lot b, which holds 100 in account main on 2026-03-16; name lots by the name or the day of their purchase, `;` between them"
    );
}

#[test]
fn the_term_counts_the_holding_period_of_what_was_sold() {
    let story = |sold: &str| {
        format!(
            "2025-01-10 buy 100 X @ 50
             2025-12-01 sell 100 X @ 40
             2025-12-11 buy 100 X @ 40
             {sold} sell 100 X @ 60"
        )
    };
    // 325 days are added: held from 20 January 2025
    let short = returns(&story("2026-01-20"));
    assert_eq!(short.disposals[1].held_from.to_string(), "2025-01-20");
    assert!(!short.disposals[1].is_long_term());
    assert!(returns(&story("2026-01-21")).disposals[1].is_long_term());
}

#[test]
fn trades_are_taken_in_the_order_of_time_whatever_their_order() {
    let mut mixed = trades(
        "2026-01-05 buy 100 X @ 50
         2026-03-16 sell 100 X @ 40
         2026-03-20 buy 100 X @ 41",
    );
    mixed.rotate_left(1);
    let it = fold(mixed, &Terms::default().read(), &AccountTerms::default()).expect("three trades");
    assert_eq!(losses(&it), [WASHED]);
}

#[test]
fn an_account_is_an_ira_when_it_is_said_to_be() {
    let story = "2026-01-05 buy 100 X @ 50
                 2026-03-16 sell 100 X @ 40
                 2026-03-20 buy 100 X @ 40 in pension";
    assert_eq!(returns(story).disposals[0].lost().to_string(), "0");
    let mut terms = Terms::default();
    terms.accounts.iras.insert("pension".to_owned());
    assert_eq!(under(&terms, story).disposals[0].lost().to_string(), "1000");
}

#[test]
fn another_account_replaces_and_keeps_its_own_lots() {
    let it = returns(
        "2026-01-05 buy 100 X @ 50
         2026-01-05 buy 100 X @ 20 in spouse
         2026-03-16 sell 100 X @ 40
         2026-03-20 buy 100 X @ 40 in spouse
         2026-06-01 sell 100 X @ 40 in spouse",
    );
    assert_eq!(losses(&it), [WASHED, ["0", "0", "0"]]);
    assert_eq!(it.disposals[1].gain().to_string(), "2000", "the earliest lot of that account");
    assert_eq!(lots(&it), [["2026-03-20", "100", "5000"]]);
}
