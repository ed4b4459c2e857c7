//! A world at a glance: counts by state, what is at work, what is wrong; small however large the world is.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::sms::{GroupState, sides_text};
use crate::vcda::{RecoveryState, way_text};
use crate::watch::mode_name;
use crate::world::World;

/// Remote work that is going on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunningTask {
    /// The endpoint that runs it.
    pub endpoint: String,
    /// Its id there.
    pub id: String,
    /// What it does.
    pub work: String,
    /// World time at which it began, in milliseconds.
    pub since_ms: i64,
}

/// Which part of a long list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Only those of this state, as the overview names it.
    pub state: Option<String>,
    /// How many are left out first.
    pub offset: usize,
    /// How many there are at most.
    pub limit: usize,
}

impl Part {
    fn of<T: Serialize>(&self, all: impl Iterator<Item = T>) -> Value {
        let mut total = 0_usize;
        let mut items = Vec::new();
        for item in all {
            if total >= self.offset && items.len() < self.limit {
                items.push(item);
            }
            total += 1;
        }
        json!({"total": total, "items": items})
    }

    fn wants(&self, state: &str) -> bool {
        self.state.as_deref().is_none_or(|wanted| wanted == state)
    }
}

/// How many tasks an overview names.
const TASKS_SHOWN: usize = 20;

/// How many hosts with troubles an overview names.
const HOSTS_SHOWN: usize = 20;

#[derive(Default)]
struct Counted {
    count: u64,
    busy: u64,
    late: u64,
}

impl World {
    /// The world at a glance, as JSON. Its size does not grow with the number of groups, replications and tasks.
    pub fn overview(&self) -> Value {
        json!({
            "now_ms": self.core.now_ms,
            "seed": self.core.seed,
            "sites": self.sites_seen(),
            "groups": self.groups_counted(),
            "replications": self.replications_counted(),
            "tasks": self.running_tasks(&Part { state: None, offset: 0, limit: TASKS_SHOWN }),
            "clusters": self.clusters_seen(),
            "hosts": self.hosts_seen(),
            "calls": self.core.calls.totals(),
            "faults": self.core.faults.active(),
            "newest_event": self.core.chronicle.newest(),
        })
    }

    fn sites_seen(&self) -> Value {
        let endpoint = |endpoint: &Endpoint| {
            json!({
                "name": endpoint.name,
                "kind": endpoint.kind,
                "state": self.state_of(endpoint),
                "sessions": self.core.sessions.count(&endpoint.name),
                "connections": endpoint.connections,
            })
        };
        let sites = self.sites().into_iter().map(|site| {
            let here = self.endpoints().filter(|endpoint| endpoint.site() == site);
            json!({
                "name": site,
                "full": self.core.faults.is_full(&site),
                "endpoints": here.map(endpoint).collect::<Vec<_>>(),
            })
        });
        sites.collect()
    }

    fn groups_counted(&self) -> Value {
        let mut total = 0_u64;
        // Texts are made of the few states that there are, not of each group.
        let mut by_state: BTreeMap<[(&str, GroupState); 2], Counted> = BTreeMap::new();
        for group in self.sms.both_sides() {
            total += 1;
            let counted = by_state.entry(group.sides).or_default();
            counted.count += 1;
            counted.busy += u64::from(group.busy);
        }
        let by_state = by_state.into_iter().map(
            |(sides, counted)| json!({"state": sides_text(sides), "count": counted.count, "busy": counted.busy}),
        );
        json!({"total": total, "by_state": by_state.collect::<Vec<_>>()})
    }

    fn replications_counted(&self) -> Value {
        let now_ms = self.core.now_ms;
        let mut by_state: BTreeMap<(&str, &str, RecoveryState), Counted> = BTreeMap::new();
        for replication in self.vcda.replications() {
            let (source, destination) = (&replication.source.site, &replication.destination.site);
            let key = (source.as_str(), destination.as_str(), replication.recovery);
            let counted = by_state.entry(key).or_default();
            counted.count += 1;
            counted.busy += u64::from(replication.task.is_some());
            counted.late += u64::from(replication.rpo_violation_minutes(now_ms) > 0);
        }
        let by_state = by_state
            .into_iter()
            .map(|((source, destination, state), counted)| {
                let state = way_text(source, destination, state);
                json!({"state": state, "count": counted.count, "busy": counted.busy, "late": counted.late})
            });
        let by_state: Vec<Value> = by_state.collect();
        json!({"total": self.vcda.replications().count(), "by_state": by_state})
    }

    fn clusters_seen(&self) -> Value {
        let clusters = self
            .core
            .endpoints
            .keys()
            .filter_map(|name| self.vcha.cluster(name));
        let clusters = clusters.map(|cluster| {
            json!({
                "vcenter": cluster.vcenter,
                "active": cluster.active + 1,
                "address": cluster.active_ip(),
                "mode": mode_name(cluster.mode),
                "healthy": cluster.is_healthy(),
                "switches": cluster.switches,
            })
        });
        clusters.collect()
    }

    fn hosts_seen(&self) -> Value {
        let hosts = self.hosts.hosts();
        let noted = hosts.filter(|host| host.active != 0 || host.moving > 0 || !host.links_down.is_empty());
        let noted = noted.map(|host| {
            json!({
                "id": host.id,
                "active": host.active + 1,
                "moving": host.moving > 0,
                "links_down": host.links_down,
            })
        });
        let shown = Part {
            state: None,
            offset: 0,
            limit: HOSTS_SHOWN,
        };
        json!({"total": self.hosts.hosts().count(), "noted": shown.of(noted)})
    }

    /// Replication groups with the states of both sides: `{"total": .., "items": [..]}`. `total` counts those of the state.
    pub fn group_list(&self, part: &Part) -> Value {
        let groups = self.sms.both_sides().filter(|group| part.wants(&group.state()));
        part.of(groups.map(|group| json!({"name": group.name, "state": group.state(), "busy": group.busy})))
    }

    /// VM replications: `{"total": .., "items": [..]}`. `total` counts those of the state.
    pub fn replication_list(&self, part: &Part) -> Value {
        let all = self.vcda.replications();
        let wanted = all.filter(|replication| part.wants(&replication.state_and_way()));
        part.of(wanted.map(|replication| {
            json!({
                "id": replication.id,
                "vm": replication.vm_name,
                "state": replication.state_and_way(),
                "busy": replication.task.is_some(),
                "rpo_violation_minutes": replication.rpo_violation_minutes(self.core.now_ms),
            })
        }))
    }

    /// Remote work of all services that is going on: `{"total": .., "items": [..]}`.
    pub fn running_tasks(&self, part: &Part) -> Value {
        let vcda = self.vcda.tasks().filter(|task| task.outcome.is_none());
        let vcda = vcda.map(|task| RunningTask {
            endpoint: task.site.clone(),
            id: task.id.clone(),
            work: task.work(),
            since_ms: task.started_ms,
        });
        let vcenters = self.vi_json.tasks.running();
        let tasks = vcda
            .chain(self.sms.running_tasks())
            .chain(vcenters)
            .chain(self.vcha.running_tasks());
        part.of(tasks.filter(|task| part.wants(&task.endpoint)))
    }
}
