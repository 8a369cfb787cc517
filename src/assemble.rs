//! Puts the house together: from a configuration and feeds to an engine ready to run.

use basal_ganglia::{BasalGanglia, GoNoGo, imbalance_rule};
use brainstem::Brainstem;
use market::exchange::Exchange;
use market::feed::{Format, Names, OpenOptions};
use market::ledger::Ledger;
use market::{Instruments, Sampler, SamplerKind, Timestamp};
use neocortex::search::SchemaSet;
use prefrontal::{Limits, Prefrontal};
use synapse::{Command, Model};
use thalamus::{Layout, Thalamus};
use visual_cortex::VisualCortex;

use crate::brain::{Actors, Broker, Desk, Door, Engine, Gate, Hook, Line, Mind, Stream, Wake, Workbench};
use crate::config::Config;
use crate::failure::Failure;

/// How the feeds of a run are opened.
pub fn open_options(config: &Config, instruments: &Instruments, format: Option<Format>) -> OpenOptions {
    OpenOptions {
        format,
        names: Names::of(instruments),
        bars: config.csv_bars.clone(),
        trades: config.csv_trades.clone(),
        ..OpenOptions::default()
    }
}

/// What a run is told beside its configuration and feeds.
#[derive(Default)]
pub struct Orders {
    /// Commands of the operator, each at its time.
    pub commands: Vec<(Timestamp, Command)>,
    /// The formats of the feeds, which choose the sampler where the configuration does not.
    pub formats: Vec<Format>,
    /// Nothing is sampled before this.
    pub from: Option<Timestamp>,
    /// The regime of time is the real one: nothing leaves before it is durable.
    pub is_real: bool,
    /// Orders go to a venue outside.
    pub is_remote: bool,
    /// The policy, where it is not the one that ships.
    pub policy: Option<Box<dyn Model>>,
    /// What was learned asleep.
    pub schemas: SchemaSet,
    /// What a test puts in the way of the regions.
    pub hook: Option<Hook>,
}

/// A brain that has seen nothing: door, mind, broker, and the words that tell what its policy is.
#[derive(Debug)]
pub struct Parts {
    /// The door.
    pub door: Door,
    /// Regions, gate and experience encoder.
    pub mind: Mind,
    /// The other side of the gate.
    pub broker: Broker,
    /// What the policy is (R3).
    pub about: String,
}

/// Puts a brain together.
///
/// # Errors
/// [`Failure::Input`] where an instrument lacks a limit, or nothing is configured to trade.
pub fn parts(config: &Config, orders: Orders) -> Result<Parts, Failure> {
    let (instruments, _) = traded(config)?;
    let samplers = samplers(config, &orders.formats, instruments.len());
    let on_grid: Vec<bool> = samplers.iter().map(|s| matches!(s.kind(), SamplerKind::Grid { .. })).collect();
    let mut door = Door::new(&config.door, &on_grid, orders.commands);
    let from = orders.from.unwrap_or(Timestamp::MIN);
    door.quiet_before(from);
    if !orders.is_real {
        let minute = config.sleep.minute();
        door.sleep_at(minute.map_err(|what| Failure::Input(format!("sleep.at {what}")))?);
    }
    let (mut line, about) = line(config, samplers, orders.policy)?;
    line.brainstem = line.brainstem.quiet_before(from);
    line.neocortex.set_schemas(orders.schemas);
    let broker = if orders.is_remote {
        Broker::Venue(Desk::new(config.exchange.entry_ns()))
    } else {
        Broker::Paper(Box::new(Exchange::new(&instruments, config.exchange.clone(), hold_ns(config))))
    };
    let gate = if orders.is_real { Gate::patient() } else { Gate::default() };
    let encoder = hippocampus::ExperienceEncoder::new(config.hippocampus.horizon, &instruments);
    let mind = Mind::new(line, gate, encoder, Workbench::new(config.brain.trace_every, orders.hook));
    Ok(Parts { door, mind, broker, about })
}

/// An engine over a stream, and the words that tell what its policy is (R3).
///
/// # Errors
/// As [`parts`].
pub fn engine<S: Stream>(config: &Config, stream: S, orders: Orders) -> Result<(Engine<S>, String), Failure> {
    let Parts { door, mind, broker, about } = parts(config, orders)?;
    Ok((Engine::new(stream, door, mind, broker), about))
}

/// Threads for the regions' actors; `wake` is told when there is something to hear of them.
///
/// # Errors
/// [`Failure::Environment`] where the system gives none.
pub fn actors(config: &Config, wake: Option<Wake>) -> Result<Actors, Failure> {
    let started = Actors::new(&config.brain, wake);
    started.map_err(|e| Failure::Environment(format!("no threads for the regions: {e}")))
}

