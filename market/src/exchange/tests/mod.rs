//! Each rule by an example. Prices and quantities are whole numbers, times nanoseconds; an order
//! arrives 2 ns after its decision and is reported 3 ns after the fact.

mod l2;
mod l3;
mod l3_resting;
mod plain;
mod regressions;
mod requests;

use super::*;
use crate::event::{Bar, EventKind, LevelChange, OrderId, SourceId};
use crate::instrument::{Instrument, Session, Side};
use crate::num::{Money, Price, Quantity};
use crate::order::{Fill, NewOrder, OrderKind};

pub(super) const ENTRY: i64 = 2;
pub(super) const RESPONSE: i64 = 3;
pub(super) use EventKind::{Clear, Gap, Halt, Resume};
pub(super) use OrderKind::{ImmediateOrCancel as Ioc, Limit, Market, PostOnly};
pub(super) use Side::{Buy, Sell};

pub(super) fn price(whole: i64) -> Price {
    Price::from_whole(whole).expect("small")
}

pub(super) fn quantity(whole: i64) -> Quantity {
    Quantity::from_whole(whole).expect("small")
}

pub(super) fn instrument(name: &str) -> Instrument {
    Instrument {
        name: name.into(),
        tick: price(1),
        lot: quantity(1),
        multiplier: quantity(1),
        currency: "USD".into(),
        maker_fee_bp: quantity(-1),
        taker_fee_bp: quantity(5),
        session: Session::Always,
        reference_notional: Money::ZERO,
    }
}

pub(super) fn params() -> ExchangeParams {
    ExchangeParams {
        entry_latency_ns: ENTRY,
        response_latency_ns: RESPONSE,
        stale_after_ns: 1_000,
        half_spread_bp: quantity(100),
        volume_share: Quantity::from_units(crate::num::SCALE / 2),
    }
}

