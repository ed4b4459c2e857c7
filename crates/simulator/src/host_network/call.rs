//! The methods of `HostNetworkSystem` that change a host's network, and the one that asks for its hints.

use serde_json::{Value, json};

use super::HostNetwork;
use super::change::{Side, not_found};
use super::view::hint;
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::vi_json::body::{self, Parameter, left_out, list, needed};
use crate::vi_json::fault::Fault;
use crate::vi_json::value::answer;
use crate::world::World;

/// The methods, with the ids of their operations and their parameters.
pub(crate) static OPERATIONS: &[(&str, &str, &[Parameter])] = &[
    (
        "AddPortGroup",
        "HostNetworkSystem_AddPortGroup",
        &[needed("portgrp", "HostPortGroupSpec")],
    ),
    (
        "AddServiceConsoleVirtualNic",
        "HostNetworkSystem_AddServiceConsoleVirtualNic",
        &[needed("portgroup", "string"), needed("nic", "HostVirtualNicSpec")],
    ),
    (
        "AddVirtualNic",
        "HostNetworkSystem_AddVirtualNic",
        &[needed("portgroup", "string"), needed("nic", "HostVirtualNicSpec")],
    ),
    (
        "AddVirtualSwitch",
        "HostNetworkSystem_AddVirtualSwitch",
        &[
            needed("vswitchName", "string"),
            left_out("spec", "HostVirtualSwitchSpec"),
        ],
    ),
    (
        "QueryNetworkHint",
        "HostNetworkSystem_QueryNetworkHint",
        &[list("device", "string")],
    ),
    (
        "RemovePortGroup",
        "HostNetworkSystem_RemovePortGroup",
        &[needed("pgName", "string")],
    ),
    (
        "RemoveServiceConsoleVirtualNic",
        "HostNetworkSystem_RemoveServiceConsoleVirtualNic",
        &[needed("device", "string")],
    ),
    (
        "RemoveVirtualNic",
        "HostNetworkSystem_RemoveVirtualNic",
        &[needed("device", "string")],
    ),
    (
        "RemoveVirtualSwitch",
        "HostNetworkSystem_RemoveVirtualSwitch",
        &[needed("vswitchName", "string")],
    ),
    (
        "RestartServiceConsoleVirtualNic",
        "HostNetworkSystem_RestartServiceConsoleVirtualNic",
        &[needed("device", "string")],
    ),
    (
        "UpdateConsoleIpRouteConfig",
        "HostNetworkSystem_UpdateConsoleIpRouteConfig",
        &[needed("config", "HostIpRouteConfig")],
    ),
    (
        "UpdateDnsConfig",
        "HostNetworkSystem_UpdateDnsConfig",
        &[needed("config", "HostDnsConfig")],
    ),
    (
        "UpdateIpRouteConfig",
        "HostNetworkSystem_UpdateIpRouteConfig",
        &[needed("config", "HostIpRouteConfig")],
    ),
    (
        "UpdateIpRouteTableConfig",
        "HostNetworkSystem_UpdateIpRouteTableConfig",
        &[needed("config", "HostIpRouteTableConfig")],
    ),
    (
        "UpdateNetworkConfig",
        "HostNetworkSystem_UpdateNetworkConfig",
        &[
            needed("config", "HostNetworkConfig"),
            needed("changeMode", "string"),
        ],
    ),
    (
        "UpdatePhysicalNicLinkSpeed",
        "HostNetworkSystem_UpdatePhysicalNicLinkSpeed",
        &[
            needed("device", "string"),
            left_out("linkSpeed", "PhysicalNicLinkInfo"),
        ],
    ),
    (
        "UpdatePortGroup",
        "HostNetworkSystem_UpdatePortGroup",
        &[needed("pgName", "string"), needed("portgrp", "HostPortGroupSpec")],
    ),
    (
        "UpdateServiceConsoleVirtualNic",
        "HostNetworkSystem_UpdateServiceConsoleVirtualNic",
        &[needed("device", "string"), needed("nic", "HostVirtualNicSpec")],
    ),
    (
        "UpdateVirtualNic",
        "HostNetworkSystem_UpdateVirtualNic",
        &[needed("device", "string"), needed("nic", "HostVirtualNicSpec")],
    ),
    (
        "UpdateVirtualSwitch",
        "HostNetworkSystem_UpdateVirtualSwitch",
        &[
            needed("vswitchName", "string"),
            needed("spec", "HostVirtualSwitchSpec"),
        ],
    ),
    (
        "setCustomValue",
        "HostNetworkSystem_setCustomValue",
        &[needed("key", "string"), needed("value", "string")],
    ),
];

/// Whether an operation is one of [`OPERATIONS`] that changes something.
pub(crate) fn changes(operation: &str) -> bool {
    OPERATIONS
        .iter()
        .any(|(method, id, _)| *id == operation && *method != "QueryNetworkHint")
}

