//! One writer (J7): a lock of the system on a file that tells whose it is.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;

use market::Timestamp;

use crate::JournalError;
use crate::files::failed;

/// The name of the file.
pub(crate) const NAME: &str = "lock";

/// The right to write a journal; it ends when this is dropped, or with the process however it ends.
#[derive(Debug)]
pub struct Lock {
    held: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // closing the file is not enough: a process that was just forked may still have it open
        let _ = self.held.unlock();
    }
}

impl Lock {
    /// Takes the lock of the journal in `dir`, for which the folder must be there.
    ///
    /// # Errors
    /// [`JournalError::Locked`] with the owner's name where another has it.
    pub fn take(dir: &Path, wall_ns: i64) -> Result<Self, JournalError> {
        let path = dir.join(NAME);
        let disk = |what| failed(&path, what);
        // not truncated by opening: until the lock is ours, the words in it are the owner's
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(disk("open the lock"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Locked { by: owner(&path), path }),
            Err(TryLockError::Error(source)) => return Err(disk("lock")(source)),
        }
        sign(&mut file, wall_ns).map_err(disk("write the lock"))?;
        Ok(Self { held: file })
    }
}

fn sign(file: &mut File, wall_ns: i64) -> io::Result<()> {
    file.set_len(0)?;
    let since = Timestamp::from_ns(wall_ns);
    file.write_all(format!("{}, {since}\n", std::process::id()).as_bytes())
}

/// Who wrote the file, as part of a sentence; nothing where it does not say, as between its locking
/// and its signing.
fn owner(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    match text.trim().split_once(", ") {
        Some((pid, since)) => format!(" (process {pid}, since {since})"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_refused_by_name_and_the_next_is_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = Lock::take(dir.path(), 0).expect("nobody has it");
        let refused = Lock::take(dir.path(), 1).expect_err("it is taken").to_string();
        let named = format!("(process {}, since 1970-01-01T00:00:00Z)", std::process::id());
        assert!(refused.contains(&named), "{refused}");
        drop(first);
        Lock::take(dir.path(), 2).expect("it is free again");
    }

    #[test]
    fn what_a_dead_owner_left_does_not_lock() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("lock"), "1, 1970-01-01T00:00:00Z and a longer line").expect("written");
        let _lock = Lock::take(dir.path(), 0).expect("a file is not a lock");
        let text = fs::read_to_string(dir.path().join("lock")).expect("read");
        assert_eq!(text, format!("{}, 1970-01-01T00:00:00Z\n", std::process::id()));
    }
}
