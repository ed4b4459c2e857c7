//! Work on replications: what is refused, how it begins, and what it leaves.

use serde_json::Value;

use super::error::{ApiError, Refusal};
use super::replication::{Replication, Vm, WorkKind};
use super::task::{Outcome, Task};
use super::{MEDIA_TYPE, VcdaEvent, body, view};
use crate::core::Core;
use crate::endpoint::Session;
use crate::event::Event;
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::world::World;

/// After how long work that cannot be done is given up, in milliseconds.
const GIVE_UP_MS: std::ops::Range<i64> = 200..800;

/// What a request asks for, beyond its kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Settings {
    power_on: bool,
    sync: bool,
    instance: Option<String>,
    network_settings: Option<Value>,
}

impl Settings {
    /// Reads the body of an action; `powerOn` is true unless the caller says otherwise.
    pub(super) fn read(kind: WorkKind, incoming: &Incoming<'_>) -> Result<Self, Refusal> {
        let request = incoming.request;
        let body = match kind {
            WorkKind::Failover => body::settings(request, &body::FAILOVER, &body::VC_FAILOVER)?,
            WorkKind::FailoverTest => body::settings(request, &body::TEST, &body::VC_TEST)?,
            WorkKind::Migrate => body::settings(request, &body::MIGRATE, &body::MIGRATE)?,
            WorkKind::FailoverTestCleanup | WorkKind::Reverse => {
                body::none(request)?;
                return Ok(Self::default());
            }
        };
        let settings = Self {
            power_on: body::flag(&body, "powerOn", true),
            sync: body::flag(&body, "sync", false),
            instance: body.get("instanceId").and_then(Value::as_str).map(str::to_owned),
            network_settings: body
                .get("vmNetworkSettings")
                .filter(|settings| !settings.is_null())
                .cloned(),
        };
        if settings.sync && settings.instance.is_some() {
            return Err(Refusal::bad_request(
                "sync and instanceId exclude one another.",
                &[],
            ));
        }
        Ok(settings)
    }
}

/// Work that has begun: it ends with its task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Work {
    pub(super) task: String,
    pub(super) settings: Settings,
}

/// An action on a replication: refused, or begun and answered with its task.
pub(super) fn begin(
    world: &mut World,
    incoming: &Incoming<'_>,
    session: &Session,
    kind: WorkKind,
) -> Result<Answer, Refusal> {
    let replication = view::find(world, incoming)?;
    let settings = Settings::read(kind, incoming)?;
    let settings = Settings {
        instance: check(replication, incoming.endpoint, kind, &settings)?,
        ..settings
    };
    let World { core, vcda, .. } = world;
    let id = incoming.param(0);
    let replication = vcda.replications.get_mut(id).ok_or_else(|| view::not_found(id))?;

    let blocked = needs_source(kind, &settings) && !core.is_reachable(&replication.source.site);
    let range_ms = if blocked { GIVE_UP_MS } else { kind.range_ms() };
    let work_ms = core.work_ms(kind.as_str(), &replication.id, range_ms);
    let task = start(core, incoming, session, kind, replication, work_ms);
    replication.task = Some(task.id.clone());
    replication.recovery = kind.runs_in();
    replication.last_error = None;
    replication.updated_ms = core.now_ms();
    if kind == WorkKind::Migrate && !blocked {
        power_off(&mut replication.source_vm);
    }
    core.calls.hold(incoming.ticket);
    core.schedule_in(
        work_ms,
        Event::Vcda(VcdaEvent::Ends(Work {
            task: task.id.clone(),
            settings,
        })),
    );
    let answer = Answer::json(202, MEDIA_TYPE, &task.to_json(core));
    vcda.tasks.insert(task.id.clone(), task);
    Ok(answer)
}

/// A task that begins at this moment.
fn start(
    core: &mut Core,
    incoming: &Incoming<'_>,
    session: &Session,
    kind: WorkKind,
    replication: &Replication,
    work_ms: i64,
) -> Task {
    Task {
        id: core.uuid("task"),
        site: incoming.endpoint.to_owned(),
        user: session.user.clone(),
        kind,
        replication: replication.id.clone(),
        vm_name: replication.vm_name.clone(),
        source_org: replication.source.org.clone(),
        destination_org: replication.destination.org.clone(),
        operation_id: incoming.request.header_text("operationID").map(str::to_owned),
        started_ms: core.now_ms(),
        ends_ms: core.now_ms() + work_ms,
        outcome: None,
        ticket: incoming.ticket,
    }
}

