//! One look for all: a list view of the tasks that somebody waits for, one filter on it, and one `WaitForUpdatesEx` at a
//! time, whose answer brings states, results and faults.
//!
//! Nobody runs in the background. Of those who wait, one at a time asks the server for news (the *lead*), and one at a time
//! tells it of further tasks; the others sleep until there is news of their own task. Whoever is dropped makes room for the
//! next one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farside_models_vim::{
    CreateFilterRequest, CreateListViewRequest, ModifyListViewRequest, ObjectSpec, ObjectUpdate,
    ObjectUpdateKind, PropertyChange, PropertyFilterSpec, PropertySpec, TaskInfoState, TraversalSpec,
    UpdateSet, WaitOptions,
};
use farside_transport::{CallError, Clock, NextLook, Progress, TaskStatus};
use farside_wire::{
    Any, Fault, ManagedObjectReference, MethodFault, Object, OpenEnum as _, RawJson, ServiceError,
};
use tokio::sync::Notify;

use super::Task;
use super::source::is_unknown_object;
use crate::client::VimClient;
use crate::object::ManagedObject;
use crate::updates::{Waited, Watch};
use crate::view::ListView;

/// How long the server waits for news in one call, in seconds.
const WAIT_SECONDS: i32 = 30;

/// The least time between two looks: news of many tasks comes together.
const PACE: Duration = Duration::from_millis(500);

/// How long further tasks are gathered before the server is told of them.
const GATHER: Duration = Duration::from_millis(20);

/// The longest pause after looks that failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// So many tasks that nobody waits for any more are left on the list before it is tidied up.
const LEFT_OVER: usize = 500;

const STATE: &str = "info.state";
const PROGRESS: &str = "info.progress";
const ERROR: &str = "info.error";
const RESULT: &str = "info.result";

/// What all waits of a client share.
#[derive(Debug, Default)]
pub(crate) struct Board {
    state: Mutex<State>,
    lead: tokio::sync::Mutex<Lead>,
    teller: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    waiting: BTreeMap<String, Waiting>,
    known: BTreeMap<String, Record>,
    /// Tasks that are to go on the list, and those that are to come off it.
    add: BTreeSet<String>,
    remove: BTreeSet<String>,
    /// The list at the server, once it is made.
    list: Option<ListView>,
    /// The last look that failed, and how many have.
    failed: Option<CallError>,
    failures: u64,
}

#[derive(Debug)]
struct Waiting {
    count: usize,
    bell: Arc<Notify>,
}

/// What is known of a task.
#[derive(Debug, Clone, Default)]
struct Record {
    state: Option<TaskInfoState>,
    progress: Option<u8>,
    error: Option<Fault>,
    result: Option<RawJson>,
    gone: bool,
}

#[derive(Debug, Default)]
struct Lead {
    watch: Option<Watch>,
    /// When the last look ended, on the clock.
    looked_at: Option<Duration>,
    /// Looks that failed in a row.
    failed: u32,
}

impl Record {
    fn status(&self) -> Option<TaskStatus> {
        if self.gone {
            return Some(TaskStatus::Gone);
        }
        Some(match self.state.as_ref()? {
            TaskInfoState::Success => TaskStatus::Succeeded {
                result: self.result.clone(),
            },
            TaskInfoState::Error => TaskStatus::Failed {
                error: ServiceError::Fault(
                    self.error
                        .clone()
                        .unwrap_or_else(|| Fault::new(&MethodFault::default())),
                ),
            },
            // A state that these models do not know is none of the two ends.
            _ => TaskStatus::Running {
                progress: self.progress,
            },
        })
    }

    fn take(&mut self, change: PropertyChange) {
        let value = change.val.filter(|value| !value.is_null());
        match change.name.as_str() {
            STATE => {
                let text = value.as_ref().and_then(Any::as_str);
                self.state = text.map(|text| TaskInfoState::from_wire(&text));
            }
            PROGRESS => {
                let percent = value.as_ref().and_then(Any::as_i64);
                self.progress = percent.and_then(|percent| u8::try_from(percent.clamp(0, 100)).ok());
            }
            ERROR => self.error = value.and_then(|value| value.detached().decode_value().ok()),
            // It was JSON before, so that reading it again cannot fail.
            RESULT => self.result = value.and_then(|value| RawJson::parse(value.raw()).ok()),
            _ => {}
        }
    }
}

impl Board {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete when the lock is released.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for news of a task beyond what was seen.
    pub(super) async fn next(
        &self,
        client: &VimClient,
        id: &str,
        look: NextLook<'_>,
    ) -> Result<TaskStatus, CallError> {
        let place = Place::take(self, id);
        let failures = self.state().failures;
        loop {
            let rung = place.bell.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            if let Some(news) = self.news(id, look.seen, failures) {
                return news;
            }
            let untold = self.is_untold(id);
            tokio::select! {
                biased;
                () = &mut rung => {}
                _teller = self.teller.lock(), if untold => {
                    Box::pin(self.tell(look.clock)).await;
                }
                mut lead = self.lead.lock() => Box::pin(self.look(client, look.clock, &mut lead)).await,
            }
        }
    }

