//! Rows with a fault: refused, named, and the next is read.

use crate::common::{GOOD, HEADER, read_orders as read, text};

#[test]
fn a_bad_row_is_refused_and_the_next_is_read() {
    let created =
        |price: &str, volume: &str| format!("8,1777689381332,1777689381262,{price},{volume},created,ask");
    let positive = "is not positive; it must be greater than 0";
    for (row, want) in [
        (created("1", "0"), format!("volume `0` {positive}")),
        (created("1", "-2"), format!("volume `-2` {positive}")),
        (created("1", "NaN"), "volume `NaN` is not a decimal number; write it like 1234.5".into()),
        (created("1", ""), "volume `` is not a decimal number; write it like 1234.5".into()),
        (created("1", "1e400"), "volume `1e400` is beyond ±9223372036.854775807; check the column and its unit".into()),
        (created("9223372036.9", "1"), "price `9223372036.9` is beyond ±9223372036.854775807; check the column and its unit".into()),
        (created("1", "0.1234567891"), "volume `0.1234567891` has more than nine decimals; round it to nine".into()),
        (created("-1", "1"), "price `-1` is negative; it must be 0 or more".into()),
        (created("inf", "1"), "price `inf` is not a decimal number; write it like 1234.5".into()),
        ("8,1777689381332,1777689381262,1,-1,deleted,ask".into(), "volume `-1` is negative; it must be 0 or more".into()),
        ("8,1777689381332,1777689381262,1,1,create,ask".into(), "action `create` is unknown; did you mean `created`? known are created, changed, deleted".into()),
        ("8,1777689381332,1777689381262,1,1,created,ascending".into(), "direction `ascending` is unknown; did you mean `ask`? known are bid, ask".into()),
        ("x,1777689381332,1777689381262,1,1,created,ask".into(), "id `x` is not a whole number; it must be 0 to 18446744073709551615".into()),
        ("8,1777689381332,1777689381261,1,1,created,ask".into(), "time goes back from 2026-05-02T02:36:21.262Z to 2026-05-02T02:36:21.261Z; sort the rows by time".into()),
        ("8,1777689381332,soon,1,1,created,ask".into(), "exchange_timestamp `soon` is no time; it must be a number of ms since 1970".into()),
        ("8,1777689381332,1777689381262000,1,1,created,ask".into(), "exchange_timestamp `1777689381262000` is no time from 1990 to 2100 in ms; correct or leave out the row".into()),
        ("8,1777689381332,1777689381262,1,1,created".into(), "has 6 fields and the header 7; complete or leave out the row".into()),
        ("8,1777689381332,1777689381262,1,1,created,ask,ask".into(), "has 8 fields and the header 7; complete or leave out the row".into()),
    ] {
        let outcome = read(&text(&[HEADER, GOOD[0], &row, GOOD[1]]));
        assert_eq!(outcome.fault, None, "{row}");
        let faults: Vec<String> = outcome.stats.faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, [format!("orders.csv:3: {want}")], "{row}");
        assert_eq!((outcome.events.len(), outcome.stats.refused), (2, 1), "{row}");
        assert_eq!(outcome.events[1].position, 4, "{row}");
    }
}

#[test]
fn what_is_odd_but_right_is_read() {
    for row in [
        // price 0 is a market order; ids are the book's business
        "8,1777689381332,1777689381262,0,1,created,ask",
        "7,1777689381332,1777689381262,1,1,created,ask",
        "9,1777689381332,1777689381262,1,0,deleted,ask",
        "9,1777689381332,1777689381262,1,0,deleted,ask\r",
        " 9 , 1777689381332,1777689381262 ,1,\"0\",deleted,\"ask\"",
        "9,1777689381332,1777689381262,1.0e2,2.6e-06,changed,ask",
    ] {
        let outcome = read(&text(&[HEADER, GOOD[0], row, "", GOOD[1]]));
        assert_eq!(outcome.stats.faults, [], "{row}");
        assert_eq!((outcome.fault, outcome.events.len()), (None, 3), "{row}");
    }
    let last_line_without_end = text(&[HEADER, GOOD[0], GOOD[1]]);
    let cut = &last_line_without_end[..last_line_without_end.len() - 1];
    assert_eq!(read(cut).events.len(), 2);
    let marked = ["\u{feff}".as_bytes(), &last_line_without_end].concat();
    assert_eq!(read(&marked).events.len(), 2);
}
