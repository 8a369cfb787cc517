//! The neocortex: long-term memory, in trading the market regimes that were lived through (34–36).
//!
//! A schema is a direction among the hippocampus' codes, with the rewards that experiences of that
//! kind brought. Nothing is known until something was learned, and recall says so.

pub mod kmeans;
pub mod learn;
mod region;
pub mod schema;
pub mod search;

pub use region::{Neocortex, NeocortexParams, State};

/// The region's name.
pub const NAME: &str = "neocortex";
