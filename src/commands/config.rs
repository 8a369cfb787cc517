//! `janus config show|check|schema|apply`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ConfigArgs;
use super::journal::JournalArgs;
use super::operator::{self, Signature};
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

/// Arguments of `janus config apply`.
#[derive(Debug, Args)]
pub struct Apply {
    /// The file.
    file: PathBuf,
    #[command(flatten)]
    journal: JournalArgs,
    #[command(flatten)]
    signature: Signature,
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
            Self::Apply(command) => command.run(),
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

impl Apply {
    /// What does not stand is told here, with its line, before a daemon is asked.
    fn run(self) -> Result<(), Failure> {
        let text = std::fs::read_to_string(&self.file)
            .map_err(|source| ConfigError::Unreadable { path: self.file.clone(), source })?;
        if text.len() > LINE_LIMIT / 2 {
            let (file, bytes, limit) = (self.file.display(), text.len(), LINE_LIMIT / 2);
            return Err(Failure::Input(format!(
                "{file}: {bytes} bytes are more than the {limit} of a configuration; leave out what is not needed"
            )));
        }
        Loader::new().text(&text, &self.file.display().to_string())?.finish()?;
        let Signature { by, reason } = self.signature;
        operator::command(&self.journal, &Ask::Apply { config: text, by, reason })
    }
}
