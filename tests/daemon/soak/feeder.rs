//! A market without end: the bundled session over and over, faster than it was, with faults on its way.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use janus::assemble::open_options;
use janus::config::{Config, name_of};
use market::event::{EventKind, OrderId};
use market::feed::{Merge, write_ndjson};
use market::{InstrumentId, Instruments, MarketEvent, Timestamp};

use super::faults::{Bag, Counts};
use crate::common::until;

/// How much faster it is than it was.
const SPEED: i64 = 10;
/// How far the second instrument is behind the first.
const SHIFT_NS: i64 = 137_000_000;
/// Between the end of the session and its beginning.
const PAUSE_NS: i64 = 1_000_000_000;
/// More than all numbers of orders in the session span.
const LAP_IDS: u64 = 10_000_000_000_000;
/// How often rows are sent, and how many at once at most.
const TURN: Duration = Duration::from_millis(5);
const MOST_ROWS: usize = 4096;
/// How long the feed is silent, and how much comes at once.
const SILENCE: Duration = Duration::from_secs(1);
const BURST_NS: i64 = 2_000_000_000 * SPEED;
/// Rows with a fault each.
const BAD_ROWS: &str = concat!(
    "no JSON at all\n",
    "{\"type\":\"whisper\",\"instrument\":\"BTCUSD\",\"time\":1}\n",
    "{\"type\":\"delete\",\"instrument\":\"BTCUSD\",\"id\":7}\n",
    "{\"type\":\"trade\",\"instrument\":\"BTCUSD\",\"time\":1777689390600000000,\"price\":\"-1\",\"quantity\":\"1\"}\n",
);

/// What goes wrong with a feed.
#[derive(Debug, Clone, Copy)]
pub enum Trouble {
    /// The connection is lost in the middle of a row, and is made again.
    Cut,
    /// Rows that cannot be read.
    BadRows,
    /// What is to come in the next seconds comes at once.
    Burst,
    /// Nothing comes.
    Silence,
}

pub const TROUBLES: [(Trouble, &str); 4] = [
    (Trouble::Cut, "connections cut"),
    (Trouble::BadRows, "bad rows"),
    (Trouble::Burst, "bursts"),
    (Trouble::Silence, "silences"),
];

/// How it went.
#[derive(Debug, Default)]
pub struct Fed {
    pub rows: u64,
    pub laps: u64,
    /// How far it was behind its schedule at the most.
    pub behind_max: Duration,
}

/// The session of both instruments, in order of time.
fn session(config: &Config, instruments: &Instruments) -> Vec<MarketEvent> {
    let mut open = open_options(config, instruments, None);
    open.instrument = Some("BTCUSD".to_owned());
    let folder = support::session().display().to_string();
    let first: Vec<MarketEvent> = Merge::open([(folder.as_str(), open)]).collect();
    let instrument = instruments.find("BTCUSD2").expect("configured");
    let later =
        |event: &MarketEvent| MarketEvent { instrument, time: event.time.plus(SHIFT_NS), ..event.clone() };
    let mut all: Vec<MarketEvent> = first.iter().map(later).collect();
    all.extend(first);
    all.sort_by_key(|event| event.time);
    all
}

/// The other end of a daemon's feed.
pub struct Feeder {
    listener: UnixListener,
    events: Vec<MarketEvent>,
    instruments: Instruments,
    lap: u64,
    next: usize,
    /// The orders that stand in the books: what a venue sends to whoever connects.
    standing: BTreeMap<(InstrumentId, OrderId), MarketEvent>,
    /// Up to where the market has come.
    now: Timestamp,
    fed: Fed,
}

impl Feeder {
    /// One that listens at a socket.
    pub fn new(socket: &Path, config: &Config) -> Self {
        let listener = UnixListener::bind(socket).expect("a socket");
        listener.set_nonblocking(true).expect("a listener");
        let instruments = config.known(&config.instrument_names()).expect("facts");
        let events = session(config, &instruments);
        let now = events[0].time;
        let (standing, fed) = (BTreeMap::new(), Fed::default());
        Self { listener, events, instruments, lap: 0, next: 0, standing, now, fed }
    }

    fn accept(&self) -> UnixStream {
        let stream = until("a daemon that connects", || match self.listener.accept() {
            Ok((stream, _)) => Some(stream),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("its feed: {error}"),
        });
        stream.set_nonblocking(false).expect("a stream");
        stream
    }

