//! All sections of the configuration in one list, and the keys by name.

use std::collections::{BTreeMap, BTreeSet};

use market::params::{Key, ParamError, Section, Value};
use market::{Money, Price, Quantity};
use prefrontal::Limits;

use super::ConfigError;

market::params! {
    /// What a run starts from.
    pub struct RunParams in "run" {
        /// The account's currency.
        currency: String = "USD".to_owned(), "", 0.0, 0.0;
        /// The account's name, for rules that are for one account.
        account: String = "main".to_owned(), "", 0.0, 0.0;
        /// The cash it starts with.
        cash: Money = Money::from_units(100_000_000_000_000), "currency", 0.01, 1e15;
        /// The seed of every fixed random projection.
        seed: u64 = 1, "", 0.0, 9.2e18;
        /// The share of refused rows above which a run fails.
        max_refused: f64 = 0.001, "1", 0.0, 1.0;
    }
}

market::params! {
    /// What makes regular samples where the grid does not (W6).
    pub struct SamplerParams in "sampler" {
        /// `auto` (grid for books, volume for trades, bars for bars), `grid`, `events`, `volume` or `bars`.
        kind: String = "auto".to_owned(), "", 0.0, 0.0;
        /// A sample every so many events.
        events: u64 = 100, "events", 1.0, 1e12;
        /// A sample every so much volume.
        volume: Quantity = Quantity::from_units(1_000_000_000_000), "quantity", 1e-9, 9.2e9;
    }
}

market::params! {
    /// How an L3 feed becomes a book (W3).
    pub struct BookParams in "book" {
        /// How long a crossing order is held before the book is repaired.
        hold_ms: u32 = 0, "ms", 0.0, 60_000.0;
    }
}

market::params! {
    /// The facts of one instrument.
    pub struct InstrumentParams in "instrument" {
        /// The smallest price step.
        tick: Price = Price::from_units(10_000_000), "currency", 1e-9, 1e6;
        /// The smallest quantity step.
        lot: Quantity = Quantity::from_units(10), "quantity", 1e-9, 1e9;
        /// Units of currency in one point of price and one of quantity.
        multiplier: Quantity = Quantity::from_units(1_000_000_000), "1", 1e-9, 1e6;
        /// The currency its price is in.
        currency: String = "USD".to_owned(), "", 0.0, 0.0;
        /// Fee of a resting fill; negative is a rebate.
        maker_fee: Quantity = Quantity::ZERO, "bp", -1000.0, 1000.0;
        /// Fee of a taking fill.
        taker_fee: Quantity = Quantity::ZERO, "bp", -1000.0, 1000.0;
        /// Hours of trading in UTC: `always` or `hh:mm-hh:mm`.
        session: String = "always".to_owned(), "", 0.0, 0.0;
        /// The notional that rewards and budgets are measured against.
        reference_notional: Money = Money::from_units(10_000_000_000_000), "currency", 1.0, 1e15;
        /// Volume of a day, for the forecast of impact.
        daily_volume: Quantity = Quantity::from_units(1_000_000_000_000), "quantity", 1e-9, 9.2e9;
    }
}

market::params! {
    /// How the journal is written (J1).
    pub struct JournalParams in "journal" {
        /// Size of a segment of the tape.
        segment_mib: u32 = 64, "MiB", 1.0, 4096.0;
        /// How much a block holds at most, before compression.
        block_kib: u32 = 256, "KiB", 4.0, 8192.0;
        /// How much may wait for the disk before the door stops admitting.
        buffer_mib: u32 = 8, "MiB", 1.0, 1024.0;
        /// How long after a block was begun the next one is, so that what comes meanwhile goes to the disk
        /// together; what comes after a pause is written at once.
        linger_us: u32 = 1_000, "us", 0.0, 1e5;
        /// The most the tape may take: beyond it the oldest segments are dropped; 0: no bound.
        budget_gib: f64 = 0.0, "GiB", 0.0, 1e6;
    }
}

market::params! {
    /// How the daemon behaves.
    pub struct DaemonParams in "daemon" {
        /// An approved order that has waited longer for its decision to become durable lapses.
        intent_ttl_ms: u32 = 1_000, "ms", 1.0, 60_000.0;
        /// While a live feed is silent, a moment of the grid is made so long after it has passed.
        tick_grace_ms: u32 = 250, "ms", 0.0, 60_000.0;
        /// No two snapshots are nearer than that.
        snapshot_every_s: u32 = 30, "s", 0.0, 86_400.0;
        /// A snapshot is taken when so many inputs would have to be folded again.
        snapshot_inputs: u64 = 200_000, "inputs", 1.0, 1e12;
        /// Our state and the venue's are compared so often, beside every connection.
        reconcile_every_s: u32 = 30, "s", 1.0, 86_400.0;
        /// More faults of regions than this within `faults_within_s` halt the daemon.
        faults_max: u32 = 3, "faults", 0.0, 1e6;
        /// The span in which faults are counted, in event time.
        faults_within_s: u32 = 60, "s", 1.0, 86_400.0;
        /// A command to run at each latch and quarantine, with the event as JSON on its input; empty: none.
        notify: String = String::new(), "", 0.0, 0.0;
    }
}

