//! `ReconfigVM_Task`: what is set in the specification changes, all of it or nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::body::{self, Kind};
use super::file::{Config, Home};
use super::machine::Machine;
use super::spec::Ports;
use super::task::{self, Taken};
use super::{Job, Vms, Work, call, power, view};
use crate::core::Core;
use crate::exchange::Answer;
use crate::inventory::Inventory;
use crate::service::Incoming;
use crate::vi_json::fault::Fault;
use crate::vi_json::request::Path;
use crate::world::World;

/// How long it takes, in milliseconds.
const RECONFIGURE_MS: std::ops::Range<i64> = 300..1_500;

/// The configuration that a machine is to have.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Change {
    name: Option<String>,
    config: Config,
    /// Volumes of disks that are made, and of disks that are deleted with their files.
    made: Vec<String>,
    deleted: Vec<String>,
}

/// `ReconfigVM_Task`.
pub(super) fn begin(
    world: &mut World,
    incoming: &Incoming<'_>,
    path: &Path,
    body: &Value,
) -> Result<Answer, Fault> {
    let machine = power::machine(world, incoming.endpoint, &path.mo_id)?.clone();
    power::idle(machine.busy.as_ref())?;
    let World {
        core, vms, inventory, ..
    } = &mut *world;
    let Some((_, home)) = vms.with_files(&path.mo_id) else {
        return Err(Fault::new(
            "InvalidState",
            "The files of the machine are not accessible.",
        ));
    };
    let home = home.clone();
    let change = change(core, inventory, vms, &machine, &home, &body["spec"])?;
    let taken = Taken {
        method: "ReconfigVM",
        type_name: "VirtualMachine",
        about: path.mo_id.clone(),
        alone: true,
        work: Work::Reconfigure(Box::new(change)),
        range_ms: RECONFIGURE_MS,
    };
    Ok(task::begin(world, incoming, taken))
}

fn change(
    core: &mut Core,
    inventory: &Inventory,
    vms: &Vms,
    machine: &Machine,
    home: &Home,
    spec: &Value,
) -> Result<Change, Fault> {
    let given = |name: &str| spec.get(name).filter(|value| !value.is_null());
    let text = |name: &str| given(name).and_then(Value::as_str);
    if text("changeVersion").is_some_and(|version| version != view::change_version(core, home)) {
        return Err(Fault::new("ConcurrentAccess", "It was changed by somebody else."));
    }
    let name = text("name").map(str::to_owned);
    if let Some(name) = name.as_ref().filter(|name| **name != machine.name) {
        call::check_new_name(inventory, &machine.vcenter, &machine.folder, name)?;
    }
    let mut change = Change {
        name,
        config: home.config.clone(),
        made: Vec::new(),
        deleted: Vec::new(),
    };
    let config = &mut change.config;
    for (name, slot) in [
        ("name", &mut config.name),
        ("uuid", &mut config.uuid),
        ("instanceUuid", &mut config.instance_uuid),
        ("guestId", &mut config.guest_id),
        ("annotation", &mut config.annotation),
    ] {
        if let Some(value) = text(name) {
            value.clone_into(slot);
        }
    }
    for (name, slot) in [("numCPUs", &mut config.cpus), ("memoryMB", &mut config.memory_mb)] {
        let Some(value) = given(name).and_then(Value::as_i64).filter(|value| value != slot) else {
            continue;
        };
        if machine.on {
            return Err(power::wrong_power(machine, Some("poweredOff")));
        }
        if value <= 0 {
            return Err(Fault::invalid_argument(Some(name), "The number is too small."));
        }
        *slot = value;
    }
    for name in ["cpuAllocation", "memoryAllocation"] {
        if let Some(allocation) = given(name) {
            merge(
                config.allocations.entry(name.to_owned()).or_insert(json!({})),
                allocation,
            );
        }
    }
    for option in list(spec, "extraConfig") {
        let key = option["key"].as_str().unwrap_or_default().to_owned();
        match option.get("value").filter(|value| value["_value"] != "") {
            Some(value) => config.extra.insert(key, value.clone()),
            None => config.extra.remove(&key),
        };
    }
    if let Some(profile) = list(spec, "vmProfile").first() {
        config.profiles.insert("home".to_owned(), profile.clone());
    }
    for (index, wanted) in list(spec, "deviceChange").iter().enumerate() {
        device_change(core, vms, machine, &mut change, index, wanted)?;
    }
    change.config.version += 1;
    Ok(change)
}

