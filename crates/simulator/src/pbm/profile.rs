//! The storage profiles of a vCenter, on the wire.

use serde_json::{Value, json};

use crate::core::Core;
use crate::vi_json::value::{boxed, date_time};

/// A profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A requirement with replication.
    Replicated,
    /// A requirement without constraints.
    Plain,
    /// What a container of virtual volumes gives by default.
    Default,
}

/// All of them, in the order of their ids.
pub(super) const KINDS: [Kind; 3] = [Kind::Replicated, Kind::Plain, Kind::Default];

impl Kind {
    /// `PbmProfileCategoryEnum`.
    pub(super) fn category(self) -> &'static str {
        match self {
            Self::Replicated | Self::Plain => "REQUIREMENT",
            Self::Default => "RESOURCE",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Replicated => "Gold replicated",
            Self::Plain => "Plain",
            Self::Default => "Container default",
        }
    }
}

/// `PbmProfileId`.
pub(super) fn id(unique_id: &str) -> Value {
    json!({"_typeName": "PbmProfileId", "uniqueId": unique_id})
}

fn capability(namespace: &str, name: &str, value: Value) -> Value {
    json!({
        "_typeName": "PbmCapabilityInstance",
        "id": {"_typeName": "PbmCapabilityMetadataUniqueId", "namespace": namespace, "id": name},
        "constraint": [{
            "_typeName": "PbmCapabilityConstraintInstance",
            "propertyInstance": [{
                "_typeName": "PbmCapabilityPropertyInstance",
                "id": name,
                "value": value,
            }],
        }],
    })
}

fn constraints(name: &str, capabilities: Vec<Value>) -> Value {
    json!({
        "_typeName": "PbmCapabilitySubProfileConstraints",
        "subProfiles": [{
            "_typeName": "PbmCapabilitySubProfile",
            "name": name,
            "capability": capabilities,
        }],
    })
}

/// The profile, as the subtype that it is.
pub(super) fn content(core: &Core, vcenter: &str, kind: Kind, unique_id: &str) -> Value {
    let made = date_time(core, vcenter, 0);
    let mut profile = json!({
        "_typeName": "PbmCapabilityProfile",
        "profileId": id(unique_id),
        "name": kind.name(),
        "creationTime": made,
        "createdBy": "VSPHERE.LOCAL\\Administrator",
        "lastUpdatedTime": made,
        "lastUpdatedBy": "VSPHERE.LOCAL\\Administrator",
        "profileCategory": kind.category(),
        "resourceType": {"_typeName": "PbmProfileResourceType", "resourceType": "STORAGE"},
        "constraints": {"_typeName": "PbmCapabilityConstraints"},
        "isDefault": false,
    });
    match kind {
        Kind::Plain => {}
        Kind::Replicated => {
            let targets = json!([
                boxed("string", json!("array-west-1")),
                boxed("string", json!("array-west-2"))
            ]);
            profile["description"] = json!("Replicated to the other site");
            profile["constraints"] = constraints(
                "Replication",
                vec![
                    capability(
                        "sim.array.replication",
                        "replicationInterval",
                        json!({"_typeName": "PbmCapabilityTimeSpan", "value": 15, "unit": "MINUTES"}),
                    ),
                    capability(
                        "sim.array.replication",
                        "remoteTarget",
                        json!({"_typeName": "PbmCapabilityDiscreteSet", "values": targets}),
                    ),
                ],
            );
        }
        Kind::Default => {
            profile["_typeName"] = json!("PbmDefaultCapabilityProfile");
            profile["isDefault"] = json!(true);
            profile["systemCreatedProfileType"] = json!("VVolDefaultProfile");
            profile["vvolType"] = json!(["Config", "Data", "Swap"]);
            profile["containerId"] = json!("vvol:sim");
            let encrypted = capability("sim.array", "encrypted", boxed("boolean", json!(false)));
            profile["constraints"] = constraints("Default", vec![encrypted]);
        }
    }
    profile
}
