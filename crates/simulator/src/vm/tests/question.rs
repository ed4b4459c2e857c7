//! What a recovered machine asks before it starts, and what comes of each answer.

use serde_json::{Value, json};

use super::EAST;
use crate::exchange::Answer;
use crate::sms::{VasaSpec, Verb};
use crate::spec::WorldSpec;
use crate::testbench::Bench;
use crate::vi_json::value::reference;

const WEST: &str = "vc-west";

fn bench() -> Bench {
    let vasa = VasaSpec {
        groups_with_devices: 1,
        ..VasaSpec::default()
    };
    let mut bench = Bench::new(&WorldSpec::pair(9).groups(1).replications(0).vasa(vasa));
    assert!(bench.world.act_on_group("group-001", Verb::Failover));
    bench
}

/// What a task at the recovery site came to.
fn ended(bench: &mut Bench, started: &Answer) -> Value {
    assert_eq!(started.status, 200, "{}", started.value());
    bench.pass(30_000);
    let task = started.value()["value"].as_str().unwrap().to_owned();
    bench.get(WEST, &format!("/Task/{task}/info")).value()
}

fn rewrite(bench: &mut Bench) -> Value {
    let sms = bench.world.sms();
    let pairs = sms
        .devices(EAST, "group-001")
        .into_iter()
        .zip(sms.devices(WEST, "group-001"));
    let mapping = pairs.map(|(theirs, own)| json!({"_typeName": "KeyValue", "key": theirs, "value": own}));
    let pair = json!({
        "_typeName": "DatastoreVVolContainerFailoverPair",
        "tgtContainer": bench.world.vms().datastore("datastore-21").unwrap().container,
        "vvolMapping": mapping.collect::<Vec<_>>(),
    });
    let path = "/Datastore/datastore-21/UpdateVVolVirtualMachineFiles_Task";
    let started = bench.post(WEST, path, &json!({"failoverPair": [pair]}));
    ended(bench, &started)
}

fn register(bench: &mut Bench) -> Value {
    let directory = bench.world.sms().devices(WEST, "group-001")[0].clone();
    let body = json!({
        "path": format!("[datastore-west-1] {directory}/app-001.vmx"),
        "asTemplate": false,
        "pool": reference("ResourcePool", "resgroup-29"),
    });
    let started = bench.post(WEST, "/Folder/group-v23/RegisterVM_Task", &body);
    ended(bench, &started)
}

fn read(bench: &mut Bench, machine: &str, name: &str) -> Value {
    bench
        .get(WEST, &format!("/VirtualMachine/{machine}/{name}"))
        .value()
}

/// The machine, registered and asking, and the task that waits for the answer.
fn asking(bench: &mut Bench) -> (String, Answer) {
    rewrite(bench);
    let machine = register(bench)["result"]["value"].as_str().unwrap().to_owned();
    let started = bench.post(
        WEST,
        &format!("/VirtualMachine/{machine}/PowerOnVM_Task"),
        &json!({}),
    );
    assert_eq!(ended(bench, &started)["state"], "running");
    (machine, started)
}

fn answer(bench: &mut Bench, machine: &str, question: &Value, choice: &Value) -> Answer {
    let body = json!({"questionId": question, "answerChoice": choice});
    bench.post(WEST, &format!("/VirtualMachine/{machine}/AnswerVM"), &body)
}

/// The key of a choice, as it stands in the question.
fn choice(question: &Value, label: &str) -> Value {
    let choices = question["choice"]["choiceInfo"].as_array().unwrap();
    let found = choices.iter().find(|choice| choice["label"] == label);
    found.unwrap()["key"].clone()
}

/// The ids of a machine, and the addresses of its cards.
fn identity(bench: &mut Bench, machine: &str) -> [Value; 3] {
    let config = read(bench, machine, "config");
    let devices = config["hardware"]["device"].as_array().unwrap().iter();
    let cards = devices.filter_map(|device| device.get("macAddress").cloned());
    [
        config["uuid"].clone(),
        config["instanceUuid"].clone(),
        cards.collect(),
    ]
}

