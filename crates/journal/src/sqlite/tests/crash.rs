//! Processes that die, appends that are abandoned, disks that are full.

use std::future::poll_fn;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::task::Poll;

use super::*;
use crate::conformance::samples::key;
use crate::error::JournalErrorKind;

/// Set for the process that a test starts: the journal it works on.
const CHILD: &str = "FARSIDE_JOURNAL_TEST_CHILD";

/// This test, once more, as a process of its own.
fn child(test: &str, journal: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([&format!("sqlite::tests::crash::{test}"), "--exact", "--nocapture"])
        .env(CHILD, journal)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

#[tokio::test]
async fn killed_owner_frees_its_run_at_once_and_keeps_its_items() {
    if let Some(path) = std::env::var_os(CHILD) {
        let journal = SqliteJournal::open(path).await.unwrap();
        let run = RunId::new("r");
        let (locks, first, by) = ([key("a")], start(&run), Owner::this_process());
        let mut log = journal.create(&run, &locks, &first, &by).await.unwrap();
        log.append(&[record(1)]).await.unwrap();
        println!("driving");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap(); // until killed
        return;
    }
    let folder = Folder::new();
    let mut owner_process = child(
        "killed_owner_frees_its_run_at_once_and_keeps_its_items",
        &folder.path(),
    )
    .spawn()
    .unwrap();
    let mut lines = BufReader::new(owner_process.stdout.take().unwrap()).lines();
    assert!(
        lines.any(|line| line.unwrap().contains("driving")),
        "the child drives its run"
    );

    let journal = folder.journal().await;
    let run = RunId::new("r");
    let error = journal.open(&run, &owner("us")).await.unwrap_err();
    let text = error.kind().to_string();
    assert!(
        text.contains(&format!("process {} on ", owner_process.id())),
        "{text}"
    );
    assert!(journal.runs().await.unwrap()[0].driven_by.is_some());

    owner_process.kill().unwrap(); // SIGKILL
    owner_process.wait().unwrap();
    assert_eq!(journal.runs().await.unwrap()[0].driven_by, None);
    let late = RunId::new("late");
    let error = journal
        .create(&late, &[key("a")], &start(&late), &owner("us"))
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), JournalErrorKind::Held { .. }), "{error:?}");
    let (log, entries) = journal.open(&run, &owner("us")).await.unwrap();
    assert_eq!((log.epoch(), entries.len()), (2, 2));
}

#[tokio::test]
async fn abandoned_append_makes_the_log_unusable() {
    let folder = Folder::new();
    let journal = folder.journal().await;
    let (run, mut log) = created(&journal).await;
    {
        let records = [record(1)];
        let mut append = log.append(&records);
        poll_fn(|context| {
            assert!(append.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
    }
    let error = log.append(&[record(2)]).await.unwrap_err();
    assert!(
        matches!(error.kind(), JournalErrorKind::Unusable { .. }),
        "{error:?}"
    );
    drop(log);
    // The abandoned work is done or not; either way the run goes on from what is in the journal.
    let (mut log, entries) = loop {
        match journal.open(&run, &owner("b")).await {
            Ok(opened) => break opened,
            Err(error) => assert!(
                matches!(error.kind(), JournalErrorKind::Driven { .. }),
                "{error:?}"
            ),
        }
    };
    log.append(&[record(3)]).await.unwrap();
    assert_eq!(journal.read(&run).await.unwrap().len(), entries.len() + 1);
}

#[tokio::test]
async fn append_to_a_full_disk_is_refused_whole() {
    let folder = Folder::new();
    let journal = folder.journal().await;
    let (run, mut log) = created(&journal).await;
    let limit_pages = |pages: i64| {
        let connection = journal.shared.connection.lock().unwrap();
        connection
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            .unwrap();
    };
    limit_pages(1); // SQLite makes it the present number of pages
    let large = Record::ItemSkipped {
        at: farside_engine::Timestamp(1),
        item: farside_engine::ItemId::new("i"),
        reason: "x".repeat(100_000),
    };
    let error = log.append(&[record(1), large]).await.unwrap_err();
    assert!(matches!(error.kind(), JournalErrorKind::Full(_)), "{error:?}");
    let error = log.append(&[record(1)]).await.unwrap_err();
    assert!(
        matches!(error.kind(), JournalErrorKind::Unusable { .. }),
        "{error:?}"
    );
    drop(log);
    limit_pages(1 << 20);
    let (_, entries) = journal.open(&run, &owner("b")).await.unwrap();
    assert_eq!(entries.len(), 1);
}

/// A test cannot cut the power, so it holds the settings that SQLite promises durability for.
#[tokio::test]
async fn appends_are_synced() {
    let folder = Folder::new();
    drop(folder.journal().await);
    let journal = folder.journal().await; // the settings of a connection are made at each opening
    let connection = journal.shared.connection.lock().unwrap();
    let number = |pragma| {
        connection
            .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!((number("synchronous"), number("foreign_keys")), (2, 1));
    let mode = connection.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0));
    assert_eq!(mode.unwrap(), "wal");
}

#[tokio::test]
async fn torn_tail_loses_the_last_append_alone() {
    let folder = Folder::new();
    let journal = folder.journal().await;
    let (run, mut log) = created(&journal).await;
    log.append(&[record(1)]).await.unwrap();
    let wal = |folder: &Folder| folder.0.path().join("journal.db-wal");
    let before = std::fs::metadata(wal(&folder)).unwrap().len();
    log.append(&[record(2), record(3)]).await.unwrap();

    // What the disk would hold had the power failed in the middle of the last append.
    let after_power_failure = Folder::new();
    std::fs::copy(folder.path(), after_power_failure.path()).unwrap();
    let written = std::fs::read(wal(&folder)).unwrap();
    assert!(written.len() as u64 > before);
    let torn = usize::try_from(before).unwrap() + 100;
    std::fs::write(wal(&after_power_failure), &written[..torn]).unwrap();

    let journal = after_power_failure.journal().await;
    let (mut log, entries) = journal.open(&run, &owner("b")).await.unwrap();
    assert_eq!(entries.len(), 2);
    log.append(&[record(4)]).await.unwrap();
    assert_eq!(journal.read(&run).await.unwrap().len(), 3);
}

#[tokio::test]
async fn one_file_is_created_by_many_at_once() {
    let folder = Folder::new();
    for round in 0..10 {
        let path = folder.0.path().join(round.to_string()).join("journal.db");
        let opened: Vec<_> = (0..8)
            .map(|_| tokio::spawn(SqliteJournal::open(path.clone())))
            .collect();
        let processes: Vec<_> = (0..2).map(|_| opener(&path)).collect();
        for journal in opened {
            journal.await.unwrap().unwrap();
        }
        for mut process in processes {
            assert!(process.wait().unwrap().success());
        }
    }
}

fn opener(path: &Path) -> std::process::Child {
    child("another_process_opens_the_file", path)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Alone it opens a file of its own; as a child, the one it is given.
#[tokio::test]
async fn another_process_opens_the_file() {
    let folder = Folder::new();
    let path = std::env::var_os(CHILD).map_or_else(|| folder.path(), PathBuf::from);
    let journal = SqliteJournal::open(path).await.unwrap();
    assert_eq!(journal.runs().await.unwrap(), []);
}
