//! The operations of the API, by method and path.

use crate::exchange::Request;

/// An operation of the API document.
#[derive(Debug)]
pub(super) struct Operation {
    method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
}

/// The operations that are routed.
pub(crate) fn routed() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|operation| operation.id)
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

    /// What it is about: `vm-replications`.
    pub(super) fn collection(&self) -> &'static str {
        self.path
            .trim_start_matches('/')
            .split('/')
            .next()
            .unwrap_or_default()
    }
}

const fn operation(method: &'static str, path: &'static str, id: &'static str) -> Operation {
    Operation { method, path, id }
}

// One operation a line, so that the table can be held against the API document.
#[rustfmt::skip]
static OPERATIONS: &[Operation] = &[
    operation("POST", "/sessions", "sessions.login"),
    operation("GET", "/sessions", "sessions.get"),
    operation("DELETE", "/sessions", "sessions.logout"),
    operation("POST", "/sessions/extend", "sessions.extend"),
    operation("GET", "/sites", "sites.list"),
    operation("POST", "/sites", "sites.pair"),
    operation("GET", "/vc-sites", "sites.vcenterSites"),
    operation("GET", "/vm-replications", "vmReplications.list"),
    operation("POST", "/vm-replications", "vmReplications.start"),
    operation("GET", "/vm-replications/{id}", "vmReplications.get"),
    operation("PATCH", "/vm-replications/{id}", "vmReplications.reconfigure"),
    operation("DELETE", "/vm-replications/{id}", "vmReplications.stop"),
    operation("GET", "/vm-replications/{id}/instances", "vmReplications.instances"),
    operation("POST", "/vm-replications/{id}/failover", "vmReplications.failover"),
    operation("POST", "/vm-replications/{id}/failover-test", "vmReplications.failoverTest"),
    operation("DELETE", "/vm-replications/{id}/failover-test", "vmReplications.failoverTestCleanup"),
    operation("POST", "/vm-replications/{id}/migrate", "vmReplications.migrate"),
    operation("POST", "/vm-replications/{id}/reverse", "vmReplications.reverse"),
    operation("POST", "/vm-replications/{id}/pause", "vmReplications.pause"),
    operation("POST", "/vm-replications/{id}/resume", "vmReplications.resume"),
    operation("POST", "/vm-replications/{id}/sync", "vmReplications.sync"),
    operation("POST", "/vm-replications/{id}/storage-profile", "vmReplications.applyStorageProfile"),
    operation("GET", "/vm-replications/{id}/network-settings", "vmReplications.networkSettings.get"),
    operation("GET", "/vapp-replications", "vappReplications.list"),
    operation("POST", "/vapp-replications", "vappReplications.start"),
    operation("GET", "/vapp-replications/summary", "vappReplications.summary"),
    operation("GET", "/vapp-replications/{id}", "vappReplications.get"),
    operation("PATCH", "/vapp-replications/{id}", "vappReplications.reconfigure"),
    operation("DELETE", "/vapp-replications/{id}", "vappReplications.stop"),
    operation("PATCH", "/vapp-replications/{id}/disks", "vappReplications.reconfigureDisks"),
    operation("POST", "/vapp-replications/{id}/failover", "vappReplications.failover"),
    operation("POST", "/vapp-replications/{id}/failover-test", "vappReplications.failoverTest"),
    operation("DELETE", "/vapp-replications/{id}/failover-test", "vappReplications.failoverTestCleanup"),
    operation("POST", "/vapp-replications/{id}/migrate", "vappReplications.migrate"),
    operation("POST", "/vapp-replications/{id}/pause", "vappReplications.pause"),
    operation("POST", "/vapp-replications/{id}/resume", "vappReplications.resume"),
    operation("POST", "/vapp-replications/{id}/sync", "vappReplications.sync"),
    operation("POST", "/vapp-replications/{id}/reverse", "vappReplications.reverse"),
    operation("GET", "/vapp-replications/{id}/network-settings", "vappReplications.networkSettings.get"),
    operation("GET", "/tasks", "tasks.list"),
    operation("GET", "/tasks/{id}", "tasks.get"),
    operation("POST", "/tasks/poll", "tasks.poll"),
    operation("GET", "/recovery-plans", "recoveryPlans.list"),
    operation("POST", "/recovery-plans", "recoveryPlans.create"),
    operation("GET", "/recovery-plans/{id}", "recoveryPlans.get"),
    operation("DELETE", "/recovery-plans/{id}", "recoveryPlans.delete"),
    operation("POST", "/recovery-plans/{id}/clone", "recoveryPlans.clone"),
    operation("POST", "/recovery-plans/{id}/steps", "recoveryPlans.steps.add"),
    operation("POST", "/recovery-plans/{id}/steps/{id}/move", "recoveryPlans.steps.move"),
    operation("POST", "/recovery-plans/{id}/failover", "recoveryPlans.failover"),
    operation("POST", "/recovery-plans/{id}/migrate", "recoveryPlans.migrate"),
    operation("POST", "/recovery-plans/{id}/test", "recoveryPlans.test"),
    operation("DELETE", "/recovery-plans/{id}/test", "recoveryPlans.testCleanup"),
    operation("POST", "/diagnostics/health", "diagnostics.health"),
    // Up to 4.5.
    operation("GET", "/diagnostics/health", "diagnostics.health"),
    operation("GET", "/diagnostics/about", "diagnostics.about"),
];
