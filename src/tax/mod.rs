//! Taxes: the fills on a tape as trades, and the report as tables. What is worked out is worked out in
//! `market::tax`.

mod fills;
mod table;

pub use fills::Fills;
pub use table::{head, text};
