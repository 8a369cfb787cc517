//! The hippocampus: recall, in trading the code by which a moment is remembered (25, 26).
//!
//! State, candidate action and context go through a fixed random projection; the dense code keeps
//! their geometry, the sparse one keeps apart what is merely similar.

pub mod projection;
mod random;
