//! Work on replications: how it begins, and what it leaves.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check::{self, Settings, Unfit};
use super::error::{ApiError, Refusal};
use super::replication::{RecoveryState, Replication, Vm, WorkKind};
use super::task::{Outcome, Resource, Task};
use super::{MEDIA_TYPE, Vcda, VcdaEvent, plan, vapp, view};
use crate::chronicle::Happening;
use crate::core::Core;
use crate::endpoint::Session;
use crate::event::Event;
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::world::World;

/// After how long work that cannot be done is given up, in milliseconds.
pub(super) const GIVE_UP_MS: std::ops::Range<i64> = 200..800;

/// What an action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// One replication.
    Vm,
    /// All replications of a vApp.
    Vapp,
}

/// What is done to one replication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) replication: String,
    /// The recovery state in which it began.
    began_in: RecoveryState,
    settings: Settings,
}

/// On whose behalf work is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Owner {
    /// A task of its own.
    Task(String),
    /// The run of a recovery plan.
    Plan(String),
}

/// Work that has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(super) owner: Owner,
    pub(super) kind: WorkKind,
    pub(super) parts: Vec<Part>,
}

/// An action: refused, or begun and answered with its task.
pub(super) fn begin(
    world: &mut World,
    incoming: &Incoming<'_>,
    session: &Session,
    kind: WorkKind,
    level: Level,
) -> Result<Answer, Refusal> {
    let resource = resource(world, incoming, level)?;
    if let Some(earlier) = earlier(&world.vcda, incoming, &resource, kind) {
        return Ok(accepted(&world.core, &world.vcda, earlier));
    }
    let ids = members(&world.vcda, &resource, level);
    let body = check::body(&world.vcda, &ids, kind, level, incoming)?;
    let as_told = world.vcda.spec.state_refusal;
    let mut parts = Vec::new();
    let mut late = None;
    for id in &ids {
        let replication = replication(&world.vcda, id)?;
        let settings = Settings::of(&body, kind, level, replication);
        match check::fit(replication, incoming.endpoint, kind, settings, as_told) {
            Ok(settings) => parts.push(Part {
                replication: id.clone(),
                began_in: replication.recovery,
                settings,
            }),
            Err(Unfit::State(refusal)) if world.vcda.spec.refuses_in_task => late = Some(refusal.error),
            Err(Unfit::State(refusal) | Unfit::Other(refusal)) => return Err(refusal),
        }
        if world.vcda.spec.needs_extension && check::wants_source(kind) {
            check::extended(session, &replication.source.site)?;
        }
    }
    let World { core, vcda, .. } = world;
    let mut task = Task::begin(core, incoming, session, kind.as_str(), resource);
    if let Some(first) = ids.first().and_then(|id| vcda.replications.get(id)) {
        task.source_org.clone_from(&first.source.org);
        task.destination_org.clone_from(&first.destination.org);
    }
    match late {
        Some(error) => {
            task.ends_in(core.work_ms("refuse", &task.id, GIVE_UP_MS));
            core.schedule_in(
                task.ends_ms - core.now_ms(),
                Event::Vcda(VcdaEvent::Fails(task.id.clone(), error)),
            );
        }
        None => {
            let work = Work {
                owner: Owner::Task(task.id.clone()),
                kind,
                parts,
            };
            task.ends_in(start(core, vcda, work));
        }
    }
    Ok(task.accepted(core, vcda, incoming))
}

/// The task of an earlier request that this one is taken for, where requests are told apart by their `operationID`.
fn earlier<'a>(
    vcda: &'a Vcda,
    incoming: &Incoming<'_>,
    resource: &Resource,
    kind: WorkKind,
) -> Option<&'a Task> {
    let named = incoming.request.header_text("operationID")?;
    let about = vcda.tasks_about.get(resource.id.as_deref()?)?;
    let mut tasks = about.iter().filter_map(|id| vcda.tasks.get(id));
    let found = tasks.find(|task| {
        let same = task.operation_id.as_deref() == Some(named) && task.workflow == kind.as_str();
        same && task.site == incoming.endpoint && !task.forgotten
    });
    found.filter(|_| vcda.spec.deduplicates)
}

