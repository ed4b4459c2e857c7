//! vVol datastores: the files of recovered machines, before they are registered.

use std::time::Duration;

use farside_models_vim::operation::{
    DATASTORE_GET_SUMMARY, DATASTORE_UPDATE_VVOL_VIRTUAL_MACHINE_FILES_TASK,
};
use farside_models_vim::{
    DatastoreHostMount, DatastoreSummary, DatastoreVVolContainerFailoverPair, KeyValue,
    UpdateVVolVirtualMachineFilesRequest, VVolVmConfigFileUpdateResult,
};
use farside_transport::CallError;
use farside_wire::{Any, Fault, ManagedObjectReference, RawJson};

use crate::client::VimClient;
use crate::error::{WorkError, WorkErrorKind};
use crate::object::ManagedObject;
use crate::path::PropertyPath;
use crate::vm::VirtualMachine;
use crate::work::{Time, run};

crate::managed_object! {
    /// A datastore.
    pub struct Datastore = "Datastore";
}

impl Datastore {
    /// Its main facts.
    pub const SUMMARY: PropertyPath<Datastore, DatastoreSummary> = PropertyPath::new("summary");
    /// The hosts that it is mounted on, and how.
    pub const HOSTS: PropertyPath<Datastore, Vec<DatastoreHostMount>> = PropertyPath::new("host");
    /// The machines that have files on it.
    pub const MACHINES: PropertyPath<Datastore, Vec<ManagedObjectReference>> = PropertyPath::new("vm");
}

/// From where a datastore can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reach {
    /// Whether any host can reach it.
    pub accessible: bool,
    /// The hosts that have it mounted and can reach it: machines on it can run there.
    pub hosts: Vec<ManagedObjectReference>,
}

crate::methods! {
    Datastore {
        /// Rewrites the files of recovered machines, so that they name the volumes of this side. The task can succeed with
        /// files that failed; see also [`Datastore::update_vm_files`].
        act update_vvol_virtual_machine_files(request: &UpdateVVolVirtualMachineFilesRequest) -> task VVolVmConfigFileUpdateResult = DATASTORE_UPDATE_VVOL_VIRTUAL_MACHINE_FILES_TASK;
        /// Reads its main facts; sizes in bytes, as of the last refresh.
        read summary() -> value DatastoreSummary = DATASTORE_GET_SUMMARY;
    }
}

/// A volume of the source side and the one that was recovered from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveredVolume {
    /// Its id at the source.
    pub source: String,
    /// Its id here.
    pub recovered: String,
}

/// What became of the configuration files on a datastore.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct UpdatedFiles {
    /// Files that name this side's volumes now. A file that is in neither list was not found, or there was nothing to do with it.
    pub updated: Vec<UpdatedFile>,
    /// Files that do not. Each is to be looked at: the machines of the others can be registered.
    pub failed: Vec<FailedFile>,
}

/// A configuration file that names this side's volumes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpdatedFile {
    /// The id of the volume that holds it.
    pub volume: String,
    /// Its path in datastore form, by which its machine is registered.
    pub path: String,
}

/// A configuration file that was not rewritten.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FailedFile {
    /// The id of the volume that holds it.
    pub volume: String,
    /// Its path, if it is known.
    pub path: Option<String>,
    /// Why.
    pub fault: Fault,
}

impl From<VVolVmConfigFileUpdateResult> for UpdatedFiles {
    fn from(result: VVolVmConfigFileUpdateResult) -> Self {
        let updated = result
            .succeeded_vm_config_file
            .into_iter()
            .map(|file| UpdatedFile {
                volume: file.key,
                path: file.value,
            });
        let failed = result.failed_vm_config_file.into_iter().map(|file| FailedFile {
            volume: file.target_config_vvol_id,
            path: file.ds_path,
            fault: file.fault,
        });
        Self {
            updated: updated.collect(),
            failed: failed.collect(),
        }
    }
}

/// Where `DatastoreInfo` is, of which vVol datastores have a subtype.
const INFO: &str = "info";

/// The storage container in a `VvolDatastoreInfo`.
fn container(info: &Any) -> Option<String> {
    let info = RawJson::parse(info.raw()).ok()?;
    info.member("vvolDS")?.member("scId")?.decode().ok()
}

