//! The shell around the floor: clock, sockets and threads.
//!
//! One thread owns floor and market. It is woken by what comes in from the order connections and by
//! the clock; what goes out waits in bounded queues. The market flows while somebody listens: by the
//! clock × speed, or as fast as the slowest subscriber reads.

use std::fmt;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use market::feed::{Merge, write_ndjson};
use market::{MarketEvent, Money, Timestamp};
use serde::Serialize;

use super::desk::Desk;
use super::faults::{FaultCounts, Faults};
use super::floor::Floor;
use super::outlet::Outlet;
use super::sockets::{Incoming, accept_market, accept_orders, accept_signals, bind};
use super::subscribers::Subscribers;
use crate::failure::Failure;

/// The file of the socket that publishes the market.
pub const MARKET_SOCKET: &str = "market.sock";
/// The file of the socket that takes orders.
pub const ORDERS_SOCKET: &str = "orders.sock";

/// How many events are published before orders are looked at.
const BATCH: usize = 128;
/// How long at most nothing is looked at.
const IDLE: Duration = Duration::from_millis(50);

/// How fast the market flows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many times as fast as it did.
    Times(f64),
    /// As fast as it is read.
    Max,
}

impl FromStr for Speed {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "max" => Ok(Self::Max),
            Ok(times) if (1e-6..=1e6).contains(&times) => Ok(Self::Times(times)),
            _ => Err(format!("`{text}` is no speed; give `max`, or a factor from 0.000001 to 1000000")),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Times(times) => write!(f, "{times}"),
            Self::Max => f.write_str("max"),
        }
    }
}

/// How a venue is run.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The folder of the sockets.
    pub dir: PathBuf,
    /// How fast the market flows.
    pub speed: Speed,
    /// Whether the market waits for an order connection too.
    pub wait_orders: bool,
    /// Whether to stop at the end of the feeds.
    pub exit_at_end: bool,
}

/// What a venue did.
#[derive(Debug, Clone, Serialize)]
pub struct Served {
    /// Events published.
    pub events: u64,
    /// Subscribers there were.
    pub subscribers: u64,
    /// Subscribers that read too slowly and were cut off.
    pub too_slow: u64,
    /// Orders that came.
    pub orders: u64,
    /// Fills there were.
    pub fills: u64,
    /// The change of cash, in units of 1e-9.
    pub cash: Money,
    /// The faults that occurred.
    pub faults: FaultCounts,
}

/// Runs a venue until it is asked to stop, or to the end of the feeds; `ready` is called when its
/// sockets are there.
///
/// # Errors
/// [`Failure::Environment`] where the sockets cannot be.
pub fn serve(
    merge: &mut Merge,
    floor: Floor,
    faults: Faults,
    options: &ServeOptions,
    ready: impl FnOnce(),
) -> Result<Served, Failure> {
    let dir = &options.dir;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|e| Failure::unwritable(dir, &e))?;
    let paths = [MARKET_SOCKET, ORDERS_SOCKET].map(|name| dir.join(name));
    let (market, orders) = (bind(&paths[0])?, bind(&paths[1])?);
    let (to, incoming) = sync_channel(1024);
    let lacking =
        |e| Failure::Environment(format!("a thread cannot be started: {e}; raise the limit of the user"));
    accept_signals(to.clone()).map_err(lacking)?;
    let named = |name: &str| thread::Builder::new().name(name.into());
    let own: SyncSender<Incoming> = to.clone();
    named("venue market").spawn(move || accept_market(&market, &own)).map_err(lacking)?;
    named("venue orders").spawn(move || accept_orders(&orders, &to)).map_err(lacking)?;
    ready();
    let served = Server {
        merge,
        desk: Desk::new(floor, faults),
        options,
        began: None,
        has_stopped: false,
        still_since: Instant::now(),
        subscribers: Subscribers::default(),
        events: 0,
    }
    .run(&incoming);
    for path in &paths {
        // a socket that stays behind is taken over by the next venue
        let _ = std::fs::remove_file(path);
    }
    Ok(served)
}

struct Server<'a> {
    merge: &'a mut Merge,
    desk: Desk,
    options: &'a ServeOptions,
    /// When the clock started, and what it showed.
    began: Option<(Instant, Timestamp)>,
    has_stopped: bool,
    /// Since when the market has not moved.
    still_since: Instant,
    subscribers: Subscribers,
    events: u64,
}

