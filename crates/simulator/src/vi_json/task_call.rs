//! The calls on tasks.

use serde_json::{Value, json};

use super::body::{self, Parameter};
use super::fault::Fault;
use super::request::{self, NO_PARAMETERS, Path, ROOT_TYPE};
use super::task::{self, FIELD, FIELD_NAME, State};
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::shape::{Shape, optional, required};
use crate::world::World;

static PROGRESS: Shape = Shape::Object(&[ROOT_TYPE, required("percentDone", Shape::Integer)]);
static DESCRIPTION: &[Parameter] = &[body::needed("description", "LocalizableMessage")];
static STATE: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("state", Shape::OneOf(&["queued", "running", "success", "error"])),
    optional("result", Shape::Boxed),
    optional("fault", Shape::Boxed),
]);
static CUSTOM: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("key", Shape::Text),
    required("value", Shape::Text),
]);

/// A method of a task that is there.
pub(super) fn handle(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let (vcenter, key) = (incoming.endpoint, path.mo_id.as_str());
    let known = world.vi_json.tasks.get(vcenter, key);
    let state = known
        .map(|task| task.state)
        .ok_or_else(|| Fault::no_such_object("Task", key))?;
    match path.member.as_str() {
        "CancelTask" => {
            request::body(incoming.request, &NO_PARAMETERS)?;
            task::cancel(world, vcenter, key)?;
        }
        "UpdateProgress" => {
            let body = request::body(incoming.request, &PROGRESS)?;
            if state != State::Running {
                return Err(Fault::new("InvalidState", "The task is not running."));
            }
            let percent = body["percentDone"].as_i64().unwrap_or_default().clamp(0, 100);
            let percent = i32::try_from(percent).unwrap_or_default();
            task::change(world, vcenter, key, |task| task.progress = Some(percent));
        }
        "SetTaskDescription" => {
            let body = body::read(incoming.request, DESCRIPTION)?;
            task::change(world, vcenter, key, |task| {
                task.description = Some(body["description"].clone())
            });
        }
        "SetTaskState" => set_state(world, incoming, key, state)?,
        _ => {
            let body = request::body(incoming.request, &CUSTOM)?;
            if body["key"] != FIELD_NAME {
                return Err(Fault::invalid_argument(
                    Some("key"),
                    "There is no such custom field.",
                ));
            }
            let value = body["value"].as_str().unwrap_or_default().to_owned();
            task::change(world, vcenter, key, |task| {
                task.custom.insert(FIELD, value);
            });
        }
    }
    Ok(Answer::empty(204))
}

/// `Task.SetTaskState`: the result goes with success, the fault with an error.
fn set_state(world: &mut World, incoming: &Incoming<'_>, key: &str, state: State) -> Result<(), Fault> {
    let body = request::body(incoming.request, &STATE)?;
    let given = |name: &str| body.get(name).filter(|value| !value.is_null()).cloned();
    let (result, fault) = (given("result"), given("fault"));
    if let Some(fault) = &fault {
        body::fault("fault", fault)?;
    }
    if let Some(result) = &result {
        body::boxed("result", result)?;
    }
    let wanted = body["state"].as_str().unwrap_or_default();
    let fits = match wanted {
        "success" => fault.is_none(),
        "error" => result.is_none(),
        _ => result.is_none() && fault.is_none(),
    };
    if state.is_end() || !fits {
        return Err(Fault::new(
            "InvalidState",
            "The task has ended, or result and fault do not fit the state.",
        ));
    }
    let vcenter = incoming.endpoint;
    let now_ms = world.core.now_ms;
    match wanted {
        "success" => task::end(world, vcenter, key, Ok(result)),
        "error" => {
            let fault = fault.unwrap_or_else(|| json!({"_typeName": "MethodFault"}));
            task::end(world, vcenter, key, Err(Fault::given(&fault)));
            // As it was given, message and all.
            task::change(world, vcenter, key, |task| task.error = Some(fault));
        }
        "running" => task::change(world, vcenter, key, |task| {
            task.state = State::Running;
            task.started_ms.get_or_insert(now_ms);
        }),
        _ => task::change(world, vcenter, key, |task| task.state = State::Queued),
    }
    Ok(())
}

/// The recent tasks of an object, or of all, as references; `null` if there are none.
pub(crate) fn recent(world: &World, vcenter: &str, entity: Option<&str>) -> Value {
    let of_entity = |task: &&task::VimTask| {
        entity.is_none_or(|wanted| task.entity.as_ref().is_some_and(|(_, id)| id == wanted))
    };
    let tasks = world.vi_json.tasks.of(vcenter);
    let tasks = tasks.into_iter().filter(of_entity);
    let tasks: Vec<Value> = tasks
        .map(|task| super::value::reference("Task", &task.key))
        .collect();
    if tasks.is_empty() {
        Value::Null
    } else {
        Value::Array(tasks)
    }
}
