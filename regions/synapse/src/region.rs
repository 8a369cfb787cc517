//! What every region is: a fold over its messages, pure, with bounded state (L4).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use smallvec::SmallVec;

use crate::input::Notice;

/// A region gave a result it must never give: the line goes down, not the daemon (S1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{region}: {what}")]
pub struct Fault {
    /// Which region.
    pub region: &'static str,
    /// What happened, with the values.
    pub what: String,
}

impl Fault {
    /// A fault of `region`.
    pub fn new(region: &'static str, what: impl Into<String>) -> Self {
        Self { region, what: what.into() }
    }
}

/// One region of the brain.
pub trait Region: Send {
    /// The message it receives.
    type In;
    /// The message it sends.
    type Out;
    /// What it remembers; configuration and models are handed to it and are no part of it.
    type State: Serialize + DeserializeOwned;
    /// Its name.
    const NAME: &'static str;

    /// Folds one message.
    ///
    /// # Errors
    /// A [`Fault`] where an invariant is broken or the result is not finite (R5).
    fn step(&mut self, message: Self::In) -> Result<Self::Out, Fault>;

    /// Folds a notice. Regions that have no use for it do nothing.
    ///
    /// # Errors
    /// A [`Fault`] where an invariant is broken.
    fn notice(&mut self, _notice: &Notice) -> Result<(), Fault> {
        Ok(())
    }

    /// The same mathematics as [`Region::step`] without a change of state: an operator's question
    /// runs through it, so that asking never alters what is decided later.
    ///
    /// # Errors
    /// As [`Region::step`].
    fn peek(&self, message: Self::In) -> Result<Self::Out, Fault>;

    /// What it remembers.
    fn state(&self) -> &Self::State;

    /// Puts back what it remembered.
    fn set_state(&mut self, state: Self::State);

    /// The bytes of its state.
    fn snapshot(&self) -> Vec<u8> {
        encode(self.state())
    }

    /// Puts back the bytes of a snapshot.
    ///
    /// # Errors
    /// A [`Fault`] where the bytes are not a snapshot of this region; the state is then unchanged.
    fn restore(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let state = decode(bytes)
            .map_err(|e| Fault::new(Self::NAME, format!("the snapshot does not decode: {e}")))?;
        self.set_state(state);
        Ok(())
    }

    /// The hash of its state.
    fn digest(&self) -> blake3::Hash {
        blake3::hash(&self.snapshot())
    }
}

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
pub(crate) fn short_list<'de, D, A>(deserializer: D) -> Result<SmallVec<A>, D::Error>
where
    D: Deserializer<'de>,
    A: smallvec::Array,
    A::Item: Deserialize<'de>,
{
    Vec::deserialize(deserializer).map(SmallVec::from_iter)
}
