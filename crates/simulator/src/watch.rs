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
fn endpoint_state(endpoint: &Endpoint, now_ms: i64) -> &'static str {
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
    /// Whether an endpoint is reached, in a word; `idle` where nobody is, because its vCenter serves at another of its addresses.
    pub(crate) fn state_of(&self, endpoint: &Endpoint) -> &'static str {
        let now_ms = self.core.now_ms;
        let home = self.home_of(&endpoint.name).and_then(|home| self.endpoint(home));
        match home.filter(|home| !home.reachable && endpoint.reachable) {
            Some(home) => endpoint_state(home, now_ms),
            None if endpoint.reachable && !self.vcha.answers_at(&endpoint.name) => "idle",
            None => endpoint_state(endpoint, now_ms),
        }
    }

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
            let state = self.state_of(endpoint);
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::spec::WorldSpec;
    use crate::testbench::Bench;
    use crate::world::World;

    const EAST: &str = "vc-east";

    fn world() -> World {
        WorldSpec::pair(3).groups(2).replications(1).build()
    }

    /// What has happened to vCenters in the east and their hosts, without times.
    fn told(world: &World, kind: &str) -> Vec<Value> {
        let (_, entries) = world.chronicle().after(0);
        let told = entries.map(|entry| serde_json::to_value(&entry.what).unwrap());
        told.filter(|told| told["kind"] == kind).collect()
    }

    fn endpoint(name: &str, state: &str) -> Value {
        json!({"kind": "endpoint", "name": name, "state": state})
    }

    #[test]
    fn nothing_is_told_of_a_world_as_it_begins() {
        let mut world = world();
        world.advance_to(60_000);
        assert_eq!(world.chronicle().newest(), 0);
    }

    #[test]
    fn a_restart_is_told_and_its_end_when_its_time_has_come() {
        let mut world = world();
        world.restart_vcenter(EAST, 500);
        assert_eq!(told(&world, "endpoint"), [endpoint(EAST, "restarting")]);
        world.advance_to(499);
        assert_eq!(told(&world, "endpoint").len(), 1);
        world.advance_to(500);
        assert_eq!(told(&world, "endpoint")[1], endpoint(EAST, "listening"));
    }

    #[test]
    fn a_cluster_that_loses_its_active_node_is_told_until_it_is_healthy_again() {
        let mut world = world();
        assert!(world.lose_active_node(EAST));
        world.advance_to(60_000);
        let states: Vec<_> = told(&world, "cluster")
            .iter()
            .map(|told| (told["active"].clone(), told["healthy"].clone()))
            .collect();
        assert_eq!(states.first(), Some(&(json!(2), json!(false))));
        assert_eq!(states.last(), Some(&(json!(2), json!(true))));
        let ends = told(&world, "endpoint");
        assert_eq!(ends.last(), Some(&endpoint(EAST, "listening")));
    }

    #[test]
    fn a_move_to_the_other_dpu_is_told_after_the_call_that_asked_for_it() {
        let mut bench = Bench::new(&WorldSpec::pair(3).groups(0).replications(0));
        let path = "/HostNetworkSystem/networkSystem-11/startDpuFailover";
        let answer = bench.post(EAST, path, &json!({"dvsName": "dvs-east"}));
        assert_eq!(answer.status, 204);
        bench.pass(5_000);
        let call = &told(&bench.world, "call")[0];
        assert_eq!(call["object"], "dpu/host-11/dvs-east");
        assert_eq!(call["outcome"], "accepted");
        assert_eq!(
            told(&bench.world, "dpu"),
            [json!({"kind": "dpu", "host": "host-11", "active": 2})]
        );
    }

    #[test]
    fn work_on_machines_and_replications_is_told_from_its_beginning_to_its_end() {
        let mut bench = Bench::new(&WorldSpec::pair(3).groups(0).replications(1));
        let machines = bench.world.vms().machines();
        let machine = machines
            .filter(|machine| machine.vcenter == EAST && !machine.on)
            .map(|machine| machine.id.clone())
            .next()
            .unwrap();
        let path = format!("/VirtualMachine/{machine}/PowerOnVM_Task");
        assert_eq!(bench.post(EAST, &path, &json!({})).status, 200);
        bench.pass(30_000);
        let tasks = told(&bench.world, "task");
        let states: Vec<_> = tasks.iter().map(|task| (&task["work"], &task["state"])).collect();
        let (work, states): (Vec<_>, Vec<_>) = states.into_iter().unzip();
        assert!(work.iter().all(|work| **work == "PowerOnVM"), "{tasks:?}");
        assert_eq!(states, ["running", "succeeded"]);
    }
}
