//! Starting what changes groups: one call each, never repeated here.

use std::time::Duration;

use farside_transport::{CallError, DEFAULT_CALL_LIMIT, ForeignOperation, OperationId, RemoteOperation};
use farside_wire::RawJson;

use crate::action::{Action, Batch, Recovery};
use crate::batch::{GroupOutcome, regroup};
use crate::client::VasaClient;
use crate::id::{GroupId, ProviderRef};
use crate::task;

/// Work on the groups of a batch; its result has an outcome for each, in their order.
pub type GroupWork = RemoteOperation<Vec<GroupOutcome>>;

impl VasaClient {
    /// Starts an action on groups of one provider: exactly one call, whatever becomes of it.
    ///
    /// The batch goes out as it is: no more groups than [`batch_limit`](crate::batch_limit), named by their ids at the side that
    /// [`Action::called_at`] names; [`VasaClient::act`] sees to both. The task is followed with
    /// [`RemoteOperation::until_done`]; its id can be stored and [attached](VasaClient::attach) again.
    ///
    /// # Errors
    /// [`CallError`]; its effect says whether work may have begun. What the faults mean: [`GroupFault::of`](crate::GroupFault::of).
    /// Needs `StorageViews.ConfigureService`.
    ///
    /// # Cancel safety
    /// Dropped, it leaves unknown whether work has begun.
    pub async fn start(&self, provider: &ProviderRef, batch: &Batch) -> Result<GroupWork, CallError> {
        self.start_within(DEFAULT_CALL_LIMIT, provider, batch).await
    }

    /// [`VasaClient::start`] whose call has this time, or that of any call if that is less.
    pub(crate) async fn start_within(
        &self,
        limit: Duration,
        provider: &ProviderRef,
        batch: &Batch,
    ) -> Result<GroupWork, CallError> {
        let groups = batch.groups();
        let outcomes = move |result: Option<RawJson>| Ok(regroup(&groups, result.as_ref()));
        let call = batch.invocation(provider).deadline(limit.min(DEFAULT_CALL_LIMIT));
        task::start(self.vim(), call, outcomes).await
    }

    /// Work on groups that was started before, by this process or another one; the groups are those of the call. Nothing is sent.
    ///
    /// # Errors
    /// [`ForeignOperation`] for an id of another kind or of another vCenter.
    pub fn attach(&self, id: OperationId, groups: Vec<GroupId>) -> Result<GroupWork, ForeignOperation> {
        task::stored(self.vim(), id, move |result| {
            Ok(regroup(&groups, result.as_ref()))
        })
    }

    /// Any SMS task by its id, its result as the server wrote it. Nothing is sent.
    ///
    /// # Errors
    /// As [`VasaClient::attach`].
    pub fn operation(&self, id: OperationId) -> Result<RemoteOperation<Option<RawJson>>, ForeignOperation> {
        task::stored(self.vim(), id, Ok)
    }

    /// [`VasaClient::start`] with [`Action::Sync`].
    ///
    /// # Errors
    /// As [`VasaClient::start`].
    pub async fn start_sync(
        &self,
        provider: &ProviderRef,
        groups: &[GroupId],
        point_name: &str,
    ) -> Result<GroupWork, CallError> {
        let action = Action::Sync {
            point_name: point_name.to_owned(),
        };
        self.start(provider, &of_groups(action, groups)).await
    }

    /// [`VasaClient::start`] with [`Action::Prepare`].
    ///
    /// # Errors
    /// As [`VasaClient::start`].
    pub async fn start_prepare(
        &self,
        provider: &ProviderRef,
        groups: &[GroupId],
    ) -> Result<GroupWork, CallError> {
        self.start(provider, &of_groups(Action::Prepare, groups)).await
    }

    /// [`VasaClient::start`] with [`Action::Failover`].
    ///
    /// # Errors
    /// As [`VasaClient::start`].
    pub async fn start_failover(
        &self,
        provider: &ProviderRef,
        recoveries: &[Recovery],
        planned: bool,
    ) -> Result<GroupWork, CallError> {
        let action = Action::Failover { planned };
        self.start(provider, &Batch::new(action, recoveries.iter().cloned()))
            .await
    }

    /// [`VasaClient::start`] with [`Action::CheckFailover`].
    ///
    /// # Errors
    /// As [`VasaClient::start`].
    pub async fn start_failover_check(
        &self,
        provider: &ProviderRef,
        recoveries: &[Recovery],
        planned: bool,
    ) -> Result<GroupWork, CallError> {
        let action = Action::CheckFailover { planned };
        self.start(provider, &Batch::new(action, recoveries.iter().cloned()))
            .await
    }

    /// [`VasaClient::start`] with [`Action::Reverse`].
    ///
    /// # Errors
    /// As [`VasaClient::start`].
    pub async fn start_reverse(
        &self,
        provider: &ProviderRef,
        groups: &[GroupId],
    ) -> Result<GroupWork, CallError> {
        self.start(provider, &of_groups(Action::Reverse, groups)).await
    }

    /// [`VasaClient::start`] with [`Action::StartTest`], unplanned: the source is not contacted.
    ///
    /// # Errors
    /// As [`VasaClient::start`].
    pub async fn start_test(
        &self,
        provider: &ProviderRef,
        recoveries: &[Recovery],
    ) -> Result<GroupWork, CallError> {
        let action = Action::StartTest { planned: false };
        self.start(provider, &Batch::new(action, recoveries.iter().cloned()))
            .await
    }

    /// [`VasaClient::start`] with [`Action::StopTest`].
    ///
    /// # Errors
    /// As [`VasaClient::start`]; also `NotSupportedByProvider` for `force`.
    pub async fn stop_test(
        &self,
        provider: &ProviderRef,
        groups: &[GroupId],
        force: bool,
    ) -> Result<GroupWork, CallError> {
        self.start(provider, &of_groups(Action::StopTest { force }, groups))
            .await
    }

    /// [`VasaClient::start`] with [`Action::Promote`].
    ///
    /// # Errors
    /// As [`VasaClient::start`]; `NotImplemented` where the provider has no promotion.
    pub async fn start_promote(
        &self,
        provider: &ProviderRef,
        groups: &[GroupId],
        planned: bool,
    ) -> Result<GroupWork, CallError> {
        self.start(provider, &of_groups(Action::Promote { planned }, groups))
            .await
    }
}

fn of_groups(action: Action, groups: &[GroupId]) -> Batch {
    Batch::new(action, groups.iter().cloned())
}
