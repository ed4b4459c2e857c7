//! Filters, views and waits.

use http::Method;
use serde_json::{Value, json};

use super::{EAST, bench, fault};
use crate::dpu::HostTrouble;
use crate::exchange::{Answer, Reply, Request};
use crate::testbench::{BASE, Bench};
use crate::vi_json::value::reference;
use crate::world::Resumed;

const COLLECTOR: &str = "/PropertyCollector/propertyCollector";

fn filter(type_name: &str, paths: &[&str], objects: &[(&str, &str)], select: Value) -> Value {
    let objects = objects.iter().map(|(type_name, mo_id)| {
        let mut object = json!({
            "_typeName": "ObjectSpec",
            "obj": reference(type_name, mo_id),
            "skip": !select.is_null(),
        });
        if !select.is_null() {
            object["selectSet"] = select.clone();
        }
        object
    });
    json!({
        "_typeName": "PropertyFilterSpec",
        "propSet": [{"_typeName": "PropertySpec", "type": type_name, "pathSet": paths}],
        "objectSet": objects.collect::<Vec<_>>(),
    })
}

fn create(bench: &mut Bench, spec: &Value, partial: bool) -> String {
    let body = json!({"spec": spec, "partialUpdates": partial});
    let answer = bench.post(EAST, &format!("{COLLECTOR}/CreateFilter"), &body);
    assert_eq!(answer.status, 200, "{}", answer.value());
    answer.value()["value"].as_str().unwrap().to_owned()
}

fn options(version: &str, seconds: i64, most: Option<i64>) -> Value {
    let mut options = json!({"_typeName": "WaitOptions", "maxWaitSeconds": seconds});
    if let Some(most) = most {
        options["maxObjectUpdates"] = json!(most);
    }
    json!({"version": version, "options": options})
}

fn look(bench: &mut Bench, version: &str) -> Answer {
    bench.post(
        EAST,
        &format!("{COLLECTOR}/WaitForUpdatesEx"),
        &options(version, 0, None),
    )
}

fn park(bench: &mut Bench, version: &str, seconds: i64) -> u64 {
    let request = Request::new(Method::POST, &format!("{BASE}{COLLECTOR}/WaitForUpdatesEx"));
    let request = bench.with_session(EAST, request.json(&options(version, seconds, None)));
    match bench.reply(EAST, &request) {
        Reply::Parked(request) => request,
        other => panic!("it is not parked: {other:?}"),
    }
}

fn answered(bench: &mut Bench, request: u64) -> Answer {
    match bench.world.resume(request) {
        Resumed::Reply(Reply::Answer(answer)) => answer,
        other => panic!("no answer: {other:?}"),
    }
}

fn objects(set: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let sets = set["filterSet"].as_array().into_iter().flatten();
    let updates = sets.flat_map(|set| set["objectSet"].as_array().into_iter().flatten());
    updates
        .map(|update| (text(&update["kind"]), text(&update["obj"]["value"])))
        .collect()
}

fn pair(kind: &str, id: &str) -> (String, String) {
    (kind.to_owned(), id.to_owned())
}

