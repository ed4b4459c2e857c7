//! Work on a cluster: what begins it, how long it takes, and what it changes when it ends.

use std::ops::Range;

use super::error::RestError;
use super::locator::Prepared;
use super::site::{PlannedCluster, PlannedNode, Site, Stage};
use super::spec::{Mode, VchaSpec};
use super::task::CisTask;
use super::{schedule, upheaval};
use crate::call_log::Ticket;
use crate::core::Core;
use crate::vi_json::task::{self as vim_task, NewTask};
use crate::world::World;
use serde::{Deserialize, Serialize};

/// How long a passive node that has just been made takes to get in sync, in milliseconds.
const FIRST_SYNC_MS: Range<i64> = 5_000..15_000;

/// What is done on a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Work {
    FailOver {
        planned: bool,
    },
    SetMode {
        to: Mode,
    },
    Deploy(Box<PlannedCluster>),
    Undeploy {
        with_machines: bool,
    },
    RedeployPassive(Box<PlannedNode>),
    RedeployWitness(Box<PlannedNode>),
    /// First step of a deployment by hand; VI JSON only.
    Prepare(Box<Prepared>),
    /// Last step of a deployment by hand; VI JSON only.
    Configure(Box<PlannedCluster>),
}

/// Through which API some work was begun: what it is told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Form {
    Rest,
    ViJson,
}

impl Work {
    /// Its operation, as the list of operations names it behind `com.vmware.vcenter.vcha.cluster.`.
    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::FailOver { .. } => "failover",
            Self::SetMode { .. } => "mode.set",
            Self::Deploy(_) => "deploy",
            Self::Undeploy { .. } => "undeploy",
            Self::RedeployPassive(_) => "passive.redeploy",
            Self::RedeployWitness(_) => "witness.redeploy",
            Self::Prepare(_) => "prepare",
            Self::Configure(_) => "configure",
        }
    }

    /// What its task says that it does.
    pub(super) fn description(&self) -> (&'static str, &'static str) {
        match self {
            Self::FailOver { .. } => ("sim.vcha.failover", "Failover of the cluster"),
            Self::SetMode { .. } => ("sim.vcha.mode.set", "Change of mode"),
            Self::Deploy(_) => ("sim.vcha.deploy", "Deployment of the cluster"),
            Self::Undeploy { .. } => ("sim.vcha.undeploy", "Removal of the cluster"),
            Self::RedeployPassive(_) => ("sim.vcha.passive.redeploy", "Deployment of a passive node"),
            Self::RedeployWitness(_) => ("sim.vcha.witness.redeploy", "Deployment of a witness"),
            Self::Prepare(_) => ("sim.vcha.prepare", "Preparation of the cluster"),
            Self::Configure(_) => ("sim.vcha.configure", "Configuration of the cluster"),
        }
    }

    pub(super) fn refusal_text(&self) -> &'static str {
        match self {
            Self::FailOver { .. } => "The cluster is not ready for a failover.",
            Self::SetMode { .. } => "The mode cannot be changed like that.",
            Self::Deploy(_) => "A cluster cannot be deployed.",
            Self::Undeploy { .. } => "The cluster cannot be removed.",
            Self::RedeployPassive(_) => "A passive node cannot be deployed.",
            Self::RedeployWitness(_) => "A witness cannot be deployed.",
            Self::Prepare(_) | Self::Configure(_) => "The cluster cannot be configured.",
        }
    }

    /// Its method in VI JSON, without `_Task`.
    fn method(&self) -> &'static str {
        match self {
            Self::FailOver { .. } => "initiateFailover",
            Self::SetMode { .. } => "setClusterMode",
            Self::Deploy(_) => "deployVcha",
            Self::Undeploy { .. } => "destroyVcha",
            Self::RedeployPassive(_) => "createPassiveNode",
            Self::RedeployWitness(_) => "createWitnessNode",
            Self::Prepare(_) => "prepareVcha",
            Self::Configure(_) => "configureVcha",
        }
    }

    /// Only what makes machines can be cancelled.
    pub(super) fn is_cancelable(&self) -> bool {
        match self {
            Self::Deploy(_) | Self::RedeployPassive(_) | Self::RedeployWitness(_) => true,
            Self::FailOver { .. }
            | Self::SetMode { .. }
            | Self::Undeploy { .. }
            | Self::Prepare(_)
            | Self::Configure(_) => false,
        }
    }

    /// The kind of the draw for its length, and the range in milliseconds. A planned failover flushes first.
    fn length(&self) -> (&'static str, Range<i64>) {
        match self {
            Self::FailOver { planned: true } => ("vcha-flush", 800..2_500),
            Self::FailOver { planned: false } => ("vcha-flush", 50..300),
            Self::SetMode { .. } => ("vcha-mode", 500..2_000),
            Self::Deploy(_) => ("vcha-deploy", 240_000..540_000),
            Self::Undeploy { .. } => ("vcha-undeploy", 5_000..15_000),
            Self::RedeployPassive(_) => ("vcha-redeploy", 120_000..300_000),
            Self::RedeployWitness(_) => ("vcha-redeploy", 60_000..120_000),
            Self::Prepare(_) => ("vcha-prepare", 2_000..6_000),
            Self::Configure(_) => ("vcha-configure", 60_000..180_000),
        }
    }
}

