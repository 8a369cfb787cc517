//! The thalamus: the relay where the senses meet.
//!
//! Equations 20 and 21 fuse what is seen, what the price stream says, what is read and what is
//! remembered into one state h, by a network that is handed in. Without one, the senses are laid end
//! to end and turned by a fixed rotation: nothing is learned there, and nothing is lost.

mod fuser;
pub mod layout;
pub mod price;
pub mod projection;
mod region;
mod window;

pub use fuser::{Fuser, Modalities, write_memory};
pub use layout::{Layout, MEMORY_NUMBERS};
pub use region::{Thalamus, ThalamusParams};

/// The region's name.
pub const NAME: &str = "thalamus";
