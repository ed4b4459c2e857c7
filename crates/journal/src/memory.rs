//! A journal in memory, for tests: the rules of the real one, at the speed of a map, with faults on demand.
//!
//! Records go through the same JSON as in a file, so a record that does not survive its way to the disk and back
//! does not survive here either.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use farside_engine::{LockKey, Mode, Record, RunId, Timestamp};

use crate::codec::{self, Stored};
use crate::error::{JournalError, JournalErrorKind};
use crate::journal::{Entry, Journal, Owner, RunLog, RunSummary};

/// A journal in memory. Clones are handles on one store, as two processes would have.
///
/// Writes are counted from one over all runs: each `create` and each `append` that passes the rules is one.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal {
    state: Arc<Mutex<State>>,
}

/// On which side of a write the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// Nothing of it is in the journal.
    BeforeWrite,
    /// All of it is in the journal, and nobody heard.
    AfterWrite,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Fail,
    Crash(CrashPoint),
}

#[derive(Debug, Default)]
struct State {
    runs: Vec<MemoryRun>,
    locks: BTreeMap<LockKey, RunId>,
    writes: u64,
    faults: BTreeMap<u64, Fault>,
    crashed: bool,
    /// Counts restarts; a log of an earlier process writes no more.
    process: u64,
}

#[derive(Debug)]
struct MemoryRun {
    run: RunId,
    plan: String,
    mode: Mode,
    started: Timestamp,
    ended: Option<Timestamp>,
    epoch: i64,
    owner: Owner,
    driven: bool,
    stored: Vec<Stored>,
}

impl MemoryJournal {
    /// An empty journal without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the write of this number fail: nothing is written, and the caller is told.
    pub fn fail_write(&self, number: u64) {
        self.lock().faults.insert(number, Fault::Fail);
    }

    /// Lets the process die at the write of this number: it returns an error, and everything is refused until
    /// [`Self::restart`].
    pub fn crash_at_write(&self, number: u64, point: CrashPoint) {
        self.lock().faults.insert(number, Fault::Crash(point));
    }

    /// Whether a crash has happened that was not followed by a restart.
    pub fn has_crashed(&self) -> bool {
        self.lock().crashed
    }

    /// Number of writes so far, with those that failed.
    pub fn writes(&self) -> u64 {
        self.lock().writes
    }

    /// Ends the process if it has not crashed, and begins another: nobody drives a run, and the logs of the earlier
    /// process are refused.
    pub fn restart(&self) {
        let mut state = self.lock();
        state.crashed = false;
        state.process += 1;
        state.free_all();
    }

    /// Frees the run from its owner without telling it, as when the owner's host is cut off.
    pub fn cut_off(&self, run: &RunId) {
        if let Some(run) = self.lock().runs.iter_mut().find(|known| known.run == *run) {
            run.driven = false;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves nothing half done: each change is made after all checks.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, process: u64, run: &RunId, epoch: i64) -> Box<dyn RunLog> {
        Box::new(MemoryRunLog {
            journal: self.clone(),
            process,
            run: run.clone(),
            epoch,
            usable: true,
        })
    }
}

fn error(attempt: &str, run: &RunId, kind: JournalErrorKind) -> JournalError {
    JournalError::new("in memory", format!("{attempt} run {run}"), kind)
}

impl State {
    fn alive(&self) -> Result<(), JournalErrorKind> {
        if self.crashed {
            Err(JournalErrorKind::Injected)
        } else {
            Ok(())
        }
    }

    fn known(&mut self, run: &RunId) -> Result<&mut MemoryRun, JournalErrorKind> {
        self.runs
            .iter_mut()
            .find(|known| known.run == *run)
            .ok_or_else(|| JournalErrorKind::UnknownRun { run: run.clone() })
    }

    fn free_all(&mut self) {
        for run in &mut self.runs {
            run.driven = false;
        }
    }

    /// Makes a change that passed all checks, unless a fault is due.
    fn write(&mut self, change: impl FnOnce(&mut Self)) -> Result<(), JournalErrorKind> {
        self.writes += 1;
        let fault = self.faults.remove(&self.writes);
        match fault {
            None | Some(Fault::Crash(CrashPoint::AfterWrite)) => change(self),
            Some(Fault::Fail | Fault::Crash(CrashPoint::BeforeWrite)) => {}
        }
        match fault {
            None => return Ok(()),
            Some(Fault::Fail) => {}
            Some(Fault::Crash(_)) => {
                self.crashed = true;
                self.free_all();
            }
        }
        Err(JournalErrorKind::Injected)
    }

