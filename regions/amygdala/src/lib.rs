//! amygdala
