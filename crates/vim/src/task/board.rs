//! One look for all: a list view of the tasks that somebody waits for, one filter on it, and one `WaitForUpdatesEx` at a
//! time, whose answer brings states, results and faults.
//!
//! Nobody runs in the background. Of those who wait, one at a time asks the server for news (the *lead*), and one at a time
//! tells it of further tasks; the others sleep until there is news of their own task, or something to do for all. Whoever is
//! dropped makes room for the next one, and so does whoever is kept but not polled any more: the others
//! come again in time, and see it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farside_models_vim::{
    CreateFilterRequest, CreateListViewRequest, ModifyListViewRequest, ObjectSpec, ObjectUpdateKind,
    PropertyFilterSpec, PropertySpec, TraversalSpec, UpdateSet, WaitOptions,
};
use farside_transport::{CallError, Clock, NextLook, Progress, TaskStatus, Term};
use farside_wire::{ManagedObjectReference, Object};

use super::Task;
use super::source::is_unknown_object;
use crate::client::VimClient;
use crate::object::ManagedObject;
use crate::updates::{Waited, Watch};
use crate::view::ListView;

mod state;

use state::{ERROR, Entry, PROGRESS, Place, RESULT, STATE, State};

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

/// What all waits of a client for tasks share.
#[derive(Debug, Default)]
pub(crate) struct Board {
    state: Mutex<State>,
}

/// What whoever leads goes on with.
#[derive(Debug, Default)]
struct Lead {
    watch: Option<Watch>,
    /// When the last look ended, on the clock.
    looked_at: Option<Duration>,
    /// Looks that failed in a row.
    failed: u32,
}

/// Leave to ask the server for news, for one at a time.
struct Leading<'a> {
    board: &'a Board,
    term: Term,
    lead: Box<Lead>,
}

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        let mut state = self.board.state();
        if state.leading.give_back(self.term) {
            state.lead = std::mem::take(&mut self.lead);
        }
        state.call_up();
    }
}

