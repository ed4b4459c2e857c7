//! The older form of the calls on a cluster: `FailoverClusterManager` and `FailoverClusterConfigurator` of VI JSON. State and
//! work are those of the REST form.

use http::Method;
use serde_json::{Value, json};

use super::address::Address;
use super::cluster::{Cluster, Node};
use super::error::RestError;
use super::locator::{self, CONFIGURE, CREATE_PASSIVE, CREATE_WITNESS, DEPLOY, PREPARE};
use super::site::{Site, Stage};
use super::spec::Mode;
use super::view;
use super::work::{self, Form, Work};
use crate::exchange::{Answer, Request};
use crate::service::Incoming;
use crate::shape::{Shape, required};
use crate::vi_json::fault::Fault;
use crate::vi_json::request::{NO_PARAMETERS, Path, ROOT_TYPE, body};
use crate::vi_json::value::{answer, reference};
use crate::world::World;

/// Ids of the two managed objects.
pub(crate) const MANAGER: &str = "failoverClusterManager";
pub(crate) const CONFIGURATOR: &str = "failoverClusterConfigurator";

static OPERATIONS: &[&str] = &[
    "FailoverClusterManager_GetVchaClusterHealth",
    "FailoverClusterManager_getClusterMode",
    "FailoverClusterManager_initiateFailover_Task",
    "FailoverClusterManager_setClusterMode_Task",
    "FailoverClusterManager_getDisabledClusterMethod",
    "FailoverClusterConfigurator_configureVcha_Task",
    "FailoverClusterConfigurator_createPassiveNode_Task",
    "FailoverClusterConfigurator_createWitnessNode_Task",
    "FailoverClusterConfigurator_deployVcha_Task",
    "FailoverClusterConfigurator_destroyVcha_Task",
    "FailoverClusterConfigurator_getVchaConfig",
    "FailoverClusterConfigurator_prepareVcha_Task",
    "FailoverClusterConfigurator_getDisabledConfigureMethod",
];

/// The operations that are routed.
pub(crate) fn routed() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().copied()
}

static FAIL_OVER: Shape = Shape::Object(&[ROOT_TYPE, required("planned", Shape::Flag)]);
static SET_MODE: Shape = Shape::Object(&[ROOT_TYPE, required("mode", Shape::Text)]);

/// The operation of a path, if it is one of these objects'.
pub(crate) fn operation(request: &Request, path: &Path) -> Option<&'static str> {
    path.named(request, OPERATIONS)
}

/// Whether an operation is one of these objects', and begins work.
pub(crate) fn starts_work(operation: &str) -> bool {
    operation.starts_with("FailoverCluster") && operation.ends_with("_Task")
}

/// An operation of one of these objects, within a session; `None` if it is not.
pub(crate) fn handle(
    world: &mut World,
    incoming: &Incoming<'_>,
    path: &Path,
) -> Option<Result<Answer, Fault>> {
    if !OPERATIONS.contains(&incoming.operation) {
        return None;
    }
    let there = [
        ("FailoverClusterManager", MANAGER),
        ("FailoverClusterConfigurator", CONFIGURATOR),
    ];
    if !there.contains(&(path.type_name.as_str(), path.mo_id.as_str())) {
        return Some(Err(Fault::no_such_object(&path.type_name, &path.mo_id)));
    }
    Some(called(world, incoming))
}

