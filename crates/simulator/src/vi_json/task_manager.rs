//! The task manager: tasks of extensions, history collectors, pages of tasks.

use serde_json::{Value, json};

use super::fault::Fault;
use super::object::Object;
use super::own::Own;
use super::request::{self, Path, REFERENCE, ROOT_TYPE};
use super::session;
use super::task::{self, NewTask, VimTask};
use super::value::{answer, date_time, reference};
use super::view::{list, null_if_empty, texts};
use crate::exchange::Answer;
use crate::inventory::id_of;
use crate::service::Incoming;
use crate::shape::{Shape, optional, required};
use crate::world::World;

/// How many history collectors a session may have.
pub(super) const MOST_COLLECTORS: usize = 32;

static FILTER: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["TaskFilterSpec"])),
    optional(
        "entity",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["TaskFilterSpecByEntity"])),
            required("entity", REFERENCE),
            required("recursion", Shape::OneOf(&["self", "children", "all"])),
        ]),
    ),
    optional(
        "time",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["TaskFilterSpecByTime"])),
            required(
                "timeType",
                Shape::OneOf(&["queuedTime", "startedTime", "completedTime"]),
            ),
            optional("beginTime", Shape::Text),
            optional("endTime", Shape::Text),
        ]),
    ),
    optional(
        "userName",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["TaskFilterSpecByUsername"])),
            required("systemUser", Shape::Flag),
            optional("userList", Shape::List(&Shape::Text)),
        ]),
    ),
    optional("activationId", Shape::List(&Shape::Text)),
    optional(
        "state",
        Shape::List(&Shape::OneOf(&["queued", "running", "success", "error"])),
    ),
    optional("alarm", REFERENCE),
    optional("scheduledTask", REFERENCE),
    optional("eventChainId", Shape::List(&Shape::Integer)),
    optional("tag", Shape::List(&Shape::Text)),
    optional("parentTaskKey", Shape::List(&Shape::Text)),
    optional("rootTaskKey", Shape::List(&Shape::Text)),
]);
static INFO_FILTER: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["TaskInfoFilterSpec"])),
    optional(
        "filterTaskResults",
        Shape::Object(&[
            required(
                "_typeName",
                Shape::OneOf(&["TaskInfoFilterSpecFilterTaskResults"]),
            ),
            optional("removeAll", Shape::Flag),
            optional("descriptionIds", Shape::List(&Shape::Text)),
            optional("filterIn", Shape::Flag),
        ]),
    ),
]);
static COLLECTOR: Shape = Shape::Object(&[ROOT_TYPE, required("filter", Shape::Nested(&FILTER))]);
static COLLECTOR_WITH_INFO: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("filter", Shape::Nested(&FILTER)),
    optional("infoFilter", Shape::Nested(&INFO_FILTER)),
]);
static CREATE: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("obj", REFERENCE),
    required("taskTypeId", Shape::Text),
    optional("initiatedBy", Shape::Text),
    required("cancelable", Shape::Flag),
    optional("parentTaskKey", Shape::Text),
    optional("activationId", Shape::Text),
]);
static PAGE: Shape = Shape::Object(&[
    ROOT_TYPE,
    required(
        "viewSpec",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["TaskManagerViewByStartId"])),
            required("count", Shape::Integer),
            required("startId", Shape::Text),
        ]),
    ),
    required("filterSpec", Shape::Nested(&FILTER)),
    optional("infoFilterSpec", Shape::Nested(&INFO_FILTER)),
]);

/// A method of the task manager.
pub(super) fn handle(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    match path.member.as_str() {
        "CreateTask" => create(world, incoming),
        "CreateCollectorForTasks" => {
            let body = request::body(incoming.request, &COLLECTOR)?;
            collector(world, incoming, &body)
        }
        "CreateCollectorWithInfoFilterForTasks" => {
            let body = request::body(incoming.request, &COLLECTOR_WITH_INFO)?;
            collector(world, incoming, &body)
        }
        _ => {
            request::since(path, [9, 0, 0, 0])?;
            let body = request::body(incoming.request, &PAGE)?;
            let count = body["viewSpec"]["count"]
                .as_i64()
                .and_then(|count| usize::try_from(count).ok());
            let count = count
                .ok_or_else(|| Fault::invalid_argument(Some("viewSpec.count"), "It may not be negative."))?;
            let start = body["viewSpec"]["startId"].as_str().unwrap_or_default();
            let after = world
                .vi_json
                .tasks
                .get(incoming.endpoint, start)
                .map_or(0, |task| task.chain);
            let tasks = world.vi_json.tasks.of(incoming.endpoint).into_iter();
            let tasks = tasks.filter(|task| {
                task.chain > after && fits(world, incoming.endpoint, task, &body["filterSpec"])
            });
            let results = &body["infoFilterSpec"]["filterTaskResults"];
            let infos = tasks.take(count).map(|task| {
                let mut info = task.info(&world.core, incoming.endpoint);
                if let Some(members) = info.as_object_mut().filter(|_| drops_result(task, results)) {
                    members.remove("result");
                }
                info
            });
            Ok(answer(&null_if_empty(infos.collect())))
        }
    }
}