#[test]
fn files_name_the_volumes_of_the_source_until_they_are_updated_and_only_then_start() {
    let mut bench = bench();
    let [theirs, own] = [EAST, WEST].map(|vcenter| bench.world.sms().devices(vcenter, "group-001"));
    assert!(theirs.len() > 1 && theirs.iter().all(|id| !own.contains(id)));
    let named = |bench: &Bench| {
        let homes = bench.world.vms().homes();
        let mut found = homes.filter(|(_, home)| home.vcenter == WEST && home.file == "app-001.vmx");
        let home = found.next().unwrap().1;
        home.config.volumes().map(str::to_owned).collect::<Vec<_>>()
    };
    let before = named(&bench);
    assert!(
        !before.is_empty() && before.iter().all(|id| theirs.contains(id)),
        "{before:?}"
    );
    assert_eq!(register(&mut bench)["error"]["_typeName"], "InvalidFormat");
    let updated = rewrite(&mut bench);
    assert_eq!(
        updated["result"]["succeededVmConfigFile"]
            .as_array()
            .map(Vec::len),
        Some(1),
        "{updated}"
    );
    let after = named(&bench);
    assert_eq!(after.len(), before.len());
    assert!(after.iter().all(|id| own.contains(id)), "{after:?}");
    assert_eq!(register(&mut bench)["state"], "success");
}

#[test]
fn a_machine_that_was_moved_keeps_its_ids_and_one_that_was_copied_gets_others() {
    for (label, keeps) in [
        ("button.uuid.movedTheVM", true),
        ("button.uuid.copiedTheVM", false),
    ] {
        let mut bench = bench();
        let (machine, started) = asking(&mut bench);
        let runtime = read(&mut bench, &machine, "runtime");
        assert_eq!(runtime["powerState"], "poweredOff");
        let question = runtime["question"].clone();
        assert_eq!(question["message"][0]["id"], "msg.uuid.altered");
        let before = identity(&mut bench, &machine);
        let chosen = choice(&question, label);
        assert_eq!(answer(&mut bench, &machine, &question["id"], &chosen).status, 204);
        assert_eq!(ended(&mut bench, &started)["state"], "success");
        let runtime = read(&mut bench, &machine, "runtime");
        assert_eq!(
            (&runtime["powerState"], &runtime["question"]),
            (&json!("poweredOn"), &Value::Null)
        );
        let after = identity(&mut bench, &machine);
        let kept: Vec<bool> = before
            .iter()
            .zip(&after)
            .map(|(before, after)| before == after)
            .collect();
        assert_eq!(kept, [keeps; 3], "{label}: {before:?} {after:?}");
    }
}

#[test]
fn a_question_is_answered_once_with_a_choice_of_its_own_and_no_ends_the_start() {
    let mut bench = bench();
    let (machine, started) = asking(&mut bench);
    let question = read(&mut bench, &machine, "runtime")["question"].clone();
    let no = choice(&question, "button.uuid.cancel");
    for (id, chosen, place) in [
        (json!("4711"), no.clone(), "questionId"),
        (question["id"].clone(), json!("7"), "answerChoice"),
    ] {
        let refused = answer(&mut bench, &machine, &id, &chosen).value();
        assert_eq!(
            (&refused["_typeName"], &refused["invalidProperty"]),
            (&json!("InvalidArgument"), &json!(place))
        );
    }
    assert_eq!(ended(&mut bench, &started)["state"], "running");
    assert_eq!(answer(&mut bench, &machine, &question["id"], &no).status, 204);
    let again = answer(&mut bench, &machine, &question["id"], &no).value();
    assert_eq!(again["_typeName"], "ConcurrentAccess");
    let info = ended(&mut bench, &started);
    assert_eq!(
        (&info["state"], &info["error"]["_typeName"]),
        (&json!("error"), &json!("GenericVmConfigFault"))
    );
    let runtime = read(&mut bench, &machine, "runtime");
    assert_eq!(
        (&runtime["powerState"], &runtime["question"]),
        (&json!("poweredOff"), &Value::Null)
    );
    let late = answer(&mut bench, &machine, &question["id"], &no).value();
    assert_eq!(late["invalidProperty"], "questionId");
}
