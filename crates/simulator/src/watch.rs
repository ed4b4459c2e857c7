//! What the chronicle has to be told of things that change in many places: it is looked at what they are now, and what they
//! were when somebody looked last.

use std::collections::{BTreeMap, BTreeSet};

use crate::chronicle::Happening;
use crate::endpoint::Endpoint;
use crate::vcha::Mode;
use crate::world::World;

/// What was seen last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watched {
    endpoints: BTreeMap<String, &'static str>,
    clusters: BTreeMap<String, (usize, &'static str, bool)>,
    hosts: BTreeMap<String, (usize, BTreeSet<String>)>,
    host_changes: Option<u64>,
    /// World time at which an endpoint that is down listens again, if one does by itself.
    wakes_ms: Option<i64>,
}

/// Whether an endpoint is reached, in a word.
pub(crate) fn endpoint_state(endpoint: &Endpoint, now_ms: i64) -> &'static str {
    match (endpoint.reachable, endpoint.drops_packets) {
        (false, true) => "silent",
        (false, false) => "refusing",
        (true, _) if endpoint.listens(now_ms) => "listening",
        (true, _) => "restarting",
    }
}

/// The mode of a cluster, as on the wire.
pub(crate) fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Enabled => "ENABLED",
        Mode::Disabled => "DISABLED",
        Mode::Maintenance => "MAINTENANCE",
    }
}

impl World {
    /// Looks whether somebody has to be told of something by now.
    pub(crate) fn observe_if_due(&mut self) {
        if self
            .watched
            .wakes_ms
            .is_some_and(|wakes_ms| wakes_ms <= self.core.now_ms)
        {
            self.observe();
        }
    }

    /// Tells the chronicle of endpoints, clusters and hosts that are not what they were.
    pub(crate) fn observe(&mut self) {
        self.observe_endpoints();
        self.observe_clusters();
        self.observe_hosts();
    }

    fn observe_endpoints(&mut self) {
        let now_ms = self.core.now_ms;
        let down = self
            .core
            .endpoints
            .values()
            .map(|endpoint| endpoint.down_until_ms);
        let down = down.filter(|until_ms| *until_ms > now_ms && *until_ms < i64::MAX);
        self.watched.wakes_ms = down.min();
        let mut changed = Vec::new();
        for endpoint in self.core.endpoints.values() {
            let state = endpoint_state(endpoint, now_ms);
            if self.watched.endpoints.get(&endpoint.name) != Some(&state) {
                changed.push((endpoint.name.clone(), state));
            }
        }
        for (name, state) in changed {
            if self.watched.endpoints.insert(name.clone(), state).is_some() {
                self.core.note(Happening::Endpoint { name, state });
            }
        }
    }

    fn observe_clusters(&mut self) {
        let clusters = self
            .core
            .endpoints
            .keys()
            .filter_map(|name| self.vcha.cluster(name));
        let seen = clusters.map(|cluster| {
            let state = (cluster.active + 1, mode_name(cluster.mode), cluster.is_healthy());
            (cluster.vcenter.clone(), state)
        });
        for (vcenter, state) in seen.collect::<Vec<_>>() {
            let (active, mode, healthy) = state;
            let before = self.watched.clusters.insert(vcenter.clone(), state);
            if before.is_some_and(|before| before != state) {
                self.core.note(Happening::Cluster {
                    vcenter,
                    active,
                    mode,
                    healthy,
                });
            }
        }
    }

    fn observe_hosts(&mut self) {
        let changes = self.hosts.changes();
        if self.watched.host_changes.replace(changes) == Some(changes) {
            return;
        }
        for host in self.hosts.hosts() {
            let Some((active, down)) = self.watched.hosts.get_mut(&host.id) else {
                let seen = (host.active, host.links_down.clone());
                self.watched.hosts.insert(host.id.clone(), seen);
                continue;
            };
            if *active != host.active {
                *active = host.active;
                let (host, active) = (host.id.clone(), host.active + 1);
                self.core.note(Happening::Dpu { host, active });
            }
            if *down != host.links_down {
                down.clone_from(&host.links_down);
                let (host, down) = (host.id.clone(), down.iter().cloned().collect());
                self.core.note(Happening::Links { host, down });
            }
        }
    }
}
