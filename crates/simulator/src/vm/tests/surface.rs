//! Volumes that surface some time after the work of the array.

use serde_json::{Value, json};

use super::EAST;
use crate::exchange::Answer;
use crate::sms::{VasaSpec, Verb, VolumeIds};
use crate::spec::WorldSpec;
use crate::testbench::Bench;
use crate::vi_json::value::reference;

const WEST: &str = "vc-west";
const LATE_MS: i64 = 20_000;

fn bench(volume_ids: VolumeIds) -> Bench {
    let vasa = VasaSpec {
        groups_with_devices: 1,
        surfaces_ms: u32::try_from(LATE_MS).unwrap(),
        volume_ids,
        ..VasaSpec::default()
    };
    Bench::new(&WorldSpec::pair(9).groups(1).replications(0).vasa(vasa))
}

fn fault(answer: &Answer) -> String {
    let value = answer.value();
    value["_typeName"].as_str().unwrap_or_default().to_owned()
}

/// The devices that the group shows at its target.
fn devices(bench: &mut Bench) -> Vec<Value> {
    let group = json!({
        "_typeName": "ReplicationGroupId",
        "faultDomainId": {"_typeName": "FaultDomainId", "id": "fd-west-1"},
        "deviceGroupId": {"_typeName": "DeviceGroupId", "id": "rt-001"},
    });
    let path = "/sms/VasaProvider/vasaProvider-west-1/QueryReplicationGroup";
    let told = bench.post(WEST, path, &json!({"groupId": [group]})).value();
    told[0]["rgInfo"]["devices"].as_array().unwrap().clone()
}

/// Asks for a mapping of the first device, as the provider writes the ids in both its sides.
fn rewrite(bench: &mut Bench, written: VolumeIds) -> Answer {
    let sms = bench.world.sms();
    let [theirs, own] = [EAST, WEST].map(|vcenter| written.write(&sms.devices(vcenter, "group-001")[0]));
    let container = bench
        .world
        .vms()
        .datastore("datastore-21")
        .unwrap()
        .container
        .clone();
    let pair = json!({
        "_typeName": "DatastoreVVolContainerFailoverPair",
        "tgtContainer": container,
        "vvolMapping": [{"_typeName": "KeyValue", "key": theirs, "value": own}],
    });
    let path = "/Datastore/datastore-21/UpdateVVolVirtualMachineFiles_Task";
    bench.post(WEST, path, &json!({"failoverPair": [pair]}))
}

fn register(bench: &mut Bench) -> Answer {
    let directory = bench.world.sms().devices(WEST, "group-001")[0].clone();
    let name = bench.world.vms().datastore("datastore-21").unwrap().name.clone();
    let body = json!({
        "path": format!("[{name}] {directory}/app-001.vmx"),
        "asTemplate": false,
        "pool": reference("ResourcePool", "resgroup-29"),
    });
    bench.post(WEST, "/Folder/group-v23/RegisterVM_Task", &body)
}

#[test]
fn until_they_surface_nobody_knows_of_recovered_volumes() {
    let mut bench = bench(VolumeIds::AsFiles);
    assert!(bench.world.act_on_group("group-001", Verb::Failover));
    bench.pass(LATE_MS - 1);
    assert!(devices(&mut bench).iter().all(|device| {
        device["_typeName"] == "RecoveredTargetGroupMemberInfo" && device["recoveredDeviceId"].is_null()
    }));
    assert_eq!(
        fault(&rewrite(&mut bench, VolumeIds::AsFiles)),
        "PlatformConfigFault"
    );
    assert_eq!(fault(&register(&mut bench)), "FileNotFound");
    bench.pass(1);
    assert!(
        devices(&mut bench)
            .iter()
            .all(|device| device["recoveredDeviceId"].is_object())
    );
    assert_eq!(rewrite(&mut bench, VolumeIds::AsFiles).status, 200);
    bench.pass(30_000);
    assert_eq!(register(&mut bench).status, 200);
}

#[test]
fn what_goes_away_before_it_surfaces_never_does() {
    let mut bench = bench(VolumeIds::AsFiles);
    for (verb, wait_ms) in [
        (Verb::TestStart, 1_000),
        (Verb::TestStop, 1_000),
        (Verb::TestStart, LATE_MS - 1),
    ] {
        assert!(bench.world.act_on_group("group-001", verb));
        bench.pass(wait_ms);
    }
    // The time of the first test is over, that of the second one is not.
    assert_eq!(fault(&register(&mut bench)), "FileNotFound");
    bench.pass(1);
    assert_eq!(rewrite(&mut bench, VolumeIds::AsFiles).status, 200);
}

#[test]
fn an_id_of_a_volume_is_taken_in_each_way_to_write_it() {
    for volume_ids in [VolumeIds::Capitals, VolumeIds::NoDashes] {
        let mut bench = bench(volume_ids);
        let own = bench.world.sms().devices(WEST, "group-001")[0].clone();
        assert!(bench.world.act_on_group("group-001", Verb::Failover));
        bench.pass(LATE_MS);
        let written = volume_ids.write(&own);
        assert_ne!(written, own);
        assert_eq!(devices(&mut bench)[0]["recoveredDeviceId"]["id"], json!(written));
        for written in [volume_ids, VolumeIds::AsFiles] {
            assert_eq!(rewrite(&mut bench, written).status, 200);
            bench.pass(30_000);
        }
        assert_eq!(register(&mut bench).status, 200);
    }
}
