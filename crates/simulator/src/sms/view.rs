//! Groups and providers on the wire.

use serde_json::{Map, Value, json};

use super::group::{Pair, Phase, Side, fault_domain_id};
use super::provider::Provider;
use super::{FilePaths, Sms};
use crate::core::Core;
use crate::inventory::Place;
use crate::vi_json::fault::Fault;
use crate::vi_json::value::{date_time, reference};

const AGREEMENT: &str = "every 15 minutes";

/// `QueryReplicationGroupSuccessResult` of one side of a group.
pub(super) fn group(sms: &Sms, core: &Core, pair: &Pair, side: usize) -> Value {
    let info = if side == pair.source {
        source(sms, core, pair)
    } else {
        target(sms, core, pair)
    };
    json!({
        "_typeName": "QueryReplicationGroupSuccessResult",
        "groupId": pair.sides[side].group_id(),
        "rgInfo": info,
    })
}

fn source(sms: &Sms, core: &Core, pair: &Pair) -> Value {
    let (side, other) = (pair.source, pair.target());
    let mut info = Map::new();
    let mut set = |name: &str, value: Value| info.insert(name.to_owned(), value);
    set("_typeName", json!("SourceGroupInfo"));
    set("groupId", pair.sides[side].group_id());
    set("name", json!(pair.name));
    set("state", json!(sms.reported(core, pair, side)));
    set(
        "replica",
        json!([{
            "_typeName": "ReplicationTargetInfo",
            "targetGroupId": pair.sides[other].group_id(),
            "replicationAgreementDescription": AGREEMENT,
        }]),
    );
    if !pair.devices.is_empty() {
        let members = pair.parts().enumerate().map(|(index, device)| {
            json!({
                "_typeName": "SourceGroupMemberInfo",
                "deviceId": device_id(sms, pair, side, index),
                "targetId": [{
                    "_typeName": "TargetDeviceId",
                    "domainId": fault_domain_id(&pair.sides[other].fault_domain),
                    "deviceId": replica(&device.replicas[other]),
                }],
            })
        });
        set("memberInfo", members.collect());
    }
    Value::Object(info)
}

fn target(sms: &Sms, core: &Core, pair: &Pair) -> Value {
    let (side, other) = (pair.target(), pair.source);
    let mut info = Map::new();
    let mut set = |name: &str, value: Value| info.insert(name.to_owned(), value);
    set("_typeName", json!("TargetGroupInfo"));
    set("groupId", pair.sides[side].group_id());
    set("name", json!(pair.name));
    set("state", json!(sms.reported(core, pair, side)));
    set(
        "sourceInfo",
        json!({
            "_typeName": "TargetToSourceInfo",
            "sourceGroupId": pair.sides[other].group_id(),
            "replicationAgreementDescription": AGREEMENT,
        }),
    );
    if sms
        .spec
        .providers
        .get(pair.provider)
        .is_some_and(|provider| provider.promote_capable)
    {
        set("isPromoteCapable", json!(true));
    }
    if !pair.devices.is_empty() {
        let recovered = matches!(pair.phase, Phase::InTest | Phase::FailedOver);
        let shown = pair.devices.iter().filter(|device| recovered || !device.snapshot);
        let devices = shown.enumerate().map(|(index, device)| {
            let mut member = json!({
                "_typeName": "TargetGroupMemberInfo",
                "replicaId": replica(&device.replicas[side]),
                "sourceId": device_id(sms, pair, other, index),
                "targetDatastore": reference("Datastore", &pair.sides[side].datastore),
            });
            if recovered {
                member["_typeName"] = json!("RecoveredTargetGroupMemberInfo");
                if pair.surfaces_ms <= core.now_ms() && !is_lost(sms, pair, index) {
                    member["recoveredDeviceId"] = recovered_id(sms, pair, side, index);
                }
            }
            member
        });
        set("devices", devices.collect());
    }
    Value::Object(info)
}

/// `RecoveredDevice` of each device, for a failover to a side.
pub(super) fn recovered_devices(sms: &Sms, pair: &Pair, side: usize) -> Option<Value> {
    if pair.devices.is_empty() {
        return None;
    }
    let devices = pair.parts().enumerate().map(|(index, device)| {
        let mut recovered = json!({
            "_typeName": "RecoveredDevice",
            "sourceDeviceId": device_id(sms, pair, 1 - side, index),
            "datastore": reference("Datastore", &pair.sides[side].datastore),
        });
        if is_lost(sms, pair, index) {
            let fault = Fault::new("NoValidReplica", "There is no valid replica of the device.");
            let fault = fault.with("deviceId", recovered["sourceDeviceId"].clone());
            recovered["error"] = fault.to_json();
            return recovered;
        }
        recovered["targetDeviceId"] = replica(&device.replicas[side]);
        recovered["recoveredDeviceId"] = recovered_id(sms, pair, side, index);
        if let Some(key) = device.disk.filter(|_| is_host_based(sms, pair)) {
            recovered["recoveredDiskInfo"] = json!([{
                "_typeName": "RecoveredDiskInfo",
                "deviceKey": key,
                "dsUrl": datastore_url(sms, pair, side),
                "diskPath": file_path(sms, pair, side, "vmdk"),
            }]);
        }
        recovered
    });
    Some(devices.collect())
}

