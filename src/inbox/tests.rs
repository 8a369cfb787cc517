//! Real sockets under the inboxes.

use std::io::{ErrorKind, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use market::event::EventKind;
use market::feed::{Names, write_ndjson};
use market::{InstrumentId, Timestamp};

use super::*;

const NAMES: [&str; 2] = ["A", "B"];

fn options() -> OpenOptions {
    let config = crate::config::Loader::new().finish().expect("defaults");
    let instruments = config.known(&NAMES.map(str::to_owned)).expect("facts");
    OpenOptions { names: Names::of(&instruments), ..OpenOptions::default() }
}

/// A line that halts the first instrument at a time.
fn line(time: i64) -> String {
    let mut text = String::new();
    let event = MarketEvent {
        instrument: InstrumentId(0),
        time: Timestamp::from_ns(YEAR_2026_NS + time),
        source: SourceId(0),
        position: 0,
        kind: EventKind::Halt,
    };
    write_ndjson(&event, NAMES[0], &mut text);
    text
}

const YEAR_2026_NS: i64 = 1_777_689_380_000_000_000;

fn start(feed: &str, skip: u64, bound: usize) -> (Inbox, Receiver<Arrival>) {
    let (sender, receiver) = sync_channel(bound);
    let sources = Sources::open(&[feed.to_owned()], &options()).expect("a feed");
    let inbox = sources.start(&[skip], move |arrival| sender.send(arrival).is_ok()).expect("threads");
    (inbox, receiver)
}

#[test]
fn a_time_of_sending_comes_beside_its_event_and_not_with_the_gap_before_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let (listener, feed) = unix(dir.path());
    let (_inbox, arrivals) = start(&feed, 7, 64);
    let sent = line(1).replace('}', ",\"sent_ns\":42}");
    accept(&listener).write_all((sent + &line(2)).as_bytes()).expect("written");
    comes(&arrivals, ["connected"]);
    let sent: Vec<Option<i64>> = (0..4)
        .map(|_| match arrivals.recv().expect("an arrival") {
            Arrival::Event { sent_ns, .. } => sent_ns,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sent, [None, None, Some(42), None], "a gap for each instrument, then two events");
}

/// What comes next, in short.
fn next(receiver: &Receiver<Arrival>) -> String {
    match receiver.recv().expect("an arrival") {
        Arrival::Event { event, .. } => {
            let what = if event.kind == EventKind::Gap { "gap" } else { "event" };
            let time = event.time.ns() - YEAR_2026_NS;
            format!("{what} {} {time} #{}", NAMES[event.instrument.index()], event.position)
        }
        Arrival::Connected { .. } => "connected".to_owned(),
        Arrival::Lost { why, .. } => format!("lost: {why}"),
        Arrival::Ended { fault, .. } => format!("ended: {fault:?}"),
    }
}

#[track_caller]
fn comes<const N: usize>(receiver: &Receiver<Arrival>, want: [&str; N]) {
    assert_eq!(want.map(|_| next(receiver)), want);
}

fn unix(dir: &Path) -> (UnixListener, String) {
    let path = dir.join("feed.sock");
    (UnixListener::bind(&path).expect("bound"), format!("unix:{}", path.display()))
}

fn accept(listener: &UnixListener) -> UnixStream {
    listener.accept().expect("connected").0
}

#[test]
fn a_socket_that_is_lost_comes_back_behind_a_gap_for_each_instrument() {
    let dir = tempfile::tempdir().expect("a folder");
    let (listener, feed) = unix(dir.path());
    let (inbox, arrivals) = start(&feed, 0, 64);
    let mut sender = accept(&listener);
    sender.write_all((line(1) + "no JSON\n" + &line(2)).as_bytes()).expect("written");
    comes(&arrivals, ["connected", "event A 1 #1", "event A 2 #2"]);
    drop(sender);
    assert!(next(&arrivals).starts_with("lost: "));
    let mut sender = accept(&listener);
    // what is older than the cut is refused, and costs no gap
    sender.write_all((line(1) + &line(3)).as_bytes()).expect("written");
    comes(&arrivals, ["connected", "gap A 3 #3", "gap B 3 #4", "event A 3 #5"]);
    let status = &inbox.status()[0];
    assert_eq!((status.state.as_str(), status.events, status.refused), ("open", 5, 2));
    let faults = inbox.faults();
    assert!(faults[0].starts_with(&format!("{feed}:2: ")), "{faults:?}");
    assert!(faults[1].starts_with(&format!("{feed}:1: time goes back from ")), "{faults:?}");
}

#[test]
fn a_socket_read_on_after_a_restart_begins_with_a_gap() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let feed = format!("tcp://{}", listener.local_addr().expect("an address"));
    let (_inbox, arrivals) = start(&feed, 7, 64);
    let (mut sender, _) = listener.accept().expect("connected");
    sender.write_all(line(1).as_bytes()).expect("written");
    comes(&arrivals, ["connected", "gap A 1 #8", "gap B 1 #9", "event A 1 #10"]);
}

