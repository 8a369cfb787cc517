//! What each way of working off a parent order costs on the paper exchange: the same orders, at the same
//! moments, once with each algorithm and once with a market order.
//!
//! Every order is worked off in a market of its own, a copy of the exchange and the book as they stood at its
//! start, so that the ways do not meet each other, and the same history goes on in each. Children take: they
//! go for the opposite best and a few ticks more, and what is left of one is due again at the next sample.
//! What is left of the parent at its horizon goes by a market order, so that every way ends with all of
//! it and none is flattered by what it did not trade.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;

use cerebellum::calibration::{self, Estimate};
use cerebellum::schedule::{Algorithm, MarketState, Pace};
use cerebellum::slippage::Measure;
use cerebellum::{CerebellumParams, ScheduleError};
use market::book::{Book, BookState};
use market::exchange::{Exchange, ExchangeParams};
use market::order::{ClientId, NewOrder, OrderKind, ReportKind, Request};
use market::{EventKind, InstrumentId, Instruments, MarketEvent, Price, Quantity, Side, Timestamp};
use serde::Serialize;
use synapse::Plan;
use synapse::random::{seed_for, uniform};

use super::tables::{lines, told};

/// The instrument that is traded.
const ONLY: InstrumentId = InstrumentId(0);
/// Samples that tell the volatility, and before which nothing starts.
const SAMPLES: usize = 240;
/// How long behind its horizon a parent order may take before it counts as unfinished.
const PATIENCE_NS: i64 = 60_000_000_000;
const DAY_NS: f64 = 86_400e9;

/// What is compared.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The algorithms' parameters, and how far a child may reach.
    pub cerebellum: CerebellumParams,
    /// The exchange's.
    pub exchange: ExchangeParams,
    /// How long a crossing order of an L3 feed is held.
    pub hold_ns: i64,
    /// From one sample to the next.
    pub period_ns: i64,
    /// What the instrument trades in a day.
    pub daily_volume: Quantity,
    /// How many parent orders.
    pub parents: usize,
    /// How large each is.
    pub quantity: Quantity,
    /// The seed of their moments and sides.
    pub seed: u64,
}

/// A way of working off a parent order: a market order, or an algorithm.
type Way = Option<Algorithm>;

const WAYS: [Way; 5] = [
    None,
    Some(Algorithm::AtOnce),
    Some(Algorithm::Twap),
    Some(Algorithm::AlmgrenChriss),
    Some(Algorithm::Pov),
];

/// What a way did cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WayRow {
    /// Which.
    pub name: &'static str,
    /// The mean slippage against the mid at the start, bp, fees left out; positive is a cost.
    pub slippage_bp: Estimate,
    /// The same less that of the market order for the same parent; below 0 it is cheaper.
    pub against_market_bp: Estimate,
    /// The standard deviation of the slippage, bp.
    pub deviation_bp: f64,
    /// The share of the quantity that went by a market order at the horizon.
    pub at_the_end: f64,
}

/// What all ways did cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Parent orders that every way has finished.
    pub parents: usize,
    /// Those that some way has not, or that had no market to start in.
    pub unfinished: usize,
    /// How large each is.
    pub quantity: String,
    /// How long each may take, s.
    pub horizon_s: u32,
    /// The rows.
    pub ways: Vec<WayRow>,
    /// What the exchange assumes.
    pub assumptions: Vec<String>,
}

/// The market as an order meets it.
#[derive(Clone)]
struct Market {
    exchange: Exchange,
    book: Book,
    /// What was traded so far.
    volume: f64,
}

/// A parent order that starts.
#[derive(Clone, Copy)]
struct Start {
    number: u64,
    time: Timestamp,
    side: Side,
}

/// A parent order at work.
struct Parent<'a> {
    start: Start,
    setting: &'a Setting,
    facts: &'a market::Instrument,
    market: Market,
    way: Way,
    plan: Option<Plan>,
    volume_before: f64,
    measure: Measure,
    filled: Quantity,
    /// What was asked for at the horizon or behind it.
    late: Quantity,
    /// What is left of each child under way, and whether it went at the horizon or behind it.
    children: BTreeMap<ClientId, (Quantity, bool)>,
    sent: u16,
}

/// What came of a parent order.
#[derive(Clone, Copy)]
struct Cost {
    slippage_bp: f64,
    at_the_end: f64,
}

