//! Every reason, limit, threat signal, startle and cause of the latch, reached through the public entry:
//! made-up events that pass door, line, gate and exchange.

mod cases;
mod flatten;
mod latch;
mod unsound;

use std::collections::BTreeSet;

use janus::assemble::{self, Orders};
use janus::brain::Engine;
use market::feed::Format;
use market::order::Request;
use market::{EventKind, InstrumentId, LevelChange, MarketEvent, Price, Quantity, Side, SourceId, Timestamp};
use synapse::{
    Command, CommandKind, DecisionRecord, LatchCause, Limit, Outcome, Phase, Reason, RuleTruth, SampleKind,
    Signal, Startle, ThreatLevel,
};

use crate::{Events, Kept, run};

/// A brain that is armed soon, is not easily frightened, and wants 10 lots of 1 at a price of 100.
const CONFIG: &str = concat!(
    include_str!("../../data/soon.toml"),
    "[instrument.X]
tick = 1
lot = 1
reference_notional = 1000
[limits.X]
order_size = 1000
position = 1000
notional = 1e6
capital = 1e6
collar = 10000.0
rate = 1000
duplicate = 1
"
);

const MS_NS: i64 = 1_000_000;
/// How far apart the events of a tape are; the grid lies between them.
const STEP_MS: i64 = 100;

/// 2026-05-02T02:36:20Z and so many ms.
fn at(ms: i64) -> Timestamp {
    Timestamp::from_ns((1_777_689_380_000 + ms) * MS_NS)
}

/// Best bid and its quantity, best ask and its quantity.
type Best = [f64; 4];

/// As much is bid as offered.
const EVEN: Best = [100.0, 50.0, 101.0, 50.0];
/// Much more is bid than offered.
const BID: Best = [100.0, 95.0, 101.0, 5.0];

/// Events at 50 ms, 150 ms and so on.
#[derive(Default)]
struct Tape {
    ms: i64,
    events: Vec<MarketEvent>,
}

impl Tape {
    fn push(mut self, kind: EventKind) -> Self {
        let position = self.events.len() as u64 + 1;
        let time = at(self.ms + STEP_MS / 2);
        self.events.push(MarketEvent {
            instrument: InstrumentId(0),
            time,
            source: SourceId(0),
            position,
            kind,
        });
        self
    }

    /// One event, and the time to the next.
    fn then(self, kind: EventKind) -> Self {
        self.push(kind).wait(STEP_MS)
    }

    fn wait(mut self, ms: i64) -> Self {
        self.ms += ms;
        self
    }

    /// The book, so many times.
    fn book(mut self, times: usize, best: Best) -> Self {
        for _ in 0..times {
            self = self.then(EventKind::Snapshot(levels(best).into()));
        }
        self
    }
}

fn units(whole: f64) -> i64 {
    (whole * 1e9).round() as i64
}

fn levels([bid, bid_quantity, ask, ask_quantity]: Best) -> Vec<LevelChange> {
    let level = |side, price, quantity| LevelChange {
        side,
        price: Price::from_units(units(price)),
        quantity: Quantity::from_units(units(quantity)),
    };
    vec![level(Side::Buy, bid, bid_quantity), level(Side::Sell, ask, ask_quantity)]
}

fn command(ms: i64, kind: CommandKind) -> (Timestamp, Command) {
    (at(ms), Command { kind, by: "ada".into(), reason: "test".into() })
}

/// The configuration with some keys changed: the last word on a key stands.
fn changed(sets: &[&str]) -> janus::config::Config {
    let flags: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let loader = janus::config::Loader::new().text(CONFIG, "test");
    loader.and_then(|l| l.flags(&flags)).and_then(janus::config::Loader::finish).expect("a configuration")
}

fn play(sets: &[&str], tape: Tape, commands: Vec<(Timestamp, Command)>) -> (Engine<Events>, Kept) {
    let orders = Orders { commands, formats: vec![Format::Ndjson], ..Orders::default() };
    let events = tape.events.into_iter().peekable();
    let (engine, kept) = run(assemble::engine(&changed(sets), events, orders).expect("an engine").0);
    kept.decisions.iter().for_each(never_a_pass);
    (engine, kept)
}

