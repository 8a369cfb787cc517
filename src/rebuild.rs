//! From a tape to a brain that is as it was: the nearest usable snapshot, then every record behind it
//! folded and compared (J6, D3). Replay proves a tape with it, a start goes on from it.

use std::collections::BTreeSet;
use std::path::Path;

use journal::{Hash, Manifest, Marker, Reader, Record, snapshots};
use prefrontal::{Law, Testimony};
use synapse::{Input, InputKind, NoticeKind};

use crate::assemble::actors;
use crate::blueprint::Blueprint;
use crate::brain::{Cut, Late, Rethink, Stray};
use crate::failure::Failure;
use crate::law::Rules;
use crate::policy::Backend;

/// Where to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The first record of the tape; where retention has dropped it, the oldest usable snapshot.
    Beginning,
    /// The newest usable snapshot that is not behind this sequence number.
    Snapshot(u64),
}

/// A usable snapshot, and where its marker stands: block, and record in it.
struct Usable {
    marker: Marker,
    cut: Cut,
    block: usize,
    record: usize,
}

/// A brain that has followed a tape so far.
pub struct Rebuilt {
    /// The brain.
    pub rethink: Rethink,
    /// What it is put together from now.
    pub blueprint: Blueprint,
    /// The snapshot it started from.
    pub from: Option<Marker>,
    watched: Vec<Watched>,
}

/// Rules that a witness judges every candidate by, beside those that decide.
#[derive(Debug, Clone)]
pub enum Watched {
    /// Those in force at the time.
    InForce,
    /// These, from beginning to end.
    Always(Rules),
}

impl Watched {
    fn law(&self, blueprint: &Blueprint) -> Result<Law, Failure> {
        let rules = match self {
            Self::InForce => &blueprint.rules,
            Self::Always(rules) => rules,
        };
        rules.law(&blueprint.config)
    }
}

/// Why a brain could not be rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum Obstacle {
    /// Something came out differently, or a region faulted.
    #[error(transparent)]
    Stray(#[from] Stray),
    /// Tape, artefact or configuration.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl Obstacle {
    /// As a command fails with it.
    pub fn into_failure(self) -> Failure {
        match self {
            Self::Failure(failure) => failure,
            Self::Stray(stray) => Failure::Check(format!("the tape cannot be thought again: {stray}")),
        }
    }
}

impl std::convert::From<journal::JournalError> for Obstacle {
    fn from(error: journal::JournalError) -> Self {
        Self::Failure(error.into())
    }
}

/// How to think again.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Inputs to fold as absent beside those that the tape quarantines.
    pub absent: BTreeSet<u64>,
    /// No input beyond this is folded.
    pub until: Option<u64>,
    /// Differences are let pass, the first and the largest remembered.
    pub lenient: bool,
    /// Another policy than that of the tape.
    pub policy: Option<Hash>,
    /// What runs the policy.
    pub backend: Backend,
    /// The regions run as actors.
    pub is_line: bool,
    /// The rules of witnesses; none where the regions run as actors.
    pub watched: Vec<Watched>,
}

