//! The visual cortex: how a stretch of the market looks.
//!
//! Each feature of the market is normalised on arrival (equation 1) and kept as an angle. A window
//! of angles becomes two pictures, the Gramian angular summation and difference fields (2–5); a
//! sliding window makes them a video (section 1.2.1). Trained [`Eyes`] read that video, one frame a
//! sample (6, 7), the newest frames together (8). Without them the percept is a short list of plain
//! statistics of the newest pictures, and how they changed.
//!
//! Two fields are needed: the summation field is the same for a rally and for its mirror-image
//! sell-off, so only the difference field tells direction.

mod encoder;
mod error;
mod eyes;
#[cfg(test)]
mod fixture;
pub mod gaf;
pub mod learn;
pub mod normalisation;
pub mod percept;
mod picture;
mod region;
mod ring;
pub mod seen;
mod sight;
pub mod video;

pub use error::VisionError;
pub use eyes::Eyes;
pub use picture::SeenFrame;
pub use region::{State, VisualCortex, VisualCortexParams};
pub use seen::{seen_hash, seen_names};

/// The region's name.
pub const NAME: &str = "visual_cortex";
