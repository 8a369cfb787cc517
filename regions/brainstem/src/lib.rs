//! The brainstem: the senses, in trading the market state (43–45).
//!
//! Market events end here. They are folded into books, features and the ledger; what travels on
//! are samples: regular ones, made by a sampler or a tick of the grid, and startles, made by a
//! shock (W6).

mod region;
pub mod startle;

pub use region::{Brainstem, BrainstemParams, Samples, State};
pub use startle::Alarm;

/// The region's name.
pub const NAME: &str = "brainstem";
