//! Both exchanges on the bundled half hour.

use std::io::Read;

use market::order::{ClientId, Liquidity, NewOrder, OrderKind, Report, ReportKind, Request};
use market::{EventKind, InstrumentId, Ledger, MarketEvent, Money, Price, Quantity, Side, Timestamp};

use crate::oracle::l3::Orders;
use crate::oracle::{Facts, Oracle, WHOLE};
use crate::streams::{FACTS, arrive_before, event, exchange, instruments};

const MS: i64 = 1_000_000;
const SECOND: i64 = 1_000 * MS;

fn facts() -> Facts {
    Facts { lot: WHOLE / 100_000_000, entry: 2 * MS, response: 2 * MS, stale: 10 * SECOND, ..FACTS }
}

/// A column of a table, by its name in the first line.
struct Table {
    header: Vec<String>,
    rows: Vec<csv::StringRecord>,
}

impl Table {
    fn read(text: &[u8]) -> Self {
        let mut reader = csv::Reader::from_reader(text);
        let header = reader.headers().expect("a header").iter().map(Into::into).collect();
        Self { header, rows: reader.records().map(|r| r.expect("a row")).collect() }
    }

    fn column(&self, name: &str) -> usize {
        self.header.iter().position(|h| h == name).expect("a column")
    }
}

/// The opening picture and the live rows, trades after the order rows of their time.
fn events() -> Vec<MarketEvent> {
    let folder = support::session();
    let mut orders = Vec::new();
    let packed = std::fs::File::open(folder.join("orders.csv.gz")).expect("bundled");
    flate2::read::GzDecoder::new(packed).read_to_end(&mut orders).expect("whole");
    let trades = std::fs::read(folder.join("trades.csv")).expect("bundled");
    let mut events = order_events(&Table::read(&orders));
    events.extend(trade_events(&Table::read(&trades)));
    events.sort_by_key(|e| e.time);
    events
}

fn order_events(table: &Table) -> Vec<MarketEvent> {
    let [id, heard, happened, price, volume, action, direction] =
        ["id", "timestamp", "exchange_timestamp", "price", "volume", "action", "direction"]
            .map(|name| table.column(name));
    let mut events = Vec::new();
    for row in &table.rows {
        if row[heard] == row[happened] {
            continue;
        }
        let time = row[happened].parse::<i64>().expect("ms") * MS;
        if events.is_empty() {
            events.push(event(time, EventKind::Clear));
        }
        let id = row[id].parse().expect("a number");
        let quantity: Quantity = row[volume].parse().expect("a decimal");
        let kind = match &row[action] {
            "created" => EventKind::Add {
                id,
                side: if &row[direction] == "bid" { Side::Buy } else { Side::Sell },
                price: row[price].parse().expect("a decimal"),
                quantity,
            },
            "changed" => EventKind::Change { id, quantity },
            _ => EventKind::Delete { id },
        };
        events.push(event(time, kind));
    }
    events
}

fn trade_events(table: &Table) -> Vec<MarketEvent> {
    let [happened, price, amount, buyer, seller, side] =
        ["exchange_timestamp", "price", "amount", "buy_order_id", "sell_order_id", "side"]
            .map(|name| table.column(name));
    let rows = table.rows.iter();
    rows.map(|row| {
        let (aggressor, maker) = if &row[side] == "buy" { (Side::Buy, seller) } else { (Side::Sell, buyer) };
        let kind = EventKind::Trade {
            price: row[price].parse().expect("a decimal"),
            quantity: row[amount].parse().expect("a decimal"),
            aggressor: Some(aggressor),
            maker: Some(row[maker].parse().expect("a number")),
        };
        event(row[happened].parse::<i64>().expect("ms") * MS, kind)
    })
    .collect()
}

