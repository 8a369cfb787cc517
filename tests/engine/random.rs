//! Random markets, hostile ones included: whatever the feed says, the books add up, no limit is
//! passed, nothing is left outstanding, and a second run comes to the same digest.

use janus::assemble::{self, Orders};
use market::feed::Format;
use market::order::{ReportKind, Request};
use market::{EventKind, InstrumentId, LevelChange, MarketEvent, Price, Quantity, Side, SourceId, Timestamp};
use proptest::prelude::*;
use synapse::{Command, CommandKind};

use crate::{Kept, config, run};

const CONFIG: &str = "
[door]
grid_ms = 1
stale_after_ms = 20
[amygdala]
warm_up = 2
p = 0.5
calibration = 2
m = 12
n = 64
drawdown_max = 1.0
spread_floor_ticks = 100.0
return_floor_bp = 5000.0
imbalance_floor = 1.0
flow_floor = 10000.0
volatility_floor_bp = 5000.0
spread_multiple = 4.0
[basal_ganglia]
gain = 8.0
margin = 0.05
[cerebellum]
edge_filter = false
market_urgency = 0.9
[prefrontal]
rearm_after_s = 1
[instrument.A]
tick = 1
lot = 1
taker_fee = 3
reference_notional = 1000
[limits.A]
order_size = 12
position = 8
notional = 2000
capital = 1500
collar = 900.0
rate = 50
duplicate = 3
[instrument.B]
tick = 1
lot = 1
reference_notional = 500
[limits.B]
order_size = 12
position = 6
notional = 2000
capital = 1500
collar = 900.0
rate = 50
duplicate = 3
";

/// One event of instrument A (orders) or B (levels), and the time since the one before.
fn kind() -> impl Strategy<Value = (u16, i64, EventKind)> {
    let quantity = (0_i64..9).prop_map(|n| Quantity::from_whole(n).expect("small"));
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let price = (90_i64..112).prop_map(|n| Price::from_whole(n).expect("small"));
    // most bids are below most asks, so that there is a market
    let quoted = (side.clone(), 0_i64..12).prop_map(|(side, away)| {
        let whole = if side == Side::Buy { 102 - away } else { 99 + away };
        (side, Price::from_whole(whole).expect("small"))
    });
    let level = (quoted.clone(), quantity.clone()).prop_map(|((side, price), quantity)| LevelChange {
        side,
        price,
        quantity,
    });
    let orders = prop_oneof![
        12 => (0_u64..40, quoted, quantity.clone())
            .prop_map(|(id, (side, price), quantity)| EventKind::Add { id, side, price, quantity }),
        4 => (0_u64..40, quantity.clone()).prop_map(|(id, quantity)| EventKind::Change { id, quantity }),
        6 => (0_u64..40).prop_map(|id| EventKind::Delete { id }),
        8 => (price, quantity, prop::option::of(side), prop::option::of(0_u64..40))
            .prop_map(|(price, quantity, aggressor, maker)| EventKind::Trade { price, quantity, aggressor, maker }),
        1 => Just(EventKind::Clear),
    ];
    let rare =
        prop_oneof![1 => Just(EventKind::Halt), 4 => Just(EventKind::Resume), 1 => Just(EventKind::Gap)];
    let levels = prop_oneof![
        6 => prop::collection::vec(level.clone(), 1..4).prop_map(|l| EventKind::Levels(l.into())),
        1 => prop::collection::vec(level, 0..12).prop_map(|l| EventKind::Snapshot(l.into())),
    ];
    let gap_ns = prop_oneof![8 => 0_i64..1_500_000, 1 => 0_i64..60_000_000];
    prop_oneof![
        10 => (Just(0_u16), gap_ns.clone(), orders),
        6 => (Just(1_u16), gap_ns.clone(), levels),
        1 => (0_u16..2, gap_ns, rare),
    ]
}

fn events(kinds: Vec<(u16, i64, EventKind)>) -> Vec<MarketEvent> {
    let mut time = 1_000_000_000;
    let event = |(at, (instrument, gap_ns, kind)): (usize, (u16, i64, EventKind))| {
        time += gap_ns;
        MarketEvent {
            instrument: InstrumentId(instrument),
            time: Timestamp::from_ns(time),
            source: SourceId(instrument),
            position: at as u64 + 1,
            kind,
        }
    };
    kinds.into_iter().enumerate().map(event).collect()
}

