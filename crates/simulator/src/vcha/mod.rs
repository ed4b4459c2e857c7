//! The REST services of a vCenter: sessions, hello, tasks, and its vCenter HA cluster.
//!
//! Sources: the vCenter REST wire rules; COVERAGE.md has a row for each behaviour.

mod address;
mod cluster;
mod error;
mod locator;
mod operation;
mod request;
mod service;
mod session;
mod site;
mod spec;
mod task;
#[cfg(test)]
mod tests;
mod upheaval;
pub(crate) mod vi_json;
mod view;
mod work;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use self::cluster::{Cluster, Node, Vm};
pub(crate) use self::service::{RestService, routed};
pub(crate) use self::spec::clusters_of;
pub use self::spec::{
    ActiveVm, AfterSwitch, ClusterSpec, Deployment, ManagementSpec, Mode, TaskIds, VchaSpec,
};
pub(crate) use self::upheaval::{isolate, lose_active_node, restart};
pub(crate) use self::work::{VchaEvent, happen};

use self::site::Site;
use self::task::CisTask;
use crate::core::Core;
use crate::event::Event;
use crate::overview::RunningTask;

/// The clusters and REST tasks of all vCenters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Vcha {
    spec: VchaSpec,
    sites: BTreeMap<String, Site>,
    /// Further addresses at which a vCenter may answer, by the name of their endpoint.
    addresses: BTreeMap<String, String>,
    #[serde(with = "crate::saved::pairs")]
    tasks: BTreeMap<(String, String), CisTask>,
    tasks_made: u64,
}

impl Vcha {
    /// The clusters that the spec names.
    pub(crate) fn new(core: &mut Core, vcenters: &[String], spec: &VchaSpec) -> Self {
        let sites = (1..).zip(vcenters).map(|(number, vcenter)| {
            let site = Site::new(number, vcenter, spec.clusters.get(vcenter));
            (vcenter.clone(), site)
        });
        let mut vcha = Self {
            spec: spec.clone(),
            sites: sites.collect(),
            addresses: BTreeMap::new(),
            tasks: BTreeMap::new(),
            tasks_made: 0,
        };
        for vcenter in vcenters {
            vcha.settle_addresses(core, vcenter);
        }
        vcha
    }

    /// The cluster of a vCenter.
    pub fn cluster(&self, vcenter: &str) -> Option<&Cluster> {
        self.sites.get(vcenter)?.cluster()
    }

    /// Ids of the machines of passive nodes and witnesses that there are at the management vCenter of a vCenter, those
    /// that are in no cluster any more included.
    pub fn machines(&self, vcenter: &str) -> Vec<&str> {
        let site = self.sites.get(vcenter);
        let machines = site.into_iter().flat_map(|site| &site.machines);
        machines.map(String::as_str).collect()
    }

    /// Sets the mode of a cluster; `false` if there is none.
    pub fn set_mode(&mut self, vcenter: &str, mode: Mode) -> bool {
        self.change(vcenter, |cluster| cluster.mode = mode)
    }

    /// Takes the witness of a cluster down or up; `false` if there is none.
    pub fn set_witness(&mut self, vcenter: &str, up: bool) -> bool {
        self.change(vcenter, |cluster| cluster.witness.up = up)
    }

    /// Takes the passive node of a cluster down or up; `false` if there is none.
    pub fn set_passive(&mut self, vcenter: &str, up: bool) -> bool {
        self.change(vcenter, |cluster| cluster.nodes[1 - cluster.active].up = up)
    }

    /// Has the next failover of a cluster fail in the middle of its switch; `false` if there is none.
    pub fn fail_next_switch(&mut self, vcenter: &str) -> bool {
        self.change(vcenter, |cluster| cluster.next_switch_fails = true)
    }

    /// Has the nodes of a cluster run different versions, or one again; `false` if there is none.
    pub fn set_versions_differ(&mut self, vcenter: &str, differ: bool) -> bool {
        self.change(vcenter, |cluster| cluster.versions_differ = differ)
    }

    fn change(&mut self, vcenter: &str, change: impl FnOnce(&mut Cluster)) -> bool {
        let cluster = self.sites.get_mut(vcenter).and_then(Site::cluster_mut);
        cluster.map(change).is_some()
    }

    /// The vCenter that answers at a further address, whichever of its nodes is active.
    pub(crate) fn home_of(&self, endpoint: &str) -> Option<&str> {
        self.addresses.get(endpoint).map(String::as_str)
    }

    /// Whether the vCenter of an endpoint answers there, and not at another of its addresses.
    pub(crate) fn answers_at(&self, endpoint: &str) -> bool {
        match self.home_of(endpoint) {
            Some(home) => self.sites.get(home).is_some_and(|site| site.is_at_second),
            None => self.sites.get(endpoint).is_none_or(|site| !site.is_at_second),
        }
    }

    /// Whether a vCenter does not reach its tasks at a world time, since it has just begun to answer.
    fn tasks_away(&self, vcenter: &str, now_ms: i64) -> bool {
        let site = self.sites.get(vcenter);
        self.spec.runtime_statuses && site.is_some_and(|site| now_ms < site.tasks_from_ms)
    }

    /// Whether a proxy answers while a vCenter does not.
    pub(crate) fn has_proxy(&self) -> bool {
        self.spec.proxy_pages
    }

    /// Opens the further address of a vCenter whose nodes take different ones.
    fn settle_addresses(&mut self, core: &mut Core, vcenter: &str) {
        let Some(site) = self.sites.get_mut(vcenter) else {
            return;
        };
        if site.addresses_differ() {
            let name = format!("{vcenter}-node2");
            if self.addresses.insert(name.clone(), vcenter.to_owned()).is_none() {
                core.add_address(vcenter, &name);
            }
        }
    }

    /// The REST tasks that have not ended.
    pub(crate) fn running_tasks(&self) -> impl Iterator<Item = RunningTask> {
        let running = self.tasks.values().filter(|task| !task.has_ended());
        running.map(CisTask::seen)
    }

    fn state(&self) -> Value {
        let sites = self.sites.iter();
        let sites: BTreeMap<&String, Value> = sites.map(|(vcenter, site)| (vcenter, site.state())).collect();
        let clusters: BTreeMap<&String, &Cluster> = self
            .sites
            .iter()
            .filter_map(|(vcenter, site)| Some((vcenter, site.cluster()?)))
            .collect();
        json!({
            "clusters": clusters,
            "sites": sites,
            "tasks": self.tasks.values().collect::<Vec<_>>(),
        })
    }
}

/// Queues an event of a cluster.
fn schedule(core: &mut Core, delay_ms: i64, event: VchaEvent) {
    core.schedule_in(delay_ms, Event::Vcha(event));
}
