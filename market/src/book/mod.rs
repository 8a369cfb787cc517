//! Order books (W3, eq. 44, 45): by order (L3) and by level (L2), with hold-out and repair.

mod answer;
mod apply;
mod evicted;
mod held;
mod image;
mod instrument_book;
mod l2;
mod l3;
mod ladder;
mod queue;
mod view;
mod visible;

pub use answer::{Applied, Ignored, MAX_LEVELS, MAX_ORDERS, MAX_PRICE, Refused};
pub use evicted::MAX_EVICTED;
pub use held::{HoldStats, MAX_HELD};
pub use instrument_book::Book;
pub use l2::L2Book;
pub use l3::L3Book;
pub use view::{BookState, BookStats, LastTrade, Level, OrderView, Top};
