//! Whole files: there entirely or not at all, whatever happens while they are written (J6).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::disk::{Disk, DiskFile};
use crate::{Hash, JournalError};

/// How a file's name ends while it is written.
pub(crate) const UNFINISHED: &str = ".part";

/// Turns what the system says into an error that names the file.
pub(crate) fn failed(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_owned();
    move |source| JournalError::Disk { path, what, source }
}

/// Writes a file under another name in pieces, each synced, then gives it its own; when this returns,
/// the file and its name are durable. The folder is made where it is missing.
pub(crate) fn write_whole<D: Disk>(
    disk: &D,
    path: &Path,
    bytes: &[u8],
    piece: usize,
) -> Result<(), JournalError> {
    // two processes, or two threads of one, may write the same content at the same time
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    disk.create_dir(dir).map_err(failed(dir, "make the folder"))?;
    if let Some(above) = dir.parent() {
        // the folder above a name alone is the present one
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        disk.sync_dir(above).map_err(failed(above, "sync the folder"))?;
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}-{}{UNFINISHED}", std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed)));
    let aside = PathBuf::from(aside);
    let written = write_pieces(disk, &aside, bytes, piece);
    let renamed = written.and_then(|()| disk.rename(&aside, path).map_err(failed(path, "rename into place")));
    if renamed.is_err() {
        // the disk may be full: what is half written only takes room
        let _ = disk.remove(&aside);
    }
    renamed?;
    disk.sync_dir(dir).map_err(failed(dir, "sync the folder"))
}

fn write_pieces<D: Disk>(disk: &D, path: &Path, bytes: &[u8], piece: usize) -> Result<(), JournalError> {
    let file = disk.create(path).map_err(failed(path, "create"))?;
    let mut offset = 0;
    for piece in bytes.chunks(piece) {
        file.write_at(offset, piece).map_err(failed(path, "write"))?;
        file.sync_data().map_err(failed(path, "sync"))?;
        offset += piece.len() as u64;
    }
    if bytes.is_empty() { file.sync_data().map_err(failed(path, "sync")) } else { Ok(()) }
}

/// Reads a file whose name holds the hash of its content, and refuses any other content.
pub(crate) fn read_named<D: Disk>(disk: &D, path: &Path, hash: &Hash) -> Result<Vec<u8>, JournalError> {
    let bytes = match read_whole(disk, path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(JournalError::Artefact { path: path.to_owned(), what: "it is missing".into() });
        }
        Err(error) => return Err(failed(path, "read")(error)),
    };
    let found = Hash::of(&bytes);
    if found != *hash {
        let what = format!(
            "it is damaged: its {} bytes have the hash {found}, not the one in its name",
            bytes.len()
        );
        return Err(JournalError::Artefact { path: path.to_owned(), what });
    }
    Ok(bytes)
}

/// The whole of a file.
pub(crate) fn read_whole<D: Disk>(disk: &D, path: &Path) -> io::Result<Vec<u8>> {
    let file = disk.open(path, false)?;
    let size = usize::try_from(file.size()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; size];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// The names in a folder with their sizes, sorted; none where there is no folder.
pub(crate) fn names<D: Disk>(disk: &D, dir: &Path) -> Result<Vec<(String, u64)>, JournalError> {
    let names = match disk.list(dir) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(failed(dir, "list")(error)),
    };
    let mut sized = Vec::with_capacity(names.len());
    for name in names {
        let path = dir.join(&name);
        match disk.open(&path, false).and_then(|file| file.size()) {
            Ok(bytes) => sized.push((name, bytes)),
            // removed or renamed since the folder was listed
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&path, "open")(error)),
        }
    }
    Ok(sized)
}
