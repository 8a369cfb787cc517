//! The folder of a predicate: `card.json` and `weights.safetensors`.

use std::fs;
use std::path::Path;

use super::Predicate;
use crate::error::NetworkError;

const CARD: &str = "card.json";
const WEIGHTS: &str = "weights.safetensors";

/// Reads a folder.
///
/// # Errors
/// A file that cannot be read, by its path, and all that a bad card or bad weights give.
pub fn read(folder: &Path) -> Result<Predicate, NetworkError> {
    let file = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).map_err(|source| NetworkError::File { path, source })
    };
    Predicate::from_files(&file(CARD)?, &file(WEIGHTS)?)
}

/// Writes the files that [`read()`] reads into a folder, which is made where it is missing.
///
/// # Errors
/// A file that cannot be written, by its path.
pub fn write(predicate: &Predicate, folder: &Path) -> Result<(), NetworkError> {
    fs::create_dir_all(folder).map_err(|source| NetworkError::File { path: folder.to_owned(), source })?;
    for (name, bytes) in [(CARD, predicate.card.to_json()), (WEIGHTS, predicate.safetensors())] {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|source| NetworkError::File { path, source })?;
    }
    Ok(())
}
