//! What the visual cortex refuses.

/// Why something cannot be looked at, or looked at with.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum VisionError {
    /// A value is infinite or not a number.
    #[error("value {index} of {what} is not finite")]
    NotFinite {
        /// What it is a value of.
        what: &'static str,
        /// Its place there, oldest or first at 0.
        index: usize,
    },
    /// A value that should have an arccos lies outside [-1, 1] or is not a number.
    #[error("value {index} of the window is {value}, outside [-1, 1]: scale it first")]
    OutOfRange {
        /// Its place in the window, oldest first.
        index: usize,
        /// The value.
        value: f64,
    },
    /// Trained eyes are not of the configured sizes.
    #[error(
        "the eyes have {has} {what} and [visual_cortex] needs {needs}: set window, stride and frames to those \
         they were trained with"
    )]
    Length {
        /// Numbers of what.
        what: &'static str,
        /// How many there are.
        has: usize,
        /// How many there must be.
        needs: usize,
    },
}
