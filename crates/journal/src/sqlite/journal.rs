//! The journal on top of the tables.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use farside_engine::{LockKey, Record, RunId};
use rusqlite::{Connection, TransactionBehavior};

use super::log::SqliteRunLog;
use super::ownership::{self, Ownership};
use super::schema::Failure;
use super::tables::RunRow;
use super::{place, schema, tables};
use crate::codec;
use crate::error::{JournalError, JournalErrorKind};
use crate::journal::{Entry, Journal, Owner, RunLog, RunSummary};

/// A journal in a file on a local disk.
#[derive(Clone, Debug)]
pub struct SqliteJournal {
    pub(super) shared: Arc<Shared>,
}

/// What the journal and its logs use together: one connection, one piece of work at a time.
pub(super) struct Shared {
    path: PathBuf,
    ownerships: PathBuf,
    /// Whether nothing can be written where it lies.
    reads_only: bool,
    pub(super) connection: Mutex<Connection>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Does a piece of work on a thread that may block.
    pub(super) async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        attempt: impl FnOnce() -> String,
        work: impl FnOnce(&Self, &mut Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, JournalError> {
        let shared = Arc::clone(self);
        let done = blocking(move || {
            // A panic inside an earlier piece of work has rolled its transaction back.
            let mut connection = shared.connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&shared, &mut connection).map_err(|failure| failure.into_kind(&shared.path))
        });
        done.await.map_err(|kind| self.error(attempt(), kind))
    }

    /// An error about this journal.
    pub(super) fn error(&self, attempt: String, kind: JournalErrorKind) -> JournalError {
        JournalError::new(self.path.display().to_string(), attempt, kind)
    }
}

impl SqliteJournal {
    /// Opens the journal at `path`. A missing file is created (readable and writable for this user only), and so are
    /// missing folders above it.
    ///
    /// # Errors
    /// `NetworkFileSystem`, `Unwritable`, `NotAJournal`, `NewerFormat`: the file is left as it was. `Busy` when
    /// another process keeps it locked; anything the file system or SQLite reports.
    ///
    /// # Cancel safety
    /// Cancel safe: at worst an empty journal is left.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        Self::open_among(path.as_ref(), place::mountinfo()).await
    }

    /// Opens the journal at `path`, which exists, to be read. Where nothing can be written, as on a mount that is read-only, it is read
    /// all the same, and what would write fails with `Unwritable`; elsewhere this is [`Self::open`].
    ///
    /// # Errors
    /// As [`Self::open`], but that `Unwritable` is `Unfinished`: the last who wrote has left a write-ahead log that cannot be read in
    /// that place. `Io` when there is no such file.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is changed.
    pub async fn open_to_read(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        let path = path.as_ref();
        let wanted = path.to_owned();
        let shared = blocking(move || open_to_read(&wanted, place::mountinfo().as_deref())).await;
        Self::of(shared, path)
    }

    /// Opens the journal on a machine that has these mounts.
    pub(super) async fn open_among(path: &Path, mountinfo: Option<String>) -> Result<Self, JournalError> {
        let wanted = path.to_owned();
        let shared = blocking(move || open(&wanted, mountinfo.as_deref())).await;
        Self::of(shared, path)
    }

    fn of(shared: Result<Shared, JournalErrorKind>, path: &Path) -> Result<Self, JournalError> {
        match shared {
            Ok(shared) => Ok(Self {
                shared: Arc::new(shared),
            }),
            Err(kind) => Err(JournalError::new(path.display().to_string(), "open it", kind)),
        }
    }

    /// Where it lies, without symbolic links.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }
}

fn open(path: &Path, mountinfo: Option<&str>) -> Result<Shared, JournalErrorKind> {
    /// One at a time in this process: creating the file closes a handle to it, which would free the locks of a
    /// database connection that was opened in between (fcntl(2)).
    static OPENING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = OPENING.lock().unwrap_or_else(PoisonError::into_inner);

    let path = place::prepare(path, mountinfo)?;
    let connection = schema::connect(&path).map_err(|failure| failure.into_kind(&path))?;
    let ownerships = beside(&path, ".runs");
    ownership::ensure(&ownerships)?;
    Ok(Shared {
        path,
        ownerships,
        reads_only: false,
        connection: Mutex::new(connection),
    })
}

fn open_to_read(path: &Path, mountinfo: Option<&str>) -> Result<Shared, JournalErrorKind> {
    let path = place::find(path, mountinfo)?;
    match open(&path, mountinfo) {
        Err(JournalErrorKind::Unwritable { .. }) => read_only(path),
        opened => opened,
    }
}

/// Opens a journal that lies where nothing can be written.
pub(super) fn read_only(path: PathBuf) -> Result<Shared, JournalErrorKind> {
    // An empty log, or none, holds nothing that the database does not.
    let log = beside(&path, "-wal");
    let has_log = std::fs::metadata(&log).is_ok_and(|log| log.len() > 0);
    let connection =
        schema::connect_to_read(&path, has_log).map_err(|failure| match failure.into_kind(&path) {
            JournalErrorKind::Unwritable { path, source } if has_log => {
                JournalErrorKind::Unfinished { path, log, source }
            }
            kind => kind,
        })?;
    Ok(Shared {
        ownerships: beside(&path, ".runs"),
        path,
        reads_only: true,
        connection: Mutex::new(connection),
    })
}

