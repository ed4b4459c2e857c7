//! Exchanges that are as the documents have them, and one that is not for each kind of check.

use serde_json::{Value, json};

use super::exchange::{Body, Exchange, Message};
use super::judge::Judge;
use super::oddity::{Oddities, fits};
use super::schema::Types;
use super::schema::{Document, documents};
use super::{Args, Finding, Report, run};

const JSON: &str = "application/json";
const VCDA: &str = "application/vnd.vmware.h4-v4.6+json;charset=UTF-8";
const SWITCH: &str = "/sdk/vim25/8.0.3.0/HostNetworkSystem/networkSystem-1/startDpuFailover";
const INFO: &str = "/sdk/vim25/8.0.3.0/Task/task-1/info";

fn side(media_type: &str, body: &Value) -> Message {
    let body = match body {
        Value::String(text) if text == "none" => Body::None,
        Value::String(text) if text == "other" => Body::Other,
        body => Body::Json(body.clone()),
    };
    Message {
        headers: vec![("content-type".to_owned(), media_type.to_owned())],
        body,
    }
}

/// An exchange: operation, `METHOD path`, request, status, answer.
fn exchange(operation: &str, call: &str, request: &Value, status: u16, answer: &Value) -> Exchange {
    let (method, path) = call.split_once(' ').expect("a method and a path");
    let media_type = if path.starts_with("/sdk/") || path.starts_with("/api/") {
        JSON
    } else {
        VCDA
    };
    Exchange {
        source: "tests: here".to_owned(),
        operation: operation.to_owned(),
        method: method.to_owned(),
        path: path.to_owned(),
        request: side(JSON, request),
        status,
        answer: side(media_type, answer),
    }
}

fn all_documents() -> Vec<Document> {
    documents().expect("the checked-in documents")
}

/// What is found, as `place: what`.
fn found(documents: &[Document], exchange: &Exchange) -> Vec<String> {
    let judge = Judge::new(documents).expect("documents with an error each");
    let findings = judge.findings(exchange).into_iter();
    findings
        .map(|Finding { place, what, .. }| format!("{place}: {what}"))
        .collect()
}

/// Checks that an answer is right, and that each change of it, by pointer and value, is found so.
fn holds(documents: &[Document], good: &Exchange, changes: &[(&str, Value, &str)]) {
    assert_eq!(found(documents, good), Vec::<String>::new());
    for (pointer, value, expected) in changes {
        let mut bad = good.clone();
        let Body::Json(body) = &mut bad.answer.body else {
            panic!("no body to change");
        };
        change(body, pointer, value);
        assert_eq!(found(documents, &bad).join("; "), *expected, "{pointer} {value}");
    }
}

/// Sets a value, or takes it away if it is the text `gone`.
fn change(body: &mut Value, pointer: &str, value: &Value) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = body.pointer_mut(parent).expect("what the pointer names");
    match parent {
        Value::Object(members) if *value == "gone" => {
            members.remove(name).expect("the member");
        }
        Value::Object(members) => {
            members.insert(name.to_owned(), value.clone());
        }
        Value::Array(items) => items[name.parse::<usize>().expect("an index")] = value.clone(),
        _ => panic!("{pointer} names no member"),
    }
}

fn reference(type_name: &str, value: &str) -> Value {
    json!({"_typeName": "ManagedObjectReference", "type": type_name, "value": value})
}

fn task_info() -> Value {
    json!({
        "_typeName": "TaskInfo",
        "key": "task-1",
        "task": reference("Task", "task-1"),
        "descriptionId": "x",
        "entity": reference("VirtualMachine", "vm-1"),
        "state": "error",
        "cancelled": false,
        "cancelable": true,
        "error": {"_typeName": "InvalidArgument", "invalidProperty": "x"},
        "result": {"_typeName": "ArrayOfString", "_value": ["a"]},
        "progress": 40,
        "reason": {"_typeName": "TaskReasonUser", "userName": "ops"},
        "queueTime": "2026-01-02T03:04:05Z",
        "eventChainId": 7,
    })
}

