//! Why a network cannot be trained.

use std::io;
use std::path::PathBuf;

/// What can go wrong in the school.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A row that cannot be learnt from.
    #[error("data set: row {row}: {why}")]
    Row {
        /// Which, from 0.
        row: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Too little to learn from or to be tested on.
    #[error("data set: the {part} part has {got} samples, but needs at least {least}; give a longer feed")]
    TooFew {
        /// Which part.
        part: &'static str,
        /// Its samples.
        got: usize,
        /// The fewest that make sense.
        least: usize,
    },
    /// A setting that cannot be.
    #[error("plan: {0}")]
    Plan(String),
    /// Stopped before any seed had finished an epoch.
    #[error("training was stopped before the first epoch had ended; give it more time")]
    Stopped,
    /// A loss that is no number.
    #[error("seed {seed}, epoch {epoch}: the loss is {loss}; lower the learning rate or look at the data")]
    Diverged {
        /// The seed.
        seed: u64,
        /// The epoch.
        epoch: u32,
        /// The loss.
        loss: f64,
    },
    /// The file of an interrupted training belongs to another data set or plan, or is damaged.
    #[error("{path}: {why}; remove it to start again")]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file that cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A network that is not sound.
    #[error(transparent)]
    Network(#[from] networks::NetworkError),
    /// The tensor library refused.
    #[error("tensors: {0}")]
    Tensor(#[from] candle_core::Error),
}
