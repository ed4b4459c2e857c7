//! The parameters of the SMS operations: their shapes, and the groups named in them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::group::Verb;
use crate::exchange::Request;
use crate::shape::{Shape, TYPE, optional, required};
use crate::vi_json::request::{REFERENCE, ROOT_TYPE};

const FAULT_DOMAIN_ID: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["FaultDomainId"])),
    required("id", Shape::Text),
]);
static FAULT_DOMAIN: Shape = FAULT_DOMAIN_ID;
/// `ReplicationGroupId`.
pub(crate) const GROUP_ID: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["ReplicationGroupId"])),
    required("faultDomainId", FAULT_DOMAIN_ID),
    required(
        "deviceGroupId",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["DeviceGroupId"])),
            required("id", Shape::Text),
        ]),
    ),
]);
static GROUP: Shape = GROUP_ID;

static GROUP_DATA: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["ReplicationGroupData"])),
    required("groupId", GROUP_ID),
    optional(
        "pitId",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["PointInTimeReplicaId"])),
            required("id", Shape::Text),
        ]),
    ),
]);
/// The types of `DeviceId` (sms.json).
const DEVICE_ID: Shape = Shape::Typed(&[
    ("VVolId", &[TYPE, required("id", Shape::Text)]),
    ("VasaVirtualDiskId", &[TYPE, required("diskId", Shape::Text)]),
    (
        "VirtualDiskKey",
        &[
            TYPE,
            required("vmInstanceUUID", Shape::Text),
            required("deviceKey", Shape::Integer),
        ],
    ),
    (
        "VirtualDiskMoId",
        &[
            TYPE,
            optional("vcUuid", Shape::Text),
            required("vmMoid", Shape::Text),
            required("diskKey", Shape::Text),
        ],
    ),
    (
        "VirtualMachineFilePath",
        &[
            TYPE,
            optional("vcUuid", Shape::Text),
            required("dsUrl", Shape::Text),
            required("vmxPath", Shape::Text),
        ],
    ),
    (
        "VirtualMachineMoId",
        &[
            TYPE,
            optional("vcUuid", Shape::Text),
            required("vmMoid", Shape::Text),
        ],
    ),
    (
        "VirtualMachineUUID",
        &[TYPE, required("vmInstanceUUID", Shape::Text)],
    ),
]);
static POLICY: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["PolicyAssociation"])),
    required("id", DEVICE_ID),
    required("policyId", Shape::Text),
    required("datastore", REFERENCE),
]);

pub(super) static GROUPS: Shape = Shape::Object(&[ROOT_TYPE, optional("groupId", Shape::List(&GROUP))]);
pub(super) static GROUP_FILTER: Shape = Shape::Object(&[
    ROOT_TYPE,
    required(
        "rgFilter",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["ReplicationGroupFilter"])),
            optional("groupId", Shape::List(&GROUP)),
        ]),
    ),
]);
pub(super) static DOMAINS: Shape =
    Shape::Object(&[ROOT_TYPE, optional("faultDomainId", Shape::List(&FAULT_DOMAIN))]);
static PROMOTE: Shape = Shape::Object(&[
    ROOT_TYPE,
    required(
        "promoteParam",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["PromoteParam"])),
            required("isPlanned", Shape::Flag),
            optional("replicationGroupsToPromote", Shape::List(&GROUP)),
        ]),
    ),
]);
static SYNC: Shape = Shape::Object(&[
    ROOT_TYPE,
    optional("groupId", Shape::List(&GROUP)),
    required("pitName", Shape::Text),
]);
static STOP: Shape = Shape::Object(&[
    ROOT_TYPE,
    optional("groupId", Shape::List(&GROUP)),
    required("force", Shape::Flag),
]);
static FAILOVER: Shape = Shape::Object(&[
    ROOT_TYPE,
    required(
        "failoverParam",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["FailoverParam", "TestFailoverParam"])),
            required("isPlanned", Shape::Flag),
            required("checkOnly", Shape::Flag),
            optional("replicationGroupsToFailover", Shape::List(&GROUP_DATA)),
            optional("policyAssociations", Shape::List(&POLICY)),
        ]),
    ),
]);
static TEST_START: Shape = Shape::Object(&[
    ROOT_TYPE,
    required(
        "testFailoverParam",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["TestFailoverParam"])),
            required("isPlanned", Shape::Flag),
            required("checkOnly", Shape::Flag),
            optional("replicationGroupsToFailover", Shape::List(&GROUP_DATA)),
            optional("policyAssociations", Shape::List(&POLICY)),
        ]),
    ),
]);
pub(super) static REPLICAS: Shape = Shape::Object(&[
    ROOT_TYPE,
    optional("groupId", Shape::List(&GROUP)),
    optional(
        "queryParam",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["QueryPointInTimeReplicaParam"])),
            optional(
                "replicaTimeQueryParam",
                Shape::Object(&[
                    required("_typeName", Shape::OneOf(&["ReplicaQueryIntervalParam"])),
                    optional("fromDate", Shape::Text),
                    optional("toDate", Shape::Text),
                    optional("number", Shape::Integer),
                ]),
            ),
            optional("pitName", Shape::Text),
            optional("tags", Shape::List(&Shape::Text)),
            optional("preferDetails", Shape::Flag),
        ]),
    ),
]);

/// The shape of the parameters of an operation on groups.
pub(super) fn shape(verb: Verb) -> &'static Shape {
    match verb {
        Verb::Prepare | Verb::Reverse => &GROUPS,
        Verb::Failover => &FAILOVER,
        Verb::TestStart => &TEST_START,
        Verb::TestStop => &STOP,
        Verb::Sync => &SYNC,
        Verb::Promote => &PROMOTE,
    }
}

/// A group named in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Named {
    pub(super) fault_domain: String,
    pub(super) id: String,
    pub(super) pit: Option<String>,
}

impl Named {
    /// The name of the object in the log of calls.
    pub(super) fn object(&self) -> String {
        format!("groups/{}/{}", self.fault_domain, self.id)
    }

    /// `ReplicationGroupId`.
    pub(super) fn to_json(&self) -> Value {
        super::group::group_id(&self.fault_domain, &self.id)
    }
}

/// The groups named in a body, in order; those that cannot be read are left out.
pub(super) fn groups(body: &Value) -> Vec<Named> {
    let listed = param(body).and_then(|param| {
        param
            .get("replicationGroupsToFailover")
            .or_else(|| param.get("replicationGroupsToPromote"))
            .or_else(|| param.get("groupId"))
    });
    let list = listed.or_else(|| body.get("groupId")).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(named).collect()
}

/// The parameter object of a call that has one.
fn param(body: &Value) -> Option<&Value> {
    let names = ["failoverParam", "testFailoverParam", "promoteParam", "rgFilter"];
    names.iter().find_map(|name| body.get(*name))
}

/// A flag of the parameter object of failover, test failover and promote.
pub(super) fn flag(body: &Value, name: &str) -> bool {
    param(body)
        .and_then(|param| param.get(name))
        .and_then(Value::as_bool)
        .unwrap_or(false)
}

pub(super) fn named(item: &Value) -> Option<Named> {
    let group = item.get("groupId").unwrap_or(item);
    let text = |value: &Value| value.get("id").and_then(Value::as_str).map(str::to_owned);
    Some(Named {
        fault_domain: text(group.get("faultDomainId")?)?,
        id: text(group.get("deviceGroupId")?)?,
        pit: item.get("pitId").and_then(text),
    })
}

/// The body of a request, if it can be read at all: for the log of calls.
pub(super) fn peek(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or(Value::Null)
}
