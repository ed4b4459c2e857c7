//! The run of a recovery plan, step by step.

use super::{PlanOperation, PlanState, find_idle, shown};
use crate::core::Core;
use crate::endpoint::Session;
use crate::event::Event;
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::vcda::error::{ApiError, Refusal};
use crate::vcda::task::{Outcome, Resource, Task};
use crate::vcda::work::{self, Owner, Work};
use crate::vcda::{Vcda, VcdaEvent, body};
use crate::world::World;

/// A run of a plan: refused, or begun and answered with its task.
pub(in crate::vcda) fn run(
    world: &mut World,
    incoming: &Incoming<'_>,
    session: &Session,
    operation: PlanOperation,
) -> Result<Answer, Refusal> {
    if operation != PlanOperation::Cleanup && world.vcda.spec.speaks(4, 7) {
        if !incoming.request.body.is_empty() {
            body::PLAN_RUN.check(&body::read(incoming.request)?)?;
        }
    } else {
        body::none(incoming.request)?;
    }
    let plan = find_idle(world, incoming)?;
    let fits = match operation {
        PlanOperation::Test | PlanOperation::Failover => !plan.is_migration,
        PlanOperation::Migrate => plan.is_migration,
        PlanOperation::Cleanup => plan.operation == Some(PlanOperation::Test),
    };
    if !fits || plan.steps.is_empty() {
        let msg = format!("The plan does not allow {}.", operation.workflow());
        return Err(Refusal::bad_request(msg, &[&plan.id]));
    }
    plan.state = PlanState::Running;
    plan.operation = Some(operation);
    plan.last_error = None;
    plan.next_step = 0;
    for step in &mut plan.steps {
        step.is_recovered = false;
    }
    let (id, name, steps) = (plan.id.clone(), plan.name.clone(), plan.steps.len());
    let resource = Resource {
        kind: "recoveryPlan",
        id: Some(id.clone()),
        name: Some(name),
    };
    let World { core, vcda, .. } = world;
    let mut task = Task::begin(core, incoming, session, operation.workflow(), resource);
    // Only for its progress: nobody knows when somebody approves.
    task.ends_in(i64::try_from(steps).unwrap_or(1).saturating_mul(3_000));
    if let Some(plan) = vcda.plans.get_mut(&id) {
        plan.task = Some(task.id.clone());
    }
    core.schedule_in(0, Event::Vcda(VcdaEvent::PlanGoesOn(id)));
    Ok(task.accepted(core, vcda, incoming))
}

/// The next step of a run begins, or the run ends.
pub(in crate::vcda) fn go_on(world: &mut World, id: &str) {
    let World { core, vcda, .. } = world;
    let Some(plan) = vcda.plans.get(id).filter(|plan| plan.state == PlanState::Running) else {
        return;
    };
    let (Some(operation), Some(step)) = (plan.operation, plan.steps.get(plan.next_step)) else {
        return ended(core, vcda, id, None);
    };
    let kind = operation.kind();
    match work::parts_of_plan(vcda, &plan.site, kind, &step.replications) {
        Ok(parts) => {
            let work = Work {
                owner: Owner::Plan(id.to_owned()),
                kind,
                parts,
            };
            work::start(core, vcda, work);
        }
        Err(error) => ended(core, vcda, id, Some(error)),
    }
}

/// The work of a step has ended: its prompt or its delay follows.
pub(in crate::vcda) fn step_ended(world: &mut World, id: &str, error: Option<ApiError>) {
    let World { core, vcda, .. } = world;
    if error.is_some() {
        return ended(core, vcda, id, error);
    }
    let prompt_ends_task = vcda.spec.prompt_ends_task;
    let Some(plan) = vcda.plans.get_mut(id) else {
        return;
    };
    let recovers = plan.operation != Some(PlanOperation::Cleanup);
    let index = plan.next_step;
    plan.next_step += 1;
    let Some(step) = plan.steps.get_mut(index) else {
        return;
    };
    step.is_recovered = recovers;
    if recovers && step.prompt.is_some() {
        plan.prompt_step = Some(step.id.clone());
        plan.state = PlanState::Suspended;
        if prompt_ends_task && let Some(task) = plan.task.take() {
            let result = shown(plan);
            work::conclude(core, vcda, &task, Outcome::Succeeded(result));
        }
        return;
    }
    let delay_ms = step.delay_ms;
    core.schedule_in(delay_ms, Event::Vcda(VcdaEvent::PlanGoesOn(id.to_owned())));
}

/// Somebody approves the prompt of a plan; `false` if none waits.
pub(crate) fn approve(world: &mut World, id: &str) -> bool {
    let World { core, vcda, .. } = world;
    let Some(plan) = vcda
        .plans
        .get_mut(id)
        .filter(|plan| plan.state == PlanState::Suspended)
    else {
        return false;
    };
    plan.state = PlanState::Running;
    let step = plan.prompt_step.take();
    let step = plan.steps.iter().find(|known| Some(&known.id) == step.as_ref());
    let delay_ms = step.map_or(0, |step| step.delay_ms);
    core.schedule_in(delay_ms, Event::Vcda(VcdaEvent::PlanGoesOn(id.to_owned())));
    true
}

fn ended(core: &mut Core, vcda: &mut Vcda, id: &str, error: Option<ApiError>) {
    let Some(plan) = vcda.plans.get_mut(id) else {
        return;
    };
    plan.state = PlanState::Complete;
    plan.last_error.clone_from(&error);
    let (task, result) = (plan.task.take(), shown(plan));
    let outcome = match error {
        Some(error) => Outcome::Failed(error),
        None => Outcome::Succeeded(result),
    };
    if let Some(task) = task {
        work::conclude(core, vcda, &task, outcome);
    }
}
