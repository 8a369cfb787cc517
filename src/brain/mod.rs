//! The brain and the plain loop that runs it (L6): door, line, gate and paper exchange in one
//! thread. It is the back-test engine, and the measure of what actors will cost.

mod door;
mod engine;
mod gate;
mod line;
mod observer;
mod totals;

pub use door::{Door, DoorParams, Next, Outside};
pub use engine::{Engine, EngineError, Stream};
pub use gate::{Effect, Gate};
pub use line::{Line, REGIONS, Workbench};
pub use observer::{Observer, Silent};
pub use totals::{Histogram, Totals};
