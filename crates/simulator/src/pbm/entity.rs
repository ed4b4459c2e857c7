//! Entities: virtual machines, their homes and their disks, as the calls of PBM name them.

use serde_json::{Value, json};

use super::profile::{KINDS, Kind};
use super::spec::PartSpec;
use crate::vi_json::fault::Fault;
use crate::vm::Assigned;
use crate::world::World;

/// A part of a virtual machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    vm: String,
    /// The key of the disk; the home if `None`.
    disk: Option<i32>,
    /// The group that replicates it from this vCenter, as the answer holds it.
    pub(super) group: Option<Value>,
    pub(super) profile: Option<Kind>,
}

impl Part {
    /// `PbmServerObjectRef`; `server` is the uuid that the question named.
    pub(super) fn to_json(&self, server: Option<&Value>) -> Value {
        let mut object = match self.disk {
            None => {
                json!({"_typeName": "PbmServerObjectRef", "objectType": "virtualMachine", "key": self.vm})
            }
            Some(key) => json!({
                "_typeName": "PbmServerObjectRef",
                "objectType": "virtualDiskId",
                "key": format!("{}:{key}", self.vm),
            }),
        };
        if let Some(server) = server {
            object["serverUuid"] = server.clone();
        }
        object
    }

    /// Whether its kind of entity is meant.
    pub(super) fn is_a(&self, object_type: &str) -> bool {
        match object_type {
            "virtualMachine" => self.disk.is_none(),
            "virtualDiskId" => self.disk.is_some(),
            "virtualMachineAndDisks" => true,
            _ => false,
        }
    }
}

/// All parts of all machines that a vCenter has policies for.
pub(super) fn all(world: &World, vcenter: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = world
        .sms
        .replicated_parts(vcenter)
        .map(|part| Part {
            vm: part.vm.to_owned(),
            disk: part.disk,
            group: part.group,
            profile: Some(Kind::Replicated),
        })
        .collect();
    let told = world.pbm.spec.machines.iter();
    for machine in told.filter(|machine| machine.vcenter == vcenter) {
        let part = |disk: Option<i32>, told: &PartSpec| Part {
            vm: machine.vm.clone(),
            disk,
            group: told
                .group
                .as_deref()
                .and_then(|name| world.sms.replicated_from(vcenter, name)),
            profile: match (&told.group, told.plain) {
                (Some(_), _) => Some(Kind::Replicated),
                (None, true) => Some(Kind::Plain),
                (None, false) => None,
            },
        };
        parts.push(part(None, &machine.home));
        parts.extend(machine.disks.iter().map(|(key, told)| part(Some(*key), told)));
    }
    for assigned in world.vms.assigned(vcenter) {
        let part = assigned_part(world, vcenter, &assigned);
        parts.retain(|known| (&known.vm, known.disk) != (&part.vm, part.disk));
        parts.push(part);
    }
    if world.pbm.spec.tells_unassigned {
        let groups = world.sms.by_volume(vcenter);
        for (vm, disk, volume) in world.vms.volumes_of_parts(vcenter) {
            let known = parts
                .iter()
                .any(|part| (part.vm.as_str(), part.disk) == (vm, disk));
            if let Some(group) = groups.get(volume).filter(|_| !known) {
                parts.push(Part {
                    vm: vm.to_owned(),
                    disk,
                    group: group.clone(),
                    profile: None,
                });
            }
        }
    }
    parts
}

/// What a reconfiguration has said of a part: a group counts while it replicates from here.
fn assigned_part(world: &World, vcenter: &str, assigned: &Assigned<'_>) -> Part {
    let profile = assigned.profile["profileId"].as_str();
    let ids = world.pbm.profiles(vcenter);
    let index = profile.and_then(|profile| ids.iter().position(|id| id == profile));
    let group = &assigned.profile["replicationSpec"]["replicationGroupId"];
    Part {
        vm: assigned.machine.to_owned(),
        disk: assigned.disk,
        group: world.sms.is_source(vcenter, group).then(|| group.clone()),
        profile: index.and_then(|index| KINDS.get(index).copied()),
    }
}

/// The parts that a `PbmServerObjectRef` stands for: a home, a disk, or a home and all its disks.
pub(super) fn named<'a>(parts: &'a [Part], object: &Value) -> Result<Vec<&'a Part>, Fault> {
    let kind = object["objectType"].as_str().unwrap_or_default();
    let key = object["key"].as_str().unwrap_or_default();
    let (vm, disk) = match key.split_once(':') {
        Some((vm, disk)) => (vm, disk.parse::<i32>().ok()),
        None => (key, None),
    };
    let fits = |part: &&Part| {
        part.vm == vm
            && part.is_a(kind)
            && match kind {
                "virtualDiskId" => disk.is_some() && part.disk == disk,
                _ => disk.is_none(),
            }
    };
    let found: Vec<&Part> = parts.iter().filter(fits).collect();
    if found.is_empty() {
        return Err(Fault::new("PbmFaultNotFound", "There is no such entity."));
    }
    Ok(found)
}
