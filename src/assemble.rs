//! Puts the house together: from a configuration and feeds to an engine ready to run.

use basal_ganglia::{BasalGanglia, GoNoGo, imbalance_rule};
use brainstem::Brainstem;
use market::exchange::Exchange;
use market::feed::{Format, Names, OpenOptions};
use market::ledger::Ledger;
use market::{Instruments, Sampler, SamplerKind, Timestamp};
use neocortex::search::SchemaSet;
use prefrontal::{Law, Limits, Prefrontal};
use synapse::Command;
use thalamus::{Fuser, Layout, Thalamus};
use visual_cortex::VisualCortex;

use crate::brain::{Actors, Broker, Desk, Door, Engine, Gate, Hook, Line, Mind, Stream, Wake, Workbench};
use crate::config::Config;
use crate::failure::Failure;
use crate::law::Rules;
use crate::policy::{self, Minds, Policy};

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
    /// The models of the regions; without them the rule that ships decides.
    pub policy: Option<Minds>,
    /// What orders are held to; without it the rules that the configuration names.
    pub law: Option<Law>,
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
        let bedtime = config.sleep.bedtime();
        door.sleep_at(bedtime.map_err(|(key, what)| Failure::Input(format!("{key} {what}")))?);
    }
    let (mut line, about) = line(config, samplers, orders.policy, orders.law, orders.is_real)?;
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

/// The regions, one sampler an instrument, and the words that tell what their policy is (R3).
///
/// # Errors
/// [`Failure::Input`] where an instrument lacks a limit, or nothing is configured to trade.
pub fn line(
    config: &Config,
    samplers: Vec<Sampler>,
    minds: Option<Minds>,
    law: Option<Law>,
    is_real: bool,
) -> Result<(Line, String), Failure> {
    let (instruments, limits) = traded(config)?;
    if is_real && config.basal_ganglia.sample {
        return Err(Failure::Input(
            "basal_ganglia.sample draws actions at random, which only the simulated regime may; set it to false".into(),
        ));
    }
    let minds = minds.map_or_else(|| Ok(Minds::of_rule(Box::new(rule(config)?))), Ok::<_, Failure>)?;
    let law = law.map_or_else(|| Rules::chosen(config)?.law(config), Ok)?;
    let Minds { eyes, fuser, policy, priors } = minds;
    let sight = VisualCortex::new(config.visual_cortex.clone(), instruments.len(), eyes)
        .map_err(|e| Failure::Input(e.to_string()))?;
    let thalamus = relay(config, instruments.clone(), fuser);
    if policy.inputs() != thalamus.width() {
        let (has, needs) = (policy.inputs(), thalamus.width());
        return Err(Failure::Input(format!(
            "the policy takes {has} numbers and this configuration fuses {needs}; use the one made with it"
        )));
    }
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
        visual_cortex: sight,
        thalamus,
        basal_ganglia: BasalGanglia::new(
            config.basal_ganglia.clone(),
            policy,
            priors,
            instruments.clone(),
            (!is_real).then_some(config.run.seed),
        ),
        cerebellum: cerebellum::Cerebellum::new(config.cerebellum.clone(), instruments.clone(), daily_volume),
        prefrontal: Prefrontal::new(config.prefrontal.clone(), instruments, limits, law),
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

/// How long an order is held out of the book at the most.
pub fn hold_ns(config: &Config) -> i64 {
    i64::from(config.book.hold_ms) * 1_000_000
}

/// The policy of a new run: the network that its configuration names, or the rule.
///
/// # Errors
/// As [`parts`]; where the network cannot be read, or does not fit.
pub fn policy(config: &Config, formats: &[Format]) -> Result<Policy, Failure> {
    Ok(match policy::chosen(config, &sampler(config, formats).to_string())? {
        Some(network) => Policy::Network(network),
        None => Policy::Rule(rule(config)?),
    })
}

/// A rule on the book's imbalance, in Go and No-Go weights on the seeded projection.
fn rule(config: &Config) -> Result<GoNoGo, Failure> {
    let layout = layout(config);
    let thalamus = relay(config, traded(config)?.0, None);
    let at = layout.price_index("imbalance_1");
    let at = at.ok_or_else(|| Failure::Internal("the price stream has no imbalance".into()))?;
    Ok(imbalance_rule(&config.basal_ganglia, |rule| thalamus.embed(rule), layout.width(), at))
}

fn layout(config: &Config) -> Layout {
    Layout::new(VisualCortex::percept_len(&config.visual_cortex))
}

fn relay(config: &Config, instruments: Instruments, fuser: Option<Fuser>) -> Thalamus {
    Thalamus::new(config.thalamus.clone(), layout(config), config.run.seed, instruments, fuser)
}

/// One sampler an instrument (W6).
fn samplers(config: &Config, formats: &[Format], count: usize) -> Vec<Sampler> {
    vec![Sampler::new(sampler(config, formats)); count]
}

/// What makes samples: as configured, or what suits the feeds.
pub fn sampler(config: &Config, formats: &[Format]) -> SamplerKind {
    let all = |format| !formats.is_empty() && formats.iter().all(|f| *f == format);
    let kind = match config.sampler.kind.as_str() {
        "auto" if all(Format::CsvBars) => "bars",
        "auto" if all(Format::CsvTrades) => "volume",
        kind => kind,
    };
    match kind {
        "bars" => SamplerKind::Bars,
        "volume" => SamplerKind::Volume { quantity: config.sampler.volume },
        "events" => SamplerKind::Events { n: config.sampler.events },
        _ => SamplerKind::Grid { period_ns: i64::from(config.door.grid_ms) * 1_000_000 },
    }
}
