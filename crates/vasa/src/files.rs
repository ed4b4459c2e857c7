//! The files of recovered machines: from what a failover or a test has recovered to paths that can be registered.

use std::collections::BTreeMap;
use std::time::Duration;

use farside_models_sms::RecoveredDevice;
use farside_transport::{Deadline, within};
use farside_vim::{Datastore, FailedFile, ManagedObject as _, RecoveredVolume, UpdatedFile};
use farside_wire::{Fault, ManagedObjectReference};

use crate::client::VasaClient;
use crate::device::{Device, DiskFile, GroupDevice, VvolId};
use crate::group::{Group, GroupView};
use crate::id::{GroupId, ProviderRef};
use crate::recovery_error::RecoveryError;

/// What was recovered of groups, and what it takes to register their machines.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Recovered {
    /// The volumes that were recovered to each datastore of the target: which of the source became which. The files on them still
    /// name those of the source.
    pub volumes: BTreeMap<ManagedObjectReference, Vec<RecoveredVolume>>,
    /// Configuration files that a replicator on the hosts has made, which can be registered as they are.
    pub files: Vec<RecoveredFile>,
    /// Devices that were not recovered, or not without an error: machines that need them are not whole.
    pub lost: Vec<LostDevice>,
}

/// The configuration file of a machine that a replicator on the hosts has recovered and corrected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveredFile {
    /// The URL of the datastore.
    pub datastore_url: String,
    /// The path from there.
    pub path: String,
    /// The files of disks that were told with it.
    pub disks: Vec<DiskFile>,
}

/// A device that was not recovered, or not without an error.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LostDevice {
    /// The device at the source.
    pub source: Device,
    /// Why, if that is said.
    pub fault: Option<Fault>,
}

/// Two answers about one volume that cannot both be true.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "volume {source_volume} was recovered as {first}, and {other_source} as {second}: look at the group anew, and do not go on"
)]
#[non_exhaustive]
pub struct Contradiction {
    /// The volume of the source that was told of first.
    pub source_volume: VvolId,
    /// What it became, with its datastore.
    pub first: String,
    /// The volume of the source that does not fit: the same one, or one that became the same.
    pub other_source: VvolId,
    /// What that became, with its datastore.
    pub second: String,
}

/// The files of recovered machines.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MachineFiles {
    /// Configuration files in datastore form, by which their machines can be registered.
    pub paths: Vec<String>,
    /// Configuration files that were not rewritten, and why: their machines cannot be registered.
    pub failed: Vec<FailedFile>,
    /// Devices that were not recovered, or not without an error.
    pub lost: Vec<LostDevice>,
}

/// A volume of the source, what became of it, and where.
struct Pair {
    source: VvolId,
    recovered: VvolId,
    datastore: ManagedObjectReference,
}

impl Pair {
    fn told(&self) -> String {
        format!("{} on {}", self.recovered, self.datastore)
    }

    fn contradicts(&self, other: &Pair) -> bool {
        let is_same = self.source == other.source;
        let became_same = self.recovered == other.recovered && self.datastore == other.datastore;
        is_same != became_same
    }
}

impl Recovered {
    /// Joins what the results of a failover or of the start of a test tell with a fresh look at the groups at the target, after it:
    /// the results need not be there (a lost answer; a test without a result), and only the look tells of snapshots. (vVol recovery
    /// rules 3.3.5, 3.4.4, inferred.)
    ///
    /// # Errors
    /// [`Contradiction`] if they tell that one volume became two, or two became one.
    pub fn of(results: &[RecoveredDevice], fresh: &[Group]) -> Result<Self, Contradiction> {
        let told = results.iter().map(GroupDevice::of_result);
        let seen = fresh.iter().flat_map(|group| &group.devices);
        let devices: Vec<(GroupDevice, Option<Fault>)> =
            told.chain(seen.map(|device| (device.clone(), None))).collect();
        let mut recovered = Self::default();
        let mut pairs: Vec<Pair> = Vec::new();
        for (device, _) in &devices {
            recovered.files_of(device);
            let Some(pair) = pair(device) else { continue };
            if let Some(known) = pairs.iter().find(|known| known.contradicts(&pair)) {
                return Err(Contradiction {
                    source_volume: known.source.clone(),
                    first: known.told(),
                    second: pair.told(),
                    other_source: pair.source,
                });
            }
            if pairs.iter().all(|known| known.source != pair.source) {
                pairs.push(pair);
            }
        }
        for pair in pairs {
            let volumes = recovered.volumes.entry(pair.datastore).or_default();
            volumes.push(RecoveredVolume {
                source: pair.source.as_str().to_owned(),
                recovered: pair.recovered.as_str().to_owned(),
            });
        }
        recovered.lost = lost(&devices);
        Ok(recovered)
    }

