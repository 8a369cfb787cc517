//! The readers on real data, on bad input, and on anything at all.

mod anything;
mod binance;
mod bitstamp;
mod common;
mod csv;
mod docs;
mod faults;
mod mapping;
mod ndjson;
mod rows;
