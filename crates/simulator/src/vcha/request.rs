//! The bodies of the calls on a cluster: their shapes, credentials of the management vCenter, and what is checked beyond
//! the shape.

use serde_json::{Value, json};

use super::address::{Address, IP_SPEC};
use super::error::RestError;
use super::site::{Placement, PlannedCluster, PlannedNode, Site};
use super::spec::{ActiveVm, Deployment, ManagementSpec, VchaSpec};
use crate::shape::{Member, Shape, optional, required};

const CONNECTION: Shape = Shape::Object(&[
    required("hostname", Shape::Text),
    optional("port", Shape::Integer),
    optional("ssl_thumbprint", Shape::Text),
    optional("ssl_certificate", Shape::Text),
    optional("username", Shape::Text),
    optional("password", Shape::Text),
]);
const VC_SPEC: Member = optional(
    "vc_spec",
    Shape::Object(&[required("active_location", CONNECTION)]),
);
const NETWORK_TYPE: Shape = Shape::OneOf(&["STANDARD_PORTGROUP", "DISTRIBUTED_PORTGROUP"]);
const PLACEMENT: Shape = Shape::Object(&[
    required("name", Shape::Text),
    required("folder", Shape::Text),
    optional("host", Shape::Text),
    optional("resource_pool", Shape::Text),
    optional("ha_network_type", NETWORK_TYPE),
    optional("ha_network", Shape::Text),
    optional("management_network_type", NETWORK_TYPE),
    optional("management_network", Shape::Text),
    optional("storage", Shape::Object(&[optional("datastore", Shape::Text)])),
]);
const MACHINE: Shape = Shape::Object(&[required("vm", Shape::Text), required("bios_uuid", Shape::Text)]);

pub(super) static FAIL_OVER: Shape = Shape::Object(&[required("planned", Shape::Flag)]);
pub(super) static SET_MODE: Shape = Shape::Object(&[required(
    "mode",
    Shape::OneOf(&["ENABLED", "DISABLED", "MAINTENANCE"]),
)]);
pub(super) static GET: Shape = Shape::Object(&[VC_SPEC, optional("partial", Shape::Flag)]);
pub(super) static CHECK: Shape = Shape::Object(&[VC_SPEC, required("placement", PLACEMENT)]);
pub(super) static REDEPLOY_PASSIVE: Shape = Shape::Object(&[
    VC_SPEC,
    required("placement", PLACEMENT),
    optional("ha_ip", Shape::Anything),
    optional("failover_ip", Shape::Anything),
]);
pub(super) static REDEPLOY_WITNESS: Shape = Shape::Object(&[
    VC_SPEC,
    required("placement", PLACEMENT),
    optional("ha_ip", Shape::Anything),
]);
pub(super) static UNDEPLOY: Shape = Shape::Object(&[
    VC_SPEC,
    optional("force_delete", Shape::Flag),
    optional(
        "vms",
        Shape::Object(&[required("passive", MACHINE), required("witness", MACHINE)]),
    ),
]);
pub(super) static DEPLOY: Shape = Shape::Object(&[
    VC_SPEC,
    required("deployment", Shape::OneOf(&["AUTO", "MANUAL"])),
    required(
        "active",
        Shape::Object(&[
            optional("ha_network_type", NETWORK_TYPE),
            optional("ha_network", Shape::Text),
            required("ha_ip", Shape::Anything),
        ]),
    ),
    required(
        "passive",
        Shape::Object(&[
            optional("placement", PLACEMENT),
            required("ha_ip", Shape::Anything),
            optional("failover_ip", Shape::Anything),
        ]),
    ),
    required(
        "witness",
        Shape::Object(&[
            optional("placement", PLACEMENT),
            required("ha_ip", Shape::Anything),
        ]),
    ),
]);

