//! Hosts and switches as objects with properties.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::failover::SINCE;
use super::{Host, HostTrouble, Hosts, Switch, SwitchTrouble};
use crate::host_network::{self, ORDINARY_CARDS};
use crate::vi_json::value::{date_time, reference};
use crate::world::World;

/// The uplinks of a switch: name, port, card, and the DPU behind it.
pub(super) const UPLINKS: [(&str, &str, &str, usize); 4] = [
    ("uplink1", "32", "vmnic4", 0),
    ("uplink2", "33", "vmnic5", 0),
    ("uplink3", "34", "vmnic6", 1),
    ("uplink4", "35", "vmnic7", 1),
];

/// Whether a switch has an uplink of this name.
pub(super) fn is_uplink(uplink: &str) -> bool {
    UPLINKS.iter().any(|(name, ..)| *name == uplink)
}

/// The DPUs behind some uplinks.
pub(super) fn dpus_behind(uplinks: &[String]) -> BTreeSet<usize> {
    let named = UPLINKS
        .iter()
        .filter(|(name, ..)| uplinks.iter().any(|uplink| uplink == name));
    named.map(|(.., dpu)| *dpu).collect()
}

/// The uplinks that a switch names active at first, and those that it names standby.
pub(super) fn teaming() -> [Vec<String>; 2] {
    [0, 1].map(|wanted| {
        let uplinks = UPLINKS.iter().filter(|(.., dpu)| *dpu == wanted);
        uplinks.map(|(name, ..)| (*name).to_owned()).collect()
    })
}

/// What an id names.
enum Named<'a> {
    Host(&'a Host),
    NetworkSystem(&'a Host),
    Switch(&'a Switch),
}

fn named<'a>(hosts: &'a Hosts, endpoint: &str, mo_id: &str) -> Option<Named<'a>> {
    if let Some(host) = hosts.hosts.get(mo_id).filter(|host| host.vcenter == endpoint) {
        return Some(Named::Host(host));
    }
    if let Some(host) = hosts.of_network_system(endpoint, mo_id) {
        return Some(Named::NetworkSystem(host));
    }
    let switch = hosts.switches.get(mo_id);
    switch
        .filter(|switch| switch.vcenter == endpoint)
        .map(Named::Switch)
}

/// The type of an object of a vCenter.
pub(crate) fn type_of(world: &World, endpoint: &str, mo_id: &str) -> Option<&'static str> {
    Some(match named(&world.hosts, endpoint, mo_id)? {
        Named::Host(_) => "HostSystem",
        Named::NetworkSystem(_) => "HostNetworkSystem",
        Named::Switch(_) => "VmwareDistributedVirtualSwitch",
    })
}

/// A property of an object of a vCenter; `None` if the simulator does not know it.
pub(crate) fn property(world: &World, endpoint: &str, mo_id: &str, name: &str) -> Option<Value> {
    let mut properties = match named(&world.hosts, endpoint, mo_id)? {
        Named::Host(host) => host_system(world, host),
        Named::NetworkSystem(host) => return network_property(world, host, name),
        Named::Switch(switch) => distributed_switch(world, switch),
    };
    properties.get_mut(name).map(Value::take)
}

