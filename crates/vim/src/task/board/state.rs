//! What is known of the tasks that somebody waits for, and who may ask the server for more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use farside_models_vim::{PropertyChange, TaskInfoState};
use farside_transport::{CallError, Duty, TaskStatus, Term};
use farside_wire::{Any, Fault, MethodFault, OpenEnum as _, RawJson, ServiceError};
use tokio::sync::Notify;

use super::{Board, Lead};
use crate::object::ManagedObject as _;
use crate::view::ListView;

pub(super) const STATE: &str = "info.state";
pub(super) const PROGRESS: &str = "info.progress";
pub(super) const ERROR: &str = "info.error";
pub(super) const RESULT: &str = "info.result";

/// So many waits are called up for what one of them has to do: at most one of them can be busy with something else.
const CALLED_UP: usize = 2;

#[derive(Debug, Default)]
pub(super) struct State {
    /// By id. There may be thousands, so that each is small.
    pub(super) tasks: BTreeMap<Box<str>, Entry>,
    /// Tasks that are to go on the list, and those that are to come off it.
    pub(super) add: BTreeSet<Box<str>>,
    pub(super) remove: BTreeSet<Box<str>>,
    /// The list at the server, once it is made.
    pub(super) list: Option<ListView>,
    /// The last look that failed, and how many have.
    pub(super) failed: Option<CallError>,
    pub(super) failures: u64,
    /// What whoever led last has left to go on with.
    pub(super) lead: Box<Lead>,
    /// To ask the server for news.
    pub(super) leading: Duty,
    /// To tell the server of further tasks.
    pub(super) telling: Duty,
}

/// A task that somebody waits for, or of which something is known.
#[derive(Debug, Default)]
pub(super) struct Entry {
    waits: u32,
    /// Rings those who wait.
    bell: Option<Arc<Notify>>,
    pub(super) record: Option<Record>,
}

impl Entry {
    pub(super) fn is_waited_for(&self) -> bool {
        self.waits > 0
    }

    fn is_needed(&self) -> bool {
        self.is_waited_for() || self.record.is_some()
    }

    fn ring(&self) {
        if let Some(bell) = &self.bell {
            bell.notify_waiters();
        }
    }

    pub(super) fn status(&self) -> Option<TaskStatus> {
        self.record.as_ref()?.status()
    }

    /// Whether it is known to have ended, one way or the other. One that is gone is not.
    fn has_ended(&self) -> bool {
        self.record.as_ref().is_some_and(Record::has_ended)
    }
}

/// What is known of a task.
#[derive(Debug, Default)]
pub(super) struct Record {
    stage: Stage,
    progress: Option<u8>,
    /// Few tasks that are waited for have ended.
    end: Option<Box<End>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    Unknown,
    /// Also in a state that these models do not know, which is none of the two ends.
    Running,
    Succeeded,
    Failed,
    Gone,
}

#[derive(Debug, Default)]
struct End {
    error: Option<Fault>,
    result: Option<RawJson>,
}

impl Record {
    fn gone() -> Self {
        Self {
            stage: Stage::Gone,
            ..Self::default()
        }
    }

    fn is_gone(&self) -> bool {
        self.stage == Stage::Gone
    }

    fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Succeeded | Stage::Failed)
    }

    fn status(&self) -> Option<TaskStatus> {
        let end = self.end.as_deref();
        Some(match self.stage {
            Stage::Unknown => return None,
            Stage::Gone => TaskStatus::Gone,
            Stage::Succeeded => TaskStatus::Succeeded {
                result: end.and_then(|end| end.result.clone()),
            },
            Stage::Failed => {
                let fault = end.and_then(|end| end.error.clone());
                let fault = fault.unwrap_or_else(|| Fault::new(&MethodFault::default()));
                TaskStatus::Failed {
                    error: ServiceError::Fault(fault),
                }
            }
            Stage::Running => TaskStatus::Running {
                progress: self.progress,
            },
        })
    }

    fn take(&mut self, change: PropertyChange) {
        let value = change.val.filter(|value| !value.is_null());
        match change.name.as_str() {
            STATE => {
                let text = value.as_ref().and_then(Any::as_str);
                let state = text.map(|text| TaskInfoState::from_wire(&text));
                self.stage = match state {
                    Some(TaskInfoState::Success) => Stage::Succeeded,
                    Some(TaskInfoState::Error) => Stage::Failed,
                    Some(_) => Stage::Running,
                    None => Stage::Unknown,
                };
            }
            PROGRESS => {
                let percent = value.as_ref().and_then(Any::as_i64);
                self.progress = percent.and_then(|percent| u8::try_from(percent.clamp(0, 100)).ok());
            }
            ERROR => {
                let fault = value.and_then(|value| value.detached().decode_value().ok());
                if fault.is_some() || self.end.is_some() {
                    self.end.get_or_insert_default().error = fault;
                }
            }
            RESULT => {
                // It was JSON before, so that reading it again cannot fail.
                let result = value.and_then(|value| RawJson::parse(value.raw()).ok());
                if result.is_some() || self.end.is_some() {
                    self.end.get_or_insert_default().result = result;
                }
            }
            _ => {}
        }
    }
}

