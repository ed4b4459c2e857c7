//! Networks of what is recovered.

use std::collections::BTreeMap;

use farside_models_vcda::{
    IpAddressAllocationMode, NetworkSettingsHalf, VappNetworkSettings, VmNetworkSettings, VmNicSettings,
};
use farside_wire::{DecodeError, RawJson};

/// The networks of a recovered VM.
#[derive(Clone, Debug, PartialEq)]
pub enum Networks {
    /// The request says nothing about networks, and the service decides. No source tells whether it then connects the cards as the
    /// replication was set up, or to nothing (VCDA wire rules 9): to get the set-up in either case, send it with
    /// [`ExplicitNetworks::set_up`]. Not for tests.
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

impl ExplicitNetworks {
    /// What a replication was set up with, to be sent word for word: one half of what
    /// [`VmReplication::network_settings`](crate::VmReplication::network_settings) reads, the one for a failover (or a migration) or the
    /// one for a test. `None` where nothing is set up. `vm` is [`ExplicitNetworks::vm`]; where the cards are told by the id of their VM, as
    /// in the body for a vCenter site, those of this VM are taken. That a client copies the half into the body is known from client code (VCDA
    /// wire rules 9).
    ///
    /// # Errors
    /// [`DecodeError`] if the cards cannot be read.
    pub fn set_up(half: &NetworkSettingsHalf, vm: impl Into<String>) -> Result<Option<Self>, DecodeError> {
        let vm = vm.into();
        let cards = match told(half)? {
            None => None,
            Some(members) => match members.get(&vm) {
                Some(own) => Some(own.decode()?),
                None => half
                    .vm_network_settings
                    .as_ref()
                    .map(RawJson::decode)
                    .transpose()?,
            },
        };
        let vapp = half.vapp_network_settings.clone();
        let is_set_up = cards.is_some() || vapp.is_some();
        Ok(is_set_up.then(|| Self {
            vm,
            cards: cards.unwrap_or_default(),
            vapp,
        }))
    }
}

/// The members of the object that a half tells of cards; `None` where it tells nothing.
fn told(half: &NetworkSettingsHalf) -> Result<Option<BTreeMap<String, RawJson>>, DecodeError> {
    let told = half.vm_network_settings.as_ref();
    let members: Option<BTreeMap<String, RawJson>> = told.map(RawJson::decode).transpose()?;
    Ok(members.filter(|members| !members.is_empty()))
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
    /// The request says nothing about networks, and the service decides; see [`Networks::Preconfigured`]. To get what the replication
    /// was set up with in either case, send it with [`VappNetworks::set_up`]. Not for tests.
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
    /// What a replication was set up with, to be sent word for word: one half of what
    /// [`VappReplication::network_settings`](crate::VappReplication::network_settings) reads. `None` where nothing is set up. See
    /// [`ExplicitNetworks::set_up`].
    ///
    /// # Errors
    /// [`DecodeError`] if the cards of a VM cannot be read.
    pub fn set_up(half: &NetworkSettingsHalf) -> Result<Option<Self>, DecodeError> {
        let told = told(half)?.unwrap_or_default();
        let cards = told.into_iter().map(|(vm, cards)| Ok((vm, cards.decode()?)));
        let cards: BTreeMap<String, VmNetworkSettings> = cards.collect::<Result<_, DecodeError>>()?;
        let vapp = half.vapp_network_settings.clone();
        let is_set_up = !cards.is_empty() || vapp.is_some();
        Ok(is_set_up.then_some(Self::Explicit { cards, vapp }))
    }

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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn half(cards: &Value) -> NetworkSettingsHalf {
        serde_json::from_value(json!({"vmNetworkSettings": cards})).unwrap()
    }

    fn cards(network: &str) -> Value {
        json!({"primaryNicIndex": 0, "nics": [{"nicIndex": 0, "network": network, "later": 7}], "another": true})
    }

    #[test]
    fn what_is_set_up_is_sent_word_for_word_whichever_of_the_two_forms_it_has() {
        let by_vm = json!({"vm-1": cards("a"), "vm-2": cards("b")});
        for (told, vm, sent) in [
            (cards("a"), "vm-1", cards("a")),
            (cards("a"), "", cards("a")),
            (by_vm.clone(), "vm-2", cards("b")),
        ] {
            let known = ExplicitNetworks::set_up(&half(&told), vm).unwrap().unwrap();
            assert_eq!(known.vm, vm);
            assert_eq!(serde_json::to_value(&known.cards).unwrap(), sent);
        }
        let Some(VappNetworks::Explicit { cards, vapp: None }) = VappNetworks::set_up(&half(&by_vm)).unwrap()
        else {
            panic!("both VMs are set up");
        };
        assert_eq!(serde_json::to_value(&cards).unwrap(), by_vm);
    }

    #[test]
    fn a_half_that_says_nothing_is_no_set_up_and_one_that_cannot_be_read_is_an_error() {
        for nothing in [Value::Null, json!({})] {
            assert_eq!(ExplicitNetworks::set_up(&half(&nothing), "vm-1").unwrap(), None);
            assert_eq!(VappNetworks::set_up(&half(&nothing)).unwrap(), None);
        }
        for unreadable in [json!(7), json!({"vm-1": "net-a"}), json!({"vm-1": {"nics": 7}})] {
            assert!(
                ExplicitNetworks::set_up(&half(&unreadable), "vm-1").is_err(),
                "{unreadable}"
            );
            assert!(VappNetworks::set_up(&half(&unreadable)).is_err(), "{unreadable}");
        }
        let vapp =
            serde_json::from_value(json!({"vAppNetworkSettings": {"copySourceNetworks": false}})).unwrap();
        let known = ExplicitNetworks::set_up(&vapp, "vm-1").unwrap().unwrap();
        assert!(known.cards.nics.is_empty() && known.vapp.is_some());
    }
}
