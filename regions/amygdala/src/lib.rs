//! The amygdala: fear, in trading the circuit breaker (9.5, eq. 40, 41).
//!
//! It knows what is normal for an instrument and says how far the present is from it: one distance
//! over all features (40) against a calibrated threshold (41), and beside it three plain signals,
//! volatility, drawdown and spread. Each trips through its own m-of-n counter; what is not a number
//! trips at once.

pub mod counter;
pub mod covariance;
pub mod drawdown;
mod fear;
pub mod mahalanobis;
mod normal;
mod params;
pub mod quantile;
mod region;
pub mod senses;
pub mod spread;
pub mod volatility;

pub use params::{AmygdalaParams, UnsoundParams};
pub use region::{Amygdala, State};

/// The region's name.
pub const NAME: &str = "amygdala";
