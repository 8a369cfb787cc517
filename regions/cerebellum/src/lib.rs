//! The cerebellum: what an order will do to the market before it is sent.
//!
//! For the way from position to target it forecasts each style of order: its price, its distance
//! from the mid, its fee, and its impact from size, liquidity and volatility (equations 24 and 42).
//! The urgency of the proposal chooses among them, and what does not pay its cost is filtered.
//!
//! What orders did cost is measured when their fills are reported, and what the forecast has missed is
//! learned; so is the next mid (24). Both are used only while they foretell better than without. A large
//! order is divided over time by a plan, which prefrontal carries out.

pub mod almgren_chriss;
pub mod calibration;
pub mod drift;
pub mod impact;
pub mod learn;
mod params;
pub mod prequential;
mod region;
pub mod rls;
pub mod schedule;
pub mod slippage;
pub mod styles;

pub use almgren_chriss::ScheduleError;
pub use params::CerebellumParams;
pub use region::{Cerebellum, Memory, State};
pub use schedule::Algorithm;

/// The region's name.
pub const NAME: &str = "cerebellum";
