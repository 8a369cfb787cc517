//! JANUS: a trading engine with a brain of regions, each decision of which can be proved afterwards.

pub mod assemble;
pub mod brain;
pub mod commands;
pub mod config;
pub mod failure;
pub mod performance;
pub mod sinks;
pub mod summary;
