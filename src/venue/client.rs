//! What a daemon holds of a venue: a connection that comes back by itself.
//!
//! A request that [`Client::send`] did not hand over was not sent. One that it did is ambiguous until
//! it is answered: the connection may be lost with it on either way.

use std::io::{self, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use market::order::{Report, Request};

use super::wire::{ANSWER_LIMIT, Answer, StateAnswer, ToVenue};
use crate::sockets::{read_line, to_line};

/// The first and the longest wait between attempts to connect.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];
/// A venue that takes nothing for so long is lost.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many requests wait to be written at most.
const QUEUE: usize = 1024;
/// How long a full receiver is left alone.
const NAP: Duration = Duration::from_millis(1);

/// What a venue, or the connection to it, says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromVenue {
    /// The venue has let us in; whatever was asked before is to be asked again.
    Connected,
    /// Something happened to an order; the venue's number of the report.
    Report(Report, u64),
    /// How everything stands, as asked.
    State(StateAnswer),
    /// The venue refused or did not understand something, or did not let us in.
    Error(String),
    /// The connection is lost, and why; another is tried for.
    Lost(String),
}

/// A connection to a venue.
#[derive(Debug)]
pub struct Client {
    run: String,
    shared: Arc<Mutex<Shared>>,
    thread: Option<JoinHandle<()>>,
}

/// What the caller's and the connection's thread both hold.
#[derive(Debug, Default)]
struct Shared {
    is_stopped: bool,
    /// Where requests go, once the venue has let us in.
    requests: Option<SyncSender<String>>,
    stream: Option<UnixStream>,
}

impl Client {
    /// Connects to the order socket of a venue, and connects again whenever that is lost, until it is
    /// dropped. What is heard goes to `to`; while that is full nothing is read.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(
        path: PathBuf,
        run: String,
        instruments: Vec<String>,
        to: SyncSender<FromVenue>,
    ) -> io::Result<Self> {
        let shared = Arc::<Mutex<Shared>>::default();
        let hello = to_line(&ToVenue::Hello { run: run.clone(), instruments });
        let link = Link { path, run: run.clone(), hello, shared: Arc::clone(&shared), to };
        let thread = thread::Builder::new().name("venue client".into()).spawn(move || link.keep())?;
        Ok(Self { run, shared, thread: Some(thread) })
    }

    /// Hands a request to a live connection, without waiting; whether there was one that took it.
    pub fn send(&self, request: &Request) -> bool {
        self.put(&ToVenue::of(&self.run, request))
    }

    /// Asks how everything stands, with the fills since an execution; whether that was handed over.
    pub fn query(&self, since_execution: u64) -> bool {
        self.put(&ToVenue::Query { since_execution })
    }

    /// Gives the connection up, so that no late answer of it is heard; another is tried for.
    pub fn reset(&self) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.requests = None;
        if let Some(stream) = &shared.stream {
            // one that is closed already is given up already
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn put(&self, said: &ToVenue) -> bool {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.requests.as_ref().is_some_and(|to| to.try_send(to_line(said)).is_ok())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.is_stopped = true;
        if let Some(stream) = &shared.stream {
            // it wakes the thread; one that is closed already needs no waking
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(shared);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // a panic there has been told on standard error
            let _ = thread.join();
        }
    }
}

/// The connection's thread.
struct Link {
    path: PathBuf,
    run: String,
    hello: String,
    shared: Arc<Mutex<Shared>>,
    to: SyncSender<FromVenue>,
}

impl Link {
    /// Connects, and connects again, until told to stop.
    fn keep(&self) {
        let [mut wait, longest] = BACK_OFF;
        let mut last = String::new();
        while !self.is_stopped() {
            match self.connect() {
                Ok(stream) => {
                    let (was_let_in, why) = self.converse(stream);
                    let mut shared = self.lock();
                    (shared.requests, shared.stream) = (None, None);
                    drop(shared);
                    if was_let_in {
                        (wait, last) = (BACK_OFF[0], String::new());
                    }
                    self.tell(FromVenue::Lost(why));
                }
                Err(error) => {
                    let why =
                        format!("{}: {error}; start the venue, or name its folder", self.path.display());
                    // once, not at every attempt
                    if why != last {
                        self.tell(FromVenue::Lost(why.clone()));
                        last = why;
                    }
                }
            }
            if !self.is_stopped() {
                thread::park_timeout(wait);
            }
            wait = (wait * 2).min(longest);
        }
    }

    fn connect(&self) -> io::Result<UnixStream> {
        let mut stream = UnixStream::connect(&self.path)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(self.hello.as_bytes())?;
        let mut shared = self.lock();
        if shared.is_stopped {
            return Err(io::ErrorKind::Interrupted.into());
        }
        shared.stream = Some(stream.try_clone()?);
        Ok(stream)
    }

    /// Hands over what the venue says until the connection is lost; whether it had let us in, and why
    /// it is lost.
    fn converse(&self, stream: UnixStream) -> (bool, String) {
        let mut writer = None;
        let lost = match stream.try_clone() {
            Ok(read) => self.listen(read, &stream, &mut writer),
            Err(error) => error.to_string(),
        };
        let _ = stream.shutdown(Shutdown::Both);
        let was_let_in = writer.is_some();
        self.lock().requests = None;
        if let Some(writer) = writer {
            let _ = writer.join();
        }
        (was_let_in, lost)
    }