fn spec<'a>(sms: &'a Sms, pair: &Pair) -> Option<&'a super::ProviderSpec> {
    sms.spec.providers.get(pair.provider)
}

fn is_host_based(sms: &Sms, pair: &Pair) -> bool {
    spec(sms, pair).is_some_and(|spec| spec.host_based)
}

/// Whether a device has no valid replica.
fn is_lost(sms: &Sms, pair: &Pair, index: usize) -> bool {
    index + 1 == pair.parts().count() && spec(sms, pair).is_some_and(|spec| spec.loses_device)
}

fn datastore_url(sms: &Sms, pair: &Pair, side: usize) -> String {
    let end = match sms.spec.file_paths {
        FilePaths::Bare => "",
        FilePaths::FromUrl | FilePaths::FromHost | FilePaths::DatastoreForm => "/",
    };
    format!("ds://{}{end}", datastore_root(sms, pair, side))
}

/// Where the hosts have the datastore of a side.
fn datastore_root(sms: &Sms, pair: &Pair, side: usize) -> String {
    let datastore = &pair.sides[side].datastore;
    let containers = sms.containers();
    format!("/vmfs/volumes/{}", containers.get(datastore).unwrap_or(datastore))
}

/// The path of a file that a replicator on the hosts made.
fn file_path(sms: &Sms, pair: &Pair, side: usize, end: &str) -> String {
    let file = format!("{0}/{0}.{end}", pair.machine());
    match sms.spec.file_paths {
        FilePaths::FromUrl => format!("/{file}"),
        FilePaths::Bare => file,
        FilePaths::FromHost => format!("{}/{file}", datastore_root(sms, pair, side)),
        FilePaths::DatastoreForm => {
            let Side {
                vcenter, datastore, ..
            } = &pair.sides[side];
            let number = sms.vcenters.iter().position(|known| known == vcenter);
            let place = Place::new(super::site_number(number.unwrap_or_default()), vcenter);
            format!("[{}] {file}", place.array_datastore_name(datastore))
        }
    }
}

/// `DeviceId` of a device at a side: a virtual volume, or a virtual machine and its disks.
fn device_id(sms: &Sms, pair: &Pair, side: usize, index: usize) -> Value {
    let device = &pair.devices[index];
    if !is_host_based(sms, pair) {
        return json!({"_typeName": "VVolId", "id": sms.spec.volume_ids.write(&device.ids[side])});
    }
    // A replicator on the hosts knows virtual machines by the id of their first device.
    let vm = pair.devices[0].ids[side].trim_start_matches("rfc4122.");
    match device.disk {
        None => json!({"_typeName": "VirtualMachineUUID", "vmInstanceUUID": vm}),
        Some(key) => json!({"_typeName": "VirtualDiskKey", "vmInstanceUUID": vm, "deviceKey": key}),
    }
}

/// `DeviceId` of what was made of a device by recovery. A replicator on the hosts hands out files that can be registered.
fn recovered_id(sms: &Sms, pair: &Pair, side: usize, index: usize) -> Value {
    let device = &pair.devices[index];
    if is_host_based(sms, pair) && device.disk.is_none() {
        return json!({
            "_typeName": "VirtualMachineFilePath",
            "dsUrl": datastore_url(sms, pair, side),
            "vmxPath": file_path(sms, pair, side, "vmx"),
        });
    }
    device_id(sms, pair, side, index)
}

fn replica(id: &str) -> Value {
    json!({"_typeName": "ReplicaId", "id": id})
}

/// `VasaProviderInfo`.
pub(super) fn provider(sms: &Sms, core: &Core, provider: &Provider) -> Value {
    let array = provider.array();
    let online = provider.is_online(core);
    let now_ms = core.now_ms();
    let mut info = json!({
        "_typeName": "VasaProviderInfo",
        "uid": provider.uid(),
        "name": provider.name,
        "version": format!("3.2.{}", provider.upgrades + 1),
        "url": provider.url(),
        "status": if online { "online" } else { "offline" },
        "vasaVersion": "3.5",
        "namespace": "sim.array",
        "lastSyncTime": date_time(core, &provider.vcenter, provider.synced_ms),
        "supportedProfile": ["capability", "policy", "object"],
        "supportedProviderProfile": ["ProfileBasedManagement", "Replication"],
        "relatedStorageArray": [{
            "_typeName": "RelatedStorageArray",
            "arrayId": array,
            "active": sms.active(&provider.fault_domain) == provider.id,
            "manageable": true,
            "priority": 100,
        }],
        "providerId": format!("SIM:{array}"),
        "certificateExpiryDate": date_time(core, &provider.vcenter, provider.certificate.expires_ms),
        "certificateStatus": provider.certificate.status(now_ms),
        "needsExplicitActivation": false,
        "type": "PERSISTENCE",
        "category": "external",
        "priority": 100,
    });
    if let Some(description) = &provider.description {
        info["description"] = json!(description);
    }
    if !online {
        info["statusFault"] = unavailable().to_json();
    }
    if let Some(limit) = provider.spec.max_batch_size {
        info["maxBatchSize"] = json!(limit);
    }
    info
}

pub(super) fn unavailable() -> Fault {
    Fault::new("ProviderUnavailable", "The provider cannot be reached.")
}
