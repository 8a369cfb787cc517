//! The folders of networks and of predicates: the one place of this crate that touches files.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::card::Card;
use crate::error::NetworkError;
use crate::graphs::Graphs;
use crate::network::{Body, Network};
use crate::onnx;
use crate::predicate::Predicate;

const CARD: &str = "card.json";
const WEIGHTS: &str = "weights.safetensors";

/// Reads a folder: `card.json` and `weights.safetensors`, or, where there are no weights, the four graphs
/// `frame.onnx`, `temporal.onnx`, `fusion.onnx` and `heads.onnx`.
///
/// # Errors
/// A file that cannot be read, by its path, and all that a bad card or bad weights give.
pub fn read(folder: &Path) -> Result<Network, NetworkError> {
    let card = file(folder, CARD)?;
    match file(folder, WEIGHTS) {
        Ok(weights) => Network::from_files(&card, &weights),
        Err(NetworkError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
            let (frame, temporal) = (file(folder, "frame.onnx")?, file(folder, "temporal.onnx")?);
            let (fusion, heads) = (file(folder, "fusion.onnx")?, file(folder, "heads.onnx")?);
            Network::with_graphs(Card::from_json(&card)?, Graphs { frame, temporal, fusion, heads })
        }
        Err(error) => Err(error),
    }
}

/// Writes the files that [`read()`] reads into a folder, which is made where it is missing; beside weights the
/// graphs of them, for other runtimes.
///
/// # Errors
/// A file that cannot be written, by its path.
pub fn write(network: &Network, folder: &Path) -> Result<(), NetworkError> {
    make(folder)?;
    put(folder, CARD, &network.card.to_json())?;
    match &network.body {
        Body::Weights(weights) => {
            let shape = &network.card.shape;
            put(folder, WEIGHTS, &weights.to_safetensors(shape))?;
            write_graphs(&onnx::graphs(shape, weights), folder)
        }
        Body::Graphs(graphs) => write_graphs(graphs, folder),
    }
}

/// Reads the folder of a learned predicate: `card.json` and `weights.safetensors`.
///
/// # Errors
/// As [`read()`].
pub fn read_predicate(folder: &Path) -> Result<Predicate, NetworkError> {
    Predicate::from_files(&file(folder, CARD)?, &file(folder, WEIGHTS)?)
}

/// Writes the files that [`read_predicate()`] reads into a folder, which is made where it is missing.
///
/// # Errors
/// As [`write()`].
pub fn write_predicate(predicate: &Predicate, folder: &Path) -> Result<(), NetworkError> {
    make(folder)?;
    put(folder, CARD, &predicate.card.to_json())?;
    put(folder, WEIGHTS, &predicate.safetensors())
}

/// Writes the four graphs into a folder that is there.
///
/// # Errors
/// As [`write()`].
pub fn write_graphs(graphs: &Graphs, folder: &Path) -> Result<(), NetworkError> {
    let Graphs { frame, temporal, fusion, heads } = graphs;
    put(folder, "frame.onnx", frame)?;
    put(folder, "temporal.onnx", temporal)?;
    put(folder, "fusion.onnx", fusion)?;
    put(folder, "heads.onnx", heads)
}

fn make(folder: &Path) -> Result<(), NetworkError> {
    fs::create_dir_all(folder).map_err(|source| NetworkError::File { path: folder.to_owned(), source })
}

fn file(folder: &Path, name: &str) -> Result<Vec<u8>, NetworkError> {
    let path = folder.join(name);
    fs::read(&path).map_err(|source| NetworkError::File { path, source })
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), NetworkError> {
    let path = folder.join(name);
    fs::write(&path, bytes).map_err(|source| NetworkError::File { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::odd_shape;

    #[test]
    fn a_folder_gives_back_the_network() {
        let folder = tempfile::tempdir().expect("a folder");
        let graphs = Graphs { frame: vec![1], temporal: vec![2], fusion: vec![3], heads: vec![4] };
        let own = Network::with_graphs(Card::random(&odd_shape()), graphs).expect("a network");
        for (name, network) in [("ours", Network::random(&odd_shape(), 7)), ("own", own)] {
            let path = folder.path().join("deep").join(name);
            write(&network, &path).expect("written");
            assert_eq!(read(&path).expect("read"), network);
        }
    }

    #[test]
    fn a_file_that_is_missing_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = read(folder.path()).expect_err("no card").to_string();
        assert!(error.contains("card.json"), "{error}");
        write(&Network::random(&odd_shape(), 7), folder.path()).expect("written");
        std::fs::remove_file(folder.path().join(WEIGHTS)).expect("removed");
        std::fs::remove_file(folder.path().join("frame.onnx")).expect("removed");
        let error = read(folder.path()).expect_err("nothing that computes").to_string();
        assert!(error.contains("frame.onnx"), "{error}");
    }
}
