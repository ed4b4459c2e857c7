//! Work on a cluster: what begins it, how long it takes, and what it changes when it ends.

use std::ops::Range;

use super::error::RestError;
use super::site::{PlannedCluster, PlannedNode, Site, Stage};
use super::spec::Mode;
use super::task::CisTask;
use super::{schedule, upheaval};
use crate::call_log::Ticket;
use crate::core::Core;
use crate::world::World;

/// How long a passive node that has just been made takes to get in sync, in milliseconds.
const FIRST_SYNC_MS: Range<i64> = 5_000..15_000;

/// What is done on a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    FailOver { planned: bool },
    SetMode { to: Mode },
    Deploy(Box<PlannedCluster>),
    Undeploy { with_machines: bool },
    RedeployPassive(Box<PlannedNode>),
    RedeployWitness(Box<PlannedNode>),
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
        }
    }

    /// Only what makes machines can be cancelled.
    pub(super) fn is_cancelable(&self) -> bool {
        match self {
            Self::Deploy(_) | Self::RedeployPassive(_) | Self::RedeployWitness(_) => true,
            Self::FailOver { .. } | Self::SetMode { .. } | Self::Undeploy { .. } => false,
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
        }
    }
}

/// Work that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Running {
    /// Its task.
    pub(super) task: String,
    pub(super) work: Work,
}

/// What happens by itself.
#[derive(Debug, Clone)]
pub(crate) enum VchaEvent {
    /// Work that was taken comes to its end; a failover, to its switch.
    Ends {
        vcenter: String,
        task: String,
        ticket: Ticket,
    },
    /// The former active node stops answering after a switch.
    Leaves { vcenter: String, upheavals: u32 },
    /// The node that went down with a switch is back; counts only for that switch.
    Back { vcenter: String, upheavals: u32 },
    /// The passive node is in sync.
    InSync { vcenter: String, upheavals: u32 },
}

/// Begins some work at a vCenter for a user: gives its task, or why not.
pub(super) fn begin(
    world: &mut World,
    vcenter: &str,
    user: &str,
    work: Work,
    ticket: Ticket,
) -> Result<String, RestError> {
    let World { core, vcha, .. } = world;
    let refusal = vcha.sites.get(vcenter).and_then(|site| site.refusal(&work));
    if let Some(refusal) = refusal.clone().filter(|_| !vcha.spec.refuses_in_task) {
        return Err(refusal);
    }
    let (kind, range_ms) = work.length();
    let work_ms = core.work_ms(kind, vcenter, range_ms);
    vcha.tasks_made += 1;
    let task = CisTask::new(core, &vcha.spec, vcha.tasks_made, vcenter, user, &work)
        .with_target(vcha.sites.get(vcenter))
        .lasting(work_ms, refusal.clone());
    let id = task.id().to_owned();
    vcha.tasks.insert((vcenter.to_owned(), id.clone()), task);
    core.calls.hold(ticket);
    if refusal.is_none()
        && let Some(site) = vcha.sites.get_mut(vcenter)
    {
        let task = id.clone();
        site.running = Some(Running { task, work });
    }
    let event = VchaEvent::Ends {
        vcenter: vcenter.to_owned(),
        task: id.clone(),
        ticket,
    };
    schedule(core, work_ms, event);
    Ok(id)
}

/// Lets an event happen.
pub(crate) fn happen(world: &mut World, event: VchaEvent) {
    match event {
        VchaEvent::Ends {
            vcenter,
            task,
            ticket,
        } => end(world, &vcenter, &task, ticket),
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
fn end(world: &mut World, vcenter: &str, task: &str, ticket: Ticket) {
    let World { core, vcha, .. } = world;
    let now_ms = core.now_ms();
    let key = (vcenter.to_owned(), task.to_owned());
    let site = vcha.sites.get_mut(vcenter);
    let running = site.and_then(|site| {
        let due = site.running.as_ref().is_some_and(|running| running.task == task);
        if due { site.running.take() } else { None }
    });
    let Some(Running { work, .. }) = running else {
        if let Some(task) = vcha.tasks.get_mut(&key) {
            task.end_as_foreseen(now_ms);
        }
        core.calls.settle(ticket, now_ms);
        return;
    };
    let outcome = finish(world, vcenter, &work);
    if outcome.is_ok() && matches!(work, Work::FailOver { .. }) {
        upheaval::switch(world, vcenter, task, ticket);
        return;
    }
    let World { core, vcha, .. } = world;
    if outcome.is_ok() {
        core.calls.effect(ticket, now_ms);
    }
    core.calls.settle(ticket, now_ms);
    if let Some(task) = vcha.tasks.get_mut(&key) {
        task.end(now_ms, outcome.err());
    }
}

/// What some work changes, but for the switch of a failover. The state is looked at once more: nodes may have died since the
/// work began.
fn finish(world: &mut World, vcenter: &str, work: &Work) -> Result<(), RestError> {
    let World { core, vcha, .. } = world;
    let Some(site) = vcha.sites.get_mut(vcenter) else {
        return Ok(());
    };
    if let Some(refusal) = site.refusal(work) {
        return Err(refusal);
    }
    match work {
        Work::FailOver { .. } => {}
        Work::SetMode { to } => {
            if let Some(cluster) = site.cluster_mut() {
                cluster.mode = *to;
            }
        }
        Work::Deploy(plan) => site.deploy(vcenter, plan),
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
    if let Work::Deploy(_) = running.work {
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
