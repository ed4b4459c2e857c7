//! The tests that every journal must pass, whatever it is built on.
//!
//! ```ignore
//! conformance::check_all(|| Box::new(MyStore::empty())).await;
//! ```

use std::fmt;

use async_trait::async_trait;
use farside_engine::{LockKey, Mode, Record, RunId, Timestamp};

use self::samples::{end, key, owner, record, start};
use crate::error::JournalErrorKind;
use crate::journal::{Entry, Journal, RunLog};

/// An empty store, and what a test must be able to do to it.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Opens one more handle on the store, as another process would.
    async fn handle(&self) -> Box<dyn Journal>;

    /// Frees the run from its owner without telling it: what a successor finds when the owner's host is cut off.
    async fn cut_off(&self, run: &RunId);
}

/// Runs all checks, each on a store of its own.
///
/// # Panics
/// When a check fails, with its expectation.
pub async fn check_all(make: impl Fn() -> Box<dyn Store>) {
    entries_read_back_in_order(&*make()).await;
    unknown_runs_are_refused(&*make()).await;
    run_names_are_unique(&*make()).await;
    first_record_is_the_start_of_the_run(&*make()).await;
    held_item_is_refused_and_names_its_holder(&*make()).await;
    stopped_run_keeps_what_it_holds(&*make()).await;
    refused_creation_leaves_nothing(&*make()).await;
    ended_run_frees_what_it_held(&*make()).await;
    nothing_comes_after_the_end(&*make()).await;
    driven_run_is_refused_until_its_log_is_dropped(&*make()).await;
    former_owner_is_fenced(&*make()).await;
    runs_are_listed_by_age(&*make()).await;
}

/// Asserts that the result is an error of this kind, and gives the kind.
macro_rules! refused {
    ($result:expr, $kind:pat) => {
        match $result {
            Ok(_) => panic!("accepted, but expected {}", stringify!($kind)),
            Err(error) => assert!(
                matches!(error.kind(), $kind),
                "expected {}, got {error:?}",
                stringify!($kind)
            ),
        }
    };
}

async fn create(journal: &dyn Journal, run: &str, keys: &[LockKey]) -> (RunId, Box<dyn RunLog>) {
    let run = RunId::new(run);
    let log = journal.create(&run, keys, &start(&run), &owner("first")).await;
    (run, log.expect("the run can be created"))
}

async fn take_up(journal: &dyn Journal, run: &RunId) -> (Box<dyn RunLog>, Vec<Entry>) {
    let opened = journal.open(run, &owner("second")).await;
    opened.expect("the run can be taken up")
}

async fn append(log: &mut dyn RunLog, records: &[Record]) {
    log.append(records).await.expect("the records can be appended");
}

async fn read(journal: &dyn Journal, run: &RunId) -> Vec<Entry> {
    journal.read(run).await.expect("the run can be read")
}

async fn entries_read_back_in_order(store: &dyn Store) {
    let journal = store.handle().await;
    let (run, mut log) = create(&*journal, "r", &[]).await;
    append(&mut *log, &[]).await;
    append(&mut *log, &[record(1), record(2)]).await;
    append(&mut *log, &[record(3)]).await;
    let records = [start(&run), record(1), record(2), record(3)];
    let expected: Vec<Entry> = (1..)
        .zip(records)
        .map(|(sequence, record)| Entry { sequence, record })
        .collect();
    assert_eq!(read(&*journal, &run).await, expected);
    let other = store.handle().await;
    assert_eq!(
        read(&*other, &run).await,
        expected,
        "another handle sees the same"
    );
    drop(log);
    let (mut log, entries) = take_up(&*other, &run).await;
    assert_eq!(entries, expected, "so does the next owner");
    append(&mut *log, &[record(4)]).await;
    let entries = read(&*journal, &run).await;
    assert_eq!(
        entries.last(),
        Some(&Entry {
            sequence: 5,
            record: record(4)
        })
    );
}

async fn unknown_runs_are_refused(store: &dyn Store) {
    let journal = store.handle().await;
    let run = RunId::new("nobody's");
    refused!(journal.read(&run).await, JournalErrorKind::UnknownRun { .. });
    refused!(
        journal.open(&run, &owner("a")).await,
        JournalErrorKind::UnknownRun { .. }
    );
    assert_eq!(journal.runs().await.expect("a list"), []);
}

