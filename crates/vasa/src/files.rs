//! The files of recovered machines: from what a failover or a test has recovered to paths that can be registered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use farside_models_sms::{RecoveredDevice, ReplicationState};
use farside_models_vim::PlatformConfigFault;
use farside_transport::{Deadline, within};
use farside_vim::{Datastore, FailedFile, ManagedObject as _, RecoveredVolume, UpdatedFile, WorkError};
use farside_wire::{Fault, ManagedObjectReference};

use crate::client::VasaClient;
use crate::device::{Device, DeviceKey, DiskFile, GroupDevice, VvolId};
use crate::group::{Group, GroupView};
use crate::id::{GroupId, ProviderRef};
use crate::owner::VmVolumes;
use crate::policy::VmPart;
use crate::recovery_error::RecoveryError;

/// How long recovered volumes may take to surface; how soon they do is told nowhere (vVol recovery rules 15).
const SURFACES_WITHIN: Duration = Duration::from_secs(120);
/// The pause between looks for them.
const SURFACES_PAUSE: Duration = Duration::from_secs(2);

/// What was recovered of groups, and what it takes to register their machines.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Recovered {
    /// The volumes that were recovered to each datastore of the target: which of the source became which. The files on them still
    /// name those of the source.
    pub volumes: BTreeMap<ManagedObjectReference, Vec<RecoveredVolume>>,
    /// Configuration files that a replicator on the hosts has made, which can be registered as they are.
    pub files: Vec<RecoveredFile>,
    /// Devices that were not recovered, not without an error, or nobody tells to where: machines that need them are not whole.
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

/// A device that was not recovered, or not without an error, or that cannot be put into files.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LostDevice {
    /// The device at the source.
    pub source: Device,
    /// What is said to have been made of it. With no fault beside it, that is of no use: a volume whose datastore is not told, or no
    /// volume at all.
    pub recovered: Option<Device>,
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
    /// Those among them that were rewritten, with the volumes that hold them.
    pub updated: Vec<UpdatedFile>,
    /// Configuration files that were not rewritten, and why. Their machines cannot be registered, unless the array has corrected the
    /// files itself, so that there was nothing to rewrite.
    pub failed: Vec<FailedFile>,
    /// Devices that were not recovered, not without an error, or nobody tells to where.
    pub lost: Vec<LostDevice>,
    /// Which volumes of the source became which, by their datastores. That a volume is none of `updated` and none of `failed` says
    /// nothing: disks and snapshots never are, and the home of a machine need not be, see [`MachineFiles::of_machine`].
    pub volumes: BTreeMap<ManagedObjectReference, Vec<RecoveredVolume>>,
}

/// What is known of the configuration file of a machine.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FileOfMachine {
    /// It was rewritten: the machine can be registered by this path.
    Updated(String),
    /// It was not rewritten.
    Failed(FailedFile),
    /// Its volume was recovered, and nobody tells of the file: it was not found, or the array has corrected it itself and nothing was
    /// left to do (vVol recovery rules 3.4.2, inferred). The machine can be tried to be registered; it may be started when it names
    /// no volume of the source any more ([`MachineFiles::source_volumes`]).
    Untold {
        /// The datastore.
        datastore: ManagedObjectReference,
        /// Where in it the file is, if it is called as at the source, in a directory that is the volume, written as there: its path is
        /// `[name of the datastore] file`.
        file: String,
    },
    /// None of the volumes that were recovered is its home. Files of a replicator on the hosts are in [`MachineFiles::paths`].
    NotRecovered,
}

