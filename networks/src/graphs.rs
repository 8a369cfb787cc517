//! The four models of a network as ONNX graphs.

/// The bytes of four ONNX files, each with one input `[1, n]` and one output `[1, m]`, flat vectors in
/// the layouts of the crate's models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graphs {
    /// Image `[C][W][W]` → token `[d]`.
    pub frame: Vec<u8>,
    /// Tokens `[N][d]` → v `[d]`.
    pub temporal: Vec<u8>,
    /// v, price, text, memory, mask → h `[d]`, g `[d]`.
    pub fusion: Vec<u8>,
    /// h `[d]` → go, no-go, q `[3]` each.
    pub heads: Vec<u8>,
}
