//! The calls of this part of vCenter: which they are, and who handles them.

use serde_json::{Value, json};

use super::task::{self, Taken};
use super::{Job, Work, body, file_call, power, question, reconfigure, together};
use crate::dpu;
use crate::exchange::{Answer, Request};
use crate::inventory::Inventory;
use crate::service::Incoming;
use crate::vi_json::fault::Fault;
use crate::vi_json::object::Object;
use crate::vi_json::request::Path;
use crate::vi_json::value::{answer, reference};
use crate::world::World;

/// Operation ids of what changes something, with the privilege that each needs.
pub(crate) static ACTIONS: &[(&str, &str)] = &[
    ("ManagedEntity_Rename_Task", "VirtualMachine.Config.Rename"),
    ("Folder_CreateFolder", "Folder.Create"),
    ("Folder_RegisterVM_Task", "VirtualMachine.Inventory.Register"),
    ("Datacenter_PowerOnMultiVM_Task", "System.View"),
    (
        "ClusterComputeResource_ApplyRecommendation",
        "Resource.ApplyRecommendation",
    ),
    ("VirtualMachine_PowerOnVM_Task", "VirtualMachine.Interact.PowerOn"),
    (
        "VirtualMachine_PowerOffVM_Task",
        "VirtualMachine.Interact.PowerOff",
    ),
    ("VirtualMachine_ShutdownGuest", "VirtualMachine.Interact.PowerOff"),
    (
        "VirtualMachine_UnregisterVM",
        "VirtualMachine.Inventory.Unregister",
    ),
    ("VirtualMachine_ReconfigVM_Task", "VirtualMachine.Config.Settings"),
    (
        "VirtualMachine_AnswerVM",
        "VirtualMachine.Interact.AnswerQuestion",
    ),
    ("VirtualMachine_Destroy_Task", "VirtualMachine.Inventory.Delete"),
    ("VirtualMachine_RefreshStorageInfo", "System.Read"),
    (
        "Datastore_UpdateVVolVirtualMachineFiles_Task",
        "Datastore.UpdateVirtualMachineFiles",
    ),
    ("DistributedVirtualSwitch_ReconfigureDvs_Task", "DVSwitch.Modify"),
];

/// The operations that are routed.
pub(crate) fn routed() -> impl Iterator<Item = &'static str> {
    ACTIONS.iter().map(|(operation, _)| *operation)
}

/// The operation that a path calls. A method that another type inherits is the one of the type that has it.
pub(crate) fn operation(path: &Path, request: &Request) -> Option<(&'static str, &'static str)> {
    if request.method != http::Method::POST {
        return None;
    }
    let owner = match (path.type_name.as_str(), path.member.as_str()) {
        (_, "Rename_Task") => "ManagedEntity",
        ("VmwareDistributedVirtualSwitch", _) => "DistributedVirtualSwitch",
        (own, _) => own,
    };
    let id = format!("{owner}_{}", path.member);
    ACTIONS.iter().copied().find(|(known, _)| *known == id)
}

/// The objects of a call, for the log.
pub(crate) fn objects(operation: &str, path: &Path, request: &Request) -> Vec<String> {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
    match operation {
        "Datacenter_PowerOnMultiVM_Task" => {
            let machines = body["vm"].as_array().map_or(&[][..], Vec::as_slice);
            let ids = machines.iter().filter_map(|machine| machine["value"].as_str());
            ids.map(|id| format!("VirtualMachine/{id}")).collect()
        }
        "Folder_RegisterVM_Task" => vec![format!("file/{}", body["path"].as_str().unwrap_or("-"))],
        "ManagedEntity_Rename_Task" => vec![format!("ManagedEntity/{}", path.mo_id)],
        _ => vec![format!("{}/{}", path.type_name, path.mo_id)],
    }
}

/// Handles a call whose session is settled.
pub(crate) fn handle(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    if incoming.operation == "DistributedVirtualSwitch_ReconfigureDvs_Task" {
        return dpu::reconfigure(world, incoming, path);
    }
    let body = body::read(incoming.operation, incoming.request)?;
    let reply = match incoming.operation {
        "ManagedEntity_Rename_Task" => rename(world, incoming, path, &body),
        "Folder_CreateFolder" => create_folder(world, incoming, path, &body),
        "Folder_RegisterVM_Task" => file_call::register(world, incoming, path, &body),
        "Datacenter_PowerOnMultiVM_Task" => together::begin(world, incoming, path, &body),
        "ClusterComputeResource_ApplyRecommendation" => together::apply(world, incoming, path, &body),
        "VirtualMachine_RefreshStorageInfo" => refresh(world, incoming, path),
        "VirtualMachine_PowerOnVM_Task" => power::power_on(world, incoming, path, &body),
        "VirtualMachine_PowerOffVM_Task" => power::power_off(world, incoming, path),
        "VirtualMachine_ShutdownGuest" => power::shut_down(world, incoming, path),
        "VirtualMachine_UnregisterVM" => file_call::unregister(world, incoming, path),
        "VirtualMachine_ReconfigVM_Task" => reconfigure::begin(world, incoming, path, &body),
        "VirtualMachine_AnswerVM" => question::answer(world, incoming, path, &body),
        "VirtualMachine_Destroy_Task" => file_call::destroy(world, incoming, path),
        "Datastore_UpdateVVolVirtualMachineFiles_Task" => file_call::rewrite(world, incoming, path, &body),
        _ => Err(Fault::not_simulated(&format!(
            "{}/{}",
            path.type_name, path.member
        ))),
    };
    let in_task = world.vms.spec.refuses_in_task && incoming.operation.ends_with("_Task");
    match reply {
        Err(fault) if in_task && is_about_state(&fault) => Ok(task::refuse(world, incoming, path, fault)),
        reply => reply,
    }
}

