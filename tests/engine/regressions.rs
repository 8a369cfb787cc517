//! Named after what went wrong once.

use janus::assemble::{self, Orders};
use market::feed::Format;
use market::order::Request;
use market::{EventKind, InstrumentId, LevelChange, MarketEvent, Price, Quantity, Side, SourceId, Timestamp};
use synapse::LatchCause;

use crate::{Kept, config, run};

const CONFIG: &str = "
[door]
grid_ms = 100
[amygdala]
warm_up = 2
p = 0.5
calibration = 2
m = 60
n = 64
[basal_ganglia]
gain = 8.0
[cerebellum]
edge_filter = false
[prefrontal]
stale_feed_latches = true
[instrument.X]
tick = 1
lot = 1
reference_notional = 1000
[limits.X]
order_size = 100
position = 100
notional = 100000
capital = 100000
collar = 500.0
rate = 100
duplicate = 1
";

const MS: i64 = 1_000_000;

fn event(ms: i64, kind: EventKind) -> MarketEvent {
    let time = Timestamp::from_ns(1_000 * MS + ms * MS);
    MarketEvent { instrument: InstrumentId(0), time, source: SourceId(0), position: ms as u64 + 1, kind }
}

fn whole(n: i64) -> Quantity {
    Quantity::from_whole(n).expect("small")
}

fn snapshot(bids: i64, asks: i64) -> EventKind {
    let level = |side, price, quantity| LevelChange {
        side,
        price: Price::from_whole(price).expect("small"),
        quantity: whole(quantity),
    };
    EventKind::Snapshot(Box::new([level(Side::Buy, 100, bids), level(Side::Sell, 101, asks)]))
}

fn trade() -> EventKind {
    EventKind::Trade {
        price: Price::from_whole(100).expect("small"),
        quantity: whole(1),
        aggressor: None,
        maker: None,
    }
}

/// A market that leans to one side for three seconds, long enough to hold a position.
fn leaning() -> Vec<MarketEvent> {
    (0..30).map(|k| event(k * 100, snapshot(90 + k % 3, 10))).collect()
}

fn play(events: Vec<MarketEvent>) -> (Kept, Option<LatchCause>) {
    let orders = Orders { formats: vec![Format::Ndjson], ..Orders::default() };
    let stream = events.into_iter().peekable();
    let (engine, kept) = run(assemble::engine(&config(CONFIG), stream, orders).expect("an engine").0);
    (kept, engine.line().prefrontal.latch())
}

#[test]
fn a_book_that_fell_silent_gives_no_price_though_trades_go_on() {
    let mut events = leaning();
    events.extend((30..200).map(|k| event(k * 100, trade())));
    let (kept, _) = play(events);
    let silent_from = Timestamp::from_ns(1_000 * MS + 2_900 * MS + 5_000 * MS);
    let late: Vec<_> = kept.decisions.iter().filter(|d| d.time > silent_from).collect();
    assert!(late.len() > 50, "trades keep the instrument fresh");
    assert!(late.iter().all(|d| d.mark2.is_none()));
    let placed =
        |d: &&&synapse::DecisionRecord| d.verdict.requests().iter().any(|r| matches!(r, Request::Place(_)));
    assert_eq!(late.iter().filter(placed).count(), 0);
    assert!(kept.decisions.iter().any(|d| placed(&&d)), "it did trade before");
}

#[test]
fn a_feed_that_falls_silent_after_a_shock_latches_all_the_same() {
    for shock in [None, Some(EventKind::Gap), Some(EventKind::Halt)] {
        let mut events = leaning();
        events.extend(shock.clone().map(|kind| event(2_950, kind)));
        // what comes after the silence lets its tick be made
        events.push(event(20_000, snapshot(10, 10)));
        let (kept, latch) = play(events);
        let position = kept.decisions.last().expect("decisions").account.position;
        assert!(!position.is_zero(), "{shock:?}: a position is open");
        assert_eq!(latch, Some(LatchCause::StaleFeed), "{shock:?}");
    }
}
