//! The program as a user runs it.

mod arguments;
mod bad_input;
mod bounds;
mod configuration;
mod demo;
mod doctor;
mod pipes;
mod report;
mod rules;
mod see;
mod tax;
mod trace;
mod train;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

/// Where runs that are not told another place keep their tapes; emptied when the next tests begin.
static SCRATCH: LazyLock<PathBuf> = LazyLock::new(|| {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli");
    // the first time it is not there
    let _ = std::fs::remove_dir_all(&scratch);
    std::fs::create_dir_all(&scratch).expect("a folder");
    scratch
});

/// The `janus` command, without variables of the caller.
fn janus(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_janus"));
    command.args(args).env_clear().env("NO_COLOR", "1").env("TMPDIR", &*SCRATCH);
    command
}

/// A finished run.
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("ended by itself"),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// The object on the last line of standard output.
    fn json(&self) -> Value {
        let line = self.stdout.lines().last().unwrap_or_else(|| panic!("no output; {}", self.stderr));
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))
    }

    /// Asserts the exit code and that standard error holds each of these.
    fn fails(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, code, "exit code; {}", self.stderr);
        for words in said {
            assert!(self.stderr.contains(words), "`{words}` is not in: {}", self.stderr);
        }
    }
}

fn run(args: &[&str]) -> Run {
    Run::of(janus(args).output().expect("it starts"))
}

/// Runs with bytes on standard input.
fn run_with(args: &[&str], input: &[u8]) -> Run {
    let mut child = janus(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // a program that has seen enough closes the pipe
    let _ = stdin.write_all(input);
    drop(stdin);
    Run::of(child.wait_with_output().expect("it ends"))
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("a file");
    path.display().to_string()
}
