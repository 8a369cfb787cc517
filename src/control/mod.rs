//! The control socket: how an operator speaks to a running daemon.
//!
//! One JSON line in, one JSON line out, over a Unix socket in the journal's folder that only the
//! daemon's own user can open, and through which nobody but that user and root is heard (MA-7). The thread of a connection reads and writes; the daemon's loop alone
//! answers, in its own time.

mod client;
mod server;
mod status;
mod wire;

use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use client::{ask, is_answered, stop};
pub use server::{Server, Word};
pub use status::{Disk, FeedStatus, HeadStatus, Order, RegionStatus, SnapshotStatus, Status, VenueStatus};
pub use wire::{Answer, Ask};

use crate::failure::Failure;

/// The longest question: the text of a configuration fits.
pub const LINE_LIMIT: usize = 1 << 20;

/// The socket's path, which must fit into an address of the system.
fn socket_path(dir: &Path) -> Result<PathBuf, Failure> {
    let path = dir.join("control.sock");
    SocketAddr::from_pathname(&path).map_err(|_| {
        Failure::Environment(format!(
            "{}: a path of {} bytes is too long for a socket, which takes about 100; give a shorter folder with --journal, or one relative to where you are",
            path.display(),
            path.as_os_str().len()
        ))
    })?;
    Ok(path)
}
