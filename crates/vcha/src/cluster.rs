//! The operations on a cluster, each of which is one call.

use bytes::Bytes;
use farside_models_vcenter::operation::{
    VCHA_CLUSTER_ACTIVE_GET, VCHA_CLUSTER_DEPLOY_TASK, VCHA_CLUSTER_DEPLOYMENT_TYPE_GET,
    VCHA_CLUSTER_FAILOVER_TASK, VCHA_CLUSTER_GET, VCHA_CLUSTER_MODE_GET, VCHA_CLUSTER_MODE_SET_TASK,
    VCHA_CLUSTER_PASSIVE_CHECK, VCHA_CLUSTER_PASSIVE_REDEPLOY_TASK, VCHA_CLUSTER_UNDEPLOY_TASK,
    VCHA_CLUSTER_WITNESS_CHECK, VCHA_CLUSTER_WITNESS_REDEPLOY_TASK, VCHA_OPERATIONS_GET,
};
use farside_models_vcenter::{
    VchaClusterActiveGetRequest, VchaClusterActiveInfo, VchaClusterDeploySpec, VchaClusterDeploymentTypeInfo,
    VchaClusterFailoverRequest, VchaClusterGetRequest, VchaClusterInfo, VchaClusterModeClusterMode,
    VchaClusterModeInfo, VchaClusterModeSetRequest, VchaClusterPassiveCheckResult,
    VchaClusterPassiveCheckSpec, VchaClusterPassiveRedeploySpec, VchaClusterUndeploySpec,
    VchaClusterWitnessCheckResult, VchaClusterWitnessCheckSpec, VchaClusterWitnessRedeploySpec,
    VchaOperationsInfo,
};
use farside_transport::{CallError, Effect, OperationId};

use crate::client::{VchaClient, body};
use crate::node::Roles;

/// The methods `start_*` start work once at most, and give the id of a cis task without a result; see [`VchaClient::operation`]
/// to wait for it. Where the session had ended (401, nothing was done) all but [`VchaClient::start_failover`] are sent once
/// more in a fresh one. After an error whose effect is [`Unknown`](farside_transport::Effect::Unknown) the work may be under
/// way: look at the cluster before anything else. A refusal over the cluster's state is 500 `ERROR`, at the call or in the
/// task, and so of that effect (vCenter REST wire rules 10). A dropped future leaves the outcome unknown.
impl VchaClient {
    /// Reads the cluster: first the partial form, which needs `System.Read` only, and the full one (privilege `Global.VCServer`)
    /// when the partial one leaves out mode or roles, as it may (vCenter REST wire rules 9, unverified). Where that is refused,
    /// the partial form is the answer. Since 6.7.1.
    ///
    /// # Errors
    /// [`CallError`]; nothing changed.
    pub async fn cluster(&self) -> Result<VchaClusterInfo, CallError> {
        let partial = self
            .cluster_get(&VchaClusterGetRequest::default().with_partial(true))
            .await?;
        if is_told(&partial) {
            return Ok(partial);
        }
        or_partial(self.cluster_get(&VchaClusterGetRequest::default()).await, partial)
    }

    /// Reads the cluster in the form asked for (`Vcenter.Vcha.Cluster_get`, since 6.7.1; `System.Read` with `partial`, else
    /// `Global.VCServer`). The values are the last known ones. Without a cluster, `config_state` is all there is.
    ///
    /// # Errors
    /// [`CallError`]; nothing changed. `UNVERIFIED_PEER` carries the certificate of the management vCenter
    /// ([`PeerCertificate`](crate::PeerCertificate)).
    pub async fn cluster_get(&self, request: &VchaClusterGetRequest) -> Result<VchaClusterInfo, CallError> {
        self.read(&VCHA_CLUSTER_GET, "cluster", body(request), &[]).await
    }

    /// Reads the cluster and its operations at one address, the one that answered last or else another: halves of two answers
    /// would show a cluster that never was.
    pub(crate) async fn look_anywhere(&self) -> Result<(VchaClusterInfo, VchaOperationsInfo), CallError> {
        self.anywhere(|number| self.look_at(number)).await
    }

    /// Reads the cluster and its operations at each address at which the vCenter may answer, in their order, side by side.
    pub(crate) async fn look_everywhere(
        &self,
    ) -> Vec<Result<(VchaClusterInfo, VchaOperationsInfo), CallError>> {
        let addresses = 0..self.addresses();
        futures_util::future::join_all(addresses.map(|number| self.look_at(number))).await
    }

    /// As [`VchaClient::look_everywhere`], at the address that answered last.
    pub(crate) async fn look_here(&self) -> Result<(VchaClusterInfo, VchaOperationsInfo), CallError> {
        self.look_at(self.here()).await
    }

