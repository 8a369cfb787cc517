//! Scaled dot-product attention over several heads (eq. 7, 8 and 20).

use crate::native::isa::Checked;
use crate::native::linear::{Aligned, End, Linear, Panels, Product, Rows};
use crate::native::math::Softmax;
use crate::weights::Weights;

/// Keys and values of one head, packed for products.
pub(crate) struct Packed {
    keys: Aligned,
    values: Aligned,
    zeros: Aligned,
}

impl Packed {
    /// For so many tokens with heads of at most a width.
    pub(crate) fn new(tokens: usize, head: usize, lanes: usize) -> Self {
        let padded = tokens.max(head).next_multiple_of(lanes);
        let zeros = |len| Aligned::zeros(len);
        Self { keys: zeros(padded * head), values: zeros(padded * tokens), zeros: zeros(padded) }
    }
}

/// Rows and how many columns of them count.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) rows: Rows<'a>,
    pub(crate) width: usize,
}

impl Part<'_> {
    /// The columns of a row that count.
    fn row(&self, row: usize) -> &[f32] {
        &self.rows.numbers[row * self.rows.stride..][..self.width]
    }
}

impl Packed {
    /// Transposes the keys into blocks of tokens, and cuts the values into blocks of columns.
    fn pack(&mut self, key: Part<'_>, value: Part<'_>, lanes: usize) {
        let keys = key.rows.count;
        for (block, panel) in self.keys.get_mut().chunks_exact_mut(key.width * lanes).enumerate() {
            for lane in 0..lanes.min(keys.saturating_sub(block * lanes)) {
                let row = key.row(block * lanes + lane);
                panel[lane..].iter_mut().step_by(lanes).zip(row).for_each(|(to, x)| *to = *x);
            }
        }
        for (block, panel) in self.values.get_mut().chunks_exact_mut(keys * lanes).enumerate() {
            let columns = (block * lanes).min(value.width)..(block * lanes + lanes).min(value.width);
            for (row, line) in panel.chunks_exact_mut(lanes).enumerate() {
                line[..columns.len()].copy_from_slice(&value.row(row)[columns.clone()]);
            }
        }
    }
}

/// softmax(q kᵀ / √d_k) v. The shares `[queries][keys]` stay in `shares`; the mixed values go into rows of
/// `y`, `y_stride` apart.
pub(crate) fn attend(
    set: Checked,
    [query, key, value]: [Part<'_>; 3],
    packed: &mut Packed,
    shares: &mut [f32],
    (y, y_stride): (&mut [f32], usize),
) {
    let keys = key.rows.count;
    packed.pack(key, value, set.lanes());
    let bias = packed.zeros.get();
    let w = Panels { weight: packed.keys.get(), bias, inputs: key.width, outputs: keys };
    set.run(Product { x: query.rows, w, y: shares, y_stride: keys, end: End::Store });
    set.run(Softmax { numbers: shares, row: keys, scale: 1.0 / (key.width as f32).sqrt() });
    let w = Panels { weight: packed.values.get(), bias, inputs: keys, outputs: value.width };
    set.run(Product { x: Rows::dense(shares, keys), w, y, y_stride, end: End::Store });
}

/// Where an attention computes.
pub(crate) struct Desk {
    query: Vec<f32>,
    key_value: Vec<f32>,
    packed: Packed,
    mixed: Vec<f32>,
    /// The shares `[heads][queries][keys]` of the last call.
    pub(crate) shares: Vec<f32>,
}

impl Desk {
    /// For so many tokens.
    pub(crate) fn new(tokens: usize, width: usize, heads: usize, lanes: usize) -> Self {
        Self {
            query: vec![0.0; tokens * width],
            key_value: vec![0.0; tokens * 2 * width],
            packed: Packed::new(tokens, width / heads, lanes),
            mixed: vec![0.0; tokens * width],
            shares: vec![0.0; heads * tokens * tokens],
        }
    }
}

/// The projections of an attention: queries apart from keys and values, since often only one token asks.
pub(crate) struct Attention {
    query: Linear,
    key_value: Linear,
    out: Linear,
    heads: usize,
}

impl Attention {
    /// Of a stacked projection, rows q, k, v, and that of the output.
    pub(crate) fn new(
        [width, heads, lanes]: [usize; 3],
        [in_weight, in_bias, out_weight, out_bias]: [&[f32]; 4],
    ) -> Self {
        let part = |from: usize, outputs: usize| {
            let weight = |o: usize, i: usize| in_weight[(from + o) * width + i];
            Linear::from_fn([outputs, width], lanes, weight, |o| in_bias[from + o])
        };
        let out = Linear::from_fn([width, width], lanes, |o, i| out_weight[o * width + i], |o| out_bias[o]);
        Self { query: part(0, width), key_value: part(width, 2 * width), out, heads }
    }

    /// The attention of that name.
    pub(crate) fn named(weights: &Weights, name: &str, sizes: [usize; 3]) -> Self {
        let parts = ["in.weight", "in.bias", "out.weight", "out.bias"].map(|part| format!("{name}.{part}"));
        Self::new(sizes, parts.each_ref().map(|part| weights.get(part)))
    }

    /// The width of a token.
    pub(crate) fn width(&self) -> usize {
        self.query.inputs
    }

    /// The rows of `asking` ask those of `tokens`; what each hears goes into its row of `y`.
    pub(crate) fn forward(
        &self,
        set: Checked,
        asking: &[f32],
        tokens: &[f32],
        desk: &mut Desk,
        y: &mut [f32],
        end: End,
    ) {
        let width = self.width();
        let (queries, keys, head) = (asking.len() / width, tokens.len() / width, width / self.heads);
        let Desk { query, key_value, packed, mixed, shares } = desk;
        self.query.forward(set, asking, query, End::Store);
        self.key_value.forward(set, tokens, key_value, End::Store);
        for i in 0..self.heads {
            let part = |numbers, stride, count| Part { rows: Rows { numbers, stride, count }, width: head };
            let at = i * head;
            let parts = [
                part(&query[at..], width, queries),
                part(&key_value[at..], 2 * width, keys),
                part(&key_value[width + at..], 2 * width, keys),
            ];
            let shares = &mut shares[i * queries * keys..][..queries * keys];
            attend(set, parts, packed, shares, (&mut mixed[at..], width));
        }
        self.out.forward(set, &mixed[..asking.len()], y, end);
    }
}