    /// The files that a replicator on the hosts tells of.
    fn files_of(&mut self, device: &GroupDevice) {
        if let Some(Device::File {
            datastore_url, path, ..
        }) = &device.recovered
        {
            let is_it = |file: &RecoveredFile| (&file.datastore_url, &file.path) == (datastore_url, path);
            match self.files.iter_mut().find(|file| is_it(file)) {
                Some(known) if known.disks.is_empty() => known.disks.clone_from(&device.disks),
                Some(_) => {}
                None => self.files.push(RecoveredFile {
                    datastore_url: datastore_url.clone(),
                    path: path.clone(),
                    disks: device.disks.clone(),
                }),
            }
        }
    }
}

/// What a device says of a volume that was recovered.
fn pair(device: &GroupDevice) -> Option<Pair> {
    Some(Pair {
        source: device.source.volume()?.clone(),
        recovered: device.recovered.as_ref()?.volume()?.clone(),
        datastore: device.datastore.clone()?,
    })
}

/// Each device once that has an error, or that nothing tells to be recovered.
fn lost(devices: &[(GroupDevice, Option<Fault>)]) -> Vec<LostDevice> {
    let mut found: Vec<LostDevice> = Vec::new();
    for (device, _) in devices {
        let source = &device.source;
        if found.iter().any(|known| known.source == *source) {
            continue;
        }
        let mut same = devices.iter().filter(|(other, _)| other.source == *source);
        let fault = same.clone().find_map(|(_, fault)| fault.clone());
        if fault.is_some() || !same.any(|(other, _)| other.recovered.is_some()) {
            found.push(LostDevice {
                source: source.clone(),
                fault,
            });
        }
    }
    found
}

impl VasaClient {
    /// Makes the files of recovered machines such that they can be registered, and gives their paths: looks at the groups at their
    /// target anew, joins that with `results` ([`Recovered::of`]), has the files on each datastore name this side's volumes, and
    /// finds the paths of files that a replicator on the hosts has made. All groups whose machines share disks belong in one call.
    /// It can be done again. (`QueryReplicationGroup`, `UpdateVVolVirtualMachineFiles_Task`; vVol recovery rules 3.4.)
    ///
    /// # Errors
    /// [`RecoveryError`]. Files of some datastores may have been rewritten: do it again. Register no machine before.
    ///
    /// # Cancel safety
    /// A dropped future leaves a task that runs as it is.
    pub async fn machine_files(
        &self,
        provider: &ProviderRef,
        groups: &[GroupId],
        results: &[RecoveredDevice],
        limit: Duration,
    ) -> Result<MachineFiles, RecoveryError> {
        let clock = &**self.vim().clock();
        let deadline = Deadline::after(clock, limit);
        let late = |_| RecoveryError::Late { limit };
        let views = within(clock, limit, self.groups(provider, groups))
            .await
            .map_err(late)??;
        let mut fresh = Vec::new();
        for (id, view) in groups.iter().zip(views) {
            match view {
                GroupView::Known(group) => fresh.push(group),
                GroupView::Failed { faults } => {
                    return Err(RecoveryError::NotShown {
                        group: id.clone(),
                        faults,
                    });
                }
                GroupView::Missing => {
                    return Err(RecoveryError::NotShown {
                        group: id.clone(),
                        faults: Vec::new(),
                    });
                }
            }
        }
        let recovered = Recovered::of(results, &fresh)?;
        let mut files = MachineFiles::default();
        for (datastore, volumes) in &recovered.volumes {
            let datastore = Datastore::of(self.vim(), datastore.clone());
            let updated = datastore
                .update_vm_files(None, volumes, deadline.left(clock))
                .await?;
            files
                .paths
                .extend(updated.updated.into_iter().map(|file: UpdatedFile| file.path));
            files.failed.extend(updated.failed);
        }
        for file in &recovered.files {
            let path = self.vim().path_to_register(&file.datastore_url, &file.path);
            files
                .paths
                .push(within(clock, deadline.left(clock), path).await.map_err(late)??);
        }
        files.lost = recovered.lost;
        Ok(files)
    }
}
