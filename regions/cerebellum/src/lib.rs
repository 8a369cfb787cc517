//! cerebellum
