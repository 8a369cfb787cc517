//! The daemon's end of the socket.

use std::fs;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt::socket_peercred;
use rustix::process::{Uid, geteuid};

use super::wire::{Answer, Ask};
use super::{LINE_LIMIT, socket_path};
use crate::failure::Failure;
use crate::sockets::{bind, read_line, to_line};

/// How many may be connected at once.
const MOST_CONNECTIONS: usize = 16;
/// How long a client may take to ask, and to take the answer.
const CLIENT_WITHIN: Duration = Duration::from_secs(10);

/// A question, and where its answer goes.
#[derive(Debug)]
pub struct Word {
    /// What is asked.
    pub ask: Ask,
    /// Takes one answer without blocking; where that fails the client has gone.
    pub answer: SyncSender<Answer>,
}

/// Listens until it is dropped.
///
/// Who asked to stop is kept on the line until then: drop it last, when the journal is closed.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    /// The device and number of our socket: another daemon's is not ours to remove.
    inode: (u64, u64),
    shared: Arc<Shared>,
}

/// What the threads of connections share.
#[derive(Debug, Default)]
struct Shared {
    ended: AtomicBool,
    /// Connections of users who may not command.
    strangers: AtomicU64,
    /// One clone is held by each connection.
    connection: Arc<()>,
    /// Clients who wait for the end.
    held: Mutex<Vec<(UnixStream, Arc<()>)>>,
}

impl Server {
    /// Listens in a journal's folder, and hands each question to `hand`, which may block and gives
    /// `false` where nobody answers any more.
    ///
    /// # Errors
    /// [`Failure::Environment`] where another daemon answers there, or the system does not let us.
    pub fn start(dir: &Path, hand: impl Fn(Word) -> bool + Send + Sync + 'static) -> Result<Self, Failure> {
        let path = socket_path(dir)?;
        if UnixStream::connect(&path).is_ok() {
            return Err(Failure::Environment(format!(
                "{}: another daemon answers here; stop it with `janus stop`, or give another folder with --journal",
                path.display()
            )));
        }
        let listen = bind(&path).and_then(|listener| Ok((listener, fs::symlink_metadata(&path)?)));
        let (listener, metadata) = listen.map_err(|error| Failure::unwritable(&path, &error))?;
        let inode = (metadata.dev(), metadata.ino());
        let shared = Arc::new(Shared::default());
        let (theirs, hand) = (Arc::clone(&shared), Arc::new(hand));
        spawn(move || accept(&listener, &theirs, &hand)).map_err(|e| Failure::unwritable(&path, &e))?;
        Ok(Self { path, inode, shared })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        let is_ours = |m: &fs::Metadata| (m.dev(), m.ino()) == self.inode;
        if fs::symlink_metadata(&self.path).is_ok_and(|m| is_ours(&m)) {
            // wakes the thread that accepts; where it cannot, that thread ends with the process
            let _ = UnixStream::connect(&self.path);
            let _ = fs::remove_file(&self.path);
        }
        self.shared.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn spawn(body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("control".into()).spawn(body).map(drop)
}

fn accept<F>(listener: &UnixListener, shared: &Arc<Shared>, hand: &Arc<F>)
where
    F: Fn(Word) -> bool + Send + Sync + 'static,
{
    for stream in listener.incoming() {
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else {
            // too many open files, say; a busy loop would make it worse
            thread::sleep(Duration::from_millis(100));
            continue;
        };
        if let Err(message) = admit(&stream) {
            let strangers = shared.strangers.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::warn!(strangers, "the control socket refused a client: {message}");
            let _ = send(&stream, &Answer::refused(3, message));
            continue;
        }
        let slot = Arc::clone(&shared.connection);
        if Arc::strong_count(&slot) - 1 > MOST_CONNECTIONS {
            let message = format!("busy: {MOST_CONNECTIONS} clients are connected; try again");
            let _ = send(&stream, &Answer::refused(3, message));
            continue;
        }
        let (shared, hand) = (Arc::clone(shared), Arc::clone(hand));
        // where no thread can be had the client sees its connection end
        let _ = spawn(move || serve(stream, slot, &shared, &*hand));
    }
}

/// Lets in whoever runs as the daemon's own user, or as root; the mode of a file can be changed by mistake, who
/// is at the other end cannot (MA-7).
fn admit(stream: &UnixStream) -> Result<(), String> {
    let ours = geteuid();
    match socket_peercred(stream) {
        Ok(peer) if peer.uid == ours || peer.uid == Uid::ROOT => Ok(()),
        Ok(peer) => Err(format!(
            "user {} may not command this daemon, which runs as user {}; ask as that user, or as root",
            peer.uid.as_raw(),
            ours.as_raw()
        )),
        Err(error) => Err(format!(
            "the system does not tell who asks: {error}; ask through the socket in the journal's folder"
        )),
    }
}

/// One question and its answer.
fn serve(stream: UnixStream, slot: Arc<()>, shared: &Shared, hand: &dyn Fn(Word) -> bool) {
    let until = Instant::now() + CLIENT_WITHIN;
    let mut reader = BufReader::new(Deadline { stream: &stream, until });
    let (answer, is_stop) = match read_line(&mut reader, LINE_LIMIT) {
        Ok(None) => return,
        Ok(Some(line)) => match serde_json::from_str::<Ask>(&line) {
            Ok(ask) => (answer(ask.clone(), hand), ask == Ask::Stop),
            Err(error) => (Answer::refused(2, format!("no such question: {error}")), false),
        },
        Err(error) => (Answer::refused(2, format!("the question could not be read: {error}")), false),
    };
    let is_sent = send(&stream, &answer).is_ok();
    if is_sent && is_stop && matches!(answer, Answer::Done { .. }) {
        let mut held = shared.held.lock().unwrap_or_else(PoisonError::into_inner);
        if !shared.ended.load(Ordering::SeqCst) {
            held.push((stream, slot));
        }
    }
}

/// Asks the daemon's loop.
fn answer(ask: Ask, hand: &dyn Fn(Word) -> bool) -> Answer {
    if let Err(message) = ask.check() {
        return Answer::refused(2, message);
    }
    let (within, (sender, receiver)) = (ask.answer_within(), sync_channel(1));
    if !hand(Word { ask, answer: sender }) {
        return Answer::refused(3, "the daemon is ending; nothing was done");
    }
    receiver.recv_timeout(within).unwrap_or_else(|_| {
        let text = "the daemon did not answer; whether it was done, `janus status` tells";
        Answer::refused(3, text)
    })
}

fn send(mut stream: &UnixStream, answer: &Answer) -> io::Result<()> {
    stream.set_write_timeout(Some(CLIENT_WITHIN))?;
    stream.write_all(to_line(answer).as_bytes())
}

/// Reads until a moment, however slowly the bytes come.
struct Deadline<'a> {
    stream: &'a UnixStream,
    until: Instant,
}

impl Read for Deadline<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(out)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::mpsc::Receiver;

