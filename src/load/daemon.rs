//! The daemon under load: a process of its own, and what the system tells of it.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::control::{self, Answer, Ask, Status};
use crate::failure::Failure;
use crate::sockets;

/// How long a start and an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The unit of processor time in `/proc`: a hundredth of a second on every Linux.
const TICKS_PER_S: f64 = 100.0;
/// How much of its last words are told.
const LAST_WORDS: u64 = 2_000;

/// A running daemon, and the folder of what it needs; both are gone when it is dropped.
pub(super) struct Daemon {
    child: Child,
    folder: PathBuf,
    pub(super) journal: PathBuf,
}

impl Daemon {
    /// Starts one with a configuration; the other end of its feed. `folder` is made, and `journal` is
    /// in it where none is given.
    pub(super) fn start(
        folder: PathBuf,
        journal: Option<PathBuf>,
        config: &str,
        set: &[String],
    ) -> Result<(Self, UnixStream), Failure> {
        let made = fs::create_dir(&folder).and_then(|()| fs::write(folder.join("config.toml"), config));
        made.map_err(|error| Failure::unwritable(&folder, &error))?;
        let socket = folder.join("feed.sock");
        let journal = journal.unwrap_or_else(|| folder.join("journal"));
        let begun = sockets::bind(&socket).and_then(|listener| {
            listener.set_nonblocking(true)?;
            let child = Command::new(std::env::current_exe()?)
                .args(["run", "--json", "--config"])
                .arg(folder.join("config.toml"))
                .arg("--journal")
                .arg(&journal)
                .args(set.iter().flat_map(|set| ["--set", set]))
                .arg(format!("unix:{}", socket.display()))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(File::create(folder.join("said"))?)
                .spawn()?;
            Ok((listener, child))
        });
        let (listener, child) = begun.map_err(|error| {
            // what there is of it is of no use
            let _ = fs::remove_dir_all(&folder);
            Failure::Environment(format!("{}: no daemon could be started: {error}", folder.display()))
        })?;
        let mut daemon = Self { child, folder, journal };
        let stream = daemon.wait("it did not connect to its feed", |_| match listener.accept() {
            Ok((stream, _)) => Some(Ok(stream)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => Some(Err(Failure::Environment(format!("its feed: {error}")))),
        })??;
        Ok((daemon, stream))
    }

    /// Looks again and again until there is something.
    fn wait<T>(&mut self, fault: &str, mut look: impl FnMut(&mut Self) -> Option<T>) -> Result<T, Failure> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look(self) {
                return Ok(found);
            }
            if Instant::now() > end || !matches!(self.child.try_wait(), Ok(None)) {
                return Err(self.failed(fault));
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// A failure, with the daemon's last words.
    pub(super) fn failed(&self, fault: &str) -> Failure {
        let mut words = Vec::new();
        if let Ok(mut said) = File::open(self.folder.join("said")) {
            let length = said.metadata().map_or(0, |about| about.len());
            // without its words the fault stands for itself
            let _ = said.seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS)));
            let _ = said.read_to_end(&mut words);
        }
        let words = String::from_utf8_lossy(&words);
        Failure::Environment(format!("the daemon under load: {fault}; it said: {}", words.trim_end()))
    }

    /// Asks it.
    pub(super) fn ask(&mut self, ask: &Ask) -> Result<Answer, Failure> {
        let journal = self.journal.clone();
        self.wait("it does not answer", |_| control::ask(&journal, ask).ok())
    }

    /// How it stands.
    pub(super) fn status(&mut self) -> Result<Status, Failure> {
        match self.ask(&Ask::Status)? {
            Answer::Status(status) => Ok(*status),
            other => Err(self.failed(&format!("its status was {other:?}"))),
        }
    }

    /// Lets it drain and end.
    pub(super) fn stop(&mut self) -> Result<(), Failure> {
        control::stop(&self.journal)?;
        let ended = self.child.wait();
        if ended.is_ok_and(|status| status.success()) { Ok(()) } else { Err(self.failed("it ended badly")) }
    }

    /// The processor time it has taken, seconds.
    pub(super) fn cpu_s(&self) -> f64 {
        cpu_s(Path::new(&format!("/proc/{}", self.child.id())))
    }

    /// The most memory it ever had, bytes.
    pub(super) fn peak_rss_bytes(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        peak_bytes(&text)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // it has ended already where all went well
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The processor time of a process, by its folder in `/proc`.
pub(super) fn cpu_s(process: &Path) -> f64 {
    ticks(&fs::read_to_string(process.join("stat")).unwrap_or_default()) as f64 / TICKS_PER_S
}

/// The fields 14 and 15 of `stat`, counted behind the name, which may hold anything.
fn ticks(stat: &str) -> u64 {
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

fn peak_bytes(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_tells_is_read() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 9 9 20 0 1 0 100 1000 10";
        assert_eq!(ticks(stat), 300);
        assert_eq!(peak_bytes("Name:\tjanus\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n"), 2 << 20);
        let own = std::fs::read_to_string("/proc/self/status").expect("a Linux");
        assert!(peak_bytes(&own) > 1 << 20);
    }
}
