//! Where the regions run, and what is seen of them at work: shells around pure folds. Here are clocks and
//! threads; no decision depends on them.

mod actors;
mod gauges;
mod regions;
mod said;
mod seat;
mod stage;
mod supervisor;
mod trace;
mod workbench;

use std::sync::Arc;

pub use actors::Actors;
pub use gauges::{Gauges, RegionGauge};
pub use regions::{Credits, Regions, instrument_of};
pub use said::{Halted, Wake};
pub use trace::{TRACE_TARGET, Traced, Tracer};
pub use workbench::{Hook, Workbench};

/// Gauges that any thread may read.
pub type SharedGauges = Arc<Gauges>;
