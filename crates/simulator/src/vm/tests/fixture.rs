//! The wire fixtures about machines, datastores, networks and folders, against what the simulator answers.

use serde_json::{Value, json};

use super::super::{MachineTrouble, Placement, VmSpec};
use super::{EAST, bench, call, named};
use crate::exchange::{Answer, Request};
use crate::testbench::{
    Bench, Fixture, Schema, Told, assert_played, assert_spoiled_are_refused, fixtures, is_invalid_request,
};

/// The folders of fixtures that are played here.
const FOLDERS: [&str; 7] = [
    "cluster-compute-resource/",
    "datacenter/",
    "datastore/",
    "folder/",
    "managed-entity/",
    "network/",
    "virtual-machine/",
];

const TOLD: Told = Told {
    states: &[
        "connectionState",
        "accessible",
        "existingState",
        "guestState",
        "template",
    ],
    present: &["question", "cleanPowerOff", "ipAddress"],
    types: &["backing", "device"],
};

/// Fixtures in states that the world cannot be in, with the reason.
const NOT_PLAYED: &[(&str, &str)] = &[
    ("network/get-summary-inaccessible", "every network is accessible"),
    (
        "virtual-machine/get-config-unknown",
        "machines have no such devices",
    ),
    ("virtual-machine/get-config.json", "machines have no such devices"),
    (
        "virtual-machine/get-summary.json",
        "a machine that runs was not switched off before",
    ),
    (
        "virtual-machine/get-runtime-orphaned",
        "no machine loses its host",
    ),
    (
        "virtual-machine/get-runtime.json",
        "a machine that runs was not switched off before",
    ),
    (
        "virtual-machine/get-runtime-question",
        "a machine is off while it asks at power-on",
    ),
    (
        "virtual-machine/power-on-insufficient-memory",
        "it comes in the task",
    ),
    ("virtual-machine/power-on-no-disk-space", "it comes in the task"),
];

/// Whether a fixture is played here.
pub(crate) fn plays(name: &str) -> bool {
    FOLDERS.iter().any(|folder| name.starts_with(folder))
}

fn spec(name: &str) -> VmSpec {
    VmSpec {
        placement: if name.contains("apply-recommendation") {
            Placement::Manual
        } else {
            Placement::Automatic
        },
        omits_idle_guest: name.ends_with("get-guest-null.json"),
        ..VmSpec::default()
    }
}

/// The machine that a fixture is about: one that runs, or one that is off.
fn subject(name: &str) -> &'static str {
    let runs = [
        "destroy-invalid",
        "get-guest.json",
        "get-summary.json",
        "get-runtime.json",
        "power-off.json",
        "power-on-invalid",
        "shutdown-guest.json",
        "unregister-invalid",
    ];
    if runs.iter().any(|runs| name.contains(runs)) {
        "app-001"
    } else {
        "east-01"
    }
}

/// Brings the world to where the fixture begins.
fn prepare(bench: &mut Bench, name: &str, id: &str) {
    let is = |part: &str| name.contains(part);
    let vms = bench.world.vms_mut();
    if is("get-config-null")
        || is("get-summary-required-only")
        || is("get-summary-inaccessible")
        || is("invalid-datastore")
    {
        vms.set_accessible("datastore-19", false);
        vms.set_accessible("datastore-11", false);
    }
    if is("answer") || is("get-runtime-question") {
        vms.set_trouble("east-01", MachineTrouble::StrangeQuestion, true);
        call(bench, id, "PowerOnVM_Task", &json!({}));
        bench.pass(10_000);
    }
    if is("answer-concurrent") {
        let question = named(bench, "east-01").question.clone().unwrap();
        call(
            bench,
            id,
            "AnswerVM",
            &json!({"questionId": question.id, "answerChoice": "0"}),
        );
    }
    if is("power-on-task-in-progress") {
        call(bench, id, "Rename_Task", &json!({"newName": "busy"}));
    }
    if is("files-task-in-progress") {
        bench.post(
            EAST,
            "/Datastore/datastore-11/UpdateVVolVirtualMachineFiles_Task",
            &json!({}),
        );
    }
    if is("tools-unavailable") {
        call(bench, id, "PowerOnVM_Task", &json!({}));
        bench.pass(5_000);
    }
    if is("create-folder-duplicate") {
        bench.post(
            EAST,
            "/Folder/group-v13/CreateFolder",
            &json!({"name": "recovered"}),
        );
    }
    if is("reconfig-invalid-device-spec") {
        let device = json!({"_typeName": "VirtualVmxnet3", "key": 4000});
        let change = json!({"_typeName": "VirtualDeviceConfigSpec", "operation": "remove", "device": device});
        let spec = json!({"_typeName": "VirtualMachineConfigSpec", "deviceChange": [change]});
        call(bench, id, "ReconfigVM_Task", &json!({"spec": spec}));
        bench.pass(10_000);
    }
    if is("apply-recommendation") {
        let machine = json!({"_typeName": "ManagedObjectReference", "type": "VirtualMachine", "value": id});
        let path = "/Datacenter/datacenter-12/PowerOnMultiVM_Task";
        bench.post(EAST, path, &json!({"vm": [machine]}));
        bench.pass(10_000);
    }
    if is("register-vm") && !is("already-exists") {
        call(bench, id, "UnregisterVM", &Value::Null);
    }
}

