//! What a daemon holds of a venue: a connection that comes back by itself.
//!
//! A request that [`Client::send`] did not hand over was not sent. One that it did is ambiguous until
//! it is answered: the connection may be lost with it on either way.

use std::io::{self, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use market::order::{Report, Request};

use super::outlet::{Item, Outlet};
use super::wire::{ANSWER_LIMIT, Answer, StateAnswer, ToVenue};
use crate::sockets::{read_line, to_line};

/// The first and the longest wait between attempts to connect.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];
/// A venue that takes nothing for so long is lost.
const PATIENCE: Duration = Duration::from_secs(5);
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
    stream: Option<UnixStream>,
    /// Where requests go, once the venue has let us in.
    requests: Option<Outlet>,
}

impl Shared {
    fn lock(shared: &Mutex<Self>) -> MutexGuard<'_, Self> {
        shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the connection, which its thread then notices.
    fn cut(&self) {
        if let Some(stream) = &self.stream {
            // one that is closed already is as good
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
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
        let mut shared = Shared::lock(&self.shared);
        shared.requests = None;
        shared.cut();
    }

    fn put(&self, said: &ToVenue) -> bool {
        let line = Item::Lines(to_line(said).into());
        Shared::lock(&self.shared).requests.as_ref().is_some_and(|to| to.put(line).is_ok())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let mut shared = Shared::lock(&self.shared);
        shared.is_stopped = true;
        shared.cut();
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
        let mut shared = Shared::lock(&self.shared);
        if shared.is_stopped {
            return Err(io::ErrorKind::Interrupted.into());
        }
        shared.stream = Some(stream.try_clone()?);
        Ok(stream)
    }

    /// Hands over what the venue says until the connection is lost; whether it had let us in, and why
    /// it is lost.
    fn converse(&self, stream: UnixStream) -> (bool, String) {
        let mut was_let_in = false;
        let lost = self.listen(BufReader::new(stream), &mut was_let_in);
        let mut shared = Shared::lock(&self.shared);
        shared.cut();
        (shared.requests, shared.stream) = (None, None);
        (was_let_in, lost)
    }

    fn listen(&self, mut reader: BufReader<UnixStream>, was_let_in: &mut bool) -> String {
        loop {
            let line = match read_line(&mut reader, ANSWER_LIMIT) {
                Ok(Some(line)) => line,
                Ok(None) => return "the venue closed the connection".into(),
                Err(error) => return error.to_string(),
            };
            let said = match serde_json::from_str(&line) {
                Err(error) => FromVenue::Error(format!("the venue's answer is not understood: {error}")),
                Ok(Answer::Welcome { .. }) if *was_let_in => continue,
                Ok(Answer::Welcome { .. }) => {
                    let to = reader.get_ref().try_clone().and_then(|to| Outlet::open(to, PATIENCE));
                    match to {
                        Ok(to) => Shared::lock(&self.shared).requests = Some(to),
                        Err(error) => return error.to_string(),
                    }
                    *was_let_in = true;
                    FromVenue::Connected
                }
                Ok(Answer::Report(told)) if told.id.run != self.run => continue,
                Ok(Answer::Report(told)) => FromVenue::Report(told.report(), told.serial),
                Ok(Answer::State(state)) => FromVenue::State(state.of(&self.run)),
                Ok(Answer::Error(error)) => FromVenue::Error(error),
            };
            let is_refused = !*was_let_in && matches!(said, FromVenue::Error(_));
            if !self.tell(said) {
                return "nobody listens".into();
            }
            if is_refused {
                return "the venue did not let us in".into();
            }
        }
    }

    /// Waits until the receiver has room; false where there is no receiver, or no wish to go on.
    fn tell(&self, mut said: FromVenue) -> bool {
        loop {
            match self.to.try_send(said) {
                Ok(()) => return true,
                Err(TrySendError::Disconnected(_)) => {
                    Shared::lock(&self.shared).is_stopped = true;
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
        Shared::lock(&self.shared).is_stopped
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;
    use std::os::unix::net::UnixListener;
    use std::sync::mpsc::sync_channel;

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
