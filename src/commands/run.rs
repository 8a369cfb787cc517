//! What `demo` and `backtest` share: running an engine to the end and saying what came of it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use journal::{Head, Regime};
use market::book::Applied;
use market::exchange::Exchange;
use market::feed::{Feed, Merge};
use market::order::Report;
use market::{MarketEvent, Money, Timestamp};
use synapse::{DecisionRecord, Digest, Input};

use super::terminal::{bar, report};
use super::verdict::{self, Rows};
use crate::assemble::{self, Orders, Parts};
use crate::blueprint::{Blueprint, Run, now_ns};
use crate::brain::{Credits, Engine, Observer, REGIONS};
use crate::config::{Config, name_of};
use crate::failure::Failure;
use crate::news::{self, News};
use crate::policy::{Backend, Policy};
use crate::recorder::Recorder;
use crate::sinks::Sinks;
use crate::stream::Range;
use crate::summary::{FeedSummary, PartSummary, PerformanceSummary, Summary, Trials};

/// Where a run writes its tape.
#[derive(Debug, Default, Args)]
pub(super) struct TapeArgs {
    /// The folder of the journal to write; without it a temporary one.
    #[arg(long, value_name = "DIR", conflicts_with = "no_journal")]
    journal: Option<PathBuf>,
    /// Write no journal: nothing can be verified, replayed or asked afterwards.
    #[arg(long)]
    no_journal: bool,
}

impl TapeArgs {
    /// The folder, if a journal is to be written.
    pub fn folder(&self) -> Option<PathBuf> {
        let drawn = || std::env::temp_dir().join(format!("janus-{}-{}", std::process::id(), now_ns()));
        (!self.no_journal).then(|| self.journal.clone().unwrap_or_else(drawn))
    }
}

/// Where the regions run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum EngineKind {
    /// In one thread, one input after the other.
    #[default]
    Loop,
    /// As actors, several inputs on their way at once; what comes out is the same.
    Line,
}

/// What a run is asked for.
#[derive(Debug, Default)]
pub(super) struct Wishes<'a> {
    /// Where the regions run.
    pub engine: EngineKind,
    /// One JSON object on the last line of standard output instead of tables.
    pub json: bool,
    /// A folder for decisions, fills and equity.
    pub out: Option<&'a Path>,
    /// How many rows the feeds have, where that is known.
    pub expected_rows: Option<u64>,
    /// Nothing after this is read.
    pub to: Option<Timestamp>,
    /// The configurations tried before.
    pub trials: Option<Trials>,
    /// The folder of the journal to write.
    pub journal: Option<&'a Path>,
    /// The names of the feeds, for the journal.
    pub feeds: Vec<String>,
    /// A file of headlines.
    pub news: Option<&'a Path>,
}

/// Runs feeds through a brain, and prints what came of it.
///
/// # Errors
/// [`Failure::Input`] where a feed failed or too many rows were refused; everything before was run
/// and reported.
pub(super) fn run(
    config: &Config,
    merge: Merge,
    orders: Orders,
    wishes: &Wishes<'_>,
) -> Result<Summary, Failure> {
    let run = Run {
        regime: Regime::Simulated,
        feeds: news::beside(&wishes.feeds, wishes.news),
        formats: merge.feeds().map(Feed::format).collect(),
        from: orders.from,
        venue: None,
    };
    let blueprint = Blueprint::new(config.clone(), run, Backend::default())?;
    let (known, _) = config.traded(&config.instrument_names())?;
    let news = News::open(wishes.news, config, &known, &blueprint.policy)?;
    let stream = Range::new(merge, orders.from, wishes.to).with_news(news);
    let Parts { door, mind, broker, about: policy } = blueprint.parts(orders.commands)?;
    let untrained = blueprint.policy.untrained();
    let mut engine = Engine::new(stream, door, mind, broker);
    if wishes.engine == EngineKind::Line {
        let credits = Credits::Fixed(config.brain.credits as usize);
        engine.host(assemble::actors(config, None)?, credits);
    }
    let instruments = engine.line().brainstem.instruments().clone();
    let recorder = wishes.journal.map(|dir| blueprint.begin(dir)).transpose()?;
    let mut audience = Audience {
        recorder: recorder.map(|journal| Recorder::new(journal, Head::default())),
        sinks: wishes.out.map(|folder| Sinks::open(folder, &instruments)).transpose()?,
        bar: bar(wishes.expected_rows, "rows"),
        events: 0,
        rows: Rows::of(engine.stream().merge()),
        equity: vec![config.run.cash.to_f64()],
        next_minute: None,
        cut: Cut::of(&blueprint),
    };
    let began = Instant::now();
    let result = engine.run(&mut audience);
    let closed = audience.recorder.take().map(|recorder| recorder.into_journal().close()).transpose();
    let seconds = began.elapsed().as_secs_f64();
    audience.bar.finish_and_clear();
    let kept = audience.sinks.take().map(Sinks::close).transpose();
    result?;
    closed?;
    // the end is a point of the curve too, with what filled after the last minute
    audience.equity.push(engine.line().brainstem.ledger().equity().to_f64());
    let summary = Summary {
        faults: faults(&audience.rows, engine.stream()),
        notes: audience.rows.notes(),
        performance: PerformanceSummary::of(&audience.equity, wishes.trials),
        parts: audience.cut.and_then(|cut| cut.parts(engine.line().brainstem.ledger().equity())),
        untrained,
        ..summarise(config, &engine, policy, seconds)
    };
    report(wishes.json, &summary.to_text(), &summary)?;
    kept?;
    verdict::judge(config, engine.stream().merge(), summary.rows, summary.refused)?;
    match engine.stream().news().and_then(News::fault) {
        Some(fault) => Err(Failure::Input(fault.to_owned())),
        None => Ok(summary),
    }
}

