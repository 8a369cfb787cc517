//! Gated cross-attention of the modalities (eq. 20 and 21).

use crate::card::MODALITIES;
use crate::native::attention::{Attention, Desk};
use crate::native::isa::{Checked, Core};
use crate::native::linear::{End, Linear, Norm};
use crate::native::math::Sigmoid;
use crate::native::price::Price;
use crate::shape::Shape;
use crate::weights::Weights;

/// A modality: its projection to a token, and its columns of the gate.
pub(crate) struct Slot {
    pub(crate) project: Linear,
    pub(crate) gate: Linear,
}

/// The fusion of tokens that may be absent, one of which asks and is always there.
pub(crate) struct Cross {
    slots: Vec<Slot>,
    asking: usize,
    norm: Norm,
    attention: Attention,
    gate_bias: Vec<f32>,
    tokens: Vec<f32>,
    normal: Vec<f32>,
    heard: Vec<f32>,
    pub(crate) desk: Desk,
}

impl Cross {
    /// Of slots, of which number `asking` asks.
    pub(crate) fn new(
        slots: Vec<Slot>,
        asking: usize,
        (norm, attention, gate_bias): (Norm, Attention, Vec<f32>),
        [heads, lanes]: [usize; 2],
    ) -> Self {
        let (count, width) = (slots.len(), gate_bias.len());
        Self {
            slots,
            asking,
            norm,
            attention,
            gate_bias,
            tokens: vec![0.0; count * width],
            normal: vec![0.0; count * width],
            heard: vec![0.0; width],
            desk: Desk::new(count, width, heads, lanes),
        }
    }

    /// h and g of the modalities that are there; `None` is one that is absent.
    ///
    /// # Errors
    /// The one that asks is absent.
    pub(crate) fn forward(
        &mut self,
        set: Checked,
        modalities: &[Option<&[f32]>],
        h: &mut [f32],
        g: &mut [f32],
    ) -> Result<(), String> {
        let width = h.len();
        g.copy_from_slice(&self.gate_bias);
        let (mut end, mut asking) = (0, None);
        for (i, (slot, modality)) in self.slots.iter().zip(modalities).enumerate() {
            let Some(x) = modality else { continue };
            let token = &mut self.tokens[end..][..width];
            slot.project.forward(set, x, token, End::Store);
            slot.gate.forward(set, x, g, End::Continue);
            if i == self.asking {
                asking = Some(end);
            }
            end += width;
        }
        let at = asking.ok_or("price is masked, but it is what asks: it must be present")?;
        self.norm.forward(set, &self.tokens[..end], &mut self.normal[..end]);
        let (tokens, query) = (&self.normal[..end], &self.normal[at..][..width]);
        self.attention.forward(set, query, tokens, &mut self.desk, &mut self.heard, End::Store);
        set.run(Sigmoid(g));
        let own = &self.tokens[at..][..width];
        for (h, (g, (heard, own))) in h.iter_mut().zip(g.iter().zip(self.heard.iter().zip(own))) {
            *h = g * heard + (1.0 - g) * own;
        }
        Ok(())
    }
}

/// v `[d]`, price `[T][K]`, text, memory, mask `[4]` → h `[d]`, g `[d]`.
pub(crate) struct Fusion {
    price: Price,
    t: Vec<f32>,
    sizes: [usize; 4],
    pub(crate) cross: Cross,
}

/// The slot of the price stream.
const PRICE: usize = 1;

impl Fusion {
    /// Of the weights of a network.
    pub(crate) fn new(shape: &Shape, weights: &Weights, lanes: usize) -> Self {
        let width = shape.width;
        let (gate, columns) = (weights.get("fusion.gate.weight"), shape.gate_inputs());
        let mut from = 0;
        let slots =
            [("v", width), ("t", width), ("s", shape.text), ("m", shape.memory)].map(|(name, inputs)| {
                let first = from;
                from += inputs;
                let weight = |o: usize, i: usize| gate[o * columns + first + i];
                Slot {
                    project: Linear::named(weights, &format!("fusion.{name}"), [width, inputs], lanes),
                    gate: Linear::from_fn([width, inputs], lanes, weight, |_| 0.0),
                }
            });
        let norm = Norm::named(weights, "fusion.ln");
        let attention = Attention::named(weights, "fusion.attn", [width, shape.heads, lanes]);
        let bias = weights.get("fusion.gate.bias").to_vec();
        Self {
            price: Price::new(shape, weights, lanes),
            t: vec![0.0; width],
            sizes: [width, shape.price_window * shape.price_numbers, shape.text, shape.memory],
            cross: Cross::new(slots.into(), PRICE, (norm, attention, bias), [shape.heads, lanes]),
        }
    }
}

impl Core for Fusion {
    fn forward(&mut self, set: Checked, input: &[f32], output: &mut [f32]) -> Result<(), String> {
        let [v, price, s, m] = self.sizes;
        let (v, rest) = input.split_at(v);
        let (price, rest) = rest.split_at(price);
        let (s, rest) = rest.split_at(s);
        let (m, mask) = rest.split_at(m);
        for (name, flag) in MODALITIES.iter().zip(mask) {
            if *flag != 0.0 && *flag != 1.0 {
                return Err(format!("the mask of {name} is {flag}, but must be 0 or 1"));
            }
        }
        if mask[PRICE] == 1.0 {
            self.price.forward(set, price, &mut self.t);
        }
        let there = |i: usize, x| (mask[i] == 1.0).then_some(x);
        let modalities = [there(0, v), there(1, self.t.as_slice()), there(2, s), there(3, m)];
        let (h, g) = output.split_at_mut(self.t.len());
        self.cross.forward(set, &modalities, h, g)
    }
}
