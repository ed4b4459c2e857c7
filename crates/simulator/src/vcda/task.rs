//! Tasks: what they show, the list, the bulk poll.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::{ApiError, Refusal};
use super::query::{self, Query, SortKey};
use super::{MEDIA_TYPE, Vcda, VcdaSpec, body, work};
use crate::call_log::Ticket;
use crate::core::Core;
use crate::endpoint::Session;
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::world::World;

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// The work was done; what it left.
    Succeeded(Value),
    /// The work was not done.
    Failed(ApiError),
}

/// The object of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Kind of object: `vmReplication`, `vappReplication`, `recoveryPlan`, `site`, `CLOUD`.
    #[serde(with = "crate::saved::name")]
    pub kind: crate::saved::Text,
    /// Its id, if it has one yet.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

/// A piece of work at a site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its id, a UUID.
    pub id: String,
    /// The site it runs at.
    pub site: String,
    /// Who asked for it.
    pub user: String,
    /// What it does: the `type` of its workflow.
    #[serde(with = "crate::saved::name")]
    pub workflow: crate::saved::Text,
    /// What it works on.
    pub resource: Resource,
    /// The organisation at the source when it began.
    pub source_org: String,
    /// The organisation at the destination when it began.
    pub destination_org: String,
    /// The `operationID` of the request.
    pub operation_id: Option<String>,
    /// World time at which it began, in milliseconds.
    pub started_ms: i64,
    /// World time at which it ends, in milliseconds.
    pub ends_ms: i64,
    /// How it ended; `None` while it runs.
    pub outcome: Option<Outcome>,
    /// Whether its site has forgotten it; the work goes on.
    pub forgotten: bool,
    pub(super) ticket: Ticket,
}

impl Task {
    /// A task that begins at this moment.
    pub(super) fn begin(
        core: &mut Core,
        incoming: &Incoming<'_>,
        session: &Session,
        workflow: &'static str,
        resource: Resource,
    ) -> Self {
        Self {
            id: core.uuid("task"),
            site: incoming.endpoint.to_owned(),
            user: session.user.clone(),
            workflow,
            resource,
            source_org: String::new(),
            destination_org: String::new(),
            operation_id: incoming.request.header_text("operationID").map(str::to_owned),
            started_ms: core.now_ms(),
            ends_ms: core.now_ms(),
            outcome: None,
            forgotten: false,
            ticket: incoming.ticket,
        }
    }

    /// Settles how long it is going to take, in milliseconds.
    pub(super) fn ends_in(&mut self, takes_ms: i64) {
        self.ends_ms = self.started_ms + takes_ms;
    }

    /// Keeps it, and answers the request that began it.
    pub(super) fn accepted(self, core: &mut Core, vcda: &mut Vcda, incoming: &Incoming<'_>) -> Answer {
        core.calls.hold(incoming.ticket);
        core.note_task(&self.site, &self.id, self.work(), "running");
        let answer = work::accepted(core, vcda, &self);
        if let Some(resource) = &self.resource.id {
            vcda.task_is_about(&self.id, resource);
        }
        vcda.tasks.insert(self.id.clone(), self);
        answer
    }

    /// What it does, and to what.
    pub(crate) fn work(&self) -> String {
        match &self.resource.name {
            Some(name) => format!("{} {name}", self.workflow),
            None => self.workflow.to_owned(),
        }
    }

