//! A model that is an ONNX graph.

use std::sync::{Arc, Mutex, PoisonError};

use networks::Card;
use ort::session::Session;
use ort::value::{Outlet, TensorElementType, TensorRef, ValueType};
use synapse::{Fault, Model, ModelCard};

use super::{InferenceError, Runtime};

/// A graph with one input `[1, n]` and one output `[1, m]`, and the session that runs it, which clones share.
#[derive(Clone)]
pub(super) struct Graph {
    card: ModelCard,
    region: &'static str,
    session: Arc<Mutex<Session>>,
    inputs: usize,
    outputs: usize,
}

impl Graph {
    /// Loads the graph of a region, called by its file's name, that maps so many numbers to so many.
    ///
    /// # Errors
    /// A graph that cannot be loaded or has another signature.
    pub(super) fn load(
        runtime: &Runtime,
        card: &Card,
        (region, graph): (&'static str, &'static str),
        bytes: &[u8],
        (inputs, outputs): (usize, usize),
    ) -> Result<Self, InferenceError> {
        let session = runtime.session(graph, bytes)?;
        for (side, outlets, want) in
            [("input", session.inputs(), inputs), ("output", session.outputs(), outputs)]
        {
            if !matches!(outlets, [one] if is_vector(one.dtype(), want)) {
                let got = described(outlets);
                return Err(InferenceError::Signature { graph, side, got, want });
            }
        }
        let card = ModelCard { name: card.name.clone(), trained: card.trained, about: card.about.clone() };
        Ok(Self { card, region, session: Arc::new(Mutex::new(session)), inputs, outputs })
    }
}

impl Model for Graph {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn inputs(&self) -> usize {
        self.inputs
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn infer(&self, input: &[f32], output: &mut [f32]) -> Result<(), Fault> {
        let fault = |what: String| Fault::new(self.region, what);
        if (input.len(), output.len()) != (self.inputs, self.outputs) {
            let Self { inputs, outputs, .. } = self;
            let (got, given) = (input.len(), output.len());
            return Err(fault(format!("{got} numbers to {given}, but the graph maps {inputs} to {outputs}")));
        }
        let failed = |e: ort::Error| fault(format!("the graph does not run: {e}"));
        let tensor = TensorRef::from_array_view(([1, self.inputs], input)).map_err(failed)?;
        // what panicked before it was done left nothing behind: a session has no memory of its own
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let made = session.run(ort::inputs![tensor]).map_err(failed)?;
        let (_, values) = made[0].try_extract_tensor::<f32>().map_err(failed)?;
        if values.len() != self.outputs {
            return Err(fault(format!("the graph made {} numbers, not {}", values.len(), self.outputs)));
        }
        output.copy_from_slice(values);
        Ok(())
    }
}

fn is_vector(kind: &ValueType, length: usize) -> bool {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    matches!(kind, ValueType::Tensor { ty: TensorElementType::Float32, shape, .. } if shape[..] == [1, length])
}

fn described(outlets: &[Outlet]) -> String {
    match outlets {
        [one] => format!("`{}`: {}", one.name(), one.dtype()),
        several => format!("{} tensors", several.len()),
    }
}