#[test]
fn everything_comes_first_then_what_changed_and_a_lost_answer_once_more() {
    let mut bench = bench();
    let task = bench.world.run_task(EAST, 4_000, Ok(None));
    let paths = ["info.state", "info.progress", "info.result"];
    create(
        &mut bench,
        &filter("Task", &paths, &[("Task", &task)], Value::Null),
        false,
    );
    let first = look(&mut bench, "").value();
    assert_eq!(objects(&first), [pair("enter", &task)]);
    let changes = first["filterSet"][0]["objectSet"][0]["changeSet"]
        .as_array()
        .unwrap();
    assert_eq!(
        changes.len(),
        3,
        "what is not set comes without a value: {changes:?}"
    );
    assert_eq!(look(&mut bench, "1").value(), Value::Null);
    bench.pass(1_500);
    let second = look(&mut bench, "1").value();
    assert_eq!(
        (&second["version"], objects(&second)),
        (&json!("2"), vec![pair("modify", &task)])
    );
    bench.pass(1_000);
    let again = look(&mut bench, "1").value();
    let changes = again["filterSet"][0]["objectSet"][0]["changeSet"]
        .as_array()
        .unwrap();
    let told = |name: &str| {
        changes
            .iter()
            .find(|change| change["name"] == name)
            .map(|change| change["val"]["_value"].clone())
    };
    assert_eq!(
        (told("info.state"), told("info.progress")),
        (Some(json!("running")), Some(json!(50)))
    );
    assert_eq!(fault(&look(&mut bench, "1")), "InvalidCollectorVersion");
    assert_eq!(fault(&look(&mut bench, "99")), "InvalidCollectorVersion");
    assert_eq!(objects(&look(&mut bench, "").value()), [pair("enter", &task)]);
    bench.world.forget_task(EAST, &task);
    assert_eq!(objects(&look(&mut bench, "4").value()), [pair("leave", &task)]);
}

#[test]
fn an_answer_is_cut_to_the_size_asked_for() {
    let mut bench = bench();
    let hosts = [("HostSystem", "host-11"), ("HostSystem", "host-12")];
    create(
        &mut bench,
        &filter("HostSystem", &["name"], &hosts, Value::Null),
        false,
    );
    let wait = format!("{COLLECTOR}/WaitForUpdatesEx");
    let first = bench.post(EAST, &wait, &options("", 30, Some(1))).value();
    assert_eq!((objects(&first).len(), &first["truncated"]), (1, &json!(true)));
    let rest = bench.post(EAST, &wait, &options("1", 30, Some(1))).value();
    assert_eq!((objects(&rest).len(), rest.get("truncated")), (1, None));
    let none = bench.post(EAST, &wait, &options("2", 0, Some(0)));
    assert_eq!(fault(&none), "InvalidArgument");
}

#[test]
fn a_wait_is_answered_by_a_change_by_its_time_or_by_a_cancel() {
    let mut bench = bench();
    create(
        &mut bench,
        &filter(
            "HostSystem",
            &["runtime.connectionState"],
            &[("HostSystem", "host-11")],
            Value::Null,
        ),
        false,
    );
    assert_eq!(objects(&look(&mut bench, "").value()).len(), 1);
    let parked = park(&mut bench, "1", 30);
    assert_eq!(
        bench.world.resume(parked),
        Resumed::Later {
            at_most_ms: Some(30_000)
        }
    );
    bench
        .world
        .hosts_mut()
        .set_trouble("host-11", HostTrouble::Disconnected, true);
    assert_eq!(
        objects(&answered(&mut bench, parked).value()),
        [pair("modify", "host-11")]
    );
    assert_eq!(
        bench.world.resume(parked),
        Resumed::Reply(Reply::Cut),
        "it is answered once"
    );
    let parked = park(&mut bench, "2", 5);
    bench.pass(5_000);
    assert_eq!(answered(&mut bench, parked).value(), Value::Null);
    let parked = park(&mut bench, "2", 30);
    let cancel = format!("{COLLECTOR}/CancelWaitForUpdates");
    assert_eq!(bench.post(EAST, &cancel, &Value::Null).status, 204);
    assert_eq!(fault(&answered(&mut bench, parked)), "RequestCanceled");
    let parked = park(&mut bench, "2", 30);
    let logout = bench.post(EAST, "/SessionManager/SessionManager/Logout", &Value::Null);
    assert_eq!(logout.status, 204);
    assert_eq!(fault(&answered(&mut bench, parked)), "RequestCanceled");
}

