//! Changes of a host's network: each is checked whole before anything is changed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{HostNetwork, Interface, ORDINARY_CARDS, PortGroup};
use crate::vi_json::fault::Fault;

/// Highest VLAN; 4095 stands for all of them.
const MOST_VLAN: i64 = 4095;

pub(super) fn not_found(what: &str, name: &str) -> Fault {
    Fault::new("NotFound", format!("The host has no {what} {name}."))
}

fn exists(what: &str, name: &str) -> Fault {
    Fault::new("AlreadyExists", format!("The host has a {what} {name} already.")).with("name", name)
}

fn in_use(what: &str, name: &str) -> Fault {
    Fault::new("ResourceInUse", format!("The {what} {name} is in use."))
        .with("type", what)
        .with("name", name)
}

fn no_console() -> Fault {
    Fault::new("NotSupported", "The host has no service console.")
}

/// Which interfaces of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Host,
    Console,
}

impl Side {
    fn prefix(self) -> &'static str {
        match self {
            Self::Host => "vmk",
            Self::Console => "vswif",
        }
    }
}

impl HostNetwork {
    fn side(&mut self, side: Side) -> Result<&mut BTreeMap<String, Interface>, Fault> {
        match side {
            Side::Host => Ok(&mut self.interfaces),
            Side::Console if self.console => Ok(&mut self.console_interfaces),
            Side::Console => Err(no_console()),
        }
    }

    fn all_interfaces(&self) -> impl Iterator<Item = &Interface> {
        self.interfaces.values().chain(self.console_interfaces.values())
    }

    /// The cards in a specification of a switch.
    pub(super) fn cards(spec: &Value) -> Vec<&str> {
        let devices = spec["bridge"]["nicDevice"].as_array().into_iter().flatten();
        let devices = devices.filter_map(Value::as_str);
        devices.chain(spec["bridge"]["nicDevice"].as_str()).collect()
    }

    fn check_switch(&self, name: &str, spec: &Value) -> Result<(), Fault> {
        for card in Self::cards(spec) {
            let taken = self
                .switches
                .iter()
                .any(|(other, spec)| other != name && Self::cards(spec).contains(&card));
            if taken {
                return Err(in_use("PhysicalNic", card));
            }
            if !ORDINARY_CARDS.contains(&card) {
                return Err(Fault::new(
                    "HostConfigFault",
                    format!("{card} is no card for a standard switch."),
                ));
            }
        }
        Ok(())
    }

    pub(super) fn add_switch(&mut self, name: &str, spec: Value) -> Result<(), Fault> {
        if name.is_empty() {
            return Err(Fault::invalid_argument(
                Some("vswitchName"),
                "A switch needs a name.",
            ));
        }
        if self.switches.contains_key(name) {
            return Err(exists("VirtualSwitch", name));
        }
        let spec = match spec {
            Value::Null => json!({"_typeName": "HostVirtualSwitchSpec", "numPorts": 128}),
            spec => spec,
        };
        self.check_switch(name, &spec)?;
        self.switches.insert(name.to_owned(), spec);
        Ok(())
    }

    pub(super) fn update_switch(&mut self, name: &str, spec: Value) -> Result<(), Fault> {
        self.check_switch(name, &spec)?;
        let known = self.switches.get_mut(name);
        *known.ok_or_else(|| not_found("VirtualSwitch", name))? = spec;
        Ok(())
    }

    pub(super) fn remove_switch(&mut self, name: &str) -> Result<(), Fault> {
        if !self.switches.contains_key(name) {
            return Err(not_found("VirtualSwitch", name));
        }
        let groups = || {
            self.port_groups
                .iter()
                .filter(|(_, group)| group.switch() == name)
        };
        if let Some((group, _)) = groups().find(|(group, _)| self.is_used(group)) {
            return Err(in_use("PortGroup", group));
        }
        self.port_groups.retain(|_, group| group.switch() != name);
        self.switches.remove(name);
        Ok(())
    }

    fn is_used(&self, port_group: &str) -> bool {
        self.all_interfaces()
            .any(|interface| interface.portgroup == port_group)
    }

    fn check_port_group(&self, spec: &Value) -> Result<String, Fault> {
        let vlan = spec["vlanId"].as_i64().unwrap_or_default();
        if !(0..=MOST_VLAN).contains(&vlan) {
            return Err(Fault::invalid_argument(
                Some("portgrp.vlanId"),
                "A VLAN lies within 0 and 4095.",
            ));
        }
        let switch = spec["vswitchName"].as_str().unwrap_or_default();
        if !self.switches.contains_key(switch) {
            return Err(not_found("VirtualSwitch", switch));
        }
        Ok(spec["name"].as_str().unwrap_or_default().to_owned())
    }

