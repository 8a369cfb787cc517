//! The two pathways of the basal ganglia (eq. 22 and 23) and a linear critic.

use crate::native::isa::{Checked, Core};
use crate::native::linear::{End, Linear};
use crate::shape::Shape;
use crate::weights::Weights;

/// h `[d]` → go `[3]`, no-go `[3]`, both rectified, and q `[3]`.
pub(crate) struct Heads {
    layer: Linear,
    rectified: usize,
}

impl Heads {
    /// Of the weights of a network: its three layers as one.
    pub(crate) fn new(shape: &Shape, weights: &Weights, lanes: usize) -> Self {
        let (width, actions) = (shape.width, shape.actions);
        let part = |what: &str| ["go", "no_go", "q"].map(|head| weights.get(&format!("heads.{head}.{what}")));
        let (weight, bias) = (part("weight"), part("bias"));
        let layer = Linear::from_fn(
            [3 * actions, width],
            lanes,
            |o, i| weight[o / actions][o % actions * width + i],
            |o| bias[o / actions][o % actions],
        );
        Self { layer, rectified: 2 * actions }
    }
}

impl Core for Heads {
    fn forward(&mut self, set: Checked, h: &[f32], output: &mut [f32]) -> Result<(), String> {
        self.layer.forward(set, h, output, End::Store);
        output[..self.rectified].iter_mut().for_each(|x| *x = if *x < 0.0 { 0.0 } else { *x });
        Ok(())
    }
}
