//! `janus brain ls|add|activate|rollback`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use journal::artefacts::{self, Artefact};
use journal::{Hash, JournalError, Manifest, Reader, Record};
use neocortex::learn::SchemaBook;
use networks::files;
use serde::Serialize;
use synapse::InputKind;

use super::journal::JournalArgs;
use super::operator::{self, Signature};
use super::terminal::{say, say_json};
use crate::blueprint::CONFIG;
use crate::control::Ask;
use crate::failure::Failure;
use crate::law::{self, PREDICATE, RULES, Rules};
use crate::policy::{NETWORK, Policy, RULE, Trained};
use crate::sleep::SCHEMAS;
use crate::summary::grouped;

/// `janus brain …`
#[derive(Debug, Subcommand)]
pub enum BrainCommand {
    /// List the artefacts of a journal, and which are active.
    Ls(Ls),
    /// Keep a network among the artefacts of a journal, so that it can take effect.
    Add(Add),
    /// Let an artefact take effect in a running daemon.
    Activate(Activate),
    /// Let what was active before take effect again in a running daemon.
    Rollback(Rollback),
}

/// Arguments of `janus brain ls`.
#[derive(Debug, Args)]
pub struct Ls {
    #[command(flatten)]
    journal: JournalArgs,
    /// One JSON object an artefact, each on a line.
    #[arg(long)]
    json: bool,
}

/// Arguments of `janus brain add`.
#[derive(Debug, Args)]
pub struct Add {
    #[command(flatten)]
    journal: JournalArgs,
    /// The folder of the network, as `janus train` writes it.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Arguments of `janus brain activate`.
#[derive(Debug, Args)]
pub struct Activate {
    #[command(flatten)]
    journal: JournalArgs,
    /// The hash that is its name; see `janus brain ls`.
    #[arg(value_parser = parse_hash)]
    hash: Hash,
    #[command(flatten)]
    signature: Signature,
}

/// Arguments of `janus brain rollback`.
#[derive(Debug, Args)]
pub struct Rollback {
    #[command(flatten)]
    journal: JournalArgs,
    /// What is to be taken back; without it that which took effect last.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    #[command(flatten)]
    signature: Signature,
}

/// The kinds of artefacts that take effect.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// What was learned asleep.
    Schemas,
    /// The weights of the policy.
    Policy,
    /// The configuration.
    Config,
    /// The rules that orders are held to.
    Rules,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Schemas => SCHEMAS,
            Self::Policy => RULE,
            Self::Config => CONFIG,
            Self::Rules => RULES,
        }
    }
}

/// The name of an artefact.
pub(super) fn parse_hash(text: &str) -> Result<Hash, String> {
    text.parse()
        .map_err(|_| "an artefact is named by its whole hash, 64 hex digits; see `janus brain ls`".to_owned())
}

impl BrainCommand {
    /// Carries it out.
    ///
    /// # Errors
    /// A [`Failure`] where the journal cannot be read, no daemon runs, or it refuses.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Ls(command) => command.run(),
            Self::Add(command) => command.run(),
            Self::Activate(Activate { journal, hash, signature: Signature { by, reason } }) => {
                operator::command(&journal, &Ask::Activate { hash, by, reason })
            }
            Self::Rollback(command) => command.run(),
        }
    }
}

impl Add {
    fn run(self) -> Result<(), Failure> {
        let dir = &self.journal.journal;
        Reader::open(dir)?;
        let network = files::read(&self.folder).map_err(|e| Failure::Input(e.to_string()))?;
        let hash = Policy::Network(Arc::new(Trained::new(network))).store(dir)?;
        say(&format!("{hash}\n"))
    }
}

/// An artefact as it is listed.
#[derive(Debug, PartialEq, Serialize)]
struct Row {
    hash: Hash,
    kind: String,
    bytes: u64,
    active: bool,
    /// The input since which it is active; 0 is the beginning.
    since: Option<u64>,
    /// What it was learned from, where it is a book of schemas that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    experiences: Option<u64>,
    /// How many schemas it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    schemas: Option<usize>,
}

impl Ls {
    fn run(self) -> Result<(), Failure> {
        let dir = &self.journal.journal;
        let mut rows = History::of(dir)?.rows();
        let rules = rows.iter().find(|row| row.kind == RULES && row.active);
        let bound = rules.map_or_else(Vec::new, |rules| law::bound_by(dir, &rules.hash));
        let since = rules.and_then(|rules| rules.since);
        for row in &mut rows {
            match row.kind.as_str() {
                SCHEMAS => row.open(dir),
                PREDICATE if bound.contains(&row.hash) => (row.active, row.since) = (true, since),
                _ => {}
            }
        }
        if self.json {
            return rows.iter().try_for_each(say_json);
        }
        say(&rows.iter().map(Row::to_text).collect::<String>())
    }
}

