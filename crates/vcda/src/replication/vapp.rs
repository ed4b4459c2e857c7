//! Replications of vApps.

use farside_models_vcda::{
    C4ReplicationReconfigureSettings, ReplicationNetworkSettings, TargetType, VappReplicationInfo,
    VappReplicationMigrateSettings, VappReplicationStartSettings, VappReplicationsListQuery, operation,
};
use farside_transport::{CallError, RemoteOperation};
use farside_wire::{Operation, Query, RawJson, Secret};
use futures_util::Stream;
use http::{HeaderName, HeaderValue};

use super::shared_actions;
use crate::client::{Ask, VcdaClient};
use crate::id::VappReplicationId;
use crate::list::{ListError, Page, all_items};
use crate::settings::{Target, VappFailover, VappFailoverTest};
use crate::task::Finished;

/// What an action on a vApp replication is waited for with: the replication as of its end.
type Work = RemoteOperation<Finished<VappReplicationInfo>>;

/// A header of one page; what it means is not documented.
const ON_PREM_AUTH: HeaderName = HeaderName::from_static("on-prem-auth");

impl VcdaClient {
    /// A stretch of the vApp replications of a site, 100 at most. Documented in 3.5, 4.6 and 4.7 (operation
    /// `vappReplications.list`). `vappName` finds a part of the name; `site` is that of the client unless the query names one.
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn list_vapp_replications(
        &self,
        query: &VappReplicationsListQuery,
    ) -> Result<Page<VappReplicationInfo>, CallError> {
        let query = VappReplicationsListQuery {
            site: self.site_or(query.site.as_ref()),
            ..query.clone()
        };
        let operation = &operation::VAPP_REPLICATIONS_LIST;
        let ask = self.ask(operation, "the vApp replications", &[], &query.to_query());
        let page: farside_models_vcda::QueryResult<RawJson> = self.read(ask).await?;
        Ok(Page::of(&page.items, page.total))
    }

    /// All vApp replications that the query matches, page after page; its `offset` is where the stream begins. Each page is a call
    /// of [`VcdaClient::list_vapp_replications`]; nothing bounds how many there are but the service, so bound the time.
    pub fn stream_vapp_replications(
        &self,
        query: VappReplicationsListQuery,
    ) -> impl Stream<Item = Result<VappReplicationInfo, ListError>> + Send {
        let client = self.clone();
        let first = query.offset.unwrap_or_default();
        all_items(move |offset| {
            let (client, query) = (
                client.clone(),
                query.clone().with_offset(first.saturating_add(offset)),
            );
            async move { client.list_vapp_replications(&query).await }
        })
    }

    /// Starts a replication of a vApp with all of its VMs: it is set up, and its first synchronisation begins at
    /// `initialSyncTime`, in milliseconds since 1970. Documented in 3.5 and 4.6 (operation `vappReplications.start`). The task
    /// brings the replication with its id and those of its VMs. `on_prem_auth` goes into the header `On-Prem-Auth`, which is
    /// listed on one page and whose meaning is not documented.
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the replication may be there: look for one of this vApp.
    pub async fn start_vapp_replication(
        &self,
        settings: &VappReplicationStartSettings,
        on_prem_auth: Option<&Secret>,
    ) -> Result<Work, CallError> {
        let operation = &operation::VAPP_REPLICATIONS_START;
        let mut ask = self.ask_with(operation, "a vApp replication", &[], &self.site_query(), settings);
        let header = on_prem_auth.map(|secret| HeaderValue::from_str(secret.expose()));
        match header {
            Some(Ok(mut value)) => {
                value.set_sensitive(true);
                ask.request.headers_mut().insert(ON_PREM_AUTH, value);
            }
            Some(Err(_no_header)) => {
                return Err(self.unsendable(ask, "On-Prem-Auth does not fit into a header"));
            }
            None => {}
        }
        self.begin(ask).await
    }

    /// A summary over all vApp replications, as raw JSON (operation `vappReplications.summary`). Inferred: known from client
    /// code only; its members are not documented.
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn vapp_summary(&self) -> Result<RawJson, CallError> {
        let operation = &operation::VAPP_REPLICATIONS_SUMMARY;
        self.read(self.ask(operation, "the vApp replications", &[], &Query::new()))
            .await
    }

    /// The vApp replication of this id. Nothing is sent.
    #[must_use]
    pub fn vapp_replication(&self, id: &VappReplicationId) -> VappReplication {
        VappReplication {
            client: self.clone(),
            id: id.clone(),
        }
    }
}

