//! Wash sales and tax lots: the numbered examples, the traps, a second slow reckoning share by share, and
//! what must hold of any history.

mod book;
mod examples;
mod histories;
mod lots;
mod oracle;
mod report;
mod story;
mod traps;