    pub(super) fn add_port_group(&mut self, spec: Value) -> Result<(), Fault> {
        let name = self.check_port_group(&spec)?;
        if self.port_groups.contains_key(&name) {
            return Err(exists("PortGroup", &name));
        }
        self.port_groups.insert(name, PortGroup { spec });
        Ok(())
    }

    pub(super) fn update_port_group(&mut self, name: &str, spec: Value) -> Result<(), Fault> {
        let renamed = self.check_port_group(&spec)?;
        if !self.port_groups.contains_key(name) {
            return Err(not_found("PortGroup", name));
        }
        if renamed != name && self.port_groups.contains_key(&renamed) {
            return Err(exists("PortGroup", &renamed));
        }
        self.port_groups.remove(name);
        let interfaces = self
            .interfaces
            .values_mut()
            .chain(self.console_interfaces.values_mut());
        for interface in interfaces.filter(|interface| interface.portgroup == name) {
            interface.portgroup.clone_from(&renamed);
        }
        self.port_groups.insert(renamed, PortGroup { spec });
        Ok(())
    }

    pub(super) fn remove_port_group(&mut self, name: &str) -> Result<(), Fault> {
        if self.is_used(name) {
            return Err(in_use("PortGroup", name));
        }
        let removed = self.port_groups.remove(name);
        removed.map(drop).ok_or_else(|| not_found("PortGroup", name))
    }

    fn check_interface(&self, portgroup: &str, spec: &Value) -> Result<(), Fault> {
        let distributed = !spec["distributedVirtualPort"].is_null();
        if portgroup.is_empty() != distributed {
            return Err(Fault::invalid_argument(
                Some("portgroup"),
                "An interface is on a port group of the host or on a distributed port.",
            ));
        }
        if !distributed && !self.port_groups.contains_key(portgroup) {
            return Err(Fault::invalid_argument(
                Some("portgroup"),
                format!("The host has no port group {portgroup}."),
            ));
        }
        let ip = &spec["ip"];
        if ip["dhcp"] == false && (ip["ipAddress"].is_null() || ip["subnetMask"].is_null()) {
            return Err(Fault::invalid_argument(
                Some("nic.ip"),
                "Without DHCP an interface needs an address and a mask.",
            ));
        }
        Ok(())
    }

    /// Adds an interface and gives its device.
    pub(super) fn add_interface(
        &mut self,
        side: Side,
        portgroup: &str,
        spec: Value,
    ) -> Result<String, Fault> {
        self.side(side)?;
        self.check_interface(portgroup, &spec)?;
        let known = self.side(side)?;
        let device = (0..)
            .map(|number| format!("{}{number}", side.prefix()))
            .find(|device| !known.contains_key(device))
            .unwrap_or_default();
        known.insert(
            device.clone(),
            Interface {
                portgroup: portgroup.to_owned(),
                spec,
            },
        );
        Ok(device)
    }

    /// Changes an interface; what the specification leaves out stays as it is.
    pub(super) fn update_interface(&mut self, side: Side, device: &str, spec: &Value) -> Result<(), Fault> {
        let known = self.side(side)?.get(device);
        let mut changed = known.cloned().ok_or_else(|| not_found("VirtualNic", device))?;
        for (name, value) in spec.as_object().into_iter().flatten() {
            changed.spec[name.as_str()] = value.clone();
        }
        if let Some(portgroup) = spec["portgroup"].as_str() {
            portgroup.clone_into(&mut changed.portgroup);
            changed.spec["distributedVirtualPort"] = Value::Null;
        } else if !spec["distributedVirtualPort"].is_null() {
            changed.portgroup.clear();
        }
        self.check_interface(&changed.portgroup, &changed.spec)?;
        self.side(side)?.insert(device.to_owned(), changed);
        Ok(())
    }

    pub(super) fn remove_interface(&mut self, side: Side, device: &str) -> Result<(), Fault> {
        if self.dns["virtualNicDevice"] == device {
            return Err(in_use("VirtualNic", device));
        }
        let removed = self.side(side)?.remove(device);
        removed.map(drop).ok_or_else(|| not_found("VirtualNic", device))
    }

    pub(super) fn has_interface(&mut self, side: Side, device: &str) -> Result<(), Fault> {
        let known = self.side(side)?.contains_key(device);
        if known {
            Ok(())
        } else {
            Err(not_found("VirtualNic", device))
        }
    }

    pub(super) fn set_dns(&mut self, config: Value) -> Result<(), Fault> {
        match config["virtualNicDevice"].as_str() {
            Some(device)
                if !self.interfaces.contains_key(device) && !self.console_interfaces.contains_key(device) =>
            {
                Err(not_found("VirtualNic", device))
            }
            None if config["dhcp"] == true => Err(Fault::invalid_argument(
                Some("config.virtualNicDevice"),
                "By DHCP the names come over an interface, which has to be named.",
            )),
            _ => {
                self.dns = config;
                Ok(())
            }
        }
    }