fn host_system(world: &World, host: &Host) -> Value {
    let connected = !host.troubles.contains(&HostTrouble::Disconnected);
    let mut object = json!({
        "name": host.name,
        "configManager": {
            "_typeName": "HostConfigManager",
            "networkSystem": reference("HostNetworkSystem", &host.network_system),
        },
        "runtime": {
            "_typeName": "HostRuntimeInfo",
            "connectionState": if connected { "connected" } else { "notResponding" },
            "powerState": "poweredOn",
            "inMaintenanceMode": false,
            "healthSystemRuntime": {
                "_typeName": "HealthSystemRuntime",
                "hardwareStatusInfo": {
                    "_typeName": "HostHardwareStatusInfo",
                    "dpuStatusInfo": dpu_status(world, host),
                },
            },
        },
        "config": {"_typeName": "HostConfigInfo", "network": network_info(world, host)},
    });
    if host.dpus.is_empty()
        && let Some(health) = object["runtime"].as_object_mut()
    {
        health.remove("healthSystemRuntime");
    }
    if let Some(product) = super::summary::product(host) {
        object["config"]["product"] = product;
    }
    if tells_of_failover(world, &host.vcenter) {
        let maintenance = host.troubles.contains(&HostTrouble::PartialMaintenance);
        object["runtime"]["partialMaintenanceMode"] = json!([{
            "_typeName": "HostPartialMaintenanceModeRuntimeInfo",
            "key": "quickPatchPartialMM",
            "hostStatus": if maintenance { "inPartialMM" } else { "notInPartialMM" },
        }]);
    }
    object["summary"] = super::summary::summary(host, &object["runtime"]);
    object
}

fn dpu_status(world: &World, host: &Host) -> Value {
    let element = |label: &str, works: bool| {
        json!({
            "_typeName": "ElementDescription",
            "label": label,
            "summary": label,
            "key": if works { "Green" } else { "Red" },
        })
    };
    let time = date_time(&world.core, &host.vcenter, world.core.now_ms());
    let status = host.dpus.iter().enumerate().map(|(index, dpu)| {
        let works = host.works(index);
        json!({
            "_typeName": "DpuStatusInfo",
            "name": format!("DPU {index}"),
            "status": element(if works { "Sensors in range" } else { "Device failed" }, works),
            "dpuId": dpu.id,
            "sensors": [{
                "_typeName": "DpuStatusInfoOperationalInfo",
                "sensorId": "temp-1",
                "healthState": element("Temperature", works),
                "reading": "54",
                "units": "Celsius",
                "timeStamp": time,
            }],
        })
    });
    status.collect()
}

fn network_property(world: &World, host: &Host, name: &str) -> Option<Value> {
    let network = world.hosts.network(host)?;
    match name {
        "networkInfo" => Some(network_info(world, host)),
        "networkConfig" => {
            let proxy = proxy_switch(world, host);
            let proxy = json!({
                "_typeName": "HostProxySwitchConfig",
                "changeOperation": "edit",
                "uuid": proxy["dvsUuid"],
                "spec": proxy["spec"],
            });
            Some(host_network::config(network, proxy))
        }
        _ => host_network::property(network, name),
    }
}

fn network_info(world: &World, host: &Host) -> Value {
    let mut info = json!({
        "_typeName": "HostNetworkInfo",
        "proxySwitch": [proxy_switch(world, host)],
        "pnic": cards(host),
    });
    if let Some(network) = world.hosts.network(host) {
        host_network::info(network, &mut info);
    }
    info
}

fn uplink_state(active_dpu: usize) -> Value {
    let state = |active: bool| {
        UPLINKS
            .iter()
            .filter(move |(.., dpu)| (*dpu == active_dpu) == active)
            .map(move |(name, ..)| {
                json!({
                    "_typeName": "DistributedVirtualSwitchHostMemberHostUplinkState",
                    "uplinkName": name,
                    "state": if active { "active" } else { "standby" },
                })
            })
    };
    state(true).chain(state(false)).collect()
}

/// Whether a vCenter tells what came with the failover of DPUs.
fn tells_of_failover(world: &World, vcenter: &str) -> bool {
    world.vi_json.reaches(vcenter, SINCE)
}