/// What is asked in one second: to cancel what may still rest, to rest at both touches, and now and
/// then to take or to requeue.
fn asks(second: u64, bid: i64, ask: i64) -> Vec<Request> {
    let name = |second: u64, k: u16| ClientId { sequence: second, instrument: InstrumentId(0), k };
    let order = |k: u16, side: Side, kind: OrderKind, at: i64, units: i64| {
        Request::Place(NewOrder {
            id: name(second, k),
            side,
            kind,
            price: Price::from_units(at),
            quantity: Quantity::from_units(units),
        })
    };
    let mut asks = Vec::new();
    if let Some(before) = second.checked_sub(3) {
        asks.push(Request::Cancel(name(before, 0)));
        asks.push(Request::Cancel(name(before, 1)));
    }
    let units = WHOLE / 20;
    asks.push(order(0, Side::Buy, OrderKind::PostOnly, bid, units));
    asks.push(order(1, Side::Sell, OrderKind::Limit, ask, units));
    if second % 10 == 5 {
        let side = if second % 20 == 5 { Side::Buy } else { Side::Sell };
        asks.push(order(2, side, OrderKind::Market, 0, 10 * units));
    }
    if second.is_multiple_of(7) {
        let (price, total) = (Price::from_units(bid), Quantity::from_units(2 * units));
        asks.push(Request::Replace { id: name(second, 0), price, total });
    }
    asks
}

#[test]
fn the_bundled_session_agrees_with_the_plain_exchange() {
    let facts = facts();
    let mut real = exchange(&facts);
    let mut oracle = Oracle::<Orders>::new(facts);
    let (mut second, mut last) = (0, 0);
    for event in events() {
        let time = event.time.ns();
        if time / SECOND > last / SECOND && last > 0 {
            let prices = [Side::Buy, Side::Sell].map(|side| oracle.pit.best_price(side));
            if let [Some(bid), Some(ask)] = prices {
                for request in asks(second, bid, ask) {
                    real.submit(Timestamp::from_ns(last), request);
                    oracle.submit(last, request);
                }
                second += 1;
            }
        }
        last = time;
        arrive_before(&mut real, time);
        real.on_event(&event);
        oracle.on_event(&event);
    }
    arrive_before(&mut real, i64::MAX);
    real.expire(Timestamp::from_ns(last + SECOND));
    let reports: Vec<_> = std::iter::from_fn(|| real.pop_report()).collect();
    let expected = oracle.finish(last + SECOND);
    if let Some((real, plain)) = reports.iter().zip(&expected).find(|(r, p)| r != p) {
        panic!("{real:?} is not {plain:?}");
    }
    assert_eq!(reports.len(), expected.len());
    assert!(second > 1_700, "{second} seconds");
    has_of_everything(&reports);
}

/// The run had of everything, and its fills add up.
fn has_of_everything(reports: &[(Timestamp, Report)]) {
    let mut ledger = Ledger::new("USD", Money::ZERO);
    let (mut made, mut taken, mut partial, mut position) = (0, 0, 0, 0);
    for (_, report) in reports {
        if let ReportKind::Filled(fill) = report.kind {
            ledger.apply_fill(&instruments(&facts()), InstrumentId(0), &fill).expect("booked");
            position += fill.side.signed(fill.quantity).units();
            made += usize::from(fill.liquidity == Liquidity::Maker);
            taken += usize::from(fill.liquidity == Liquidity::Taker);
            partial += usize::from(fill.remaining.is_positive());
        }
    }
    let count = |what: fn(&ReportKind) -> bool| reports.iter().filter(|(_, r)| what(&r.kind)).count();
    let replaced = count(|k| matches!(k, ReportKind::Replaced { .. }));
    let rejected = count(|k| matches!(k, ReportKind::Rejected(_)));
    eprintln!("{made} made, {taken} taken, {partial} partial, {replaced} replaced, {rejected} rejected");
    assert!(made > 300 && taken > 50 && partial > 100 && replaced > 100 && rejected > 50);
    assert_eq!(ledger.position(InstrumentId(0)).units(), position);
}
