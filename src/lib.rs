//! JANUS: a trading daemon with a brain of regions, each decision of which can be proved afterwards.

pub mod assemble;
pub mod blueprint;
pub mod brain;
pub mod commands;
pub mod config;
pub mod control;
pub mod daemon;
pub mod explain;
pub mod failure;
pub mod http;
pub mod inbox;
pub mod latency;
pub mod load;
pub mod logging;
pub mod metrics;
pub mod notify;
pub mod performance;
pub mod rebuild;
pub mod recorder;
pub mod recovery;
pub mod sinks;
pub mod sleep;
mod sockets;
pub mod stream;
pub mod summary;
mod terminal;
pub mod venue;
