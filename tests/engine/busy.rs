//! The busy tape: everything that can happen to an order happens in it, and it has one digest.

use std::io::{Cursor, Read};

use janus::assemble::{self, Orders};
use janus::brain::Engine;
use janus::config::Config;
use market::feed::{Format, Merge, Names, OpenOptions, open_reader};
use market::order::ReportKind;
use market::{Instruments, MarketEvent, Side, SourceId, Timestamp};
use synapse::{Command, CommandKind, NoticeKind};

use crate::{Events, Kept, config, run};

pub const CONFIG: &str = include_str!("../busy/busy.toml");
const EVENTS: &str = include_str!("../busy/events.ndjson");
const ROWS: usize = 20_000;
const SHIFT_NS: i64 = 137_000_000;

pub fn instruments(config: &Config) -> Instruments {
    config.known(&config.instrument_names()).expect("facts")
}

fn options(instruments: &Instruments, name: &str, source: u16) -> OpenOptions {
    OpenOptions {
        names: Names::of(instruments),
        instrument: Some(name.to_owned()),
        source: SourceId(source),
        ..OpenOptions::default()
    }
}

/// The first rows of the bundled session.
fn session(instruments: &Instruments, read: impl Fn(Vec<u8>) -> Box<dyn Read + Send>) -> Vec<MarketEvent> {
    let folder = support::session();
    let open = |name: &str, source| {
        let bytes = std::fs::read(folder.join(name)).expect(name);
        open_reader(name, read(bytes), &options(instruments, "BTCUSD", source)).expect(name)
    };
    let mut rows = 0;
    let merge = Merge::new(vec![open("orders.csv.gz", 0), open("trades.csv", 1)]);
    merge
        .take_while(|event| {
            rows += usize::from(event.source == SourceId(0));
            rows <= ROWS
        })
        .collect()
}

/// The same rows, later and of another instrument.
fn shifted(instruments: &Instruments, events: &[MarketEvent]) -> Vec<MarketEvent> {
    let instrument = instruments.find("BTCUSD2").expect("configured");
    let shift = |event: &MarketEvent| MarketEvent {
        instrument,
        time: event.time.plus(SHIFT_NS),
        source: SourceId(event.source.0 + 2),
        ..event.clone()
    };
    events.iter().map(shift).collect()
}

fn shock(instruments: &Instruments, read: impl Fn(Vec<u8>) -> Box<dyn Read + Send>) -> Vec<MarketEvent> {
    let reader = read(EVENTS.as_bytes().to_vec());
    let feed = open_reader("events.ndjson", reader, &options(instruments, "SHOCK", 4)).expect("events");
    Merge::new(vec![feed]).collect()
}

pub fn events(instruments: &Instruments, read: impl Fn(Vec<u8>) -> Box<dyn Read + Send> + Copy) -> Events {
    let first = session(instruments, read);
    let mut all = shifted(instruments, &first);
    all.extend(first);
    all.extend(shock(instruments, read));
    all.sort_by_key(|event| (event.time, event.source, event.position));
    all.into_iter().peekable()
}

pub fn arm() -> Vec<(Timestamp, Command)> {
    let line: serde_json::Value =
        serde_json::from_str(include_str!("../busy/commands.ndjson").trim()).expect("a command");
    let text = |key: &str| line[key].as_str().expect("text").to_owned();
    let time = Timestamp::parse_civil(&text("time")).expect("a time");
    assert_eq!(text("command"), "arm");
    vec![(time, Command { kind: CommandKind::Arm, by: text("by"), reason: text("reason") })]
}

pub fn whole(bytes: Vec<u8>) -> Box<dyn Read + Send> {
    Box::new(Cursor::new(bytes))
}

fn run_with(
    config: &Config,
    read: impl Fn(Vec<u8>) -> Box<dyn Read + Send> + Copy,
) -> (Engine<Events>, Kept) {
    let events = events(&instruments(config), read);
    let orders =
        Orders { commands: arm(), formats: vec![Format::Bitstamp, Format::Ndjson], ..Orders::default() };
    let (engine, _) = assemble::engine(config, events, orders).expect("an engine");
    run(engine)
}

#[test]
fn everything_happens_in_it() {
    let (engine, kept) = run_with(&config(CONFIG), whole);
    let totals = engine.totals();
    let summary = format!("{totals:?}");
    assert!(totals.placed >= 200, "orders: {summary}");
    assert!(totals.fills >= 50 && totals.partial_fills > 0, "fills: {summary}");
    assert!(totals.cancels >= 20, "cancels: {summary}");
    assert!(totals.replaces >= 5, "replaces: {summary}");
    assert!(totals.refusals.len() >= 3, "refusals: {summary}");
    assert_eq!(totals.trips, 1, "trips: {summary}");
    assert!(totals.startles >= 3, "startles: {summary}");
    assert_eq!(engine.line().prefrontal.latch(), None, "it was armed");
    let latched = kept.decisions.iter().filter(|d| d.verdict.latch.is_some()).count();
    assert!(latched > 0 && latched < kept.decisions.len());
    let tripped: Vec<_> = kept.decisions.iter().filter(|d| d.verdict.tripped).collect();
    assert_eq!(tripped.len(), 1);
    let restarts = kept.reports.iter().filter(|(_, r)| matches!(r.kind, ReportKind::Replaced { .. })).count();
    assert!(restarts >= 5, "replacements were carried out: {summary}");
}

