//! visual_cortex
