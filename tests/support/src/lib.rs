//! What the tests of every crate share: golden vectors and where the bundled data stands.

pub mod golden;

use std::path::PathBuf;

/// The root of the checkout.
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The folder of the bundled order-book session.
pub fn session() -> PathBuf {
    root().join("data/lob-bitstamp-btcusd-2026-05-02")
}

/// A file or folder of market data that may not ship with the project.
///
/// `None`, said on standard error, where it is absent.
pub fn unshipped(name: &str) -> Option<PathBuf> {
    let path = root().join("../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED {name}: data that may not ship is not on this machine");
    None
}
