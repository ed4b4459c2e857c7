//! What the policies of a world are like.

use serde::{Deserialize, Serialize};

/// The policies of a world.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PbmSpec {
    /// The service content has no `replicationManager`, as before release 6.5.
    pub no_replication_manager: bool,
    /// An entity that is not replicated has no entry in the answer about groups, instead of one without a group.
    pub omits_unreplicated: bool,
    /// The group of a part without a policy is told as well, by the volume that the part is on.
    pub tells_unassigned: bool,
    /// Machines that PBM knows of, besides those whose parts are devices of replication groups.
    pub machines: Vec<MachineSpec>,
}

/// A virtual machine and the policies of its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineSpec {
    /// The vCenter.
    pub vcenter: String,
    /// The id of the machine, such as `vm-13`.
    pub vm: String,
    /// The home.
    pub home: PartSpec,
    /// The disks by their keys.
    #[serde(default)]
    pub disks: Vec<(i32, PartSpec)>,
}

/// The policy of a part of a virtual machine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PartSpec {
    /// The name of its replication group, such as `group-001`.
    pub group: Option<String>,
    /// Whether it has the plain profile; a part in a group has the replicated one.
    pub plain: bool,
}
