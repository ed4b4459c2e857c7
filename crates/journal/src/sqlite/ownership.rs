//! Who drives a run: a lock of the operating system, which ends with the process that holds it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::place::{unusable, unwritable};
use crate::error::JournalErrorKind;

/// The lock on a run's file. Taken and looked for only inside a write transaction of the journal, so that a look
/// never makes a take fail.
#[derive(Debug)]
pub(super) struct Ownership {
    file: File,
    path: PathBuf,
    run_has_ended: AtomicBool,
}

impl Ownership {
    /// Takes the lock; none when another owner has it.
    pub(super) fn take(folder: &Path, run: i64) -> Result<Option<Self>, JournalErrorKind> {
        ensure(folder)?;
        let path = file_of(folder, run);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(unwritable(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self {
                file,
                path,
                run_has_ended: AtomicBool::new(false),
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(unusable(&path)(error)),
        }
    }

    /// Whether someone has the lock.
    pub(super) fn is_taken(folder: &Path, run: i64) -> Result<bool, JournalErrorKind> {
        let path = file_of(folder, run);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other.map_err(unusable(&path))?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(unusable(&path)(error)),
        }
    }

    /// The run's file is not needed any more: an ended run is never opened again.
    pub(super) fn run_has_ended(&self) {
        self.run_has_ended.store(true, Ordering::Relaxed);
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        if self.run_has_ended.load(Ordering::Relaxed)
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::debug!(%error, path = %self.path.display(), "the file of an ended run stays");
        }
        // A child process between fork and exec shares the open file, so closing it alone may not free the lock.
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, path = %self.path.display(), "cannot give the run's lock back");
        }
    }
}

/// Creates the folder of the runs' files where it is missing.
pub(super) fn ensure(folder: &Path) -> Result<(), JournalErrorKind> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(unwritable(folder))
}

/// Named by the run's number, not its name: a name may be anything.
fn file_of(folder: &Path, run: i64) -> PathBuf {
    folder.join(format!("{run}.lock"))
}
