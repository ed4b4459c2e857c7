//! The form of VI JSON: the same clusters, the same rules.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use crate::exchange::{Answer, Request};
use crate::spec::WorldSpec;
use crate::testbench::{
    Bench, Fixture, Schema, Told, assert_alike, assert_played, assert_spoiled_are_refused, fixtures,
    is_invalid_request, shapes,
};
use crate::vcha::{ClusterSpec, ManagementSpec, Mode, VchaSpec};

const EAST: &str = "vc-east";
const MANAGER: &str = "/FailoverClusterManager/failoverClusterManager";
const CONFIGURATOR: &str = "/FailoverClusterConfigurator/failoverClusterConfigurator";

const TOLD: Told = Told {
    states: &["clusterMode", "clusterState", "nodeRole", "nodeState", "state"],
    present: &[],
    types: &["ip"],
};

/// Fixtures in states that the simulator's world cannot be in, with the reason.
const NOT_PLAYED: &[(&str, &str)] = &[
    (
        "failover-cluster-configurator/deploy-vcha-invalid-argument",
        "folders are not looked up",
    ),
    (
        "failover-cluster-manager/get-vcha-cluster-health-unknown-values",
        "every value is one that the document has",
    ),
    (
        "failover-cluster-manager/initiate-failover-no-permission",
        "everybody may do everything",
    ),
];

fn bench(vcha: VchaSpec) -> Bench {
    Bench::new(&WorldSpec::pair(6).groups(2).replications(0).vcha(vcha))
}

fn manager(bench: &mut Bench, method: &str, body: &Value) -> Answer {
    bench.post(EAST, &format!("{MANAGER}/{method}"), body)
}

fn configurator(bench: &mut Bench, method: &str, body: &Value) -> Answer {
    bench.post(EAST, &format!("{CONFIGURATOR}/{method}"), body)
}

fn health(bench: &mut Bench) -> Value {
    manager(bench, "GetVchaClusterHealth", &Value::Null).value()["runtimeInfo"].clone()
}

fn finished(bench: &mut Bench, started: &Answer) -> Value {
    assert_eq!(started.status, 200, "{}", started.value());
    let task = started.value()["value"].as_str().unwrap().to_owned();
    for _ in 0..700 {
        bench.pass(1_000);
        let info = bench.get(EAST, &format!("/Task/{task}/info")).value();
        if info["state"] == "success" || info["state"] == "error" {
            return info;
        }
    }
    panic!("the task does not end");
}

#[test]
fn a_failover_switches_and_takes_session_and_task_with_it() {
    let mut bench = bench(VchaSpec::default());
    let started = manager(&mut bench, "initiateFailover_Task", &json!({"planned": true}));
    assert_eq!(started.value()["type"], "Task");
    let refused = bench.get(EAST, &format!("{MANAGER}/disabledClusterMethod"));
    assert_eq!(
        refused.value(),
        json!(["setClusterMode_Task", "initiateFailover_Task"])
    );
    bench.pass(10_000);
    let dead = manager(&mut bench, "GetVchaClusterHealth", &Value::Null);
    assert_eq!(dead.value()["_typeName"], "NotAuthenticated");
    bench.log_in(EAST);
    let task = started.value()["value"].as_str().unwrap().to_owned();
    let gone = bench.get(EAST, &format!("/Task/{task}/info"));
    assert_eq!(gone.value()["_typeName"], "ManagedObjectNotFound");
    let nodes = health(&mut bench)["nodeInfo"].clone();
    assert_eq!(
        (&nodes[1]["nodeRole"], &nodes[1]["nodeIp"]),
        (&json!("active"), &json!("10.9.1.2"))
    );
    let calls = bench.calls("FailoverClusterManager_initiateFailover_Task", "vcha/vc-east");
    assert_eq!((calls.attempts, calls.accepted, calls.effects), (1, 1, 1));
    assert_eq!(bench.world.vcha().cluster(EAST).unwrap().switches, 1);
}

