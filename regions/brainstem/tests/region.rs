//! The brainstem as a region: what makes a sample, and what teaches nothing.

use brainstem::{Brainstem, BrainstemParams};
use market::features::Feature;
use market::ledger::Ledger;
use market::order::{ClientId, Fill, Liquidity, Report, ReportKind};
use market::{
    EventKind, InstrumentId, Instruments, LevelChange, MarketEvent, Money, Price, Quantity, Sampler,
    SamplerKind, Side, SourceId, Timestamp,
};
use synapse::{Input, InputKind, NoticeKind, Region, SampleKind, Sensed, Startle, Tick};

const X: InstrumentId = InstrumentId(0);

fn instruments() -> Instruments {
    scenes::instruments(1, &scenes::instrument())
}

/// A brainstem and the number of its next input.
struct Desk {
    brainstem: Brainstem,
    sequence: u64,
}

impl Desk {
    fn new(kind: SamplerKind) -> Self {
        let ledger = Ledger::new("USD", "1000".parse().expect("money"));
        let samplers = vec![Sampler::new(kind)];
        Self {
            brainstem: Brainstem::new(BrainstemParams::default(), instruments(), samplers, 0, ledger),
            sequence: 0,
        }
    }

    fn grid() -> Self {
        Self::new(SamplerKind::Grid { period_ns: 10 })
    }

    fn input(&mut self, time: i64, kind: InputKind) -> Input {
        self.sequence += 1;
        Input { sequence: self.sequence, time: Timestamp::from_ns(time), kind }
    }

    fn fold(&mut self, time: i64, kind: InputKind) -> Vec<Sensed> {
        let input = self.input(time, kind);
        self.brainstem.step(input).expect("no fault")
    }

    fn event(&mut self, time: i64, kind: EventKind) -> Vec<Sensed> {
        let event = MarketEvent {
            instrument: X,
            time: Timestamp::from_ns(time),
            source: SourceId(0),
            position: 1,
            kind,
        };
        self.fold(time, InputKind::Market(event))
    }

    fn tick(&mut self, time: i64) -> Vec<Sensed> {
        self.fold(time, InputKind::Tick(Tick { fresh: [X].into_iter().collect(), ..Tick::default() }))
    }
}

fn level(side: Side, price: i64, quantity: i64) -> LevelChange {
    let whole = |n| Quantity::from_whole(n).expect("small");
    LevelChange { side, price: Price::from_whole(price).expect("small"), quantity: whole(quantity) }
}

fn snapshot(bid: i64, ask: i64) -> EventKind {
    EventKind::Snapshot(Box::new([level(Side::Buy, bid, 3), level(Side::Sell, ask, 1)]))
}

#[test]
fn a_tick_samples_what_came_before_it() {
    let mut desk = Desk::grid();
    assert!(desk.event(1, snapshot(100, 102)).is_empty());
    let samples = desk.tick(10);
    assert_eq!(samples.len(), 1);
    let sample = &samples[0];
    assert_eq!((sample.kind, sample.sequence, sample.mark2), (SampleKind::Regular, 2, Some(202_000_000_000)));
    assert_eq!(sample.features[Feature::Imbalance1], Some(0.5));
    assert_eq!(sample.features[Feature::ReturnMid], None, "there was no sample before");
}

#[test]
fn bars_make_their_own_samples() {
    let mut desk = Desk::new(SamplerKind::Bars);
    let price = |n| Price::from_whole(n).expect("small");
    let bar = market::Bar {
        open_time: Timestamp::from_ns(0),
        open: price(100),
        high: price(103),
        low: price(99),
        close: price(101),
        volume: Quantity::from_whole(7).expect("small"),
    };
    let samples = desk.event(60, EventKind::Bar(bar));
    assert_eq!(samples.len(), 1);
    assert_eq!((samples[0].top, samples[0].mark2), (None, Some(202_000_000_000)));
}

#[test]
fn a_shock_startles_once_when_its_instant_is_over() {
    let mut desk = Desk::grid();
    desk.event(1, snapshot(100, 102));
    desk.tick(10);
    assert!(desk.event(11, EventKind::Gap).is_empty());
    assert!(desk.event(11, EventKind::Gap).is_empty(), "the instant is not over");
    let samples = desk.event(12, EventKind::Gap);
    assert_eq!(samples.len(), 1);
    assert_eq!((samples[0].kind, samples[0].time.ns()), (SampleKind::Startle(Startle::Gap), 12));
    assert_eq!(samples[0].mark2, None, "never a stale price");
    assert!(desk.event(13, snapshot(100, 102)).is_empty(), "not re-armed yet");
}

