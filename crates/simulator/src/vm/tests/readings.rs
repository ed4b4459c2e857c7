//! The other readings of what the rules leave open about files and machines.

use serde_json::{Value, json};

use super::{EAST, done};
use crate::exchange::Answer;
use crate::sms::{CorrectsFiles, VasaSpec, Verb};
use crate::spec::WorldSpec;
use crate::testbench::Bench;
use crate::vi_json::ViJsonSpec;
use crate::vi_json::value::reference;
use crate::vm::{Ports, VmSpec, WhileRewriting};

const WEST: &str = "vc-west";

/// Three groups, of which the first and the third go to one datastore.
fn world(vm: VmSpec, corrects_files: CorrectsFiles) -> WorldSpec {
    let mut vasa = VasaSpec {
        groups_with_devices: 3,
        ..VasaSpec::default()
    };
    vasa.providers[0].corrects_files = corrects_files;
    WorldSpec::pair(9).groups(3).replications(0).vasa(vasa).vm(vm)
}

fn bench(vm: VmSpec) -> Bench {
    Bench::new(&world(vm, CorrectsFiles::No))
}

/// Has the files of a group rewritten.
fn rewrite(bench: &mut Bench, group: &str) -> Answer {
    let sms = bench.world.sms();
    let pairs = sms.devices(EAST, group).into_iter().zip(sms.devices(WEST, group));
    let mapping = pairs.map(|(theirs, own)| json!({"_typeName": "KeyValue", "key": theirs, "value": own}));
    let datastore = bench.world.vms().datastore("datastore-21");
    let pair = json!({
        "_typeName": "DatastoreVVolContainerFailoverPair",
        "tgtContainer": datastore.unwrap().container,
        "vvolMapping": mapping.collect::<Vec<_>>(),
    });
    let path = "/Datastore/datastore-21/UpdateVVolVirtualMachineFiles_Task";
    bench.post(WEST, path, &json!({"failoverPair": [pair]}))
}

/// Registers the machine of a group in a folder.
fn register(bench: &mut Bench, group: &str, folder: &str) -> Answer {
    let directory = bench.world.sms().devices(WEST, group)[0].clone();
    let name = group.replace("group", "app");
    let body = json!({
        "path": format!("[datastore-west-1] {directory}/{name}.vmx"),
        "asTemplate": false,
        "pool": reference("ResourcePool", "resgroup-29"),
    });
    bench.post(WEST, &format!("/Folder/{folder}/RegisterVM_Task"), &body)
}

/// What a task came to.
fn ended(bench: &mut Bench, started: &Answer) -> Value {
    assert_eq!(started.status, 200, "{}", started.value());
    bench.pass(30_000);
    let task = started.value()["value"].as_str().unwrap().to_owned();
    bench.get(WEST, &format!("/Task/{task}/info")).value()
}

fn refusal(answer: &Answer) -> Option<String> {
    (answer.status != 200).then(|| answer.value()["_typeName"].as_str().unwrap().to_owned())
}

/// The machine of the first group as it was recovered, registered.
fn recovered(bench: &mut Bench, verb: Verb) -> String {
    assert!(bench.world.act_on_group("group-001", verb));
    let started = rewrite(bench, "group-001");
    ended(bench, &started);
    let started = register(bench, "group-001", "group-v23");
    let info = ended(bench, &started);
    info["result"]["value"].as_str().unwrap().to_owned()
}

#[test]
fn files_that_an_array_corrects_need_no_update_which_lists_them_or_not() {
    for (corrects, updated, failed) in [
        (CorrectsFiles::No, 1, 0),
        (CorrectsFiles::Unlisted, 0, 0),
        (CorrectsFiles::Listed, 1, 0),
        (CorrectsFiles::Failed, 0, 1),
    ] {
        let mut bench = Bench::new(&world(VmSpec::default(), corrects));
        assert!(bench.world.act_on_group("group-001", Verb::Failover));
        let before = register(&mut bench, "group-001", "group-v23");
        let before = ended(&mut bench, &before);
        let started = rewrite(&mut bench, "group-001");
        let result = ended(&mut bench, &started)["result"].clone();
        let count = |list: &str| result[list].as_array().map_or(0, Vec::len);
        assert_eq!(
            (count("succeededVmConfigFile"), count("failedVmConfigFile")),
            (updated, failed),
            "{corrects:?}: {result}"
        );
        if corrects == CorrectsFiles::No {
            assert_eq!(before["error"]["_typeName"], "InvalidFormat");
        } else {
            assert_eq!(before["state"], "success", "{corrects:?}: {before}");
        }
    }
}

