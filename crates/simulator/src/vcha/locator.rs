//! The bodies of the configurator of VI JSON: where nodes go, which addresses they get, and who manages their machines.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::address::{Address, prefix_of};
use super::request;
use super::site::{Placement, PlannedCluster, PlannedNode, Site, Stage};
use super::spec::{Deployment, VchaSpec};
use crate::shape::{Member, Shape, optional, required};
use crate::vi_json::fault::Fault;
use crate::vi_json::request::{REFERENCE, ROOT_TYPE};

const fn typed(names: &'static [&'static str]) -> Member {
    required("_typeName", Shape::OneOf(names))
}

const GENERATOR: Shape = Shape::Object(&[
    typed(&[
        "CustomizationFixedIp",
        "CustomizationDhcpIpGenerator",
        "CustomizationDisableIpV4",
    ]),
    optional("ipAddress", Shape::Text),
]);
static V6_ADDRESS: Shape = Shape::Object(&[
    typed(&["CustomizationFixedIpV6"]),
    required("ipAddress", Shape::Text),
    required("subnetMask", Shape::Integer),
]);
static V6_SPEC: [Member; 3] = [
    typed(&["CustomizationIPSettingsIpV6AddressSpec"]),
    required("ip", Shape::List(&V6_ADDRESS)),
    optional("gateway", Shape::List(&Shape::Text)),
];
static SETTINGS_MEMBERS: [Member; 7] = [
    typed(&["CustomizationIPSettings"]),
    required("ip", GENERATOR),
    optional("subnetMask", Shape::Text),
    optional("gateway", Shape::List(&Shape::Text)),
    optional("ipV6Spec", Shape::Object(&V6_SPEC)),
    optional("dnsServerList", Shape::List(&Shape::Text)),
    optional("dnsDomain", Shape::Text),
];
const SETTINGS: Shape = Shape::Object(&SETTINGS_MEMBERS);
static LOCATOR_MEMBERS: [Member; 6] = [
    typed(&["ServiceLocator"]),
    required("instanceUuid", Shape::Text),
    required("url", Shape::Text),
    required(
        "credential",
        Shape::Object(&[
            typed(&["ServiceLocatorNamePassword", "ServiceLocatorSAMLCredential"]),
            optional("username", Shape::Text),
            optional("password", Shape::Text),
            optional("token", Shape::Text),
        ]),
    ),
    optional("sslThumbprint", Shape::Text),
    optional("sslCertificate", Shape::Text),
];
const LOCATOR: Shape = Shape::Object(&LOCATOR_MEMBERS);
static SOURCE_MEMBERS: [Member; 3] = [
    typed(&["SourceNodeSpec"]),
    required("managementVc", LOCATOR),
    required("activeVc", REFERENCE),
];
const SOURCE: Shape = Shape::Object(&SOURCE_MEMBERS);

/// A node to be made; the passive one may have an address to take over.
const fn node_shape(names: &'static [&'static str]) -> [Member; 11] {
    [
        typed(names),
        optional("esxHost", REFERENCE),
        optional("datastore", REFERENCE),
        optional("publicNetworkPortGroup", REFERENCE),
        optional("clusterNetworkPortGroup", REFERENCE),
        required("folder", REFERENCE),
        optional("resourcePool", REFERENCE),
        optional("managementVc", LOCATOR),
        required("nodeName", Shape::Text),
        required("ipSettings", SETTINGS),
        optional("failoverIpSettings", SETTINGS),
    ]
}

static PASSIVE: [Member; 11] = node_shape(&["PassiveNodeDeploymentSpec"]);
static WITNESS: [Member; 11] = node_shape(&["NodeDeploymentSpec"]);

