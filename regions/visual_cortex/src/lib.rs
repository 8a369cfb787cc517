//! The visual cortex: how a stretch of the market looks.
//!
//! Each feature of the market is normalised on arrival (equation 1) and kept as an angle. A window
//! of angles becomes two pictures, the Gramian angular summation and difference fields (2–5); a
//! sliding window makes them a video (section 1.2.1). Until a trained network reads that video, the
//! percept is a short list of plain statistics of the newest pictures, and how they changed.
//!
//! Two fields are needed: the summation field is the same for a rally and for its mirror-image
//! sell-off, so only the difference field tells direction.

#[cfg(test)]
mod fixture;
pub mod gaf;
pub mod normalisation;
pub mod past;
pub mod percept;
mod region;
pub mod seen;
pub mod video;

pub use region::{State, VisualCortex, VisualCortexParams};

/// The region's name.
pub const NAME: &str = "visual_cortex";
