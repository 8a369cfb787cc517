//! What a brain is put together from, and how a tape keeps it: the manifest, and the configuration
//! and the policy as artefacts (R2).

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use journal::{Hash, Journal, Manifest, Options, Regime, artefacts};
use market::Timestamp;
use market::feed::Format;
use neocortex::learn::SchemaBook;
use synapse::Command;

use crate::assemble::{self, Orders, Parts};
use crate::brain::{Line, Rethink};
use crate::config::{Config, JournalParams, Loader};
use crate::failure::Failure;
use crate::law::{RULES, Rules};
use crate::policy::{self, Backend, Minds, NETWORK, Policy, RULE};
use crate::sleep::{SCHEMAS, read_book};

/// The kind of an artefact that is a configuration.
pub const CONFIG: &str = "config";

/// What a brain is put together from.
#[derive(Debug, Clone)]
pub struct Blueprint {
    /// The configuration.
    pub config: Config,
    /// What decides.
    pub policy: Policy,
    /// What orders are held to.
    pub rules: Rules,
    /// What was learned asleep, and its name; none before the first night of a run that began with nothing.
    pub schemas: Option<(Hash, SchemaBook)>,
    /// What runs them.
    pub backend: Backend,
    /// What else the tape's first block tells.
    pub manifest: Manifest,
}

/// What a new run is, beside its configuration.
#[derive(Debug, Clone)]
pub struct Run {
    /// How time is treated.
    pub regime: Regime,
    /// The feeds, in rank order.
    pub feeds: Vec<String>,
    /// Their formats, where they are known before they are read.
    pub formats: Vec<Format>,
    /// Nothing is sampled before this.
    pub from: Option<Timestamp>,
    /// The venue process, if any.
    pub venue: Option<String>,
}

impl Blueprint {
    /// Of a new run.
    ///
    /// # Errors
    /// [`Failure::Input`] for a configuration that nothing can trade with.
    pub fn new(config: Config, run: Run, backend: Backend) -> Result<Self, Failure> {
        let policy = assemble::policy(&config, &run.formats)?;
        let rules = Rules::chosen(&config)?;
        let schemas = policy::memory(&policy, &config)?;
        let now_ns = now_ns();
        let drawn = (now_ns, std::process::id(), std::thread::current().id());
        let manifest = Manifest {
            run: Hash::of(format!("{drawn:?}").as_bytes()).to_string()[..16].to_owned(),
            created_ns: now_ns,
            build: BUILD.to_owned(),
            regime: run.regime,
            config: Hash::default(),
            policy: Hash::default(),
            rules: Some(rules.hash()),
            schemas: schemas.as_ref().map(|(hash, _)| *hash),
            backend: backend.kind_for(&policy, &config)?.name_and_version()?,
            cpu: std::env::consts::ARCH.to_owned(),
            instruments: config.instrument_names(),
            feeds: run.feeds,
            formats: run.formats.iter().map(ToString::to_string).collect(),
            from_ns: run.from.map(Timestamp::ns),
            venue: run.venue,
        };
        let mut blueprint = Self { config, policy, rules, schemas, backend, manifest };
        (blueprint.manifest.config, blueprint.manifest.policy) =
            (blueprint.config_hash(), blueprint.policy.hash());
        Ok(blueprint)
    }

    /// Begins a journal.
    ///
    /// # Errors
    /// [`Failure`] where there is one, or the disk fails.
    pub fn begin(&self, dir: &Path) -> Result<Journal, Failure> {
        if journal::exists(dir)? {
            return Err(journal::JournalError::Exists { path: dir.to_owned() }.into());
        }
        std::fs::create_dir_all(dir).map_err(|e| Failure::unwritable(dir, &e))?;
        self.store(dir)?;
        Ok(Journal::create(dir, &self.manifest, &options(&self.config.journal))?)
    }

    /// Keeps configuration, policy, rules and schemas in a journal's folder.
    ///
    /// # Errors
    /// [`Failure::Environment`] where the disk fails.
    fn store(&self, dir: &Path) -> Result<(), Failure> {
        artefacts::put(dir, CONFIG, self.config.canonical().as_bytes())?;
        self.policy.store(dir)?;
        self.rules.store(dir)?;
        if let Some((_, book)) = &self.schemas {
            artefacts::put(dir, SCHEMAS, &book.to_bytes())?;
        }
        Ok(())
    }

    /// As a tape was begun.
    ///
    /// # Errors
    /// [`Failure::Input`] where an artefact is missing or is not what it was.
    pub fn of(dir: &Path, manifest: &Manifest, backend: Backend) -> Result<Self, Failure> {
        let config = read_config(dir, &manifest.config)?;
        let policy = Policy::read(dir, kind_of(dir, &manifest.policy)?.as_str(), &manifest.policy)?;
        let rules = manifest.rules.as_ref().map_or_else(Rules::shipped, |hash| Rules::read(dir, hash))?;
        let book = |hash: &Hash| Ok::<_, Failure>((*hash, read_book(dir, hash, &config)?));
        let schemas = manifest.schemas.as_ref().map(book).transpose()?;
        Ok(Self { config, policy, rules, schemas, backend, manifest: manifest.clone() })
    }