fn proxy_switch(world: &World, host: &Host) -> Value {
    let switch = world.hosts.switch_of(host);
    let offloaded = host.is_offloaded();
    let ports = UPLINKS
        .iter()
        .map(|(name, port, ..)| json!({"_typeName": "KeyValue", "key": port, "value": name}));
    let mut proxy = json!({
        "_typeName": "HostProxySwitch",
        "dvsUuid": switch.map_or("", |switch| &switch.uuid),
        "dvsName": host.dvs,
        "key": format!("proxy-switch-{}", host.dvs),
        "numPorts": 1792,
        "configNumPorts": 512,
        "numPortsAvailable": 1760,
        "uplinkPort": ports.collect::<Vec<_>>(),
        "mtu": 9000,
        "pnic": UPLINKS.iter().map(|(_, _, card, _)| format!("pnic-key-{card}")).collect::<Vec<_>>(),
        "spec": {"_typeName": "HostProxySwitchSpec", "backing": backing()},
        "nsxtEnabled": true,
        "ensEnabled": true,
        "nsxtStatus": "UP",
        "networkOffloadingEnabled": offloaded,
    });
    if offloaded && tells_of_failover(world, &host.vcenter) {
        proxy["hostUplinkState"] = uplink_state(world.hosts.shown_active(host));
    }
    proxy
}

fn backing() -> Value {
    let cards = (700..).zip(UPLINKS).map(|(cookie, (_, port, card, _))| {
        json!({
            "_typeName": "DistributedVirtualSwitchHostMemberPnicSpec",
            "pnicDevice": card,
            "uplinkPortKey": port,
            "connectionCookie": cookie,
        })
    });
    json!({
        "_typeName": "DistributedVirtualSwitchHostMemberPnicBacking",
        "pnicSpec": cards.collect::<Vec<_>>(),
    })
}

/// The cards of a host: ordinary ones, and two of each DPU.
fn cards(host: &Host) -> Value {
    let card = |index: usize, device: &str, dpu: Option<usize>| {
        let mut card = json!({
            "_typeName": "PhysicalNic",
            "key": format!("pnic-key-{device}"),
            "device": device,
            "pci": format!("0000:{:02x}:00.0", 0x10 + index),
            "spec": {"_typeName": "PhysicalNicSpec"},
            "wakeOnLanSupported": false,
            "mac": format!("00:00:5e:00:53:{index:02x}"),
        });
        if dpu.is_none_or(|dpu| host.works(dpu)) && host.has_link(device) {
            card["linkSpeed"] =
                json!({"_typeName": "PhysicalNicLinkInfo", "speedMb": 25_000, "duplex": true});
        }
        if let Some(dpu) = dpu.and_then(|dpu| host.dpus.get(dpu)) {
            card["dpuId"] = json!(dpu.id);
        }
        card
    };
    let ordinary = (0..)
        .zip(ORDINARY_CARDS)
        .map(|(index, device)| card(index, device, None));
    let behind = (4..)
        .zip(UPLINKS)
        .map(|(index, (_, _, device, dpu))| card(index, device, Some(dpu)));
    ordinary.chain(behind).collect()
}

fn distributed_switch(world: &World, switch: &Switch) -> Value {
    let hosts = &world.hosts;
    let tells = tells_of_failover(world, &switch.vcenter);
    let members = || {
        let here = hosts.hosts.values().filter(|host| host.vcenter == switch.vcenter);
        here.filter(|host| host.dvs == switch.name)
    };
    let runtime = members().map(|host| {
        let offloaded = host.is_offloaded();
        let connected = !host.troubles.contains(&HostTrouble::Disconnected);
        let mut member = Map::new();
        member.insert("_typeName".to_owned(), json!("HostMemberRuntimeInfo"));
        member.insert("host".to_owned(), reference("HostSystem", &host.id));
        member.insert(
            "status".to_owned(),
            json!(if connected { "up" } else { "disconnected" }),
        );
        if offloaded && tells {
            member.insert("hostUplinkState".to_owned(), uplink_state(host.known_active));
        }
        Value::Object(member)
    });
    json!({
        "name": switch.name,
        "uuid": switch.uuid,
        "config": config(world, switch, &members().collect::<Vec<_>>()),
        "capability": {
            "_typeName": "DVSCapability",
            "featuresSupported": features(switch, tells),
        },
        "runtime": {"_typeName": "DVSRuntimeInfo", "hostMemberRuntime": runtime.collect::<Vec<_>>()},
    })
}

