//! Transcendentals of our own and the two sums over a row.
//!
//! Each is one scalar function without a branch, made of additions, multiplications, divisions and
//! selections in a fixed order, so that a loop over it becomes vector code with the bits of the scalar one
//! (D2). tanh stands in `synapse::math`.

use crate::native::isa::Kernel;

/// Adding and taking away this rounds to the nearest whole number, which the low bits then hold.
const ROUND: f32 = 12_582_912.0;
/// Below, e^x is 0 here; its true value is under the smallest normal number.
const UNDERFLOW: f32 = -87.3;
/// Above, e^x stays what it is here.
const OVERFLOW: f32 = 88.0;
/// ln 2 in two parts: the first has few enough bits for whole multiples to be exact.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;
/// e^r = 1 + r + r²·E(r) for |r| ≤ ln 2 / 2, highest power first (Cephes, `expf`).
const E: [f32; 6] = [1.987_569_2e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];

/// e^x for x ≤ 88; 0 below −87.3.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let inside = if x < OVERFLOW { x } else { OVERFLOW };
    let shifted = inside * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let r = (inside - whole * LN2_HIGH) - whole * LN2_LOW;
    let tail = ((((E[0] * r + E[1]) * r + E[2]) * r + E[3]) * r + E[4]) * r + E[5];
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    let value = (tail * (r * r) + r + 1.0) * power;
    if x < UNDERFLOW { 0.0 } else { value }
}

/// 1 / (1 + e^−x), of which the exponential never overflows.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    let e = exp(-x.abs());
    let high = 1.0 / (1.0 + e);
    if x < 0.0 { e * high } else { high }
}

/// t = 1 / (1 + SLOPE·|x|), of which [`TAIL`] makes 2Φ(−|x|)·e^(x²/2) (Abramowitz and Stegun 7.1.26, for the
/// argument of the normal law).
const SLOPE: f32 = 0.231_641_89;
const TAIL: [f32; 5] = [1.061_405_4, -1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6];

/// x·Φ(x), the GELU with the error function: off by at most 5e-7.
///
/// What the tail takes off x, or off 0, is computed and not Φ, so that nothing cancels where Φ nears 0 or 1.
#[inline(always)]
pub(crate) fn gelu(x: f32) -> f32 {
    let size = x.abs();
    let t = 1.0 / (1.0 + SLOPE * size);
    let tail = ((((TAIL[0] * t + TAIL[1]) * t + TAIL[2]) * t + TAIL[3]) * t + TAIL[4]) * t;
    let off = (0.5 * size) * (tail * exp((-0.5 * x) * x));
    (if x > 0.0 { x } else { 0.0 }) - off
}

/// Lanes of a sum over a row, whatever the width of the registers.
const LANES: usize = 8;

/// The sum of `f` of each number: lane l takes the numbers l, l + 8, …; then the lanes are added in a tree.
#[inline(always)]
pub(crate) fn sum(numbers: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = numbers.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, &x)| *lane += f(x));
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, &x)| *lane += f(x));
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// The largest number of a row.
#[inline(always)]
fn largest(numbers: &[f32]) -> f32 {
    let pick = |a: f32, b: f32| if a > b { a } else { b };
    let (chunks, rest) = numbers.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, &x)| *lane = pick(x, *lane));
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, &x)| *lane = pick(x, *lane));
    let [a, b, c, d, e, f, g, h] = lanes;
    pick(pick(pick(a, e), pick(c, g)), pick(pick(b, f), pick(d, h)))
}

/// Softmax of scale·x over each row of so many numbers, in its place; the largest is taken off first, so
/// that no finite logit overflows.
pub(crate) struct Softmax<'a> {
    pub(crate) numbers: &'a mut [f32],
    pub(crate) row: usize,
    pub(crate) scale: f32,
}

impl Kernel for Softmax<'_> {
    #[inline(always)]
    fn run<const R: usize, const L: usize, const P: usize>(self) {
        let Self { numbers, row, scale } = self;
        for numbers in numbers.chunks_exact_mut(row) {
            let top = largest(numbers);
            numbers.iter_mut().for_each(|x| *x = (*x - top) * scale);
        }
        numbers.iter_mut().for_each(|x| *x = exp(*x));
        for numbers in numbers.chunks_exact_mut(row) {
            let share = 1.0 / sum(numbers, |x| x);
            numbers.iter_mut().for_each(|x| *x *= share);
        }
    }
}

/// [`gelu`] of each number, in its place.
pub(crate) struct Gelu<'a>(pub(crate) &'a mut [f32]);

impl Kernel for Gelu<'_> {
    #[inline(always)]
    fn run<const R: usize, const L: usize, const P: usize>(self) {
        self.0.iter_mut().for_each(|x| *x = gelu(*x));
    }
}

