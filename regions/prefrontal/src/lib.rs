//! The prefrontal cortex: judgement, in trading the pre-trade risk check (9–19, 46–50).
//!
//! It holds the one order table, the limits and the latch, and turns the gap between target and position
//! into requests, at once or in parts. A court tests each against the rules in force: a hard rule that is
//! not definitely true refuses. Beside the crisp test stand the rule's truths in two logics; they are
//! reported and never decide.

mod breakers;
mod court;
pub mod latch;
pub mod limits;
mod look_back;
mod marks;
pub mod orders;
mod parent;
mod recent;
mod region;

pub use court::{Grounding, Law};
pub use latch::Latch;
pub use limits::Limits;
pub use orders::{Order, OrderState, OrderTable};
pub use region::{Prefrontal, PrefrontalParams, State, Statement, Testimony};

/// The region's name.
pub const NAME: &str = "prefrontal";
