//! The `janus` command.

use std::process::ExitCode;

use clap::Parser;
use janus::commands::{Cli, tell};
use janus::failure::INTERNAL;
use tikv_jemallocator::Jemalloc;

// What one thread makes another frees, and the system's allocator keeps for each what it once needed: in half an
// hour at ten times the speed a daemon of 89 MiB became one of 128, of which it used 50.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// What jemalloc reads at its start. What a night or a snapshot needed goes back to the system at once, and few
/// arenas keep little apart: over an hour the resident memory stays within 2 %, where the allocator's own settings
/// let it move by 15 % and to keep everything let it creep by 12 %.
// SAFETY: jemalloc declares the symbol as a pointer to a string that ends with a zero byte, and only reads it;
// nothing else in the program bears that name.
#[allow(unsafe_code)]
#[unsafe(export_name = "_rjem_malloc_conf")]
static MALLOC_CONF: &[u8; 44] = b"dirty_decay_ms:0,muzzy_decay_ms:0,narenas:4\0";

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