/// An exchange with one instrument, driven as the door does.
pub(super) struct Bench {
    pub(super) exchange: Exchange,
    now: i64,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(params())
    }

    pub(super) fn with(params: ExchangeParams) -> Self {
        let instruments = Instruments::new(vec![instrument("A")]);
        Self { exchange: Exchange::new(&instruments, params, 0), now: 0 }
    }

    /// A book of single orders: bids 100 (1, 2 ahead of 3) and 99, asks 102 and 103, one each,
    /// whole at time 1.
    pub(super) fn l3() -> Self {
        let mut bench = Self::new();
        bench.event(0, Clear);
        for (id, side, at, units) in [
            (1, Buy, 100, 1),
            (2, Buy, 100, 2),
            (3, Buy, 99, 5),
            (4, Sell, 102, 1),
            (5, Sell, 102, 2),
            (6, Sell, 103, 5),
        ] {
            bench.add(0, id, side, at, units);
        }
        bench
    }

    /// The same book in totals.
    pub(super) fn l2() -> Self {
        let mut bench = Self::new();
        let levels = [(Buy, 100, 3), (Buy, 99, 5), (Sell, 102, 3), (Sell, 103, 5)];
        bench.event(0, EventKind::Snapshot(changes(&levels)));
        bench
    }

    /// A feed event; arrivals before it are matched first.
    pub(super) fn event(&mut self, time: i64, kind: EventKind) {
        assert!(time >= self.now, "time goes on");
        self.arrive_before(time);
        self.now = time;
        self.exchange.on_event(&MarketEvent {
            instrument: InstrumentId(0),
            time: Timestamp::from_ns(time),
            source: SourceId(0),
            position: 0,
            kind,
        });
    }

    fn arrive_before(&mut self, time: i64) {
        while self.exchange.next_arrival().is_some_and(|due| due < Timestamp::from_ns(time)) {
            self.exchange.run_arrival();
        }
    }

    pub(super) fn add(&mut self, time: i64, id: OrderId, side: Side, at: i64, units: i64) {
        let (price, quantity) = (price(at), quantity(units));
        self.event(time, EventKind::Add { id, side, price, quantity });
    }

    pub(super) fn delete(&mut self, time: i64, id: OrderId) {
        self.event(time, EventKind::Delete { id });
    }

    pub(super) fn change(&mut self, time: i64, id: OrderId, units: i64) {
        let quantity = quantity(units);
        self.event(time, EventKind::Change { id, quantity });
    }

    pub(super) fn levels(&mut self, time: i64, levels: &[(Side, i64, i64)]) {
        self.event(time, EventKind::Levels(changes(levels)));
    }

    pub(super) fn trade(
        &mut self,
        time: i64,
        aggressor: impl Into<Option<Side>>,
        at: i64,
        units: i64,
        maker: impl Into<Option<OrderId>>,
    ) {
        self.event(
            time,
            EventKind::Trade {
                price: price(at),
                quantity: quantity(units),
                aggressor: aggressor.into(),
                maker: maker.into(),
            },
        );
    }

    /// A bar that closes at `time`: open time, open, high, low, close, volume.
    pub(super) fn bar(&mut self, time: i64, since: i64, [open, high, low, close]: [i64; 4], volume: i64) {
        self.event(
            time,
            EventKind::Bar(Bar {
                open_time: Timestamp::from_ns(since),
                open: price(open),
                high: price(high),
                low: price(low),
                close: price(close),
                volume: quantity(volume),
            }),
        );
    }

    /// Decides on an order at `time`.
    pub(super) fn place(&mut self, time: i64, k: u16, side: Side, kind: OrderKind, at: i64, units: i64) {
        let order = NewOrder { id: id(k), side, kind, price: price(at), quantity: quantity(units) };
        self.submit(time, Request::Place(order));
    }

    pub(super) fn cancel(&mut self, time: i64, k: u16) {
        self.submit(time, Request::Cancel(id(k)));
    }

    pub(super) fn replace(&mut self, time: i64, k: u16, at: i64, units: i64) {
        self.submit(time, Request::Replace { id: id(k), price: price(at), total: quantity(units) });
    }

    pub(super) fn submit(&mut self, time: i64, request: Request) {
        self.exchange.submit(Timestamp::from_ns(time), request);
    }

    /// Lets everything arrive, and gives all reports since the last call, one a line:
    /// `time k what`.
    pub(super) fn reports(&mut self) -> Vec<String> {
        self.arrive_before(i64::MAX);
        let reports = std::iter::from_fn(|| self.exchange.pop_report());
        reports
            .map(|(due, report)| {
                assert_eq!(due, report.time.plus(RESPONSE), "the response latency");
                line(&report)
            })
            .collect()
    }

    /// The fills among the reports since the last call.
    pub(super) fn fills(&mut self) -> Vec<Fill> {
        self.arrive_before(i64::MAX);
        let reports = std::iter::from_fn(|| self.exchange.pop_report());
        reports
            .filter_map(|(_, report)| match report.kind {
                ReportKind::Filled(fill) => Some(fill),
                _ => None,
            })
            .collect()
    }
}

pub(super) fn id(k: u16) -> ClientId {
    ClientId { sequence: 1, instrument: InstrumentId(0), k }
}

pub(super) fn changes(levels: &[(Side, i64, i64)]) -> Box<[LevelChange]> {
    let change = |&(side, at, units): &(Side, i64, i64)| LevelChange {
        side,
        price: price(at),
        quantity: quantity(units),
    };
    levels.iter().map(change).collect()
}

fn line(report: &Report) -> String {
    let what = match report.kind {
        ReportKind::Filled(f) => {
            format!("{:?} {} {}@{} rest {}", f.liquidity, f.side, f.quantity, f.price, f.remaining)
                .to_lowercase()
        }
        ReportKind::Accepted => "accepted".into(),
        ReportKind::Rejected(reason) => format!("rejected {reason:?}"),
        ReportKind::Cancelled { filled } => format!("cancelled, filled {filled}"),
        ReportKind::Expired { filled } => format!("expired, filled {filled}"),
        ReportKind::Replaced { price, quantity } => format!("replaced {quantity}@{price}"),
        ReportKind::CancelRejected(reason) => format!("cancel rejected {reason:?}"),
        ReportKind::ReplaceRejected(reason) => format!("replace rejected {reason:?}"),
    };
    format!("{} {} {what}", report.time.ns(), report.id.k)
}
