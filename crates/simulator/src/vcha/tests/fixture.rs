//! The wire fixtures of the REST services, against what the simulator answers.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{WEST, bench, failover, task};
use crate::exchange::{Answer, Request};
use crate::service::Service;
use crate::testbench::{Bench, Fixture, Schema, Told, fixtures, idle, lists, shapes, uncalled};
use crate::vcha::service::{RestService, not_simulated};
use crate::vcha::{ClusterSpec, Mode, VchaSpec};
use crate::{FaultAction, FaultRule};

const TOLD: Told = Told {
    states: &[
        "active",
        "api_release",
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

/// Fixtures of operations that the simulator knows, in states that its world cannot be in, with the reason.
const NOT_PLAYED: &[(&str, &str)] = &[
    ("errors/error-type-missing", "every error has its type"),
    ("errors/error-type-unknown", "every type of error is known"),
    ("errors/internal-server-error", "no service fails inside"),
    (
        "tasks/get-blocked",
        "a task is pending, running, failed or succeeded",
    ),
    ("tasks/get-encoded-id", "no id needs encoding"),
    ("tasks/get-error", "a task can always be read"),
    ("tasks/get-failed-result-only", "a task that fails has its error"),
    ("tasks/get-resource-inaccessible", "a task can always be read"),
    (
        "tasks/get-return-all",
        "a task that succeeds is gone with the switch",
    ),
    (
        "tasks/get-running-zero-total",
        "the work of a task has its measure",
    ),
    (
        "tasks/get-succeeded",
        "a task that succeeds is gone with the switch",
    ),
    (
        "vcha/cluster-failover-operation-not-found",
        "every release has the call",
    ),
    (
        "vcha/cluster-get-invalid-argument",
        "credentials are not looked at",
    ),
    (
        "vcha/cluster-get-ipv6-and-different-failover-ip",
        "every address is one of IPv4",
    ),
    (
        "vcha/cluster-get-unverified-peer",
        "credentials are not looked at",
    ),
    (
        "vcha/operations-get-failover-disabled",
        "to set the mode is never forbidden",
    ),
];

/// The clusters of a fixture's world.
fn clusters(name: &str) -> VchaSpec {
    let mut cluster = ClusterSpec::default();
    if name.contains("degraded")
        || name.contains("failover-refused")
        || name.contains("get-failed")
        || name.contains("failover-disabled")
    {
        cluster.passive_up = false;
    }
    if name.contains("maintenance") {
        cluster.mode = Mode::Maintenance;
    }
    let none = name.contains("not-configured") || name.contains("not-allowed");
    let clusters = if none {
        BTreeMap::new()
    } else {
        BTreeMap::from([(WEST.to_owned(), cluster)])
    };
    VchaSpec {
        clusters,
        refuses_in_task: name.contains("get-failed"),
        nodes_swap: name.contains("nodes-swapped"),
        ..VchaSpec::default()
    }
}

/// What was done before a fixture's exchange; gives the task that it asks for.
fn before(bench: &mut Bench, name: &str) -> Option<Value> {
    let pause_ms = match name.trim_end_matches(".json") {
        "tasks/get-pending" => 0,
        "tasks/get-running" | "tasks/get-running-zero-total" | "vcha/operations-get-failover-active" => 100,
        "tasks/get-failed" | "tasks/get-failed-result-only" => 5_000,
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
    if let Some(task) = task
        .and_then(Value::as_str)
        .filter(|_| fixture.operation == "Cis.Tasks_get")
    {
        request.path = format!("/api/cis/tasks/{task}");
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
    let mut bench = bench(clusters(&fixture.name));
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
    let fixtures = fixtures("models-vcenter");
    assert!(fixtures.len() > 80);
    assert_eq!(idle(NOT_PLAYED, &fixtures), Vec::<&str>::new());
    let unknown = not_simulated();
    let mut wrong = Vec::new();
    for fixture in fixtures
        .iter()
        .filter(|fixture| !unknown.contains(&fixture.operation.as_str()))
    {
        let difference = TOLD.differs(fixture, &play(fixture).1);
        let idles = lists(NOT_PLAYED, &fixture.name);
        if idles && difference.is_none() {
            wrong.push(format!("{} is played after all", fixture.name));
        } else if !idles {
            wrong.extend(difference);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_operation_that_is_not_simulated_says_so() {
    let fixtures = fixtures("models-vcenter");
    let unknown = not_simulated();
    assert_eq!(uncalled(&unknown, &fixtures), Vec::<&str>::new());
    for fixture in fixtures
        .iter()
        .filter(|fixture| unknown.contains(&fixture.operation.as_str()))
    {
        let mut bench = bench(VchaSpec::default());
        assert_eq!(
            bench.send(WEST, &fixture.request()).status,
            401,
            "{}",
            fixture.name
        );
        let request = bench.with_session(WEST, fixture.request());
        let answer = bench.send(WEST, &request);
        let error = answer.value();
        assert_eq!(
            (answer.status, &error["error_type"], &error["messages"][0]["id"]),
            (501, &json!("UNSUPPORTED"), &json!("sim.not.simulated")),
            "{}",
            fixture.name
        );
        let text = error["messages"][0]["default_message"].as_str().unwrap();
        assert!(text.contains(&fixture.operation), "{text}");
    }
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
            ("Cis.Tasks_get", 200) => "Cis.Task.Info",
            (_, 400..) => "Vapi.Std.Errors.Error",
            _ => "",
        };
        schema.check(name, &answer.value());
        if fixture.response["status"] == answer.status {
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