    fn create(&mut self, new: MemoryRun, locks: &BTreeSet<LockKey>) -> Result<(), JournalErrorKind> {
        self.alive()?;
        if self.runs.iter().any(|known| known.run == new.run) {
            return Err(JournalErrorKind::RunExists { run: new.run });
        }
        for key in locks {
            if let Some(holder) = self.locks.get(key) {
                let (key, holder) = (key.clone(), holder.clone());
                return Err(JournalErrorKind::Held { key, holder });
            }
        }
        self.write(|state| {
            let held = locks.iter().map(|key| (key.clone(), new.run.clone()));
            state.locks.extend(held);
            state.runs.push(new);
        })
    }

    fn open(&mut self, run: &RunId, by: &Owner) -> Result<(i64, Vec<Entry>), JournalErrorKind> {
        self.alive()?;
        let known = self.known(run)?;
        let run = run.clone();
        if known.ended.is_some() {
            return Err(JournalErrorKind::RunEnded { run });
        }
        if known.driven {
            let by = known.owner.clone();
            return Err(JournalErrorKind::Driven { run, by });
        }
        let entries = known.entries()?;
        known.driven = true;
        known.epoch += 1;
        known.owner = by.clone();
        Ok((known.epoch, entries))
    }

    fn append(&mut self, run: &RunId, epoch: i64, records: &[Record]) -> Result<(), JournalErrorKind> {
        self.alive()?;
        let end = codec::end_of(run, records)?;
        let known = self.known(run)?;
        if known.epoch != epoch {
            return Err(JournalErrorKind::Fenced {
                run: run.clone(),
                by: known.owner.clone(),
                theirs: known.epoch.unsigned_abs(),
                ours: epoch.unsigned_abs(),
            });
        }
        if known.ended.is_some() {
            return Err(JournalErrorKind::RunEnded { run: run.clone() });
        }
        let mut stored = Vec::new();
        for (record, sequence) in records.iter().zip(known.next_sequence()..) {
            stored.push(codec::store(run, sequence, epoch, codec::encode(run, record)?));
        }
        self.write(|state| {
            if end.is_some() {
                state.locks.retain(|_, holder| holder != run);
            }
            if let Ok(known) = state.known(run) {
                known.stored.append(&mut stored);
                known.ended = end;
            }
        })
    }
}

impl MemoryRun {
    fn try_new(run: &RunId, first: &Record, by: &Owner) -> Result<Self, JournalErrorKind> {
        let (plan, started) = codec::start_of(run, first)?;
        Ok(Self {
            run: run.clone(),
            plan: plan.name.clone(),
            mode: plan.mode,
            started,
            ended: None,
            epoch: 1,
            owner: by.clone(),
            driven: true,
            stored: vec![codec::store(run, 1, 1, codec::encode(run, first)?)],
        })
    }

    fn next_sequence(&self) -> i64 {
        self.stored.last().map_or(1, |last| last.sequence + 1)
    }

    fn entries(&self) -> Result<Vec<Entry>, JournalErrorKind> {
        codec::decode(&self.run, self.stored.len() as u64, &self.stored)
    }

    fn summary(&self) -> RunSummary {
        RunSummary {
            run: self.run.clone(),
            plan: self.plan.clone(),
            mode: self.mode,
            started: self.started,
            ended: self.ended,
            driven_by: (self.driven && self.ended.is_none()).then(|| self.owner.clone()),
            entries: self.stored.len() as u64,
        }
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn create(
        &self,
        run: &RunId,
        locks: &[LockKey],
        first: &Record,
        by: &Owner,
    ) -> Result<Box<dyn RunLog>, JournalError> {
        let locks = locks.iter().cloned().collect();
        let mut state = self.lock();
        let created = MemoryRun::try_new(run, first, by).and_then(|new| state.create(new, &locks));
        created.map_err(|kind| error("create", run, kind))?;
        Ok(self.log(state.process, run, 1))
    }

    async fn open(&self, run: &RunId, by: &Owner) -> Result<(Box<dyn RunLog>, Vec<Entry>), JournalError> {
        let mut state = self.lock();
        let opened = state.open(run, by);
        let (epoch, entries) = opened.map_err(|kind| error("take up", run, kind))?;
        Ok((self.log(state.process, run, epoch), entries))
    }

    async fn read(&self, run: &RunId) -> Result<Vec<Entry>, JournalError> {
        let mut state = self.lock();
        let read = state.alive().and_then(|()| state.known(run)?.entries());
        read.map_err(|kind| error("read", run, kind))
    }

    async fn runs(&self) -> Result<Vec<RunSummary>, JournalError> {
        let state = self.lock();
        let alive = state.alive();
        alive.map_err(|kind| JournalError::new("in memory", "list the runs", kind))?;
        Ok(state.runs.iter().map(MemoryRun::summary).collect())
    }
}

/// The right to append to a run of a journal in memory.
#[derive(Debug)]
struct MemoryRunLog {
    journal: MemoryJournal,
    process: u64,
    run: RunId,
    epoch: i64,
    usable: bool,
}

impl MemoryRunLog {
    fn try_append(&self, records: &[Record]) -> Result<(), JournalErrorKind> {
        if !self.usable {
            return Err(JournalErrorKind::Unusable {
                run: self.run.clone(),
            });
        }
        if records.is_empty() {
            return Ok(());
        }
        let mut state = self.journal.lock();
        if state.process != self.process {
            return Err(JournalErrorKind::Injected);
        }
        state.append(&self.run, self.epoch, records)
    }
}

#[async_trait]
impl RunLog for MemoryRunLog {
    fn epoch(&self) -> u64 {
        self.epoch.unsigned_abs()
    }

