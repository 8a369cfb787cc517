//! The bundled session, read plainly.

use std::fs::File;
use std::sync::OnceLock;

use market::{EventKind, InstrumentId, MarketEvent, OrderId, Price, Quantity, Side, SourceId, Timestamp};

/// The last row of the opening picture.
pub const LAST_OPENING_ROW: u64 = 6512;
/// The last live row.
pub const LAST_LIVE_ROW: u64 = 307_539;

/// A trade of the session.
#[derive(Debug, Clone, Copy)]
pub struct Trade {
    pub time: Timestamp,
    pub price: Price,
    pub quantity: Quantity,
    pub aggressor: Side,
    pub maker: OrderId,
}

/// The rows of orders but for the closing bookkeeping, each with its row as position.
pub fn orders() -> &'static [MarketEvent] {
    &all_orders()[..LAST_LIVE_ROW as usize]
}

/// The rows of orders with the closing bookkeeping.
pub fn all_orders() -> &'static [MarketEvent] {
    static ORDERS: OnceLock<Vec<MarketEvent>> = OnceLock::new();
    ORDERS.get_or_init(|| {
        let file = File::open(support::session().join("orders.csv.gz")).expect("the session ships");
        let mut rows = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
        let rows = rows.records().map(|row| row.expect("a row")).zip(1..);
        rows.map(|(row, position)| order(&row, position)).collect()
    })
}

/// The trades.
pub fn trades() -> &'static [Trade] {
    static TRADES: OnceLock<Vec<Trade>> = OnceLock::new();
    TRADES.get_or_init(|| {
        let mut rows = csv::Reader::from_path(support::session().join("trades.csv")).expect("it ships");
        rows.records().map(|row| trade(&row.expect("a row"))).collect()
    })
}

/// Orders and trades by exchange time, a trade after the orders of its time.
pub fn events() -> Vec<MarketEvent> {
    let mut trades = (1..).zip(trades()).peekable();
    let mut events = Vec::new();
    for order in orders() {
        while let Some((position, trade)) = trades.next_if(|(_, trade)| trade.time < order.time) {
            events.push(traded(position, trade));
        }
        events.push(order.clone());
    }
    events.extend(trades.map(|(position, trade)| traded(position, trade)));
    events
}

fn order(row: &csv::StringRecord, position: u64) -> MarketEvent {
    let id = row[0].parse().expect("an id");
    let quantity = Quantity::parse(row[4].as_bytes()).expect("a volume");
    let kind = match &row[5] {
        "created" => {
            let price = Price::parse(row[3].as_bytes()).expect("a price");
            let side = if &row[6] == "bid" { Side::Buy } else { Side::Sell };
            EventKind::Add { id, side, price, quantity }
        }
        "changed" => EventKind::Change { id, quantity },
        "deleted" => EventKind::Delete { id },
        other => panic!("no action: {other}"),
    };
    event(time(&row[2]), SourceId(0), position, kind)
}

fn trade(row: &csv::StringRecord) -> Trade {
    let aggressor = if &row[7] == "buy" { Side::Buy } else { Side::Sell };
    let maker = if aggressor == Side::Buy { &row[6] } else { &row[5] };
    Trade {
        time: time(&row[2]),
        price: Price::parse(row[3].as_bytes()).expect("a price"),
        quantity: Quantity::parse(row[4].as_bytes()).expect("an amount"),
        aggressor,
        maker: maker.parse().expect("an id"),
    }
}

fn traded(position: u64, trade: &Trade) -> MarketEvent {
    let Trade { time, price, quantity, aggressor, maker } = *trade;
    let kind = EventKind::Trade { price, quantity, aggressor: Some(aggressor), maker: Some(maker) };
    event(time, SourceId(1), position, kind)
}

fn event(time: Timestamp, source: SourceId, position: u64, kind: EventKind) -> MarketEvent {
    MarketEvent { instrument: InstrumentId(0), time, source, position, kind }
}

fn time(ms: &str) -> Timestamp {
    Timestamp::from_ns(1_000_000 * ms.parse::<i64>().expect("milliseconds"))
}
