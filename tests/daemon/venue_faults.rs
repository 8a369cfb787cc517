//! A venue over a bad connection.
