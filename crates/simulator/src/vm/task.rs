//! Tasks of vCenter for work on machines and files.

use serde_json::Value;

use super::{Job, Work, schedule};
use crate::call_log::Ticket;
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::vi_json::fault::Fault;
use crate::vi_json::object::Object;
use crate::vi_json::request::Path;
use crate::vi_json::task::{self as vim_task, NewTask};
use crate::vi_json::value::{answer, reference};
use crate::world::World;

/// Work that is taken: what its task is about, and how long it takes.
pub(super) struct Taken {
    /// The method, without the end that all tasks have: `PowerOnVM`.
    pub(super) method: &'static str,
    /// The type of the object.
    pub(super) type_name: &'static str,
    /// The id of the object.
    pub(super) about: String,
    /// Whether nothing else is done to the object meanwhile.
    pub(super) alone: bool,
    /// The work.
    pub(super) work: Work,
    /// How long it takes, in milliseconds.
    pub(super) range_ms: std::ops::Range<i64>,
}

/// Begins work that a call asked for.
pub(super) fn begin(world: &mut World, incoming: &Incoming<'_>, taken: Taken) -> Answer {
    world.core.calls.hold(incoming.ticket);
    let task = start(world, incoming.endpoint, taken, Some(incoming.ticket));
    answer(&reference("Task", &task))
}

/// A task that fails for what the call could have been refused for.
pub(super) fn refuse(world: &mut World, incoming: &Incoming<'_>, path: &Path, fault: Fault) -> Answer {
    let type_name = Object::find(world, incoming.endpoint, &path.mo_id).map_or("", |object| object.type_name);
    let taken = Taken {
        method: method_of(incoming.operation),
        type_name,
        about: path.mo_id.clone(),
        alone: false,
        work: Work::Refused(fault),
        range_ms: 50..300,
    };
    begin(world, incoming, taken)
}

/// Begins work and gives the id of its task.
pub(super) fn start(world: &mut World, vcenter: &str, taken: Taken, ticket: Option<Ticket>) -> String {
    let ms = world.core.work_ms("vm-work", &taken.about, taken.range_ms);
    let new = NewTask {
        method: taken.method,
        entity: Some((taken.type_name.to_owned(), taken.about.clone())),
        cancelable: false,
        work_ms: Some(ms),
        starts: true,
    };
    let task = vim_task::begin(world, vcenter, new);
    if taken.alone {
        let vms = &mut world.vms;
        if let Some(machine) = vms.machines.get_mut(&taken.about) {
            machine.busy = Some(task.clone());
        }
        if let Some(datastore) = vms.datastores.get_mut(&taken.about) {
            datastore.busy = Some(task.clone());
        }
    }
    let job = Job {
        vcenter: vcenter.to_owned(),
        task: task.clone(),
        about: taken.about,
        work: taken.work,
        ticket,
    };
    schedule(&mut world.core, ms, job);
    task
}

/// Ends work with its result, or with why it failed.
pub(super) fn end(world: &mut World, job: &Job, outcome: Result<Option<Value>, Fault>) {
    let World {
        core, vms, inventory, ..
    } = world;
    let busy = |busy: &mut Option<String>| {
        if busy.as_ref() == Some(&job.task) {
            *busy = None;
        }
    };
    if let Some(machine) = vms.machines.get_mut(&job.about) {
        busy(&mut machine.busy);
    }
    if let Some(datastore) = vms.datastores.get_mut(&job.about) {
        busy(&mut datastore.busy);
    }
    inventory.touch(&job.vcenter, &job.about);
    if let Some(ticket) = job.ticket {
        if outcome.is_ok() {
            core.calls.effect(ticket, core.now_ms);
        }
        core.calls.settle(ticket, core.now_ms);
    }
    vim_task::end(world, &job.vcenter, &job.task, outcome);
}

/// The method of an operation id, without the end that all tasks have.
fn method_of(operation: &'static str) -> &'static str {
    let method = operation.split_once('_').map_or(operation, |(_, method)| method);
    method.trim_end_matches("_Task")
}