/// Follows the tape of `dir` to its end, or to where `terms` end it; `progress` is told how many
/// blocks of how many are done.
///
/// # Errors
/// [`Obstacle`].
pub fn rebuild(
    dir: &Path,
    reader: &Reader,
    from: From,
    terms: &Terms,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Rebuilt, Obstacle> {
    rebuild_watched(dir, reader, from, terms, progress, &mut |_| {})
}

/// The same, where `heard` is told what the witnesses of `terms` say of each candidate.
///
/// # Errors
/// [`Obstacle`].
pub fn rebuild_watched(
    dir: &Path,
    reader: &Reader,
    from: From,
    terms: &Terms,
    progress: &mut dyn FnMut(usize, usize),
    heard: &mut dyn FnMut(Testimony),
) -> Result<Rebuilt, Obstacle> {
    let is_cut = reader.headers().first().is_some_and(|block| block.header.number != 0);
    let usable = match from {
        From::Beginning if is_cut => find(dir, reader, u64::MAX, Order::OldestFirst)?,
        From::Beginning => None,
        From::Snapshot(limit) => find(dir, reader, limit, Order::NewestFirst)?,
    };
    if is_cut && usable.is_none() {
        let message = format!(
            "{}: retention has dropped the beginning of the tape, and no snapshot behind it is usable; copy one back into snapshots/",
            dir.display()
        );
        return Err(Failure::Input(message).into());
    }
    let (block, record) = usable.as_ref().map_or((0, 0), |usable| (usable.block, usable.record + 1));
    let mut absent = quarantined(reader, block)?;
    absent.extend(&terms.absent);
    let activated = usable.as_ref().map_or(&[][..], |usable| usable.cut.activated());
    let mut rebuilt = begin(dir, reader.manifest(), activated, absent, terms)?;
    if let Some(Usable { marker, cut, .. }) = usable {
        if let Err(fault) = rebuilt.rethink.restore(cut) {
            let sequence = marker.sequence;
            tracing::warn!(sequence, %fault, "a snapshot is not of this build, the one before is taken");
            if from == From::Beginning {
                let message = format!(
                    "{}: the oldest snapshot is not of this build, and the tape before it was dropped: {fault}; use the build that wrote it",
                    dir.display()
                );
                return Err(Failure::Input(message).into());
            }
            let from = From::Snapshot(sequence.saturating_sub(1));
            return rebuild_watched(dir, reader, from, terms, progress, heard);
        }
        rebuilt.from = Some(marker);
    }
    rebuilt.watch(&terms.watched)?;
    if terms.is_line {
        rebuilt.rethink.mind_mut().host(actors(&rebuilt.blueprint.config, None)?);
    }
    let blocks = reader.headers().len();
    for at in block..blocks {
        let skip = if at == block { record } else { 0 };
        for record in reader.block(at)?.into_iter().skip(skip) {
            if let (Record::Input(input), Some(until)) = (&record, terms.until)
                && input.sequence > until
            {
                return Ok(rebuilt);
            }
            rebuilt.follow(dir, &record)?;
            rebuilt.take_testimony().into_iter().for_each(&mut *heard);
        }
        progress(at + 1, blocks);
    }
    Ok(rebuilt)
}

fn begin(
    dir: &Path,
    manifest: &Manifest,
    activated: &[[u8; 32]],
    absent: BTreeSet<u64>,
    terms: &Terms,
) -> Result<Rebuilt, Obstacle> {
    let mut blueprint = Blueprint::of(dir, manifest, terms.backend.clone())?;
    for hash in terms.policy.into_iter().chain(activated.iter().map(|hash| Hash(*hash))) {
        blueprint = blueprint.with(dir, &hash)?.0;
    }
    let mut rethink = blueprint.rethink(absent)?;
    if terms.lenient {
        rethink = rethink.lenient();
    }
    Ok(Rebuilt { rethink, blueprint, from: None, watched: Vec::new() })
}

impl Rebuilt {
    /// Calls a witness for each of these.
    fn watch(&mut self, watched: &[Watched]) -> Result<(), Failure> {
        for one in watched {
            let law = one.law(&self.blueprint)?;
            self.rethink.mind_mut().line_mut().prefrontal.watch(law);
        }
        self.watched = watched.to_vec();
        Ok(())
    }

    /// What the witnesses have said since this was asked last.
    fn take_testimony(&mut self) -> Vec<Testimony> {
        if self.watched.is_empty() {
            return Vec::new();
        }
        self.rethink.mind_mut().line_mut().prefrontal.take_testimony()
    }

    fn follow(&mut self, dir: &Path, record: &Record) -> Result<(), Obstacle> {
        if let Record::Input(input) = record {
            self.prepare(dir, input)?;
        }
        Ok(self.rethink.follow(record)?)
    }

    /// Folds an input that is not on the tape: the decisions that come of it.
    ///
    /// # Errors
    /// [`Obstacle`].
    pub fn again(&mut self, dir: &Path, input: &Input) -> Result<Vec<Late>, Obstacle> {
        self.prepare(dir, input)?;
        Ok(self.rethink.again(input)?)
    }

    /// Puts an artefact in its place where the input lets it take effect (R2).
    fn prepare(&mut self, dir: &Path, input: &Input) -> Result<(), Obstacle> {
        if let InputKind::Notice(kind) = &input.kind
            && let Some(hash) = kind.activates()
            && !self.rethink.mind().spine().absent().contains(&input.sequence)
        {
            let (blueprint, mut line) = self.blueprint.with(dir, &Hash(hash))?;
            self.blueprint = blueprint;
            if !self.watched.is_empty() {
                let laws = self.watched.iter().map(|one| one.law(&self.blueprint));
                let laws: Vec<Law> = laws.collect::<Result<_, _>>()?;
                line.prefrontal.watch_on(&self.rethink.mind().line().prefrontal, laws);
            }
            let set = self.rethink.mind_mut().set_line(line);
            set.map_err(|fault| Stray::of(input.sequence, fault))?;
        }
        Ok(())
    }
}

/// In which order snapshots are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    OldestFirst,
    NewestFirst,
}

/// The first snapshot whose marker stands on the tape and which decodes.
fn find(dir: &Path, reader: &Reader, limit: u64, order: Order) -> Result<Option<Usable>, Obstacle> {
    let mut known = snapshots::list_snapshots(dir)?;
    known.retain(|snapshot| snapshot.sequence <= limit);
    known.sort_by_key(|snapshot| snapshot.sequence);
    if order == Order::NewestFirst {
        known.reverse();
    }
    for snapshot in known {
        let Some((marker, block, record)) = find_marker(reader, snapshot.sequence, &snapshot.hash)? else {
            continue;
        };
        let cut = snapshots::get_snapshot(dir, snapshot.sequence, &snapshot.hash)
            .map_err(|error| error.to_string())
            .and_then(|bytes| Cut::from_bytes(&bytes).map_err(|fault| fault.to_string()));
        match cut {
            Ok(cut) => return Ok(Some(Usable { marker, cut, block, record })),
            Err(error) => {
                tracing::warn!(sequence = snapshot.sequence, %error, "a snapshot is of no use, the one before is taken");
            }
        }
    }
    Ok(None)
}

fn find_marker(
    reader: &Reader,
    sequence: u64,
    state: &Hash,
) -> Result<Option<(Marker, usize, usize)>, Obstacle> {
    let Some(first) = reader.block_of(sequence) else { return Ok(None) };
    for at in first..reader.headers().len() {
        for (place, record) in reader.block(at)?.iter().enumerate() {
            match record {
                Record::Marker(marker) if marker.sequence == sequence && marker.state == *state => {
                    return Ok(Some((*marker, at, place)));
                }
                Record::Input(input) if input.sequence > sequence => return Ok(None),
                _ => {}
            }
        }
    }
    Ok(None)
}

/// The inputs that the tape quarantines from `block` on: they act backwards, so they are read first
/// (S2). Whatever was quarantined before a snapshot is not in it.
fn quarantined(reader: &Reader, block: usize) -> Result<BTreeSet<u64>, Obstacle> {
    let mut absent = BTreeSet::new();
    for record in reader.records_from(block) {
        if let Record::Input(input) = record?
            && let InputKind::Notice(NoticeKind::Quarantine { input, .. }) = input.kind
        {
            absent.insert(input);
        }
    }
    Ok(absent)
}
