//! Opening the database: whose file it is, its version, its tables, its settings.

use std::fmt::Write as _;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::error::{JournalErrorKind, StorageError};

/// Marks the file as a journal of farside: "FrSd".
pub(super) const APPLICATION: i64 = 0x4672_5364;
/// Version of the tables and of the entries in them.
pub(super) const VERSION: i64 = 1;
/// How long one process waits for another's transaction.
const BUSY: Duration = Duration::from_secs(10);
/// How often the change to the write-ahead log is tried; each try waits for the transactions under way.
const WAL_TRIES: u32 = 50;

const TABLES: &str = "
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: it names the run's ownership file
    run TEXT NOT NULL UNIQUE,
    plan TEXT NOT NULL,
    mode TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    epoch INTEGER NOT NULL,
    owner TEXT NOT NULL,
    entries INTEGER NOT NULL
) STRICT;
CREATE TABLE entries (
    run INTEGER NOT NULL REFERENCES runs (id),
    sequence INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    format INTEGER NOT NULL,
    length INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (run, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE locks (
    lock_key TEXT PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX locks_by_run ON locks (run);
";

/// What goes wrong inside a piece of database work.
#[derive(Debug)]
pub(super) enum Failure {
    Kind(JournalErrorKind),
    Sql(rusqlite::Error),
}

impl From<JournalErrorKind> for Failure {
    fn from(kind: JournalErrorKind) -> Self {
        Self::Kind(kind)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Failure {
    /// What it means for the journal at `path`.
    pub(super) fn into_kind(self, path: &Path) -> JournalErrorKind {
        let error = match self {
            Self::Kind(kind) => return kind,
            Self::Sql(error) => error,
        };
        // The file beside the journal that its processes share cannot grow on a full disk.
        let is_cramped = error
            .sqlite_error()
            .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE);
        match error.sqlite_error_code() {
            _ if is_cramped => JournalErrorKind::Full(StorageError::new(error)),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => JournalErrorKind::Busy {
                seconds: BUSY.as_secs(),
            },
            Some(ErrorCode::DiskFull) => JournalErrorKind::Full(StorageError::new(error)),
            Some(ErrorCode::DatabaseCorrupt) => JournalErrorKind::Corrupt(StorageError::new(error)),
            Some(ErrorCode::NotADatabase) => JournalErrorKind::NotAJournal {
                path: path.into(),
                what: "not a database",
            },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                JournalErrorKind::Unwritable {
                    path: path.into(),
                    source: io::Error::other(error),
                }
            }
            _ => JournalErrorKind::Storage(StorageError::new(error)),
        }
    }
}

/// Opens the file at `path`, which exists; an empty one becomes a journal.
pub(super) fn connect(path: &Path) -> Result<Connection, Failure> {
    // Without SQLITE_OPEN_URI, so that no path is read as one.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    // A file that is refused below is not even tidied up when the connection is closed.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // In a transaction, or marks and tables would be of different moments while another process creates them.
    let is_journal = identify(&connection.transaction()?, path)?;
    if !is_journal {
        refuse_read_only(&connection, path)?;
        create(&mut connection, path)?;
    }
    refuse_read_only(&connection, path)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    enter_wal(&connection, path)?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// Opens the journal at `path` where nothing can be written. With a write-ahead log that is not empty SQLite needs the
/// memory that its users share, in the file `-shm` beside it; without, it is told that nobody changes the file, or it would
/// want to make both (SQLite, "Write-Ahead Logging", section on read-only databases).
pub(super) fn connect_to_read(path: &Path, has_log: bool) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = if has_log {
        Connection::open_with_flags(path, flags)?
    } else {
        Connection::open_with_flags(unchanging(path), flags | OpenFlags::SQLITE_OPEN_URI)?
    };
    connection.busy_timeout(BUSY)?;
    if !identify(&connection.transaction()?, path)? {
        return Err(Failure::Kind(JournalErrorKind::NotAJournal {
            path: path.into(),
            what: "an empty file",
        }));
    }
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// The address of a file that nobody changes; what a path may hold beyond plain letters is written as bytes.
fn unchanging(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri + "?immutable=1"
}

/// Whether the file is a journal of this version already; false for an empty database.
fn identify(transaction: &Transaction<'_>, path: &Path) -> Result<bool, Failure> {
    let number = |pragma| transaction.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    if application == APPLICATION && version == VERSION {
        return Ok(true);
    }
    if application == APPLICATION && version > VERSION {
        return Err(Failure::Kind(JournalErrorKind::NewerFormat {
            found: version,
            supported: VERSION,
        }));
    }
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if (application, version, tables) == (0, 0, 0) {
        return Ok(false);
    }
    Err(Failure::Kind(JournalErrorKind::NotAJournal {
        path: path.into(),
        what: "the database of another program",
    }))
}

fn refuse_read_only(connection: &Connection, path: &Path) -> Result<(), Failure> {
    if connection.is_readonly(rusqlite::MAIN_DB)? {
        return Err(Failure::Kind(JournalErrorKind::Unwritable {
            path: path.into(),
            source: io::ErrorKind::PermissionDenied.into(),
        }));
    }
    Ok(())
}

/// Writes marks and tables in one transaction, so that no half-made journal is ever seen.
fn create(connection: &mut Connection, path: &Path) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    if identify(&transaction, path)? {
        return Ok(()); // another process was faster
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.execute_batch(TABLES)?;
    Ok(transaction.commit()?)
}

/// Turns the write-ahead log on. SQLite does not wait for others when it changes the mode, so a change that meets
/// another connection is tried again after that one's transaction.
fn enter_wal(connection: &Connection, path: &Path) -> Result<(), Failure> {
    for _ in 0..WAL_TRIES {
        let mode =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => {
                let source = io::Error::new(
                    io::ErrorKind::Unsupported,
                    "its file system cannot share memory between processes, which the write-ahead log needs",
                );
                return Err(Failure::Kind(JournalErrorKind::Io {
                    path: path.into(),
                    source,
                }));
            }
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Kind(JournalErrorKind::Busy {
        seconds: BUSY.as_secs(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(code: i32) -> JournalErrorKind {
        let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        Failure::from(error).into_kind(Path::new("journal.db"))
    }

    // A full disk told of "disk I/O error", where a run was to be taken up.
    #[test]
    fn a_disk_without_room_for_what_processes_share_is_full() {
        let cramped = kind_of(rusqlite::ffi::SQLITE_IOERR_SHMSIZE);
        assert!(matches!(cramped, JournalErrorKind::Full(_)), "{cramped:?}");
        assert!(matches!(
            kind_of(rusqlite::ffi::SQLITE_FULL),
            JournalErrorKind::Full(_)
        ));
        let failed = kind_of(rusqlite::ffi::SQLITE_IOERR_READ);
        assert!(matches!(failed, JournalErrorKind::Storage(_)), "{failed:?}");
    }
}