    use super::super::{ask, stop};
    use super::*;

    /// A user who is nobody in particular.
    const NOBODY: u32 = 65_534;

    /// A daemon that answers each question with its own words, and tells when it has answered.
    fn daemon(dir: &Path) -> (Server, thread::JoinHandle<usize>) {
        let (sender, words): (_, Receiver<Word>) = sync_channel(4);
        let server = Server::start(dir, move |word| sender.send(word).is_ok()).expect("starts");
        let answers = thread::spawn(move || {
            let mut asked = 0;
            for word in words {
                asked += 1;
                let text = format!("{:?}", word.ask);
                word.answer.send(Answer::Done { sequence: Some(asked as u64), text }).expect("taken");
                if word.ask == Ask::Stop {
                    break;
                }
            }
            asked
        });
        (server, answers)
    }

    fn halt(by: &str) -> Ask {
        Ask::Halt { by: by.into(), reason: "news".into() }
    }

    #[test]
    fn only_its_user_may_connect_and_the_socket_goes_with_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("control.sock");
        let (server, _) = daemon(dir.path());
        let mode = fs::metadata(&path).expect("a socket").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!dir.path().join(".socket").exists());
        let second = Server::start(dir.path(), |_| true).expect_err("one answers here");
        assert!(second.to_string().contains("another daemon answers here"), "{second}");
        drop(server);
        assert!(!path.exists());
    }

    #[test]
    fn another_user_is_refused_though_the_socket_is_open_to_all() {
        if !geteuid().is_root() {
            eprintln!("skipped: only root can become another user to ask as");
            return;
        }
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("control.sock");
        let (server, _) = daemon(dir.path());
        let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
        open(dir.path(), 0o755).and_then(|()| open(&path, 0o666)).expect("everybody may open it");
        let at = dir.path().to_owned();
        let asked = move || {
            rustix::thread::set_thread_uid(Uid::from_raw(NOBODY)).expect("this thread is another user's");
            ask(&at, &halt("mallory"))
        };
        let refused = thread::spawn(asked).join().expect("it ends").expect("answered");
        let Answer::Refused { code: 3, message } = refused else { panic!("{refused:?}") };
        assert!(
            message.starts_with("user 65534 may not command this daemon, which runs as user 0"),
            "{message}"
        );
        assert_eq!(server.shared.strangers.load(Ordering::SeqCst), 1);
        let done = ask(dir.path(), &halt("ann")).expect("answered");
        assert!(
            matches!(done, Answer::Done { sequence: Some(1), .. }),
            "the loop saw no word of it: {done:?}"
        );
    }

    #[test]
    fn what_a_dead_daemon_left_is_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        drop(UnixListener::bind(dir.path().join("control.sock")).expect("bound"));
        fs::create_dir(dir.path().join(".socket")).expect("a folder");
        drop(UnixListener::bind(dir.path().join(".socket/s")).expect("bound"));
        assert!(ask(dir.path(), &Ask::Status).is_err(), "nobody answers");
        let (_server, _) = daemon(dir.path());
        assert!(ask(dir.path(), &Ask::Status).is_ok());
    }

    #[test]
    fn a_socket_of_another_daemon_is_left() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("control.sock");
        let (first, _) = daemon(dir.path());
        fs::remove_file(&path).expect("removed");
        let (_second, _) = daemon(dir.path());
        drop(first);
        assert!(path.exists());
        assert!(ask(dir.path(), &Ask::Status).is_ok());
    }

    #[test]
    fn a_path_too_long_is_told() {
        let dir = PathBuf::from(format!("/tmp/{}", "x".repeat(200)));
        let error = Server::start(&dir, |_| true).expect_err("too long");
        assert!(error.to_string().contains("a path of 218 bytes is too long for a socket"), "{error}");
    }

    #[test]
    fn questions_are_answered_by_the_loop_or_refused_before_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let (_server, loop_of) = daemon(dir.path());
        let done = |sequence, ask: &Ask| Answer::Done { sequence: Some(sequence), text: format!("{ask:?}") };
        assert_eq!(ask(dir.path(), &halt("ann")).expect("answered"), done(1, &halt("ann")));
        for bad in [halt(" "), Ask::Arm { by: "ann".into(), reason: String::new() }] {
            let refused = ask(dir.path(), &bad).expect("answered");
            assert!(matches!(refused, Answer::Refused { code: 2, .. }), "{refused:?}");
        }
        let long = Ask::Apply { config: "x".repeat(LINE_LIMIT), by: "ann".into(), reason: "r".into() };
        let refused = ask(dir.path(), &long).expect("answered");
        assert!(format!("{refused:?}").contains("longer than 1048576 bytes"), "{refused:?}");
        let mut raw = UnixStream::connect(dir.path().join("control.sock")).expect("connected");
        raw.write_all(b"{\"sell\":1}\n").expect("written");
        let mut text = String::new();
        raw.read_to_string(&mut text).expect("read");
        assert!(text.starts_with("{\"refused\":{\"code\":2,\"message\":\"no such question:"), "{text}");
        assert!(matches!(ask(dir.path(), &Ask::Stop), Ok(Answer::Done { .. })));
        assert_eq!(loop_of.join().expect("ended"), 2, "the loop saw only what was in order");
        assert!(matches!(ask(dir.path(), &Ask::Status), Ok(Answer::Refused { code: 3, .. })));
    }

    #[test]
    fn a_seventeenth_client_is_told_to_wait_until_one_goes() {
        let dir = tempfile::tempdir().expect("a folder");
        let (server, _) = daemon(dir.path());
        let idle = || UnixStream::connect(dir.path().join("control.sock")).expect("connected");
        let mut clients: Vec<UnixStream> = (0..MOST_CONNECTIONS).map(|_| idle()).collect();
        let busy = ask(dir.path(), &Ask::Status).expect("answered");
        assert!(
            matches!(&busy, Answer::Refused { code: 3, message } if message.starts_with("busy")),
            "{busy:?}"
        );
        clients.pop();
        let is_busy = || matches!(ask(dir.path(), &Ask::Status), Ok(Answer::Refused { .. }));
        while is_busy() {
            thread::yield_now();
        }
        drop(server);
    }

    #[test]
    fn who_asks_to_stop_is_held_until_the_end() {
        let dir = tempfile::tempdir().expect("a folder");
        let (server, loop_of) = daemon(dir.path());
        let (at, ended) = (dir.path().to_owned(), Arc::new(AtomicBool::new(false)));
        let seen = Arc::clone(&ended);
        let client = thread::spawn(move || {
            let answer = stop(&at);
            (answer, seen.load(Ordering::SeqCst))
        });
        loop_of.join().expect("asked to stop");
        while server.shared.held.lock().expect("sound").is_empty() {
            thread::yield_now();
        }
        ended.store(true, Ordering::SeqCst);
        drop(server);
        let (answer, was_ended) = client.join().expect("ended");
        assert!(matches!(answer, Ok(Answer::Done { .. })), "{answer:?}");
        assert!(was_ended);
    }
}
