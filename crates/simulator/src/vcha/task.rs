//! Tasks of the REST services.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::RestError;
use super::site::Site;
use super::spec::{AfterSwitch, TaskIds, VchaSpec};
use super::work::Work;
use crate::core::Core;
use crate::overview::RunningTask;
use crate::saved::Name;
use crate::shape::{Shape, optional, required};
use crate::world::World;

/// How long a task is pending, in milliseconds.
const PENDING_MS: i64 = 50;

/// The most tasks that a list holds.
const MOST_LISTED: usize = 1_000;

const SERVICE: &str = "com.vmware.vcenter.vcha.cluster";

static FLAGS: Shape = Shape::Object(&[
    optional("return_all", Shape::Flag),
    optional("exclude_result", Shape::Flag),
]);
pub(super) static LIST: Shape = Shape::Object(&[
    optional(
        "filter_spec",
        Shape::Object(&[
            optional("tasks", Shape::List(&Shape::Text)),
            optional("services", Shape::List(&Shape::Text)),
            optional("operations", Shape::List(&Shape::Text)),
            optional(
                "status",
                Shape::List(&Shape::OneOf(&[
                    "PENDING",
                    "RUNNING",
                    "BLOCKED",
                    "SUCCEEDED",
                    "FAILED",
                ])),
            ),
            optional("targets", Shape::List(&TARGET)),
            optional("users", Shape::List(&Shape::Text)),
        ]),
    ),
    optional("result_spec", Shape::Anything),
]);
static TARGET: Shape = Shape::Object(&[required("type", Shape::Text), required("id", Shape::Text)]);

/// A task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CisTask {
    id: String,
    vcenter: String,
    user: String,
    #[serde(with = "crate::saved::name")]
    service: crate::saved::Text,
    operation: String,
    description: (Name, Name),
    cancelable: bool,
    /// The machine of the node that was active.
    target: Option<String>,
    created_ms: i64,
    work_ms: i64,
    ended_ms: Option<i64>,
    /// Why it failed.
    error: Option<RestError>,
    /// What it reads once its node has gone away, if it is known then.
    pub(super) survives: Option<AfterSwitch>,
}

/// How much of a task is told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted {
    pub(super) all: bool,
    /// Also that there is no result.
    pub(super) result: bool,
}

impl Wanted {
    /// The members of the body of a list, which never says that there is no result.
    fn of_spec(spec: &Value) -> Result<Self, RestError> {
        if !spec.is_null() {
            FLAGS.check(spec)?;
        }
        Ok(Self {
            all: spec["return_all"] == json!(true),
            result: false,
        })
    }

    /// The parameters of the query of a get.
    pub(super) fn of_query(pairs: &[(String, String)]) -> Result<Self, RestError> {
        let mut wanted = Self::default();
        let mut excluded = false;
        for (name, value) in pairs {
            let flag = match value.as_str() {
                "true" => true,
                "false" => false,
                _ => return Err(RestError::invalid_argument(format!("{name} is true or false."))),
            };
            match name.as_str() {
                "return_all" => wanted.all = flag,
                "exclude_result" => excluded = flag,
                _ => {
                    return Err(RestError::invalid_argument(format!(
                        "There is no parameter {name}."
                    )));
                }
            }
        }
        wanted.result = wanted.all && !excluded;
        Ok(wanted)
    }
}