    /// A brain that has seen nothing.
    ///
    /// # Errors
    /// As [`assemble::parts`].
    pub fn parts(&self, commands: Vec<(Timestamp, Command)>) -> Result<Parts, Failure> {
        let formats = self.formats();
        let orders = Orders {
            commands,
            formats,
            from: self.manifest.from_ns.map(Timestamp::from_ns),
            is_real: self.manifest.regime == Regime::Real,
            is_remote: self.manifest.venue.is_some(),
            policy: Some(Minds::open(&self.policy, &self.backend, &self.config)?),
            law: Some(self.rules.law(&self.config)?),
            schemas: self.schemas.as_ref().map(|(_, book)| book.schemas().clone()).unwrap_or_default(),
            hook: self.backend.hook.clone(),
        };
        assemble::parts(&self.config, orders)
    }

    /// The formats of the feeds.
    pub fn formats(&self) -> Vec<Format> {
        self.manifest.formats.iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// A brain that thinks a tape again.
    ///
    /// # Errors
    /// As [`assemble::parts`].
    pub fn rethink(&self, absent: BTreeSet<u64>) -> Result<Rethink, Failure> {
        let Parts { door, mind, broker, .. } = self.parts(Vec::new())?;
        Ok(Rethink::new(door, mind, broker, absent))
    }

    /// The blueprint with an artefact in effect, and its regions: the first phase of an activation, in which a bad
    /// one fails and changes nothing (R2).
    ///
    /// # Errors
    /// [`Failure::Input`] where it is missing, damaged, or does not fit a run that goes on.
    pub fn with(&self, dir: &Path, hash: &Hash) -> Result<(Self, Line), Failure> {
        let mut next = self.clone();
        match kind_of(dir, hash)?.as_str() {
            CONFIG => {
                next.config = read_config(dir, hash)?;
                check_change(&self.config, &next.config)?;
            }
            kind @ (RULE | NETWORK) => next.policy = Policy::read(dir, kind, hash)?,
            RULES => next.rules = Rules::read(dir, hash)?,
            SCHEMAS => next.schemas = Some((*hash, read_book(dir, hash, &self.config)?)),
            kind => return Err(Failure::Input(format!("{hash} is a {kind}, which nothing runs"))),
        }
        let line = next.parts(Vec::new())?.mind.into_line();
        Ok((next, line))
    }

    /// The name of the active configuration.
    pub fn config_hash(&self) -> Hash {
        Hash::of(self.config.canonical().as_bytes())
    }
}

/// What kind of artefact has a name.
fn kind_of(dir: &Path, hash: &Hash) -> Result<String, Failure> {
    let found = artefacts::list(dir)?.into_iter().find(|artefact| artefact.hash == *hash);
    found.map(|artefact| artefact.kind).ok_or_else(|| {
        let path = dir.join("artefacts");
        Failure::Input(format!(
            "{}: there is no artefact {hash}; `janus brain ls` lists those there are, or copy it back",
            path.display()
        ))
    })
}

/// The options of a journal.
pub fn options(params: &JournalParams) -> Options {
    let budget = params.budget_gib * f64::from(1 << 30);
    Options {
        segment_bytes: u64::from(params.segment_mib) << 20,
        buffer_bytes: (params.buffer_mib as usize) << 20,
        block_bytes: (params.block_kib as usize) << 10,
        budget_bytes: if budget > 0.0 { budget as u64 } else { u64::MAX },
        linger: Duration::from_micros(u64::from(params.linger_us)),
    }
}

/// The version of the program, for manifests.
pub const BUILD: &str = concat!("janus ", env!("CARGO_PKG_VERSION"));

/// The machine's clock, for what no decision depends on.
pub fn now_ns() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as i64)
}

/// A configuration that a journal's folder keeps.
///
/// # Errors
/// [`Failure::Input`] where it is missing or damaged.
pub fn read_config(dir: &Path, hash: &Hash) -> Result<Config, Failure> {
    let bytes = artefacts::get(dir, CONFIG, hash)?;
    let text = String::from_utf8(bytes).map_err(|e| Failure::Input(format!("configuration {hash}: {e}")))?;
    Ok(Loader::new().text(&text, &format!("configuration {hash}"))?.finish()?)
}

/// The sections that may change while a run goes on; the others shape what is remembered.
const CHANGEABLE: [&str; 6] = ["basal_ganglia", "cerebellum", "prefrontal", "journal", "daemon", "limits"];

fn check_change(now: &Config, next: &Config) -> Result<(), Failure> {
    let lines = |config: &Config| -> Vec<(String, String)> {
        let mut section = String::new();
        let text = config.canonical();
        let mut all = Vec::new();
        for line in text.lines() {
            match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                Some(header) => section = header.to_owned(),
                None => all.push((section.clone(), line.to_owned())),
            }
        }
        all
    };
    let (before, after) = (lines(now), lines(next));
    let fixed = |(section, _): &&(String, String)| {
        !CHANGEABLE.iter().any(|free| section == free || section.starts_with(&format!("{free}.")))
    };
    let before: BTreeSet<_> = before.iter().filter(fixed).collect();
    let changed = after.iter().filter(fixed).find(|line| !before.contains(line));
    let fewer = after.iter().filter(fixed).count() != before.len();
    match changed {
        Some((section, line)) => Err(Failure::Input(format!(
            "[{section}] {line}: cannot change while a run goes on; stop it and begin a new journal, or change only [{}]",
            CHANGEABLE.join("], [")
        ))),
        None if fewer => Err(Failure::Input(
            "an instrument of the run is missing; a run keeps its instruments: begin a new journal"
                .to_owned(),
        )),
        None => Ok(()),
    }
}
