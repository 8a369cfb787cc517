//! Rows a second: of each reader, of the book, and of features, sampler and exchange on top of it.
//!
//! `cargo bench --bench market`. Everything is in memory; one element is one row or event. Of each
//! group of ten runs, criterion prints the middle with its interval.

mod session;

use std::fmt::Write;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use market::MarketEvent;
use market::feed::write_ndjson;

use session::{Market, Parts};

/// A packed capture of Binance's streams, where it is present.
const CAPTURE: &str = "lob-binance-raw-2024-08-08/usdm_ethusdt_20240808.gz";
/// Bars in the made-up file, for daily bars that ship are too few to time.
const BARS: usize = 100_000;

fn readers(c: &mut Criterion) {
    let mut group = c.benchmark_group("read");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for (format, name, bytes) in files() {
        group.throughput(Throughput::Elements(session::read(&name, bytes.clone())));
        group.bench_function(format, |b| {
            b.iter_batched(|| bytes.clone(), |bytes| session::read(&name, bytes), BatchSize::LargeInput);
        });
    }
    group.finish();
}

/// What is read: its kind, its name and its bytes.
fn files() -> Vec<(&'static str, String, Vec<u8>)> {
    let ticks = support::root().join("data/ticks-es-futures-2013-09/tick_data.csv.gz");
    let ticks = std::fs::read(ticks).expect("the ticks are bundled");
    let mut files = vec![
        ("bitstamp orders.csv.gz", "orders.csv.gz".to_owned(), session::bytes("orders.csv.gz")),
        ("csv-trades tick_data.csv.gz", "tick_data.csv.gz".to_owned(), ticks),
        ("csv-bars minutes.csv", "minutes.csv".to_owned(), minutes().into_bytes()),
        ("ndjson of the session", "session.ndjson".to_owned(), ndjson(&session::events()).into_bytes()),
    ];
    if let Some(path) = support::unshipped(CAPTURE) {
        let bytes = std::fs::read(&path).expect("the capture is readable");
        files.push(("binance usdm_ethusdt.gz", path.display().to_string(), bytes));
    }
    files
}

/// Made-up bars of a minute.
fn minutes() -> String {
    let mut text = "timestamp,open,high,low,close,volume\n".to_owned();
    for minute in 0..BARS {
        let time_ms = 1_700_000_000_000_u64 + 60_000 * minute as u64;
        let open = 40_000 + (minute * 37) % 500;
        let (high, low, close) = (open + 9, open - 7, open + minute % 5);
        let _ = writeln!(text, "{time_ms},{open}.5,{high}.25,{low}.75,{close}.5,{}.125", minute % 97);
    }
    text
}

fn ndjson(events: &[MarketEvent]) -> String {
    let mut text = String::new();
    events.iter().for_each(|event| write_ndjson(event, "BTCUSD", &mut text));
    text
}

fn session_rows(c: &mut Criterion) {
    let (config, events) = (session::config(), session::events());
    let mut group = c.benchmark_group("session");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(events.len() as u64));
    for (parts, name) in Parts::ALL {
        group.bench_function(name, |b| {
            let new = || Market::new(&config, parts);
            b.iter_batched(new, |market| market.run(&events), BatchSize::LargeInput);
        });
    }
    group.finish();
}

criterion_group!(benches, readers, session_rows);
criterion_main!(benches);
