//! Damage is found, named and never skipped; what is not ours is left alone.

use rusqlite::Connection;

use super::*;
use crate::codec;
use crate::error::{Damage, JournalErrorKind};
use crate::sqlite::schema;

/// Writes four entries, lets `harm` loose on the database, and gives the errors of reading and of taking up.
async fn after(harm: impl FnOnce(&Connection)) -> [JournalErrorKind; 2] {
    let folder = Folder::new();
    let journal = folder.journal().await;
    let (run, mut log) = created(&journal).await;
    log.append(&[record(1), record(2)]).await.unwrap();
    log.append(&[record(3)]).await.unwrap();
    drop((log, journal));
    harm(&Connection::open(folder.path()).unwrap());

    let journal = folder.journal().await;
    let read = journal.read(&run).await.unwrap_err();
    let opened = journal.open(&run, &owner("b")).await.unwrap_err();
    let runs = journal.runs().await.unwrap();
    assert!(
        runs.iter().all(|run| run.driven_by.is_none()),
        "nobody drives a damaged run"
    );
    drop(journal);
    let connection = Connection::open(folder.path()).unwrap();
    let epoch: i64 = connection
        .query_row("SELECT epoch FROM runs", [], |row| row.get(0))
        .unwrap();
    assert_eq!(epoch, 1, "a damaged run is left as it is");
    [read.into_kind(), opened.into_kind()]
}

async fn check(sql: &str, sequence: u64, damage: Damage) {
    let kinds = after(|connection| connection.execute_batch(sql).unwrap()).await;
    for kind in kinds {
        let JournalErrorKind::Damaged {
            run,
            sequence: at,
            damage: found,
        } = &kind
        else {
            panic!("{sql}: expected damage, got {kind:?}");
        };
        assert_eq!((run.as_str(), *at, found), ("r", sequence, &damage), "{sql}");
        assert!(
            kind.to_string()
                .starts_with(&format!("entry {sequence} of run r is damaged"))
        );
    }
}

#[tokio::test]
async fn missing_entries_are_named() {
    check("DELETE FROM entries WHERE sequence = 1", 1, Damage::Missing).await;
    check("DELETE FROM entries WHERE sequence = 3", 3, Damage::Missing).await;
    check("DELETE FROM entries WHERE sequence = 4", 4, Damage::Missing).await;
    check("DELETE FROM entries", 1, Damage::Missing).await;
    check(
        "UPDATE entries SET sequence = 9 WHERE sequence = 2",
        2,
        Damage::Missing,
    )
    .await;
}

#[tokio::test]
async fn surplus_entry_is_named() {
    check(
        "UPDATE runs SET entries = 3",
        4,
        Damage::BeyondEnd { expected: 3 },
    )
    .await;
}

#[tokio::test]
async fn changed_length_is_named() {
    let cut = "UPDATE entries SET body = substr(body, 1, 10) WHERE sequence = 2";
    let kinds = after(|connection| connection.execute_batch(cut).unwrap()).await;
    for kind in kinds {
        let JournalErrorKind::Damaged {
            sequence: 2,
            damage: Damage::Length { expected, found: 10 },
            ..
        } = kind
        else {
            panic!("expected a wrong length, got {kind:?}");
        };
        assert!(expected > 10);
    }
}

#[tokio::test]
async fn changed_bytes_are_named() {
    for harm in [
        "UPDATE entries SET body = replace(body, '1002', '1003') WHERE sequence = 3",
        "UPDATE entries SET checksum = (checksum + 1) & 4294967295 WHERE sequence = 3",
        "UPDATE entries SET epoch = 2 WHERE sequence = 3",
        "UPDATE entries SET sequence = CASE sequence WHEN 3 THEN 40 ELSE 30 END WHERE sequence IN (3, 4);
         UPDATE entries SET sequence = CASE sequence WHEN 40 THEN 4 ELSE 3 END WHERE sequence IN (30, 40)",
    ] {
        let kinds = after(|connection| connection.execute_batch(harm).unwrap()).await;
        for kind in kinds {
            assert!(
                matches!(
                    kind,
                    JournalErrorKind::Damaged {
                        sequence: 3,
                        damage: Damage::Checksum { .. },
                        ..
                    }
                ),
                "{harm}: {kind:?}"
            );
        }
    }
}

#[tokio::test]
async fn impossible_columns_are_named() {
    let of = |column| Damage::Column { column };
    check(
        "UPDATE entries SET format = 2 WHERE sequence = 2",
        2,
        of("format"),
    )
    .await;
    check(
        "UPDATE entries SET length = -1 WHERE sequence = 2",
        2,
        of("length"),
    )
    .await;
    check(
        "UPDATE entries SET checksum = -1 WHERE sequence = 2",
        2,
        of("checksum"),
    )
    .await;
}

