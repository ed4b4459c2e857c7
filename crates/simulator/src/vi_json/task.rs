//! Tasks of a vCenter: begun, at work, ended, and forgotten a while later.
//!
//! Who does work calls [`begin`] when it is taken and [`end`] when it is done; between the two the task runs by itself, and
//! [`is_over`] tells whether somebody cancelled it meanwhile, in which case the work is not done.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::CancelEnd;
use super::fault::Fault;
use super::value::{date_time, reference};
use crate::core::Core;
use crate::event::Event;
use crate::overview::RunningTask;
use crate::world::World;

/// How long a task is queued, in milliseconds.
const QUEUED_MS: i64 = 40;

/// How long after a cancel a task ends, in milliseconds.
const CANCEL_MS: i64 = 120;

/// How long a task is kept once it has ended, in milliseconds.
const KEPT_MS: i64 = 10 * 60_000;

/// What a task is to be.
#[derive(Debug, Clone)]
pub(crate) struct NewTask {
    /// The method that starts it, without `_Task`: `PowerOnVM`. Empty for the server's own work.
    pub(crate) method: &'static str,
    /// What it works on: type and id.
    pub(crate) entity: Option<(String, String)>,
    /// Whether it can be cancelled.
    pub(crate) cancelable: bool,
    /// How long it will take in milliseconds, if it is to tell of its progress.
    pub(crate) work_ms: Option<i64>,
    /// Whether it begins by itself; otherwise whoever runs it says so.
    pub(crate) starts: bool,
}

/// Whether a task waits, runs, or has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Queued,
    Running,
    Success,
    Error,
}

impl State {
    /// As the wire has it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Success => "success",
            Self::Error => "error",
        }
    }

    /// Whether it is an end.
    pub(crate) fn is_end(self) -> bool {
        matches!(self, Self::Success | Self::Error)
    }
}

/// A task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct VimTask {
    /// Its id.
    pub(crate) key: String,
    pub(crate) method: String,
    pub(crate) description_id: String,
    pub(crate) entity: Option<(String, String)>,
    pub(crate) entity_name: String,
    pub(crate) user: String,
    pub(crate) state: State,
    pub(crate) cancelable: bool,
    pub(crate) cancelled: bool,
    pub(crate) progress: Option<i32>,
    pub(crate) description: Option<Value>,
    pub(crate) error: Option<Value>,
    pub(crate) result: Option<Value>,
    pub(crate) queued_ms: i64,
    pub(crate) started_ms: Option<i64>,
    pub(crate) ended_ms: Option<i64>,
    pub(crate) chain: u32,
    pub(crate) parent: Option<String>,
    pub(crate) root: Option<String>,
    pub(crate) activation: Option<String>,
    /// The values of custom fields, by key.
    pub(crate) custom: BTreeMap<i64, String>,
}

/// What happens to a task by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum TaskEvent {
    /// It begins.
    Starts { vcenter: String, key: String },
    /// It has come so far, in percent.
    Comes {
        vcenter: String,
        key: String,
        percent: i32,
    },
    /// It ends because it was asked to.
    Stops { vcenter: String, key: String },
    /// Work of the server's own ends.
    Ends {
        vcenter: String,
        key: String,
        outcome: Result<Option<Value>, Fault>,
    },
    /// It is forgotten.
    Forgotten { vcenter: String, key: String },
}

/// The tasks of all vCenters, by vCenter and key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Tasks {
    #[serde(with = "crate::saved::pairs")]
    by_key: BTreeMap<(String, String), VimTask>,
    made: u32,
}

impl Tasks {
    /// A task.
    pub(crate) fn get(&self, vcenter: &str, key: &str) -> Option<&VimTask> {
        self.by_key.get(&(vcenter.to_owned(), key.to_owned()))
    }

    fn get_mut(&mut self, vcenter: &str, key: &str) -> Option<&mut VimTask> {
        self.by_key.get_mut(&(vcenter.to_owned(), key.to_owned()))
    }

