//! Somebody is told (G9): each latch and each quarantine is an error in the log, and runs a command.
//!
//! The command has a thread of its own and a bounded queue, so that nothing which decides or sends ever
//! waits for it. There is no shell unless the command names one: its words are what spaces part.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use synapse::LatchCause;

use crate::failure::Failure;
use crate::sockets::to_line;

/// How many events may wait for the command.
const WAITING: usize = 8;
/// A command that runs longer is killed.
const WITHIN: Duration = Duration::from_secs(10);
/// How often a running command is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What somebody is to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// What happened.
    pub event: What,
    /// Why: the cause of a latch, or the instrument of a quarantined input.
    pub cause: String,
    /// The run's name.
    pub run: String,
    /// The input that it happened with.
    pub sequence: u64,
    /// The time of that input.
    pub time: String,
}

/// What happens that somebody has to know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The latch was set: nothing new is sent.
    Latch,
    /// An input failed twice, and is folded as absent from here on.
    Quarantine,
}

impl What {
    /// Its name, as JSON and the environment have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latch => "latch",
            Self::Quarantine => "quarantine",
        }
    }
}

/// Tells a latch that is new from one that goes on.
#[derive(Debug, Default)]
pub struct LatchWatch {
    last: Option<LatchCause>,
}

impl LatchWatch {
    /// Looks at the latch; its cause where that is news. A latch found at the first look is: the process
    /// before may have died before it could tell.
    pub fn look(&mut self, latch: Option<LatchCause>) -> Option<LatchCause> {
        let before = std::mem::replace(&mut self.last, latch);
        latch.filter(|_| before != latch)
    }
}

/// How often the command ran, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// It ran to a good end.
    pub runs: u64,
    /// It could not be started, ended with a failure, or was killed.
    pub failures: u64,
    /// Events it was not run for: too many waited.
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Counts {
    runs: AtomicU64,
    failures: AtomicU64,
    dropped: AtomicU64,
}

/// Tells the log, and runs the command.
#[derive(Debug)]
pub struct Notifier {
    command: String,
    counts: Arc<Counts>,
    thread: Option<Runner>,
}

/// The ends of the thread that runs commands.
#[derive(Debug)]
struct Runner {
    events: SyncSender<Event>,
    ended: Receiver<()>,
}

impl Notifier {
    /// One that runs `command`; an empty one runs nothing.
    ///
    /// # Errors
    /// [`Failure::Environment`] where no thread can be had.
    pub fn start(command: &str) -> Result<Self, Failure> {
        Self::bounded(command, WITHIN)
    }

    fn bounded(command: &str, within: Duration) -> Result<Self, Failure> {
        let counts = Arc::new(Counts::default());
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        let command = command.to_owned();
        if words.is_empty() {
            return Ok(Self { command, counts, thread: None });
        }
        let (events, waiting) = sync_channel::<Event>(WAITING);
        let (tell_end, ended) = channel();
        let theirs = Arc::clone(&counts);
        let body = move || {
            for event in waiting {
                run(&words, &event, within, &theirs);
            }
            // whoever started this may have gone first
            let _ = tell_end.send(());
        };
        let spawned = thread::Builder::new().name("notify".into()).spawn(body);
        spawned.map_err(|e| Failure::Environment(format!("no thread for daemon.notify: {e}")))?;
        Ok(Self { command, counts, thread: Some(Runner { events, ended }) })
    }

    /// The command, as it was given.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Tells the log at once and the command in its turn; never waits.
    pub fn tell(&self, event: Event) {
        let Event { event: what, cause, run, sequence, time } = &event;
        tracing::error!(run, sequence, time, cause, "{}: somebody has to look", what.name());
        let Some(Runner { events, .. }) = &self.thread else { return };
        if let Err(TrySendError::Full(event) | TrySendError::Disconnected(event)) = events.try_send(event) {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
            let (what, sequence) = (event.event.name(), event.sequence);
            tracing::error!(what, sequence, "daemon.notify is not run: {WAITING} events wait for it already");
        }
    }

