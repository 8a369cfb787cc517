//! The tape: what a crash, a bad disk or somebody's hand may do to it, and what is then seen.

mod attacks;
mod format;
mod kill;
mod layout;
mod lives;
mod made;
mod power;
mod second_reader;
#[path = "../sim/mod.rs"]
mod sim;
mod writing;
