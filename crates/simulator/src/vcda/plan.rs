//! Recovery plans of the service, as far as the pages document them.
//!
//! | state | accepts | becomes |
//! | --- | --- | --- |
//! | `NOT_STARTED`, `COMPLETE` | test, failover (no migration), migrate (a migration) | `RUNNING` |
//! | `COMPLETE` after a test | clean-up | `RUNNING` |
//! | `RUNNING` | nothing | `SUSPENDED` at a prompt, `COMPLETE` at the end or at the first error |
//! | `SUSPENDED` | an approval, which no documented call gives | `RUNNING` |

mod run;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use run::approve;
pub(super) use run::{go_on, run, step_ended};

use super::error::{ApiError, Refusal};
use super::query::Query;
use super::replication::WorkKind;
use super::{MEDIA_TYPE, Vcda, body};
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::world::World;

/// How far the run of a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PlanState {
    /// It never ran.
    NotStarted,
    /// A step is at work, or its delay has not passed.
    Running,
    /// A prompt waits for somebody.
    Suspended,
    /// The last run has ended, well or not.
    Complete,
}

/// What a run of a plan does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PlanOperation {
    /// Test failovers.
    Test,
    /// The removal of what a test made.
    Cleanup,
    /// Failovers.
    Failover,
    /// Migrations.
    Migrate,
}

impl PlanOperation {
    fn workflow(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Cleanup => "cleanup",
            Self::Failover => "failover",
            Self::Migrate => "migrate",
        }
    }

    fn kind(self) -> WorkKind {
        match self {
            Self::Test => WorkKind::FailoverTest,
            Self::Cleanup => WorkKind::FailoverTestCleanup,
            Self::Failover => WorkKind::Failover,
            Self::Migrate => WorkKind::Migrate,
        }
    }
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its id, a UUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Milliseconds after its work.
    pub delay_ms: i64,
    /// What somebody has to approve after its work.
    pub prompt: Option<String>,
    /// What it recovers, as the caller gave it.
    pub named: Vec<Value>,
    /// The VM replications that this names.
    pub replications: Vec<String>,
    /// Whether the last run has recovered them.
    pub is_recovered: bool,
}

/// A recovery plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecoveryPlan {
    /// Its id, a UUID.
    pub id: String,
    /// The site whose it is.
    pub site: String,
    /// Its name, unique at its site.
    pub name: String,
    /// A text of its owner.
    pub description: String,
    /// Whether it migrates.
    pub is_migration: bool,
    /// When it synchronises, in milliseconds since 1970; it is shown and not played.
    pub scheduled_sync: i64,
    /// How far its run is.
    pub state: PlanState,
    /// What its last run does or did.
    pub operation: Option<PlanOperation>,
    /// Why its last run ended early.
    pub last_error: Option<ApiError>,
    /// The step whose prompt waits.
    pub prompt_step: Option<String>,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// The task of its run.
    pub task: Option<String>,
    next_step: usize,
}

impl Vcda {
    /// The recovery plans of all sites, by id.
    pub fn plans(&self) -> impl Iterator<Item = &RecoveryPlan> {
        self.plans.values()
    }
}

fn shown(plan: &RecoveryPlan) -> Value {
    json!({
        "id": plan.id,
        "displayName": plan.name,
        "description": plan.description,
        "owner": format!("tenant-a@{}", plan.site),
        "isMigration": plan.is_migration,
        "scheduledSyncTime": plan.scheduled_sync,
        "executionInfo": {
            "state": plan.state,
            "lastOperation": plan.operation,
            "lastError": plan.last_error.as_ref().map(ApiError::to_json),
            "promptStepId": plan.prompt_step,
            "isSuspendRequested": false,
        },
    })
}

