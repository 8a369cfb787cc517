//! The network in candle: the same four parts as `networks`, for gradients.

use std::collections::BTreeMap;

use candle_core::{D, Device, Result, Tensor, Var};
use networks::{Shape, Weights};
use synapse::random::{seed_for, uniform};

use crate::error::TrainError;
use crate::gaf;
use crate::layers::{Part, softmax};

/// What is taken off the logit of an absent modality: its weight is exactly 0.
const MASKED: f64 = 1e9;
/// The least bias of a pathway at the start, so that no unit is dead.
const LEAST_BIAS: f64 = 0.25;

/// What goes in.
pub struct Input {
    /// Windows `[M, W, F]` of normalised values, each drawn once however many videos show it.
    pub windows: Tensor,
    /// The windows of each video, oldest first: `[B · N]` indices.
    pub videos: Tensor,
    /// Rows of the price stream, oldest first: `[B, T, K]`.
    pub price: Tensor,
    /// Whether there is vision: `[B, 1]` of 1 and 0.
    pub sees: Tensor,
    /// Embeddings of text `[B, text]`; without them text is masked.
    pub text: Option<Shown>,
    /// Recalls `[B, memory]`; without them memory is masked.
    pub memory: Option<Shown>,
}

/// A modality that not every sample has.
pub struct Shown {
    /// Its numbers, 0 where it is absent.
    pub numbers: Tensor,
    /// Where it is there: `[B, 1]` of 1 and 0.
    pub present: Tensor,
}

/// What comes out.
pub struct Output {
    /// A token of each window: `[M, d]`.
    pub tokens: Tensor,
    /// Percepts `[B, d]`.
    pub v: Tensor,
    /// Fused states `[B, d]`.
    pub h: Tensor,
    /// Gates `[B, d]`.
    pub g: Tensor,
    /// The pathways `[B, actions]`: Go.
    pub go: Tensor,
    /// And No-Go.
    pub no_go: Tensor,
    /// The critic `[B, actions]`.
    pub q: Tensor,
}

/// A network whose tensors are variables.
pub struct Net {
    /// Its sizes.
    pub shape: Shape,
    /// Its variables by the names of [`Shape::tensors`].
    pub vars: BTreeMap<String, Var>,
    /// Whether GADF is blanked, for the experiment that shows what it is good for.
    pub sum_only: bool,
}

impl Net {
    /// A network that knows nothing but how often each class comes (`priors`): linear layers by Xavier,
    /// the gate nearly shut, every unit of the pathways alive.
    ///
    /// # Errors
    /// A shape that cannot be.
    pub fn seeded(shape: &Shape, seed: u64, priors: &[f64; 3]) -> std::result::Result<Self, TrainError> {
        let tensors = shape.tensors().into_iter().map(|(name, sizes)| {
            let values = initial(&name, &sizes, seed, priors);
            (name, values)
        });
        Self::with(shape, &tensors.collect())
    }

    /// A network of these tensors.
    ///
    /// # Errors
    /// Tensors that are not those of the shape.
    pub fn with(
        shape: &Shape,
        tensors: &BTreeMap<String, Vec<f32>>,
    ) -> std::result::Result<Self, TrainError> {
        let weights = Weights::new(shape, tensors.clone())?;
        let vars = shape.tensors().into_iter().map(|(name, sizes)| {
            let var = Var::from_slice(weights.get(&name), sizes, &Device::Cpu)?;
            Ok((name, var))
        });
        Ok(Self { shape: shape.clone(), vars: vars.collect::<Result<_>>()?, sum_only: false })
    }

    /// The numbers of its variables, row-major.
    ///
    /// # Errors
    /// Those of the tensor library.
    pub fn tensors(&self) -> Result<BTreeMap<String, Vec<f32>>> {
        let flat = |var: &Var| var.flatten_all()?.to_vec1();
        self.vars.iter().map(|(name, var)| Ok((name.clone(), flat(var)?))).collect()
    }

