//! Worlds in which the fixtures about views, filters, waits, tasks, searches and sessions can be played: what they name is
//! made first, and has another name here.

use serde_json::{Value, json};

use super::{EAST, ask, retrieve};
use crate::exchange::{Answer, Reply, Request};
use crate::spec::WorldSpec;
use crate::testbench::{Bench, Fixture};
use crate::vi_json::value::reference;
use crate::vm::VmSpec;
use crate::world::Resumed;

const SESSION: &str = "session[52aa11bb-22cc-33dd-44ee-55ff66007788]";
const CONTAINER_VIEW: &str = "52b10000-0000-4000-8000-000000000001";
const LIST_VIEW: &str = "52b10000-0000-4000-8000-000000000002";
const TASK_FILTER: &str = "52f10000-0000-4000-8000-000000000001";
const VM_FILTER: &str = "52f10000-0000-4000-8000-000000000002";
const COLLECTOR: &str = "52c00000-0000-4000-8000-000000000009";
const MACHINES: [(&str, &str); 3] = [("vm-77", "east-01"), ("vm-78", "east-02"), ("vm-79", "east-03")];
const FOLDERS: [&str; 10] = [
    "container-view",
    "list-view",
    "property-collector",
    "property-filter",
    "search-index",
    "service-instance",
    "session-manager",
    "task",
    "task-manager",
    "view-manager",
];
const PC: &str = "/PropertyCollector/propertyCollector";

/// A world with three machines at the vCenter, of the release that the fixture speaks.
pub(super) fn bench(fixture: &Fixture) -> Bench {
    // What is left after a first page fits the second one, unless it is more than a hundred objects.
    let many = fixture.name.contains("continue-middle-page");
    let vms = VmSpec {
        plain: if many { 110 } else { 3 },
        ..VmSpec::default()
    };
    let spec = WorldSpec::pair(9).groups(2).replications(0).vm(vms);
    let path = fixture.request["path"].as_str().unwrap();
    let newer = ["9.0.0.0", "9.1.0.0"]
        .into_iter()
        .find(|release| path.contains(release));
    Bench::new(&match newer {
        Some(newer) => spec.releases(&[newer, "8.0.3.0"]),
        None => spec,
    })
}

/// The names of a fixture's world, and what they are here.
pub(super) struct Names(Vec<(String, String)>);

impl Names {
    fn add(&mut self, theirs: &str, ours: &str) {
        self.0.push((theirs.to_owned(), ours.to_owned()));
    }

    /// An object that belongs to a session; its id has to be encoded in paths.
    fn own(&mut self, theirs: &str, ours: &str) {
        let theirs = format!("{SESSION}{theirs}");
        let encode = |id: &str| id.replace('[', "%5B").replace(']', "%5D");
        self.add(&encode(&theirs), &encode(ours));
        self.add(&theirs, ours);
    }

    pub(super) fn translated(&self, text: &str) -> String {
        let replace = |text: String, (theirs, ours): &(String, String)| text.replace(theirs, ours);
        self.0.iter().fold(text.to_owned(), replace)
    }
}

fn made(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.value());
    answer.value()["value"].as_str().unwrap().to_owned()
}

fn id(bench: &Bench, machine: &str) -> String {
    bench.world.vms().named(EAST, machine).unwrap().id.clone()
}

fn container_view(bench: &mut Bench, container: (&str, &str), types: Option<&[&str]>) -> String {
    let mut body = json!({"container": reference(container.0, container.1), "recursive": true});
    if let Some(types) = types {
        body["type"] = json!(types);
    }
    made(&bench.post(EAST, "/ViewManager/ViewManager/CreateContainerView", &body))
}

fn list_view(bench: &mut Bench) -> String {
    let machines = ["east-01", "east-02"].map(|name| reference("VirtualMachine", &id(bench, name)));
    let objects = [
        machines[0].clone(),
        machines[1].clone(),
        reference("HostSystem", "host-11"),
    ];
    let body = json!({"obj": objects});
    made(&bench.post(EAST, "/ViewManager/ViewManager/CreateListView", &body))
}

