//! Which virtual machine, and which part of it, a replicated device belongs to.

use std::collections::BTreeMap;

use farside_models_vim::{VirtualDevice, VirtualDisk};
use farside_transport::CallError;
use farside_vim::ObjectProperties;
use farside_wire::{ManagedObjectReference, Object};

use crate::client::VasaClient;
use crate::device::{Device, GroupDevice, VvolId};
use crate::group::Group;
use crate::policy::VmPart;

/// The virtual volumes of a virtual machine.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VmVolumes {
    /// The virtual machine.
    pub vm: ManagedObjectReference,
    /// `config.instanceUuid`, by which replicators on the hosts know it.
    pub instance_uuid: Option<String>,
    /// The volume of each part.
    pub parts: BTreeMap<VmPart, VvolId>,
    /// The volumes of its other files: snapshots, memory.
    pub others: Vec<VvolId>,
}

/// The property that names the volume of the home, if the server knows it.
const HOME: &str = "config.vmStorageObjectId";

/// The property that lists the files of a machine. Each may name the volume that it is on.
const FILES: &str = "layoutEx";

impl VmVolumes {
    /// The properties of a virtual machine that tell.
    pub const PATHS: [&'static str; 5] = [
        "config.instanceUuid",
        HOME,
        "config.files.vmPathName",
        "config.hardware.device",
        FILES,
    ];

    /// What the properties of a virtual machine tell. The home is the storage object that its configuration names, or else the
    /// directory of its configuration file, where that is the id of a volume; each disk names its volume (vVol recovery rules
    /// 2.2.6, inferred). What cannot be read is left out; see [`VmVolumes::is_told`].
    #[must_use]
    pub fn of(properties: &ObjectProperties) -> Self {
        let text = |path: &str| properties.get::<String>(path).ok().flatten();
        let mut parts = BTreeMap::new();
        let by_directory = || text("config.files.vmPathName").as_deref().and_then(home);
        if let Some(home) = text(HOME).map(VvolId::new).or_else(by_directory) {
            parts.insert(VmPart::Home, home);
        }
        let devices = properties.get::<Vec<Object<VirtualDevice>>>("config.hardware.device");
        for device in devices.ok().flatten().unwrap_or_default() {
            let Some(Ok(disk)) = device.downcast::<VirtualDisk>() else {
                continue;
            };
            let backing = disk.backing.as_ref().map(Object::raw_json);
            let volume =
                backing.and_then(|backing| backing.member("backingObjectId")?.decode::<String>().ok());
            if let Some(volume) = volume {
                parts.insert(VmPart::Disk(disk.key), VvolId::new(volume));
            }
        }
        let named = files(properties);
        let others = named.filter(|volume| parts.values().all(|known| known != volume));
        Self {
            vm: properties.object().clone(),
            instance_uuid: text("config.instanceUuid"),
            others: others.collect(),
            parts,
        }
    }

    /// Whether vCenter told anything of the machine. Of one whose files nobody can reach it need not, and then it is not known
    /// that a device is *not* the machine's: so with the stale machine at the source of a group that was failed over.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.instance_uuid.is_some() || !self.parts.is_empty() || !self.others.is_empty()
    }

    /// The part that a device is; `None` if it is none of this machine's. A volume of another file counts for the home.
    #[must_use]
    pub fn part_of(&self, device: &Device) -> Option<VmPart> {
        let is_own = |uuid: &str| {
            self.instance_uuid
                .as_deref()
                .is_some_and(|own| own.eq_ignore_ascii_case(uuid))
        };
        match device {
            Device::Volume(volume) => {
                let mut parts = self.parts.iter();
                let part = parts.find(|(_, known)| *known == volume).map(|(part, _)| *part);
                part.or_else(|| self.others.contains(volume).then_some(VmPart::Home))
            }
            Device::Disk {
                vm_instance_uuid,
                key,
            } => is_own(vm_instance_uuid).then_some(VmPart::Disk(*key)),
            Device::Vm(uuid) => is_own(uuid).then_some(VmPart::Home),
            Device::VmOf { vm, .. } => (*vm == self.vm.value).then_some(VmPart::Home),
            Device::DiskOf { vm, key, .. } if *vm == self.vm.value => key.parse().ok().map(VmPart::Disk),
            Device::DiskOf { .. } | Device::DiskId(_) | Device::File { .. } | Device::Other(_) => None,
        }
    }
}

/// The volume that the configuration file is on: `[datastore] rfc4122.…/name.vmx`. A directory that people have named is none.
fn home(path: &str) -> Option<VvolId> {
    let (_, rest) = path.split_once("] ")?;
    let (directory, _) = rest.split_once('/')?;
    let volume = VvolId::new(directory);
    volume.looks_like_one().then_some(volume)
}

fn files(properties: &ObjectProperties) -> impl Iterator<Item = VvolId> {
    let layout = properties.any(FILES).map(|layout| layout.raw().to_owned());
    let layout = layout.and_then(|text| farside_wire::RawJson::parse(&text).ok());
    let files = layout.and_then(|layout| layout.member("file")?.decode::<Vec<farside_wire::Any>>().ok());
    files.unwrap_or_default().into_iter().filter_map(|file| {
        let file = farside_wire::RawJson::parse(file.raw()).ok()?;
        file.member("backingObjectId")?
            .decode::<String>()
            .ok()
            .map(VvolId::new)
    })
}

/// Which virtual machine, and which part of it, each device of a group is; `None` where none of `vms` has it: no machine with it is
/// registered at this side, or vCenter told nothing of the one that is ([`VmVolumes::is_told`]). At the source the devices
/// themselves are looked for, at the target what was recovered of them, which is nothing while the group only replicates.
#[must_use]
pub fn owners<'a>(
    group: &'a Group,
    vms: &'a [VmVolumes],
) -> Vec<(&'a GroupDevice, Option<(&'a ManagedObjectReference, VmPart)>)> {
    let owner = |device: &Device| {
        vms.iter()
            .find_map(|vm| vm.part_of(device).map(|part| (&vm.vm, part)))
    };
    let found = group.devices.iter().map(|device| {
        let here = if group.is_source() {
            Some(&device.source)
        } else {
            device.recovered.as_ref()
        };
        (device, here.and_then(owner))
    });
    found.collect()
}

impl VasaClient {
    /// The virtual volumes of virtual machines of this vCenter, as far as the collector can read them.
    ///
    /// # Errors
    /// [`CallError`]; a `ManagedObjectNotFound` fault when one of the machines does not exist.
    pub async fn volumes_of_vms(&self, vms: &[ManagedObjectReference]) -> Result<Vec<VmVolumes>, CallError> {
        let found = self
            .vim()
            .properties(vms, "VirtualMachine", &VmVolumes::PATHS)
            .await?;
        Ok(found.iter().map(VmVolumes::of).collect())
    }
}

#[cfg(test)]
mod tests;