#[test]
fn a_datastore_whose_files_are_rewritten_refuses_more_or_less() {
    let busy = || Some("TaskInProgress".to_owned());
    for (while_rewriting, update, registration) in [
        (WhileRewriting::RefusesUpdates, busy(), None),
        (WhileRewriting::RefusesRegistrations, busy(), busy()),
        (WhileRewriting::RefusesNothing, None, None),
    ] {
        let mut bench = bench(VmSpec {
            while_rewriting,
            ..VmSpec::default()
        });
        for group in ["group-001", "group-003"] {
            assert!(bench.world.act_on_group(group, Verb::Failover));
        }
        let first = rewrite(&mut bench, "group-001");
        ended(&mut bench, &first);
        let third = rewrite(&mut bench, "group-003");
        let again = rewrite(&mut bench, "group-001");
        let registered = register(&mut bench, "group-001", "group-v23");
        assert_eq!(refusal(&again), update, "{while_rewriting:?}");
        assert_eq!(refusal(&registered), registration, "{while_rewriting:?}");
        if registration.is_some() {
            assert_eq!(registered.value()["task"], third.value());
        }
        let result = ended(&mut bench, &third)["result"].clone();
        assert_eq!(result["succeededVmConfigFile"].as_array().map(Vec::len), Some(1));
        assert!(
            bench
                .world
                .vms()
                .datastore("datastore-21")
                .unwrap()
                .busy
                .is_none()
        );
    }
}

#[test]
fn a_folder_of_another_datacenter_is_refused_in_one_reading_only() {
    for across in [false, true] {
        let vm = VmSpec {
            registers_across_datacenters: across,
            ..VmSpec::default()
        };
        let mut world = world(vm, CorrectsFiles::Listed);
        world.sites[1].datacenters = vec!["annex".to_owned()];
        let mut bench = Bench::new(&world);
        assert!(bench.world.act_on_group("group-001", Verb::Failover));
        let name = bench.get(WEST, "/Datacenter/datacenter-22-1/name").value();
        assert_eq!(name, "annex");
        let started = register(&mut bench, "group-001", "group-v23-1");
        if across {
            let info = ended(&mut bench, &started);
            let machine = info["result"]["value"].as_str().unwrap();
            let parent = bench.get(WEST, &format!("/VirtualMachine/{machine}/parent"));
            assert_eq!(parent.value()["value"], "group-v23-1");
        } else {
            assert_eq!(refusal(&started).as_deref(), Some("NotSupported"));
        }
    }
}

#[test]
fn a_machine_whose_files_cannot_be_read_is_inaccessible_or_invalid() {
    for (unreadable_is_invalid, wanted) in [(false, "inaccessible"), (true, "invalid")] {
        let mut bench = bench(VmSpec {
            unreadable_is_invalid,
            ..VmSpec::default()
        });
        let machine = recovered(&mut bench, Verb::Failover);
        let state = |bench: &mut Bench| {
            let runtime = bench.get(WEST, &format!("/VirtualMachine/{machine}/runtime"));
            runtime.value()["connectionState"].as_str().unwrap().to_owned()
        };
        assert_eq!(state(&mut bench), "connected");
        bench.world.vms_mut().set_accessible("datastore-21", false);
        assert_eq!(state(&mut bench), wanted);
    }
}

#[test]
fn machines_of_a_test_that_ends_under_them_stay_or_leave() {
    for leaves_with_test in [false, true] {
        let mut bench = bench(VmSpec {
            leaves_with_test,
            ..VmSpec::default()
        });
        let machine = recovered(&mut bench, Verb::TestStart);
        // It asks whether it was moved or copied, and its task waits.
        let path = format!("/VirtualMachine/{machine}/PowerOnVM_Task");
        let started = bench.post(WEST, &path, &json!({}));
        assert_eq!(ended(&mut bench, &started)["state"], "running");
        assert!(bench.world.act_on_group("group-001", Verb::TestStop));
        let info = ended(&mut bench, &started);
        let left = bench.world.vms().machine(&machine).is_none();
        assert_eq!(left, leaves_with_test);
        let listed = bench.get(WEST, "/Datastore/datastore-21/vm").value().to_string();
        assert_eq!(listed.contains(&machine), !leaves_with_test, "{listed}");
        if leaves_with_test {
            assert_eq!(info["error"]["_typeName"], "ManagedObjectNotFound", "{info}");
        } else {
            assert_eq!(info["state"], "running", "it can still be answered");
        }
    }
    // The old source of a group that was reversed is another matter.
    let mut bench = bench(VmSpec {
        leaves_with_test: true,
        ..VmSpec::default()
    });
    for verb in [Verb::Failover, Verb::Reverse] {
        assert!(bench.world.act_on_group("group-001", verb));
    }
    assert!(bench.world.vms().named(EAST, "app-001").is_some());
}

