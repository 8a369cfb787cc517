//! `janus config show|check|schema`

use std::path::PathBuf;

use clap::Subcommand;

use super::ConfigArgs;
use super::terminal::say;
use crate::config::{self, Loader};
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
}

impl ConfigCommand {
    /// Carries it out.
    ///
    /// # Errors
    /// [`Failure::Input`] for a configuration that does not stand.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Show(args) => say(&config::to_toml(&args.load(None)?)),
            Self::Check { file } => check(&file),
            Self::Schema => say(&format!("{:#}\n", config::schema())),
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
