//! Every limit, signal and reason, reached through the public entry.
