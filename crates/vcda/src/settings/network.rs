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
    pub(super) fn by_vm(self) -> (BTreeMap<String, VmNetworkSettings>, Option<VappNetworkSettings>) {
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
        /// other.
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
    pub(super) fn members(&self) -> (BTreeMap<String, VmNetworkSettings>, Option<VappNetworkSettings>) {
        match self {
            Self::Preconfigured => (BTreeMap::new(), None),
            Self::Disconnected { cards } => {
                let cards = cards.iter().map(|(vm, cards)| (vm.clone(), disconnected(*cards)));
                (cards.collect(), Some(no_vapp_networks()))
            }
            Self::Explicit { cards, vapp } => (cards.clone(), vapp.clone()),
        }
    }
}
