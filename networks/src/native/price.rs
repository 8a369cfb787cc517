//! The price stream: a transformer over its window, of which the last state is the query of fusion.

use crate::native::block::{Bench, Block};
use crate::native::isa::Checked;
use crate::native::linear::{End, Linear, Norm};
use crate::shape::Shape;
use crate::weights::Weights;

/// Rows `[T][K]`, oldest first → t `[d]`.
pub(crate) struct Price {
    embed: Linear,
    position: Vec<f32>,
    blocks: Vec<Block>,
    norm: Norm,
    tokens: Vec<f32>,
    bench: Bench,
}

impl Price {
    /// Of the weights of a network.
    pub(crate) fn new(shape: &Shape, weights: &Weights, lanes: usize) -> Self {
        let (rows, width) = (shape.price_window, shape.width);
        Self {
            embed: Linear::named(weights, "price.embed", [width, shape.price_numbers], lanes),
            position: weights.get("price.pos").to_vec(),
            blocks: Block::all(shape, weights, "price", shape.price_blocks, lanes),
            norm: Norm::named(weights, "price.ln"),
            tokens: vec![0.0; rows * width],
            bench: Bench::new(shape, rows, lanes),
        }
    }

    /// Computes t; in the last block only the last row is renewed, since nothing else is read.
    pub(crate) fn forward(&mut self, set: Checked, rows: &[f32], t: &mut [f32]) {
        self.tokens.copy_from_slice(&self.position);
        self.embed.forward(set, rows, &mut self.tokens, End::Add);
        let last = self.tokens.len() / t.len() - 1;
        if let Some((final_block, blocks)) = self.blocks.split_last() {
            for block in blocks {
                block.forward(set, &mut self.tokens, 0, &mut self.bench);
            }
            final_block.forward(set, &mut self.tokens, last, &mut self.bench);
        }
        self.norm.forward(set, &self.tokens[last * t.len()..], t);
    }
}