/// A vApp replication, seen from the site that the client asks. How far a recovery is stands at each of its VMs
/// (`vmReplications[]`), not at the vApp.
///
/// Actions are sent once, and answered as soon as their task has begun; the refusals that are known are `SiteNotFound`,
/// `RemoteAuthenticationFailure` (another site is asked or needed, and the session is not extended to it) and `BadRequest`
/// (the settings do not fit); after each of them nothing has been done. Roles that an action needs are not documented, nor since
/// which release there is one: each method names the releases whose pages were read.
/// Dropping a future of a reading method changes nothing; after dropping one of a `start_` method the action may have been
/// started.
#[derive(Clone, Debug)]
pub struct VappReplication {
    client: VcdaClient,
    id: VappReplicationId,
}

impl VappReplication {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &VappReplicationId {
        &self.id
    }

    fn target(&self) -> String {
        format!("vApp replication {}", self.id)
    }

    shared_actions! {
        result: VappReplicationInfo,
        reads: VAPP_REPLICATIONS_GET, VAPP_REPLICATIONS_NETWORK_SETTINGS_GET,
        actions: VAPP_REPLICATIONS_RECONFIGURE, VAPP_REPLICATIONS_STOP, VAPP_REPLICATIONS_FAILOVER_TEST_CLEANUP,
            VAPP_REPLICATIONS_REVERSE, VAPP_REPLICATIONS_PAUSE, VAPP_REPLICATIONS_RESUME, VAPP_REPLICATIONS_SYNC,
        known: {
            get: "Inferred from the VM's counterpart and the type of the answer in 4.1 (operation `vappReplications.get`).",
            networks: "Documented in 3.5, by its name only (operation `vappReplications.networkSettings.get`).",
            reconfigure: "Documented in 4.5 to 4.7 (operation `vappReplications.reconfigure`).",
            stop: "Inferred from client code and the VM's counterpart (operation `vappReplications.stop`).",
            cleanup: "Documented in 3.5 and 4.5 (operation `vappReplications.failoverTestCleanup`).",
            reverse: "Inferred from client code and the VM's counterpart (operation `vappReplications.reverse`).",
            pause: "Documented in 3.5 and 4.7 (operation `vappReplications.pause`).",
            resume: "Inferred from client code and the VM's counterpart (operation `vappReplications.resume`).",
            sync: "Inferred from client code and the VM's counterpart (operation `vappReplications.sync`)."
        }
    }

    /// Starts a change of which disks are replicated. Documented in 3.5 (operation `vappReplications.reconfigureDisks`). The
    /// members of the body were not read: it is raw JSON.
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the change may have begun: read the replication.
    pub async fn start_reconfigure_disks(&self, disks: &RawJson) -> Result<Work, CallError> {
        let ask = self.ask_with(&operation::VAPP_REPLICATIONS_RECONFIGURE_DISKS, disks);
        self.client.begin(ask).await
    }

    /// Starts the failover of all of its VMs at the destination; each has to be in recovery state `NOT_STARTED`. Documented in
    /// 3.5 and 4.6 (operation `vappReplications.failover`). The source is not touched. Asked at the destination, it needs
    /// nothing of the source.
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the failover may have begun: look for its task, then read the recovery
    /// state of each VM.
    pub async fn start_failover(&self, settings: &VappFailover) -> Result<Work, CallError> {
        self.begin_with(&operation::VAPP_REPLICATIONS_FAILOVER, settings.to_body())
            .await
    }

    /// Starts a test failover of all of its VMs at the destination; each has to be in recovery state `NOT_STARTED`. The body is
    /// documented in 3.5 and 4.5, the call in 3.5 by its name only (operation `vappReplications.failoverTest`). Replication
    /// goes on, and the copies stay until they are cleaned up.
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the test may have begun: read the recovery state of each VM.
    pub async fn start_failover_test(&self, settings: &VappFailoverTest) -> Result<Work, CallError> {
        self.begin_with(&operation::VAPP_REPLICATIONS_FAILOVER_TEST, settings.to_body())
            .await
    }

    /// Starts a migration of all of its VMs. Documented in 3.5, by its name only (operation `vappReplications.migrate`). It
    /// powers the source off, synchronises, recovers, undeploys the source. Both sites must be alive. The body has no member
    /// but the kind of the destination, so that power and networks are the service's choice.
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the migration may have begun and the source may be off: look for its
    /// task, then read the recovery state of each VM.
    pub async fn start_migrate(&self, target: Target) -> Result<Work, CallError> {
        let settings = VappReplicationMigrateSettings::new(TargetType::from(target));
        let ask = self.ask_with(&operation::VAPP_REPLICATIONS_MIGRATE, &settings);
        self.client.begin(ask).await
    }
}