fn called(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Fault> {
    let Some(site) = world.vcha.sites.get(incoming.endpoint) else {
        return Err(Fault::not_simulated(incoming.operation));
    };
    if incoming.request.method == Method::POST && !starts_work(incoming.operation) {
        body(incoming.request, &NO_PARAMETERS)?;
    }
    match incoming.operation {
        "FailoverClusterManager_GetVchaClusterHealth" => Ok(answer(&health(site)?)),
        "FailoverClusterManager_getClusterMode" => Ok(answer(&json!(word(&json!(configured(site)?.mode))))),
        "FailoverClusterManager_getDisabledClusterMethod" => Ok(answer(&list(&manager_refuses(site)))),
        "FailoverClusterConfigurator_getDisabledConfigureMethod" => {
            Ok(answer(&list(&configurator_refuses(site))))
        }
        "FailoverClusterConfigurator_getVchaConfig" => Ok(answer(&config(site))),
        _ => {
            let work = work_of(world, incoming, site)?;
            let user = incoming.endpoint;
            let ticket = incoming.ticket;
            let task = work::begin(world, incoming.endpoint, user, work, Form::ViJson, ticket)
                .map_err(|error| fault(&error))?;
            Ok(answer(&reference("Task", &task)))
        }
    }
}

/// What a call that starts a task asks for.
fn work_of(world: &World, incoming: &Incoming<'_>, site: &Site) -> Result<Work, Fault> {
    let spec = &world.vcha.spec;
    let with = |shape: &Shape| body(incoming.request, shape);
    match incoming.operation {
        "FailoverClusterManager_initiateFailover_Task" => Ok(Work::FailOver {
            planned: with(&FAIL_OVER)?["planned"] == json!(true),
        }),
        "FailoverClusterManager_setClusterMode_Task" => {
            let body = with(&SET_MODE)?;
            let to = match body["mode"].as_str() {
                Some("enabled") => Mode::Enabled,
                Some("disabled") => Mode::Disabled,
                Some("maintenance") => Mode::Maintenance,
                _ => return Err(Fault::invalid_argument(Some("mode"), "There is no such mode.")),
            };
            Ok(Work::SetMode { to })
        }
        "FailoverClusterConfigurator_prepareVcha_Task" => {
            let body = with(&PREPARE)?;
            locator::preparation(&body).map(|plan| Work::Prepare(Box::new(plan)))
        }
        "FailoverClusterConfigurator_configureVcha_Task" => {
            let body = with(&CONFIGURE)?;
            locator::configuration(site, &body).map(|plan| Work::Configure(Box::new(plan)))
        }
        "FailoverClusterConfigurator_deployVcha_Task" => {
            let body = with(&DEPLOY)?;
            locator::deployment(spec, site, &body).map(|plan| Work::Deploy(Box::new(plan)))
        }
        "FailoverClusterConfigurator_createPassiveNode_Task" => {
            let body = with(&CREATE_PASSIVE)?;
            let plan = locator::node(spec, &body, "passiveDeploymentSpec", "sourceVcSpec")?;
            Ok(Work::RedeployPassive(Box::new(plan)))
        }
        "FailoverClusterConfigurator_createWitnessNode_Task" => {
            let body = with(&CREATE_WITNESS)?;
            let plan = locator::node(spec, &body, "witnessDeploymentSpec", "sourceVcSpec")?;
            Ok(Work::RedeployWitness(Box::new(plan)))
        }
        _ => {
            with(&NO_PARAMETERS)?;
            let destroyable = site
                .cluster()
                .is_none_or(|cluster| cluster.mode == Mode::Disabled || cluster.isolated);
            if !destroyable {
                return Err(disabled("The mode is not disabled."));
            }
            Ok(Work::Undeploy { with_machines: false })
        }
    }
}

fn disabled(text: &str) -> Fault {
    Fault::new("MethodDisabled", text)
}

/// A refusal over the state of a cluster: which fault it is, is an assumption.
pub(super) fn fault(error: &RestError) -> Fault {
    let texts: Vec<&str> = error.messages.iter().map(|(_, text)| text.as_str()).collect();
    disabled(&texts.join(" "))
}

/// A word of REST in the letters of VI JSON.
fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_ascii_lowercase()
}

fn list(names: &[&str]) -> Value {
    if names.is_empty() {
        Value::Null
    } else {
        json!(names)
    }
}

fn configured(site: &Site) -> Result<&Cluster, Fault> {
    site.cluster()
        .ok_or_else(|| disabled("No cluster is configured."))
}

/// What is refused because other work runs.
fn manager_refuses(site: &Site) -> Vec<&'static str> {
    if site.running.is_none() {
        return Vec::new();
    }
    vec!["setClusterMode_Task", "initiateFailover_Task"]
}

fn configurator_refuses(site: &Site) -> Vec<&'static str> {
    if site.running.is_none() {
        return Vec::new();
    }
    vec![
        "deployVcha_Task",
        "configureVcha_Task",
        "createPassiveNode_Task",
        "createWitnessNode_Task",
        "destroyVcha_Task",
        "prepareVcha_Task",
    ]
}