    /// Sends until it is over; an error where the daemon no longer reads.
    pub fn run(mut self, mut bag: Bag<Trouble>, counts: &Counts, over: &Arc<AtomicBool>) -> io::Result<Fed> {
        let (began, start) = (Instant::now(), self.now);
        let mut stream = self.accept();
        while !over.load(Ordering::Relaxed) {
            let mut ahead_ns = 0;
            if let Some((trouble, name)) = bag.due() {
                counts.during(name, || self.make(trouble, &mut stream))?;
                ahead_ns = if matches!(trouble, Trouble::Burst) { BURST_NS } else { 0 };
            }
            let due = start.plus(began.elapsed().as_nanos() as i64 * SPEED);
            stream.write_all(self.rows_until(due.plus(ahead_ns)).as_bytes())?;
            let behind_ns = due.since(self.now).max(0) / SPEED;
            self.fed.behind_max = self.fed.behind_max.max(Duration::from_nanos(behind_ns as u64));
            thread::sleep(TURN);
        }
        self.fed.laps = self.lap;
        Ok(self.fed)
    }

    /// Makes trouble; a burst is what follows.
    fn make(&mut self, trouble: Trouble, stream: &mut UnixStream) -> io::Result<()> {
        match trouble {
            Trouble::Cut => {
                stream.write_all(b"{\"type\":\"del")?;
                stream.shutdown(Shutdown::Both)?;
                *stream = self.accept();
                stream.write_all(self.picture().as_bytes())
            }
            Trouble::BadRows => stream.write_all(BAD_ROWS.as_bytes()),
            Trouble::Burst => Ok(()),
            Trouble::Silence => {
                thread::sleep(SILENCE);
                Ok(())
            }
        }
    }

    /// What there is up to a time, a turn's worth at the most, or until the end of a burst.
    fn rows_until(&mut self, until: Timestamp) -> String {
        let mut rows = String::new();
        for _ in 0..MOST_ROWS {
            let event = self.peek();
            if event.time > until {
                break;
            }
            if self.next == 0 {
                self.clear(event.time, &mut rows);
            }
            self.now = event.time;
            self.write(&event, &mut rows);
            self.note(event);
            self.next += 1;
            if self.next == self.events.len() {
                (self.next, self.lap) = (0, self.lap + 1);
            }
        }
        rows
    }

    /// The next event, at the time and with the numbers of its lap.
    fn peek(&self) -> MarketEvent {
        let span_ns = self.events[self.events.len() - 1].time.since(self.events[0].time) + PAUSE_NS;
        let mut event = self.events[self.next].clone();
        event.time = event.time.plus(span_ns * self.lap as i64);
        match &mut event.kind {
            EventKind::Add { id, .. } | EventKind::Change { id, .. } | EventKind::Delete { id } => {
                *id += LAP_IDS * self.lap;
            }
            EventKind::Trade { maker: Some(id), .. } => *id += LAP_IDS * self.lap,
            _ => {}
        }
        event
    }

    fn note(&mut self, event: MarketEvent) {
        match event.kind {
            EventKind::Add { id, .. } => _ = self.standing.insert((event.instrument, id), event),
            EventKind::Delete { id } => _ = self.standing.remove(&(event.instrument, id)),
            EventKind::Change { id, quantity: left } => {
                if let Some(EventKind::Add { quantity, .. }) =
                    self.standing.get_mut(&(event.instrument, id)).map(|order| &mut order.kind)
                {
                    *quantity = left;
                }
            }
            _ => {}
        }
    }

    fn write(&mut self, event: &MarketEvent, rows: &mut String) {
        self.fed.rows += 1;
        write_ndjson(event, name_of(&self.instruments, event.instrument), rows);
    }

    /// Both books are empty.
    fn clear(&mut self, time: Timestamp, rows: &mut String) {
        self.standing.clear();
        self.empty(time, rows);
    }

    fn empty(&mut self, time: Timestamp, rows: &mut String) {
        let clear =
            |instrument| MarketEvent { instrument, time, kind: EventKind::Clear, ..self.events[0].clone() };
        let clears: Vec<MarketEvent> =
            self.instruments.iter().map(|(instrument, _)| clear(instrument)).collect();
        clears.iter().for_each(|event| self.write(event, rows));
    }

    /// The books as they stand.
    fn picture(&mut self) -> String {
        let (mut rows, time) = (String::new(), self.now);
        self.empty(time, &mut rows);
        let orders: Vec<MarketEvent> = self.standing.values().cloned().collect();
        orders.into_iter().for_each(|order| self.write(&MarketEvent { time, ..order }, &mut rows));
        rows
    }
}
