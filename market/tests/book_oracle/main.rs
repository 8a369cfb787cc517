//! The books and features against slow, obviously right ones, which share nothing with them but the
//! numbers and events of W1 and W2: on random streams and on the bundled session.

mod features;
mod levels;
mod random;
mod session;
mod session_data;
mod slow_book;
