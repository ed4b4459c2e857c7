//! The wire fixtures of the REST services, against what the simulator answers.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{CLUSTER, WEST, bench, failover, task};
use crate::exchange::{Answer, Request};
use crate::service::Service;
use crate::testbench::{
    Bench, Fixture, Schema, Told, assert_played, assert_spoiled_are_refused, fixtures, shapes,
};
use crate::vcha::service::RestService;
use crate::vcha::{ActiveVm, AfterSwitch, ClusterSpec, ManagementSpec, Mode, TaskIds, VchaSpec};
use crate::{FaultAction, FaultRule};

const TOLD: Told = Told {
    states: &[
        "active",
        "api_release",
        "deployment_type",
        "config_state",
        "disabled",
        "error_type",
        "health_state",
        "mode",
        "role",
        "state",
        "status",
        "total",
    ],
    present: &["error", "result"],
    types: &[],
};

/// Fixtures in states that the simulator's world cannot be in, with the reason.
const NOT_PLAYED: &[(&str, &str)] = &[
    ("errors/error-type-missing", "a cluster can always be read"),
    ("errors/error-type-unknown", "every type of error is known"),
    ("errors/internal-server-error", "no service fails inside"),
    ("tasks/get-error", "a task can always be read"),
    (
        "tasks/get-resource-inaccessible",
        "where tasks are away, it comes with 400",
    ),
    (
        "vcha/cluster-failover-operation-not-found",
        "every release has the call",
    ),
    (
        "vcha/cluster-get-ipv6-and-different-failover-ip",
        "the state of every node is one that the document has",
    ),
];

/// The clusters of a fixture's world.
fn world(name: &str) -> VchaSpec {
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let lost_passive = [
        "degraded",
        "failover-refused",
        "get-failed",
        "failover-disabled",
        "passive-check.json",
        "passive-redeploy",
    ];
    let addresses = ["198.51.100.20".to_owned(), "203.0.113.20".to_owned()];
    let cluster = ClusterSpec {
        mode: if name.contains("maintenance") {
            Mode::Maintenance
        } else if has(&["mode-set-refused", "failover-disabled"]) {
            Mode::Disabled
        } else {
            Mode::Enabled
        },
        passive_up: !has(&lost_passive),
        witness_up: !has(&["witness-check.json", "witness-redeploy"]),
        ipv6: name.contains("ipv6-and"),
        failover_ips: name.contains("different-failover-ip").then_some(addresses),
        ..ClusterSpec::default()
    };
    let none = has(&[
        "not-configured",
        "mode-get-not-allowed",
        "cluster-deploy",
        "get-none",
        "active-get-partial",
    ]);
    let clusters = if none {
        BTreeMap::new()
    } else {
        BTreeMap::from([(WEST.to_owned(), cluster)])
    };
    let succeeds = has(&[
        "get-succeeded",
        "get-return-all",
        "list-by-everything",
        "cancel-not-allowed",
    ]);
    VchaSpec {
        clusters,
        management: management(name),
        refuses_in_task: has(&["get-failed", "tasks/list.json"]),
        reasons_in_result: name.contains("get-failed-result-only"),
        blocks: name.contains("get-blocked"),
        zero_totals: name.contains("zero-total"),
        nodes_swap: name.contains("nodes-swapped"),
        thumbprints_only: name.contains("cluster-get-unverified"),
        task_ids: if name.contains("encoded-id") {
            TaskIds::Odd
        } else {
            TaskIds::Uuid
        },
        after_switch: if succeeds {
            AfterSwitch::Succeeded
        } else {
            AfterSwitch::Gone
        },
        active_vm: match name {
            "vcha/active-get-not-found.json" => ActiveVm::Missing,
            "vcha/active-get-invalid-element-configuration.json" => ActiveVm::Unfit,
            _ => ActiveVm::Fit,
        },
        ..VchaSpec::default()
    }
}

/// The management vCenter that the fixtures speak of.
fn management(name: &str) -> ManagementSpec {
    ManagementSpec {
        hostname: "mgmt.example".to_owned(),
        username: "dr-operator@example.local".to_owned(),
        password: if name.contains("cluster-get-invalid") {
            "another"
        } else {
            "not-a-real-password"
        }
        .to_owned(),
        sha1: "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD".to_owned(),
        certificate: "-----BEGIN CERTIFICATE-----\nZXhhbXBsZQ==\n-----END CERTIFICATE-----\n".to_owned(),
        trusted: name.contains("cluster-get-full"),
        ..ManagementSpec::default()
    }
}

