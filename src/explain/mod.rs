//! What stands on a tape, in words: a decision region by region, what became of it, and each record
//! on one line. Pure text from records.

mod chain;
mod line;
mod regions;
mod sequel;
#[cfg(test)]
mod tests;
mod words;

pub use chain::{Origin, decision};
pub use line::{Kind, instrument_of, json, place_of, text};
pub use sequel::Sequel;
pub use words::{World, words};
