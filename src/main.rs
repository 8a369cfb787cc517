//! The `janus` command.

use std::process::ExitCode;

use clap::Parser;
use janus::commands::{Cli, on_terminal, tell};
use janus::failure::INTERNAL;

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("JANUS_LOG").unwrap_or_else(|_| "warn".into()),
        )
        .with_writer(std::io::stderr)
        .with_ansi(on_terminal())
        .log_internal_errors(false)
        .init();
    match std::panic::catch_unwind(|| cli.run()) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => {
            tell(&format!("janus: {failure}\n"));
            failure.code()
        }
        // the panic has said on standard error what and where
        Err(_) => ExitCode::from(INTERNAL),
    }
}
