//! The thread of a source: reads, and sends what it read.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use market::feed::{self, Format, OpenOptions, Opened};
use market::{MarketEvent, SourceId};

use super::counters::{Counters, Stage};
use super::endpoint::Endpoint;
use super::splice::Splice;
use super::{Arrival, Origin};

/// How long is waited before a socket is connected again: this, doubled each time nothing came.
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LAST_DELAY: Duration = Duration::from_secs(5);

/// What the thread of a source has.
pub(super) struct Pump<F> {
    pub(super) splice: Splice,
    pub(super) options: OpenOptions,
    pub(super) counters: Arc<Counters>,
    pub(super) sink: F,
    /// What waits to be sent.
    pub(super) events: Vec<MarketEvent>,
}

/// Nobody listens any more.
pub(super) struct Unheard;

impl<F: Fn(Arrival) -> bool> Pump<F> {
    /// Reads to the end, or until nobody listens.
    pub(super) fn run(&mut self, name: &str, origin: Origin) -> Result<(), Unheard> {
        match origin {
            Origin::File(opened) => self.once(opened),
            Origin::Stdin => {
                let opened = feed::open_reader("standard input", Box::new(io::stdin()), &self.options);
                self.once(opened)
            }
            Origin::Socket(endpoint) => {
                self.options.format = Some(Format::Ndjson);
                self.again_and_again(name, &endpoint)
            }
        }
    }

    /// A source that ends, and cannot be opened again.
    fn once(&mut self, opened: Opened) -> Result<(), Unheard> {
        if opened.is_ok() {
            self.tell(Stage::Open, Arrival::Connected { source: self.source() })?;
        }
        let fault = self.read(opened)?;
        if fault.is_some() {
            self.splice.break_off(&mut self.events);
            self.send(Instant::now(), None)?;
        }
        self.tell(Stage::Ended, Arrival::Ended { source: self.source(), fault })
    }

    /// A socket, which is connected again whenever it is lost.
    fn again_and_again(&mut self, name: &str, endpoint: &Endpoint) -> Result<(), Unheard> {
        let mut delay = FIRST_DELAY;
        loop {
            let why = match endpoint.connect(&self.counters) {
                Ok(stream) => {
                    self.tell(Stage::Open, Arrival::Connected { source: self.source() })?;
                    let before = self.counters.events();
                    let opened = feed::open_reader(name, stream, &self.options);
                    let fault = self.read(opened)?;
                    self.splice.cut();
                    if self.counters.events() > before {
                        delay = FIRST_DELAY;
                    }
                    fault.unwrap_or_else(|| format!("{name}: the other side closed the connection"))
                }
                Err(error) => format!("{name}: {error}; start what sends there"),
            };
            // of many failures in a row the first is told
            if self.counters.stage() != Stage::Lost {
                self.tell(Stage::Lost, Arrival::Lost { source: self.source(), why })?;
            }
            thread::sleep(delay);
            delay = (delay * 2).min(LAST_DELAY);
        }
    }

    /// Reads a stream to its end; what ended it, where that was a fault.
    fn read(&mut self, opened: Opened) -> Result<Option<String>, Unheard> {
        let mut feed = match opened {
            Ok(feed) => feed,
            Err(fault) => return Ok(Some(fault.to_string())),
        };
        let mut known = 0;
        loop {
            let next = feed.next();
            let read_at = Instant::now();
            known = self.counters.note(feed.stats(), known);
            let event = match next {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(None),
                Err(fault) => return Ok(Some(fault.to_string())),
            };
            let line = event.position;
            match self.splice.push(event, &mut self.events) {
                Ok(()) => self.send(read_at, feed.sent_ns())?,
                Err(what) => self.counters.refuse(format!("{}:{line}: {what}", feed.name())),
            }
        }
    }

    /// Sends what waits, of which the last is what was said to be sent at `sent_ns`.
    fn send(&mut self, read_at: Instant, sent_ns: Option<i64>) -> Result<(), Unheard> {
        let mut left = self.events.len();
        for event in self.events.drain(..) {
            left -= 1;
            let sent_ns = sent_ns.filter(|_| left == 0);
            self.counters.read(read_at);
            if self.counters.is_stopped() || !(self.sink)(Arrival::Event { event, read_at, sent_ns }) {
                return Err(Unheard);
            }
        }
        Ok(())
    }

    fn tell(&self, stage: Stage, arrival: Arrival) -> Result<(), Unheard> {
        self.counters.set(stage);
        let is_heard = !self.counters.is_stopped() && (self.sink)(arrival);
        is_heard.then_some(()).ok_or(Unheard)
    }

    fn source(&self) -> SourceId {
        self.options.source
    }
}
