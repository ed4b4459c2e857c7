use serde_json::{Value, json};

use super::{EAST, bench, entity, groups, profiles};
use crate::testbench::Bench;

fn group_ids(answer: &Value) -> Vec<Option<String>> {
    let entries = answer.as_array().into_iter().flatten();
    let id = |entry: &Value| {
        entry["replicationGroupId"]["deviceGroupId"]["id"]
            .as_str()
            .map(str::to_owned)
    };
    entries.map(id).collect()
}

#[test]
fn a_machine_with_its_disks_answers_one_entry_for_each_part() {
    let mut bench = bench(0, |_| {});
    let found = groups(&mut bench, &[entity("virtualMachineAndDisks", "vm-13")]).value();
    let id = |text: &str| Some(text.to_owned());
    assert_eq!(group_ids(&found), [id("rg-001"), id("rg-003"), None]);
    let home = groups(&mut bench, &[entity("virtualMachine", "vm-13")]).value();
    assert_eq!(group_ids(&home), [id("rg-001")]);
    let disk = groups(&mut bench, &[entity("virtualDiskId", "vm-13:2000")]).value();
    assert_eq!(group_ids(&disk), [id("rg-003")]);
}

#[test]
fn parts_in_no_group_can_be_left_out_of_the_answer() {
    let mut bench = bench(0, |spec| spec.omits_unreplicated = true);
    let found = groups(&mut bench, &[entity("virtualMachineAndDisks", "vm-13")]).value();
    assert_eq!(found.as_array().map(Vec::len), Some(2));
    let none = groups(&mut bench, &[entity("virtualMachineAndDisks", "vm-14")]).value();
    assert_eq!(none, Value::Null);
}

#[test]
fn the_machines_of_replicated_devices_have_their_groups_until_these_change_sides() {
    let mut bench = bench(1, |_| {});
    let machine = |bench: &mut Bench| {
        let profile = json!({"profile": {
            "_typeName": "PbmProfileId",
            "uniqueId": bench.world.pbm().profiles(EAST)[0],
        }, "entityType": "virtualMachine"});
        let found = profiles(bench, "PbmQueryAssociatedEntity", &profile).value();
        found[0].clone()
    };
    let vm = machine(&mut bench);
    let found = groups(&mut bench, std::slice::from_ref(&vm)).value();
    assert_eq!(group_ids(&found), [Some("rg-001".to_owned())]);
    let failover = json!({"failoverParam": {
        "_typeName": "FailoverParam",
        "isPlanned": true,
        "checkOnly": false,
        "replicationGroupsToFailover": [{
            "_typeName": "ReplicationGroupData",
            "groupId": crate::testbench::group_id("fd-west-1", "rt-001"),
        }],
    }});
    let path = "/sms/VasaProvider/vasaProvider-west-1/FailoverReplicationGroup_Task";
    assert_eq!(bench.post("vc-west", path, &failover).status, 200);
    bench.pass(10_000);
    let after = groups(&mut bench, &[vm]).value();
    assert_eq!(after, Value::Null, "nothing is replicated from here");
}

#[test]
fn what_is_not_there_is_told_for_the_one_entity() {
    let mut bench = bench(0, |_| {});
    let asked = [
        entity("virtualMachine", "vm-12"),
        entity("virtualMachine", "vm-999"),
    ];
    let found = groups(&mut bench, &asked).value();
    assert_eq!(found[1]["fault"]["_typeName"], "PbmFaultNotFound");
    let nothing = groups(&mut bench, &[]);
    assert_eq!(nothing.value()["invalidProperty"], "entities");
    let path = "/pbm/PbmReplicationManager/other/PbmQueryReplicationGroups";
    let other = bench.post(EAST, path, &json!({"entities": asked}));
    assert_eq!(other.value()["_typeName"], "ManagedObjectNotFound");
}

#[test]
fn without_a_replication_manager_there_is_nothing_to_ask() {
    let mut bench = bench(0, |spec| spec.no_replication_manager = true);
    let content = bench
        .get(EAST, "/pbm/PbmServiceInstance/ServiceInstance/content")
        .value();
    assert_eq!(content["replicationManager"], Value::Null);
    let asked = groups(&mut bench, &[entity("virtualMachine", "vm-12")]);
    assert_eq!(asked.value()["_typeName"], "ManagedObjectNotFound");
}