    /// What the caller does not know yet.
    fn news(&self, id: &str, seen: Option<Progress>, failures: u64) -> Option<Result<TaskStatus, CallError>> {
        let state = self.state();
        let status = state.known.get(id).and_then(Record::status);
        match status {
            Some(TaskStatus::Running { progress }) if seen.is_some_and(|seen| seen.percent == progress) => {}
            Some(status) => return Some(Ok(status)),
            None => {}
        }
        let failed = state.failed.as_ref().filter(|_| state.failures > failures);
        failed.map(|error| Err(error.clone()))
    }

    /// Whether the server is to be told of a task, and has a list for it.
    fn is_untold(&self, id: &str) -> bool {
        let state = self.state();
        state.list.is_some() && state.add.contains(id)
    }

    /// Tells the server of all tasks that it is to be told of. Only one at a time does that.
    async fn tell(&self, clock: &dyn Clock) {
        clock.sleep(GATHER).await;
        if let Err(error) = self.arrange().await {
            self.fail(error);
        }
    }

    fn fail(&self, error: CallError) {
        let bells: Vec<_> = {
            let mut state = self.state();
            state.failures += 1;
            state.failed = Some(error);
            state
                .waiting
                .values()
                .map(|waiting| Arc::clone(&waiting.bell))
                .collect()
        };
        bells.iter().for_each(|bell| bell.notify_waiters());
    }