impl CisTask {
    /// A task for some work.
    pub(super) fn new(
        core: &mut Core,
        spec: &VchaSpec,
        number: u64,
        vcenter: &str,
        user: &str,
        work: &Work,
    ) -> Self {
        let uuid = core.uuid("cis-task");
        let id = match spec.task_ids {
            TaskIds::Uuid => format!("{uuid}:com.vmware.vcenter.vcha"),
            TaskIds::Short => format!("task-{number}"),
            TaskIds::Odd => format!("pool/a b?#%:{number}"),
        };
        let (part, name) = work.operation().split_once('.').unwrap_or(("", work.operation()));
        let service = match part {
            "mode" => "com.vmware.vcenter.vcha.cluster.mode",
            "passive" => "com.vmware.vcenter.vcha.cluster.passive",
            "witness" => "com.vmware.vcenter.vcha.cluster.witness",
            _ => SERVICE,
        };
        let (message, text) = work.description();
        let suffix = if spec.plain_operations { "" } else { "$task" };
        Self {
            id,
            vcenter: vcenter.to_owned(),
            user: user.to_owned(),
            service,
            operation: format!("{name}{suffix}"),
            description: (Name(message), Name(text)),
            cancelable: work.is_cancelable(),
            target: None,
            created_ms: core.now_ms(),
            work_ms: 0,
            ended_ms: None,
            error: None,
            survives: None,
        }
    }

    /// Names the machine of the active node as its object.
    pub(super) fn with_target(mut self, site: Option<&Site>) -> Self {
        let cluster = site.and_then(Site::cluster);
        self.target = cluster.map(|cluster| cluster.nodes[cluster.active].vm.id.clone());
        self
    }