    /// What its result is said to be.
    fn result_type(&self) -> &'static str {
        match self.resource.kind {
            "recoveryPlan" => "RecoveryPlanInfo",
            "CLOUD" => "CloudHealthInfo",
            other => other,
        }
    }

    /// Whether a site shows it.
    fn is_shown_at(&self, site: &str) -> bool {
        self.site == site && !self.forgotten
    }

    fn state(&self) -> &'static str {
        match self.outcome {
            None => "RUNNING",
            Some(Outcome::Succeeded(_)) => "SUCCEEDED",
            Some(Outcome::Failed(_)) => "FAILED",
        }
    }

    fn progress(&self, now_ms: i64) -> i64 {
        let passed = 100 * (now_ms - self.started_ms) / (self.ends_ms - self.started_ms).max(1);
        match self.outcome {
            Some(Outcome::Succeeded(_)) => 100,
            None | Some(Outcome::Failed(_)) => passed.clamp(0, 99),
        }
    }

    fn ended_ms(&self) -> Option<i64> {
        self.outcome.as_ref().map(|_| self.ends_ms)
    }

    /// The end on the server's clock; -1 while it runs.
    fn end_time(&self, core: &Core) -> i64 {
        self.ended_ms()
            .map_or(-1, |ended_ms| core.server_ms(&self.site, ended_ms))
    }

    /// The wire form, as of this moment.
    pub(super) fn to_json(&self, core: &Core, spec: &VcdaSpec) -> Value {
        let (result, error) = match &self.outcome {
            None => (Value::Null, Value::Null),
            Some(Outcome::Succeeded(_)) if spec.no_results => (Value::Null, Value::Null),
            Some(Outcome::Succeeded(result)) => (result.clone(), Value::Null),
            Some(Outcome::Failed(error)) => (Value::Null, error.to_json()),
        };
        let result_type = if result.is_null() {
            Value::Null
        } else {
            json!(self.result_type())
        };
        let updated = match self.outcome {
            None if spec.unset_last_updated => -1,
            None | Some(_) => core.server_ms(&self.site, self.updated_ms(core.now_ms())),
        };
        let mut shown = json!({
            "id": self.id,
            "user": self.user,
            "workflowInfo": {
                "type": self.workflow,
                "resourceType": self.resource.kind,
                "resourceId": self.resource.id,
                "resourceName": self.resource.name,
            },
            "progress": self.progress(core.now_ms()),
            "state": self.state(),
            "lastUpdated": updated,
            "startTime": core.server_ms(&self.site, self.started_ms),
            "endTime": self.end_time(core),
            "resultType": result_type,
            "error": error,
            "warnings": [],
            "result": result,
        });
        // Tasks of recovery plans have no site.
        if let Some(members) = shown.as_object_mut()
            && self.resource.kind != "recoveryPlan"
        {
            members.insert("site".to_owned(), json!(self.site));
        }
        shown
    }

    /// Progress is written once a second.
    fn updated_ms(&self, now_ms: i64) -> i64 {
        let running_ms = now_ms.min(self.ends_ms) - self.started_ms;
        self.ended_ms()
            .unwrap_or(self.started_ms + running_ms / 1_000 * 1_000)
    }
}

const FILTERS: &[&str] = &[
    "site",
    "ids",
    "user",
    "sourceOrg",
    "destinationOrg",
    "state",
    "startTimeBefore",
    "startTimeAfter",
    "endTimeBefore",
    "endTimeAfter",
    "type",
    "resourceId",
    "resourceName",
    "resourceType",
    "operationID",
    "offset",
    "limit",
    "sort",
];
const SORT_FIELDS: &[&str] = &[
    "id",
    "user",
    "state",
    "progress",
    "startTime",
    "endTime",
    "lastUpdated",
    "sourceOrg",
    "destinationOrg",
];

/// `GET /tasks`.
pub(super) fn list(world: &World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    let core = &world.core;
    let query = Query::read(incoming.request, FILTERS)?;
    let page = query.page()?;
    let fields = query.sort(SORT_FIELDS)?;
    if query.text("user").is_some() && query.text("destinationOrg").is_some() {
        return Err(Refusal::bad_request(
            "user and destinationOrg exclude one another.",
            &[],
        ));
    }
    let filter = Filter::read(&query)?;
    let vcda = &world.vcda;
    let passes = |task: &&Task| task.is_shown_at(incoming.endpoint) && filter.passes(core, task);
    let mut tasks: Vec<&Task> = match query.text("resourceId").filter(|id| !id.is_empty()) {
        Some(resource) => {
            let ids = vcda.tasks_about.get(resource).into_iter().flatten();
            ids.filter_map(|id| vcda.tasks.get(id)).filter(passes).collect()
        }
        None => vcda.tasks.values().filter(passes).collect(),
    };
    query::sort(&mut tasks, &fields, |task, field| sort_key(core, task, field));
    let items = tasks
        .iter()
        .skip(page.offset)
        .take(page.limit)
        .map(|task| task.to_json(core, &world.vcda.spec));
    Ok(page.answer(&world.vcda.spec, items.collect(), tasks.len()))
}

struct Filter<'a> {
    query: &'a Query,
    state: Option<&'a str>,
    start: Bounds,
    end: Bounds,
}

/// Strict bounds on a time of the server's clock, in milliseconds since 1970.
struct Bounds {
    after: Option<i64>,
    before: Option<i64>,
}

impl Bounds {
    fn hold(&self, time: i64) -> bool {
        self.after.is_none_or(|after| time > after) && self.before.is_none_or(|before| time < before)
    }