fn filter(bench: &mut Bench, type_name: &str, paths: &[&str], objects: &[Value]) -> String {
    let spec = json!({
        "_typeName": "PropertyFilterSpec",
        "propSet": [{"_typeName": "PropertySpec", "type": type_name, "pathSet": paths}],
        "objectSet": objects,
    });
    let body = json!({"spec": spec, "partialUpdates": false});
    made(&bench.post(EAST, &format!("{PC}/CreateFilter"), &body))
}

fn task_filter(bench: &mut Bench, task: &str) -> String {
    let object = json!({"_typeName": "ObjectSpec", "obj": reference("Task", task)});
    let paths = ["info.state", "info.error", "info.result", "info.progress"];
    filter(bench, "Task", &paths, &[object])
}

fn machine_filter(bench: &mut Bench, view: (&str, &str)) -> String {
    let traversal = json!({
        "_typeName": "TraversalSpec", "name": "view", "type": view.0, "path": "view", "skip": false,
    });
    let object = json!({
        "_typeName": "ObjectSpec", "obj": reference(view.0, view.1), "skip": true, "selectSet": [traversal],
    });
    filter(bench, "VirtualMachine", &["name"], &[object])
}

/// Waits once without patience; gives the version.
fn wait(bench: &mut Bench, version: &str, most: Option<i64>) -> String {
    let mut options = json!({"_typeName": "WaitOptions", "maxWaitSeconds": 0});
    if let Some(most) = most {
        options["maxObjectUpdates"] = json!(most);
    }
    let body = json!({"version": version, "options": options});
    let answer = bench.post(EAST, &format!("{PC}/WaitForUpdatesEx"), &body);
    answer.value()["version"].as_str().unwrap_or(version).to_owned()
}

/// Brings the world to where the fixture begins; gives the names.
pub(super) fn set(bench: &mut Bench, fixture: &Fixture) -> Names {
    let mut names = Names(Vec::new());
    let (folder, name) = fixture.name.split_once('/').unwrap();
    if !FOLDERS.contains(&folder) {
        return names;
    }
    for (theirs, ours) in MACHINES {
        names.add(theirs, &id(bench, ours));
    }
    for (theirs, ours) in [
        ("group-v3\"", "group-v13\""),
        ("datacenter-2\"", "datacenter-12\""),
        ("resgroup-9", "resgroup-19"),
        ("EXAMPLE.LOCAL\\\\dr-operator", "VSPHERE.LOCAL\\\\operator"),
    ] {
        names.add(theirs, ours);
    }
    match folder {
        "container-view" | "list-view" | "view-manager" => views(bench, name, &mut names),
        "property-collector" | "property-filter" => collector(bench, name, &mut names),
        "task" => tasks(bench, fixture, &mut names),
        "task-manager" => task_manager(bench, name, &mut names),
        "search-index" => search(bench, name, &mut names),
        "session-manager" | "service-instance" => sessions(bench, name, &mut names),
        _ => {}
    }
    names
}

fn views(bench: &mut Bench, name: &str, names: &mut Names) {
    if name.contains("not-found") || name == "get-view-list-null.json" {
        return;
    }
    let types: &[&str] = &["VirtualMachine", "HostSystem"];
    let view = match name {
        "get-view-null.json" => container_view(bench, ("Folder", "group-s15"), Some(types)),
        "get-type-null.json" => container_view(bench, ("Folder", "group-d1"), None),
        _ => container_view(bench, ("Folder", "group-d1"), Some(types)),
    };
    names.own(CONTAINER_VIEW, &view);
    let list = list_view(bench);
    names.own(LIST_VIEW, &list);
}

