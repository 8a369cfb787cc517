//! The sizes of a network and what follows from them.

use serde::{Deserialize, Serialize};

use crate::error::NetworkError;

/// No size may be larger: a card that asks for more is damaged, and must not exhaust memory.
const LARGEST: usize = 4096;
/// Fields drawn of each feature: GASF, then GADF.
const FIELDS: usize = 2;
/// Modalities that fusion knows: vision, price, text, memory.
pub(crate) const MODALITIES: usize = 4;

/// The sizes of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Features F that are seen, two channels each.
    pub features: usize,
    /// Samples W in a window: a frame is `[2F][W][W]`.
    pub window: usize,
    /// Side p of a patch, in pixels; W is a multiple of it.
    pub patch: usize,
    /// Samples S between two frames.
    pub stride: usize,
    /// Frames N of a video.
    pub frames: usize,
    /// Width d of every token.
    pub width: usize,
    /// Attention heads; d is a multiple of them.
    pub heads: usize,
    /// Blocks over the patches of a frame.
    pub spatial_blocks: usize,
    /// Blocks over the frames of a video.
    pub temporal_blocks: usize,
    /// Hidden units of a block's MLP, in widths; 0 is a block without one.
    pub mlp: usize,
    /// Numbers K of a row of the price stream.
    pub price_numbers: usize,
    /// Rows T of the price stream.
    pub price_window: usize,
    /// Blocks over the rows of the price stream.
    pub price_blocks: usize,
    /// Numbers of a text's embedding.
    pub text: usize,
    /// Numbers of a recall.
    pub memory: usize,
    /// Actions that are weighed.
    pub actions: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            features: 6,
            window: 16,
            patch: 4,
            stride: 4,
            frames: 8,
            width: 32,
            heads: 2,
            spatial_blocks: 1,
            temporal_blocks: 1,
            mlp: 2,
            price_numbers: 11,
            price_window: 16,
            price_blocks: 1,
            text: 384,
            memory: 9,
            actions: 3,
        }
    }
}

impl Shape {
    /// Patches P of a frame: (W/p)².
    #[must_use]
    pub fn patches(&self) -> usize {
        (self.window / self.patch) * (self.window / self.patch)
    }

    /// Channels C of a frame: two fields a feature.
    #[must_use]
    pub fn channels(&self) -> usize {
        FIELDS * self.features
    }

    /// Numbers of a patch: C·p².
    #[must_use]
    pub fn patch_len(&self) -> usize {
        self.channels() * self.patch * self.patch
    }

    /// Pixels of a frame: C·W².
    #[must_use]
    pub fn frame_len(&self) -> usize {
        self.channels() * self.window * self.window
    }

    /// Numbers that fusion takes: v, price rows, text, memory and the mask.
    #[must_use]
    pub fn fusion_inputs(&self) -> usize {
        self.width + self.price_window * self.price_numbers + self.text + self.memory + MODALITIES
    }

    /// Columns of the gate of eq. 21: v, t, s, m.
    #[must_use]
    pub fn gate_inputs(&self) -> usize {
        2 * self.width + self.text + self.memory
    }

