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
