//! Request bodies: reading them, and what those of the replication actions may hold.

use serde_json::Value;

use super::error::Refusal;
use super::replication::TargetKind;
use crate::exchange::Request;
use crate::shape::{Member, Shape, optional, required};

/// The body as JSON; it has to be there and say that it is JSON.
pub(super) fn read(request: &Request) -> Result<Value, Refusal> {
    let media_type = request.header_text("content-type").unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::bad_input(
            "The body has to be application/json.",
            &["Content-Type"],
        ));
    }
    serde_json::from_slice(&request.body).map_err(|_| Refusal::bad_input("The body is not JSON.", &[]))
}

/// Refuses a body where the operation has none.
pub(super) fn none(request: &Request) -> Result<(), Refusal> {
    if request.body.is_empty() {
        Ok(())
    } else {
        Err(Refusal::bad_input("This operation takes no body.", &[]))
    }
}

/// The body of a replication action; its `type` has to be the target of the replication. The shapes are those for a cloud
/// site and for a vCenter site.
pub(super) fn settings(request: &Request, target: TargetKind, shapes: [&Shape; 2]) -> Result<Value, Refusal> {
    let body = read(request)?;
    let [vcloud, vcenter] = shapes;
    let given = match body.get("type").and_then(Value::as_str) {
        Some("vcloud") => {
            vcloud.check(&body)?;
            TargetKind::Vcloud
        }
        Some("vcenter") => {
            vcenter.check(&body)?;
            TargetKind::Vcenter
        }
        Some(_) | None => return Err(Refusal::bad_input("Member type has no known value.", &["type"])),
    };
    if given == target {
        return Ok(body);
    }
    let msg = format!("The destination is not a {} site.", given.as_str());
    Err(Refusal::bad_request(msg, &["type"]))
}

/// A flag of a body, with the value it has when it is left out.
pub(super) fn flag(body: &Value, name: &str, default: bool) -> bool {
    body.get(name).and_then(Value::as_bool).unwrap_or(default)
}

static NIC: Shape = Shape::Object(&[
    optional("nicIndex", Shape::Integer),
    optional("network", Shape::Text),
    optional("isConnected", Shape::Flag),
    optional(
        "ipAddressAllocationMode",
        Shape::OneOf(&["DHCP", "MANUAL", "NONE", "POOL"]),
    ),
    optional("ipAddress", Shape::Text),
    optional("externalIpAddress", Shape::Text),
    optional("macAddress", Shape::Text),
    optional("resetMacAddress", Shape::Flag),
    optional("networkAdapterType", Shape::Text),
    optional("needsCustomization", Shape::Flag),
    optional("resolutionType", Shape::Text),
]);
const VM_NETWORK: Shape = Shape::Object(&[
    optional("primaryNicIndex", Shape::Integer),
    optional("nics", Shape::List(&NIC)),
    optional("copySourceNicSettings", Shape::Flag),
    optional("computerName", Shape::Text),
    optional("enableGuestCustomization", Shape::Flag),
    optional("resolutionType", Shape::Text),
]);
static VM_NETWORK_OF_ONE: Shape = VM_NETWORK;
const NETWORK_REF: Shape = Shape::Object(&[optional("id", Shape::Text), optional("name", Shape::Text)]);
static BRIDGED: Shape = NETWORK_REF;
static MAPPING: Shape = Shape::Object(&[
    optional("sourceNetworkName", Shape::Text),
    optional("sourceOrgVdcNetwork", NETWORK_REF),
    optional("destinationOrgVdcNetwork", NETWORK_REF),
]);
const VAPP_NETWORK: Shape = Shape::Object(&[
    optional("networkMappings", Shape::List(&MAPPING)),
    optional("copySourceNetworks", Shape::Flag),
    optional("bridgeOrgVdcNetworks", Shape::List(&BRIDGED)),
    optional("bulkConnectVmNics", Shape::Flag),
    optional("resolutionType", Shape::Text),
]);
const SNAPSHOTS: Shape = Shape::OneOf(&["CONSOLIDATE", "DO_NOTHING", "EXPOSE_PITS"]);
const HARDWARE: Shape = Shape::Object(&[
    optional("numCpus", Shape::Integer),
    optional("numCoresPerSocket", Shape::Integer),
    optional("memoryInMB", Shape::Integer),
    optional("macAddressPolicy", Shape::Text),
]);

