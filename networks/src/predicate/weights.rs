//! The numbers of a predicate: two layers as named tensors.

use crate::error::NetworkError;
use crate::tensors;

/// No weight is larger: with inputs of at most 8 deviations every sum is finite, whatever the market does.
const LARGEST: f32 = 1e6;
/// The tensors, in the order of the file.
const NAMES: [&str; 4] = ["hidden.weight", "hidden.bias", "output.weight", "output.bias"];

/// The weights of `d` inputs, so many hidden units and one output.
#[derive(Clone, Debug, PartialEq)]
pub struct PredicateWeights {
    /// `[hidden][d]`, row-major.
    pub hidden_weight: Vec<f32>,
    /// `[hidden]`.
    pub hidden_bias: Vec<f32>,
    /// `[1][hidden]`.
    pub output_weight: Vec<f32>,
    /// `[1]`.
    pub output_bias: Vec<f32>,
}

impl PredicateWeights {
    fn tensors(&self) -> [&[f32]; 4] {
        [&self.hidden_weight, &self.hidden_bias, &self.output_weight, &self.output_bias]
    }

    /// Tests that they are those of so many inputs and hidden units, finite and of sane size.
    ///
    /// # Errors
    /// A tensor of another size, a number that is not finite or beyond a million.
    pub fn check(&self, inputs: usize, hidden: usize) -> Result<(), NetworkError> {
        for ((name, want), tensor) in shapes(inputs, hidden).into_iter().zip(self.tensors()) {
            tensors::check(&name, &want, tensor)?;
            if let Some(x) = tensor.iter().find(|x| x.abs() > LARGEST) {
                let why = format!("`{name}` holds {x}, beyond {LARGEST}");
                return Err(NetworkError::Bytes { what: "weights", why });
            }
        }
        Ok(())
    }

    /// Reads a safetensors file.
    ///
    /// # Errors
    /// Bytes that are not such a file, a tensor that is missing, unknown, of another shape or not F32, and all that
    /// [`PredicateWeights::check`] refuses.
    pub fn from_safetensors(inputs: usize, hidden: usize, bytes: &[u8]) -> Result<Self, NetworkError> {
        let mut tensors = tensors::read(shapes(inputs, hidden), bytes)?;
        let mut tensor =
            |name: &str| tensors.remove(name).ok_or_else(|| NetworkError::Missing(name.to_owned()));
        let weights = Self {
            hidden_weight: tensor(NAMES[0])?,
            hidden_bias: tensor(NAMES[1])?,
            output_weight: tensor(NAMES[2])?,
            output_bias: tensor(NAMES[3])?,
        };
        weights.check(inputs, hidden)?;
        Ok(weights)
    }

    /// The bytes of a safetensors file; the same weights give the same bytes.
    #[must_use]
    pub fn to_safetensors(&self, inputs: usize, hidden: usize) -> Vec<u8> {
        let all = shapes(inputs, hidden).into_iter().zip(self.tensors());
        tensors::write(all.map(|((name, sizes), tensor)| (name, sizes, tensor)))
    }
}

/// The tensors with their sizes, in the order of the file.
fn shapes(inputs: usize, hidden: usize) -> [(String, Vec<usize>); 4] {
    let sizes = [vec![hidden, inputs], vec![hidden], vec![1, hidden], vec![1]];
    let mut names = NAMES.into_iter();
    sizes.map(|sizes| (names.next().unwrap_or_default().to_owned(), sizes))
}
