//! A region that fails takes the line down, not the daemon (S1, S2): everything is rebuilt from
//! snapshot and tape, the input is tried once more, and one that fails twice is quarantined.

use std::collections::BTreeMap;
use std::path::Path;

use journal::Reader;
use market::InstrumentId;
use synapse::{LatchCause, NoticeKind};

use super::core::Core;
use crate::blueprint::Backend;
use crate::brain::{EngineError, Stray, Stream};
use crate::failure::Failure;
use crate::rebuild::{self, From, Obstacle, Rebuilt, Terms};

/// An input that failed twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bad {
    pub input: u64,
    pub instrument: Option<InstrumentId>,
}

/// Rebuilds a brain from the journal of `dir`. An input that fails twice is folded as absent; one that
/// `failed` before has one try left.
pub(super) fn rebuilt(
    dir: &Path,
    backend: Backend,
    failed: Option<u64>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(Rebuilt, Vec<Bad>), Failure> {
    let reader = Reader::open(dir)?;
    let mut terms = Terms { backend, ..Terms::default() };
    let mut failures: BTreeMap<u64, u32> = failed.into_iter().map(|sequence| (sequence, 1)).collect();
    let mut bad = Vec::new();
    loop {
        match rebuild::rebuild(dir, &reader, From::Snapshot(u64::MAX), &terms, progress) {
            Ok(rebuilt) => return Ok((rebuilt, bad)),
            Err(Obstacle::Stray(Stray::Fault { sequence, instrument, fault })) => {
                let times = failures.entry(sequence).or_default();
                *times += 1;
                tracing::error!(sequence, %fault, times, "a region failed");
                if *times >= 2 {
                    bad.push(Bad { input: sequence, instrument });
                    terms.absent.insert(sequence);
                }
            }
            Err(Obstacle::Stray(Stray::Differs { difference, .. })) => {
                return Err(Failure::Internal(format!(
                    "the digest proof failed, so nothing is traded: {difference}; `janus replay --journal {}` shows it",
                    dir.display()
                )));
            }
            Err(Obstacle::Failure(failure)) => return Err(failure),
        }
    }
}

impl<S: Stream> Core<S> {
    /// Rebuilds the line after an input failed, and goes on.
    pub fn heal(&mut self, error: &EngineError) -> Result<(), Failure> {
        tracing::error!(%error, "a region failed: the line is rebuilt from the tape");
        self.recorder.forget();
        self.journal().wait()?;
        let too_many = self.faults.note(error.time);
        if self.faults.are_hopeless() {
            return Err(Failure::Internal(format!(
                "regions keep failing, so nothing is traded; at last {error}"
            )));
        }
        let (Rebuilt { rethink, blueprint, .. }, bad) =
            rebuilt(&self.dir, self.blueprint.backend, Some(error.sequence), &mut |_, _| {})?;
        let late = rethink.take_place(&mut self.engine);
        self.blueprint = blueprint;
        let sequence = self.engine.door().sequence();
        // late to the tape, but what they approve is still to be released
        late.iter().for_each(|late| self.recorder.late(&late.record, &late.bytes, false));
        self.recorder.complete();
        tracing::warn!(sequence, "the line is rebuilt, its digest proved");
        self.quarantine(&bad)?;
        if too_many && self.engine.line().prefrontal.latch().is_none() {
            self.admit(NoticeKind::Latch(LatchCause::Faults))?;
        }
        Ok(())
    }

    /// Says for good which inputs are folded as absent.
    pub fn quarantine(&mut self, bad: &[Bad]) -> Result<(), Failure> {
        for Bad { input, instrument } in bad.iter().copied() {
            tracing::error!(input, ?instrument, "quarantined: this input is folded as absent from here on");
            self.admit(NoticeKind::Quarantine { input, instrument })?;
        }
        Ok(())
    }
}
