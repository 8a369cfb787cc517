//! The factorised video transformer in two parts (eq. 6–8): a frame becomes a token, tokens become v.

use crate::native::block::{Bench, Block};
use crate::native::isa::{Checked, Core};
use crate::native::linear::{End, Linear, Norm, mean};
use crate::shape::Shape;
use crate::weights::Weights;

/// Image `[C][W][W]` → token `[d]`.
pub(crate) struct Frame {
    shape: Shape,
    embed: Linear,
    position: Vec<f32>,
    blocks: Vec<Block>,
    patches: Vec<f32>,
    tokens: Vec<f32>,
    pub(crate) bench: Bench,
}

impl Frame {
    /// Of the weights of a network.
    pub(crate) fn new(shape: &Shape, weights: &Weights, lanes: usize) -> Self {
        let (count, width) = (shape.patches(), shape.width);
        Self {
            embed: Linear::named(weights, "frame.embed", [width, shape.patch_len()], lanes),
            position: weights.get("frame.pos").to_vec(),
            blocks: Block::all(shape, weights, "frame", shape.spatial_blocks, lanes),
            patches: vec![0.0; count * shape.patch_len()],
            tokens: vec![0.0; count * width],
            bench: Bench::new(shape, count, lanes),
            shape: shape.clone(),
        }
    }
}

impl Core for Frame {
    fn forward(&mut self, set: Checked, image: &[f32], token: &mut [f32]) -> Result<(), String> {
        patchify(image, self.shape.window, self.shape.patch, &mut self.patches);
        self.tokens.copy_from_slice(&self.position);
        self.embed.forward(set, &self.patches, &mut self.tokens, End::Add);
        for block in &self.blocks {
            block.forward(set, &mut self.tokens, 0, &mut self.bench);
        }
        mean(&self.tokens, token);
        Ok(())
    }
}

/// Cuts an image `[C][W][W]` into patches `[(W/p)²][C·p·p]`: patch (r, c) row by row, each flattened channel,
/// row, column (eq. 6).
pub(crate) fn patchify(image: &[f32], window: usize, patch: usize, patches: &mut [f32]) {
    // a copy whose length is known needs no call; 4 is the side of the default shape
    match patch {
        4 => cut(image, window, patch, patches, |from, to| {
            if let (Some(from), Some(to)) = (from.first_chunk::<4>(), to.first_chunk_mut::<4>()) {
                *to = *from;
            }
        }),
        _ => cut(image, window, patch, patches, |from, to| to[..patch].copy_from_slice(&from[..patch])),
    }
}

fn cut(image: &[f32], window: usize, patch: usize, patches: &mut [f32], copy: impl Fn(&[f32], &mut [f32])) {
    let side = window / patch;
    let channel_len = patch * patch;
    let patch_len = image.len() / (window * window) * channel_len;
    for (channel, picture) in image.chunks_exact(window * window).enumerate() {
        for (y, line) in picture.chunks_exact(window).enumerate() {
            let place = channel * channel_len + y % patch * patch;
            for c in 0..side {
                copy(&line[c * patch..], &mut patches[(y / patch * side + c) * patch_len + place..]);
            }
        }
    }
}

/// Tokens `[N][d]`, oldest first → v `[d]`.
pub(crate) struct Temporal {
    position: Vec<f32>,
    blocks: Vec<Block>,
    norm: Norm,
    tokens: Vec<f32>,
    normal: Vec<f32>,
    bench: Bench,
}

impl Temporal {
    /// Of the weights of a network.
    pub(crate) fn new(shape: &Shape, weights: &Weights, lanes: usize) -> Self {
        let (frames, width) = (shape.frames, shape.width);
        Self {
            position: weights.get("temporal.pos").to_vec(),
            blocks: Block::all(shape, weights, "temporal", shape.temporal_blocks, lanes),
            norm: Norm::named(weights, "temporal.ln"),
            tokens: vec![0.0; frames * width],
            normal: vec![0.0; frames * width],
            bench: Bench::new(shape, frames, lanes),
        }
    }
}

impl Core for Temporal {
    fn forward(&mut self, set: Checked, tokens: &[f32], v: &mut [f32]) -> Result<(), String> {
        for (token, (x, position)) in self.tokens.iter_mut().zip(tokens.iter().zip(&self.position)) {
            *token = x + position;
        }
        for block in &self.blocks {
            block.forward(set, &mut self.tokens, 0, &mut self.bench);
        }
        self.norm.forward(set, &self.tokens, &mut self.normal);
        mean(&self.normal, v);
        Ok(())
    }
}
