//! What is learned, or stands in for it, and is handed to a region from outside.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::region::Fault;

/// What a model is, in words for people (R3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCard {
    /// Its name.
    pub name: String,
    /// Whether it was trained; a hand-written rule was not.
    pub trained: bool,
    /// What it does, in a sentence.
    pub about: String,
}

impl fmt::Display for ModelCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, trained, about } = self;
        write!(f, "{name} ({}): {about}", if *trained { "trained" } else { "untrained" })
    }
}

/// A function a region calls: the same input gives the same bits (D2).
pub trait Model: Send {
    /// What it is.
    fn card(&self) -> &ModelCard;
    /// How many numbers go in.
    fn inputs(&self) -> usize;
    /// How many come out.
    fn outputs(&self) -> usize;
    /// Computes `output` from `input`.
    ///
    /// # Errors
    /// A [`Fault`] where the lengths are not those of the model.
    fn infer(&self, input: &[f32], output: &mut [f32]) -> Result<(), Fault>;
}
