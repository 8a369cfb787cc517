//! Real bars and trades from CSV files, most of them recognised without any mapping.

use std::path::Path;

use market::EventKind;
use market::feed::{CsvBars, CsvTrades, Format, OpenOptions};
use support::unshipped;

use crate::common::{bar, gunzip, open_one, read_file};

fn data(name: &str) -> std::path::PathBuf {
    support::root().join("data").join(name)
}

#[test]
fn ticks_of_a_future_are_read_by_default() {
    let path = data("ticks-es-futures-2013-09/tick_data.csv.gz");
    assert_eq!(open_one(&path, &OpenOptions::default()).format(), Format::CsvTrades);
    let ticks = read_file(&path, &OpenOptions::default());
    assert_eq!((ticks.fault, ticks.stats.refused, ticks.stats.accepted), (None, 0, 500_000));
    assert_eq!(ticks.events[0].time.to_string(), "2013-09-01T17:00:00.083Z");
    let last = ticks.stats.last.expect("events").to_string();
    assert!(last.starts_with("2013-09-03T13:51:44"), "{last}");
    // prices and volumes add up to those of the plainest reader
    let (mut price_units, mut contracts) = (0_i128, 0_i64);
    for event in &ticks.events {
        let EventKind::Trade { price, quantity, aggressor: None, maker: None } = &event.kind else {
            panic!("no plain trade: {event:?}")
        };
        price_units += i128::from(price.units());
        contracts += quantity.units() / 1_000_000_000;
    }
    let (mut quarters, mut volume) = (0_i128, 0_i64);
    for line in gunzip(&path).lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        quarters += (cells[1].parse::<f64>().expect("a price") * 4.0) as i128;
        volume += cells[2].parse::<i64>().expect("a volume");
    }
    assert_eq!(price_units, quarters * 250_000_000);
    assert_eq!(contracts, volume);
}

#[test]
fn the_clock_of_a_file_may_be_another() {
    let path = data("ticks-es-futures-2013-09/tick_data.csv.gz");
    let chicago = OpenOptions {
        trades: CsvTrades { utc_offset_min: -300, ..CsvTrades::default() },
        ..OpenOptions::default()
    };
    let first = open_one(&path, &chicago).next().expect("read").expect("a tick");
    assert_eq!(first.time.to_string(), "2013-09-01T22:00:00.083Z");
}

#[test]
fn daily_bars_stand_at_their_close() {
    let path = data("daily-indices-arch/sp500.csv.gz");
    let days = read_file(&path, &OpenOptions::default());
    assert_eq!((days.fault.as_deref(), days.stats.refused), (None, 0));
    assert_eq!((days.stats.accepted, days.stats.capped), (5_031, 8));
    let first = bar(&days, 0);
    assert_eq!(first.open_time.to_string(), "1999-01-04T00:00:00Z");
    assert_eq!(days.events[0].time.to_string(), "1999-01-05T00:00:00Z");
    assert_eq!(first.close.to_string(), "1228.099976");
    assert_eq!(first.volume.to_string(), "877000000");
    let last = bar(&days, 5_030);
    assert_eq!(last.open_time.to_string(), "2018-12-31T00:00:00Z");
    let thousands = OpenOptions {
        bars: CsvBars { volume_unit: "0.001".parse().expect("a unit"), ..CsvBars::default() },
        ..OpenOptions::default()
    };
    let days = read_file(&path, &thousands);
    assert_eq!((days.stats.accepted, days.stats.capped), (5_031, 0));
    let most = (0..5_031).map(|at| bar(&days, at).volume).max();
    assert_eq!(most.map(|v| v.to_string()).as_deref(), Some("11456230"));
}