#[test]
fn objects_of_vi_json_have_their_members_types_and_names() {
    let documents = all_documents();
    let good = exchange(
        "Task_getInfo",
        &format!("GET {INFO}"),
        &json!("none"),
        200,
        &task_info(),
    );
    holds(
        &documents,
        &good,
        &[
            ("/key", json!("gone"), "200: no key, which is required"),
            (
                "/key",
                json!(null),
                "200: no key, which is required; 200 key: null for what is left out if it is not set",
            ),
            (
                "/progress",
                json!(null),
                "200 progress: null for what is left out if it is not set",
            ),
            ("/progress", json!("40"), "200 progress: string for integer"),
            ("/progress", json!(4_000_000_000_i64), "200 progress: no int32"),
            ("/queueTime", json!("yesterday"), "200 queueTime: no date-time"),
            (
                "/state",
                json!("done"),
                "200 state: \"done\" is no value of its enumeration",
            ),
            ("/extra", json!(1), "200 extra: unknown member"),
            ("/locked", json!("vm-1"), "200 locked: string for array"),
            ("/_typeName", json!("gone"), "200: no _typeName in a TaskInfo"),
            (
                "/_typeName",
                json!("HostSystem"),
                "200: HostSystem is no TaskInfo",
            ),
            (
                "/reason/_typeName",
                json!("TaskInfo"),
                "200 reason: TaskInfo is no TaskReason",
            ),
            (
                "/reason/userName",
                json!(7),
                "200 reason.userName: integer for string",
            ),
            (
                "/entity/type",
                json!("Task"),
                "200 entity: a reference to a Task for one to a ManagedEntity",
            ),
            ("/task/more", json!(1), "200 task.more: unknown member"),
            (
                "/error/_typeName",
                json!("TaskReasonUser"),
                "200 error: TaskReasonUser is no MethodFault",
            ),
            (
                "/error/_typeName",
                json!("NoSuchFault"),
                "200 error: NoSuchFault is no MethodFault",
            ),
            ("/result", json!("x"), "200 result: string for object"),
            (
                "/result/_value",
                json!("a"),
                "200 result._value: string in an array's box",
            ),
            (
                "/result/_value/0",
                json!(1),
                "200 result._value[]: integer in a box called string",
            ),
            (
                "/result/_typeName",
                json!("Strings"),
                "200 result._value: a box called Strings",
            ),
        ],
    );
    // A fault of which the document has no more than the name and the ancestors.
    let mut other = good;
    other.answer = side(JSON, &{
        let mut info = task_info();
        info["error"] = json!({"_typeName": "VmLimitLicense", "limit": 3});
        info
    });
    assert_eq!(found(&documents, &other), Vec::<String>::new());
}

#[test]
fn a_type_whose_base_is_not_in_the_document_may_be_anything_that_derives_from_it() {
    let documents = all_documents();
    let vim = documents.iter().find(|document| {
        document.json["tags"]
            .to_string()
            .contains("ClusterComputeResource")
    });
    let types = Types::new(vim.unwrap());
    for (own, declared, refers) in [
        ("VirtualMachine", "VirtualMachine", Some(true)),
        ("VirtualMachine", "ManagedEntity", Some(true)),
        ("Task", "ManagedEntity", Some(false)),
        ("HostSystem", "Datastore", Some(false)),
        ("ViewManager", "Datastore", Some(false)),
        ("ClusterComputeResource", "ManagedEntity", None),
        ("NoSuchThing", "ManagedEntity", None),
    ] {
        assert_eq!(types.refers(own, declared), refers, "{own} for {declared}");
    }
}

