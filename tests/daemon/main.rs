//! The daemon as a process: killed, restarted, commanded, and what its journal then proves.

mod artefacts;
mod common;
mod crash_files;
mod crash_table;
mod folder;
mod http;
mod kill;
mod live;
mod load;
mod operator;
mod place;
mod scene;
mod snapshots;
mod stage;
mod supervise;
mod tape;
mod venue_answers;
mod venue_faults;
