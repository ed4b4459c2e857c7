//! What the file does beyond the rules of every journal.

mod crash;
mod damage;
mod place;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use farside_engine::{Record, RunId};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{SqliteJournal, journal};
use crate::conformance::samples::{owner, record, start};
use crate::conformance::{self, Store};
use crate::journal::{Journal, Owner, RunLog};
use crate::memory::MemoryJournal;

/// A journal in a folder that is removed afterwards.
#[derive(Debug)]
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("journal.db")
    }

    async fn journal(&self) -> SqliteJournal {
        SqliteJournal::open(self.path()).await.unwrap()
    }
}

#[async_trait]
impl Store for Folder {
    async fn handle(&self) -> Box<dyn Journal> {
        Box::new(self.journal().await)
    }

    async fn cut_off(&self, _run: &RunId) {
        for file in files_in(&self.0.path().join("journal.db.runs")) {
            std::fs::remove_file(file).unwrap();
        }
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

async fn created(journal: &SqliteJournal) -> (RunId, Box<dyn RunLog>) {
    let run = RunId::new("r");
    let log = journal
        .create(&run, &[], &start(&run), &owner("first"))
        .await
        .unwrap();
    (run, log)
}

#[tokio::test]
async fn behaves_as_every_journal() {
    conformance::check_all(|| Box::new(Folder::new())).await;
}

#[tokio::test]
async fn file_of_an_ended_run_is_removed() {
    let folder = Folder::new();
    let journal = folder.journal().await;
    let (_, mut log) = created(&journal).await;
    let runs = folder.0.path().join("journal.db.runs");
    assert_eq!(files_in(&runs).len(), 1);
    log.append(&[conformance::samples::end()]).await.unwrap();
    drop(log);
    assert_eq!(files_in(&runs), Vec::<PathBuf>::new());
}

#[tokio::test(start_paused = true)]
async fn virtual_time_stands_still_while_the_disk_works() {
    let folder = Folder::new();
    let journal = folder.journal().await;
    let (_, mut log) = created(&journal).await;
    for number in 0..20 {
        let records = [record(number)];
        let append = tokio::time::timeout(std::time::Duration::from_millis(1), log.append(&records));
        append.await.expect("no deadline passes").unwrap();
    }
}

#[tokio::test]
async fn runs_are_written_side_by_side_from_two_handles() {
    let folder = Folder::new();
    let mut logs = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let run = RunId::new(name);
        let journal = folder.journal().await;
        let log = journal
            .create(&run, &[], &start(&run), &owner(name))
            .await
            .unwrap();
        logs.push((run, log));
    }
    let mut tasks = Vec::new();
    for (run, mut log) in logs {
        tasks.push(tokio::spawn(async move {
            for number in 0..25 {
                log.append(&[record(number)]).await.unwrap();
            }
            run
        }));
    }
    let journal = folder.journal().await;
    for task in tasks {
        let run = task.await.unwrap();
        let entries = journal.read(&run).await.unwrap();
        let expected: Vec<Record> = std::iter::once(start(&run)).chain((0..25).map(record)).collect();
        assert_eq!(
            entries.into_iter().map(|entry| entry.record).collect::<Vec<_>>(),
            expected
        );
    }
}

/// Batches of records of all sizes of text, and where the run is closed and taken up again.
fn batches() -> impl Strategy<Value = Vec<(Vec<Record>, bool)>> {
    let action = || farside_engine::ActionRef {
        item: farside_engine::ItemId::new("i"),
        action: 3,
    };
    let record = prop_oneof![
        (0..u64::MAX).prop_map(record_at),
        ("\\PC{0,200}", any::<Option<String>>()).prop_map(move |(reason, seen)| Record::LookDeferred {
            at: farside_engine::Timestamp(1),
            action: action(),
            again_at: farside_engine::Timestamp(2),
            reason,
            seen,
        }),
        (any::<String>(), any::<i64>()).prop_map(|(text, number)| Record::CallAccepted {
            at: farside_engine::Timestamp(1),
            call: farside_engine::CallId(7),
            operation: serde_json::json!({ "text": text, "number": number, "list": [null, true] }),
        }),
    ];
    prop::collection::vec((prop::collection::vec(record, 0..4), any::<bool>()), 0..8)
}

fn record_at(millis: u64) -> Record {
    Record::RunOpened {
        at: farside_engine::Timestamp(millis),
    }
}

async fn what_was_appended_is_read(journal: &dyn Journal, batches: Vec<(Vec<Record>, bool)>) {
    let run = RunId::new("r");
    let mut expected = vec![start(&run)];
    let mut log = journal
        .create(&run, &[], &start(&run), &owner("a"))
        .await
        .unwrap();
    let mut epoch = 1;
    for (batch, take_up_again) in batches {
        log.append(&batch).await.unwrap();
        expected.extend(batch);
        if take_up_again {
            drop(log);
            let (next, entries) = journal.open(&run, &owner("a")).await.unwrap();
            let sequences: Vec<u64> = entries.iter().map(|entry| entry.sequence).collect();
            let records: Vec<Record> = entries.into_iter().map(|entry| entry.record).collect();
            assert_eq!(sequences, (1..=expected.len() as u64).collect::<Vec<_>>());
            assert_eq!(records, expected);
            log = next;
            epoch += 1;
            assert_eq!(log.epoch(), epoch);
        }
    }
    let entries = journal.read(&run).await.unwrap();
    assert_eq!(
        entries.into_iter().map(|entry| entry.record).collect::<Vec<_>>(),
        expected
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn what_was_appended_is_read_from_the_file(batches in batches()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = Folder::new();
            what_was_appended_is_read(&folder.journal().await, batches).await;
        });
    }

    #[test]
    fn what_was_appended_is_read_from_memory(batches in batches()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(what_was_appended_is_read(&MemoryJournal::new(), batches));
    }
}
