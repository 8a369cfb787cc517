//! Why a network does not run.

use std::path::PathBuf;

use networks::NetworkError;
use synapse::Fault;

use crate::failure::Failure;

/// Why a network cannot be run on a back end.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// A back end that is none.
    #[error("inference.backend is `{0}`, and must be auto, native, ort-tract or onnxruntime")]
    Backend(String),
    /// ONNX Runtime is asked for, but not where it is.
    #[error(
        "inference.backend is onnxruntime, but no library is named; set inference.runtime or ORT_DYLIB_PATH \
         to the path of libonnxruntime"
    )]
    NoLibrary,
    /// A library that cannot be used.
    #[error("{path}: cannot be used as ONNX Runtime ({why}); name the library of version 1.24 or later")]
    Library {
        /// The library.
        path: PathBuf,
        /// What the loader says.
        why: String,
    },
    /// The process runs graphs on something else.
    #[error(
        "graphs run on {chosen} since this process started, not on {wanted}; name one back end and start again"
    )]
    Chosen {
        /// What they run on.
        chosen: String,
        /// What was asked for.
        wanted: String,
    },
    /// A graph that the back end refuses.
    #[error(
        "{graph}: {backend} cannot load it ({why}); export it again with opset 17, or choose another back end"
    )]
    Graph {
        /// The graph.
        graph: &'static str,
        /// The back end.
        backend: String,
        /// What it says.
        why: String,
    },
    /// A graph with other inputs or outputs than ours.
    #[error(
        "{graph}: its {side} is {got}, but the card's shape needs one f32 tensor [1, {want}]; export it so"
    )]
    Signature {
        /// The graph.
        graph: &'static str,
        /// `input` or `output`.
        side: &'static str,
        /// What it has.
        got: String,
        /// How many numbers it must have.
        want: usize,
    },
    /// A model gave a number that is none.
    #[error(
        "{model}: number {at} of golden window {window} is {value}, but must be finite; train or export again"
    )]
    NotFinite {
        /// The model.
        model: &'static str,
        /// The window.
        window: usize,
        /// Where in its output.
        at: usize,
        /// What stands there.
        value: f32,
    },
    /// Two back ends do not agree (D5).
    #[error(
        "{model}: number {at} of golden window {window} is {got}, but {want} on our own kernels, and may differ by \
         {limit:e}; choose another back end, or report it with the network"
    )]
    Differ {
        /// The model.
        model: &'static str,
        /// The window.
        window: usize,
        /// Where in its output.
        at: usize,
        /// What the other back end gave.
        got: f32,
        /// What our kernels gave.
        want: f32,
        /// How far they may be apart.
        limit: f32,
    },
    /// Two back ends gave the same bits throughout.
    #[error("both back ends gave the same bits in all {0} numbers: one was compared with itself")]
    Same(usize),
    /// A model that does not run.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A network that cannot be used.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// `ort` itself failed.
    #[error("the environment of ort cannot be made: {0}")]
    Environment(String),
}

impl From<InferenceError> for Failure {
    fn from(error: InferenceError) -> Self {
        use InferenceError::{Environment, Same};
        let message = error.to_string();
        match error {
            Same(_) | Environment(_) => Self::Internal(message),
            _ => Self::Input(message),
        }
    }
}
