//! Runs in a journal: beginning one, taking one up again, and what earlier ones left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use farside_engine::{
    ActionState, ItemResult, LockKey, Mode, OutcomeResult, ReplayError, ResolvedPlan, Run, RunId, RunState,
    Timestamp,
};
use farside_journal::{Entry, Journal, JournalError, Owner, RunLog};
use serde_json::Value;

/// A run that cannot be begun, read or taken up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The journal says no; its message says what to do.
    #[error("the run cannot be used")]
    Journal(#[from] JournalError),
    /// The plan cannot be run.
    #[error("plan {plan} cannot be run")]
    Plan {
        /// The plan.
        plan: String,
        /// Why.
        #[source]
        source: farside_engine::PlanError,
    },
    /// The records contradict each other.
    #[error("the records of run {run} do not follow from each other; restore the journal from a copy")]
    Replay {
        /// The run.
        run: RunId,
        /// Which.
        #[source]
        source: ReplayError,
    },
}

/// Writes the first record of a run and takes its locks.
///
/// # Errors
/// The journal refuses (a lock is held, the name is taken, it cannot be written) or the plan cannot be run. Nothing
/// was sent to any server, and no run exists.
pub async fn begin(
    journal: &dyn Journal,
    run: RunId,
    plan: ResolvedPlan,
    now: Timestamp,
) -> Result<(Run, Box<dyn RunLog>), RunError> {
    let name = plan.name.clone();
    let locks: Vec<LockKey> = plan
        .items
        .iter()
        .flat_map(|item| item.locks.iter().cloned())
        .collect();
    let first = Run::start(now, run.clone(), plan).map_err(|source| RunError::Plan { plan: name, source })?;
    let log = journal
        .create(&run, &locks, &first, &Owner::this_process())
        .await?;
    let state = Run::replay([&first]).map_err(|source| RunError::Replay { run, source })?;
    Ok((state, log))
}

/// Takes a run up again: what was on its way when it ended is looked at before anything is sent.
///
/// # Errors
/// Another process drives it, it has ended, or the journal is damaged. Nothing was sent to any server.
pub async fn take_up(
    journal: &dyn Journal,
    run: &RunId,
    now: Timestamp,
) -> Result<(Run, Box<dyn RunLog>), RunError> {
    let (mut log, entries) = journal.open(run, &Owner::this_process()).await?;
    let mut state = replay(run, &entries)?;
    let broken = |source| RunError::Replay {
        run: run.clone(),
        source,
    };
    if state.state() != RunState::Ended
        && let Ok(opened) = state.open(now)
    {
        log.append(std::slice::from_ref(&opened)).await?;
        state.apply(&opened).map_err(broken)?;
    }
    Ok((state, log))
}

/// Reads a run without driving it.
///
/// # Errors
/// It does not exist, or the journal is damaged.
pub async fn read(journal: &dyn Journal, run: &RunId) -> Result<Run, RunError> {
    replay(run, &journal.read(run).await?)
}

fn replay(run: &RunId, entries: &[Entry]) -> Result<Run, RunError> {
    Run::replay(entries.iter().map(|entry| &entry.record)).map_err(|source| RunError::Replay {
        run: run.clone(),
        source,
    })
}

/// What earlier runs left behind for one thing.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Earlier {
    /// What the last finished reprotect left behind.
    pub reprotected: Option<Value>,
    /// Whether it was failed back since, or may have been: what is at its target may be old, whatever the target says of itself.
    pub failed_back: bool,
}

/// What earlier runs of a journal left behind.
#[derive(Debug, Default)]
pub struct History {
    reprotected: BTreeMap<LockKey, Value>,
    failed_back: BTreeSet<LockKey>,
    open_tests: BTreeMap<String, BTreeSet<String>>,
    unreadable: Vec<RunError>,
}

impl History {
    /// Reads all runs, oldest first. A run that cannot be read does not keep the others from being read, and no new run
    /// from being started: see [`History::unreadable`].
    ///
    /// # Errors
    /// The list of runs cannot be read.
    pub async fn read(journal: &Arc<dyn Journal>) -> Result<Self, RunError> {
        let mut history = Self::default();
        for summary in journal.runs().await? {
            match read(journal.as_ref(), &summary.run).await {
                Ok(run) => history.add(&run),
                Err(error) => history.unreadable.push(error),
            }
        }
        Ok(history)
    }

    /// What earlier runs left behind for the thing with one of these locks.
    pub fn earlier(&self, locks: &[LockKey]) -> Earlier {
        Earlier {
            reprotected: locks.iter().find_map(|lock| self.reprotected.get(lock)).cloned(),
            failed_back: locks.iter().any(|lock| self.failed_back.contains(lock)),
        }
    }

    /// Items, by plan, whose test was started and not cleaned up.
    pub fn open_tests(&self) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.open_tests
            .iter()
            .filter(|(_, items)| !items.is_empty())
            .map(|(plan, items)| (plan.as_str(), items))
    }

    /// Why some runs are not part of this history.
    pub fn unreadable(&self) -> &[RunError] {
        &self.unreadable
    }

    fn add(&mut self, run: &Run) {
        let tests = self.open_tests.entry(run.plan().name.clone()).or_default();
        for (item, progress) in run.items() {
            match (run.plan().mode, progress.result()) {
                (Mode::Failback, Some(ItemResult::Done | ItemResult::Unknown)) => {
                    self.failed_back.extend(item.locks.iter().cloned());
                }
                (Mode::Reprotect | Mode::Planned | Mode::Disaster, Some(ItemResult::Done)) => {
                    self.failed_back.retain(|lock| !item.locks.contains(lock));
                }
                _ => {}
            }
            match run.plan().mode {
                Mode::Reprotect => {
                    let last = progress.actions.last().map(|action| &action.state);
                    if let Some(ActionState::Ended(outcome)) = last
                        && outcome.result == OutcomeResult::Done
                        && !outcome.data.is_null()
                    {
                        for lock in &item.locks {
                            self.reprotected.insert(lock.clone(), outcome.data.clone());
                        }
                    }
                }
                Mode::Test if crate::report::leaves_a_test(progress) => {
                    tests.insert(item.id.to_string());
                }
                Mode::Cleanup if progress.result() == Some(ItemResult::Done) => {
                    tests.remove(item.id.as_str());
                }
                Mode::Test | Mode::Cleanup | Mode::Planned | Mode::Disaster | Mode::Failback => {}
            }
        }
    }
}
