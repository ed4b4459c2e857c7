//! Replications of VMs.

use farside_models_vcda::{
    C4ReplicationReconfigureSettings, ReplicaInstance, ReplicationNetworkSettings, SingleVmReplicationInfo,
    VmReplicationStartSettings, VmReplicationsListQuery, operation,
};
use farside_transport::{CallError, RemoteOperation};
use farside_wire::{Operation, RawJson};
use futures_util::Stream;

use super::shared_actions;
use crate::client::{Ask, VcdaClient};
use crate::id::VmReplicationId;
use crate::list::{ListError, Page, Undecodable, all_items, item};
use crate::settings::{FailoverSettings, FailoverTestSettings, MigrateSettings};
use crate::task::Finished;

/// What an action on a VM replication is waited for with: the replication as of its end.
type Work = RemoteOperation<Finished<SingleVmReplicationInfo>>;

impl VcdaClient {
    /// A stretch of the VM replications of a site, 100 at most. Documented in 4.1 and 4.5 (operation `vmReplications.list`).
    /// `vmName` finds a part of the name, the other filters match whole; `site` is that of the client unless the query names
    /// one. Which filters are documented and which are inferred is told at the members of the query.
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn list_vm_replications(
        &self,
        query: &VmReplicationsListQuery,
    ) -> Result<Page<SingleVmReplicationInfo>, CallError> {
        let query = VmReplicationsListQuery {
            site: self.site_or(query.site.as_ref()),
            ..query.clone()
        };
        let operation = &operation::VM_REPLICATIONS_LIST;
        let ask = self.ask(operation, "the VM replications", &[], &query.to_query());
        let page: farside_models_vcda::QueryResult<RawJson> = self.read(ask).await?;
        Ok(Page::of(&page.items, page.total))
    }

    /// All VM replications that the query matches, page after page; its `offset` is where the stream begins. Each page is a call
    /// of [`VcdaClient::list_vm_replications`]; nothing bounds how many there are but the service, so bound the time.
    pub fn stream_vm_replications(
        &self,
        query: VmReplicationsListQuery,
    ) -> impl Stream<Item = Result<SingleVmReplicationInfo, ListError>> + Send {
        let client = self.clone();
        let first = query.offset.unwrap_or_default();
        all_items(move |offset| {
            let (client, query) = (
                client.clone(),
                query.clone().with_offset(first.saturating_add(offset)),
            );
            async move { client.list_vm_replications(&query).await }
        })
    }

    /// Starts a replication of a VM: it is set up, and its first synchronisation begins at `initialSyncTime`, in milliseconds
    /// since
    /// the year 1970. Documented in 4.1 (operation `vmReplications.start`); that page has no `site` for it. The task brings the
    /// replication with its id. Of most kinds of source and destination the members were not read: they are given as an unknown
    /// variant.
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the replication may be there: look for one of this VM.
    pub async fn start_vm_replication(
        &self,
        settings: &VmReplicationStartSettings,
    ) -> Result<Work, CallError> {
        let operation = &operation::VM_REPLICATIONS_START;
        let ask = self.ask_with(operation, "a VM replication", &[], &self.site_query(), settings);
        self.begin(ask).await
    }

    /// The VM replication of this id. Nothing is sent.
    #[must_use]
    pub fn vm_replication(&self, id: &VmReplicationId) -> VmReplication {
        VmReplication {
            client: self.clone(),
            id: id.clone(),
        }
    }
}

/// A VM replication, seen from the site that the client asks.
///
/// Actions are sent once, and answered as soon as their task has begun; the refusals that are known are
/// `VmReplicationNotFound`, `SiteNotFound`, `RemoteAuthenticationFailure` (another site is asked or needed, and the session
/// is not extended to it) and `BadRequest` (the settings do not fit); after each of them nothing has been done. Roles that
/// an action needs are not documented, nor since which release there is one: each method names the releases whose pages were
/// read. Dropping a future of a reading method changes nothing; after dropping one of a
/// `start_` method the action may have been started.
#[derive(Clone, Debug)]
pub struct VmReplication {
    client: VcdaClient,
    id: VmReplicationId,
}

impl VmReplication {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &VmReplicationId {
        &self.id
    }

    fn target(&self) -> String {
        format!("VM replication {}", self.id)
    }

