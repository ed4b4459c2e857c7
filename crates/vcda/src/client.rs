//! One method per operation: request, send, decode.

use std::sync::Arc;

use bytes::Bytes;
use farside_models_vcda::{
    C4SessionDetails, QueryResult, ReplicaInstance, SingleVmReplicationInfo, TasksPollResponse, operation,
};
use farside_transport::{
    Call, CallError, CallErrorKind, Clock, OperationId, RemoteOperation, Stack, StackBuilder, StackSettings,
    Transport,
};
use farside_wire::{Operation, Query, RawJson, Read, Secret};
use http::{HeaderValue, Request};
use serde::Serialize;

use crate::id::{OperationTag, TaskId, VmReplicationId};
use crate::list::{Page, PageRequest, ReplicationFilter, TaskFilter, Undecodable, collect};
use crate::request::Frame;
use crate::session::{Extension, Login, SiteExtension, VcdaSession};
use crate::settings::{FailoverSettings, FailoverTestSettings, MigrateSettings};
use crate::task::{PolledTask, TASK_KIND, Task, read_columns};
use crate::wait::{Board, VcdaTasks};

/// The version that answers are asked for in, unless the builder is told otherwise.
pub const DEFAULT_API_VERSION: &str = "4.6";

/// A client that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Nobody is to log in.
    #[error("a client of Cloud Director Availability needs credentials")]
    NoCredentials,
    /// The version is no part of a media type.
    #[error("{0:?} is not a version of the Cloud Director Availability API; it looks like \"4.6\"")]
    Version(String),
}

/// Builds a [`VcdaClient`].
#[derive(Debug)]
#[must_use]
pub struct VcdaClientBuilder {
    transport: Arc<dyn Transport>,
    endpoint: Arc<str>,
    clock: Arc<dyn Clock>,
    login: Option<Login>,
    version: String,
    site: Option<String>,
    tag: Option<OperationTag>,
    extensions: Vec<(String, Extension)>,
    settings: StackSettings,
}

impl VcdaClientBuilder {
    /// Logs in as this user: the appliance's own for `root`, of Cloud Director (`user@org`) otherwise.
    pub fn credentials(self, user: impl Into<String>, password: Secret) -> Self {
        self.login(Login::by_name(user, password))
    }

    /// Logs in so.
    pub fn login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }

    /// Asks for answers in this version of the API; [`DEFAULT_API_VERSION`] otherwise.
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Asks about this site, by its short name, instead of the one that answers. A session is good for its own site
    /// only, so another one needs an [extension](Self::extend) of the session.
    pub fn site(mut self, site: impl Into<String>) -> Self {
        self.site = Some(site.into());
        self
    }

    /// Extends the session to this site, by its short name, before the first call that asks about it; again once the
    /// session, or the extension, is lost. Replaces what was said of that site before.
    ///
    /// That site must be alive (VCDA wire rules 5). Where it may be lost, log in at the surviving one and ask there.
    pub fn extend(mut self, site: impl Into<String>, extension: Extension) -> Self {
        let site = site.into();
        self.extensions.retain(|(extended, _)| *extended != site);
        self.extensions.push((site, extension));
        self
    }

    /// Names all calls, the log-in included, in the services' logs.
    pub fn tag(mut self, tag: OperationTag) -> Self {
        self.tag = Some(tag);
        self
    }

    /// Settles limits, repeats, time, what is traced and what is counted.
    pub fn settings(mut self, settings: StackSettings) -> Self {
        self.settings = settings;
        self
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(self) -> Result<VcdaClient, BuildError> {
        let login = self.login.ok_or(BuildError::NoCredentials)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '.';
        if self.version.is_empty() || !self.version.chars().all(plain) {
            return Err(BuildError::Version(self.version));
        }
        let accept = format!("application/vnd.vmware.h4-v{}+json;charset=UTF-8", self.version);
        let frame = Frame {
            accept: HeaderValue::try_from(accept)
                .map_err(|_not_a_header| BuildError::Version(self.version))?,
            site: self.site,
            tag: self.tag.as_ref().and_then(header),
        };
        let scheme = VcdaSession {
            login,
            frame: frame.clone(),
        };
        let mut stack = StackBuilder::new(self.transport, Arc::clone(&self.clock))
            .endpoint(&self.endpoint)
            .session(Arc::new(scheme))
            .settings(self.settings);
        for (site, extension) in self.extensions {
            stack = stack.extension(Arc::new(SiteExtension::new(site, extension, frame.clone())));
        }
        Ok(VcdaClient {
            core: Arc::new(Core {
                stack: stack.build(),
                endpoint: self.endpoint,
                clock: self.clock,
                board: Board::default(),
            }),
            frame,
        })
    }
}

/// A tag holds visible ASCII characters only, so it always fits into a header.
fn header(tag: &OperationTag) -> Option<HeaderValue> {
    HeaderValue::from_str(tag.as_str()).ok()
}