/// Work that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Running {
    /// Its task.
    pub(super) task: String,
    pub(super) work: Work,
    pub(super) form: Form,
}

impl Running {
    /// The task with which a second failover is answered, where it is taken for the one that runs.
    fn joined_by(&self, work: &Work, form: Form, spec: &VchaSpec) -> Option<String> {
        let both = [&self.work, work].map(|work| matches!(work, Work::FailOver { .. }));
        (spec.joins_failover && both == [true; 2] && self.form == form).then(|| self.task.clone())
    }
}

/// What happens by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum VchaEvent {
    /// Work that was taken comes to its end; a failover, to its switch.
    Ends {
        vcenter: String,
        task: String,
        ticket: Ticket,
        /// Why it fails, where that was known when it began.
        foreseen: Option<Box<Foreseen>>,
    },
    /// The former active node stops answering after a switch.
    Leaves { vcenter: String, upheavals: u32 },
    /// The node that went down with a switch is back; counts only for that switch.
    Back { vcenter: String, upheavals: u32 },
    /// The passive node is in sync.
    InSync { vcenter: String, upheavals: u32 },
}

/// The failure of a task that was taken against the state of a cluster.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Foreseen {
    form: Form,
    error: RestError,
}

/// Begins some work at a vCenter for a user: gives its task, or why not.
pub(super) fn begin(
    world: &mut World,
    vcenter: &str,
    user: &str,
    work: Work,
    form: Form,
    ticket: Ticket,
) -> Result<String, RestError> {
    let World { core, vcha, .. } = world;
    let site = vcha.sites.get(vcenter);
    let running = site.and_then(|site| site.running.as_ref());
    if let Some(task) = running.and_then(|running| running.joined_by(&work, form, &vcha.spec)) {
        return Ok(task);
    }
    let refusal = site.and_then(|site| site.refusal(&work, &vcha.spec));
    if let Some(refusal) = refusal.clone().filter(|_| !vcha.spec.refuses_in_task) {
        return Err(refusal);
    }
    let (kind, range_ms) = work.length();
    let work_ms = core.work_ms(kind, vcenter, range_ms);
    let id = open_task(world, vcenter, user, &work, form, work_ms);
    let World { core, vcha, .. } = world;
    core.calls.hold(ticket);
    if refusal.is_none()
        && let Some(site) = vcha.sites.get_mut(vcenter)
    {
        let task = id.clone();
        site.running = Some(Running { task, work, form });
    }
    let event = VchaEvent::Ends {
        vcenter: vcenter.to_owned(),
        task: id.clone(),
        ticket,
        foreseen: refusal.map(|error| Box::new(Foreseen { form, error })),
    };
    schedule(core, work_ms, event);
    Ok(id)
}

/// The task of some work, in the API that began it.
fn open_task(world: &mut World, vcenter: &str, user: &str, work: &Work, form: Form, work_ms: i64) -> String {
    if form == Form::ViJson {
        let new = NewTask {
            method: work.method(),
            entity: None,
            cancelable: false,
            work_ms: Some(work_ms),
            starts: true,
        };
        return vim_task::begin(world, vcenter, new);
    }
    let World { core, vcha, .. } = world;
    vcha.tasks_made += 1;
    let task = CisTask::new(core, &vcha.spec, vcha.tasks_made, vcenter, user, work)
        .with_target(vcha.sites.get(vcenter))
        .lasting(work_ms);
    let id = task.id().to_owned();
    core.note_task(vcenter, &id, task.work().to_owned(), "running");
    vcha.tasks.insert((vcenter.to_owned(), id.clone()), task);
    id
}

/// Ends a task in the API that began it. One that has ended or is gone stays as it is.
pub(super) fn end_task(
    world: &mut World,
    vcenter: &str,
    form: Form,
    task: &str,
    outcome: Result<(), RestError>,
) {
    if form == Form::ViJson {
        let outcome = outcome.map(|()| None);
        vim_task::end(
            world,
            vcenter,
            task,
            outcome.map_err(|error| super::vi_json::fault(&error)),
        );
        return;
    }
    let World { core, vcha, .. } = world;
    let key = (vcenter.to_owned(), task.to_owned());
    if let Some(task) = vcha.tasks.get_mut(&key)
        && !task.has_ended()
    {
        let state = if outcome.is_ok() { "succeeded" } else { "failed" };
        core.note_task(vcenter, &key.1, task.work().to_owned(), state);
        task.end(core.now_ms(), outcome.err());
    }
}

