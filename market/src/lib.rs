//! The world outside the skull: numbers, events, books, readers, features, the paper exchange and
//! the ledger (W1–W7). It knows nothing of brains.

pub mod event;
pub mod instrument;
pub mod num;
pub mod order;
pub mod params;
pub mod time;

pub use event::{Bar, EventKind, LevelChange, MarketEvent, OrderId, SourceId};
pub use instrument::{Instrument, InstrumentId, Instruments, Side};
pub use num::{Money, NumberError, Price, Quantity};
pub use time::Timestamp;
