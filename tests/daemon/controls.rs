//! Every control, tripped through a running daemon: each limit refuses with both numbers, each signal of
//! the amygdala and a venue that contradicts itself latch, and what is latched places nothing new.

use std::sync::atomic::Ordering;

use journal::Record;
use serde_json::Value;
use synapse::{DecisionRecord, LatchCause, Limit, NoticeKind, Outcome, Reason, Signal};

use crate::common::{tell, until_status};
use crate::made::{BID, EVEN, Feed, brain};
use crate::place::Place;
use crate::stage::Stage;
use crate::tape::{count, decisions, placed, proved};

/// Runs a market to its end in files; what it came to.
pub fn simulated(sets: &[&str], feed: &Feed) -> (Place, Value) {
    let place = Place::of(&brain(), &feed.text());
    let feed = place.feed();
    let mut args = vec!["--once", "--speed", "max"];
    sets.iter().for_each(|set| args.extend(["--set", set]));
    args.push(&feed);
    let end = place.daemon(&place.journal(), &args).end().json();
    (place, end)
}

/// Armed, and then eager to buy.
pub fn eager() -> Feed {
    Feed::default().book(5, EVEN).book(5, BID)
}

/// Whether it places nothing but what brings the position nearer to zero.
pub fn only_reduces(decision: &DecisionRecord) -> bool {
    let position = decision.account.position.units();
    placed(decision).all(|order| {
        let change = order.side.signed(order.quantity).units();
        change.signum() == -position.signum() && change.abs() <= position.abs()
    })
}

/// The offer is gone when the order arrives, and back for the next sample.
fn missed() -> Feed {
    let gone = [100.0, 95.0, 105.0, 5.0];
    Feed::default().book(5, EVEN).book(1, BID).wait(-49).quote("X", gone).wait(49).book(3, BID)
}

/// The key that is set, the market, and the limit that refuses.
type Case = (&'static str, fn() -> Feed, Limit);

#[test]
fn each_limit_refuses_with_both_numbers() {
    let cases: [Case; 7] = [
        ("limits.X.order_size=4", eager, Limit::OrderSize),
        ("limits.X.position=4", eager, Limit::Position),
        ("limits.X.notional=400", eager, Limit::Notional),
        ("limits.X.capital=400", eager, Limit::Capital),
        ("limits.X.collar=1", eager, Limit::Collar),
        ("limits.X.rate=1", missed, Limit::Rate),
        ("limits.X.duplicate=500", missed, Limit::Duplicate),
    ];
    assert_eq!(cases.map(|(.., limit)| limit), Limit::ALL, "each of them");
    for (set, feed, limit) in cases {
        let (place, _) = simulated(&[set], &feed());
        let records = proved(&place.journal());
        let refused = decisions(&records).find_map(|decision| match decision.verdict.outcome {
            Outcome::Rest(Reason::Refused { rule, value, bound }) if rule.as_str() == limit.name() => {
                Some((decision.sequence, value, bound))
            }
            _ => None,
        });
        let (sequence, value, bound) = refused.unwrap_or_else(|| panic!("{set}: nothing was refused"));
        let told = tell(&["why", &sequence.to_string()], &place.journal());
        let words = format!("refused by the rule {limit}: {value} against {bound}");
        assert!(told.code == Some(0) && told.stdout.contains(&words), "{set}: `{words}`, {}", told.stdout);
        let orders = decisions(&records).flat_map(placed).count();
        // what looks back lets the first one pass
        let may = usize::from([Limit::Rate, Limit::Duplicate].contains(&limit));
        assert!(orders == 0 || may == 1, "{set}: {orders} orders were placed");
    }
    let (place, _) = simulated(&[], &eager());
    assert!(decisions(&proved(&place.journal())).flat_map(placed).count() > 0, "without them it trades");
}

/// Nothing new is placed from the latch on.
fn assert_latched(records: &[Record], cause: LatchCause) {
    let latched: Vec<_> = decisions(records).filter(|it| it.verdict.latch == Some(cause)).collect();
    assert!(!latched.is_empty(), "no decision is latched by {cause}");
    assert!(latched.iter().all(|decision| only_reduces(decision)), "{cause}");
}

#[test]
fn each_signal_that_a_feed_can_give_latches() {
    let wide = [90.0, 50.0, 111.0, 50.0];
    let wild = || {
        let feed = Feed::default().book(2, EVEN).book(1, BID).book(5, EVEN);
        let bids = [105.0, 99.0, 106.0, 98.0, 107.0];
        bids.iter().fold(feed, |feed, bid| feed.book(1, [*bid, 50.0, bid + 1.0, 50.0]))
    };
    let cases: [(Signal, &[&str], Feed); 4] = [
        (Signal::Anomaly, &["amygdala.imbalance_floor=0.01"], Feed::default().book(9, EVEN).book(9, BID)),
        (
            Signal::Volatility,
            &[
                "amygdala.imbalance_floor=0.001",
                "amygdala.volatility_floor_bp=0.3",
                "amygdala.volatility_warm_up=2",
            ],
            wild(),
        ),
        (Signal::Drawdown, &["amygdala.drawdown_max=0.000001", "instrument.X.taker_fee=100"], eager()),
        (Signal::Spread, &[], Feed::default().book(5, EVEN).book(9, wide)),
    ];
    for (signal, sets, feed) in cases {
        // eager to buy behind it all the same
        let (place, end) = simulated(sets, &feed.book(9, BID));
        let cause = LatchCause::Amygdala(signal);
        assert_eq!(end["latch"], cause.to_string(), "{end}");
        assert_latched(&proved(&place.journal()), cause);
    }
}

#[test]
fn a_venue_that_tells_an_execution_twice_at_two_prices_latches() {
    let stage = Stage::of(Place::eager(9_000), &["--speed", "2"]);
    stage.relay.false_fills.store(true, Ordering::SeqCst);
    let daemon = stage.start(&stage.journal);
    let cause = LatchCause::RepeatedExecution;
    let status = until_status(&stage.journal, "a latch", |status| status["latch"] == cause.to_string());
    assert!(status["gate"].as_str().is_some_and(|gate| gate.starts_with("closed: latched")), "{status}");
    let (sequence, orders) = (status["decisions"].as_u64(), status["orders"].as_u64());
    assert!(orders > Some(0), "{status}");
    until_status(&stage.journal, "decisions", |status| {
        status["decisions"].as_u64() > sequence.map(|n| n + 20)
    });
    daemon.stop().json();
    let records = proved(&stage.journal);
    assert!(count(&records, |notice| *notice == NoticeKind::Latch(cause)) >= 1);
    assert_latched(&records, cause);
}
