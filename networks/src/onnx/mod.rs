//! A network as four ONNX graphs: opset 17, one input `[1, n]` and one output `[1, m]` each.
//!
//! The same weights give the same bytes. A graph slices and shapes its flat input itself, in the layouts of
//! the crate's models, so any runtime that knows ONNX runs it, and any four graphs with this signature can
//! take its place.

mod block;
mod builder;
mod proto;
#[cfg(test)]
mod tests;

use builder::{Builder, INPUT};

use crate::graphs::Graphs;
use crate::shape::{MODALITIES, Shape};
use crate::weights::Weights;

/// What is added to the logit of a modality that is absent: its share is exactly 0.
const ABSENT: f32 = -1e9;

/// The four graphs of weights that are of that shape.
#[must_use]
pub fn graphs(shape: &Shape, weights: &Weights) -> Graphs {
    Graphs {
        frame: frame(shape, weights),
        temporal: temporal(shape, weights),
        fusion: fusion(shape, weights),
        heads: heads(shape, weights),
    }
}

/// Eq. 6 and 7: patches, embedding and positions, spatial blocks, mean over patches.
fn frame(shape: &Shape, weights: &Weights) -> Vec<u8> {
    let Shape { window, patch, width, .. } = *shape;
    let (side, channels) = (window / patch, shape.channels());
    let mut graph = Builder::new("frame", weights, shape.frame_len());
    let image = graph.reshape(INPUT, &[channels, side, patch, side, patch]);
    let patches = graph.transpose(&image, &[1, 3, 0, 2, 4]);
    let patches = graph.reshape(&patches, &[shape.patches(), shape.patch_len()]);
    let mut x = graph.embed("frame", &patches, shape.patch_len(), width);
    for i in 0..shape.spatial_blocks {
        x = graph.block(&format!("frame.blocks.{i}"), shape.heads, &x, None);
    }
    graph.mean_row(&x);
    graph.finish(width)
}

/// Eq. 8: positions, temporal blocks, normalisation, mean over frames.
fn temporal(shape: &Shape, weights: &Weights) -> Vec<u8> {
    let Shape { frames, width, .. } = *shape;
    let mut graph = Builder::new("temporal", weights, frames * width);
    let tokens = graph.reshape(INPUT, &[frames, width]);
    let positions = graph.constant("temporal.pos", &[frames, width], weights.get("temporal.pos"));
    let mut x = graph.node("Add", &[&tokens, &positions], Vec::new());
    for i in 0..shape.temporal_blocks {
        x = graph.block(&format!("temporal.blocks.{i}"), shape.heads, &x, None);
    }
    let x = graph.norm(&x, "temporal.ln");
    graph.mean_row(&x);
    graph.finish(width)
}

/// Eq. 20 and 21: the price stream, the tokens of the modalities that are there, attention and gate.
fn fusion(shape: &Shape, weights: &Weights) -> Vec<u8> {
    let Shape { width, text, memory, .. } = *shape;
    let mut graph = Builder::new("fusion", weights, shape.fusion_inputs());
    let rows = shape.price_window * shape.price_numbers;
    let parts = graph.split(INPUT, 1, &[width, rows, text, memory, MODALITIES]);
    let mask = &parts[4];
    let price = graph.price(shape, &parts[1]);
    let tokens: Vec<String> = graph.modalities(shape, [&parts[0], &price, &parts[2], &parts[3]]);
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let both = graph.node("Concat", &tokens, vec![proto::Attribute::int("axis", 0)]);
    let both = graph.split(&both, 1, &[width, width]);
    // what is absent has a factor 0 in the gate, and none of the attention
    let bias = graph.constant("fusion.gate.bias", &[width], weights.get("fusion.gate.bias"));
    let gate = graph.node("Gemm", &[mask, &both[1], &bias], Vec::new());
    let gate = graph.node("Sigmoid", &[&gate], Vec::new());
    let one = graph.constant("one", &[1], &[1.0]);
    let absent = graph.constant("absent", &[1], &[ABSENT]);
    let missing = graph.node("Sub", &[&one, mask], Vec::new());
    let missing = graph.node("Mul", &[&missing, &absent], Vec::new());
    let y = graph.norm(&both[0], "fusion.ln");
    let (query, own) = (graph.row(&y, 1), graph.row(&both[0], 1));
    let seen = graph.attention("fusion.attn", shape.heads, &query, &y, Some(&missing));
    // g a + (1 − g) t
    let step = graph.node("Sub", &[&seen, &own], Vec::new());
    let step = graph.node("Mul", &[&gate, &step], Vec::new());
    let fused = graph.node("Add", &[&own, &step], Vec::new());
    graph.node("Concat", &[&fused, &gate], vec![proto::Attribute::int("axis", 1)]);
    graph.finish(2 * width)
}

