//! A region that fails takes the line down, not the daemon (S1, S2): everything is rebuilt from
//! snapshot and tape, the input is tried once more, and one that fails twice is quarantined.

use std::collections::BTreeMap;
use std::path::Path;

use journal::{Note, Reader, RestartStep};
use market::InstrumentId;
use synapse::{Input, LatchCause, NoticeKind};

use super::core::Core;
use crate::brain::{EngineError, Halted, Late, Observer, Stray, Stream};
use crate::failure::Failure;
use crate::policy::Backend;
use crate::rebuild::{self, From, Obstacle, Rebuilt, Terms};

/// An input that failed twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bad {
    pub input: u64,
    pub instrument: Option<InstrumentId>,
}

/// A brain that was rebuilt.
pub(super) struct Healed {
    pub rebuilt: Rebuilt,
    /// What was decided about each of the inputs that no tape had, and whether the latch is set behind it.
    pub again: Vec<(Vec<Late>, bool)>,
    /// What is folded as absent from now on.
    pub bad: Vec<Bad>,
}

/// What is known of failures before a brain is rebuilt.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// An input that failed, with one try left.
    pub failed: Option<u64>,
    /// An input that is to be folded as absent.
    pub bad: Option<Bad>,
}

/// Rebuilds a brain from the journal of `dir`, and folds the inputs that were admitted and are not on the
/// tape. An input that fails twice is folded as absent.
pub(super) fn rebuilt(
    dir: &Path,
    backend: &Backend,
    known: Known,
    under_way: &[Input],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Healed, Failure> {
    let reader = Reader::open(dir)?;
    let mut terms = Terms { backend: backend.clone(), ..Terms::default() };
    let mut failures: BTreeMap<u64, u32> = known.failed.into_iter().map(|sequence| (sequence, 1)).collect();
    let mut bad: Vec<Bad> = known.bad.into_iter().collect();
    loop {
        terms.absent = bad.iter().map(|bad| bad.input).collect();
        let rebuilt = rebuild::rebuild(dir, &reader, From::Snapshot(u64::MAX), &terms, progress);
        let stray = match rebuilt.and_then(|rebuilt| follow(dir, rebuilt, under_way)) {
            Ok((rebuilt, again)) => return Ok(Healed { rebuilt, again, bad }),
            Err(Obstacle::Stray(stray)) => stray,
            Err(Obstacle::Failure(failure)) => return Err(failure),
        };
        match stray {
            Stray::Fault(Halted { sequence, instrument, fault, .. }) => {
                if bad.iter().any(|bad| bad.input == sequence) {
                    return Err(Failure::Internal(format!(
                        "input {sequence} fails although it is left out: {fault}; nothing is traded"
                    )));
                }
                let times = failures.entry(sequence).or_default();
                *times += 1;
                tracing::error!(sequence, %fault, times, "a region failed");
                if *times >= 2 {
                    bad.push(Bad { input: sequence, instrument });
                }
            }
            Stray::Differs { difference, .. } => {
                return Err(Failure::Internal(format!(
                    "the digest proof failed, so nothing is traded: {difference}; `janus replay --journal {}` shows it",
                    dir.display()
                )));
            }
        }
    }
}

type Followed = (Rebuilt, Vec<(Vec<Late>, bool)>);

fn follow(dir: &Path, mut rebuilt: Rebuilt, under_way: &[Input]) -> Result<Followed, Obstacle> {
    let mut again = Vec::with_capacity(under_way.len());
    for input in under_way {
        let decided = rebuilt.again(dir, input)?;
        again.push((decided, rebuilt.rethink.mind().spine().latch().is_some()));
    }
    Ok((rebuilt, again))
}

impl<S: Stream> Core<S> {
    /// Rebuilds the line after an input failed, and goes on; after one that hangs, ends the process (S3).
    pub fn heal(&mut self, error: &EngineError) -> Result<(), Failure> {
        tracing::error!(%error, hangs = error.hangs, "a region failed: the line is rebuilt from the tape");
        let too_many = self.faults.note(error.time);
        if self.faults.are_hopeless() {
            return Err(Failure::Internal(format!(
                "regions keep failing, so nothing is traded; at last {error}"
            )));
        }
        let known = if error.hangs {
            self.cancel_past_all();
            let bad = Bad { input: error.sequence, instrument: error.instrument };
            Known { bad: Some(bad), ..Known::default() }
        } else {
            Known { failed: Some(error.sequence), ..Known::default() }
        };
        // one of which nobody has heard yet: the brain that knows of it is thrown away
        let tripped = self.engine.take_trip();
        let (mut under_way, hosted) = self.engine.abandon();
        if error.hangs {
            // nobody watches what is thought again here: what came behind was never told as taken
            under_way.retain(|input| input.sequence <= error.sequence);
        }
        let (_, trips) = self.rebuild(known, &under_way)?;
        if let Some((actors, credits)) = hosted.filter(|_| !error.hangs) {
            self.engine.host(actors, credits);
        }
        if too_many && self.engine.latch().is_none() {
            self.admit(NoticeKind::Latch(LatchCause::Faults))?;
        }
        if error.hangs {
            self.journal().wait()?;
            return Err(Failure::Internal(format!(
                "{error}; everything is cancelled and the input is quarantined: start again, which goes on without it"
            )));
        }
        tripped.into_iter().chain(trips).try_for_each(|trip| self.protect(trip))
    }

    /// Puts a brain rebuilt from the tape in the place of this one; what was under way is thought again, and
    /// goes on the tape. How many decisions came out the same, and the trips among what was thought again.
    fn rebuild(&mut self, known: Known, under_way: &[Input]) -> Result<(u64, Vec<u64>), Failure> {
        self.recorder.forget();
        self.journal().wait()?;
        let backend = &self.blueprint.backend;
        let Healed { rebuilt, again, bad } = rebuilt(&self.dir, backend, known, under_way, &mut |_, _| {})?;
        let Rebuilt { rethink, blueprint, .. } = rebuilt;
        let decisions = rethink.proof().decisions;
        let late = rethink.take_place(&mut self.engine);
        self.blueprint = blueprint;
        // late to the tape, but what they approve is still to be released
        late.iter().for_each(|late| self.recorder.late(&late.record, &late.bytes, false));
        for (input, (decided, latched)) in under_way.iter().zip(&again) {
            self.recorder.admitted(input);
            decided.iter().for_each(|it| self.recorder.decided(&it.record, &it.bytes, it.digest));
            self.recorder.folded(input, *latched);
        }
        self.recorder.complete();
        let sequence = self.engine.door().sequence();
        tracing::warn!(sequence, decisions, "the line is rebuilt, its digest proved");
        self.quarantine(&bad)?;
        let decided = again.iter().flat_map(|(decided, _)| decided);
        let trips = decided.filter(|it| it.record.verdict.tripped).map(|it| it.record.sequence).collect();
        Ok((decisions, trips))
    }

    /// The protective restart after a trip (G7): the gate has closed and its cancels are out; the latch is
    /// made durable, the line is drained, and its regions are rebuilt from snapshot and tape. None of it
    /// changes a state: `Restarted`, which the door holds, does.
    pub fn protect(&mut self, trip: u64) -> Result<(), Failure> {
        self.home()?;
        let cancels = self.engine.gate().cancelling().count() as u64;
        self.restart_note(trip, RestartStep::Closed { cancels })?;
        self.restart_note(trip, RestartStep::Durable)?;
        let (under_way, hosted) = self.engine.abandon();
        self.restart_note(trip, RestartStep::Stopped)?;
        let (decisions, _) = self.rebuild(Known::default(), &under_way)?;
        self.restart_note(trip, RestartStep::Proved { decisions })?;
        if let Some((actors, credits)) = hosted {
            self.engine.host(actors, credits);
        }
        Ok(())
    }

    /// Writes a step down, and waits until that is durable.
    fn restart_note(&mut self, trip: u64, step: RestartStep) -> Result<(), Failure> {
        tracing::warn!(trip, ?step, "protective restart");
        self.recorder.note(&Note::Restart { trip, step });
        Ok(self.journal().wait()?)
    }

    /// Says for good which inputs are folded as absent.
    pub fn quarantine(&mut self, bad: &[Bad]) -> Result<(), Failure> {
        for Bad { input, instrument } in bad.iter().copied() {
            self.tell_quarantine(input, instrument);
            self.admit(NoticeKind::Quarantine { input, instrument })?;
        }
        Ok(())
    }
}