/// A section's name and keys with their defaults.
#[derive(Debug, Clone)]
pub struct SectionKeys {
    /// The section.
    pub section: &'static str,
    /// Its keys and their values.
    pub keys: Vec<(&'static Key, Value)>,
}

macro_rules! sections {
    ($($field:ident: $type:ty;)*) => {
        /// The whole configuration.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct Config {
            $(#[doc = concat!("`[", stringify!($field), "]`")] pub $field: $type,)*
            /// `[instrument.NAME]`: the facts of each.
            pub instruments: BTreeMap<String, InstrumentParams>,
            /// `[limits.NAME]`: the limits of each, and which of them were given.
            pub limits: BTreeMap<String, (Limits, BTreeSet<String>)>,
        }

        impl Config {
            /// Sets one key.
            ///
            /// # Errors
            /// [`ParamError`] for an unknown key or a value that is not allowed.
            pub fn set(&mut self, section: &str, name: &str, value: &Value) -> Result<(), ParamError> {
                if let Some((kind, instrument)) = section.split_once('.') {
                    return self.set_of_instrument(kind, instrument, name, value);
                }
                match section {
                    $(<$type as Section>::NAME => self.$field.set(name, value),)*
                    _ => Err(ParamError::Unknown),
                }
            }

            /// The sections that do not belong to an instrument, with the values they have.
            pub fn sections(&self) -> Vec<SectionKeys> {
                vec![$(keys_of(&self.$field),)*]
            }
        }
    };
}

sections! {
    run: RunParams;
    door: crate::brain::DoorParams;
    brain: crate::brain::BrainParams;
    sampler: SamplerParams;
    book: BookParams;
    exchange: market::exchange::ExchangeParams;
    csv_bars: market::feed::CsvBars;
    csv_trades: market::feed::CsvTrades;
    brainstem: brainstem::BrainstemParams;
    amygdala: amygdala::AmygdalaParams;
    hippocampus: hippocampus::HippocampusParams;
    neocortex: neocortex::NeocortexParams;
    visual_cortex: visual_cortex::VisualCortexParams;
    thalamus: thalamus::ThalamusParams;
    basal_ganglia: basal_ganglia::BasalGangliaParams;
    cerebellum: cerebellum::CerebellumParams;
    prefrontal: prefrontal::PrefrontalParams;
    inference: crate::inference::InferenceParams;
    news: crate::news::NewsParams;
    tax: market::tax::TaxParams;
    journal: JournalParams;
    daemon: DaemonParams;
    sleep: crate::sleep::SleepParams;
}

/// The keys of a section with the values it has.
pub fn keys_of<T: Section>(section: &T) -> SectionKeys {
    let with_value = |key: &'static Key| section.get(key.name).map(|value| (key, value));
    SectionKeys { section: T::NAME, keys: T::KEYS.iter().filter_map(with_value).collect() }
}

impl Config {
    fn set_of_instrument(
        &mut self,
        kind: &str,
        instrument: &str,
        name: &str,
        value: &Value,
    ) -> Result<(), ParamError> {
        match kind {
            InstrumentParams::NAME => {
                self.instruments.entry(instrument.to_owned()).or_default().set(name, value)
            }
            Limits::NAME => {
                let (limits, given) = self.limits.entry(instrument.to_owned()).or_default();
                limits.set(name, value)?;
                given.insert(name.to_owned());
                Ok(())
            }
            _ => Err(ParamError::Unknown),
        }
    }

    /// Every key by its full name; those of instruments that are named in the configuration too.
    pub fn all_keys(&self) -> Vec<String> {
        let plain = self.sections().into_iter().flat_map(|s| {
            let section = s.section;
            s.keys.into_iter().map(move |(key, _)| format!("{section}.{}", key.name))
        });
        let instruments: BTreeSet<&String> = self.instruments.keys().chain(self.limits.keys()).collect();
        let named = instruments.into_iter().flat_map(|name| self.keys_of_instrument(name));
        plain.chain(named).collect()
    }

    /// [`Config::all_keys`], and those of the instrument a section names.
    pub fn all_keys_with(&self, section: &str) -> Vec<String> {
        let named = section.split_once('.').map(|(_, name)| self.keys_of_instrument(name));
        self.all_keys().into_iter().chain(named.unwrap_or_default()).collect()
    }

    fn keys_of_instrument(&self, name: &str) -> Vec<String> {
        let facts = InstrumentParams::KEYS.iter().map(|key| format!("instrument.{name}.{}", key.name));
        facts.chain(Limits::KEYS.iter().map(|key| format!("limits.{name}.{}", key.name))).collect()
    }

    /// The instruments it names, in the order of their names.
    pub fn instrument_names(&self) -> Vec<String> {
        let names: BTreeSet<&String> = self.instruments.keys().chain(self.limits.keys()).collect();
        names.into_iter().cloned().collect()
    }

    /// The configuration as one text that says everything and nothing else: what an artefact keeps.
    pub fn canonical(&self) -> String {
        let lines = super::to_toml(self);
        lines
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .map(|line| format!("{line}\n"))
            .collect()
    }

    /// Whether the values go together.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] or [`ConfigError::Unsound`] naming the key.
    pub fn check(&self) -> Result<(), ConfigError> {
        let conflict =
            |key: &str, message: String| Err(ConfigError::Conflict { key: key.to_owned(), message });
        let kinds = ["auto", "grid", "events", "volume", "bars"];
        if !kinds.contains(&self.sampler.kind.as_str()) {
            return conflict(
                "sampler.kind",
                format!("is {}, and must be one of {}", self.sampler.kind, kinds.join(", ")),
            );
        }
        if let Err((key, what)) = self.sleep.bedtime() {
            return conflict(key, what);
        }
        if let Err(what) = self.tax.terms() {
            return conflict("tax", what.to_string());
        }
        let (index, names) = (&self.prefrontal.index, self.instrument_names());
        if !index.is_empty() && !names.contains(index) {
            let known = names.join(", ");
            return conflict(
                "prefrontal.index",
                format!("is {index}, which is no instrument; there are {known}"),
            );
        }
        self.amygdala.check()?;
        self.cerebellum.check()?;
        self.known(&names).map(drop)
    }
}
