//! Safetensors files of F32 tensors whose names and shapes are known.

use std::collections::BTreeMap;

use safetensors::tensor::{Dtype, SafeTensors};
use serde_json::json;

use crate::error::NetworkError;

/// The tensors of a file by name, each of the shape that is wanted; one that is missing is the caller's to find.
///
/// # Errors
/// Bytes that are not such a file, a tensor that nobody wants, of another shape or not F32.
pub(crate) fn read(
    wanted: impl IntoIterator<Item = (String, Vec<usize>)>,
    bytes: &[u8],
) -> Result<BTreeMap<String, Vec<f32>>, NetworkError> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| NetworkError::Bytes { what: "weights", why: e.to_string() })?;
    let shapes: BTreeMap<String, Vec<usize>> = wanted.into_iter().collect();
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        let want = shapes.get(name).ok_or_else(|| NetworkError::Unknown(name.to_owned()))?;
        if view.dtype() != Dtype::F32 {
            let got = format!("{:?}", view.dtype());
            return Err(NetworkError::Type { name: name.to_owned(), got });
        }
        if view.shape() != want {
            let (got, want) = (view.shape().to_vec(), want.clone());
            return Err(NetworkError::Size { name: name.to_owned(), got, want });
        }
        let (numbers, _) = view.data().as_chunks::<4>();
        tensors.insert(name.to_owned(), numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect());
    }
    Ok(tensors)
}

/// Tests that a tensor has the numbers of its shape, and that all are finite.
///
/// # Errors
/// A tensor of another size, or a number that is not finite.
pub(crate) fn check(name: &str, want: &[usize], tensor: &[f32]) -> Result<(), NetworkError> {
    let name = || name.to_owned();
    if tensor.len() != want.iter().product::<usize>() {
        return Err(NetworkError::Size { name: name(), got: vec![tensor.len()], want: want.to_vec() });
    }
    match tensor.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(NetworkError::NotFinite { name: name(), at, value: tensor[at] }),
        None => Ok(()),
    }
}

/// The bytes of a file of such tensors, each with its name and shape; the same tensors give the same bytes.
pub(crate) fn write<'a>(tensors: impl IntoIterator<Item = (String, Vec<usize>, &'a [f32])>) -> Vec<u8> {
    let (mut entries, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, shape, tensor) in tensors {
        let begin = data.len();
        data.extend(tensor.iter().flat_map(|x| x.to_le_bytes()));
        let entry = json!({ "dtype": "F32", "shape": shape, "data_offsets": [begin, data.len()] });
        entries.insert(name, entry);
    }
    let mut header = serde_json::Value::Object(entries).to_string();
    // the format aligns the numbers to eight bytes, with blanks
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}
