//! Replication groups as a query answers them.

use farside_models_sms::{
    GroupOperationResult, QueryReplicationGroupSuccessResult, ReplicationState, SourceGroupInfo,
    TargetGroupInfo,
};
use farside_wire::{Fault, Object, OpenEnum as _};

use crate::device::GroupDevice;
use crate::id::GroupId;

/// A replication group as the side asked sees it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Group {
    /// Its id at this side.
    pub id: GroupId,
    /// Its name, if the provider gives one; not unique.
    pub name: Option<String>,
    /// What it is for, if the source says so.
    pub description: Option<String>,
    /// Its state at this side.
    pub state: ReplicationState,
    /// Which side this is, and the group's ids at the other.
    pub side: GroupSide,
    /// The devices (virtual volumes, virtual machines, disks) it holds.
    pub devices: Vec<GroupDevice>,
    /// Whether a test of it can be promoted; told at the target, and `false` where nothing is said.
    pub is_promote_capable: bool,
}

/// Which side of a group answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupSide {
    /// The side that is replicated from.
    Source {
        /// The group at each target.
        targets: Vec<GroupId>,
    },
    /// A side that is replicated to.
    Target {
        /// The group at the source; `None` if its id cannot be read.
        source: Option<GroupId>,
    },
}

impl Group {
    /// A group without a name, which cannot be promoted.
    #[must_use]
    pub fn new(id: GroupId, state: ReplicationState, side: GroupSide, devices: Vec<GroupDevice>) -> Self {
        Self {
            id,
            name: None,
            description: None,
            state,
            side,
            devices,
            is_promote_capable: false,
        }
    }

    /// Whether this is the side that is replicated from.
    #[must_use]
    pub fn is_source(&self) -> bool {
        match self.side {
            GroupSide::Source { .. } => true,
            GroupSide::Target { .. } => false,
        }
    }

    /// The ids of the group at other sides.
    #[must_use]
    pub fn peers(&self) -> &[GroupId] {
        match &self.side {
            GroupSide::Source { targets } => targets,
            GroupSide::Target { source } => source.as_slice(),
        }
    }
}

/// What a query says about one group that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupView {
    /// The group.
    Known(Group),
    /// The provider has nothing but faults to say about it.
    Failed {
        /// The faults, as sent.
        faults: Vec<Fault>,
    },
    /// The answer does not mention it, or not in a form that can be read.
    Missing,
}

/// `None` for an entry that holds an id alone, or a kind of group that these models do not know.
pub(crate) fn read(entry: &Object<GroupOperationResult>) -> Option<Group> {
    let entry = entry.downcast::<QueryReplicationGroupSuccessResult>()?.ok()?;
    let id = GroupId::from_wire(&entry.group_id)?;
    if let Some(Ok(source)) = entry.rg_info.downcast::<SourceGroupInfo>() {
        let targets = source
            .replica
            .iter()
            .filter_map(|replica| GroupId::from_wire(&replica.target_group_id));
        return Some(Group {
            id,
            state: ReplicationState::from_wire(&source.state),
            side: GroupSide::Source {
                targets: targets.collect(),
            },
            devices: source.member_info.iter().map(GroupDevice::at_source).collect(),
            name: source.name,
            description: source.description,
            is_promote_capable: false,
        });
    }
    let target = entry.rg_info.downcast::<TargetGroupInfo>()?.ok()?;
    Some(Group {
        id,
        state: ReplicationState::from_wire(&target.state),
        side: GroupSide::Target {
            source: GroupId::from_wire(&target.source_info.source_group_id),
        },
        devices: target.devices.iter().filter_map(GroupDevice::at_target).collect(),
        name: target.name,
        description: None,
        is_promote_capable: target.is_promote_capable.unwrap_or(false),
    })
}
