//! Configuration: every key declared once, with default, unit, bounds and meaning, by the part of
//! the house that uses it; files, `JANUS_*` variables and flags only set what is declared.

mod render;
mod sections;

pub use render::{schema, to_toml};
pub use sections::{
    Config, DaemonParams, InstrumentParams, JournalParams, RunParams, SamplerParams, SectionKeys,
};

use std::path::{Path, PathBuf};

use market::params::{ParamError, Value};
use market::{Instrument, InstrumentId, Instruments};
use prefrontal::Limits;

/// Why a configuration does not stand.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}; give the path of a configuration file")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{place}: {message}")]
    Syntax {
        /// File and line.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// No key of that name.
    #[error("{place}: there is no key `{key}`{}", nearest.as_ref().map_or(String::new(), |n| format!("; did you mean `{n}`?")))]
    UnknownKey {
        /// Where it was given.
        place: String,
        /// The key.
        key: String,
        /// The nearest that exists.
        nearest: Option<String>,
    },
    /// A value that its key does not take.
    #[error("{place}: `{key}` {error}")]
    Value {
        /// Where it was given.
        place: String,
        /// The key.
        key: String,
        /// What is wrong with it.
        error: ParamError,
    },
    /// Values that do not go together.
    #[error("`{key}`: {message}")]
    Conflict {
        /// The key.
        key: String,
        /// What is wrong, and what to do.
        message: String,
    },
    /// A schedule of execution that cannot be.
    #[error("[cerebellum]: {0}")]
    Schedule(#[from] cerebellum::ScheduleError),
    /// Parameters of the amygdala that do not go together.
    #[error(transparent)]
    Unsound(#[from] amygdala::UnsoundParams),
    /// Limits that are not there (G8).
    #[error("{instrument} has no {}; nothing trades without all of them: set them in [limits.{instrument}]", missing.join(", "))]
    MissingLimits {
        /// The instrument.
        instrument: String,
        /// The keys that are missing.
        missing: Vec<String>,
    },
}

/// One value from outside, and where it was given.
struct Setting {
    place: String,
    section: String,
    name: String,
    value: Value,
}

/// Builds a configuration from layers, later ones over earlier ones.
#[derive(Debug, Default)]
pub struct Loader {
    config: Config,
}

impl Loader {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what a file sets.
    ///
    /// # Errors
    /// [`ConfigError`] naming file and line.
    pub fn file(self, path: &Path) -> Result<Self, ConfigError> {
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        self.text(&text, &path.display().to_string())
    }

    /// Sets what a TOML text sets; `name` is what errors call it.
    ///
    /// # Errors
    /// [`ConfigError`] naming the line.
    pub fn text(mut self, text: &str, name: &str) -> Result<Self, ConfigError> {
        for setting in parse(text, name)? {
            self.set(setting)?;
        }
        Ok(self)
    }

    /// Sets what `JANUS_SECTION_KEY` variables set.
    ///
    /// # Errors
    /// [`ConfigError`] naming the variable; one that names no key is an error too.
    pub fn variables(
        mut self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let keys = self.config.all_keys();
        let mut given: Vec<(String, String)> =
            variables.filter(|(name, _)| name.starts_with("JANUS_")).collect();
        given.sort();
        for (variable, text) in given {
            let rest = variable["JANUS_".len()..].to_lowercase();
            if OUTSIDE_CONFIGURATION.contains(&rest.as_str()) {
                continue;
            }
            let found = keys.iter().find(|key| key.replace('.', "_").to_lowercase() == rest);
            let Some(key) = found else {
                let known = keys.iter().map(|key| variable_of(key));
                return Err(ConfigError::UnknownKey {
                    nearest: nearest(&variable, known),
                    place: "environment".into(),
                    key: variable,
                });
            };
            self.set(setting(&format!("environment, {variable}"), key, &text))?;
        }
        Ok(self)
    }

    /// Sets what `--set section.key=value` flags set.
    ///
    /// # Errors
    /// [`ConfigError`] naming the flag.
    pub fn flags(mut self, flags: &[String]) -> Result<Self, ConfigError> {
        for flag in flags {
            let Some((key, text)) = flag.split_once('=') else {
                let message = "is not `section.key=value`".to_owned();
                return Err(ConfigError::Syntax { place: format!("--set {flag}"), message });
            };
            self.set(setting(&format!("--set {flag}"), key.trim(), text.trim()))?;
        }
        Ok(self)
    }

    /// The configuration, where its values go together.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] naming the key.
    pub fn finish(self) -> Result<Config, ConfigError> {
        self.config.check()?;
        Ok(self.config)
    }

    fn set(&mut self, setting: Setting) -> Result<(), ConfigError> {
        let Setting { place, section, name, value } = setting;
        let key = format!("{section}.{name}");
        match self.config.set(&section, &name, &value) {
            Ok(()) => Ok(()),
            Err(ParamError::Unknown) => {
                let known = self.config.all_keys_with(&section).into_iter();
                Err(ConfigError::UnknownKey { nearest: nearest(&key, known), place, key })
            }
            Err(error) => Err(ConfigError::Value { place, key, error }),
        }
    }
}

/// Variables of this prefix that other parts read.
const OUTSIDE_CONFIGURATION: [&str; 8] =
    ["log", "golden", "ci_strict", "journal", "event", "cause", "run", "sequence"];

fn variable_of(key: &str) -> String {
    format!("JANUS_{}", key.replace('.', "_").to_uppercase())
}

/// The known name that is nearest to a wrong one, if one is near.
fn nearest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    known
        .map(|k| (strsim::jaro_winkler(name, &k), k))
        .filter(|(near, _)| *near > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

/// A setting from text that has no type of its own: a number, a truth value, or text.
fn setting(place: &str, key: &str, text: &str) -> Setting {
    let value = if let Ok(v) = text.parse() {
        Value::Bool(v)
    } else if let Ok(v) = text.parse() {
        Value::Int(v)
    } else if let Some(v) = text.parse().ok().filter(|v: &f64| v.is_finite()) {
        Value::Float(v)
    } else {
        Value::Text(text.to_owned())
    };
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    Setting { place: place.to_owned(), section: section.to_owned(), name: name.to_owned(), value }
}

/// Flattens a TOML text into settings, each with its line.
fn parse(text: &str, name: &str) -> Result<Vec<Setting>, ConfigError> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_at(text, span.start));
        ConfigError::Syntax { place: format!("{name}:{line}"), message: error.message().to_owned() }
    })?;
    let mut settings = Vec::new();
    flatten(&table, "", &mut |section, key, value| {
        let place = format!("{name}:{}", line_of(text, section, key));
        let value = match value {
            toml::Value::Boolean(v) => Value::Bool(*v),
            toml::Value::Integer(v) => Value::Int(*v),
            toml::Value::Float(v) => Value::Float(*v),
            toml::Value::String(v) => Value::Text(v.clone()),
            other => {
                let message = format!("`{section}.{key}` is {}, which no key takes", other.type_str());
                return Err(ConfigError::Syntax { place, message });
            }
        };
        settings.push(Setting { place, section: section.to_owned(), name: key.to_owned(), value });
        Ok(())
    })?;
    Ok(settings)
}

