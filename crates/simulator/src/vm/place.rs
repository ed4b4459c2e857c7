//! Where machines are and what they are connected to: datastores and networks of a vCenter.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::vi_json::value::reference;

/// How large a file can be, in bytes.
const MOST_BYTES: i64 = 70_368_744_177_664;

/// How many bytes of a datastore are free, unless it is full.
pub(super) const FREE_BYTES: i64 = 54_975_581_388_800;

/// A datastore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Datastore {
    /// Its id, such as `datastore-west-1`.
    pub id: String,
    /// Its vCenter.
    pub vcenter: String,
    /// Its name, such as `vvol-west-1`.
    pub name: String,
    /// The storage container behind it; `None` for one that holds no virtual volumes.
    pub container: Option<String>,
    /// Whether a host reaches it.
    pub accessible: bool,
    /// The task that rewrites files on it.
    pub busy: Option<String>,
}

impl Datastore {
    /// The part of its URL below `/vmfs/volumes`.
    fn volume(&self) -> String {
        let container = self.container.as_ref();
        container.map_or_else(|| self.id.clone(), |container| container.clone())
    }

    /// Its URL.
    pub(super) fn url(&self) -> String {
        format!("ds:///vmfs/volumes/{}/", self.volume())
    }

    /// `DatastoreSummary`, with so many bytes that are free.
    pub(super) fn summary(&self, free: i64) -> Value {
        let mut summary = json!({
            "_typeName": "DatastoreSummary",
            "datastore": reference("Datastore", &self.id),
            "name": self.name,
            "url": if self.accessible { self.url() } else { String::new() },
            "capacity": if self.accessible { 109_951_162_777_600_i64 } else { 0 },
            "freeSpace": if self.accessible { free } else { 0 },
            "accessible": self.accessible,
            "multipleHostAccess": true,
            "type": if self.container.is_some() { "VVOL" } else { "VMFS" },
            "maintenanceMode": "normal",
        });
        if self.accessible {
            summary["uncommitted"] = json!(21_990_232_555_520_i64);
        }
        summary
    }

    /// `DatastoreInfo` or the subtype of its kind, with so many bytes that are free.
    pub(super) fn info(&self, array: &str, free: i64) -> Value {
        let mut info = json!({
            "_typeName": "VmfsDatastoreInfo",
            "name": self.name,
            "url": self.url(),
            "freeSpace": free,
            "maxFileSize": MOST_BYTES,
            "maxMemoryFileSize": MOST_BYTES,
        });
        if let Some(container) = &self.container {
            info["_typeName"] = json!("VvolDatastoreInfo");
            info["vvolDS"] = json!({
                "_typeName": "HostVvolVolume",
                "type": "VVOL",
                "name": self.name,
                "capacity": 109_951_162_777_600_i64,
                "scId": container,
                "storageArray": [{
                    "_typeName": "VASAStorageArray",
                    "name": array,
                    "uuid": array,
                    "vendorId": "Simulator",
                    "modelId": "Simulated array",
                }],
            });
        } else {
            info["maxPhysicalRDMFileSize"] = json!(MOST_BYTES);
            info["maxVirtualRDMFileSize"] = json!(MOST_BYTES);
        }
        info
    }

    /// Datastore and path of a file in datastore form: `[vvol-west-1] a/b.vmx` is `vvol-west-1` and `a/b.vmx`.
    pub(super) fn split(path: &str) -> Option<(&str, &str)> {
        let (name, file) = path.strip_prefix('[')?.split_once(']')?;
        Some((name, file.trim_start()))
    }
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Its id, such as `network-11`.
    pub id: String,
    /// Its vCenter.
    pub vcenter: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: NetworkKind,
}

/// What a network is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkKind {
    /// A port group of standard switches, which has no id but its name.
    Standard,
    /// A port group of a distributed switch.
    Distributed {
        /// The id of the switch.
        switch: String,
        /// The uuid of the switch.
        switch_uuid: String,
    },
    /// A network of NSX.
    Opaque {
        /// Its id there.
        network: String,
    },
}

/// The type of opaque networks.
pub(super) const OPAQUE_TYPE: &str = "nsx.LogicalSwitch";

impl Network {
    /// The type of its managed object.
    pub(super) fn type_name(&self) -> &'static str {
        match self.kind {
            NetworkKind::Standard => "Network",
            NetworkKind::Distributed { .. } => "DistributedVirtualPortgroup",
            NetworkKind::Opaque { .. } => "OpaqueNetwork",
        }
    }

    /// `NetworkSummary` or the subtype of its kind.
    pub(super) fn summary(&self) -> Value {
        let mut summary = json!({
            "_typeName": "NetworkSummary",
            "network": reference(self.type_name(), &self.id),
            "name": self.name,
            "accessible": true,
            "ipPoolName": "",
        });
        if let NetworkKind::Opaque { network } = &self.kind {
            summary["_typeName"] = json!("OpaqueNetworkSummary");
            summary["opaqueNetworkId"] = json!(network);
            summary["opaqueNetworkType"] = json!(OPAQUE_TYPE);
        }
        summary
    }

    /// Whether the backing of a card names it.
    pub(super) fn is_behind(&self, backing: &Value) -> bool {
        match &self.kind {
            NetworkKind::Standard => {
                backing["_typeName"] == "VirtualEthernetCardNetworkBackingInfo"
                    && backing["deviceName"] == self.name.as_str()
            }
            NetworkKind::Distributed { switch_uuid, .. } => {
                backing["_typeName"] == "VirtualEthernetCardDistributedVirtualPortBackingInfo"
                    && backing["port"]["switchUuid"] == switch_uuid.as_str()
                    && backing["port"]["portgroupKey"] == self.id.as_str()
            }
            NetworkKind::Opaque { network } => {
                backing["_typeName"] == "VirtualEthernetCardOpaqueNetworkBackingInfo"
                    && backing["opaqueNetworkId"] == network.as_str()
                    && backing["opaqueNetworkType"] == OPAQUE_TYPE
            }
        }
    }

    /// What the backing of a card on it is.
    pub(super) fn backing(&self) -> Value {
        match &self.kind {
            NetworkKind::Standard => json!({
                "_typeName": "VirtualEthernetCardNetworkBackingInfo",
                "deviceName": self.name,
                "useAutoDetect": false,
                "network": reference("Network", &self.id),
            }),
            NetworkKind::Distributed { switch_uuid, .. } => json!({
                "_typeName": "VirtualEthernetCardDistributedVirtualPortBackingInfo",
                "port": {
                    "_typeName": "DistributedVirtualSwitchPortConnection",
                    "switchUuid": switch_uuid,
                    "portgroupKey": self.id,
                },
            }),
            NetworkKind::Opaque { network } => json!({
                "_typeName": "VirtualEthernetCardOpaqueNetworkBackingInfo",
                "opaqueNetworkId": network,
                "opaqueNetworkType": OPAQUE_TYPE,
            }),
        }
    }
}