#[test]
fn closes_alone_are_flat_bars_and_holidays_are_none() {
    for (name, accepted, holidays) in [("vix.csv.gz", 1_259, 46), ("wti.csv.gz", 8_321, 290)] {
        let days = read_file(&data("daily-indices-arch").join(name), &OpenOptions::default());
        assert_eq!((days.fault.as_deref(), days.stats.refused), (None, 0), "{name}");
        assert_eq!((days.stats.accepted, days.stats.bookkeeping), (accepted, holidays), "{name}");
        let first = bar(&days, 0);
        assert!(first.open == first.close && first.volume.is_zero(), "{name}");
    }
}

#[test]
fn nasdaq_is_read_as_the_plainest_reader_reads_it() {
    let path = data("daily-indices-arch/nasdaq.csv.gz");
    let days = read_file(&path, &OpenOptions::default());
    assert_eq!(days.events.len(), 5_031);
    for (at, line) in gunzip(&path).lines().skip(1).enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        let date: Vec<u32> = cells[0].split('/').map(|n| n.parse().expect("a number")).collect();
        let bar = bar(&days, at);
        let want = format!("{:04}-{:02}-{:02}T00:00:00Z", date[2], date[0], date[1]);
        assert_eq!(bar.open_time.to_string(), want);
        let prices = [bar.open, bar.high, bar.low, bar.close].map(|p| p.to_f64());
        let cells: Vec<f64> = cells[1..].iter().map(|c| c.parse().expect("a number")).collect();
        assert_eq!(prices, [cells[0], cells[1], cells[2], cells[3]]);
        assert_eq!(bar.volume.to_f64(), cells[5]);
    }
}

/// Folder, file, bars, refused, seconds of a bar.
const UNSHIPPED_BARS: [(&str, &str, u64, u64, i64); 7] = [
    ("bars-binance-1h-2017-2022", "BTC_USDT-1h.csv.gz", 45_024, 0, 3_600),
    ("bars-binance-5m-2022-2023", "SOL_USDT-5m.csv.gz", 121_751, 0, 300),
    ("bars-binance-btc-1h-2017-2024", "BTC_USDT-1h.csv.gz", 58_419, 0, 3_600),
    ("bars-btcperp-1m-2022-01", "btc-perp-20211231-20220201_1m.csv.gz", 45_025, 6, 60),
    ("bars-gbpusd-1m-2012-02", "gbpusd-m1-bid-2012.csv.gz", 30_117, 0, 60),
    ("bars-spy-5m-2018-2020", "SPY-5m.csv.gz", 58_020, 0, 300),
    ("daily-vix-1990", "vix-daily.csv.gz", 9_188, 47, 86_400),
];

#[test]
fn bars_of_many_hands_are_read_by_default() {
    for (folder, file, accepted, refused, length_s) in UNSHIPPED_BARS {
        let Some(folder) = unshipped(folder) else {
            continue;
        };
        let bars = read_file(&folder.join(file), &OpenOptions::default());
        assert_eq!(bars.fault, None, "{file}");
        assert_eq!(
            (bars.stats.accepted, bars.stats.refused),
            (accepted, refused),
            "{file}: {:?}",
            bars.stats.faults
        );
        let first = bar(&bars, 0);
        assert_eq!(bars.events[0].time.since(first.open_time), length_s * 1_000_000_000, "{file}");
    }
}

#[test]
fn a_column_of_many_is_chosen_by_name() {
    let Some(folder) = unshipped("daily-sp500-20stocks-skfolio") else {
        return;
    };
    let apple = OpenOptions {
        bars: CsvBars { close: "AAPL".to_owned(), ..CsvBars::default() },
        ..OpenOptions::default()
    };
    let days = read_file(&folder.join("sp500_dataset.csv.gz"), &apple);
    assert_eq!((days.fault.as_deref(), days.stats.accepted), (None, 8_313));
    assert_eq!(bar(&days, 0).close.to_string(), "0.264");
}

#[test]
fn the_name_of_a_file_is_that_of_its_instrument() {
    let path = data("daily-indices-arch/sp500.csv.gz");
    let feed = open_one(Path::new(&path), &OpenOptions::default());
    assert_eq!(feed.names().iter().next().map(|(name, _)| name), Some("sp500"));
}