/// Checks who asks for what only the management vCenter knows. Without `vc_spec` that is the cluster's own vCenter.
pub(super) fn check_credentials(spec: &VchaSpec, body: &Value) -> Result<(), RestError> {
    let location = &body["vc_spec"]["active_location"];
    let known = &spec.management;
    if location.is_null() {
        if known.is_another {
            let text = "Credentials of the vCenter that manages the nodes are needed.";
            return Err(RestError::invalid_at("spec.vc_spec", text));
        }
        return Ok(());
    }
    check_certificate(spec, known, location)?;
    let given = |name: &str| location[name].as_str().unwrap_or_default();
    let refused = |text: String| Err(RestError::invalid_argument(text));
    if !(1..=65_535).contains(&location["port"].as_i64().unwrap_or(443)) {
        return refused("The port is none.".to_owned());
    }
    if given("hostname") != known.hostname {
        return refused(format!("There is no vCenter at {}.", given("hostname")));
    }
    if given("username") != known.username || given("password") != known.password {
        return refused(format!("The login at {} was refused.", known.hostname));
    }
    Ok(())
}

fn check_certificate(spec: &VchaSpec, known: &ManagementSpec, location: &Value) -> Result<(), RestError> {
    let given = |name: &str| location[name].as_str();
    let certificate = given("ssl_certificate");
    if certificate.is_some() && spec.thumbprints_only {
        let text = "Unknown member vc_spec.active_location.ssl_certificate.";
        return Err(RestError::invalid_argument(text));
    }
    let trusted = match (certificate, given("ssl_thumbprint")) {
        (Some(_), Some(_)) => {
            let text = "Only one of thumbprint and certificate may be given.";
            return Err(RestError::invalid_argument(text));
        }
        (Some(certificate), None) => certificate.trim() == known.certificate.trim(),
        (None, Some(thumbprint)) => {
            let by = |known: &str| thumbprint.eq_ignore_ascii_case(known);
            by(&known.sha1) || (!spec.wants_sha1 && by(&known.sha256))
        }
        (None, None) => known.trusted,
    };
    if trusted {
        return Ok(());
    }
    let mut data = json!({"ssl_thumbprint": known.sha256});
    if !spec.thumbprints_only {
        data["ssl_certificate"] = json!(known.certificate);
    }
    let text = format!("The certificate of {} is not trusted.", known.hostname);
    Err(RestError::new(400, "UNVERIFIED_PEER", "sim.vcha.peer", text).with_data(data))
}

/// How the machine of the active node is found.
pub(super) fn check_active_vm(spec: &VchaSpec) -> Result<(), RestError> {
    match spec.active_vm {
        ActiveVm::Fit => Ok(()),
        ActiveVm::Missing => {
            let text = "The machine of the active node was not found.";
            Err(RestError::new(404, "NOT_FOUND", "sim.vcha.vm.unknown", text))
        }
        ActiveVm::Unfit => {
            let text = "The disks of the active node's machine are on more than one datastore.";
            let error_type = "INVALID_ELEMENT_CONFIGURATION";
            Err(RestError::new(400, error_type, "sim.vcha.disks", text))
        }
    }
}

/// A network and its kind go together.
fn network(value: &Value, name: &str, path: &str) -> Result<Option<(String, String)>, RestError> {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    match (text(&format!("{name}_type")), text(name)) {
        (Some(kind), Some(id)) => Ok(Some((kind, id))),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => {
            let text = "A network and its kind go together.";
            Err(RestError::invalid_at(&format!("{path}.{name}"), text))
        }
    }
}

/// A placement whose shape has been checked.
pub(super) fn placement(value: &Value, path: &str) -> Result<Placement, RestError> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let name = text(&value["name"]).unwrap_or_default();
    if name.is_empty() {
        return Err(RestError::invalid_at(
            &format!("{path}.name"),
            "The machine needs a name.",
        ));
    }
    Ok(Placement {
        name,
        host: text(&value["host"]),
        ha_network: network(value, "ha_network", path)?,
        management_network: network(value, "management_network", path)?,
        datastore: text(&value["storage"]["datastore"]),
    })
}

