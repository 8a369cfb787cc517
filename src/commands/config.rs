//! `janus config show|check|schema|apply`

use std::path::PathBuf;

use clap::Subcommand;

use super::ConfigArgs;
use super::operator::{self, Apply, Signature};
use super::terminal::say;
use crate::config::{self, ConfigError, Loader};
use crate::control::{Ask, LINE_LIMIT};
use crate::failure::Failure;

/// `janus config …`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every key with the value it has here, its unit, bounds and meaning.
    Show(ConfigArgs),
    /// Tell what is wrong with a configuration file.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Print a JSON schema of the configuration.
    Schema,
    /// Let a configuration take effect in a running daemon.
    Apply(Apply),
}

impl ConfigCommand {
    /// Carries it out.
    ///
    /// # Errors
    /// [`Failure::Input`] for a configuration that does not stand; [`Failure::Environment`] where no
    /// daemon runs.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Show(args) => say(&config::to_toml(&args.load(None)?)),
            Self::Check { file } => check(&file),
            Self::Schema => say(&format!("{:#}\n", config::schema())),
            Self::Apply(command) => apply(command),
        }
    }
}

/// A configuration stands when its keys and values do, and no instrument of it lacks a limit.
fn check(file: &std::path::Path) -> Result<(), Failure> {
    let config = Loader::new().file(file)?.finish()?;
    let names: Vec<String> = config.instruments.keys().chain(config.limits.keys()).cloned().collect();
    for name in &names {
        config.traded(std::slice::from_ref(name))?;
    }
    say(&format!("{}: ok\n", file.display()))
}

/// What does not stand is told here, with its line, before a daemon is asked.
fn apply(Apply { file, journal, signature: Signature { by, reason } }: Apply) -> Result<(), Failure> {
    let text = std::fs::read_to_string(&file)
        .map_err(|source| ConfigError::Unreadable { path: file.clone(), source })?;
    if text.len() > LINE_LIMIT / 2 {
        let (file, bytes, limit) = (file.display(), text.len(), LINE_LIMIT / 2);
        return Err(Failure::Input(format!(
            "{file}: {bytes} bytes are more than the {limit} of a configuration; leave out what is not needed"
        )));
    }
    Loader::new().text(&text, &file.display().to_string())?.finish()?;
    operator::command(&journal, &Ask::Apply { config: text, by, reason })
}
