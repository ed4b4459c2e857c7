//! The operations that change groups: what each is called, at which side, and what it brings about.

use std::fmt;

use farside_models_sms::operation::{
    VASA_PROVIDER_FAILOVER_REPLICATION_GROUP_TASK, VASA_PROVIDER_PREPARE_FAILOVER_REPLICATION_GROUP_TASK,
    VASA_PROVIDER_PROMOTE_REPLICATION_GROUP_TASK, VASA_PROVIDER_REVERSE_REPLICATE_GROUP_TASK,
    VASA_PROVIDER_SYNC_REPLICATION_GROUP_TASK, VASA_PROVIDER_TEST_FAILOVER_REPLICATION_GROUP_START_TASK,
    VASA_PROVIDER_TEST_FAILOVER_REPLICATION_GROUP_STOP_TASK,
};
use farside_models_sms::{
    FailoverParam, FailoverReplicationGroupRequest, PolicyAssociation,
    PrepareFailoverReplicationGroupRequest, PromoteParam, PromoteReplicationGroupRequest,
    ReplicationGroupData, ReplicationState, ReverseReplicateGroupRequest, SyncReplicationGroupRequest,
    TestFailoverParam, TestFailoverReplicationGroupStartRequest, TestFailoverReplicationGroupStopRequest,
};
use farside_models_vim::ReplicationGroupId;
use farside_vim::Invocation;
use farside_wire::{Object, Operation};

use crate::client::about;
use crate::group::Group;
use crate::id::{GroupId, PointId, ProviderRef};

/// What is done to groups.
///
/// | action | called at | state before | state after |
/// | --- | --- | --- | --- |
/// | `Sync` | target | `TARGET` | the same, and a named point in time |
/// | `Prepare` | **source** | `SOURCE` | the same, without a trace, and it may be repeated; providers may show `REMOTE_FAILEDOVER` or `TARGET`, and refuse a second one |
/// | `Failover` | target | `TARGET` | `FAILEDOVER`, or `SOURCE` where the replicator reverses by itself |
/// | `Reverse` | where the group is `FAILEDOVER` | `FAILEDOVER` | `SOURCE`; ids of both sides may change |
/// | `StartTest` | target | `TARGET` | `INTEST`; the source is not told |
/// | `StopTest` | target | `INTEST` | `TARGET` |
/// | `Promote` | target | `INTEST` | `FAILEDOVER` |
///
/// (Facts on replication groups, "Operations and states"; of a prepare: vVol recovery rules 11, inferred.)
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Brings the target up to date and names the point in time (`SyncReplicationGroup_Task`).
    Sync {
        /// The name. It has to be one that the group has no point in time of: whether a sync was done is told by it.
        point_name: String,
    },
    /// Prepares a planned failover (`PrepareFailoverReplicationGroup_Task`).
    Prepare,
    /// Makes the target usable (`FailoverReplicationGroup_Task`).
    Failover {
        /// Whether the target may talk to the source.
        planned: bool,
    },
    /// Checks a failover and changes nothing (the same operation with `checkOnly`).
    CheckFailover {
        /// Whether the failover is to be a planned one.
        planned: bool,
    },
    /// Replicates back from where groups were failed over to (`ReverseReplicateGroup_Task`).
    Reverse,
    /// Starts a test failover (`TestFailoverReplicationGroupStart_Task`).
    StartTest {
        /// Whether the target may talk to the source.
        planned: bool,
    },
    /// Checks the start of a test and changes nothing (the same operation with `checkOnly`).
    CheckTest {
        /// Whether the target may talk to the source.
        planned: bool,
    },
    /// Ends a test failover (`TestFailoverReplicationGroupStop_Task`).
    StopTest {
        /// Unbinds volumes that are in use, whatever is running on them; otherwise the provider refuses then. Never the default.
        force: bool,
    },
    /// Makes a test the failover (`PromoteReplicationGroup_Task`). What the source wrote after the test's point in time is lost.
    Promote {
        /// Whether the target may talk to the source.
        planned: bool,
    },
}

