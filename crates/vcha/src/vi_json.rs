//! The older form of a cluster: `FailoverClusterManager` and `FailoverClusterConfigurator` of VI JSON, since 6.5. It tells less
//! than REST (nothing of what is under way, nothing of whether a failover is allowed), and does the same.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use farside_models_vim::operation::{
    FAILOVER_CLUSTER_CONFIGURATOR_CONFIGURE_VCHA_TASK,
    FAILOVER_CLUSTER_CONFIGURATOR_CREATE_PASSIVE_NODE_TASK,
    FAILOVER_CLUSTER_CONFIGURATOR_CREATE_WITNESS_NODE_TASK, FAILOVER_CLUSTER_CONFIGURATOR_DEPLOY_VCHA_TASK,
    FAILOVER_CLUSTER_CONFIGURATOR_DESTROY_VCHA_TASK,
    FAILOVER_CLUSTER_CONFIGURATOR_GET_DISABLED_CONFIGURE_METHOD,
    FAILOVER_CLUSTER_CONFIGURATOR_GET_VCHA_CONFIG, FAILOVER_CLUSTER_CONFIGURATOR_PREPARE_VCHA_TASK,
    FAILOVER_CLUSTER_MANAGER_GET_CLUSTER_MODE, FAILOVER_CLUSTER_MANAGER_GET_DISABLED_CLUSTER_METHOD,
    FAILOVER_CLUSTER_MANAGER_GET_VCHA_CLUSTER_HEALTH, FAILOVER_CLUSTER_MANAGER_INITIATE_FAILOVER_TASK,
    FAILOVER_CLUSTER_MANAGER_SET_CLUSTER_MODE_TASK,
};
use farside_models_vim::{
    ConfigureVchaRequest, CreatePassiveNodeRequest, CreateWitnessNodeRequest, CustomizationFixedIp,
    CustomizationFixedIpV6, CustomizationIPSettings, DeployVchaRequest, FailoverNodeInfo,
    InitiateFailoverRequest, PrepareVchaRequest, SetClusterModeRequest, VchaClusterConfigInfo,
    VchaClusterHealth, VchaNodeRuntimeInfo,
};
use farside_transport::{CallError, CallErrorKind, Clock, NextLook, OperationId, TaskSource, TaskStatus};
use farside_vim::{Invocation, ManagedObject as _, VimClient, VimTasks};
use farside_wire::ManagedObjectReference;

use crate::address::{Network, bits};
use crate::client::has_answered;
use crate::ha::HaCluster;
use crate::node::HaAddress;
use crate::view::{ClusterView, Config, Form, Health, Mode, NO_WORDS, NodeView, Role};

farside_vim::managed_object! {
    /// Health, mode and failover of the cluster of a vCenter; its id is in the service content.
    pub struct FailoverClusterManager = "FailoverClusterManager";

    /// Deployment and removal of the cluster of a vCenter; its id is in the service content.
    pub struct FailoverClusterConfigurator = "FailoverClusterConfigurator";
}

farside_vim::methods! {
    FailoverClusterManager {
        /// Reads the last known health: state, mode, and each node with role and HA address. Refused while a deployment runs.
        read health() -> value VchaClusterHealth = FAILOVER_CLUSTER_MANAGER_GET_VCHA_CLUSTER_HEALTH;
        /// Reads the mode: `enabled`, `disabled` or `maintenance`.
        read mode() -> value String = FAILOVER_CLUSTER_MANAGER_GET_CLUSTER_MODE;
        /// Reads which methods are refused at the moment, because other work runs.
        read disabled_methods() -> list String = FAILOVER_CLUSTER_MANAGER_GET_DISABLED_CLUSTER_METHOD;
        /// Starts a failover to the passive node; sent twice it switches back. Session and task are lost with the switch: look at
        /// the roles. [`Failover`](crate::Failover) does that. After a session that had ended it is not sent again by itself.
        once initiate_failover(request: &InitiateFailoverRequest) -> task = FAILOVER_CLUSTER_MANAGER_INITIATE_FAILOVER_TASK;
        /// Starts a change of mode.
        act set_mode(request: &SetClusterModeRequest) -> task = FAILOVER_CLUSTER_MANAGER_SET_CLUSTER_MODE_TASK;
    }
}