fn shown_step(plan: &RecoveryPlan, index: usize) -> Value {
    plan.steps.get(index).map_or(Value::Null, |step| {
        json!({
            "id": step.id,
            "recoveryPlanId": plan.id,
            "name": step.name,
            "delay": step.delay_ms,
            "prompt": step.prompt,
            "sequence": index + 1,
            "isRecovered": step.is_recovered,
            "replications": step.named,
            "state": if step.is_recovered { "COMPLETE" } else { "NOT_STARTED" },
        })
    })
}

fn not_found(id: &str) -> Refusal {
    Refusal::new(404, "RecoveryPlanNotFound", "No such recovery plan.", &[id])
}

fn find<'a>(world: &'a mut World, incoming: &Incoming<'_>) -> Result<&'a mut RecoveryPlan, Refusal> {
    let id = incoming.param(0);
    let found = world.vcda.plans.get_mut(id);
    found
        .filter(|plan| plan.site == incoming.endpoint)
        .ok_or_else(|| not_found(id))
}

/// A plan that is not at work, to be changed.
fn find_idle<'a>(world: &'a mut World, incoming: &Incoming<'_>) -> Result<&'a mut RecoveryPlan, Refusal> {
    let plan = find(world, incoming)?;
    match plan.state {
        PlanState::NotStarted | PlanState::Complete => Ok(plan),
        PlanState::Running | PlanState::Suspended => {
            Err(Refusal::bad_request("The plan is running.", &[&plan.id]))
        }
    }
}

fn check_name(world: &World, site: &str, name: &str) -> Result<(), Refusal> {
    let mut plans = world.vcda.plans.values();
    if plans.any(|plan| plan.site == site && plan.name == name) {
        return Err(Refusal::bad_input(
            "There is a plan of that name.",
            &["displayName"],
        ));
    }
    Ok(())
}

/// The operations that are answered at once.
pub(super) fn at_once(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    match incoming.operation {
        "recoveryPlans.list" => Ok(list(world, incoming)),
        "recoveryPlans.create" => create(world, incoming),
        "recoveryPlans.get" => find(world, incoming).map(|plan| Answer::json(200, MEDIA_TYPE, &shown(plan))),
        "recoveryPlans.delete" => {
            let id = find_idle(world, incoming)?.id.clone();
            world.vcda.plans.remove(&id);
            effect(world, incoming);
            Ok(Answer::empty(204))
        }
        "recoveryPlans.clone" => copy(world, incoming),
        "recoveryPlans.steps.add" => add_step(world, incoming),
        "recoveryPlans.steps.move" => move_step(world, incoming),
        other => Err(Refusal::not_simulated(other)),
    }
}

fn effect(world: &mut World, incoming: &Incoming<'_>) {
    let now_ms = world.core.now_ms();
    world.core.calls.effect(incoming.ticket, now_ms);
}

fn list(world: &World, incoming: &Incoming<'_>) -> Answer {
    let here = world.vcda.plans.values();
    let here: Vec<Value> = here
        .filter(|plan| plan.site == incoming.endpoint)
        .map(shown)
        .collect();
    let body = if world.vcda.spec.plans_as_page {
        json!({"total": here.len(), "items": here})
    } else {
        Value::Array(here)
    };
    Answer::json(200, MEDIA_TYPE, &body)
}

fn create(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    let body = body::read(incoming.request)?;
    body::PLAN.check(&body)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    check_name(world, incoming.endpoint, text("displayName"))?;
    let plan = RecoveryPlan {
        id: world.core.uuid("recovery plan"),
        site: incoming.endpoint.to_owned(),
        name: text("displayName").to_owned(),
        description: text("description").to_owned(),
        is_migration: body::flag(&body, "isMigration", false),
        scheduled_sync: body.get("scheduledSyncTime").and_then(Value::as_i64).unwrap_or(0),
        state: PlanState::NotStarted,
        operation: None,
        last_error: None,
        prompt_step: None,
        steps: Vec::new(),
        task: None,
        next_step: 0,
    };
    Ok(keep(world, incoming, plan))
}