/// What is set in one object is set in another.
fn merge(old: &mut Value, new: &Value) {
    if let (Some(old), Some(new)) = (old.as_object_mut(), new.as_object()) {
        old.extend(new.clone());
    }
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn invalid(type_name: &str, index: usize, what: &str) -> Fault {
    Fault::new(type_name, what)
        .with("property", format!("spec.deviceChange[{index}].device"))
        .with("deviceIndex", index)
}

fn device_change(
    core: &mut Core,
    vms: &Vms,
    machine: &Machine,
    change: &mut Change,
    index: usize,
    wanted: &Value,
) -> Result<(), Fault> {
    let device = &wanted["device"];
    let kind = body::device_kind(device)?;
    let key = device["key"].as_i64().unwrap_or_default();
    let operation = wanted["operation"].as_str().unwrap_or("edit");
    let devices = &mut change.config.devices;
    if operation == "add" {
        return add(core, vms, machine, change, index, wanted, kind);
    }
    let Some(old) = devices.get(&key) else {
        return Err(invalid(
            "InvalidDeviceSpec",
            index,
            "There is no device with this key.",
        ));
    };
    if old["_typeName"] != device["_typeName"] {
        return Err(invalid(
            "InvalidDeviceSpec",
            index,
            "The device is of another type.",
        ));
    }
    if operation == "remove" {
        if wanted["fileOperation"] == "destroy" {
            change
                .deleted
                .extend(super::file::disk_volume(old).map(str::to_owned));
        }
        devices.remove(&key);
        change.config.profiles.remove(&key.to_string());
        return Ok(());
    }
    if vms.spec.wants_whole_devices && !is_whole(&view::shown(vms, old), device) {
        return Err(invalid(
            "InvalidDeviceSpec",
            index,
            "The device is not given as a whole.",
        ));
    }
    let mut edited = device.clone();
    let old = old.clone();
    match kind {
        Kind::Card => settle_card(core, vms, machine, index, &mut edited, Some(&old))?,
        Kind::Disk if edited["backing"]["fileName"] != old["backing"]["fileName"] => {
            return Err(invalid(
                "InvalidDeviceBacking",
                index,
                "The file of a disk cannot be changed.",
            ));
        }
        Kind::Disk => {
            // What is not said of a disk stays.
            let mut whole = old;
            merge(&mut whole["backing"], &edited["backing"]);
            let backing = whole["backing"].clone();
            merge(&mut whole, &edited);
            whole["backing"] = backing;
            edited = whole;
        }
    }
    devices.insert(key, edited);
    keep_profile(&mut change.config, key, wanted);
    Ok(())
}

/// Whether a device has all the members that it was shown with.
fn is_whole(shown: &Value, device: &Value) -> bool {
    let mut members = shown.as_object().into_iter().flatten();
    members.all(|(name, _)| device.get(name).is_some_and(|member| !member.is_null()))
}

fn keep_profile(config: &mut Config, key: i64, wanted: &Value) {
    if let Some(profile) = list(wanted, "profile").first() {
        config.profiles.insert(key.to_string(), profile.clone());
    }
}

fn add(
    core: &mut Core,
    vms: &Vms,
    machine: &Machine,
    change: &mut Change,
    index: usize,
    wanted: &Value,
    kind: Kind,
) -> Result<(), Fault> {
    let mut device = wanted["device"].clone();
    let first = match kind {
        Kind::Card => 4000,
        Kind::Disk => 2000,
    };
    let taken = &change.config.devices;
    let Some(key) = (first..first + 1000).find(|key| !taken.contains_key(key)) else {
        return Err(invalid("InvalidDeviceSpec", index, "There is no key left."));
    };
    device["key"] = json!(key);
    match kind {
        Kind::Card => {
            if device["macAddress"].is_null() {
                let random = core.random("card", &machine.id).uuid();
                device["macAddress"] = json!(format!(
                    "00:50:56:{}:{}:{}",
                    &random[0..2],
                    &random[2..4],
                    &random[4..6]
                ));
                device["addressType"] = json!("assigned");
            }
            let label = format!("Network adapter {}", key - first + 1);
            device["deviceInfo"] = json!({"_typeName": "Description", "label": label, "summary": ""});
            settle_card(core, vms, machine, index, &mut device, None)?;
        }
        Kind::Disk => {
            if wanted["fileOperation"] != "create" {
                return Err(Fault::not_simulated("adding a disk that exists"));
            }
            let datastore = vms.datastores.get(&machine.place.datastore);
            let name = datastore.map_or("", |datastore| &datastore.name);
            let file = format!(
                "[{name}] {}/{}_{}.vmdk",
                machine.place.directory,
                change.config.name,
                key - first
            );
            device["backing"]["fileName"] = json!(file);
            if datastore.is_some_and(|datastore| datastore.container.is_some()) {
                let volume = format!("rfc4122.{}", core.random("volume", &machine.id).uuid());
                device["backing"]["backingObjectId"] = json!(volume);
                change.made.push(volume);
            }
        }
    }
    change.config.devices.insert(key, device);
    keep_profile(&mut change.config, key, wanted);
    Ok(())
}

/// The card as the server keeps it: on a network that is there, with a port of the server's choice, and connected only
/// while the machine runs.
fn settle_card(
    core: &mut Core,
    vms: &Vms,
    machine: &Machine,
    index: usize,
    card: &mut Value,
    old: Option<&Value>,
) -> Result<(), Fault> {
    let unchanged = old.is_some_and(|old| old["backing"] == card["backing"]);
    let network = vms.network_behind(&machine.vcenter, card);
    if network.is_none() && !unchanged {
        return Err(invalid(
            "InvalidDeviceBacking",
            index,
            "The network is not there.",
        ));
    }
    if let Some(network) = network.filter(|_| !unchanged) {
        let named = |member: &str| !card["backing"]["port"][member].is_null();
        if vms.spec.ports == Ports::AtOnceUnnamed && PORT.into_iter().any(named) {
            return Err(invalid(
                "InvalidDeviceBacking",
                index,
                "The port is the server's choice.",
            ));
        }
        card["backing"] = network.backing();
        if vms.spec.ports != Ports::AtStart || machine.on {
            choose_port(core, &machine.id, card);
        }
    }
    if card["deviceInfo"].is_null() {
        card["deviceInfo"] = old.map_or(Value::Null, |old| old["deviceInfo"].clone());
    }
    for name in ["macAddress", "addressType", "controllerKey", "unitNumber"] {
        if let Some(old) = old.filter(|_| card[name].is_null()) {
            card[name] = old[name].clone();
        }
    }
    if let Some(members) = card.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    view::describe_card(card);
    let wanted = card["connectable"]["connected"] == true;
    view::set_connected(card, machine.on && wanted && network.is_some(), network.is_some());
    Ok(())
}

/// What names a port.
const PORT: [&str; 2] = ["portKey", "connectionCookie"];

/// Gives a card a port of its distributed switch, if it is on one.
pub(super) fn choose_port(core: &mut Core, machine: &str, card: &mut Value) {
    if !card["backing"]["port"].is_null() {
        let mut random = core.random("port", machine);
        let [key, cookie] = PORT;
        card["backing"]["port"][key] = json!(random.between(8, 512).to_string());
        card["backing"]["port"][cookie] = json!(random.between(1, 2_000_000_000));
    }
}

/// The change happens.
pub(super) fn ends(world: &mut World, job: &Job, change: &Change) -> Result<Option<Value>, Fault> {
    let World {
        core, vms, inventory, ..
    } = world;
    let gone = || Fault::new("InvalidState", "The files of the machine are not accessible.");
    let place = vms.machines.get(&job.about).map(|machine| &machine.place);
    vms.has_room(core, place.ok_or_else(gone)?, ".vmx")?;
    let machine = vms.machines.get_mut(&job.about).ok_or_else(gone)?;
    let home = vms.homes.get_mut(&machine.place).ok_or_else(gone)?;
    if let Some(name) = &change.name {
        machine.name.clone_from(name);
        inventory.set(&machine.vcenter, &machine.id, "name", json!(name));
    }
    home.config = change.config.clone();
    for volume in &change.made {
        let key = (machine.vcenter.clone(), volume.clone());
        vms.volumes.insert(key, machine.place.datastore.clone());
    }
    for volume in &change.deleted {
        vms.volumes.remove(&(machine.vcenter.clone(), volume.clone()));
    }
    Ok(None)
}
