//! Disks: what they are on, whether it is there, and taking them away.

use std::time::Duration;

use farside_models_vim::{
    VirtualDevice, VirtualDeviceConfigSpec, VirtualDeviceConfigSpecOperation, VirtualDisk,
    VirtualMachineConfigSpec, VirtualMachineFileLayoutEx,
};
use farside_wire::Object;

use super::VirtualMachine;
use super::device::sendable_disk;
use crate::error::{WorkError, WorkErrorKind};
use crate::object::ManagedObject;
use crate::path::PropertyPath;
use crate::properties::ObjectProperties;
use crate::work::Time;

/// The files of a machine, as vCenter last saw them.
const LAYOUT: PropertyPath<VirtualMachine, VirtualMachineFileLayoutEx> = PropertyPath::new("layoutEx");

/// What is read to see the disks of a machine and whether they are there.
const DISKS: &[&str] = &[VirtualMachine::DEVICES.as_str(), LAYOUT.as_str()];

/// What is read to change the devices of a machine.
const DEVICES: &[&str] = &[
    VirtualMachine::DEVICES.as_str(),
    VirtualMachine::CHANGE_VERSION.as_str(),
];

/// A disk of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disk {
    /// Its key, by which it is told from the other devices of its machine.
    pub key: i32,
    /// Its label, such as `Hard disk 1`.
    pub label: String,
    /// Its file, in datastore form; `None` if it has none.
    pub file: Option<String>,
    /// The virtual volume that it is, if it is one.
    pub volume: Option<String>,
    /// Whether its file is there.
    pub presence: Presence,
}

/// Whether a file is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// vCenter could reach it when it last looked.
    There,
    /// vCenter could not reach it when it last looked.
    Unreachable,
    /// It is named in a datastore that this vCenter does not have.
    NoDatastore,
    /// vCenter does not say.
    Unknown,
}

impl Disk {
    /// Whether its file is known not to be there, so that its machine cannot start with it.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self.presence, Presence::Unreachable | Presence::NoDatastore)
    }

    fn of(
        device: &Object<VirtualDevice>,
        layout: Option<&VirtualMachineFileLayoutEx>,
        datastores: &[String],
    ) -> Option<Self> {
        let disk = device.downcast::<VirtualDisk>()?.ok()?;
        let backing = disk.backing.as_ref().map(Object::raw_json);
        let text = |name: &str| backing.as_ref()?.member(name)?.decode::<String>().ok();
        let label = disk.device_info.and_then(|info| info.base().ok());
        let file = text("fileName");
        Some(Self {
            key: disk.key,
            label: label.map(|info| info.label).unwrap_or_default(),
            presence: presence(file.as_deref(), layout, datastores),
            volume: text("backingObjectId"),
            file,
        })
    }
}

fn presence(
    file: Option<&str>,
    layout: Option<&VirtualMachineFileLayoutEx>,
    datastores: &[String],
) -> Presence {
    let Some(file) = file else {
        return Presence::Unknown;
    };
    let datastore = file.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    if datastore.is_some_and(|(name, _)| !datastores.iter().any(|known| known == name)) {
        return Presence::NoDatastore;
    }
    let told = layout.and_then(|layout| layout.file.iter().find(|known| known.name == file));
    match told.and_then(|told| told.accessible) {
        Some(true) => Presence::There,
        Some(false) => Presence::Unreachable,
        None => Presence::Unknown,
    }
}

/// The specification that takes disks away from a machine, by their keys, and leaves their files.
///
/// # Errors
/// The key that no disk has.
pub fn removal_spec(
    devices: &[Object<VirtualDevice>],
    keys: &[i32],
) -> Result<VirtualMachineConfigSpec, i32> {
    let remove = |key: &i32| {
        let mut disks = devices.iter();
        let disk = disks.find(|device| key_of(device) == Some(*key)).ok_or(*key)?;
        let spec = VirtualDeviceConfigSpec::new(sendable_disk(disk).ok_or(*key)?);
        Ok(Object::new(
            &spec.with_operation(VirtualDeviceConfigSpecOperation::Remove),
        ))
    };
    let changes: Result<Vec<_>, i32> = keys.iter().map(remove).collect();
    Ok(VirtualMachineConfigSpec::default().with_device_change(changes?))
}

