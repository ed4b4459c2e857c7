//! Groups and providers on the wire.

use serde_json::{Map, Value, json};

use super::group::{Pair, Phase, fault_domain_id};
use super::{Provider, Sms};
use crate::core::Core;
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
        let members = pair.devices.iter().map(|device| {
            json!({
                "_typeName": "SourceGroupMemberInfo",
                "deviceId": vvol(&device.ids[side]),
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
        let devices = pair.devices.iter().map(|device| {
            let mut member = json!({
                "_typeName": "TargetGroupMemberInfo",
                "replicaId": replica(&device.replicas[side]),
                "sourceId": vvol(&device.ids[other]),
                "targetDatastore": reference("Datastore", &pair.sides[side].datastore),
            });
            if recovered {
                member["_typeName"] = json!("RecoveredTargetGroupMemberInfo");
                member["recoveredDeviceId"] = vvol(&device.ids[side]);
            }
            member
        });
        set("devices", devices.collect());
    }
    Value::Object(info)
}

/// `RecoveredDevice` of each device, for a failover to a side.
pub(super) fn recovered_devices(pair: &Pair, side: usize) -> Option<Value> {
    if pair.devices.is_empty() {
        return None;
    }
    let devices = pair.devices.iter().map(|device| {
        json!({
            "_typeName": "RecoveredDevice",
            "targetDeviceId": replica(&device.replicas[side]),
            "recoveredDeviceId": vvol(&device.ids[side]),
            "sourceDeviceId": vvol(&device.ids[1 - side]),
            "datastore": reference("Datastore", &pair.sides[side].datastore),
        })
    });
    Some(devices.collect())
}

fn vvol(id: &str) -> Value {
    json!({"_typeName": "VVolId", "id": id})
}

fn replica(id: &str) -> Value {
    json!({"_typeName": "ReplicaId", "id": id})
}

/// The name that people know a provider by.
pub(super) fn provider_name(provider: &Provider) -> String {
    let place = provider.vcenter.trim_start_matches("vc-");
    format!("{place}-array-provider-{}", provider.number)
}

/// `VasaProviderInfo`.
pub(super) fn provider(core: &Core, provider: &Provider) -> Value {
    let place = provider.vcenter.trim_start_matches("vc-");
    let number = provider.number;
    let array = format!("array-{place}-{number}");
    let online = provider.is_online(core);
    let mut info = json!({
        "_typeName": "VasaProviderInfo",
        "uid": format!("uid-{place}-{number}"),
        "name": provider_name(provider),
        "version": "3.2.1",
        "url": format!("https://{array}.sim.invalid:8443/vasa/version.xml"),
        "status": if online { "online" } else { "offline" },
        "vasaVersion": "3.5",
        "namespace": "sim.array",
        "lastSyncTime": date_time(core, &provider.vcenter, core.now_ms()),
        "supportedProfile": ["capability", "policy", "object"],
        "supportedProviderProfile": ["ProfileBasedManagement", "Replication"],
        "relatedStorageArray": [{
            "_typeName": "RelatedStorageArray",
            "arrayId": array,
            "active": true,
            "manageable": true,
            "priority": 100,
        }],
        "providerId": format!("SIM:{array}"),
        "certificateStatus": "valid",
        "needsExplicitActivation": false,
        "type": "PERSISTENCE",
        "category": "external",
        "priority": 100,
    });
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
