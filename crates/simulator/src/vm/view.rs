//! Machines, datastores and networks as objects with properties.

use serde_json::{Map, Value, json};

use super::Vms;
use super::file::{Config, Home};
use super::machine::{Guest, Machine};
use super::place::{Datastore, FREE_BYTES, Network, NetworkKind};
use super::spec::MachineTrouble;
use crate::core::Core;
use crate::vi_json::value::{date_time, reference};
use crate::world::World;

/// A property of a machine, datastore or network; `None` if the simulator does not know it.
pub(crate) fn property(world: &World, mo_id: &str, name: &str) -> Option<Value> {
    let vms = &world.vms;
    if let Some(machine) = vms.machines.get(mo_id) {
        return machine_property(world, machine, name);
    }
    let mut object = match vms.datastores.get(mo_id) {
        Some(datastore) => datastore_object(world, datastore),
        None => network_object(world, vms.networks.get(mo_id)?),
    };
    object.get_mut(name).map(Value::take)
}

fn references<'a>(type_name: &str, ids: impl Iterator<Item = &'a String>) -> Value {
    ids.map(|id| reference(type_name, id)).collect()
}

/// A property of a machine: `null` if it is not set.
fn machine_property(world: &World, machine: &Machine, name: &str) -> Option<Value> {
    let World { core, vms, .. } = world;
    let home = vms.with_files(&machine.id).map(|(_, home)| home);
    let runtime = || runtime(core, vms, machine, home);
    let value = match name {
        "runtime" => Some(runtime()),
        "summary" => Some(summary(vms, machine, home, &runtime())),
        "guestHeartbeatStatus" => Some(json!(heartbeat(machine))),
        "overallStatus" => Some(json!(if home.is_some() { "green" } else { "gray" })),
        "datastore" => Some(json!([reference("Datastore", &machine.place.datastore)])),
        "network" => home.map(|home| networks(vms, machine, home)),
        "resourcePool" => machine.pool.as_ref().map(|pool| reference("ResourcePool", pool)),
        "config" => home.map(|home| config(core, vms, machine, home)),
        "layoutEx" => home.map(|home| layout(core, vms, machine, home)),
        "guest" => home
            .filter(|_| !vms.spec.omits_idle_guest || machine.on)
            .map(|home| guest(vms, machine, home)),
        "parentVApp" | "resourceConfig" | "snapshot" | "rootSnapshot" => None,
        _ => return None,
    };
    Some(value.unwrap_or(Value::Null))
}

/// The networks of a machine's cards, as far as its vCenter has them.
fn networks(vms: &Vms, machine: &Machine, home: &Home) -> Value {
    let cards = home.config.cards();
    let behind = cards.filter_map(|(_, card)| vms.network_behind(&machine.vcenter, card));
    behind
        .map(|network| reference(network.type_name(), &network.id))
        .collect()
}

fn heartbeat(machine: &Machine) -> &'static str {
    match machine.guest {
        Guest::HasAddress | Guest::Runs => "green",
        Guest::ShutsDown => "yellow",
        Guest::NotRunning | Guest::Boots => "gray",
    }
}

fn runtime(core: &Core, vms: &Vms, machine: &Machine, home: Option<&Home>) -> Value {
    let unreadable = if vms.spec.unreadable_is_invalid {
        "invalid"
    } else {
        "inaccessible"
    };
    let is_locked = home.is_some_and(|home| home.troubles.contains(&MachineTrouble::Locked));
    let mut runtime = json!({
        "_typeName": "VirtualMachineRuntimeInfo",
        "host": reference("HostSystem", &machine.host),
        "connectionState": if home.is_some() { "connected" } else { unreadable },
        "powerState": if machine.on { "poweredOn" } else { "poweredOff" },
        "faultToleranceState": "notConfigured",
        "toolsInstallerMounted": false,
        "numMksConnections": 0,
        "recordReplayState": "inactive",
        "onlineStandby": false,
        "consolidationNeeded": false,
        "paused": false,
        "cryptoState": if is_locked { "locked" } else { "unencrypted" },
    });
    if let Some(booted_ms) = machine.booted_ms.filter(|_| machine.on) {
        runtime["bootTime"] = json!(date_time(core, &machine.vcenter, booted_ms));
    }
    if let Some(clean) = machine.clean_power_off {
        runtime["cleanPowerOff"] = json!(clean);
    }
    if let Some(question) = &machine.question {
        runtime["question"] = question.shown.clone();
    }
    if let Some(home) = home {
        runtime["maxCpuUsage"] = json!(home.config.cpus * 2_600);
        runtime["maxMemoryUsage"] = json!(home.config.memory_mb);
    }
    runtime
}

