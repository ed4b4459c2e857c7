//! The operations of the API, by method and path.

use crate::exchange::Request;

/// An operation of the API document.
#[derive(Debug)]
pub(super) struct Operation {
    method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    /// Whether the simulator knows it.
    pub(super) simulated: bool,
}

impl Operation {
    /// The operation of a request with its path parameters.
    pub(super) fn of(request: &Request) -> Option<(&'static Self, Vec<String>)> {
        let fitting = OPERATIONS
            .iter()
            .filter(|operation| operation.method == request.method.as_str());
        fitting
            .filter_map(|operation| Some((operation, request.fit(operation.path)?)))
            .next()
    }

    /// Whether an operation of this id is simulated.
    pub(super) fn is_simulated(id: &str) -> bool {
        OPERATIONS
            .iter()
            .any(|operation| operation.id == id && operation.simulated)
    }

    /// What it is about: `vm-replications`.
    pub(super) fn collection(&self) -> &'static str {
        self.path
            .trim_start_matches('/')
            .split('/')
            .next()
            .unwrap_or_default()
    }
}

const fn simulated(method: &'static str, path: &'static str, id: &'static str) -> Operation {
    Operation {
        method,
        path,
        id,
        simulated: true,
    }
}

const fn unknown(method: &'static str, path: &'static str, id: &'static str) -> Operation {
    Operation {
        method,
        path,
        id,
        simulated: false,
    }
}

// One operation a line, so that the table can be held against the API document.
#[rustfmt::skip]
static OPERATIONS: &[Operation] = &[
    simulated("POST", "/sessions", "sessions.login"),
    simulated("GET", "/sessions", "sessions.get"),
    simulated("DELETE", "/sessions", "sessions.logout"),
    simulated("POST", "/sessions/extend", "sessions.extend"),
    unknown("GET", "/sites", "sites.list"),
    unknown("POST", "/sites", "sites.pair"),
    unknown("GET", "/vc-sites", "sites.vcenterSites"),
    simulated("GET", "/vm-replications", "vmReplications.list"),
    unknown("POST", "/vm-replications", "vmReplications.start"),
    simulated("GET", "/vm-replications/{id}", "vmReplications.get"),
    unknown("PATCH", "/vm-replications/{id}", "vmReplications.reconfigure"),
    unknown("DELETE", "/vm-replications/{id}", "vmReplications.stop"),
    simulated("GET", "/vm-replications/{id}/instances", "vmReplications.instances"),
    simulated("POST", "/vm-replications/{id}/failover", "vmReplications.failover"),
    simulated("POST", "/vm-replications/{id}/failover-test", "vmReplications.failoverTest"),
    simulated("DELETE", "/vm-replications/{id}/failover-test", "vmReplications.failoverTestCleanup"),
    simulated("POST", "/vm-replications/{id}/migrate", "vmReplications.migrate"),
    simulated("POST", "/vm-replications/{id}/reverse", "vmReplications.reverse"),
    unknown("POST", "/vm-replications/{id}/pause", "vmReplications.pause"),
    unknown("POST", "/vm-replications/{id}/resume", "vmReplications.resume"),
    unknown("POST", "/vm-replications/{id}/sync", "vmReplications.sync"),
    unknown("POST", "/vm-replications/{id}/storage-profile", "vmReplications.applyStorageProfile"),
    unknown("GET", "/vm-replications/{id}/network-settings", "vmReplications.networkSettings.get"),
    unknown("GET", "/vapp-replications", "vappReplications.list"),
    unknown("POST", "/vapp-replications", "vappReplications.start"),
    unknown("GET", "/vapp-replications/summary", "vappReplications.summary"),
    unknown("GET", "/vapp-replications/{id}", "vappReplications.get"),
    unknown("PATCH", "/vapp-replications/{id}", "vappReplications.reconfigure"),
    unknown("DELETE", "/vapp-replications/{id}", "vappReplications.stop"),
    unknown("PATCH", "/vapp-replications/{id}/disks", "vappReplications.reconfigureDisks"),
    unknown("POST", "/vapp-replications/{id}/failover", "vappReplications.failover"),
    unknown("POST", "/vapp-replications/{id}/failover-test", "vappReplications.failoverTest"),
    unknown("DELETE", "/vapp-replications/{id}/failover-test", "vappReplications.failoverTestCleanup"),
    unknown("POST", "/vapp-replications/{id}/migrate", "vappReplications.migrate"),
    unknown("POST", "/vapp-replications/{id}/pause", "vappReplications.pause"),
    unknown("POST", "/vapp-replications/{id}/resume", "vappReplications.resume"),
    unknown("POST", "/vapp-replications/{id}/sync", "vappReplications.sync"),
    unknown("POST", "/vapp-replications/{id}/reverse", "vappReplications.reverse"),
    unknown("GET", "/vapp-replications/{id}/network-settings", "vappReplications.networkSettings.get"),
    simulated("GET", "/tasks", "tasks.list"),
    simulated("GET", "/tasks/{id}", "tasks.get"),
    simulated("POST", "/tasks/poll", "tasks.poll"),
    unknown("GET", "/recovery-plans", "recoveryPlans.list"),
    unknown("POST", "/recovery-plans", "recoveryPlans.create"),
    unknown("GET", "/recovery-plans/{id}", "recoveryPlans.get"),
    unknown("DELETE", "/recovery-plans/{id}", "recoveryPlans.delete"),
    unknown("POST", "/recovery-plans/{id}/clone", "recoveryPlans.clone"),
    unknown("POST", "/recovery-plans/{id}/steps", "recoveryPlans.steps.add"),
    unknown("POST", "/recovery-plans/{id}/steps/{id}/move", "recoveryPlans.steps.move"),
    unknown("POST", "/recovery-plans/{id}/failover", "recoveryPlans.failover"),
    unknown("POST", "/recovery-plans/{id}/migrate", "recoveryPlans.migrate"),
    unknown("POST", "/recovery-plans/{id}/test", "recoveryPlans.test"),
    unknown("DELETE", "/recovery-plans/{id}/test", "recoveryPlans.testCleanup"),
    unknown("POST", "/diagnostics/health", "diagnostics.health"),
    unknown("GET", "/diagnostics/about", "diagnostics.about"),
];
