//! What an action is asked to do. Whatever the service would decide by itself when it is left out (power, networks,
//! synchronising) is an argument here.

use std::collections::BTreeMap;

use farside_models_vcda::{
    IpAddressAllocationMode, SnapshotOptions, TargetType, VappNetworkSettings, VcFailoverSettings,
    VcFailoverTestSettings, VmFailoverSettings, VmFailoverTestSettings, VmNetworkSettings, VmNicSettings,
    VmReplicationFailoverSettings, VmReplicationFailoverTestSettings, VmReplicationMigrateSettings,
};

/// Kind of the destination of a replication; a body of another kind is refused (VCDA wire rules 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A Cloud Director site.
    Vcloud,
    /// A vCenter site.
    Vcenter,
}

/// What becomes of the recovered VM. The service powers it on when nobody says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// It is started.
    On,
    /// It stays off.
    Off,
}

impl Power {
    fn is_on(self) -> bool {
        self == Self::On
    }
}

/// Whether the network cards of a migrated VM are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cards {
    /// To the networks that the replication is set up with.
    Connected,
    /// To nothing.
    Disconnected,
}

/// The networks of a recovered VM.
#[derive(Clone, Debug, PartialEq)]
pub enum Networks {
    /// What the replication was set up with: the request says nothing about networks. No source tells whether a
    /// replication without such a set-up then gets connected cards, so this is not for tests.
    Preconfigured,
    /// No card is connected to anything.
    Disconnected {
        /// Id of the VM, by which settings for a vCenter site are keyed.
        vm: String,
        /// Number of the VM's network cards; each is named as disconnected, and nothing is taken over from the
        /// source for any other.
        cards: u32,
    },
    /// These.
    Explicit(Box<ExplicitNetworks>),
}

/// Networks chosen card by card.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExplicitNetworks {
    /// Id of the VM, by which settings for a vCenter site are keyed.
    pub vm: String,
    /// The network cards.
    pub cards: VmNetworkSettings,
    /// The networks of the vApp.
    pub vapp: Option<VappNetworkSettings>,
}

/// The parts of a request that are about networks.
#[derive(Default)]
struct NetworkMembers {
    vm_id: String,
    vm: Option<VmNetworkSettings>,
    vapp: Option<VappNetworkSettings>,
}

impl Networks {
    fn members(&self) -> NetworkMembers {
        match self {
            Self::Preconfigured => NetworkMembers::default(),
            Self::Disconnected { vm, cards } => NetworkMembers {
                vm_id: vm.clone(),
                vm: Some(disconnected(*cards)),
                vapp: Some(
                    VappNetworkSettings::default()
                        .with_copy_source_networks(false)
                        .with_bulk_connect_vm_nics(false),
                ),
            },
            Self::Explicit(networks) => NetworkMembers {
                vm_id: networks.vm.clone(),
                vm: Some(networks.cards.clone()),
                vapp: networks.vapp.clone(),
            },
        }
    }
}

impl NetworkMembers {
    /// The form for a vCenter site: a map by VM id (VCDA wire rules 10).
    fn by_vm(self) -> (BTreeMap<String, VmNetworkSettings>, Option<VappNetworkSettings>) {
        let id = self.vm_id;
        (self.vm.map(|vm| (id, vm)).into_iter().collect(), self.vapp)
    }
}

fn disconnected(cards: u32) -> VmNetworkSettings {
    let card = |index| {
        VmNicSettings::default()
            .with_nic_index(index)
            .with_is_connected(false)
            .with_ip_address_allocation_mode(IpAddressAllocationMode::None)
    };
    let last = i32::try_from(cards).unwrap_or(i32::MAX);
    VmNetworkSettings::default()
        .with_nics((0..last).map(card).collect())
        .with_copy_source_nic_settings(false)
}

/// How to fail over.
#[derive(Clone, Debug, PartialEq)]
pub struct FailoverSettings {
    target: Target,
    power: Power,
    networks: Networks,
    instance: Option<String>,
    consolidate: bool,
}

impl FailoverSettings {
    /// From the newest instance, points in time left as they are.
    #[must_use]
    pub fn new(target: Target, power: Power, networks: Networks) -> Self {
        Self {
            target,
            power,
            networks,
            instance: None,
            consolidate: false,
        }
    }

    /// From this instance: the key that the list of instances gives.
    #[must_use]
    pub fn instance(mut self, key: impl Into<String>) -> Self {
        self.instance = Some(key.into());
        self
    }

    /// Merges the points in time: a slower failover, a faster VM.
    #[must_use]
    pub fn consolidate(mut self) -> Self {
        self.consolidate = true;
        self
    }

    pub(crate) fn to_body(&self) -> VmReplicationFailoverSettings {
        let networks = self.networks.members();
        match self.target {
            Target::Vcloud => {
                let body = VmFailoverSettings {
                    instance_id: self.instance.clone(),
                    vm_network_settings: networks.vm,
                    vapp_network_settings: networks.vapp,
                    ..VmFailoverSettings::default()
                };
                body.with_power_on(self.power.is_on())
                    .with_consolidate(self.consolidate)
                    .into()
            }
            Target::Vcenter => {
                let (vm_network_settings, vapp_network_settings) = networks.by_vm();
                let body = VcFailoverSettings {
                    instance_id: self.instance.clone(),
                    vm_network_settings,
                    vapp_network_settings,
                    ..VcFailoverSettings::default()
                };
                let snapshots = if self.consolidate {
                    SnapshotOptions::Consolidate
                } else {
                    SnapshotOptions::DoNothing
                };
                body.with_power_on(self.power.is_on())
                    .with_snapshot_options(snapshots)
                    .into()
            }
        }
    }
}

