//! Trades as CSV, with a column mapping.

use crate::error::MarketError;
use crate::event::EventKind;
use crate::feed::Format;
use crate::feed::columns::{Header, Splitter};
use crate::feed::fields::{price, quantity, unknown_word};
use crate::feed::mapping::{Mapping, TIME_NAMES, UNIT_REMEDY, clock};
use crate::feed::names::Names;
use crate::feed::params::CsvTrades;
use crate::feed::rows::{At, Bad, Parsed, RowParser};
use crate::feed::stats::FeedStats;
use crate::feed::times::TimeReader;
use crate::instrument::{InstrumentId, Side};

const PRICE: [&str; 3] = ["price", "px", "p"];
const QUANTITY: [&str; 6] = ["quantity", "qty", "volume", "amount", "size", "q"];
const SIDE: [&str; 4] = ["side", "aggressor", "taker_side", MAKER_FLAG];
/// Says of the buyer what a side says of the taker.
const MAKER_FLAG: &str = "is_buyer_maker";

/// Whether a header looks like that of trades.
pub(crate) fn looks_like_trades(header: &Header, params: &CsvTrades) -> bool {
    let has = |configured: &str, usual: &[&str]| match configured {
        "" => header.any_of(usual).is_some(),
        name => header.position(name).is_some(),
    };
    has(&params.time, &TIME_NAMES) && has(&params.price, &PRICE) && has(&params.quantity, &QUANTITY)
}

/// Reads trades.
pub(crate) struct CsvTradeRows {
    header: Header,
    time: usize,
    price: usize,
    quantity: usize,
    side: Option<usize>,
    splitter: Splitter,
    clock: TimeReader,
    names: Names,
    instrument: InstrumentId,
}

impl CsvTradeRows {
    pub(crate) fn new(
        header: Header,
        delimiter: u8,
        params: &CsvTrades,
        names: Names,
        instrument: InstrumentId,
    ) -> Result<Self, MarketError> {
        let map = Mapping::new(&header, "csv_trades");
        let time = map.column("time", &params.time, &TIME_NAMES)?;
        let price = map.column("price", &params.price, &PRICE)?;
        let quantity = map.column("quantity", &params.quantity, &QUANTITY)?;
        let side = map.optional("side", &params.side, &SIDE)?;
        let clock =
            clock(header.name(time), "csv_trades.time_format", &params.time_format, params.utc_offset_min)?;
        Ok(Self {
            header,
            time,
            price,
            quantity,
            side,
            splitter: Splitter::new(delimiter),
            clock,
            names,
            instrument,
        })
    }
}

/// The side that took; a buyer who was the maker was sold to.
fn aggressor(column: &str, text: &[u8]) -> Result<Option<Side>, String> {
    let is = |words: &[&str]| words.iter().any(|w| text.eq_ignore_ascii_case(w.as_bytes()));
    if text.is_empty() {
        Ok(None)
    } else if column.eq_ignore_ascii_case(MAKER_FLAG) {
        if is(&["true", "1"]) {
            Ok(Some(Side::Sell))
        } else if is(&["false", "0"]) {
            Ok(Some(Side::Buy))
        } else {
            Err(unknown_word(column, text, &["true", "false"]))
        }
    } else if is(&["buy", "b", "bid"]) {
        Ok(Some(Side::Buy))
    } else if is(&["sell", "s", "ask"]) {
        Ok(Some(Side::Sell))
    } else {
        Err(unknown_word(column, text, &["buy", "sell"]))
    }
}

impl RowParser for CsvTradeRows {
    const FORMAT: Format = Format::CsvTrades;

    fn names(&self) -> &Names {
        &self.names
    }

    fn parse(
        &mut self,
        row: &[u8],
        at: At<'_>,
        _: &mut FeedStats,
        slot: &mut EventKind,
    ) -> Result<Parsed, Bad> {
        let fields = self.splitter.split(row).counted(self.header.len())?;
        let time =
            self.clock.read(fields.get(self.time)).map_err(|fault| Bad::time(fault, at, UNIT_REMEDY))?;
        let name = |column: usize| self.header.name(column);
        *slot = EventKind::Trade {
            price: price(name(self.price), fields.get(self.price))?,
            quantity: quantity(name(self.quantity), fields.get(self.quantity))?,
            aggressor: match self.side {
                Some(side) => aggressor(name(side), fields.get(side))?,
                None => None,
            },
            maker: None,
        };
        Ok(Parsed::Event(self.instrument, time))
    }
}
