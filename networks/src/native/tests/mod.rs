//! Golden vectors, and the same bits on every set of instructions.

mod golden;
mod sets;
