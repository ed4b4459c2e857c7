//! The statements: every word of SQL after the tables themselves.

use farside_engine::{LockKey, Mode, RunId, Timestamp};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::schema::Failure;
use crate::codec::{self, Stored};
use crate::error::{Damage, JournalErrorKind};
use crate::journal::{Entry, Owner, RunSummary};

/// A row of `runs`, as far as writers need it.
#[derive(Debug)]
pub(super) struct RunRow {
    pub(super) id: i64,
    pub(super) epoch: i64,
    pub(super) owner: Owner,
    pub(super) entries: i64,
    pub(super) has_ended: bool,
}

pub(super) fn find_run(connection: &Connection, run: &RunId) -> Result<Option<RunRow>, Failure> {
    let row = connection
        .prepare_cached("SELECT id, epoch, owner, entries, ended_at IS NOT NULL FROM runs WHERE run = ?1")?
        .query_row([run.as_str()], |row| {
            Ok(RunRow {
                id: row.get(0)?,
                epoch: row.get(1)?,
                owner: Owner::new(row.get::<_, String>(2)?),
                entries: row.get(3)?,
                has_ended: row.get(4)?,
            })
        })
        .optional()?;
    Ok(row)
}

/// The run, or the error that there is none.
pub(super) fn known_run(connection: &Connection, run: &RunId) -> Result<RunRow, Failure> {
    find_run(connection, run)?.ok_or_else(|| JournalErrorKind::UnknownRun { run: run.clone() }.into())
}

/// Adds the run without entries, in its first epoch.
pub(super) fn insert_run(
    connection: &Connection,
    run: &RunId,
    (plan, mode, started): (&str, Mode, Timestamp),
    by: &Owner,
) -> Result<i64, Failure> {
    connection.execute(
        "INSERT INTO runs (run, plan, mode, started_at, epoch, owner, entries) VALUES (?1, ?2, ?3, ?4, 1, ?5, 0)",
        params![run.as_str(), plan, mode.as_str(), millis(started), by.as_str()],
    )?;
    Ok(connection.last_insert_rowid())
}

pub(super) fn start_epoch(connection: &Connection, id: i64, epoch: i64, by: &Owner) -> Result<(), Failure> {
    connection.execute(
        "UPDATE runs SET epoch = ?2, owner = ?3 WHERE id = ?1",
        params![id, epoch, by.as_str()],
    )?;
    Ok(())
}

/// The run that holds the key.
pub(super) fn holder(connection: &Connection, key: &LockKey) -> Result<Option<RunId>, Failure> {
    let holder = connection
        .prepare_cached("SELECT runs.run FROM locks JOIN runs ON runs.id = locks.run WHERE lock_key = ?1")?
        .query_row([key.as_str()], |row| row.get::<_, String>(0))
        .optional()?;
    Ok(holder.map(RunId::new))
}

pub(super) fn insert_lock(connection: &Connection, id: i64, key: &LockKey) -> Result<(), Failure> {
    connection
        .prepare_cached("INSERT INTO locks (lock_key, run) VALUES (?1, ?2)")?
        .execute(params![key.as_str(), id])?;
    Ok(())
}

/// Writes the bodies behind the run's entries, all in its present epoch, and returns how many there are then.
pub(super) fn insert_entries(
    connection: &Connection,
    run: &RunId,
    row: &RunRow,
    bodies: Vec<String>,
) -> Result<i64, Failure> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO entries (run, sequence, epoch, format, length, checksum, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut sequence = row.entries;
    for body in bodies {
        sequence += 1;
        let stored = codec::store(run, sequence, row.epoch, body);
        insert.execute(params![
            row.id,
            stored.sequence,
            stored.epoch,
            stored.format,
            stored.length,
            stored.checksum,
            // As text, for people with a database shell.
            ToSqlOutput::Borrowed(ValueRef::Text(&stored.body)),
        ])?;
    }
    connection
        .prepare_cached("UPDATE runs SET entries = ?2 WHERE id = ?1")?
        .execute(params![row.id, sequence])?;
    Ok(sequence)
}

/// Ends the run and frees what it holds.
pub(super) fn end_run(connection: &Connection, id: i64, at: Timestamp) -> Result<(), Failure> {
    connection.execute(
        "UPDATE runs SET ended_at = ?2 WHERE id = ?1",
        params![id, millis(at)],
    )?;
    connection.execute("DELETE FROM locks WHERE run = ?1", [id])?;
    Ok(())
}

/// All entries of the run, each looked at.
pub(super) fn read_entries(
    connection: &Connection,
    run: &RunId,
    row: &RunRow,
) -> Result<Vec<Entry>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT sequence, epoch, format, length, checksum, body FROM entries WHERE run = ?1 ORDER BY sequence",
    )?;
    let mut rows = statement.query([row.id])?;
    let mut stored = Vec::new();
    while let Some(row) = rows.next()? {
        let place = stored.len() as u64 + 1;
        stored.push(read_entry(row).map_err(|damage| codec::damaged(run, place, damage))?);
    }
    let count = u64::try_from(row.entries).map_err(|_| damaged_list(run, "entries"))?;
    Ok(codec::decode(run, count, &stored)?)
}

fn read_entry(row: &Row<'_>) -> Result<Stored, Damage> {
    let integer = |column: &'static str| match row.get_ref(column) {
        Ok(ValueRef::Integer(number)) => Ok(number),
        Ok(_) | Err(_) => Err(Damage::Column { column }),
    };
    let body = match row.get_ref("body") {
        Ok(ValueRef::Text(bytes)) => bytes.to_vec(),
        Ok(_) | Err(_) => return Err(Damage::Column { column: "body" }),
    };
    Ok(Stored {
        sequence: integer("sequence")?,
        epoch: integer("epoch")?,
        format: integer("format")?,
        length: integer("length")?,
        checksum: integer("checksum")?,
        body,
    })
}

/// All runs with their numbers, by age; who drives them is left open, their last owner is the third.
pub(super) fn summaries(connection: &Connection) -> Result<Vec<(i64, RunSummary, Owner)>, Failure> {
    let mut statement = connection
        .prepare("SELECT id, run, plan, mode, started_at, ended_at, entries, owner FROM runs ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut summaries = Vec::new();
    while let Some(row) = rows.next()? {
        let run = RunId::new(row.get::<_, String>(1)?);
        let mode: String = row.get(3)?;
        let mode = Mode::ALL.into_iter().find(|known| known.as_str() == mode);
        let time = |millis: i64| u64::try_from(millis).map(Timestamp);
        let summary = RunSummary {
            plan: row.get(2)?,
            mode: mode.ok_or_else(|| damaged_list(&run, "mode"))?,
            started: time(row.get(4)?).map_err(|_| damaged_list(&run, "started_at"))?,
            ended: row
                .get::<_, Option<i64>>(5)?
                .map(time)
                .transpose()
                .map_err(|_| damaged_list(&run, "ended_at"))?,
            driven_by: None,
            entries: u64::try_from(row.get::<_, i64>(6)?).map_err(|_| damaged_list(&run, "entries"))?,
            run,
        };
        summaries.push((row.get(0)?, summary, Owner::new(row.get::<_, String>(7)?)));
    }
    Ok(summaries)
}

fn damaged_list(run: &RunId, column: &str) -> JournalErrorKind {
    JournalErrorKind::DamagedList {
        what: format!("{column} of run {run} cannot be what it says"),
    }
}

/// Times of the list are for people; one beyond SQLite's numbers stays at the largest.
fn millis(at: Timestamp) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}