async fn run_names_are_unique(store: &dyn Store) {
    let journal = store.handle().await;
    let (run, mut log) = create(&*journal, "../r 1/\u{e9}", &[]).await;
    append(&mut *log, &[end()]).await;
    drop(log);
    let again = journal.create(&run, &[], &start(&run), &owner("a")).await;
    refused!(again, JournalErrorKind::RunExists { .. });
    assert_eq!(read(&*journal, &run).await.len(), 2);
}

async fn first_record_is_the_start_of_the_run(store: &dyn Store) {
    let journal = store.handle().await;
    let run = RunId::new("r");
    for first in [record(1), start(&RunId::new("other"))] {
        let created = journal.create(&run, &[], &first, &owner("a")).await;
        refused!(created, JournalErrorKind::NotItsStart { .. });
    }
    assert_eq!(journal.runs().await.expect("a list"), []);
}

async fn held_item_is_refused_and_names_its_holder(store: &dyn Store) {
    let (ours, theirs) = (store.handle().await, store.handle().await);
    let (holder, _log) = create(&*ours, "holder", &[key("a"), key("b"), key("b")]).await;
    for journal in [&ours, &theirs] {
        let run = RunId::new("late");
        let created = journal
            .create(&run, &[key("c"), key("b")], &start(&run), &owner("a"))
            .await;
        let error = created.expect_err("the item is held");
        let JournalErrorKind::Held {
            key: held,
            holder: by,
        } = error.kind()
        else {
            panic!("expected Held, got {error:?}");
        };
        assert_eq!((held, by), (&key("b"), &holder));
        let text = error.kind().to_string();
        for part in ["item b", "run holder", "finish that run, or give it up"] {
            assert!(text.contains(part), "{text}");
        }
    }
}

async fn stopped_run_keeps_what_it_holds(store: &dyn Store) {
    let journal = store.handle().await;
    let (holder, mut log) = create(&*journal, "holder", &[key("a")]).await;
    append(&mut *log, &[Record::RunStopped { at: Timestamp(5) }]).await;
    drop(log);
    let late = RunId::new("late");
    let created = journal
        .create(&late, &[key("a")], &start(&late), &owner("a"))
        .await;
    refused!(created, JournalErrorKind::Held { .. });
    drop(take_up(&*journal, &holder).await);
    let created = journal
        .create(&late, &[key("a")], &start(&late), &owner("a"))
        .await;
    refused!(created, JournalErrorKind::Held { .. });
}

async fn refused_creation_leaves_nothing(store: &dyn Store) {
    let journal = store.handle().await;
    let (_, _log) = create(&*journal, "holder", &[key("b")]).await;
    let late = RunId::new("late");
    let created = journal
        .create(&late, &[key("a"), key("b")], &start(&late), &owner("a"))
        .await;
    refused!(created, JournalErrorKind::Held { .. });
    refused!(journal.read(&late).await, JournalErrorKind::UnknownRun { .. });
    // The key before the held one is free.
    let created = journal
        .create(&late, &[key("a")], &start(&late), &owner("a"))
        .await;
    created.expect("nothing of the refused run is left");
}

async fn ended_run_frees_what_it_held(store: &dyn Store) {
    let journal = store.handle().await;
    let (_, mut log) = create(&*journal, "one", &[key("a"), key("b")]).await;
    let (_, _other) = create(&*journal, "two", &[key("c")]).await;
    append(&mut *log, &[record(1), end()]).await;
    let (_, _log) = create(&*journal, "three", &[key("a"), key("b")]).await;
    let late = RunId::new("late");
    let created = journal
        .create(&late, &[key("c")], &start(&late), &owner("a"))
        .await;
    refused!(created, JournalErrorKind::Held { .. });
}

async fn nothing_comes_after_the_end(store: &dyn Store) {
    let journal = store.handle().await;
    let (run, mut log) = create(&*journal, "one", &[key("a")]).await;
    refused!(
        log.append(&[end(), record(1)]).await,
        JournalErrorKind::RunEnded { .. }
    );
    assert_eq!(read(&*journal, &run).await.len(), 1, "all or nothing");
    drop(log);
    let (mut log, _) = take_up(&*journal, &run).await;
    append(&mut *log, &[end()]).await;
    refused!(log.append(&[record(1)]).await, JournalErrorKind::RunEnded { .. });
    drop(log);
    refused!(
        journal.open(&run, &owner("a")).await,
        JournalErrorKind::RunEnded { .. }
    );
    assert_eq!(read(&*journal, &run).await.len(), 2);
}