#[test]
fn a_restart_cuts_a_wait_and_takes_collector_filter_and_view_along() {
    let mut bench = bench();
    let own = bench
        .post(
            EAST,
            &format!("{COLLECTOR}/CreatePropertyCollector"),
            &Value::Null,
        )
        .value();
    let own = format!("/PropertyCollector/{}", own["value"].as_str().unwrap());
    let parked = park(&mut bench, "", 30);
    bench.world.restart_vcenter(EAST, 100);
    assert_eq!(bench.world.resume(parked), Resumed::Reply(Reply::Cut));
    bench.pass(200);
    bench.log_in(EAST);
    let gone = bench.post(EAST, &format!("{own}/WaitForUpdatesEx"), &options("", 0, None));
    assert_eq!(fault(&gone), "ManagedObjectNotFound");
}

#[test]
fn a_view_is_followed_as_the_inventory_and_the_list_change() {
    let mut bench = bench();
    let container = json!({
        "container": reference("Folder", "group-d1"),
        "type": ["Datastore", "HostSystem"],
        "recursive": true,
    });
    let view = bench
        .post(EAST, "/ViewManager/ViewManager/CreateContainerView", &container)
        .value();
    let id = view["value"].as_str().unwrap().to_owned();
    assert!(id.starts_with("session["));
    let members = bench.get(EAST, &format!("/ContainerView/{id}/view")).value();
    assert_eq!(members.as_array().map(Vec::len), Some(5));
    let select = |type_name: &str| json!([{"_typeName": "TraversalSpec", "type": type_name, "path": "view"}]);
    create(
        &mut bench,
        &filter(
            "Datastore",
            &["name"],
            &[("ContainerView", &id)],
            select("ContainerView"),
        ),
        false,
    );
    assert_eq!(
        objects(&look(&mut bench, "").value()),
        ["datastore-11", "datastore-12", "datastore-19"].map(|id| pair("enter", id))
    );
    bench.world.inventory.remove(EAST, "datastore-12");
    assert_eq!(
        objects(&look(&mut bench, "1").value()),
        [pair("leave", "datastore-12")]
    );

    let task = bench.world.run_task(EAST, 60_000, Ok(None));
    let list = bench
        .post(EAST, "/ViewManager/ViewManager/CreateListView", &json!({}))
        .value();
    let id = list["value"].as_str().unwrap().to_owned();
    create(
        &mut bench,
        &filter("Task", &["info.state"], &[("ListView", &id)], select("ListView")),
        false,
    );
    assert_eq!(look(&mut bench, "2").value(), Value::Null);
    let gone = reference("Task", "task-999");
    let add = json!({"add": [reference("Task", &task), gone]});
    let unresolved = bench
        .post(EAST, &format!("/ListView/{id}/ModifyListView"), &add)
        .value();
    assert_eq!(unresolved, json!([gone]));
    assert_eq!(objects(&look(&mut bench, "2").value()), [pair("enter", &task)]);
    let remove = json!({"remove": [reference("Task", &task)]});
    assert_eq!(
        bench
            .post(EAST, &format!("/ListView/{id}/ModifyListView"), &remove)
            .value(),
        Value::Null
    );
    assert_eq!(objects(&look(&mut bench, "3").value()), [pair("leave", &task)]);
    assert_eq!(
        bench
            .post(EAST, &format!("/ListView/{id}/DestroyView"), &Value::Null)
            .status,
        204
    );
    assert_eq!(
        fault(&bench.get(EAST, &format!("/ListView/{id}/view"))),
        "ManagedObjectNotFound"
    );
}