/// At which side of a group something is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalledAt {
    /// Where it is replicated from.
    Source,
    /// Where it is replicated to, or was.
    Target,
}

impl fmt::Display for CalledAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Target => "target",
        })
    }
}

/// Why a group cannot be part of a call, seen before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unfit {
    /// The call belongs to the other side of the group, under its id there.
    WrongSide {
        /// The side that has to be called.
        needed: CalledAt,
    },
    /// A test of the group cannot be promoted: `isPromoteCapable` is not true.
    NotPromotable,
    /// The group is named twice.
    Duplicate,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongSide { needed } => write!(f, "the {needed} side of the group has to be called"),
            Self::NotPromotable => f.write_str("a test of the group cannot be promoted"),
            Self::Duplicate => f.write_str("the group is named twice"),
        }
    }
}

impl Action {
    /// The operation of the API.
    #[must_use]
    pub fn operation(&self) -> &'static Operation {
        match self {
            Self::Sync { .. } => &VASA_PROVIDER_SYNC_REPLICATION_GROUP_TASK,
            Self::Prepare => &VASA_PROVIDER_PREPARE_FAILOVER_REPLICATION_GROUP_TASK,
            Self::Failover { .. } | Self::CheckFailover { .. } => {
                &VASA_PROVIDER_FAILOVER_REPLICATION_GROUP_TASK
            }
            Self::Reverse => &VASA_PROVIDER_REVERSE_REPLICATE_GROUP_TASK,
            Self::StartTest { .. } | Self::CheckTest { .. } => {
                &VASA_PROVIDER_TEST_FAILOVER_REPLICATION_GROUP_START_TASK
            }
            Self::StopTest { .. } => &VASA_PROVIDER_TEST_FAILOVER_REPLICATION_GROUP_STOP_TASK,
            Self::Promote { .. } => &VASA_PROVIDER_PROMOTE_REPLICATION_GROUP_TASK,
        }
    }

    /// The side that it is called at, with that side's ids.
    #[must_use]
    pub fn called_at(&self) -> CalledAt {
        match self {
            Self::Prepare => CalledAt::Source,
            Self::Sync { .. }
            | Self::Failover { .. }
            | Self::CheckFailover { .. }
            | Self::Reverse
            | Self::StartTest { .. }
            | Self::CheckTest { .. }
            | Self::StopTest { .. }
            | Self::Promote { .. } => CalledAt::Target,
        }
    }

    /// Whether a group can be named in a call, as far as that does not depend on its state, which is for the provider to judge.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn fits(&self, group: &Group) -> Result<(), Unfit> {
        let needed = self.called_at();
        if group.is_source() != (needed == CalledAt::Source) {
            return Err(Unfit::WrongSide { needed });
        }
        match self {
            Self::Promote { .. } if !group.is_promote_capable => Err(Unfit::NotPromotable),
            _ => Ok(()),
        }
    }

    /// Whether the provider shows that it was done: by the group's state, or by a named point in time. What leaves no trace harms
    /// nothing when it is done twice.
    pub(crate) fn leaves_a_trace(&self) -> bool {
        match self {
            Self::Sync { .. }
            | Self::Failover { .. }
            | Self::Reverse
            | Self::StartTest { .. }
            | Self::StopTest { .. }
            | Self::Promote { .. } => true,
            Self::Prepare | Self::CheckFailover { .. } | Self::CheckTest { .. } => false,
        }
    }

    /// Whether a group in this state is where the action brings it; never for what changes no state. A group that was prepared may
    /// look as before.
    #[must_use]
    pub fn is_reached(&self, state: &ReplicationState) -> bool {
        use ReplicationState::{Failedover, Intest, RemoteFailedover, Source, Target};
        match self {
            Self::Prepare => matches!(state, RemoteFailedover | Target),
            Self::Failover { .. } => matches!(state, Failedover | Source),
            Self::Promote { .. } => *state == Failedover,
            Self::Reverse => *state == Source,
            Self::StartTest { .. } => *state == Intest,
            Self::StopTest { .. } => *state == Target,
            Self::Sync { .. } | Self::CheckFailover { .. } | Self::CheckTest { .. } => false,
        }
    }
}

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

