//! What an action is asked to do. Whatever the service would decide by itself when it is left out (power, networks,
//! synchronising) is an argument here.

mod network;
mod vapp;

use farside_models_vcda::{
    CustomVirtualHardware, SnapshotOptions, TargetType, VcFailoverSettings, VcFailoverTestSettings,
    VmFailoverSettings, VmFailoverTestSettings, VmReplicationFailoverSettings,
    VmReplicationFailoverTestSettings, VmReplicationMigrateSettings,
};

pub use network::{ExplicitNetworks, Networks, VappNetworks};
pub use vapp::{VappFailover, VappFailoverTest, VappTestFrom};

/// Kind of the destination of a replication; a body of another kind is refused (VCDA wire rules 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A Cloud Director site.
    Vcloud,
    /// A vCenter site.
    Vcenter,
}

impl From<Target> for TargetType {
    fn from(target: Target) -> Self {
        match target {
            Target::Vcloud => Self::Vcloud,
            Target::Vcenter => Self::Vcenter,
        }
    }
}

/// What a Cloud Director site is told about a recovered VM beside power and networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloudOptions {
    /// Id of a placement policy; since 4.5.
    pub placement_policy: Option<String>,
    /// Id of a sizing policy; since 4.5.
    pub sizing_policy: Option<String>,
    /// Whether the security tags of the source go along; since 4.7. An older service may refuse to be told.
    pub copy_security_tags: Option<bool>,
}

/// What a vCenter site is told about a recovered VM beside power and networks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VcenterOptions {
    /// Shows the points in time, instead of merging them or leaving them as they are.
    pub expose_points_in_time: bool,
    /// Hardware of the VM; on one page of 4.5 only.
    pub hardware: Option<CustomVirtualHardware>,
}

/// Where a failover recovers, with what only that kind of site takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Destination {
    /// A Cloud Director site.
    Vcloud(CloudOptions),
    /// A vCenter site.
    Vcenter(VcenterOptions),
}

impl From<Target> for Destination {
    fn from(target: Target) -> Self {
        match target {
            Target::Vcloud => Self::Vcloud(CloudOptions::default()),
            Target::Vcenter => Self::Vcenter(VcenterOptions::default()),
        }
    }
}

/// Where a test failover recovers, with what only that kind of site takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestDestination {
    /// A Cloud Director site.
    Vcloud(CloudOptions),
    /// A vCenter site.
    Vcenter,
}