    /// How often the command ran.
    pub fn told(&self) -> Told {
        let Counts { runs, failures, dropped } = &*self.counts;
        Told {
            runs: runs.load(Ordering::Relaxed),
            failures: failures.load(Ordering::Relaxed),
            dropped: dropped.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Notifier {
    /// Lets the command be run for what waits, but not for longer than one run may take.
    fn drop(&mut self) {
        if let Some(Runner { events, ended }) = self.thread.take() {
            drop(events);
            let _ = ended.recv_timeout(WITHIN);
        }
    }
}

/// Runs the command for one event, to its end.
fn run(words: &[String], event: &Event, within: Duration, counts: &Counts) {
    let failed = match start(words, event).and_then(|child| wait(child, within)) {
        Ok(Some(status)) if status.success() => None,
        Ok(Some(status)) => Some(format!("it ended with {status}")),
        Ok(None) => Some(format!("it was killed after {} ms", within.as_millis())),
        Err(error) => Some(error.to_string()),
    };
    match failed {
        None => _ = counts.runs.fetch_add(1, Ordering::Relaxed),
        Some(why) => {
            counts.failures.fetch_add(1, Ordering::Relaxed);
            let command = words.join(" ");
            tracing::error!(command, why, "nobody was told; correct daemon.notify");
        }
    }
}

fn start(words: &[String], event: &Event) -> io::Result<Child> {
    let [program, arguments @ ..] = words else { return Err(io::ErrorKind::InvalidInput.into()) };
    let mut child = Command::new(program)
        .args(arguments)
        .env("JANUS_EVENT", event.event.name())
        .env("JANUS_CAUSE", &event.cause)
        .env("JANUS_RUN", &event.run)
        .env("JANUS_SEQUENCE", event.sequence.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // a group of its own: what it starts can be killed with it, and a signal to ours does not reach it
        .process_group(0)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // an event is far smaller than a pipe, so this does not wait; a command need not read it
        let _ = stdin.write_all(to_line(event).as_bytes());
    }
    Ok(child)
}

/// How it ended; none where it had to be killed.
fn wait(mut child: Child, within: Duration) -> io::Result<Option<ExitStatus>> {
    let began = Instant::now();
    while began.elapsed() < within {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(LOOK_EVERY);
    }
    // the whole group, by the one means there is to name a group; then the command itself in any case
    let group = child.id().to_string();
    let _ = Command::new("sh").args(["-c", "kill -s KILL -- -$0", &group]).stderr(Stdio::null()).status();
    child.kill()?;
    child.wait()?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use synapse::Signal;

    use super::*;

    fn event(sequence: u64) -> Event {
        Event {
            event: What::Latch,
            cause: "operator".into(),
            run: "r1".into(),
            sequence,
            time: "2026-05-02T02:36:20Z".into(),
        }
    }

    /// A script of a folder, as a command line.
    fn script(folder: &Path, text: &str) -> String {
        let path = folder.join("notify.sh");
        fs::write(&path, text).expect("written");
        format!("sh {} {}", path.display(), folder.display())
    }

    fn until(what: &str, mut is_so: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !is_so() {
            assert!(Instant::now() < end, "no sign of {what}");
            thread::park_timeout(Duration::from_millis(2));
        }
    }

    #[test]
    fn the_command_hears_the_event_by_standard_input_and_environment() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "cat > $1/in\necho $JANUS_EVENT, $JANUS_CAUSE, $JANUS_RUN, $JANUS_SEQUENCE > $1/env\n";
        let notifier = Notifier::start(&script(folder.path(), text)).expect("starts");
        notifier.tell(event(7));
        until("a run", || notifier.told().runs == 1);
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("written");
        assert_eq!(
            read("in"),
            "{\"event\":\"latch\",\"cause\":\"operator\",\"run\":\"r1\",\"sequence\":7,\"time\":\"2026-05-02T02:36:20Z\"}\n"
        );
        assert_eq!(read("env"), "latch, operator, r1, 7\n");
        assert_eq!(notifier.told(), Told { runs: 1, failures: 0, dropped: 0 });
    }

    #[test]
    fn one_that_hangs_is_killed_with_all_it_started_and_the_next_is_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "[ $JANUS_SEQUENCE = 1 ] || exit 0\nsleep 1000 &\necho $! > $1/pid\nwait\n";
        let command = script(folder.path(), text);
        let notifier = Notifier::bounded(&command, Duration::from_secs(1)).expect("starts");
        notifier.tell(event(1));
        notifier.tell(event(2));
        until("both", || notifier.told() == Told { runs: 1, failures: 1, dropped: 0 });
        let pid = fs::read_to_string(folder.path().join("pid")).expect("it was started");
        until("its end", || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            // where nobody waits for it a dead process stays as a zombie
            stat.map_or(true, |stat| stat.contains(") Z"))
        });
    }

    #[test]
    fn what_cannot_be_run_or_fails_is_counted_and_it_goes_on() {
        for command in ["/no/such/command", "false"] {
            let notifier = Notifier::start(command).expect("starts");
            for sequence in 1..=2 {
                notifier.tell(event(sequence));
                until("a failure", || notifier.told().failures == sequence);
            }
            assert_eq!(notifier.told().runs, 0, "{command}");
        }
    }

    #[test]
    fn what_waits_is_bounded_and_never_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let command = script(folder.path(), "touch $1/begun\nwhile [ ! -e $1/go ]; do sleep 0.01; done\n");
        let notifier = Notifier::start(&command).expect("starts");
        notifier.tell(event(0));
        until("the first", || folder.path().join("begun").exists());
        (1..=WAITING as u64 + 3).for_each(|sequence| notifier.tell(event(sequence)));
        assert_eq!(notifier.told(), Told { runs: 0, failures: 0, dropped: 3 });
        fs::write(folder.path().join("go"), "").expect("written");
        until("the others", || notifier.told().runs == WAITING as u64 + 1);
    }

    #[test]
    fn the_end_of_the_daemon_waits_for_what_is_still_to_be_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let notifier = Notifier::start(&script(folder.path(), "touch $1/$JANUS_SEQUENCE\n")).expect("starts");
        (1..=3).for_each(|sequence| notifier.tell(event(sequence)));
        drop(notifier);
        assert!((1..=3).all(|sequence| folder.path().join(sequence.to_string()).exists()));
    }

    #[test]
    fn without_a_command_nothing_is_run() {
        let notifier = Notifier::start(" ").expect("starts");
        notifier.tell(event(1));
        assert_eq!(notifier.told(), Told::default());
    }

    #[test]
    fn a_latch_is_told_once_and_another_cause_again() {
        let mut watch = LatchWatch::default();
        let anomaly = LatchCause::Amygdala(Signal::Anomaly);
        let looks = [
            (None, false),
            (Some(anomaly), true),
            (Some(anomaly), false),
            (Some(LatchCause::Operator), true),
            (None, false),
            (Some(LatchCause::Operator), true),
        ];
        for (at, (latch, is_news)) in looks.into_iter().enumerate() {
            assert_eq!(watch.look(latch), latch.filter(|_| is_news), "look {at}");
        }
        assert!(LatchWatch::default().look(Some(anomaly)).is_some(), "found at a start");
    }
}
