//! Processes with bounded waits, and what they answer when they are asked.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use janus::control::{self, Answer, Ask};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything is waited for at most.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// The program, without the variables of the caller.
pub fn janus(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_janus"));
    command.args(args).env_clear().env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// What a process left behind.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none where a signal killed it.
    pub code: Option<i32>,
    /// What it said.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl Ended {
    /// The object on the last line, of a process that ended well.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        let line = self.stdout.lines().last().unwrap_or_else(|| panic!("no output; {}", self.stderr));
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))
    }

    /// Asserts the exit code, and that standard error holds each of these.
    pub fn fails(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        for words in said {
            assert!(self.stderr.contains(words), "`{words}` is not in: {}", self.stderr);
        }
    }
}

/// A running process; it does not outlive its test.
pub struct Process {
    pub child: Child,
    out: TempDir,
}

impl Process {
    /// Starts it, what it says going to files in a folder.
    pub fn start(command: &mut Command, folder: &Path) -> Self {
        let out = TempDir::new_in(folder).expect("a folder");
        let file = |name: &str| File::create(out.path().join(name)).expect("a file");
        let child = command.stdout(file("out")).stderr(file("err")).spawn().expect("it starts");
        Self { child, out }
    }

    /// Kills it with -9, and waits until it is gone.
    pub fn kill(mut self) -> Ended {
        self.child.kill().expect("it can be killed");
        self.end()
    }

    /// Asks it to drain, and waits for its end.
    pub fn stop(self) -> Ended {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("it can be asked").success());
        self.end()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        self.ended()
    }

    /// The same, of one that is still needed.
    pub fn ended(&mut self) -> Ended {
        let status = until("the end of a process", || self.child.try_wait().expect("a child"));
        let read = |name: &str| {
            String::from_utf8_lossy(&fs::read(self.out.path().join(name)).expect("a file")).into_owned()
        };
        Ended { code: status.code(), stdout: read("out"), stderr: read("err") }
    }

    /// What it has complained of so far.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.out.path().join("err")).expect("a file")).into_owned()
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // it has ended already where the test went well
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks the daemon of a journal; none where nobody answers.
pub fn ask(journal: &Path, ask: &Ask) -> Option<Answer> {
    control::ask(journal, ask).ok()
}

/// How it stands with the daemon of a journal; none where none runs, or it has no time.
pub fn status(journal: &Path) -> Option<Value> {
    match ask(journal, &Ask::Status)? {
        Answer::Status(status) => Some(serde_json::to_value(status).expect("JSON")),
        // the regions are at work, and are not waited for
        Answer::Refused { code: 70, .. } => None,
        other => panic!("no status: {other:?}"),
    }
}

/// Waits until the status of a daemon is as wanted.
pub fn until_status(journal: &Path, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = status(journal);
        match found {
            Some(found) if is_so(&found) => return found,
            found => assert!(Instant::now() < end, "no sign of {what}: {found:?}"),
        }
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// The number that an operator's word entered with; it was durable when this is told.
pub fn acknowledged(journal: &Path, word: &Ask) -> Option<u64> {
    match ask(journal, word)? {
        Answer::Done { sequence, .. } => sequence,
        other => panic!("refused: {other:?}"),
    }
}

/// What `janus verify --json` tells of a journal.
pub fn verify(journal: &Path) -> Value {
    tell(&["verify", "--json"], journal).json()
}

/// What `janus replay --json` tells of a journal.
pub fn replay(journal: &Path) -> Value {
    tell(&["replay", "--json"], journal).json()
}

/// Runs a command on a journal to its end.
pub fn tell(args: &[&str], journal: &Path) -> Ended {
    let output = janus(args).arg("--journal").arg(journal).output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Looks again and again until there is something.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "no sign of {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}
