//! `janus doctor`: whether a machine, a configuration and a journal are fit to run, and what to do where
//! they are not.

mod brain;
mod machine;
mod tape;

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use journal::{JournalError, Reader};
use serde::Serialize;

use super::ConfigArgs;
use super::journal::LookArgs;
use super::terminal;
use crate::blueprint::Blueprint;
use crate::config::{Config, JournalParams};
use crate::control::Status;
use crate::failure::Failure;
use crate::policy::Backend;

/// Arguments of `janus doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Without --config the configuration is the one that the journal was begun with.")]
pub struct Doctor {
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    config: ConfigArgs,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    level: Level,
    found: String,
    /// What to do; none where all is well, or what was found says it.
    advice: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, level: Level::Ok, found: found.into(), advice: None }
    }

    fn warn(name: &'static str, found: impl Into<String>, advice: &str) -> Self {
        Self { name, level: Level::Warn, found: found.into(), advice: Some(advice.to_owned()) }
    }

    fn fail(name: &'static str, found: impl Into<String>, advice: &str) -> Self {
        Self { name, level: Level::Fail, found: found.into(), advice: Some(advice.to_owned()) }
    }

    /// An error, which says what to do behind what is wrong.
    fn error(name: &'static str, error: &dyn std::fmt::Display) -> Self {
        let text = error.to_string();
        match text.split_once("; ") {
            Some((found, advice)) => Self::fail(name, found, advice),
            None => Self { name, level: Level::Fail, found: text, advice: None },
        }
    }
}

/// What is looked at.
struct Patient {
    dir: PathBuf,
    /// None where there is no journal yet.
    tape: Option<Result<Reader, JournalError>>,
    /// What the journal was begun with.
    blueprint: Option<Result<Blueprint, Failure>>,
    /// The configuration that was given, or else the journal's; none where there is neither.
    config: Option<Result<Config, Failure>>,
    /// What a running daemon says; none where none answers.
    daemon: Option<Box<Status>>,
}

impl Patient {
    fn of(dir: PathBuf, given: &ConfigArgs) -> Self {
        let tape = match journal::exists(&dir) {
            Ok(false) => None,
            Ok(true) => Some(Reader::open(&dir)),
            Err(error) => Some(Err(error)),
        };
        let whole = tape.as_ref().and_then(|tape| tape.as_ref().ok());
        let blueprint = whole.map(|tape| Blueprint::of(&dir, tape.manifest(), Backend::default()));
        let begun = blueprint.as_ref().and_then(|blueprint| blueprint.as_ref().ok());
        let config = match given.is_given() {
            true => Some(given.load(None)),
            false => begun.map(|blueprint| Ok(blueprint.config.clone())),
        };
        let daemon = tape::daemon(&dir);
        Self { dir, tape, blueprint, config, daemon }
    }

    /// The tape, where it can be read.
    fn reader(&self) -> Option<&Reader> {
        self.tape.as_ref()?.as_ref().ok()
    }

    /// The configuration, where it stands.
    fn sound(&self) -> Option<&Config> {
        self.config.as_ref()?.as_ref().ok()
    }

    /// How the journal is, or would be, written.
    fn journal_params(&self) -> JournalParams {
        self.sound().map(|config| config.journal.clone()).unwrap_or_default()
    }
}

/// What came out.
#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    checks: Vec<Check>,
}

impl Doctor {
    /// Looks, and tells.
    ///
    /// # Errors
    /// [`Failure::Check`] where any check fails.
    pub fn run(self) -> Result<(), Failure> {
        let clock = machine::Clock::start();
        let patient = Patient::of(self.look.journal.journal, &self.config);
        let mut checks = machine::checks(&patient);
        checks.extend(brain::checks(&patient));
        checks.extend(tape::checks(&patient));
        checks.push(clock.check(&patient));
        let failed: Vec<&str> =
            checks.iter().filter(|check| check.level == Level::Fail).map(|check| check.name).collect();
        let verdict = match failed.as_slice() {
            [] => Ok(()),
            names => Err(Failure::Check(format!(
                "{} of {} checks failed: {}; do what stands beside each, and look again",
                names.len(),
                checks.len(),
                names.join(", ")
            ))),
        };
        let report = Report { ok: verdict.is_ok(), checks };
        terminal::report(self.look.json, &text(&report.checks), &report)?;
        verdict
    }
}

fn text(checks: &[Check]) -> String {
    let mut text = String::new();
    for Check { name, level, found, advice } in checks {
        let level = format!("{level:?}").to_lowercase();
        _ = writeln!(text, "{level:<5} {name:<14} {found}");
        if let Some(advice) = advice {
            _ = writeln!(text, "{:20} {advice}", "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_says_is_told_as_finding_and_advice() {
        let told = Check::error("disk", &"a is b; do c; and d");
        assert_eq!((told.found.as_str(), told.advice.as_deref()), ("a is b", Some("do c; and d")));
        assert_eq!(Check::error("disk", &"a is b").advice, None);
        let shown = text(&[told, Check::ok("clock", "steady")]);
        assert_eq!(
            shown,
            "fail  disk           a is b\n                     do c; and d\nok    clock          steady\n"
        );
    }
}