    fn listen(&self, read: UnixStream, write: &UnixStream, writer: &mut Option<JoinHandle<()>>) -> String {
        let mut reader = BufReader::new(read);
        loop {
            let line = match read_line(&mut reader, ANSWER_LIMIT) {
                Ok(Some(line)) => line,
                Ok(None) => return "the venue closed the connection".into(),
                Err(error) => return error.to_string(),
            };
            let said = match serde_json::from_str(&line) {
                Err(error) => FromVenue::Error(format!("the venue's answer is not understood: {error}")),
                Ok(Answer::Welcome { .. }) if writer.is_some() => continue,
                Ok(Answer::Welcome { .. }) => match self.let_in(write) {
                    Ok(started) => {
                        *writer = Some(started);
                        FromVenue::Connected
                    }
                    Err(error) => return error.to_string(),
                },
                Ok(Answer::Report(told)) if told.id.run != self.run => continue,
                Ok(Answer::Report(told)) => FromVenue::Report(told.report(), told.serial),
                Ok(Answer::State(state)) => FromVenue::State(state),
                Ok(Answer::Error(error)) if writer.is_none() => {
                    self.tell(FromVenue::Error(error));
                    return "the venue did not let us in".into();
                }
                Ok(Answer::Error(error)) => FromVenue::Error(error),
            };
            if !self.tell(said) {
                return "nobody listens".into();
            }
        }
    }

    /// From now on requests are taken.
    fn let_in(&self, write: &UnixStream) -> io::Result<JoinHandle<()>> {
        let (requests, lines) = sync_channel(QUEUE);
        let to = write.try_clone()?;
        let writer = thread::Builder::new().name("venue requests".into());
        let started = writer.spawn(move || write_lines(to, &lines))?;
        self.lock().requests = Some(requests);
        Ok(started)
    }

    /// Waits until the receiver has room; false where there is no receiver, or no wish to go on.
    fn tell(&self, mut said: FromVenue) -> bool {
        loop {
            match self.to.try_send(said) {
                Ok(()) => return true,
                Err(TrySendError::Disconnected(_)) => {
                    self.lock().is_stopped = true;
                    return false;
                }
                Err(TrySendError::Full(back)) => said = back,
            }
            if self.is_stopped() {
                return false;
            }
            thread::park_timeout(NAP);
        }
    }

    fn is_stopped(&self) -> bool {
        self.lock().is_stopped
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what comes; where that fails the connection is at an end.
fn write_lines(mut to: UnixStream, lines: &Receiver<String>) {
    while let Ok(line) = lines.recv() {
        if to.write_all(line.as_bytes()).is_err() {
            let _ = to.shutdown(Shutdown::Both);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;
    use std::os::unix::net::UnixListener;

    use market::order::ReportKind;
    use market::{InstrumentId, Timestamp};

    use super::*;
    use crate::venue::{LINE_LIMIT, Told};

    const PATIENCE: Duration = Duration::from_secs(60);

    fn told(serial: u64, id: &str) -> String {
        let id = id.parse().expect("a name");
        to_line(&Answer::Report(Told { serial, id, time: Timestamp::from_ns(5), kind: ReportKind::Accepted }))
    }

    #[test]
    fn only_reports_of_its_own_run_are_heard_and_a_lost_venue_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("orders.sock");
        let (to, from) = sync_channel(8);
        let next = || from.recv_timeout(PATIENCE).expect("something is heard");
        let client = Client::start(path.clone(), "r".into(), vec!["X".into()], to).expect("a thread");
        assert!(matches!(next(), FromVenue::Lost(why) if why.contains("start the venue")));
        let id = market::order::ClientId { sequence: 1, instrument: InstrumentId(0), k: 2 };
        assert!(!client.send(&Request::Cancel(id)), "there is no venue");
        let listener = UnixListener::bind(&path).expect("a socket");
        let (mut venue, _) = listener.accept().expect("a client");
        let mut said = BufReader::new(venue.try_clone().expect("a clone"));
        let hello = read_line(&mut said, LINE_LIMIT).expect("a line").expect("a hello");
        assert_eq!(hello, r#"{"hello":{"run":"r","instruments":["X"]}}"#);
        assert!(!client.send(&Request::Cancel(id)), "it is not let in yet");
        let welcome = to_line(&Answer::Welcome { run: "r".into() });
        let all = [welcome, told(1, "s:1:0:2"), told(2, "r:1:0:2"), "nonsense\n".into()];
        venue.write_all(all.concat().as_bytes()).expect("written");
        assert_eq!(next(), FromVenue::Connected);
        assert!(matches!(next(), FromVenue::Report(report, 2) if report.id == id));
        assert!(matches!(next(), FromVenue::Error(error) if error.contains("not understood")));
        assert!(client.send(&Request::Cancel(id)));
        let mut line = String::new();
        said.read_line(&mut line).expect("a line");
        assert_eq!(line, "{\"cancel\":{\"id\":\"r:1:0:2\"}}\n");
        drop((venue, said));
        assert!(matches!(next(), FromVenue::Lost(_)));
    }
}