    /// The tasks of all vCenters that have not ended.
    pub(crate) fn running(&self) -> impl Iterator<Item = RunningTask> {
        let running = self.by_key.iter().filter(|(_, task)| !task.state.is_end());
        running.map(|((vcenter, key), task)| RunningTask {
            endpoint: vcenter.clone(),
            id: key.clone(),
            work: task.method.clone(),
            since_ms: task.queued_ms,
        })
    }

    /// All tasks of a vCenter, the oldest first.
    pub(crate) fn of(&self, vcenter: &str) -> Vec<&VimTask> {
        let mut tasks: Vec<_> = self
            .by_key
            .iter()
            .filter(|((at, _), _)| at == vcenter)
            .map(|(_, task)| task)
            .collect();
        tasks.sort_by_key(|task| task.chain);
        tasks
    }
}

fn schedule(core: &mut Core, delay_ms: i64, event: TaskEvent) {
    core.schedule_in(delay_ms, Event::Task(event));
}

/// Begins a task and gives its id.
pub(crate) fn begin(world: &mut World, vcenter: &str, new: NewTask) -> String {
    let tasks = &mut world.vi_json.tasks;
    tasks.made += 1;
    let (number, key) = (tasks.made, format!("task-{}", tasks.made));
    let of_entity = |new: &NewTask| {
        let (_, id) = new.entity.as_ref()?;
        let name = world.inventory.entity(vcenter, id)?.get("name")?.as_str()?;
        Some(name.to_owned())
    };
    let entity_name = of_entity(&new).unwrap_or_default();
    let type_name = new.entity.as_ref().map_or("Task", |(type_name, _)| type_name);
    let mut letters = new.method.trim_end_matches("VM").chars();
    let verb: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_lowercase)
        .chain(letters)
        .collect();
    let task = VimTask {
        key: key.clone(),
        method: new.method.to_owned(),
        description_id: format!("{type_name}.{verb}"),
        entity: new.entity,
        entity_name,
        user: "VSPHERE.LOCAL\\operator".to_owned(),
        state: State::Queued,
        cancelable: new.cancelable,
        cancelled: false,
        progress: None,
        description: None,
        error: None,
        result: None,
        queued_ms: world.core.now_ms,
        started_ms: None,
        ended_ms: None,
        chain: number,
        parent: None,
        root: None,
        activation: None,
        custom: BTreeMap::new(),
    };
    let events = new
        .work_ms
        .into_iter()
        .flat_map(|work_ms| [25, 50, 75].map(|percent| (work_ms, percent)));
    let events = events.filter(|(work_ms, percent)| work_ms * percent / 100 > QUEUED_MS);
    for (work_ms, percent) in events {
        let event = TaskEvent::Comes {
            vcenter: vcenter.to_owned(),
            key: key.clone(),
            percent: i32::try_from(percent).unwrap_or_default(),
        };
        schedule(&mut world.core, work_ms * percent / 100, event);
    }
    let starts = TaskEvent::Starts {
        vcenter: vcenter.to_owned(),
        key: key.clone(),
    };
    if new.starts {
        schedule(&mut world.core, QUEUED_MS, starts);
    }
    world
        .core
        .note_task(vcenter, &key, task.method.clone(), "running");
    insert(world, vcenter, task);
    key
}

/// Adds a task as it is.
pub(crate) fn insert(world: &mut World, vcenter: &str, task: VimTask) {
    let key = task.key.clone();
    world
        .vi_json
        .tasks
        .by_key
        .insert((vcenter.to_owned(), key.clone()), task);
    world.inventory.touch(vcenter, &key);
}

