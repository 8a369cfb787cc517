//! Trading over the order socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use janus::venue::{FromVenue, How, OrderName, StateAnswer};
use market::order::{ClientId, NewOrder, OrderKind, RejectReason, Report, ReportKind, Request};
use market::{InstrumentId, Price, Quantity, Side};

use super::{PATIENCE, Place, Venue};

const WHOLE: i64 = 1_000_000_000;

/// A book of 10 at 99 and at 101, an event a second for a day.
pub(super) fn feed() -> String {
    let add = |id: i64, side: &str, price: i64, time: i64| {
        format!(
            "{{\"type\":\"add\",\"instrument\":\"X\",\"time\":{time},\"id\":{id},\"side\":\"{side}\",\"price\":\"{price}\",\"quantity\":\"10\"}}\n"
        )
    };
    let start = 1_777_689_380 * WHOLE;
    let book = add(1, "buy", 99, start) + &add(2, "sell", 101, start);
    (1..86_400)
        .fold(book, |text, second| text + &add(second + 2, "sell", 105 + second % 7, start + second * WHOLE))
}

pub(super) const fn id(sequence: u64) -> ClientId {
    ClientId { sequence, instrument: InstrumentId(0), k: 0 }
}

pub(super) fn limit(sequence: u64, side: Side, price: i64, quantity: i64) -> Request {
    Request::Place(NewOrder {
        id: id(sequence),
        side,
        kind: OrderKind::Limit,
        price: Price::from_units(price * WHOLE),
        quantity: Quantity::from_units(quantity * WHOLE),
    })
}

fn report(heard: FromVenue) -> Report {
    match heard {
        FromVenue::Report(report, _) => report,
        other => panic!("no report: {other:?}"),
    }
}

fn ends(state: &StateAnswer) -> Vec<(u64, How)> {
    state.finished.iter().map(|f| (f.id.id.sequence, f.how)).collect()
}

fn names(state: &StateAnswer) -> Vec<u64> {
    state.orders.iter().map(|o| o.id.id.sequence).collect()
}

#[test]
fn orders_fill_and_everything_is_still_there_for_who_comes_back() {
    let place = Place::new(&feed());
    let venue = place.venue(&["--speed", "1000", "--wait-orders"]);
    let trader = venue.client().connected();
    let _market = venue.subscribe();
    super::until("the market", || trader.state(0).time.ns().gt(&(1_777_689_381 * WHOLE)).then_some(()));
    assert!(trader.client.send(&limit(1, Side::Buy, 101, 4)));
    assert_eq!(report(trader.next()).kind, ReportKind::Accepted);
    let Report { id: of, kind: ReportKind::Filled(fill), .. } = report(trader.next()) else {
        panic!("no fill")
    };
    assert_eq!((of, fill.quantity.to_string(), fill.price.to_string()), (id(1), "4".into(), "101".into()));
    assert!(trader.client.send(&limit(2, Side::Buy, 98, 5)));
    assert_eq!(report(trader.next()).kind, ReportKind::Accepted);
    assert!(trader.client.send(&Request::Cancel(id(7))));
    assert_eq!(report(trader.next()).kind, ReportKind::CancelRejected(RejectReason::UnknownOrder));
    let before = trader.state(0);
    drop(trader);

    let trader = venue.client().connected();
    let state = trader.state(0);
    assert!(state.time >= before.time);
    assert_eq!(StateAnswer { time: before.time, ..state.clone() }, before);
    assert_eq!((names(&state), ends(&state)), (vec![2], vec![(1, How::Filled), (7, How::Tombstone)]));
    assert_eq!((state.positions["X"].to_string(), state.cash.to_string()), ("4".into(), "-404.1212".into()));
    assert_eq!((state.fills.len(), state.fills[0].fill, state.executions), (1, fill, 1));
    assert!(trader.state(1).fills.is_empty());
    assert!(trader.client.send(&limit(1, Side::Buy, 101, 4)), "placed again");
    assert_eq!(report(trader.next()).kind, ReportKind::Filled(fill), "and answered as it was");
    assert!(trader.client.send(&limit(7, Side::Buy, 101, 4)));
    assert_eq!(report(trader.next()).kind, ReportKind::Rejected(RejectReason::DuplicateId));
    let (price, total) = (Price::from_units(97 * WHOLE), Quantity::from_units(6 * WHOLE));
    assert!(trader.client.send(&Request::Replace { id: id(2), price, total }));
    assert_eq!(report(trader.next()).kind, ReportKind::Replaced { price, quantity: total });
    assert!(trader.client.send(&Request::Cancel(id(2))));
    assert_eq!(report(trader.next()).kind, ReportKind::Cancelled { filled: Quantity::ZERO });
    assert_eq!(venue.stop()["fills"], 1);
}

#[test]
fn a_client_outlives_its_venue_and_requests_without_one_are_not_sent() {
    let place = Place::new(&feed());
    let venue = place.venue(&[]);
    let trader = venue.client().connected();
    drop(venue);
    assert!(matches!(trader.next(), FromVenue::Lost(_)));
    assert!(!trader.client.send(&limit(1, Side::Buy, 101, 4)), "there is nobody to take it");
    let venue = place.venue(&[]);
    loop {
        match trader.next() {
            FromVenue::Connected => break,
            heard => assert!(matches!(heard, FromVenue::Lost(_)), "{heard:?}"),
        }
    }
    assert!(trader.state(0).orders.is_empty());
    assert_eq!(venue.stop()["orders"], 0);
}

/// A bare connection, and what it is answered to a line.
struct Bare(BufReader<UnixStream>);

impl Bare {
    fn new(venue: &Venue) -> Self {
        let stream = UnixStream::connect(&venue.orders).expect("a venue");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        Self(BufReader::new(stream))
    }

    fn ask(&mut self, line: &str) -> String {
        writeln!(self.0.get_mut(), "{line}").expect("written");
        let mut answer = String::new();
        self.0.read_line(&mut answer).expect("an answer");
        answer
    }
}

#[test]
fn bad_lines_are_answered_and_end_nothing() {
    let place = Place::new(&feed());
    let venue = place.venue(&[]);
    let mut bare = Bare::new(&venue);
    for (line, said) in [
        ("{\"query\":{\"since_execution\":0}}", "nothing is heard before a hello"),
        ("nonsense", "not understood"),
        ("{\"hello\":{\"run\":\"a:b\",\"instruments\":[\"X\"]}}", "a run is named by"),
        ("{\"hello\":{\"run\":\"r\",\"instruments\":[\"Y\"]}}", "give both the same configuration"),
        ("{\"hello\":{\"run\":\"r\",\"instruments\":[\"X\"]}}", "welcome"),
        ("{\"cancel\":{\"id\":\"s:1:0:0\"}}", "an order of another run than r"),
        ("{\"cancel\":{\"id\":\"r:1:0\"}}", "is no order"),
        ("{\"cancel\":{\"id\":\"r:1:999:0\"}}", "unknown_order"),
        (&"x".repeat(1 << 20 | 1), "longer than 1048576 bytes"),
    ] {
        let answer = bare.ask(line);
        assert!(answer.contains(said), "`{said}` is not in {answer}");
    }
    let state = Bare::new(&venue).ask("{\"hello\":{\"run\":\"s\",\"instruments\":[\"X\"]}}");
    assert_eq!(state, "{\"welcome\":{\"run\":\"s\"}}\n");
    let stones = venue.client().connected().state(0).finished;
    let name: OrderName = "r:1:999:0".parse().expect("a name");
    assert_eq!((stones.len(), &stones[0].id, stones[0].how), (1, &name, How::Tombstone));
    venue.stop();
}
