//! Bars and trades from CSV files by a mapping, and what is said of a wrong one.

use market::feed::{CsvBars, CsvTrades, Format, OpenOptions};
use market::{EventKind, Quantity, Side};

use crate::common::{Outcome, bar, read_bytes};

fn read_bars(text: &str, bars: CsvBars) -> Outcome {
    let options = OpenOptions { bars, ..OpenOptions::default() };
    read_bytes("bars.csv", text.as_bytes(), &options)
}

#[test]
fn bars_that_contradict_themselves_are_refused() {
    let head = "date,open,high,low,close,volume\n2020-01-01,2,3,1,2,5\n";
    for (row, want) in [
        ("2020-01-02,2,1,3,2,5", "high 1 is below low 3; correct or leave out the bar"),
        (
            "2020-01-02,4,3,1,2,5",
            "open 4 or close 2 is outside low 1 to high 3; correct or leave out the bar",
        ),
        (
            "2020-01-02,2,3,1,0.5,5",
            "open 2 or close 0.5 is outside low 1 to high 3; correct or leave out the bar",
        ),
        ("2020-01-02,2,3,0,2,5", "low `0` is not positive; it must be greater than 0"),
        ("2020-01-02,2,3,1,2,-5", "volume `-5` is negative; it must be 0 or more"),
        ("2020-01-02,2,3,1,2,", "volume `` is not a decimal number; write it like 1234.5"),
        (
            "2020-01-01,2,3,1,2,5",
            "bar of 2020-01-01T00:00:00Z begins before the one before it ends, 2020-01-02T00:00:00Z; sort the rows by time, or set csv_bars.bar_length_s",
        ),
        (
            "2020-02-30,2,3,1,2,5",
            "date `2020-02-30` is no time; it must be written like 2026-05-02 02:36:20.521",
        ),
    ] {
        let outcome = read_bars(
            &format!("{head}{row}\n2020-01-03,2,3,1,2,5\n"),
            CsvBars { bar_length_s: 86_400, ..CsvBars::default() },
        );
        let faults: Vec<String> = outcome.stats.faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, [format!("bars.csv:3: {want}")], "{row}");
        assert_eq!((outcome.fault, outcome.events.len()), (None, 2), "{row}");
    }
}

#[test]
fn one_bar_alone_has_no_length() {
    let text = "date,close\n2020-01-01,7\n";
    assert_eq!(
        read_bars(text, CsvBars::default()).fault.as_deref(),
        Some("bars.csv:2: one bar does not tell its length; set csv_bars.bar_length_s")
    );
    let at_close = CsvBars { time_is: "close".into(), ..CsvBars::default() };
    let outcome = read_bars(text, at_close);
    assert_eq!(bar(&outcome, 0).open_time, outcome.events[0].time);
}

#[test]
fn a_bar_is_as_long_as_the_smallest_step_of_the_first() {
    // from a Friday on
    let text = "date,close\n2020-01-03,1\n2020-01-06,2\n2020-01-07,3\n2020-01-08,4\n";
    let outcome = read_bars(text, CsvBars::default());
    assert_eq!((outcome.stats.refused, outcome.events.len()), (0, 4));
    let first = outcome.events[0].time.to_string();
    assert_eq!(first, "2020-01-04T00:00:00Z");
}