/// The object of an action, if one of its ends is at the site that is asked.
fn resource(world: &World, incoming: &Incoming<'_>, level: Level) -> Result<Resource, Refusal> {
    match level {
        Level::Vm => view::find(world, incoming).map(|found| Resource {
            kind: "vmReplication",
            id: Some(found.id.clone()),
            name: Some(found.vm_name.clone()),
        }),
        Level::Vapp => vapp::find(world, incoming).map(|found| Resource {
            kind: "vappReplication",
            id: Some(found.id.clone()),
            name: Some(found.name.clone()),
        }),
    }
}

fn members(vcda: &Vcda, resource: &Resource, level: Level) -> Vec<String> {
    let id = resource.id.clone().unwrap_or_default();
    match level {
        Level::Vm => vec![id],
        Level::Vapp => vcda.members(&id).map(|member| member.id.clone()).collect(),
    }
}

fn replication<'a>(vcda: &'a Vcda, id: &str) -> Result<&'a Replication, Refusal> {
    vcda.replications.get(id).ok_or_else(|| view::not_found(id))
}

/// Whether the parts of some work can be done on behalf of a plan, with nothing said about each.
pub(super) fn parts_of_plan(
    vcda: &Vcda,
    site: &str,
    kind: WorkKind,
    ids: &[String],
) -> Result<Vec<Part>, ApiError> {
    let mut parts = Vec::new();
    for id in ids {
        let replication = replication(vcda, id).map_err(|refusal| refusal.error)?;
        match check::fit(
            replication,
            site,
            kind,
            Settings::usual(),
            vcda.spec.state_refusal,
        ) {
            Ok(settings) => parts.push(Part {
                replication: id.clone(),
                began_in: replication.recovery,
                settings,
            }),
            Err(Unfit::State(refusal) | Unfit::Other(refusal)) => return Err(refusal.error),
        }
    }
    Ok(parts)
}

/// Begins work; gives how long it takes, in milliseconds.
pub(super) fn start(core: &mut Core, vcda: &mut Vcda, work: Work) -> i64 {
    let reverse_in_progress = vcda.spec.reverse_in_progress;
    let owner = match &work.owner {
        Owner::Task(id) | Owner::Plan(id) => id.clone(),
    };
    let mut takes_ms = 0;
    for part in &work.parts {
        let Some(replication) = vcda.replications.get_mut(&part.replication) else {
            continue;
        };
        let blocked = blocked(core, work.kind, part, replication).is_some();
        let range_ms = if blocked { GIVE_UP_MS } else { work.kind.range_ms() };
        takes_ms = takes_ms.max(core.work_ms(work.kind.as_str(), &replication.id, range_ms));
        replication.task = Some(owner.clone());
        replication.recovery = work.kind.runs_in(part.began_in, reverse_in_progress);
        replication.last_error = None;
        replication.updated_ms = core.now_ms();
        core.note(happening(replication, replication.recovery.as_str()));
        match work.kind {
            WorkKind::Migrate if !blocked => power_off(&mut replication.source_vm),
            WorkKind::StorageProfile => replication.is_moving = true,
            _ => {}
        }
    }
    core.schedule_in(takes_ms, Event::Vcda(VcdaEvent::Ends(work)));
    takes_ms
}

/// Why a part of some work cannot be done at this moment: its source cannot be reached, or there is no room for what it
/// makes.
fn blocked(core: &Core, kind: WorkKind, part: &Part, replication: &Replication) -> Option<ApiError> {
    let failed = |msg: String, site: &str| {
        let args = [replication.id.as_str(), site];
        ApiError::new("GeneralServerFailure", msg, &args)
    };
    let needs_source = check::wants_source(kind) || kind == WorkKind::FailoverTest && part.settings.sync;
    let site = &replication.source.site;
    if needs_source && !core.is_reachable(site) {
        return Some(failed(format!("Site {site} cannot be reached."), site));
    }
    let site = needs_room(kind, replication).filter(|site| core.is_full(site))?;
    Some(failed(format!("The storage of site {site} is full."), site))
}

/// The site where work makes files.
fn needs_room(kind: WorkKind, replication: &Replication) -> Option<&str> {
    match kind {
        WorkKind::Failover
        | WorkKind::FailoverTest
        | WorkKind::Migrate
        | WorkKind::Sync
        | WorkKind::StorageProfile => Some(&replication.destination.site),
        WorkKind::Reverse => Some(&replication.source.site),
        WorkKind::FailoverTestCleanup
        | WorkKind::Pause
        | WorkKind::Resume
        | WorkKind::Reconfigure
        | WorkKind::Stop => None,
    }
}