/// The file of that ending beside the database.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn create(
        &self,
        run: &RunId,
        locks: &[LockKey],
        first: &Record,
        by: &Owner,
    ) -> Result<Box<dyn RunLog>, JournalError> {
        let attempt = || format!("create run {run}");
        let new_run =
            NewRun::try_new(run, locks, first, by).map_err(|kind| self.shared.error(attempt(), kind))?;
        let created = self.shared.work(attempt, move |shared, connection| {
            create(shared, connection, new_run)
        });
        let (row, ownership) = created.await?;
        Ok(Box::new(SqliteRunLog::new(
            Arc::clone(&self.shared),
            run.clone(),
            &row,
            ownership,
        )))
    }

    async fn open(&self, run: &RunId, by: &Owner) -> Result<(Box<dyn RunLog>, Vec<Entry>), JournalError> {
        let (wanted, by) = (run.clone(), by.clone());
        let opened = self.shared.work(
            || format!("take up run {run}"),
            move |shared, connection| take_up(shared, connection, &wanted, &by),
        );
        let (row, ownership, entries) = opened.await?;
        let log = SqliteRunLog::new(Arc::clone(&self.shared), run.clone(), &row, ownership);
        Ok((Box::new(log), entries))
    }

    async fn read(&self, run: &RunId) -> Result<Vec<Entry>, JournalError> {
        let wanted = run.clone();
        let read = self.shared.work(
            || format!("read run {run}"),
            move |_, connection| {
                // One transaction, so that run and entries are of one moment.
                let transaction = connection.transaction()?;
                let row = tables::known_run(&transaction, &wanted)?;
                tables::read_entries(&transaction, &wanted, &row)
            },
        );
        read.await
    }

    async fn runs(&self) -> Result<Vec<RunSummary>, JournalError> {
        self.shared.work(|| "list the runs".to_owned(), list).await
    }
}

/// What is needed to create a run, with the first record checked and written out.
struct NewRun {
    run: RunId,
    locks: BTreeSet<LockKey>,
    first: Record,
    body: String,
    by: Owner,
}

impl NewRun {
    fn try_new(run: &RunId, locks: &[LockKey], first: &Record, by: &Owner) -> Result<Self, JournalErrorKind> {
        Ok(Self {
            run: run.clone(),
            locks: locks.iter().cloned().collect(),
            first: first.clone(),
            body: codec::encode(run, first)?,
            by: by.clone(),
        })
    }
}

fn create(shared: &Shared, connection: &mut Connection, new: NewRun) -> Result<(RunRow, Ownership), Failure> {
    let (plan, started) = codec::start_of(&new.run, &new.first)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if tables::find_run(&transaction, &new.run)?.is_some() {
        return Err(JournalErrorKind::RunExists { run: new.run }.into());
    }
    for key in &new.locks {
        if let Some(holder) = tables::holder(&transaction, key)? {
            let key = key.clone();
            return Err(JournalErrorKind::Held { key, holder }.into());
        }
    }
    let id = tables::insert_run(&transaction, &new.run, (&plan.name, plan.mode, started), &new.by)?;
    for key in &new.locks {
        tables::insert_lock(&transaction, id, key)?;
    }
    let row = RunRow {
        id,
        epoch: 1,
        owner: new.by,
        entries: 0,
        has_ended: false,
    };
    tables::insert_entries(&transaction, &new.run, &row, vec![new.body])?;
    let ownership = own(shared, &new.run, &row)?;
    transaction.commit()?;
    Ok((RunRow { entries: 1, ..row }, ownership))
}

fn take_up(
    shared: &Shared,
    connection: &mut Connection,
    run: &RunId,
    by: &Owner,
) -> Result<(RunRow, Ownership, Vec<Entry>), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let row = tables::known_run(&transaction, run)?;
    if row.has_ended {
        return Err(JournalErrorKind::RunEnded { run: run.clone() }.into());
    }
    let ownership = own(shared, run, &row)?;
    let entries = tables::read_entries(&transaction, run, &row)?;
    let row = RunRow {
        epoch: row.epoch + 1,
        owner: by.clone(),
        ..row
    };
    tables::start_epoch(&transaction, row.id, row.epoch, by)?;
    transaction.commit()?;
    Ok((row, ownership, entries))
}

fn own(shared: &Shared, run: &RunId, row: &RunRow) -> Result<Ownership, Failure> {
    Ownership::take(&shared.ownerships, row.id)?.ok_or_else(|| {
        let (run, by) = (run.clone(), row.owner.clone());
        JournalErrorKind::Driven { run, by }.into()
    })
}

fn list(shared: &Shared, connection: &mut Connection) -> Result<Vec<RunSummary>, Failure> {
    // A write transaction although nothing is written: looking for an owner briefly holds its lock, and nobody
    // may try to take it meanwhile. Where nothing can be written there is no such transaction; whoever takes a run up at
    // that moment by another mount of the place is told that it is driven, and may try again.
    let behavior = if shared.reads_only {
        TransactionBehavior::Deferred
    } else {
        TransactionBehavior::Immediate
    };
    let transaction = connection.transaction_with_behavior(behavior)?;
    let mut runs = Vec::new();
    for (id, mut summary, owner) in tables::summaries(&transaction)? {
        if summary.ended.is_none() && Ownership::is_taken(&shared.ownerships, id)? {
            summary.driven_by = Some(owner);
        }
        runs.push(summary);
    }
    Ok(runs)
}

/// Runs blocking work beside the async runtime; a panic in it goes on here.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JournalErrorKind> + Send + 'static,
) -> Result<T, JournalErrorKind> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_cancelled) => Err(JournalErrorKind::Ending),
        },
    }
}