impl MachineFiles {
    /// What is known of the file of a machine that was looked at at its source, before ([`VasaClient::volumes_of_vms`]).
    #[must_use]
    pub fn of_machine(&self, source: &VmVolumes) -> FileOfMachine {
        let home = source.parts.get(&VmPart::Home);
        let told = self
            .volumes
            .iter()
            .flat_map(|(datastore, volumes)| volumes.iter().map(move |volume| (datastore, volume)));
        let mut own =
            told.filter(|(_, volume)| home.is_some_and(|home| *home == VvolId::new(&volume.source)));
        let Some((datastore, RecoveredVolume { recovered, .. })) = own.next() else {
            return FileOfMachine::NotRecovered;
        };
        let is_own = |volume: &str| VvolId::new(volume) == VvolId::new(recovered);
        if let Some(file) = self.updated.iter().find(|file| is_own(&file.volume)) {
            return FileOfMachine::Updated(file.path.clone());
        }
        if let Some(file) = self.failed.iter().find(|file| is_own(&file.volume)) {
            return FileOfMachine::Failed(file.clone());
        }
        let place = source.file.as_deref().and_then(|file| file.split_once("] "));
        let (directory, name) = place
            .and_then(|(_, file)| file.rsplit_once('/'))
            .unwrap_or_default();
        FileOfMachine::Untold {
            datastore: datastore.clone(),
            file: format!("{}/{name}", VvolId::new(recovered).written_like(directory)),
        }
    }

    /// The volumes of the source that a machine names which was registered here: its files were not rewritten as far as these go. None
    /// may be left when it starts. A machine that does not tell its volumes names none ([`VmVolumes::untold_disks`]).
    #[must_use]
    pub fn source_volumes(&self, machine: &VmVolumes) -> Vec<VvolId> {
        let mapped = || self.volumes.values().flatten();
        let theirs: BTreeSet<String> = mapped().map(|volume| normalised(&volume.source)).collect();
        let own: BTreeSet<String> = mapped().map(|volume| normalised(&volume.recovered)).collect();
        let named = machine.parts.values().chain(&machine.others);
        let is_theirs = |volume: &&VvolId| {
            let plain = volume.normalised();
            theirs.contains(&plain) && !own.contains(&plain)
        };
        named.filter(is_theirs).cloned().collect()
    }
}

fn normalised(volume: &str) -> String {
    VvolId::new(volume).normalised()
}

/// A volume of the source, what became of it, and where, as far as that is told.
struct Pair<'a> {
    source: &'a VvolId,
    recovered: &'a VvolId,
    datastore: Option<&'a ManagedObjectReference>,
}

impl<'a> Pair<'a> {
    fn of(device: &'a GroupDevice) -> Option<Self> {
        Some(Self {
            source: device.source.volume()?,
            recovered: device.recovered.as_ref()?.volume()?,
            datastore: device.datastore.as_ref(),
        })
    }

    fn told(&self) -> String {
        match self.datastore {
            Some(datastore) => format!("{} on {datastore}", self.recovered),
            None => format!("{} on a datastore that is not told", self.recovered),
        }
    }

    fn contradiction(&self, other: &Pair<'_>) -> Contradiction {
        Contradiction {
            source_volume: self.source.clone(),
            first: self.told(),
            second: other.told(),
            other_source: other.source.clone(),
        }
    }
}

/// Pairs with their datastores, each once, in the order in which they are told.
#[derive(Default)]
struct Pairs<'a> {
    pairs: Vec<Pair<'a>>,
    /// The index of each by its volume at the source.
    by_source: BTreeMap<String, usize>,
    /// The index of each by what it became, and where.
    by_recovered: BTreeMap<(String, &'a ManagedObjectReference), usize>,
}

impl<'a> Pairs<'a> {
    fn of(devices: &'a [(GroupDevice, Option<Fault>)]) -> Result<Self, Contradiction> {
        let mut pairs = Self::default();
        let told = || devices.iter().filter_map(|(device, _)| Pair::of(device));
        for pair in told() {
            if let Some(datastore) = pair.datastore {
                pairs.add(pair, datastore)?;
            }
        }
        // Who does not name the datastore must not contradict who does.
        for pair in told().filter(|pair| pair.datastore.is_none()) {
            if let Some(known) = pairs.of_source(pair.source)
                && known.recovered != pair.recovered
            {
                return Err(known.contradiction(&pair));
            }
        }
        Ok(pairs)
    }

