//! brainstem
