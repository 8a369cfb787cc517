//! The thalamus: the relay where the senses meet.
//!
//! Equations 20 and 21 fuse what is seen, what the price stream says and what is read into one
//! state h. Until that fusion is trained, the senses are laid end to end and turned by a fixed
//! rotation: nothing is learned there, and nothing is lost.

pub mod layout;
pub mod price;
pub mod projection;
mod region;

pub use layout::Layout;
pub use region::{Thalamus, ThalamusParams};

/// The region's name.
pub const NAME: &str = "thalamus";
