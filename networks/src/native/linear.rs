//! Products of rows with weights, and layer normalisation.
//!
//! Every element of a product is one sum over the inputs, in their order. Sizes of tiles and registers
//! decide which elements are computed side by side and never how one is, so they cannot change a bit.

use std::array;

use crate::native::isa::{Checked, Kernel};
use crate::native::math::sum;
use crate::weights::Weights;

/// A cache line: what a vector load should not straddle.
const LINE: usize = 64;
/// What is added to a variance.
const EPSILON: f32 = 1e-5;

/// Numbers that begin at a cache line.
pub(crate) struct Aligned {
    numbers: Vec<f32>,
    start: usize,
    len: usize,
}

impl Aligned {
    /// So many zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        let numbers = vec![0.0; len + LINE / size_of::<f32>()];
        let start = numbers.as_ptr().align_offset(LINE).min(LINE / size_of::<f32>());
        Self { numbers, start, len }
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> &[f32] {
        &self.numbers[self.start..][..self.len]
    }

    #[inline(always)]
    pub(crate) fn get_mut(&mut self) -> &mut [f32] {
        &mut self.numbers[self.start..][..self.len]
    }
}

/// What becomes of a product.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum End {
    /// y = x Wᵀ + b.
    Store,
    /// y = y + (x Wᵀ + b): a residual.
    Add,
    /// y = x Wᵀ, summed on from what y holds: the next columns of a longer row.
    Continue,
}

/// Rows of numbers a stride apart.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// From the first number of the first row on.
    pub(crate) numbers: &'a [f32],
    /// Numbers from a row to the next.
    pub(crate) stride: usize,
    /// How many rows.
    pub(crate) count: usize,
}

impl<'a> Rows<'a> {
    /// Rows that follow each other.
    #[inline(always)]
    pub(crate) fn dense(numbers: &'a [f32], stride: usize) -> Self {
        Self { numbers, stride, count: numbers.len() / stride }
    }
}

/// Weights in the order in which a product reads them: blocks of L outputs, the inputs of a block after each
/// other.
#[derive(Clone, Copy)]
pub(crate) struct Panels<'a> {
    /// `[⌈outputs/L⌉][inputs][L]`.
    pub(crate) weight: &'a [f32],
    /// `[⌈outputs/L⌉ · L]`.
    pub(crate) bias: &'a [f32],
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

/// Rows times panels, into rows of `y` that are `y_stride` apart.
pub(crate) struct Product<'a> {
    pub(crate) x: Rows<'a>,
    pub(crate) w: Panels<'a>,
    pub(crate) y: &'a mut [f32],
    pub(crate) y_stride: usize,
    pub(crate) end: End,
}

impl Kernel for Product<'_> {
    #[inline(always)]
    fn run<const R: usize, const L: usize, const P: usize>(mut self) {
        let (rows, blocks) = (self.x.count, self.w.outputs.div_ceil(L));
        let mut row = 0;
        while row + R <= rows {
            (0..blocks).for_each(|block| self.tile::<R, L, 1>(row, block));
            row += R;
        }
        for row in row..rows {
            let mut block = 0;
            while block + P <= blocks {
                self.tile::<1, L, P>(row, block);
                block += P;
            }
            (block..blocks).for_each(|block| self.tile::<1, L, 1>(row, block));
        }
    }
}

impl Product<'_> {
    /// R rows times P blocks of L outputs, held in registers.
    #[inline(always)]
    fn tile<const R: usize, const L: usize, const P: usize>(&mut self, row: usize, block: usize) {
        let Self { x, w, y, y_stride, end } = self;
        let k = w.inputs;
        let rows: [&[f32]; R] = array::from_fn(|r| &x.numbers[(row + r) * x.stride..][..k]);
        let panels: [&[[f32; L]]; P] =
            array::from_fn(|p| &w.weight[(block + p) * k * L..][..k * L].as_chunks::<L>().0[..k]);
        let mut sums = [[[0.0f32; L]; P]; R];
        for (r, sums) in sums.iter_mut().enumerate() {
            for (p, sums) in sums.iter_mut().enumerate() {
                let column = (block + p) * L;
                let at = (row + r) * *y_stride + column;
                let from = if *end == End::Continue { &y[at..] } else { &w.bias[column..] };
                match from.first_chunk::<L>() {
                    Some(from) => *sums = *from,
                    None => sums.iter_mut().zip(from).for_each(|(sum, from)| *sum = *from),
                }
            }
        }
        multiply(rows, panels, &mut sums);
        for (r, sums) in sums.iter_mut().enumerate() {
            for (p, sums) in sums.iter_mut().enumerate() {
                let column = (block + p) * L;
                let lanes = L.min(w.outputs - column);
                let to = &mut y[(row + r) * *y_stride + column..][..lanes];
                if *end == End::Add {
                    sums.iter_mut().zip(to.iter()).for_each(|(sum, to)| *sum += to);
                }
                match to.first_chunk_mut::<L>() {
                    Some(to) => *to = *sums,
                    None => to.copy_from_slice(&sums[..lanes]),
                }
            }
        }
    }
}