/// Settings of a recovery with these members beside those that all of them have.
macro_rules! recovery {
    ($($member:expr),* $(,)?) => {
        Shape::Object(&[
            required("type", Shape::Text),
            optional("powerOn", Shape::Flag),
            optional("vAppNetworkSettings", VAPP_NETWORK),
            $($member),*
        ])
    };
}
const CONSOLIDATE: Member = optional("consolidate", Shape::Flag);
const SYNC: Member = optional("sync", Shape::Flag);
const INSTANCE: Member = optional("instanceId", Shape::Text);
const INSTANCES: Member = optional("instanceMap", Shape::Map(&Shape::Text));
const NETWORK: Member = optional("vmNetworkSettings", VM_NETWORK);
const NETWORKS: Member = optional("vmNetworkSettings", Shape::Map(&VM_NETWORK_OF_ONE));
const PLACEMENT: Member = optional("placementPolicy", Shape::Text);
const SIZING: Member = optional("sizingPolicy", Shape::Text);
const TAGS: Member = optional("copySecurityTags", Shape::Flag);
const SNAPSHOT_OPTIONS: Member = optional("snapshotOptions", SNAPSHOTS);

/// `VmFailoverSettings`, version 4.6.
pub(super) static FAILOVER: Shape = recovery!(CONSOLIDATE, INSTANCE, NETWORK, PLACEMENT, SIZING);
/// `VmFailoverSettings`, version 4.7.
pub(super) static FAILOVER_4_7: Shape = recovery!(CONSOLIDATE, INSTANCE, NETWORK, PLACEMENT, SIZING, TAGS);
/// `VappFailoverSettings`, version 4.6.
pub(super) static VAPP_FAILOVER: Shape = recovery!(
    CONSOLIDATE,
    INSTANCES,
    NETWORKS,
    PLACEMENT,
    SIZING,
    SNAPSHOT_OPTIONS
);
/// `VappFailoverSettings`, version 4.7.
pub(super) static VAPP_FAILOVER_4_7: Shape = recovery!(
    CONSOLIDATE,
    INSTANCES,
    NETWORKS,
    PLACEMENT,
    SIZING,
    SNAPSHOT_OPTIONS,
    TAGS
);
/// `VcVappFailoverSettings`.
pub(super) static VC_VAPP_FAILOVER: Shape = recovery!(CONSOLIDATE, INSTANCES, NETWORKS, SNAPSHOT_OPTIONS);
/// `VmFailoverTestSettings`, version 4.6.
pub(super) static TEST: Shape = recovery!(SYNC, INSTANCE, NETWORK, PLACEMENT, SIZING);
/// `VmFailoverTestSettings`, version 4.7.
pub(super) static TEST_4_7: Shape = recovery!(SYNC, INSTANCE, NETWORK, PLACEMENT, SIZING, TAGS);
/// `VappFailoverTestSettings`, version 4.6.
pub(super) static VAPP_TEST: Shape = recovery!(SYNC, INSTANCES, NETWORKS, PLACEMENT, SIZING);
/// `VappFailoverTestSettings`, version 4.7.
pub(super) static VAPP_TEST_4_7: Shape = recovery!(SYNC, INSTANCES, NETWORKS, PLACEMENT, SIZING, TAGS);
/// `VcVappFailoverTestSettings`.
pub(super) static VC_VAPP_TEST: Shape = recovery!(SYNC, INSTANCES, NETWORKS);
/// `VcFailoverSettings`.
pub(super) static VC_FAILOVER: Shape = recovery!(
    CONSOLIDATE,
    INSTANCE,
    NETWORKS,
    SNAPSHOT_OPTIONS,
    optional("customVirtualHardware", HARDWARE)
);
/// `VcFailoverTestSettings`.
pub(super) static VC_TEST: Shape = recovery!(SYNC, INSTANCE, NETWORKS);
/// `VmReplicationMigrateSettings`.
pub(super) static MIGRATE: Shape = recovery!(CONSOLIDATE, optional("connectVmNics", Shape::Flag), NETWORK);
/// `VappReplicationMigrateSettings`.
pub(super) static VAPP_MIGRATE: Shape = Shape::Object(&[required("type", Shape::Text)]);

