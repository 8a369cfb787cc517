//! neocortex
