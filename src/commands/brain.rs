//! `janus brain ls|activate`

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use journal::artefacts::{self, Artefact};
use journal::{Hash, JournalError, Manifest, Reader, Record};
use serde::Serialize;
use synapse::InputKind;

use super::journal::JournalArgs;
use super::operator::{self, Signature};
use super::terminal::{say, say_json};
use crate::control::Ask;
use crate::failure::Failure;
use crate::summary::grouped;

/// `janus brain …`
#[derive(Debug, Subcommand)]
pub enum BrainCommand {
    /// List the artefacts of a journal, and which are active.
    Ls(Ls),
    /// Let an artefact take effect in a running daemon.
    Activate(Activate),
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
            Self::Activate(Activate { journal, hash, signature: Signature { by, reason } }) => {
                operator::command(&journal, &Ask::Activate { hash, by, reason })
            }
        }
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
}

impl Ls {
    fn run(self) -> Result<(), Failure> {
        let dir = &self.journal.journal;
        let reader = Reader::open(dir)?;
        let list = artefacts::list(dir)?;
        let rows = rows(reader.manifest(), list, reader.records())?;
        if self.json {
            return rows.iter().try_for_each(say_json);
        }
        say(&rows.iter().map(Row::to_text).collect::<String>())
    }
}

impl Row {
    fn to_text(&self) -> String {
        let since = match self.since {
            Some(0) => "  active since the beginning".to_owned(),
            Some(sequence) => format!("  active since input {sequence}"),
            None => String::new(),
        };
        format!("{} {:<6} {:>9} bytes{since}\n", self.hash, self.kind, grouped(self.bytes))
    }
}

/// Of each kind the artefact that took effect last is active.
fn rows(
    manifest: &Manifest,
    list: Vec<Artefact>,
    records: impl Iterator<Item = Result<Record, JournalError>>,
) -> Result<Vec<Row>, JournalError> {
    let mut active = BTreeMap::from([("config", (manifest.config, 0)), ("policy", (manifest.policy, 0))]);
    for record in records {
        if let Record::Input(input) = record?
            && let InputKind::Notice(kind) = &input.kind
            && let Some(hash) = kind.activates()
            && let Some(artefact) = list.iter().find(|artefact| artefact.hash == Hash(hash))
        {
            active.insert(&artefact.kind, (artefact.hash, input.sequence));
        }
    }
    let since = |a: &Artefact| active.get(a.kind.as_str()).filter(|(hash, _)| *hash == a.hash).map(|at| at.1);
    let row = |a: &Artefact| Row {
        hash: a.hash,
        kind: a.kind.clone(),
        bytes: a.bytes,
        active: since(a).is_some(),
        since: since(a),
    };
    Ok(list.iter().map(row).collect())
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
        let manifest = Manifest {
            run: "r".into(),
            created_ns: 0,
            build: "b".into(),
            regime: Regime::Real,
            config: list[0].hash,
            policy: list[1].hash,
            backend: "plain".into(),
            cpu: String::new(),
            instruments: Vec::new(),
            feeds: Vec::new(),
            formats: Vec::new(),
            from_ns: None,
            venue: None,
        };
        let since = |records: Vec<_>| {
            let rows = rows(&manifest, list.to_vec(), records.into_iter()).expect("listed");
            assert!(rows.iter().all(|row| row.active == row.since.is_some()));
            rows.iter().map(|row| row.since).collect::<Vec<_>>()
        };
        assert_eq!(since(vec![]), [Some(0), Some(0), None]);
        assert_eq!(since(vec![activation(7, &list[2])]), [Some(0), None, Some(7)]);
        let back = vec![activation(7, &list[2]), activation(9, &list[1]), activation(11, &list[0])];
        assert_eq!(since(back), [Some(11), Some(9), None]);
    }
}