    fn of_source(&self, source: &VvolId) -> Option<&Pair<'a>> {
        let index = self.by_source.get(&source.normalised())?;
        self.pairs.get(*index)
    }

    fn add(&mut self, pair: Pair<'a>, datastore: &'a ManagedObjectReference) -> Result<(), Contradiction> {
        let source = pair.source.normalised();
        let recovered = (pair.recovered.normalised(), datastore);
        let same = self.by_source.get(&source).copied();
        let became_same = self.by_recovered.get(&recovered).copied();
        if same != became_same {
            let first = same.into_iter().chain(became_same).min();
            if let Some(known) = first.and_then(|index| self.pairs.get(index)) {
                return Err(known.contradiction(&pair));
            }
        }
        if same.is_none() {
            let index = self.pairs.len();
            self.by_source.insert(source, index);
            self.by_recovered.insert(recovered, index);
            self.pairs.push(pair);
        }
        Ok(())
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
        let pairs = Pairs::of(&devices)?;
        let mut volumes: BTreeMap<ManagedObjectReference, Vec<RecoveredVolume>> = BTreeMap::new();
        for pair in &pairs.pairs {
            let Some(datastore) = pair.datastore else { continue };
            let volume = RecoveredVolume {
                source: pair.source.as_str().to_owned(),
                recovered: pair.recovered.as_str().to_owned(),
            };
            match volumes.get_mut(datastore) {
                Some(volumes) => volumes.push(volume),
                None => _ = volumes.insert(datastore.clone(), vec![volume]),
            }
        }
        Ok(Self {
            volumes,
            files: files(&devices),
            lost: lost(&devices, &pairs),
        })
    }

    /// Whether what is lost may be there later: a group was recovered and shows none of its devices.
    fn may_surface(&self, fresh: &[Group]) -> bool {
        let is_recovered = |group: &&Group| {
            matches!(
                group.state,
                ReplicationState::Failedover | ReplicationState::Intest
            )
        };
        let shows_none = |group: &Group| {
            let mut devices = group.devices.iter();
            !group.devices.is_empty() && devices.all(|device| device.recovered.is_none())
        };
        self.lost.iter().any(|device| device.fault.is_none())
            && fresh.iter().filter(is_recovered).any(shows_none)
    }
}

/// The files that a replicator on the hosts tells of, each once.
fn files(devices: &[(GroupDevice, Option<Fault>)]) -> Vec<RecoveredFile> {
    let mut files: Vec<RecoveredFile> = Vec::new();
    let mut known: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (device, _) in devices {
        let Some(Device::File {
            datastore_url, path, ..
        }) = &device.recovered
        else {
            continue;
        };
        let next = files.len();
        let index = *known.entry((datastore_url, path)).or_insert(next);
        match files.get_mut(index) {
            Some(known) if known.disks.is_empty() => known.disks.clone_from(&device.disks),
            Some(_) => {}
            None => files.push(RecoveredFile {
                datastore_url: datastore_url.clone(),
                path: path.clone(),
                disks: device.disks.clone(),
            }),
        }
    }
    files
}

/// Each device once that has an error, that nothing tells to be recovered, or of which nothing tells to where.
fn lost(devices: &[(GroupDevice, Option<Fault>)], pairs: &Pairs<'_>) -> Vec<LostDevice> {
    /// What is told of one device.
    struct Told<'a> {
        source: &'a Device,
        recovered: Option<&'a Device>,
        fault: Option<&'a Fault>,
    }
    let mut told: Vec<Told<'_>> = Vec::new();
    let mut known: BTreeMap<DeviceKey<'_>, usize> = BTreeMap::new();
    for (device, fault) in devices {
        let next = told.len();
        let index = *known.entry(device.source.key()).or_insert(next);
        match told.get_mut(index) {
            Some(told) => {
                told.recovered = told.recovered.or(device.recovered.as_ref());
                told.fault = told.fault.or(fault.as_ref());
            }
            None => told.push(Told {
                source: &device.source,
                recovered: device.recovered.as_ref(),
                fault: fault.as_ref(),
            }),
        }
    }
    // A volume has to be in the mapping, or in a file that a replicator has corrected.
    let is_of_use = |told: &Told<'_>| match (told.recovered, told.source.volume()) {
        (None, _) => false,
        (Some(Device::File { .. }), _) | (Some(_), None) => true,
        (Some(_), Some(volume)) => pairs.of_source(volume).is_some(),
    };
    let lost = told
        .into_iter()
        .filter(|told| told.fault.is_some() || !is_of_use(told));
    lost.map(|told| LostDevice {
        source: told.source.clone(),
        recovered: told.recovered.cloned(),
        fault: told.fault.cloned(),
    })
    .collect()
}

