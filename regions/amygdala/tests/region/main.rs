//! The amygdala as the line meets it: samples in, threats out (R5, R6).

mod calibration;
mod fold;
mod market;
mod signals;
mod unsound;