/// A client of one service. Clones share the session, the limits and the waits.
///
/// Calls that read are repeated where that can help; actions are sent once. Every method can fail with a
/// [`CallError`], whose effect says what the service can have done. Dropping a future of a reading method changes
/// nothing; after dropping one of a `start_*` method the action may have been started.
#[derive(Clone, Debug)]
pub struct VcdaClient {
    core: Arc<Core>,
    frame: Frame,
}

#[derive(Debug)]
struct Core {
    stack: Arc<Stack>,
    endpoint: Arc<str>,
    clock: Arc<dyn Clock>,
    board: Board,
}

impl VcdaClient {
    /// Starts building a client whose calls go out through `transport`, which sends single calls (an HTTP transport,
    /// the simulator). `endpoint` is the service's name in operation ids and traces.
    pub fn builder(
        transport: Arc<dyn Transport>,
        endpoint: impl Into<Arc<str>>,
        clock: Arc<dyn Clock>,
    ) -> VcdaClientBuilder {
        VcdaClientBuilder {
            transport,
            endpoint: endpoint.into(),
            clock,
            login: None,
            version: DEFAULT_API_VERSION.to_owned(),
            site: None,
            tag: None,
            extensions: Vec::new(),
            settings: StackSettings::default(),
        }
    }

    /// The same client, with another name for its calls in the services' logs: one for each action of a user.
    #[must_use]
    pub fn tagged(&self, tag: &OperationTag) -> Self {
        let mut client = self.clone();
        client.frame.tag = header(tag);
        client
    }

