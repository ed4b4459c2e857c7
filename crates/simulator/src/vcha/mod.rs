//! The REST services of a vCenter: sessions, hello, tasks, and its vCenter HA cluster.
//!
//! Sources: the vCenter REST wire rules; COVERAGE.md has a row for each behaviour.

mod cluster;
mod error;
mod service;
mod session;
mod spec;
mod task;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub use self::cluster::{Cluster, Node, Running};
pub(crate) use self::cluster::{VchaEvent, happen};
pub(crate) use self::service::RestService;
pub use self::spec::{ClusterSpec, Mode, VchaSpec};

use self::task::CisTask;
use crate::core::Core;
use crate::event::Event;
use crate::world::World;

/// The clusters and REST tasks of all vCenters.
#[derive(Debug, Clone)]
pub struct Vcha {
    spec: VchaSpec,
    clusters: BTreeMap<String, Cluster>,
    tasks: BTreeMap<(String, String), CisTask>,
}

impl Vcha {
    /// The clusters that the spec names.
    pub(crate) fn new(spec: &VchaSpec) -> Self {
        let clusters = (1..)
            .zip(&spec.clusters)
            .map(|(number, (vcenter, cluster))| (vcenter.clone(), Cluster::new(number, vcenter, cluster)));
        Self {
            spec: spec.clone(),
            clusters: clusters.collect(),
            tasks: BTreeMap::new(),
        }
    }

    /// The cluster of a vCenter.
    pub fn cluster(&self, vcenter: &str) -> Option<&Cluster> {
        self.clusters.get(vcenter)
    }

    /// Sets the mode of a cluster; `false` if there is none.
    pub fn set_mode(&mut self, vcenter: &str, mode: Mode) -> bool {
        self.clusters
            .get_mut(vcenter)
            .map(|cluster| cluster.mode = mode)
            .is_some()
    }

    /// Takes the witness of a cluster down or up; `false` if there is none.
    pub fn set_witness(&mut self, vcenter: &str, up: bool) -> bool {
        self.clusters
            .get_mut(vcenter)
            .map(|cluster| cluster.witness_up = up)
            .is_some()
    }

    /// Takes the passive node of a cluster down or up; `false` if there is none.
    pub fn set_passive(&mut self, vcenter: &str, up: bool) -> bool {
        let cluster = self.clusters.get_mut(vcenter);
        cluster
            .map(|cluster| cluster.nodes[1 - cluster.active].up = up)
            .is_some()
    }

    fn state(&self) -> Value {
        json!({
            "clusters": self.clusters,
            "tasks": self.tasks.values().collect::<Vec<_>>(),
        })
    }
}

/// A vCenter starts anew: connections are cut, nobody answers for a while, sessions and tasks are gone. What its arrays
/// and hosts do goes on.
pub(crate) fn restart(world: &mut World, vcenter: &str, outage_ms: i64) {
    let World {
        core,
        sms,
        vi_json,
        vcha,
        ..
    } = world;
    core.cut_connections(vcenter, outage_ms);
    core.sessions.end_all(vcenter);
    sms.restart(vcenter, core.now_ms() + outage_ms);
    vi_json.forget_pages(vcenter);
    vcha.tasks.retain(|(at, _), _| at != vcenter);
    crate::vi_json::task::forget(world, vcenter, None);
}

/// The active node dies. A cluster that is enabled and healthy switches over by itself, else the same node comes back.
pub(crate) fn lose_active_node(world: &mut World, vcenter: &str) -> bool {
    let World { core, vcha, .. } = world;
    let Some(cluster) = vcha.clusters.get_mut(vcenter) else {
        return false;
    };
    let takes_over = cluster.mode == Mode::Enabled && cluster.is_healthy();
    let outage_ms = i64::from(vcha.spec.outage_ms);
    cluster.running = None;
    if takes_over {
        cluster.take_over(core);
    }
    restart(world, vcenter, outage_ms);
    takes_over
}

/// Queues an event of a cluster.
fn schedule(core: &mut Core, delay_ms: i64, event: VchaEvent) {
    core.schedule_in(delay_ms, Event::Vcha(event));
}