/// Whether a fault is about the state of things, and not about the call.
fn is_about_state(fault: &Fault) -> bool {
    let of_the_call = [
        "InvalidArgument",
        "InvalidRequest",
        "ManagedObjectNotFound",
        "NotImplemented",
        "NotSupported",
    ];
    !of_the_call.contains(&fault.type_name())
}

/// `RefreshStorageInfo`: what is known of files here is never old.
fn refresh(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    power::machine(world, incoming.endpoint, &path.mo_id)?;
    world.core.calls.effect(incoming.ticket, world.core.now_ms);
    Ok(Answer::empty(204))
}

/// `Rename_Task`, of anything in the inventory.
fn rename(world: &mut World, incoming: &Incoming<'_>, path: &Path, body: &Value) -> Result<Answer, Fault> {
    let name = body["newName"].as_str().unwrap_or_default().to_owned();
    let object = Object::named(world, incoming.endpoint, &path.type_name, &path.mo_id)?;
    let entity = world.inventory.entity(incoming.endpoint, &path.mo_id);
    let parent = entity.map(|entity| entity.ids("parent")).unwrap_or_default();
    if let Some(machine) = world.vms.machines.get(&path.mo_id) {
        power::idle(machine.busy.as_ref())?;
    }
    if world.inventory.name(incoming.endpoint, &path.mo_id) != name {
        let folder = parent.first().map_or("", String::as_str);
        check_new_name(&world.inventory, incoming.endpoint, folder, &name)?;
    }
    let taken = Taken {
        method: "Rename",
        type_name: object.type_name,
        about: path.mo_id.clone(),
        alone: true,
        work: Work::Rename(name),
        range_ms: 100..600,
    };
    Ok(task::begin(world, incoming, taken))
}

/// The object has its other name; files keep theirs.
pub(super) fn renamed(world: &mut World, job: &Job, name: &str) -> Result<Option<Value>, Fault> {
    let World { vms, inventory, .. } = world;
    inventory.set(&job.vcenter, &job.about, "name", json!(name));
    if let Some(datastore) = vms.datastores.get_mut(&job.about) {
        name.clone_into(&mut datastore.name);
    }
    if let Some(network) = vms.networks.get_mut(&job.about) {
        name.clone_into(&mut network.name);
    }
    if let Some(machine) = vms.machines.get_mut(&job.about) {
        name.clone_into(&mut machine.name);
        if let Some(home) = vms.homes.get_mut(&machine.place) {
            name.clone_into(&mut home.config.name);
            home.config.version += 1;
        }
    }
    Ok(None)
}

/// `CreateFolder`: it is there when the call answers, and holds what its parent does.
fn create_folder(
    world: &mut World,
    incoming: &Incoming<'_>,
    path: &Path,
    body: &Value,
) -> Result<Answer, Fault> {
    let vcenter = incoming.endpoint;
    let parent = Object::named(world, vcenter, "Folder", &path.mo_id)?;
    let types = parent.property(world, "childType").unwrap_or(Value::Null);
    let name = body["name"].as_str().unwrap_or_default();
    check_new_name(&world.inventory, vcenter, &path.mo_id, name)?;
    // The letter of the kind stays: a folder of machines is `group-v...`.
    let kind: String = path
        .mo_id
        .chars()
        .take_while(|letter| !letter.is_ascii_digit())
        .collect();
    let World { core, inventory, .. } = world;
    let id = inventory.new_id(vcenter, &kind);
    inventory.add(vcenter, &id, "Folder", Some(&path.mo_id), name);
    inventory.set(vcenter, &id, "childType", types);
    inventory.set(vcenter, &id, "childEntity", Value::Null);
    core.calls.effect(incoming.ticket, core.now_ms);
    Ok(answer(&reference("Folder", &id)))
}

/// Whether something that is new in a folder may have a name.
pub(crate) fn check_new_name(
    inventory: &Inventory,
    vcenter: &str,
    folder: &str,
    name: &str,
) -> Result<(), Fault> {
    valid_name(name)?;
    let mut children = inventory.children(vcenter, folder).into_iter();
    let taken = children.find(|child| inventory.name(vcenter, child) == name);
    match taken.and_then(|id| Some((inventory.entity(vcenter, &id)?.type_name, id))) {
        None => Ok(()),
        Some((type_name, id)) => Err(Fault::new("DuplicateName", "The name is taken.")
            .with("name", name)
            .with("object", reference(type_name, &id))),
    }
}

/// Whether something of the inventory may have a name: one to eighty characters, no slash as such.
fn valid_name(name: &str) -> Result<(), Fault> {
    if name.is_empty() || name.chars().count() > 80 || name.contains(['/', '\\']) {
        return Err(Fault::new("InvalidName", "The name is not valid.").with("name", name));
    }
    Ok(())
}

/// Refuses a folder that is not there or holds no machines.
pub(super) fn vm_folder(world: &World, vcenter: &str, folder: &str) -> Result<(), Fault> {
    let folder = Object::named(world, vcenter, "Folder", folder)?;
    let types = folder.property(world, "childType").unwrap_or(Value::Null);
    let mut types = types.as_array().into_iter().flatten();
    if types.any(|known| known == "VirtualMachine") {
        Ok(())
    } else {
        Err(Fault::new(
            "NotSupported",
            "The folder holds no virtual machines.",
        ))
    }
}

/// Refuses a host that is not there.
pub(super) fn known(world: &World, vcenter: &str, type_name: &str, id: Option<&str>) -> Result<(), Fault> {
    match id {
        None => Ok(()),
        Some(id) => Object::named(world, vcenter, type_name, id).map(|_| ()),
    }
}