impl State {
    /// A look has failed: everybody is to know.
    pub(super) fn fail(&mut self, error: CallError) {
        self.failures += 1;
        self.failed = Some(error);
        self.tasks.values().for_each(Entry::ring);
    }

    /// Has somebody who waits see that there is something to do for all: to lead, or to tell the server of further tasks.
    pub(super) fn call_up(&self) {
        if !self.leading.is_held() {
            let waiting = self.tasks.values().filter(|task| task.is_waited_for());
            waiting.take(CALLED_UP).for_each(Entry::ring);
        }
        if self.list.is_some() && !self.telling.is_held() {
            let untold = self.add.iter().filter_map(|id| self.tasks.get(id));
            untold.take(CALLED_UP).for_each(Entry::ring);
        }
    }

    /// Takes the duty to tell the server of further tasks. Whoever had it may have told of some and not know it: what nobody
    /// knows anything of is told again.
    pub(super) fn begin_to_tell(&mut self, now: Duration) -> Option<Term> {
        let taken_over = self.telling.is_held();
        let term = self.telling.take(now)?;
        if taken_over {
            self.add_unknown();
        }
        Some(term)
    }

    fn add_unknown(&mut self) {
        let unknown = self
            .tasks
            .iter()
            .filter(|(_, task)| task.is_waited_for() && task.record.is_none());
        self.add.extend(unknown.map(|(id, _)| id.clone()));
    }

    /// Whether this is the list at the server still.
    pub(super) fn has_list(&self, list: &ListView) -> bool {
        self.list
            .as_ref()
            .is_some_and(|own| own.reference() == list.reference())
    }

    /// A list was made, which is empty.
    pub(super) fn begin(&mut self, list: ListView) {
        self.forget(|_| false);
        self.remove.clear();
        self.add = self.tasks.keys().cloned().collect();
        self.list = Some(list);
    }

    /// Forgets what is known, but of those tasks.
    fn forget(&mut self, but: impl Fn(&Record) -> bool) {
        self.tasks.retain(|_, task| {
            task.record = task.record.take().filter(&but);
            task.is_needed()
        });
    }

    /// Everything comes anew from here on. That a task was not there when the list was made does not.
    pub(super) fn start_over(&mut self) {
        self.forget(Record::is_gone);
    }

    /// The server has taken tasks off the list, and has not found others that were to go on it.
    pub(super) fn told<'a>(
        &mut self,
        removed: &BTreeSet<Box<str>>,
        unresolved: impl Iterator<Item = &'a str>,
    ) {
        for id in removed {
            let Some(task) = self.tasks.get_mut(id) else {
                continue;
            };
            task.record = None;
            if task.is_waited_for() {
                self.add.insert(id.clone());
            } else {
                self.tasks.remove(id);
            }
        }
        for id in unresolved {
            self.lose(id);
        }
    }

    /// The server does not know a task, which is news to whoever waits for it. An end that was seen stays what it is.
    fn lose(&mut self, id: &str) {
        let open = |task: &&mut Entry| task.is_waited_for() && !task.has_ended();
        if let Some(task) = self.tasks.get_mut(id).filter(open) {
            task.record = Some(Record::gone());
            task.ring();
        }
    }

    /// A task has left the list: taken off it by us, or gone.
    pub(super) fn leave(&mut self, id: &str) {
        let Some(task) = self.tasks.get(id) else { return };
        if !task.is_waited_for() {
            self.tasks.remove(id);
        } else {
            self.lose(id);
        }
    }

    /// Something of a task has changed.
    pub(super) fn change(&mut self, id: String, changes: Vec<PropertyChange>) {
        let id = id.into_boxed_str();
        let task = self.tasks.entry(id.clone()).or_default();
        let record = task.record.get_or_insert_default();
        changes.into_iter().for_each(|change| record.take(change));
        task.ring();
        if task.has_ended() && !task.is_waited_for() {
            self.remove.insert(id);
        }
    }
}

/// Somebody's place among those who wait for a task.
pub(super) struct Place<'a> {
    board: &'a Board,
    id: &'a str,
}

impl<'a> Place<'a> {
    /// The place, and what rings when there is news.
    pub(super) fn take(board: &'a Board, id: &'a str) -> (Self, Arc<Notify>) {
        let mut state = board.state();
        let State {
            tasks, add, remove, ..
        } = &mut *state;
        remove.remove(id);
        let task = tasks.entry(id.into()).or_default();
        task.waits += 1;
        let bell = Arc::clone(task.bell.get_or_insert_default());
        // A task that is gone may have been looked for too early, by another server: ask again.
        if task.record.as_ref().is_none_or(Record::is_gone) {
            task.record = None;
            add.insert(id.into());
        }
        (Self { board, id }, bell)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.board.state();
        if let Some(task) = state.tasks.get_mut(self.id) {
            task.waits -= 1;
            if task.waits == 0 {
                task.bell = None;
                match task.status() {
                    // Between two looks of one wait nobody is here; the task stays on the list.
                    Some(TaskStatus::Running { .. }) => {}
                    Some(TaskStatus::Gone) | None => {
                        state.tasks.remove(self.id);
                        state.add.remove(self.id);
                    }
                    Some(_) => {
                        state.remove.insert(self.id.into());
                    }
                }
            }
        }
        // Whoever was called up may have been this one.
        state.call_up();
    }
}
