//! What a crash may find, row by row.
