//! What stands between a venue that may say anything and a brain that must not fault: the intake of
//! its reports, and the comparison of our picture with the venue's.

mod admission;
mod intake;
mod reconcile;
mod rules;
mod sides;
mod tracked;

pub use admission::{Admission, DropReason};
pub use intake::Intake;
pub use reconcile::reconcile;
pub use sides::{Ours, Outcome};
pub use tracked::Tracked;

#[cfg(test)]
mod tests;
