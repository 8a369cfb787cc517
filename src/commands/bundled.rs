//! The half hour of a real order book that the program carries in itself.

use std::io::Cursor;

use market::feed::{Merge, OpenOptions, open_reader};
use market::{Instruments, SourceId};

use crate::assemble;
use crate::config::Config;
use crate::failure::Failure;

const ORDERS: &[u8] = include_bytes!("../../data/lob-bitstamp-btcusd-2026-05-02/orders.csv.gz");
const TRADES: &[u8] = include_bytes!("../../data/lob-bitstamp-btcusd-2026-05-02/trades.csv");

/// The bundled session.
pub(super) fn feeds(config: &Config, instruments: &Instruments) -> Result<Merge, Failure> {
    let open = |name: &str, bytes: &'static [u8], source| {
        let options = OpenOptions {
            instrument: Some("BTCUSD".to_owned()),
            source: SourceId(source),
            ..assemble::open_options(config, instruments, None)
        };
        open_reader(name, Box::new(Cursor::new(bytes)), &options).map_err(|e| Failure::Input(e.to_string()))
    };
    Ok(Merge::new(vec![open("orders.csv.gz", ORDERS, 0)?, open("trades.csv", TRADES, 1)?]))
}
