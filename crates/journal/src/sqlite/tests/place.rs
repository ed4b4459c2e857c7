//! Where the journal may lie.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::error::JournalErrorKind;

fn mode_of(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn missing_folders_are_created_for_this_user_only() {
    let folder = Folder::new();
    let state = folder.0.path().join("state");
    let path = state.join("farside").join("journal.db");
    let journal = SqliteJournal::open(&path).await.unwrap();
    let (_, _log) = created(&journal).await;
    assert_eq!(journal.path(), std::fs::canonicalize(&path).unwrap());
    for created in [
        &state,
        &state.join("farside"),
        &state.join("farside/journal.db.runs"),
    ] {
        assert_eq!(mode_of(created), 0o700, "{}", created.display());
    }
    for created in [
        "journal.db",
        "journal.db-wal",
        "journal.db-shm",
        "journal.db.runs/1.lock",
    ] {
        assert_eq!(mode_of(&state.join("farside").join(created)), 0o600, "{created}");
    }
}

#[tokio::test]
async fn symbolic_link_leads_to_the_same_ownerships() {
    let folder = Folder::new();
    let journal = folder.journal().await;
    let (run, _log) = created(&journal).await;
    let link = folder.0.path().join("link.db");
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    let linked = SqliteJournal::open(&link).await.unwrap();
    let error = linked.open(&run, &owner("b")).await.unwrap_err();
    assert!(
        matches!(error.kind(), JournalErrorKind::Driven { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn network_file_system_is_refused_and_nothing_is_created() {
    let folder = Folder::new();
    let root = std::fs::canonicalize(folder.0.path()).unwrap();
    let mountinfo = format!(
        "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n22 21 0:5 / {} rw - nfs4 filer:/vol rw\n",
        root.display()
    );
    let path = root.join("new/journal.db");
    let error = SqliteJournal::open_among(&path, Some(mountinfo.clone()))
        .await
        .unwrap_err();
    let JournalErrorKind::NetworkFileSystem {
        fstype, mount_point, ..
    } = error.kind()
    else {
        panic!("expected NetworkFileSystem, got {error:?}");
    };
    assert_eq!((fstype.as_str(), mount_point), ("nfs4", &root));
    assert!(error.kind().to_string().contains("name a file on a local disk"));
    assert!(!root.join("new").exists());

    drop(folder.journal().await);
    let error = SqliteJournal::open_among(&folder.path(), Some(mountinfo))
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind(), JournalErrorKind::NetworkFileSystem { .. }),
        "an existing one too: {error:?}"
    );
}

#[tokio::test]
async fn unwritable_folder_is_named() {
    // Not writable for any user, root included.
    let error = SqliteJournal::open("/proc/farside/journal.db").await.unwrap_err();
    let JournalErrorKind::Unwritable { path, .. } = error.kind() else {
        panic!("expected Unwritable, got {error:?}");
    };
    assert_eq!(path, Path::new("/proc/farside"));
    assert_eq!(
        error.to_string(),
        "journal /proc/farside/journal.db: cannot open it"
    );
    assert!(
        error.kind().to_string().contains("give this user write access"),
        "{}",
        error.kind()
    );
}

#[tokio::test]
async fn folder_and_path_below_a_file_are_refused() {
    let folder = Folder::new();
    let error = SqliteJournal::open(folder.0.path()).await.unwrap_err();
    assert!(
        matches!(
            error.kind(),
            JournalErrorKind::NotAJournal { what: "a folder", .. }
        ),
        "{error:?}"
    );
    std::fs::write(folder.0.path().join("file"), "").unwrap();
    let error = SqliteJournal::open(folder.0.path().join("file/journal.db"))
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), JournalErrorKind::Io { .. }), "{error:?}");
}

#[tokio::test]
async fn link_to_nowhere_is_refused() {
    let folder = Folder::new();
    let elsewhere = folder.0.path().join("elsewhere.db");
    std::os::unix::fs::symlink(&elsewhere, folder.path()).unwrap();
    let error = SqliteJournal::open(folder.path()).await.unwrap_err();
    assert!(matches!(error.kind(), JournalErrorKind::Io { .. }), "{error:?}");
    assert!(!elsewhere.exists());
}

/// The names in the journal's folder, with the sizes.
fn listing(folder: &Folder) -> Vec<(PathBuf, u64)> {
    let size = |path: PathBuf| (path.clone(), std::fs::metadata(path).unwrap().len());
    let mut listing: Vec<_> = files_in(folder.0.path()).into_iter().map(size).collect();
    listing.sort();
    listing
}

fn read_only(path: PathBuf) -> Result<SqliteJournal, JournalErrorKind> {
    journal::read_only(path).map(|shared| SqliteJournal {
        shared: shared.into(),
    })
}

// A journal on a mount that is read-only could not be read: SQLite wanted to make its files there.
#[tokio::test]
async fn a_journal_is_read_where_nothing_can_be_written() {
    let folder = Folder::new();
    let path = folder.0.path().join("50% of #1?.db");
    let written = SqliteJournal::open(&path).await.unwrap();
    let (run, log) = created(&written).await;
    drop((log, written));
    let before = listing(&folder);
    let journal = read_only(path).unwrap();
    assert_eq!(journal.runs().await.unwrap()[0].run, run);
    assert_eq!(journal.read(&run).await.unwrap().len(), 1);
    let error = journal.open(&run, &owner("b")).await.unwrap_err();
    assert!(
        matches!(error.kind(), JournalErrorKind::Unwritable { .. }),
        "{error:?}"
    );
    assert_eq!(listing(&folder), before);
}

#[tokio::test]
async fn what_is_only_in_the_log_is_read_where_nothing_can_be_written() {
    let folder = Folder::new();
    let written = folder.journal().await;
    let (run, _log) = created(&written).await;
    let before = listing(&folder);
    assert!(
        before
            .iter()
            .any(|(path, size)| path.ends_with("journal.db-wal") && *size > 0),
        "{before:?}"
    );
    let journal = read_only(folder.path()).unwrap();
    let runs = journal.runs().await.unwrap();
    assert_eq!((&runs[0].run, &runs[0].driven_by), (&run, &Some(owner("first"))));
    assert_eq!(journal.read(&run).await.unwrap().len(), 1);
    assert_eq!(listing(&folder), before);
}

#[tokio::test]
async fn opening_to_read_creates_no_file() {
    let folder = Folder::new();
    let error = SqliteJournal::open_to_read(folder.path()).await.unwrap_err();
    assert!(matches!(error.kind(), JournalErrorKind::Io { .. }), "{error:?}");
    assert_eq!(listing(&folder), []);
}