/// The address that a guest has on a card.
fn address(home: &Home, key: i64) -> String {
    let sum = home
        .config
        .uuid
        .bytes()
        .fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 65_521);
    format!(
        "198.18.{}.{}",
        sum % 250 + 1,
        (sum / 250 + u32::try_from(key % 250).unwrap_or(0)) % 250 + 2
    )
}

fn first_address(machine: &Machine, home: &Home) -> Option<String> {
    let mut cards = home.config.cards();
    let connected = cards.find(|(_, card)| card["connectable"]["connected"] == true);
    let (key, _) = connected.filter(|_| machine.guest == Guest::HasAddress)?;
    Some(address(home, *key))
}

fn tools(machine: &Machine) -> (&'static str, &'static str) {
    match machine.guest {
        Guest::Runs | Guest::HasAddress | Guest::ShutsDown => ("guestToolsRunning", "toolsOk"),
        Guest::NotRunning | Guest::Boots => ("guestToolsNotRunning", "toolsNotRunning"),
    }
}

fn guest(vms: &Vms, machine: &Machine, home: &Home) -> Value {
    let (running, status) = tools(machine);
    let state = match machine.guest {
        Guest::Runs | Guest::HasAddress => "running",
        Guest::ShutsDown => "shuttingDown",
        Guest::NotRunning | Guest::Boots => "notRunning",
    };
    let mut guest = json!({
        "_typeName": "GuestInfo",
        "toolsStatus": status,
        "toolsVersionStatus2": "guestToolsCurrent",
        "toolsRunningStatus": running,
        "guestState": state,
        "guestOperationsReady": matches!(machine.guest, Guest::Runs | Guest::HasAddress),
        "guestStateChangeSupported": matches!(machine.guest, Guest::Runs | Guest::HasAddress),
    });
    if !machine.guest.has_tools() {
        return guest;
    }
    guest["guestId"] = json!(home.config.guest_id);
    guest["hostName"] = json!(format!("{}.sim.invalid", home.config.name));
    if let Some(address) = first_address(machine, home) {
        guest["ipAddress"] = json!(address);
    }
    let cards = home.config.cards().map(|(key, card)| {
        let connected = card["connectable"]["connected"] == true;
        let mut nic = json!({
            "_typeName": "GuestNicInfo",
            "macAddress": card["macAddress"],
            "connected": connected,
            "deviceConfigId": key,
        });
        if let Some(network) = vms.network_behind(&machine.vcenter, card) {
            nic["network"] = json!(network.name);
        }
        if connected && machine.guest == Guest::HasAddress {
            nic["ipAddress"] = json!([address(home, *key)]);
        }
        nic
    });
    guest["net"] = cards.collect();
    guest
}

fn summary(vms: &Vms, machine: &Machine, home: Option<&Home>, runtime: &Value) -> Value {
    let datastore = vms.datastores.get(&machine.place.datastore);
    let datastore = datastore.map_or("", |datastore| &datastore.name);
    let path = format!("[{datastore}] {}/{}", machine.place.directory, machine.file);
    let mut config = json!({
        "_typeName": "VirtualMachineConfigSummary",
        "name": machine.name,
        "template": home.is_some_and(|home| home.config.template),
        "vmPathName": path,
    });
    let mut summary = json!({
        "_typeName": "VirtualMachineSummary",
        "vm": reference("VirtualMachine", &machine.id),
        "runtime": runtime,
        "quickStats": {
            "_typeName": "VirtualMachineQuickStats",
            "guestHeartbeatStatus": heartbeat(machine),
        },
        "overallStatus": if home.is_some() { "green" } else { "gray" },
    });
    if let Some(home) = home {
        let count = |wanted: &str| {
            let types = home.config.devices.values().map(|device| &device["_typeName"]);
            types.filter(|type_name| *type_name == wanted).count()
        };
        config["memorySizeMB"] = json!(home.config.memory_mb);
        config["numCpu"] = json!(home.config.cpus);
        config["numEthernetCards"] = json!(home.config.cards().count());
        config["numVirtualDisks"] = json!(count("VirtualDisk"));
        config["uuid"] = json!(home.config.uuid);
        config["instanceUuid"] = json!(home.config.instance_uuid);
        config["guestId"] = json!(home.config.guest_id);
        config["annotation"] = json!(home.config.annotation);
        let (running, status) = tools(machine);
        let mut guest = json!({
            "_typeName": "VirtualMachineGuestSummary",
            "guestId": home.config.guest_id,
            "toolsStatus": status,
            "toolsRunningStatus": running,
        });
        if let Some(address) = first_address(machine, home) {
            guest["ipAddress"] = json!(address);
        }
        summary["guest"] = guest;
    }
    summary["config"] = config;
    summary
}

