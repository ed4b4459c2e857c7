//! The durable journal of recovery runs: what happened, in order, and who may write the next line.
//!
//! A [`Journal`] keeps the records of many runs. A run is created together with its first record and with the lock
//! keys of everything it will touch, so that two runs of one journal never hold one protected item. Whoever drives a
//! run holds its [`RunLog`]; there is one at a time, and a former one cannot write any more.
//!
//! What this crate is not: it decides nothing and does not replay. It hands entries back as they were written, or
//! says where they are damaged; what they mean is the engine's business.
//!
//! # Example
//! ```
//! use farside_engine::{LockKey, Mode, Record, ResolvedPlan, RunId, Timestamp};
//! use farside_journal::{Journal, Owner, RunLog, SqliteJournal};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("journal.db");
//! let journal = SqliteJournal::open(&path).await?;
//! let run = RunId::new("drill-1");
//! let plan = ResolvedPlan {
//!     name: "drill".into(),
//!     hash: "00".into(),
//!     mode: Mode::Planned,
//!     items: vec![],
//!     limits: Default::default(),
//!     surroundings: Default::default(),
//! };
//! let first = Record::RunStarted { at: Timestamp(0), run: run.clone(), plan: Box::new(plan) };
//! let locks = [LockKey::new("vasa:provider-1/rg-7")];
//!
//! let mut log = journal.create(&run, &locks, &first, &Owner::this_process()).await?;
//! log.append(&[Record::RunStopped { at: Timestamp(1) }]).await?; // durable here
//! drop(log); // nobody drives the run; it still holds its lock keys
//!
//! let (_log, entries) = journal.open(&run, &Owner::this_process()).await?;
//! assert_eq!(entries.len(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//! - [`journal`]: the traits [`Journal`] and [`RunLog`] and their data
//! - [`sqlite`]: the journal in one local file; its tables, its ownership files, where it may lie
//! - [`error`]: what can go wrong and what a person can do
//! - `memory`, `conformance` (feature `testing`): a journal that fails on demand; the tests of every journal
//!
//! # Invariants
//! - An append is all or nothing, and durable when it returns `Ok`.
//! - After a failed, refused or abandoned append the log takes nothing more: only opening the run again shows what
//!   the journal holds.
//! - Damage, a gap and an entry that is not understood are errors with run and sequence; nothing is skipped.
//! - A journal that is refused (newer format, network file system, another program's file) is not changed.

mod codec;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
pub mod error;
pub mod journal;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod sqlite;

pub use error::{Damage, JournalError, JournalErrorKind, StorageError};
pub use journal::{Entry, Journal, Owner, RunLog, RunSummary};
#[cfg(any(test, feature = "testing"))]
pub use memory::{CrashPoint, MemoryJournal};
pub use sqlite::SqliteJournal;