farside_vim::methods! {
    FailoverClusterConfigurator {
        /// Reads whether there is a cluster, and the addresses of its nodes; which is active is not told here.
        read config() -> value VchaClusterConfigInfo = FAILOVER_CLUSTER_CONFIGURATOR_GET_VCHA_CONFIG;
        /// Reads which methods are refused at the moment, because other work runs.
        read disabled_methods() -> list String = FAILOVER_CLUSTER_CONFIGURATOR_GET_DISABLED_CONFIGURE_METHOD;
        /// Starts making a cluster in one go; it takes minutes. After a failure, clean up with `destroy`.
        act deploy(request: &DeployVchaRequest) -> task = FAILOVER_CLUSTER_CONFIGURATOR_DEPLOY_VCHA_TASK;
        /// Starts the first of three steps by hand: this vCenter is made ready for being cloned.
        act prepare(request: &PrepareVchaRequest) -> task = FAILOVER_CLUSTER_CONFIGURATOR_PREPARE_VCHA_TASK;
        /// Starts the last step by hand: a cluster of this vCenter and two clones.
        act configure(request: &ConfigureVchaRequest) -> task = FAILOVER_CLUSTER_CONFIGURATOR_CONFIGURE_VCHA_TASK;
        /// Starts making a passive node for a cluster that lost its own.
        act create_passive_node(request: &CreatePassiveNodeRequest) -> task = FAILOVER_CLUSTER_CONFIGURATOR_CREATE_PASSIVE_NODE_TASK;
        /// Starts making a witness for a cluster that lost its own.
        act create_witness_node(request: &CreateWitnessNodeRequest) -> task = FAILOVER_CLUSTER_CONFIGURATOR_CREATE_WITNESS_NODE_TASK;
        /// Starts taking the cluster apart, in mode `disabled`, on an isolated node, or after a deployment that failed.
        act destroy() -> task = FAILOVER_CLUSTER_CONFIGURATOR_DESTROY_VCHA_TASK;
    }
}

/// A cluster reached through VI JSON: the older form behind [`HaCluster`].
///
/// Reads go to the address that answered last, and to the others when no vCenter answers there.
#[derive(Debug)]
pub struct ViJsonCluster {
    clients: Vec<VimClient>,
    current: AtomicUsize,
}

impl ViJsonCluster {
    /// The cluster of the vCenter behind `client`, whose name is that of the vCenter.
    #[must_use]
    pub fn new(client: VimClient) -> Self {
        Self {
            clients: vec![client],
            current: AtomicUsize::new(0),
        }
    }

    /// Adds a client of a further address at which the same vCenter may answer after a switch (`failoverIp` of its nodes).
    #[must_use]
    pub fn also_at(mut self, client: VimClient) -> Self {
        self.clients.push(client);
        self
    }

    /// The manager, at the address that answered last.
    ///
    /// # Errors
    /// Whatever the read of the service content met; [`CallErrorKind::Request`] where the vCenter has no manager.
    pub async fn manager(&self) -> Result<FailoverClusterManager, CallError> {
        manager(self.client()).await
    }

    /// The configurator, at the address that answered last.
    ///
    /// # Errors
    /// As [`ViJsonCluster::manager`].
    pub async fn configurator(&self) -> Result<FailoverClusterConfigurator, CallError> {
        configurator(self.client()).await
    }

    fn client(&self) -> &VimClient {
        let number = self.current.load(Ordering::Relaxed);
        self.clients.get(number).unwrap_or(&self.clients[0])
    }
}

fn missing() -> CallError {
    let call = Invocation::new(&FAILOVER_CLUSTER_MANAGER_GET_VCHA_CLUSTER_HEALTH, "").into_call();
    let text = "this vCenter has no vCenter HA in its service content";
    call.context().error(CallErrorKind::Request(text))
}

async fn manager(client: &VimClient) -> Result<FailoverClusterManager, CallError> {
    let reference: Option<ManagedObjectReference> = client.content().await?.failover_cluster_manager.clone();
    Ok(FailoverClusterManager::of(client, reference.ok_or_else(missing)?))
}

async fn configurator(client: &VimClient) -> Result<FailoverClusterConfigurator, CallError> {
    let reference = client.content().await?.failover_cluster_configurator.clone();
    Ok(FailoverClusterConfigurator::of(
        client,
        reference.ok_or_else(missing)?,
    ))
}

/// What one address says. Health is asked for only where there is a cluster, as it is refused otherwise.
async fn look(client: &VimClient) -> Result<ClusterView, CallError> {
    let config = configurator(client).await?.config().await?;
    let state = Config::of(&config.state);
    let manager = manager(client).await?;
    let mut view = ClusterView {
        form: Form::ViJson,
        config: Some(state.clone()),
        mode: None,
        health: None,
        remarks: Vec::new(),
        nodes: Vec::new(),
        witness: None,
        manual_failover: None,
        barred: Some(manager.disabled_methods().await?),
        under_way: None,
    };
    if state == Config::Configured {
        tell(&mut view, &config, manager.health().await?);
    }
    Ok(view)
}

fn tell(view: &mut ClusterView, config: &VchaClusterConfigInfo, health: VchaClusterHealth) {
    let runtime = health.runtime_info;
    view.mode = Some(Mode::of(&runtime.cluster_mode));
    view.health = Some(Health::of(&runtime.cluster_state));
    let messages = health.health_messages.iter().map(|message| {
        [
            message.message.as_deref().unwrap_or_default(),
            &message.key,
            NO_WORDS,
        ]
    });
    let words = |texts: [&str; 3]| texts.into_iter().find(|text| !text.is_empty()).map(str::to_owned);
    view.remarks = messages.filter_map(words).collect();
    let configured = [&config.failover_node_info1, &config.failover_node_info2];
    for info in &runtime.node_info {
        let node = node(info, &configured);
        if node.role == Some(Role::Witness) {
            view.witness = Some(node);
        } else {
            view.nodes.push(node);
        }
    }
}

