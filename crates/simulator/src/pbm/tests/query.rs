use serde_json::{Value, json};

use super::{EAST, bench, entity, groups, profiles};
use crate::pbm::PbmSpec;
use crate::sms::{VasaSpec, Verb};
use crate::spec::WorldSpec;
use crate::testbench::Bench;
use crate::vi_json::value::reference;

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
fn a_recovered_machine_without_a_policy_is_told_of_by_its_volumes_in_one_reading_only() {
    for tells_unassigned in [false, true] {
        let mut vasa = VasaSpec {
            groups_with_devices: 1,
            ..VasaSpec::default()
        };
        vasa.providers[0].host_based = true;
        let pbm = PbmSpec {
            tells_unassigned,
            ..PbmSpec::default()
        };
        let spec = WorldSpec::pair(5).groups(1).replications(0).vasa(vasa).pbm(pbm);
        let mut bench = Bench::new(&spec);
        assert!(bench.world.act_on_group("group-001", Verb::Failover));
        let body = json!({
            "path": "[datastore-west-1] app-001/app-001.vmx",
            "asTemplate": false,
            "pool": reference("ResourcePool", "resgroup-29"),
        });
        let registered = bench.post("vc-west", "/Folder/group-v23/RegisterVM_Task", &body);
        assert_eq!(registered.status, 200);
        bench.pass(10_000);
        let machine = bench.world.vms().named("vc-west", "app-001").unwrap().id.clone();
        let ask = |bench: &mut Bench| {
            let body = json!({"entities": [entity("virtualMachineAndDisks", &machine)]});
            let path = "/pbm/PbmReplicationManager/ReplicationManager/PbmQueryReplicationGroups";
            bench.post("vc-west", path, &body).value()
        };
        let before = ask(&mut bench);
        assert!(bench.world.act_on_group("group-001", Verb::Reverse));
        let after = ask(&mut bench);
        if tells_unassigned {
            assert_eq!(before, Value::Null, "nothing is replicated from here");
            let own = Some("rt-001".to_owned());
            assert_eq!(group_ids(&after), [own.clone(), own]);
        } else {
            for told in [before, after] {
                assert_eq!(told[0]["fault"]["_typeName"], "PbmFaultNotFound");
            }
        }
    }
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

#[test]
fn what_is_not_simulated_says_so_and_what_it_is() {
    let mut bench = bench(0, |_| {});
    let path = "/pbm/PbmPlacementSolver/PlacementSolver/PbmCheckRequirements";
    let refused = bench.post(EAST, path, &json!({}));
    assert_eq!(
        (refused.status, &refused.value()["_typeName"]),
        (500, &json!("NotImplemented"))
    );
    let text = refused.value()["faultstring"].as_str().unwrap().to_owned();
    assert!(text.contains("PbmPlacementSolver/PbmCheckRequirements"), "{text}");
}
