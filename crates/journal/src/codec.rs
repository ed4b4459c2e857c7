//! One record as it is stored: JSON with a length, a checksum and the version of the form.

use farside_engine::{Record, ResolvedPlan, RunId, Timestamp};

use crate::error::{Damage, JournalErrorKind};
use crate::journal::Entry;

/// Version of the form of an entry: which bytes the checksum covers, and how the body is written.
const FORMAT: i64 = 1;

/// An entry as the store holds it. Numbers are signed because SQLite's are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) sequence: i64,
    pub(crate) epoch: i64,
    pub(crate) format: i64,
    pub(crate) length: i64,
    pub(crate) checksum: i64,
    pub(crate) body: Vec<u8>,
}

/// What the start record of a run says of it.
pub(crate) fn start_of<'a>(
    run: &RunId,
    first: &'a Record,
) -> Result<(&'a ResolvedPlan, Timestamp), JournalErrorKind> {
    match first {
        Record::RunStarted { at, run: named, plan } if named == run => Ok((plan, *at)),
        _ => Err(JournalErrorKind::NotItsStart { run: run.clone() }),
    }
}

/// When the records end the run; an error when others come after the end.
pub(crate) fn end_of(run: &RunId, records: &[Record]) -> Result<Option<Timestamp>, JournalErrorKind> {
    let end = records
        .iter()
        .position(|record| matches!(record, Record::RunEnded { .. }));
    match end {
        Some(end) if end + 1 < records.len() => Err(JournalErrorKind::RunEnded { run: run.clone() }),
        Some(end) => Ok(Some(records[end].at())),
        None => Ok(None),
    }
}

/// Writes a record as JSON.
pub(crate) fn encode(run: &RunId, record: &Record) -> Result<String, JournalErrorKind> {
    serde_json::to_string(record).map_err(|source| JournalErrorKind::NotWritable {
        run: run.clone(),
        source,
    })
}

/// Puts a body in its place.
pub(crate) fn store(run: &RunId, sequence: i64, epoch: i64, body: String) -> Stored {
    let body = body.into_bytes();
    Stored {
        sequence,
        epoch,
        format: FORMAT,
        length: i64::try_from(body.len()).unwrap_or(i64::MAX),
        checksum: i64::from(checksum(run, sequence, epoch, FORMAT, &body)),
        body,
    }
}

/// Reads the entries of a run that has `count` of them: none missing, each as it was written.
pub(crate) fn decode(run: &RunId, count: u64, stored: &[Stored]) -> Result<Vec<Entry>, JournalErrorKind> {
    let mut entries = Vec::with_capacity(stored.len());
    let mut epoch = 1;
    for (stored, sequence) in stored.iter().zip(1..) {
        let damaged = |damage| damaged(run, sequence, damage);
        if u64::try_from(stored.sequence) != Ok(sequence) {
            return Err(damaged(Damage::Missing));
        }
        if sequence > count {
            return Err(damaged(Damage::BeyondEnd { expected: count }));
        }
        check(run, stored).map_err(damaged)?;
        let found = u64::try_from(stored.epoch).unwrap_or(0);
        if found < epoch {
            return Err(damaged(Damage::Epoch { before: epoch, found }));
        }
        epoch = found;
        let record =
            serde_json::from_slice(&stored.body).map_err(|source| JournalErrorKind::NotUnderstood {
                run: run.clone(),
                sequence,
                source,
            })?;
        entries.push(Entry { sequence, record });
    }
    match entries.len() as u64 {
        found if found < count => Err(damaged(run, found + 1, Damage::Missing)),
        _ => Ok(entries),
    }
}

/// An error about one entry.
pub(crate) fn damaged(run: &RunId, sequence: u64, damage: Damage) -> JournalErrorKind {
    JournalErrorKind::Damaged {
        run: run.clone(),
        sequence,
        damage,
    }
}

fn check(run: &RunId, stored: &Stored) -> Result<(), Damage> {
    if stored.format != FORMAT {
        // The file's version says that all its entries are of this form, so another number is not news.
        return Err(Damage::Column { column: "format" });
    }
    let found = stored.body.len() as u64;
    let expected = u64::try_from(stored.length).map_err(|_| Damage::Column { column: "length" })?;
    if found != expected {
        return Err(Damage::Length { expected, found });
    }
    let found = checksum(run, stored.sequence, stored.epoch, stored.format, &stored.body);
    let expected = u32::try_from(stored.checksum).map_err(|_| Damage::Column { column: "checksum" })?;
    if found != expected {
        return Err(Damage::Checksum { expected, found });
    }
    Ok(())
}

/// CRC-32 over place and body, so that an intact entry in the place of another is seen too.
fn checksum(run: &RunId, sequence: i64, epoch: i64, format: i64, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(run.as_str().as_bytes());
    hasher.update(&[0]);
    hasher.update(&sequence.to_le_bytes());
    hasher.update(&epoch.to_le_bytes());
    hasher.update(&format.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}