#[test]
fn a_list_is_set_anew_from_objects_or_from_another_view() {
    let mut bench = bench();
    let host = |number: u32| reference("HostSystem", &format!("host-{number}"));
    let made = |bench: &mut Bench, method: &str, body: &Value| {
        let path = format!("/ViewManager/ViewManager/{method}");
        bench.post(EAST, &path, body).value()
    };
    let list = made(&mut bench, "CreateListView", &json!({"obj": [host(11)]}));
    let path = format!("/ListView/{}", list["value"].as_str().unwrap());
    let members = |bench: &mut Bench, path: &str| bench.get(EAST, &format!("{path}/view")).value();
    assert_eq!(members(&mut bench, &path), json!([host(11)]));
    let anew = json!({"obj": [host(12), host(99)]});
    let unresolved = bench.post(EAST, &format!("{path}/ResetListView"), &anew).value();
    assert_eq!(
        (unresolved, members(&mut bench, &path)),
        (json!([host(99)]), json!([host(12)]))
    );
    let container = json!({
        "container": reference("Folder", "group-d1"),
        "type": ["HostSystem"],
        "recursive": true,
    });
    let container = made(&mut bench, "CreateContainerView", &container);
    let from = json!({ "view": container });
    let reset = bench.post(EAST, &format!("{path}/ResetListViewFromView"), &from);
    assert_eq!(reset.status, 204);
    assert_eq!(members(&mut bench, &path), json!([host(11), host(12)]));
    let copy = made(&mut bench, "CreateListViewFromView", &from);
    let copy = format!("/ListView/{}", copy["value"].as_str().unwrap());
    assert_eq!(members(&mut bench, &copy), json!([host(11), host(12)]));
}

#[test]
fn a_partial_update_names_the_member_that_changed() {
    let mut bench = bench();
    let task = bench.world.run_task(EAST, 40_000, Ok(None));
    bench.pass(100);
    let id = create(
        &mut bench,
        &filter("Task", &["info"], &[("Task", &task)], Value::Null),
        true,
    );
    assert_eq!(objects(&look(&mut bench, "").value()).len(), 1);
    bench.pass(12_000);
    let set = look(&mut bench, "1").value();
    let changes = &set["filterSet"][0]["objectSet"][0]["changeSet"];
    assert_eq!(changes.as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&changes[0]["name"], &changes[0]["val"]),
        (
            &json!("info.progress"),
            &json!({"_typeName": "int", "_value": 25})
        )
    );
    let filters = bench.get(EAST, &format!("{COLLECTOR}/filter")).value();
    assert_eq!(filters[0]["value"], json!(id));
    assert_eq!(
        bench
            .get(EAST, &format!("/PropertyFilter/{id}/partialUpdates"))
            .value(),
        json!(true)
    );
    assert_eq!(
        bench
            .post(
                EAST,
                &format!("/PropertyFilter/{id}/DestroyPropertyFilter"),
                &Value::Null
            )
            .status,
        204
    );
    assert_eq!(
        bench.get(EAST, &format!("{COLLECTOR}/filter")).value(),
        Value::Null
    );
    bench.pass(12_000);
    assert_eq!(look(&mut bench, "2").value(), Value::Null);
}

#[test]
fn what_a_filter_names_and_is_not_there_is_refused_or_told() {
    let mut bench = bench();
    let gone = [("Task", "task-999")];
    let mut spec = filter("Task", &["info"], &gone, Value::Null);
    let create_at = format!("{COLLECTOR}/CreateFilter");
    let refused = bench.post(EAST, &create_at, &json!({"spec": spec, "partialUpdates": false}));
    assert_eq!(fault(&refused), "ManagedObjectNotFound");
    let strange = filter("Task", &["info.colour"], &gone, Value::Null);
    let refused = bench.post(
        EAST,
        &create_at,
        &json!({"spec": strange, "partialUpdates": false}),
    );
    assert_eq!(fault(&refused), "InvalidProperty");
    spec["reportMissingObjectsInResults"] = json!(true);
    create(&mut bench, &spec, false);
    let set = look(&mut bench, "").value();
    let missing = &set["filterSet"][0]["missingSet"][0];
    assert_eq!(
        (&missing["obj"]["value"], &missing["fault"]["_typeName"]),
        (&json!("task-999"), &json!("ManagedObjectNotFound"))
    );
    assert_eq!(look(&mut bench, "1").value(), Value::Null);
}