/// The first rows that were refused: of the feeds, then of the headlines.
fn faults(rows: &Rows, stream: &Range) -> Vec<String> {
    let news = stream.news().into_iter().flat_map(|news| &news.stats().faults);
    rows.refused(stream.merge()).into_iter().chain(news.map(ToString::to_string)).collect()
}

const MINUTE_NS: i64 = 60_000_000_000;
const EVENTS_PER_UPDATE: u64 = 8192;

/// What a run does before and behind the last time that its network learned from.
struct Cut {
    at: Timestamp,
    cash: Money,
    /// Decisions, those that acted; before and behind.
    counts: [(u64, u64); 2],
    equity_at_cut: Option<Money>,
}

impl Cut {
    fn of(blueprint: &Blueprint) -> Option<Self> {
        let Policy::Network(trained) = &blueprint.policy else { return None };
        let at = Timestamp::from_ns(trained.network.card.cut_ns?);
        Some(Self { at, cash: blueprint.config.run.cash, counts: Default::default(), equity_at_cut: None })
    }

    fn decided(&mut self, record: &DecisionRecord) {
        let is_behind = record.time >= self.at;
        if is_behind {
            self.equity_at_cut.get_or_insert(record.account.equity);
        }
        let (decisions, acted) = &mut self.counts[usize::from(is_behind)];
        *decisions += 1;
        *acted += u64::from(!record.verdict.requests().is_empty());
    }

    /// None where the run lies on one side of the cut.
    fn parts(&self, equity: Money) -> Option<[PartSummary; 2]> {
        let at_cut = self.equity_at_cut.filter(|_| self.counts[0].0 > 0)?;
        let part = |name, (decisions, acted), pnl_net| PartSummary { name, decisions, acted, pnl_net };
        Some([
            part("in sample", self.counts[0], at_cut - self.cash),
            part("out of sample", self.counts[1], equity - at_cut),
        ])
    }
}

/// Everybody who looks on.
struct Audience {
    recorder: Option<Recorder>,
    sinks: Option<Sinks>,
    bar: ProgressBar,
    events: u64,
    rows: Rows,
    equity: Vec<f64>,
    next_minute: Option<Timestamp>,
    cut: Option<Cut>,
}

impl Observer for Audience {
    fn admitted(&mut self, input: &Input) {
        self.recorder.iter_mut().for_each(|recorder| recorder.admitted(input));
    }

    fn folded(&mut self, input: &Input, latched: bool) {
        self.recorder.iter_mut().for_each(|recorder| recorder.folded(input, latched));
    }

    fn sensed(&mut self, event: &MarketEvent, applied: Applied) {
        self.events += 1;
        if self.events.is_multiple_of(EVENTS_PER_UPDATE) {
            self.bar.set_position(self.events);
        }
        self.rows.note(event, applied);
    }

    fn decided(&mut self, record: &DecisionRecord, bytes: &[u8], digest: Digest) {
        let next = *self.next_minute.get_or_insert(record.time.next_multiple(MINUTE_NS));
        if record.time >= next {
            self.equity.push(record.account.equity.to_f64());
            self.next_minute = Some(record.time.next_multiple(MINUTE_NS));
        }
        self.cut.iter_mut().for_each(|cut| cut.decided(record));
        self.recorder.iter_mut().for_each(|recorder| recorder.decided(record, bytes, digest));
        self.sinks.iter_mut().for_each(|sinks| sinks.decided(record, bytes, digest));
    }

