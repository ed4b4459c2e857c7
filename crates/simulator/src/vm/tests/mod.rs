mod fixture;
mod question;
mod random;
mod readings;
mod room;
mod surface;

use serde_json::{Value, json};

use super::{Machine, VmSpec};
use crate::exchange::Answer;
use crate::sms::VasaSpec;
use crate::spec::WorldSpec;
use crate::testbench::Bench;
use crate::vi_json::value::reference;

const EAST: &str = "vc-east";

pub(crate) use self::fixture::plays;

fn bench(spec: VmSpec) -> Bench {
    let vasa = VasaSpec {
        groups_with_devices: 2,
        ..VasaSpec::default()
    };
    let world = WorldSpec::pair(9).groups(2).replications(0).vasa(vasa);
    Bench::new(&world.vm(spec))
}

fn named<'a>(bench: &'a Bench, name: &str) -> &'a Machine {
    bench.world.vms().named(EAST, name).unwrap()
}

/// Calls a method of a machine.
fn call(bench: &mut Bench, id: &str, method: &str, body: &Value) -> Answer {
    bench.post(EAST, &format!("/VirtualMachine/{id}/{method}"), body)
}

/// Calls a method that starts a task, and gives what that comes to: its result, or the name of its fault.
fn done(bench: &mut Bench, id: &str, method: &str, body: &Value) -> Result<Value, String> {
    let answer = call(bench, id, method, body);
    let type_name = |value: &Value| value["_typeName"].as_str().unwrap_or_default().to_owned();
    if answer.status != 200 {
        return Err(type_name(&answer.value()));
    }
    let task = answer.value()["value"].as_str().unwrap().to_owned();
    bench.pass(30_000);
    let info = bench.get(EAST, &format!("/Task/{task}/info")).value();
    match info["state"].as_str() {
        Some("success") => Ok(info["result"].clone()),
        Some("error") => Err(type_name(&info["error"])),
        other => panic!("{other:?}: {info}"),
    }
}

#[test]
fn what_cannot_be_read_is_refused_before_anything_else() {
    let mut bench = bench(VmSpec::default());
    let id = named(&bench, "east-01").id.clone();
    for (method, body, wanted) in [
        ("PowerOnVM_Task", json!({"hosts": 1}), "InvalidRequest"),
        (
            "PowerOnVM_Task",
            json!({"host": {"type": "HostSystem", "value": "host-11"}}),
            "InvalidArgument",
        ),
        (
            "PowerOnVM_Task",
            json!({"host": reference("HostSystem", "host-99")}),
            "ManagedObjectNotFound",
        ),
        ("AnswerVM", json!({"questionId": "1"}), "InvalidArgument"),
        (
            "AnswerVM",
            json!({"questionId": "1", "answerChoice": 1}),
            "InvalidRequest",
        ),
        (
            "ReconfigVM_Task",
            json!({"spec": {"_typeName": "VirtualMachineConfigSpec", "flags": {}}}),
            "NotImplemented",
        ),
        (
            "ReconfigVM_Task",
            json!({"spec": {"_typeName": "VirtualMachineConfigSpec", "flag": {}}}),
            "InvalidRequest",
        ),
    ] {
        assert_eq!(
            done(&mut bench, &id, method, &body),
            Err(wanted.to_owned()),
            "{method} {body}"
        );
    }
    let west = bench.post(
        "vc-west",
        &format!("/VirtualMachine/{id}/PowerOnVM_Task"),
        &json!({}),
    );
    assert_eq!(
        west.value()["_typeName"],
        "ManagedObjectNotFound",
        "a machine of the other vCenter"
    );
}

#[test]
fn a_machine_and_its_tasks_are_in_the_inventory() {
    let mut bench = bench(VmSpec::default());
    let machine = named(&bench, "east-01").clone();
    let listed =
        |bench: &mut Bench, path: &str| bench.get(EAST, path).value().to_string().contains(&machine.id);
    let owners = [
        format!("/Folder/{}/childEntity", machine.folder),
        format!("/HostSystem/{}/vm", machine.host),
        format!("/ResourcePool/{}/vm", machine.pool.as_ref().unwrap()),
        format!("/Datastore/{}/vm", machine.place.datastore),
        "/DistributedVirtualPortgroup/dvportgroup-11/vm".to_owned(),
    ];
    for owner in &owners {
        assert!(listed(&mut bench, owner), "{owner}");
    }
    assert_eq!(
        call(&mut bench, &machine.id, "UnregisterVM", &Value::Null).status,
        204
    );
    for owner in &owners {
        assert!(!listed(&mut bench, owner), "{owner}");
    }
    let gone = bench
        .get(EAST, &format!("/VirtualMachine/{}/name", machine.id))
        .value();
    assert_eq!(gone["_typeName"], "ManagedObjectNotFound");
    let entry = bench.calls(
        "VirtualMachine_UnregisterVM",
        &format!("VirtualMachine/{}", machine.id),
    );
    assert_eq!((entry.accepted, entry.effects), (1, 1));
}

