//! What every region is: a fold over its messages, pure, with bounded state (L4).

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bytes::{decode, encode};
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
