//! What a deployment and a removal ask for, with the rules between their members as types (vCenter REST wire rules 6).

use farside_models_vcenter::{
    VchaClusterActiveSpec, VchaClusterDeploySpec, VchaClusterNodeVmInfo, VchaClusterPassiveSpec,
    VchaClusterType, VchaClusterUndeploySpec, VchaClusterVmInfo, VchaClusterWitnessSpec, VchaCredentialsSpec,
    VchaDiskSpec, VchaNetworkType, VchaPlacementSpec,
};

use crate::address::NodeAddress;

/// A network by kind and id, which go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortGroup {
    /// Of a host's own switch.
    Standard(String),
    /// Of a distributed switch.
    Distributed(String),
}

impl PortGroup {
    fn split(self) -> (VchaNetworkType, String) {
        match self {
            Self::Standard(id) => (VchaNetworkType::StandardPortgroup, id),
            Self::Distributed(id) => (VchaNetworkType::DistributedPortgroup, id),
        }
    }
}

/// Where the machine of a node goes, by ids at the management vCenter; becomes a [`VchaPlacementSpec`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Placement {
    name: String,
    folder: String,
    host: Option<String>,
    resource_pool: Option<String>,
    ha_network: Option<PortGroup>,
    management_network: Option<PortGroup>,
    datastore: Option<String>,
}

impl Placement {
    /// A machine of this name in this folder. What the server does where the rest is left out is not documented.
    pub fn new(name: impl Into<String>, folder: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            folder: folder.into(),
            host: None,
            resource_pool: None,
            ha_network: None,
            management_network: None,
            datastore: None,
        }
    }

    /// On this host.
    pub fn host(mut self, id: impl Into<String>) -> Self {
        self.host = Some(id.into());
        self
    }

    /// In this resource pool.
    pub fn resource_pool(mut self, id: impl Into<String>) -> Self {
        self.resource_pool = Some(id.into());
        self
    }

    /// With this network between the nodes.
    pub fn ha_network(mut self, network: PortGroup) -> Self {
        self.ha_network = Some(network);
        self
    }

    /// With this network for its management interface. A witness has none.
    pub fn management_network(mut self, network: PortGroup) -> Self {
        self.management_network = Some(network);
        self
    }

    /// On this datastore.
    pub fn datastore(mut self, id: impl Into<String>) -> Self {
        self.datastore = Some(id.into());
        self
    }
}

impl From<Placement> for VchaPlacementSpec {
    fn from(placement: Placement) -> Self {
        let mut spec = Self::new(placement.name, placement.folder);
        spec.host = placement.host;
        spec.resource_pool = placement.resource_pool;
        (spec.ha_network_type, spec.ha_network) = placement.ha_network.map(PortGroup::split).unzip();
        let management = placement.management_network.map(PortGroup::split);
        (spec.management_network_type, spec.management_network) = management.unzip();
        spec.storage = placement
            .datastore
            .map(|id| VchaDiskSpec::default().with_datastore(id));
        spec
    }
}

/// A cluster to be made of this vCenter; becomes a [`VchaClusterDeploySpec`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Deployment {
    spec: VchaClusterDeploySpec,
}

impl Deployment {
    /// The task clones the machines of passive node and witness, to where the placements say.
    pub fn automatic(
        active: NodeAddress,
        passive: (NodeAddress, Placement),
        witness: (NodeAddress, Placement),
    ) -> Self {
        let mut deployment = Self::new(VchaClusterType::Auto, active, passive.0, witness.0);
        deployment.spec.passive.placement = Some(passive.1.into());
        deployment.spec.witness.placement = Some(witness.1.into());
        deployment
    }

    /// The caller clones the machines by hand, so nothing is said about where they are.
    pub fn manual(active: NodeAddress, passive: NodeAddress, witness: NodeAddress) -> Self {
        Self::new(VchaClusterType::Manual, active, passive, witness)
    }

    fn new(
        deployment: VchaClusterType,
        active: NodeAddress,
        passive: NodeAddress,
        witness: NodeAddress,
    ) -> Self {
        let spec = VchaClusterDeploySpec::new(
            deployment,
            VchaClusterActiveSpec::new(active.into()),
            VchaClusterPassiveSpec::new(passive.into()),
            VchaClusterWitnessSpec::new(witness.into()),
        );
        Self { spec }
    }

    /// With this network between the nodes, for the active one.
    pub fn ha_network(mut self, network: PortGroup) -> Self {
        let (kind, id) = network.split();
        self.spec.active.ha_network_type = Some(kind);
        self.spec.active.ha_network = Some(id);
        self
    }

    /// The passive node takes this address when it becomes active. Without it, it takes over the active node's; with another
    /// one, clients have to look for the vCenter at both.
    pub fn failover_address(mut self, address: NodeAddress) -> Self {
        self.spec.passive.failover_ip = Some(address.into());
        self
    }

    /// The machines are managed by another vCenter than this one.
    pub fn managed_by(mut self, vcenter: impl Into<VchaCredentialsSpec>) -> Self {
        self.spec.vc_spec = Some(vcenter.into());
        self
    }
}

impl From<Deployment> for VchaClusterDeploySpec {
    fn from(deployment: Deployment) -> Self {
        deployment.spec
    }
}

/// What becomes of the machines of passive node and witness when a cluster is removed; becomes a
/// [`VchaClusterUndeploySpec`]. It counts only after an automatic deployment; else the machines stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// They stay. They cannot be nodes again.
    KeepMachines,
    /// They are deleted if they prove to be these.
    DeleteMachines {
        /// The machine of the passive node.
        passive: Machine,
        /// The machine of the witness.
        witness: Machine,
    },
    /// They are deleted without a check.
    ForceDelete,
}

/// A machine at the management vCenter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its id.
    pub id: String,
    /// Its BIOS UUID.
    pub bios_uuid: String,
}

impl From<Machine> for VchaClusterNodeVmInfo {
    fn from(machine: Machine) -> Self {
        Self::new(machine.id, machine.bios_uuid)
    }
}

impl From<Removal> for VchaClusterUndeploySpec {
    fn from(removal: Removal) -> Self {
        let spec = Self::default();
        match removal {
            Removal::KeepMachines => spec,
            Removal::DeleteMachines { passive, witness } => spec
                .with_force_delete(false)
                .with_vms(VchaClusterVmInfo::new(passive.into(), witness.into())),
            Removal::ForceDelete => spec.with_force_delete(true),
        }
    }
}