static RULE: Shape = Shape::Object(&[
    optional("numberOfInstances", Shape::Integer),
    optional("distance", Shape::Integer),
]);
const POLICY: Shape = Shape::Object(&[optional("rules", Shape::List(&RULE))]);
const RETENTION: Member = optional("retentionPolicy", POLICY);
const DESCRIPTION: Member = optional("description", Shape::Text);
const RPO: Member = optional("rpo", Shape::Integer);
const QUIESCED: Member = optional("quiesced", Shape::Flag);
const SLA_PROFILE: Member = optional("slaProfileId", Shape::Text);
const FIRST_SYNC: Member = optional("initialSyncTime", Shape::Integer);
const CONNECTION: Member = optional(
    "dataConnectionType",
    Shape::OneOf(&["PLAIN", "ENCRYPTED", "ENCRYPTED_COMPRESSED"]),
);
static ANYTHING: Shape = Shape::Anything;
/// `C4ReplicationReconfigureSettings`. What the objects that are its last two members hold is not documented.
pub(super) static RECONFIGURE: Shape = Shape::Object(&[
    DESCRIPTION,
    RPO,
    QUIESCED,
    CONNECTION,
    RETENTION,
    FIRST_SYNC,
    SLA_PROFILE,
    optional("sourceReconfigure", Shape::Map(&ANYTHING)),
    optional("destinationReconfigure", Shape::Map(&ANYTHING)),
]);
/// `StorageProfileSettings`.
pub(super) static STORAGE_PROFILE: Shape = Shape::Object(&[optional("storageProfileId", Shape::Text)]);
/// `VmReplicationStartSettings` and `VappReplicationStartSettings`. Of most kinds of source and destination the members are
/// not documented.
pub(super) static START: Shape = Shape::Object(&[
    required("source", Shape::Map(&ANYTHING)),
    required("destination", Shape::Map(&ANYTHING)),
    DESCRIPTION,
    RPO,
    SLA_PROFILE,
    CONNECTION,
    QUIESCED,
    RETENTION,
    optional(
        "targetDiskType",
        Shape::OneOf(&["THIN", "PREALLOCATED", "PREALLOCATED_ZEROS"]),
    ),
    FIRST_SYNC,
    optional("isMigration", Shape::Flag),
]);
/// `PairCloudSiteData`.
pub(super) static PAIR: Shape = Shape::Object(&[
    required("site", Shape::Text),
    required("apiUrl", Shape::Text),
    optional("apiThumbprint", Shape::Text),
    optional("description", Shape::Text),
]);
/// `NewRecoveryPlanSettings`.
pub(super) static PLAN: Shape = Shape::Object(&[
    required("displayName", Shape::Text),
    DESCRIPTION,
    optional("isMigration", Shape::Flag),
    optional("scheduledSyncTime", Shape::Integer),
]);
/// `RecoveryPlanCloneSettings`.
pub(super) static PLAN_COPY: Shape = Shape::Object(&[
    required("displayName", Shape::Text),
    optional("keepReplications", Shape::Flag),
]);
/// `RecoveryStepSettings`. What a replication looks like in it is not documented.
pub(super) static STEP: Shape = Shape::Object(&[
    required("name", Shape::Text),
    optional("delay", Shape::Integer),
    optional("prompt", Shape::Text),
    optional("replications", Shape::List(&ANYTHING)),
]);
/// `RecoveryPlanFailoverSettings`, since 4.7.
pub(super) static PLAN_RUN: Shape = Shape::Object(&[optional("validate", Shape::Flag)]);