/// [`sigmoid`] of each number, in its place.
pub(crate) struct Sigmoid<'a>(pub(crate) &'a mut [f32]);

impl Kernel for Sigmoid<'_> {
    #[inline(always)]
    fn run<const R: usize, const L: usize, const P: usize>(self) {
        self.0.iter_mut().for_each(|x| *x = sigmoid(*x));
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use proptest::prelude::*;

    use super::*;
    use crate::native::isa::{Checked, Isa};

    const FUNCTIONS: [fn(f32) -> f32; 3] = [exp, sigmoid, gelu];

    /// One of the functions over a row.
    struct Row<'a>(usize, &'a mut [f32]);

    impl Kernel for Row<'_> {
        #[inline(always)]
        fn run<const R: usize, const L: usize, const P: usize>(self) {
            match self.0 {
                0 => self.1.iter_mut().for_each(|x| *x = exp(*x)),
                1 => self.1.iter_mut().for_each(|x| *x = sigmoid(*x)),
                _ => self.1.iter_mut().for_each(|x| *x = gelu(*x)),
            }
        }
    }

    fn assert_bits(numbers: &[f32]) {
        for isa in Isa::available() {
            for (i, f) in FUNCTIONS.iter().enumerate() {
                let mut row = numbers.to_vec();
                Checked::new(isa).expect("a set of this machine").run(Row(i, &mut row));
                for (x, y) in numbers.iter().zip(&row) {
                    let one = f(black_box(*x));
                    let same = y.to_bits() == one.to_bits() || (y.is_nan() && one.is_nan());
                    assert!(same, "{isa:?}, function {i} of {x}: {y} in a row, {one} alone");
                }
            }
        }
    }

    /// A dense grid over all that matters, and numbers of all magnitudes.
    fn grid() -> Vec<f32> {
        let near = (-1_600_000..1_600_000).map(|i| i as f32 / 16_384.0);
        let all = (0..=u32::MAX).step_by(40_009).map(f32::from_bits).filter(|x| x.is_finite());
        near.chain(all).collect()
    }

    #[test]
    fn rows_have_the_bits_of_single_numbers() {
        assert_bits(&grid());
    }

    proptest! {
        #[test]
        fn random_bits_too(bits in proptest::collection::vec(any::<u32>(), 1..70)) {
            assert_bits(&bits.into_iter().map(f32::from_bits).collect::<Vec<_>>());
        }

        #[test]
        fn softmax_shares_sum_to_one_however_large(row in proptest::collection::vec(-5e3f32..5e3, 1..40)) {
            let mut shares = row.clone();
            let len = shares.len();
            let set = Checked::new(Isa::detect()).expect("a set of this machine");
            set.run(Softmax { numbers: &mut shares, row: len, scale: 500.0 });
            prop_assert!(shares.iter().all(|x| x.is_finite() && *x >= 0.0), "{shares:?}");
            prop_assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{shares:?}");
        }
    }

    #[test]
    fn they_are_near_the_reference() {
        // largest errors: absolute, and in units of the last place
        let mut worst = [(0.0f64, 0.0f64); 3];
        for x in grid() {
            let wide = f64::from(x);
            let phi = 0.5 * libm::erfc(-wide * std::f64::consts::FRAC_1_SQRT_2);
            let logistic = 1.0 / (1.0 + libm::exp(-wide));
            let want = [libm::exp(wide), logistic, wide * phi];
            for (i, (f, want)) in FUNCTIONS.iter().zip(want).enumerate() {
                // beyond 88 the exponential stays, and below −87.3 it is 0
                if i == 0 && !(-87.3..88.0).contains(&wide) {
                    continue;
                }
                let error = (f64::from(f(x)) - want).abs();
                let place = f64::from((want.abs() as f32).next_up() - want.abs() as f32);
                worst[i].0 = worst[i].0.max(error);
                if want.abs() > f64::from(f32::MIN_POSITIVE) {
                    worst[i].1 = worst[i].1.max(error / place);
                }
            }
        }
        println!("(absolute, units of the last place) of exp, sigmoid, gelu: {worst:?}");
        let [exponential, logistic, unit] = worst;
        assert!(exponential.1 <= 2.0, "exp: {exponential:?}");
        assert!(logistic.0 <= 1.5e-7, "sigmoid: {logistic:?}");
        assert!(unit.0 <= 5e-7, "gelu: {unit:?}");
        assert_eq!((exp(0.0), exp(-1e9), exp(f32::NEG_INFINITY), sigmoid(0.0)), (1.0, 0.0, 0.0, 0.5));
        assert_eq!((gelu(0.0), gelu(-1e9), gelu(1e9)), (0.0, 0.0, 1e9));
    }
}