/// Whether a replication allows the work at a site; the instance it will be made from.
fn check(
    replication: &Replication,
    site: &str,
    kind: WorkKind,
    settings: &Settings,
) -> Result<Option<String>, Refusal> {
    let id = replication.id.as_str();
    if replication.destination.site != site {
        return Err(Refusal::bad_request(
            format!("Site {site} is not the destination."),
            &[id, site],
        ));
    }
    if replication.task.is_some() {
        return Err(Refusal::bad_request(
            "Other work on the replication is running.",
            &[id],
        ));
    }
    if replication.recovery != kind.begins_in() {
        let state = replication.recovery.as_str();
        let msg = format!("Recovery state {state} does not allow {}.", kind.as_str());
        return Err(Refusal::bad_request(msg, &[id, state]));
    }
    match (kind, &settings.instance) {
        (WorkKind::FailoverTestCleanup | WorkKind::Reverse | WorkKind::Migrate, _) => Ok(None),
        (WorkKind::Failover | WorkKind::FailoverTest, Some(key)) => match replication.instance(key) {
            Some(instance) => Ok(Some(instance.key.clone())),
            None => Err(Refusal::bad_request("The instance is not known.", &[key])),
        },
        (WorkKind::FailoverTest, None) if settings.sync => Ok(None),
        (WorkKind::Failover | WorkKind::FailoverTest, None) => match replication.latest_instance() {
            Some(instance) => Ok(Some(instance.key.clone())),
            None => Err(Refusal::bad_request(
                "There is no instance to recover from.",
                &[id],
            )),
        },
    }
}

fn needs_source(kind: WorkKind, settings: &Settings) -> bool {
    match kind {
        WorkKind::Migrate | WorkKind::Reverse => true,
        WorkKind::FailoverTest => settings.sync,
        WorkKind::Failover | WorkKind::FailoverTestCleanup => false,
    }
}

/// The work of a task ends: the one place where it changes the replication.
pub(super) fn end(world: &mut World, work: Work) {
    let World { core, vcda, .. } = world;
    let Some(task) = vcda.tasks.get_mut(&work.task) else {
        return;
    };
    let Some(replication) = vcda.replications.get_mut(&task.replication) else {
        return;
    };
    let blocked = needs_source(task.kind, &work.settings) && !core.is_reachable(&replication.source.site);
    replication.task = None;
    replication.updated_ms = core.now_ms();
    if blocked {
        let site = replication.source.site.clone();
        let msg = format!("Site {site} cannot be reached.");
        let error = ApiError::new("GeneralServerFailure", msg, &[&replication.id, &site]);
        replication.recovery = task.kind.begins_in();
        replication.last_error = Some(error.clone());
        task.outcome = Some(Outcome::Failed(error));
    } else {
        replication.recovery = task.kind.ends_in();
        apply(core, replication, task.kind, work.settings);
        task.outcome = Some(Outcome::Succeeded(view::replication(
            core,
            &task.site,
            replication,
        )));
        core.calls.effect(task.ticket, core.now_ms);
    }
    core.calls.settle(task.ticket, core.now_ms);
}

fn apply(core: &mut Core, replication: &mut Replication, kind: WorkKind, settings: Settings) {
    let now_ms = core.now_ms();
    match kind {
        WorkKind::Failover => {
            replication.destination_vm = Some(recovered(core, settings));
            replication.recovered_ms = Some(now_ms);
        }
        WorkKind::Migrate => {
            let instance = take_instance(core, replication);
            let settings = Settings {
                instance: Some(instance),
                ..settings
            };
            replication.destination_vm = Some(recovered(core, settings));
            replication.recovered_ms = Some(now_ms);
        }
        WorkKind::FailoverTest => {
            let instance = match settings.instance {
                Some(instance) => instance,
                None => take_instance(core, replication),
            };
            let settings = Settings {
                instance: Some(instance),
                ..settings
            };
            replication.destination_vm = Some(recovered(core, settings));
        }
        WorkKind::FailoverTestCleanup => replication.destination_vm = None,
        WorkKind::Reverse => {
            replication.turn_round();
            take_instance(core, replication);
        }
    }
}

fn recovered(core: &mut Core, settings: Settings) -> Vm {
    Vm {
        id: core.uuid("vm"),
        vapp_id: core.uuid("vapp"),
        powered_on: settings.power_on,
        instance: settings.instance,
        network_settings: settings.network_settings,
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

/// The interval of a replication has passed: the source is copied if both sites are there.
pub(super) fn copy(world: &mut World, id: String) {
    let World { core, vcda, .. } = world;
    let Some(replication) = vcda.replications.get_mut(&id) else {
        return;
    };
    let linked =
        core.is_reachable(&replication.source.site) && core.is_reachable(&replication.destination.site);
    if linked && replication.is_copying() {
        take_instance(core, replication);
    }
    let interval_ms = i64::from(replication.rpo_minutes) * 60_000;
    core.schedule_in(interval_ms, Event::Vcda(VcdaEvent::Copies(id)));
}