impl From<Target> for TestDestination {
    fn from(target: Target) -> Self {
        match target {
            Target::Vcloud => Self::Vcloud(CloudOptions::default()),
            Target::Vcenter => Self::Vcenter,
        }
    }
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

/// How to fail over.
#[derive(Clone, Debug, PartialEq)]
pub struct FailoverSettings {
    destination: Destination,
    power: Power,
    networks: Networks,
    instance: Option<String>,
    consolidate: bool,
}

impl FailoverSettings {
    /// From the newest instance, points in time left as they are.
    #[must_use]
    pub fn new(destination: impl Into<Destination>, power: Power, networks: Networks) -> Self {
        Self {
            destination: destination.into(),
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

    /// # Errors
    /// Why it cannot be sent.
    pub(crate) fn to_body(&self) -> Result<VmReplicationFailoverSettings, &'static str> {
        let networks = self.networks.members();
        Ok(match &self.destination {
            Destination::Vcloud(options) => VmFailoverSettings {
                power_on: Some(self.power.is_on()),
                consolidate: Some(self.consolidate),
                instance_id: self.instance.clone(),
                vm_network_settings: networks.vm,
                vapp_network_settings: networks.vapp,
                placement_policy: options.placement_policy.clone(),
                sizing_policy: options.sizing_policy.clone(),
                copy_security_tags: options.copy_security_tags,
                ..VmFailoverSettings::default()
            }
            .into(),
            Destination::Vcenter(options) => {
                let (vm_network_settings, vapp_network_settings) = networks.by_vm()?;
                VcFailoverSettings {
                    power_on: Some(self.power.is_on()),
                    instance_id: self.instance.clone(),
                    snapshot_options: Some(options.snapshots(self.consolidate)),
                    custom_virtual_hardware: options.hardware.clone(),
                    vm_network_settings,
                    vapp_network_settings,
                    ..VcFailoverSettings::default()
                }
                .into()
            }
        })
    }
}

impl VcenterOptions {
    fn snapshots(&self, consolidate: bool) -> SnapshotOptions {
        match (consolidate, self.expose_points_in_time) {
            (true, _) => SnapshotOptions::Consolidate,
            (false, true) => SnapshotOptions::ExposePits,
            (false, false) => SnapshotOptions::DoNothing,
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
    destination: TestDestination,
    power: Power,
    networks: Networks,
    from: TestFrom,
}

impl FailoverTestSettings {
    /// With all that has to be decided.
    #[must_use]
    pub fn new(
        destination: impl Into<TestDestination>,
        power: Power,
        networks: Networks,
        from: TestFrom,
    ) -> Self {
        Self {
            destination: destination.into(),
            power,
            networks,
            from,
        }
    }

    /// # Errors
    /// Why it cannot be sent.
    pub(crate) fn to_body(&self) -> Result<VmReplicationFailoverTestSettings, &'static str> {
        let networks = self.networks.members();
        let (sync, instance_id) = match &self.from {
            TestFrom::Newest => (false, None),
            TestFrom::Instance(key) => (false, Some(key.clone())),
            TestFrom::Synchronised => (true, None),
        };
        Ok(match &self.destination {
            TestDestination::Vcloud(options) => VmFailoverTestSettings {
                power_on: Some(self.power.is_on()),
                sync: Some(sync),
                instance_id,
                vm_network_settings: networks.vm,
                vapp_network_settings: networks.vapp,
                placement_policy: options.placement_policy.clone(),
                sizing_policy: options.sizing_policy.clone(),
                copy_security_tags: options.copy_security_tags,
                ..VmFailoverTestSettings::default()
            }
            .into(),
            TestDestination::Vcenter => {
                let (vm_network_settings, vapp_network_settings) = networks.by_vm()?;
                VcFailoverTestSettings {
                    power_on: Some(self.power.is_on()),
                    sync: Some(sync),
                    instance_id,
                    vm_network_settings,
                    vapp_network_settings,
                    ..VcFailoverTestSettings::default()
                }
                .into()
            }
        })
    }
}

/// How to migrate.
#[derive(Clone, Debug, PartialEq)]
pub struct MigrateSettings {
    target: Target,
    power: Power,
    cards: Cards,
    networks: Option<Box<ExplicitNetworks>>,
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
            networks: None,
            consolidate: false,
        }
    }

    /// Merges the points in time.
    #[must_use]
    pub fn consolidate(mut self) -> Self {
        self.consolidate = true;
        self
    }

    /// To these networks, instead of those that the replication is set up with; whether a card is connected stands at each
    /// card.
    #[must_use]
    pub fn networks(mut self, networks: ExplicitNetworks) -> Self {
        self.networks = Some(Box::new(networks));
        self
    }

    pub(crate) fn to_body(&self) -> VmReplicationMigrateSettings {
        let networks = self.networks.as_deref();
        VmReplicationMigrateSettings {
            power_on: Some(self.power.is_on()),
            consolidate: Some(self.consolidate),
            connect_vm_nics: Some(self.cards == Cards::Connected),
            vm_network_settings: networks.map(|networks| networks.cards.clone()),
            vapp_network_settings: networks.and_then(|networks| networks.vapp.clone()),
            ..VmReplicationMigrateSettings::new(TargetType::from(self.target))
        }
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
            written(&settings(Target::Vcloud).to_body().unwrap()),
            json!({
                "type": "vcloud", "powerOn": false, "sync": false,
                "vmNetworkSettings": cards, "vAppNetworkSettings": vapp,
            })
        );
        assert_eq!(
            written(&settings(Target::Vcenter).to_body().unwrap()),
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
            .to_body()
            .unwrap();
        assert_eq!(
            written(&body),
            json!({"type": "vcenter", "powerOn": true, "snapshotOptions": "CONSOLIDATE"})
        );
    }
}
