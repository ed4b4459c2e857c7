//! Names of what this crate is about.

use std::fmt;

use farside_models_sms::PointInTimeReplicaId;
use farside_models_vim::{DeviceGroupId, FaultDomainId, ReplicationGroupId};
use farside_wire::Object;
use serde::{Deserialize, Serialize};

/// A replication group as one side knows it. The other side knows it by another id, both parts of which may differ (vVol
/// recovery rules 1.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupId {
    /// The fault domain that holds it.
    pub fault_domain: String,
    /// The group within the fault domain.
    pub device_group: String,
}

impl GroupId {
    /// An id from its two parts.
    pub fn new(fault_domain: impl Into<String>, device_group: impl Into<String>) -> Self {
        Self {
            fault_domain: fault_domain.into(),
            device_group: device_group.into(),
        }
    }

    pub(crate) fn to_wire(&self) -> ReplicationGroupId {
        let fault_domain = FaultDomainId::new(&self.fault_domain);
        ReplicationGroupId::new(Object::new(&fault_domain), DeviceGroupId::new(&self.device_group))
    }

    /// `None` for a fault domain that cannot be read.
    pub(crate) fn from_wire(id: &ReplicationGroupId) -> Option<Self> {
        let fault_domain = id.fault_domain_id.base().ok()?;
        Some(Self::new(fault_domain.id, &id.device_group_id.id))
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.fault_domain, self.device_group)
    }
}

/// The managed object id of a VASA provider at one vCenter; means nothing at another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProviderRef(String);

impl ProviderRef {
    /// An id as the storage manager gave it.
    pub fn new(mo_id: impl Into<String>) -> Self {
        Self(mo_id.into())
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a point-in-time replica, opaque.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PointId(String);

impl PointId {
    /// An id as the provider gave it.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn to_wire(&self) -> PointInTimeReplicaId {
        PointInTimeReplicaId::new(&self.0)
    }
}

impl fmt::Display for PointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
