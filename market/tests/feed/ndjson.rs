//! Our own event schema: what is written is read back, whatever the event.

use market::feed::{FeedStats, Format, OpenOptions, open, open_reader, write_ndjson, write_ndjson_sent};
use market::{
    Bar, EventKind, InstrumentId, LevelChange, MarketEvent, Price, Quantity, Side, SourceId, Timestamp,
};
use proptest::prelude::*;

use crate::common::{Outcome, drain, read_bytes};

fn read(text: &str) -> Outcome {
    read_bytes("events", text.as_bytes(), &OpenOptions::default())
}

fn row(rest: &str) -> String {
    format!("{{\"instrument\":\"BTCUSD\",\"time\":1777689380521000000,{rest}}}\n")
}

#[test]
fn each_type_is_read_as_documented() {
    let price = |text: &str| text.parse::<Price>().expect("a price");
    let quantity = |text: &str| text.parse::<Quantity>().expect("a quantity");
    let level =
        |side, at: &str, amount: &str| LevelChange { side, price: price(at), quantity: quantity(amount) };
    let one = quantity("1");
    for (rest, want) in [
        (
            r#""type":"add","id":1,"side":"buy","price":"78318.5","quantity":"0.5""#,
            EventKind::Add { id: 1, side: Side::Buy, price: price("78318.5"), quantity: quantity("0.5") },
        ),
        (
            r#""type":"add","id":1,"side":"sell","price":0,"quantity":5e-1"#,
            EventKind::Add { id: 1, side: Side::Sell, price: Price::ZERO, quantity: quantity("0.5") },
        ),
        (
            r#""type":"change","id":1,"quantity":0.25"#,
            EventKind::Change { id: 1, quantity: quantity("0.25") },
        ),
        (r#""type":"delete","id":18446744073709551615"#, EventKind::Delete { id: u64::MAX }),
        (r#""type":"clear""#, EventKind::Clear),
        (
            r#""type":"levels","bids":[["1","2"],[0.5,0]],"asks":[]"#,
            EventKind::Levels([level(Side::Buy, "1", "2"), level(Side::Buy, "0.5", "0")].into()),
        ),
        (
            r#""type":"snapshot","asks":[["1","2"]]"#,
            EventKind::Snapshot([level(Side::Sell, "1", "2")].into()),
        ),
        (
            r#""type":"quote","bid":["1","2"],"ask":[1.5,0]"#,
            EventKind::Quote { bid: (price("1"), quantity("2")), ask: (price("1.5"), Quantity::ZERO) },
        ),
        (
            r#""type":"trade","price":"1","quantity":"1","side":"sell","maker":9"#,
            EventKind::Trade {
                price: price("1"),
                quantity: one,
                aggressor: Some(Side::Sell),
                maker: Some(9),
            },
        ),
        (
            r#""type":"trade","price":"1","quantity":"1","side":null"#,
            EventKind::Trade { price: price("1"), quantity: one, aggressor: None, maker: None },
        ),
        (r#""type":"halt""#, EventKind::Halt),
        (r#""type":"resume""#, EventKind::Resume),
        (r#""type":"gap""#, EventKind::Gap),
    ] {
        let outcome = read(&row(rest));
        assert_eq!(outcome.stats.faults, [], "{rest}");
        assert_eq!(outcome.events[0].kind, want, "{rest}");
        assert_eq!(outcome.events[0].time.ns(), 1_777_689_380_521_000_000, "{rest}");
    }
}

#[test]
fn what_is_wrong_with_a_row_is_named() {
    let add = r#""type":"add","id":1,"side":"buy","price":"1","quantity":"1""#;
    let good = row(add);
    for (bad, want) in [
        (
            row(&add.replace("\"add\"", "\"ad\"")),
            "type `ad` is unknown; did you mean `add`? known are add, change, delete, clear, levels, snapshot, quote, trade, bar, halt, resume, gap",
        ),
        (
            row(&add.replace("quantity", "quantiy")),
            "field of `add` `quantiy` is unknown; did you mean `quantity`? known are type, instrument, time, sent_ns, id, side, price, quantity",
        ),
        (
            row(&add.replace("\"buy\"", "\"bid\"")),
            "side `bid` is unknown; did you mean `buy`? known are buy, sell",
        ),
        (
            row(&add.replace("\"quantity\":\"1\"", "\"quantity\":\"0\"")),
            "quantity `0` is not positive; it must be greater than 0",
        ),
        (
            row(&add.replace("\"quantity\":\"1\"", "\"quantity\":1e400")),
            "quantity `1e400` is beyond ±9223372036.854775807; check the column and its unit",
        ),
        (
            row(&add.replace("\"price\":\"1\"", "\"price\":0.12345678901")),
            "price `0.12345678901` has more than nine decimals; round it to nine",
        ),
        (row(&add.replace("\"id\":1,", "")), "`id` is missing; complete or leave out the row"),
        (
            row(&add.replace("\"id\":1,", "\"id\":1,\"id\":2,")),
            "is no JSON object (`id` stands twice at line 1 column 74); correct or leave out the row",
        ),
        (
            good.replace("1777689380521000000", "\"yesterday\""),
            "time `yesterday` is no time; it must be written like 2026-05-02 02:36:20.521",
        ),
        (
            good.replace("1777689380521000000", "1777689380521"),
            "time `1777689380521` is no time from 1990 to 2100 in ns; correct or leave out the row",
        ),
        (
            good.replace("1777689380521000000", "1777689380520999999"),
            "time goes back from 2026-05-02T02:36:20.521Z to 2026-05-02T02:36:20.520999999Z; sort the rows by time",
        ),
        (row(r#""type":"levels""#), "has neither bids nor asks; give [[price, quantity], …]"),
        (row(r#""type":"levels","bids":[["0","1"]]"#), "bids `0` is not positive; it must be greater than 0"),
        (
            row(r#""type":"snapshot","bids":[["1","0"]]"#),
            "bids `0` is not positive; it must be greater than 0",
        ),
        (
            row(r#""type":"quote","bid":["1"],"ask":["2","1"]"#),
            "bid is no [price, quantity]; correct or leave out the row",
        ),
        (
            row(
                r#""type":"bar","open_time":1777689390521000000,"open":1,"high":1,"low":1,"close":1,"volume":1"#,
            ),
            "open_time 2026-05-02T02:36:30.521Z is after time 2026-05-02T02:36:20.521Z, which is the close; correct or leave out the bar",
        ),
        (
            "[1,2]\n".to_owned(),
            "is no JSON object (invalid type: sequence, expected an object at line 1 column 0); correct or leave out the row",
        ),
        (
            "{\"type\":\n".to_owned(),
            "is no JSON object (EOF while parsing a value at line 1 column 8); correct or leave out the row",
        ),
    ] {
        let outcome = read(&format!("{good}{bad}{good}"));
        let faults: Vec<String> = outcome.stats.faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, [format!("events:2: {want}")], "{bad}");
        assert_eq!((outcome.fault, outcome.events.len()), (None, 2), "{bad}");
    }
}

#[test]
fn a_time_of_sending_is_read_beside_its_event() {
    let time = Timestamp::from_ns(1_777_689_380_521_000_000);
    let (instrument, source, kind) = (InstrumentId(0), SourceId(0), EventKind::Halt);
    let event = MarketEvent { instrument, time, source, position: 1, kind };
    let mut text = String::new();
    write_ndjson_sent(&event, "A", 42, &mut text);
    write_ndjson(&event, "A", &mut text);
    text += &row(r#""type":"halt","sent_ns":9223372036854775808"#);
    let mut feed = open_reader("events", Box::new(std::io::Cursor::new(text)), &OpenOptions::default());
    let feed = feed.as_mut().expect("a feed");
    assert_eq!((feed.next(), feed.sent_ns()), (Ok(Some(event.clone())), Some(42)));
    assert_eq!((feed.next(), feed.sent_ns()), (Ok(Some(MarketEvent { position: 2, ..event })), None));
    assert_eq!((feed.next(), feed.stats().refused), (Ok(None), 1), "beyond any clock");
}

#[test]
fn a_wrong_unit_ends_the_feed() {
    let text = row(r#""type":"gap""#).replace("1777689380521000000", "1777689380521");
    assert_eq!(
        read(&text).fault.as_deref(),
        Some(
            "events:1: time `1777689380521` is no time from 1990 to 2100 in ns, but one in ms; write times in nanoseconds, or as ISO text"
        )
    );
}

/// The session written in our schema and read back.
#[test]
fn a_feed_can_be_converted() {
    let folder = support::session().display().to_string();
    for feed in open(&folder, &OpenOptions::default()) {
        let feed = feed.expect("a session");
        let names = feed.names().clone();
        let original = drain(feed).events;
        let mut text = String::new();
        for event in &original {
            let name = names.name(event.instrument).expect("named");
            write_ndjson(event, name, &mut text);
        }
        let copy = read(&text);
        assert_eq!((copy.fault, copy.stats.refused), (None, 0));
        assert_eq!(copy.events.len(), original.len());
        for (copy, original) in copy.events.iter().zip(&original) {
            assert_eq!((copy.time, &copy.kind), (original.time, &original.kind));
        }
    }
}

fn price() -> impl Strategy<Value = Price> {
    (1..i64::MAX).prop_map(Price::from_units)
}

fn quantity() -> impl Strategy<Value = Quantity> {
    (1..i64::MAX).prop_map(Quantity::from_units)
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

/// Levels, bids first, not none.
fn levels() -> impl Strategy<Value = Box<[LevelChange]>> {
    proptest::collection::vec((side(), price(), quantity()), 1..6).prop_map(|mut levels| {
        levels.sort_by_key(|l| l.0);
        let levels = levels.into_iter().map(|(side, price, quantity)| LevelChange { side, price, quantity });
        levels.collect()
    })
}

fn bar(time: i64) -> impl Strategy<Value = EventKind> {
    (proptest::array::uniform4(price()), quantity(), 0..1_000_000_000_000_i64).prop_map(
        move |(mut prices, volume, length_ns)| {
            prices.sort_unstable();
            EventKind::Bar(Bar {
                open_time: Timestamp::from_ns(time - length_ns),
                open: prices[1],
                high: prices[3],
                low: prices[0],
                close: prices[2],
                volume,
            })
        },
    )
}

fn kind(time: i64) -> impl Strategy<Value = EventKind> {
    prop_oneof![
        (any::<u64>(), side(), price(), quantity())
            .prop_map(|(id, side, price, quantity)| { EventKind::Add { id, side, price, quantity } }),
        (any::<u64>(), quantity()).prop_map(|(id, quantity)| EventKind::Change { id, quantity }),
        any::<u64>().prop_map(|id| EventKind::Delete { id }),
        levels().prop_map(EventKind::Levels),
        levels().prop_map(EventKind::Snapshot),
        (price(), quantity(), price(), quantity())
            .prop_map(|(b, bq, a, aq)| EventKind::Quote { bid: (b, bq), ask: (a, aq) }),
        (price(), quantity(), proptest::option::of(side()), any::<Option<u64>>()).prop_map(
            |(price, quantity, aggressor, maker)| EventKind::Trade { price, quantity, aggressor, maker }
        ),
        bar(time),
        Just(EventKind::Clear),
        Just(EventKind::Halt),
        Just(EventKind::Resume),
        Just(EventKind::Gap),
    ]
}

/// A time from 2001 to 2096, and an event.
fn event() -> impl Strategy<Value = MarketEvent> {
    (1_000_000_000_000_000_000..4_000_000_000_000_000_000_i64).prop_flat_map(|time| {
        kind(time).prop_map(move |kind| MarketEvent {
            instrument: InstrumentId(0),
            time: Timestamp::from_ns(time),
            source: SourceId(0),
            position: 1,
            kind,
        })
    })
}

proptest! {
    #[test]
    fn every_event_is_read_back(event in event(), name in "\\PC{1,16}|[\"\\\\\u{1}-\u{1f}a]{1,8}") {
        let mut text = String::new();
        write_ndjson(&event, &name, &mut text);
        prop_assert_eq!(text.matches('\n').count(), 1);
        let options = OpenOptions { format: Some(Format::Ndjson), ..OpenOptions::default() };
        let outcome = read_bytes("events", text.as_bytes(), &options);
        prop_assert_eq!(&outcome.stats, &FeedStats { rows: 1, accepted: 1, first: Some(event.time), last: Some(event.time), ..FeedStats::default() });
        prop_assert_eq!(&outcome.events, &[event]);
    }
}
