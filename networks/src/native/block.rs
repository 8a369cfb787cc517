//! A pre-LN transformer block: x += MSA(LN x), x += MLP(LN x) (eq. 7).

use crate::native::attention::{Attention, Desk};
use crate::native::isa::Checked;
use crate::native::linear::{End, Linear, Norm};
use crate::native::math::Gelu;
use crate::shape::Shape;
use crate::weights::Weights;

/// A block; without an MLP it is eq. 7 as written.
pub(crate) struct Block {
    norm: Norm,
    attention: Attention,
    mlp: Option<Mlp>,
}

struct Mlp {
    norm: Norm,
    rise: Linear,
    fall: Linear,
}

/// Where blocks over so many tokens compute.
pub(crate) struct Bench {
    normal: Vec<f32>,
    hidden: Vec<f32>,
    pub(crate) desk: Desk,
}

impl Bench {
    /// For so many tokens.
    pub(crate) fn new(shape: &Shape, tokens: usize, lanes: usize) -> Self {
        let width = shape.width;
        Self {
            normal: vec![0.0; tokens * width],
            hidden: vec![0.0; tokens * shape.mlp * width],
            desk: Desk::new(tokens, width, shape.heads, lanes),
        }
    }
}

impl Block {
    /// The blocks of a part of the network.
    pub(crate) fn all(shape: &Shape, weights: &Weights, part: &str, count: usize, lanes: usize) -> Vec<Self> {
        (0..count).map(|i| Self::named(shape, weights, &format!("{part}.blocks.{i}"), lanes)).collect()
    }

    fn named(shape: &Shape, weights: &Weights, name: &str, lanes: usize) -> Self {
        let (width, hidden) = (shape.width, shape.mlp * shape.width);
        let mlp = (hidden > 0).then(|| Mlp {
            norm: Norm::named(weights, &format!("{name}.ln2")),
            rise: Linear::named(weights, &format!("{name}.mlp.in"), [hidden, width], lanes),
            fall: Linear::named(weights, &format!("{name}.mlp.out"), [width, hidden], lanes),
        });
        Self {
            norm: Norm::named(weights, &format!("{name}.ln1")),
            attention: Attention::named(weights, &format!("{name}.attn"), [width, shape.heads, lanes]),
            mlp,
        }
    }

    /// Renews the tokens from number `first` on; every token is heard.
    pub(crate) fn forward(&self, set: Checked, tokens: &mut [f32], first: usize, bench: &mut Bench) {
        let from = first * self.attention.width();
        let Bench { normal, hidden, desk } = bench;
        self.norm.forward(set, tokens, normal);
        let renewed = &mut tokens[from..];
        self.attention.forward(set, &normal[from..], normal, desk, renewed, End::Add);
        if let Some(Mlp { norm, rise, fall }) = &self.mlp {
            let normal = &mut normal[from..];
            let hidden = &mut hidden[..normal.len() / rise.inputs * rise.outputs];
            norm.forward(set, renewed, normal);
            rise.forward(set, normal, hidden, End::Store);
            set.run(Gelu(hidden));
            fall.forward(set, hidden, renewed, End::Add);
        }
    }
}