fn orders(halt_at_ns: Option<i64>) -> Orders {
    let command = |(at, kind)| {
        let time = Timestamp::from_ns(1_000_000_000 + at);
        (time, Command { kind, by: "ada".into(), reason: "test".into() })
    };
    let halt =
        halt_at_ns.into_iter().flat_map(|at| [(at, CommandKind::Halt), (at + 30_000_000, CommandKind::Arm)]);
    Orders { commands: halt.map(command).collect(), formats: vec![Format::Ndjson], ..Orders::default() }
}

/// The position by fills, and the largest reached on either side at any moment.
fn positions(kept: &Kept, instrument: u16) -> (i64, i64) {
    let (mut position, mut largest) = (0_i64, 0_i64);
    for (_, report) in kept.reports.iter().filter(|(_, r)| r.id.instrument.0 == instrument) {
        if let ReportKind::Filled(fill) = &report.kind {
            position += fill.side.signed(fill.quantity).units();
            largest = largest.max(position.abs());
        }
    }
    (position, largest)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_books_add_up_and_no_limit_is_passed(
        kinds in prop::collection::vec(kind(), 50..600),
        entry_ns in 1_i64..3_000_000,
        response_ns in 1_i64..3_000_000,
        halt_at_ns in prop::option::of(0_i64..200_000_000),
    ) {
        let text = format!("{CONFIG}[exchange]\nentry_latency_ns = {entry_ns}\nresponse_latency_ns = {response_ns}\n");
        let config = config(&text);
        let events = events(kinds);
        let once = || {
            let stream = events.clone().into_iter().peekable();
            run(assemble::engine(&config, stream, orders(halt_at_ns)).expect("an engine").0)
        };
        let (engine, kept) = once();
        let ledger = engine.line().brainstem.ledger();
        for (instrument, limit) in [(0, 8), (1, 6)] {
            let (position, largest) = positions(&kept, instrument);
            prop_assert_eq!(position, ledger.position(InstrumentId(instrument)).units());
            prop_assert!(largest <= limit * 1_000_000_000, "a position of {} passed its limit", largest);
        }
        prop_assert_eq!(ledger.realised() + ledger.unrealised() - ledger.fees(), ledger.equity() - ledger.start());
        prop_assert_eq!(engine.gate().working(), 0, "nothing is left outstanding");
        prop_assert!(engine.line().prefrontal.orders().is_empty());
        prop_assert_eq!(kept.decisions.len() as u64, engine.totals().decisions());
        for decision in &kept.decisions {
            let places = decision.verdict.requests().iter().any(|r| matches!(r, Request::Place(_)));
            prop_assert!(!places || decision.mark2.is_some(), "an order without a price to judge it by");
        }
        let (again, _) = once();
        prop_assert_eq!(again.digest(), engine.digest());
        prop_assert_eq!(again.line().state(), engine.line().state());
    }
}

/// The histories above are worth something only if the brain trades in them.
#[test]
fn it_trades_in_random_markets() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut fills, mut makers, mut latched, mut refused) = (0, 0, 0, 0);
    for _ in 0..20 {
        let kinds =
            prop::collection::vec(kind(), 400..600).new_tree(&mut runner).expect("a history").current();
        let stream = events(kinds).into_iter().peekable();
        let (engine, kept) =
            run(assemble::engine(&config(CONFIG), stream, orders(None)).expect("an engine").0);
        fills += engine.totals().fills;
        makers += kept
            .reports
            .iter()
            .filter(|(_, r)| matches!(&r.kind, ReportKind::Filled(f) if f.liquidity == market::order::Liquidity::Maker))
            .count();
        latched += kept.decisions.iter().filter(|d| d.verdict.latch.is_some()).count();
        refused += engine.totals().refusals.values().sum::<u64>();
    }
    println!(
        "{fills} fills, {makers} of them resting, {latched} decisions under a latch, {refused} refusals"
    );
    assert!(fills > 50 && makers > 5 && latched > 0 && refused > 0);
}