    fn reported(&mut self, time: Timestamp, report: &Report) {
        self.sinks.iter_mut().for_each(|sinks| sinks.reported(time, report));
    }
}

fn summarise(config: &Config, engine: &Engine<Range>, policy: String, seconds: f64) -> Summary {
    let (totals, line) = (engine.totals(), engine.line());
    let merge = engine.stream().merge();
    let mut stats = merge.stats();
    engine.stream().news().into_iter().for_each(|news| stats.add(news.stats()));
    let ignored = stats.ignored + totals.ignored + totals.ignored_evicted;
    let refused = stats.refused + totals.refused;
    let ledger = line.brainstem.ledger();
    let gross = ledger.realised() + ledger.unrealised();
    let instruments = line.brainstem.instruments();
    let books: Vec<_> = instruments.iter().map(|(id, _)| line.brainstem.book(id).stats()).collect();
    let decisions = totals.decisions();
    let region_us =
        |at: usize| engine.gauges().regions()[at].sum_ns() as f64 / 1000.0 / decisions.max(1) as f64;
    let positions =
        instruments.iter().map(|(id, _)| (name_of(instruments, id).to_owned(), ledger.position(id)));
    Summary {
        feeds: feeds(engine.stream()),
        rows: stats.rows,
        accepted: stats.rows - refused - ignored - stats.bookkeeping,
        refused,
        ignored,
        ignored_evicted: totals.ignored_evicted,
        bookkeeping: stats.bookkeeping,
        faults: Vec::new(),
        notes: Vec::new(),
        stream_faults: verdict::stream_faults(merge),
        held: books.iter().map(|b| b.hold.held()).sum(),
        evicted: books.iter().map(|b| b.hold.evicted).sum(),
        crossed_rows: books.iter().map(|b| b.crossed_rows).sum(),
        samples: totals.samples,
        startles: totals.startles,
        skipped: engine.door().skipped(),
        decisions,
        trips: totals.trips,
        tripped_at: totals.tripped_at.iter().map(|(at, signal)| (*at, signal.to_string())).collect(),
        tau: totals.tau,
        distance_median: totals.distances.median(),
        distance_share_above_tau: totals.share_above(),
        acted: totals.acted,
        reasons: totals.reasons.clone(),
        orders: engine.gate().orders(),
        cancels: totals.cancels,
        replaces: totals.replaces,
        refusals: totals.refusals.clone(),
        rejected: totals.rejected,
        expired: totals.expired,
        fills: totals.fills,
        partial_fills: totals.partial_fills,
        turnover: totals.turnover,
        pnl_gross: gross,
        fees: ledger.fees(),
        pnl_net: gross - ledger.fees(),
        break_even_cost_bp: (totals.fills > 0).then(|| gross.to_f64() / totals.turnover.to_f64() * 1e4),
        positions: positions.filter(|(_, q)| !q.is_zero()).map(|(name, q)| (name, q.to_string())).collect(),
        drawdown_max: ledger.max_drawdown(),
        experiences: totals.experiences,
        experiences_void: engine.spine().experiences_void(),
        frames_encoded: line.visual_cortex.frames_encoded(),
        frames_reencoded: line.visual_cortex.frames_reencoded(),
        parts: None,
        reward_mean_bp: (totals.experiences > 0).then(|| totals.reward_sum_bp / totals.experiences as f64),
        performance: None,
        digest: engine.digest().to_hex(),
        latch: line.prefrontal.latch().map(|cause| cause.to_string()),
        policy,
        untrained: String::new(),
        edge_filter: config.cerebellum.edge_filter,
        assumptions: engine.broker().paper().map(Exchange::assumptions).unwrap_or_default(),
        region_us: REGIONS.iter().enumerate().map(|(at, name)| ((*name).to_owned(), region_us(at))).collect(),
        seconds,
    }
}

fn feeds(stream: &Range) -> Vec<FeedSummary> {
    let merge = stream.merge();
    let news = stream.news().map(|news| FeedSummary {
        name: news.name().to_owned(),
        format: "headlines".to_owned(),
        rows: news.stats().rows,
        error: news.fault().map(str::to_owned),
    });
    merge
        .feeds()
        .map(|feed| {
            let of_feed =
                |fault: &String| fault.strip_prefix(feed.name()).is_some_and(|rest| rest.starts_with(':'));
            FeedSummary {
                name: feed.name().to_owned(),
                format: feed.format().to_string(),
                rows: feed.stats().rows,
                error: verdict::stream_faults(merge).into_iter().find(of_feed),
            }
        })
        .chain(news)
        .collect()
}
