//! What a command says, also to a reader who has gone.

use std::io::{ErrorKind, IsTerminal, Write};

use crate::failure::Failure;

/// Writes to standard output. A reader who has seen enough, such as `head`, is no fault.
pub(super) fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Environment(format!(
            "standard output: {error}; make room, or send it where it can be written"
        ))),
        _ => Ok(()),
    }
}

/// Writes to standard error; where that fails there is nobody left to tell.
pub fn tell(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Whether colours and a progress bar are welcome on standard error.
pub fn on_terminal() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}
