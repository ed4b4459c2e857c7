//! Appending to one run.

use std::sync::Arc;

use async_trait::async_trait;
use farside_engine::{Record, RunId, Timestamp};
use rusqlite::{Connection, TransactionBehavior};

use super::journal::Shared;
use super::ownership::Ownership;
use super::schema::Failure;
use super::tables::{self, RunRow};
use crate::codec;
use crate::error::{Damage, JournalError, JournalErrorKind};
use crate::journal::RunLog;

/// The right to append to a run of a SQLite journal.
#[derive(Debug)]
pub(super) struct SqliteRunLog {
    shared: Arc<Shared>,
    /// Shared with an append under way, so that the run is not free before that has ended.
    ownership: Arc<Ownership>,
    run: RunId,
    epoch: i64,
    entries: i64,
    /// False while an append is under way and for ever after a failed one.
    usable: bool,
}

impl SqliteRunLog {
    pub(super) fn new(shared: Arc<Shared>, run: RunId, row: &RunRow, ownership: Ownership) -> Self {
        Self {
            shared,
            ownership: Arc::new(ownership),
            run,
            epoch: row.epoch,
            entries: row.entries,
            usable: true,
        }
    }

    /// Puts the records where they can be written on another thread.
    fn batch(&self, records: &[Record]) -> Result<Batch, JournalErrorKind> {
        if !self.usable {
            return Err(JournalErrorKind::Unusable {
                run: self.run.clone(),
            });
        }
        Ok(Batch {
            run: self.run.clone(),
            epoch: self.epoch,
            entries: self.entries,
            bodies: records
                .iter()
                .map(|record| codec::encode(&self.run, record))
                .collect::<Result<_, _>>()?,
            end: codec::end_of(&self.run, records)?,
        })
    }
}

#[async_trait]
impl RunLog for SqliteRunLog {
    fn epoch(&self) -> u64 {
        self.epoch.unsigned_abs()
    }

    async fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        let batch = self.batch(records);
        self.usable &= records.is_empty();
        let attempt = || format!("append to run {}", self.run);
        let batch = batch.map_err(|kind| self.shared.error(attempt(), kind))?;
        if records.is_empty() {
            return Ok(());
        }
        let ownership = Arc::clone(&self.ownership);
        let write = self.shared.work(attempt, move |_, connection| {
            let entries = batch.write(connection, &ownership);
            drop(ownership);
            entries
        });
        self.entries = write.await?;
        self.usable = true;
        Ok(())
    }
}

/// Records on their way into the journal, and what must be true of the run for it.
struct Batch {
    run: RunId,
    epoch: i64,
    entries: i64,
    bodies: Vec<String>,
    end: Option<Timestamp>,
}

impl Batch {
    /// Returns the number of entries that the run then has.
    fn write(self, connection: &mut Connection, ownership: &Ownership) -> Result<i64, Failure> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let row = tables::known_run(&transaction, &self.run)?;
        if row.epoch != self.epoch {
            return Err(JournalErrorKind::Fenced {
                run: self.run,
                by: row.owner,
                theirs: row.epoch.unsigned_abs(),
                ours: self.epoch.unsigned_abs(),
            }
            .into());
        }
        if row.has_ended {
            return Err(JournalErrorKind::RunEnded { run: self.run }.into());
        }
        if row.entries != self.entries {
            let first_wrong = row.entries.min(self.entries).unsigned_abs() + 1;
            return Err(codec::damaged(&self.run, first_wrong, Damage::Missing).into());
        }
        let entries = tables::insert_entries(&transaction, &self.run, &row, self.bodies)?;
        if let Some(at) = self.end {
            tables::end_run(&transaction, row.id, at)?;
        }
        transaction.commit()?;
        if self.end.is_some() {
            ownership.run_has_ended();
        }
        Ok(entries)
    }
}
