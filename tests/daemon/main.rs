//! The daemon as a process: killed, restarted, commanded, and what its journal then proves.

mod artefacts;
mod common;
mod crash_files;
mod crash_table;
mod kill;
mod operator;
mod snapshots;
mod stage;
mod supervise;
mod venue_faults;
