//! Anything at all: answered, counted, and never a panic.

use std::io::Cursor;

use market::EventKind;
use market::feed::{Format, OpenOptions, open_reader};
use proptest::prelude::*;

use crate::common::{GOOD, HEADER, drain, gzip, read_bytes, text};

/// One good text of each format.
fn samples() -> Vec<(Format, Vec<u8>)> {
    let trades = "trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side\n1,1777689383889,1777689383817,78319.0,0.121,5,6,buy\n";
    let capture = r#"1723161254036059768 {"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255308,"s":"BTCUSDT","U":3,"u":7,"b":[["55653.87","0.00"]],"a":[["61838.04","0.32"]]}}
1723161254036059769 {"lastUpdateId":5,"bids":[["61837.63","3.78"]],"asks":[["61837.64","1.5"]]}
1723161254087891268 {"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":12,"s":"BTCUSDT","b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","T":1723161256313,"E":1723161256313}}
1723161254087896568 {"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256343,"s":"BTCUSDT","t":3,"p":"61837.63","q":"0.02","T":1723161256342,"m":true}}
"#;
    let bars = "Date,Open,High,Low,Close,Volume\n1/4/1999,1,3,1,2,877\n1/5/1999,2,3,1,2,775\n";
    let ticks = "DateTime,Price,Volume\n2013-09-01 17:00:00.083,1640.25,8\n";
    let events = r#"{"type":"add","instrument":"BTCUSD","time":1777689380521000000,"id":1,"side":"buy","price":"78318.5","quantity":"0.5"}
{"type":"levels","instrument":"BTCUSD","time":1777689380521000000,"bids":[["1","2"]],"asks":[]}
{"type":"bar","instrument":"X","time":"2026-05-02 02:36:21","open_time":"2026-05-02 02:36:20","open":1,"high":2,"low":1,"close":2,"volume":3}
"#;
    vec![
        (Format::Bitstamp, text(&[HEADER, GOOD[0], GOOD[1]])),
        (Format::Bitstamp, trades.into()),
        (Format::Binance, capture.into()),
        (Format::CsvBars, bars.into()),
        (Format::CsvTrades, ticks.into()),
        (Format::Ndjson, events.into()),
    ]
}

#[test]
fn each_sample_is_recognised_and_read() {
    for (format, sample) in samples() {
        let reader = Box::new(Cursor::new(sample));
        let feed = open_reader("sample", reader, &OpenOptions::default()).expect("a feed");
        assert_eq!(feed.format(), format);
        let outcome = drain(feed);
        assert_eq!((outcome.fault, outcome.stats.refused), (None, 0), "{format}");
        assert!(!outcome.events.is_empty(), "{format}");
        let gaps = outcome.events.iter().filter(|e| e.kind == EventKind::Gap);
        assert_eq!(gaps.count(), 0, "{format}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300), format in 0..Format::ALL.len()) {
        for format in [None, Some(Format::ALL[format])] {
            read_bytes("any", &bytes, &OpenOptions { format, ..OpenOptions::default() });
        }
    }

    #[test]
    fn any_damage_is_answered(sample in 0_usize..6, flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6), cut in any::<proptest::sample::Index>(), packed in any::<bool>()) {
        let (format, mut bytes) = samples().swap_remove(sample);
        if packed {
            bytes = gzip(&bytes);
        }
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()).max(bytes.len() / 2));
        for format in [None, Some(format)] {
            read_bytes("any", &bytes, &OpenOptions { format, ..OpenOptions::default() });
        }
    }
}