pub(super) static CREATE_PASSIVE: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("passiveDeploymentSpec", Shape::Object(&PASSIVE)),
    required("sourceVcSpec", SOURCE),
]);
pub(super) static CREATE_WITNESS: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("witnessDeploymentSpec", Shape::Object(&WITNESS)),
    required("sourceVcSpec", SOURCE),
]);
pub(super) static DEPLOY: Shape = Shape::Object(&[
    ROOT_TYPE,
    required(
        "deploymentSpec",
        Shape::Object(&[
            typed(&["VchaClusterDeploymentSpec"]),
            required("passiveDeploymentSpec", Shape::Object(&PASSIVE)),
            required("witnessDeploymentSpec", Shape::Object(&WITNESS)),
            required("activeVcSpec", SOURCE),
            optional(
                "activeVcNetworkConfig",
                Shape::Object(&[
                    typed(&["ClusterNetworkConfigSpec"]),
                    required("networkPortGroup", REFERENCE),
                    required("ipSettings", SETTINGS),
                ]),
            ),
        ]),
    ),
]);
pub(super) static PREPARE: Shape = Shape::Object(&[
    ROOT_TYPE,
    required(
        "networkSpec",
        Shape::Object(&[
            typed(&["VchaClusterNetworkSpec"]),
            required(
                "witnessNetworkSpec",
                Shape::Object(&[typed(&["NodeNetworkSpec"]), required("ipSettings", SETTINGS)]),
            ),
            required(
                "passiveNetworkSpec",
                Shape::Object(&[
                    typed(&["PassiveNodeNetworkSpec"]),
                    required("ipSettings", SETTINGS),
                    optional("failoverIpSettings", SETTINGS),
                ]),
            ),
        ]),
    ),
]);
pub(super) static CONFIGURE: Shape = Shape::Object(&[
    ROOT_TYPE,
    required(
        "configSpec",
        Shape::Object(&[
            typed(&["VchaClusterConfigSpec"]),
            required("passiveIp", Shape::Text),
            required("witnessIp", Shape::Text),
        ]),
    ),
]);

/// The nodes that a preparation by hand names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Prepared {
    pub(super) passive: PlannedNode,
    pub(super) witness: PlannedNode,
}

fn bad(path: &str, text: &str) -> Fault {
    Fault::invalid_argument(Some(path), text)
}