    pub(super) fn set_routes(&mut self, side: Side, config: Value) -> Result<(), Fault> {
        match side {
            Side::Host => self.routes = config,
            Side::Console if self.console => self.console_routes = config,
            Side::Console => return Err(no_console()),
        }
        Ok(())
    }

    pub(super) fn change_table(&mut self, config: &Value) -> Result<(), Fault> {
        let mut table = self.table.clone();
        let lists = ["ipRoute", "ipv6Route"].map(|list| config[list].as_array());
        for change in lists.into_iter().flatten().flatten() {
            let route = &change["route"];
            let same = |known: &Value| {
                known["network"] == route["network"] && known["prefixLength"] == route["prefixLength"]
            };
            match change["changeOperation"].as_str() {
                Some("add") if table.iter().any(same) => {
                    return Err(Fault::new(
                        "HostConfigFault",
                        "There is a route to that network already.",
                    ));
                }
                Some("add") => table.push(route.clone()),
                Some("remove") if table.iter().any(same) => table.retain(|known| !same(known)),
                Some("remove") => {
                    return Err(Fault::new(
                        "HostConfigFault",
                        "There is no route to that network.",
                    ));
                }
                _ => {
                    return Err(Fault::invalid_argument(
                        Some("config.ipRoute.changeOperation"),
                        "A route is added or removed.",
                    ));
                }
            }
        }
        self.table = table;
        Ok(())
    }

    pub(super) fn set_speed(&mut self, device: &str, speed: Value) {
        match speed {
            Value::Null => self.speeds.remove(device),
            speed => self.speeds.insert(device.to_owned(), speed),
        };
    }

    pub(super) fn set_custom(&mut self, key: &str, value: &str) -> Result<(), Fault> {
        if key != super::view::CUSTOM_FIELD {
            return Err(Fault::invalid_argument(
                Some("key"),
                "There is no such custom field.",
            ));
        }
        self.custom = Some(value.to_owned());
        Ok(())
    }

    /// Applies many changes, all or none, and gives the devices that were added on each side.
    pub(super) fn apply(&mut self, config: &Value) -> Result<[Vec<String>; 2], Fault> {
        let mut next = self.clone();
        let mut added = [Vec::new(), Vec::new()];
        for change in list(config, "vswitch") {
            let (name, spec) = (text(change, "name"), change["spec"].clone());
            match operation(change)? {
                Change::Add => next.add_switch(name, spec)?,
                Change::Edit => next.update_switch(name, spec)?,
                Change::Remove => next.remove_switch(name)?,
            }
        }
        for change in list(config, "portgroup") {
            let spec = change["spec"].clone();
            let name = text(&change["spec"], "name").to_owned();
            match operation(change)? {
                Change::Add => next.add_port_group(spec)?,
                Change::Edit => next.update_port_group(&name, spec)?,
                Change::Remove => next.remove_port_group(&name)?,
            }
        }
        added[0] = next.apply_interfaces(Side::Host, list(config, "vnic"))?;
        added[1] = next.apply_interfaces(Side::Console, list(config, "consoleVnic"))?;
        for card in list(config, "pnic") {
            next.set_speed(text(card, "device"), card["spec"]["linkSpeed"].clone());
        }
        if config["dnsConfig"].is_object() {
            next.set_dns(config["dnsConfig"].clone())?;
        }
        for (side, name) in [
            (Side::Host, "ipRouteConfig"),
            (Side::Console, "consoleIpRouteConfig"),
        ] {
            if config[name].is_object() {
                next.set_routes(side, config[name].clone())?;
            }
        }
        if config["routeTableConfig"].is_object() {
            next.change_table(&config["routeTableConfig"])?;
        }
        *self = next;
        Ok(added)
    }

    fn apply_interfaces<'a>(
        &mut self,
        side: Side,
        changes: impl Iterator<Item = &'a Value>,
    ) -> Result<Vec<String>, Fault> {
        let mut added = Vec::new();
        for change in changes {
            let device = text(change, "device");
            match operation(change)? {
                Change::Add => {
                    let spec = change["spec"].clone();
                    added.push(self.add_interface(side, text(change, "portgroup"), spec)?);
                }
                Change::Edit => self.update_interface(side, device, &change["spec"])?,
                Change::Remove => self.remove_interface(side, device)?,
            }
        }
        Ok(added)
    }
}

/// What is to be done with a part of a configuration.
enum Change {
    Add,
    Edit,
    Remove,
}

fn operation(change: &Value) -> Result<Change, Fault> {
    match change["changeOperation"].as_str() {
        Some("add") => Ok(Change::Add),
        Some("edit") => Ok(Change::Edit),
        Some("remove") => Ok(Change::Remove),
        _ => Err(Fault::invalid_argument(
            Some("config.changeOperation"),
            "A part of the configuration is added, edited or removed.",
        )),
    }
}

fn list<'a>(config: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    config[name].as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
