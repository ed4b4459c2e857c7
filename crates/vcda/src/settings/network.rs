//! Networks of what is recovered.

use std::collections::BTreeMap;

use farside_models_vcda::{IpAddressAllocationMode, VappNetworkSettings, VmNetworkSettings, VmNicSettings};

/// The networks of a recovered VM.
#[derive(Clone, Debug, PartialEq)]
pub enum Networks {
    /// What the replication was set up with: the request says nothing about networks. No source tells whether a
    /// replication without such a set-up then gets connected cards, so this is not for tests.
    Preconfigured,
    /// No card is connected to anything.
    Disconnected {
        /// Id of the VM, by which settings for a vCenter site are keyed: without one, nothing is sent to such a site. A Cloud
        /// Director site is not told it.
        vm: String,
        /// Number of the VM's network cards; each is named as disconnected, and nothing is taken over from the
        /// source for any other.
        cards: u32,
    },
    /// These.
    Explicit(Box<ExplicitNetworks>),
}

/// A site of vCenter takes settings of cards by the id of their VM, and passes over those of no VM: they would go to none.
const NO_VM: &str = "network cards for a vCenter site need the id of their VM, which is empty";
/// Nothing would be said about any card, and the service would decide.
const NO_CARDS: &str =
    "disconnecting the network cards of a vApp needs the id of each of its VMs, and there is none";

/// Networks chosen card by card.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExplicitNetworks {
    /// Id of the VM, by which settings for a vCenter site are keyed: without one, nothing is sent to such a site. A Cloud
    /// Director site is not told it.
    pub vm: String,
    /// The network cards.
    pub cards: VmNetworkSettings,
    /// The networks of the vApp.
    pub vapp: Option<VappNetworkSettings>,
}

/// Settings of cards by the id of their VM, and those of the vApp.
type ByVm = (BTreeMap<String, VmNetworkSettings>, Option<VappNetworkSettings>);

fn by_vm(
    cards: BTreeMap<String, VmNetworkSettings>,
    vapp: Option<VappNetworkSettings>,
) -> Result<ByVm, &'static str> {
    match cards.contains_key("") {
        true => Err(NO_VM),
        false => Ok((cards, vapp)),
    }
}

/// The parts of a request that are about networks.
#[derive(Default)]
pub(super) struct NetworkMembers {
    vm_id: String,
    pub(super) vm: Option<VmNetworkSettings>,
    pub(super) vapp: Option<VappNetworkSettings>,
}

impl Networks {
    pub(super) fn members(&self) -> NetworkMembers {
        match self {
            Self::Preconfigured => NetworkMembers::default(),
            Self::Disconnected { vm, cards } => NetworkMembers {
                vm_id: vm.clone(),
                vm: Some(disconnected(*cards)),
                vapp: Some(no_vapp_networks()),
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
    ///
    /// # Errors
    /// Why it cannot be sent: there are settings of cards, and no id.
    pub(super) fn by_vm(self) -> Result<ByVm, &'static str> {
        let id = self.vm_id;
        by_vm(self.vm.map(|vm| (id, vm)).into_iter().collect(), self.vapp)
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

fn no_vapp_networks() -> VappNetworkSettings {
    VappNetworkSettings::default()
        .with_copy_source_networks(false)
        .with_bulk_connect_vm_nics(false)
}

/// The networks of the VMs of a recovered vApp, by the id of the VM (not of its replication).
#[derive(Clone, Debug, PartialEq)]
pub enum VappNetworks {
    /// What the replication was set up with: the request says nothing about networks. No source tells whether a
    /// replication without such a set-up then gets connected cards, so this is not for tests.
    Preconfigured,
    /// No card of any VM is connected to anything.
    Disconnected {
        /// Number of network cards, by VM; each is named as disconnected, and nothing is taken over from the source for any
        /// other. Without any VM, nothing is sent.
        cards: BTreeMap<String, u32>,
    },
    /// These.
    Explicit {
        /// The network cards, by VM.
        cards: BTreeMap<String, VmNetworkSettings>,
        /// The networks of the vApp.
        vapp: Option<VappNetworkSettings>,
    },
}

impl VappNetworks {
    /// # Errors
    /// Why it cannot be sent.
    pub(super) fn members(&self) -> Result<ByVm, &'static str> {
        match self {
            Self::Preconfigured => Ok((BTreeMap::new(), None)),
            Self::Disconnected { cards } if cards.is_empty() => Err(NO_CARDS),
            Self::Disconnected { cards } => {
                let cards = cards.iter().map(|(vm, cards)| (vm.clone(), disconnected(*cards)));
                by_vm(cards.collect(), Some(no_vapp_networks()))
            }
            Self::Explicit { cards, vapp } => by_vm(cards.clone(), vapp.clone()),
        }
    }
}