/// The key of a device that is a disk.
fn key_of(device: &Object<VirtualDevice>) -> Option<i32> {
    device.downcast::<VirtualDisk>()?.ok().map(|disk| disk.key)
}

fn devices(seen: &ObjectProperties) -> Result<Vec<Object<VirtualDevice>>, WorkErrorKind> {
    let property = VirtualMachine::DEVICES.as_str();
    let devices = seen.at(VirtualMachine::DEVICES);
    let devices = devices.map_err(|source| WorkErrorKind::Unreadable { property, source })?;
    devices.ok_or_else(|| WorkErrorKind::Absent {
        property,
        fault: seen.fault(property).cloned(),
    })
}

impl VirtualMachine {
    /// Its disks, each with whether its file is there, after vCenter has looked anew. A recovered machine can have disks that
    /// nobody replicates, and so name files that are not here: it cannot start before they are [removed](Self::remove_disks) or
    /// replaced. (`RefreshStorageInfo`, `layoutEx`; vVol recovery rules 1.6 and 4.5.)
    ///
    /// # Errors
    /// [`WorkErrorKind::Call`], [`WorkErrorKind::Absent`] (also where its files cannot be read), [`WorkErrorKind::Unreadable`],
    /// [`WorkErrorKind::Late`]. Nothing was changed.
    pub async fn disks(&self, limit: Duration) -> Result<Vec<Disk>, WorkError> {
        let disks = self.find_disks(Time::of(self.client(), "told", limit)).await;
        disks.map_err(|kind| kind.about("reading the disks of", self.reference()))
    }

    async fn find_disks(&self, time: Time) -> Result<Vec<Disk>, WorkErrorKind> {
        let client = self.client();
        time.within(client, self.refresh_storage_info()).await?;
        let seen = self.see(time, DISKS).await?;
        let property = LAYOUT.as_str();
        let layout = seen.at(LAYOUT);
        let layout = layout.map_err(|source| WorkErrorKind::Unreadable { property, source })?;
        let datastores = time.within(client, crate::datastore::all(client)).await?;
        let datastores: Vec<String> = datastores.into_iter().map(|(_, summary)| summary.name).collect();
        let devices = devices(&seen)?;
        let disks = devices.iter();
        Ok(disks
            .filter_map(|device| Disk::of(device, layout.as_ref(), &datastores))
            .collect())
    }

    /// Takes disks away from the machine, by their keys, and sees them gone; their files, if there are any, stay. A disk that is
    /// gone already is as good. (`ReconfigVM_Task`; vVol recovery rules 4.5.)
    ///
    /// # Errors
    /// [`WorkErrorKind::Unchanged`] if a disk is still there; [`WorkErrorKind::Call`], [`WorkErrorKind::Wait`] and
    /// [`WorkErrorKind::Late`] for what a call or the task ended with, of a failed task with nothing changed.
    ///
    /// # Cancel safety
    /// A dropped future leaves the task as it is: all of the change happens or nothing.
    pub async fn remove_disks(&self, keys: &[i32], limit: Duration) -> Result<(), WorkError> {
        let time = Time::of(self.client(), "changed", limit);
        let wanted = keys.to_vec();
        let lacks = move |seen: &ObjectProperties| {
            let devices = devices(seen)?;
            let left: Vec<i32> = devices
                .iter()
                .filter_map(key_of)
                .filter(|key| wanted.contains(key))
                .collect();
            if left.is_empty() {
                return Ok(None);
            }
            // Each of them was seen a moment ago.
            Ok(removal_spec(&devices, &left).ok())
        };
        let changed = self.bring_about(time, DEVICES, lacks).await;
        let about = |kind: WorkErrorKind| kind.about("taking disks away from", self.reference());
        match changed {
            Ok(changed) if changed.is_so => Ok(()),
            Ok(_) => Err(about(WorkErrorKind::Unchanged("without the disks"))),
            Err(kind) => Err(about(kind)),
        }
    }
}
