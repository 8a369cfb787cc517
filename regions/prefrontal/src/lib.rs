//! The prefrontal cortex: judgement, in trading the pre-trade risk check (9–19, 46–50).
//!
//! It holds the one order table, the hard limits and the latch, turns the gap between target and
//! position into requests, and refuses what a limit forbids. Beside every crisp test stands a soft
//! truth; it is reported and never decides.

pub mod constraints;
pub mod latch;
pub mod limits;
pub mod logic;
pub mod orders;
mod region;

pub use latch::Latch;
pub use limits::Limits;
pub use orders::{Order, OrderState, OrderTable};
pub use region::{Prefrontal, PrefrontalParams, State};

/// The region's name.
pub const NAME: &str = "prefrontal";
