//! Transcendentals of our own, for the places where many are taken at once (D2).
//!
//! They are made of additions, multiplications and divisions in a fixed order and of comparisons, so
//! that a loop over them becomes vector code with the bits of the scalar one, on any machine.

/// Here, and beyond, tanh is 1 in single precision.
const SATURATED: f32 = 10.0;

/// tanh(x/2) = x · P(x²) / Q(x²) for |x| ≤ 10, lowest power first: the fit whose largest error, as
/// tanh x feels it, is smallest (2e-8).
const P: [f32; 3] = [0.5, 1.480_702_2e-2, 5.541_159_4e-5];
const Q: [f32; 4] = [1.0, 1.129_473e-1, 1.189_841_7e-3, 1.157_801_3e-6];

/// tanh x, off by at most 2e-7, and by at most 4e-7 of itself; odd to the bit, NaN for NaN.
///
/// The half argument is fitted and then doubled, tanh x = 2u / (1 + u²), which damps the rounding
/// errors of the fit where u nears 1.
#[inline]
#[must_use]
pub fn tanh(x: f32) -> f32 {
    let x = x.clamp(-SATURATED, SATURATED);
    let t = x * x;
    let p = (P[2] * t + P[1]) * t + P[0];
    let q = ((Q[3] * t + Q[2]) * t + Q[1]) * t + Q[0];
    let u = x * p / q;
    ((u + u) / (1.0 + u * u)).clamp(-1.0, 1.0)
}

/// [`tanh`] of each number in its place, with the same bits.
pub fn tanh_all(numbers: &mut [f32]) {
    for x in numbers {
        *x = tanh(*x);
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use proptest::prelude::*;

    use super::*;

    /// Positive numbers of all magnitudes, evenly among all that single precision holds.
    fn sweep(step: usize) -> impl Iterator<Item = f32> {
        (0..=f32::INFINITY.to_bits()).step_by(step).map(f32::from_bits)
    }

    #[test]
    fn it_is_near_the_reference_everywhere() {
        for x in sweep(1_009).chain([f32::INFINITY, SATURATED]) {
            let got = f64::from(tanh(x));
            let want = libm::tanh(f64::from(x));
            assert!((got - want).abs() <= 2e-7, "tanh {x} is {got}, not {want}");
            assert!((got - want).abs() <= 4e-7 * want + 1e-44, "tanh {x} is {got}, not {want}");
            assert!((tanh(x) - libm::tanhf(x)).abs() <= 2e-7, "tanh {x}");
            assert_eq!((-tanh(x)).to_bits(), tanh(-x).to_bits(), "odd at {x}");
        }
        assert!(tanh(f32::NAN).is_nan());
        assert_eq!((tanh(f32::INFINITY), tanh(SATURATED)), (1.0, 1.0));
    }

    #[test]
    fn all_at_once_have_the_bits_of_one_at_a_time() {
        let mut all: Vec<f32> = sweep(65_537).flat_map(|x| [x, -x]).collect();
        let single: Vec<u32> = all.iter().map(|x| tanh(black_box(*x)).to_bits()).collect();
        tanh_all(&mut all);
        let bits: Vec<u32> = all.iter().map(|x| x.to_bits()).collect();
        assert_eq!(bits, single);
    }

    proptest! {
        #[test]
        fn the_length_makes_no_difference(numbers in prop::collection::vec(any::<f32>(), 0..40)) {
            let single: Vec<u32> = numbers.iter().map(|x| tanh(black_box(*x)).to_bits()).collect();
            let mut all = numbers;
            tanh_all(&mut all);
            let bits: Vec<u32> = all.iter().map(|x| x.to_bits()).collect();
            prop_assert_eq!(bits, single);
        }
    }
}