fn collector(bench: &mut Bench, name: &str, names: &mut Names) {
    let is = |part: &str| name.contains(part);
    if is("not-found") || is("gone") || is("get-filter-null") {
        return;
    }
    let machines = MACHINES.map(|(_, machine)| id(bench, machine));
    let (first, second) = (machines[0].clone(), machines[1].clone());
    if is("continue-middle-page") || is("cancel-retrieve") {
        let machines = (1..)
            .map_while(|number| bench.world.vms().named(EAST, &format!("east-{number:02}")))
            .map(|machine| machine.id.clone())
            .collect::<Vec<_>>();
        let objects: Vec<_> = machines
            .iter()
            .map(|id| ("VirtualMachine", id.as_str()))
            .collect();
        let asked = retrieve("VirtualMachine", &objects, &["name"], json!({"maxObjects": 1}));
        ask(bench, &asked);
        names.add("page-token-7", "page-1");
        return;
    }
    if is("destroy-property-collector") || is("cancel-wait") || is("request-canceled") {
        let own = made(&bench.post(EAST, &format!("{PC}/CreatePropertyCollector"), &Value::Null));
        names.own(COLLECTOR, &own);
        names.add("\"version\":\"3\"", "\"version\":\"\"");
        return;
    }
    if is("container-view") {
        let view = container_view(
            bench,
            ("Folder", "group-d1"),
            Some(&["VirtualMachine", "HostSystem"]),
        );
        names.own(CONTAINER_VIEW, &view);
        return;
    }
    let waits = is("wait-for-updates") || is("check-for-updates");
    let watches = waits || is("filter") || is("partial-updates") || is("get-spec") || is("all-properties");
    if !watches || is("not-authenticated") || is("create-filter-invalid") {
        return;
    }
    let outcome = if is("error") {
        Err(json!({"_typeName": "InvalidDatastorePath", "datastorePath": "x"}))
    } else {
        Ok(Some(reference("VirtualMachine", &first)))
    };
    let task = bench.world.run_task(EAST, 20_000, outcome);
    names.add("task-501", &task);
    if is("create-filter") {
        return;
    }
    if is("enter-leave") || is("truncated") {
        let view = if is("truncated") {
            let list = list_view(bench);
            ("ListView", list)
        } else {
            unregister(bench, &second);
            (
                "ContainerView",
                container_view(bench, ("Folder", "group-d1"), Some(&["VirtualMachine"])),
            )
        };
        let made = machine_filter(bench, (view.0, &view.1));
        names.own(VM_FILTER, &made);
    } else {
        let made = task_filter(bench, &task);
        names.own(TASK_FILTER, &made);
        if name == "get-filter.json" {
            let view = list_view(bench);
            machine_filter(bench, ("ListView", &view));
        }
    }
    begin_waiting(bench, name, names, &first);
}

/// Waits until the version at which the fixture goes on, and lets happen what it then tells of.
fn begin_waiting(bench: &mut Bench, name: &str, names: &mut Names, machine: &str) {
    let is = |part: &str| name.contains(part);
    if !is("for-updates") || is("first") || is("empty-body") || name == "wait-for-updates-ex-truncated.json" {
        return;
    }
    if is("null") || is("poll") {
        // Nothing happens any more.
        bench.pass(60_000);
    } else if is("success") || is("error") {
        // It has a progress by now.
        bench.pass(8_000);
    } else {
        bench.pass(2_000);
    }
    let version = wait(bench, "", is("truncated-rest").then_some(1));
    for theirs in 1..8 {
        names.add(
            &format!("\"version\":\"{theirs}\""),
            &format!("\"version\":\"{version}\""),
        );
    }
    if is("enter-leave") {
        let body = json!({
            "path": "[local-east] east-02/east-02.vmx",
            "asTemplate": false,
            "pool": reference("ResourcePool", "resgroup-19"),
        });
        made(&bench.post(EAST, "/Folder/group-v13/RegisterVM_Task", &body));
        bench.pass(30_000);
        unregister(bench, machine);
    } else if is("success") || is("error") {
        bench.pass(30_000);
    } else if !is("null") && !is("poll") {
        bench.pass(8_000);
    }
}

fn unregister(bench: &mut Bench, machine: &str) {
    let answer = bench.post(
        EAST,
        &format!("/VirtualMachine/{machine}/UnregisterVM"),
        &Value::Null,
    );
    assert_eq!(answer.status, 204, "{}", answer.value());
}