fn features(switch: &Switch, tells_of_failover: bool) -> Value {
    let mut features = json!({
        "_typeName": "VMwareDVSFeatureCapability",
        "networkResourceManagementSupported": true,
        "lldpSupported": true,
    });
    if !switch.has(SwitchTrouble::KnowsNoDpus) {
        features["dpuCapability"] = json!({
            "_typeName": "VMwareDvsDpuCapability",
            "networkOffloadSupported": true,
        });
        if tells_of_failover && !switch.has(SwitchTrouble::NoStandbyMode) {
            features["dpuCapability"]["activeStandbyModeSupported"] = json!(true);
        }
    }
    features
}

/// How a switch is offloaded: the members that say so, where they are set.
fn offload(world: &World, switch: &Switch, config: &mut Value) {
    let none = switch.has(SwitchTrouble::OffloadNone);
    if switch.has(SwitchTrouble::OffloadUnset) || none && world.hosts.spec.offload_off_is_unset {
        return;
    }
    config["networkOffloadSpecId"] = json!(if none { "None" } else { "sim-dpu-offload-1" });
    if none || !tells_of_failover(world, &switch.vcenter) || switch.has(SwitchTrouble::NoPolicy) {
        return;
    }
    let [active, standby] = &switch.teaming;
    let mut policy = json!({
        "_typeName": "VmwareDistributedVirtualSwitchDpuFailoverPolicy",
        "activeUplink": active,
    });
    if !switch.has(SwitchTrouble::NoStandbyUplink) {
        policy["standbyUplink"] = json!(standby);
    }
    config["networkOffloadConfig"] = json!({
        "_typeName": "VmwareDistributedVirtualSwitchNetworkOffloadConfig",
        "dpuFailoverPolicy": policy,
    });
}

fn config(world: &World, switch: &Switch, members: &[&Host]) -> Value {
    let product = json!({
        "_typeName": "DistributedVirtualSwitchProductSpec",
        "name": "Simulated DVS",
        "vendor": "Simulator",
        "version": "8.0.3",
        "build": "1",
    });
    let hosts = members.iter().map(|host| {
        json!({
            "_typeName": "DistributedVirtualSwitchHostMember",
            "config": {
                "_typeName": "DistributedVirtualSwitchHostMemberConfigInfo",
                "host": reference("HostSystem", &host.id),
                "maxProxySwitchPorts": 512,
                "backing": backing(),
                "networkOffloadingEnabled": host.is_offloaded(),
            },
            "productInfo": product,
            "uplinkPortKey": UPLINKS.map(|(_, port, ..)| port),
            "status": "up",
        })
    });
    let mut config = json!({
        "_typeName": "VMwareDVSConfigInfo",
        "uuid": switch.uuid,
        "name": switch.name,
        "numStandalonePorts": 0,
        "numPorts": 64,
        "maxPorts": 2_147_483_647,
        "uplinkPortPolicy": {
            "_typeName": "DVSNameArrayUplinkPortPolicy",
            "uplinkPortName": UPLINKS.map(|(name, ..)| name),
        },
        "defaultPortConfig": {"_typeName": "VMwareDVSPortSetting"},
        "host": hosts.collect::<Vec<_>>(),
        "productInfo": product,
        "description": switch.description,
        "configVersion": switch.config_version.to_string(),
        "contact": {"_typeName": "DVSContactInfo", "name": "Network team"},
        "createTime": date_time(&world.core, &switch.vcenter, 0),
        "networkResourceManagementEnabled": false,
        "maxMtu": switch.max_mtu,
    });
    offload(world, switch, &mut config);
    config
}
