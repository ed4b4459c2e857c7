//! Which virtual machine, and which part of it, a replicated device belongs to.

use std::collections::BTreeMap;

use farside_models_vim::{VirtualDevice, VirtualDisk, VirtualMachineConfigInfoDatastoreUrlPair};
use farside_transport::CallError;
use farside_vim::ObjectProperties;
use farside_wire::{ManagedObjectReference, Object};

use crate::client::VasaClient;
use crate::device::{Device, DiskFile, GroupDevice, VvolId};
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
    /// The keys of disks that name no volume. Where such a disk is on virtual volumes, it is not known which, and it may be any device.
    pub untold_disks: Vec<i32>,
    /// The volumes of its other files: snapshots, memory.
    pub others: Vec<VvolId>,
    /// Its configuration file, in datastore form.
    pub file: Option<String>,
    /// The files of its disks by their keys, in datastore form.
    pub disk_files: BTreeMap<i32, String>,
    /// The URLs of the datastores that its files are on, by the names of these.
    pub datastores: BTreeMap<String, String>,
}

/// The property that names the volume of the home, if the server knows it.
const HOME: &str = "config.vmStorageObjectId";

/// The property that has the URLs of the datastores that a machine is on.
const DATASTORES: &str = "config.datastoreUrl";

/// The property that lists the files of a machine. Each may name the volume that it is on.
const FILES: &str = "layoutEx";

impl VmVolumes {
    /// The properties of a virtual machine that tell.
    pub const PATHS: [&'static str; 6] = [
        "config.instanceUuid",
        HOME,
        "config.files.vmPathName",
        DATASTORES,
        "config.hardware.device",
        FILES,
    ];

    /// What the properties of a virtual machine tell. The home is the storage object that its configuration names, or else the
    /// directory of its configuration file, where that is the id of a volume; each disk names its volume (vVol recovery rules
    /// 2.2.6, inferred); one that does not is in [`VmVolumes::untold_disks`]. What cannot be read is left out; see
    /// [`VmVolumes::is_told`].
    #[must_use]
    pub fn of(properties: &ObjectProperties) -> Self {
        let text = |path: &str| properties.get::<String>(path).ok().flatten();
        let mut parts = BTreeMap::new();
        let by_directory = || text("config.files.vmPathName").as_deref().and_then(home);
        if let Some(home) = text(HOME).map(VvolId::new).or_else(by_directory) {
            parts.insert(VmPart::Home, home);
        }
        let (mut disk_files, mut untold_disks) = (BTreeMap::new(), Vec::new());
        let devices = properties.get::<Vec<Object<VirtualDevice>>>("config.hardware.device");
        for device in devices.ok().flatten().unwrap_or_default() {
            let Some(Ok(disk)) = device.downcast::<VirtualDisk>() else {
                continue;
            };
            let backing = disk.backing.as_ref().map(Object::raw_json);
            let text = |name: &str| backing.as_ref()?.member(name)?.decode::<String>().ok();
            if let Some(volume) = text("backingObjectId") {
                parts.insert(VmPart::Disk(disk.key), VvolId::new(volume));
            } else {
                untold_disks.push(disk.key);
            }
            disk_files.extend(text("fileName").map(|file| (disk.key, file)));
        }
        let named = files(properties);
        let others = named.filter(|volume| parts.values().all(|known| known != volume));
        Self {
            vm: properties.object().clone(),
            instance_uuid: text("config.instanceUuid"),
            untold_disks,
            others: others.collect(),
            file: text("config.files.vmPathName"),
            disk_files,
            datastores: datastores(properties),
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
            Device::File {
                datastore_url, path, ..
            } => {
                let file = self.file.as_deref()?;
                self.is_at(file, datastore_url, path).then_some(VmPart::Home)
            }
            Device::DiskOf { .. } | Device::DiskId(_) | Device::Other(_) => None,
        }
    }

    /// The disk of this machine that a replicator on the hosts has recovered; `None` if the file is none of this machine's, or that
    /// of another disk.
    #[must_use]
    pub fn disk_of(&self, disk: &DiskFile) -> Option<VmPart> {
        let file = self.disk_files.get(&disk.key)?;
        self.is_at(file, &disk.datastore_url, &disk.path)
            .then_some(VmPart::Disk(disk.key))
    }

    /// Whether a file of this machine, in datastore form, is the one at a path from the URL of a datastore on.
    fn is_at(&self, file: &str, url: &str, path: &str) -> bool {
        if path.starts_with('[') {
            return file == path;
        }
        let Some((name, own)) = file.strip_prefix('[').and_then(|rest| rest.split_once("] ")) else {
            return false;
        };
        let root = root_of(url);
        // Some name the file from the root of the host on.
        let path = path.strip_prefix(root).unwrap_or(path).trim_start_matches('/');
        own == path
            && self
                .datastores
                .get(name)
                .is_some_and(|known| root_of(known) == root)
    }
}

/// The directory that the URL of a datastore stands for: written with or without `ds://` in front and a slash at the end.
fn root_of(url: &str) -> &str {
    url.trim_start_matches("ds://").trim_end_matches('/')
}

fn datastores(properties: &ObjectProperties) -> BTreeMap<String, String> {
    let told = properties.get::<Vec<VirtualMachineConfigInfoDatastoreUrlPair>>(DATASTORES);
    let told = told.ok().flatten().unwrap_or_default();
    told.into_iter().map(|pair| (pair.name, pair.url)).collect()
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
/// registered at this side, or vCenter told nothing of the one that is ([`VmVolumes::is_told`]), or not which volumes its disks are
/// ([`VmVolumes::untold_disks`]). At the source the devices
/// themselves are looked for, at the target what was recovered of them, which is nothing while the group only replicates; the disks of
/// a replicator on the hosts by their files, where the devices are those of the result of the recovery ([`GroupDevice::of_result`]).
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
        let by_files = || {
            let disk = |vm: &'a VmVolumes| device.disks.iter().find_map(|disk| vm.disk_of(disk));
            vms.iter().find_map(|vm| disk(vm).map(|part| (&vm.vm, part)))
        };
        (device, here.and_then(owner).or_else(by_files))
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
