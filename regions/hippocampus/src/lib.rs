//! hippocampus