#[test]
fn it_has_one_digest_however_the_feed_is_cut() {
    let config = config(CONFIG);
    let (engine, _) = run_with(&config, whole);
    let expected: serde_json::Value =
        serde_json::from_str(include_str!("../expected/busy.json")).expect("JSON");
    assert_eq!(engine.digest().to_hex(), expected["digest"], "the busy tape's digest");
    let state = engine.line().state();
    for size in [1, 7, 1 << 20] {
        let cut = move |bytes| -> Box<dyn Read + Send> {
            Box::new(Pieces { inner: Cursor::new(bytes), size, reads: 0 })
        };
        let (again, _) = run_with(&config, cut);
        assert_eq!(again.digest(), engine.digest(), "reads of {size}");
        assert_eq!(again.line().state(), state, "state after reads of {size}");
    }
}

#[test]
fn one_changed_quantity_changes_it() {
    let (engine, _) = run_with(&config(CONFIG), whole);
    let mut events: Vec<MarketEvent> = events(&instruments(&config(CONFIG)), whole).collect();
    let changed = events.iter_mut().filter_map(|event| match &mut event.kind {
        market::EventKind::Add { side: Side::Buy, price, quantity, .. } => Some((*price, quantity)),
        _ => None,
    });
    let (_, quantity) =
        changed.take(1000).max_by_key(|(price, _)| *price).expect("an order at the best price");
    *quantity = quantity.checked_add(market::Quantity::from_units(1_000_000_000)).expect("small");
    let orders = Orders { commands: arm(), formats: vec![Format::Bitstamp], ..Orders::default() };
    let (other, _) =
        assemble::engine(&config(CONFIG), events.into_iter().peekable(), orders).expect("an engine");
    let (other, _) = run(other);
    assert_ne!(other.digest(), engine.digest());
}

#[test]
fn an_operator_may_halt_it() {
    let config = config(CONFIG);
    let all = events(&instruments(&config), whole);
    let halt = Command { kind: CommandKind::Halt, by: "ada".into(), reason: "lunch".into() };
    let at = Timestamp::parse_civil("2026-05-02T02:36:40Z").expect("a time");
    let orders =
        Orders { commands: vec![(at, halt.clone())], formats: vec![Format::Bitstamp], ..Orders::default() };
    let (engine, kept) = run(assemble::engine(&config, all, orders).expect("an engine").0);
    let (latch, placed): (Vec<_>, Vec<_>) = kept
        .decisions
        .iter()
        .filter(|d| d.time > at)
        .map(|d| {
            (
                d.verdict.latch,
                d.verdict.requests().iter().any(|r| matches!(r, market::order::Request::Place(_))),
            )
        })
        .unzip();
    assert!(latch.iter().all(|l| *l == Some(synapse::LatchCause::Operator)));
    assert_eq!(
        placed.iter().filter(|p| **p).count(),
        0,
        "only reductions may pass, and the rule proposes flips"
    );
    assert!(engine.gate().is_closed());
    assert_eq!(engine.gate().working(), 0, "everything was cancelled");
    let notice = NoticeKind::Command(halt);
    assert!(matches!(notice, NoticeKind::Command(_)));
}

#[test]
fn an_operator_may_flatten_it() {
    let config = config(CONFIG);
    let of = |kind| Command { kind, by: "ada".into(), reason: "home".into() };
    let at = Timestamp::parse_civil("2026-05-02T02:36:40Z").expect("a time");
    let run_with = |kind| {
        let commands = vec![(at, of(kind))];
        let orders = Orders { commands, formats: vec![Format::Bitstamp], ..Orders::default() };
        let all = events(&instruments(&config), whole);
        run(assemble::engine(&config, all, orders).expect("an engine").0)
    };
    let held = |engine: &Engine<Events>| {
        // what has shocked has no market any more by then, so it is not closed
        let all = instruments(&config);
        let live = ["BTCUSD", "BTCUSD2"].map(|name| all.find(name).expect("configured"));
        let table = engine.line().prefrontal.orders();
        live.into_iter().filter(|id| !table.position(*id).is_zero()).count()
    };
    let (halted, _) = run_with(CommandKind::Halt);
    assert_eq!(held(&halted), 2, "a halt leaves positions open");
    let (flat, kept) = run_with(CommandKind::Flatten);
    assert_eq!((held(&flat), flat.gate().working()), (0, 0), "nothing is held, and nothing works");
    assert_eq!(flat.latch(), Some(synapse::LatchCause::Operator));
    let mut closed = std::collections::BTreeMap::new();
    for decision in kept.decisions.iter().filter(|decision| decision.time > at) {
        let sign = decision.account.position.units().signum();
        let first = *closed.entry(decision.instrument).or_insert(sign);
        assert!(sign == 0 || sign == first, "it never crosses zero: {decision:?}");
    }
}

/// A reader that gives a few bytes at a time, and remembers that it did.
struct Pieces {
    inner: Cursor<Vec<u8>>,
    size: usize,
    reads: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.size.min(buffer.len());
        self.reads += 1;
        let read = self.inner.read(&mut buffer[..size])?;
        assert!(read <= self.size);
        Ok(read)
    }
}