/// What tells one configuration from the next.
pub(super) fn change_version(core: &Core, home: &Home) -> String {
    let version = i64::try_from(home.config.version).unwrap_or(i64::MAX);
    date_time(core, &home.vcenter, version)
}

fn config(core: &Core, vms: &Vms, machine: &Machine, home: &Home) -> Value {
    let path = vms.path(&machine.place);
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let Config {
        uuid,
        instance_uuid,
        guest_id,
        annotation,
        cpus,
        memory_mb,
        template,
        devices,
        extra,
        ..
    } = &home.config;
    let options = extra
        .iter()
        .map(|(key, value)| json!({"_typeName": "OptionValue", "key": key, "value": value}));
    let mut config = json!({
        "_typeName": "VirtualMachineConfigInfo",
        "changeVersion": change_version(core, home),
        "modified": "1970-01-01T00:00:00Z",
        "name": machine.name,
        "guestFullName": "Other Linux (64-bit)",
        "version": "vmx-21",
        "uuid": uuid,
        "instanceUuid": instance_uuid,
        "template": template,
        "guestId": guest_id,
        "alternateGuestName": "",
        "annotation": annotation,
        "files": {
            "_typeName": "VirtualMachineFileInfo",
            "vmPathName": path,
            "snapshotDirectory": format!("{directory}/"),
            "suspendDirectory": format!("{directory}/"),
            "logDirectory": format!("{directory}/"),
        },
        "flags": {"_typeName": "VirtualMachineFlagInfo", "enableLogging": true},
        "defaultPowerOps": {"_typeName": "VirtualMachineDefaultPowerOpInfo", "powerOffType": "soft"},
        "hardware": {
            "_typeName": "VirtualHardware",
            "numCPU": cpus,
            "memoryMB": memory_mb,
            "device": devices.values().map(|device| shown(vms, device)).collect::<Vec<_>>(),
        },
        "extraConfig": options.collect::<Vec<_>>(),
        "firmware": "efi",
    });
    if let Some(datastore) = vms.datastores.get(&machine.place.datastore) {
        config["datastoreUrl"] = json!([{
            "_typeName": "VirtualMachineConfigInfoDatastoreUrlPair",
            "name": datastore.name,
            "url": datastore.url().trim_start_matches("ds://"),
        }]);
    }
    if let Some(volume) = told(vms, home.config.volume.as_deref()) {
        config["vmStorageObjectId"] = json!(volume);
    }
    for (name, allocation) in &home.config.allocations {
        config[name] = allocation.clone();
    }
    config
}

/// A volume, where machines tell theirs.
fn told<'a>(vms: &Vms, volume: Option<&'a str>) -> Option<&'a str> {
    volume.filter(|_| !vms.spec.hides_volumes)
}

/// A device as its machine shows it.
pub(super) fn shown(vms: &Vms, device: &Value) -> Value {
    let mut device = device.clone();
    let backing = device.get_mut("backing").and_then(Value::as_object_mut);
    if let Some(backing) = backing.filter(|_| vms.spec.hides_volumes) {
        backing.remove("backingObjectId");
    }
    device
}

/// The files with the volumes behind them, where these are told.
fn layout(core: &Core, vms: &Vms, machine: &Machine, home: &Home) -> Value {
    let path = vms.path(&machine.place);
    let mut files = vec![file(
        0,
        &path,
        "config",
        told(vms, home.config.volume.as_deref()),
        true,
    )];
    let disks = home
        .config
        .devices
        .values()
        .filter(|device| device["_typeName"] == "VirtualDisk");
    for (number, disk) in (1..).zip(disks) {
        let name = disk["backing"]["fileName"].as_str().unwrap_or_default();
        let volume = super::file::disk_volume(disk);
        let there = volume.is_none_or(|volume| vms.reaches(home, volume));
        files.push(file(number, name, "diskDescriptor", told(vms, volume), there));
    }
    let stem = path.strip_suffix(".vmx").unwrap_or(&path);
    for (number, volume) in (100..).zip(&home.config.snapshots) {
        let name = format!("{stem}-Snapshot{}.vmsn", number - 99);
        let there = vms.reaches(home, volume);
        files.push(file(
            number,
            &name,
            "snapshotData",
            told(vms, Some(volume)),
            there,
        ));
    }
    json!({
        "_typeName": "VirtualMachineFileLayoutEx",
        "file": files,
        "timestamp": date_time(core, &machine.vcenter, core.now_ms()),
    })
}

