//! Where the journal's files may lie, and making room for them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::mount;
use crate::error::JournalErrorKind;

/// The kernel's list of mounts; none (with a warning) where there is no such list.
pub(super) fn mountinfo() -> Option<String> {
    fs::read_to_string("/proc/self/mountinfo")
        .inspect_err(
            |error| tracing::warn!(%error, "cannot tell whether the journal is on a network file system"),
        )
        .ok()
}

/// Makes sure that there is a file at `path`, in a place where its locks hold, and returns its real path. What is
/// missing is created: folders for this user only (0700), the file empty (0600). An existing file is not opened:
/// closing it again would free the locks that SQLite holds on it in this process (fcntl(2)).
pub(super) fn prepare(path: &Path, mountinfo: Option<&str>) -> Result<PathBuf, JournalErrorKind> {
    let path = std::path::absolute(path).map_err(unusable(path))?;
    match fs::symlink_metadata(&path) {
        Ok(_) => existing(&path, mountinfo),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(&path, mountinfo),
        Err(error) => Err(unusable(&path)(error)),
    }
}

/// The real path of the file at `path`, in a place where its locks hold. Nothing is created.
pub(super) fn find(path: &Path, mountinfo: Option<&str>) -> Result<PathBuf, JournalErrorKind> {
    let path = std::path::absolute(path).map_err(unusable(path))?;
    existing(&path, mountinfo)
}

fn existing(path: &Path, mountinfo: Option<&str>) -> Result<PathBuf, JournalErrorKind> {
    let real = fs::canonicalize(path).map_err(unusable(path))?;
    refuse_network(&real, real.parent().unwrap_or(&real), mountinfo)?;
    let kind = fs::metadata(&real).map_err(unusable(&real))?.file_type();
    let what = if kind.is_file() {
        return Ok(real);
    } else if kind.is_dir() {
        "a folder"
    } else {
        "not a regular file"
    };
    Err(JournalErrorKind::NotAJournal { path: real, what })
}

fn create(path: &Path, mountinfo: Option<&str>) -> Result<PathBuf, JournalErrorKind> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        let what = "not the name of a file";
        return Err(JournalErrorKind::NotAJournal {
            path: path.into(),
            what,
        });
    };
    let present = nearest_present(folder)?;
    refuse_network(path, &present, mountinfo)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(unwritable(folder))?;
    let folder = fs::canonicalize(folder).map_err(unusable(folder))?;
    let real = folder.join(name);
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&real);
    match created {
        Ok(_) => sync_folders(&folder, &present)?,
        // Another process came first; the file is as good as ours.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(unwritable(&real)(error)),
    }
    Ok(real)
}

/// The first of `folder` and its parents that exists, without symbolic links.
fn nearest_present(folder: &Path) -> Result<PathBuf, JournalErrorKind> {
    for folder in folder.ancestors() {
        match fs::canonicalize(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other.map_err(unusable(folder)),
        }
    }
    Ok(PathBuf::from("/"))
}

/// A file or folder is durable only when the folder that names it is.
fn sync_folders(folder: &Path, present: &Path) -> Result<(), JournalErrorKind> {
    for folder in folder
        .ancestors()
        .take_while(|folder| folder.starts_with(present))
    {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(unusable(folder))?;
    }
    Ok(())
}

fn refuse_network(path: &Path, folder: &Path, mountinfo: Option<&str>) -> Result<(), JournalErrorKind> {
    match mountinfo.and_then(|text| mount::mount_of(text, folder)) {
        Some(mount) if mount.is_network() => Err(JournalErrorKind::NetworkFileSystem {
            path: path.into(),
            fstype: mount.fstype,
            mount_point: mount.mount_point,
        }),
        _ => Ok(()),
    }
}

pub(super) fn unusable(path: &Path) -> impl FnOnce(io::Error) -> JournalErrorKind {
    let path = path.to_owned();
    |source| JournalErrorKind::Io { path, source }
}

pub(super) fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> JournalErrorKind {
    let path = path.to_owned();
    |source| JournalErrorKind::Unwritable { path, source }
}
