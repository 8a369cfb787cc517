//! The venue's sockets, and what comes in there.

use std::io::{self, BufReader};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::SyncSender;
use std::thread;

use super::wire::{LINE_LIMIT, ToVenue};
use crate::failure::Failure;
use crate::sockets::{self, read_line};

/// What comes in from outside.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A subscriber to the market.
    Market(UnixStream),
    /// An order connection, by a number of its own.
    Orders(u64, UnixStream),
    /// It said something, or what was wrong with its line.
    Said(u64, Result<ToVenue, String>),
    /// It is gone.
    Gone(u64),
    /// The process is asked to stop.
    Stop,
}

/// A socket at a path, where no other venue listens.
pub(super) fn bind(path: &Path) -> Result<UnixListener, Failure> {
    if UnixStream::connect(path).is_ok() {
        let message =
            format!("{}: a venue listens there already; stop it, or choose another folder", path.display());
        return Err(Failure::Environment(message));
    }
    sockets::bind(path).map_err(|error| {
        Failure::Environment(format!(
            "{}: {error}; choose a folder that can be written and whose path has fewer than 90 bytes",
            path.display()
        ))
    })
}

/// Hands over each subscriber, for ever.
pub(super) fn accept_market(listener: &UnixListener, to: &SyncSender<Incoming>) {
    for stream in listener.incoming().flatten() {
        if to.send(Incoming::Market(stream)).is_err() {
            return;
        }
    }
}

/// Hands over each order connection and what it says, for ever.
pub(super) fn accept_orders(listener: &UnixListener, to: &SyncSender<Incoming>) {
    for (number, stream) in (0..).zip(listener.incoming().flatten()) {
        let Ok(from) = stream.try_clone() else { continue };
        if to.send(Incoming::Orders(number, stream)).is_err() {
            return;
        }
        let own = to.clone();
        let reader = thread::Builder::new().name("venue reader".into());
        if reader.spawn(move || listen(number, from, &own)).is_err()
            && to.send(Incoming::Gone(number)).is_err()
        {
            return;
        }
    }
}

/// Hands over each line of a connection until it ends.
fn listen(number: u64, from: UnixStream, to: &SyncSender<Incoming>) {
    let mut reader = BufReader::new(from);
    loop {
        let (said, is_last) = match read_line(&mut reader, LINE_LIMIT) {
            Ok(Some(line)) => (serde_json::from_str(&line).map_err(|e| misunderstood(&e)), false),
            Ok(None) => break,
            Err(error) => (Err(error.to_string()), true),
        };
        if to.send(Incoming::Said(number, said)).is_err() {
            return;
        }
        if is_last {
            break;
        }
    }
    // a venue that has ended hears nothing
    let _ = to.send(Incoming::Gone(number));
}

fn misunderstood(error: &serde_json::Error) -> String {
    format!("not understood: {error}; say hello, place, cancel, replace or query, one object a line")
}

/// Hands over the wish of SIGTERM or SIGINT.
pub(super) fn accept_signals(to: SyncSender<Incoming>) -> io::Result<()> {
    let (mut from, signal) = UnixStream::pair()?;
    for number in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::low_level::pipe::register(number, signal.try_clone()?)?;
    }
    let wait = move || {
        if io::Read::read(&mut from, &mut [0]).is_ok() {
            let _ = to.send(Incoming::Stop);
        }
    };
    thread::Builder::new().name("venue signals".into()).spawn(wait).map(drop)
}
