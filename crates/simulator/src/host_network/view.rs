//! The network of a host as the properties of its `HostNetworkSystem`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{HostNetwork, Interface};

/// Name of the one custom field that there is, by which its value is set, and the key by which it is shown.
pub(super) const CUSTOM_FIELD: &str = "recovery-plan";
const CUSTOM_KEY: i64 = 101;

/// A property of the network system that is not about DPUs; `null` if it is unset, `None` if it is not known here.
pub(crate) fn property(network: &HostNetwork, name: &str) -> Option<Value> {
    Some(match name {
        "capabilities" => capabilities(network),
        "offloadCapabilities" => json!({
            "_typeName": "HostNetOffloadCapabilities",
            "csumOffload": true,
            "tcpSegmentation": true,
            "zeroCopyXmit": true,
        }),
        "dnsConfig" => network.dns.clone(),
        "ipRouteConfig" => network.routes.clone(),
        "consoleIpRouteConfig" => network.console_routes.clone(),
        "availableField" => json!([{
            "_typeName": "CustomFieldDef",
            "key": CUSTOM_KEY,
            "name": CUSTOM_FIELD,
            "type": "string",
            "managedObjectType": "HostNetworkSystem",
        }]),
        "value" => custom_values(network),
        _ => return None,
    })
}

fn capabilities(network: &HostNetwork) -> Value {
    json!({
        "_typeName": "HostNetCapabilities",
        "canSetPhysicalNicLinkSpeed": true,
        "supportsNicTeaming": true,
        "nicTeamingPolicy": ["loadbalance_ip", "loadbalance_srcmac", "loadbalance_srcid", "failover_explicit"],
        "supportsVlan": true,
        "usesServiceConsoleNic": network.console,
        "supportsNetworkHints": true,
        "maxPortGroupsPerVswitch": 512,
        "vswitchConfigSupported": true,
        "vnicConfigSupported": true,
        "ipRouteConfigSupported": true,
        "dnsConfigSupported": true,
        "dhcpOnVnicSupported": true,
        "ipV6Supported": true,
    })
}

fn custom_values(network: &HostNetwork) -> Value {
    match &network.custom {
        Some(value) => json!([{"_typeName": "CustomFieldStringValue", "key": CUSTOM_KEY, "value": value}]),
        None => Value::Null,
    }
}

/// Adds what a host has beside its DPUs to its `HostNetworkInfo`.
pub(crate) fn info(network: &HostNetwork, info: &mut Value) {
    info["vswitch"] = network
        .switches
        .iter()
        .map(|(name, spec)| switch(network, name, spec))
        .collect();
    info["portgroup"] = network
        .port_groups
        .keys()
        .map(|name| port_group(network, name))
        .collect();
    info["vnic"] = interfaces(&network.interfaces);
    if network.console {
        info["consoleVnic"] = interfaces(&network.console_interfaces);
        info["consoleIpRouteConfig"] = network.console_routes.clone();
    }
    info["dnsConfig"] = network.dns.clone();
    info["ipRouteConfig"] = network.routes.clone();
    info["routeTableInfo"] = json!({"_typeName": "HostIpRouteTableInfo", "ipRoute": network.table});
    info["ipV6Enabled"] = json!(true);
    for card in info["pnic"].as_array_mut().into_iter().flatten() {
        let device = card["device"].as_str().unwrap_or_default();
        let Some(speed) = network.speeds.get(device) else {
            continue;
        };
        let speed = speed.clone();
        card["spec"]["linkSpeed"] = speed.clone();
        if card["linkSpeed"].is_object() {
            card["linkSpeed"] = speed;
        }
    }
}

fn switch(network: &HostNetwork, name: &str, spec: &Value) -> Value {
    let ports = spec["numPorts"].as_i64().unwrap_or_default();
    let groups = network
        .port_groups
        .iter()
        .filter(|(_, group)| group.switch() == name);
    let mut value = json!({
        "_typeName": "HostVirtualSwitch",
        "name": name,
        "key": format!("key-vim.host.VirtualSwitch-{name}"),
        "numPorts": ports,
        "numPortsAvailable": ports,
        "portgroup": groups.map(|(name, _)| port_group_key(name)).collect::<Vec<_>>(),
        "pnic": HostNetwork::cards(spec).into_iter().map(|card| format!("pnic-key-{card}")).collect::<Vec<_>>(),
        "spec": spec,
    });
    if spec["mtu"].is_number() {
        value["mtu"] = spec["mtu"].clone();
    }
    value
}

fn port_group_key(name: &str) -> String {
    format!("key-vim.host.PortGroup-{name}")
}

fn port_group(network: &HostNetwork, name: &str) -> Value {
    let group = &network.port_groups[name];
    json!({
        "_typeName": "HostPortGroup",
        "key": port_group_key(name),
        "vswitch": format!("key-vim.host.VirtualSwitch-{}", group.switch()),
        "computedPolicy": group.spec["policy"],
        "spec": group.spec,
    })
}

fn interfaces(known: &BTreeMap<String, Interface>) -> Value {
    let interface = |(device, interface): (&String, &Interface)| {
        json!({
            "_typeName": "HostVirtualNic",
            "device": device,
            "key": format!("key-vim.host.VirtualNic-{device}"),
            "portgroup": interface.portgroup,
            "spec": interface.spec,
        })
    };
    known.iter().map(interface).collect()
}

/// The network as `UpdateNetworkConfig` takes it.
pub(crate) fn config(network: &HostNetwork, proxy_switch: Value) -> Value {
    let interfaces = |known: &BTreeMap<String, Interface>| -> Value {
        let change = |(device, interface): (&String, &Interface)| {
            json!({
                "_typeName": "HostVirtualNicConfig",
                "changeOperation": "edit",
                "device": device,
                "portgroup": interface.portgroup,
                "spec": interface.spec,
            })
        };
        known.iter().map(change).collect()
    };
    let switches = network.switches.iter().map(|(name, spec)| {
        json!({"_typeName": "HostVirtualSwitchConfig", "changeOperation": "edit", "name": name, "spec": spec})
    });
    let groups = network.port_groups.values().map(
        |group| json!({"_typeName": "HostPortGroupConfig", "changeOperation": "edit", "spec": group.spec}),
    );
    let mut config = json!({
        "_typeName": "HostNetworkConfig",
        "vswitch": switches.collect::<Vec<_>>(),
        "proxySwitch": [proxy_switch],
        "portgroup": groups.collect::<Vec<_>>(),
        "vnic": interfaces(&network.interfaces),
        "dnsConfig": network.dns,
        "ipRouteConfig": network.routes,
        "ipV6Enabled": true,
    });
    if network.console {
        config["consoleVnic"] = interfaces(&network.console_interfaces);
        config["consoleIpRouteConfig"] = network.console_routes.clone();
    }
    config
}

/// What a card has seen of the networks it is on.
pub(super) fn hint(device: &str) -> Value {
    json!({
        "_typeName": "PhysicalNicHintInfo",
        "device": device,
        "subnet": [{"_typeName": "PhysicalNicIpHint", "ipSubnet": "10.8.0.1-10.8.0.254", "vlanId": 0}],
    })
}
