//! `janus replay`: thinks a tape again and compares every decision (D3).

use std::time::Instant;

use clap::Args;
use journal::{FORMAT, Hash, Reader};
use serde::Serialize;

use super::brain::parse_hash;
use super::journal::LookArgs;
use super::run::EngineKind;
use super::terminal::{bar, say, say_json};
use crate::blueprint::BUILD;
use crate::brain::{Difference, Halted, Stray};
use crate::failure::Failure;
use crate::inference::Kind;
use crate::policy::Backend;
use crate::rebuild::{self, From, Obstacle, Rebuilt, Terms};

/// Arguments of `janus replay`.
#[derive(Debug, Args)]
pub struct Replay {
    #[command(flatten)]
    look: LookArgs,
    /// Start from the newest snapshot not behind this input or decision; without it from the beginning.
    #[arg(long, value_name = "ID", value_parser = sequence)]
    from: Option<u64>,
    /// Stop behind this input or decision.
    #[arg(long, value_name = "ID", visible_alias = "until", value_parser = sequence)]
    to: Option<u64>,
    /// Think with another policy of the journal's artefacts, and tell where it parts from the tape.
    #[arg(long, value_name = "HASH", value_parser = parse_hash)]
    policy: Option<Hash>,
    /// What runs networks: native, ort-tract or onnxruntime. Another than the tape's may differ a little in its
    /// numbers, and in nothing that is done; the largest difference is told.
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Where the regions run; what comes out is the same.
    #[arg(long, value_enum, default_value_t)]
    engine: EngineKind,
}

/// The input of a decision or order, named by `SEQUENCE`, `SEQUENCE:INSTRUMENT` or `SEQUENCE:INSTRUMENT:K`.
fn sequence(id: &str) -> Result<u64, String> {
    let number = id.split(':').next().and_then(|number| number.parse().ok());
    number.ok_or_else(|| format!("`{id}` names no input; write its number, or a decision such as 4711:0"))
}

/// How a tape came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// Bit for bit.
    Identical,
    /// On another back end: the same was done, and no number differs by more than two back ends may (D5).
    Agrees,
    /// Otherwise.
    Differs,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Report {
    verdict: Verdict,
    /// What decided at the beginning, and what ran it now.
    policy: Hash,
    backend: String,
    decisions: u64,
    inputs: u64,
    snapshots: u64,
    from: u64,
    until: u64,
    digest: Option<String>,
    first_difference: Option<Difference>,
    largest_difference: f64,
    /// How often something differed by more than two back ends may.
    beyond_tolerance: u64,
    seconds: f64,
}

impl Replay {
    /// Thinks it again.
    ///
    /// # Errors
    /// [`Failure::Check`] where a decision came out differently.
    pub fn run(self) -> Result<(), Failure> {
        let dir = &self.look.journal.journal;
        let reader = Reader::open(dir)?;
        self.check(&reader)?;
        // bits are promised to the build that made them; of another one, or where an older format kept less
        // of a decision, the largest difference is told
        let is_old = reader.headers().iter().any(|block| block.header.version < FORMAT);
        let kind = self.backend.as_deref().map(Kind::named).transpose()?;
        let manifest = reader.manifest();
        let backend = kind.as_ref().map_or(Ok(manifest.backend.clone()), Kind::name_and_version)?;
        let lenient = is_old || manifest.build != BUILD || manifest.backend != backend;
        let is_line = self.engine == EngineKind::Line;
        let run_by = Backend { kind, ..Backend::default() };
        let terms = Terms {
            until: self.to,
            lenient,
            policy: self.policy,
            is_line,
            backend: run_by,
            ..Terms::default()
        };
        let from = self.from.map_or(From::Beginning, From::Snapshot);
        let began = Instant::now();
        let bar = bar(Some(reader.headers().len() as u64), "blocks");
        let rebuilt =
            rebuild::rebuild(dir, &reader, from, &terms, &mut |done, _| bar.set_position(done as u64));
        let seconds = began.elapsed().as_secs_f64();
        bar.finish_and_clear();
        let (proof, first_difference, from, until, digest) = match rebuilt {
            Ok(Rebuilt { rethink, from, .. }) => {
                let digest = Some(rethink.head().digest.to_hex());
                let (first, from) = (rethink.first_difference().cloned(), from.map_or(0, |it| it.sequence));
                (rethink.proof(), first, from, rethink.sequence(), digest)
            }
            Err(Obstacle::Stray(Stray::Differs { difference, proof })) => {
                let until = difference.sequence;
                (proof, Some(*difference), 0, until, None)
            }
            Err(Obstacle::Stray(Stray::Fault(Halted { sequence, fault, .. }))) => {
                return Err(Failure::Check(format!("at input {sequence} a region failed: {fault}")));
            }
            Err(Obstacle::Failure(failure)) => return Err(failure),
        };
        self.tell(&Report {
            verdict: match &first_difference {
                None => Verdict::Identical,
                Some(_) if manifest.backend != backend && proof.beyond == 0 => Verdict::Agrees,
                Some(_) => Verdict::Differs,
            },
            policy: self.policy.unwrap_or(manifest.policy),
            backend,
            decisions: proof.decisions,
            inputs: proof.inputs,
            snapshots: proof.markers,
            from,
            until,
            digest,
            first_difference,
            largest_difference: proof.largest_difference,
            beyond_tolerance: proof.beyond,
            seconds,
        })
    }

    /// Refuses a stretch that is empty, or begins or ends where the tape has no input.
    fn check(&self, reader: &Reader) -> Result<(), Failure> {
        let last = reader.headers().last().map_or(0, |block| block.header.sequence_last);
        match (self.from, self.to) {
            (Some(from), Some(to)) if from > to => {
                Err(Failure::Input(format!("--from {from} is behind --to {to}; swap them")))
            }
            // from whatever is newest
            (_, to) => match to {
                Some(at) if at > last => Err(Failure::Input(format!(
                    "there is no input {at} on this tape; its last one is {last}"
                ))),
                _ => Ok(()),
            },
        }
    }

    fn tell(&self, report: &Report) -> Result<(), Failure> {
        if self.look.json {
            say_json(report)?;
        }
        if let Some(difference) =
            report.first_difference.as_ref().filter(|_| report.verdict == Verdict::Differs)
        {
            return Err(Failure::Check(format!(
                "it differs after {} decisions: {difference} (largest difference {:e})",
                report.decisions, report.largest_difference
            )));
        }
        if self.look.json {
            return Ok(());
        }
        let Report { decisions, inputs, snapshots, seconds, policy, backend, .. } = report;
        let (said, states) = match (report.verdict, snapshots) {
            (Verdict::Identical, 0) => ("identical".to_owned(), String::new()),
            (Verdict::Identical, _) => {
                ("identical".to_owned(), format!(" and {snapshots} snapshots' states"))
            }
            _ => (format!("same within {:.1e} on {backend}", report.largest_difference), String::new()),
        };
        let digest = report.digest.as_deref().unwrap_or("none");
        say(&format!(
            "{said}, {decisions} decisions, digest {digest}\n\
             {inputs} inputs{states} proved in {seconds:.2} s, {:.0} decisions/s\n\
             policy {policy} on {backend}\n",
            *decisions as f64 / seconds.max(1e-9)
        ))
    }
}
