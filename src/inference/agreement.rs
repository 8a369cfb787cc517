//! Golden windows through a network: that it runs, and that two back ends agree (D5).

use std::fmt;

use networks::{Models, Shape};
use synapse::Model;
use synapse::random::{normal, seed_for, uniform};

use super::InferenceError;

/// Windows of pseudo-random numbers.
const RANDOM: usize = 256;
/// Windows of saturated numbers, and as many of constant ones.
const EXTREME: usize = 16;
/// What the windows are drawn from.
const SEED: u64 = 20_260_502;
/// A value that tanh takes to one.
const SATURATED: f64 = 25.0;
/// Two numbers agree where |a − b| ≤ ABS + REL·|b|.
const ABS: f64 = 2e-5;
const REL: f64 = 1e-4;

/// How far from a number another back end's may be (D5).
#[must_use]
pub const fn tolerance(want: f64) -> f64 {
    ABS + REL * want.abs()
}

/// How nearly two back ends agree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// How many windows went through both.
    pub windows: usize,
    /// How many numbers were compared.
    pub numbers: usize,
    /// The largest difference.
    pub largest: f32,
    /// The model that gave it.
    pub model: &'static str,
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { windows, numbers, largest, model } = self;
        write!(f, "{numbers} numbers of {windows} golden windows differ by at most {largest:e} ({model})")
    }
}

/// Compares a back end with our own kernels on the golden windows; both get the same inputs, those that our
/// kernels make. The difference allowed is that of D5.
///
/// # Errors
/// The first number that differs by more or is not finite; bits that are the same throughout.
pub fn agree(native: &Models, other: &Models, shape: &Shape) -> Result<Agreement, InferenceError> {
    let agreement = walk(native, Some(other), shape)?;
    if agreement.largest == 0.0 {
        return Err(InferenceError::Same(agreement.numbers));
    }
    Ok(agreement)
}

/// Runs the golden windows through a network that nothing can be compared with, such as somebody's own graphs.
///
/// # Errors
/// A model that does not run, or the first number that is not finite.
pub fn rehearse(models: &Models, shape: &Shape) -> Result<(), InferenceError> {
    walk(models, None, shape).map(|_| ())
}

fn walk(first: &Models, second: Option<&Models>, shape: &Shape) -> Result<Agreement, InferenceError> {
    let d = shape.width;
    let windows = RANDOM + 2 * EXTREME;
    let mut walk = Walk { window: 0, of: Agreement { windows, numbers: 0, largest: 0.0, model: "frame" } };
    let mut tokens = vec![0.0; shape.frames * d];
    for window in 0..windows {
        walk.window = window;
        let token = walk.step("frame", &first.frame, second.map(|m| &m.frame), &image(window, shape))?;
        tokens.rotate_left(d);
        tokens[(shape.frames - 1) * d..].copy_from_slice(&token);
        let v = walk.step("temporal", &first.temporal, second.map(|m| &m.temporal), &tokens)?;
        let mixed = [v, beside(window, shape)].concat();
        let fused = walk.step("fusion", &first.fusion, second.map(|m| &m.fusion), &mixed)?;
        walk.step("heads", &first.heads, second.map(|m| &m.heads), &fused[..d])?;
    }
    Ok(walk.of)
}

struct Walk {
    window: usize,
    of: Agreement,
}

type Boxed = Box<dyn Model>;

impl Walk {
    fn step(
        &mut self,
        model: &'static str,
        first: &Boxed,
        second: Option<&Boxed>,
        input: &[f32],
    ) -> Result<Vec<f32>, InferenceError> {
        let window = self.window;
        let mut wanted = vec![0.0; first.outputs()];
        first.infer(input, &mut wanted)?;
        if let Some(at) = wanted.iter().position(|x| !x.is_finite()) {
            return Err(InferenceError::NotFinite { model, window, at, value: wanted[at] });
        }
        let Some(second) = second else { return Ok(wanted) };
        let mut given = vec![0.0; second.outputs()];
        second.infer(input, &mut given)?;
        for (at, (&want, &got)) in wanted.iter().zip(&given).enumerate() {
            let (difference, limit) = ((got - want).abs(), tolerance(want.into()) as f32);
            if difference.is_nan() || difference > limit {
                return Err(InferenceError::Differ { model, window, at, got, want, limit });
            }
            if difference > self.of.largest {
                (self.of.largest, self.of.model) = (difference, model);
            }
        }
        self.of.numbers += wanted.len();
        Ok(wanted)
    }
}

/// `count` numbers of a window: pseudo-random, then saturated, then constant ones.
fn drawn(window: usize, purpose: &str, count: usize) -> impl Iterator<Item = f64> {
    let seed = seed_for(SEED.wrapping_add(window as u64), purpose);
    (0..count as u64).map(move |i| {
        if window < RANDOM {
            normal(seed, i)
        } else if window < RANDOM + EXTREME {
            if uniform(seed, i) > 0.5 { SATURATED } else { -SATURATED }
        } else {
            (window - RANDOM - EXTREME) as f64 / 4.0 - 2.0
        }
    })
}

/// Eq. 4 and 5 of every feature, GASF then GADF, from values before the tanh of eq. 1.
fn image(window: usize, shape: &Shape) -> Vec<f32> {
    let values: Vec<f64> = drawn(window, "image", shape.features * shape.window).collect();
    let mut image = Vec::with_capacity(shape.frame_len());
    for z in values.chunks(shape.window) {
        let angles: Vec<(f64, f64)> = z.iter().map(|&z| (libm::tanh(z), 1.0 / libm::cosh(z))).collect();
        let mut field = |pixel: fn((f64, f64), (f64, f64)) -> f64| {
            image.extend(angles.iter().flat_map(|&a| angles.iter().map(move |&b| pixel(a, b) as f32)));
        };
        field(|a, b| a.0 * b.0 - a.1 * b.1);
        field(|a, b| a.1 * b.0 - a.0 * b.1);
    }
    image
}

/// What fusion gets beside v: price, text, memory, and a mask that every window has another of.
fn beside(window: usize, shape: &Shape) -> Vec<f32> {
    let count = shape.price_window * shape.price_numbers + shape.text + shape.memory;
    let there = |bit: usize| if window >> bit & 1 == 0 { 1.0 } else { 0.0 };
    drawn(window, "beside", count).map(|x| x as f32).chain([there(0), 1.0, there(1), there(2)]).collect()
}
