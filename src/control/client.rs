//! The operator's end of the socket.

use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use journal::JournalError;

use super::socket_path;
use super::wire::{Answer, Ask};
use crate::failure::Failure;
use crate::sockets::{read_line, to_line};

/// More than any answer has.
const ANSWER_LIMIT: usize = 64 << 20;
/// How long a daemon may take to drain.
const DRAIN_WITHIN: Duration = Duration::from_secs(30);

/// Whether a daemon is there to answer for a journal.
pub fn is_answered(dir: &Path) -> bool {
    socket_path(dir).is_ok_and(|path| UnixStream::connect(path).is_ok())
}

/// Asks the daemon of a journal.
///
/// # Errors
/// [`Failure::Environment`] where no daemon answers there.
pub fn ask(dir: &Path, ask: &Ask) -> Result<Answer, Failure> {
    exchange(dir, ask).map(|(answer, _)| answer)
}

/// Asks the daemon of a journal to stop, and waits until it has.
///
/// # Errors
/// [`Failure::Environment`] where no daemon answers there, or it has not ended in time.
pub fn stop(dir: &Path) -> Result<Answer, Failure> {
    let (answer, mut stream) = exchange(dir, &Ask::Stop)?;
    if matches!(answer, Answer::Done { .. }) {
        let waited = stream.set_read_timeout(Some(DRAIN_WITHIN)).and_then(|()| stream.read(&mut [0]));
        if waited.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)) {
            let seconds = DRAIN_WITHIN.as_secs();
            return Err(Failure::Environment(format!(
                "{}: the daemon drains, but has not ended within {seconds} s; look at `janus status`, or wait",
                dir.display()
            )));
        }
    }
    Ok(answer)
}

fn exchange(dir: &Path, ask: &Ask) -> Result<(Answer, UnixStream), Failure> {
    let path = socket_path(dir)?;
    let stream = UnixStream::connect(&path).map_err(|error| unreachable(dir, &path, &error))?;
    let line = say(&stream, ask).map_err(|error| {
        Failure::Environment(format!("{}: the daemon did not answer: {error}; try again", path.display()))
    })?;
    let answer = serde_json::from_str(&line).map_err(|error| {
        let message = "that is no answer of this build; use the build that the daemon runs";
        Failure::Environment(format!("{}: {message} ({error})", path.display()))
    })?;
    Ok((answer, stream))
}

fn say(mut stream: &UnixStream, ask: &Ask) -> io::Result<String> {
    // the daemon gives up a little earlier than we do, and says why
    let within = Some(ask.answer_within() + Duration::from_secs(5));
    stream.set_read_timeout(within)?;
    stream.set_write_timeout(within)?;
    // one who is refused may find the line closed before all is said, and the reason in it
    let written = stream.write_all(to_line(ask).as_bytes());
    match read_line(&mut BufReader::new(stream), ANSWER_LIMIT)? {
        Some(line) => Ok(line),
        None => written.and(Err(ErrorKind::UnexpectedEof.into())),
    }
}

fn unreachable(dir: &Path, path: &Path, error: &io::Error) -> Failure {
    if error.kind() == ErrorKind::NotFound && !dir.join("manifest.json").exists() {
        return JournalError::Missing { path: dir.to_owned() }.into();
    }
    let (dir, path) = (dir.display(), path.display());
    Failure::Environment(match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
            format!("{dir}: no daemon runs here; start one with `janus run --journal {dir} FEED`")
        }
        ErrorKind::PermissionDenied => format!("{path}: {error}; ask as the user that the daemon runs as"),
        _ => format!("{path}: {error}; try again"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_daemon_is_one_learns_how_to_start_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let error = ask(dir.path(), &Ask::Status).expect_err("no journal");
        assert!(
            matches!(&error, Failure::Input(text) if text.contains("there is no journal here")),
            "{error}"
        );
        std::fs::write(dir.path().join("manifest.json"), "{}").expect("a file");
        let want = format!("janus run --journal {} FEED", dir.path().display());
        for error in [ask(dir.path(), &Ask::Status), stop(dir.path())].map(|r| r.expect_err("no daemon")) {
            assert!(matches!(&error, Failure::Environment(text) if text.contains(&want)), "{error}");
        }
    }
}
