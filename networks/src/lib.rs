//! The networks of sight: their shape, their weights, the artefact that carries them, and our own
//! kernels that run them.
//!
//! Four models make one network, each a pure function of flat single-precision vectors:
//!
//! ```text
//! frame     image [C][W][W]                      → token [d]
//! temporal  tokens [N][d], oldest first          → v [d]
//! fusion    v, price [T][K], text, memory, mask  → h [d], g [d]
//! heads     h [d]                                → go [3], no_go [3], q [3]
//! ```
//!
//! The same weights give the same bits on every machine and every instruction set (D2).

pub mod card;
pub mod error;
pub mod files;
pub mod graphs;
pub mod native;
pub mod network;
pub mod onnx;
mod parts;
pub mod predicate;
pub mod shape;
mod tensors;
#[cfg(test)]
mod tests;
pub mod weights;

pub use card::{Card, Source};
pub use error::NetworkError;
pub use graphs::Graphs;
pub use native::{Isa, Models, attention, native};
pub use network::{Body, Network};
pub use predicate::{Predicate, PredicateCard};
pub use shape::Shape;
pub use weights::Weights;