/// `TaskManager.CreateTask`: a task that somebody else runs.
fn create(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Fault> {
    let body = request::body(incoming.request, &CREATE)?;
    let vcenter = incoming.endpoint;
    let object = Object::referred(world, vcenter, &body["obj"])?;
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let parent = text("parentTaskKey");
    let known = parent.as_ref().map(|key| {
        world
            .vi_json
            .tasks
            .get(vcenter, key)
            .map(|task| task.root.clone())
    });
    let Some(known) = known.map_or(Some(None), |known| known.map(Some)) else {
        return Err(Fault::invalid_argument(
            Some("parentTaskKey"),
            "There is no such task.",
        ));
    };
    let root = known.and_then(|root| root.or_else(|| parent.clone()));
    let user = session::own(world, incoming, |own: &mut Own| own.user.clone())?;
    let new = NewTask {
        method: "",
        entity: Some((object.type_name.to_owned(), object.mo_id)),
        cancelable: body["cancelable"] == json!(true),
        work_ms: None,
        starts: false,
    };
    let key = task::begin(world, vcenter, new);
    task::change(world, vcenter, &key, |task| {
        task.description_id = text("taskTypeId").unwrap_or_default();
        task.user = text("initiatedBy").unwrap_or(user);
        task.parent = parent;
        task.root = root;
        task.activation = text("activationId");
    });
    let info = world
        .vi_json
        .tasks
        .get(vcenter, &key)
        .map(|task| task.info(&world.core, vcenter));
    Ok(answer(&info.unwrap_or_default()))
}

fn collector(world: &mut World, incoming: &Incoming<'_>, body: &Value) -> Result<Answer, Fault> {
    let id = session::own(world, incoming, |own: &mut Own| {
        if own.histories.len() >= MOST_COLLECTORS {
            return None;
        }
        let id = own.new_id();
        own.histories.insert(id.clone(), body["filter"].clone());
        Some(id)
    })?;
    let id = id.ok_or_else(|| Fault::new("InvalidState", "No more collectors for this session."))?;
    Ok(answer(&reference("TaskHistoryCollector", &id)))
}

fn drops_result(task: &VimTask, results: &Value) -> bool {
    let listed = texts(results, "descriptionIds").contains(&task.description_id);
    // With `filterIn` the results of those named are kept, otherwise those of the others.
    let kept = if results["filterIn"] == json!(true) {
        listed
    } else {
        !listed
    };
    results["removeAll"] == json!(true) || !results.is_null() && !kept
}

/// Whether a task fits a `TaskFilterSpec`.
fn fits(world: &World, vcenter: &str, task: &VimTask, filter: &Value) -> bool {
    let among = |name: &str, own: Option<&str>| {
        let wanted = list(filter, name);
        wanted.is_empty() || own.is_some_and(|own| wanted.iter().any(|wanted| wanted == own))
    };
    let chains = list(filter, "eventChainId");
    let no_trigger =
        filter["alarm"].is_null() && filter["scheduledTask"].is_null() && list(filter, "tag").is_empty();
    no_trigger
        && among("state", Some(task.state.text()))
        && among("activationId", task.activation.as_deref())
        && among("parentTaskKey", task.parent.as_deref())
        && among("rootTaskKey", task.root.as_deref())
        && (chains.is_empty() || chains.contains(&json!(task.chain)))
        && by_user(task, &filter["userName"])
        && by_time(world, vcenter, task, &filter["time"])
        && by_entity(world, vcenter, task, &filter["entity"])
}

fn by_user(task: &VimTask, filter: &Value) -> bool {
    let users = texts(filter, "userList");
    filter.is_null() || users.is_empty() && filter["systemUser"] == json!(false) || users.contains(&task.user)
}

fn by_time(world: &World, vcenter: &str, task: &VimTask, filter: &Value) -> bool {
    if filter.is_null() {
        return true;
    }
    let at_ms = match filter["timeType"].as_str() {
        Some("queuedTime") => Some(task.queued_ms),
        Some("startedTime") => task.started_ms,
        _ => task.ended_ms,
    };
    let Some(at_ms) = at_ms else { return false };
    let at: Option<jiff::Timestamp> = date_time(&world.core, vcenter, at_ms).parse().ok();
    let bound = |name: &str| {
        filter[name]
            .as_str()
            .and_then(|text| text.parse::<jiff::Timestamp>().ok())
    };
    at.is_some_and(|at| {
        bound("beginTime").is_none_or(|begin| at >= begin) && bound("endTime").is_none_or(|end| at <= end)
    })
}

fn by_entity(world: &World, vcenter: &str, task: &VimTask, filter: &Value) -> bool {
    let Some(wanted) = id_of(&filter["entity"]) else {
        return true;
    };
    let Some((_, own)) = &task.entity else {
        return false;
    };
    let parent = |id: &str| world.inventory.entity(vcenter, id)?.ids("parent").pop();
    let above = std::iter::successors(parent(own), |id| parent(id));
    match filter["recursion"].as_str() {
        Some("self") => *own == wanted,
        Some("children") => above.take(1).any(|id| id == wanted),
        _ => *own == wanted || above.take(64).any(|id| id == wanted),
    }
}

/// `TaskDescription`.
pub(super) fn description() -> Value {
    let element = |type_name: &str, key: &str, label: &str| json!({"_typeName": type_name, "label": label, "summary": format!("{label}."), "key": key});
    let methods = [
        ("Folder.registerVm", "Register virtual machine"),
        ("VirtualMachine.powerOn", "Power on virtual machine"),
        ("VirtualMachine.powerOff", "Power off virtual machine"),
    ];
    let states = [
        ("queued", "Queued"),
        ("running", "Running"),
        ("success", "Success"),
        ("error", "Error"),
    ];
    json!({
        "_typeName": "TaskDescription",
        "methodInfo": methods.map(|(key, label)| element("ElementDescription", key, label)),
        "state": states.map(|(key, label)| element("ElementDescription", key, label)),
        "reason": [element("TypeDescription", "TaskReasonUser", "User")],
    })
}