#[test]
fn what_the_cluster_forbids_is_a_fault_of_the_call_or_of_the_task() {
    for in_task in [false, true] {
        let mut bench = bench(VchaSpec {
            refuses_in_task: in_task,
            ..VchaSpec::default()
        });
        bench.world.vcha_mut().set_witness(EAST, false);
        for (method, body) in [
            ("initiateFailover_Task", json!({"planned": false})),
            ("setClusterMode_Task", json!({"mode": "maintenance"})),
        ] {
            let answer = manager(&mut bench, method, &body);
            if in_task {
                let info = finished(&mut bench, &answer);
                assert_eq!(info["error"]["_typeName"], "MethodDisabled");
            } else {
                assert_eq!(answer.value()["_typeName"], "MethodDisabled");
            }
        }
        assert_eq!(bench.world.vcha().cluster(EAST).unwrap().switches, 0);
    }
}

#[test]
fn a_cluster_is_destroyed_when_disabled_and_configured_by_hand_in_three_steps() {
    let mut bench = bench(VchaSpec::default());
    let refused = configurator(&mut bench, "destroyVcha_Task", &Value::Null);
    assert_eq!(refused.value()["_typeName"], "MethodDisabled");
    let disabled = manager(&mut bench, "setClusterMode_Task", &json!({"mode": "disabled"}));
    assert_eq!(finished(&mut bench, &disabled)["state"], "success");
    let destroyed = configurator(&mut bench, "destroyVcha_Task", &Value::Null);
    assert_eq!(finished(&mut bench, &destroyed)["state"], "success");
    let state =
        |bench: &mut Bench| configurator(bench, "getVchaConfig", &Value::Null).value()["state"].clone();
    assert_eq!(state(&mut bench), "notConfigured");
    let body = |passive: &str| {
        let type_name = "VchaClusterConfigSpec";
        json!({"configSpec": {"_typeName": type_name, "passiveIp": passive, "witnessIp": "198.51.100.13"}})
    };
    let unprepared = configurator(&mut bench, "configureVcha_Task", &body("198.51.100.12"));
    assert_eq!(unprepared.value()["_typeName"], "MethodDisabled");
    let fixture = fixtures("models-vim");
    let prepare = fixture
        .iter()
        .find(|fixture| fixture.name.ends_with("prepare-vcha.json"))
        .unwrap();
    let prepared = configurator(&mut bench, "prepareVcha_Task", &prepare.request["body"]);
    assert_eq!(finished(&mut bench, &prepared)["state"], "success");
    assert_eq!(state(&mut bench), "prepared");
    let other = configurator(&mut bench, "configureVcha_Task", &body("198.51.100.99"));
    assert_eq!(other.value()["invalidProperty"], "configSpec.passiveIp");
    let configured = configurator(&mut bench, "configureVcha_Task", &body("198.51.100.12"));
    let unhealthy = manager(&mut bench, "GetVchaClusterHealth", &Value::Null);
    assert_eq!(
        unhealthy.value()["_typeName"],
        "MethodDisabled",
        "while it is deployed"
    );
    assert_eq!(finished(&mut bench, &configured)["state"], "success");
    assert_eq!(state(&mut bench), "configured");
    assert_eq!(health(&mut bench)["clusterState"], "healthy");
}

#[test]
fn both_forms_show_one_cluster() {
    let mut bench = bench(VchaSpec::default());
    let body = json!({"mode": "MAINTENANCE"});
    let started = bench.rest(
        EAST,
        Method::PUT,
        "/api/vcenter/vcha/cluster/mode?vmw-task=true",
        &body,
    );
    assert_eq!(started.status, 202);
    let busy = manager(&mut bench, "initiateFailover_Task", &json!({"planned": true}));
    assert_eq!(busy.value()["_typeName"], "MethodDisabled");
    bench.pass(3_000);
    assert_eq!(
        manager(&mut bench, "getClusterMode", &Value::Null).value(),
        "maintenance"
    );
}

