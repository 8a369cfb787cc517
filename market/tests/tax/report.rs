//! What is told: the object, the rows, the form.

use market::tax::{Report, TaxYear, read_trades};
use serde_json::Value;

use crate::story::{Terms, under};

fn report(year: i64, story: &str) -> Report {
    let terms = Terms::default();
    Report {
        year: TaxYear::ending(year, "12-31").expect("a year"),
        terms: terms.read(),
        returns: under(&terms, story),
        notes: vec!["a note".to_owned()],
    }
}

const STORY: &str = "2025-01-10 buy 100 X @ 52 lot a
                     2025-06-02 sell 100 X @ 48
                     2025-06-20 buy 100 X @ 50 lot b
                     2026-07-01 sell 50 X @ 70";

fn object(report: &Report) -> Value {
    serde_json::to_value(report.object()).expect("an object")
}

#[test]
fn the_object_tells_disposals_and_lots() {
    let it = object(&report(2025, STORY));
    let sold = &it["disposals"][0];
    for (key, value) in [
        ("instrument", "X"),
        ("account", "main"),
        ("acquired", "2025-01-10"),
        ("sold", "2025-06-02"),
        ("quantity", "100"),
        ("proceeds", "4800"),
        ("basis", "5200"),
        ("gain", "-400"),
        ("loss", "400"),
        ("allowed", "0"),
        ("disallowed", "400"),
        ("code", "W"),
        ("gain_or_loss", "0"),
        ("term", "short"),
    ] {
        assert_eq!(sold[key], value, "{key}");
    }
    assert_eq!(sold["replacements"][0]["lot"], "b");
    assert_eq!(it["disposals"].as_array().map(Vec::len), Some(1), "the sale of 2026 is of another year");
    let lot = &it["lots"][0];
    assert_eq!(
        (&lot["acquired"], &lot["basis"], &lot["quantity"]),
        (&"2025-06-20".into(), &"2700".into(), &"50".into())
    );
    assert_eq!(it["lots_as_of"], "2026-07-01");
    assert_eq!(it["policy"]["contested"], "replace");
    assert_eq!(it["totals"]["disallowed"], "400");
    let next = object(&report(2026, STORY));
    assert_eq!(next["disposals"][0]["term"], "long");
    assert_eq!((&next["long"]["gain_or_loss"], &next["short"]["disposals"]), (&"800".into(), &0.into()));
}

#[test]
fn the_head_names_policy_and_assumptions() {
    let lines = report(2025, STORY).assumptions();
    for start in
        ["contested: shares bought before", "sales take the earliest lots", "a note", "this is no tax advice"]
    {
        assert!(lines.iter().any(|line| line.starts_with(start)), "{start}");
    }
    let open = report(2025, "2025-01-10 buy 100 X @ 52\n2025-12-20 sell 100 X @ 48").assumptions();
    assert!(
        open.contains(
            &"trades are known up to 2025-12-20: purchases until 2026-01-19 may yet disallow losses that are open: 1"
                .to_owned()
        )
    );
}

#[test]
fn the_form_has_code_w_and_a_positive_adjustment() {
    // example 11: proceeds 4,800, basis 5,200, code W, +400, gain 0
    assert_eq!(
        report(2025, STORY).form_8949(),
        "part,(a) description,(b) date acquired,(c) date sold,(d) proceeds,(e) basis,(f) code,(g) adjustment,(h) gain or loss\n\
         I,100 sh. X,01/10/2025,06/02/2025,4800.00,5200.00,W,400.00,0.00\n"
    );
    assert!(
        report(2026, STORY)
            .form_8949()
            .ends_with("II,50 sh. X,06/20/2025,07/01/2026,3500.00,2700.00,,,800.00\n")
    );
}

#[test]
fn a_year_without_a_sale_has_the_header_alone() {
    let it = report(2024, STORY).form_8949();
    assert_eq!(it.lines().count(), 1);
    assert!(it.starts_with("part,(a) description,"), "{it}");
}

#[test]
fn the_form_adds_up_in_cents() {
    let it = report(
        2025,
        "2025-01-10 buy 3 X @ 33.337
         2025-06-02 sell 3 X @ 11.119
         2025-06-20 buy 2 X @ 10",
    );
    let text = it.form_8949();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let row = reader.records().next().expect("a row").expect("of text");
    let cents = |at: usize| -> i64 { row[at].replace('.', "").parse().expect("cents") };
    assert_eq!(cents(8), cents(4) - cents(5) + cents(7));
    assert_eq!(&row[6], "W");
}

#[test]
fn the_rows_are_disposals_and_lots() {
    let text = report(2025, STORY).csv();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "record,instrument,account,lot,quantity,acquired,held_from,sold,term,proceeds,basis,allowed,disallowed,code,gain_or_loss",
            "disposal,X,main,a,100,2025-01-10,2025-01-10,2025-06-02,short,4800,5200,0,400,W,0",
            "lot,X,main,b,50,2025-06-20,2025-01-28,,,,2700,,,,",
        ]
    );
}

#[test]
fn a_file_is_read_to_a_report() {
    let text = "time,instrument,side,quantity,price,fee,account\n\
                2025-03-03,X,buy,100,10,0,main\n\
                2025-06-02,X,sell,100,7.5,0,main\n\
                2025-06-20,X,buy,100,8,0,ira\n";
    let file = read_trades("t.csv", text.as_bytes(), 0).expect("three trades");
    let terms = Terms::default();
    let returns = market::tax::fold(file.trades, &terms.read(), &terms.accounts).expect("a return");
    assert_eq!(returns.disposals[0].lost().to_string(), "250");
}