    async fn look_at(&self, number: usize) -> Result<(VchaClusterInfo, VchaOperationsInfo), CallError> {
        let path = VCHA_CLUSTER_GET.path_with(&[]);
        let get = |request| self.read_at(number, &VCHA_CLUSTER_GET, "cluster", &path, body(&request));
        let partial = get(VchaClusterGetRequest::default().with_partial(true)).await?;
        let cluster = if is_told(&partial) {
            partial
        } else {
            or_partial(get(VchaClusterGetRequest::default()).await, partial)?
        };
        let path = VCHA_OPERATIONS_GET.path_with(&[]);
        let operations = self
            .read_at(number, &VCHA_OPERATIONS_GET, "operations", &path, Bytes::new())
            .await?;
        Ok((cluster, operations))
    }

    /// Reads addresses and machine of the active node (`Vcenter.Vcha.Cluster.Active_get`, since 6.7.1; `System.Read` with
    /// `partial`, else `Global.VCServer`). There need not be a cluster.
    ///
    /// # Errors
    /// As [`VchaClient::cluster_get`]; also `NOT_FOUND` and `INVALID_ELEMENT_CONFIGURATION` over the node's machine.
    pub async fn active(
        &self,
        request: &VchaClusterActiveGetRequest,
    ) -> Result<VchaClusterActiveInfo, CallError> {
        self.read(&VCHA_CLUSTER_ACTIVE_GET, "active node", body(request), &[])
            .await
    }

    /// Reads which operations are barred and which are under way (`Vcenter.Vcha.Operations_get`, `System.Read`, since 6.7.1).
    ///
    /// # Errors
    /// [`CallError`]; nothing changed.
    pub async fn operations(&self) -> Result<VchaOperationsInfo, CallError> {
        self.read(&VCHA_OPERATIONS_GET, "operations", Bytes::new(), &[])
            .await
    }

    /// Reads the mode (`Vcenter.Vcha.Cluster.Mode_get`, `System.Read`, since 6.7.1).
    ///
    /// # Errors
    /// [`CallError`]; nothing changed. `NOT_ALLOWED_IN_CURRENT_STATE` where there is no cluster.
    pub async fn mode(&self) -> Result<VchaClusterModeClusterMode, CallError> {
        let info: VchaClusterModeInfo = self
            .read(&VCHA_CLUSTER_MODE_GET, "mode", Bytes::new(), &[])
            .await?;
        Ok(info.mode)
    }

    /// Reads how the cluster was deployed, `NONE` where there is none (`Vcenter.Vcha.Cluster.DeploymentType_get`,
    /// `System.Read`, since 6.7.1).
    ///
    /// # Errors
    /// [`CallError`]; nothing changed.
    pub async fn deployment_type(&self) -> Result<VchaClusterDeploymentTypeInfo, CallError> {
        let operation = &VCHA_CLUSTER_DEPLOYMENT_TYPE_GET;
        self.read(operation, "deployment type", Bytes::new(), &[]).await
    }

    /// Starts a failover to the passive node (`Vcenter.Vcha.Cluster_failover$Task`, privilege `Global.VCServer`, since 6.7.1):
    /// with `planned`, the active node hands its state over first and nothing is lost; without, what was not replicated is.
    ///
    /// A second failover would switch back. [`Failover`](crate::Failover) looks first, and follows the switch to its end.
    ///
    /// # Errors
    /// [`CallError`]; after `Unknown` read the roles before anything else. After 401 nothing was done, and the next call logs in:
    /// read the roles too, since a session that is lost may be the sign that the cluster has switched by itself. Other methods
    /// send what was refused so once more in a fresh session; this one does not.
    ///
    /// # Cancel safety
    /// A dropped future leaves the outcome unknown.
    pub async fn start_failover(&self, planned: bool) -> Result<OperationId, CallError> {
        let body = body(&VchaClusterFailoverRequest::new(planned));
        let operation = &VCHA_CLUSTER_FAILOVER_TASK;
        let call = self.call(operation, "cluster", &operation.path_with(&[]), body);
        self.begin(call.once()).await
    }

    /// Starts a change of mode (`Vcenter.Vcha.Cluster.Mode_set$Task`, privilege `Global.VCServer`, since 6.7.1). Possible are
    /// `ENABLED` to `DISABLED`, and in a healthy cluster `ENABLED` to `MAINTENANCE`, `DISABLED` to `ENABLED`, and `MAINTENANCE` to
    /// both others where all nodes run one version.
    ///
    /// # Errors
    /// [`CallError`]; after `Unknown` read the mode.
    ///
    /// # Cancel safety
    /// A dropped future leaves the outcome unknown.
    pub async fn start_mode_set(&self, mode: VchaClusterModeClusterMode) -> Result<OperationId, CallError> {
        let body = body(&VchaClusterModeSetRequest::new(mode));
        self.start(&VCHA_CLUSTER_MODE_SET_TASK, "mode", body).await
    }

