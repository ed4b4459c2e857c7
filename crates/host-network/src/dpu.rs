//! Which DPU works for a switch: the join of uplink state, uplink port, network card and DPU (DPU rules, section 5.3).

use std::collections::BTreeSet;
use std::fmt;

use farside_models_vim::{DistributedVirtualSwitchHostMemberPnicBacking, HostProxySwitch, PhysicalNic};
use serde::{Deserialize, Serialize};

use crate::client::Host;

/// Identifier of a DPU as `PhysicalNic.dpuId` shows it. It is no alias.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DpuId(String);

impl DpuId {
    /// The id as the host shows it.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DpuId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// State of an uplink on an offloaded switch. The server knows no other words; whatever else it says is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UplinkState {
    /// Its DPU works.
    Active,
    /// Its DPU stands by.
    Standby,
    /// Something that this build does not know.
    Other(String),
}

/// An uplink of a switch on one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// Its name in the switch.
    pub name: String,
    /// Its state.
    pub state: UplinkState,
    /// The network card behind it, `vmnic4`.
    pub nic: Option<String>,
    /// The DPU of that card; none for an ordinary card.
    pub dpu: Option<DpuId>,
    /// Whether the card has a link.
    pub link_up: bool,
}

/// A switch of a host with the DPUs behind its uplinks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchDpus {
    /// Name of the switch.
    pub switch: String,
    /// Whether this host's part of it is offloaded; not said means off.
    pub offloaded: bool,
    /// Its uplinks, as far as the host tells their state: it does only while the switch is offloaded.
    pub uplinks: Vec<Uplink>,
}

impl SwitchDpus {
    /// Joins what a host shows of a switch with its network cards.
    pub fn of(switch: &HostProxySwitch, nics: &[PhysicalNic]) -> Self {
        let backing = switch
            .spec
            .backing
            .as_ref()
            .and_then(|backing| backing.downcast::<DistributedVirtualSwitchHostMemberPnicBacking>())
            .and_then(Result::ok);
        let specs = backing.map(|backing| backing.pnic_spec).unwrap_or_default();
        let uplinks = switch.host_uplink_state.iter().map(|uplink| {
            let port = switch
                .uplink_port
                .iter()
                .find(|port| port.value == uplink.uplink_name);
            let device = port
                .and_then(|port| {
                    specs
                        .iter()
                        .find(|spec| spec.uplink_port_key.as_ref() == Some(&port.key))
                })
                .map(|spec| spec.pnic_device.clone());
            let nic = device
                .as_ref()
                .and_then(|device| nics.iter().find(|nic| nic.device == *device));
            Uplink {
                name: uplink.uplink_name.clone(),
                state: match uplink.state.as_str() {
                    "active" => UplinkState::Active,
                    "standby" => UplinkState::Standby,
                    other => UplinkState::Other(other.to_owned()),
                },
                dpu: nic.and_then(|nic| nic.dpu_id.clone()).map(DpuId),
                link_up: nic.is_some_and(|nic| nic.link_speed.is_some()),
                nic: device,
            }
        });
        Self {
            switch: switch.dvs_name.clone(),
            offloaded: switch.network_offloading_enabled == Some(true),
            uplinks: uplinks.collect(),
        }
    }

    /// The DPU behind the active uplinks; none when there is none or more than one (a broken failover policy).
    pub fn active(&self) -> Option<DpuId> {
        let dpus = self.dpus(&UplinkState::Active);
        let mut dpus = dpus.into_iter();
        dpus.next().filter(|_| dpus.next().is_none())
    }

    /// The DPUs behind standby uplinks, without the active one.
    pub fn standby(&self) -> BTreeSet<DpuId> {
        let active = self.dpus(&UplinkState::Active);
        self.dpus(&UplinkState::Standby)
            .into_iter()
            .filter(|dpu| !active.contains(dpu))
            .collect()
    }

    pub(crate) fn dpus(&self, state: &UplinkState) -> BTreeSet<DpuId> {
        self.uplinks
            .iter()
            .filter(|uplink| uplink.state == *state)
            .filter_map(|uplink| uplink.dpu.clone())
            .collect()
    }

    /// The uplinks with their states, for people.
    pub fn describe(&self) -> String {
        if self.uplinks.is_empty() {
            return "the host tells no uplink states".to_owned();
        }
        let mut groups: Vec<(&UplinkState, Option<&DpuId>, Vec<&str>)> = Vec::new();
        for uplink in &self.uplinks {
            let (state, dpu) = (&uplink.state, uplink.dpu.as_ref());
            match groups
                .iter_mut()
                .find(|(of_state, of_dpu, _)| (*of_state, *of_dpu) == (state, dpu))
            {
                Some((.., names)) => names.push(&uplink.name),
                None => groups.push((state, dpu, vec![&uplink.name])),
            }
        }
        let words = groups.iter().map(|(state, dpu, names)| {
            let state = match state {
                UplinkState::Active => "active",
                UplinkState::Standby => "standby",
                UplinkState::Other(other) => other.as_str(),
            };
            let dpu = dpu.map_or_else(|| "no DPU".to_owned(), |dpu| format!("DPU {dpu}"));
            format!("{} {state} on {dpu}", names.join(" and "))
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

/// The host's part of the switch of this name.
pub fn switch_named<'a>(host: &'a Host, name: &str) -> Option<&'a HostProxySwitch> {
    host.switches.iter().find(|switch| switch.dvs_name == name)
}

#[cfg(test)]
mod tests;
