//! The canonical bytes of a value, for states, tapes and digests.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use smallvec::SmallVec;

fn options() -> impl bincode::Options {
    use bincode::Options;
    bincode::DefaultOptions::new().with_fixint_encoding().reject_trailing_bytes().with_limit(1 << 32)
}

/// The canonical bytes of a value: fixed-width integers, little-endian, fields in order.
///
/// # Panics
/// If the value cannot be serialised at all, which for the types of this house is a bug.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    use bincode::Options;
    match options().serialize(value) {
        Ok(bytes) => bytes,
        Err(error) => panic!("a value of the house does not serialise: {error}"),
    }
}

/// [`encode`] behind what a buffer holds already.
///
/// # Panics
/// As [`encode`].
pub fn encode_into<T: Serialize>(value: &T, into: &mut Vec<u8>) {
    use bincode::Options;
    if let Err(error) = options().serialize_into(into, value) {
        panic!("a value of the house does not serialise: {error}");
    }
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// Where the bytes are of another type, short, long or beyond the limit.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, bincode::Error> {
    use bincode::Options;
    options().deserialize(bytes)
}

/// Reads a short list by way of a [`Vec`], which does not believe a length before it has the elements.
///
/// # Errors
/// Those of the elements.
pub fn short_list<'de, D, A>(deserializer: D) -> Result<SmallVec<A>, D::Error>
where
    D: Deserializer<'de>,
    A: smallvec::Array,
    A::Item: Deserialize<'de>,
{
    Vec::deserialize(deserializer).map(SmallVec::from_iter)
}
