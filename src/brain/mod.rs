//! The brain and what runs it: door, spine, gate and exchange in one thread, the regions in the same thread
//! (the plain loop, L6) or as actors.

mod broker;
mod cut;
mod difference;
mod door;
mod engine;
mod gate;
mod hosts;
mod line;
mod mind;
mod observer;
mod params;
mod rethink;
mod senses;
mod spine;
mod totals;

pub use broker::{Broker, Desk};
pub use cut::Cut;
pub use difference::{Difference, Parting, compare};
pub use door::{Bedtime, Door, DoorParams, Next, Outside};
pub use engine::{Advance, Engine, EngineError, Stream};
pub use gate::{Effect, Gate};
pub use hosts::{
    Actors, Credits, Gauges, Halted, Hook, RegionGauge, SharedGauges, TRACE_TARGET, Traced, Tracer, Wake,
    Workbench,
};
pub use line::{Line, LineState, REGIONS, Thought};
pub use mind::Mind;
pub use observer::{Observer, Silent};
pub use params::BrainParams;
pub use rethink::{Late, Proof, Rethink, Stray};
pub use senses::sense;
pub use spine::{Effects, MindState, Spine};
pub use totals::{Histogram, Totals};
