//! A fixed, seeded, orthonormal projection: the fused state before there is fusion.
//!
//! h = Q x with QᵀQ = 1 keeps every length and angle. A rule that is a weighted sum of inputs,
//! r·x, is therefore the same rule on the fused state: its weights there are w = Q r, as
//! w·h = rᵀQᵀQ x = r·x.

use serde::{Deserialize, Serialize};
use synapse::random;

/// A column whose part outside the span of those before it is shorter than this is drawn again.
const MIN_RESIDUAL: f64 = 1e-3;

/// An orthonormal projection of n numbers to m ≥ n.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Projection {
    inputs: usize,
    outputs: usize,
    // Qᵀ, [inputs][outputs]: with one row an input, a projection adds whole rows up, in a fixed
    // order that vectorises.
    columns: Vec<f32>,
}

impl Projection {
    /// The projection of this seed: a Gaussian matrix made orthonormal column by column.
    ///
    /// # Panics
    /// Unless 1 ≤ `inputs` ≤ `outputs`.
    #[must_use]
    pub fn seeded(seed: u64, inputs: usize, outputs: usize) -> Self {
        assert!(inputs >= 1 && inputs <= outputs, "{inputs} inputs do not embed in {outputs}");
        let mut numbers = (0..).map(|index| random::normal(seed, index));
        let mut basis: Vec<Vec<f64>> = Vec::with_capacity(inputs);
        while basis.len() < inputs {
            let mut column: Vec<f64> = numbers.by_ref().take(outputs).collect();
            normalise(&mut column);
            // A second pass removes what rounding left of the first.
            for _ in 0..2 {
                basis.iter().for_each(|unit| remove(unit, &mut column));
            }
            if normalise(&mut column) > MIN_RESIDUAL {
                basis.push(column);
            }
        }
        let columns = basis.iter().flatten().map(|&q| q as f32).collect();
        Self { inputs, outputs, columns }
    }

    /// The numbers m that come out.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Writes h = Q x, `[m]`, of x, `[n]`.
    ///
    /// # Panics
    /// If the lengths are others.
    pub fn project(&self, x: &[f32], h: &mut [f32]) {
        assert_eq!(x.len(), self.inputs, "one number an input");
        assert_eq!(h.len(), self.outputs, "one number an output");
        h.fill(0.0);
        for (&x, column) in x.iter().zip(self.columns.chunks_exact(self.outputs)) {
            for (h, &q) in h.iter_mut().zip(column) {
                *h += x * q;
            }
        }
    }
}

/// Takes from `column` its part along the unit vector `unit`.
fn remove(unit: &[f64], column: &mut [f64]) {
    let along: f64 = unit.iter().zip(&*column).map(|(u, c)| u * c).sum();
    for (c, u) in column.iter_mut().zip(unit) {
        *c -= along * u;
    }
}

/// Scales `column` to length 1 and returns the length it had; a zero column stays zero.
fn normalise(column: &mut [f64]) -> f64 {
    let length = column.iter().map(|c| c * c).sum::<f64>().sqrt();
    if length > 0.0 {
        column.iter_mut().for_each(|c| *c /= length);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dot(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    }

    fn project(projection: &Projection, x: &[f32]) -> Vec<f32> {
        let mut h = vec![0.0; projection.outputs()];
        projection.project(x, &mut h);
        h
    }

    #[test]
    fn a_seed_is_a_projection() {
        assert_eq!(Projection::seeded(7, 24, 32), Projection::seeded(7, 24, 32));
        assert_ne!(Projection::seeded(7, 24, 32), Projection::seeded(8, 24, 32));
    }

    #[test]
    fn no_input_keeps_its_own_axis() {
        let projection = Projection::seeded(1, 64, 64);
        let largest = projection.columns.iter().fold(0.0f32, |most, q| most.max(q.abs()));
        assert!(largest < 0.75, "an input stands alone in the state: {largest}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn columns_are_orthonormal(seed: u64, inputs in 1usize..40, taller in 0usize..9) {
            let projection = Projection::seeded(seed, inputs, inputs + taller);
            let columns: Vec<&[f32]> = projection.columns.chunks(projection.outputs()).collect();
            for (i, a) in columns.iter().enumerate() {
                for (j, b) in columns.iter().enumerate() {
                    let unit = f64::from(u8::from(i == j));
                    prop_assert!((dot(a, b) - unit).abs() < 1e-6);
                }
            }
        }

        #[test]
        fn a_rule_is_the_same_rule_on_the_state(
            seed: u64,
            taller in 0usize..9,
            pairs in prop::collection::vec((-3.0f32..3.0, -3.0f32..3.0), 1..64),
        ) {
            let (rule, x): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let projection = Projection::seeded(seed, x.len(), x.len() + taller);
            let (w, h) = (project(&projection, &rule), project(&projection, &x));
            let size = dot(&rule, &rule).sqrt() * dot(&x, &x).sqrt();
            prop_assert!((dot(&w, &h) - dot(&rule, &x)).abs() <= 2e-6 * size);
        }
    }
}
