//! What goes into the journal: the pair of an item, what an action does at which side, and what a call is to do.

use std::fmt;

use farside_engine::EndpointId;
use farside_transport::OperationId;
use farside_vasa::{GroupId, PointId, ProviderRef};
use serde::{Deserialize, Serialize};

/// Version of the payloads below.
pub(super) const VERSION: u32 = 1;

/// One side of a replicated group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Side {
    /// Its vCenter.
    pub(super) endpoint: EndpointId,
    /// The VASA provider there: its `uid`, its `providerId` or its `name`.
    pub(super) provider: String,
    /// The fault domain.
    pub(super) fault_domain: String,
    /// The group's id within the fault domain.
    pub(super) group: String,
}

impl Side {
    pub(super) fn id(&self) -> GroupId {
        GroupId::new(&self.fault_domain, &self.group)
    }

    /// The same place with the group by another id.
    pub(super) fn with(&self, group: &GroupId) -> Self {
        Self {
            fault_domain: group.fault_domain.clone(),
            group: group.device_group.clone(),
            ..self.clone()
        }
    }

    /// Whether both are at one place: a reverse can change the id of a group, never its fault domain.
    fn is_where(&self, other: &Self) -> bool {
        (&self.endpoint, &self.provider, &self.fault_domain)
            == (&other.endpoint, &other.provider, &other.fault_domain)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "group {} at {}", self.id(), self.endpoint)
    }
}

/// A replicated group: where it is protected and where it is replicated to. Also what a reprotect leaves behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pair {
    pub(super) source: Side,
    pub(super) target: Side,
}

impl Pair {
    fn swapped(self) -> Self {
        Self {
            source: self.target,
            target: self.source,
        }
    }

    /// Whether the source of `self` is at the place of the target of `other`.
    pub(super) fn is_reverse_of(&self, other: &Self) -> bool {
        self.source.is_where(&other.target) && self.target.is_where(&other.source)
    }
}

/// The item's payload: its table in the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Protection {
    pub(super) pair: Pair,
    /// The point in time for tests and disasters; the newest one when it is left out.
    pub(super) point_in_time: Option<PointId>,
}

impl Protection {
    /// The plan's pair in the plan's direction, with the ids that the last reprotect left behind.
    pub(super) fn pair_now(&self, reprotected: Option<Pair>) -> Pair {
        match reprotected {
            Some(latest) if latest.is_reverse_of(&self.pair) => latest.swapped(),
            Some(latest) if latest.source.is_where(&self.pair.source) => latest,
            Some(_) | None => self.pair.clone(),
        }
    }
}

/// What an action does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Verb {
    TestStart,
    TestStop,
    Sync,
    Prepare,
    FailOver {
        planned: bool,
    },
    Reverse {
        /// Whether an earlier run has reprotected the group.
        again: bool,
    },
}

impl Verb {
    /// The action's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::TestStart => "test failover start",
            Self::TestStop => "test failover stop",
            Self::Sync => "sync",
            Self::Prepare => "prepare",
            Self::FailOver { .. } => "fail over",
            Self::Reverse { .. } => "reverse",
        }
    }

    /// Whether the group's virtual machines would be run into by it: they would have to be shut down before.
    pub(super) fn needs_machines_off(self) -> bool {
        match self {
            Self::Sync | Self::Prepare | Self::FailOver { planned: true } => true,
            Self::TestStart | Self::TestStop | Self::FailOver { planned: false } | Self::Reverse { .. } => {
                false
            }
        }
    }

    /// Whether it is the one that moves an item's data in its mode, so that its report is about the group as a whole.
    pub(super) fn speaks_for_the_group(self) -> bool {
        match self {
            Self::TestStart | Self::TestStop | Self::FailOver { .. } | Self::Reverse { .. } => true,
            Self::Sync | Self::Prepare => false,
        }
    }
}

/// An action's payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) verb: Verb,
    /// The side that is called.
    pub(super) here: Side,
    /// The other side.
    pub(super) there: Side,
    /// The point in time to recover; the newest if left out.
    pub(super) point: Option<PointId>,
    /// Whether an earlier run has failed the group back, or may have, and none has reprotected it since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) failed_back: bool,
}

/// What a call is to do for one action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Intent {
    /// The provider by its id at the vCenter, as the look found it.
    pub(super) provider: ProviderRef,
    /// Name of the point in time that a sync makes.
    pub(super) point_name: Option<String>,
    /// The group's name, by which it is found again when a reverse gives it another id.
    pub(super) group_name: Option<String>,
    /// Devices in the group.
    pub(super) devices: usize,
    /// When the look was, milliseconds since the Unix epoch by our clock.
    pub(super) at_ms: i64,
}

/// Accepted work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Work {
    pub(super) task: OperationId,
    /// Whether a server named the task as the work that kept a call of ours from acting: it need not be ours.
    pub(super) named_by_server: bool,
}