async fn driven_run_is_refused_until_its_log_is_dropped(store: &dyn Store) {
    let (ours, theirs) = (store.handle().await, store.handle().await);
    let (run, log) = create(&*ours, "r", &[]).await;
    for journal in [&ours, &theirs] {
        let opened = journal.open(&run, &owner("b")).await;
        let error = opened.expect_err("the run is driven");
        assert!(
            matches!(error.kind(), JournalErrorKind::Driven { .. }),
            "{error:?}"
        );
        assert!(
            error.kind().to_string().contains("driven by first"),
            "{}",
            error.kind()
        );
    }
    assert_eq!(log.epoch(), 1, "a refused attempt does not fence the owner");
    drop(log);
    let (log, _) = take_up(&*theirs, &run).await;
    assert_eq!(log.epoch(), 2);
    refused!(
        ours.open(&run, &owner("b")).await,
        JournalErrorKind::Driven { .. }
    );
}

async fn former_owner_is_fenced(store: &dyn Store) {
    let (ours, theirs) = (store.handle().await, store.handle().await);
    let (run, mut former) = create(&*ours, "r", &[key("a")]).await;
    append(&mut *former, &[record(1)]).await;
    store.cut_off(&run).await;
    append(&mut *former, &[record(2)]).await; // nobody has taken the run over yet
    let (mut present, entries) = take_up(&*theirs, &run).await;
    assert_eq!(entries.len(), 3);
    let fenced = former.append(&[record(3), end()]).await;
    refused!(
        fenced,
        JournalErrorKind::Fenced {
            ours: 1,
            theirs: 2,
            ..
        }
    );
    refused!(
        former.append(&[record(3)]).await,
        JournalErrorKind::Unusable { .. }
    );
    drop(former);
    append(&mut *present, &[record(4)]).await;
    assert_eq!(read(&*ours, &run).await.len(), 4, "nothing of the former owner's");
    refused!(
        ours.open(&run, &owner("c")).await,
        JournalErrorKind::Driven { .. }
    );
}

async fn runs_are_listed_by_age(store: &dyn Store) {
    let journal = store.handle().await;
    let (_, mut ended) = create(&*journal, "z", &[]).await;
    append(&mut *ended, &[record(1), end()]).await;
    let (_, stopped) = create(&*journal, "y", &[]).await;
    drop(stopped);
    let (_, _driven) = create(&*journal, "x", &[]).await;
    let runs = store.handle().await.runs().await.expect("a list");
    let short: Vec<_> = runs
        .iter()
        .map(|run| (run.run.as_str(), run.ended, run.driven_by.is_some(), run.entries))
        .collect();
    let expected = [
        ("z", Some(end().at()), false, 3),
        ("y", None, false, 1),
        ("x", None, true, 1),
    ];
    assert_eq!(short, expected);
    let first = runs.first().expect("three runs");
    assert_eq!(
        (first.plan.as_str(), first.mode, first.started),
        ("sample", Mode::Planned, Timestamp(1_000))
    );
}

/// Records and names for tests of a journal; what they say does not matter to it.
pub mod samples {
    use std::collections::BTreeMap;

    use farside_engine::{LockKey, Mode, Record, ResolvedPlan, RunId, Timestamp};

    use crate::journal::Owner;

    /// The start of the run, at second 1.
    pub fn start(run: &RunId) -> Record {
        let plan = ResolvedPlan {
            name: "sample".to_owned(),
            hash: "00".to_owned(),
            mode: Mode::Planned,
            items: Vec::new(),
            limits: BTreeMap::new(),
            surroundings: serde_json::Value::Null,
        };
        Record::RunStarted {
            at: Timestamp(1_000),
            run: run.clone(),
            plan: Box::new(plan),
        }
    }

    /// A record that can be told from others by its number.
    pub fn record(number: u64) -> Record {
        Record::RunOpened {
            at: Timestamp(1_000 + number),
        }
    }

    /// The end of a run, at second 9.
    pub fn end() -> Record {
        Record::RunEnded { at: Timestamp(9_000) }
    }

    /// A lock key.
    pub fn key(text: &str) -> LockKey {
        LockKey::new(text)
    }

    /// An owner.
    pub fn owner(name: &str) -> Owner {
        Owner::new(name)
    }
}