/// Eq. 22 and 23 and the critic: go and no-go are rectified, Q is not.
fn heads(shape: &Shape, weights: &Weights) -> Vec<u8> {
    let names = ["go", "no_go", "q"];
    let outputs = names.len() * shape.actions;
    let all = |what: &str| names.map(|name| weights.get(&format!("heads.{name}.{what}"))).concat();
    let mut graph = Builder::new("heads", weights, shape.width);
    let weight = graph.constant("heads.weight", &[outputs, shape.width], &all("weight"));
    let bias = graph.constant("heads.bias", &[outputs], &all("bias"));
    let floor: Vec<f32> = (0..outputs).map(|i| if i < 2 * shape.actions { 0.0 } else { f32::MIN }).collect();
    let floor = graph.constant("heads.floor", &[outputs], &floor);
    let values = graph.linear(INPUT, &weight, &bias);
    graph.node("Max", &[&values, &floor], Vec::new());
    graph.finish(outputs)
}

impl Builder<'_> {
    /// Embedding and positions of a part's rows.
    fn embed(&mut self, part: &str, rows: &str, inputs: usize, width: usize) -> String {
        let name = |what: &str| format!("{part}.{what}");
        let bias = self.weight(&name("embed.bias"));
        let offsets: Vec<f32> = self
            .weight(&name("pos"))
            .chunks(width)
            .flat_map(|row| row.iter().zip(bias).map(|(p, b)| p + b))
            .collect();
        let weight = name("embed.weight");
        let weight = self.constant(&weight, &[width, inputs], self.weight(&weight));
        let offsets = self.constant(&name("embed.offsets"), &[offsets.len() / width, width], &offsets);
        self.linear(rows, &weight, &offsets)
    }

    /// The token of the newest row of the price stream.
    fn price(&mut self, shape: &Shape, rows: &str) -> String {
        let newest = shape.price_window - 1;
        let rows = self.reshape(rows, &[shape.price_window, shape.price_numbers]);
        let mut x = self.embed("price", &rows, shape.price_numbers, shape.width);
        for i in 0..shape.price_blocks {
            let last = (i + 1 == shape.price_blocks).then_some(newest);
            x = self.block(&format!("price.blocks.{i}"), shape.heads, &x, last);
        }
        if shape.price_blocks == 0 {
            x = self.row(&x, newest);
        }
        self.norm(&x, "price.ln")
    }

    /// Of each modality the token and, beside it, what it adds to the gate: `[1][2d]`.
    fn modalities(&mut self, shape: &Shape, inputs: [&str; MODALITIES]) -> Vec<String> {
        let (d, columns) = (shape.width, shape.gate_inputs());
        let gate = self.weight("fusion.gate.weight");
        let lengths = [d, d, shape.text, shape.memory];
        let mut first = 0;
        let mut tokens = Vec::new();
        for ((slot, length), x) in ["v", "t", "s", "m"].into_iter().zip(lengths).zip(inputs) {
            let mut weight = self.weight(&format!("fusion.{slot}.weight")).to_vec();
            gate.chunks(columns).for_each(|row| weight.extend(&row[first..first + length]));
            let mut bias = self.weight(&format!("fusion.{slot}.bias")).to_vec();
            bias.resize(2 * d, 0.0);
            let weight = self.constant(&format!("fusion.{slot}.weight"), &[2 * d, length], &weight);
            let bias = self.constant(&format!("fusion.{slot}.bias"), &[2 * d], &bias);
            tokens.push(self.linear(x, &weight, &bias));
            first += length;
        }
        tokens
    }
}