/// A fixed address; the IPv6 one where there is none of IPv4.
fn address(settings: &Value, path: &str) -> Result<Address, Fault> {
    let first = |list: &Value| list[0].as_str().and_then(|text| text.parse().ok());
    let servers = settings["dnsServerList"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let (mut address, prefix, gateway) = if let Some(text) = settings["ip"]["ipAddress"].as_str() {
        let ip: Ipv4Addr = text
            .parse()
            .map_err(|_| bad(&format!("{path}.ip.ipAddress"), "It is no IPv4 address."))?;
        let mask = settings["subnetMask"].as_str().and_then(prefix_of);
        let prefix = mask.ok_or_else(|| bad(&format!("{path}.subnetMask"), "It is no mask."))?;
        (Address::new(ip.into()), prefix, first(&settings["gateway"]))
    } else {
        let given = &settings["ipV6Spec"]["ip"][0];
        let text = given["ipAddress"].as_str().unwrap_or_default();
        let place = format!("{path}.ipV6Spec.ip");
        let ip: Ipv6Addr = text
            .parse()
            .map_err(|_| bad(&place, "A fixed address is needed."))?;
        let bits = given["subnetMask"]
            .as_i64()
            .and_then(|bits| u8::try_from(bits).ok());
        let prefix = bits.filter(|bits| *bits <= 128);
        let prefix = prefix.ok_or_else(|| bad(&place, "The prefix is none."))?;
        (
            Address::new(ip.into()),
            prefix,
            first(&settings["ipV6Spec"]["gateway"]),
        )
    };
    address.prefix = prefix;
    address.gateway = gateway;
    let servers = servers.iter().filter_map(|server| server.as_str()?.parse().ok());
    address.dns_servers = servers.collect();
    Ok(address)
}

fn optional_address(settings: &Value, path: &str) -> Result<Option<Address>, Fault> {
    if settings.is_null() {
        return Ok(None);
    }
    address(settings, path).map(Some)
}

/// Who manages the machines has to be known, and to let the caller in. A token is taken as it is.
fn check_source(spec: &VchaSpec, source: &Value, path: &str) -> Result<(), Fault> {
    let locator = &source["managementVc"];
    let url = locator["url"].as_str().unwrap_or_default();
    let host = url.strip_prefix("https://").unwrap_or(url);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let by_token = locator["credential"]["_typeName"] == "ServiceLocatorSAMLCredential";
    let known = &spec.management;
    let mut location = json!({
        "hostname": host,
        "username": locator["credential"]["username"],
        "password": locator["credential"]["password"],
        "ssl_thumbprint": locator["sslThumbprint"],
        "ssl_certificate": locator["sslCertificate"],
    });
    if by_token {
        location["username"] = json!(known.username);
        location["password"] = json!(known.password);
    }
    let body = json!({"vc_spec": {"active_location": location}});
    request::check_credentials(spec, &body).map_err(|error| {
        let texts: Vec<&str> = error.messages.iter().map(|(_, text)| text.as_str()).collect();
        bad(&format!("{path}.managementVc"), &texts.join(" "))
    })
}

/// A node of a body, at `name`, made from the machine at `source`.
pub(super) fn node(spec: &VchaSpec, body: &Value, name: &str, source: &str) -> Result<PlannedNode, Fault> {
    check_source(spec, &body[source], source)?;
    planned(&body[name], name)
}

fn planned(given: &Value, path: &str) -> Result<PlannedNode, Fault> {
    let id = |name: &str| given[name]["value"].as_str().map(str::to_owned);
    let network = |name: &str| {
        let kind = if given[name]["type"] == "DistributedVirtualPortgroup" {
            "DISTRIBUTED_PORTGROUP"
        } else {
            "STANDARD_PORTGROUP"
        };
        id(name).map(|id| (kind.to_owned(), id))
    };
    Ok(PlannedNode {
        ha: address(&given["ipSettings"], &format!("{path}.ipSettings"))?,
        failover: optional_address(
            &given["failoverIpSettings"],
            &format!("{path}.failoverIpSettings"),
        )?,
        placement: Some(Placement {
            name: given["nodeName"].as_str().unwrap_or_default().to_owned(),
            host: id("esxHost"),
            ha_network: network("clusterNetworkPortGroup"),
            management_network: network("publicNetworkPortGroup"),
            datastore: id("datastore"),
        }),
    })
}

/// What a deployment in one go is to make.
pub(super) fn deployment(spec: &VchaSpec, site: &Site, body: &Value) -> Result<PlannedCluster, Fault> {
    let given = &body["deploymentSpec"];
    check_source(spec, &given["activeVcSpec"], "deploymentSpec.activeVcSpec")?;
    let node = |name: &str| planned(&given[name], &format!("deploymentSpec.{name}"));
    let (passive, witness) = (node("passiveDeploymentSpec")?, node("witnessDeploymentSpec")?);
    let config = &given["activeVcNetworkConfig"]["ipSettings"];
    let own = optional_address(config, "deploymentSpec.activeVcNetworkConfig.ipSettings")?;
    Ok(PlannedCluster {
        deployment: Deployment::Auto,
        active: own.unwrap_or_else(|| site.own_address(passive.ha.ip.is_ipv6())),
        passive,
        witness,
    })
}

/// The nodes that will be cloned by hand.
pub(super) fn preparation(body: &Value) -> Result<Prepared, Fault> {
    let node = |name: &str| {
        let (given, path) = (&body["networkSpec"][name], format!("networkSpec.{name}"));
        Ok::<_, Fault>(PlannedNode {
            ha: address(&given["ipSettings"], &format!("{path}.ipSettings"))?,
            failover: optional_address(
                &given["failoverIpSettings"],
                &format!("{path}.failoverIpSettings"),
            )?,
            placement: None,
        })
    };
    Ok(Prepared {
        passive: node("passiveNetworkSpec")?,
        witness: node("witnessNetworkSpec")?,
    })
}

/// The cluster of the two clones that were prepared for. Without a preparation, their addresses are all that is known.
pub(super) fn configuration(site: &Site, body: &Value) -> Result<PlannedCluster, Fault> {
    let spec = &body["configSpec"];
    let ip = |name: &str| {
        let text = spec[name].as_str().unwrap_or_default();
        text.parse()
            .map(Address::new)
            .map_err(|_| bad(&format!("configSpec.{name}"), "It is no address."))
    };
    let (passive, witness) = (ip("passiveIp")?, ip("witnessIp")?);
    let bare = |ha: Address| PlannedNode {
        ha,
        failover: None,
        placement: None,
    };
    let prepared = match &site.stage {
        Stage::Prepared(prepared) => {
            for (name, given, known) in [
                ("passiveIp", &passive, &prepared.passive),
                ("witnessIp", &witness, &prepared.witness),
            ] {
                if given.ip != known.ha.ip {
                    let text = "It is not the address that was prepared for.";
                    return Err(bad(&format!("configSpec.{name}"), text));
                }
            }
            (**prepared).clone()
        }
        Stage::NotConfigured | Stage::Invalid | Stage::Configured(_) => Prepared {
            passive: bare(passive),
            witness: bare(witness),
        },
    };
    Ok(PlannedCluster {
        deployment: Deployment::Manual,
        active: site.own_address(prepared.passive.ha.ip.is_ipv6()),
        passive: prepared.passive,
        witness: prepared.witness,
    })
}
