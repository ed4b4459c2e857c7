//! What is told about a cluster.

use serde_json::{Map, Value, json};

use super::cluster::{Cluster, Node, Vm};
use super::site::{Site, Stage};
use super::spec::{Deployment, Mode, VchaSpec};
use super::work::Work;

/// `Cluster.Info`.
pub(super) fn info(site: &Site, spec: &VchaSpec, partial: bool) -> Value {
    match &site.stage {
        Stage::NotConfigured => json!({"config_state": "NOTCONFIGURED"}),
        Stage::Prepared(_) => json!({"config_state": "PREPARED"}),
        Stage::Invalid => json!({"config_state": "INVALID"}),
        Stage::Configured(cluster) => configured(site, cluster, spec, partial),
    }
}

fn configured(site: &Site, cluster: &Cluster, spec: &VchaSpec, partial: bool) -> Value {
    let bare = partial && spec.partial_is_bare;
    let shown = Shown {
        spec,
        cluster,
        with_placement: !partial && cluster.deployment == Deployment::Auto,
        bare,
    };
    let active = cluster.shown_active();
    let at = |index: usize| {
        let is_active = index == active;
        let role = if is_active { "ACTIVE" } else { "PASSIVE" };
        shown.node(&cluster.nodes[index], is_active, role)
    };
    let first = if spec.nodes_swap { active } else { 0 };
    let mut info = Map::new();
    let mut set = |name: &str, value: Value| info.insert(name.to_owned(), value);
    set("config_state", json!("CONFIGURED"));
    set("node1", at(first));
    set("node2", at(1 - first));
    set("witness", shown.node(&cluster.witness, false, "WITNESS"));
    if bare {
        return Value::Object(info);
    }
    let warnings = cluster.warnings();
    let healthy = warnings.is_empty();
    set("mode", json!(cluster.mode));
    set("health_state", json!(health(cluster)));
    let fails_over = |work: &Work| matches!(work, Work::FailOver { .. });
    let busy = site
        .running
        .as_ref()
        .is_some_and(|running| fails_over(&running.work));
    let manual = healthy && cluster.mode != Mode::Disabled && !busy;
    if !(manual && spec.omits_allowed) {
        set("manual_failover_allowed", json!(manual));
    }
    set(
        "auto_failover_allowed",
        json!(healthy && cluster.mode == Mode::Enabled),
    );
    if !healthy && !spec.tells_little {
        set("health_warnings", warnings.iter().map(warning).collect());
    }
    Value::Object(info)
}

fn warning((id, text): &(&'static str, String)) -> Value {
    json!({
        "error": {"id": id, "default_message": text, "args": []},
        "recommendation": {"id": "sim.vcha.look", "default_message": "Look at the nodes and their network.", "args": []},
    })
}

/// The health of a cluster in the words of REST.
pub(super) fn health(cluster: &Cluster) -> &'static str {
    if cluster.isolated && !cluster.stale {
        "ISOLATED"
    } else if cluster.is_healthy() {
        "HEALTHY"
    } else {
        "DEGRADED"
    }
}

/// Whether the server that answers sees a node: itself always, the others unless they are down or out of its reach.
pub(super) fn is_seen(cluster: &Cluster, node: &Node, is_active: bool) -> bool {
    cluster.stale || is_active || (node.up && !cluster.isolated)
}

struct Shown<'a> {
    spec: &'a VchaSpec,
    cluster: &'a Cluster,
    with_placement: bool,
    bare: bool,
}

impl Shown<'_> {
    fn node(&self, node: &Node, is_active: bool, role: &str) -> Value {
        let mut shown = json!({"ha_ip": node.ha.info(self.spec.tells_little)});
        if let Some(failover) = &node.failover {
            shown["failover_ip"] = failover.info(self.spec.tells_little);
        }
        if self.bare {
            return shown;
        }
        let up = is_seen(self.cluster, node, is_active);
        let mut runtime = json!({"state": if up { "UP" } else { "DOWN" }, "role": role});
        if self.with_placement {
            runtime["placement"] = placement(&node.vm, self.spec);
        }
        shown["runtime"] = runtime;
        shown
    }
}