    shared_actions! {
        result: SingleVmReplicationInfo,
        reads: VM_REPLICATIONS_GET, VM_REPLICATIONS_NETWORK_SETTINGS_GET,
        actions: VM_REPLICATIONS_RECONFIGURE, VM_REPLICATIONS_STOP, VM_REPLICATIONS_FAILOVER_TEST_CLEANUP,
            VM_REPLICATIONS_REVERSE, VM_REPLICATIONS_PAUSE, VM_REPLICATIONS_RESUME, VM_REPLICATIONS_SYNC,
        known: {
            get: "Documented in 4.1 and 4.5 (operation `vmReplications.get`).",
            networks: "Inferred from client code and the vApp's counterpart in 3.5 (operation \
                       `vmReplications.networkSettings.get`).",
            reconfigure: "Documented in 4.2 and 4.5 (operation `vmReplications.reconfigure`).",
            stop: "Inferred from client code: no page about the call was read (operation `vmReplications.stop`).",
            cleanup: "Inferred from client code and the vApp's counterpart in 3.5 and 4.5 (operation \
                      `vmReplications.failoverTestCleanup`).",
            reverse: "Documented in 4.6 (operation `vmReplications.reverse`); that it takes no body is known from client code.",
            pause: "Inferred from client code and the vApp's counterpart in 3.5 and 4.7 (operation `vmReplications.pause`).",
            resume: "Documented in 4.7 (operation `vmReplications.resume`).",
            sync: "Documented in 4.5 (operation `vmReplications.sync`)."
        }
    }

    /// The points in time that it can be recovered from, all at once, without pages. Documented in 4.1 and 4.5 (operation
    /// `vmReplications.instances`).
    /// `timestamp` is in milliseconds since 1970 (inferred), by a clock of the service. The id of one that cannot be read is its
    /// `key`.
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn instances(&self) -> Result<Vec<Result<ReplicaInstance, Undecodable>>, CallError> {
        let ask = self.ask(&operation::VM_REPLICATIONS_INSTANCES);
        let instances: Vec<RawJson> = self.client.read(ask).await?;
        Ok(instances.iter().map(item).collect())
    }

    /// Starts a failover at the destination; only in recovery state `NOT_STARTED`. Documented in 4.1, with the members of its
    /// body in 4.5 to 4.7 (operation `vmReplications.failover`). The source VM is not touched. Asked at the destination, it
    /// needs nothing of the source.
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the failover may have begun: look for its task, then read the recovery
    /// state.
    pub async fn start_failover(&self, settings: &FailoverSettings) -> Result<Work, CallError> {
        self.begin_with(&operation::VM_REPLICATIONS_FAILOVER, settings.to_body())
            .await
    }

    /// Starts a test failover at the destination; only in recovery state `NOT_STARTED`. Replication goes on, the source is not
    /// touched, and the copy stays until it is cleaned up. The body is documented in 4.5, the call inferred from the vApp's
    /// counterpart and client code (operation `vmReplications.failoverTest`).
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the test may have begun: read the recovery state.
    pub async fn start_failover_test(&self, settings: &FailoverTestSettings) -> Result<Work, CallError> {
        self.begin_with(&operation::VM_REPLICATIONS_FAILOVER_TEST, settings.to_body())
            .await
    }

    /// Starts a migration: powers the source off, synchronises, recovers, undeploys the source. The last changes come along.
    /// Both sites must be alive. Documented in 4.5 (operation `vmReplications.migrate`).
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the migration may have begun and the source may be off: look for its
    /// task, then read the recovery state.
    pub async fn start_migrate(&self, settings: &MigrateSettings) -> Result<Work, CallError> {
        let ask = self.ask_with(&operation::VM_REPLICATIONS_MIGRATE, &settings.to_body());
        self.client.begin(ask).await
    }

    /// Starts moving the replica to a storage profile of the destination, by its id; with `None` the present one is applied
    /// again. Documented in 4.1 (operation `vmReplications.applyStorageProfile`). While `isMovingReplica` no failover should be
    /// asked for (inferred).
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the move may have begun: read the replication.
    pub async fn start_storage_profile(&self, profile: Option<&str>) -> Result<Work, CallError> {
        // The null that means the present profile is written, which a model's absent member is not.
        let settings = serde_json::json!({"storageProfileId": profile});
        let ask = self.ask_with(&operation::VM_REPLICATIONS_APPLY_STORAGE_PROFILE, &settings);
        self.client.begin(ask).await
    }
}
