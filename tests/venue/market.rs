//! What subscribers to the market are told.

use std::io::{BufRead, BufReader, Cursor};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use market::book::{Book, Level};
use market::feed::{Feed, Merge, OpenOptions, open_reader};
use market::{BookState, MarketEvent, Side, Timestamp};

use super::Place;

const HOLD_NS: i64 = 0;
const DEPTH: usize = 50;

/// State and best levels of a book.
type Shown = (BookState, [Vec<Level>; 2]);

fn shown(book: &Book) -> Shown {
    let side = |side| {
        let mut levels = vec![Level::default(); DEPTH];
        let count = book.levels(side, &mut levels);
        levels[..count].to_vec()
    };
    (book.state(), Side::BOTH.map(side))
}

/// The book that a text makes, at the end of each of its instants.
fn books(text: String) -> Vec<(Timestamp, Shown)> {
    let reader = Box::new(Cursor::new(text));
    let feed: Box<dyn Feed> = open_reader("told", reader, &OpenOptions::default()).expect("a feed");
    let mut book = Book::new(HOLD_NS);
    let mut all: Vec<(Timestamp, Shown)> = Vec::new();
    for event in Merge::new(vec![feed]) {
        book.apply(&event);
        if all.last().is_some_and(|(time, _)| *time == event.time) {
            all.pop();
        }
        all.push((event.time, shown(&book)));
    }
    all
}

/// All that is left to hear.
fn rest(from: BufReader<UnixStream>) -> Vec<String> {
    from.lines().map(|line| line.expect("text")).collect()
}

/// The first seconds of the bundled session as our own schema.
fn session(events: usize) -> String {
    let path = support::session().display().to_string();
    let merge = Merge::open([(path.as_str(), OpenOptions::default())]);
    let mut text = String::new();
    merge.take(events).for_each(|event: MarketEvent| market::feed::write_ndjson(&event, "X", &mut text));
    assert_eq!(text.lines().count(), events, "the session is there");
    text
}

#[test]
fn who_comes_first_hears_the_feed_and_who_comes_late_the_same_book() {
    let feed = session(30_000);
    let place = Place::new(&feed);
    let mut venue = place.venue(&["--speed", "max", "--exit-at-end"]);
    for socket in [&venue.market, &venue.orders] {
        let mode = std::fs::metadata(socket).expect("a socket").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let mut first = venue.subscribe();
    let mut heard = String::new();
    for _ in 0..10_000 {
        first.read_line(&mut heard).expect("a line");
    }
    let late = venue.subscribe();
    // who reads last decides how fast it goes: both at once
    let late = std::thread::spawn(move || rest(late));
    heard.extend(rest(first).into_iter().map(|line| line + "\n"));
    let late = late.join().expect("read");
    assert_eq!(heard, feed, "the first hears the feed itself");
    let served = venue.end();
    assert_eq!((&served["events"], &served["subscribers"]), (&30_000.into(), &2.into()));

    assert_eq!(late.iter().filter(|line| line.contains("\"clear\"")).count(), 1, "one picture");
    let expected = books(feed);
    let seen = books(late.iter().map(|line| format!("{line}\n")).collect());
    let from = expected.partition_point(|(time, _)| *time < seen[0].0);
    assert!(from > 100 && seen.len() > 100, "it came after {from} instants, and heard {}", seen.len());
    assert_eq!(seen, expected[from..]);
}

#[test]
fn by_the_clock_a_subscriber_that_does_not_read_is_cut_off() {
    let place = Place::new(&session(60_000));
    let mut venue = place.venue(&["--speed", "1000000", "--exit-at-end"]);
    let idle = venue.subscribe();
    let again = std::thread::spawn({
        let reader = venue.subscribe();
        move || rest(reader).len()
    });
    let read = again.join().expect("read");
    let told = rest(idle);
    assert!(told.len() < 60_000, "it was cut off, and heard {} lines", told.len());
    let served = venue.end();
    assert!(served["too_slow"].as_u64() >= Some(1), "{served}");
    assert!(read > 0);
}

#[test]
fn a_second_venue_in_one_folder_is_refused_and_a_dead_ones_sockets_are_taken_over() {
    let place = Place::new(&session(100));
    let mut venue = place.venue(&[]);
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_janus"))
        .args(["venue", "--feed"])
        .arg(place.path("feed.ndjson"))
        .arg("--config")
        .arg(place.path("venue.toml"))
        .arg("--dir")
        .arg(place.path("s"))
        .output()
        .expect("it runs");
    assert_eq!(second.status.code(), Some(3));
    let said = String::from_utf8(second.stderr).expect("text");
    assert!(said.contains("a venue listens there already"), "{said}");
    venue.child.kill().expect("killed");
    venue.child.wait().expect("ended");
    assert!(venue.market.exists(), "a dead venue leaves its sockets");
    let mut next = place.venue(&["--speed", "max", "--exit-at-end"]);
    let stream = super::until("the new socket", || UnixStream::connect(&next.market).ok());
    assert_eq!(rest(BufReader::new(stream)).len(), 100, "it is told all");
    assert_eq!(next.end()["events"], 100);
}