impl VasaClient {
    /// Makes the files of recovered machines such that they can be registered, and gives their paths, as far as they are told
    /// ([`MachineFiles::of_machine`] for the others): looks at the groups at their
    /// target anew, joins that with `results` ([`Recovered::of`]), has the files on each datastore name this side's volumes, and
    /// finds the paths of files that a replicator on the hosts has made. All groups whose machines share disks belong in one call.
    /// It can be done again. Volumes that do not surface at once are given two minutes of `limit`: as long as a recovered group shows
    /// none of its devices, or vCenter does not know a volume (`PlatformConfigFault`). (`QueryReplicationGroup`, `UpdateVVolVirtualMachineFiles_Task`; vVol recovery rules 3.4.)
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
        let surfaced = Deadline::after(clock, limit.min(SURFACES_WITHIN));
        let late = |_| RecoveryError::Late { limit };
        let recovered = loop {
            let fresh = within(clock, deadline.left(clock), self.shown(provider, groups));
            let fresh = fresh.await.map_err(late)??;
            let recovered = Recovered::of(results, &fresh)?;
            if !recovered.may_surface(&fresh) || surfaced.left(clock).is_zero() {
                break recovered;
            }
            clock.sleep(SURFACES_PAUSE).await;
        };
        let mut files = MachineFiles::default();
        for (datastore, volumes) in &recovered.volumes {
            let datastore = Datastore::of(self.vim(), datastore.clone());
            let updated = loop {
                let left = deadline.left(clock);
                match datastore.update_vm_files(None, volumes, left).await {
                    Err(error) if is_unmapped(&error) && !surfaced.left(clock).is_zero() => {
                        clock.sleep(SURFACES_PAUSE).await;
                    }
                    ended => break ended?,
                }
            };
            let paths = updated.updated.iter().map(|file| file.path.clone());
            files.paths.extend(paths);
            files.updated.extend(updated.updated);
            files.failed.extend(updated.failed);
        }
        for file in &recovered.files {
            let path = self.vim().path_to_register(&file.datastore_url, &file.path);
            files
                .paths
                .push(within(clock, deadline.left(clock), path).await.map_err(late)??);
        }
        files.lost = recovered.lost;
        files.volumes = recovered.volumes;
        Ok(files)
    }

    /// Groups as the provider shows them, all of them.
    async fn shown(&self, provider: &ProviderRef, groups: &[GroupId]) -> Result<Vec<Group>, RecoveryError> {
        let views = self.groups(provider, groups).await?;
        let mut shown = Vec::with_capacity(groups.len());
        for (id, view) in groups.iter().zip(views) {
            let faults = match view {
                GroupView::Known(group) => {
                    shown.push(group);
                    continue;
                }
                GroupView::Failed { faults } => faults,
                GroupView::Missing => Vec::new(),
            };
            return Err(RecoveryError::NotShown {
                group: id.clone(),
                faults,
            });
        }
        Ok(shown)
    }
}

/// Whether vCenter does not know a volume of a mapping: as one that has not surfaced yet.
fn is_unmapped(error: &WorkError) -> bool {
    error
        .fault()
        .is_some_and(|fault| fault.is_a::<PlatformConfigFault>())
}

#[cfg(test)]
mod tests;
