//! What a crash may leave of files, row by row.