/// Work ends: the one place where it changes replications.
pub(super) fn end(world: &mut World, work: Work) {
    let World { core, vcda, .. } = world;
    let error = blocked_by(core, vcda, &work);
    let before = shown(core, vcda, &work);
    for part in &work.parts {
        end_part(core, vcda, work.kind, part, error.as_ref());
    }
    let id = match &work.owner {
        Owner::Task(id) => id,
        Owner::Plan(id) => return plan::step_ended(world, id, error),
    };
    let result = match work.kind {
        WorkKind::Stop => before,
        _ => shown(core, vcda, &work),
    };
    let outcome = match error {
        Some(error) => Outcome::Failed(error),
        None => Outcome::Succeeded(result),
    };
    conclude(core, vcda, id, outcome);
}

/// The state of a replication, for the chronicle.
pub(super) fn happening(replication: &Replication, state: &'static str) -> Happening {
    Happening::Replication {
        replication: replication.id.clone(),
        vm: replication.vm_name.clone(),
        state,
    }
}

/// A task ends.
pub(super) fn conclude(core: &mut Core, vcda: &mut Vcda, id: &str, outcome: Outcome) {
    let Some(task) = vcda.tasks.get_mut(id) else {
        return;
    };
    task.ends_ms = core.now_ms();
    if matches!(outcome, Outcome::Succeeded(_)) {
        core.calls.effect(task.ticket, core.now_ms);
    }
    core.calls.settle(task.ticket, core.now_ms);
    let succeeded = matches!(outcome, Outcome::Succeeded(_));
    let state = if succeeded { "succeeded" } else { "failed" };
    core.note_task(&task.site, id, task.work(), state);
    task.outcome = Some(outcome);
    if let Some(retention_ms) = vcda.spec.task_retention_ms {
        core.schedule_in(
            i64::from(retention_ms),
            Event::Vcda(VcdaEvent::Forgets(id.to_owned())),
        );
    }
}

/// Why the work could not be done: what blocks the first of its parts that is blocked.
fn blocked_by(core: &Core, vcda: &Vcda, work: &Work) -> Option<ApiError> {
    work.parts.iter().find_map(|part| {
        let replication = vcda.replications.get(&part.replication)?;
        blocked(core, work.kind, part, replication)
    })
}

/// What a task shows of the objects of its work.
fn shown(core: &Core, vcda: &Vcda, work: &Work) -> Value {
    let Owner::Task(id) = &work.owner else {
        return Value::Null;
    };
    let Some(task) = vcda.tasks.get(id) else {
        return Value::Null;
    };
    let object = task.resource.id.as_deref().unwrap_or_default();
    match task.resource.kind {
        "vappReplication" => vcda
            .vapps
            .get(object)
            .map_or(Value::Null, |found| vapp::shown(core, vcda, &task.site, found)),
        _ => vcda.replications.get(object).map_or(Value::Null, |found| {
            view::replication(core, &vcda.spec, &task.site, found)
        }),
    }
}

fn end_part(core: &mut Core, vcda: &mut Vcda, kind: WorkKind, part: &Part, error: Option<&ApiError>) {
    let Some(replication) = vcda.replications.get_mut(&part.replication) else {
        return;
    };
    replication.task = None;
    replication.is_moving = false;
    replication.updated_ms = core.now_ms();
    if let Some(error) = error {
        replication.recovery = part.began_in;
        replication.last_error = Some(error.clone());
        core.note(happening(replication, replication.recovery.as_str()));
        return;
    }
    replication.recovery = kind.ends_in(part.began_in);
    let state = if kind == WorkKind::Stop {
        "GONE"
    } else {
        replication.recovery.as_str()
    };
    core.note(happening(replication, state));
    if kind == WorkKind::Stop {
        if let Some(replication) = vcda.replications.remove(&part.replication) {
            vcda.release(replication);
        }
    } else {
        let silence_disconnects = vcda.spec.null_networks_disconnect;
        apply(
            core,
            replication,
            kind,
            part.settings.clone(),
            silence_disconnects,
        );
    }
}

