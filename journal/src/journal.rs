//! The journal as the rest of the house sees it: many may append, one thread writes.
//!
//! The thread takes what waits, makes blocks of it, and what is appended meanwhile is the next batch. A lone
//! record is written at once; where records follow each other, a block begins no sooner than
//! [`Options::linger`] after the one before, since each costs a write of its own.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::buffer::Buffer;
use crate::codec::{self, MAX_RAW_BYTES};
use crate::disk::{Disk, RealDisk};
use crate::files::failed;
use crate::lock::Lock;
use crate::segments::{DEFAULT_SEGMENT_BYTES, Spare};
use crate::tape::Tape;
use crate::writer::{End, Shared, Standing, Writer, lock};
use crate::{Entry, Head, JournalError, Manifest, Note, Opening, Position};

/// How a journal is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How large a segment is.
    pub segment_bytes: u64,
    /// How much may wait for the disk; who appends more waits too (L7). As much again may be on its way.
    pub buffer_bytes: usize,
    /// How large the frames of a block may be together; a larger one has a block to itself.
    pub block_bytes: usize,
    /// How much the segments may take together, before the oldest go where [`Journal::keep_from`]
    /// allows it (J10).
    pub budget_bytes: u64,
    /// How long after a block was begun the next one is, unless more than a block waits: what comes meanwhile
    /// goes to the disk together. What comes after a pause is written at once.
    pub linger: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: DEFAULT_SEGMENT_BYTES,
            buffer_bytes: 8 << 20,
            block_bytes: 256 << 10,
            budget_bytes: 64 << 30,
            linger: Duration::ZERO,
        }
    }
}

/// A journal, to write.
///
/// Dropped without [`Journal::close`] it ends as in a crash: what waits is lost, and the next to open
/// it is told.
pub struct Journal {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<Option<Position>>>,
    spare: Option<JoinHandle<()>>,
    _lock: Lock,
}

impl Journal {
    /// Begins a journal in a folder, which is made where it is missing.
    ///
    /// # Errors
    /// Where there is a journal already, another process writes it, or the disk fails.
    pub fn create(dir: &Path, manifest: &Manifest, options: &Options) -> Result<Self, JournalError> {
        Self::create_on(RealDisk, dir, manifest, options)
    }

    /// [`Journal::create`] with the tape on any disk; the lock stands on this machine's.
    pub fn create_on<D: Disk>(
        disk: D,
        dir: &Path,
        manifest: &Manifest,
        options: &Options,
    ) -> Result<Self, JournalError> {
        fs::create_dir_all(dir).map_err(failed(dir, "make the folder"))?;
        let lock = Lock::take(dir, wall_ns())?;
        let tape = Tape::create(disk, dir, manifest, options.segment_bytes)?;
        let journal = Self::start(tape, dir, options, 0, lock)?;
        journal.begin(0, false, &[], Head::default())?;
        Ok(journal)
    }

    /// Opens a journal to go on with it, and says what was found.
    ///
    /// # Errors
    /// Where there is none or it is damaged, another process writes it, or the disk fails.
    pub fn open(dir: &Path, options: &Options) -> Result<(Self, Opening), JournalError> {
        // before the lock, which would leave a file in a folder that is no journal
        if !crate::exists(dir)? {
            return Err(JournalError::Missing { path: dir.to_owned() });
        }
        let lock = Lock::take(dir, wall_ns())?;
        let (tape, opening) = Tape::open(RealDisk, dir, options.segment_bytes)?;
        let last = *tape.last();
        // the last input of a process that crashed may lack decisions
        let complete = last.sequence_last.saturating_sub(u64::from(!opening.closed));
        let head = last.head();
        let journal = Self::start(tape, dir, options, complete, lock)?;
        journal.begin(opening.epoch, !opening.closed, &opening.set_aside, head)?;
        Ok((journal, opening))
    }

    fn start<D: Disk>(
        tape: Tape<D>,
        dir: &Path,
        options: &Options,
        complete: u64,
        lock: Lock,
    ) -> Result<Self, JournalError> {
        // a block has to fit into a segment, also where it does not compress
        let block_bytes = options.block_bytes.min(MAX_RAW_BYTES).min(options.segment_bytes as usize / 2);
        let standing = Standing {
            head: tape.head(),
            anchored: None,
            used_bytes: tape.bytes(),
            budget_bytes: options.budget_bytes,
        };
        let buffer = Buffer::new(block_bytes, options.buffer_bytes, complete);
        let shared = Arc::new(Shared::new(dir, buffer, standing));
        let (ask, asked) = mpsc::sync_channel(1);
        let spare = tape.spare();
        let Options { buffer_bytes, linger, .. } = *options;
        let own = shared.clone();
        let writer = Writer { shared: own, tape, spare: ask, asked: false, buffer_bytes, linger };
        let thread = |name: &str| thread::Builder::new().name(name.into());
        let spare = thread("journal-spare").spawn(move || prepare(&spare, &asked));
        let spare = spare.map_err(failed(dir, "start a thread"))?;
        let writer = thread("journal").spawn(move || writer.run(wall_ns));
        let writer = writer.map_err(failed(dir, "start a thread"))?;
        let (writer, spare) = (Some(writer), Some(spare));
        Ok(Self { shared, writer, spare, _lock: lock })
    }