/// Lets an event happen.
pub(crate) fn happen(world: &mut World, event: VchaEvent) {
    match event {
        VchaEvent::Ends {
            vcenter,
            task,
            ticket,
            foreseen,
        } => end(world, &vcenter, &task, ticket, foreseen),
        VchaEvent::Leaves { vcenter, upheavals } => upheaval::leave(world, &vcenter, upheavals),
        VchaEvent::Back { vcenter, upheavals } => upheaval::come_back(world, &vcenter, upheavals),
        VchaEvent::InSync { vcenter, upheavals } => {
            let cluster = world.vcha.sites.get_mut(&vcenter).and_then(Site::cluster_mut);
            if let Some(cluster) = cluster.filter(|cluster| cluster.upheavals == upheavals) {
                cluster.in_sync = true;
            }
        }
    }
}

/// The end of a piece of work, unless something else ended it before.
fn end(world: &mut World, vcenter: &str, task: &str, ticket: Ticket, foreseen: Option<Box<Foreseen>>) {
    let now_ms = world.core.now_ms();
    let site = world.vcha.sites.get_mut(vcenter);
    let running = site.and_then(|site| site.running.take_if(|running| running.task == task));
    let Some(Running { work, form, .. }) = running else {
        if let Some(foreseen) = foreseen {
            end_task(world, vcenter, foreseen.form, task, Err(foreseen.error));
        }
        world.core.calls.settle(ticket, now_ms);
        return;
    };
    let outcome = finish(world, vcenter, &work);
    if outcome.is_ok() && matches!(work, Work::FailOver { .. }) {
        upheaval::switch(world, vcenter, task, ticket);
        return;
    }
    let calls = &mut world.core.calls;
    if outcome.is_ok() {
        calls.effect(ticket, now_ms);
    }
    calls.settle(ticket, now_ms);
    end_task(world, vcenter, form, task, outcome);
}

/// What some work changes, but for the switch of a failover. The state is looked at once more: nodes may have died since the
/// work began.
fn finish(world: &mut World, vcenter: &str, work: &Work) -> Result<(), RestError> {
    let World { core, vcha, .. } = world;
    let Some(site) = vcha.sites.get_mut(vcenter) else {
        return Ok(());
    };
    if let Some(refusal) = site.refusal(work, &vcha.spec) {
        return Err(refusal);
    }
    match work {
        Work::FailOver { .. } => {}
        Work::SetMode { to } => {
            if let Some(cluster) = site.cluster_mut() {
                cluster.mode = *to;
            }
        }
        Work::Deploy(plan) | Work::Configure(plan) => site.deploy(vcenter, plan),
        // Where a cluster is configured already, nothing changes.
        Work::Prepare(plan) => {
            if site.cluster().is_none() {
                site.stage = Stage::Prepared(plan.clone());
            }
        }
        Work::Undeploy { with_machines } => site.undeploy(*with_machines),
        Work::RedeployPassive(plan) => {
            site.redeploy_passive(plan);
            let upheavals = site.cluster().map_or(0, |cluster| cluster.upheavals);
            set_in_sync_later(core, vcenter, upheavals, FIRST_SYNC_MS);
        }
        Work::RedeployWitness(plan) => site.redeploy_witness(plan),
    }
    vcha.settle_addresses(core, vcenter);
    Ok(())
}

pub(super) fn set_in_sync_later(core: &mut Core, vcenter: &str, upheavals: u32, range_ms: Range<i64>) {
    let sync_ms = core.work_ms("vcha-sync", vcenter, range_ms);
    let vcenter = vcenter.to_owned();
    schedule(core, sync_ms, VchaEvent::InSync { vcenter, upheavals });
}

/// Work that dies with the server that does it. A deployment leaves half a cluster behind.
pub(super) fn die(site: &mut Site, running: &Running) {
    if let Work::Deploy(_) | Work::Configure(_) = running.work {
        site.stage = Stage::Invalid;
    }
}

/// `Cis.Tasks_cancel`: best effort.
pub(super) fn cancel(world: &mut World, vcenter: &str, id: &str) -> Result<(), RestError> {
    let World { core, vcha, .. } = world;
    let now_ms = core.now_ms();
    let task = vcha.tasks.get_mut(&(vcenter.to_owned(), id.to_owned()));
    let task = task.ok_or_else(super::task::unknown)?;
    if task.has_ended() {
        return Err(RestError::not_allowed("sim.task.over", "The task has ended."));
    }
    if !task.is_cancelable() {
        let text = "The task cannot be cancelled.";
        return Err(RestError::new(400, "UNSUPPORTED", "sim.task.fixed", text));
    }
    if vcha.spec.ignores_cancel {
        return Ok(());
    }
    let text = "The work was cancelled.";
    core.note_task(vcenter, id, task.work().to_owned(), "failed");
    task.end(
        now_ms,
        Some(RestError::new(400, "CANCELED", "sim.task.cancelled", text)),
    );
    if let Some(site) = vcha.sites.get_mut(vcenter)
        && let Some(running) = site.running.take_if(|running| running.task == id)
    {
        die(site, &running);
    }
    Ok(())
}