/// sums += rows × panels, number by number.
// loops over constant ranges: these the compiler unrolls into registers, and iterators it does not
#[allow(clippy::needless_range_loop)]
#[inline(always)]
fn multiply<const R: usize, const L: usize, const P: usize>(
    rows: [&[f32]; R],
    panels: [&[[f32; L]]; P],
    sums: &mut [[[f32; L]; P]; R],
) {
    let inputs = panels[0].len();
    let mut held = *sums;
    for i in 0..inputs {
        for r in 0..R {
            let number = rows[r][i];
            for p in 0..P {
                let weights = &panels[p][i];
                for l in 0..L {
                    held[r][p][l] += number * weights[l];
                }
            }
        }
    }
    *sums = held;
}

/// A linear layer: x Wᵀ + b.
pub(crate) struct Linear {
    weight: Aligned,
    bias: Aligned,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

impl Linear {
    /// Packs `weight(output, input)` and `bias(output)` in blocks of so many lanes.
    pub(crate) fn from_fn(
        [outputs, inputs]: [usize; 2],
        lanes: usize,
        weight: impl Fn(usize, usize) -> f32,
        bias: impl Fn(usize) -> f32,
    ) -> Self {
        let padded = outputs.next_multiple_of(lanes);
        let (mut packed, mut shift) = (Aligned::zeros(padded * inputs), Aligned::zeros(padded));
        for output in 0..outputs {
            let (block, lane) = (output / lanes, output % lanes);
            for input in 0..inputs {
                packed.get_mut()[(block * inputs + input) * lanes + lane] = weight(output, input);
            }
            shift.get_mut()[output] = bias(output);
        }
        Self { weight: packed, bias: shift, inputs, outputs }
    }

    /// The layer of that name.
    pub(crate) fn named(weights: &Weights, name: &str, [outputs, inputs]: [usize; 2], lanes: usize) -> Self {
        let (weight, bias) = (weights.get(&format!("{name}.weight")), weights.get(&format!("{name}.bias")));
        Self::from_fn([outputs, inputs], lanes, |o, i| weight[o * inputs + i], |o| bias[o])
    }

    /// Applies it to rows that follow each other.
    pub(crate) fn forward(&self, set: Checked, x: &[f32], y: &mut [f32], end: End) {
        let Self { weight, bias, inputs, outputs } = self;
        let w = Panels { weight: weight.get(), bias: bias.get(), inputs: *inputs, outputs: *outputs };
        set.run(Product { x: Rows::dense(x, *inputs), w, y, y_stride: *outputs, end });
    }
}

/// Layer normalisation with the biased variance.
pub(crate) struct Norm {
    gain: Vec<f32>,
    shift: Vec<f32>,
}

impl Norm {
    /// Of a gain and a shift a column.
    pub(crate) fn new(gain: &[f32], shift: &[f32]) -> Self {
        Self { gain: gain.to_vec(), shift: shift.to_vec() }
    }

    /// The layer of that name.
    pub(crate) fn named(weights: &Weights, name: &str) -> Self {
        Self::new(weights.get(&format!("{name}.weight")), weights.get(&format!("{name}.bias")))
    }

    /// Normalises each row of `x` into `y`.
    pub(crate) fn forward(&self, set: Checked, x: &[f32], y: &mut [f32]) {
        set.run(Normalise { norm: self, x, y });
    }
}

struct Normalise<'a> {
    norm: &'a Norm,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Normalise<'_> {
    #[inline(always)]
    fn run<const R: usize, const L: usize, const P: usize>(self) {
        let Norm { gain, shift } = self.norm;
        let width = gain.len();
        let over = 1.0 / width as f32;
        for (x, y) in self.x.chunks_exact(width).zip(self.y.chunks_exact_mut(width)) {
            let mean = sum(x, |x| x) * over;
            let variance = sum(x, |x| (x - mean) * (x - mean)) * over;
            let scale = 1.0 / (variance + EPSILON).sqrt();
            for ((y, &x), (gain, shift)) in y.iter_mut().zip(x).zip(gain.iter().zip(shift)) {
                *y = ((x - mean) * scale) * gain + shift;
            }
        }
    }
}

/// The mean of rows, column by column.
pub(crate) fn mean(rows: &[f32], to: &mut [f32]) {
    let width = to.len();
    to.fill(0.0);
    for row in rows.chunks_exact(width) {
        to.iter_mut().zip(row).for_each(|(to, x)| *to += x);
    }
    let over = 1.0 / (rows.len() / width) as f32;
    to.iter_mut().for_each(|to| *to *= over);
}
