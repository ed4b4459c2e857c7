//! What the vCenter HA clusters of a world are like, with a switch for each reading that the sources leave open.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::spec::SiteSpec;

/// The clusters of a world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct VchaSpec {
    /// The clusters, by vCenter; one that is not named has none.
    pub clusters: BTreeMap<String, ClusterSpec>,
    /// The vCenter that manages the machines of all nodes.
    pub management: ManagementSpec,
    /// How long nobody answers at a vCenter while it switches over, in milliseconds.
    pub outage_ms: u32,
    /// How long the former active node still answers after a switch, as if it were active, in milliseconds.
    pub old_node_answers_ms: u32,
    /// What a task reads that was running when its node went away.
    pub after_switch: AfterSwitch,
    /// A call that the cluster's state forbids is taken and fails in its task; otherwise the call is refused.
    pub refuses_in_task: bool,
    /// The nodes change places in the answers when they change roles.
    pub nodes_swap: bool,
    /// `manual_failover_allowed` is left out while it is true.
    pub omits_allowed: bool,
    /// With `partial: true`, mode, health and roles are left out.
    pub partial_is_bare: bool,
    /// What the schema does not require, and nobody needs, is left out: prefixes, gateways, warnings, progress, times.
    pub tells_little: bool,
    /// `ssl_certificate` is not known, as before release 9.0.
    pub thumbprints_only: bool,
    /// The SHA-256 thumbprint that `UNVERIFIED_PEER` names is not taken back, but only a SHA-1 thumbprint.
    pub wants_sha1: bool,
    /// What ids of tasks look like.
    pub task_ids: TaskIds,
    /// Tasks name their operation without `$task`.
    pub plain_operations: bool,
    /// The middle third of a task's work reads `BLOCKED`.
    pub blocks: bool,
    /// The reason of a failed task stands in `result`, and `error` is left out.
    pub reasons_in_result: bool,
    /// Tasks do not know how much there is to do: a total of zero.
    pub zero_totals: bool,
    /// Cancelling is answered with success and has no effect.
    pub ignores_cancel: bool,
    /// While nobody answers at a vCenter, a proxy does: 503 with a page that is no JSON.
    pub proxy_pages: bool,
    /// A path that is no operation is answered with 404 and nothing else.
    pub plain_not_found: bool,
    /// What is busy is `RESOURCE_BUSY`, tasks that a vCenter does not reach right after it began to answer are
    /// `RESOURCE_INACCESSIBLE`, and both are 400, as the table of the runtime has them; otherwise the former is 500 `ERROR`, and
    /// tasks are always reached.
    pub runtime_statuses: bool,
    /// Errors do not name their type, as those of old servers.
    pub omits_error_types: bool,
    /// The greeting needs a session.
    pub hello_needs_session: bool,
    /// Sessions outlive a switch; what they own does not.
    pub keeps_sessions: bool,
    /// A failover that is asked for while one runs is answered with the task of that one; otherwise it is refused.
    pub joins_failover: bool,
    /// How the machine of the active node is found at the management vCenter.
    pub active_vm: ActiveVm,
}

/// A cluster with what is usual at each vCenter.
pub(crate) fn clusters_of(sites: &[SiteSpec]) -> BTreeMap<String, ClusterSpec> {
    let clusters = sites.iter().map(|site| (site.vcenter(), ClusterSpec::default()));
    clusters.collect()
}

impl Default for VchaSpec {
    fn default() -> Self {
        Self {
            clusters: clusters_of(&crate::spec::site::usual()),
            management: ManagementSpec::default(),
            outage_ms: 3_000,
            old_node_answers_ms: 0,
            after_switch: AfterSwitch::Gone,
            refuses_in_task: false,
            nodes_swap: false,
            omits_allowed: false,
            partial_is_bare: false,
            tells_little: false,
            thumbprints_only: false,
            wants_sha1: false,
            task_ids: TaskIds::Uuid,
            plain_operations: false,
            blocks: false,
            reasons_in_result: false,
            zero_totals: false,
            ignores_cancel: false,
            proxy_pages: false,
            plain_not_found: false,
            runtime_statuses: false,
            omits_error_types: false,
            hello_needs_session: false,
            keeps_sessions: false,
            joins_failover: false,
            active_vm: ActiveVm::Fit,
        }
    }
}

/// One cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ClusterSpec {
    /// Its mode.
    pub mode: Mode,
    /// Whether the passive node is up.
    pub passive_up: bool,
    /// Whether the witness is up.
    pub witness_up: bool,
    /// Who made the machines of the other two nodes.
    pub deployment: Deployment,
    /// The nodes speak IPv6 among themselves.
    pub ipv6: bool,
    /// The address that each of the two nodes takes when it is active. The endpoint answers at the first one; where the
    /// second differs, a further endpoint with the suffix `-node2` answers while the second node is active.
    pub failover_ips: Option<[String; 2]>,
    /// The nodes run different versions.
    pub versions_differ: bool,
}

impl Default for ClusterSpec {
    fn default() -> Self {
        Self {
            mode: Mode::Enabled,
            passive_up: true,
            witness_up: true,
            deployment: Deployment::Auto,
            ipv6: false,
            failover_ips: None,
            versions_differ: false,
        }
    }
}

/// The vCenter that manages the machines of the nodes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ManagementSpec {
    /// Its name.
    pub hostname: String,
    /// Who may log in there.
    pub username: String,
    /// The password of that user.
    pub password: String,
    /// SHA-1 thumbprint of its certificate.
    pub sha1: String,
    /// SHA-256 thumbprint of its certificate.
    pub sha256: String,
    /// Its certificate, as PEM.
    pub certificate: String,
    /// Its certificate is trusted without being named.
    pub trusted: bool,
    /// It is another vCenter than the cluster's own: whoever asks for what only it knows has to bring credentials.
    pub is_another: bool,
}

impl Default for ManagementSpec {
    fn default() -> Self {
        Self {
            hostname: "mgmt.sim.invalid".to_owned(),
            username: "operator@mgmt.invalid".to_owned(),
            password: "sim-management".to_owned(),
            sha1: ["5A"; 20].join(":"),
            sha256: ["A5"; 32].join(":"),
            certificate: "-----BEGIN CERTIFICATE-----\nc2ltdWxhdGVk\n-----END CERTIFICATE-----\n".to_owned(),
            trusted: false,
            is_another: false,
        }
    }
}

impl fmt::Debug for ManagementSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagementSpec")
            .field("hostname", &self.hostname)
            .field("username", &self.username)
            .field("trusted", &self.trusted)
            .field("is_another", &self.is_another)
            .finish_non_exhaustive()
    }
}

/// The mode of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    /// Fails over by itself and when told.
    Enabled,
    /// Does not fail over.
    Disabled,
    /// Fails over when told.
    Maintenance,
}

/// Who made the machines of passive node and witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Deployment {
    /// The deployment did.
    Auto,
    /// The caller did.
    Manual,
}

/// What the task of a failover reads at the node that has become active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterSwitch {
    /// It is not known.
    Gone,
    /// It reads `FAILED`, although the switch worked.
    Failed,
    /// It reads `SUCCEEDED`.
    Succeeded,
}

/// What ids of tasks look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskIds {
    /// A UUID, a colon, and the provider.
    Uuid,
    /// `task-` and a number.
    Short,
    /// With characters that a path has to encode.
    Odd,
}

/// How the machine of the active node is found at the management vCenter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActiveVm {
    /// As it should be.
    Fit,
    /// Not at all.
    Missing,
    /// Configured in a way that vCenter HA does not support.
    Unfit,
}
