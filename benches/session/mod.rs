//! The bundled half hour in memory, and the market's own work on it, decisions aside.

use std::hint::black_box;
use std::io::Cursor;

use janus::commands::DEMO_CONFIG;
use janus::config::{Config, Loader};
use market::book::Book;
use market::exchange::Exchange;
use market::features::FeatureState;
use market::feed::{Feed, Merge, OpenOptions, open_reader};
use market::order::{ClientId, NewOrder, OrderKind, Request};
use market::{
    InstrumentId, Instruments, MarketEvent, Quantity, Sampler, SamplerKind, Side, SourceId, Timestamp,
};

/// The grid on which the demo samples.
const GRID_NS: i64 = 250_000_000;
/// The quantity that [`Market`] quotes on both sides.
const QUOTED: Quantity = Quantity::from_units(100_000_000);

/// The demo's configuration.
pub fn config() -> Config {
    Loader::new()
        .text(DEMO_CONFIG, "config/demo.toml")
        .and_then(Loader::finish)
        .expect("the demo's configuration")
}

/// The demo's instrument.
pub fn instruments(config: &Config) -> Instruments {
    config.known(&config.instrument_names()).expect("the demo's instruments")
}

/// A file of the bundled session.
pub fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(support::session().join(name)).expect("the session is bundled")
}

/// Reads all of a file in memory, and tells how many rows it has.
pub fn read(name: &str, bytes: Vec<u8>) -> u64 {
    let mut feed = feed(name, bytes, 0);
    while let Some(event) = feed.next().expect("no stream fault") {
        black_box(&event);
    }
    let (rows, refused) = (feed.stats().rows, feed.stats().refused);
    assert!(1_000 * refused < rows, "{name}: {refused} of {rows} rows were refused");
    rows
}

/// All events of the bundled session, orders and trades merged.
pub fn events() -> Vec<MarketEvent> {
    Merge::new(vec![
        feed("orders.csv.gz", bytes("orders.csv.gz"), 0),
        feed("trades.csv", bytes("trades.csv"), 1),
    ])
    .collect()
}

/// A feed of bytes in memory.
fn feed(name: &str, bytes: Vec<u8>, source: u16) -> Box<dyn Feed> {
    let options = OpenOptions {
        instrument: Some("BTCUSD".to_owned()),
        source: SourceId(source),
        ..OpenOptions::default()
    };
    open_reader(name, Box::new(Cursor::new(bytes)), &options).expect("a known format")
}

/// Which parts of the market work on each row, beside the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parts {
    /// The book with hold-out and repair.
    Book,
    /// Features and sampler as well.
    Features,
    /// The paper exchange as well, with nothing to do.
    Exchange,
    /// The paper exchange with an order resting on each side, placed anew at every sample.
    Quoting,
}

impl Parts {
    /// Each, with its name.
    pub const ALL: [(Self, &str); 4] = [
        (Self::Book, "book with hold-out"),
        (Self::Features, "+ features and sampler"),
        (Self::Exchange, "+ exchange"),
        (Self::Quoting, "+ an order on each side"),
    ];
}

/// A market of one instrument without a brain.
pub struct Market {
    parts: Parts,
    book: Book,
    features: FeatureState,
    sampler: Sampler,
    exchange: Exchange,
    tick: Timestamp,
    samples: u64,
    reports: u64,
}

impl Market {
    /// A market of which nothing is known yet.
    pub fn new(config: &Config, parts: Parts) -> Self {
        let hold_ns = i64::from(config.book.hold_ms) * 1_000_000;
        Self {
            parts,
            book: Book::new(hold_ns),
            features: FeatureState::default(),
            sampler: Sampler::new(SamplerKind::Grid { period_ns: GRID_NS }),
            exchange: Exchange::new(&instruments(config), config.exchange.clone(), hold_ns),
            tick: Timestamp::MIN,
            samples: 0,
            reports: 0,
        }
    }

    /// Takes all events, and tells how many samples and reports were made.
    pub fn run(mut self, events: &[MarketEvent]) -> (u64, u64) {
        let Some(first) = events.first() else { return (0, 0) };
        self.tick = first.time.next_multiple(GRID_NS);
        for event in events {
            self.on_event(event);
        }
        (self.samples, self.reports)
    }

    fn on_event(&mut self, event: &MarketEvent) {
        if self.parts >= Parts::Exchange {
            while self.exchange.next_arrival().is_some_and(|at| at < event.time) {
                self.exchange.run_arrival();
            }
        }
        while self.parts >= Parts::Features && self.tick <= event.time {
            self.sample();
        }
        if self.parts >= Parts::Exchange {
            self.exchange.on_event(event);
            while self.exchange.next_report().is_some_and(|at| at <= event.time) {
                self.exchange.pop_report();
                self.reports += 1;
            }
        }
        let applied = self.book.apply(event);
        if self.parts >= Parts::Features {
            self.features.on_event(&self.book, event, applied);
            self.sampler.on_event(event);
        }
    }

    fn sample(&mut self) {
        let features = self.features.sample(&self.book, Quantity::ZERO);
        black_box(features);
        if self.parts == Parts::Quoting {
            self.quote();
        }
        self.samples += 1;
        self.tick = self.tick.plus(GRID_NS);
    }

    /// Cancels what was placed at the last sample, and places an order at each best price.
    fn quote(&mut self) {
        let id =
            |sample, side: Side| ClientId { sequence: sample, instrument: InstrumentId(0), k: side as u16 };
        let Some(top) = self.book.top() else { return };
        for side in Side::BOTH {
            let (kind, price, quantity) = (OrderKind::PostOnly, top.side(side).price, QUOTED);
            let order = NewOrder { id: id(self.samples, side), side, kind, price, quantity };
            if let Some(last) = self.samples.checked_sub(1) {
                self.exchange.submit(self.tick, Request::Cancel(id(last, side)));
            }
            self.exchange.submit(self.tick, Request::Place(order));
        }
    }
}