/// Works off parent orders over events of one instrument, in order of time, with each way.
///
/// # Errors
/// [`ScheduleError`] where the configured impacts have no schedule.
pub fn compare(
    events: &[MarketEvent],
    instruments: &Instruments,
    setting: &Setting,
    mut progress: impl FnMut(usize),
) -> Result<Comparison, ScheduleError> {
    let mut costs: Vec<[Option<Cost>; WAYS.len()]> = Vec::new();
    let exchange = Exchange::new(instruments, setting.exchange.clone(), setting.hold_ns);
    let assumptions = exchange.assumptions();
    let mut market = Market { exchange, book: Book::new(setting.hold_ns), volume: 0.0 };
    let mut pulse = Pulse::default();
    let starts = starts(events, setting);
    let mut due = starts.iter().peekable();
    let mut tick = events.first().map(|event| event.time.next_multiple(setting.period_ns));
    for (at, event) in events.iter().enumerate() {
        while let Some(now) = tick.filter(|now| *now <= event.time) {
            pulse.sample(&market.book);
            while let Some(start) = due.next_if(|start| start.time <= now) {
                costs.push(all_ways(&market, &events[at..], instruments, setting, &pulse, *start)?);
                progress(costs.len());
            }
            tick = Some(now.plus(setting.period_ns));
        }
        market.on_event(event);
    }
    Ok(Comparison::of(&costs, starts.len(), setting, span_ns(events), assumptions))
}

fn span_ns(events: &[MarketEvent]) -> i64 {
    events.first().zip(events.last()).map_or(0, |(first, last)| last.time.since(first.time))
}

/// The parent orders, by their moments: spread over the events by chance, on the grid, clear of both ends.
fn starts(events: &[MarketEvent], setting: &Setting) -> Vec<Start> {
    let period_ns = setting.period_ns;
    let warm_up_ns = (SAMPLES as i64 + 1) * period_ns;
    let tail_ns = i64::from(setting.cerebellum.horizon_s) * 1_000_000_000 + 4 * period_ns;
    let room_ns = span_ns(events).saturating_sub(warm_up_ns).saturating_sub(tail_ns);
    let Some(first) = events.first().filter(|_| room_ns > 0) else { return Vec::new() };
    let drawn = |purpose, at| uniform(seed_for(setting.seed, purpose), at);
    let start = |number: u64| {
        let after_ns = warm_up_ns + (drawn("moment", number) * room_ns as f64) as i64;
        let side = if drawn("side", number) < 0.5 { Side::Buy } else { Side::Sell };
        Start { number, time: first.time.plus(after_ns).next_multiple(period_ns), side }
    };
    let mut starts: Vec<Start> = (1..=setting.parents as u64).map(start).collect();
    starts.sort_by_key(|start| (start.time, start.number));
    starts
}

/// The mid from sample to sample.
#[derive(Default)]
struct Pulse {
    mid: Option<f64>,
    /// Squares of the returns of the last samples.
    squares: VecDeque<f64>,
}

impl Pulse {
    fn sample(&mut self, book: &Book) {
        let mid = mid(book);
        if let (Some(before), Some(now)) = (self.mid, mid) {
            if self.squares.len() == SAMPLES {
                self.squares.pop_front();
            }
            let moved = now / before - 1.0;
            self.squares.push_back(moved * moved);
        }
        self.mid = mid.or(self.mid);
    }

    /// The volatility of a day, as a fraction of the price.
    fn daily(&self, period_ns: i64) -> Option<f64> {
        let mean = self.squares.iter().sum::<f64>() / self.squares.len() as f64;
        (!self.squares.is_empty()).then(|| (mean * DAY_NS / period_ns as f64).sqrt())
    }
}

fn mid(book: &Book) -> Option<f64> {
    let is_known = matches!(book.state(), BookState::Ok | BookState::Locked);
    book.top().filter(|_| is_known).map(|top| top.mid_f64())
}

