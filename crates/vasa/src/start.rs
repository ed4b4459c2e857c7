//! The operations that change groups. Each is one call, never repeated here, and answers with the id of a task.

use farside_models_sms::operation::{
    VASA_PROVIDER_FAILOVER_REPLICATION_GROUP_TASK, VASA_PROVIDER_PREPARE_FAILOVER_REPLICATION_GROUP_TASK,
    VASA_PROVIDER_REVERSE_REPLICATE_GROUP_TASK, VASA_PROVIDER_SYNC_REPLICATION_GROUP_TASK,
    VASA_PROVIDER_TEST_FAILOVER_REPLICATION_GROUP_START_TASK,
    VASA_PROVIDER_TEST_FAILOVER_REPLICATION_GROUP_STOP_TASK,
};
use farside_models_sms::{
    FailoverParam, FailoverReplicationGroupRequest, PrepareFailoverReplicationGroupRequest,
    ReplicationGroupData, ReverseReplicateGroupRequest, SyncReplicationGroupRequest, TestFailoverParam,
    TestFailoverReplicationGroupStartRequest, TestFailoverReplicationGroupStopRequest,
};
use farside_models_vim::ReplicationGroupId;
use farside_transport::{CallError, OperationId};
use farside_vim::Invocation;
use farside_wire::{Object, Operation};
use serde::Serialize;

use crate::client::{VasaClient, about};
use crate::id::{GroupId, PointId, ProviderRef};

/// A group to recover, and from what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The group, as the target knows it.
    pub group: GroupId,
    /// The point in time; the newest if `None`.
    pub point: Option<PointId>,
}

impl Recovery {
    /// Recovery from the newest point in time.
    #[must_use]
    pub fn newest(group: GroupId) -> Self {
        Self { group, point: None }
    }

    fn to_wire(&self) -> ReplicationGroupData {
        let data = ReplicationGroupData::new(self.group.to_wire());
        match &self.point {
            Some(point) => data.with_pit_id(point.to_wire()),
            None => data,
        }
    }
}

impl VasaClient {
    /// Starts a sync to a named point in time (`SyncReplicationGroup_Task`). Called at the target; groups stay `TARGET`.
    ///
    /// # Errors
    /// [`CallError`]; its effect says whether work may have begun. `TooMany`: [`GroupFault::of`](crate::GroupFault::of).
    ///
    /// # Cancel safety
    /// Dropped, it leaves unknown whether work has begun. So with all operations here.
    pub async fn start_sync(
        &self,
        provider: &ProviderRef,
        groups: &[GroupId],
        point_name: &str,
    ) -> Result<OperationId, CallError> {
        let body = SyncReplicationGroupRequest::new(point_name).with_group_id(to_wire(groups));
        self.start(
            &VASA_PROVIDER_SYNC_REPLICATION_GROUP_TASK,
            provider,
            groups.len(),
            &body,
        )
        .await
    }

    /// Starts the preparation of a planned failover (`PrepareFailoverReplicationGroup_Task`). Called at the **source**, with
    /// its ids; groups stay `SOURCE`, and it may be repeated.
    ///
    /// # Errors
    /// As [`VasaClient::start_sync`].
    pub async fn start_prepare(
        &self,
        provider: &ProviderRef,
        groups: &[GroupId],
    ) -> Result<OperationId, CallError> {
        let body = PrepareFailoverReplicationGroupRequest::default().with_group_id(to_wire(groups));
        self.start(
            &VASA_PROVIDER_PREPARE_FAILOVER_REPLICATION_GROUP_TASK,
            provider,
            groups.len(),
            &body,
        )
        .await
    }

    /// Starts a failover (`FailoverReplicationGroup_Task`). Called at the target; `TARGET` becomes `FAILEDOVER`, or `SOURCE`
    /// where the replicator reverses by itself. `planned` lets the target talk to the source, otherwise it must not.
    ///
    /// # Errors
    /// As [`VasaClient::start_sync`].
    pub async fn start_failover(
        &self,
        provider: &ProviderRef,
        recoveries: &[Recovery],
        planned: bool,
    ) -> Result<OperationId, CallError> {
        self.failover(provider, recoveries, planned, false).await
    }

