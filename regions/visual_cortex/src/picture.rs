//! The video as pictures for people.

use market::features::Feature;

use crate::seen::SEEN;
use crate::video::{Alignment, FIELDS, Field, Video};

/// One field of one feature in one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenFrame {
    /// Samples that came after the last one of its window.
    pub age_samples: usize,
    /// Of which feature.
    pub feature: Feature,
    /// Which field.
    pub field: Field,
    /// Its pixels, `[W][W]` row-major, the oldest sample first; each in [-1, 1].
    pub pixels: Vec<f32>,
}

/// Every picture of a right-aligned video, the oldest frame first; in a frame they stand in the order
/// of its channels, so that their pixels one after another are what the frame network reads.
pub(crate) fn pictures(video: &Video) -> Vec<SeenFrame> {
    let shape = video.shape();
    let mut frame = vec![0.0; shape.frame_len()];
    let mut pictures = Vec::new();
    for age_samples in video.ages(Alignment::Right) {
        if !video.draw(age_samples, &mut frame) {
            continue;
        }
        let pixels = frame.chunks_exact(shape.window * shape.window);
        for (channel, pixels) in pixels.enumerate() {
            let (feature, field) = (SEEN[channel / FIELDS].feature, Field::ALL[channel % FIELDS]);
            pictures.push(SeenFrame { age_samples, feature, field, pixels: pixels.to_vec() });
        }
    }
    pictures
}