    /// Starts a deployment (`Vcenter.Vcha.Cluster_deploy$Task`, privilege `Global.VCServer`, since 6.7.1); see
    /// [`Deployment`](crate::Deployment) for what goes into it. It takes minutes.
    ///
    /// # Errors
    /// [`CallError`]: `INVALID_ARGUMENT` and `UNVERIFIED_PEER` mean that nothing was deployed; after `Unknown` read the cluster.
    ///
    /// # Cancel safety
    /// A dropped future leaves the outcome unknown.
    pub async fn start_deploy(&self, spec: &VchaClusterDeploySpec) -> Result<OperationId, CallError> {
        self.start(&VCHA_CLUSTER_DEPLOY_TASK, "cluster", body(spec)).await
    }

    /// Starts the removal of the cluster (`Vcenter.Vcha.Cluster_undeploy$Task`, privilege `Global.VCServer`, since 6.7.1); see
    /// [`Removal`](crate::Removal) for what becomes of the machines. The active node goes on as a single vCenter.
    ///
    /// # Errors
    /// [`CallError`]: after `INVALID_ARGUMENT`, `NOT_FOUND` and `UNVERIFIED_PEER` the cluster is as before; after `Unknown` read it.
    ///
    /// # Cancel safety
    /// A dropped future leaves the outcome unknown.
    pub async fn start_undeploy(&self, spec: &VchaClusterUndeploySpec) -> Result<OperationId, CallError> {
        self.start(&VCHA_CLUSTER_UNDEPLOY_TASK, "cluster", body(spec))
            .await
    }

    /// Checks whether a passive node could be placed (`Vcenter.Vcha.Cluster.Passive_check`, privilege `Global.VCServer`, since
    /// 6.7.1). What speaks against it is in the answer.
    ///
    /// # Errors
    /// [`CallError`]; nothing changed. `NOT_ALLOWED_IN_CURRENT_STATE` where the cluster has the node.
    pub async fn passive_check(
        &self,
        spec: &VchaClusterPassiveCheckSpec,
    ) -> Result<VchaClusterPassiveCheckResult, CallError> {
        self.read(&VCHA_CLUSTER_PASSIVE_CHECK, "passive node", body(spec), &[])
            .await
    }

    /// Starts making a passive node for a cluster that lost its own (`Vcenter.Vcha.Cluster.Passive_redeploy$Task`, privilege
    /// `Global.VCServer`, since 6.7.1). The lost one is not removed.
    ///
    /// # Errors
    /// [`CallError`]: `INVALID_ARGUMENT` and `UNVERIFIED_PEER` mean that nothing was made; after `Unknown` read the cluster.
    ///
    /// # Cancel safety
    /// A dropped future leaves the outcome unknown.
    pub async fn start_passive_redeploy(
        &self,
        spec: &VchaClusterPassiveRedeploySpec,
    ) -> Result<OperationId, CallError> {
        let operation = &VCHA_CLUSTER_PASSIVE_REDEPLOY_TASK;
        self.start(operation, "passive node", body(spec)).await
    }

    /// Checks whether a witness could be placed (`Vcenter.Vcha.Cluster.Witness_check`, privilege `Global.VCServer`, since
    /// 6.7.1). What speaks against it is in the answer.
    ///
    /// # Errors
    /// As [`VchaClient::passive_check`].
    pub async fn witness_check(
        &self,
        spec: &VchaClusterWitnessCheckSpec,
    ) -> Result<VchaClusterWitnessCheckResult, CallError> {
        self.read(&VCHA_CLUSTER_WITNESS_CHECK, "witness", body(spec), &[])
            .await
    }

    /// Starts making a witness for a cluster that lost its own (`Vcenter.Vcha.Cluster.Witness_redeploy$Task`, privilege
    /// `Global.VCServer`, since 6.7.1). The lost one is not removed.
    ///
    /// # Errors
    /// As [`VchaClient::start_passive_redeploy`].
    ///
    /// # Cancel safety
    /// A dropped future leaves the outcome unknown.
    pub async fn start_witness_redeploy(
        &self,
        spec: &VchaClusterWitnessRedeploySpec,
    ) -> Result<OperationId, CallError> {
        let operation = &VCHA_CLUSTER_WITNESS_REDEPLOY_TASK;
        self.start(operation, "witness", body(spec)).await
    }
}

/// The full form, or the partial one where the full one is refused, as it is without credentials of another management vCenter.
fn or_partial(
    full: Result<VchaClusterInfo, CallError>,
    partial: VchaClusterInfo,
) -> Result<VchaClusterInfo, CallError> {
    match full {
        Err(error) if error.effect() == Effect::Refused => Ok(partial),
        full => full,
    }
}

/// Whether a cluster says what a failover has to know: its mode, and which node is active.
fn is_told(cluster: &VchaClusterInfo) -> bool {
    cluster.mode.is_some() && Roles::of(cluster).active.is_some()
}