/// What may be done at all: new orders only where nothing is feared or closed, and within all limits.
fn never_a_pass(decision: &DecisionRecord) {
    let requests = decision.verdict.requests();
    let is_new = requests.iter().any(|request| !matches!(request, Request::Cancel(_)));
    if !is_new {
        return;
    }
    let verdict = &decision.verdict;
    let hard: Vec<_> = verdict.rules.iter().filter(|rule| rule.is_hard).collect();
    for limit in Limit::ALL {
        let rule = hard.iter().find(|rule| rule.rule.as_str() == limit.name());
        assert!(rule.is_some(), "the {limit} limit is tested: {decision:?}");
    }
    assert!(hard.iter().all(|rule| rule.passed), "{decision:?}");
    assert!(decision.kind == SampleKind::Regular && decision.mark2.is_some(), "{decision:?}");
    assert_eq!(decision.threat.phase, Phase::Armed, "{decision:?}");
    let calm = decision.threat.level == ThreatLevel::Calm;
    assert!(calm && verdict.latch.is_none() || is_reduction(decision), "{decision:?}");
}

/// Whether an order can only bring the position nearer to zero.
fn is_reduction(decision: &DecisionRecord) -> bool {
    let position = decision.account.position;
    decision.verdict.requests().iter().all(|request| match request {
        Request::Place(order) => {
            order.side.sign() == -position.units().signum() && order.quantity <= position.abs()
        }
        _ => false,
    })
}

/// Everything that was reached by some decisions, by kind and name.
fn reached(decisions: &[DecisionRecord]) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    for decision in decisions {
        let verdict = &decision.verdict;
        if let Outcome::Rest(reason) = &verdict.outcome {
            reached.insert(format!("reason {}", reason.name()));
            assert!(!reason.to_string().contains("NaN"), "a reason tells numbers: {reason}");
            if let Reason::Refused { rule: by, value, bound } = reason {
                reached.insert(format!("limit {by}"));
                let failed = |rule: &&RuleTruth| rule.is_hard && !rule.passed;
                let rule = verdict.rules.iter().find(failed).expect("one that failed");
                assert_eq!((rule.rule, rule.value, rule.bound), (*by, *value, *bound));
            }
        } else {
            reached.insert("acts".to_owned());
        }
        if let Some(signal) = decision.threat.tripped_by.filter(|_| decision.threat.trip_begins) {
            reached.insert(format!("signal {signal}"));
        }
        if let SampleKind::Startle(startle) = decision.kind {
            reached.insert(format!("startle {startle:?}"));
        }
        if let Some(cause) = verdict.latch {
            reached.insert(format!("latch {cause}"));
        }
    }
    reached
}

/// Everything there is to reach.
fn everything() -> BTreeSet<String> {
    let reasons = Reason::ALL.iter().map(|spec| format!("reason {}", spec.name));
    let limits = Limit::ALL.iter().map(|limit| format!("limit {limit}"));
    let signals = Signal::ALL.iter().map(|signal| format!("signal {signal}"));
    let startles = [Startle::Halt, Startle::Gap, Startle::LostBook, Startle::Spread, Startle::Stale];
    let startles = startles.iter().map(|startle| format!("startle {startle:?}"));
    let trips = Signal::ALL.map(LatchCause::Amygdala);
    let causes = trips.into_iter().chain([LatchCause::Operator, LatchCause::StaleFeed]);
    let causes = causes.map(|cause| format!("latch {cause}"));
    reasons.chain(limits).chain(signals).chain(startles).chain(causes).collect()
}

#[test]
fn everything_there_is_was_reached() {
    let mut reached_by_any = cases::all();
    reached_by_any.extend(reached(&latch::operator()));
    reached_by_any.extend(reached(&unsound::not_finite()));
    let everything = everything();
    let missing: Vec<&String> = everything.difference(&reached_by_any).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
}