fn address(value: &Value, path: &str) -> Result<Address, RestError> {
    IP_SPEC.check(value)?;
    Address::of_spec(value, path)
}

fn optional_address(value: &Value, path: &str) -> Result<Option<Address>, RestError> {
    if value.is_null() {
        return Ok(None);
    }
    address(value, path).map(Some)
}

/// What a deployment is to make.
pub(super) fn deployment(body: &Value) -> Result<PlannedCluster, RestError> {
    let deployment = if body["deployment"] == "MANUAL" {
        Deployment::Manual
    } else {
        Deployment::Auto
    };
    network(&body["active"], "ha_network", "spec.active")?;
    let node = |name: &str| {
        let (given, path) = (&body[name], format!("spec.{name}"));
        let place = format!("{path}.placement");
        let placement = match (&given["placement"], deployment) {
            (Value::Null, Deployment::Manual) => None,
            (Value::Null, Deployment::Auto) => {
                return Err(RestError::invalid_at(&place, "An automatic deployment needs it."));
            }
            (_, Deployment::Manual) => {
                return Err(RestError::invalid_at(&place, "A manual deployment has none."));
            }
            (given, Deployment::Auto) => Some(placement(given, &place)?),
        };
        Ok(PlannedNode {
            ha: address(&given["ha_ip"], &format!("{path}.ha_ip"))?,
            failover: optional_address(&given["failover_ip"], &format!("{path}.failover_ip"))?,
            placement,
        })
    };
    let plan = PlannedCluster {
        deployment,
        active: address(&body["active"]["ha_ip"], "spec.active.ha_ip")?,
        passive: node("passive")?,
        witness: node("witness")?,
    };
    let (active, passive, witness) = (plan.active.ip, plan.passive.ha.ip, plan.witness.ha.ip);
    if active == passive || active == witness || passive == witness {
        let text = "Each node needs an address of its own.";
        return Err(RestError::invalid_at("spec.witness.ha_ip", text));
    }
    Ok(plan)
}

/// What a node that is made anew is to be; addresses that are not given are the former node's.
pub(super) fn redeployment(body: &Value, former: Option<&Address>) -> Result<PlannedNode, RestError> {
    let given = optional_address(&body["ha_ip"], "spec.ha_ip")?;
    let ha = given.or_else(|| former.cloned());
    Ok(PlannedNode {
        ha: ha.ok_or_else(|| RestError::invalid_at("spec.ha_ip", "The node needs an address."))?,
        failover: optional_address(&body["failover_ip"], "spec.failover_ip")?,
        placement: Some(placement(&body["placement"], "spec.placement")?),
    })
}

/// Whether the machines of the other nodes go too. Those that are named have to be theirs.
pub(super) fn removal(site: Option<&Site>, body: &Value) -> Result<bool, RestError> {
    let cluster = site.and_then(Site::cluster);
    let automatic = cluster.filter(|cluster| cluster.deployment == Deployment::Auto);
    let Some(cluster) = automatic else {
        return Ok(false);
    };
    if body["force_delete"] == json!(true) {
        return Ok(true);
    }
    if body["vms"].is_null() {
        return Ok(false);
    }
    for (name, node) in [("passive", cluster.passive()), ("witness", &cluster.witness)] {
        let given = &body["vms"][name];
        if given["vm"] != json!(node.vm.id) {
            let text = format!(
                "There is no VM {} in the cluster.",
                given["vm"].as_str().unwrap_or_default()
            );
            return Err(RestError::new(404, "NOT_FOUND", "sim.vcha.vm.unknown", text));
        }
        if given["bios_uuid"] != json!(node.vm.bios_uuid) {
            let path = format!("spec.vms.{name}.bios_uuid");
            return Err(RestError::invalid_at(&path, "The VM has another BIOS UUID."));
        }
    }
    Ok(true)
}
