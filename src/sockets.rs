//! What our Unix sockets share: made so that nobody else can open them, and one JSON object a line.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, BufRead, Read};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

use serde::Serialize;

/// A socket at a path, for its owner alone, over that of a dead process if there is one: bound where
/// nobody else can look, and moved to its place when it has its mode.
pub(crate) fn bind(path: &Path) -> io::Result<UnixListener> {
    let private = path.with_file_name(".socket");
    if private.exists() {
        // a process died right here
        fs::remove_dir_all(&private)?;
    }
    DirBuilder::new().mode(0o700).create(&private)?;
    let socket = private.join("s");
    let listener = UnixListener::bind(&socket)?;
    fs::set_permissions(&socket, Permissions::from_mode(0o600))?;
    fs::rename(&socket, path)?;
    fs::remove_dir(&private)?;
    Ok(listener)
}

/// Anything as one line of JSON, its end included.
pub(crate) fn to_line(said: &impl Serialize) -> String {
    // text keys and plain values only: there is nothing here that JSON cannot say
    serde_json::to_string(said).map(|line| line + "\n").unwrap_or_default()
}

/// The next line without its end, of at most `limit` bytes; `None` at the end of the stream.
///
/// # Errors
/// What the stream says, and [`io::ErrorKind::InvalidData`] for a line that is too long, after which
/// nothing more can be read, or no text.
pub(crate) fn read_line(reader: &mut impl BufRead, limit: usize) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = reader.by_ref().take(limit as u64 + 1).read_line(&mut line)?;
    match line.strip_suffix('\n') {
        Some(text) => Ok(Some(text.to_owned())),
        None if read > limit => {
            let message = format!("a line is longer than {limit} bytes; end each message with a line feed");
            Err(io::Error::new(io::ErrorKind::InvalidData, message))
        }
        // what broke off is no message
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_bounded_and_has_an_end() {
        let mut long = &b"12345\n123456\n"[..];
        assert_eq!(read_line(&mut long, 5).expect("a line").as_deref(), Some("12345"));
        let error = read_line(&mut long, 5).expect_err("too long");
        assert!(error.to_string().starts_with("a line is longer than 5 bytes; "), "{error}");
        assert_eq!(read_line(&mut &b"12"[..], 5).expect("an end"), None);
        assert_eq!(read_line(&mut &b""[..], 5).expect("an end"), None);
    }
}