    /// How long it takes.
    pub(super) fn lasting(mut self, work_ms: i64) -> Self {
        self.work_ms = work_ms;
        self
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// What it does.
    pub(super) fn work(&self) -> &str {
        &self.operation
    }

    /// What somebody sees of it who watches the world.
    pub(super) fn seen(&self) -> RunningTask {
        RunningTask {
            endpoint: self.vcenter.clone(),
            id: self.id.clone(),
            work: self.operation.clone(),
            since_ms: self.created_ms,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended_ms.is_some()
    }

    pub(super) fn is_cancelable(&self) -> bool {
        self.cancelable
    }

    pub(super) fn end(&mut self, now_ms: i64, error: Option<RestError>) {
        if self.ended_ms.is_none() {
            self.ended_ms = Some(now_ms);
            self.error = error;
        }
    }

    /// Its node goes away: whether it is known to the next one.
    pub(super) fn survive(&mut self, now_ms: i64) -> bool {
        let Some(survives) = self.survives else {
            return false;
        };
        let error = match survives {
            AfterSwitch::Gone => return false,
            AfterSwitch::Succeeded => None,
            AfterSwitch::Failed => {
                let text = "The node that worked on it went away.";
                Some(RestError::new(500, "ERROR", "sim.task.node.gone", text))
            }
        };
        self.end(now_ms, error);
        true
    }

    fn status(&self, spec: &VchaSpec, now_ms: i64) -> &'static str {
        let done_ms = now_ms - self.created_ms;
        match (self.ended_ms, &self.error) {
            (Some(_), Some(_)) => "FAILED",
            (Some(_), None) => "SUCCEEDED",
            (None, _) if done_ms < PENDING_MS => "PENDING",
            (None, _) if spec.blocks && done_ms * 3 / self.work_ms.max(1) == 1 => "BLOCKED",
            (None, _) => "RUNNING",
        }
    }

    /// `Cis.Task.Info`.
    pub(super) fn info(&self, core: &Core, spec: &VchaSpec, wanted: Wanted) -> Value {
        let now_ms = core.now_ms();
        let status = self.status(spec, now_ms);
        let mut info = Map::new();
        let mut set = |name: &str, value: Value| info.insert(name.to_owned(), value);
        let text = |id: &str, text: &str| json!({"id": id, "default_message": text, "args": []});
        set("description", text(&self.description.0, &self.description.1));
        set("service", json!(self.service));
        set("operation", json!(self.operation));
        set("status", json!(status));
        set("cancelable", json!(self.cancelable));
        let little = spec.tells_little;
        if !little {
            set("user", json!(self.user));
        }
        if let Some(vm) = self.target.as_ref().filter(|_| wanted.all) {
            set("target", json!({"type": "VirtualMachine", "id": vm}));
        }
        if self.ended_ms.is_some() && wanted.result {
            set("result", Value::Null);
        }
        if let (Some(_), Some(error)) = (self.ended_ms, &self.error) {
            if spec.reasons_in_result {
                set("result", json!({"messages": error.to_json(spec)["messages"]}));
            } else {
                set("error", error.to_json(spec));
            }
        }
        if status == "PENDING" || little {
            return Value::Object(info);
        }
        let began_ms = self.created_ms + PENDING_MS;
        set("start_time", json!(time(core, &self.vcenter, began_ms)));
        set("progress", self.progress(spec, now_ms));
        if let Some(ended_ms) = self.ended_ms {
            set("end_time", json!(time(core, &self.vcenter, ended_ms)));
        }
        Value::Object(info)
    }

    fn progress(&self, spec: &VchaSpec, now_ms: i64) -> Value {
        let done = (now_ms - self.created_ms) * 100 / self.work_ms.max(1);
        let completed = if self.ended_ms.is_some() && self.error.is_none() {
            100
        } else {
            done.clamp(0, 99)
        };
        let total = if spec.zero_totals { 0 } else { 100 };
        let message = json!({"id": "sim.vcha.step", "default_message": "Working", "args": []});
        json!({"total": total, "completed": completed.min(total), "message": message})
    }

    fn fits(&self, filter: &Value, status: &str) -> bool {
        let listed = |name: &str, own: &str| {
            let wanted = filter[name].as_array().filter(|wanted| !wanted.is_empty());
            wanted.is_none_or(|wanted| wanted.iter().any(|text| text == own))
        };
        let target = json!({"type": "VirtualMachine", "id": self.target});
        let targets = filter["targets"].as_array().filter(|targets| !targets.is_empty());
        listed("tasks", &self.id)
            && listed("services", self.service)
            && listed("operations", &self.operation)
            && listed("status", status)
            && listed("users", &self.user)
            && targets.is_none_or(|targets| self.target.is_some() && targets.contains(&target))
    }
}

pub(super) fn unknown() -> RestError {
    RestError::new(404, "NOT_FOUND", "sim.task.unknown", "The task is not known.")
}

/// `Cis.Tasks_list`: by id, those that fit all conditions.
pub(super) fn list(world: &World, vcenter: &str, body: &Value) -> Result<Value, RestError> {
    let filter = &body["filter_spec"];
    let wanted = Wanted::of_spec(&body["result_spec"])?;
    let count = |name: &str| filter[name].as_array().map_or(0, Vec::len);
    if count("tasks") == 0 && count("services") == 0 {
        return Err(RestError::invalid_argument("Tasks or services must be given."));
    }
    if count("operations") > 0 && count("services") == 0 {
        return Err(RestError::invalid_argument("Operations need their services."));
    }
    let services = filter["services"].as_array().map_or(&[][..], Vec::as_slice);
    let provider = |service: &Value| {
        let parts = service.as_str().unwrap_or_default().split('.').take(3);
        parts.collect::<Vec<_>>().join(".")
    };
    if services
        .windows(2)
        .any(|pair| provider(&pair[0]) != provider(&pair[1]))
    {
        return Err(RestError::invalid_argument("All must be of one provider."));
    }
    let World { core, vcha, .. } = world;
    let mut found = Map::new();
    for ((at, id), task) in &vcha.tasks {
        if at == vcenter && task.fits(filter, task.status(&vcha.spec, core.now_ms())) {
            found.insert(id.clone(), task.info(core, &vcha.spec, wanted));
        }
    }
    if found.len() > MOST_LISTED {
        return Err(RestError::invalid_argument("More than 1000 tasks fit."));
    }
    Ok(Value::Object(found))
}

/// A point of world time as the clock of an endpoint shows it.
pub(super) fn time(core: &Core, endpoint: &str, world_ms: i64) -> String {
    core.server_time(endpoint, world_ms)
        .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}
