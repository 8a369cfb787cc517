//! What can be wrong with a network.

use std::io;
use std::path::PathBuf;

/// Why a network cannot be used; all but [`NetworkError::File`] mean that its files are bad.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A size that no network can have.
    #[error("shape: {name} is {got}, but must be {limit}; correct the card")]
    Shape {
        /// The size.
        name: &'static str,
        /// Its value.
        got: usize,
        /// What it must be.
        limit: String,
    },
    /// The card does not fit itself.
    #[error("card: {0}")]
    Card(String),
    /// The names of the features do not give the hash that stands beside them.
    #[error(
        "card: features_hash is {got}, but the features listed give {want}; the card was edited: export it again"
    )]
    FeaturesHash {
        /// The hash of the card.
        got: String,
        /// The hash of the names.
        want: String,
    },
    /// A tensor that the shape calls for is not there.
    #[error("weights: tensor `{0}` is missing; export the network again")]
    Missing(String),
    /// A tensor that the shape does not know.
    #[error("weights: tensor `{0}` is none of this network's; export it with the shape of its card")]
    Unknown(String),
    /// A tensor of the wrong size.
    #[error("weights: tensor `{name}` has shape {got:?}, but the card's shape needs {want:?}")]
    Size {
        /// The tensor.
        name: String,
        /// Its sizes.
        got: Vec<usize>,
        /// The sizes it must have.
        want: Vec<usize>,
    },
    /// A tensor that does not hold single-precision numbers.
    #[error("weights: tensor `{name}` is of type {got}, but must be F32")]
    Type {
        /// The tensor.
        name: String,
        /// Its type.
        got: String,
    },
    /// A weight that is no number.
    #[error("weights: tensor `{name}` holds {value} at {at}, but every weight must be finite; train again")]
    NotFinite {
        /// The tensor.
        name: String,
        /// Where in it.
        at: usize,
        /// What stands there.
        value: f32,
    },
    /// Bytes that are cut off or not of the format.
    #[error("{what}: the bytes cannot be read ({why}); fetch or export the network again")]
    Bytes {
        /// Which bytes.
        what: &'static str,
        /// What the reader says.
        why: String,
    },
    /// A network of somebody's own graphs has no weights for our kernels.
    #[error(
        "network `{0}` consists of its own graphs and has no weights; choose a back end that runs graphs"
    )]
    NoWeights(String),
    /// An image that the frame network cannot read.
    #[error("image: {0}; draw it in the shape of the network's card")]
    Image(String),
    /// Instructions that this machine does not have.
    #[error("instruction set {0} is not on this machine; `Isa::available` lists what is")]
    Isa(String),
    /// A file that cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