impl Server<'_> {
    fn run(mut self, incoming: &Receiver<Incoming>) -> Served {
        while !self.has_stopped && !self.is_done() {
            let wait = self.step();
            match incoming.recv_timeout(wait) {
                Ok(first) => {
                    // what comes in comes at the present, not when the market was last looked at
                    self.step();
                    self.on(first);
                    incoming.try_iter().take(BATCH).for_each(|next| self.on(next));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if !self.has_stopped {
            self.dismiss();
        }
        Served {
            events: self.events,
            subscribers: self.subscribers.count,
            too_slow: self.subscribers.too_slow,
            orders: self.desk.orders,
            fills: self.desk.floor.executions(),
            cash: self.desk.floor.cash(),
            faults: self.desk.faults.counts(),
        }
    }

    /// Whether the feeds are over, all of them is on its way to everybody, and that was all.
    fn is_done(&self) -> bool {
        self.options.exit_at_end && self.desk.floor.is_over() && !self.subscribers.is_stuck()
    }

    /// Lets the market flow as far as it may now; how long then nothing is to be done.
    fn step(&mut self) -> Duration {
        self.subscribers.retry();
        if self.desk.floor.is_over() {
            return IDLE;
        }
        let is_awaited =
            self.subscribers.is_empty() || (self.options.wait_orders && !self.desk.traders.is_greeted());
        let (began, start) = match (self.began, is_awaited) {
            (Some(began), _) => began,
            (None, true) => return self.stand_still(),
            (None, false) => *self.began.insert((Instant::now(), self.desk.floor.now())),
        };
        match self.options.speed {
            Speed::Max => self.flow(),
            Speed::Times(times) => self.keep_pace(began, start, times),
        }
    }

    /// As fast as it is read: nothing flows while somebody's queue is full, or nobody reads.
    fn flow(&mut self) -> Duration {
        for _ in 0..BATCH {
            if self.subscribers.is_empty() || self.subscribers.is_stuck() {
                return self.stand_still().min(Duration::from_millis(1));
            }
            if !self.publish_next() {
                break;
            }
        }
        Duration::ZERO
    }

    /// By the clock; who is too slow is cut off.
    fn keep_pace(&mut self, began: Instant, start: Timestamp, times: f64) -> Duration {
        let now = start.plus((began.elapsed().as_nanos() as f64 * times) as i64);
        for _ in 0..BATCH {
            if let Some(due) = self.merge.peek_time().filter(|due| *due > now) {
                let told = self.desk.floor.advance(now);
                self.desk.tell(told);
                let due = self.desk.floor.next_due().map_or(due, |own| own.min(due));
                return Duration::from_nanos((due.since(now).max(0) as f64 / times) as u64).min(IDLE);
            }
            if !self.publish_next() {
                break;
            }
            self.subscribers.cut_slow();
        }
        Duration::ZERO
    }

    /// The market waits, and orders do not wait for it for ever.
    fn stand_still(&mut self) -> Duration {
        if self.still_since.elapsed() >= IDLE && self.desk.floor.next_due().is_some() {
            let told = self.desk.floor.hurry();
            self.desk.tell(told);
        }
        IDLE
    }

    /// Publishes the next event; false at the end of the feeds, which is told to all.
    fn publish_next(&mut self) -> bool {
        let Some(event) = self.merge.next() else {
            let told = self.desk.floor.end();
            self.desk.tell(told);
            self.desk.flush();
            return false;
        };
        self.still_since = Instant::now();
        self.events += 1;
        let told = self.desk.floor.on_event(&event);
        self.subscribers.publish(&self.lines(&[event]));
        self.desk.tell(told);
        true
    }

    /// Lets everybody go when all that waits is told.
    fn dismiss(&mut self) {
        let outlets = self.subscribers.finish().into_iter().chain(self.desk.traders.finish());
        let writers: Vec<_> = outlets.map(Outlet::close).collect();
        // a writer gives up by itself on who does not read
        writers.into_iter().for_each(|writer| drop(writer.join()));
    }

    fn lines(&self, events: &[MarketEvent]) -> Arc<str> {
        let mut lines = String::new();
        for event in events {
            write_ndjson(event, &self.desk.floor.instruments().get(event.instrument).name, &mut lines);
        }
        lines.into()
    }

    fn on(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Stop => self.has_stopped = true,
            Incoming::Market(stream) => {
                let picture = self.lines(&self.desk.floor.picture());
                self.subscribers.add(stream, picture);
            }
            Incoming::Orders(number, stream) => self.desk.traders.add(number, stream),
            Incoming::Gone(number) => self.desk.traders.remove(number),
            Incoming::Said(number, said) => self.desk.on_said(number, said),
        }
    }
}
