//! One cluster, whichever API it is reached through.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use farside_models_vcenter::{VchaClusterInfo, VchaClusterModeClusterMode, VchaOperationsInfo};
use farside_transport::{CallError, Clock, OperationId, TaskSource};
use farside_wire::OpenEnum as _;

use crate::client::VchaClient;
use crate::task::CisTasks;
use crate::view::{ClusterView, Mode};

/// A vCenter HA cluster: what a failover needs of it. Implemented for vCenter REST by `Arc<VchaClient>`, and behind the
/// feature `vi-json` by `ViJsonCluster`.
///
/// The methods `start_*` start work once at most. After an error whose effect is
/// [`Unknown`](farside_transport::Effect::Unknown) look at the cluster before anything else.
#[async_trait]
pub trait HaCluster: fmt::Debug + Send + Sync {
    /// Name of the vCenter in errors and operation ids.
    fn endpoint(&self) -> &str;

    /// Time, as the client sees it.
    fn clock(&self) -> Arc<dyn Clock>;

    /// Reads the cluster and what is barred and under way, at the address that answered last, or else at another.
    ///
    /// # Errors
    /// [`CallError`]; nothing changed.
    async fn view(&self) -> Result<ClusterView, CallError>;

    /// Reads the same at the address that answered last, and at no other.
    ///
    /// # Errors
    /// [`CallError`]; nothing changed.
    async fn view_here(&self) -> Result<ClusterView, CallError>;

    /// Reads the same at each address at which the vCenter may answer; an answer that shows `wanted` active settles where it is
    /// asked from here on.
    async fn views(&self, wanted: &crate::HaAddress) -> Vec<Result<ClusterView, CallError>>;

    /// Starts a failover to the passive node. It is not sent again by itself, not even in another session after one that has
    /// ended: that may be the sign that the cluster has switched.
    ///
    /// # Errors
    /// [`CallError`]; a refusal over the cluster's state has the effect `Unknown`, as it is not told apart from a failure.
    async fn start_failover(&self, planned: bool) -> Result<OperationId, CallError>;

    /// Starts a change of mode, at most once more where the session had ended; a mode that this crate does not know is sent as it
    /// is.
    ///
    /// # Errors
    /// As [`HaCluster::start_failover`].
    async fn start_mode_change(&self, to: &Mode) -> Result<OperationId, CallError>;

    /// What looks at the tasks that the methods `start_*` give.
    fn tasks(&self) -> Arc<dyn TaskSource>;
}

#[async_trait]
impl HaCluster for Arc<VchaClient> {
    fn endpoint(&self) -> &str {
        VchaClient::endpoint(self)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(VchaClient::clock(self))
    }

    async fn view(&self) -> Result<ClusterView, CallError> {
        let (cluster, operations) = self.look_anywhere().await?;
        Ok(ClusterView::of_rest(&cluster, Some(&operations)))
    }

    async fn view_here(&self) -> Result<ClusterView, CallError> {
        let (cluster, operations) = self.look_here().await?;
        Ok(ClusterView::of_rest(&cluster, Some(&operations)))
    }

    async fn views(&self, wanted: &crate::HaAddress) -> Vec<Result<ClusterView, CallError>> {
        let answers: Vec<Result<(VchaClusterInfo, VchaOperationsInfo), CallError>> =
            self.look_everywhere().await;
        let view = |(cluster, operations)| ClusterView::of_rest(&cluster, Some(&operations));
        let views: Vec<Result<ClusterView, CallError>> =
            answers.into_iter().map(|answer| answer.map(view)).collect();
        let shows = |view: &Result<ClusterView, CallError>| {
            view.as_ref()
                .is_ok_and(|view| view.roles().active.as_ref() == Some(wanted))
        };
        if let Some(number) = views.iter().position(shows) {
            self.answered_at(number);
        }
        views
    }

    async fn start_failover(&self, planned: bool) -> Result<OperationId, CallError> {
        VchaClient::start_failover(self, planned).await
    }

    async fn start_mode_change(&self, to: &Mode) -> Result<OperationId, CallError> {
        self.start_mode_set(VchaClusterModeClusterMode::from_wire(to.text()))
            .await
    }

    fn tasks(&self) -> Arc<dyn TaskSource> {
        Arc::new(CisTasks::new(Arc::clone(self)))
    }
}
