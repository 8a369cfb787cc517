//! `janus halt|arm|status|stop|ask`: words to a running daemon.

use std::path::PathBuf;

use clap::Args;

use super::journal::JournalArgs;
use super::terminal::{say, say_json};
use crate::control::{self, Answer, Ask};
use crate::failure::{Failure, INTERNAL};

/// Who commands, and why: it stands on the tape.
#[derive(Debug, Args)]
pub(super) struct Signature {
    /// Who commands it.
    #[arg(long, value_name = "NAME")]
    pub by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// Arguments of `janus config apply`.
#[derive(Debug, Args)]
pub struct Apply {
    /// The file that is to take effect.
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) journal: JournalArgs,
    #[command(flatten)]
    pub(super) signature: Signature,
}

/// Arguments of `janus halt` and `janus arm`.
#[derive(Debug, Args)]
pub struct Order {
    #[command(flatten)]
    journal: JournalArgs,
    #[command(flatten)]
    signature: Signature,
}

impl Order {
    /// Halts or arms.
    ///
    /// # Errors
    /// [`Failure::Environment`] where no daemon runs, or what it refuses with.
    pub fn send(self, ask: impl Fn(String, String) -> Ask) -> Result<(), Failure> {
        command(&self.journal, &ask(self.signature.by, self.signature.reason))
    }
}

/// Lets the daemon drain and end, and waits until it has.
pub(super) fn stop(journal: &JournalArgs) -> Result<(), Failure> {
    match control::stop(&journal.journal)? {
        Answer::Done { .. } => say("stopped\n"),
        other => done(other),
    }
}

/// Arguments of `janus status`.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    journal: JournalArgs,
    /// One JSON object on one line.
    #[arg(long)]
    json: bool,
}

impl Status {
    /// Tells how things stand.
    ///
    /// # Errors
    /// [`Failure::Environment`] where no daemon runs.
    pub fn run(self) -> Result<(), Failure> {
        match control::ask(&self.journal.journal, &Ask::Status)? {
            Answer::Status(status) if self.json => say_json(&status),
            Answer::Status(status) => say(&status.to_string()),
            other => done(other),
        }
    }
}

/// Arguments of `janus ask`.
#[derive(Debug, Args)]
pub struct Question {
    #[command(flatten)]
    journal: JournalArgs,
    /// The instrument's name, as its feed writes it.
    instrument: String,
    /// One JSON object on one line.
    #[arg(long)]
    json: bool,
}

impl Question {
    /// Tells what the brain would decide now; asking changes nothing.
    ///
    /// # Errors
    /// [`Failure::Environment`] where no daemon runs, or what it refuses with.
    pub fn run(self) -> Result<(), Failure> {
        thought(control::ask(&self.journal.journal, &Ask::Ask { instrument: self.instrument })?, self.json)
    }
}

/// Asks for something to be done, and tells that it was.
pub(super) fn command(journal: &JournalArgs, ask: &Ask) -> Result<(), Failure> {
    done(control::ask(&journal.journal, ask)?)
}

/// Tells a thought.
pub(super) fn thought(answer: Answer, json: bool) -> Result<(), Failure> {
    match answer {
        Answer::Thought(_, thought) if json => say_json(&thought),
        Answer::Thought(text, _) => say(&format!("{}\n", text.trim_end())),
        other => done(other),
    }
}

pub(super) fn done(answer: Answer) -> Result<(), Failure> {
    match answer {
        Answer::Done { sequence: Some(sequence), text } => say(&format!("{text} (input {sequence})\n")),
        Answer::Done { sequence: None, text } => say(&format!("{text}\n")),
        Answer::Refused { code: 1, message } => Err(Failure::Check(message)),
        Answer::Refused { code: 2, message } => Err(Failure::Input(message)),
        Answer::Refused { code: INTERNAL, message } => Err(Failure::Internal(message)),
        Answer::Refused { message, .. } => Err(Failure::Environment(message)),
        Answer::Status(_) | Answer::Thought(..) => {
            Err(Failure::Internal("the daemon answered another question".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_ends_with_the_code_it_names() {
        let refused = |code| done(Answer::refused(code, "no")).expect_err("refused");
        assert!(matches!(refused(1), Failure::Check(text) if text == "no"));
        assert!(matches!(refused(2), Failure::Input(text) if text == "no"));
        assert!(matches!(refused(3), Failure::Environment(text) if text == "no"));
        assert!(matches!(refused(INTERNAL), Failure::Internal(text) if text == "no"));
        let other = done(Answer::Thought(String::new(), serde_json::Value::Null));
        assert!(matches!(other, Err(Failure::Internal(_))));
    }
}