    /// Puts tasks on the list and takes others off it, in one call.
    async fn arrange(&self) -> Result<(), CallError> {
        let (list, add, remove) = {
            let mut state = self.state();
            let Some(list) = state.list.clone() else {
                return Ok(());
            };
            (
                list,
                std::mem::take(&mut state.add),
                std::mem::take(&mut state.remove),
            )
        };
        if add.is_empty() && remove.is_empty() {
            return Ok(());
        }
        let references = |ids: &BTreeSet<String>| -> Vec<ManagedObjectReference> {
            ids.iter()
                .map(|id| ManagedObjectReference::new(Task::TYPE_NAME, id))
                .collect()
        };
        let request = ModifyListViewRequest::default()
            .with_add(references(&add))
            .with_remove(references(&remove));
        let back = Untold {
            board: self,
            add: Some(add),
        };
        let outcome = list.modify(&request).await;
        match outcome {
            Ok(unresolved) => {
                back.forget();
                self.told(&remove, &unresolved);
                Ok(())
            }
            // The list is gone, which the next look sees as well; everything is told anew then.
            Err(error) if error.fault().is_some_and(is_unknown_object) => {
                self.state().list = None;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn told(&self, removed: &BTreeSet<String>, unresolved: &[ManagedObjectReference]) {
        let mut state = self.state();
        for id in removed {
            state.known.remove(id);
            if state.waiting.contains_key(id) {
                state.add.insert(id.clone());
            }
        }
        for task in unresolved {
            let id = &task.value;
            if let Some(waiting) = state.waiting.get(id) {
                let bell = Arc::clone(&waiting.bell);
                state.known.insert(
                    id.clone(),
                    Record {
                        gone: true,
                        ..Record::default()
                    },
                );
                bell.notify_waiters();
            }
        }
    }

    /// Asks the server for news, once. Only one at a time does that.
    async fn look(&self, client: &VimClient, clock: &dyn Clock, lead: &mut Lead) {
        let pause = match lead.failed {
            0 => PACE,
            failed => LONGEST_PAUSE.min(Duration::from_secs(1 << failed.min(5))),
        };
        let since = lead
            .looked_at
            .map_or(pause, |at| clock.elapsed().saturating_sub(at));
        clock.sleep(pause.saturating_sub(since)).await;
        let outcome = self.ask(client, clock, lead).await;
        lead.looked_at = Some(clock.elapsed());
        match outcome {
            Ok(true) => lead.failed = 0,
            // What the server has lost is made anew, at growing intervals: it may go on losing it.
            Ok(false) => lead.failed = lead.failed.saturating_add(1),
            Err(error) => {
                lead.failed = lead.failed.saturating_add(1);
                self.fail(error);
            }
        }
    }

    /// `false` if the server has lost the list or the collector.
    async fn ask(&self, client: &VimClient, clock: &dyn Clock, lead: &mut Lead) -> Result<bool, CallError> {
        if self.state().list.is_none() {
            lead.watch = None;
        }
        let watch = match &mut lead.watch {
            Some(watch) => watch,
            None => {
                clock.sleep(GATHER).await;
                let watch = self.open(client).await?;
                lead.watch.insert(watch)
            }
        };
        let tidy = {
            let state = self.state();
            !state.add.is_empty() || state.remove.len() >= LEFT_OVER
        };
        if tidy {
            self.arrange().await?;
        }
        loop {
            let options = WaitOptions::default().with_max_wait_seconds(WAIT_SECONDS);
            match watch.wait(options).await? {
                Waited::News { set, from_start } => {
                    let truncated = set.truncated == Some(true);
                    self.take(set, from_start);
                    if !truncated {
                        return Ok(true);
                    }
                }
                Waited::Nothing => return Ok(true),
                Waited::Lost => {
                    self.state().list = None;
                    return Ok(false);
                }
            }
        }
    }

    /// Makes list, collector and filter, with all tasks that are waited for to be told of.
    async fn open(&self, client: &VimClient) -> Result<Watch, CallError> {
        let watch = Watch::open(client).await?;
        let made = client
            .view_manager()
            .await?
            .create_list_view(&CreateListViewRequest::default())
            .await?;
        let to_tasks = TraversalSpec::new(ListView::TYPE_NAME, "view").with_skip(false);
        let start = ObjectSpec::new(made.clone())
            .with_skip(true)
            .with_select_set(vec![Object::new(&to_tasks)]);
        let wanted = PropertySpec::new(Task::TYPE_NAME)
            .with_path_set([STATE, PROGRESS, ERROR, RESULT].map(str::to_owned).to_vec());
        let spec =
            PropertyFilterSpec::new(vec![wanted], vec![start]).with_report_missing_objects_in_results(true);
        watch
            .collector
            .create_filter(&CreateFilterRequest::new(spec, false))
            .await?;
        let mut state = self.state();
        state.known.clear();
        state.remove.clear();
        state.add = state.waiting.keys().cloned().collect();
        state.list = Some(ListView::of(client, made));
        Ok(watch)
    }

    /// Takes news in, and wakes those whom it is about.
    fn take(&self, set: UpdateSet, from_start: bool) {
        let mut state = self.state();
        if from_start {
            state.known.retain(|_, record| record.gone);
        }
        let updates = set.filter_set.into_iter().flat_map(|filter| filter.object_set);
        for update in updates {
            let ObjectUpdate {
                kind,
                obj,
                change_set,
                ..
            } = update;
            let id = obj.value;
            let waited = state.waiting.contains_key(&id);
            if kind == ObjectUpdateKind::Leave {
                // Taken off the list by us, or gone. An end that was seen stays what it is.
                let ended = state.known.get(&id).and_then(Record::status);
                if waited
                    && !matches!(
                        ended,
                        Some(TaskStatus::Succeeded { .. } | TaskStatus::Failed { .. })
                    )
                {
                    state.known.insert(
                        id.clone(),
                        Record {
                            gone: true,
                            ..Record::default()
                        },
                    );
                } else if !waited {
                    state.known.remove(&id);
                }
            } else {
                let record = state.known.entry(id.clone()).or_default();
                change_set.into_iter().for_each(|change| record.take(change));
            }
            if let Some(waiting) = state.waiting.get(&id) {
                waiting.bell.notify_waiters();
            }
        }
    }
}

/// Tasks that the server is to be told of; if that comes to nothing, they still are.
struct Untold<'a> {
    board: &'a Board,
    add: Option<BTreeSet<String>>,
}

impl Untold<'_> {
    fn forget(mut self) {
        self.add = None;
    }
}

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        if let Some(add) = self.add.take() {
            let mut state = self.board.state();
            let waited = add
                .into_iter()
                .filter(|id| state.waiting.contains_key(id))
                .collect::<Vec<_>>();
            state.add.extend(waited);
        }
    }
}

/// Somebody's place among those who wait for a task.
struct Place<'a> {
    board: &'a Board,
    id: String,
    bell: Arc<Notify>,
}

impl<'a> Place<'a> {
    fn take(board: &'a Board, id: &str) -> Self {
        let mut state = board.state();
        let waiting = state.waiting.entry(id.to_owned()).or_insert_with(|| Waiting {
            count: 0,
            bell: Arc::default(),
        });
        waiting.count += 1;
        let bell = Arc::clone(&waiting.bell);
        state.remove.remove(id);
        // A task that is gone may have been looked for too early, by another server: ask again.
        if state.known.get(id).is_none_or(|record| record.gone) {
            state.known.remove(id);
            state.add.insert(id.to_owned());
        }
        drop(state);
        Self {
            board,
            id: id.to_owned(),
            bell,
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.board.state();
        let Some(waiting) = state.waiting.get_mut(&self.id) else {
            return;
        };
        waiting.count -= 1;
        if waiting.count > 0 {
            return;
        }
        state.waiting.remove(&self.id);
        let ended = state.known.get(&self.id).and_then(Record::status);
        match ended {
            // Between two looks of one wait nobody is here; the task stays on the list.
            Some(TaskStatus::Running { .. }) => {}
            Some(TaskStatus::Gone) | None => {
                state.add.remove(&self.id);
                state.known.remove(&self.id);
            }
            Some(_) => {
                state.remove.insert(self.id.clone());
            }
        }
    }
}