    /// Runs all four parts.
    ///
    /// # Errors
    /// Inputs of other sizes than the shape's.
    pub fn forward(&self, input: &Input) -> Result<Output> {
        let frames =
            gaf::frames(&input.windows, self.part("sight").get("scale")?, self.part("sight").get("shift")?)?;
        let tokens = self.frame(&frames)?;
        let videos = tokens.index_select(&input.videos, 0)?;
        let v = self.temporal(&videos.reshape(((), self.shape.frames, self.shape.width))?)?;
        let (h, g) = self.fusion(&v, input)?;
        let heads = self.part("heads");
        let (go, no_go) = (heads.linear("go", &h)?.relu()?, heads.linear("no_go", &h)?.relu()?);
        Ok(Output { q: heads.linear("q", &h)?, tokens, v, h, g, go, no_go })
    }

    fn part<'a>(&'a self, name: &'a str) -> Part<'a> {
        Part::new(&self.vars, name)
    }

    fn blocks(&self, part: &str, count: usize, mut x: Tensor, last_only: bool) -> Result<Tensor> {
        for i in 0..count {
            let name = format!("{part}.blocks.{i}");
            x = self.part(&name).block(&x, self.shape.heads, last_only && i + 1 == count)?;
        }
        Ok(x)
    }

    /// Frames `[M, C, W, W]` → tokens `[M, d]`.
    ///
    /// # Errors
    /// Frames of other sizes.
    pub fn frame(&self, frames: &Tensor) -> Result<Tensor> {
        let Shape { window, patch, features, width, .. } = self.shape;
        let (count, side, channels) = (frames.dim(0)?, window / patch, 2 * features);
        let mut pixels = frames.clone();
        if self.sum_only {
            let kept: Vec<f32> = (0..channels).map(|channel| (1 - channel % 2) as f32).collect();
            pixels = pixels.broadcast_mul(&Tensor::from_vec(kept, (channels, 1, 1), &Device::Cpu)?)?;
        }
        let patches = pixels
            .reshape((count, channels, side, patch, side, patch))?
            .permute((0, 2, 4, 1, 3, 5))?
            .reshape((count, side * side, channels * patch * patch))?;
        let frame = self.part("frame");
        let x = frame.linear("embed", &patches)?.broadcast_add(frame.get("pos")?)?;
        let x = self.blocks("frame", self.shape.spatial_blocks, x, false)?;
        (x.sum(1)? / (side * side) as f64)?.reshape((count, width))
    }

    /// Tokens `[B, N, d]`, oldest first → percepts `[B, d]`.
    ///
    /// # Errors
    /// Tokens of other sizes.
    pub fn temporal(&self, tokens: &Tensor) -> Result<Tensor> {
        let temporal = self.part("temporal");
        let x = tokens.broadcast_add(temporal.get("pos")?)?;
        let x = self.blocks("temporal", self.shape.temporal_blocks, x, false)?;
        temporal.norm("ln", &x)?.sum(1)? / self.shape.frames as f64
    }

    /// The last token of the price stream: rows `[B, T, K]` → `[B, d]`.
    fn price(&self, rows: &Tensor) -> Result<Tensor> {
        let price = self.part("price");
        let x = price.linear("embed", rows)?.broadcast_add(price.get("pos")?)?;
        let x = self.blocks("price", self.shape.price_blocks, x, true)?;
        let last = x.narrow(1, x.dim(1)? - 1, 1)?.squeeze(1)?;
        price.norm("ln", &last)
    }