#[test]
fn properties_come_in_the_box_of_their_type() {
    let documents = all_documents();
    let content = json!({
        "_typeName": "RetrieveResult",
        "objects": [{
            "_typeName": "ObjectContent",
            "obj": reference("Task", "task-1"),
            "propSet": [
                {
                    "_typeName": "DynamicProperty",
                    "name": "info.state",
                    "val": {"_typeName": "TaskInfoState", "_value": "success"},
                },
                {"_typeName": "DynamicProperty", "name": "info", "val": task_info()},
            ],
        }],
    });
    let call = "POST /sdk/vim25/8.0.3.0/PropertyCollector/pc/RetrievePropertiesEx";
    let request = json!({"specSet": [], "options": {"_typeName": "RetrieveOptions"}});
    let good = exchange(
        "PropertyCollector_RetrievePropertiesEx",
        call,
        &request,
        200,
        &content,
    );
    holds(
        &documents,
        &good,
        &[
            (
                "/objects/0/propSet/0/val/_typeName",
                json!("string"),
                "200 Task.info.state: a box called string for TaskInfoState",
            ),
            (
                "/objects/0/propSet/1/val",
                reference("Task", "task-1"),
                "200 Task.info: ManagedObjectReference is no TaskInfo",
            ),
        ],
    );
}

#[test]
fn a_request_that_was_taken_is_as_documented() {
    let documents = all_documents();
    let taken = |request: &Value| {
        let call = format!("POST {SWITCH}");
        found(
            &documents,
            &exchange(
                "HostNetworkSystem_startDpuFailover",
                &call,
                request,
                204,
                &json!("none"),
            ),
        )
    };
    let good = json!({"dvsName": "dvs", "targetDpuAlias": "vmdpu1"});
    assert_eq!(taken(&good), Vec::<String>::new());
    for (bad, expected) in [
        (json!({}), "request: no dvsName, which is required"),
        (json!({"dvsName": 1}), "request dvsName: integer for string"),
        (
            json!({"dvsName": "dvs", "alias": "x"}),
            "request alias: unknown member",
        ),
        (json!("none"), "request: no body where one is required"),
        (json!("other"), "request: a body that is not JSON"),
        (json!([]), "request: array for object"),
    ] {
        assert_eq!(taken(&bad), [expected], "{bad}");
    }
    let query = exchange(
        "HostNetworkSystem_startDpuFailover",
        &format!("POST {SWITCH}?now=1"),
        &good,
        204,
        &json!("none"),
    );
    assert_eq!(
        found(&documents, &query),
        ["request ?now: a parameter that is not documented"]
    );
    let mut plain = exchange(
        "HostNetworkSystem_startDpuFailover",
        &format!("POST {SWITCH}"),
        &good,
        204,
        &json!("none"),
    );
    plain.request.headers.clear();
    assert_eq!(found(&documents, &plain), ["request: media type none"]);
}

#[test]
fn no_value_may_be_no_body_where_there_need_not_be_one() {
    let documents = all_documents();
    let none = json!("none");
    let info = exchange("Task_getInfo", &format!("GET {INFO}"), &none, 200, &none);
    assert_eq!(
        found(&documents, &info),
        ["200: no JSON where a value is documented"]
    );
    let call = "POST /sdk/vim25/8.0.3.0/PropertyCollector/propertyCollector/WaitForUpdatesEx";
    let wait = exchange("PropertyCollector_WaitForUpdatesEx", call, &json!({}), 200, &none);
    assert_eq!(found(&documents, &wait), Vec::<String>::new());
}

