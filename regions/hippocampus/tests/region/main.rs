//! The hippocampus as the line meets it: codes of moments (26), and experiences (R1).

mod codes;
mod experiences;
mod moments;
