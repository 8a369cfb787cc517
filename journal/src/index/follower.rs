//! The thread that keeps the index just behind the tape.

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Index, IndexOptions};
use crate::{JournalError, give_way};

/// How long the follower pauses at least between two looks at the tape.
const PAUSE: Duration = Duration::from_millis(200);
/// And how many times as long as the look took: it has the least share of the machine.
const PAUSES_A_LOOK: u32 = 19;

/// A running follower; it stops when this is dropped.
#[derive(Debug)]
pub struct Follower(Option<(Sender<()>, JoinHandle<()>)>);

/// Follows the journal in `dir` from a thread of its own until it is stopped. A failure is logged and
/// the thread ends: the tape is whole without it, and the next to open the index heals it.
///
/// # Errors
/// Where the system gives no thread.
pub fn spawn_follower(dir: &Path, options: IndexOptions) -> io::Result<Follower> {
    let (running, stopped) = channel();
    let dir = dir.to_owned();
    let body = move || {
        // sled's own threads are started by this one
        give_way();
        if let Err(error) = follow(&dir, options, &stopped) {
            tracing::warn!(%error, "the index is no longer kept up to date; the tape is not touched by that");
        }
    };
    let thread = thread::Builder::new().name("index".into()).spawn(body)?;
    Ok(Follower(Some((running, thread))))
}

fn follow(dir: &Path, options: IndexOptions, stopped: &Receiver<()>) -> Result<(), JournalError> {
    let mut index = Index::open(dir, options)?;
    let mut pause = PAUSE;
    loop {
        let stop = stopped.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected);
        let look = Instant::now();
        index.catch_up()?;
        if stop {
            return Ok(());
        }
        pause = PAUSE.max(look.elapsed() * PAUSES_A_LOOK);
    }
}

impl Follower {
    /// Has it take in what is on the tape, close the index and end.
    pub fn stop(self) {}
}

impl Drop for Follower {
    fn drop(&mut self) {
        let Some((running, thread)) = self.0.take() else { return };
        drop(running);
        if thread.join().is_err() {
            tracing::warn!("the thread of the index ended in a panic");
        }
    }
}
