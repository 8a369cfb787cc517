//! Snapshots (J6): cut by the loop, written by a thread of its own.

use std::cmp::Reverse;
use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use journal::{Hash, JournalError, Marker, give_way, segment_starts, snapshots};

use crate::config::DaemonParams;
use crate::failure::Failure;

/// How many of the newest snapshots are kept, beside one a segment.
const KEPT: usize = 3;

/// A snapshot that was cut: its marker, and the head of the tape at that time.
#[derive(Debug, Clone, Copy)]
struct Shot {
    marker: Marker,
    block: u64,
}

/// Decides when a snapshot is due, and has it written.
pub(super) struct Camera {
    every: Duration,
    inputs: u64,
    last_at: Instant,
    last_sequence: u64,
    /// Cut, and not known to be on the disk.
    cut: VecDeque<Shot>,
    /// On the disk, oldest first.
    kept: VecDeque<Shot>,
    film: Option<SyncSender<(u64, Vec<u8>)>>,
    /// Which were written, and whether that went well.
    written: Receiver<(u64, bool)>,
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
        let (tell, written) = channel();
        let body = move || {
            give_way();
            for (sequence, bytes) in frames {
                let kept = snapshots::put_snapshot(&dir, sequence, &bytes).and_then(|_| prune(&dir));
                if let Err(error) = &kept {
                    tracing::error!(%error, sequence, "a snapshot was not kept; a restart takes the one before");
                }
                // whoever ended needs no word
                let _ = tell.send((sequence, kept.is_ok()));
            }
        };
        let thread = std::thread::Builder::new().name("snapshots".into()).spawn(body);
        let thread = thread.map_err(|e| Failure::Environment(format!("no thread for snapshots: {e}")))?;
        Ok(Self {
            every: Duration::from_secs(u64::from(params.snapshot_every_s)),
            inputs: params.snapshot_inputs,
            last_at: Instant::now(),
            last_sequence: last.map_or(sequence, |marker| marker.sequence),
            cut: VecDeque::new(),
            kept: last.map(|marker| Shot { marker, block: 0 }).into_iter().collect(),
            film: Some(film),
            written,
            thread: Some(thread),
        })
    }

    /// Whether a snapshot behind that input is due.
    pub fn is_due(&self, sequence: u64) -> bool {
        sequence.saturating_sub(self.last_sequence) >= self.inputs && self.last_at.elapsed() >= self.every
    }

    /// The newest snapshot on the disk.
    pub fn last(&self) -> Option<&Marker> {
        self.kept.back().map(|shot| &shot.marker)
    }

    /// Takes note of what was written.
    pub fn look(&mut self) {
        for (sequence, is_kept) in self.written.try_iter() {
            let Some(at) = self.cut.iter().position(|shot| shot.marker.sequence == sequence) else {
                continue;
            };
            let shot = self.cut.remove(at).filter(|_| is_kept);
            self.kept.extend(shot);
            if self.kept.len() > KEPT {
                self.kept.pop_front();
            }
        }
    }

    /// The block before which retention may drop: three snapshots on the disk are behind it, and their
    /// markers are durable, for the input behind the last of them is.
    pub fn keep_from(&self, durable: u64) -> Option<u64> {
        let is_safe = self.kept.len() == KEPT && self.last()?.sequence < durable;
        self.kept.front().filter(|_| is_safe).map(|shot| shot.block)
    }

    /// Has a state written, with the tape's head at `block`; the marker to append, or none where the one
    /// before is still being written.
    pub fn take(&mut self, mut marker: Marker, state: Vec<u8>, block: u64) -> Option<Marker> {
        marker.state = Hash::of(&state);
        match self.film.as_ref()?.try_send((marker.sequence, state)) {
            Ok(()) => {
                self.last_at = Instant::now();
                self.last_sequence = marker.sequence;
                self.cut.push_back(Shot { marker, block });
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
fn prune(dir: &Path) -> Result<(), JournalError> {
    let mut known = snapshots::list_snapshots(dir)?;
    if known.len() <= KEPT {
        return Ok(());
    }
    known.sort_by_key(|snapshot| Reverse(snapshot.sequence));
    let starts = segment_starts(dir)?;
    let mut segments = BTreeSet::new();
    let mut is_last = |sequence| segments.insert(starts.partition_point(|start| *start <= sequence).max(1));
    let keep = known.iter().enumerate().filter(|(at, snapshot)| is_last(snapshot.sequence) || *at < KEPT);
    let keep: Vec<Hash> = keep.map(|(_, snapshot)| snapshot.hash).collect();
    snapshots::prune(dir, &keep).map(drop)
}
