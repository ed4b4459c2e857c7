//! What can go wrong with a journal, and what a person can do about it.

use std::io;
use std::path::PathBuf;

use farside_engine::{LockKey, RunId};

use crate::journal::Owner;

/// A journal that could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("journal {journal}: cannot {attempt}")]
pub struct JournalError {
    journal: String,
    attempt: String,
    #[source]
    kind: JournalErrorKind,
}

impl JournalError {
    /// An error of a journal implementation: `journal` names the store, `attempt` completes "cannot ...".
    pub fn new(journal: impl Into<String>, attempt: impl Into<String>, kind: JournalErrorKind) -> Self {
        Self {
            journal: journal.into(),
            attempt: attempt.into(),
            kind,
        }
    }

    /// Which journal: a path or an address.
    pub fn journal(&self) -> &str {
        &self.journal
    }

    /// What failed.
    pub fn kind(&self) -> &JournalErrorKind {
        &self.kind
    }

    /// What failed, by value.
    pub fn into_kind(self) -> JournalErrorKind {
        self.kind
    }
}

/// Why a journal could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalErrorKind {
    /// Another run holds one of the protected items.
    #[error(
        "protected item {key} is held by run {holder}, which has not ended: finish that run, or give it up, first"
    )]
    Held {
        /// What is held.
        key: LockKey,
        /// By which run.
        holder: RunId,
    },
    /// The name is taken.
    #[error("there is a run {run} already: choose another name")]
    RunExists {
        /// The name.
        run: RunId,
    },
    /// No such run.
    #[error("there is no run {run} in it")]
    UnknownRun {
        /// The name.
        run: RunId,
    },
    /// Someone drives the run.
    #[error(
        "run {run} is driven by {by}: wait until that ends, or end it; the run can be taken up afterwards"
    )]
    Driven {
        /// The run.
        run: RunId,
        /// Its owner.
        by: Owner,
    },
    /// Nothing comes after the end of a run.
    #[error("run {run} has ended")]
    RunEnded {
        /// The run.
        run: RunId,
    },
    /// Another owner has taken the run over.
    #[error("run {run} was taken over by {by} (epoch {theirs}, ours is {ours}); nothing was written")]
    Fenced {
        /// The run.
        run: RunId,
        /// Its owner.
        by: Owner,
        /// Epoch of that owner.
        theirs: u64,
        /// Epoch of the refused log.
        ours: u64,
    },
    /// What the journal holds is not known to this log any more.
    #[error("an earlier append to run {run} failed or was abandoned: take the run up again")]
    Unusable {
        /// The run.
        run: RunId,
    },
    /// The first record of a run is its start.
    #[error("the first record is not the start of run {run}")]
    NotItsStart {
        /// The run.
        run: RunId,
    },
    /// A record that cannot be written as JSON.
    #[error("a record of run {run} cannot be written")]
    NotWritable {
        /// The run.
        run: RunId,
        /// Why.
        source: serde_json::Error,
    },
    /// An entry is not what was written.
    #[error(
        "entry {sequence} of run {run} is damaged: {damage}. Restore the journal from a copy; without one, look at \
         each item of the run by hand and go on with another journal file"
    )]
    Damaged {
        /// The run.
        run: RunId,
        /// Position of the entry, from one.
        sequence: u64,
        /// What is wrong.
        damage: Damage,
    },
    /// The list of runs contradicts itself.
    #[error("the list of runs is damaged: {what}. Restore the journal from a copy")]
    DamagedList {
        /// What is wrong.
        what: String,
    },
    /// An entry is intact and this build does not know what it says.
    #[error(
        "entry {sequence} of run {run} is intact but not understood: it was written by another version of farside; \
         continue the run with that one"
    )]
    NotUnderstood {
        /// The run.
        run: RunId,
        /// Position of the entry, from one.
        sequence: u64,
        /// Why.
        source: serde_json::Error,
    },
    /// Written by a later farside.
    #[error(
        "its format is version {found}, and this farside reads versions up to {supported}; it was left as it is. Use \
         the farside that wrote it or a later one, or another journal file"
    )]
    NewerFormat {
        /// Version in the file.
        found: i64,
        /// Version that this build writes.
        supported: i64,
    },
    /// Not a journal of farside.
    #[error("{} is {what}, not a journal of farside; it was left as it is. Name another file", path.display())]
    NotAJournal {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: &'static str,
    },
    /// Locks of a network file system do not protect the journal.
    #[error(
        "{} is on a network file system ({fstype} at {}), where the locks that keep two hosts from driving one run \
         cannot be relied on: name a file on a local disk", path.display(), mount_point.display()
    )]
    NetworkFileSystem {
        /// The journal.
        path: PathBuf,
        /// Type of the file system, as the kernel names it.
        fstype: String,
        /// Where it is mounted.
        mount_point: PathBuf,
    },
    /// A file or folder cannot be created or written.
    #[error(
        "{} cannot be written: give this user write access to it and to its folder, or name another journal file",
        path.display()
    )]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Lies where nothing can be written, with a write-ahead log that cannot be read there.
    #[error(
        "{} lies where nothing can be written, and the last program that wrote it has left {} behind, which cannot be \
         read there: copy both to a folder that this user can write, and name the copy", path.display(), log.display()
    )]
    Unfinished {
        /// The journal.
        path: PathBuf,
        /// Its write-ahead log.
        log: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder could not be looked at.
    #[error("{} cannot be used", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process keeps the journal locked.
    #[error(
        "another process has kept it locked for {seconds} seconds; see which one uses the file, then try again"
    )]
    Busy {
        /// How long was waited.
        seconds: u64,
    },
    /// No space.
    #[error("no space is left on its disk: free some, then take the run up again")]
    Full(#[source] StorageError),
    /// The store's file is not what was written.
    #[error(
        "its file is damaged: restore it from a copy; without one, look at each item of its open runs by hand"
    )]
    Corrupt(#[source] StorageError),
    /// The store failed.
    #[error("its store failed")]
    Storage(#[source] StorageError),
    /// The async runtime ended before the work did.
    #[error("the program is ending")]
    Ending,
    /// A failure that a test asked for.
    #[error("the store failed, as the test asked")]
    Injected,
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// Not there, although later ones or the run's count say so.
    #[error("it is missing")]
    Missing,
    /// More entries than the run has.
    #[error("the run has only {expected} entries")]
    BeyondEnd {
        /// How many it has.
        expected: u64,
    },
    /// A column holds something impossible.
    #[error("its {column} is not of the right type")]
    Column {
        /// Which.
        column: &'static str,
    },
    /// Shorter or longer than written.
    #[error("it is {found} bytes long, and {expected} were written")]
    Length {
        /// As written.
        expected: u64,
        /// As found.
        found: u64,
    },
    /// Other bytes than written.
    #[error("its checksum is {found:08x}, and {expected:08x} was written")]
    Checksum {
        /// As written.
        expected: u32,
        /// As found.
        found: u32,
    },
    /// An owner wrote it who had been replaced.
    #[error("its epoch {found} does not follow {before}")]
    Epoch {
        /// Epoch of the entry before.
        before: u64,
        /// Epoch of the entry.
        found: u64,
    },
}

/// A failure of the store below, in its own words.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StorageError(Box<dyn std::error::Error + Send + Sync>);

impl StorageError {
    /// Wraps what the store reported.
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}