/// `VchaClusterHealth`; refused while a deployment runs.
fn health(site: &Site) -> Result<Value, Fault> {
    let deploys = |work: &Work| matches!(work, Work::Deploy(_) | Work::Configure(_) | Work::Prepare(_));
    if site
        .running
        .as_ref()
        .is_some_and(|running| deploys(&running.work))
    {
        return Err(disabled("A deployment is under way."));
    }
    let cluster = configured(site)?;
    let active = cluster.shown_active();
    let node = |node: &Node, is_active: bool, role: &str| {
        let state = if view::is_seen(cluster, node, is_active) {
            "up"
        } else {
            "down"
        };
        json!({"_typeName": "VchaNodeRuntimeInfo", "nodeState": state, "nodeRole": role, "nodeIp": node.ha_ip})
    };
    let role = |index: usize| if index == active { "active" } else { "passive" };
    let [first, second] = &cluster.nodes;
    let nodes = [
        node(first, active == 0, role(0)),
        node(second, active == 1, role(1)),
        node(&cluster.witness, false, "witness"),
    ];
    let mut health = json!({
        "_typeName": "VchaClusterHealth",
        "runtimeInfo": {
            "_typeName": "VchaClusterRuntimeInfo",
            "clusterState": view::health(cluster).to_ascii_lowercase(),
            "nodeInfo": nodes,
            "clusterMode": word(&json!(cluster.mode)),
        },
    });
    let message =
        |key: &str, text: &str| json!({"_typeName": "LocalizableMessage", "key": key, "message": text});
    let warnings = cluster.warnings();
    if !warnings.is_empty() {
        let messages: Vec<Value> = warnings.iter().map(|(id, text)| message(id, text)).collect();
        health["healthMessages"] = json!(messages);
        let hint = message("sim.vcha.look", "Look at the nodes and their network.");
        health["additionalInformation"] = json!([hint]);
    }
    Ok(health)
}

/// `VchaClusterConfigInfo`.
fn config(site: &Site) -> Value {
    let of = |state: &str| json!({"_typeName": "VchaClusterConfigInfo", "state": state});
    let cluster = match &site.stage {
        Stage::NotConfigured => return of("notConfigured"),
        Stage::Prepared(_) => return of("prepared"),
        Stage::Invalid => return of("invalid"),
        Stage::Configured(cluster) => cluster,
    };
    let node = |node: &Node| {
        json!({
            "_typeName": "FailoverNodeInfo",
            "clusterIpSettings": settings(&node.ha),
            "failoverIp": settings(site.address_of(node)),
            "biosUuid": node.vm.bios_uuid,
        })
    };
    let [first, second] = &cluster.nodes;
    let mut info = of("configured");
    info["failoverNodeInfo1"] = node(first);
    info["failoverNodeInfo2"] = node(second);
    info["witnessNodeInfo"] = json!({
        "_typeName": "WitnessNodeInfo",
        "ipSettings": settings(&cluster.witness.ha),
        "biosUuid": cluster.witness.vm.bios_uuid,
    });
    info
}

/// `CustomizationIPSettings`.
fn settings(address: &Address) -> Value {
    let mut settings = json!({"_typeName": "CustomizationIPSettings"});
    if address.ip.is_ipv4() {
        settings["ip"] = json!({"_typeName": "CustomizationFixedIp", "ipAddress": address.text()});
        settings["subnetMask"] = json!(address.mask().to_string());
        if let Some(gateway) = address.gateway {
            settings["gateway"] = json!([gateway.to_string()]);
        }
    } else {
        settings["ip"] = json!({"_typeName": "CustomizationDhcpIpGenerator"});
        let fixed = json!({
            "_typeName": "CustomizationFixedIpV6",
            "ipAddress": address.text(),
            "subnetMask": address.prefix,
        });
        settings["ipV6Spec"] = json!({"_typeName": "CustomizationIPSettingsIpV6AddressSpec", "ip": [fixed]});
    }
    if !address.dns_servers.is_empty() {
        let servers: Vec<String> = address.dns_servers.iter().map(ToString::to_string).collect();
        settings["dnsServerList"] = json!(servers);
    }
    settings
}
