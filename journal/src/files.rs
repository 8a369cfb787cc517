//! Files that name themselves in errors, and whole files: there entirely or not at all, whatever happens
//! while they are written (J6).

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::disk::{Disk, DiskFile};
use crate::{Hash, JournalError};

/// How a file's name ends while it is written.
pub(crate) const UNFINISHED: &str = ".part";
/// How much is written between two syncs of what nobody waits for, so that a commit of the tape never
/// waits behind more than that.
pub(crate) const PIECE_BYTES: usize = 1 << 20;

/// Turns what the system says into an error that names the file.
pub(crate) fn failed(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_owned();
    move |source| JournalError::Disk { path, what, source: source.into() }
}

/// An open file and where it stands.
pub(crate) struct Named<F> {
    pub path: PathBuf,
    file: F,
}

impl<F: DiskFile> Named<F> {
    /// A new, empty file.
    pub fn create<D: Disk<File = F>>(disk: &D, path: &Path) -> Result<Self, JournalError> {
        let file = disk.create(path).map_err(failed(path, "create"))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// A file, if there is one of that name.
    pub fn find<D: Disk<File = F>>(disk: &D, path: &Path, write: bool) -> Result<Option<Self>, JournalError> {
        let file = there(disk.open(path, write)).map_err(failed(path, "open"))?;
        Ok(file.map(|file| Self { path: path.to_owned(), file }))
    }

    /// Its name in its folder.
    pub fn name(&self) -> Cow<'_, str> {
        self.path.file_name().unwrap_or_default().to_string_lossy()
    }

    /// How long it is.
    pub fn bytes(&self) -> Result<u64, JournalError> {
        self.file.size().map_err(failed(&self.path, "measure"))
    }

    /// Reads until the buffer is full or the file ends; how much it was.
    pub fn read(&self, offset: u64, into: &mut [u8]) -> Result<usize, JournalError> {
        self.file.read_at(offset, into).map_err(failed(&self.path, "read"))
    }

    /// At most so many bytes from an offset on.
    pub fn part(&self, offset: u64, bytes: u64) -> Result<Vec<u8>, JournalError> {
        let mut part = vec![0; bytes as usize];
        let read = self.read(offset, &mut part)?;
        part.truncate(read);
        Ok(part)
    }

    /// All of it.
    pub fn whole(&self) -> Result<Vec<u8>, JournalError> {
        self.part(0, self.bytes()?)
    }

    /// The next stretch that is not all zeros, and where it begins: a whole number of pieces behind `from`.
    /// It ends with the last byte that is not zero.
    pub fn written(&self, mut from: u64) -> Result<Option<(u64, Vec<u8>)>, JournalError> {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = self.read(from, &mut piece)?;
            if let Some(last) = piece[..read].iter().rposition(|byte| *byte != 0) {
                piece.truncate(last + 1);
                return Ok(Some((from, piece)));
            }
            if read < PIECE_BYTES {
                return Ok(None);
            }
            from += read as u64;
        }
    }

    /// Writes at an offset, durably.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), JournalError> {
        self.file.write_at(offset, bytes).map_err(failed(&self.path, "write"))?;
        self.file.sync_data().map_err(failed(&self.path, "sync"))
    }

    /// Writes zeros over a range, in pieces.
    pub fn zero(&self, from: u64, to: u64) -> Result<(), JournalError> {
        let zeros = vec![0; PIECE_BYTES.min(to.saturating_sub(from) as usize)];
        (from..to).step_by(PIECE_BYTES).try_for_each(|at| {
            let piece = zeros.len().min((to - at) as usize);
            self.write(at, &zeros[..piece])
        })
    }

    /// Cuts off what is behind so many bytes, durably.
    pub fn cut(&self, bytes: u64) -> Result<(), JournalError> {
        self.file.set_len(bytes).map_err(failed(&self.path, "cut"))?;
        self.file.sync_data().map_err(failed(&self.path, "sync"))
    }
}

/// What was opened or listed, if it is there.
fn there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_dir<D: Disk>(disk: &D, dir: &Path) -> Result<(), JournalError> {
    // the folder of a name alone is the present one
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    disk.sync_dir(dir).map_err(failed(dir, "sync the folder"))
}

/// Gives a file another name in its folder, durably.
pub(crate) fn rename<D: Disk>(disk: &D, from: &Path, to: &Path) -> Result<(), JournalError> {
    disk.rename(from, to).map_err(failed(to, "rename into place"))?;
    to.parent().map_or(Ok(()), |dir| sync_dir(disk, dir))
}

/// Removes a file.
pub(crate) fn remove<D: Disk>(disk: &D, path: &Path) -> Result<(), JournalError> {
    disk.remove(path).map_err(failed(path, "remove"))
}

/// Writes a file under another name in pieces, each durable, then gives it its own; when this returns,
/// the file and its name are durable. The folder is made where it is missing.
pub(crate) fn write_whole<D: Disk>(disk: &D, path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    // two processes, or two threads of one, may write the same content at the same time
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let dir = path.parent().unwrap_or(Path::new(""));
    if !dir.as_os_str().is_empty() {
        disk.create_dir(dir).map_err(failed(dir, "make the folder"))?;
        dir.parent().map_or(Ok(()), |above| sync_dir(disk, above))?;
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}-{}{UNFINISHED}", std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed)));
    let aside = PathBuf::from(aside);
    let written = Named::create(disk, &aside).and_then(|file| {
        let mut pieces = bytes.chunks(PIECE_BYTES);
        let first = pieces.next().unwrap_or_default();
        file.write(0, first)?;
        (1..).zip(pieces).try_for_each(|(at, piece)| file.write(at * PIECE_BYTES as u64, piece))
    });
    let renamed = written.and_then(|()| rename(disk, &aside, path));
    if renamed.is_err() {
        // the disk may be full: what is half written only takes room
        let _ = disk.remove(&aside);
    }
    renamed
}

/// Reads a file whose name holds the hash of its content, and refuses any other content.
pub(crate) fn read_named<D: Disk>(disk: &D, path: &Path, hash: &Hash) -> Result<Vec<u8>, JournalError> {
    let refused = |what: String| JournalError::Artefact { path: path.to_owned(), what };
    let file = Named::find(disk, path, false)?.ok_or_else(|| refused("it is missing".into()))?;
    let bytes = file.whole()?;
    let found = Hash::of(&bytes);
    if found != *hash {
        let length = bytes.len();
        return Err(refused(format!(
            "it is damaged: its {length} bytes have the hash {found}, not the one in its name"
        )));
    }
    Ok(bytes)
}

/// A file of a folder and its size.
pub(crate) struct Listed<F> {
    pub file: Named<F>,
    pub bytes: u64,
}

/// The names in a folder, sorted; none where there is no folder.
pub(crate) fn names<D: Disk>(disk: &D, dir: &Path) -> Result<Vec<String>, JournalError> {
    Ok(there(disk.list(dir)).map_err(failed(dir, "list"))?.unwrap_or_default())
}

/// The files in a folder and their sizes, sorted by name; none where there is no folder.
pub(crate) fn list<D: Disk>(disk: &D, dir: &Path, write: bool) -> Result<Vec<Listed<D::File>>, JournalError> {
    let mut files = Vec::new();
    for name in names(disk, dir)? {
        // one may have been removed or renamed since the folder was listed
        if let Some(file) = Named::find(disk, &dir.join(&name), write)? {
            let bytes = file.bytes()?;
            files.push(Listed { file, bytes });
        }
    }
    Ok(files)
}
