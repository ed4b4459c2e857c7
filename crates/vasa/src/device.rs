//! Replicated devices: their ids in all forms.

use std::fmt;

use farside_models_sms::{
    DeviceId, RecoveredDevice, RecoveredDiskInfo, RecoveredTargetGroupMemberInfo, SourceGroupMemberInfo,
    TargetGroupMemberInfo, VVolId, VasaVirtualDiskId, VirtualDiskKey, VirtualDiskMoId,
    VirtualMachineFilePath, VirtualMachineMoId, VirtualMachineUUID,
};
use farside_wire::{Fault, ManagedObjectReference, Object};

/// The id of a virtual volume, such as `rfc4122.5f4e...`.
///
/// Ids are equal if they differ in letter case, dashes or the `rfc4122.` in front only: vCenter and providers do not all write
/// them the same way (vVol recovery rules 2.2.6, inferred). The text stays as it was sent.
#[derive(Clone, Debug)]
pub struct VvolId(String);

impl VvolId {
    /// An id as it was sent.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as it was sent: the form that goes back to the server.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which ids are compared.
    #[must_use]
    pub fn normalised(&self) -> String {
        let plain: String = self
            .0
            .chars()
            .filter(|letter| !matches!(letter, '-' | '{' | '}') && !letter.is_whitespace())
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        plain
            .strip_prefix("rfc4122.")
            .map_or(plain.clone(), str::to_owned)
    }
}

impl VvolId {
    /// The id, written as another one is: with what stands in front there, its dashes and its letter case.
    #[cfg(feature = "vm")]
    pub(crate) fn written_like(&self, other: &str) -> String {
        const SCHEME: &str = "rfc4122.";
        let plain = self.normalised();
        let has_scheme = other
            .get(..SCHEME.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(SCHEME));
        let (scheme, rest) = other.split_at(if has_scheme { SCHEME.len() } else { 0 });
        if Self::new(other).normalised().len() != plain.len() {
            return self.0.clone();
        }
        let in_capitals = rest.chars().any(|letter| letter.is_ascii_uppercase());
        let mut letters = plain.chars();
        let written = rest.chars().filter_map(|letter| match letter {
            '-' | '{' | '}' => Some(letter),
            _ if in_capitals => Some(letters.next()?.to_ascii_uppercase()),
            _ => letters.next(),
        });
        format!("{scheme}{}", written.collect::<String>())
    }

    /// Whether the text is written as ids of volumes are: by a scheme in front, or as a UUID.
    #[cfg(feature = "vm")]
    pub(crate) fn looks_like_one(&self) -> bool {
        let text = self.0.to_ascii_lowercase();
        let plain = self.normalised();
        let is_uuid = plain.len() == 32 && plain.chars().all(|digit| digit.is_ascii_hexdigit());
        text.starts_with("rfc4122.") || text.starts_with("naa.") || is_uuid
    }
}

impl PartialEq for VvolId {
    fn eq(&self, other: &Self) -> bool {
        self.normalised() == other.normalised()
    }
}

impl Eq for VvolId {}

impl fmt::Display for VvolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is replicated. Arrays of virtual volumes speak of volumes, replicators on the hosts of machines and disks.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Device {
    /// A virtual volume: the home of a machine, a disk, or what goes with them.
    Volume(VvolId),
    /// A virtual disk, by an id of the replicator's own.
    DiskId(String),
    /// A disk of a machine.
    Disk {
        /// `instanceUuid` of the machine.
        vm_instance_uuid: String,
        /// The key of the device.
        key: i32,
    },
    /// A disk of a machine, by the machine's managed object id.
    DiskOf {
        /// The machine, such as `vm-12`.
        vm: String,
        /// The key of the disk, as text.
        key: String,
        /// The vCenter, if it is said.
        vcenter_uuid: Option<String>,
    },
    /// A machine by its `instanceUuid`.
    Vm(String),
    /// A machine by its managed object id.
    VmOf {
        /// The machine, such as `vm-12`.
        vm: String,
        /// The vCenter, if it is said.
        vcenter_uuid: Option<String>,
    },
    /// The configuration file of a machine, corrected by the replicator.
    File {
        /// The URL of the datastore.
        datastore_url: String,
        /// The path from there.
        path: String,
        /// The vCenter, if it is said.
        vcenter_uuid: Option<String>,
    },
    /// An id of a kind that these models do not know, or that cannot be read as what it says it is.
    Other(Object<DeviceId>),
}