#[test]
fn status_media_type_and_body_are_as_documented() {
    let documents = all_documents();
    let start = |status: u16, answer: &Value| {
        let call = format!("POST {SWITCH}");
        let request = json!({"dvsName": "dvs"});
        exchange(
            "HostNetworkSystem_startDpuFailover",
            &call,
            &request,
            status,
            answer,
        )
    };
    let fault = json!({"_typeName": "InvalidArgument"});
    assert_eq!(found(&documents, &start(500, &fault)), Vec::<String>::new());
    for (status, answer, expected) in [
        (204, json!({}), "204: a body where none is documented"),
        (202, json!("none"), "202: a status that is not documented"),
        (503, json!("none"), "503: a status that is not documented"),
        (500, json!("none"), "500: an error without a body"),
        (500, json!("other"), "500: an error that is not JSON"),
        (
            500,
            json!({"_typeName": "TaskInfo"}),
            "500: TaskInfo is no MethodFault",
        ),
    ] {
        let found = found(&documents, &start(status, &answer));
        assert_eq!(found[0], expected, "{found:?}");
    }
    let mut info = exchange(
        "Task_getInfo",
        &format!("GET {INFO}"),
        &json!("none"),
        200,
        &task_info(),
    );
    info.answer.headers[0].1 = "text/plain".to_owned();
    assert_eq!(found(&documents, &info), ["200: media type text/plain"]);
    info.operation = "Task_getState".to_owned();
    assert_eq!(found(&documents, &info)[0], "-: it is taken for Task_getState");
    let strange = exchange(
        "x",
        "POST /sdk/vim25/8.0.3.0/Task/task-1/Hurry",
        &json!("none"),
        204,
        &json!("none"),
    );
    let judge = Judge::new(&documents).expect("documents");
    let findings = judge.findings(&strange);
    assert_eq!(findings[0].operation, "POST Task.Hurry");
    let mut renamed = exchange(
        "VirtualMachine_Rename_Task",
        "POST /sdk/vim25/8.0.3.0/VirtualMachine/vm-1/Rename_Task",
        &json!({"newName": "x"}),
        200,
        &reference("Task", "task-1"),
    );
    assert_eq!(
        found(&documents, &renamed),
        Vec::<String>::new(),
        "it is inherited"
    );
    renamed.answer = side(JSON, &json!({"_typeName": "Reference"}));
    assert_eq!(
        found(&documents, &renamed),
        ["200: Reference is no ManagedObjectReference"]
    );
    assert_eq!(findings[0].what, "success of an operation that no document has");
}

#[test]
fn errors_and_unions_of_the_rest_services_are_as_documented() {
    let documents = all_documents();
    let message = json!({"id": "x", "default_message": "x", "args": []});
    let error = json!({"error_type": "UNAUTHORIZED", "messages": [message]});
    let call = "GET /api/vcenter/vcha/cluster/mode";
    let good = exchange("Vcenter.Vcha.Cluster.Mode_get", call, &json!("none"), 403, &error);
    holds(
        &documents,
        &good,
        &[
            (
                "/error_type",
                json!("ERROR"),
                "403: ERROR, whose status is 500; 403: error_type \"ERROR\" is not documented here",
            ),
            ("/messages", json!("gone"), "403: no messages, which is required"),
            (
                "/messages/0/args",
                json!([1]),
                "403 messages[].args[]: integer for string",
            ),
            ("/more", json!(1), "403 more: unknown member"),
        ],
    );
    let task = json!({
        "description": message,
        "service": "s",
        "operation": "o",
        "status": "RUNNING",
        "cancelable": false,
        "start_time": "2026-01-02T03:04:05Z",
        "progress": {"total": 100, "completed": 20, "message": message},
    });
    let call = "GET /api/cis/tasks/task-1?return_all=true";
    let good = exchange("Cis.Tasks_get", call, &json!("none"), 200, &task);
    holds(
        &documents,
        &good,
        &[
            (
                "/start_time",
                json!("gone"),
                "200: no start_time, which belongs to status \"RUNNING\"",
            ),
            (
                "/end_time",
                json!("2026-01-02T03:04:05Z"),
                "200: end_time, which does not belong to status \"RUNNING\"",
            ),
        ],
    );
}

#[test]
fn errors_unions_and_headers_of_vcda_are_as_documented() {
    let documents = all_documents();
    let error = json!({"code": "VmReplicationNotFound", "msg": "x", "args": ["C4-1"], "stacktrace": null});
    let call = "POST /vm-replications/C4-1/failover?site=west";
    let request = json!({"type": "vcloud", "powerOn": true});
    let good = exchange("vmReplications.failover", call, &request, 404, &error);
    holds(
        &documents,
        &good,
        &[
            (
                "/code",
                json!("SiteLost"),
                "404 code: \"SiteLost\" is no value of its enumeration; 404: code \"SiteLost\" is not documented here",
            ),
            ("/args", json!({}), "404 args: object for array"),
        ],
    );
    let task = json!({
        "id": "6f0c7a52-90e1-4f3e-9a39-1f2d3c4b5a69",
        "state": "RUNNING",
        "progress": 40,
        "endTime": -1,
        "result": null,
    });
    let mut good = exchange("vmReplications.failover", call, &request, 202, &task);
    holds(
        &documents,
        &good,
        &[
            ("/id", json!("task-1"), "202 id: no uuid"),
            ("/endTime", json!(1.5), "202 endTime: number for integer"),
            (
                "/state",
                json!("READY"),
                "202 state: \"READY\" is no value of its enumeration",
            ),
        ],
    );
    good.request = side(JSON, &json!({"type": "vsphere"}));
    assert_eq!(
        found(&documents, &good),
        ["request: type \"vsphere\" is none of its cases"]
    );
    good.request = side(JSON, &json!({"powerOn": true}));
    assert_eq!(
        found(&documents, &good),
        ["request: no type, which says what it is"]
    );

    let request = json!({"type": "localUser", "localUser": "root", "localPassword": "***"});
    let login = exchange(
        "sessions.login",
        "POST /sessions",
        &request,
        200,
        &json!({"user": "root"}),
    );
    assert_eq!(found(&documents, &login), ["200: no header X-VCAV-Auth"]);
}

