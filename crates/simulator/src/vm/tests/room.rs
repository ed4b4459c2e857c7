//! Storage that is full: what needs room fails with `NoDiskSpace`.

use serde_json::{Value, json};

use super::{EAST, bench, call, done, named};
use crate::fault::{FaultAction, FaultRule};
use crate::sms::Verb;
use crate::testbench::Bench;
use crate::vi_json::value::reference;
use crate::vm::VmSpec;

const WEST: &str = "vc-west";

fn fill(bench: &mut Bench, site: &str) -> u32 {
    let site = site.to_owned();
    let rule = FaultRule::any(FaultAction::FillDisk { site });
    bench.world.add_fault(rule).unwrap()
}

/// The fault of the last task of a machine.
fn fault(bench: &mut Bench, started: &Value) -> Value {
    let task = started["value"].as_str().unwrap().to_owned();
    bench.pass(30_000);
    bench.get(EAST, &format!("/Task/{task}/info")).value()["error"].clone()
}

#[test]
fn a_machine_does_not_start_without_room_for_its_swap_file() {
    let mut bench = bench(VmSpec::default());
    let id = named(&bench, "east-01").id.clone();
    let full = fill(&mut bench, "east");
    let started = call(&mut bench, &id, "PowerOnVM_Task", &json!({})).value();
    let fault = fault(&mut bench, &started);
    assert_eq!(fault["_typeName"], "NoDiskSpace");
    assert_eq!(fault["datastore"], "local-east");
    assert_eq!(fault["file"], "[local-east] east-01/east-01.vswp");
    assert!(!named(&bench, "east-01").on);
    bench.world.remove_fault(full);
    assert_eq!(
        done(&mut bench, &id, "PowerOnVM_Task", &json!({})),
        Ok(Value::Null)
    );
}

#[test]
fn configurations_are_neither_changed_nor_registered_without_room() {
    let mut bench = bench(VmSpec::default());
    let machine = named(&bench, "east-01").clone();
    let config = bench.get(EAST, &format!("/VirtualMachine/{}/config", machine.id));
    let path = config.value()["files"]["vmPathName"].clone();
    fill(&mut bench, "east");
    let spec = json!({"_typeName": "VirtualMachineConfigSpec", "annotation": "x"});
    let body = json!({"spec": spec});
    let started = call(&mut bench, &machine.id, "ReconfigVM_Task", &body).value();
    let refused = fault(&mut bench, &started);
    assert_eq!(
        (&refused["_typeName"], &refused["file"]),
        (&json!("NoDiskSpace"), &path)
    );
    let config = bench.get(EAST, &format!("/VirtualMachine/{}/config", machine.id));
    assert_eq!(config.value()["annotation"], "");

    call(&mut bench, &machine.id, "UnregisterVM", &Value::Null);
    let body = json!({"path": path, "asTemplate": false, "pool": reference("ResourcePool", "resgroup-19")});
    let started = bench
        .post(EAST, "/Folder/group-v13/RegisterVM_Task", &body)
        .value();
    assert_eq!(fault(&mut bench, &started)["_typeName"], "NoDiskSpace");
    assert!(bench.world.vms().named(EAST, "east-01").is_none());
}

#[test]
fn files_of_recovered_machines_are_not_rewritten_without_room() {
    let mut bench = bench(VmSpec::default());
    assert!(bench.world.act_on_group("group-001", Verb::Failover));
    let found = bench
        .world
        .vms()
        .homes()
        .find(|(_, home)| home.vcenter == WEST && home.file.starts_with("app-001"));
    let datastore = found.unwrap().0.datastore.clone();
    let container = bench.world.vms().datastore(&datastore).unwrap().container.clone();
    let full = fill(&mut bench, "west");
    let pair = json!({
        "_typeName": "DatastoreVVolContainerFailoverPair",
        "tgtContainer": container,
        "vvolMapping": [],
    });
    let mut rewrite = || {
        let path = format!("/Datastore/{datastore}/UpdateVVolVirtualMachineFiles_Task");
        let started = bench.post(WEST, &path, &json!({"failoverPair": [pair]})).value();
        bench.pass(30_000);
        let task = started["value"].as_str().unwrap().to_owned();
        let result = bench.get(WEST, &format!("/Task/{task}/info")).value()["result"].clone();
        bench.world.remove_fault(full);
        result
    };
    let failed = rewrite()["failedVmConfigFile"].clone();
    assert_eq!(failed[0]["fault"]["_typeName"], "NoDiskSpace", "{failed}");
    assert_eq!(
        rewrite()["failedVmConfigFile"][0]["fault"]["_typeName"],
        "InvalidFormat"
    );
}

#[test]
fn datastores_of_a_full_site_have_no_free_space_and_the_others_have() {
    let mut bench = bench(VmSpec::default());
    let free = |bench: &mut Bench, vcenter: &str, id: &str| {
        let summary = bench.get(vcenter, &format!("/Datastore/{id}/summary")).value();
        let info = bench.get(vcenter, &format!("/Datastore/{id}/info")).value();
        assert_eq!(summary["freeSpace"], info["freeSpace"]);
        summary["freeSpace"].as_i64().unwrap()
    };
    let full = fill(&mut bench, "east");
    assert_eq!(free(&mut bench, EAST, "datastore-11"), 0);
    assert!(free(&mut bench, WEST, "datastore-21") > 0);
    bench.world.remove_fault(full);
    assert!(free(&mut bench, EAST, "datastore-11") > 0);
}