/// A device in the form in which devices are compared: equal where devices are.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DeviceKey<'a> {
    Volume(String),
    DiskId(&'a str),
    Disk(&'a str, i32),
    DiskOf(&'a str, &'a str, Option<&'a str>),
    Vm(&'a str),
    VmOf(&'a str, Option<&'a str>),
    File(&'a str, &'a str, Option<&'a str>),
    Other(&'a str),
}

impl Device {
    /// What an id names.
    #[must_use]
    pub fn of(id: &Object<DeviceId>) -> Self {
        Self::read(id).unwrap_or_else(|| Self::Other(id.clone()))
    }

    /// The volume, if it is one.
    #[must_use]
    pub fn volume(&self) -> Option<&VvolId> {
        match self {
            Self::Volume(volume) => Some(volume),
            _ => None,
        }
    }

    /// What two ids of one device have in common, to find them by.
    pub(crate) fn key(&self) -> DeviceKey<'_> {
        match self {
            Self::Volume(volume) => DeviceKey::Volume(volume.normalised()),
            Self::DiskId(id) => DeviceKey::DiskId(id),
            Self::Disk {
                vm_instance_uuid,
                key,
            } => DeviceKey::Disk(vm_instance_uuid, *key),
            Self::DiskOf {
                vm,
                key,
                vcenter_uuid,
            } => DeviceKey::DiskOf(vm, key, vcenter_uuid.as_deref()),
            Self::Vm(uuid) => DeviceKey::Vm(uuid),
            Self::VmOf { vm, vcenter_uuid } => DeviceKey::VmOf(vm, vcenter_uuid.as_deref()),
            Self::File {
                datastore_url,
                path,
                vcenter_uuid,
            } => DeviceKey::File(datastore_url, path, vcenter_uuid.as_deref()),
            Self::Other(id) => DeviceKey::Other(id.raw()),
        }
    }

    fn read(id: &Object<DeviceId>) -> Option<Self> {
        if let Some(id) = id.downcast::<VVolId>() {
            return Some(Self::Volume(VvolId::new(id.ok()?.id)));
        }
        if let Some(id) = id.downcast::<VasaVirtualDiskId>() {
            return Some(Self::DiskId(id.ok()?.disk_id));
        }
        if let Some(id) = id.downcast::<VirtualDiskKey>() {
            let id = id.ok()?;
            return Some(Self::Disk {
                vm_instance_uuid: id.vm_instance_uuid,
                key: id.device_key,
            });
        }
        if let Some(id) = id.downcast::<VirtualDiskMoId>() {
            let id = id.ok()?;
            return Some(Self::DiskOf {
                vm: id.vm_moid,
                key: id.disk_key,
                vcenter_uuid: id.vc_uuid,
            });
        }
        if let Some(id) = id.downcast::<VirtualMachineUUID>() {
            return Some(Self::Vm(id.ok()?.vm_instance_uuid));
        }
        if let Some(id) = id.downcast::<VirtualMachineMoId>() {
            let id = id.ok()?;
            return Some(Self::VmOf {
                vm: id.vm_moid,
                vcenter_uuid: id.vc_uuid,
            });
        }
        let id = id.downcast::<VirtualMachineFilePath>()?.ok()?;
        Some(Self::File {
            datastore_url: id.ds_url,
            path: id.vmx_path,
            vcenter_uuid: id.vc_uuid,
        })
    }
}

/// A device of a group, as the side asked sees it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GroupDevice {
    /// The device at the source.
    pub source: Device,
    /// Its replicas: the fault domain of each, told at the source only, and its id.
    pub replicas: Vec<(Option<String>, String)>,
    /// The datastore that it is recovered to; told at the target.
    pub datastore: Option<ManagedObjectReference>,
    /// What was made of it; told at the target while a test runs and after a failover. Absent: it was not recovered.
    pub recovered: Option<Device>,
    /// The files of its disks, as a replicator on the hosts made them; told in the result of a recovery only.
    pub disks: Vec<DiskFile>,
}

/// The file of a disk that a replicator on the hosts has recovered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiskFile {
    /// The key of the disk.
    pub key: i32,
    /// The URL of the datastore.
    pub datastore_url: String,
    /// The path from there.
    pub path: String,
}

impl DiskFile {
    fn of(info: &RecoveredDiskInfo) -> Self {
        Self {
            key: info.device_key,
            datastore_url: info.ds_url.clone(),
            path: info.disk_path.clone(),
        }
    }
}

impl GroupDevice {
    /// A device of which no more is known than its id at the source.
    #[must_use]
    pub fn new(source: Device) -> Self {
        Self {
            source,
            replicas: Vec::new(),
            datastore: None,
            recovered: None,
            disks: Vec::new(),
        }
    }

    pub(crate) fn at_source(member: &SourceGroupMemberInfo) -> Self {
        let domain =
            |id: &farside_models_sms::TargetDeviceId| id.domain_id.base().ok().map(|domain| domain.id);
        let replicas = member
            .target_id
            .iter()
            .map(|id| (domain(id), id.device_id.id.clone()));
        Self {
            replicas: replicas.collect(),
            ..Self::new(Device::of(&member.device_id))
        }
    }

    /// `None` for a member that cannot be read.
    pub(crate) fn at_target(member: &Object<TargetGroupMemberInfo>) -> Option<Self> {
        let recovered = member
            .downcast::<RecoveredTargetGroupMemberInfo>()
            .and_then(Result::ok);
        let recovered = recovered.and_then(|member| member.recovered_device_id);
        let member = member.base().ok()?;
        Some(Self {
            source: Device::of(&member.source_id),
            replicas: vec![(None, member.replica_id.id)],
            datastore: Some(member.target_datastore),
            recovered: recovered.as_ref().map(Device::of),
            disks: Vec::new(),
        })
    }

    /// A device as the result of a failover tells of it, and why it was not recovered.
    #[must_use]
    pub fn of_result(device: &RecoveredDevice) -> (Self, Option<Fault>) {
        let replica = device.target_device_id.iter().map(|id| (None, id.id.clone()));
        let read = Self {
            source: Device::of(&device.source_device_id),
            replicas: replica.collect(),
            datastore: Some(device.datastore.clone()),
            recovered: device.recovered_device_id.as_ref().map(Device::of),
            disks: device.recovered_disk_info.iter().map(DiskFile::of).collect(),
        };
        (read, device.error.clone())
    }
}