/// What each way costs for one parent order.
fn all_ways(
    market: &Market,
    events: &[MarketEvent],
    instruments: &Instruments,
    setting: &Setting,
    pulse: &Pulse,
    start: Start,
) -> Result<[Option<Cost>; WAYS.len()], ScheduleError> {
    let facts = instruments.get(ONLY);
    let mut costs = [None; WAYS.len()];
    let Some((arrival, top)) = mid(&market.book).zip(market.book.top()) else { return Ok(costs) };
    let unit = facts.multiplier.to_f64();
    let state = MarketState {
        lot: facts.lot,
        half_spread: unit * 0.5 * top.spread().max(facts.tick).to_f64(),
        daily_volatility: pulse.daily(setting.period_ns).map(|volatility| unit * arrival * volatility),
        daily_volume: setting.daily_volume.to_f64(),
    };
    for (cost, way) in costs.iter_mut().zip(WAYS) {
        let algorithm = way.unwrap_or_default();
        let pace = Pace { algorithm, ..setting.cerebellum.pace() };
        let parent = Parent {
            start,
            setting,
            facts,
            way,
            plan: pace.plan(setting.quantity, &state)?,
            volume_before: market.volume,
            market: market.clone(),
            measure: Measure::new(arrival),
            filled: Quantity::ZERO,
            late: Quantity::ZERO,
            children: BTreeMap::new(),
            sent: 0,
        };
        *cost = parent.work(events);
    }
    Ok(costs)
}

impl Market {
    fn on_event(&mut self, event: &MarketEvent) {
        self.exchange.on_event(event);
        self.book.apply(event);
        if let EventKind::Trade { quantity, .. } = &event.kind {
            self.volume += quantity.to_f64();
        }
    }
}

/// What happens next in the market of a parent order.
enum Next {
    Report,
    Sample,
    Arrival,
    Event,
}

impl Parent<'_> {
    /// Works it off; none where that is not done in time, or the events end before.
    fn work(mut self, events: &[MarketEvent]) -> Option<Cost> {
        let mut sample = self.start.time;
        let end = self.horizon().plus(PATIENCE_NS);
        let mut events = events.iter().peekable();
        while self.is_open() {
            let event = *events.peek()?;
            match self.next(sample, event.time) {
                Next::Report => self.hear(),
                Next::Sample if sample > end => return None,
                Next::Sample => {
                    self.send(sample);
                    sample = sample.plus(self.setting.period_ns);
                }
                Next::Arrival => self.market.exchange.run_arrival(),
                Next::Event => {
                    self.market.on_event(event);
                    events.next();
                }
            }
        }
        let shortfall = self.measure.shortfall(self.start.side.sign() as f64)?;
        let at_the_end = self.late.to_f64() / self.filled.to_f64();
        Some(Cost { slippage_bp: 1e4 * shortfall.slippage, at_the_end })
    }

    /// A sample stands before the events of its time; an arrival and a report stand behind them.
    fn next(&self, sample: Timestamp, event: Timestamp) -> Next {
        let exchange = &self.market.exchange;
        let before = |time: Option<Timestamp>| time.filter(|time| *time < event);
        let others = [
            (before(exchange.next_report()), Next::Report),
            (Some(sample).filter(|sample| *sample <= event), Next::Sample),
            (before(exchange.next_arrival()), Next::Arrival),
        ];
        // of what is due at one time, the first of these
        let due = others.into_iter().filter_map(|(time, next)| Some((time?, next)));
        due.min_by_key(|(time, _)| *time).map_or(Next::Event, |(_, next)| next)
    }

    fn horizon(&self) -> Timestamp {
        self.start.time.plus(i64::from(self.setting.cerebellum.horizon_s) * 1_000_000_000)
    }

    /// Whether a lot of it is left: history is filled to the ninth decimal, and less than a lot cannot be
    /// asked for.
    fn is_open(&self) -> bool {
        self.setting.quantity.units() - self.filled.units() >= self.facts.lot.units()
    }

    /// What is due and neither filled nor under way, in whole lots.
    fn due(&self, now: Timestamp) -> Quantity {
        let total = self.setting.quantity;
        let volume = self.market.volume - self.volume_before;
        let due = match &self.plan {
            Some(plan) if now < self.horizon() => {
                plan.due(total, now.since(self.start.time), volume, self.facts.lot)
            }
            _ => total,
        };
        let working: i64 = self.children.values().map(|(left, _)| left.units()).sum();
        Quantity::from_units(due.units() - self.filled.units() - working).floor_to(self.facts.lot)
    }

    /// Sends a child for what is due.
    fn send(&mut self, now: Timestamp) {
        let (quantity, side, is_late) = (self.due(now), self.start.side, now >= self.horizon());
        let Some(top) = self.market.book.top().filter(|_| quantity.is_positive()) else { return };
        let by_market = self.way.is_none() || is_late;
        let reach = self.facts.tick.units() * i64::from(self.setting.cerebellum.reach_ticks) * side.sign();
        let best = top.side(side.opposite()).price;
        let (kind, price) = if by_market {
            (OrderKind::Market, Price::ZERO)
        } else {
            (OrderKind::ImmediateOrCancel, Price::from_units(best.units() + reach).floor_to(self.facts.tick))
        };
        let id = ClientId { sequence: self.start.number, instrument: ONLY, k: self.sent };
        self.sent = self.sent.saturating_add(1);
        self.children.insert(id, (quantity, is_late && self.way.is_some()));
        let order = NewOrder { id, side, kind, price, quantity };
        self.market.exchange.submit(now, Request::Place(order));
    }

    /// Takes the exchange's next word.
    fn hear(&mut self) {
        let Some((_, report)) = self.market.exchange.pop_report() else { return };
        let Some((left, is_late)) = self.children.get_mut(&report.id) else { return };
        if let ReportKind::Filled(fill) = &report.kind {
            *left = fill.remaining;
            self.measure.add(fill.price.to_f64(), fill.quantity.to_f64());
            self.filled = Quantity::from_units(self.filled.units() + fill.quantity.units());
            if *is_late {
                self.late = Quantity::from_units(self.late.units() + fill.quantity.units());
            }
        }
        if report.kind.is_terminal() {
            self.children.remove(&report.id);
        }
    }
}

