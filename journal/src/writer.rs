//! The thread that writes: it takes what waits, makes blocks of it, and tells how far it came.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::buffer::{Batch, Buffer};
use crate::disk::Disk;
use crate::files::failed;
use crate::tape::Tape;
use crate::{JournalError, Position};

/// How often the head is anchored while it moves (J3).
const ANCHOR_EVERY: Duration = Duration::from_secs(1);

/// Called when more is durable, and once when writing has failed.
pub(crate) type Waker = Box<dyn Fn(u64) + Send>;

/// How the thread is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// In order, behind everything that was appended.
    Close,
    /// At once.
    Abandon,
}

/// What those who append and the one who writes share under the lock.
pub(crate) struct State {
    pub buffer: Buffer,
    /// How many frames are durable.
    pub written: u64,
    pub end: Option<End>,
    pub failed: Option<JournalError>,
    /// Retention may not touch this block or a later one.
    pub keep_from: u64,
    pub standing: Standing,
}

/// How a journal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The last durable block.
    pub head: Position,
    /// The last one that the anchor file knows of.
    pub anchored: Option<Position>,
    /// How much the segments take.
    pub used_bytes: u64,
    /// How much they may take.
    pub budget_bytes: u64,
}

/// What all sides hold.
pub(crate) struct Shared {
    pub dir: PathBuf,
    pub state: Mutex<State>,
    /// There is something to do for the writer.
    pub work: Condvar,
    /// There is room in the buffer, more is durable, or writing has failed.
    pub news: Condvar,
    pub durable: AtomicU64,
    pub wakers: Mutex<Vec<Waker>>,
}

/// A lock that does not mind that somebody panicked: what it guards is changed in whole steps.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub fn new(dir: &Path, buffer: Buffer, standing: Standing) -> Self {
        let durable = AtomicU64::new(buffer.covered);
        let state = State { buffer, written: 0, end: None, failed: None, keep_from: 0, standing };
        let (state, wakers) = (Mutex::new(state), Mutex::default());
        let dir = dir.to_owned();
        Self { dir, state, work: Condvar::new(), news: Condvar::new(), durable, wakers }
    }

    fn wake(&self) {
        self.news.notify_all();
        let durable = self.durable.load(Ordering::Acquire);
        lock(&self.wakers).iter().for_each(|waker| waker(durable));
    }

    /// So many more frames are durable, and with them every input up to `sequence`.
    fn tell(&self, frames: u32, sequence: u64) {
        let mut state = lock(&self.state);
        state.written += u64::from(frames);
        // under the lock, as whoever waits has looked at it there
        let grew = self.durable.fetch_max(sequence, Ordering::AcqRel) < sequence;
        drop(state);
        if grew { self.wake() } else { self.news.notify_all() }
    }

    /// Nothing more will be written.
    pub fn fail(&self, error: JournalError) {
        tracing::error!(%error, "the journal cannot be written");
        lock(&self.state).failed.get_or_insert(error);
        self.wake();
    }
}

/// What the thread does next.
enum Turn {
    Write,
    Tell(u64),
    Anchor,
    End(End),
}

/// The thread's own.
pub(crate) struct Writer<D: Disk> {
    pub shared: Arc<Shared>,
    pub tape: Tape<D>,
    /// Asks for the next segment, and whether that was done.
    pub spare: SyncSender<()>,
    pub asked: bool,
    pub buffer_bytes: usize,
    /// How long after a block the next is begun.
    pub linger: Duration,
}

impl<D: Disk> Writer<D> {
    /// Writes until the end; the last position where that was in order.
    pub fn run(mut self, wall_ns: impl Fn() -> i64) -> Option<Position> {
        let _guard = Guard(self.shared.clone());
        let end = match self.work() {
            Ok(End::Abandon) => return None,
            Ok(End::Close) => self.tape.close(wall_ns()),
            Err(error) => Err(error),
        };
        end.map_err(|error| self.shared.fail(error)).ok()
    }