fn keep(world: &mut World, incoming: &Incoming<'_>, plan: RecoveryPlan) -> Answer {
    let answer = Answer::json(200, MEDIA_TYPE, &shown(&plan));
    world.vcda.plans.insert(plan.id.clone(), plan);
    effect(world, incoming);
    answer
}

fn copy(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    let body = body::read(incoming.request)?;
    body::PLAN_COPY.check(&body)?;
    let original = find(world, incoming)?.clone();
    let name = body
        .get("displayName")
        .and_then(Value::as_str)
        .unwrap_or_default();
    check_name(world, incoming.endpoint, name)?;
    let keeps = body::flag(&body, "keepReplications", false);
    let mut plan = RecoveryPlan {
        id: world.core.uuid("recovery plan"),
        name: name.to_owned(),
        state: PlanState::NotStarted,
        operation: None,
        last_error: None,
        prompt_step: None,
        task: None,
        next_step: 0,
        ..original
    };
    for step in &mut plan.steps {
        step.id = world.core.uuid("recovery step");
        step.is_recovered = false;
        if !keeps {
            step.named.clear();
            step.replications.clear();
        }
    }
    Ok(keep(world, incoming, plan))
}

fn add_step(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    let body = body::read(incoming.request)?;
    body::STEP.check(&body)?;
    find_idle(world, incoming)?;
    let named = body.get("replications").and_then(Value::as_array).cloned();
    let named = named.unwrap_or_default();
    let mut replications = Vec::new();
    for named in &named {
        replications.extend(named_by(&world.vcda, incoming.endpoint, named)?);
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let step = Step {
        id: world.core.uuid("recovery step"),
        name: text("name").unwrap_or_default(),
        delay_ms: body.get("delay").and_then(Value::as_i64).unwrap_or(0).max(0),
        prompt: text("prompt").filter(|prompt| !prompt.is_empty()),
        named,
        replications,
        is_recovered: false,
    };
    let plan = find(world, incoming)?;
    plan.steps.push(step);
    let answer = Answer::json(200, MEDIA_TYPE, &shown_step(plan, plan.steps.len() - 1));
    effect(world, incoming);
    Ok(answer)
}

/// The VM replications that an entry of a step names. What an entry looks like is not documented: a text, or an object with
/// a text, that is the id of a replication here (our assumption).
fn named_by(vcda: &Vcda, site: &str, entry: &Value) -> Result<Vec<String>, Refusal> {
    let own = entry.as_str().into_iter();
    let members = entry.as_object().into_iter().flatten();
    let texts = own.chain(members.filter_map(|(_, value)| value.as_str()));
    for text in texts {
        if vcda.replications.get(text).is_some_and(|found| found.is_at(site)) {
            return Ok(vec![text.to_owned()]);
        }
        let members: Vec<String> = vcda
            .members(text)
            .filter(|member| member.is_at(site))
            .map(|member| member.id.clone())
            .collect();
        if !members.is_empty() {
            return Ok(members);
        }
    }
    Err(Refusal::bad_input(
        "An entry names no replication.",
        &["replications"],
    ))
}

fn move_step(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    let query = Query::read(incoming.request, &["newSequence"])?;
    let place = query.integer("newSequence")?;
    let plan = find_idle(world, incoming)?;
    let step = incoming.param(1);
    let from = plan.steps.iter().position(|known| known.id == step);
    let from = from.ok_or_else(|| Refusal::new(404, "RecoveryStepNotFound", "No such step.", &[step]))?;
    let to = place
        .and_then(|place| usize::try_from(place).ok()?.checked_sub(1))
        .filter(|to| *to < plan.steps.len())
        .ok_or_else(|| Refusal::bad_request("There is no such place.", &["newSequence"]))?;
    let moved = plan.steps.remove(from);
    plan.steps.insert(to, moved);
    let answer = Answer::json(200, MEDIA_TYPE, &shown_step(plan, to));
    effect(world, incoming);
    Ok(answer)
}
