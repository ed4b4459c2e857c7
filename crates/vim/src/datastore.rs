//! vVol datastores: the files of recovered machines, before they are registered.

use std::time::Duration;

use farside_models_vim::operation::{
    DATASTORE_GET_SUMMARY, DATASTORE_UPDATE_VVOL_VIRTUAL_MACHINE_FILES_TASK,
};
use farside_models_vim::{
    DatastoreSummary, DatastoreVVolContainerFailoverPair, KeyValue, UpdateVVolVirtualMachineFilesRequest,
    VVolVmConfigFileUpdateResult,
};
use farside_transport::CallError;
use farside_wire::{Any, Fault, RawJson};

use crate::error::{WorkError, WorkErrorKind};
use crate::object::ManagedObject;
use crate::path::PropertyPath;
use crate::work::{Time, run};

crate::managed_object! {
    /// A datastore.
    pub struct Datastore = "Datastore";
}

impl Datastore {
    /// Its main facts.
    pub const SUMMARY: PropertyPath<Datastore, DatastoreSummary> = PropertyPath::new("summary");
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
    /// Files that name this side's volumes now.
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

impl Datastore {
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
    /// are registered. Leave the datastore alone meanwhile. Both lists of the answer can be filled. It can be done again.
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
