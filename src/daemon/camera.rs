//! Snapshots (J6): cut by the loop, written by a thread of its own.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use journal::{Hash, JournalError, Marker, Reader, snapshots};

use crate::config::DaemonParams;
use crate::failure::Failure;

/// How many of the newest snapshots are kept, beside one a segment.
const KEPT: usize = 3;

/// Decides when a snapshot is due, and has it written.
pub(super) struct Camera {
    every: Duration,
    inputs: u64,
    last_at: Instant,
    last: Option<Marker>,
    last_sequence: u64,
    /// The heads of the tape when the newest ones were taken, oldest first.
    heads: VecDeque<u64>,
    film: Option<SyncSender<(u64, Vec<u8>)>>,
    thread: Option<JoinHandle<()>>,
}

impl Camera {
    /// One for a journal whose brain stands at an input, rebuilt from `last`.
    pub fn start(
        dir: PathBuf,
        params: &DaemonParams,
        last: Option<Marker>,
        sequence: u64,
    ) -> Result<Self, Failure> {
        let (film, frames) = sync_channel::<(u64, Vec<u8>)>(1);
        let body = move || {
            for (sequence, bytes) in frames {
                let kept = snapshots::put_snapshot(&dir, sequence, &bytes).and_then(|_| prune(&dir));
                if let Err(error) = kept {
                    tracing::error!(%error, sequence, "a snapshot was not kept; a restart takes the one before");
                }
            }
        };
        let thread = std::thread::Builder::new().name("snapshots".into()).spawn(body);
        let thread = thread.map_err(|e| Failure::Environment(format!("no thread for snapshots: {e}")))?;
        Ok(Self {
            every: Duration::from_secs(u64::from(params.snapshot_every_s)),
            inputs: params.snapshot_inputs,
            last_at: Instant::now(),
            last_sequence: last.map_or(sequence, |marker| marker.sequence),
            last,
            heads: VecDeque::new(),
            film: Some(film),
            thread: Some(thread),
        })
    }

    /// Whether a snapshot behind that input is due.
    pub fn is_due(&self, sequence: u64) -> bool {
        sequence.saturating_sub(self.last_sequence) >= self.inputs && self.last_at.elapsed() >= self.every
    }

    /// The newest snapshot's marker.
    pub const fn last(&self) -> Option<&Marker> {
        self.last.as_ref()
    }

    /// The block before which retention may drop: three snapshots are behind it, of which the newest two
    /// may still be on their way to the disk.
    pub fn keep_from(&self) -> Option<u64> {
        self.heads.front().copied().filter(|_| self.heads.len() == KEPT)
    }

    /// Has a state written, with the tape's head at `block`; the marker to append, or none where the one
    /// before is still being written.
    pub fn take(&mut self, mut marker: Marker, state: Vec<u8>, block: u64) -> Option<Marker> {
        marker.state = Hash::of(&state);
        match self.film.as_ref()?.try_send((marker.sequence, state)) {
            Ok(()) => {
                self.last_at = Instant::now();
                self.last_sequence = marker.sequence;
                self.last = Some(marker);
                self.heads.push_back(block);
                if self.heads.len() > KEPT {
                    self.heads.pop_front();
                }
                Some(marker)
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => None,
        }
    }

    /// Waits until all is written.
    pub fn finish(&mut self) {
        self.film = None;
        if let Some(thread) = self.thread.take() {
            // a panic there has been told on standard error
            let _ = thread.join();
        }
    }
}

/// Keeps the newest ones, and of each segment the last.
fn prune(dir: &std::path::Path) -> Result<(), JournalError> {
    let mut known = snapshots::list_snapshots(dir)?;
    if known.len() <= KEPT {
        return Ok(());
    }
    known.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.sequence));
    let mut keep: Vec<Hash> = known.iter().take(KEPT).map(|snapshot| snapshot.hash).collect();
    let reader = Reader::open(dir)?;
    let mut segments = BTreeSet::new();
    for snapshot in &known {
        let segment = reader.block_of(snapshot.sequence).map(|at| reader.headers()[at].segment);
        if segment.is_some_and(|segment| segments.insert(segment)) {
            keep.push(snapshot.hash);
        }
    }
    snapshots::prune(dir, &keep).map(drop)
}
