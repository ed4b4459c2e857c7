//! A cluster as both APIs show it: vCenter REST, and the older VI JSON form.

use farside_models_vcenter::{
    VchaClusterConfigState, VchaClusterInfo, VchaClusterMode, VchaClusterNodeInfo, VchaClusterNodeRole,
    VchaClusterNodeState, VchaClusterState, VchaOperationsInfo,
};
use farside_wire::{OpenEnum, StdMessage};

use crate::address::Network;
use crate::node::{HaAddress, Roles, address};
use crate::readiness::FAILOVER_OPERATION;

/// Stands for a remark that has no text.
pub(crate) const NO_WORDS: &str = "a warning without a text";

/// The API that showed a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// vCenter REST.
    Rest,
    /// VI JSON: `FailoverClusterManager` and `FailoverClusterConfigurator`.
    ViJson,
}

impl Form {
    /// The operation whose answer has the value of a condition.
    pub(crate) fn told_by(self, condition: &str) -> &'static str {
        match (self, condition) {
            (Self::Rest, "operations.disabled" | "operations.active") => "Vcenter.Vcha.Operations_get",
            (Self::Rest, _) => "Vcenter.Vcha.Cluster_get",
            (Self::ViJson, "config_state") => "FailoverClusterConfigurator_getVchaConfig",
            (Self::ViJson, "operations.disabled") => "FailoverClusterManager_getDisabledClusterMethod",
            (Self::ViJson, _) => "FailoverClusterManager_GetVchaClusterHealth",
        }
    }

    /// VI JSON bars a method because another one is at work, REST also over the cluster's state.
    pub(crate) fn bars_for_a_while(self) -> bool {
        match self {
            Self::Rest => false,
            Self::ViJson => true,
        }
    }
}

/// Declares an open set of words that both APIs have, each in its own letters.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$value_doc])* $variant,)*
            /// A value that this crate does not know.
            Unknown(String),
        }

        impl $name {
            /// The value in the letters of REST; one that is not known, in those of its server.
            pub fn text(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Unknown(text) => text,
                }
            }

            /// The value of a text of either API.
            pub(crate) fn of(text: &str) -> Self {
                match text.to_ascii_uppercase().as_str() {
                    $($text => Self::$variant,)*
                    _ => Self::Unknown(text.to_owned()),
                }
            }
        }
    };
}

words! {
    /// Whether a cluster is set up.
    Config {
        /// It is.
        Configured = "CONFIGURED",
        /// There is none.
        NotConfigured = "NOTCONFIGURED",
        /// What there is is not valid.
        Invalid = "INVALID",
        /// It is prepared for.
        Prepared = "PREPARED",
    }
}

words! {
    /// Which failovers a cluster does.
    Mode {
        /// By itself and when told.
        Enabled = "ENABLED",
        /// None.
        Disabled = "DISABLED",
        /// When told.
        Maintenance = "MAINTENANCE",
    }
}

words! {
    /// Health of a cluster.
    Health {
        /// All nodes are up and in sync.
        Healthy = "HEALTHY",
        /// A node is down, or replication fails; usual for a while after a switch.
        Degraded = "DEGRADED",
        /// The nodes do not reach one another.
        Isolated = "ISOLATED",
    }
}

words! {
    /// What a node does.
    Role {
        /// It serves.
        Active = "ACTIVE",
        /// It would take over.
        Passive = "PASSIVE",
        /// It has a say.
        Witness = "WITNESS",
    }
}

/// One of the two nodes, or the witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// Its address in the HA network, by which it is known.
    pub ha_address: Option<HaAddress>,
    /// Its role, if it is told.
    pub role: Option<Role>,
    /// Whether it is up, if that is known.
    pub up: Option<bool>,
    /// The address that it takes when it is active; `None` stands for the active node's.
    pub failover_address: Option<Network>,
}

/// A cluster as one of the APIs shows it. What is absent is unknown, and not false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterView {
    /// Which API showed it.
    pub form: Form,
    /// Whether it is set up.
    pub config: Option<Config>,
    /// Which failovers it does.
    pub mode: Option<Mode>,
    /// Its health.
    pub health: Option<Health>,
    /// What is said about its health.
    pub remarks: Vec<String>,
    /// The two nodes, in no order that means anything.
    pub nodes: Vec<NodeView>,
    /// The witness.
    pub witness: Option<NodeView>,
    /// Whether a failover by hand is allowed: `None` where the API has no such member, `Some(None)` where it is absent, which
    /// means that the mode decides.
    pub manual_failover: Option<Option<bool>>,
    /// Operations that may not begin; `None` if that was not read.
    pub barred: Option<Vec<String>>,
    /// Operations under way; `None` if that was not read, and always by VI JSON, which does not tell them.
    pub under_way: Option<Vec<String>>,
}

