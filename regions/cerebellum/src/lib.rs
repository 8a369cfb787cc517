//! The cerebellum: what an order will do to the market before it is sent.
//!
//! For the way from position to target it forecasts each style of order: its price, its distance
//! from the mid, its fee, and its impact from size, liquidity and volatility (equations 24 and 42).
//! The urgency of the proposal chooses among them, and what does not pay its cost is filtered.

pub mod impact;
mod region;
pub mod slippage;
pub mod styles;

pub use region::{Cerebellum, CerebellumParams};

/// The region's name.
pub const NAME: &str = "cerebellum";
