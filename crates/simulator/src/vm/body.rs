//! The bodies of calls: their shapes, and what of them is not simulated.

use serde_json::Value;

use crate::exchange::Request;
use crate::shape::{Member, Shape, optional, required};
use crate::sms::GROUP_ID;
use crate::vi_json::body;
use crate::vi_json::fault::Fault;
use crate::vi_json::request::{self, NO_PARAMETERS, REFERENCE, ROOT_TYPE};

static REFERENCE_ITEM: Shape = REFERENCE;

static RENAME: Shape = Shape::Object(&[ROOT_TYPE, required("newName", Shape::Text)]);
static POWER_ON: Shape = Shape::Object(&[ROOT_TYPE, optional("host", REFERENCE)]);
static ANSWER: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("questionId", Shape::Text),
    required("answerChoice", Shape::Text),
]);
static CREATE_FOLDER: Shape = Shape::Object(&[ROOT_TYPE, required("name", Shape::Text)]);
static REGISTER: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("path", Shape::Text),
    optional("name", Shape::Text),
    required("asTemplate", Shape::Flag),
    optional("pool", REFERENCE),
    optional("host", REFERENCE),
]);
static OPTION: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["OptionValue"])),
    required("key", Shape::Text),
    optional("value", Shape::Boxed),
]);
static POWER_ON_TOGETHER: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("vm", Shape::List(&REFERENCE_ITEM)),
    optional("option", Shape::List(&OPTION)),
]);
static APPLY: Shape = Shape::Object(&[ROOT_TYPE, required("key", Shape::Text)]);
static KEY_VALUE: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["KeyValue"])),
    required("key", Shape::Text),
    required("value", Shape::Text),
]);
static FAILOVER_PAIR: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["DatastoreVVolContainerFailoverPair"])),
    optional("srcContainer", Shape::Text),
    required("tgtContainer", Shape::Text),
    optional("vvolMapping", Shape::List(&KEY_VALUE)),
]);
static UPDATE_FILES: Shape =
    Shape::Object(&[ROOT_TYPE, optional("failoverPair", Shape::List(&FAILOVER_PAIR))]);

const SHARES: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["SharesInfo"])),
    required("shares", Shape::Integer),
    required("level", Shape::OneOf(&["low", "normal", "high", "custom"])),
]);
const ALLOCATION: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["ResourceAllocationInfo"])),
    optional("reservation", Shape::Integer),
    optional("expandableReservation", Shape::Flag),
    optional("limit", Shape::Integer),
    optional("shares", SHARES),
]);
static PROFILE: Shape = Shape::Object(&[
    required(
        "_typeName",
        Shape::OneOf(&[
            "VirtualMachineDefaultProfileSpec",
            "VirtualMachineDefinedProfileSpec",
            "VirtualMachineEmptyProfileSpec",
        ]),
    ),
    optional("profileId", Shape::Text),
    optional(
        "replicationSpec",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["ReplicationSpec"])),
            required("replicationGroupId", GROUP_ID),
        ]),
    ),
]);
static DEVICE_CHANGE: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["VirtualDeviceConfigSpec"])),
    optional("operation", Shape::OneOf(&["add", "remove", "edit"])),
    optional("fileOperation", Shape::OneOf(&["create", "destroy", "replace"])),
    required("device", Shape::Anything),
    optional("profile", Shape::List(&PROFILE)),
]);
static CONFIG_SPEC: &[Member] = &[
    required("_typeName", Shape::OneOf(&["VirtualMachineConfigSpec"])),
    optional("changeVersion", Shape::Text),
    optional("name", Shape::Text),
    optional("uuid", Shape::Text),
    optional("instanceUuid", Shape::Text),
    optional("guestId", Shape::Text),
    optional("annotation", Shape::Text),
    optional("numCPUs", Shape::Integer),
    optional("memoryMB", Shape::Integer),
    optional("deviceChange", Shape::List(&DEVICE_CHANGE)),
    optional("cpuAllocation", ALLOCATION),
    optional("memoryAllocation", ALLOCATION),
    optional("extraConfig", Shape::List(&OPTION)),
    optional("vmProfile", Shape::List(&PROFILE)),
];
static RECONFIGURE: Shape = Shape::Object(&[ROOT_TYPE, required("spec", Shape::Object(CONFIG_SPEC))]);

