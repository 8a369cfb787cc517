//! What a command says, also to a reader who has gone.

use std::fmt;
use std::io::{ErrorKind, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use serde::Serialize;

use crate::failure::Failure;
use crate::summary::grouped;

/// Writes to standard output. A reader who has seen enough, such as `head`, is no fault.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Environment(format!(
            "standard output: {error}; make room, or send it where it can be written"
        ))),
        _ => Ok(()),
    }
}

/// Text for people; or one JSON object on the last line of standard output, and the text beside it.
pub(crate) fn report(is_json: bool, text: &str, object: &impl Serialize) -> Result<(), Failure> {
    if !is_json {
        return say(text);
    }
    tell(text);
    say_json(object)
}

/// One JSON object on one line.
pub(crate) fn say_json(object: &impl Serialize) -> Result<(), Failure> {
    say(&(serde_json::to_string(object)? + "\n"))
}

/// Writes to standard error; where that fails there is nobody left to tell.
pub fn tell(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Whether colours and a progress bar are welcome on standard error.
pub fn on_terminal() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// A progress bar on standard error, where somebody looks; `of` is how many there will be, where that
/// is known.
pub(crate) fn bar(of: Option<u64>, what: &str) -> ProgressBar {
    if !on_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match of {
        Some(of) => (
            ProgressBar::new(of),
            format!("{{wide_bar}} {{human_pos}}/{{human_len}} {what}, {{rate}} {{msg}}"),
        ),
        None => (ProgressBar::new_spinner(), format!("{{spinner}} {{human_pos}} {what}, {{rate}}")),
    };
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let what = what.to_owned();
    let rate = move |state: &ProgressState, text: &mut dyn fmt::Write| {
        _ = write!(text, "{} {what}/s", grouped(state.per_sec() as u64));
    };
    bar.with_style(style.with_key("rate", rate))
}