fn flatten(
    table: &toml::Table,
    section: &str,
    found: &mut impl FnMut(&str, &str, &toml::Value) -> Result<(), ConfigError>,
) -> Result<(), ConfigError> {
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => {
                let section = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
                flatten(inner, &section, found)?;
            }
            value => found(section, key, value)?,
        }
    }
    Ok(())
}

fn line_at(text: &str, byte: usize) -> usize {
    text.as_bytes()[..byte.min(text.len())].iter().filter(|b| **b == b'\n').count() + 1
}

/// The line that sets a key, for messages: the first of that name after its section's header.
fn line_of(text: &str, section: &str, key: &str) -> usize {
    let mut inside = section.is_empty();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|l| l.split(']').next()) {
            inside = header.replace(['"', ' '], "") == section;
        } else if inside && line.split('=').next().is_some_and(|k| k.trim().trim_matches('"') == key) {
            return at + 1;
        }
    }
    1
}

impl Config {
    /// The facts and limits of these instruments, in this order.
    ///
    /// # Errors
    /// [`ConfigError::MissingLimits`] where an instrument is to trade without all limits.
    pub fn traded(&self, names: &[String]) -> Result<(Instruments, Vec<Limits>), ConfigError> {
        let instruments = self.known(names)?;
        let mut limits = Vec::new();
        for name in names {
            let (set, given) = self.limits.get(name).cloned().unwrap_or_default();
            let missing =
                <Limits as market::params::Section>::KEYS.iter().filter(|key| !given.contains(key.name));
            let missing: Vec<String> = missing.map(|key| key.name.to_owned()).collect();
            if !missing.is_empty() {
                return Err(ConfigError::MissingLimits { instrument: name.clone(), missing });
            }
            limits.push(set);
        }
        Ok((instruments, limits))
    }

    /// The facts of these instruments, in this order; defaults where nothing is said of one.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] for facts that are not facts.
    pub fn known(&self, names: &[String]) -> Result<Instruments, ConfigError> {
        if names.len() > usize::from(u16::MAX) {
            let message =
                format!("are {}, and may be {}: split them over several runs", names.len(), u16::MAX);
            return Err(ConfigError::Conflict { key: "instrument".to_owned(), message });
        }
        let facts = names.iter().map(|name| {
            let params = self.instruments.get(name).cloned().unwrap_or_default();
            if params.currency != self.run.currency {
                let (its, account) = (&params.currency, &self.run.currency);
                let message = format!("is {its}, and the account is in {account}: give both the same");
                return Err(ConfigError::Conflict { key: format!("instrument.{name}.currency"), message });
            }
            let session = params.session.parse().map_err(|error| ConfigError::Conflict {
                key: format!("instrument.{name}.session"),
                message: format!("is {}: {error}", params.session),
            })?;
            Ok(Instrument {
                name: name.clone(),
                tick: params.tick,
                lot: params.lot,
                multiplier: params.multiplier,
                currency: params.currency,
                maker_fee_bp: params.maker_fee,
                taker_fee_bp: params.taker_fee,
                session,
                reference_notional: params.reference_notional,
            })
        });
        Ok(Instruments::new(facts.collect::<Result<_, ConfigError>>()?))
    }
}

/// The name of one.
pub fn name_of(instruments: &Instruments, id: InstrumentId) -> &str {
    &instruments.get(id).name
}