fn node(info: &VchaNodeRuntimeInfo, configured: &[&Option<FailoverNodeInfo>]) -> NodeView {
    let address = HaAddress::told(&info.node_ip);
    let own = |node: &&FailoverNodeInfo| {
        let network = network(&node.cluster_ip_settings);
        network.is_some_and(|network| Some(HaAddress::new(network.address().to_string())) == address)
    };
    let configured = configured.iter().filter_map(|node| node.as_ref()).find(own);
    NodeView {
        role: Some(Role::of(&info.node_role)),
        up: match info.node_state.as_str() {
            "up" => Some(true),
            "down" => Some(false),
            _ => None,
        },
        failover_address: configured.and_then(|node| network(node.failover_ip.as_ref()?)),
        ha_address: address,
    }
}

/// The fixed address of a network card; `None` where it has none, or one that cannot be read.
fn network(settings: &CustomizationIPSettings) -> Option<Network> {
    if let Some(Ok(fixed)) = settings.ip.downcast::<CustomizationFixedIp>() {
        let mask: Option<Ipv4Addr> = settings.subnet_mask.as_ref().and_then(|mask| mask.parse().ok());
        let prefix = mask.and_then(prefix_of);
        return Some(Network::V4 {
            address: fixed.ip_address.parse().ok()?,
            prefix,
        });
    }
    let fixed = settings.ip_v6_spec.as_ref()?.ip.first()?;
    let fixed = fixed.downcast::<CustomizationFixedIpV6>()?.ok()?;
    Some(Network::V6 {
        address: fixed.ip_address.parse().ok()?,
        prefix: bits(fixed.subnet_mask, Ipv6Addr::BITS)?,
    })
}

/// The bits of a mask; none where they do not come first.
fn prefix_of(mask: Ipv4Addr) -> Option<u8> {
    let ones = mask.to_bits().leading_ones();
    (ones + mask.to_bits().trailing_zeros() >= Ipv4Addr::BITS)
        .then_some(ones)?
        .try_into()
        .ok()
}

#[async_trait]
impl HaCluster for Arc<ViJsonCluster> {
    fn endpoint(&self) -> &str {
        self.client().endpoint()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(self.client().clock())
    }

    async fn view(&self) -> Result<ClusterView, CallError> {
        let first = self.current.load(Ordering::Relaxed);
        let mut failure = None;
        for position in 0..self.clients.len() {
            let number = (first + position) % self.clients.len();
            match look(&self.clients[number]).await {
                Ok(view) => {
                    self.current.store(number, Ordering::Relaxed);
                    return Ok(view);
                }
                Err(error) if has_answered(&error) => return Err(error),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.unwrap_or_else(missing))
    }

    async fn view_here(&self) -> Result<ClusterView, CallError> {
        look(self.client()).await
    }

    async fn views(&self, wanted: &HaAddress) -> Vec<Result<ClusterView, CallError>> {
        let views = futures_util::future::join_all(self.clients.iter().map(look)).await;
        let shows = |view: &Result<ClusterView, CallError>| {
            view.as_ref()
                .is_ok_and(|view| view.roles().active.as_ref() == Some(wanted))
        };
        if let Some(number) = views.iter().position(shows) {
            self.current.store(number, Ordering::Relaxed);
        }
        views
    }

    async fn start_failover(&self, planned: bool) -> Result<OperationId, CallError> {
        let request = InitiateFailoverRequest::new(planned);
        let task = self.manager().await?.initiate_failover(&request).await?;
        Ok(task.id().clone())
    }

    async fn start_mode_change(&self, to: &Mode) -> Result<OperationId, CallError> {
        let mode = match to {
            Mode::Unknown(text) => text.clone(),
            known => known.text().to_ascii_lowercase(),
        };
        let request = SetClusterModeRequest::new(mode);
        let task = self.manager().await?.set_mode(&request).await?;
        Ok(task.id().clone())
    }

    fn tasks(&self) -> Arc<dyn TaskSource> {
        Arc::new(TasksOfCluster(Arc::clone(self)))
    }
}

/// Looks at the vim tasks of a cluster, wherever it answers; together with all other waits for vim tasks there.
#[derive(Debug)]
struct TasksOfCluster(Arc<ViJsonCluster>);

impl TasksOfCluster {
    fn source(&self) -> VimTasks {
        VimTasks::new(self.0.client().clone())
    }
}

#[async_trait]
impl TaskSource for TasksOfCluster {
    async fn poll(&self, id: &OperationId) -> Result<TaskStatus, CallError> {
        self.source().poll(id).await
    }

    async fn next(&self, id: &OperationId, look: NextLook<'_>) -> Result<TaskStatus, CallError> {
        self.source().next(id, look).await
    }

    fn comes_again_after(&self) -> Option<Duration> {
        self.source().comes_again_after()
    }

    fn can_cancel(&self) -> bool {
        self.source().can_cancel()
    }

    async fn cancel(&self, id: &OperationId) -> Result<(), CallError> {
        self.source().cancel(id).await
    }
}
