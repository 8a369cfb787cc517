//! Trained eyes: the networks that read the video.

use std::fmt;

use synapse::Model;

use crate::VisionError;
use crate::video::Shape;

/// A factorised video transformer (6–8) as two networks, and the normalisation it was trained with.
pub struct Eyes {
    /// Reads a frame, `[2F][W][W]` as [`Video::draw`](crate::video::Video::draw) draws it, and gives
    /// its token, `[d]`.
    pub frame: Box<dyn Model>,
    /// Reads the tokens of a video, `[N][d]`, oldest first, and gives the percept v.
    pub temporal: Box<dyn Model>,
    /// γ of (1), one a feature in the order of [`SEEN`](crate::seen::SEEN).
    pub scale: Vec<f32>,
    /// β of (1), likewise.
    pub shift: Vec<f32>,
    /// What tells these eyes from others: the hash of the network.
    pub id: [u8; 32],
}

impl Eyes {
    /// The length of the percept v they give.
    #[must_use]
    pub fn percept_len(&self) -> usize {
        self.temporal.outputs()
    }

    /// # Errors
    /// A [`VisionError`] where they cannot read a video of this shape.
    pub(crate) fn check(&self, shape: Shape) -> Result<(), VisionError> {
        let tokens = shape.frames * self.frame.outputs();
        for (what, has, needs) in [
            ("outputs of the frame network", self.frame.outputs(), self.frame.outputs().max(1)),
            ("outputs of the temporal network", self.percept_len(), self.percept_len().max(1)),
            ("scales", self.scale.len(), shape.features),
            ("shifts", self.shift.len(), shape.features),
            ("inputs of the frame network", self.frame.inputs(), shape.frame_len()),
            ("inputs of the temporal network", self.temporal.inputs(), tokens),
        ] {
            if has != needs {
                return Err(VisionError::Length { what, has, needs });
            }
        }
        for (what, values) in [("the eyes' scale", &self.scale), ("the eyes' shift", &self.shift)] {
            if let Some(index) = values.iter().position(|x| !x.is_finite()) {
                return Err(VisionError::NotFinite { what, index });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Eyes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Eyes")
            .field("frame", self.frame.card())
            .field("temporal", self.temporal.card())
            .field("id", &blake3::Hash::from_bytes(self.id))
            .finish()
    }
}