    /// Starts a check of a failover, which changes nothing (`FailoverReplicationGroup_Task` with `checkOnly`).
    ///
    /// # Errors
    /// As [`VasaClient::start_sync`].
    pub async fn start_failover_check(
        &self,
        provider: &ProviderRef,
        recoveries: &[Recovery],
        planned: bool,
    ) -> Result<OperationId, CallError> {
        self.failover(provider, recoveries, planned, true).await
    }

    async fn failover(
        &self,
        provider: &ProviderRef,
        recoveries: &[Recovery],
        planned: bool,
        check_only: bool,
    ) -> Result<OperationId, CallError> {
        let groups = recoveries.iter().map(Recovery::to_wire).collect();
        let parameters = FailoverParam::new(planned, check_only).with_replication_groups_to_failover(groups);
        let body = FailoverReplicationGroupRequest::new(Object::new(&parameters));
        self.start(
            &VASA_PROVIDER_FAILOVER_REPLICATION_GROUP_TASK,
            provider,
            recoveries.len(),
            &body,
        )
        .await
    }

    /// Starts a reverse (`ReverseReplicateGroup_Task`). Called where the groups are `FAILEDOVER`; they become `SOURCE`, and
    /// may have other ids on both sides afterwards.
    ///
    /// # Errors
    /// As [`VasaClient::start_sync`].
    pub async fn start_reverse(
        &self,
        provider: &ProviderRef,
        groups: &[GroupId],
    ) -> Result<OperationId, CallError> {
        let body = ReverseReplicateGroupRequest::default().with_group_id(to_wire(groups));
        self.start(
            &VASA_PROVIDER_REVERSE_REPLICATE_GROUP_TASK,
            provider,
            groups.len(),
            &body,
        )
        .await
    }

    /// Starts a test failover (`TestFailoverReplicationGroupStart_Task`). Called at the target; `TARGET` becomes `INTEST`.
    /// The source is not told.
    ///
    /// # Errors
    /// As [`VasaClient::start_sync`].
    pub async fn start_test(
        &self,
        provider: &ProviderRef,
        recoveries: &[Recovery],
    ) -> Result<OperationId, CallError> {
        let groups = recoveries.iter().map(Recovery::to_wire).collect();
        let parameters = TestFailoverParam::new(false, false).with_replication_groups_to_failover(groups);
        let body = TestFailoverReplicationGroupStartRequest::new(parameters);
        self.start(
            &VASA_PROVIDER_TEST_FAILOVER_REPLICATION_GROUP_START_TASK,
            provider,
            recoveries.len(),
            &body,
        )
        .await
    }

    /// Ends a test failover (`TestFailoverReplicationGroupStop_Task`). Called at the target; `INTEST` becomes `TARGET`.
    /// `force` unbinds volumes that are in use; without it the provider refuses then.
    ///
    /// # Errors
    /// As [`VasaClient::start_sync`]; also `NotSupportedByProvider` for `force`.
    pub async fn stop_test(
        &self,
        provider: &ProviderRef,
        groups: &[GroupId],
        force: bool,
    ) -> Result<OperationId, CallError> {
        let body = TestFailoverReplicationGroupStopRequest::new(force).with_group_id(to_wire(groups));
        self.start(
            &VASA_PROVIDER_TEST_FAILOVER_REPLICATION_GROUP_STOP_TASK,
            provider,
            groups.len(),
            &body,
        )
        .await
    }

    async fn start<T: Serialize>(
        &self,
        operation: &'static Operation,
        provider: &ProviderRef,
        groups: usize,
        body: &T,
    ) -> Result<OperationId, CallError> {
        let call = Invocation::new(operation, provider.as_str())
            .target(about(provider, groups))
            .body(body);
        self.vim().value(call).await.map(|task| self.operation_id(task))
    }
}

fn to_wire(groups: &[GroupId]) -> Vec<ReplicationGroupId> {
    groups.iter().map(GroupId::to_wire).collect()
}