/// What was done before a fixture's exchange; gives the task that it asks for.
fn before(bench: &mut Bench, name: &str) -> Option<Value> {
    let name = name.trim_end_matches(".json");
    let pause_ms = match name {
        "tasks/get-pending" => 0,
        "tasks/get-running"
        | "tasks/get-encoded-id"
        | "tasks/get-running-zero-total"
        | "tasks/cancel-unsupported"
        | "vcha/operations-get-failover-active" => 100,
        "tasks/get-failed" | "tasks/get-failed-result-only" => 5_000,
        "tasks/cancel" => {
            bench.world.vcha_mut().set_witness(WEST, false);
            let body = json!({"placement": {"name": "vc-23", "folder": "group-v4"}});
            let path = format!("{CLUSTER}/witness?action=redeploy&vmw-task=true");
            return Some(bench.rest(WEST, Method::POST, &path, &body).value());
        }
        "tasks/get-blocked" => {
            // The flush takes from 0.8 to 2.5 s, and its middle third is blocked.
            let started = failover(bench, true).value();
            while task(bench, &started).value()["status"] != "BLOCKED" {
                bench.pass(50);
            }
            return Some(started);
        }
        "tasks/list" => {
            let running = failover(bench, true);
            bench.pass(100);
            failover(bench, true);
            return Some(running.value());
        }
        "tasks/get-succeeded"
        | "tasks/get-succeeded-null-result"
        | "tasks/get-return-all"
        | "tasks/list-by-everything"
        | "tasks/cancel-not-allowed" => {
            let started = failover(bench, true);
            bench.pass(30_000);
            bench.log_in(WEST);
            return Some(started.value());
        }
        "vcha/cluster-get-partial-after-failover" => {
            // The former active node is still down when the other one begins to answer.
            failover(bench, true);
            bench.pass(5_500);
            bench.log_in(WEST);
            return None;
        }
        "vcha/cluster-get-partial-nodes-swapped" => {
            failover(bench, true);
            bench.pass(30_000);
            bench.log_in(WEST);
            return None;
        }
        _ => return None,
    };
    let started = failover(bench, true);
    assert_eq!(started.status, 202, "{}", started.value());
    bench.pass(pause_ms);
    Some(started.value())
}

/// The status that a rule refuses the call with, where a fixture tells of nothing but a refusal.
fn refusal(fixture: &Fixture) -> Option<u16> {
    let told = ["service-unavailable", "unauthorized", "params-and-localized"];
    let refused = told.iter().any(|part| fixture.name.contains(part));
    let status = fixture.response["status"].as_u64().unwrap();
    refused.then(|| u16::try_from(status).unwrap())
}

fn request(bench: &Bench, fixture: &Fixture, task: Option<&Value>) -> Request {
    let mut request = fixture.request();
    let mut body = fixture.request["body"].clone();
    if let Some(task) = task.and_then(Value::as_str) {
        match fixture.operation.as_str() {
            "Cis.Tasks_get" | "Cis.Tasks_cancel" => {
                let encoded = utf8_percent_encode(task, NON_ALPHANUMERIC);
                request.path = format!("/api/cis/tasks/{encoded}");
            }
            "Cis.Tasks_list" if body["filter_spec"]["tasks"].is_array() => {
                body["filter_spec"]["tasks"] = json!([task]);
                body["filter_spec"]["users"] = json!([bench.credentials(WEST).0]);
            }
            _ => {}
        }
    }
    if fixture.name.contains("undeploy-not-found") {
        body["vms"]["witness"]["vm"] = json!("vm-99");
    }
    if body != fixture.request["body"] {
        request.body = body.to_string().into();
    }
    if fixture.name.contains("unauthenticated") {
        return request;
    }
    if fixture.operation == "Cis.Session_create" {
        let (user, password) = bench.credentials(WEST);
        let basic = STANDARD.encode(format!("{user}:{password}"));
        return request.header("authorization", &format!("Basic {basic}"));
    }
    bench.with_session(WEST, request)
}

