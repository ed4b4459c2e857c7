//! A vCenter HA cluster: two nodes and a witness, one node active, and the switch between them.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::error::RestError;
use super::spec::{ClusterSpec, Mode, VchaSpec};
use super::task::CisTask;
use super::{restart, schedule};
use crate::call_log::Ticket;
use crate::core::Core;
use crate::world::World;

/// How long the active node flushes its state before a planned switch, in milliseconds.
const FLUSH_MS: std::ops::Range<i64> = 800..2_500;

/// How long a forced switch takes to begin, in milliseconds.
const FORCED_MS: std::ops::Range<i64> = 50..300;

/// How long after a switch the former active node is back, and then how long until it is in sync, in milliseconds.
const BACK_MS: std::ops::Range<i64> = 4_000..8_000;
const SYNC_MS: std::ops::Range<i64> = 1_000..4_000;

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its address in the HA network, by which it is known.
    pub ha_ip: String,
    /// Whether it is up.
    pub up: bool,
}

/// A failover that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Running {
    /// Its task.
    pub task: String,
    /// Whether it is a planned one.
    pub planned: bool,
}

/// A cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cluster {
    /// Its vCenter.
    pub vcenter: String,
    /// Its mode.
    pub mode: Mode,
    /// The two nodes.
    pub nodes: [Node; 2],
    /// Which node is active.
    pub active: usize,
    /// The address of the witness in the HA network.
    pub witness_ip: String,
    /// Whether the witness is up.
    pub witness_up: bool,
    /// Whether the passive node is in sync.
    pub in_sync: bool,
    /// The failover that is running.
    pub running: Option<Running>,
    /// How often the nodes have changed roles.
    pub switches: u32,
}

/// What happens by itself.
#[derive(Debug, Clone)]
pub(crate) enum VchaEvent {
    /// A failover that was taken comes to its switch.
    Switches {
        vcenter: String,
        task: String,
        ticket: Ticket,
    },
    /// A failover that was taken against the cluster's state fails.
    Fails {
        vcenter: String,
        task: String,
        ticket: Ticket,
    },
    /// The former active node is back; counts only for the switch after which it was set.
    Back { vcenter: String, switches: u32 },
    /// The passive node is in sync.
    InSync { vcenter: String, switches: u32 },
}

impl Cluster {
    pub(super) fn new(number: u32, vcenter: &str, spec: &ClusterSpec) -> Self {
        let node = |last: u32, up: bool| Node {
            ha_ip: format!("10.9.{number}.{last}"),
            up,
        };
        Self {
            vcenter: vcenter.to_owned(),
            mode: spec.mode,
            nodes: [node(1, true), node(2, spec.passive_up)],
            active: 0,
            witness_ip: format!("10.9.{number}.3"),
            witness_up: spec.witness_up,
            in_sync: true,
            running: None,
            switches: 0,
        }
    }

    /// The address of the active node in the HA network.
    pub fn active_ip(&self) -> &str {
        &self.nodes[self.active].ha_ip
    }

    /// Whether all members are there and in sync.
    pub fn is_healthy(&self) -> bool {
        self.in_sync && self.witness_up && self.nodes.iter().all(|node| node.up)
    }

    /// What is wrong with the cluster, as id and text.
    fn warnings(&self) -> Vec<(&'static str, String)> {
        let mut warnings = Vec::new();
        let passive = &self.nodes[1 - self.active];
        if !passive.up {
            warnings.push((
                "sim.vcha.passive.down",
                format!("Node {} is down.", passive.ha_ip),
            ));
        } else if !self.in_sync {
            warnings.push((
                "sim.vcha.not.in.sync",
                "The passive node is not in sync.".to_owned(),
            ));
        }
        if !self.witness_up {
            warnings.push((
                "sim.vcha.witness.down",
                format!("Node {} is down.", self.witness_ip),
            ));
        }
        warnings
    }

    /// Why a failover may not begin.
    pub(super) fn refusal(&self) -> Option<RestError> {
        let text = "The cluster is not ready for a failover.";
        let refused = RestError::new(500, "ERROR", "sim.vcha.not.ready", text);
        if self.mode == Mode::Disabled {
            return Some(refused.because("sim.vcha.mode", "The mode is DISABLED."));
        }
        if self.running.is_some() {
            return Some(refused.because("sim.vcha.busy", "A failover is running."));
        }
        let (id, text) = self.warnings().into_iter().next()?;
        Some(refused.because(id, text))
    }

    /// The passive node becomes the active one; the other one comes back later.
    pub(super) fn take_over(&mut self, core: &mut Core) {
        self.nodes[self.active].up = false;
        self.active = 1 - self.active;
        self.in_sync = false;
        self.switches += 1;
        let back_ms = core.work_ms("vcha-back", &self.vcenter, BACK_MS);
        schedule(
            core,
            back_ms,
            VchaEvent::Back {
                vcenter: self.vcenter.clone(),
                switches: self.switches,
            },
        );
    }