fn new_task(bench: &mut Bench) -> String {
    let machine = reference("VirtualMachine", &id(bench, "east-01"));
    let body = json!({"obj": machine, "taskTypeId": "example.recovery.group", "cancelable": true});
    let answer = bench.post(EAST, "/TaskManager/TaskManager/CreateTask", &body);
    assert_eq!(answer.status, 200, "{}", answer.value());
    answer.value()["key"].as_str().unwrap().to_owned()
}

fn tasks(bench: &mut Bench, fixture: &Fixture, names: &mut Names) {
    let name = fixture.name.as_str();
    let is = |part: &str| name.contains(part);
    if is("not-found") || is("not-authenticated") {
        return;
    }
    names.add("recovery-plan", "runbook");
    let told = &fixture.response["body"];
    if is("queued") || is("task-601") || !(is("get-info") || is("cancel-")) {
        let task = new_task(bench);
        if name.ends_with("get-value.json") {
            let body = json!({"key": "runbook", "value": "plan-7"});
            bench.post(EAST, &format!("/Task/{task}/setCustomValue"), &body);
        }
        let states: &[&str] = if is("set-task-state-invalid") {
            &["running", "success"]
        } else if is("set-task-state-success") || is("set-task-state-error") || is("update-progress") {
            &["running"]
        } else {
            &[]
        };
        for state in states {
            let answer = bench.post(
                EAST,
                &format!("/Task/{task}/SetTaskState"),
                &json!({"state": state}),
            );
            assert_eq!(answer.status, 204, "{}", answer.value());
        }
        names.add("task-501", &task);
        names.add("task-601", &task);
        return;
    }
    let outcome = match told.get("error") {
        Some(fault) => Err(fault.clone()),
        None => Ok(told.get("result").cloned()),
    };
    let task = if is("not-supported") {
        let machine = id(bench, "east-01");
        made(&bench.post(
            EAST,
            &format!("/VirtualMachine/{machine}/PowerOnVM_Task"),
            &json!({}),
        ))
    } else {
        bench.world.run_task(EAST, 20_000, outcome)
    };
    names.add("task-501", &task);
    let running = is("running") || is("cancel-task.json") || is("not-supported") || is("reason");
    bench.pass(if running { 200 } else { 0 });
    if is("get-info-cancelled") {
        bench.pass(200);
        bench.post(EAST, &format!("/Task/{task}/CancelTask"), &Value::Null);
    }
    bench.pass(if running { 0 } else { 30_000 });
}

fn task_manager(bench: &mut Bench, name: &str, names: &mut Names) {
    match name {
        "get-recent-task.json" | "read-next-tasks-by-view-spec.json" => {
            let machine = reference("VirtualMachine", &id(bench, "east-01"));
            for _ in 0..2 {
                bench.world.run_task(EAST, 1_000, Ok(Some(machine.clone())));
            }
            bench.pass(2_000);
        }
        "create-task.json" => {
            let parent = bench.world.run_task(EAST, 60_000, Ok(None));
            names.add("task-590", &parent);
        }
        "create-collector-for-tasks-invalid-state.json" => {
            let body = json!({"filter": {"_typeName": "TaskFilterSpec"}});
            for _ in 0..32 {
                made(&bench.post(EAST, "/TaskManager/TaskManager/CreateCollectorForTasks", &body));
            }
        }
        _ => {}
    }
}