/// The request that rewrites the files of recovered machines on the datastore of a storage container. All volumes of the
/// machines belong in it: homes, disks, memory, snapshots (vVol recovery rules 3.4). `source` is the container at the
/// source, if it is known.
#[must_use]
pub fn update_request(
    source: Option<&str>,
    container: &str,
    volumes: &[RecoveredVolume],
) -> UpdateVVolVirtualMachineFilesRequest {
    let mapping = volumes
        .iter()
        .map(|volume| KeyValue::new(&volume.source, &volume.recovered))
        .collect();
    let mut pair = DatastoreVVolContainerFailoverPair::new(container).with_vvol_mapping(mapping);
    pair.src_container = source.map(str::to_owned);
    UpdateVVolVirtualMachineFilesRequest::default().with_failover_pair(vec![pair])
}

/// The path to register a machine by, from what a replicator names its file by: the URL of a datastore and the path from
/// there on. `None` if no datastore has the URL. A path in datastore form is given back as it is (vVol recovery rules
/// 3.4).
///
/// ```
/// use farside_vim::registration_path;
///
/// assert_eq!(registration_path(&[], "", "[vvol-west] a/b.vmx").as_deref(), Some("[vvol-west] a/b.vmx"));
/// ```
#[must_use]
pub fn registration_path(datastores: &[DatastoreSummary], url: &str, path: &str) -> Option<String> {
    if path.starts_with('[') {
        return Some(path.to_owned());
    }
    let plain = |url: &str| url.trim_end_matches('/').to_owned();
    let datastore = datastores
        .iter()
        .find(|datastore| !datastore.url.is_empty() && plain(&datastore.url) == plain(url))?;
    // Some name the file from the root of the host on.
    let root = plain(url).trim_start_matches("ds://").to_owned();
    let path = path.strip_prefix(&root).unwrap_or(path).trim_start_matches('/');
    Some(format!("[{}] {path}", datastore.name))
}

/// All datastores of a vCenter with their main facts.
pub(crate) async fn all(client: &VimClient) -> Result<Vec<(Datastore, DatastoreSummary)>, WorkErrorKind> {
    let root = client.content().await?.root_folder.clone();
    let property = Datastore::SUMMARY.as_str();
    let found = client.below(&root, Datastore::TYPE_NAME, &[property]).await?;
    let read = found.iter().filter_map(|seen| {
        let summary = seen.at(Datastore::SUMMARY).transpose()?;
        let summary = summary.map_err(|source| WorkErrorKind::Unreadable { property, source });
        Some(summary.map(|summary| (Datastore::of(client, seen.object().clone()), summary)))
    });
    read.collect()
}

impl VimClient {
    /// The path to register a machine by, from what a replicator on the hosts names its file by: the URL of a datastore and the
    /// path from there on ([`registration_path`], over all datastores of this vCenter). (vVol recovery rules 3.4.7.)
    ///
    /// # Errors
    /// [`WorkErrorKind::NoDatastore`] if no datastore that the session sees has the URL: it is not mounted here, or cannot be
    /// reached; [`WorkErrorKind::Call`], [`WorkErrorKind::Unreadable`].
    pub async fn path_to_register(&self, url: &str, path: &str) -> Result<String, WorkError> {
        let root = || ManagedObjectReference::new("Folder", "root");
        let about = |kind: WorkErrorKind| kind.about("looking for a datastore below", &root());
        let datastores = all(self).await.map_err(about)?;
        let summaries: Vec<DatastoreSummary> = datastores.into_iter().map(|(_, summary)| summary).collect();
        let found = registration_path(&summaries, url, path);
        found.ok_or_else(|| about(WorkErrorKind::NoDatastore { url: url.to_owned() }))
    }
}

impl Datastore {
    /// From where it can be reached: what recovered machines are to run on has to reach the target datastore of their group, which
    /// is looked at before the failover. (`summary.accessible`, `host`; vVol recovery rules 2.3.3.)
    ///
    /// # Errors
    /// [`WorkErrorKind::Call`], [`WorkErrorKind::Unreadable`].
    pub async fn reach(&self) -> Result<Reach, WorkError> {
        let reach = self.read_reach().await;
        reach.map_err(|kind| kind.about("reading", self.reference()))
    }

