//! The `janus` command.

use std::process::ExitCode;

use clap::Parser;
use janus::commands::{Cli, tell};
use janus::failure::INTERNAL;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match std::panic::catch_unwind(|| cli.start_log().and_then(|()| cli.run())) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => {
            tell(&format!("janus: {failure}\n"));
            failure.code()
        }
        // the panic has said on standard error what and where
        Err(_) => ExitCode::from(INTERNAL),
    }
}