/// Replaces the second entry by an intact one with this body and epoch.
fn replace(connection: &Connection, body: &str, epoch: i64) {
    let stored = codec::store(&RunId::new("r"), 2, epoch, body.to_owned());
    let sql = "UPDATE entries SET body = ?1, length = ?2, checksum = ?3, epoch = ?4 WHERE sequence = 2";
    let changed = connection.execute(sql, (body, stored.length, stored.checksum, epoch));
    assert_eq!(changed.unwrap(), 1);
}

#[tokio::test]
async fn entry_of_a_later_owner_before_one_of_an_earlier_is_damage() {
    let body = codec::encode(&RunId::new("r"), &record(1)).unwrap();
    for kind in after(|connection| replace(connection, &body, 2)).await {
        let JournalErrorKind::Damaged {
            sequence: 3, damage, ..
        } = kind
        else {
            panic!("expected damage, got {kind:?}");
        };
        assert_eq!(damage, Damage::Epoch { before: 2, found: 1 });
    }
}

#[tokio::test]
async fn unknown_record_or_member_stops_the_reader() {
    for body in [
        r#"{"record":"run_renamed","at":5}"#,
        r#"{"record":"run_opened","at":5,"by":"x"}"#,
        r#"{"record":"run_opened"}"#,
        "[]",
    ] {
        for kind in after(|connection| replace(connection, body, 1)).await {
            assert!(
                matches!(kind, JournalErrorKind::NotUnderstood { sequence: 2, .. }),
                "{body}: {kind:?}"
            );
            assert!(kind.to_string().contains("another version of farside"));
        }
    }
}

#[tokio::test]
async fn list_with_an_unknown_mode_is_refused() {
    let folder = Folder::new();
    let journal = folder.journal().await;
    drop(created(&journal).await);
    let connection = Connection::open(folder.path()).unwrap();
    connection
        .execute_batch("UPDATE runs SET mode = 'sideways'")
        .unwrap();
    let error = journal.runs().await.unwrap_err();
    assert!(
        matches!(error.kind(), JournalErrorKind::DamagedList { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn newer_format_is_refused_and_left_alone() {
    let folder = Folder::new();
    drop(created(&folder.journal().await).await);
    let newer = schema::VERSION + 6;
    let connection = Connection::open(folder.path()).unwrap();
    connection.pragma_update(None, "user_version", newer).unwrap();
    drop(connection);
    let before = std::fs::read(folder.path()).unwrap();

    let error = SqliteJournal::open(folder.path()).await.unwrap_err();
    let JournalErrorKind::NewerFormat { found, supported } = error.kind() else {
        panic!("expected NewerFormat, got {error:?}");
    };
    assert_eq!((*found, *supported), (7, 1));
    let text = error.kind().to_string();
    assert!(
        text.contains("version 7") && text.contains("Use the farside that wrote it"),
        "{text}"
    );
    assert_eq!(std::fs::read(folder.path()).unwrap(), before);
}

#[tokio::test]
async fn foreign_files_are_refused_and_left_alone() {
    let folder = Folder::new();
    let database = folder.0.path().join("other.db");
    let connection = Connection::open(&database).unwrap();
    connection
        .execute_batch("CREATE TABLE songs (title TEXT)")
        .unwrap();
    drop(connection);
    let marked = folder.0.path().join("marked.db");
    let connection = Connection::open(&marked).unwrap();
    connection
        .execute_batch("PRAGMA application_id = 7; CREATE TABLE songs (title TEXT)")
        .unwrap();
    drop(connection);
    let text = folder.0.path().join("plan.toml");
    std::fs::write(&text, "name = \"a plan, not a journal\"\n".repeat(20)).unwrap();

    for (file, what) in [
        (database, "another program"),
        (marked, "another program"),
        (text, "not a database"),
    ] {
        let before = std::fs::read(&file).unwrap();
        let error = SqliteJournal::open(&file).await.unwrap_err();
        assert!(
            matches!(error.kind(), JournalErrorKind::NotAJournal { .. }),
            "{error:?}"
        );
        assert!(error.kind().to_string().contains(what), "{}", error.kind());
        assert_eq!(std::fs::read(&file).unwrap(), before);
        let mut runs = file.into_os_string();
        runs.push(".runs");
        assert!(!Path::new(&runs).exists());
    }
}