    /// The first words of a process.
    fn begin(&self, epoch: u32, after_crash: bool, aside: &[Note], head: Head) -> Result<(), JournalError> {
        let build = env!("CARGO_PKG_VERSION").into();
        self.append(Entry::Note(&Note::Opened { epoch, build, wall_ns: wall_ns(), after_crash }), head);
        aside.iter().for_each(|note| self.append(Entry::Note(note), head));
        self.wait()
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// Adds a record, which is encoded at once; `head` is where the brain is behind it. Waits while the
    /// buffer is full. Once writing has failed it does nothing: see [`Journal::failed`].
    pub fn append(&self, entry: Entry<'_>, head: Head) {
        let mut state = lock(&self.shared.state);
        while state.failed.is_none() {
            let sleeps = state.buffer.is_empty();
            match state.buffer.push(entry, head, codec::frame) {
                Ok(true) => {
                    drop(state);
                    return if sleeps {
                        self.shared.work.notify_one()
                    };
                }
                Ok(false) => state = self.shared.news.wait(state).unwrap_or_else(PoisonError::into_inner),
                Err(what) => {
                    drop(state);
                    return self.shared.fail(JournalError::Refused { what });
                }
            }
        }
    }

    /// Says that every decision made by this input, and by those before it, was appended. The next
    /// input says so too; only of the last one it has to be said.
    pub fn complete(&self, sequence: u64) {
        lock(&self.shared.state).buffer.complete(sequence);
        self.shared.work.notify_one();
    }

    /// The last input that is durable together with every decision made by it and by those before it.
    pub fn durable(&self) -> u64 {
        self.shared.durable.load(Ordering::Acquire)
    }

    /// Has `waker` called with [`Journal::durable`] whenever that has grown, and when writing has
    /// failed. It is mostly called on the writing thread, which waits for it, and must not append.
    pub fn subscribe(&self, waker: Box<dyn Fn(u64) + Send>) {
        lock(&self.shared.wakers).push(waker);
    }

    /// Waits until everything that was appended before is durable, and told by [`Journal::durable`]
    /// where it is complete.
    ///
    /// # Errors
    /// Where writing has failed.
    pub fn wait(&self) -> Result<(), JournalError> {
        let mut state = lock(&self.shared.state);
        let (frames, complete) = (state.buffer.appended, state.buffer.complete);
        while state.written < frames || self.durable() < complete {
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            state = self.shared.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// Why nothing more is written, if that is so.
    pub fn failed(&self) -> Option<String> {
        lock(&self.shared.state).failed.as_ref().map(ToString::to_string)
    }

    /// How it stands now.
    pub fn standing(&self) -> Standing {
        lock(&self.shared.state).standing
    }

    /// Allows retention to drop the segments that lie wholly before this block.
    pub fn keep_from(&self, block: u64) {
        lock(&self.shared.state).keep_from = block;
    }

    /// Ends in order: writes what waits and a last block, anchors it, lets go of the lock. The last
    /// input counts as complete.
    ///
    /// # Errors
    /// Where writing has failed.
    pub fn close(mut self) -> Result<Position, JournalError> {
        let closed = self.end(End::Close);
        let state = lock(&self.shared.state);
        match (closed, &state.failed) {
            (Some(position), None) => Ok(position),
            (_, Some(error)) => Err(error.clone()),
            (None, None) => Err(failed(self.dir(), "close")(io::Error::other("it is closed already"))),
        }
    }

    fn end(&mut self, end: End) -> Option<Position> {
        lock(&self.shared.state).end.get_or_insert(end);
        self.shared.work.notify_one();
        let closed = self.writer.take().and_then(|writer| writer.join().ok().flatten());
        // with the writer went the only one who asks it for segments
        self.spare.take().map(JoinHandle::join);
        closed
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.end(End::Abandon);
    }
}

/// Makes segments ahead of their need, beside the writer and slower than it, until nobody asks.
fn prepare<D: Disk>(spare: &Spare<D>, asked: &mpsc::Receiver<()>) {
    for () in asked {
        if let Err(error) = spare.prepare() {
            tracing::warn!(%error, "the next segment could not be prepared; the writer will try it itself");
        }
    }
}

/// Nanoseconds since the epoch by the clock of the machine.
pub(crate) fn wall_ns() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