fn apply(
    core: &mut Core,
    replication: &mut Replication,
    kind: WorkKind,
    settings: Settings,
    silence_disconnects: bool,
) {
    let now_ms = core.now_ms();
    let set_up = match kind {
        WorkKind::FailoverTest => vapp::test_cards(),
        _ => vapp::cards(replication),
    };
    let network = network(&settings, &set_up, silence_disconnects);
    match kind {
        WorkKind::Failover => {
            replication.destination_vm = Some(recovered(core, settings, network));
            replication.recovered_ms = Some(now_ms);
        }
        WorkKind::Migrate => {
            let settings = Settings {
                instance: Some(take_instance(core, replication)),
                ..settings
            };
            replication.destination_vm = Some(recovered(core, settings, network));
            replication.recovered_ms = Some(now_ms);
        }
        WorkKind::FailoverTest => {
            let instance = match settings.instance.clone() {
                Some(instance) => instance,
                None => take_instance(core, replication),
            };
            let settings = Settings {
                instance: Some(instance),
                ..settings
            };
            replication.destination_vm = Some(recovered(core, settings, network));
        }
        WorkKind::FailoverTestCleanup => replication.destination_vm = None,
        WorkKind::Reverse => {
            replication.turn_round();
            take_instance(core, replication);
        }
        WorkKind::Pause => replication.is_paused = true,
        WorkKind::Resume => replication.is_paused = false,
        WorkKind::Sync => {
            take_instance(core, replication);
        }
        WorkKind::StorageProfile => {
            if let Some(profile) = settings.body.get("storageProfileId").and_then(Value::as_str) {
                profile.clone_into(&mut replication.storage_profile);
            }
        }
        WorkKind::Reconfigure => check::reconfigure(replication, &settings.body),
        // It is gone.
        WorkKind::Stop => {}
    }
}

/// The network that the card of a recovered VM is connected to: the one that the caller names, or the one that is set up
/// where the caller is silent, unless that means that there is none.
fn network(settings: &Settings, set_up: &Value, silence_disconnects: bool) -> Option<String> {
    let name = |card: &Value| card["network"].as_str().map(str::to_owned);
    let set_up = &set_up["nics"][0];
    let given = settings
        .network_settings
        .as_ref()
        .and_then(|given| given["nics"].as_array());
    let card = given
        .into_iter()
        .flatten()
        .find(|card| card["nicIndex"] == set_up["nicIndex"]);
    let all = settings.body.get("connectVmNics").and_then(Value::as_bool);
    let connected = card.and_then(|card| card["isConnected"].as_bool()).or(all);
    if connected == Some(false) {
        return None;
    }
    let silent = || {
        let is_connected = connected.or_else(|| set_up["isConnected"].as_bool());
        let silence = silence_disconnects && all.is_none();
        (is_connected == Some(true) && !silence)
            .then(|| name(set_up))
            .flatten()
    };
    card.and_then(name).or_else(silent)
}

fn recovered(core: &mut Core, settings: Settings, network: Option<String>) -> Vm {
    Vm {
        id: core.uuid("vm"),
        vapp_id: core.uuid("vapp"),
        powered_on: settings.power_on,
        instance: settings.instance,
        network_settings: settings.network_settings,
        network,
    }
}

fn power_off(vm: &mut Option<Vm>) {
    if let Some(vm) = vm {
        vm.powered_on = false;
    }
}

/// Copies the source as it is at this moment; gives the key of the instance.
pub(super) fn take_instance(core: &mut Core, replication: &mut Replication) -> String {
    let mut random = core.random("instance", &replication.id);
    let key = format!("replica-{}", random.uuid());
    replication.store(key.clone(), core.now_ms(), random.between(1_000_000, 50_000_000));
    key
}

/// The interval of a replication has passed: the source is copied if both sites are there, and room for it.
pub(super) fn copy(world: &mut World, id: String) {
    let World { core, vcda, .. } = world;
    let Some(replication) = vcda.replications.get_mut(&id) else {
        return;
    };
    let linked =
        core.is_reachable(&replication.source.site) && core.is_reachable(&replication.destination.site);
    let room = !core.is_full(&replication.destination.site);
    if linked && room && replication.is_copying() {
        take_instance(core, replication);
    }
    let interval_ms = replication.copying.interval_ms();
    core.schedule_in(interval_ms, Event::Vcda(VcdaEvent::Copies(id)));
}

/// The answer to an action that has begun.
pub(super) fn accepted(core: &Core, vcda: &Vcda, task: &Task) -> Answer {
    Answer::json(202, MEDIA_TYPE, &task.to_json(core, &vcda.spec))
}
