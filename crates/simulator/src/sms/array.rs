//! What an array holds, as its provider reports it: controllers, ports, LUNs, a file system, storage pools, a container
//! of virtual volumes. It follows from the array's name, and nothing changes it.

use serde_json::{Value, json};

use super::provider::Provider;
use crate::random::Random;
use crate::vi_json::value::reference;

/// The vVol, VMFS and NFS datastores on an array.
pub(super) fn datastores(provider: &Provider) -> [String; 3] {
    let vvol = super::datastore(provider.site, provider.number);
    let (vmfs, nfs) = (format!("{vvol}-vmfs"), format!("{vvol}-nfs"));
    [vvol, vmfs, nfs]
}

fn named(kind: &str, provider: &Provider, number: usize) -> String {
    format!("{kind}-{}-{}-{number}", provider.place(), provider.number)
}

pub(super) fn container_id(provider: &Provider) -> String {
    let place = provider.place();
    let side: String = if place.len() > 8 {
        // Longer than there is room for.
        Random::keyed(0, &["container", place]).hex()
    } else {
        place.bytes().map(|byte| format!("{byte:02x}")).collect()
    };
    format!("vvol:{side:0>16}-{:016x}", provider.number)
}

/// Whether the array holds an entity of this type and id.
pub(super) fn holds(provider: &Provider, kind: &str, id: &str) -> bool {
    let one_of = |entities: Vec<Value>| entities.iter().any(|entity| entity["uuid"] == id);
    match kind {
        "StorageArrayEntity" => id == provider.array(),
        "StorageContainerEntity" => id == container_id(provider),
        "FaultDomainEntity" => id == provider.fault_domain,
        "StorageProcessorEntity" => one_of(processors(provider)),
        "StoragePortEntity" => one_of(ports(provider)),
        "StorageLunEntity" => one_of(luns(provider)),
        "StorageFileSystemEntity" => one_of(file_systems(provider)),
        "BackingStoragePoolEntity" => one_of(pools(provider)),
        _ => false,
    }
}

/// `StorageArray`. An array of an even number reports only what it must.
pub(super) fn array(provider: &Provider) -> Value {
    let id = provider.array();
    let mut array = json!({
        "_typeName": "StorageArray",
        "name": id,
        "uuid": id,
        "vendorId": "SIM",
        "modelId": "ARRAY-1",
    });
    if provider.number.is_multiple_of(2) {
        return array;
    }
    array["firmware"] = json!("7.1.0");
    array["alternateName"] = json!([format!("{id}-lab")]);
    array["supportedBlockInterface"] = json!(["fc", "iscsi"]);
    array["supportedFileSystemInterface"] = json!(["nfs"]);
    array["supportedProfile"] = json!(["blockDevice", "policy", "object"]);
    array["priority"] = json!(100);
    array["discoverySvc"] = json!([{
        "_typeName": "VASAStorageArrayDiscoverySvcInfo",
        "portType": "nvmetcp",
        "svcNqn": format!("nqn.2014-08.sim.invalid:{id}"),
        "ipInfo": {
            "_typeName": "VASAStorageArrayDiscoveryIpTransport",
            "ipAddress": "192.0.2.40",
            "portNumber": "8009",
        },
    }]);
    array
}

/// `StorageProcessor` of both controllers.
pub(super) fn processors(provider: &Provider) -> Vec<Value> {
    vec![
        json!({
            "_typeName": "StorageProcessor",
            "uuid": named("sp", provider, 1),
            "alternateIdentifer": ["controller-a"],
        }),
        json!({"_typeName": "StorageProcessor", "uuid": named("sp", provider, 2)}),
    ]
}

/// The ports: one of each kind.
pub(super) fn ports(provider: &Provider) -> Vec<Value> {
    let wwn = |port: usize| format!("50:00:00:00:00:00:{:02x}:{port:02x}", provider.number);
    vec![
        json!({
            "_typeName": "FcStoragePort",
            "uuid": named("port", provider, 1),
            "type": "fc",
            "alternateName": ["CT0.FC0"],
            "portWwn": wwn(1),
            "nodeWwn": wwn(0),
        }),
        json!({
            "_typeName": "IscsiStoragePort",
            "uuid": named("port", provider, 2),
            "type": "iscsi",
            "identifier": format!("iqn.2001-05.sim.invalid:{}.port2", provider.array()),
        }),
        json!({
            "_typeName": "FcoeStoragePort",
            "uuid": named("port", provider, 3),
            "type": "fcoe",
            "portWwn": wwn(3),
            "nodeWwn": wwn(0),
        }),
        json!({"_typeName": "StoragePort", "uuid": named("port", provider, 4), "type": "otherBlock"}),
    ]
}

/// The ports of a controller: the first two of one, the last two of the other.
pub(super) fn ports_of(provider: &Provider, processor: &str) -> Option<Vec<Value>> {
    let index = processors(provider)
        .iter()
        .position(|known| known["uuid"] == processor)?;
    Some(ports(provider).drain(index * 2..index * 2 + 2).collect())
}

