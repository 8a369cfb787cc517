//! What these tests share.

use std::io::{Cursor, Read, Write};
use std::path::Path;

use market::feed::{Feed, FeedStats, OpenOptions, open, open_reader};
use market::{Bar, EventKind, MarketError, MarketEvent};

/// The header of orders, and two good rows.
pub const HEADER: &str = "id,timestamp,exchange_timestamp,price,volume,action,direction";
pub const GOOD: [&str; 2] = [
    "7,1777689381332,1777689381262,78319.0,0.075,created,bid",
    "7,1777689381333,1777689381263,78319.0,0.075,deleted,bid",
];

pub fn text(lines: &[&str]) -> Vec<u8> {
    (lines.join("\n") + "\n").into_bytes()
}

/// Reads bytes as a file of orders.
pub fn read_orders(bytes: &[u8]) -> Outcome {
    read_bytes("orders.csv", bytes, &OpenOptions::default())
}

/// Gives at most so many bytes a read.
pub struct Pieces<R>(pub R, pub usize);

impl<R: Read> Read for Pieces<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let most = self.1.min(out.len());
        self.0.read(&mut out[..most])
    }
}

/// All that came of a feed.
pub struct Outcome {
    pub events: Vec<MarketEvent>,
    pub stats: FeedStats,
    pub fault: Option<String>,
}

/// Reads a feed to its end, and checks what is true of every feed.
pub fn drain(mut feed: Box<dyn Feed>) -> Outcome {
    let (mut events, mut fault) = (Vec::<MarketEvent>::new(), None);
    loop {
        match feed.next() {
            Ok(Some(event)) => {
                if let Some(last) = events.last() {
                    assert!(last.time <= event.time, "time went back at {event:?}");
                    assert!(last.position < event.position, "position at {event:?}");
                }
                events.push(event);
            }
            Ok(None) => break,
            Err(error) => {
                fault = Some(error.to_string());
                break;
            }
        }
    }
    assert_eq!(feed.next(), Ok(None), "a feed that has ended gives no more");
    let stats = feed.stats().clone();
    assert_eq!(
        stats.rows,
        stats.accepted + stats.refused + stats.bookkeeping + stats.ignored,
        "every row is counted once"
    );
    assert_eq!(stats.first, events.first().map(|e| e.time));
    assert_eq!(stats.last, events.last().map(|e| e.time));
    Outcome { events, stats, fault }
}

/// Reads bytes as a file of that name; a fault at opening is one like any other.
pub fn read_bytes(name: &str, bytes: &[u8], options: &OpenOptions) -> Outcome {
    match open_reader(name, Box::new(Cursor::new(bytes.to_vec())), options) {
        Ok(feed) => drain(feed),
        Err(error) => ended(&error),
    }
}

fn ended(error: &MarketError) -> Outcome {
    Outcome { events: Vec::new(), stats: FeedStats::default(), fault: Some(error.to_string()) }
}

/// Opens a file that makes one feed.
pub fn open_one(path: &Path, options: &OpenOptions) -> Box<dyn Feed> {
    let mut feeds = open(&path.display().to_string(), options);
    assert_eq!(feeds.len(), 1);
    feeds.remove(0).expect("a feed")
}

/// Reads a file that makes one feed.
pub fn read_file(path: &Path, options: &OpenOptions) -> Outcome {
    drain(open_one(path, options))
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

pub fn gunzip(path: &Path) -> String {
    let file = std::fs::File::open(path).expect("the file is bundled");
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).expect("a gzip of text");
    text
}

/// The bar that an event is.
pub fn bar(outcome: &Outcome, at: usize) -> &Bar {
    match &outcome.events[at].kind {
        EventKind::Bar(bar) => bar,
        other => panic!("no bar: {other:?}"),
    }
}