/// Plays the exchange in a world that is as the fixture tells.
fn play(fixture: &Fixture) -> (Bench, Answer) {
    let mut bench = bench(world(&fixture.name));
    let asked = before(&mut bench, &fixture.name);
    if let Some(status) = refusal(fixture) {
        let action = FaultAction::Refuse {
            status,
            body: None,
            retry_after: None,
        };
        bench
            .world
            .faults_mut()
            .add(FaultRule::new(&fixture.operation, action));
    }
    let request = request(&bench, fixture, asked.as_ref());
    let answer = bench.send(WEST, &request);
    (bench, answer)
}

#[test]
fn every_fixture_is_routed_to_its_operation() {
    let bench = bench(VchaSpec::default());
    for fixture in fixtures("models-vcenter") {
        let routed = RestService.route(&bench.world, WEST, &fixture.request()).unwrap();
        assert_eq!(routed.operation, fixture.operation, "{}", fixture.name);
    }
}

#[test]
fn every_fixture_is_answered_or_named_with_the_reason() {
    assert_played(&fixtures("models-vcenter"), NOT_PLAYED, |fixture| {
        TOLD.differs(fixture, &play(fixture).1)
    });
}

#[test]
fn every_answer_has_the_shape_of_the_schema_and_of_the_fixtures() {
    let schema = Schema::read("vcenter/vcenter.json");
    let mut wanted = BTreeMap::new();
    let mut given = BTreeMap::new();
    for fixture in fixtures("models-vcenter") {
        let (mut bench, answer) = play(&fixture);
        let name = match (fixture.operation.as_str(), answer.status) {
            ("Vcenter.Vcha.Cluster_get", 200) => "Vcenter.Vcha.Cluster.Info",
            ("Vcenter.Vcha.Cluster.Mode_get", 200) => "Vcenter.Vcha.Cluster.Mode.Info",
            ("Vcenter.Vcha.Operations_get", 200) => "Vcenter.Vcha.Operations.Info",
            ("Vcenter.System_hello", 200) => "Vcenter.System.HelloResult",
            ("Cis.Session_get", 200) => "Cis.Session.Info",
            ("Vcenter.Vcha.Cluster.Active_get", 200) => "Vcenter.Vcha.Cluster.Active.Info",
            ("Vcenter.Vcha.Cluster.DeploymentType_get", 200) => "Vcenter.Vcha.Cluster.DeploymentType.Info",
            ("Vcenter.Vcha.Cluster.Passive_check", 200) => "Vcenter.Vcha.Cluster.Passive.CheckResult",
            ("Vcenter.Vcha.Cluster.Witness_check", 200) => "Vcenter.Vcha.Cluster.Witness.CheckResult",
            ("Cis.Tasks_get", 200) => "Cis.Task.Info",
            (_, 400..) => "Vapi.Std.Errors.Error",
            _ => "",
        };
        schema.check(name, &answer.value());
        if fixture.operation == "Cis.Tasks_list" && answer.status == 200 {
            // A map by id: only its values have members of known names.
            for info in fixture.response["body"].as_object().unwrap().values() {
                shapes(info, &mut wanted);
            }
            for info in answer.value().as_object().unwrap().values() {
                schema.check("Cis.Task.Info", info);
                shapes(info, &mut given);
            }
        } else if fixture.response["status"] == answer.status {
            shapes(&fixture.response["body"], &mut wanted);
            shapes(&answer.value(), &mut given);
        }
        if answer.status == 202 {
            bench.pass(100);
            schema.check("Cis.Task.Info", &task(&mut bench, &answer.value()).value());
        }
    }
    let unknown: Vec<_> = given
        .iter()
        .filter(|(name, kind)| wanted.get(*name) != Some(kind))
        .collect();
    assert_eq!(unknown, []);
}

#[test]
fn what_cannot_be_read_is_refused_in_every_operation() {
    let refused = |answer: &Answer| super::is_refused(answer, 400, "INVALID_ARGUMENT");
    let replaced = "what the fixture names is replaced by what there is";
    let taken = ["tasks", "users"].map(|name| format!("list-by-everything.json/filter_spec/{name}"));
    let taken = taken.each_ref().map(|end| (end.as_str(), replaced));
    assert_spoiled_are_refused(&fixtures("models-vcenter"), &taken, refused, |fixture| {
        play(fixture).1
    });
}
