//! A vCenter HA cluster: two nodes and a witness, one node active. What is said about it is in `view`, what changes it
//! in `work`.

use super::address::Address;
use super::error::RestError;
use super::spec::{ClusterSpec, Deployment, Mode};
use crate::spec::site::numbered;
use serde::{Deserialize, Serialize};

/// A node, or the witness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its address in the HA network, by which it is known.
    pub ha_ip: String,
    /// Whether it is up.
    pub up: bool,
    /// Its machine at the management vCenter.
    pub vm: Vm,
    pub(super) ha: Address,
    /// The address that it takes when it is active, where it has one of its own.
    pub(super) failover: Option<Address>,
}

impl Node {
    pub(super) fn new(ha: Address, up: bool, vm: Vm) -> Self {
        Self {
            ha_ip: ha.text(),
            up,
            vm,
            ha,
            failover: None,
        }
    }
}

/// The machine of a node, and where it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vm {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its BIOS UUID.
    pub bios_uuid: String,
    pub(super) host: String,
    /// Kind and id of its network in the cluster.
    pub(super) ha_network: (String, String),
    /// Kind and id of the network of its management interface.
    pub(super) management_network: (String, String),
    pub(super) datastore: String,
}

impl Vm {
    /// The machine of node `node` of the cluster at vCenter `number`; each further one for that node has another id.
    pub(super) fn new(number: u32, node: u32, made_before: u32) -> Self {
        let again = match made_before {
            0 => String::new(),
            made => format!("-{made}"),
        };
        Self {
            id: format!("vm-{}{again}", numbered(number, node)),
            name: format!("vc-{}{again}", numbered(number, node)),
            bios_uuid: format!("420f0000-0000-4000-8000-0000{made_before:04}{number:03}{node}"),
            host: format!("host-{}", numbered(number, node)),
            ha_network: ("DISTRIBUTED_PORTGROUP".to_owned(), "dvportgroup-19".to_owned()),
            management_network: ("STANDARD_PORTGROUP".to_owned(), "network-12".to_owned()),
            datastore: format!("datastore-{}", numbered(number, node)),
        }
    }
}

/// A cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its vCenter.
    pub vcenter: String,
    /// Its mode.
    pub mode: Mode,
    /// The two nodes.
    pub nodes: [Node; 2],
    /// Which node is active.
    pub active: usize,
    /// The witness.
    pub witness: Node,
    /// Whether the passive node is in sync.
    pub in_sync: bool,
    /// Whether the nodes do not reach one another.
    pub isolated: bool,
    /// Who made the machines of the other two nodes.
    pub deployment: Deployment,
    /// Whether the nodes run different versions.
    pub versions_differ: bool,
    /// How often the nodes have changed roles.
    pub switches: u32,
    /// Grows with each switch, and with each one that failed midway; what was set to happen before counts no more.
    pub(super) upheavals: u32,
    /// The former active node still answers, as it did before the switch.
    pub(super) stale: bool,
    /// The next switch fails midway.
    pub(super) next_switch_fails: bool,
}

impl Cluster {
    pub(super) fn new(number: u32, vcenter: &str, spec: &ClusterSpec) -> Self {
        let ha = |node: u32| {
            let text = if spec.ipv6 {
                format!("2001:db8:9:{number}::{node}")
            } else {
                format!("10.9.{number}.{node}")
            };
            Address::of_text(&text)
        };
        let node = |node: u32, up: bool| Node::new(ha(node), up, Vm::new(number, node, 0));
        let mut nodes = [node(1, true), node(2, spec.passive_up)];
        if let Some(texts) = &spec.failover_ips {
            for (node, text) in nodes.iter_mut().zip(texts) {
                node.failover = Some(Address::of_text(text));
            }
        }
        Self {
            vcenter: vcenter.to_owned(),
            mode: spec.mode,
            nodes,
            active: 0,
            witness: node(3, spec.witness_up),
            in_sync: true,
            isolated: false,
            deployment: spec.deployment,
            versions_differ: spec.versions_differ,
            switches: 0,
            upheavals: 0,
            stale: false,
            next_switch_fails: false,
        }
    }

