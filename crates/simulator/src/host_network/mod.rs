//! The network of a host beside its DPUs: standard switches, port groups, the host's own interfaces, names and routes.
//!
//! Sources: the type tables of `HostNetworkSystem` and the texts of its operations; COVERAGE.md has a row for each behaviour.

mod call;
mod change;
#[cfg(test)]
pub(crate) mod tests;
mod view;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use self::call::{OPERATIONS, changes, handle};
pub(crate) use self::view::{config, info, property};

/// The cards that a standard switch can have; the others belong to DPUs.
pub(crate) const ORDINARY_CARDS: [&str; 4] = ["vmnic0", "vmnic1", "vmnic2", "vmnic3"];

/// A port group of a standard switch, by what its specification says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct PortGroup {
    spec: Value,
}

impl PortGroup {
    fn switch(&self) -> &str {
        self.spec["vswitchName"].as_str().unwrap_or_default()
    }
}

/// An interface of the host itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Interface {
    /// The port group of a standard switch; empty for one on a distributed switch.
    portgroup: String,
    spec: Value,
}

/// The network of one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct HostNetwork {
    /// It has a service console, as only old hosts do.
    console: bool,
    /// By name, their specifications.
    switches: BTreeMap<String, Value>,
    /// By name.
    port_groups: BTreeMap<String, PortGroup>,
    /// By device.
    interfaces: BTreeMap<String, Interface>,
    /// By device.
    console_interfaces: BTreeMap<String, Interface>,
    dns: Value,
    routes: Value,
    console_routes: Value,
    /// Routes of the table, each an entry.
    table: Vec<Value>,
    /// The speed that a card was fixed to.
    speeds: BTreeMap<String, Value>,
    /// The value of the custom field.
    custom: Option<String>,
}

impl HostNetwork {
    /// A host with one standard switch, one port group and the interface that vCenter uses, with an address in this subnet.
    pub(crate) fn new(name: &str, subnet: &str, console: bool) -> Self {
        let (host, domain) = name.split_once('.').unwrap_or((name, "sim.invalid"));
        let policy = json!({"_typeName": "HostNetworkPolicy"});
        let switch = json!({
            "_typeName": "HostVirtualSwitchSpec",
            "numPorts": 1792,
            "bridge": {"_typeName": "HostVirtualSwitchBondBridge", "nicDevice": ["vmnic0", "vmnic1"]},
            "policy": policy,
            "mtu": 1500,
        });
        let port_group = |name: &str| PortGroup {
            spec: json!({
                "_typeName": "HostPortGroupSpec",
                "name": name,
                "vlanId": 0,
                "vswitchName": "vSwitch0",
                "policy": policy,
            }),
        };
        let interface = |portgroup: &str, address: u32| Interface {
            portgroup: portgroup.to_owned(),
            spec: json!({
                "_typeName": "HostVirtualNicSpec",
                "ip": {
                    "_typeName": "HostIpConfig",
                    "dhcp": false,
                    "ipAddress": format!("{subnet}.{address}"),
                    "subnetMask": "255.255.255.0",
                },
                "mac": format!("00:00:5e:00:54:{address:02x}"),
                "portgroup": portgroup,
                "mtu": 1500,
            }),
        };
        let gateway = json!({
            "_typeName": "HostIpRouteConfig",
            "defaultGateway": format!("{subnet}.1"),
        });
        let mut port_groups =
            BTreeMap::from([("Management Network".to_owned(), port_group("Management Network"))]);
        let mut console_interfaces = BTreeMap::new();
        if console {
            port_groups.insert("service-console".to_owned(), port_group("service-console"));
            console_interfaces.insert("vswif0".to_owned(), interface("service-console", 12));
        }
        Self {
            console,
            switches: BTreeMap::from([("vSwitch0".to_owned(), switch)]),
            port_groups,
            interfaces: BTreeMap::from([("vmk0".to_owned(), interface("Management Network", 11))]),
            console_interfaces,
            dns: json!({
                "_typeName": "HostDnsConfig",
                "dhcp": false,
                "hostName": host,
                "domainName": domain,
                "address": ["10.8.0.53"],
                "searchDomain": [domain],
            }),
            console_routes: if console { gateway.clone() } else { Value::Null },
            routes: gateway,
            table: Vec::new(),
            speeds: BTreeMap::new(),
            custom: None,
        }
    }
}