fn search(bench: &mut Bench, name: &str, names: &mut Names) {
    let machine = id(bench, "east-01");
    if name.contains("null") || name.contains("empty") {
        names.add("[vvol-east]", "[local-east]");
        return;
    }
    bench.post(
        EAST,
        &format!("/VirtualMachine/{machine}/PowerOnVM_Task"),
        &json!({}),
    );
    bench.pass(120_000);
    let guest = bench
        .get(EAST, &format!("/VirtualMachine/{machine}/guest"))
        .value();
    let config = bench
        .get(EAST, &format!("/VirtualMachine/{machine}/config"))
        .value();
    let host = bench.get(EAST, "/HostSystem/host-11/summary").value();
    for (theirs, ours) in [
        ("db01.east.example", &guest["hostName"]),
        ("198.51.100.77", &guest["ipAddress"]),
        ("2001:db8::77", &guest["ipAddress"]),
        ("420a1111-2222-3333-4444-555566667777", &config["uuid"]),
        ("500a1111-2222-3333-4444-555566667777", &config["instanceUuid"]),
        ("30303030-0000-3132-3333-444455556666", &host["hardware"]["uuid"]),
    ] {
        names.add(theirs, ours.as_str().unwrap());
    }
    for (theirs, ours) in [
        ("[vvol-east] db01/db01.vmx", "[local-east] east-01/east-01.vmx"),
        ("esx-21.east.example", "esx-11.east.sim.invalid"),
        ("\"db01\"", "\"east-01\""),
    ] {
        names.add(theirs, ours);
    }
    if name == "find-by-inventory-path.json" {
        bench.post(
            EAST,
            "/Folder/group-v13/CreateFolder",
            &json!({"name": "tier%2f1"}),
        );
    }
    if name == "query-next.json" {
        let spec = json!({"_typeName": "SearchIndexQuerySpec", "resourceType": "VirtualMachine", "properties": ["name"], "limit": 1});
        let path = "/sdk/vim25/9.1.0.0/SearchIndex/SearchIndex/Query";
        let query = Request::new(http::Method::POST, path).json(&json!({"querySpec": spec}));
        let query = bench.with_session(EAST, query);
        let answer = bench.send(EAST, &query).value();
        names.add(
            "example-marker-1",
            answer["marker"].as_str().unwrap_or("example-marker-1"),
        );
    }
}

fn sessions(bench: &mut Bench, name: &str, names: &mut Names) {
    let (user, password) = bench.credentials(EAST);
    let manager = "/SessionManager/SessionManager";
    match name {
        "acquire-local-ticket.json" => names.add("\"root\"", &format!("{user:?}")),
        "get-message.json" => {
            let body = json!({"message": "Recovery is running."});
            bench.post(EAST, &format!("{manager}/UpdateServiceMessage"), &body);
        }
        "clone-session.json" => {
            let ticket = bench.post(EAST, &format!("{manager}/AcquireCloneTicket"), &Value::Null);
            names.add(
                "cst-VCT-example-not-a-real-ticket--tp-00",
                ticket.value().as_str().unwrap(),
            );
        }
        "impersonate-user.json" => names.add("EXAMPLE.LOCAL\\\\recovery-runner", "VSPHERE.LOCAL\\\\operator"),
        "login-by-sspi-challenge.json" => {
            names.add("ZXhhbXBsZS1zc3BpLXRva2Vu", super::super::session::SSPI[0])
        }
        "login-by-sspi.json" => names.add("ZXhhbXBsZS1zc3BpLXRva2Vu", super::super::session::SSPI[1]),
        "session-is-active.json" => {
            let own = bench.get(EAST, &format!("{manager}/currentSession")).value();
            names.add(
                "52aa11bb-22cc-33dd-44ee-55ff66007788",
                own["key"].as_str().unwrap(),
            );
        }
        "terminate-session.json" => {
            for theirs in [
                "52dd11bb-22cc-33dd-44ee-55ff66009999",
                "52ee11bb-22cc-33dd-44ee-55ff66008888",
            ] {
                let session = super::login(bench, &user, &password).value();
                names.add(theirs, session["key"].as_str().unwrap());
            }
        }
        _ if name.starts_with("login-extension") => names.add("example.recovery", "com.example.recovery"),
        _ => {}
    }
}

/// Sends the request; a wait that the fixture tells to be cancelled is.
pub(super) fn send(bench: &mut Bench, fixture: &Fixture, request: &Request) -> Answer {
    if !fixture.name.ends_with("request-canceled.json") {
        return bench.send(EAST, request);
    }
    let Reply::Parked(parked) = bench.reply(EAST, request) else {
        panic!("the wait is not parked");
    };
    let mut cancel = request.clone();
    cancel.path = cancel.path.replace("WaitForUpdatesEx", "CancelWaitForUpdates");
    cancel.body = Default::default();
    assert_eq!(bench.send(EAST, &cancel).status, 204);
    match bench.world.resume(parked) {
        Resumed::Reply(Reply::Answer(answer)) => answer,
        other => panic!("no answer: {other:?}"),
    }
}