    /// The address of the active node in the HA network.
    pub fn active_ip(&self) -> &str {
        &self.nodes[self.active].ha_ip
    }

    /// Whether all members are there, see one another, and are in sync.
    pub fn is_healthy(&self) -> bool {
        self.warnings().is_empty()
    }

    pub(super) fn passive(&self) -> &Node {
        &self.nodes[1 - self.active]
    }

    /// The node that the server which answers takes for the active one.
    pub(super) fn shown_active(&self) -> usize {
        if self.stale { 1 - self.active } else { self.active }
    }

    /// What is wrong with the cluster, as id and text.
    pub(super) fn warnings(&self) -> Vec<(&'static str, String)> {
        if self.stale {
            return Vec::new();
        }
        if self.isolated {
            let text = "The nodes do not reach one another.".to_owned();
            return vec![("sim.vcha.isolated", text)];
        }
        let mut warnings = Vec::new();
        let passive = self.passive();
        if !passive.up {
            let text = format!("Node {} is down.", passive.ha_ip);
            warnings.push(("sim.vcha.passive.down", text));
        } else if !self.in_sync {
            let text = "The passive node is not in sync.".to_owned();
            warnings.push(("sim.vcha.not.in.sync", text));
        }
        if !self.witness.up {
            let text = format!("Node {} is down.", self.witness.ha_ip);
            warnings.push(("sim.vcha.witness.down", text));
        }
        warnings
    }

    /// Why a failover may not begin.
    pub(super) fn failover_refusal(&self) -> Option<RestError> {
        let refused =
            |id, reason: String| RestError::refused("The cluster is not ready for a failover.", id, reason);
        if self.mode == Mode::Disabled {
            return Some(refused("sim.vcha.mode", "The mode is DISABLED.".to_owned()));
        }
        let (id, text) = self.warnings().into_iter().next()?;
        Some(refused(id, text))
    }

    /// Why the mode may not become another one. Nothing leads from `DISABLED` to `MAINTENANCE`, and nothing from a mode to
    /// itself.
    pub(super) fn mode_refusal(&self, to: Mode) -> Option<RestError> {
        let refused = |id, reason: &str| {
            let text = "The mode cannot be changed like that.";
            Some(RestError::refused(text, id, reason))
        };
        let needs_health = match (self.mode, to) {
            (Mode::Enabled, Mode::Disabled) => false,
            (Mode::Enabled, Mode::Maintenance) | (Mode::Disabled, Mode::Enabled) => true,
            (Mode::Maintenance, Mode::Enabled | Mode::Disabled) if self.versions_differ => {
                return refused("sim.vcha.versions", "The nodes run different versions.");
            }
            (Mode::Maintenance, Mode::Enabled | Mode::Disabled) => true,
            (Mode::Disabled, Mode::Maintenance)
            | (Mode::Enabled, Mode::Enabled)
            | (Mode::Disabled, Mode::Disabled)
            | (Mode::Maintenance, Mode::Maintenance) => {
                return refused("sim.vcha.mode", "No way leads from the present mode to that one.");
            }
        };
        if self.isolated {
            return refused("sim.vcha.isolated", "The nodes do not reach one another.");
        }
        if needs_health && !self.is_healthy() {
            return refused("sim.vcha.degraded", "The cluster is not healthy.");
        }
        None
    }

    /// The passive node becomes the active one, and the former active one is down.
    pub(super) fn take_over(&mut self) {
        self.nodes[self.active].up = false;
        self.active = 1 - self.active;
        self.in_sync = false;
        self.switches += 1;
        self.upheavals += 1;
    }

    /// A switch fails midway: the active node comes back as the active one, and the passive one is lost for a while.
    pub(super) fn fall_back(&mut self) {
        self.nodes[1 - self.active].up = false;
        self.in_sync = false;
        self.upheavals += 1;
    }
}
