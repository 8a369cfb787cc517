//! The hippocampus: recall, in trading the code by which a moment is remembered (25, 26).
//!
//! State, candidate action and context go through a fixed random projection; the dense code keeps
//! their geometry, the sparse one keeps apart what is merely similar. What came of a moment is
//! joined to it by the encoder of experiences (R1).

mod experience;
pub mod inputs;
pub mod projection;
mod region;

pub use experience::{Experience, ExperienceEncoder, TapeEncoder};
pub use region::{Hippocampus, HippocampusParams, State};

/// The region's name.
pub const NAME: &str = "hippocampus";