#[test]
fn a_startle_stands_before_the_samples_of_its_input_and_teaches_nothing() {
    let run = |shock: bool| {
        let mut desk = Desk::grid();
        desk.event(1, snapshot(100, 102));
        desk.tick(10);
        if shock {
            desk.event(15, EventKind::Halt);
        }
        let samples = desk.tick(20);
        desk.event(21, snapshot(101, 103));
        (samples, desk.tick(30).pop().expect("a sample"))
    };
    let (shocked, after_shock) = run(true);
    let (calm, after_calm) = run(false);
    let kinds: Vec<SampleKind> = shocked.iter().map(|s| s.kind).collect();
    assert_eq!(kinds, [SampleKind::Startle(Startle::Halt), SampleKind::Regular]);
    assert_eq!(calm.len(), 1);
    assert_eq!(after_shock.features, after_calm.features);
}

#[test]
fn silence_startles() {
    let mut desk = Desk::grid();
    desk.event(1, snapshot(100, 102));
    desk.tick(10);
    let stale = Tick { stale: [X].into_iter().collect(), ..Tick::default() };
    let samples = desk.fold(20, InputKind::Tick(stale));
    assert_eq!(samples[0].kind, SampleKind::Startle(Startle::Stale));
}

#[test]
fn a_fill_reaches_position_equity_and_what_was_earned() {
    let mut desk = Desk::grid();
    desk.event(1, snapshot(100, 102));
    let fill = Fill {
        execution: 1,
        side: Side::Buy,
        price: Price::from_whole(102).expect("small"),
        quantity: Quantity::from_whole(2).expect("small"),
        fee: "0.5".parse().expect("money"),
        liquidity: Liquidity::Taker,
        remaining: Quantity::ZERO,
    };
    let id = ClientId { sequence: 1, instrument: X, k: 0 };
    let report = Report { id, time: Timestamp::from_ns(2), kind: ReportKind::Filled(fill) };
    desk.fold(5, InputKind::Notice(NoticeKind::Report(report)));
    let account = desk.tick(10)[0].account;
    assert_eq!(account.position, fill.quantity);
    assert_eq!(account.earned.to_string(), "-2.5", "bought at 102, marked at 101, and a fee");
    assert_eq!(account.equity, "997.5".parse::<Money>().expect("money"));
    let again = desk.input(11, InputKind::Notice(NoticeKind::Report(report)));
    assert!(desk.brainstem.step(again).is_err(), "an execution enters once");
}

#[test]
fn asking_changes_nothing_and_a_snapshot_brings_all_back() {
    let mut desk = Desk::grid();
    desk.event(1, snapshot(100, 102));
    desk.tick(10);
    let before = desk.brainstem.digest();
    let question =
        desk.input(20, InputKind::Tick(Tick { fresh: [X].into_iter().collect(), ..Tick::default() }));
    let answer = desk.brainstem.peek(question.clone()).expect("an answer");
    assert_eq!(desk.brainstem.digest(), before);
    let mut copy = Desk::grid();
    copy.brainstem.restore(&desk.brainstem.snapshot()).expect("a snapshot");
    assert_eq!(copy.brainstem.digest(), before);
    assert_eq!(desk.brainstem.step(question.clone()).expect("a sample"), answer);
    assert_eq!(copy.brainstem.step(question).expect("a sample"), answer);
    assert!(copy.brainstem.restore(b"no snapshot").is_err());
}

#[test]
fn an_event_before_the_range_makes_no_sample() {
    let mut desk = Desk::new(SamplerKind::Events { n: 1 });
    desk.brainstem = desk.brainstem.quiet_before(Timestamp::from_ns(5));
    assert!(desk.event(4, snapshot(100, 102)).is_empty());
    assert_eq!(desk.event(5, snapshot(100, 102)).len(), 1);
}

#[test]
fn a_book_older_than_its_limit_is_not_seen() {
    let mut desk = Desk::grid();
    desk.event(1, snapshot(100, 102));
    let limit_ns = i64::from(BrainstemParams::default().book_stale_after_ms) * 1_000_000;
    assert!(desk.tick(1 + limit_ns)[0].mark2.is_some());
    let sample = desk.tick(2 + limit_ns).pop().expect("a sample");
    assert_eq!((sample.mark2, sample.top, sample.book), (None, None, market::BookState::Unknown));
    assert_eq!(sample.features[Feature::Mid], None);
}
