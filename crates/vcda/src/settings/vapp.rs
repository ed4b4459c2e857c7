//! What an action on a vApp replication is asked to do.

use std::collections::BTreeMap;

use farside_models_vcda::{
    SnapshotOptions, VappFailoverSettings, VappFailoverTestSettings, VappReplicationFailoverSettings,
    VappReplicationFailoverTestSettings, VcVappFailoverSettings, VcVappFailoverTestSettings,
};

use super::{CloudOptions, Power, Target, VappNetworks};
use crate::id::VmReplicationId;

/// Instances by the replication of their VM, as the service takes them.
fn instance_map(instances: &BTreeMap<VmReplicationId, String>) -> BTreeMap<String, String> {
    let pairs = instances.iter();
    pairs
        .map(|(replication, key)| (replication.to_string(), key.clone()))
        .collect()
}

/// How to fail a vApp over: all of its VMs alike.
#[derive(Clone, Debug, PartialEq)]
pub struct VappFailover {
    target: Target,
    power: Power,
    networks: VappNetworks,
    instances: BTreeMap<VmReplicationId, String>,
    consolidate: bool,
    snapshots: Option<SnapshotOptions>,
    cloud: CloudOptions,
}

impl VappFailover {
    /// To a Cloud Director site; each VM from its newest instance, points in time left as they are.
    #[must_use]
    pub fn to_vcloud(options: CloudOptions, power: Power, networks: VappNetworks) -> Self {
        Self {
            target: Target::Vcloud,
            power,
            networks,
            instances: BTreeMap::new(),
            consolidate: false,
            snapshots: None,
            cloud: options,
        }
    }

    /// To a vCenter site; each VM from its newest instance, points in time left as they are.
    #[must_use]
    pub fn to_vcenter(power: Power, networks: VappNetworks) -> Self {
        Self {
            target: Target::Vcenter,
            ..Self::to_vcloud(CloudOptions::default(), power, networks)
        }
    }

    /// This VM from this instance: the key that the list of its instances gives.
    #[must_use]
    pub fn instance(mut self, replication: VmReplicationId, key: impl Into<String>) -> Self {
        self.instances.insert(replication, key.into());
        self
    }

    /// Merges the points in time: a slower failover, faster VMs.
    #[must_use]
    pub fn consolidate(mut self) -> Self {
        self.consolidate = true;
        self
    }

    /// Says in words what becomes of the points in time, beside [`VappFailover::consolidate`]. The pages show both and do
    /// not say which one counts.
    #[must_use]
    pub fn snapshots(mut self, options: SnapshotOptions) -> Self {
        self.snapshots = Some(options);
        self
    }

    /// # Errors
    /// Why it cannot be sent.
    pub(crate) fn to_body(&self) -> Result<VappReplicationFailoverSettings, &'static str> {
        let (vm_network_settings, vapp_network_settings) = self.networks.members()?;
        let instance_map = instance_map(&self.instances);
        Ok(match self.target {
            Target::Vcloud => VappFailoverSettings {
                power_on: Some(self.power.is_on()),
                consolidate: Some(self.consolidate),
                snapshot_options: self.snapshots.clone(),
                placement_policy: self.cloud.placement_policy.clone(),
                sizing_policy: self.cloud.sizing_policy.clone(),
                copy_security_tags: self.cloud.copy_security_tags,
                instance_map,
                vm_network_settings,
                vapp_network_settings,
                ..VappFailoverSettings::default()
            }
            .into(),
            Target::Vcenter => VcVappFailoverSettings {
                power_on: Some(self.power.is_on()),
                consolidate: Some(self.consolidate),
                snapshot_options: self.snapshots.clone(),
                instance_map,
                vm_network_settings,
                vapp_network_settings,
                ..VcVappFailoverSettings::default()
            }
            .into(),
        })
    }
}

/// What a test of a vApp recovers from. The service forbids to synchronise first and to choose instances (VCDA wire rules
/// 12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VappTestFrom {
    /// The newest instances that are stored; the source is not asked.
    Newest,
    /// These instances, by the replication of their VM, and the newest one of any other VM; the source is not asked.
    Instances(BTreeMap<VmReplicationId, String>),
    /// The source as it is, which must be reachable.
    Synchronised,
}

/// How to test the failover of a vApp: all of its VMs alike.
#[derive(Clone, Debug, PartialEq)]
pub struct VappFailoverTest {
    target: Target,
    power: Power,
    networks: VappNetworks,
    from: VappTestFrom,
    cloud: CloudOptions,
}

impl VappFailoverTest {
    /// At a Cloud Director site.
    #[must_use]
    pub fn at_vcloud(
        options: CloudOptions,
        power: Power,
        networks: VappNetworks,
        from: VappTestFrom,
    ) -> Self {
        Self {
            target: Target::Vcloud,
            power,
            networks,
            from,
            cloud: options,
        }
    }

    /// At a vCenter site.
    #[must_use]
    pub fn at_vcenter(power: Power, networks: VappNetworks, from: VappTestFrom) -> Self {
        Self {
            target: Target::Vcenter,
            ..Self::at_vcloud(CloudOptions::default(), power, networks, from)
        }
    }

    /// # Errors
    /// Why it cannot be sent.
    pub(crate) fn to_body(&self) -> Result<VappReplicationFailoverTestSettings, &'static str> {
        let (vm_network_settings, vapp_network_settings) = self.networks.members()?;
        let (sync, instance_map) = match &self.from {
            VappTestFrom::Newest => (false, BTreeMap::new()),
            VappTestFrom::Instances(instances) => (false, instance_map(instances)),
            VappTestFrom::Synchronised => (true, BTreeMap::new()),
        };
        Ok(match self.target {
            Target::Vcloud => VappFailoverTestSettings {
                power_on: Some(self.power.is_on()),
                sync: Some(sync),
                placement_policy: self.cloud.placement_policy.clone(),
                sizing_policy: self.cloud.sizing_policy.clone(),
                copy_security_tags: self.cloud.copy_security_tags,
                instance_map,
                vm_network_settings,
                vapp_network_settings,
                ..VappFailoverTestSettings::default()
            }
            .into(),
            Target::Vcenter => VcVappFailoverTestSettings {
                power_on: Some(self.power.is_on()),
                sync: Some(sync),
                instance_map,
                vm_network_settings,
                vapp_network_settings,
                ..VcVappFailoverTestSettings::default()
            }
            .into(),
        })
    }
}
