//! The school: where networks are trained, measured and compared. It gets plain numbers, knows no feed
//! and no clock, and writes no file but the state it is told to keep.
//!
//! [`net`] is the definition of the network in candle, for gradients; what runs live is `networks`.

pub mod adamw;
pub mod baselines;
pub mod batch;
pub mod dataset;
pub mod error;
pub mod evaluate;
pub mod fit;
pub mod gaf;
pub mod layers;
pub mod logic;
pub mod net;
pub mod planted;
pub mod predicates;
pub mod report;
pub mod train;

pub use batch::Odd;
pub use dataset::{Dataset, Protocol, Row};
pub use error::TrainError;
pub use fit::{Fitting, Progress};
pub use planted::{Planted, planted};
pub use report::Report;
pub use train::{Plan, Trained, train};
