//! Hosts with two DPUs each, and the distributed switches that are offloaded to them.
//!
//! Sources: the DPU failover rules; COVERAGE.md has a row for each behaviour.

mod failover;
mod link;
#[cfg(test)]
mod model;
mod reconfigure;
mod spec;
mod summary;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use self::failover::{DpuEvent, happen, object_name, refresh, start};
pub(crate) use self::link::set_link;
pub(crate) use self::reconfigure::reconfigure;
pub use self::spec::{
    DpuSpec, HostTrouble, LostHost, Refresh, SwitchTrouble, TroubledHost, TroubledSwitch, VcenterView,
};
pub(crate) use self::view::{property, type_of};

use crate::core::Core;
use crate::host_network::{HostNetwork, ORDINARY_CARDS};
use crate::spec::site::numbered;
use crate::spec::{HostsSpec, SiteSpec, WorldSpec};
use crate::vi_json::fault::Fault;
use crate::vi_json::value::reference;

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// The id of the `HostSystem`, such as `host-11`.
    pub id: String,
    /// The id of its `HostNetworkSystem`, such as `networkSystem-11`.
    pub network_system: String,
    /// Its vCenter.
    pub vcenter: String,
    /// Its name.
    pub name: String,
    /// The name of its distributed switch.
    pub dvs: String,
    /// The number of its cluster at its vCenter, from 1.
    pub cluster: usize,
    /// Its uuid.
    pub uuid: String,
    /// Its release, if it says so.
    pub release: Option<String>,
    /// Its DPUs, two or none; the first one is behind the uplinks that the switch names active.
    pub dpus: Vec<Dpu>,
    /// Which DPU is active.
    pub active: usize,
    /// Which DPU vCenter holds for active; it lags behind.
    pub known_active: usize,
    /// Which DPU was active when the host was last told to look, which counts where it does not look by itself.
    pub seen_active: usize,
    /// Moves that were taken and have not happened yet.
    pub moving: u32,
    /// Moves that happened.
    pub moved: u32,
    /// What is wrong with the host.
    pub troubles: BTreeSet<HostTrouble>,
    /// The network cards whose links are down.
    pub links_down: BTreeSet<String>,
    /// The DPU that its switch left by itself and has not gone back to.
    pub left: Option<usize>,
}

impl Host {
    /// Whether its part of the switch is offloaded to its DPUs.
    pub(crate) fn is_offloaded(&self) -> bool {
        !self.dpus.is_empty() && !self.troubles.contains(&HostTrouble::NotOffloaded)
    }

    /// The names of its network cards.
    pub(crate) fn card_names(&self) -> Vec<String> {
        let behind = view::UPLINKS.iter().map(|(_, _, card, _)| *card);
        ORDINARY_CARDS
            .into_iter()
            .chain(behind)
            .map(str::to_owned)
            .collect()
    }
}

/// A DPU of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dpu {
    /// Its id, as network cards and health name it.
    pub id: String,
    /// Its alias on the host, which no VI JSON type shows.
    pub alias: String,
}

/// A distributed switch of one vCenter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// The id of the `VmwareDistributedVirtualSwitch`, such as `dvs-31`.
    pub id: String,
    /// Its vCenter.
    pub vcenter: String,
    /// Its name.
    pub name: String,
    /// Its uuid.
    pub uuid: String,
    /// Its version, which grows with each change.
    pub config_version: u32,
    /// What people say about it.
    pub description: String,
    /// The largest packet, in bytes.
    pub max_mtu: i64,
    /// The uplinks that are configured as active, and those configured as standby.
    pub teaming: [Vec<String>; 2],
    /// What is wrong with the switch.
    pub troubles: BTreeSet<SwitchTrouble>,
}

impl Switch {
    /// Whether it has a trouble.
    pub(crate) fn has(&self, trouble: SwitchTrouble) -> bool {
        self.troubles.contains(&trouble)
    }
}

impl Switch {
    fn new(core: &mut Core, site: &SiteSpec, id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            vcenter: site.vcenter(),
            name: name.to_owned(),
            uuid: core.random("dvs", name).uuid(),
            config_version: 7,
            description: String::new(),
            max_mtu: 9_000,
            teaming: view::teaming(),
            troubles: BTreeSet::new(),
        }
    }
}

