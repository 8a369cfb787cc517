//! The brain and the plain loop that runs it (L6): door, line, gate and paper exchange in one
//! thread. It is the back-test engine, and the measure of what actors will cost.

mod broker;
mod difference;
mod door;
mod engine;
mod gate;
mod line;
mod mind;
mod observer;
mod rethink;
mod totals;

pub use broker::{Broker, Desk};
pub use difference::{Difference, compare};
pub use door::{Door, DoorParams, Next, Outside};
pub use engine::{Cut, Engine, EngineError, Stream};
pub use gate::{Effect, Gate};
pub use line::{Line, LineState, REGIONS, Workbench};
pub use mind::{Effects, Mind, MindState};
pub use observer::{Observer, Silent};
pub use rethink::{Late, Proof, Rethink, Stray};
pub use totals::{Histogram, Totals};