impl Row {
    /// Looks into a book of schemas; of a damaged one nothing is told.
    fn open(&mut self, dir: &Path) {
        let bytes = artefacts::get(dir, SCHEMAS, &self.hash).ok();
        if let Some(book) = bytes.and_then(|bytes| SchemaBook::from_bytes(&bytes).ok()) {
            (self.experiences, self.schemas) =
                (Some(book.experiences()), Some(book.schemas().schemas().len()));
        }
    }

    fn to_text(&self) -> String {
        let since = match self.since {
            Some(0) => "  active since the beginning".to_owned(),
            Some(sequence) => format!("  active since input {sequence}"),
            None => String::new(),
        };
        let learned = self.schemas.zip(self.experiences);
        let learned =
            learned.map_or(String::new(), |(schemas, of)| format!("  {schemas} schemas of {of} experiences"));
        format!("{} {:<9} {:>9} bytes{learned}{since}\n", self.hash, self.kind, grouped(self.bytes))
    }
}

/// A network takes the place of a rule, and a rule that of a network.
fn stack_of(kind: &str) -> &str {
    if kind == NETWORK { RULE } else { kind }
}

/// The rules that a run began with: one that names none was held to those that ship.
fn begun_with(manifest: &Manifest) -> Result<Hash, Failure> {
    manifest.rules.map_or_else(|| Rules::shipped().map(|rules| rules.hash()), Ok)
}

/// What took effect in a run, by kind.
#[derive(Debug)]
struct History {
    list: Vec<Artefact>,
    /// What took effect and was not taken back, each with its input, the newest last; 0 is the beginning.
    active: BTreeMap<String, Vec<(Hash, u64)>>,
    /// The kind of which something took effect last.
    last: Option<String>,
}

impl History {
    fn of(dir: &Path) -> Result<Self, Failure> {
        let reader = Reader::open(dir)?;
        let rules = begun_with(reader.manifest())?;
        Ok(Self::new(reader.manifest(), rules, artefacts::list(dir)?, reader.records())?)
    }

    /// One that takes effect again takes back all that took effect since it did before.
    fn new(
        manifest: &Manifest,
        rules: Hash,
        list: Vec<Artefact>,
        records: impl Iterator<Item = Result<Record, JournalError>>,
    ) -> Result<Self, JournalError> {
        let schemas = manifest.schemas.unwrap_or_else(|| Hash::of(&SchemaBook::empty().to_bytes()));
        let begun = [(CONFIG, manifest.config), (RULE, manifest.policy), (SCHEMAS, schemas), (RULES, rules)];
        let mut active: BTreeMap<String, Vec<(Hash, u64)>> =
            begun.map(|(kind, hash)| (kind.to_owned(), vec![(hash, 0)])).into();
        let mut last = None;
        for record in records {
            if let Record::Input(input) = record?
                && let InputKind::Notice(kind) = &input.kind
                && let Some(hash) = kind.activates()
                && let Some(artefact) = list.iter().find(|artefact| artefact.hash == Hash(hash))
            {
                let stack = active.entry(stack_of(&artefact.kind).to_owned()).or_default();
                let known = stack.iter().position(|(hash, _)| *hash == artefact.hash);
                stack.truncate(known.unwrap_or(stack.len()));
                stack.push((artefact.hash, input.sequence));
                last = Some(stack_of(&artefact.kind).to_owned());
            }
        }
        Ok(Self { list, active, last })
    }

    /// Of each kind the artefact that took effect last is active.
    fn rows(&self) -> Vec<Row> {
        let row = |Artefact { hash, kind, bytes }: &Artefact| {
            let newest = self.active.get(stack_of(kind)).and_then(|stack| stack.last());
            let since = newest.filter(|(active, _)| active == hash).map(|(_, since)| *since);
            let (hash, kind, active) = (*hash, kind.clone(), since.is_some());
            Row { hash, kind, bytes: *bytes, active, since, experiences: None, schemas: None }
        };
        self.list.iter().map(row).collect()
    }

    /// Of a kind, or of that of which something took effect last: the kind, and what was active before.
    fn before(&self, kind: Option<Kind>) -> Result<(&str, Hash), Failure> {
        let Some(kind) = kind.map(Kind::name).or(self.last.as_deref()) else {
            return Err(Failure::Input(
                "nothing took effect in this run that could be taken back".to_owned(),
            ));
        };
        match self.active.get(kind).map(Vec::as_slice) {
            Some([.., (before, _), _]) => Ok((kind, *before)),
            _ => Err(Failure::Input(format!(
                "the {kind} active is what the run began with, and there is none before; `janus brain activate HASH` takes any"
            ))),
        }
    }
}

