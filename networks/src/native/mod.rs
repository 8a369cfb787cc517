//! The models on our own kernels.

mod attention;
mod attention_map;
mod block;
mod fusion;
mod heads;
mod isa;
mod linear;
mod math;
mod price;
#[cfg(test)]
mod tests;
mod vision;

use std::cell::RefCell;

use synapse::region::Fault;
use synapse::{Model, ModelCard};

pub use self::attention_map::attention;
pub use self::isa::Isa;
use self::isa::{Checked, Core};
use crate::error::NetworkError;
use crate::network::Network;

/// The four models of a network.
pub struct Models {
    /// Image `[C][W][W]` → token `[d]`.
    pub frame: Box<dyn Model>,
    /// Tokens `[N][d]`, oldest first → v `[d]`.
    pub temporal: Box<dyn Model>,
    /// v `[d]`, price `[T][K]`, text, memory, mask `[4]` → h `[d]`, g `[d]`.
    pub fusion: Box<dyn Model>,
    /// h `[d]` → go `[3]`, no-go `[3]`, q `[3]`.
    pub heads: Box<dyn Model>,
}

/// The models of a network on our own kernels, built for a set of instructions.
///
/// # Errors
/// A network of somebody's own graphs, or a set that this machine does not have.
pub fn native(network: &Network, isa: Isa) -> Result<Models, NetworkError> {
    let weights = network.weights().ok_or_else(|| NetworkError::NoWeights(network.card.name.clone()))?;
    let isa = Checked::new(isa)?;
    let (shape, lanes, d) = (&network.card.shape, isa.lanes(), network.card.shape.width);
    let card = ModelCard {
        name: network.card.name.clone(),
        trained: network.card.trained,
        about: network.card.about.clone(),
    };
    let outputs = 3 * shape.actions;
    Ok(Models {
        frame: boxed(&card, isa, [shape.frame_len(), d], vision::Frame::new(shape, weights, lanes)),
        temporal: boxed(&card, isa, [shape.frames * d, d], vision::Temporal::new(shape, weights, lanes)),
        fusion: boxed(&card, isa, [shape.fusion_inputs(), 2 * d], fusion::Fusion::new(shape, weights, lanes)),
        heads: boxed(&card, isa, [d, outputs], heads::Heads::new(shape, weights, lanes)),
    })
}

fn boxed<C: Core + Send + 'static>(
    card: &ModelCard,
    isa: Checked,
    [inputs, outputs]: [usize; 2],
    core: C,
) -> Box<dyn Model> {
    Box::new(Native { card: card.clone(), isa, inputs, outputs, core: RefCell::new(core) })
}

/// A model with the memory that it computes in, all of it taken at the start.
struct Native<C> {
    card: ModelCard,
    isa: Checked,
    inputs: usize,
    outputs: usize,
    core: RefCell<C>,
}

impl<C: Core + Send> Model for Native<C> {
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
        let (got, want) = ((input.len(), output.len()), (self.inputs, self.outputs));
        if got != want {
            let what = format!(
                "{} numbers in and {} out, but the model has {} and {}",
                got.0, got.1, want.0, want.1
            );
            return Err(Fault::new("networks", what));
        }
        self.core.borrow_mut().forward(self.isa, input, output).map_err(|what| Fault::new("networks", what))
    }
}
