//! Rule files in words and as JSON: what stands in them, what is wrong with them, what their rules come to, and
//! where two files differ. Pure text from rules and their verdicts.

mod difference;
mod explained;
mod findings;
mod listing;
mod tested;

pub use difference::{Difference, Totals, between};
pub use explained::{Explained, explain};
pub use findings::{counted, findings};
pub use listing::{rows, table};
pub use tested::test;
