//! Rows with a fault: refused, counted and named, and the run goes on.

use super::{Desk, T, good_orders, order, orders};

/// A format, good rows of it, and a row with room for a price and a quantity.
struct Format {
    file: &'static str,
    before: Vec<String>,
    row: &'static str,
    after: Vec<String>,
    /// Lines before the rows.
    header: bool,
    price: &'static str,
    quantity: &'static str,
    /// Fields and numbers that mean something, or have a message of their own.
    excused: &'static [(&'static str, &'static str)],
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

fn formats() -> [Format; 7] {
    let trade = |ms: i64| format!(r#""instrument":"X","time":{}"#, (T + ms) * 1_000_000);
    let ndjson =
        |ms: i64| format!(r#"{{"type":"snapshot",{},"bids":[["100","5"]],"asks":[["102","5"]]}}"#, trade(ms));
    let capture =
        |ms: i64| format!(r#"1 {{"e":"trade","E":1,"T":{},"s":"X","p":"100","q":"1","m":true}}"#, T + ms);
    let basic = Format {
        file: "",
        before: Vec::new(),
        row: "",
        after: Vec::new(),
        header: true,
        price: "price",
        quantity: "quantity",
        excused: &[],
    };
    [
        Format {
            file: "orders.csv",
            before: [vec![super::HEADER.to_owned()], good_orders()[..3].to_vec()].concat(),
            row: "8,1777689380307,1777689380300,PRICE,QUANTITY,created,ask",
            after: good_orders()[3..].to_vec(),
            quantity: "volume",
            // a price of 0 takes whatever there is
            excused: &[("PRICE", "0"), ("PRICE", "-2")],
            ..basic
        },
        Format {
            file: "trades.csv",
            before: lines(&[
                "trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side",
                "1,1777689380012,1777689380010,100,1,7,8,buy",
            ]),
            row: "2,1777689380022,1777689380020,PRICE,QUANTITY,7,8,buy",
            after: lines(&["3,1777689380912,1777689380910,101,1,7,8,sell"]),
            quantity: "amount",
            ..basic
        },
        Format {
            file: "ticks.csv",
            before: lines(&["timestamp_ms,price,quantity", "1777689380010,100,1"]),
            row: "1777689380020,PRICE,QUANTITY",
            after: lines(&["1777689380910,101,2"]),
            ..basic
        },
        Format {
            file: "bars.csv",
            before: lines(&["timestamp_ms,open,high,low,close,volume", "1777689380000,100,101,99,100,7"]),
            row: "1777689381000,100,200,1,PRICE,QUANTITY",
            after: lines(&["1777689382000,100,101,99,100,7", "1777689383000,100,101,99,100,7"]),
            price: "close",
            quantity: "volume",
            // nothing may have traded; more than fixed point holds stands at the most; no close is a holiday
            excused: &[
                ("QUANTITY", "0"),
                ("QUANTITY", "-2"),
                ("QUANTITY", "1e400"),
                ("QUANTITY", "9223372036.9"),
                ("QUANTITY", "0.1234567891"),
                ("PRICE", ""),
            ],
            ..basic
        },
        Format {
            file: "trades.ndjson",
            before: vec![ndjson(10)],
            row: r#"{"type":"trade","instrument":"X","time":1777689380020000000,"price":"PRICE","quantity":"QUANTITY"}"#,
            after: vec![ndjson(900)],
            header: false,
            ..basic
        },
        Format {
            file: "levels.ndjson",
            before: vec![ndjson(10)],
            row: r#"{"type":"snapshot","instrument":"X","time":1777689380020000000,"bids":[["PRICE","QUANTITY"]]}"#,
            after: vec![ndjson(900)],
            header: false,
            price: "bids",
            quantity: "bids",
            ..basic
        },
        Format {
            file: "capture",
            before: vec![capture(10)],
            row: r#"1 {"e":"trade","E":1,"T":1777689380020,"s":"X","p":"PRICE","q":"QUANTITY","m":true}"#,
            after: vec![capture(900)],
            header: false,
            price: "p",
            quantity: "q",
            ..basic
        },
    ]
}

const NUMBERS: [(&str, &str); 8] = [
    ("0", "is not positive; it must be greater than 0"),
    ("-2", "is not positive; it must be greater than 0"),
    ("NaN", "is not a decimal number; write it like 1234.5"),
    ("inf", "is not a decimal number; write it like 1234.5"),
    ("1e400", "is beyond ±9223372036.854775807; check the column and its unit"),
    ("9223372036.9", "is beyond ±9223372036.854775807; check the column and its unit"),
    ("0.1234567891", "has more than nine decimals; round it to nine"),
    ("", "is not a decimal number; write it like 1234.5"),
];

#[test]
fn a_bad_number_is_refused_in_every_format_and_nothing_else_is_lost() {
    let desk = Desk::new();
    for format in formats() {
        let accepted = (format.before.len() + format.after.len()) as u64 - u64::from(format.header);
        let clean = desk.write(format.file, [&format.before[..], &format.after].concat().join("\n"));
        let clean = desk.backtest(&[&clean]).json["digest"].clone();
        for (field, name) in [("QUANTITY", format.quantity), ("PRICE", format.price)] {
            for (number, said) in NUMBERS {
                if format.excused.contains(&(field, number)) {
                    continue;
                }
                let row = format.row.replace(field, number).replace("PRICE", "101").replace("QUANTITY", "3");
                let text = [&format.before[..], &[row], &format.after].concat().join("\n");
                let file = desk.write(format.file, text);
                let fault = format!("{file}:{}: {name} `{number}` {said}", format.before.len() + 1);
                let allowed = desk.both(&[&file, "--set", "run.max_refused=0.5"]);
                for told in &allowed {
                    assert_eq!(told.run.code, 0, "{}", told.run.stderr);
                    told.refuses(&fault, accepted);
                }
                assert_eq!(
                    allowed[0].json["digest"], clean,
                    "a row that is refused leaves no trace: {fault}"
                );
            }
        }
        let [traded, looked] = desk.both(&[&desk.path(format.file).display().to_string()]);
        for told in [&traded, &looked] {
            told.run
                .fails(2, &["rows were refused, more than run.max_refused = 0.001 allows; correct the feed"]);
        }
        assert_eq!(traded.json["digest"], clean);
    }
}

#[test]
fn a_price_of_0_is_an_order_that_takes_what_there_is() {
    let desk = Desk::new();
    let mut rows = good_orders();
    rows.insert(3, order(310, 8, "0", "1", "created", "ask"));
    rows.insert(4, order(310, 8, "101", "0", "deleted", "ask"));
    rows.insert(5, order(310, 9, "-2", "1", "created", "ask"));
    let file = desk.write("orders.csv", orders(&rows));
    for told in desk.both(&[&file, "--set", "run.max_refused=0.5"]) {
        told.refuses(&format!("{file}:7: price `-2` is negative; it must be 0 or more"), 8);
    }
}

/// Each row with what is said of it.
const ODD_ROWS: [(&str, &str); 10] = [
    (
        "8,1777689380307,1777689380300,101,1,create,ask",
        "action `create` is unknown; did you mean `created`? known are created, changed, deleted",
    ),
    (
        "8,1777689380307,1777689380300,101,1,created,sell",
        "direction `sell` is unknown; did you mean `bid`? known are bid, ask",
    ),
    (
        "x,1777689380307,1777689380300,101,1,created,ask",
        "id `x` is not a whole number; it must be 0 to 18446744073709551615",
    ),
    (
        "8,1777689380307,1777689380299,101,1,created,ask",
        "time goes back from 2026-05-02T02:36:20.300Z to 2026-05-02T02:36:20.299Z; sort the rows by time",
    ),
    (
        "8,1777689380307,1777689380300000,101,1,created,ask",
        "exchange_timestamp `1777689380300000` is no time from 1990 to 2100 in ms; correct or leave out the row",
    ),
    (
        "8,1777689380307,1777689380,101,1,created,ask",
        "exchange_timestamp `1777689380` is no time from 1990 to 2100 in ms; correct or leave out the row",
    ),
    (
        "8,1777689380307,1777689380300,101,1,created",
        "has 6 fields and the header 7; complete or leave out the row",
    ),
    (
        "8,1777689380307,1777689380300,101,1,created,ask,ask",
        "has 8 fields and the header 7; complete or leave out the row",
    ),
    (
        // by the book
        "1,1777689380307,1777689380300,101,1,created,ask",
        "order id 1 is in use; end that order first or choose another id",
    ),
    (
        "8,1777689380307,1777689380300,9000000000,1,created,ask",
        "price 9000000000 is out of range: at least 0 for an order, above 0 for all else, at most 4611686018.427387903; check the column and its unit",
    ),
];

#[test]
fn a_bad_row_is_refused_and_named_by_its_line() {
    let desk = Desk::new();
    for (row, said) in ODD_ROWS {
        let mut rows = good_orders();
        rows.insert(3, row.to_owned());
        let file = desk.write("orders.csv", orders(&rows));
        for told in desk.both(&[&file, "--set", "run.max_refused=0.5"]) {
            assert_eq!(told.run.code, 0, "{}", told.run.stderr);
            told.refuses(&format!("{file}:5: {said}"), 6);
        }
        for told in desk.both(&[&file]) {
            told.run.fails(2, &[said, "1 of 7 rows were refused"]);
        }
    }
}

#[test]
fn an_unknown_id_is_ignored_and_named() {
    let desk = Desk::new();
    let mut rows = good_orders();
    rows.insert(3, order(310, 99, "101", "1", "deleted", "ask"));
    rows.insert(4, order(320, 98, "101", "1", "changed", "ask"));
    let file = desk.write("orders.csv", orders(&rows));
    for told in desk.both(&[&file]) {
        assert_eq!(told.run.code, 0, "{}", told.run.stderr);
        assert_eq!((told.count("ignored"), told.count("accepted"), told.count("refused")), (2, 6, 0));
        let said = "names an order that is not in the book: its creation was missed or its end came twice; begin the feed earlier, or leave the row out";
        assert_eq!(told.texts("notes"), [format!("{file}:5: {said}"), format!("{file}:6: {said}")]);
        assert!(told.run.stderr.contains(&format!("noted: {file}:5: {said}")));
    }
}

#[test]
fn of_many_bad_rows_ten_are_named_and_all_are_counted() {
    let desk = Desk::new();
    let mut rows = good_orders();
    // every other one is refused by the book, the rest by the reader
    let bad = (0..25).map(|k| order(300, 1, "101", if k % 2 == 0 { "1" } else { "zero" }, "created", "ask"));
    rows.splice(3..3, bad);
    let file = desk.write("orders.csv", orders(&rows));
    for told in desk.both(&[&file]) {
        assert_eq!((told.count("refused"), told.count("accepted")), (25, 6));
        let faults = told.texts("faults");
        let lines: Vec<bool> = faults
            .iter()
            .zip(5..)
            .map(|(fault, line)| fault.starts_with(&format!("{file}:{line}: ")))
            .collect();
        assert_eq!(lines, [true; 10], "{faults:?}");
    }
}

#[test]
fn json_that_is_no_event_is_refused() {
    let desk = Desk::new();
    let good = r#"{"type":"trade","instrument":"X","time":1777689380020000000,"price":"1","quantity":"1"}"#;
    for (row, said) in [
        (good.replace(r#""1","q"#, r#"NaN,"q"#), "JSON"),
        (good.replace(r#""1"}"#, "1e400}"), "quantity `1e400` is beyond"),
        (good.replace("trade", "trad"), "type `trad` is unknown; did you mean `trade`?"),
        (good.replace("price", "prize"), "field of `trade` `prize` is unknown; did you mean `price`?"),
        (good.replace(r#","quantity":"1""#, ""), "`quantity` is missing"),
        (good.replace(r#""X""#, "[7]"), "instrument `[7]` is no text; write it in quotes"),
        (good.replace('}', ""), "JSON"),
        (format!("[{good}]"), "JSON"),
        ("null".into(), "JSON"),
        (good.replace(r#""price":"1""#, r#""price":"1","price":"2""#), "`price` stands twice"),
        (good.replace(r#""price":"1""#, r#""price":["1"]"#), "price"),
        ("{".repeat(5000), "JSON"),
    ] {
        let file = desk.write("x.ndjson", format!("{good}\n{row}\n{good}\n"));
        for told in desk.both(&[&file, "--set", "run.max_refused=0.5"]) {
            assert_eq!(told.run.code, 0, "{row}: {}", told.run.stderr);
            assert_eq!((told.count("refused"), told.count("accepted")), (1, 2), "{row}");
            let fault = told.texts("faults")[0];
            assert!(fault.starts_with(&format!("{file}:2: ")) && fault.contains(said), "{fault}");
            assert!(fault.len() < 400, "a message is short: {fault}");
        }
    }
}

#[test]
fn an_instrument_that_is_not_configured_is_refused_with_its_name() {
    let desk = Desk::new();
    let good = r#"{"type":"trade","instrument":"X","time":1777689380020000000,"price":"1","quantity":"1"}"#;
    let file = desk.write("x.ndjson", format!("{good}\n{}\n{good}\n", good.replace('X', "Y")));
    let told = desk.backtest(&[&file, "--set", "run.max_refused=0.5"]);
    told.refuses(&format!("{file}:2: instrument `Y` is unknown; did you mean `X`? known are X"), 2);
    assert_eq!(desk.info(&[&file]).json["instruments"], serde_json::json!(["X", "Y"]));
}
