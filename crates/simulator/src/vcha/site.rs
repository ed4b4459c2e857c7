//! What a vCenter is for vCenter HA: without a cluster, on the way to one, or with one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::address::Address;
use super::cluster::{Cluster, Node, Vm};
use super::error::RestError;
use super::locator::Prepared;
use super::spec::{ClusterSpec, Deployment, Mode, VchaSpec};
use super::work::{Running, Work};

/// How far a vCenter is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Stage {
    /// There is no cluster.
    NotConfigured,
    /// A cluster of machines that are cloned by hand is prepared for.
    Prepared(Box<Prepared>),
    /// A deployment ended in its middle; what is left of it has to be removed first.
    Invalid,
    /// There is a cluster.
    Configured(Box<Cluster>),
}

/// A vCenter, with the work that is done on its cluster.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Site {
    pub(super) number: u32,
    /// The address at which it serves unless a node brings its own.
    pub(super) public: Address,
    pub(super) stage: Stage,
    pub(super) running: Option<Running>,
    /// Ids of the machines of passive nodes and witnesses.
    pub(super) machines: BTreeSet<String>,
    machines_made: u32,
    /// It answers at its further address.
    pub(super) is_at_second: bool,
    /// World time from which on it reaches its tasks, in milliseconds.
    pub(super) tasks_from_ms: i64,
}

/// A node that a deployment makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlannedNode {
    pub(super) ha: Address,
    pub(super) failover: Option<Address>,
    pub(super) placement: Option<Placement>,
}

/// Where the machine of a node goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Placement {
    pub(super) name: String,
    pub(super) host: Option<String>,
    pub(super) ha_network: Option<(String, String)>,
    pub(super) management_network: Option<(String, String)>,
    pub(super) datastore: Option<String>,
}

/// A cluster that a deployment makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlannedCluster {
    pub(super) deployment: Deployment,
    pub(super) active: Address,
    pub(super) passive: PlannedNode,
    pub(super) witness: PlannedNode,
}

impl Site {
    pub(super) fn new(number: u32, vcenter: &str, spec: Option<&ClusterSpec>) -> Self {
        let mut public = Address::of_text(&format!("198.51.100.{number}0"));
        public.gateway = "198.51.100.1".parse().ok();
        public.dns_servers = "192.0.2.53".parse().into_iter().collect();
        let mut site = Self {
            number,
            public,
            stage: Stage::NotConfigured,
            running: None,
            machines: BTreeSet::new(),
            machines_made: 0,
            is_at_second: false,
            tasks_from_ms: 0,
        };
        if let Some(spec) = spec {
            let cluster = Cluster::new(number, vcenter, spec);
            site.machines.insert(cluster.nodes[1].vm.id.clone());
            site.machines.insert(cluster.witness.vm.id.clone());
            site.machines_made = 1;
            site.stage = Stage::Configured(Box::new(cluster));
        }
        site
    }

    pub(super) fn cluster(&self) -> Option<&Cluster> {
        match &self.stage {
            Stage::Configured(cluster) => Some(cluster),
            Stage::NotConfigured | Stage::Prepared(_) | Stage::Invalid => None,
        }
    }

    pub(super) fn cluster_mut(&mut self) -> Option<&mut Cluster> {
        match &mut self.stage {
            Stage::Configured(cluster) => Some(cluster),
            Stage::NotConfigured | Stage::Prepared(_) | Stage::Invalid => None,
        }
    }

    /// The address between the nodes of a vCenter for which none is named.
    pub(super) fn own_address(&self, ipv6: bool) -> Address {
        let number = self.number;
        Address::of_text(&if ipv6 {
            format!("2001:db8:9:{number}::1")
        } else {
            format!("10.9.{number}.1")
        })
    }

    /// The address that a node takes when it is active.
    pub(super) fn address_of<'a>(&'a self, node: &'a Node) -> &'a Address {
        node.failover.as_ref().unwrap_or(&self.public)
    }

    /// Whether the vCenter changes its address with its active node.
    pub(super) fn addresses_differ(&self) -> bool {
        self.cluster().is_some_and(|cluster| {
            let [first, second] = &cluster.nodes;
            self.address_of(first).ip != self.address_of(second).ip
        })
    }

    /// The nodes have changed roles: from now on the vCenter answers where its active node does.
    pub(super) fn settle_address(&mut self) {
        if self.addresses_differ() {
            self.is_at_second = self.cluster().is_some_and(|cluster| cluster.active == 1);
        }
    }

