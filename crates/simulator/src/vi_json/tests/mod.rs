mod fixture;
mod session;
mod stage;
mod task;
mod update;
mod whole;

use http::Method;
use serde_json::{Value, json};

use super::collector;
use crate::exchange::{Answer, Reply, Request};
use crate::spec::WorldSpec;
use crate::testbench::{BASE, Bench};

const EAST: &str = "vc-east";

fn bench() -> Bench {
    Bench::new(&WorldSpec::pair(9).groups(2).replications(0))
}

fn login(bench: &mut Bench, user: &str, password: &str) -> Answer {
    let request = Request::new(
        Method::POST,
        &format!("{BASE}/SessionManager/SessionManager/Login"),
    );
    bench.send(
        EAST,
        &request.json(&json!({"userName": user, "password": password})),
    )
}

fn fault(answer: &Answer) -> String {
    assert_eq!(answer.status, 500, "{}", answer.value());
    answer.value()["_typeName"].as_str().unwrap().to_owned()
}

fn retrieve(type_name: &str, objects: &[(&str, &str)], paths: &[&str], options: Value) -> Value {
    let objects: Vec<Value> = objects
        .iter()
        .map(|(type_name, mo_id)| {
            json!({"_typeName": "ObjectSpec", "obj": super::value::reference(type_name, mo_id)})
        })
        .collect();
    let mut options = options;
    options["_typeName"] = json!("RetrieveOptions");
    json!({
        "specSet": [{
            "_typeName": "PropertyFilterSpec",
            "propSet": [{"_typeName": "PropertySpec", "type": type_name, "pathSet": paths}],
            "objectSet": objects,
        }],
        "options": options,
    })
}

fn ask(bench: &mut Bench, body: &Value) -> Answer {
    bench.post(
        EAST,
        "/PropertyCollector/propertyCollector/RetrievePropertiesEx",
        body,
    )
}

#[test]
fn the_token_is_in_the_header_and_dies_idle_and_by_log_out() {
    let mut bench = bench();
    let (user, password) = bench.credentials(EAST);
    let answer = login(&mut bench, &user, &password);
    assert_eq!(answer.status, 200);
    assert!(answer.header_text("vmware-api-session-id").is_some());
    assert_eq!(answer.value()["userName"], "VSPHERE.LOCAL\\operator");
    assert_eq!(fault(&login(&mut bench, &user, "wrong")), "InvalidLogin");

    let root = "/sms/SmsServiceInstance/ServiceInstance/QueryStorageManager";
    assert_eq!(bench.post(EAST, root, &Value::Null).status, 200);
    bench.pass(31 * 60_000);
    let dead = bench.post(EAST, root, &Value::Null);
    assert_eq!(fault(&dead), "NotAuthenticated");
    assert_eq!(dead.value()["privilegeId"], "StorageViews.View");
    bench.log_in(EAST);
    assert_eq!(
        bench
            .post(EAST, "/SessionManager/SessionManager/Logout", &Value::Null)
            .status,
        204
    );
    assert_eq!(fault(&bench.post(EAST, root, &Value::Null)), "NotAuthenticated");
}

#[test]
fn a_locale_may_have_a_country() {
    let mut bench = bench();
    let (user, password) = bench.credentials(EAST);
    let mut opened = |locale: &str| {
        let path = format!("{BASE}/SessionManager/SessionManager/Login");
        let body = json!({"userName": user, "password": password, "locale": locale});
        bench.send(EAST, &Request::new(Method::POST, &path).json(&body))
    };
    for locale in ["en", "en_US", "fr-CA"] {
        let answer = opened(locale);
        assert_eq!((answer.status, &answer.value()["locale"]), (200, &json!(locale)));
    }
    for locale in ["xx", "xx_US", "en_", "en_America", "_US"] {
        assert_eq!(fault(&opened(locale)), "InvalidLocale", "{locale}");
    }
}

#[test]
fn the_content_needs_no_session_and_an_unknown_release_is_not_there() {
    let mut bench = bench();
    let path = "/ServiceInstance/ServiceInstance/content";
    let content = bench.send(EAST, &Request::new(Method::GET, &format!("{BASE}{path}")));
    assert_eq!(content.value()["sessionManager"]["value"], "SessionManager");
    let unknown = bench.send(
        EAST,
        &Request::new(Method::GET, &format!("/sdk/vim25/9.9.0.0{path}")),
    );
    assert_eq!((unknown.status, unknown.body.len()), (404, 0));
    let nowhere = bench.post(EAST, "/Folder/group-d1/CreateDatacenter", &json!({}));
    assert_eq!(fault(&nowhere), "NotImplemented");
    assert!(
        nowhere.value()["faultstring"]
            .as_str()
            .unwrap()
            .contains("Folder/CreateDatacenter")
    );
}

