//! The journal as its users see it.

use std::fmt;

use async_trait::async_trait;
use farside_engine::{LockKey, Mode, Record, RunId, Timestamp};

use crate::error::JournalError;

/// Keeps the records of runs, and says which run holds what.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync {
    /// Creates a run: takes all its lock keys, its ownership and the first record, together or not at all. A key
    /// that is given twice is held once.
    ///
    /// # Errors
    /// `RunExists`; `Held` when another run that has not ended holds one of the keys; `NotItsStart` when `first` is
    /// not the start record of `run`; anything the store reports. Nothing is written in the first three cases.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped future may have created the run, which nobody then drives. It can be opened.
    async fn create(
        &self,
        run: &RunId,
        locks: &[LockKey],
        first: &Record,
        by: &Owner,
    ) -> Result<Box<dyn RunLog>, JournalError>;

    /// Takes the ownership of a run that nobody drives, and reads it. The epoch grows by one: whatever a former
    /// owner still appends is refused.
    ///
    /// # Errors
    /// `UnknownRun`, `RunEnded`, `Driven` while another owner lives, `Damaged` and `NotUnderstood` for entries that
    /// cannot be used. The former state stays as it was in each case.
    ///
    /// # Cancel safety
    /// Cancel safe: at worst an epoch is used up.
    async fn open(&self, run: &RunId, by: &Owner) -> Result<(Box<dyn RunLog>, Vec<Entry>), JournalError>;

    /// Reads a run, whoever drives it.
    ///
    /// # Errors
    /// `UnknownRun`, `Damaged`, `NotUnderstood`, or what the store reports.
    async fn read(&self, run: &RunId) -> Result<Vec<Entry>, JournalError>;

    /// All runs, in the order of their creation, the latest last.
    ///
    /// # Errors
    /// `DamagedList`, or what the store reports.
    async fn runs(&self) -> Result<Vec<RunSummary>, JournalError>;
}

/// The right to append to one run. Dropping it frees the run for another owner; its lock keys stay with the run
/// until [`Record::RunEnded`] is appended.
#[async_trait]
pub trait RunLog: fmt::Debug + Send {
    /// Counts the owners of the run, from one.
    fn epoch(&self) -> u64;

    /// Appends the records in this order, all or none, and returns when they are durable. `RunEnded` must be the
    /// last one; it frees the run's lock keys in the same transaction. An empty slice does nothing.
    ///
    /// # Errors
    /// `Fenced` when another owner has opened the run since, `RunEnded` for records after the end: nothing was
    /// written. For other errors the records may or may not be in the journal. After any error the log refuses
    /// everything with `Unusable`; opening the run again shows what was written.
    ///
    /// # Cancel safety
    /// Not cancel safe: the records of a dropped future may be written, so the log is unusable afterwards.
    async fn append(&mut self, records: &[Record]) -> Result<(), JournalError>;
}

/// A record in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Position in the run, from one, without gaps.
    pub sequence: u64,
    /// What happened.
    pub record: Record,
}

/// A run in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// Its name.
    pub run: RunId,
    /// Name of its plan.
    pub plan: String,
    /// What it is for.
    pub mode: Mode,
    /// When it was started.
    pub started: Timestamp,
    /// When it ended; none: it holds its lock keys.
    pub ended: Option<Timestamp>,
    /// Who drives it; none: nobody does.
    pub driven_by: Option<Owner>,
    /// Number of its entries.
    pub entries: u64,
}

/// Who drives a run, in words for people: the journal tells owners apart by epoch, not by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(String);

impl Owner {
    /// An owner of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// This process and its host: `process 4711 on recovery-1`.
    pub fn this_process() -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = match host.trim() {
            "" => "this host",
            name => name,
        };
        Self(format!("process {} on {host}", std::process::id()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
