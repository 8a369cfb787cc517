//! The numbers of a predicate: two layers as named tensors.

use safetensors::tensor::{Dtype, SafeTensors};
use serde_json::json;

use crate::error::NetworkError;

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
        for ((name, tensor), want) in NAMES.into_iter().zip(self.tensors()).zip(sizes(inputs, hidden)) {
            if tensor.len() != want.iter().product::<usize>() {
                let got = vec![tensor.len()];
                return Err(NetworkError::Size { name: name.to_owned(), got, want });
            }
            if let Some(at) = tensor.iter().position(|x| !x.is_finite()) {
                return Err(NetworkError::NotFinite { name: name.to_owned(), at, value: tensor[at] });
            }
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
        let file = SafeTensors::deserialize(bytes)
            .map_err(|e| NetworkError::Bytes { what: "weights", why: e.to_string() })?;
        if let Some(name) = file.names().into_iter().find(|name| !NAMES.contains(name)) {
            return Err(NetworkError::Unknown(name.to_owned()));
        }
        let tensor = |at: usize| {
            let (name, want) = (NAMES[at].to_owned(), &sizes(inputs, hidden)[at]);
            let view = file.tensor(&name).map_err(|_| NetworkError::Missing(name.clone()))?;
            if view.dtype() != Dtype::F32 {
                return Err(NetworkError::Type { name, got: format!("{:?}", view.dtype()) });
            }
            if view.shape() != want {
                return Err(NetworkError::Size { name, got: view.shape().to_vec(), want: want.clone() });
            }
            let (numbers, _) = view.data().as_chunks::<4>();
            Ok(numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
        };
        let weights = Self {
            hidden_weight: tensor(0)?,
            hidden_bias: tensor(1)?,
            output_weight: tensor(2)?,
            output_bias: tensor(3)?,
        };
        weights.check(inputs, hidden)?;
        Ok(weights)
    }

    /// The bytes of a safetensors file; the same weights give the same bytes.
    #[must_use]
    pub fn to_safetensors(&self, inputs: usize, hidden: usize) -> Vec<u8> {
        let (mut entries, mut data) = (serde_json::Map::new(), Vec::new());
        for ((name, tensor), sizes) in NAMES.into_iter().zip(self.tensors()).zip(sizes(inputs, hidden)) {
            let begin = data.len();
            data.extend(tensor.iter().flat_map(|x: &f32| x.to_le_bytes()));
            let entry = json!({ "dtype": "F32", "shape": sizes, "data_offsets": [begin, data.len()] });
            entries.insert(name.to_owned(), entry);
        }
        let mut header = serde_json::Value::Object(entries).to_string();
        // the format aligns the numbers to eight bytes, with blanks
        header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }
}

/// The sizes of [`NAMES`].
fn sizes(inputs: usize, hidden: usize) -> [Vec<usize>; 4] {
    [vec![hidden, inputs], vec![hidden], vec![1, hidden], vec![1]]
}