/// The world of a fixture.
fn world(name: &str) -> VchaSpec {
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let cluster = ClusterSpec {
        mode: if has(&["mode-maintenance"]) {
            Mode::Maintenance
        } else if has(&["destroy"]) {
            Mode::Disabled
        } else {
            Mode::Enabled
        },
        passive_up: !has(&["create-passive", "initiate-failover-method-disabled"]),
        witness_up: !has(&["create-witness"]),
        ..ClusterSpec::default()
    };
    let none = has(&[
        "not-configured",
        "deploy-vcha",
        "prepare",
        "configure-vcha.",
        "health-method-disabled",
    ]);
    let clusters = if none {
        BTreeMap::new()
    } else {
        BTreeMap::from([(EAST.to_owned(), cluster)])
    };
    VchaSpec {
        clusters,
        management: ManagementSpec {
            hostname: "vc-mgmt.east.example".to_owned(),
            username: "dr-operator@example.local".to_owned(),
            password: "not-a-real-password".to_owned(),
            sha1: "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33".to_owned(),
            trusted: name.contains("token"),
            ..ManagementSpec::default()
        },
        ..VchaSpec::default()
    }
}

/// What was done before a fixture's exchange.
fn before(bench: &mut Bench, all: &[Fixture], name: &str) {
    let request = |end: &str| {
        let fixture = all.iter().find(|fixture| fixture.name.ends_with(end)).unwrap();
        fixture.request["body"].clone()
    };
    if name.contains("after-failover") {
        manager(bench, "initiateFailover_Task", &json!({"planned": true}));
        bench.pass(5_500);
        bench.log_in(EAST);
    } else if name.ends_with("configure-vcha.json") {
        let prepared = configurator(bench, "prepareVcha_Task", &request("prepare-vcha.json"));
        finished(bench, &prepared);
    } else if name.contains("health-method-disabled") {
        configurator(bench, "deployVcha_Task", &request("/deploy-vcha.json"));
    } else if name.ends_with("disabled-cluster-method.json")
        || name.ends_with("disabled-configure-method.json")
    {
        manager(bench, "setClusterMode_Task", &json!({"mode": "maintenance"}));
    }
}

fn of_clusters() -> Vec<Fixture> {
    let all = fixtures("models-vim").into_iter();
    all.filter(|fixture| fixture.name.starts_with("failover-cluster"))
        .collect()
}

fn play(all: &[Fixture], fixture: &Fixture) -> Answer {
    let mut bench = bench(world(&fixture.name));
    before(&mut bench, all, &fixture.name);
    let mut request: Request = fixture.request();
    if !fixture.name.contains("not-authenticated") {
        request = bench.with_session(EAST, request);
    }
    bench.send(EAST, &request)
}

#[test]
fn every_fixture_is_answered_or_named_with_the_reason() {
    let fixtures = of_clusters();
    assert_played(&fixtures, NOT_PLAYED, |fixture| {
        TOLD.differs(fixture, &play(&fixtures, fixture))
    });
}

#[test]
fn every_answer_has_the_shape_of_the_schema_and_of_the_fixtures() {
    let schema = Schema::read("vi-json/vi-json.json");
    let (mut wanted, mut given) = (BTreeMap::new(), BTreeMap::new());
    let fixtures = of_clusters();
    for fixture in &fixtures {
        shapes(&fixture.response["body"], &mut wanted);
        let value = play(&fixtures, fixture).value();
        schema.check("", &value);
        shapes(&value, &mut given);
    }
    assert_alike(&given, &wanted, &[]);
}

#[test]
fn what_cannot_be_read_is_refused_in_every_operation() {
    let fixtures = of_clusters();
    assert_spoiled_are_refused(&fixtures, &[], is_invalid_request, |fixture| {
        play(&fixtures, fixture)
    });
}