/// Where a host is: the number of its site, its own there, and that of its cluster, all from 1.
struct HostPlace<'a> {
    site: u32,
    number: u32,
    cluster: usize,
    dvs: &'a str,
}

impl HostPlace<'_> {
    /// The first three parts of the addresses of its own network.
    fn subnet(&self) -> String {
        let joined = numbered(self.site, self.number);
        match joined.parse::<u8>() {
            Ok(part) => format!("10.8.{part}"),
            Err(_) => format!(
                "10.{}.{}",
                64 + self.site + 26 * (self.number / 250),
                self.number % 250
            ),
        }
    }
}

/// All hosts and switches.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hosts {
    spec: DpuSpec,
    hosts: BTreeMap<String, Host>,
    switches: BTreeMap<String, Switch>,
    /// What a host has beside its DPUs, by the id of the host.
    networks: BTreeMap<String, HostNetwork>,
    changes: u64,
}

impl Hosts {
    /// Hosts `host-11` ... with `dvs-east` at `vc-east`, hosts `host-21` ... with `dvs-west` at `vc-west`, and so on.
    pub(crate) fn build(core: &mut Core, world: &WorldSpec) -> Self {
        let spec = &world.dpu;
        let mut all = Self {
            spec: spec.clone(),
            hosts: BTreeMap::new(),
            switches: BTreeMap::new(),
            networks: BTreeMap::new(),
            changes: 0,
        };
        for (number, site) in (1..).zip(&world.sites) {
            all.build_site(core, number, site);
        }
        for TroubledHost { host, trouble } in &spec.troubles {
            all.set_trouble(host, *trouble, true);
        }
        for TroubledSwitch { switch, trouble } in &spec.troubled_switches {
            all.set_switch_trouble(switch, *trouble, true);
        }
        all
    }

    fn build_site(&mut self, core: &mut Core, site: u32, described: &SiteSpec) {
        let clusters = described.host_clusters(self.spec.hosts_per_vcenter);
        let name = format!("dvs-{}", described.name);
        let mut switch = Switch::new(core, described, &format!("dvs-{}", numbered(site, 1)), &name);
        if described.has_no_dpus() {
            switch.troubles.insert(SwitchTrouble::OffloadNone);
        }
        self.switches.insert(switch.id.clone(), switch);
        let plain = if described.has_plain_switch() {
            let plain = format!("{name}-plain");
            let id = format!("dvs-{}", numbered(site, 2));
            let mut switch = Switch::new(core, described, &id, &plain);
            switch.troubles.insert(SwitchTrouble::OffloadNone);
            self.switches.insert(id, switch);
            plain
        } else {
            name.clone()
        };
        let kinds = (1..)
            .zip(&clusters)
            .flat_map(|(cluster, described)| described.hosts.iter().map(move |kind| (cluster, kind)));
        let hosts = kinds.flat_map(|(cluster, kind)| (0..kind.count).map(move |_| (cluster, kind)));
        for (number, (cluster, kind)) in (1..).zip(hosts) {
            let place = HostPlace {
                site,
                number,
                cluster,
                dvs: if kind.dpus { &name } else { &plain },
            };
            self.add_host(core, described, kind, &place);
        }
    }

    fn add_host(&mut self, core: &mut Core, site: &SiteSpec, kind: &HostsSpec, place: &HostPlace<'_>) {
        let number = numbered(place.site, place.number);
        let mut random = core.random("host", &number);
        let mut dpu = |alias: &str| Dpu {
            id: random.uuid(),
            alias: alias.to_owned(),
        };
        let mut dpus = vec![dpu("vmdpu0"), dpu("vmdpu1")];
        let uuid = dpus[0].id.clone();
        if !kind.dpus {
            dpus.clear();
        }
        let host = Host {
            id: format!("host-{number}"),
            network_system: format!("networkSystem-{number}"),
            vcenter: site.vcenter(),
            name: format!("esx-{number}.{}.sim.invalid", site.name),
            dvs: place.dvs.to_owned(),
            cluster: place.cluster,
            uuid,
            release: kind.release.clone(),
            dpus,
            active: 0,
            known_active: 0,
            seen_active: 0,
            moving: 0,
            moved: 0,
            troubles: BTreeSet::new(),
            links_down: BTreeSet::new(),
            left: None,
        };
        let console = self.spec.service_consoles.contains(&host.id);
        let network = HostNetwork::new(&host.name, &place.subnet(), console);
        self.networks.insert(host.id.clone(), network);
        self.hosts.insert(host.id.clone(), host);
    }