/// Ends a task with its result, or with why it failed. One that has ended or is gone stays as it is.
pub(crate) fn end(world: &mut World, vcenter: &str, key: &str, outcome: Result<Option<Value>, Fault>) {
    let now_ms = world.core.now_ms;
    let task = world.vi_json.tasks.get_mut(vcenter, key);
    let Some(task) = task.filter(|task| !task.state.is_end()) else {
        return;
    };
    task.started_ms.get_or_insert(now_ms);
    task.ended_ms = Some(now_ms);
    task.progress = None;
    let state = if outcome.is_ok() { "succeeded" } else { "failed" };
    let work = task.method.clone();
    match outcome {
        Ok(result) => {
            task.state = State::Success;
            task.result = result;
        }
        Err(fault) => {
            task.state = State::Error;
            task.error = Some(fault.to_json());
        }
    }
    let forgotten = TaskEvent::Forgotten {
        vcenter: vcenter.to_owned(),
        key: key.to_owned(),
    };
    schedule(&mut world.core, KEPT_MS, forgotten);
    world.core.note_task(vcenter, key, work, state);
    world.inventory.touch(vcenter, key);
}

/// Whether a task has ended or is gone, so that nobody is to do its work.
pub(crate) fn is_over(world: &World, vcenter: &str, key: &str) -> bool {
    world
        .vi_json
        .tasks
        .get(vcenter, key)
        .is_none_or(|task| task.state.is_end())
}

/// Changes a task that is there, for whoever runs it.
pub(crate) fn change(world: &mut World, vcenter: &str, key: &str, change: impl FnOnce(&mut VimTask)) {
    if let Some(task) = world.vi_json.tasks.get_mut(vcenter, key) {
        change(task);
        world.inventory.touch(vcenter, key);
    }
}

/// Asks a task to stop.
pub(crate) fn cancel(world: &mut World, vcenter: &str, key: &str) -> Result<(), Fault> {
    let task = world.vi_json.tasks.get_mut(vcenter, key);
    let task = task.ok_or_else(|| Fault::no_such_object("Task", key))?;
    if task.state.is_end() || task.cancelled {
        return Err(Fault::new(
            "InvalidState",
            "The task has ended or was asked before.",
        ));
    }
    if !task.cancelable {
        return Err(Fault::new("NotSupported", "The task cannot be cancelled."));
    }
    task.cancelled = true;
    task.cancelable = false;
    if world.vi_json.spec.cancel_end != CancelEnd::GoesOn {
        let stops = TaskEvent::Stops {
            vcenter: vcenter.to_owned(),
            key: key.to_owned(),
        };
        schedule(&mut world.core, CANCEL_MS, stops);
    }
    world.inventory.touch(vcenter, key);
    Ok(())
}

/// Forgets a task, or all of a vCenter.
pub(crate) fn forget(world: &mut World, vcenter: &str, key: Option<&str>) {
    let tasks = &mut world.vi_json.tasks.by_key;
    let keys: Vec<String> = match key {
        Some(key) => vec![key.to_owned()],
        None => {
            let here = tasks.keys().filter(|(at, _)| at == vcenter);
            here.map(|(_, key)| key.clone()).collect()
        }
    };
    for key in keys {
        let known = (vcenter.to_owned(), key);
        if world.vi_json.tasks.by_key.remove(&known).is_some() {
            world.inventory.touch(vcenter, &known.1);
        }
    }
}

/// Begins work of the server's own, which ends by itself.
pub(crate) fn run(
    world: &mut World,
    vcenter: &str,
    work_ms: i64,
    outcome: Result<Option<Value>, Fault>,
) -> String {
    let new = NewTask {
        method: "",
        entity: Some(("Folder".to_owned(), crate::inventory::ROOT_FOLDER.to_owned())),
        cancelable: true,
        work_ms: Some(work_ms),
        starts: true,
    };
    let key = begin(world, vcenter, new);
    let ends = TaskEvent::Ends {
        vcenter: vcenter.to_owned(),
        key: key.clone(),
        outcome,
    };
    schedule(&mut world.core, work_ms, ends);
    key
}