/// A text of a fixture with the names of the world.
fn translated(bench: &Bench, name: &str, id: &str, text: &str) -> String {
    let world = &bench.world;
    let version = world.vms().homes().find(|(_, home)| home.file == "east-01.vmx");
    let version = version.map(|(_, home)| super::super::view::change_version(&world.core, home));
    let volumes = world.sms().devices(EAST, "group-001");
    let question = world
        .vms()
        .machine(id)
        .and_then(|machine| machine.question.clone());
    let question = question.map_or("7".to_owned(), |question| question.id);
    let other = named(bench, "east-02").id.clone();
    let datastore = if name.contains("not-supported") {
        "datastore-19"
    } else {
        "datastore-11"
    };
    let container = world
        .vms()
        .datastore("datastore-11")
        .unwrap()
        .container
        .as_deref()
        .unwrap();
    let mut names = vec![
        ("datacenter-2", "datacenter-12"),
        ("domain-c8", "domain-c18"),
        ("\"key\":\"17\"", "\"key\":\"1\""),
        ("group-v3", "group-v13"),
        ("resgroup-9", "resgroup-19"),
        ("host-21", "host-11"),
        ("host-22", "host-12"),
        ("vm-77", id),
        ("vm-78", &other),
        ("datastore-41", datastore),
        ("network-51", "network-12"),
        ("network-52", "network-12"),
        ("network-53", "network-o12"),
        ("vvol:0011223344556677-8899aabbccddeeff", container),
        ("[vvol-east] tpl01/tpl01.vmtx", "[local-east] east-01/east-01.vmx"),
        ("db02", "east-02"),
        ("\"questionId\":\"7\"", "QUESTION"),
    ];
    if !name.contains("file-not-found") {
        names.push(("[vvol-east] db01/db01.vmx", "[local-east] east-01/east-01.vmx"));
        names.push(("[vvol-east] db01/db01.vmdk", "[local-east] east-01/east-01.vmdk"));
    }
    names.push(("[vvol-east]", "[local-east]"));
    if !name.contains("platform-config-fault") {
        names.push(("naa.600a0b8000000101", &volumes[0]));
        names.push(("naa.600a0b8000000102", &volumes[1]));
    }
    let version = version.unwrap_or_default();
    if !name.contains("reconfig-concurrent-access") {
        names.push(("2025-03-01T08:00:00.123456Z", &version));
    }
    let text = names
        .into_iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    text.replace("QUESTION", &format!("\"questionId\":\"{question}\""))
}

fn play(fixture: &Fixture) -> Answer {
    let name = &fixture.name;
    let mut bench = bench(spec(name));
    let id = named(&bench, subject(name)).id.clone();
    prepare(&mut bench, name, &id);
    let request: Request = fixture.request();
    let path = translated(&bench, name, &id, &request.path);
    let body = translated(&bench, name, &id, std::str::from_utf8(&request.body).unwrap());
    let request = Request {
        path,
        body: body.into(),
        ..request
    };
    let request = bench.with_session(EAST, request);
    bench.send(EAST, &request)
}

#[test]
fn every_fixture_is_answered_or_named_with_the_reason() {
    let schema = Schema::read("vi-json/vi-json.json");
    let mut fixtures = fixtures("models-vim");
    fixtures.retain(|fixture| plays(&fixture.name));
    assert_played(&fixtures, NOT_PLAYED, |fixture| {
        let answer = play(fixture);
        schema.check("", &answer.value());
        TOLD.differs(fixture, &answer)
    });
}

#[test]
fn what_cannot_be_read_is_refused_in_every_operation() {
    let mut fixtures = fixtures("models-vim");
    fixtures.retain(|fixture| plays(&fixture.name));
    assert_spoiled_are_refused(&fixtures, &[], is_invalid_request, play);
}
