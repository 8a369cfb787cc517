//! Taxes: the fills on a tape as trades, what an order would wash, and the report as tables. What is worked out is
//! worked out in `market::tax`.

mod before;
mod fills;
mod table;

pub use before::before;
pub use fills::Fills;
pub use table::{head, text};
