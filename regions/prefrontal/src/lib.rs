//! prefrontal