/// Lets an event happen.
pub(crate) fn happen(world: &mut World, event: TaskEvent) {
    let now_ms = world.core.now_ms;
    let running = |world: &mut World, vcenter: &str, key: &str, change_to: &dyn Fn(&mut VimTask)| {
        if !is_over(world, vcenter, key) {
            change(world, vcenter, key, change_to);
        }
    };
    match event {
        TaskEvent::Starts { vcenter, key } => running(world, &vcenter, &key, &|task| {
            task.state = State::Running;
            task.started_ms = Some(now_ms);
        }),
        TaskEvent::Comes {
            vcenter,
            key,
            percent,
        } => {
            running(world, &vcenter, &key, &|task| task.progress = Some(percent));
        }
        TaskEvent::Stops { vcenter, key } => {
            let end_as = world.vi_json.spec.cancel_end;
            let fault = if end_as == CancelEnd::OtherFault {
                Fault::new("SystemError", "The task was cancelled.").with("reason", "cancelled")
            } else {
                Fault::new("RequestCanceled", "The task was cancelled.")
            };
            if !is_over(world, &vcenter, &key) {
                end(world, &vcenter, &key, Err(fault));
                if end_as == CancelEnd::NoFault {
                    change(world, &vcenter, &key, |task| task.error = None);
                }
            }
        }
        TaskEvent::Ends {
            vcenter,
            key,
            outcome,
        } => end(world, &vcenter, &key, outcome),
        TaskEvent::Forgotten { vcenter, key } => forget(world, &vcenter, Some(&key)),
    }
}

impl VimTask {
    /// `TaskInfo`.
    pub(crate) fn info(&self, core: &Core, vcenter: &str) -> Value {
        let mut info = json!({
            "_typeName": "TaskInfo",
            "key": self.key,
            "task": reference("Task", &self.key),
            "descriptionId": self.description_id,
            "state": self.state.text(),
            "cancelled": self.cancelled,
            "cancelable": self.cancelable && !self.state.is_end(),
            "reason": {"_typeName": "TaskReasonUser", "userName": self.user},
            "queueTime": date_time(core, vcenter, self.queued_ms),
            "eventChainId": self.chain,
        });
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                info[name] = value;
            }
        };
        set("description", self.description.clone());
        set(
            "name",
            (!self.method.is_empty()).then(|| json!(format!("{}_Task", self.method))),
        );
        let entity = self.entity.as_ref();
        set("entity", entity.map(|(type_name, id)| reference(type_name, id)));
        set("entityName", entity.map(|_| json!(self.entity_name)));
        set("error", self.error.clone());
        set("result", self.result.clone());
        set("progress", self.progress.map(|percent| json!(percent)));
        set(
            "startTime",
            self.started_ms
                .map(|at_ms| json!(date_time(core, vcenter, at_ms))),
        );
        set(
            "completeTime",
            self.ended_ms.map(|at_ms| json!(date_time(core, vcenter, at_ms))),
        );
        set("parentTaskKey", self.parent.as_ref().map(|key| json!(key)));
        set("rootTaskKey", self.root.as_ref().map(|key| json!(key)));
        set("activationId", self.activation.as_ref().map(|id| json!(id)));
        info
    }
}

/// A property of a task.
pub(crate) fn property(world: &World, vcenter: &str, key: &str, name: &str) -> Option<Value> {
    let task = world.vi_json.tasks.get(vcenter, key)?;
    match name {
        "info" => Some(task.info(&world.core, vcenter)),
        "value" => {
            let values = task.custom.iter().map(
                |(key, value)| json!({"_typeName": "CustomFieldStringValue", "key": key, "value": value}),
            );
            let values: Vec<Value> = values.collect();
            Some(if values.is_empty() {
                Value::Null
            } else {
                Value::Array(values)
            })
        }
        "availableField" => Some(json!([{
            "_typeName": "CustomFieldDef",
            "key": FIELD,
            "name": FIELD_NAME,
            "type": "string",
            "managedObjectType": "Task",
        }])),
        _ => None,
    }
}

/// The one custom field that tasks have.
pub(crate) const FIELD: i64 = 101;
pub(crate) const FIELD_NAME: &str = "runbook";