impl Comparison {
    fn of(
        costs: &[[Option<Cost>; WAYS.len()]],
        asked: usize,
        setting: &Setting,
        span_ns: i64,
        assumptions: Vec<String>,
    ) -> Self {
        let finished: Vec<[Cost; WAYS.len()]> = costs
            .iter()
            .filter_map(|row| row.iter().copied().collect::<Option<Vec<_>>>()?.try_into().ok())
            .collect();
        // parents that overlap have their market in common
        let horizon_ns = i64::from(setting.cerebellum.horizon_s) * 1_000_000_000;
        let overlap = (finished.len() as f64 * horizon_ns as f64 / span_ns.max(1) as f64).ceil() as usize;
        let rows = WAYS.iter().enumerate();
        Self {
            parents: finished.len(),
            unfinished: asked - finished.len(),
            quantity: setting.quantity.to_string(),
            horizon_s: setting.cerebellum.horizon_s,
            ways: rows.filter_map(|(at, way)| WayRow::of(*way, at, &finished, overlap)).collect(),
            assumptions,
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let Self { parents, unfinished, quantity, horizon_s, .. } = self;
        let mut text = format!(
            "{parents} parent orders of {quantity} over at most {horizon_s} s, worked off in each way; {unfinished} left out.\n\
             Slippage against the mid at the start, bp, without fees; positive is a cost.\n"
        );
        let head = ["way", "slippage", "less market's", "deviation", "at the end"].map(str::to_owned);
        let rows = self.ways.iter().map(|way| {
            [
                way.name.to_owned(),
                told(&way.slippage_bp),
                told(&way.against_market_bp),
                format!("{:.3}", way.deviation_bp),
                format!("{:.1} %", 1e2 * way.at_the_end),
            ]
        });
        text.push_str(&lines(std::iter::once(head).chain(rows)));
        text.push_str("\nIntervals are of 95 %, by moving-block bootstrap. The exchange assumes:\n");
        for assumption in &self.assumptions {
            _ = writeln!(text, "  {assumption}");
        }
        text
    }
}

impl WayRow {
    fn of(way: Way, at: usize, finished: &[[Cost; WAYS.len()]], block: usize) -> Option<Self> {
        let slippage = |row: &[Cost; WAYS.len()]| row[at].slippage_bp;
        let slippage_bp = calibration::mean(finished.iter().map(slippage), block)?;
        let squares = finished
            .iter()
            .map(|row| (slippage(row) - slippage_bp.value) * (slippage(row) - slippage_bp.value));
        let count = finished.len() as f64;
        Some(Self {
            name: way.map_or("market order", Algorithm::name),
            slippage_bp,
            against_market_bp: calibration::mean(
                finished.iter().map(|row| slippage(row) - row[0].slippage_bp),
                block,
            )?,
            deviation_bp: (squares.sum::<f64>() / (count - 1.0).max(1.0)).sqrt(),
            at_the_end: finished.iter().map(|row| row[at].at_the_end).sum::<f64>() / count,
        })
    }
}