    fn are_set(&self) -> bool {
        self.after.is_some() || self.before.is_some()
    }
}

impl<'a> Filter<'a> {
    fn read(query: &'a Query) -> Result<Self, Refusal> {
        Ok(Self {
            query,
            state: query.one_of("state", &["RUNNING", "SUCCEEDED", "FAILED"])?,
            start: Bounds {
                after: query.integer("startTimeAfter")?,
                before: query.integer("startTimeBefore")?,
            },
            end: Bounds {
                after: query.integer("endTimeAfter")?,
                before: query.integer("endTimeBefore")?,
            },
        })
    }

    fn passes(&self, core: &Core, task: &Task) -> bool {
        let is = |name: &str, value: &str| self.query.text(name).is_none_or(|wanted| wanted == value);
        let has =
            |name: &str, value: &str| self.query.list(name).is_none_or(|wanted| wanted.contains(&value));
        let ended = task.outcome.is_some() && self.end.hold(task.end_time(core));
        has("ids", &task.id)
            && is("user", &task.user)
            && is("sourceOrg", &task.source_org)
            && is("destinationOrg", &task.destination_org)
            && self.state.is_none_or(|wanted| wanted == task.state())
            && is("type", task.workflow)
            && is("resourceId", task.resource.id.as_deref().unwrap_or_default())
            && is("resourceName", task.resource.name.as_deref().unwrap_or_default())
            && has("resourceType", task.resource.kind)
            && is("operationID", task.operation_id.as_deref().unwrap_or_default())
            && self.start.hold(core.server_ms(&task.site, task.started_ms))
            && (ended || !self.end.are_set())
    }
}

fn sort_key(core: &Core, task: &Task, field: &str) -> SortKey {
    match field {
        "user" => SortKey::Text(task.user.clone()),
        "state" => SortKey::Text(task.state().to_owned()),
        "progress" => SortKey::Number(task.progress(core.now_ms())),
        "startTime" => SortKey::Number(task.started_ms),
        "endTime" => SortKey::Number(task.end_time(core)),
        "lastUpdated" => SortKey::Number(task.updated_ms(core.now_ms())),
        "sourceOrg" => SortKey::Text(task.source_org.clone()),
        "destinationOrg" => SortKey::Text(task.destination_org.clone()),
        _ => SortKey::Text(task.id.clone()),
    }
}

/// `GET /tasks/{taskId}`.
pub(super) fn get(world: &World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    let id = incoming.param(0);
    let task = world
        .vcda
        .tasks
        .get(id)
        .filter(|task| task.is_shown_at(incoming.endpoint));
    let task = task.ok_or_else(|| Refusal::new(404, "TaskNotFound", "No such task.", &[id]))?;
    Ok(Answer::json(
        200,
        MEDIA_TYPE,
        &task.to_json(&world.core, &world.vcda.spec),
    ))
}

/// The columns of the bulk poll; the id is not the first one.
const COLUMNS: &[&str] = &[
    "state",
    "progress",
    "startTime",
    "lastUpdated",
    "endTime",
    "error",
    "id",
];

/// As few as there can be.
const FEW_COLUMNS: &[&str] = &["state", "id"];

/// `POST /tasks/poll`.
pub(super) fn poll(world: &World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    let body = body::read(incoming.request)?;
    let ids = body
        .as_array()
        .ok_or_else(|| Refusal::bad_input("The body has to be an array of ids.", &[]))?;
    let mut wanted = std::collections::BTreeSet::new();
    for id in ids {
        let text = id.as_str().filter(|text| is_uuid(text));
        wanted.insert(text.ok_or_else(|| Refusal::bad_input("Not a task id.", &[&plain(id)]))?);
    }
    let spec = &world.vcda.spec;
    let columns = if spec.few_columns { FEW_COLUMNS } else { COLUMNS };
    let tasks = wanted.into_iter().filter_map(|id| world.vcda.tasks.get(id));
    let rows = tasks
        .filter(|task| task.is_shown_at(incoming.endpoint))
        .map(|task| {
            let task = task.to_json(&world.core, spec);
            columns
                .iter()
                .map(|column| task.get(column).cloned().unwrap_or(Value::Null))
                .collect::<Vec<_>>()
        });
    let answer = json!({"propertyNames": columns, "values": rows.collect::<Vec<_>>()});
    Ok(Answer::json(200, MEDIA_TYPE, &answer))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12])
        && text
            .chars()
            .all(|digit| digit == '-' || digit.is_ascii_hexdigit())
}