/// Leave to tell the server of further tasks, for one at a time.
struct Telling<'a> {
    board: &'a Board,
    term: Term,
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        let mut state = self.board.state();
        state.telling.give_back(self.term);
        state.call_up();
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
        let (_place, bell) = Place::take(self, id);
        let failures = self.state().failures;
        let mut leading: Option<Leading<'_>> = None;
        let clock = look.clock;
        loop {
            let rung = bell.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            if let Some(news) = self.news(id, look.seen, failures) {
                return news;
            }
            if let Some(telling) = self.may_tell(id, clock.elapsed()) {
                Box::pin(self.tell(clock, telling)).await;
                continue;
            }
            if let Some(late) = leading.take_if(|leading| !self.state().leading.is_held_in(leading.term)) {
                Box::pin(Self::retire(late)).await;
                continue;
            }
            leading = leading.or_else(|| self.may_lead(clock.elapsed()));
            if let Some(leading) = &mut leading {
                Box::pin(self.lead(client, clock, leading)).await;
                continue;
            }
            rung.await;
        }
    }

    /// Leads for one look.
    async fn lead(&self, client: &VimClient, clock: &dyn Clock, leading: &mut Leading<'_>) {
        let term = leading.term;
        let look = self.look(client, clock, term, &mut leading.lead);
        term.work(|note| note(&mut self.state().leading), look).await;
    }

    /// Takes leave of a lead that somebody else has taken over.
    async fn retire(mut leading: Leading<'_>) {
        if let Some(watch) = leading.lead.watch.take() {
            watch.give_up().await;
        }
    }

    /// What the caller does not know yet.
    fn news(&self, id: &str, seen: Option<Progress>, failures: u64) -> Option<Result<TaskStatus, CallError>> {
        let state = self.state();
        match state.tasks.get(id).and_then(Entry::status) {
            Some(TaskStatus::Running { progress }) if seen.is_some_and(|seen| seen.percent == progress) => {}
            Some(status) => return Some(Ok(status)),
            None => {}
        }
        let failed = state.failed.as_ref().filter(|_| state.failures > failures);
        failed.map(|error| Err(error.clone()))
    }

    fn is_led_in(&self, term: Term) -> bool {
        self.state().leading.is_held_in(term)
    }

    fn may_lead(&self, now: Duration) -> Option<Leading<'_>> {
        let mut state = self.state();
        let taken_over = state.leading.is_held();
        let term = state.leading.take(now)?;
        if taken_over {
            // Whoever led has taken along what it goes on with: everything is told anew.
            state.list = None;
        }
        let lead = std::mem::take(&mut state.lead);
        Some(Leading {
            board: self,
            term,
            lead,
        })
    }

    /// If the server is to be told of this task, has a list for it, and nobody is about to tell it.
    fn may_tell(&self, id: &str, now: Duration) -> Option<Telling<'_>> {
        let mut state = self.state();
        let due = state.telling.is_held() || state.add.contains(id);
        if state.list.is_none() || !due {
            return None;
        }
        let term = state.begin_to_tell(now)?;
        Some(Telling { board: self, term })
    }

    /// Tells the server of all tasks that it is to be told of.
    async fn tell(&self, clock: &dyn Clock, telling: Telling<'_>) {
        let work = async {
            clock.sleep(GATHER).await;
            if let Err(error) = self.arrange().await {
                self.state().fail(error);
            }
        };
        let term = telling.term;
        term.work(|note| note(&mut self.state().telling), work).await;
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
        let references = |ids: &BTreeSet<Box<str>>| -> Vec<ManagedObjectReference> {
            ids.iter()
                .map(|id| ManagedObjectReference::new(Task::TYPE_NAME, &**id))
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
                let unresolved = unresolved.iter().map(|task| task.value.as_str());
                let mut state = self.state();
                if state.has_list(&list) {
                    state.told(&remove, unresolved);
                }
                Ok(())
            }
            // The list is gone, which the next look sees as well; everything is told anew then.
            Err(error) if error.fault().is_some_and(is_unknown_object) => {
                let mut state = self.state();
                if state.has_list(&list) {
                    state.list = None;
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Asks the server for news, once.
    async fn look(&self, client: &VimClient, clock: &dyn Clock, term: Term, lead: &mut Lead) {
        let pause = match lead.failed {
            0 => PACE,
            failed => LONGEST_PAUSE.min(Duration::from_secs(1 << failed.min(5))),
        };
        let since = lead
            .looked_at
            .map_or(pause, |at| clock.elapsed().saturating_sub(at));
        clock.sleep(pause.saturating_sub(since)).await;
        let outcome = self.ask(client, clock, term, lead).await;
        if !self.is_led_in(term) {
            return;
        }
        lead.looked_at = Some(clock.elapsed());
        match outcome {
            Ok(true) => lead.failed = 0,
            // What the server has lost is made anew, at growing intervals: it may go on losing it.
            Ok(false) => lead.failed = lead.failed.saturating_add(1),
            Err(error) => {
                lead.failed = lead.failed.saturating_add(1);
                self.state().fail(error);
            }
        }
    }

    /// `false` if the server has lost the list or the collector.
    async fn ask(
        &self,
        client: &VimClient,
        clock: &dyn Clock,
        term: Term,
        lead: &mut Lead,
    ) -> Result<bool, CallError> {
        if !self.is_led_in(term) {
            return Ok(true);
        }
        if self.state().list.is_none() {
            lead.watch = None;
        }
        let watch = match &mut lead.watch {
            Some(watch) => watch,
            None => {
                clock.sleep(GATHER).await;
                let Some(watch) = self.open(client, term).await? else {
                    return Ok(true);
                };
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
            let waited = watch.wait(options).await?;
            if !self.is_led_in(term) {
                // Others have newer news.
                return Ok(true);
            }
            match waited {
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

    /// Makes list, collector and filter, with all tasks that are waited for to be told of; `None` if somebody else leads by then.
    async fn open(&self, client: &VimClient, term: Term) -> Result<Option<Watch>, CallError> {
        let watch = Watch::open(client).await?;
        match Self::list(client, &watch).await {
            Ok(list) => {
                let Some(list) = self.begin(list, term) else {
                    return Ok(Some(watch));
                };
                watch.give_up().await;
                let _ = list.destroy().await;
                Ok(None)
            }
            Err(error) => {
                watch.give_up().await;
                Err(error)
            }
        }
    }

    /// Takes a list that was made, or gives it back if somebody else leads by then.
    fn begin(&self, list: ListView, term: Term) -> Option<ListView> {
        let mut state = self.state();
        if !state.leading.is_held_in(term) {
            return Some(list);
        }
        state.begin(list);
        None
    }

    /// Makes a list and a filter on it.
    async fn list(client: &VimClient, watch: &Watch) -> Result<ListView, CallError> {
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
        let filter = CreateFilterRequest::new(spec, false);
        let list = ListView::of(client, made);
        if let Err(error) = watch.collector.create_filter(&filter).await {
            // One that cannot be destroyed goes with the session.
            let _ = list.destroy().await;
            return Err(error);
        }
        Ok(list)
    }

    /// Takes news in, and wakes those whom it is about.
    fn take(&self, set: UpdateSet, from_start: bool) {
        let mut state = self.state();
        if from_start {
            state.start_over();
        }
        let updates = set.filter_set.into_iter().flat_map(|filter| filter.object_set);
        for update in updates {
            if update.kind == ObjectUpdateKind::Leave {
                state.leave(&update.obj.value);
            } else {
                state.change(update.obj.value, update.change_set);
            }
        }
    }
}

/// Tasks that the server is to be told of; if that comes to nothing, they still are.
struct Untold<'a> {
    board: &'a Board,
    add: Option<BTreeSet<Box<str>>>,
}

impl Untold<'_> {
    fn forget(mut self) {
        self.add = None;
    }
}

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        if let Some(mut add) = self.add.take() {
            let mut state = self.board.state();
            add.retain(|id| state.tasks.get(id).is_some_and(Entry::is_waited_for));
            state.add.append(&mut add);
        }
    }
}