    /// `Cluster.Info`; what needs the credentials of the management vCenter is left out.
    pub(super) fn info(&self, spec: &VchaSpec) -> Value {
        let address = |ip: &str| {
            json!({
                "ip_family": "IPV4",
                "ipv4": {"address": ip, "subnet_mask": "255.255.255.0", "prefix": 24},
            })
        };
        let node = |ip: &str, up: bool, role: &str| {
            let state = if up { "UP" } else { "DOWN" };
            json!({"ha_ip": address(ip), "runtime": {"state": state, "role": role}})
        };
        let at = |index: usize| {
            let role = if index == self.active { "ACTIVE" } else { "PASSIVE" };
            node(&self.nodes[index].ha_ip, self.nodes[index].up, role)
        };
        let first = if spec.nodes_swap { self.active } else { 0 };
        let warnings = self.warnings();
        let healthy = warnings.is_empty();
        let manual = healthy && self.mode != Mode::Disabled && self.running.is_none();
        let mut info = Map::new();
        let mut set = |name: &str, value: Value| info.insert(name.to_owned(), value);
        set("config_state", json!("CONFIGURED"));
        set("node1", at(first));
        set("node2", at(1 - first));
        set("witness", node(&self.witness_ip, self.witness_up, "WITNESS"));
        set("mode", json!(self.mode));
        set(
            "health_state",
            json!(if healthy { "HEALTHY" } else { "DEGRADED" }),
        );
        if !(manual && spec.omits_allowed) {
            set("manual_failover_allowed", json!(manual));
        }
        set(
            "auto_failover_allowed",
            json!(healthy && self.mode == Mode::Enabled),
        );
        if !healthy {
            let warning = |(id, text): &(&str, String)| json!({"error": {"id": id, "default_message": text, "args": []}});
            set("health_warnings", warnings.iter().map(warning).collect());
        }
        Value::Object(info)
    }
}

/// A failover that is taken: its task, and when it comes to its switch.
pub(super) fn begin(
    world: &mut World,
    vcenter: &str,
    user: &str,
    planned: bool,
    ticket: Ticket,
) -> Result<String, RestError> {
    let World { core, vcha, .. } = world;
    let Some(cluster) = vcha.clusters.get_mut(vcenter) else {
        let text = "The cluster is not ready for a failover.";
        let refused = RestError::new(500, "ERROR", "sim.vcha.not.ready", text);
        return Err(refused.because("sim.vcha.none", "No cluster is configured."));
    };
    let refusal = cluster.refusal();
    if let Some(refusal) = refusal.clone().filter(|_| !vcha.spec.refuses_in_task) {
        return Err(refusal);
    }
    let id = format!("{}:com.vmware.vcenter.vcha", core.uuid("cis-task"));
    let range_ms = if planned { FLUSH_MS } else { FORCED_MS };
    let work_ms = core.work_ms("vcha-flush", vcenter, range_ms);
    let task = CisTask::new(&id, vcenter, user, core.now_ms(), work_ms, refusal.clone());
    core.calls.hold(ticket);
    let (vcenter, task_id) = (vcenter.to_owned(), id.clone());
    let event = if refusal.is_some() {
        VchaEvent::Fails {
            vcenter: vcenter.clone(),
            task: task_id,
            ticket,
        }
    } else {
        cluster.running = Some(Running {
            task: task_id.clone(),
            planned,
        });
        VchaEvent::Switches {
            vcenter: vcenter.clone(),
            task: task_id,
            ticket,
        }
    };
    schedule(core, work_ms, event);
    vcha.tasks.insert((vcenter, id.clone()), task);
    Ok(id)
}

/// Lets an event happen.
pub(crate) fn happen(world: &mut World, event: VchaEvent) {
    match event {
        VchaEvent::Switches {
            vcenter,
            task,
            ticket,
        } => switch(world, &vcenter, &task, ticket),
        VchaEvent::Fails {
            vcenter,
            task,
            ticket,
        } => {
            let now_ms = world.core.now_ms();
            if let Some(task) = world.vcha.tasks.get_mut(&(vcenter, task)) {
                task.ended_ms = Some(now_ms);
            }
            world.core.calls.settle(ticket, now_ms);
        }
        VchaEvent::Back { vcenter, switches } => {
            let World { core, vcha, .. } = world;
            let Some(cluster) = vcha.clusters.get_mut(&vcenter) else {
                return;
            };
            if cluster.switches == switches {
                cluster.nodes[1 - cluster.active].up = true;
                let sync_ms = core.work_ms("vcha-sync", &vcenter, SYNC_MS);
                schedule(core, sync_ms, VchaEvent::InSync { vcenter, switches });
            }
        }
        VchaEvent::InSync { vcenter, switches } => {
            let cluster = world.vcha.clusters.get_mut(&vcenter);
            if let Some(cluster) = cluster.filter(|cluster| cluster.switches == switches) {
                cluster.in_sync = true;
            }
        }
    }
}

/// The switch of a failover, unless the active node died before it.
fn switch(world: &mut World, vcenter: &str, task: &str, ticket: Ticket) {
    let World { core, vcha, .. } = world;
    let now_ms = core.now_ms();
    let outage_ms = i64::from(vcha.spec.outage_ms);
    let cluster = vcha.clusters.get_mut(vcenter);
    let due = |cluster: &&mut Cluster| {
        cluster
            .running
            .as_ref()
            .is_some_and(|running| running.task == task)
    };
    let Some(cluster) = cluster.filter(due) else {
        core.calls.settle(ticket, now_ms);
        return;
    };
    cluster.running = None;
    cluster.take_over(core);
    core.calls.effect(ticket, now_ms);
    core.calls.settle(ticket, now_ms);
    restart(world, vcenter, outage_ms);
}
