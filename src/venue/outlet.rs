//! One connection's way out: a bounded queue, and the thread that writes what is in it.

use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long an answer that is held up waits.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a venue has patience with a reader.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// How many items wait for one reader at most.
pub(super) const QUEUE: usize = 4096;
/// What is written at once at most, in bytes.
const BATCH: usize = 64 << 10;

/// Something to be written.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// Whole lines.
    Lines(Arc<str>),
    /// Nothing for a while.
    Pause,
}

/// A connection's way out.
#[derive(Debug)]
pub(super) struct Outlet {
    queue: SyncSender<Item>,
    stream: UnixStream,
    writer: JoinHandle<()>,
}

impl Outlet {
    /// A way out to a stream; a reader that takes nothing for so long is gone.
    pub(super) fn open(stream: UnixStream, patience: Duration) -> std::io::Result<Self> {
        stream.set_write_timeout(Some(patience))?;
        let (queue, items) = sync_channel(QUEUE);
        let to = stream.try_clone()?;
        let writer = thread::Builder::new().name("venue writer".into()).spawn(move || write(to, &items))?;
        Ok(Self { queue, stream, writer })
    }

    /// Queues an item, without waiting.
    ///
    /// # Errors
    /// Where the queue is full, with the item, or the reader is gone.
    pub(super) fn put(&self, item: Item) -> Result<(), TrySendError<Item>> {
        self.queue.try_send(item)
    }

    /// Whether the reader is known to be gone.
    pub(super) fn is_gone(&self) -> bool {
        self.writer.is_finished()
    }

    /// Ends the connection at once; what waits is not written.
    pub(super) fn cut(self) {
        // a reader that has gone already is as good
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Ends the connection after all that waits; the thread to wait for.
    pub(super) fn close(self) -> JoinHandle<()> {
        self.writer
    }
}

/// Writes what comes until the queue is closed or the reader gone.
fn write(mut to: UnixStream, items: &Receiver<Item>) {
    let mut batch = String::new();
    while let Ok(first) = items.recv() {
        let mut next = Some(first);
        while let Some(item) = next.take() {
            match item {
                Item::Lines(lines) => batch.push_str(&lines),
                Item::Pause => {
                    if to.write_all(batch.as_bytes()).is_err() {
                        return;
                    }
                    batch.clear();
                    thread::sleep(PAUSE);
                }
            }
            next = if batch.len() < BATCH { items.try_recv().ok() } else { None };
        }
        if to.write_all(batch.as_bytes()).is_err() {
            let _ = to.shutdown(Shutdown::Both);
            return;
        }
        batch.clear();
    }
    let _ = to.shutdown(Shutdown::Write);
}