impl Rollback {
    fn run(self) -> Result<(), Failure> {
        let Self { journal, kind, signature: Signature { by, reason } } = self;
        let dir = &journal.journal;
        let history = History::of(dir)?;
        let (kind, hash) = history.before(kind)?;
        // what a run began with without a word is kept when it is asked for
        if history.list.iter().all(|artefact| artefact.hash != hash) {
            match kind {
                SCHEMAS => _ = artefacts::put(dir, SCHEMAS, &SchemaBook::empty().to_bytes())?,
                RULES => _ = Rules::shipped()?.store(dir)?,
                _ => {}
            }
        }
        operator::command(&journal, &Ask::Activate { hash, by, reason })
    }
}

#[cfg(test)]
mod tests {
    use journal::Regime;
    use market::Timestamp;
    use synapse::Input;

    use super::*;

    fn artefact(kind: &str, text: &str) -> Artefact {
        Artefact { hash: Hash::of(text.as_bytes()), kind: kind.into(), bytes: text.len() as u64 }
    }

    fn activation(sequence: u64, of: &Artefact) -> Result<Record, JournalError> {
        let (hash, by, reason) = (of.hash.0, "ann".to_owned(), "better".to_owned());
        let kind = InputKind::Notice(synapse::NoticeKind::Activate { hash, by, reason });
        Ok(Record::Input(Input { sequence, time: Timestamp::from_ns(0), kind }))
    }

    #[test]
    fn of_each_kind_the_last_that_took_effect_is_active() {
        let list = [artefact("config", "a"), artefact("policy", "old"), artefact("policy", "new")];
        let manifest = manifest(&list);
        let since = |records: Vec<_>| {
            let history = History::new(&manifest, rules(), list.to_vec(), records.into_iter());
            let rows = history.expect("listed").rows();
            assert!(rows.iter().all(|row| row.active == row.since.is_some()));
            rows.iter().map(|row| row.since).collect::<Vec<_>>()
        };
        assert_eq!(since(vec![]), [Some(0), Some(0), None]);
        assert_eq!(since(vec![activation(7, &list[2])]), [Some(0), None, Some(7)]);
        let back = vec![activation(7, &list[2]), activation(9, &list[1]), activation(11, &list[0])];
        assert_eq!(since(back), [Some(11), Some(9), None]);
    }

    #[test]
    fn a_rollback_goes_back_step_by_step_to_the_beginning() {
        let kinds = [("config", "c"), ("policy", "p"), (SCHEMAS, "a"), (SCHEMAS, "b"), (RULES, "stricter")];
        let list = kinds.map(|(kind, text)| artefact(kind, text));
        let manifest = manifest(&list);
        let nothing = Hash::of(&SchemaBook::empty().to_bytes());
        let before = |steps: &[(u64, usize)], kind: Option<Kind>| {
            let records: Vec<_> = steps.iter().map(|(at, of)| activation(*at, &list[*of])).collect();
            let history = History::new(&manifest, rules(), list.to_vec(), records.into_iter());
            let history = history.expect("listed");
            history.before(kind).map(|(_, hash)| hash).map_err(|why| why.to_string())
        };
        assert!(before(&[], None).is_err_and(|why| why.contains("nothing took effect")));
        assert!(before(&[], Some(Kind::Schemas)).is_err_and(|why| why.contains("schemas")));
        assert_eq!(before(&[(3, 2)], None), Ok(nothing));
        assert_eq!(before(&[(3, 2), (5, 3)], None), Ok(list[2].hash));
        assert_eq!(before(&[(3, 2), (5, 3), (6, 2)], None), Ok(nothing), "taken back twice");
        assert!(before(&[(3, 2)], Some(Kind::Policy)).is_err_and(|why| why.contains("policy")));
        assert!(before(&[(3, 2)], Some(Kind::Rules)).is_err_and(|why| why.contains("the rules active")));
        assert_eq!(before(&[(3, 4), (4, 2)], Some(Kind::Rules)), Ok(rules()));
    }

    /// What the runs began with.
    fn rules() -> Hash {
        Hash::of(b"rules")
    }

    fn manifest(list: &[Artefact]) -> Manifest {
        Manifest {
            run: "r".into(),
            created_ns: 0,
            build: "b".into(),
            regime: Regime::Real,
            config: list[0].hash,
            policy: list[1].hash,
            rules: Some(rules()),
            schemas: None,
            backend: "plain".into(),
            cpu: String::new(),
            instruments: Vec::new(),
            feeds: Vec::new(),
            formats: Vec::new(),
            from_ns: None,
            venue: None,
        }
    }
}
