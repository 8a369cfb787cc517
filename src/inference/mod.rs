//! What runs a network: our own kernels, or ONNX graphs through `ort`, on tract or on ONNX Runtime.
//!
//! Our kernels give the same bits on every machine; a back end of `ort` is bound to the version and the class
//! of CPU that a manifest names (D2). One process has one back end for graphs, chosen once.

mod agreement;
mod error;
mod graph;
mod runtime;

use std::fmt;
use std::path::{Path, PathBuf};

use networks::{Body, Graphs, Isa, Models, Network, onnx};
use synapse::Model;

pub use agreement::{Agreement, agree, rehearse, tolerance};
pub use error::InferenceError;
pub use runtime::Runtime;

use graph::Graph;

market::params! {
    /// What runs the networks.
    pub struct InferenceParams in "inference" {
        /// `auto` (native for our own architecture, else whatever runs graphs), `native`, `ort-tract` or `onnxruntime`.
        backend: String = "auto".to_owned(), "", 0.0, 0.0;
        /// What decides: `auto` (the network that ships, on samples like those it was trained on; else the rule), `none` (the rule), or the folder of a network.
        network: String = "auto".to_owned(), "", 0.0, 0.0;
        /// What a network is kept from, to see what it is worth to it: `vision`, `price`, `text` or `memory`; empty: nothing.
        without: String = String::new(), "", 0.0, 0.0;
        /// The path of the ONNX Runtime library; empty: that of the variable ORT_DYLIB_PATH, if it is set.
        runtime: String = String::new(), "", 0.0, 0.0;
    }
}

/// What runs a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Our own kernels.
    Native,
    /// Graphs on tract, which is part of the program.
    OrtTract,
    /// Graphs on the ONNX Runtime library at this path.
    OnnxRuntime(PathBuf),
}

impl fmt::Display for Kind {
    /// Its name in the configuration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::OrtTract => "ort-tract",
            Self::OnnxRuntime(_) => "onnxruntime",
        })
    }
}

impl Kind {
    /// By its name on a command line.
    ///
    /// # Errors
    /// As [`InferenceParams::graphs`].
    pub fn named(name: &str) -> Result<Self, InferenceError> {
        match name {
            "native" => Ok(Self::Native),
            _ => InferenceParams { backend: name.to_owned(), ..InferenceParams::default() }.graphs(),
        }
    }

    /// Name and version as manifests record them.
    ///
    /// # Errors
    /// An ONNX Runtime that cannot be loaded, or a process that has chosen another back end.
    pub fn name_and_version(&self) -> Result<String, InferenceError> {
        match self {
            Self::Native => Ok(self.to_string()),
            _ => Ok(Runtime::open(self.library())?.version().to_owned()),
        }
    }

    fn library(&self) -> Option<&Path> {
        match self {
            Self::OnnxRuntime(library) => Some(library),
            Self::Native | Self::OrtTract => None,
        }
    }
}

impl InferenceParams {
    /// What runs this network.
    ///
    /// # Errors
    /// A back end that is none, or `onnxruntime` with no library named.
    pub fn kind(&self, network: &Network) -> Result<Kind, InferenceError> {
        match self.backend.as_str() {
            "native" => Ok(Kind::Native),
            "auto" if network.weights().is_some() => Ok(Kind::Native),
            _ => self.graphs(),
        }
    }

    /// What runs graphs in this process, whatever runs the network: a text's encoder, or the graphs that our
    /// kernels are compared with.
    ///
    /// # Errors
    /// As [`InferenceParams::kind`].
    pub fn graphs(&self) -> Result<Kind, InferenceError> {
        let library = match self.runtime.as_str() {
            "" => std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from),
            named => Some(PathBuf::from(named)),
        };
        match (self.backend.as_str(), library) {
            ("ort-tract", _) | ("auto" | "native", None) => Ok(Kind::OrtTract),
            ("onnxruntime" | "auto" | "native", Some(library)) => Ok(Kind::OnnxRuntime(library)),
            ("onnxruntime", None) => Err(InferenceError::NoLibrary),
            (other, _) => Err(InferenceError::Backend(other.to_owned())),
        }
    }
}

/// A network on what runs it, loaded and proved once (D5): every line of regions gets models of its own.
pub struct Loaded {
    /// The graphs, in the order of the line; none where our own kernels run it.
    graphs: Option<[Graph; 4]>,
    /// What its golden windows came to, in words.
    told: String,
}