#[test]
fn files_of_a_plain_machine_are_registered_as_they_are_and_deleted_with_it() {
    let mut bench = bench(VmSpec::default());
    let machine = named(&bench, "east-01").clone();
    let path = bench
        .get(EAST, &format!("/VirtualMachine/{}/config", machine.id))
        .value();
    let path = path["files"]["vmPathName"].clone();
    call(&mut bench, &machine.id, "UnregisterVM", &Value::Null);
    let body = json!({"path": path, "asTemplate": false, "pool": reference("ResourcePool", "resgroup-19")});
    let registered = bench.post(EAST, "/Folder/group-v13/RegisterVM_Task", &body);
    assert_eq!(registered.status, 200);
    bench.pass(30_000);
    let again = named(&bench, "east-01").id.clone();
    assert_ne!(again, machine.id, "an id is never given twice");
    assert_eq!(
        done(&mut bench, &again, "Destroy_Task", &Value::Null),
        Ok(Value::Null)
    );
    assert!(
        bench
            .world
            .vms()
            .homes()
            .all(|(_, home)| home.file != "east-01.vmx")
    );
}

#[test]
fn a_question_holds_the_task_up_until_it_is_answered_and_no_is_its_end() {
    let mut bench = bench(VmSpec::default());
    bench
        .world
        .vms_mut()
        .set_trouble("east-01", super::MachineTrouble::StrangeQuestion, true);
    let id = named(&bench, "east-01").id.clone();
    for (choice, wanted) in [("0", Some("GenericVmConfigFault")), ("1", None)] {
        let task = call(&mut bench, &id, "PowerOnVM_Task", &json!({})).value()["value"]
            .as_str()
            .unwrap()
            .to_owned();
        bench.pass(600_000);
        let info = bench.get(EAST, &format!("/Task/{task}/info")).value();
        assert_eq!(info["state"], "running", "{info}");
        let question = named(&bench, "east-01").question.clone().unwrap();
        let body = json!({"questionId": question.id, "answerChoice": choice});
        assert_eq!(call(&mut bench, &id, "AnswerVM", &body).status, 204);
        bench.pass(30_000);
        let info = bench.get(EAST, &format!("/Task/{task}/info")).value();
        assert_eq!(info["error"]["_typeName"].as_str(), wanted, "{info}");
        assert_eq!(named(&bench, "east-01").on, wanted.is_none());
    }
}

#[test]
fn the_same_seed_and_the_same_calls_give_the_same_state() {
    let run = || {
        let mut bench = bench(VmSpec::default());
        let id = named(&bench, "east-01").id.clone();
        done(&mut bench, &id, "PowerOnVM_Task", &json!({})).unwrap();
        bench.pass(60_000);
        bench.world.state()["vms"].to_string()
    };
    assert_eq!(run(), run());
}

#[test]
fn machines_that_hide_their_volumes_show_none_and_keep_them() {
    for hides_volumes in [false, true] {
        let mut bench = bench(VmSpec {
            hides_volumes,
            ..VmSpec::default()
        });
        let id = named(&bench, "app-001").id.clone();
        let get =
            |bench: &mut Bench, name: &str| bench.get(EAST, &format!("/VirtualMachine/{id}/{name}")).value();
        let config = get(&mut bench, "config");
        let told = format!("{config}{}", get(&mut bench, "layoutEx"));
        for member in ["backingObjectId", "vmStorageObjectId"] {
            assert_eq!(told.contains(member), !hides_volumes, "{member}: {told}");
        }
        let volumes = |bench: &Bench| {
            let (_, home) = bench.world.vms().with_files(&id).unwrap();
            home.config.volumes().map(str::to_owned).collect::<Vec<_>>()
        };
        let before = volumes(&bench);
        assert_eq!(before.len(), 2);
        let path = config["files"]["vmPathName"].as_str().unwrap();
        assert!(path.contains(&before[0]), "{path}");
        let devices = config["hardware"]["device"].as_array().unwrap();
        let disk = devices.iter().find(|device| device["_typeName"] == "VirtualDisk");
        let change =
            json!({"_typeName": "VirtualDeviceConfigSpec", "operation": "edit", "device": disk.unwrap()});
        let body = json!({"spec": {"_typeName": "VirtualMachineConfigSpec", "deviceChange": [change]}});
        done(&mut bench, &id, "ReconfigVM_Task", &body).unwrap();
        assert_eq!(volumes(&bench), before, "a disk that is sent back as it was read");
    }
}
