//! What the vCenter HA clusters of a world are like, with a switch for each reading that the sources leave open.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The clusters of a world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct VchaSpec {
    /// The clusters, by vCenter; one that is not named has none.
    pub clusters: BTreeMap<String, ClusterSpec>,
    /// How long nobody answers at a vCenter while it switches over, in milliseconds.
    pub outage_ms: u32,
    /// A failover that the cluster's state forbids is taken and fails in its task; otherwise the call is refused.
    pub refuses_in_task: bool,
    /// The nodes change places in the answers when they change roles.
    pub nodes_swap: bool,
    /// `manual_failover_allowed` is left out while it is true.
    pub omits_allowed: bool,
}

impl Default for VchaSpec {
    fn default() -> Self {
        let clusters = crate::sms::VCENTERS.map(|vcenter| (vcenter.to_owned(), ClusterSpec::default()));
        Self {
            clusters: BTreeMap::from(clusters),
            outage_ms: 3_000,
            refuses_in_task: false,
            nodes_swap: false,
            omits_allowed: false,
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
}

impl Default for ClusterSpec {
    fn default() -> Self {
        Self {
            mode: Mode::Enabled,
            passive_up: true,
            witness_up: true,
        }
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