/// Members of `VirtualMachineConfigSpec` that the simulator does not know.
static NOT_SIMULATED: &[&str] = &[
    "version",
    "createDate",
    "npivNodeWorldWideName",
    "npivPortWorldWideName",
    "npivWorldWideNameType",
    "npivDesiredNodeWwns",
    "npivDesiredPortWwns",
    "npivTemporaryDisabled",
    "npivOnNonRdmDisks",
    "npivWorldWideNameOp",
    "locationId",
    "alternateGuestName",
    "files",
    "tools",
    "flags",
    "consolePreferences",
    "powerOpInfo",
    "rebootPowerOff",
    "vcpuConfig",
    "numCoresPerSocket",
    "memoryHotAddEnabled",
    "cpuHotAddEnabled",
    "cpuHotRemoveEnabled",
    "virtualICH7MPresent",
    "virtualSMCPresent",
    "latencySensitivity",
    "cpuAffinity",
    "memoryAffinity",
    "networkShaper",
    "cpuFeatureMask",
    "swapPlacement",
    "bootOptions",
    "vAppConfig",
    "ftInfo",
    "repConfig",
    "vAppConfigRemoved",
    "vAssertsEnabled",
    "changeTrackingEnabled",
    "firmware",
    "maxMksConnections",
    "guestAutoLockEnabled",
    "managedBy",
    "memoryReservationLockedToMax",
    "nestedHVEnabled",
    "vPMCEnabled",
    "scheduledHardwareUpgradeInfo",
    "messageBusTunnelEnabled",
    "crypto",
    "migrateEncryption",
    "sgxInfo",
    "ftEncryptionMode",
    "guestMonitoringModeInfo",
    "sevEnabled",
    "virtualNuma",
    "motherboardLayout",
    "pmemFailoverEnabled",
    "vmxStatsCollectionEnabled",
    "vmOpNotificationToAppEnabled",
    "vmOpNotificationTimeout",
    "deviceSwap",
    "simultaneousThreads",
    "pmem",
    "deviceGroups",
    "fixedPassthruHotPlugEnabled",
    "metroFtEnabled",
    "metroFtHostGroup",
];

/// The body of a call, checked.
pub(super) fn read(operation: &str, request: &Request) -> Result<Value, Fault> {
    let shape = match operation {
        "ManagedEntity_Rename_Task" => &RENAME,
        "VirtualMachine_PowerOnVM_Task" => &POWER_ON,
        "VirtualMachine_AnswerVM" => &ANSWER,
        "VirtualMachine_ReconfigVM_Task" => {
            not_simulated(request)?;
            &RECONFIGURE
        }
        "Folder_CreateFolder" => &CREATE_FOLDER,
        "Folder_RegisterVM_Task" => &REGISTER,
        "Datacenter_PowerOnMultiVM_Task" => &POWER_ON_TOGETHER,
        "ClusterComputeResource_ApplyRecommendation" => &APPLY,
        "Datastore_UpdateVVolVirtualMachineFiles_Task" => &UPDATE_FILES,
        _ => &NO_PARAMETERS,
    };
    request::body(request, shape)
}

fn not_simulated(request: &Request) -> Result<(), Fault> {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
    let spec = body.get("spec").and_then(Value::as_object);
    let mut names = spec.into_iter().flat_map(|spec| spec.keys());
    match names.find(|name| NOT_SIMULATED.contains(&name.as_str())) {
        Some(name) => Err(Fault::not_simulated(&format!("VirtualMachineConfigSpec.{name}"))),
        None => Ok(()),
    }
}

/// What kind of device one is, if it has members of that kind alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Card,
    Disk,
}

/// The kind of a device in a request. What is there has to be as the type tables say; only its key, and the capacity of a disk,
/// have to be there.
pub(super) fn device_kind(device: &Value) -> Result<Kind, Fault> {
    if !device.is_object() {
        return Err(Fault::invalid_request("A device has to be an object."));
    }
    let type_name = device["_typeName"].as_str();
    let type_name = type_name.ok_or_else(|| Fault::invalid_request("A device needs its _typeName."))?;
    let kind = if super::file::is_card(device) {
        Kind::Card
    } else if type_name == "VirtualDisk" {
        Kind::Disk
    } else {
        return Err(Fault::not_simulated(&format!("changes of a {type_name}")));
    };
    body::part("spec.deviceChange.device", "VirtualDevice", device)?;
    if device["key"].is_null() {
        return Err(Fault::invalid_argument(
            Some("spec.deviceChange.device.key"),
            "A device needs its key.",
        ));
    }
    if kind == Kind::Disk && device["capacityInKB"].is_null() {
        return Err(Fault::invalid_argument(
            Some("spec.deviceChange.device.capacityInKB"),
            "A disk needs its capacity.",
        ));
    }
    Ok(kind)
}
