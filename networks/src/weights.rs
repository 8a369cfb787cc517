//! The numbers of a network: named tensors that fit its shape and are finite.

use std::collections::BTreeMap;

use synapse::random::{normal, seed_for};

use crate::error::NetworkError;
use crate::shape::Shape;
use crate::tensors;

/// Every tensor that a shape calls for, each checked once and for all.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    tensors: BTreeMap<String, Vec<f32>>,
}

impl Weights {
    /// Takes tensors, row-major, that must be exactly those of [`Shape::tensors`].
    ///
    /// # Errors
    /// One that is missing, unknown, of the wrong size or not finite; a shape that cannot be.
    pub fn new(shape: &Shape, given: BTreeMap<String, Vec<f32>>) -> Result<Self, NetworkError> {
        shape.check()?;
        let wanted = shape.tensors();
        for (name, sizes) in &wanted {
            let tensor = given.get(name).ok_or_else(|| NetworkError::Missing(name.clone()))?;
            tensors::check(name, sizes, tensor)?;
        }
        match given.keys().find(|name| !wanted.iter().any(|(wanted, _)| wanted == *name)) {
            Some(unknown) => Err(NetworkError::Unknown(unknown.clone())),
            None => Ok(Self { tensors: given }),
        }
    }

    /// The tensor of that name, row-major; empty where the shape has none.
    #[must_use]
    pub fn get(&self, name: &str) -> &[f32] {
        self.tensors.get(name).map_or(&[], Vec::as_slice)
    }

    /// Reads a safetensors file.
    ///
    /// # Errors
    /// Bytes that are not such a file, a tensor that is not F32, and all that [`Weights::new`] refuses.
    pub fn from_safetensors(shape: &Shape, bytes: &[u8]) -> Result<Self, NetworkError> {
        shape.check()?;
        Self::new(shape, tensors::read(shape.tensors(), bytes)?)
    }

    /// The bytes of a safetensors file; the same weights give the same bytes.
    ///
    /// `shape` must be the one they were made with, or no reader will take the file.
    #[must_use]
    pub fn to_safetensors(&self, shape: &Shape) -> Vec<u8> {
        let all = shape.tensors();
        tensors::write(all.into_iter().map(|(name, sizes)| {
            let tensor = self.get(&name);
            (name, sizes, tensor)
        }))
    }

    /// Weights drawn at random, for tests and for comparison with what was trained.
    ///
    /// Linear layers have variance 1/inputs, gains are 1, everything else is small; the gate's bias is −2, so
    /// that it starts nearly shut.
    #[must_use]
    pub fn random(shape: &Shape, seed: u64) -> Self {
        let tensors = shape.tensors().into_iter().map(|(name, sizes)| {
            let (mean, scale) = law(&name, &sizes);
            let seed = seed_for(seed, &name);
            let count: usize = sizes.iter().product();
            let values = (0..count).map(|i| (mean + scale * normal(seed, i as u64)) as f32).collect();
            (name, values)
        });
        Self { tensors: tensors.collect() }
    }
}

/// Mean and standard deviation of a tensor that is drawn at random.
fn law(name: &str, sizes: &[usize]) -> (f64, f64) {
    let gain = name.ends_with("ln.weight") || name.ends_with("ln1.weight") || name.ends_with("ln2.weight");
    match (name, sizes) {
        ("sight.scale", _) => (0.6, 0.02),
        ("fusion.gate.bias", _) => (-2.0, 0.02),
        _ if gain => (1.0, 0.02),
        (_, [_, inputs]) if name.ends_with(".weight") => (0.0, 1.0 / (*inputs as f64).sqrt()),
        _ => (0.0, 0.02),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::odd_shape;

    fn tensors() -> BTreeMap<String, Vec<f32>> {
        Weights::random(&odd_shape(), 3).tensors
    }

    fn refusal(change: impl FnOnce(&mut BTreeMap<String, Vec<f32>>)) -> String {
        let mut tensors = tensors();
        change(&mut tensors);
        Weights::new(&odd_shape(), tensors).expect_err("a refusal").to_string()
    }

    #[test]
    fn each_wrong_is_named() {
        let missing = refusal(|t| drop(t.remove("frame.pos")));
        assert!(missing.contains("`frame.pos` is missing"), "{missing}");
        let unknown = refusal(|t| drop(t.insert("frame.cls".to_owned(), vec![0.0])));
        assert!(unknown.contains("`frame.cls` is none"), "{unknown}");
        let short = refusal(|t| t.values_mut().for_each(|x| x.truncate(2)));
        assert!(short.contains("has shape [2]"), "{short}");
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let not_finite = refusal(|t| t.values_mut().for_each(|x| x[1] = value));
            assert!(not_finite.contains(&format!("holds {value} at 1")), "{not_finite}");
        }
    }

    #[test]
    fn a_file_gives_back_the_bits() {
        let shape = odd_shape();
        let weights = Weights::random(&shape, 3);
        let bytes = weights.to_safetensors(&shape);
        assert_eq!(Weights::from_safetensors(&shape, &bytes).expect("weights"), weights);
        assert_eq!(weights.to_safetensors(&shape), bytes);
        assert_ne!(Weights::random(&shape, 4), weights);
    }

    #[test]
    fn a_file_that_is_cut_off_or_of_another_shape_or_type_is_refused() {
        let shape = odd_shape();
        let bytes = Weights::random(&shape, 3).to_safetensors(&shape);
        for len in [0, 7, 8, 100, bytes.len() - 1] {
            let error = Weights::from_safetensors(&shape, &bytes[..len]).expect_err("cut off");
            assert!(matches!(error, NetworkError::Bytes { .. }), "{len}: {error}");
        }
        // as many numbers, standing otherwise
        let turned = Shape { text: shape.width, width: shape.text + 5, ..shape.clone() };
        let error = Weights::from_safetensors(&turned, &bytes).expect_err("another shape");
        assert!(matches!(error, NetworkError::Size { .. }), "{error}");
        let at = bytes.windows(5).position(|text| text == b"\"F32\"").expect("a type in the header");
        let mut other = bytes;
        other[at..at + 5].copy_from_slice(b"\"I32\"");
        let error = Weights::from_safetensors(&shape, &other).expect_err("whole numbers");
        assert!(error.to_string().contains("type I32"), "{error}");
    }
}
