//! The world outside the skull: numbers, events, books, readers, features, the paper exchange and
//! the ledger (W1–W7). It knows nothing of brains.

pub mod book;
pub mod error;
pub mod event;
pub mod exchange;
pub mod features;
pub mod feed;
pub mod instrument;
pub mod ledger;
pub mod num;
pub mod order;
pub mod params;
pub mod sampler;
pub mod tax;
pub mod time;

pub use book::{Applied, Book, BookState, Ignored, L2Book, L3Book, Level, OrderView, Refused, Top};
pub use error::{MarketError, Place};
pub use event::{Bar, EventKind, LevelChange, MarketEvent, OrderId, SourceId};
pub use exchange::{Exchange, ExchangeParams};
pub use features::{Feature, FeatureState, FeatureVector};
pub use instrument::{Instrument, InstrumentId, Instruments, Session, Side};
pub use ledger::{Ledger, LedgerError, Lot};
pub use num::{Money, NumberError, Price, Quantity};
pub use sampler::{Sampler, SamplerKind};
pub use time::Timestamp;