#[test]
fn a_mapping_is_followed_or_the_key_named() {
    let text = "Zeit|Kurs|Menge\n02.05.2026 04:36|10.5|7\n02.05.2026 04:41|11|0\n";
    let mapped = CsvBars {
        time: "Zeit".into(),
        time_format: "%d.%m.%Y %H:%M".into(),
        time_is: "close".into(),
        utc_offset_min: 120,
        close: "kurs".into(),
        volume: "Menge".into(),
        volume_unit: Quantity::from_units(100_000_000_000),
        ..CsvBars::default()
    };
    let outcome = read_bars(text, mapped.clone());
    assert_eq!((outcome.fault.as_deref(), outcome.events.len()), (None, 2));
    assert_eq!(outcome.events[0].time.to_string(), "2026-05-02T02:36:00Z");
    let first = bar(&outcome, 0);
    assert_eq!(first.open_time.to_string(), "2026-05-02T02:31:00Z");
    assert_eq!((first.close.to_string(), first.volume.to_string()), ("10.5".into(), "700".into()));

    let wrong = |change: fn(&mut CsvBars)| {
        let mut bars = mapped.clone();
        change(&mut bars);
        let options = OpenOptions { format: Some(Format::CsvBars), bars, ..OpenOptions::default() };
        let outcome = read_bytes("bars.csv", text.as_bytes(), &options);
        outcome.fault.expect("a wrong mapping")
    };
    for (fault, want) in [
        (
            wrong(|b| b.time = "Zeitt".into()),
            "bars.csv:1: column `Zeitt` is missing; the header has Zeit, Kurs, Menge; is it `Zeit`? set csv_bars.time to the column that holds it",
        ),
        (
            wrong(|b| b.open = "first".into()),
            "bars.csv:1: column `first` is missing; the header has Zeit, Kurs, Menge; set csv_bars.open to the column that holds it",
        ),
        (wrong(|b| b.time_is = "middle".into()), "csv_bars.time_is is `middle`, and must be open or close"),
        (
            wrong(|b| b.time_format = "%q".into()),
            "csv_bars.time_format is `%q`, and must be auto, s, ms, us, ns, iso, or a pattern of %Y %m %d %H %M %S %.f %z",
        ),
        (
            wrong(|b| b.delimiter = "||".into()),
            "csv_bars.delimiter is `||`, and must be one character, or auto",
        ),
    ] {
        assert_eq!(fault, want);
    }
}

#[test]
fn a_file_without_a_header_is_mapped_by_number() {
    let options = OpenOptions {
        format: Some(Format::CsvTrades),
        trades: CsvTrades {
            time: "1".into(),
            price: "3".into(),
            quantity: "2".into(),
            header: false,
            ..CsvTrades::default()
        },
        ..OpenOptions::default()
    };
    let outcome = read_bytes("t.csv", b"1777689381332,5,101\n1777689381333,6,102\n", &options);
    assert_eq!((outcome.fault, outcome.events.len()), (None, 2));
    assert_eq!(outcome.events[0].position, 1);
}

#[test]
fn a_column_that_names_its_unit_holds_to_it() {
    let text = "timestamp_ms,open,high,low,close\n1777689380000000,1,1,1,1\n";
    assert_eq!(
        read_bars(text, CsvBars::default()).fault.as_deref(),
        Some(
            "bars.csv:2: timestamp_ms `1777689380000000` is no time from 1990 to 2100 in ms, but one in us; set time_format of the mapping to that unit"
        )
    );
}

#[test]
fn sides_of_trades_are_told_in_many_words() {
    for (column, words) in [
        ("side", ["BUY", "sell", ""]),
        ("aggressor", ["b", "S", ""]),
        ("is_buyer_maker", ["false", "True", ""]),
    ] {
        let row = |word: &str| format!("1777689381332,101,5,{word}\n");
        let text = format!("time,price,qty,{column}\n{}", words.map(row).concat());
        let outcome = read_bytes("t.csv", text.as_bytes(), &OpenOptions::default());
        assert_eq!(outcome.stats.faults, [], "{column}");
        let sides: Vec<Option<Side>> = outcome
            .events
            .iter()
            .map(|e| match e.kind {
                EventKind::Trade { aggressor, .. } => aggressor,
                _ => panic!("no trade"),
            })
            .collect();
        assert_eq!(sides, [Some(Side::Buy), Some(Side::Sell), None], "{column}");
    }
    let text = "time,price,qty,side\n1777689381332,101,5,bye\n1777689381332,101,0,buy\n";
    let outcome = read_bytes("t.csv", text.as_bytes(), &OpenOptions::default());
    let faults: Vec<String> = outcome.stats.faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "t.csv:2: side `bye` is unknown; did you mean `buy`? known are buy, sell",
            "t.csv:3: qty `0` is not positive; it must be greater than 0"
        ]
    );
}