impl Loaded {
    /// Loads a network and runs its golden windows on what is to run it: our kernels beside graphs (D5), or
    /// somebody's own graphs alone.
    ///
    /// # Errors
    /// Graphs that cannot be loaded or are not of our signature; own graphs where our kernels are asked for; back
    /// ends that do not agree, a number that is not finite, or a graph that does not run.
    pub fn open(network: &Network, kind: &Kind, params: &InferenceParams) -> Result<Self, InferenceError> {
        let shape = &network.card.shape;
        if network.weights().is_none() && *kind != Kind::Native {
            let graphs = graphs(network, kind)?;
            rehearse(&boxed(&graphs), shape)?;
            return Ok(Self {
                graphs: Some(graphs),
                told: "its golden windows give finite numbers".to_owned(),
            });
        }
        let native = networks::native(network, Isa::detect())?;
        let beside = if *kind == Kind::Native { params.graphs()? } else { kind.clone() };
        let graphs = graphs(network, &beside)?;
        let agreement = agree(&native, &boxed(&graphs), shape)?;
        let told = format!("native and {beside} agree: {agreement}");
        Ok(Self { graphs: (*kind != Kind::Native).then_some(graphs), told })
    }

    /// The four models of the network; those of our own kernels are built for a set of instructions.
    ///
    /// # Errors
    /// A set that this machine does not have.
    pub fn models(&self, network: &Network, isa: Isa) -> Result<Models, InferenceError> {
        self.graphs.as_ref().map_or_else(|| Ok(networks::native(network, isa)?), |graphs| Ok(boxed(graphs)))
    }

    /// What its golden windows came to, in words.
    pub fn told(&self) -> &str {
        &self.told
    }
}

/// The four models of a network, whatever its golden windows come to.
///
/// # Errors
/// Graphs that cannot be loaded or are not of our signature; own graphs where our kernels are asked for.
pub fn models(network: &Network, kind: &Kind) -> Result<Models, InferenceError> {
    match kind {
        Kind::Native => Ok(networks::native(network, Isa::detect())?),
        kind => Ok(boxed(&graphs(network, kind)?)),
    }
}

/// The four graphs of a network, in the order of the line.
fn graphs(network: &Network, kind: &Kind) -> Result<[Graph; 4], InferenceError> {
    let runtime = Runtime::open(kind.library())?;
    let written;
    let graphs: &Graphs = match &network.body {
        Body::Graphs(graphs) => graphs,
        Body::Weights(weights) => {
            written = onnx::graphs(&network.card.shape, weights);
            &written
        }
    };
    let shape = &network.card.shape;
    let d = shape.width;
    let load = |region, name, bytes: &[u8], inputs, outputs| {
        Graph::load(&runtime, &network.card, (region, name), bytes, (inputs, outputs))
    };
    Ok([
        load("visual_cortex", "frame.onnx", &graphs.frame, shape.frame_len(), d)?,
        load("visual_cortex", "temporal.onnx", &graphs.temporal, shape.frames * d, d)?,
        load("thalamus", "fusion.onnx", &graphs.fusion, shape.fusion_inputs(), 2 * d)?,
        load("basal_ganglia", "heads.onnx", &graphs.heads, d, 3 * shape.actions)?,
    ])
}

fn boxed(graphs: &[Graph; 4]) -> Models {
    let [frame, temporal, fusion, heads] = graphs.clone().map(|graph| Box::new(graph) as Box<dyn Model>);
    Models { frame, temporal, fusion, heads }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(backend: &str, runtime: &str) -> Result<Kind, InferenceError> {
        InferenceParams { backend: backend.to_owned(), runtime: runtime.to_owned(), ..Default::default() }
            .graphs()
    }

    #[test]
    fn a_named_library_runs_graphs_unless_tract_is_asked_for() {
        for backend in ["auto", "native", "onnxruntime"] {
            assert_eq!(of(backend, "lib.so").expect("a kind"), Kind::OnnxRuntime("lib.so".into()));
        }
        assert_eq!(of("ort-tract", "lib.so").expect("a kind"), Kind::OrtTract);
    }

    #[test]
    fn a_back_end_that_is_none_is_named() {
        let error = of("tensorflow", "lib.so").expect_err("no such back end").to_string();
        assert!(error.contains("`tensorflow`") && error.contains("ort-tract"), "{error}");
    }
}
