//! Request bodies: reading them, and what those of the replication actions may hold.

use serde_json::Value;

use super::error::Refusal;
use crate::exchange::Request;
use crate::shape::{Shape, optional, required};

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

/// The body of a replication action; its `type` has to be the target of the replication.
pub(super) fn settings(request: &Request, vcloud: &Shape, vcenter: &Shape) -> Result<Value, Refusal> {
    let body = read(request)?;
    match body.get("type").and_then(Value::as_str) {
        Some("vcloud") => vcloud.check(&body)?,
        Some("vcenter") => {
            vcenter.check(&body)?;
            // Every destination of the simulated worlds is a cloud site.
            return Err(Refusal::bad_request(
                "The destination is not a vCenter site.",
                &["vcenter"],
            ));
        }
        Some(_) | None => return Err(Refusal::bad_input("Member type has no known value.", &["type"])),
    }
    Ok(body)
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

/// `VmFailoverSettings`, version 4.6.
pub(super) static FAILOVER: Shape = Shape::Object(&[
    required("type", Shape::Text),
    optional("powerOn", Shape::Flag),
    optional("consolidate", Shape::Flag),
    optional("instanceId", Shape::Text),
    optional("vAppNetworkSettings", VAPP_NETWORK),
    optional("vmNetworkSettings", VM_NETWORK),
    optional("placementPolicy", Shape::Text),
    optional("sizingPolicy", Shape::Text),
]);
/// `VcFailoverSettings`.
pub(super) static VC_FAILOVER: Shape = Shape::Object(&[
    required("type", Shape::Text),
    optional("powerOn", Shape::Flag),
    optional("consolidate", Shape::Flag),
    optional("instanceId", Shape::Text),
    optional("snapshotOptions", SNAPSHOTS),
    optional("customVirtualHardware", HARDWARE),
    optional("vmNetworkSettings", Shape::Map(&VM_NETWORK_OF_ONE)),
    optional("vAppNetworkSettings", VAPP_NETWORK),
]);
/// `VmFailoverTestSettings`, version 4.6.
pub(super) static TEST: Shape = Shape::Object(&[
    required("type", Shape::Text),
    optional("powerOn", Shape::Flag),
    optional("sync", Shape::Flag),
    optional("instanceId", Shape::Text),
    optional("vAppNetworkSettings", VAPP_NETWORK),
    optional("vmNetworkSettings", VM_NETWORK),
    optional("placementPolicy", Shape::Text),
    optional("sizingPolicy", Shape::Text),
]);
/// `VcFailoverTestSettings`.
pub(super) static VC_TEST: Shape = Shape::Object(&[
    required("type", Shape::Text),
    optional("powerOn", Shape::Flag),
    optional("sync", Shape::Flag),
    optional("instanceId", Shape::Text),
    optional("vmNetworkSettings", Shape::Map(&VM_NETWORK_OF_ONE)),
    optional("vAppNetworkSettings", VAPP_NETWORK),
]);
/// `VmReplicationMigrateSettings`.
pub(super) static MIGRATE: Shape = Shape::Object(&[
    required("type", Shape::Text),
    optional("powerOn", Shape::Flag),
    optional("consolidate", Shape::Flag),
    optional("connectVmNics", Shape::Flag),
    optional("vmNetworkSettings", VM_NETWORK),
    optional("vAppNetworkSettings", VAPP_NETWORK),
]);
