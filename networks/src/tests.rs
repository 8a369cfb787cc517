//! A shape for tests.

use crate::shape::Shape;

/// A shape in which no two sizes are equal and none is a multiple of a register.
pub(crate) fn odd_shape() -> Shape {
    Shape {
        features: 3,
        window: 15,
        patch: 5,
        stride: 2,
        frames: 7,
        width: 12,
        heads: 4,
        spatial_blocks: 2,
        temporal_blocks: 2,
        mlp: 3,
        price_numbers: 5,
        price_window: 11,
        price_blocks: 2,
        text: 19,
        memory: 6,
        actions: 3,
    }
}