/// `PlacementInfo`.
fn placement(vm: &Vm, spec: &VchaSpec) -> Value {
    let (ha_kind, ha_network) = &vm.ha_network;
    let (kind, network) = &vm.management_network;
    json!({
        "management_vcenter_name": spec.management.hostname,
        "management_vcenter_server_guid": "11112222-3333-4444-8555-666677778888",
        "vm_name": vm.name,
        "datacenter": "datacenter-3",
        "datacenter_name": "dc-mgmt",
        "host": vm.host,
        "host_name": format!("esx-{}.mgmt.sim.invalid", vm.host),
        "cluster": "domain-c8",
        "cluster_name": "mgmt-cluster",
        "ha_network": ha_network,
        "ha_network_name": format!("name of {ha_network}"),
        "ha_network_type": ha_kind,
        "management_network": network,
        "management_network_name": format!("name of {network}"),
        "management_network_type": kind,
        "storage": {"datastore": vm.datastore, "datastore_name": format!("name of {}", vm.datastore)},
        "bios_uuid": vm.bios_uuid,
    })
}

/// `Cluster.Active.Info`.
pub(super) fn active(site: &Site, spec: &VchaSpec, partial: bool) -> Value {
    let cluster = site.cluster();
    let node = cluster.map(|cluster| &cluster.nodes[cluster.shown_active()]);
    let address = node.map_or(&site.public, |node| site.address_of(node));
    let mut info = json!({"management": address.spec()});
    if let Some(node) = node {
        info["ha"] = node.ha.spec();
        if !partial {
            info["placement"] = placement(&node.vm, spec);
        }
    } else {
        info["ha"] = Value::Null;
        if !partial {
            info["placement"] = placement(&Vm::new(site.number, 1, 0), spec);
        }
    }
    info
}

/// `Operations.Info`: what may not be begun, and what is running.
pub(super) fn operations(site: &Site, spec: &VchaSpec) -> Value {
    let name = |operation: &str| format!("com.vmware.vcenter.vcha.cluster.{operation}");
    let mut disabled = Vec::new();
    let refused = |work: &Work| site.refusal(work, spec).is_some();
    let fails_over = refused(&Work::FailOver { planned: true });
    let cluster = site.cluster();
    if fails_over {
        disabled.push(name("failover"));
    }
    if site.running.is_some() || !matches!(site.stage, Stage::NotConfigured | Stage::Prepared(_)) {
        disabled.push(name("deploy"));
    }
    if refused(&Work::Undeploy { with_machines: false }) {
        disabled.push(name("undeploy"));
    }
    let modes = [Mode::Enabled, Mode::Disabled, Mode::Maintenance];
    if modes.into_iter().all(|to| refused(&Work::SetMode { to })) {
        disabled.push(name("mode.set"));
    }
    let lost = |there: Option<bool>| there == Some(false) && site.running.is_none();
    if !lost(cluster.map(|cluster| cluster.passive().up)) {
        disabled.push(name("passive.redeploy"));
    }
    if !lost(cluster.map(|cluster| cluster.witness.up)) {
        disabled.push(name("witness.redeploy"));
    }
    let running = site.running.iter();
    let active: Vec<String> = running.map(|running| name(running.work.operation())).collect();
    json!({"disabled": disabled, "active": active})
}

/// `CheckResult`: another node of the cluster at that host is worth a warning.
pub(super) fn check(site: &Site, host: Option<&str>) -> Value {
    let own = site
        .cluster()
        .map(|cluster| cluster.nodes[cluster.active].vm.host.clone());
    let own = own.unwrap_or_else(|| Vm::new(site.number, 1, 0).host);
    let mut warnings = Vec::new();
    if host == Some(own.as_str()) {
        let text = format!("Host {own} has the active node already.");
        warnings.push(json!({"id": "sim.vcha.same.host", "default_message": text, "args": []}));
    }
    json!({"warnings": warnings, "errors": []})
}