    /// All hosts, by id.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.hosts.values()
    }

    /// All switches, by id.
    pub fn switches(&self) -> impl Iterator<Item = &Switch> {
        self.switches.values()
    }

    /// The host of this id.
    pub fn host(&self, id: &str) -> Option<&Host> {
        self.hosts.get(id)
    }

    /// Gives a host a trouble or takes it away; `false` if there is none of that id.
    pub fn set_trouble(&mut self, host: &str, trouble: HostTrouble, troubled: bool) -> bool {
        self.changes += 1;
        let Some(host) = self.hosts.get_mut(host) else {
            return false;
        };
        if troubled {
            host.troubles.insert(trouble);
        } else {
            host.troubles.remove(&trouble);
        }
        true
    }

    /// Gives a switch a trouble or takes it away; `false` if there is none of that id.
    pub fn set_switch_trouble(&mut self, switch: &str, trouble: SwitchTrouble, troubled: bool) -> bool {
        self.changes += 1;
        let Some(switch) = self.switches.get_mut(switch) else {
            return false;
        };
        if troubled {
            switch.troubles.insert(trouble);
        } else {
            switch.troubles.remove(&trouble);
        }
        true
    }

    /// Refuses what takes a host that vCenter can reach.
    pub(crate) fn reaches(&self, host: &Host) -> Result<(), Fault> {
        if !host.troubles.contains(&HostTrouble::Disconnected) {
            return Ok(());
        }
        Err(match self.spec.lost_host {
            LostHost::NotConnected => Fault::new("HostNotConnected", "The host is not connected."),
            LostHost::Communication => Fault::new("HostCommunication", "The host cannot be reached."),
            LostHost::SystemError => Fault::new("SystemError", "A general error occurred.")
                .with("reason", "The host cannot be reached."),
        })
    }

    /// The DPU that a host shows as active.
    fn shown_active(&self, host: &Host) -> usize {
        match self.spec.refresh {
            Refresh::VcenterLearns | Refresh::Nothing => host.active,
            Refresh::HostLooks => host.seen_active,
        }
    }

    /// Why the operator may not read a property, if so.
    pub(crate) fn hides(&self, mo_id: &str, property: &str) -> Option<Fault> {
        let switch = self.switches.get(mo_id)?;
        let hidden = matches!(property, "config" | "capability") && switch.has(SwitchTrouble::Hidden);
        hidden.then(|| {
            Fault::new("NoPermission", "The operator may not read this.")
                .with("object", reference("VmwareDistributedVirtualSwitch", mo_id))
                .with("privilegeId", "System.Read")
        })
    }

    /// Whether the operator sees an object at all.
    pub(crate) fn shows(&self, mo_id: &str) -> bool {
        let switch = self.switches.get(mo_id);
        !switch.is_some_and(|switch| switch.has(SwitchTrouble::Invisible))
    }

    /// How often hosts and switches have changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether a property path may step into members that only the value's own type has.
    pub(crate) fn walks_into_subtypes(&self) -> bool {
        self.spec.paths_into_subtypes
    }

    /// The host whose network system this is.
    pub(crate) fn of_network_system(&self, vcenter: &str, mo_id: &str) -> Option<&Host> {
        self.hosts
            .values()
            .find(|host| host.vcenter == vcenter && host.network_system == mo_id)
    }

    fn network(&self, host: &Host) -> Option<&HostNetwork> {
        self.networks.get(&host.id)
    }

    pub(crate) fn network_mut(&mut self, host: &str) -> Option<&mut HostNetwork> {
        self.changes += 1;
        self.networks.get_mut(host)
    }

    /// The state of all hosts.
    pub(crate) fn state(&self) -> Value {
        json!({
            "hosts": self.hosts.values().collect::<Vec<_>>(),
            "switches": self.switches.values().collect::<Vec<_>>(),
        })
    }
}