    /// Why some work may not begin.
    pub(super) fn refusal(&self, work: &Work, spec: &VchaSpec) -> Option<RestError> {
        let refused = |text, id, reason: &str| Some(RestError::refused(text, id, reason));
        let text = work.refusal_text();
        if self.running.is_some() {
            let reason = "Other work on the cluster is running.";
            return Some(RestError::busy(spec, text, "sim.vcha.busy", reason));
        }
        if self.cluster().is_some_and(|cluster| cluster.stale) {
            let reason = "This node is about to stop serving.";
            return Some(RestError::busy(spec, text, "sim.vcha.leaving", reason));
        }
        let none = || refused(text, "sim.vcha.none", "No cluster is configured.");
        match (work, &self.stage) {
            (Work::FailOver { .. }, Stage::Configured(cluster)) => cluster.failover_refusal(),
            (Work::SetMode { to }, Stage::Configured(cluster)) => cluster.mode_refusal(*to),
            (Work::RedeployPassive(_), Stage::Configured(cluster)) if cluster.passive().up => {
                refused(text, "sim.vcha.present", "The cluster has this node already.")
            }
            (Work::RedeployWitness(_), Stage::Configured(cluster)) if cluster.witness.up => {
                refused(text, "sim.vcha.present", "The cluster has this node already.")
            }
            (Work::RedeployPassive(_) | Work::RedeployWitness(_), Stage::Configured(cluster))
                if cluster.isolated =>
            {
                refused(text, "sim.vcha.isolated", "The nodes do not reach one another.")
            }
            (Work::RedeployPassive(_) | Work::RedeployWitness(_), Stage::Configured(_))
            | (Work::Undeploy { .. }, Stage::Configured(_) | Stage::Prepared(_) | Stage::Invalid)
            | (Work::Deploy(_), Stage::NotConfigured | Stage::Prepared(_))
            | (Work::Configure(_), Stage::Prepared(_))
            | (Work::Prepare(_), Stage::NotConfigured | Stage::Prepared(_) | Stage::Configured(_)) => None,
            (Work::Deploy(_) | Work::Configure(_), Stage::Configured(_)) => {
                refused(text, "sim.vcha.present", "A cluster is configured already.")
            }
            (Work::Configure(_), Stage::NotConfigured) => {
                refused(text, "sim.vcha.unprepared", "Nothing is prepared.")
            }
            (Work::Deploy(_) | Work::Configure(_) | Work::Prepare(_), Stage::Invalid) => refused(
                text,
                "sim.vcha.invalid",
                "What is left of a deployment has to be removed first.",
            ),
            (Work::Undeploy { .. }, Stage::NotConfigured)
            | (
                Work::FailOver { .. }
                | Work::SetMode { .. }
                | Work::RedeployPassive(_)
                | Work::RedeployWitness(_),
                Stage::NotConfigured | Stage::Prepared(_) | Stage::Invalid,
            ) => none(),
        }
    }

    /// A machine for node `node`, where the placement says.
    fn machine(&mut self, node: u32, placement: Option<&Placement>) -> Vm {
        let mut vm = Vm::new(self.number, node, self.machines_made);
        if let Some(placement) = placement {
            vm.name.clone_from(&placement.name);
            for (given, member) in [
                (&placement.host, &mut vm.host),
                (&placement.datastore, &mut vm.datastore),
            ] {
                if let Some(given) = given {
                    member.clone_from(given);
                }
            }
            for (given, member) in [
                (&placement.ha_network, &mut vm.ha_network),
                (&placement.management_network, &mut vm.management_network),
            ] {
                if let Some(given) = given {
                    member.clone_from(given);
                }
            }
        }
        self.machines.insert(vm.id.clone());
        vm
    }

    /// A deployment ends: the cluster is there, enabled and in sync.
    pub(super) fn deploy(&mut self, vcenter: &str, plan: &PlannedCluster) {
        let placement = |node: &PlannedNode| node.placement.clone();
        let passive_vm = self.machine(2, placement(&plan.passive).as_ref());
        let witness_vm = self.machine(3, placement(&plan.witness).as_ref());
        self.machines_made += 1;
        let spec = ClusterSpec {
            mode: Mode::Enabled,
            deployment: plan.deployment,
            ..ClusterSpec::default()
        };
        let mut cluster = Cluster::new(self.number, vcenter, &spec);
        let active_vm = cluster.nodes[0].vm.clone();
        cluster.nodes = [
            Node::new(plan.active.clone(), true, active_vm),
            Node::new(plan.passive.ha.clone(), true, passive_vm),
        ];
        cluster.nodes[1].failover.clone_from(&plan.passive.failover);
        cluster.witness = Node::new(plan.witness.ha.clone(), true, witness_vm);
        self.stage = Stage::Configured(Box::new(cluster));
    }

    /// The machines of the other nodes, and then the cluster, are removed.
    pub(super) fn undeploy(&mut self, with_machines: bool) {
        if let Some(cluster) = self.cluster() {
            let ids = [cluster.passive().vm.id.clone(), cluster.witness.vm.id.clone()];
            if with_machines && cluster.deployment == Deployment::Auto {
                for id in ids {
                    self.machines.remove(&id);
                }
            }
        }
        self.stage = Stage::NotConfigured;
    }

    /// A passive node is there again, and has to get in sync.
    pub(super) fn redeploy_passive(&mut self, plan: &PlannedNode) {
        let vm = self.machine(2, plan.placement.as_ref());
        self.machines_made += 1;
        if let Some(cluster) = self.cluster_mut() {
            let mut node = Node::new(plan.ha.clone(), true, vm);
            node.failover.clone_from(&plan.failover);
            cluster.nodes[1 - cluster.active] = node;
            cluster.in_sync = false;
            cluster.upheavals += 1;
        }
    }

    /// A witness is there again.
    pub(super) fn redeploy_witness(&mut self, plan: &PlannedNode) {
        let vm = self.machine(3, plan.placement.as_ref());
        self.machines_made += 1;
        if let Some(cluster) = self.cluster_mut() {
            cluster.witness = Node::new(plan.ha.clone(), true, vm);
        }
    }

    pub(super) fn state(&self) -> Value {
        let stage = match self.stage {
            Stage::NotConfigured => "not_configured",
            Stage::Prepared(_) => "prepared",
            Stage::Invalid => "invalid",
            Stage::Configured(_) => "configured",
        };
        json!({
            "stage": stage,
            "running": self.running.as_ref().map(|running| running.work.operation()),
            "machines": self.machines,
            "answers_at_second_address": self.is_at_second,
        })
    }
}