/// Answers one of [`OPERATIONS`].
pub(crate) fn handle(
    world: &mut World,
    incoming: &Incoming<'_>,
    method: &str,
    mo_id: &str,
) -> Result<Answer, Fault> {
    let found = OPERATIONS.iter().find(|(name, ..)| *name == method);
    let (_, _, parameters) = found.ok_or_else(|| Fault::not_simulated(method))?;
    let no_such_object = || Fault::no_such_object("HostNetworkSystem", mo_id);
    let host = world.hosts.of_network_system(incoming.endpoint, mo_id);
    let host = host.ok_or_else(no_such_object)?;
    let body = body::read(incoming.request, parameters)?;
    world.hosts.reaches(host)?;
    let cards = host.card_names();
    let host = host.id.clone();
    let network = world.hosts.network_mut(&host).ok_or_else(no_such_object)?;
    let before = network.clone();
    let outcome = act(network, method, &body, &cards);
    let changed = *network != before;
    if changed {
        world.inventory.touch(incoming.endpoint, mo_id);
        world.inventory.touch(incoming.endpoint, &host);
        world.core.calls.effect(incoming.ticket, world.core.now_ms);
    }
    outcome
}

fn act(network: &mut HostNetwork, method: &str, body: &Value, cards: &[String]) -> Result<Answer, Fault> {
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    let spec = |name: &str| body[name].clone();
    let known_card = |device: &str| {
        let known = cards.iter().any(|card| card == device);
        if known {
            Ok(())
        } else {
            Err(not_found("PhysicalNic", device))
        }
    };
    match method {
        "AddVirtualSwitch" => network.add_switch(text("vswitchName"), spec("spec"))?,
        "UpdateVirtualSwitch" => network.update_switch(text("vswitchName"), spec("spec"))?,
        "RemoveVirtualSwitch" => network.remove_switch(text("vswitchName"))?,
        "AddPortGroup" => network.add_port_group(spec("portgrp"))?,
        "UpdatePortGroup" => network.update_port_group(text("pgName"), spec("portgrp"))?,
        "RemovePortGroup" => network.remove_port_group(text("pgName"))?,
        "AddVirtualNic" => {
            let device = network.add_interface(Side::Host, text("portgroup"), spec("nic"))?;
            return Ok(answer(&json!(device)));
        }
        "AddServiceConsoleVirtualNic" => {
            let device = network.add_interface(Side::Console, text("portgroup"), spec("nic"))?;
            return Ok(answer(&json!(device)));
        }
        "UpdateVirtualNic" => network.update_interface(Side::Host, text("device"), &body["nic"])?,
        "UpdateServiceConsoleVirtualNic" => {
            network.update_interface(Side::Console, text("device"), &body["nic"])?;
        }
        "RemoveVirtualNic" => network.remove_interface(Side::Host, text("device"))?,
        "RemoveServiceConsoleVirtualNic" => network.remove_interface(Side::Console, text("device"))?,
        "RestartServiceConsoleVirtualNic" => network.has_interface(Side::Console, text("device"))?,
        "UpdateDnsConfig" => network.set_dns(spec("config"))?,
        "UpdateIpRouteConfig" => network.set_routes(Side::Host, spec("config"))?,
        "UpdateConsoleIpRouteConfig" => network.set_routes(Side::Console, spec("config"))?,
        "UpdateIpRouteTableConfig" => network.change_table(&body["config"])?,
        "UpdatePhysicalNicLinkSpeed" => {
            known_card(text("device"))?;
            network.set_speed(text("device"), spec("linkSpeed"));
        }
        "setCustomValue" => network.set_custom(text("key"), text("value"))?,
        "UpdateNetworkConfig" => return update_all(network, body),
        "QueryNetworkHint" => {
            let asked = body["device"].as_array().cloned().unwrap_or_default();
            let asked: Vec<&str> = asked.iter().filter_map(Value::as_str).collect();
            asked.iter().try_for_each(|device| known_card(device))?;
            let all = cards.iter().map(String::as_str);
            let hints = all.filter(|card| asked.is_empty() || asked.contains(card));
            return Ok(answer(&hints.map(hint).collect()));
        }
        other => return Err(Fault::not_simulated(other)),
    }
    Ok(Answer::empty(204))
}

fn update_all(network: &mut HostNetwork, body: &Value) -> Result<Answer, Fault> {
    match body["changeMode"].as_str() {
        Some("modify") => {}
        Some("replace") => return Err(Fault::not_simulated("changeMode \"replace\"")),
        _ => {
            return Err(Fault::invalid_argument(
                Some("changeMode"),
                "The mode is modify or replace.",
            ));
        }
    }
    for part in ["proxySwitch", "dhcp", "nat", "netStackSpec"] {
        if body["config"][part]
            .as_array()
            .is_some_and(|items| !items.is_empty())
        {
            return Err(Fault::not_simulated(&format!("config.{part}")));
        }
    }
    let [host, console] = network.apply(&body["config"])?;
    let mut result = json!({"_typeName": "HostNetworkConfigResult"});
    for (name, devices) in [("vnicDevice", host), ("consoleVnicDevice", console)] {
        if !devices.is_empty() {
            result[name] = json!(devices);
        }
    }
    Ok(answer(&result))
}