#[test]
fn what_sends_may_start_later() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("feed.sock");
    let (_inbox, arrivals) = start(&format!("unix:{}", path.display()), 0, 64);
    assert!(next(&arrivals).ends_with("start what sends there"));
    let (listener, _) = unix(dir.path());
    accept(&listener).write_all(line(1).as_bytes()).expect("written");
    comes(&arrivals, ["connected", "event A 1 #1"]);
}

#[test]
fn a_full_queue_leaves_the_socket_unread() {
    const BOUND: u64 = 4;
    let dir = tempfile::tempdir().expect("a folder");
    let (listener, feed) = unix(dir.path());
    let (inbox, arrivals) = start(&feed, 0, BOUND as usize);
    let mut sender = accept(&listener);
    let lines = 200_000;
    let text: String = (0..lines).map(line).collect();
    let mut written = 100 * line(0).len();
    sender.write_all(&text.as_bytes()[..written]).expect("written");
    // the connection and three events fill the queue, and one event waits for room
    while inbox.status()[0].events < BOUND {
        thread::yield_now();
    }
    sender.set_nonblocking(true).expect("set");
    let error = loop {
        match sender.write(&text.as_bytes()[written..]) {
            Ok(n) => written += n,
            Err(error) => break error,
        }
        assert!(written < text.len(), "all of {written} bytes were taken");
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    assert_eq!(inbox.status()[0].events, BOUND);
    sender.set_nonblocking(false).expect("set");
    let rest = thread::spawn(move || sender.write_all(&text.as_bytes()[written..]));
    assert_eq!(next(&arrivals), "connected");
    for time in 0..lines {
        assert_eq!(next(&arrivals), format!("event A {time} #{}", time + 1));
    }
    rest.join().expect("ended").expect("written");
}

#[test]
fn a_line_without_an_end_is_given_up_and_the_next_connection_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let (listener, feed) = unix(dir.path());
    let (_inbox, arrivals) = start(&feed, 0, 64);
    let mut sender = accept(&listener);
    let chunk = [b'0'; 1 << 16];
    let taken = (0..1 << 14).take_while(|_| sender.write_all(&chunk).is_ok()).count() * chunk.len();
    assert!(taken < 32 << 20, "{taken} bytes of one line were taken");
    assert_eq!(next(&arrivals), "connected");
    let why = next(&arrivals);
    assert!(why.contains("the line is longer than 8388608 bytes"), "{why}");
    accept(&listener).write_all(line(1).as_bytes()).expect("written");
    comes(&arrivals, ["connected", "gap A 1 #1", "gap B 1 #2", "event A 1 #3"]);
}

#[test]
fn a_file_is_read_over_what_the_tape_has() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.ndjson");
    std::fs::write(&path, (1..=3).map(line).collect::<String>() + "\u{0}\n").expect("written");
    let feed = path.display().to_string();
    let told = |skip| {
        let (_inbox, arrivals) = start(&feed, skip, 64);
        let mut told = vec![next(&arrivals)];
        while !told.last().expect("one").starts_with("ended") {
            told.push(next(&arrivals));
        }
        told
    };
    let whole = told(0);
    let want = ["connected", "event A 1 #1", "event A 2 #2", "event A 3 #3", "gap A 3 #3", "gap B 3 #3"];
    assert_eq!(whole[..6], want);
    assert!(whole[6].starts_with("ended: Some("), "{whole:?}");
    for skip in 0..=5 {
        assert_eq!(told(skip as u64)[1..], whole[1 + skip..]);
    }
}

#[test]
fn what_is_no_file_ends_at_once_and_has_no_format() {
    let feeds = ["no/such/file".to_owned(), "-".to_owned()];
    let sources = Sources::open(&feeds, &options()).expect("feeds");
    assert_eq!(sources.formats().collect::<Vec<_>>(), [Format::Ndjson]);
    let (_inbox, arrivals) = start("no/such/file", 0, 64);
    assert!(next(&arrivals).starts_with("ended: Some(\"no/such/file: cannot be read"));
    assert!(Sources::open(&["tcp://192.0.2.1:9".to_owned()], &options()).is_err());
}

#[test]
fn the_lag_is_how_long_an_event_waited() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_listener, feed) = unix(dir.path());
    let (inbox, _arrivals) = start(&feed, 0, 64);
    let read_at = Instant::now() - std::time::Duration::from_secs(5);
    inbox.taken(SourceId(0), read_at);
    assert!(inbox.status()[0].lag_ms >= 5000);
}