/// A change of one device.
fn edit(device: &Value) -> Value {
    let change = json!({"_typeName": "VirtualDeviceConfigSpec", "operation": "edit", "device": device});
    json!({"spec": {"_typeName": "VirtualMachineConfigSpec", "deviceChange": [change]}})
}

fn device(bench: &mut Bench, machine: &str, type_name: &str) -> Value {
    let config = bench
        .get(EAST, &format!("/VirtualMachine/{machine}/config"))
        .value();
    let devices = config["hardware"]["device"].as_array().unwrap().iter();
    let mut found = devices.filter(|device| device["_typeName"] == type_name);
    found.next().unwrap().clone()
}

/// A client sends back what it was told.
#[test]
fn a_part_of_a_device_need_not_name_the_type_that_its_place_declares() {
    let spec = ViJsonSpec {
        omits_type_names: true,
        ..ViJsonSpec::default()
    };
    let mut bench = Bench::new(&world(VmSpec::default(), CorrectsFiles::No).vi_json(spec));
    let id = bench.world.vms().named(EAST, "east-01").unwrap().id.clone();
    let mut card = device(&mut bench, &id, "VirtualVmxnet3");
    assert!(card["backing"]["port"]["_typeName"].is_null(), "{card}");
    card["connectable"]["startConnected"] = json!(false);
    done(&mut bench, &id, "ReconfigVM_Task", &edit(&card)).unwrap();
    let edited = device(&mut bench, &id, "VirtualVmxnet3");
    assert_eq!(edited["connectable"]["startConnected"], false);
    card["backing"]["port"]["colour"] = json!("red");
    let path = format!("/VirtualMachine/{id}/ReconfigVM_Task");
    let refused = bench.post(EAST, &path, &edit(&card));
    assert_eq!(refused.value()["_typeName"], "InvalidRequest");
}

#[test]
fn what_an_edit_of_a_device_leaves_out_stays_or_is_refused() {
    for wants_whole_devices in [false, true] {
        let mut bench = bench(VmSpec {
            wants_whole_devices,
            ..VmSpec::default()
        });
        let id = bench.world.vms().named(EAST, "east-01").unwrap().id.clone();
        for (type_name, member) in [
            ("VirtualVmxnet3", "macAddress"),
            ("VirtualDisk", "capacityInBytes"),
        ] {
            let whole = device(&mut bench, &id, type_name);
            let mut part = whole.clone();
            part.as_object_mut().unwrap().remove(member);
            let edited = done(&mut bench, &id, "ReconfigVM_Task", &edit(&part));
            let refused = wants_whole_devices.then(|| "InvalidDeviceSpec".to_owned());
            assert_eq!(edited.err(), refused, "{type_name}");
            assert_eq!(device(&mut bench, &id, type_name)[member], whole[member]);
            done(&mut bench, &id, "ReconfigVM_Task", &edit(&whole)).unwrap();
        }
    }
}

#[test]
fn a_port_is_the_choice_of_the_server_at_once_or_when_the_machine_starts() {
    for ports in [Ports::AtOnce, Ports::AtOnceUnnamed, Ports::AtStart] {
        let mut bench = bench(VmSpec {
            ports,
            ..VmSpec::default()
        });
        let id = bench.world.vms().named(EAST, "east-01").unwrap().id.clone();
        let has_port = |bench: &mut Bench| {
            let card = device(bench, &id, "VirtualVmxnet3");
            let port = &card["backing"]["port"];
            port["portKey"].is_string() && port["connectionCookie"].is_i64()
        };
        let mut card = device(&mut bench, &id, "VirtualVmxnet3");
        assert_eq!(card["backing"]["port"]["portgroupKey"], "dvportgroup-11");
        card["backing"]["port"]["portgroupKey"] = json!("dvportgroup-12");
        done(&mut bench, &id, "ReconfigVM_Task", &edit(&card)).unwrap();
        assert_eq!(has_port(&mut bench), ports != Ports::AtStart, "{ports:?}");
        // One of another port group.
        card["backing"]["port"]["portgroupKey"] = json!("dvportgroup-11");
        card["backing"]["port"]["portKey"] = json!("7");
        let edited = done(&mut bench, &id, "ReconfigVM_Task", &edit(&card));
        let refused = (ports == Ports::AtOnceUnnamed).then(|| "InvalidDeviceBacking".to_owned());
        assert_eq!(edited.err(), refused, "{ports:?}");
        // Its own is sent back as it was read.
        let card = device(&mut bench, &id, "VirtualVmxnet3");
        done(&mut bench, &id, "ReconfigVM_Task", &edit(&card)).unwrap();
        assert_eq!(
            device(&mut bench, &id, "VirtualVmxnet3")["backing"],
            card["backing"]
        );
        done(&mut bench, &id, "PowerOnVM_Task", &json!({})).unwrap();
        assert!(has_port(&mut bench), "{ports:?}");
    }
}