    /// Every tensor of a network of this shape and its sizes, in a fixed order.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let d = self.width;
        let mut list = List(Vec::new());
        list.add("sight.scale", &[self.features]);
        list.add("sight.shift", &[self.features]);
        list.linear("frame.embed", d, self.patch_len());
        list.add("frame.pos", &[self.patches(), d]);
        list.blocks("frame", self.spatial_blocks, self);
        list.add("temporal.pos", &[self.frames, d]);
        list.blocks("temporal", self.temporal_blocks, self);
        list.norm("temporal.ln", d);
        list.linear("price.embed", d, self.price_numbers);
        list.add("price.pos", &[self.price_window, d]);
        list.blocks("price", self.price_blocks, self);
        list.norm("price.ln", d);
        for (slot, inputs) in [("v", d), ("t", d), ("s", self.text), ("m", self.memory)] {
            list.linear(&format!("fusion.{slot}"), d, inputs);
        }
        list.norm("fusion.ln", d);
        list.linear("fusion.attn.in", 3 * d, d);
        list.linear("fusion.attn.out", d, d);
        list.linear("fusion.gate", d, self.gate_inputs());
        for head in ["go", "no_go", "q"] {
            list.linear(&format!("heads.{head}"), self.actions, d);
        }
        list.0
    }

    /// Tests that a network can have these sizes.
    ///
    /// # Errors
    /// [`NetworkError::Shape`] names the first size that cannot be.
    pub fn check(&self) -> Result<(), NetworkError> {
        let positive = [
            ("features", self.features),
            ("window", self.window),
            ("patch", self.patch),
            ("stride", self.stride),
            ("frames", self.frames),
            ("width", self.width),
            ("heads", self.heads),
            ("price_numbers", self.price_numbers),
            ("price_window", self.price_window),
            ("text", self.text),
            ("memory", self.memory),
            ("actions", self.actions),
        ];
        let any = [
            ("spatial_blocks", self.spatial_blocks),
            ("temporal_blocks", self.temporal_blocks),
            ("price_blocks", self.price_blocks),
            ("mlp", self.mlp),
        ];
        let wrong = |name, got, limit: String| Err(NetworkError::Shape { name, got, limit });
        if let Some(&(name, got)) = positive.iter().chain(&any).find(|(_, size)| *size > LARGEST) {
            return wrong(name, got, format!("at most {LARGEST}"));
        }
        if let Some(&(name, got)) = positive.iter().find(|(_, size)| *size == 0) {
            return wrong(name, got, "at least 1".to_owned());
        }
        if !self.window.is_multiple_of(self.patch) {
            return wrong("window", self.window, format!("a multiple of patch, {}", self.patch));
        }
        if !self.width.is_multiple_of(self.heads) {
            return wrong("width", self.width, format!("a multiple of heads, {}", self.heads));
        }
        Ok(())
    }
}

/// Tensors as they are named.
struct List(Vec<(String, Vec<usize>)>);

impl List {
    fn add(&mut self, name: &str, sizes: &[usize]) {
        self.0.push((name.to_owned(), sizes.to_vec()));
    }

    fn linear(&mut self, name: &str, outputs: usize, inputs: usize) {
        self.add(&format!("{name}.weight"), &[outputs, inputs]);
        self.add(&format!("{name}.bias"), &[outputs]);
    }

    fn norm(&mut self, name: &str, width: usize) {
        self.add(&format!("{name}.weight"), &[width]);
        self.add(&format!("{name}.bias"), &[width]);
    }

    fn blocks(&mut self, part: &str, count: usize, shape: &Shape) {
        let (d, hidden) = (shape.width, shape.mlp * shape.width);
        for i in 0..count {
            let name = |what: &str| format!("{part}.blocks.{i}.{what}");
            self.norm(&name("ln1"), d);
            self.linear(&name("attn.in"), 3 * d, d);
            self.linear(&name("attn.out"), d, d);
            if hidden > 0 {
                self.norm(&name("ln2"), d);
                self.linear(&name("mlp.in"), hidden, d);
                self.linear(&name("mlp.out"), d, hidden);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_from_the_default() {
        let shape = Shape::default();
        assert_eq!((shape.patches(), shape.channels(), shape.frame_len()), (16, 12, 3072));
        assert_eq!((shape.patch_len(), shape.fusion_inputs(), shape.gate_inputs()), (192, 605, 457));
        let tensors = shape.tensors();
        assert!(tensors.contains(&("fusion.gate.weight".to_owned(), vec![32, 457])));
        assert!(tensors.contains(&("frame.blocks.0.mlp.in.weight".to_owned(), vec![64, 32])));
        let bare = Shape { mlp: 0, ..shape }.tensors();
        assert!(!bare.iter().any(|(name, _)| name.contains("mlp") || name.contains("ln2")));
    }

    #[test]
    fn sizes_that_cannot_be_are_named() {
        let refused = |shape: Shape| shape.check().expect_err("a refusal").to_string();
        let shape = Shape::default();
        assert!(shape.check().is_ok());
        assert!(
            refused(Shape { window: 10, ..shape.clone() })
                .contains("window is 10, but must be a multiple of patch, 4")
        );
        assert!(refused(Shape { heads: 3, ..shape.clone() }).contains("width is 32"));
        assert!(
            refused(Shape { stride: 0, ..shape.clone() }).contains("stride is 0, but must be at least 1")
        );
        assert!(refused(Shape { text: 1 << 40, ..shape }).contains("at most 4096"));
    }
}
