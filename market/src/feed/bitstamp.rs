//! Bitstamp's order-by-order book (L3) and its trades, each a CSV file with a fixed set of columns.
//!
//! The clock is the venue's, `exchange_timestamp`. What deletes what still rests at the end of the
//! capture bears the capture's own clock in both columns, and is bookkeeping.

use crate::error::MarketError;
use crate::event::EventKind;
use crate::feed::Format;
use crate::feed::columns::{Header, Splitter};
use crate::feed::fields::{price, price_or_zero, quantity, quantity_or_zero, unknown_word, whole};
use crate::feed::names::Names;
use crate::feed::rows::{At, Bad, Parsed, RowParser};
use crate::feed::stats::FeedStats;
use crate::feed::times::{TimeFormat, TimeReader, Unit};
use crate::instrument::{InstrumentId, Side};

/// The columns of `orders.csv`, in any order.
pub(crate) const ORDER_COLUMNS: [&str; 7] =
    ["id", "timestamp", "exchange_timestamp", "price", "volume", "action", "direction"];

/// The columns of `trades.csv`, in any order.
pub(crate) const TRADE_COLUMNS: [&str; 8] = [
    "trade_id",
    "timestamp",
    "exchange_timestamp",
    "price",
    "amount",
    "buy_order_id",
    "sell_order_id",
    "side",
];

const UNIT_REMEDY: &str = "write exchange_timestamp in milliseconds";

/// A file of one instrument with these columns and no others.
struct Table<const N: usize> {
    columns: [usize; N],
    splitter: Splitter,
    clock: TimeReader,
    names: Names,
    instrument: InstrumentId,
}

impl<const N: usize> Table<N> {
    fn new(
        columns: &[&str; N],
        header: &Header,
        delimiter: u8,
        names: Names,
        instrument: InstrumentId,
    ) -> Result<Self, MarketError> {
        let clock = TimeReader::new("exchange_timestamp", TimeFormat::Epoch(Unit::Milliseconds), 0);
        let columns = header.exactly(columns)?;
        Ok(Self { columns, splitter: Splitter::new(delimiter), clock, names, instrument })
    }
}

/// Reads `orders.csv`.
pub(crate) struct Orders(Table<{ ORDER_COLUMNS.len() }>);

impl Orders {
    pub(crate) fn new(
        header: &Header,
        delimiter: u8,
        names: Names,
        instrument: InstrumentId,
    ) -> Result<Self, MarketError> {
        Table::new(&ORDER_COLUMNS, header, delimiter, names, instrument).map(Self)
    }
}

impl RowParser for Orders {
    const FORMAT: Format = Format::Bitstamp;

    fn names(&self) -> &Names {
        &self.0.names
    }

    fn parse(
        &mut self,
        row: &[u8],
        at: At<'_>,
        _: &mut FeedStats,
        slot: &mut EventKind,
    ) -> Result<Parsed, Bad> {
        let table = &mut self.0;
        let fields = table.splitter.split(row).counted(ORDER_COLUMNS.len())?;
        let [id, local, exchange, at_price, volume, action, direction] =
            std::array::from_fn(|k| fields.get(table.columns[k]));
        if action == b"deleted" && local == exchange {
            return Ok(Parsed::Bookkeeping);
        }
        let time = table.clock.read(exchange).map_err(|fault| Bad::time(fault, at, UNIT_REMEDY))?;
        let side = match direction {
            b"bid" => Side::Buy,
            b"ask" => Side::Sell,
            _ => return Err(unknown_word("direction", direction, &["bid", "ask"]).into()),
        };
        let id = whole("id", id)?;
        whole("timestamp", local)?;
        // that of a changed or deleted row is not the order's, but must be a number all the same
        let price = price_or_zero("price", at_price)?;
        *slot = match action {
            b"created" => EventKind::Add { id, side, price, quantity: quantity("volume", volume)? },
            b"changed" => EventKind::Change { id, quantity: quantity("volume", volume)? },
            b"deleted" => {
                quantity_or_zero("volume", volume)?;
                EventKind::Delete { id }
            }
            _ => {
                let known = ["created", "changed", "deleted"];
                return Err(unknown_word("action", action, &known).into());
            }
        };
        Ok(Parsed::Event(table.instrument, time))
    }
}

/// Reads `trades.csv`.
pub(crate) struct Trades(Table<{ TRADE_COLUMNS.len() }>);

impl Trades {
    pub(crate) fn new(
        header: &Header,
        delimiter: u8,
        names: Names,
        instrument: InstrumentId,
    ) -> Result<Self, MarketError> {
        Table::new(&TRADE_COLUMNS, header, delimiter, names, instrument).map(Self)
    }
}

impl RowParser for Trades {
    const FORMAT: Format = Format::Bitstamp;

    fn names(&self) -> &Names {
        &self.0.names
    }

    fn parse(
        &mut self,
        row: &[u8],
        at: At<'_>,
        _: &mut FeedStats,
        slot: &mut EventKind,
    ) -> Result<Parsed, Bad> {
        let table = &mut self.0;
        let fields = table.splitter.split(row).counted(TRADE_COLUMNS.len())?;
        let [trade_id, local, exchange, at_price, amount, buyer, seller, side] =
            std::array::from_fn(|k| fields.get(table.columns[k]));
        let time = table.clock.read(exchange).map_err(|fault| Bad::time(fault, at, UNIT_REMEDY))?;
        whole("trade_id", trade_id)?;
        whole("timestamp", local)?;
        let buyer = whole("buy_order_id", buyer)?;
        let seller = whole("sell_order_id", seller)?;
        // the side is the taker's, so the resting order is the other
        let (aggressor, maker) = match side {
            b"buy" => (Side::Buy, seller),
            b"sell" => (Side::Sell, buyer),
            _ => return Err(unknown_word("side", side, &["buy", "sell"]).into()),
        };
        *slot = EventKind::Trade {
            price: price("price", at_price)?,
            quantity: quantity("amount", amount)?,
            aggressor: Some(aggressor),
            maker: Some(maker),
        };
        Ok(Parsed::Event(table.instrument, time))
    }
}