#[test]
fn what_is_listed_is_no_finding_and_needs_a_reason() {
    let documents = all_documents();
    let judge = Judge::new(&documents).expect("documents");
    let list = "[[oddity]]\noperation = 'Task_*'\nplace = '200 *extra'\nwhat = 'unknown member'\nwhy = 'on purpose'\n";
    let mut report = Report::new(Oddities::parse(list).expect("a list"));
    let mut body = task_info();
    body["extra"] = json!(1);
    body["reason"]["more"] = json!(1);
    let odd = exchange("Task_getInfo", &format!("GET {INFO}"), &json!("none"), 200, &body);
    report.add(&judge, &odd);
    report.add(&judge, &odd);
    assert_eq!(
        report.lines().collect::<Vec<_>>(),
        ["Task_getInfo: 200 reason.more: unknown member (2, first tests: here)"]
    );
    assert_eq!((report.exchanges, report.oddities.met()), (2, 1));
    assert_eq!(report.oddities.stale().count(), 0);
    let unmet = Oddities::parse(list).expect("a list");
    let stale: Vec<String> = unmet.stale().collect();
    assert_eq!(
        stale,
        ["stale oddity, nothing has it: Task_*: 200 *extra: unknown member (*)"]
    );
    let rare = Oddities::parse(&format!("{list}rare = 'a seed draws it'\n")).expect("a list");
    assert_eq!(rare.stale().count(), 0);
    assert!(Oddities::parse(&format!("{list}rare = ''\n")).is_err());
    assert!(Oddities::parse("[[oddity]]\nwhat = '*'\nwhy = ' '\n").is_err());
    assert!(Oddities::parse("[[oddity]]\nwhat = '*'\n").is_err());
}

#[test]
fn a_star_stands_for_any_text() {
    for (pattern, text, expected) in [
        ("*", "", true),
        ("a*c", "abc", true),
        ("a*c", "abd", false),
        ("*b*", "abc", true),
        ("abc", "abcd", false),
        ("*[]*id", "items[].id", true),
    ] {
        assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn each_folder_of_recordings_must_have_some() {
    let folder = std::env::temp_dir().join(format!("xtask-validate-{}", std::process::id()));
    let recorded = folder.join("usual/simulator");
    std::fs::create_dir_all(&recorded).expect("a folder");
    let side = json!({"method": "GET", "path": "/sites", "headers": [], "body": null});
    let call = json!({"operation": "sites.list", "target": "east in a_test", "request": side,
        "outcome": {"answer": {"status": 401, "headers": [], "body": null}}});
    let lines = format!(
        "{}\n{call}\n",
        json!({"farside_recording": super::exchange::FORM})
    );
    std::fs::write(recorded.join("test-1.jsonl"), lines).expect("a recording");
    let error = run(&Args {
        recordings: vec![folder.join("usual"), folder.join("odd")],
        whole: false,
    });
    let error = error.expect_err("nothing is recorded in odd worlds").to_string();
    assert!(
        error.starts_with("no exchange is recorded in ") && error.contains("odd"),
        "{error}"
    );
    std::fs::remove_dir_all(folder).expect("the folder goes");
}
