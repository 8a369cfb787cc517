//! What the visual cortex remembers of one instrument, and how a sample changes it.

use serde::{Deserialize, Serialize};
use synapse::{Fault, Percept, Sensed};

use crate::NAME;
use crate::encoder::{Easel, Encoder};
use crate::normalisation::Normaliser;
use crate::ring::Ring;
use crate::seen::{self, SEEN, SEEN_COUNT};
use crate::video::{Alignment, Video};

/// The memory of an instrument. Its video, as angles, follows from the scores and the eyes: it is kept
/// beside it, so that a sample's cosines and sines are computed once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sight {
    pub normalisers: Vec<Normaliser>,
    /// z of (1), before scale and shift, of every sample the video reaches back to: `[F]` a sample.
    pub scores: Ring,
    /// What was made of the frame that ended with each sample.
    pub tokens: Ring,
    /// Frames that eyes read when they were new.
    pub frames_encoded: u64,
    /// Frames that other eyes than the first read once more.
    pub frames_reencoded: u64,
}

impl Sight {
    pub fn new(gain: f64, encoder: &Encoder) -> Self {
        Self {
            normalisers: SEEN.iter().map(|seen| Normaliser::new(gain, seen.unit)).collect(),
            scores: encoder.scores(),
            tokens: encoder.tokens(),
            frames_encoded: 0,
            frames_reencoded: 0,
        }
    }

    /// Takes a sample in and tells what is seen. A shock between samples teaches nothing: it is
    /// answered with what was seen last. Where a feature is missing nothing is seen.
    pub fn see(
        &mut self,
        sensed: &Sensed,
        video: &mut Video,
        encoder: &Encoder,
        easel: &mut Easel,
    ) -> Result<Percept, Fault> {
        let mut v = Box::default();
        if let Some(values) = seen::look(&sensed.features) {
            if sensed.is_regular() {
                self.take(values, video, encoder, easel)?;
            }
            v = encoder.percept(&self.tokens, encoder.shape.stride, easel)?;
        }
        if let Some(at) = v.iter().position(|x| !x.is_finite()) {
            return Err(Fault::new(NAME, format!("number {at} of the percept is {}", v[at])));
        }
        let frames = video.ages(Alignment::Right).count() as u32;
        Ok(Percept { v, frames })
    }

    fn take(
        &mut self,
        values: [f32; SEEN_COUNT],
        video: &mut Video,
        encoder: &Encoder,
        easel: &mut Easel,
    ) -> Result<(), Fault> {
        let scores = self.scores.push();
        for ((z, normaliser), value) in scores.iter_mut().zip(&mut self.normalisers).zip(values) {
            *z = normaliser.normalise(value);
        }
        encoder.show(scores, video);
        let read = encoder.read(video, 0, &mut easel.canvas, &mut self.tokens)?;
        self.frames_encoded += u64::from(read && encoder.id().is_some());
        Ok(())
    }

    /// Reads anew, with other eyes, every frame whose token is held.
    pub fn read_again(&mut self, video: &Video, encoder: &Encoder, easel: &mut Easel) -> Result<(), Fault> {
        let held = (self.scores.len() + 1).saturating_sub(encoder.shape.window);
        self.tokens = encoder.tokens();
        for age in (0..held).rev() {
            let read = encoder.read(video, age, &mut easel.canvas, &mut self.tokens)?;
            self.frames_reencoded += u64::from(read && encoder.id().is_some());
        }
        Ok(())
    }

    /// Forgets the frames; how the market usually looks is kept.
    pub fn clear(&mut self) {
        self.scores.clear();
        self.tokens.clear();
    }
}