    /// The service's name in operation ids.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.core.endpoint
    }

    /// The tasks of the service, to be waited for together.
    #[must_use]
    pub fn tasks(&self) -> VcdaTasks {
        VcdaTasks::new(self.clone())
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.core.clock.as_ref()
    }

    pub(crate) fn board(&self) -> &Board {
        &self.core.board
    }

    /// Gives up the session and its extensions, if there are any, without a word to the service; the next call logs in.
    pub fn invalidate_session(&self) {
        self.core.stack.invalidate_session();
    }

    /// Logs out, if there is a session, and refuses all further calls of this client and its clones.
    ///
    /// # Errors
    /// Whatever the log-out met; the session then ends by its idle time.
    pub async fn close(&self) -> Result<(), CallError> {
        self.core.stack.close().await
    }

    /// The session: who is logged in, and at which sites. Logs in where there is none (operation `sessions.get`).
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn session(&self) -> Result<C4SessionDetails, CallError> {
        let request = self.frame.bare(&operation::SESSIONS_GET, &[], &Query::new());
        self.read(&operation::SESSIONS_GET, "the session", request).await
    }

    /// A stretch of the VM replications (operation `vmReplications.list`).
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn replications(
        &self,
        filter: &ReplicationFilter,
        page: PageRequest,
    ) -> Result<Page<SingleVmReplicationInfo>, CallError> {
        let query = page.put_into(filter.put_into(self.frame.site_query()));
        self.page(&operation::VM_REPLICATIONS_LIST, "the VM replications", &query)
            .await
    }

    /// All VM replications, page after page.
    ///
    /// # Errors
    /// [`CallError`] of the first page that cannot be had; nothing has changed.
    pub async fn all_replications(
        &self,
        filter: &ReplicationFilter,
    ) -> Result<Vec<Result<SingleVmReplicationInfo, Undecodable>>, CallError> {
        collect(|page| self.replications(filter, page)).await
    }

    /// One VM replication, as the site shows it (operation `vmReplications.get`).
    ///
    /// # Errors
    /// [`CallError`], with code `VmReplicationNotFound` where the site has none of this id; nothing has changed.
    pub async fn replication(&self, id: &VmReplicationId) -> Result<SingleVmReplicationInfo, CallError> {
        self.read_of(&operation::VM_REPLICATIONS_GET, id).await
    }

    /// The points in time that a VM replication can be recovered from (operation `vmReplications.instances`).
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn instances(&self, id: &VmReplicationId) -> Result<Vec<ReplicaInstance>, CallError> {
        self.read_of(&operation::VM_REPLICATIONS_INSTANCES, id).await
    }

    /// Starts a failover at the destination; the source is not touched (operation `vmReplications.failover`).
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the failover may have begun.
    pub async fn start_failover(
        &self,
        id: &VmReplicationId,
        settings: &FailoverSettings,
    ) -> Result<RemoteOperation<SingleVmReplicationInfo>, CallError> {
        let operation = &operation::VM_REPLICATIONS_FAILOVER;
        self.start(operation, id, Some(&settings.to_body())).await
    }

    /// Starts a test failover at the destination; replication goes on (operation `vmReplications.failoverTest`).
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the test may have begun.
    pub async fn start_failover_test(
        &self,
        id: &VmReplicationId,
        settings: &FailoverTestSettings,
    ) -> Result<RemoteOperation<SingleVmReplicationInfo>, CallError> {
        let operation = &operation::VM_REPLICATIONS_FAILOVER_TEST;
        self.start(operation, id, Some(&settings.to_body())).await
    }

    /// Starts the removal of a test copy (operation `vmReplications.failoverTestCleanup`).
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the removal may have begun.
    pub async fn start_test_cleanup(
        &self,
        id: &VmReplicationId,
    ) -> Result<RemoteOperation<SingleVmReplicationInfo>, CallError> {
        let operation = &operation::VM_REPLICATIONS_FAILOVER_TEST_CLEANUP;
        self.start(operation, id, None::<&()>).await
    }

    /// Starts a migration: powers the source off, synchronises, recovers (operation `vmReplications.migrate`).
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the migration may have begun.
    pub async fn start_migrate(
        &self,
        id: &VmReplicationId,
        settings: MigrateSettings,
    ) -> Result<RemoteOperation<SingleVmReplicationInfo>, CallError> {
        let operation = &operation::VM_REPLICATIONS_MIGRATE;
        self.start(operation, id, Some(&settings.to_body())).await
    }

    /// Starts to turn a recovered replication round; the original VM is removed (operation
    /// `vmReplications.reverse`).
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the reversal may have begun.
    pub async fn start_reverse(
        &self,
        id: &VmReplicationId,
    ) -> Result<RemoteOperation<SingleVmReplicationInfo>, CallError> {
        self.start(&operation::VM_REPLICATIONS_REVERSE, id, None::<&()>)
            .await
    }

    /// One task, as it is (operation `tasks.get`).
    ///
    /// # Errors
    /// [`CallError`], with status 404 where the site does not know the task; nothing has changed.
    pub async fn task(&self, id: &TaskId) -> Result<Task, CallError> {
        let operation = &operation::TASKS_GET;
        let params = [("taskId", id.as_str())];
        let request = self.frame.bare(operation, &params, &self.frame.site_query());
        self.read(operation, format!("task {id}"), request).await
    }

    /// A stretch of the tasks (operation `tasks.list`).
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn list_tasks(&self, filter: &TaskFilter, page: PageRequest) -> Result<Page<Task>, CallError> {
        let query = page.put_into(filter.put_into(self.frame.site_query()));
        self.page(&operation::TASKS_LIST, "the tasks", &query).await
    }

    /// All tasks, page after page.
    ///
    /// # Errors
    /// [`CallError`] of the first page that cannot be had; nothing has changed.
    pub async fn all_tasks(&self, filter: &TaskFilter) -> Result<Vec<Result<Task, Undecodable>>, CallError> {
        collect(|page| self.list_tasks(filter, page)).await
    }

    /// The states of many tasks in one call; a task that is gone or not ours to see is missing (operation
    /// `tasks.poll`).
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn poll_tasks(
        &self,
        ids: &[TaskId],
    ) -> Result<std::collections::BTreeMap<TaskId, PolledTask>, CallError> {
        let operation = &operation::TASKS_POLL;
        let request = self
            .frame
            .with_body(operation, &[], &self.frame.site_query(), &ids);
        let call = self.call(operation, format!("{} tasks", ids.len()), request);
        let context = call.context();
        let answer = self.core.stack.send(call).await?;
        let columns: TasksPollResponse = context.read(&answer)?;
        read_columns(&columns).map_err(|source| context.error(CallErrorKind::Decode(source)))
    }

    async fn page<T: Read>(
        &self,
        operation: &'static Operation,
        target: &str,
        query: &Query,
    ) -> Result<Page<T>, CallError> {
        let request = self.frame.bare(operation, &[], query);
        let result: QueryResult<RawJson> = self.read(operation, target, request).await?;
        Ok(Page::of(&result))
    }

    async fn read_of<T: Read>(
        &self,
        operation: &'static Operation,
        id: &VmReplicationId,
    ) -> Result<T, CallError> {
        let params = [("replicationId", id.as_str())];
        let request = self.frame.bare(operation, &params, &self.frame.site_query());
        self.read(operation, replication_target(id), request).await
    }

    async fn start(
        &self,
        operation: &'static Operation,
        id: &VmReplicationId,
        body: Option<&impl Serialize>,
    ) -> Result<RemoteOperation<SingleVmReplicationInfo>, CallError> {
        let params = [("replicationId", id.as_str())];
        let query = self.frame.site_query();
        let request = match body {
            Some(body) => self.frame.with_body(operation, &params, &query, body),
            None => self.frame.bare(operation, &params, &query),
        };
        let task: Task = self.read(operation, replication_target(id), request).await?;
        let id = OperationId::new(TASK_KIND, self.endpoint(), task.id().as_str());
        Ok(RemoteOperation::new(id, Arc::new(self.tasks()), |result| {
            result.map_or_else(
                || Ok(SingleVmReplicationInfo::default()),
                |result| result.decode(),
            )
        }))
    }

    async fn read<T: Read>(
        &self,
        operation: &'static Operation,
        target: impl Into<Arc<str>>,
        request: Request<Bytes>,
    ) -> Result<T, CallError> {
        let call = self.call(operation, target, request);
        let context = call.context();
        let answer = self.core.stack.send(call).await?;
        context.read(&answer)
    }

    fn call(
        &self,
        operation: &'static Operation,
        target: impl Into<Arc<str>>,
        request: Request<Bytes>,
    ) -> Call {
        Call::new(operation, target, request)
    }
}

fn replication_target(id: &VmReplicationId) -> String {
    format!("VM replication {id}")
}