    /// Percepts and the other modalities → fused states and gates (20, 21), `[B, d]` each.
    ///
    /// # Errors
    /// Inputs of other sizes.
    pub fn fusion(&self, v: &Tensor, input: &Input) -> Result<(Tensor, Tensor)> {
        let (shape, fusion) = (&self.shape, self.part("fusion"));
        let batch = v.dim(0)?;
        let t = self.price(&input.price)?;
        let v = v.broadcast_mul(&input.sees)?;
        let nothing = |width: usize| Tensor::zeros((batch, width), v.dtype(), v.device());
        let projected_t = fusion.linear("t", &t)?;
        let (mut slots, mut present) =
            (vec![fusion.linear("v", &v)?, projected_t.clone()], vec![input.sees.clone()]);
        present.push(input.sees.ones_like()?);
        let mut gate = vec![v.clone(), t];
        for (name, given, width) in [("s", &input.text, shape.text), ("m", &input.memory, shape.memory)] {
            if let Some(shown) = given {
                slots.push(fusion.linear(name, &shown.numbers)?);
                present.push(shown.present.clone());
            }
            gate.push(given.as_ref().map_or_else(|| nothing(width), |shown| Ok(shown.numbers.clone()))?);
        }
        let y = fusion.norm("ln", &Tensor::stack(&slots, 1)?)?;
        let attended = self.attend(&y, &Tensor::cat(&present, 1)?)?;
        let g = candle_nn::ops::sigmoid(&fusion.linear("gate", &Tensor::cat(&gate, 1)?)?)?;
        let h = ((&g * attended)? + (g.affine(-1.0, 1.0)? * projected_t)?)?;
        Ok((h, g))
    }

    /// Attention of the price slot over the present ones: slots `[B, n, d]`, presence `[B, n]` → `[B, d]`.
    fn attend(&self, slots: &Tensor, present: &Tensor) -> Result<Tensor> {
        let fusion = self.part("fusion");
        let (batch, count, d) = slots.dims3()?;
        let (heads, each) = (self.shape.heads, d / self.shape.heads);
        let query = fusion.projection(&slots.narrow(1, 1, 1)?.contiguous()?, 0, d)?;
        let query = (query.reshape((batch, 1, heads, each))? / (each as f64).sqrt())?;
        let keys = fusion.projection(slots, d, d)?.reshape((batch, count, heads, each))?;
        let values = fusion.projection(slots, 2 * d, d)?.reshape((batch, count, heads, each))?;
        let logits = keys.broadcast_mul(&query)?.sum(D::Minus1)?;
        let logits = logits.broadcast_add(&present.affine(MASKED, -MASKED)?.unsqueeze(2)?)?;
        let weights = softmax(&logits.transpose(1, 2)?.contiguous()?)?.transpose(1, 2)?.unsqueeze(3)?;
        let mixed = values.broadcast_mul(&weights)?.sum(1)?.reshape((batch, d))?;
        fusion.linear("attn.out", &mixed)
    }
}

/// What a tensor holds before anything is learnt.
fn initial(name: &str, sizes: &[usize], seed: u64, priors: &[f64; 3]) -> Vec<f32> {
    let count = sizes.iter().product();
    let drawn = |limit: f64| {
        let seed = seed_for(seed, name);
        (0..count).map(|i| (limit * (2.0 * uniform(seed, i as u64) - 1.0)) as f32).collect()
    };
    let pathway = |sign: f64| {
        let logs = priors.map(|prior| libm::log(prior.max(1e-3)));
        let mean = logs.iter().sum::<f64>() / 3.0;
        (0..count).map(|i| (2.0 + sign * (logs[i % 3] - mean) / 2.0).max(LEAST_BIAS) as f32).collect()
    };
    match (name, sizes) {
        ("sight.scale", _) => vec![0.6; count],
        ("fusion.gate.bias", _) => vec![-2.0; count],
        ("heads.go.bias", _) => pathway(1.0),
        ("heads.no_go.bias", _) => pathway(-1.0),
        (_, [outputs, inputs]) if name.ends_with("weight") => drawn((6.0 / (outputs + inputs) as f64).sqrt()),
        _ if name.ends_with(".pos") => drawn(0.05),
        _ if name.contains("ln") && name.ends_with("weight") => vec![1.0; count],
        _ => vec![0.0; count],
    }
}

#[cfg(test)]
mod tests;