    fn work(&mut self) -> Result<End, JournalError> {
        let mut batch = Batch::default();
        let mut anchored = (self.tape.head().block, Instant::now());
        let mut rested = Instant::now();
        loop {
            let moved = self.tape.head().block != anchored.0;
            match self.turn(&mut batch, rested, moved.then(|| anchored.1 + ANCHOR_EVERY)) {
                Turn::End(end) => return Ok(end),
                Turn::Tell(sequence) => self.shared.tell(0, sequence),
                Turn::Write => {
                    rested = Instant::now() + self.linger;
                    self.write(&batch)?;
                }
                Turn::Anchor => {
                    self.tape.anchor()?;
                    anchored = (self.tape.head().block, Instant::now());
                    lock(&self.shared.state).standing.anchored = Some(self.tape.head());
                }
            }
        }
    }

    /// Waits for something to do; nothing is written before it has rested, unless it must. Nothing is on its
    /// way to the disk meanwhile, so what the buffer calls covered is durable.
    fn turn(&self, batch: &mut Batch, rested: Instant, anchor_at: Option<Instant>) -> Turn {
        batch.clear(self.buffer_bytes);
        let mut state = lock(&self.shared.state);
        loop {
            let covered = state.buffer.covered;
            let late = anchor_at.map(|at| at.saturating_duration_since(Instant::now()));
            if state.end == Some(End::Abandon) {
                return Turn::End(End::Abandon);
            } else if covered > self.shared.durable.load(Ordering::Acquire) {
                return Turn::Tell(covered);
            } else if late == Some(Duration::ZERO) {
                return Turn::Anchor;
            } else if !state.buffer.is_empty() {
                let rest = rested.saturating_duration_since(Instant::now());
                if !rest.is_zero() && state.end.is_none() && !state.buffer.has_a_block() {
                    drop(state);
                    // not by the condition: it is told of everything that comes
                    thread::sleep(rest);
                    state = lock(&self.shared.state);
                    continue;
                }
                state.buffer.swap(batch);
                self.shared.news.notify_all();
                return Turn::Write;
            } else if let Some(end) = state.end {
                return Turn::End(end);
            }
            let wait = late.unwrap_or(Duration::MAX);
            state = self.shared.work.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn show(&self) {
        let standing = &mut lock(&self.shared.state).standing;
        (standing.head, standing.used_bytes) = (self.tape.head(), self.tape.bytes());
    }

    fn write(&mut self, batch: &Batch) -> Result<(), JournalError> {
        for (piece, bytes) in batch.pieces() {
            let before = self.tape.bytes();
            self.tape.append(bytes, piece.records, piece.head)?;
            let begun = self.tape.bytes() > before;
            self.show();
            self.shared.tell(piece.records, piece.complete);
            if begun {
                self.asked = false;
                self.retain()?;
                self.show();
            }
            if self.tape.is_half_full() && !self.asked {
                // where it cannot be asked for the tape makes it when it is needed
                self.asked = self.spare.try_send(()).is_ok();
            }
        }
        Ok(())
    }

    /// A segment was begun: the oldest go while the tape is over its budget, except those that hold what
    /// has to stay (J10).
    fn retain(&mut self) -> Result<(), JournalError> {
        let State { keep_from, standing: Standing { budget_bytes, .. }, .. } = *lock(&self.shared.state);
        while self.tape.bytes() > budget_bytes
            && let Some(block) = self.tape.second_begins().filter(|block| *block <= keep_from)
        {
            self.tape.drop_before(block)?;
            tracing::info!(
                block,
                "the journal is over its budget: the segment before this block was dropped"
            );
        }
        let bytes = self.tape.bytes();
        if bytes > budget_bytes / 5 * 4 {
            tracing::warn!(bytes, budget_bytes, "the journal has used more than four fifths of its budget");
        }
        Ok(())
    }
}

/// Tells those who wait if the thread should ever panic.
struct Guard(Arc<Shared>);

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // no waker is called: it may be one that panicked
            let error =
                failed(&self.0.dir, "write")(io::Error::other("the writing thread panicked, which is a bug"));
            lock(&self.0.state).failed.get_or_insert(error);
            self.0.news.notify_all();
        }
    }
}
