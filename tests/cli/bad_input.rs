//! Bad input: each with a message, an exit code, and nothing before it lost.