impl From<GroupId> for Recovery {
    fn from(group: GroupId) -> Self {
        Self::newest(group)
    }
}

/// An action and the groups of one call.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Batch {
    action: Action,
    members: Vec<Recovery>,
    policies: Vec<PolicyAssociation>,
}

impl Batch {
    /// A batch of groups by their ids at the side that is called. A point in time counts for failovers and tests only.
    pub fn new<M: Into<Recovery>>(action: Action, members: impl IntoIterator<Item = M>) -> Self {
        Self {
            action,
            members: members.into_iter().map(Into::into).collect(),
            policies: Vec::new(),
        }
    }

    /// A batch of groups as that side showed them: each is checked first.
    ///
    /// # Errors
    /// The first group that cannot be part of it, and why.
    pub fn checked(action: Action, groups: &[Group]) -> Result<Self, (GroupId, Unfit)> {
        for group in groups {
            action.fits(group).map_err(|unfit| (group.id.clone(), unfit))?;
        }
        Ok(Self::new(action, groups.iter().map(|group| group.id.clone())))
    }

    /// With the storage policies that recovered devices get; they count for failovers and tests only. Without them devices get
    /// the default ones. A failover goes on where a policy cannot be set, a test should not (vVol recovery rules 3.2.3).
    pub fn with_policies(mut self, policies: Vec<PolicyAssociation>) -> Self {
        self.policies = policies;
        self
    }

    /// The action.
    #[must_use]
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// The groups, in their order.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupId> {
        self.members.iter().map(|member| member.group.clone()).collect()
    }

    /// The call.
    pub(crate) fn invocation(&self, provider: &ProviderRef) -> Invocation {
        let call = Invocation::new(self.action.operation(), provider.as_str())
            .target(about(provider, self.members.len()));
        let ids = || -> Vec<ReplicationGroupId> {
            self.members.iter().map(|member| member.group.to_wire()).collect()
        };
        match &self.action {
            Action::Sync { point_name } => {
                call.body(&SyncReplicationGroupRequest::new(point_name).with_group_id(ids()))
            }
            Action::Prepare => {
                call.body(&PrepareFailoverReplicationGroupRequest::default().with_group_id(ids()))
            }
            Action::Failover { planned } => call.body(&self.failover(*planned, false)),
            Action::CheckFailover { planned } => call.body(&self.failover(*planned, true)),
            Action::Reverse => call.body(&ReverseReplicateGroupRequest::default().with_group_id(ids())),
            Action::StartTest { planned } => call.body(&self.test(*planned, false)),
            Action::CheckTest { planned } => call.body(&self.test(*planned, true)),
            Action::StopTest { force } => {
                call.body(&TestFailoverReplicationGroupStopRequest::new(*force).with_group_id(ids()))
            }
            Action::Promote { planned } => {
                let parameters = PromoteParam::new(*planned).with_replication_groups_to_promote(ids());
                call.body(&PromoteReplicationGroupRequest::new(parameters))
            }
        }
    }

    fn data(&self) -> Vec<ReplicationGroupData> {
        self.members.iter().map(Recovery::to_wire).collect()
    }

    fn failover(&self, planned: bool, check_only: bool) -> FailoverReplicationGroupRequest {
        let parameters = FailoverParam::new(planned, check_only)
            .with_replication_groups_to_failover(self.data())
            .with_policy_associations(self.policies.clone());
        FailoverReplicationGroupRequest::new(Object::new(&parameters))
    }

    fn test(&self, planned: bool, check_only: bool) -> TestFailoverReplicationGroupStartRequest {
        let parameters = TestFailoverParam::new(planned, check_only)
            .with_replication_groups_to_failover(self.data())
            .with_policy_associations(self.policies.clone());
        TestFailoverReplicationGroupStartRequest::new(parameters)
    }
}