impl ClusterView {
    /// What REST says.
    pub fn of_rest(cluster: &VchaClusterInfo, operations: Option<&VchaOperationsInfo>) -> Self {
        let nodes = [&cluster.node1, &cluster.node2];
        let warnings = cluster.health_warnings.iter().map(|warning| &warning.error);
        let remarks = warnings
            .chain(&cluster.health_exception)
            .map(|message| StdMessage::text(message).unwrap_or(NO_WORDS));
        let witness = cluster.witness.as_ref().map(|witness| {
            let runtime = witness.runtime.as_ref();
            NodeView {
                ha_address: address(&witness.ha_ip),
                role: role(runtime.and_then(|runtime| runtime.role.as_ref())),
                up: up(runtime.and_then(|runtime| runtime.state.as_ref())),
                failover_address: None,
            }
        });
        Self {
            form: Form::Rest,
            config: cluster.config_state.as_ref().map(config),
            mode: cluster.mode.as_ref().map(mode),
            health: cluster.health_state.as_ref().map(health),
            remarks: remarks.map(str::to_owned).collect(),
            nodes: nodes.into_iter().flatten().map(node).collect(),
            witness,
            manual_failover: Some(cluster.manual_failover_allowed),
            barred: operations.map(|operations| operations.disabled.clone()),
            under_way: operations.map(|operations| operations.active.clone()),
        }
    }

    /// Who has which role. A role that two nodes have is nobody's, and so are the roles of two nodes that cannot be told apart.
    pub fn roles(&self) -> Roles {
        let with_role = |wanted: &Role| {
            let mut found = self
                .nodes
                .iter()
                .filter(|node| node.role.as_ref() == Some(wanted));
            match (found.next(), found.next()) {
                (Some(node), None) => node.ha_address.clone(),
                _ => None,
            }
        };
        let members = self.nodes.iter().chain(&self.witness);
        let pair = (with_role(&Role::Active), with_role(&Role::Passive));
        let (active, passive) = if pair.0 == pair.1 { (None, None) } else { pair };
        Roles {
            active,
            passive,
            all_up: self.nodes.len() == 2
                && self.witness.is_some()
                && members.into_iter().all(|node| node.up == Some(true)),
        }
    }

    /// Whether the failover is among the operations that may not begin.
    pub(crate) fn bars_failover(&self) -> bool {
        let of = |name: &String| name == FAILOVER_OPERATION || name == "initiateFailover_Task";
        self.barred.as_ref().is_some_and(|barred| barred.iter().any(of))
    }

    /// Whether a failover is known to be under way. By VI JSON that is not told; that the failover is barred is taken for it.
    pub fn fails_over(&self) -> bool {
        match (&self.under_way, self.form) {
            (Some(under_way), _) => under_way.iter().any(|operation| operation == FAILOVER_OPERATION),
            (None, Form::ViJson) => self.bars_failover(),
            (None, Form::Rest) => false,
        }
    }

    /// Whether all nodes are up, in sync, and see one another.
    pub fn is_healthy(&self) -> bool {
        self.health == Some(Health::Healthy) && self.roles().all_up
    }
}

fn node(info: &VchaClusterNodeInfo) -> NodeView {
    let runtime = info.runtime.as_ref();
    NodeView {
        ha_address: address(&info.ha_ip),
        role: role(runtime.and_then(|runtime| runtime.role.as_ref())),
        up: up(runtime.and_then(|runtime| runtime.state.as_ref())),
        failover_address: info.failover_ip.as_ref().and_then(Network::of),
    }
}

fn role(role: Option<&VchaClusterNodeRole>) -> Option<Role> {
    role.map(|role| Role::of(role.as_wire()))
}

/// A state that these models do not know is neither.
fn up(state: Option<&VchaClusterNodeState>) -> Option<bool> {
    match state? {
        VchaClusterNodeState::Up => Some(true),
        VchaClusterNodeState::Down => Some(false),
        _ => None,
    }
}

fn config(state: &VchaClusterConfigState) -> Config {
    Config::of(state.as_wire())
}

fn mode(mode: &VchaClusterMode) -> Mode {
    Mode::of(mode.as_wire())
}

fn health(state: &VchaClusterState) -> Health {
    Health::of(state.as_wire())
}