// An older vCenter said that it was of the newest release.
#[test]
fn a_vcenter_says_that_it_is_of_the_newest_release_that_it_knows() {
    let worlds = [
        (WorldSpec::pair(1), "8.0.3", "8.0.3.0"),
        (
            WorldSpec::pair(1).releases(&["8.0.0.1", "8.0.2.0"]),
            "8.0.2",
            "8.0.2.0",
        ),
    ];
    for (spec, version, release) in worlds {
        let path = format!("/sdk/vim25/{release}/ServiceInstance/ServiceInstance/content");
        let reply = spec.build().handle(EAST, &Request::new(Method::GET, &path)).reply;
        let Reply::Answer(content) = reply else {
            panic!("no answer: {reply:?}");
        };
        let content = content.value();
        let about = &content["about"];
        assert_eq!(
            (&about["version"], &about["apiVersion"]),
            (&json!(version), &json!(release))
        );
        assert_eq!(
            about["fullName"],
            json!(format!("Simulated vCenter {version} build-1"))
        );
    }
}

#[test]
fn properties_are_read_from_objects_named_directly() {
    let mut bench = bench();
    let hosts = [("HostSystem", "host-11"), ("HostSystem", "host-12")];
    let paths = [
        "name",
        "configManager.networkSystem",
        "runtime.connectionState",
        "config.network.pnic",
    ];
    let answer = ask(&mut bench, &retrieve("HostSystem", &hosts, &paths, json!({}))).value();
    let set = answer["objects"][0]["propSet"].as_array().unwrap();
    let value = |name: &str| &set.iter().find(|property| property["name"] == name).unwrap()["val"];
    assert_eq!(
        *value("name"),
        json!({"_typeName": "string", "_value": "esx-11.east.sim.invalid"})
    );
    assert_eq!(value("configManager.networkSystem")["value"], "networkSystem-11");
    assert_eq!(
        value("runtime.connectionState")["_typeName"],
        "HostSystemConnectionState"
    );
    assert_eq!(value("config.network.pnic")["_typeName"], "ArrayOfPhysicalNic");
    assert_eq!(answer["objects"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let mut bench = bench();
    let host = [("HostSystem", "host-11")];
    let unknown = ask(
        &mut bench,
        &retrieve("HostSystem", &host, &["runtime.colour"], json!({})),
    );
    assert_eq!(
        (fault(&unknown).as_str(), &unknown.value()["name"]),
        ("InvalidProperty", &json!("runtime.colour"))
    );
    let whole = ask(
        &mut bench,
        &retrieve("HostSystem", &host, &["hardware"], json!({})),
    );
    assert_eq!(fault(&whole), "NotImplemented");
    let elsewhere = [("HostSystem", "host-21")];
    let elsewhere = ask(
        &mut bench,
        &retrieve("HostSystem", &elsewhere, &["name"], json!({})),
    );
    assert_eq!(fault(&elsewhere), "ManagedObjectNotFound");
    let mut nameless = retrieve("HostSystem", &host, &["name"], json!({}));
    nameless["specSet"][0]["objectSet"][0]["selectSet"] =
        json!([{"_typeName": "SelectionSpec", "name": "x"}]);
    assert_eq!(fault(&ask(&mut bench, &nameless)), "InvalidArgument");
    let mut astray = retrieve("HostSystem", &host, &["name"], json!({}));
    astray["specSet"][0]["objectSet"][0]["selectSet"] =
        json!([{"_typeName": "TraversalSpec", "type": "HostSystem", "path": "name"}]);
    assert_eq!(fault(&ask(&mut bench, &astray)), "InvalidProperty");
    let mut strange = retrieve("HostSystem", &host, &["name"], json!({}));
    strange["maxObjects"] = json!(1);
    assert_eq!(fault(&ask(&mut bench, &strange)), "InvalidRequest");
    let other = ask(
        &mut bench,
        &retrieve("DistributedVirtualSwitch", &host, &["name"], json!({})),
    );
    assert_eq!((other.status, other.value()), (200, Value::Null));
}

#[test]
fn pages_are_read_with_their_token_once() {
    let mut bench = bench();
    let hosts = [("HostSystem", "host-11"), ("HostSystem", "host-12")];
    let body = retrieve("HostSystem", &hosts, &["name"], json!({"maxObjects": 1}));
    let first = ask(&mut bench, &body).value();
    assert_eq!(first["objects"].as_array().map(Vec::len), Some(1));
    let token = json!({"token": first["token"]});
    let go_on = "/PropertyCollector/propertyCollector/ContinueRetrievePropertiesEx";
    let last = bench.post(EAST, go_on, &token).value();
    assert_eq!(last["objects"][0]["obj"]["value"], "host-12");
    assert_eq!(last.get("token"), None);
    assert_eq!(fault(&bench.post(EAST, go_on, &token)), "InvalidProperty");
}

#[test]
fn without_a_session_every_property_is_missing() {
    let mut bench = bench();
    let body = retrieve("HostSystem", &[("HostSystem", "host-11")], &["name"], json!({}));
    let path = format!(
        "{BASE}/PropertyCollector/{}/RetrievePropertiesEx",
        collector::MO_ID
    );
    let answer = bench.send(EAST, &Request::new(Method::POST, &path).json(&body));
    let content = &answer.value()["objects"][0];
    assert_eq!(content.get("propSet"), None);
    assert_eq!(content["missingSet"][0]["fault"]["_typeName"], "NotAuthenticated");
}

#[test]
fn a_property_is_read_with_get_as_a_bare_value() {
    let mut bench = bench();
    let info = bench
        .get(EAST, "/HostNetworkSystem/networkSystem-11/networkInfo")
        .value();
    assert_eq!(info["_typeName"], "HostNetworkInfo");
    assert_eq!(
        bench.get(EAST, "/HostSystem/host-11/name").value(),
        "esx-11.east.sim.invalid"
    );
    let missing = bench.get(EAST, "/HostSystem/host-99/name");
    assert_eq!(fault(&missing), "ManagedObjectNotFound");
}

/// From the root folder down: folders, datacenters, clusters, each by its own name.
fn everything_below() -> Value {
    let names = |names: &[&str]| -> Value {
        names
            .iter()
            .map(|name| json!({"_typeName": "SelectionSpec", "name": name}))
            .collect()
    };
    let step = |name: &str, type_name: &str, path: &str, next: &[&str]| {
        json!({
            "_typeName": "TraversalSpec",
            "name": name,
            "type": type_name,
            "path": path,
            "selectSet": names(next),
        })
    };
    let all = ["folder", "vms", "hosts", "storage", "networks", "members"];
    json!([
        step("folder", "Folder", "childEntity", &all),
        step("vms", "Datacenter", "vmFolder", &all),
        step("hosts", "Datacenter", "hostFolder", &all),
        step("storage", "Datacenter", "datastoreFolder", &all),
        step("networks", "Datacenter", "networkFolder", &all),
        step("members", "ComputeResource", "host", &[]),
    ])
}

#[test]
fn a_traversal_reaches_each_object_below_the_root_folder_once() {
    let mut bench = bench();
    let root = [("Folder", "group-d1")];
    let mut body = retrieve("ManagedEntity", &root, &["name", "parent"], json!({}));
    body["specSet"][0]["objectSet"][0]["selectSet"] = everything_below();
    let ids = |answer: &Value| -> Vec<String> {
        let objects = answer["objects"].as_array().unwrap().iter();
        objects
            .map(|object| object["obj"]["value"].as_str().unwrap().to_owned())
            .collect()
    };
    let found = ids(&ask(&mut bench, &body).value());
    let mut sorted = found.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), found.len(), "each once: {found:?}");
    for wanted in [
        "group-d1",
        "datacenter-12",
        "domain-c18",
        "host-12",
        "datastore-11",
        "dvs-11",
        "dvportgroup-12",
    ] {
        assert!(
            found.iter().any(|id| id == wanted),
            "{wanted} is not among {found:?}"
        );
    }
    body["specSet"][0]["objectSet"][0]["skip"] = json!(true);
    body["specSet"][0]["propSet"][0]["type"] = json!("HostSystem");
    assert_eq!(ids(&ask(&mut bench, &body).value()), ["host-11", "host-12"]);
    let skipped = body["specSet"][0]["objectSet"][0]["selectSet"]
        .as_array_mut()
        .unwrap()
        .last_mut()
        .unwrap();
    skipped["skip"] = json!(true);
    assert_eq!(ask(&mut bench, &body).value(), Value::Null);
}