    async fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        let appended = self.try_append(records);
        self.usable = appended.is_ok();
        appended.map_err(|kind| error("append to", &self.run, kind))
    }
}

impl Drop for MemoryRunLog {
    fn drop(&mut self) {
        let mut state = self.journal.lock();
        let of_this_process = state.process == self.process;
        if let Ok(run) = state.known(&self.run)
            && of_this_process
            && run.epoch == self.epoch
        {
            run.driven = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::samples::{owner, record, start};
    use crate::conformance::{self, Store};

    #[async_trait]
    impl Store for MemoryJournal {
        async fn handle(&self) -> Box<dyn Journal> {
            Box::new(self.clone())
        }

        async fn cut_off(&self, run: &RunId) {
            MemoryJournal::cut_off(self, run);
        }
    }

    #[tokio::test]
    async fn behaves_as_every_journal() {
        conformance::check_all(|| Box::new(MemoryJournal::new())).await;
    }

    async fn created(journal: &MemoryJournal) -> (RunId, Box<dyn RunLog>) {
        let run = RunId::new("r");
        let log = journal
            .create(&run, &[], &start(&run), &owner("a"))
            .await
            .unwrap();
        (run, log)
    }

    #[tokio::test]
    async fn failed_write_leaves_nothing_and_the_run_can_be_taken_up() {
        let journal = MemoryJournal::new();
        journal.fail_write(2);
        let (run, mut log) = created(&journal).await;
        let error = log.append(&[record(1)]).await.unwrap_err();
        assert!(matches!(error.kind(), JournalErrorKind::Injected));
        let error = log.append(&[record(1)]).await.unwrap_err();
        assert!(matches!(error.kind(), JournalErrorKind::Unusable { .. }));
        drop(log);
        let (mut log, entries) = journal.open(&run, &owner("b")).await.unwrap();
        assert_eq!(entries.len(), 1);
        log.append(&[record(2)]).await.unwrap();
        assert_eq!(journal.writes(), 3);
    }

    #[tokio::test]
    async fn crash_refuses_everything_until_the_restart() {
        for (point, left) in [(CrashPoint::BeforeWrite, 1), (CrashPoint::AfterWrite, 2)] {
            let journal = MemoryJournal::new();
            journal.crash_at_write(2, point);
            let (run, mut log) = created(&journal).await;
            log.append(&[record(1)]).await.unwrap_err();
            assert!(journal.has_crashed());
            journal.read(&run).await.unwrap_err();
            journal.runs().await.unwrap_err();
            journal.open(&run, &owner("b")).await.unwrap_err();

            journal.restart();
            let (mut successor, entries) = journal.open(&run, &owner("b")).await.unwrap();
            assert_eq!(entries.len(), left, "{point:?}");
            drop(log); // does not free the successor's run
            journal.open(&run, &owner("c")).await.unwrap_err();
            successor.append(&[record(2)]).await.unwrap();
        }
    }

    #[tokio::test]
    async fn crash_after_the_creation_leaves_the_run_to_be_taken_up() {
        let journal = MemoryJournal::new();
        journal.crash_at_write(1, CrashPoint::AfterWrite);
        let run = RunId::new("r");
        let error = journal
            .create(&run, &[], &start(&run), &owner("a"))
            .await
            .unwrap_err();
        assert!(matches!(error.kind(), JournalErrorKind::Injected));
        journal.restart();
        journal.open(&run, &owner("b")).await.unwrap();
    }

    #[tokio::test]
    async fn log_of_an_ended_process_is_refused() {
        let journal = MemoryJournal::new();
        let (run, mut log) = created(&journal).await;
        journal.restart();
        log.append(&[record(1)]).await.unwrap_err();
        assert_eq!(journal.read(&run).await.unwrap().len(), 1);
    }
}