/// `StorageLun`: one with everything and one with what it must have.
pub(super) fn luns(provider: &Provider) -> Vec<Value> {
    vec![
        json!({
            "_typeName": "StorageLun",
            "uuid": named("lun", provider, 1),
            "vSphereLunIdentifier": canonical_name(provider, 1),
            "vendorDisplayName": "erp-data",
            "capacityInMB": 1_048_576,
            "usedSpaceInMB": 262_144,
            "lunThinProvisioned": true,
            "alternateIdentifier": ["serial-000001"],
            "drsManagementPermitted": true,
            "thinProvisioningStatus": "GREEN",
            "backingConfig": {
                "_typeName": "BackingConfig",
                "thinProvisionBackingIdentifier": named("pool", provider, 1),
                "deduplicationBackingIdentifier": named("pool", provider, 2),
                "autoTieringEnabled": false,
                "deduplicationEfficiency": 40,
                "performanceOptimizationInterval": 3_600,
            },
        }),
        json!({
            "_typeName": "StorageLun",
            "uuid": named("lun", provider, 2),
            "vSphereLunIdentifier": canonical_name(provider, 2),
            "vendorDisplayName": "erp-log",
            "capacityInMB": 65_536,
            "usedSpaceInMB": 65_536,
            "lunThinProvisioned": false,
            "drsManagementPermitted": false,
            "thinProvisioningStatus": "YELLOW",
        }),
    ]
}

/// The name by which hosts know a LUN.
pub(super) fn canonical_name(provider: &Provider, lun: usize) -> String {
    let side: u64 = provider.place().bytes().map(u64::from).sum();
    format!("naa.6000{side:012x}{:08x}{lun:08x}", provider.number)
}

/// Where a LUN is in the list of LUNs, and so which port it has.
pub(super) fn lun(provider: &Provider, id: &str) -> Option<usize> {
    luns(provider).iter().position(|lun| lun["uuid"] == id)
}

/// `StorageFileSystem`.
pub(super) fn file_systems(provider: &Provider) -> Vec<Value> {
    let info = |server: &str| {
        json!({
            "_typeName": "StorageFileSystemInfo",
            "fileServerName": format!("{server}.{}.sim.invalid", provider.array()),
            "fileSystemPath": "/export/erp",
        })
    };
    let mut first = info("nas-a");
    first["ipAddress"] = json!("192.0.2.41");
    vec![json!({
        "_typeName": "StorageFileSystem",
        "uuid": named("fs", provider, 1),
        "info": [first, info("nas-b")],
        "nativeSnapshotSupported": true,
        "thinProvisioningStatus": "GREEN",
        "type": "nfs",
        "version": "NFSV3_0",
        "backingConfig": {
            "_typeName": "BackingConfig",
            "thinProvisionBackingIdentifier": named("pool", provider, 1),
        },
    })]
}

/// `BackingStoragePool`.
pub(super) fn pools(provider: &Provider) -> Vec<Value> {
    let pool = |number: usize, kind: &str, capacity_mb: u64, used_mb: u64| {
        json!({
            "_typeName": "BackingStoragePool",
            "uuid": named("pool", provider, number),
            "type": kind,
            "capacityInMB": capacity_mb,
            "usedSpaceInMB": used_mb,
        })
    };
    vec![
        pool(1, "thinProvisioningPool", 4_194_304, 1_310_720),
        pool(2, "deduplicationPool", 2_097_152, 524_288),
    ]
}

/// The pools behind a LUN or a file system; `None` if the array has no such entity.
pub(super) fn pools_of(provider: &Provider, id: &str) -> Option<Vec<Value>> {
    let mut pools = pools(provider);
    match lun(provider, id) {
        Some(0) => Some(pools),
        Some(_) => Some(Vec::new()),
        None => file_systems(provider)
            .iter()
            .any(|known| known["uuid"] == id)
            .then(|| pools.drain(..1).collect()),
    }
}

/// Which pool is behind a datastore of the array: the second one behind the virtual volumes, the first behind the rest.
pub(super) fn pool_of(provider: &Provider, datastore: &str) -> Option<usize> {
    let index = datastores(provider).iter().position(|known| known == datastore)?;
    Some(usize::from(index == 0))
}

/// `StorageContainer`.
pub(super) fn container(provider: &Provider) -> Value {
    let mut container = json!({
        "_typeName": "StorageContainer",
        "uuid": container_id(provider),
        "name": named("container", provider, 1),
        "maxVvolSizeInMB": 65_536_000,
        "providerId": [provider.uid()],
        "arrayId": [provider.array()],
    });
    if !provider.number.is_multiple_of(2) {
        container["vvolContainerType"] = json!("SCSI");
        container["stretched"] = json!(false);
    }
    container
}

/// `StorageCapability` of a datastore of the array.
pub(super) fn capability(provider: &Provider) -> Value {
    json!({
        "_typeName": "StorageCapability",
        "uuid": named("capability", provider, 1),
        "name": "Gold",
        "description": "Fast and mirrored.",
    })
}

/// `FaultDomainInfo` of the array, with the provider that is active for it.
pub(super) fn fault_domain(provider: &Provider, active: &str) -> Value {
    json!({
        "_typeName": "FaultDomainInfo",
        "id": provider.fault_domain,
        "name": format!("{} {}", provider.place(), provider.number),
        "description": "Simulated fault domain",
        "storageArrayId": provider.array(),
        "provider": reference("VasaProvider", active),
    })
}