/// What stands in for something learned in the regions that [`line()`] puts together (R3).
pub const UNTRAINED: &str =
    "sight is statistics of its fields, fusion a fixed projection, memory holds no schema";

/// The regions, one sampler an instrument, and the words that tell what their policy is (R3).
///
/// # Errors
/// [`Failure::Input`] where an instrument lacks a limit, or nothing is configured to trade.
pub fn line(
    config: &Config,
    samplers: Vec<Sampler>,
    policy: Option<Box<dyn Model>>,
) -> Result<(Line, String), Failure> {
    let (instruments, limits) = traded(config)?;
    let layout = Layout::new(VisualCortex::percept_len(&config.visual_cortex));
    let thalamus = Thalamus::new(config.thalamus.clone(), layout, config.run.seed, instruments.clone());
    let policy = match policy {
        Some(policy) if policy.inputs() == thalamus.width() => policy,
        Some(policy) => {
            let (has, needs) = (policy.inputs(), thalamus.width());
            let message = format!(
                "the policy takes {has} numbers and this configuration fuses {needs}; use the one made with it"
            );
            return Err(Failure::Input(message));
        }
        None => Box::new(shipped(config, &layout, &thalamus)?),
    };
    let about = policy.card().to_string();
    let ledger = Ledger::new(&config.run.currency, config.run.cash);
    let facts = |name: &String| config.instruments.get(name).cloned().unwrap_or_default();
    let daily_volume = config.instrument_names().iter().map(|name| facts(name).daily_volume).collect();
    let brainstem = config.brainstem.clone();
    let line = Line {
        brainstem: Brainstem::new(brainstem, instruments.clone(), samplers, hold_ns(config), ledger),
        amygdala: amygdala::Amygdala::new(config.amygdala.clone(), instruments.clone())
            .map_err(|e| Failure::Input(e.to_string()))?,
        hippocampus: hippocampus::Hippocampus::new(config.hippocampus.clone(), config.run.seed),
        neocortex: neocortex::Neocortex::new(config.neocortex.clone()),
        visual_cortex: VisualCortex::new(config.visual_cortex.clone(), instruments.len()),
        thalamus,
        basal_ganglia: BasalGanglia::new(config.basal_ganglia.clone(), policy, instruments.clone()),
        cerebellum: cerebellum::Cerebellum::new(config.cerebellum.clone(), instruments.clone(), daily_volume),
        prefrontal: Prefrontal::new(config.prefrontal.clone(), instruments, limits),
    };
    Ok((line, about))
}

/// The instruments that trade, with their limits.
fn traded(config: &Config) -> Result<(Instruments, Vec<Limits>), Failure> {
    let names = config.instrument_names();
    if names.is_empty() {
        let message = "the configuration names no instrument; add [instrument.NAME] and [limits.NAME]";
        return Err(Failure::Input(message.to_owned()));
    }
    Ok(config.traded(&names)?)
}

fn hold_ns(config: &Config) -> i64 {
    i64::from(config.book.hold_ms) * 1_000_000
}

/// The policy of a configuration: the rule that ships.
///
/// # Errors
/// As [`parts`].
pub fn policy(config: &Config) -> Result<GoNoGo, Failure> {
    let (instruments, _) = traded(config)?;
    let layout = Layout::new(VisualCortex::percept_len(&config.visual_cortex));
    let thalamus = Thalamus::new(config.thalamus.clone(), layout, config.run.seed, instruments);
    shipped(config, &layout, &thalamus)
}

/// A rule on the book's imbalance, in Go and No-Go weights.
fn shipped(config: &Config, layout: &Layout, thalamus: &Thalamus) -> Result<GoNoGo, Failure> {
    let at = layout.price_index("imbalance_1");
    let at = at.ok_or_else(|| Failure::Internal("the price stream has no imbalance".into()))?;
    Ok(imbalance_rule(&config.basal_ganglia, |rule| thalamus.embed(rule), layout.width(), at))
}

/// One sampler an instrument (W6): the configured kind, or what suits the feeds.
fn samplers(config: &Config, formats: &[Format], count: usize) -> Vec<Sampler> {
    let all = |format| !formats.is_empty() && formats.iter().all(|f| *f == format);
    let kind = match config.sampler.kind.as_str() {
        "auto" if all(Format::CsvBars) => "bars",
        "auto" if all(Format::CsvTrades) => "volume",
        kind => kind,
    };
    let kind = match kind {
        "bars" => SamplerKind::Bars,
        "volume" => SamplerKind::Volume { quantity: config.sampler.volume },
        "events" => SamplerKind::Events { n: config.sampler.events },
        _ => SamplerKind::Grid { period_ns: i64::from(config.door.grid_ms) * 1_000_000 },
    };
    vec![Sampler::new(kind); count]
}
