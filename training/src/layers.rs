//! The layers of a transformer, out of operations that have a backward pass each.
//!
//! The fused layer norm and softmax of candle have none and would cut the graph without a word.

use std::collections::BTreeMap;

use candle_core::{D, Result, Tensor, Var};

/// Variance that is added in a layer norm.
const EPSILON: f32 = 1e-5;

/// The variables of a part of a network, by the names of its tensors.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    vars: &'a BTreeMap<String, Var>,
    name: &'a str,
}

impl<'a> Part<'a> {
    pub fn new(vars: &'a BTreeMap<String, Var>, name: &'a str) -> Self {
        Self { vars, name }
    }

    /// The tensor of that name in this part.
    pub fn get(&self, name: &str) -> Result<&'a Tensor> {
        let name = format!("{}.{name}", self.name);
        match self.vars.get(&name) {
            Some(var) => Ok(var.as_tensor()),
            None => candle_core::bail!("the network has no tensor `{name}`"),
        }
    }

    /// y = x Wᵀ + b over the last dimension.
    pub fn linear(&self, name: &str, x: &Tensor) -> Result<Tensor> {
        let (weight, bias) = (self.get(&format!("{name}.weight"))?, self.get(&format!("{name}.bias"))?);
        affine(x, weight, bias)
    }

    /// Layer norm over the last dimension, with biased variance.
    pub fn norm(&self, name: &str, x: &Tensor) -> Result<Tensor> {
        let (gain, bias) = (self.get(&format!("{name}.weight"))?, self.get(&format!("{name}.bias"))?);
        candle_nn::ops::layer_norm_slow(x, gain, bias, EPSILON)
    }

    /// The rows `first .. first + d` of the stacked projection of attention, applied to x.
    pub fn projection(&self, x: &Tensor, first: usize, count: usize) -> Result<Tensor> {
        let weight = self.get("attn.in.weight")?.narrow(0, first, count)?;
        affine(x, &weight, &self.get("attn.in.bias")?.narrow(0, first, count)?)
    }

    /// A pre-norm block over tokens `[B, L, d]`; with `last_only` what it makes of the last token, `[B, 1, d]`.
    pub fn block(&self, x: &Tensor, heads: usize, last_only: bool) -> Result<Tensor> {
        let (_, length, d) = x.dims3()?;
        let normed = self.norm("ln1", x)?;
        let (x, asking) = if last_only {
            (x.narrow(1, length - 1, 1)?, normed.narrow(1, length - 1, 1)?.contiguous()?)
        } else {
            (x.clone(), normed.clone())
        };
        let query = self.projection(&asking, 0, d)?;
        let keys_values = self.projection(&normed, d, 2 * d)?;
        let attended = attention(&query, &keys_values, heads)?;
        let x = (x + self.linear("attn.out", &attended)?)?;
        if !self.vars.contains_key(&format!("{}.ln2.weight", self.name)) {
            return Ok(x);
        }
        let hidden = self.linear("mlp.in", &self.norm("ln2", &x)?)?.gelu_erf()?;
        x + self.linear("mlp.out", &hidden)?
    }
}

fn affine(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (outputs, inputs) = weight.dims2()?;
    let mut sizes = x.dims().to_vec();
    let y = x.reshape(((), inputs))?.matmul(&weight.t()?)?.broadcast_add(bias)?;
    sizes.pop();
    sizes.push(outputs);
    y.reshape(sizes)
}

/// Softmax over the last dimension; the largest logit is taken off first, which changes no gradient.
pub(crate) fn softmax(x: &Tensor) -> Result<Tensor> {
    let powers = x.broadcast_sub(&x.max_keepdim(D::Minus1)?.detach())?.exp()?;
    powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)
}

/// Logarithm of [`softmax`].
pub(crate) fn log_softmax(x: &Tensor) -> Result<Tensor> {
    let x = x.broadcast_sub(&x.max_keepdim(D::Minus1)?.detach())?;
    x.broadcast_sub(&x.exp()?.sum_keepdim(D::Minus1)?.log()?)
}

/// Multi-head attention of queries `[B, Q, d]` over keys and values `[B, L, 2d]`, before its output layer.
fn attention(query: &Tensor, keys_values: &Tensor, heads: usize) -> Result<Tensor> {
    let (batch, queries, d) = query.dims3()?;
    let length = keys_values.dim(1)?;
    let split = |x: Tensor, length: usize| {
        x.reshape((batch, length, heads, d / heads))?.transpose(1, 2)?.contiguous()
    };
    let query = split((query / ((d / heads) as f64).sqrt())?, queries)?;
    let keys = split(keys_values.narrow(2, 0, d)?.contiguous()?, length)?;
    let values = split(keys_values.narrow(2, d, d)?.contiguous()?, length)?;
    let weights = softmax(&query.matmul(&keys.t()?)?)?;
    weights.matmul(&values)?.transpose(1, 2)?.reshape((batch, queries, d))
}