    async fn read_reach(&self) -> Result<Reach, WorkErrorKind> {
        let objects = std::slice::from_ref(self.reference());
        let paths = [Self::SUMMARY.as_str(), Self::HOSTS.as_str()];
        let seen = self.client().properties(objects, Self::TYPE_NAME, &paths).await?;
        let unreadable = |property| move |source| WorkErrorKind::Unreadable { property, source };
        let seen = seen.first();
        let summary = seen.map(|seen| seen.at(Self::SUMMARY)).transpose();
        let summary = summary.map_err(unreadable(Self::SUMMARY.as_str()))?.flatten();
        let mounts = seen.map(|seen| seen.at(Self::HOSTS)).transpose();
        let mounts = mounts.map_err(unreadable(Self::HOSTS.as_str()))?.flatten();
        // What a mount leaves unsaid is taken for no (`HostMountInfo`: both are optional).
        let reaches = |mount: &DatastoreHostMount| {
            mount.mount_info.mounted.unwrap_or(false) && mount.mount_info.accessible.unwrap_or(false)
        };
        let mounts = mounts.unwrap_or_default().into_iter().filter(reaches);
        Ok(Reach {
            accessible: summary.is_some_and(|summary| summary.accessible),
            hosts: mounts.map(|mount| mount.key).collect(),
        })
    }

    /// The machines in the inventory that have files on it: after the end of a test, what is left of it. (`vm`; vVol recovery
    /// rules 8.7.)
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn machines(&self) -> Result<Vec<VirtualMachine>, CallError> {
        let found = self
            .client()
            .read(self, Self::MACHINES)
            .await?
            .unwrap_or_default();
        let machine = |machine| VirtualMachine::of(self.client(), machine);
        Ok(found.into_iter().map(machine).collect())
    }

    /// The storage container behind the datastore; `None` if it is none of virtual volumes.
    ///
    /// # Errors
    /// [`WorkErrorKind::Call`].
    pub async fn container(&self) -> Result<Option<String>, WorkError> {
        let container = self.read_container().await;
        container.map_err(|error| WorkErrorKind::Call(error).about("reading", self.reference()))
    }

    async fn read_container(&self) -> Result<Option<String>, CallError> {
        let objects = std::slice::from_ref(self.reference());
        let seen = self
            .client()
            .properties(objects, Self::TYPE_NAME, &[INFO])
            .await?;
        Ok(seen.first().and_then(|seen| seen.any(INFO)).and_then(container))
    }

    /// Rewrites the files of recovered machines on this vVol datastore, so that they name its volumes; to be done before they
    /// are registered. Leave the datastore alone meanwhile: what is asked of it can be refused, and waits then
    /// (`TaskInProgress`). Both lists of the answer can be filled, or none. It can be done again.
    /// (`UpdateVVolVirtualMachineFiles_Task`; vVol recovery rules 3.4.)
    ///
    /// # Errors
    /// [`WorkErrorKind::NoContainer`], with nothing changed; [`WorkErrorKind::Late`], [`WorkErrorKind::Call`] and
    /// [`WorkErrorKind::Wait`] for what a call or the task as a whole ended with: files may have been rewritten, so do it
    /// again. A file that failed is no error here: see [`UpdatedFiles::failed`].
    ///
    /// # Cancel safety
    /// A dropped future leaves the task running.
    pub async fn update_vm_files(
        &self,
        source: Option<&str>,
        volumes: &[RecoveredVolume],
        limit: Duration,
    ) -> Result<UpdatedFiles, WorkError> {
        let about = |kind: WorkErrorKind| kind.about("rewriting files of machines on", self.reference());
        let time = Time::of(self.client(), "done", limit);
        let container = time
            .within(self.client(), self.read_container())
            .await
            .map_err(about)?;
        let container = container.ok_or(WorkErrorKind::NoContainer).map_err(about)?;
        let request = update_request(source, &container, volumes);
        let start = || self.update_vvol_virtual_machine_files(&request);
        let result = run(self.client(), time, start).await.map_err(about)?;
        Ok(result.into())
    }
}