/// What a test recovers from. The service forbids to synchronise first and to choose an instance (VCDA wire rules 12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestFrom {
    /// The newest instance that is stored; the source is not asked.
    Newest,
    /// This instance: the key that the list of instances gives; the source is not asked.
    Instance(String),
    /// The source as it is, which must be reachable.
    Synchronised,
}

/// How to test a failover.
#[derive(Clone, Debug, PartialEq)]
pub struct FailoverTestSettings {
    target: Target,
    power: Power,
    networks: Networks,
    from: TestFrom,
}

impl FailoverTestSettings {
    /// With all that has to be decided.
    #[must_use]
    pub fn new(target: Target, power: Power, networks: Networks, from: TestFrom) -> Self {
        Self {
            target,
            power,
            networks,
            from,
        }
    }

    pub(crate) fn to_body(&self) -> VmReplicationFailoverTestSettings {
        let networks = self.networks.members();
        let (sync, instance_id) = match &self.from {
            TestFrom::Newest => (false, None),
            TestFrom::Instance(key) => (false, Some(key.clone())),
            TestFrom::Synchronised => (true, None),
        };
        match self.target {
            Target::Vcloud => {
                let body = VmFailoverTestSettings {
                    instance_id,
                    vm_network_settings: networks.vm,
                    vapp_network_settings: networks.vapp,
                    ..VmFailoverTestSettings::default()
                };
                body.with_power_on(self.power.is_on()).with_sync(sync).into()
            }
            Target::Vcenter => {
                let (vm_network_settings, vapp_network_settings) = networks.by_vm();
                let body = VcFailoverTestSettings {
                    instance_id,
                    vm_network_settings,
                    vapp_network_settings,
                    ..VcFailoverTestSettings::default()
                };
                body.with_power_on(self.power.is_on()).with_sync(sync).into()
            }
        }
    }
}

/// How to migrate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MigrateSettings {
    target: Target,
    power: Power,
    cards: Cards,
    consolidate: bool,
}

impl MigrateSettings {
    /// With all that has to be decided; points in time are left as they are.
    #[must_use]
    pub fn new(target: Target, power: Power, cards: Cards) -> Self {
        Self {
            target,
            power,
            cards,
            consolidate: false,
        }
    }

    /// Merges the points in time.
    #[must_use]
    pub fn consolidate(mut self) -> Self {
        self.consolidate = true;
        self
    }

    pub(crate) fn to_body(self) -> VmReplicationMigrateSettings {
        let target = match self.target {
            Target::Vcloud => TargetType::Vcloud,
            Target::Vcenter => TargetType::Vcenter,
        };
        VmReplicationMigrateSettings::new(target)
            .with_power_on(self.power.is_on())
            .with_consolidate(self.consolidate)
            .with_connect_vm_nics(self.cards == Cards::Connected)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn written(body: &impl serde::Serialize) -> Value {
        serde_json::to_value(body).unwrap()
    }

    #[test]
    fn a_disconnected_test_copy_names_each_card_and_takes_nothing_from_the_source() {
        let networks = Networks::Disconnected {
            vm: "vm-77".to_owned(),
            cards: 2,
        };
        let card =
            |index| json!({"nicIndex": index, "isConnected": false, "ipAddressAllocationMode": "NONE"});
        let cards = json!({"nics": [card(0), card(1)], "copySourceNicSettings": false});
        let vapp = json!({"copySourceNetworks": false, "bulkConnectVmNics": false});
        let settings =
            |target| FailoverTestSettings::new(target, Power::Off, networks.clone(), TestFrom::Newest);
        assert_eq!(
            written(&settings(Target::Vcloud).to_body()),
            json!({
                "type": "vcloud", "powerOn": false, "sync": false,
                "vmNetworkSettings": cards, "vAppNetworkSettings": vapp,
            })
        );
        assert_eq!(
            written(&settings(Target::Vcenter).to_body()),
            json!({
                "type": "vcenter", "powerOn": false, "sync": false,
                "vmNetworkSettings": {"vm-77": cards}, "vAppNetworkSettings": vapp,
            })
        );
    }

    #[test]
    fn power_and_cards_are_always_written() {
        let body = MigrateSettings::new(Target::Vcenter, Power::Off, Cards::Disconnected)
            .consolidate()
            .to_body();
        assert_eq!(
            written(&body),
            json!({"type": "vcenter", "powerOn": false, "consolidate": true, "connectVmNics": false})
        );
        let body = FailoverSettings::new(Target::Vcenter, Power::On, Networks::Preconfigured)
            .consolidate()
            .to_body();
        assert_eq!(
            written(&body),
            json!({"type": "vcenter", "powerOn": true, "snapshotOptions": "CONSOLIDATE"})
        );
    }
}
