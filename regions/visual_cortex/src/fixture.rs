//! Samples and eyes for the tests of this crate.

use market::InstrumentId;
use market::features::FeatureVector;
use synapse::{Fault, Model, ModelCard, Recalled, SampleKind, Sensed};

use crate::eyes::Eyes;
use crate::seen::SEEN_COUNT;
use crate::video::Shape;

/// Numbers in a token of [`eyes`].
pub(crate) const TOKEN: usize = 5;
/// Numbers in a percept of [`eyes`].
pub(crate) const PERCEPT: usize = 3;

/// The number of eyes that fail.
pub(crate) const FAILING: u8 = u8::MAX;

/// A sample of an instrument with these features.
pub(crate) fn recalled(instrument: u16, kind: SampleKind, features: FeatureVector) -> Recalled {
    scenes::recalled(Sensed { instrument: InstrumentId(instrument), kind, features, ..scenes::sensed() })
}

/// Eyes for a video of this shape; another number makes other eyes.
pub(crate) fn eyes(shape: Shape, number: u8) -> Eyes {
    Eyes {
        frame: model(shape.frame_len(), TOKEN, number),
        temporal: model(shape.frames * TOKEN, PERCEPT, number),
        scale: (0..SEEN_COUNT).map(|f| 0.4 + 0.1 * f as f32 + 0.05 * f32::from(number)).collect(),
        shift: (0..SEEN_COUNT).map(|f| 0.02 * f as f32 - 0.03 * f32::from(number)).collect(),
        id: [number; 32],
    }
}

/// A model whose every output is a weighted mean of all inputs, with weights of its own for each.
pub(crate) fn model(inputs: usize, outputs: usize, number: u8) -> Box<dyn Model> {
    let card = ModelCard { name: format!("mixer {number}"), trained: false, about: "a mean".into() };
    Box::new(Mixer { card, inputs, outputs, number })
}

struct Mixer {
    card: ModelCard,
    inputs: usize,
    outputs: usize,
    number: u8,
}

impl Model for Mixer {
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
        if self.number == FAILING || (input.len(), output.len()) != (self.inputs, self.outputs) {
            return Err(Fault::new("mixer", format!("{} numbers to {}", input.len(), output.len())));
        }
        for (at, y) in output.iter_mut().enumerate() {
            let weight = |i: usize| libm::sinf((i * (at + 2) + usize::from(self.number)) as f32);
            *y = input.iter().enumerate().map(|(i, x)| weight(i) * x).sum::<f32>() / input.len() as f32;
        }
        Ok(())
    }
}