fn file(key: i64, name: &str, type_name: &str, volume: Option<&str>, accessible: bool) -> Value {
    let mut file = Map::new();
    file.insert(
        "_typeName".to_owned(),
        json!("VirtualMachineFileLayoutExFileInfo"),
    );
    file.insert("key".to_owned(), json!(key));
    file.insert("name".to_owned(), json!(name));
    file.insert("type".to_owned(), json!(type_name));
    file.insert("size".to_owned(), json!(4096));
    if let Some(volume) = volume {
        file.insert("backingObjectId".to_owned(), json!(volume));
    }
    file.insert("accessible".to_owned(), json!(accessible));
    Value::Object(file)
}

fn datastore_object(world: &World, datastore: &Datastore) -> Value {
    let array = datastore.id.replace("datastore-", "array-");
    let full = world.core.is_full(&datastore.vcenter);
    let free = if full { 0 } else { FREE_BYTES };
    let machines = world
        .vms
        .machines
        .values()
        .filter(|machine| machine.place.datastore == datastore.id);
    let hosts = world
        .hosts
        .hosts()
        .filter(|host| host.vcenter == datastore.vcenter);
    let mounts = hosts.map(|host| {
        json!({
            "_typeName": "DatastoreHostMount",
            "key": reference("HostSystem", &host.id),
            "mountInfo": {
                "_typeName": "HostMountInfo",
                "path": datastore.url().trim_start_matches("ds://").trim_end_matches('/'),
                "accessMode": "readWrite",
                "mounted": datastore.accessible,
                "accessible": datastore.accessible,
            },
        })
    });
    json!({
        "overallStatus": if datastore.accessible { "green" } else { "red" },
        "summary": datastore.summary(free),
        "info": datastore.info(&array, free),
        "host": mounts.collect::<Vec<_>>(),
        "vm": references("VirtualMachine", machines.map(|machine| &machine.id)),
    })
}

fn network_object(world: &World, network: &Network) -> Value {
    let vms = &world.vms;
    let on_it = vms.machines.values().filter(|machine| {
        let home = vms.homes.get(&machine.place);
        machine.vcenter == network.vcenter
            && home.is_some_and(|home| {
                let mut cards = home.config.cards();
                cards.any(|(_, card)| network.is_behind(&card["backing"]))
            })
    });
    let mut object = json!({
        "summary": network.summary(),
        "vm": references("VirtualMachine", on_it.map(|machine| &machine.id)),
    });
    if let NetworkKind::Distributed { switch, .. } = &network.kind {
        object["key"] = json!(network.id);
        object["config"] = json!({
            "_typeName": "DVPortgroupConfigInfo",
            "key": network.id,
            "name": network.name,
            "numPorts": 8,
            "distributedVirtualSwitch": reference("VmwareDistributedVirtualSwitch", switch),
            "type": "earlyBinding",
            "policy": policy(),
        });
    }
    object
}

fn policy() -> Value {
    json!({
        "_typeName": "VMwareDVSPortgroupPolicy",
        "blockOverrideAllowed": true,
        "shapingOverrideAllowed": false,
        "vendorConfigOverrideAllowed": false,
        "livePortMovingAllowed": false,
        "portConfigResetAtDisconnect": true,
        "vlanOverrideAllowed": false,
        "uplinkTeamingOverrideAllowed": false,
        "securityPolicyOverrideAllowed": false,
    })
}

/// Connects a card or disconnects it; `there`: its network is.
pub(super) fn set_connected(card: &mut Value, connected: bool, there: bool) {
    if card["connectable"].is_null() {
        card["connectable"] = json!({
            "_typeName": "VirtualDeviceConnectInfo",
            "startConnected": true,
            "allowGuestControl": true,
        });
    }
    card["connectable"]["connected"] = json!(connected);
    let status = if !there {
        "unrecoverableError"
    } else if connected {
        "ok"
    } else {
        "untried"
    };
    card["connectable"]["status"] = json!(status);
}

/// Cards of a machine that is off are not connected.
pub(super) fn disconnect_cards(home: &mut Home) {
    let devices = home.config.devices.values_mut();
    for card in devices.filter(|device| super::file::is_card(device)) {
        set_connected(card, false, true);
    }
}

/// Says in words what a card is connected to.
pub(super) fn describe_card(card: &mut Value) {
    let backing = &card["backing"];
    let summary = [&backing["deviceName"], &backing["opaqueNetworkId"]]
        .into_iter()
        .find_map(Value::as_str)
        .map(str::to_owned)
        .or_else(|| {
            backing["port"]["switchUuid"]
                .as_str()
                .map(|uuid| format!("DVSwitch: {uuid}"))
        });
    if card["deviceInfo"].is_object() {
        card["deviceInfo"]["summary"] = json!(summary.unwrap_or_default());
    }
}
