mod change;
mod fixture;
mod model;
mod readings;
mod task;
mod trust;
mod upheaval;
mod vi_json;

use std::collections::BTreeMap;

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{ClusterSpec, Mode, VchaSpec};
use crate::exchange::{Answer, Reply, Request};
use crate::spec::WorldSpec;
use crate::testbench::Bench;

const WEST: &str = "vc-west";
const CLUSTER: &str = "/api/vcenter/vcha/cluster";
const FAILOVER: &str = "Vcenter.Vcha.Cluster_failover$Task";

fn bench(vcha: VchaSpec) -> Bench {
    Bench::new(&WorldSpec::pair(6).groups(2).replications(0).vcha(vcha))
}

fn failover(bench: &mut Bench, planned: bool) -> Answer {
    let path = format!("{CLUSTER}?action=failover&vmw-task=true");
    bench.rest(WEST, Method::POST, &path, &json!({"planned": planned}))
}

fn cluster(bench: &mut Bench) -> Value {
    bench
        .rest(
            WEST,
            Method::POST,
            &format!("{CLUSTER}?action=get"),
            &json!({"partial": true}),
        )
        .value()
}

fn active(bench: &mut Bench) -> String {
    let cluster = cluster(bench);
    let nodes = [&cluster["node1"], &cluster["node2"]];
    let active = nodes
        .into_iter()
        .find(|node| node["runtime"]["role"] == "ACTIVE")
        .unwrap();
    active["ha_ip"]["ipv4"]["address"].as_str().unwrap().to_owned()
}

fn task(bench: &mut Bench, id: &Value) -> Answer {
    let encoded = utf8_percent_encode(id.as_str().unwrap(), NON_ALPHANUMERIC);
    let path = format!("/api/cis/tasks/{encoded}");
    bench.rest(WEST, Method::GET, &path, &Value::Null)
}

/// A call on the cluster; `target` is behind the path of the cluster.
fn call(bench: &mut Bench, method: Method, target: &str, body: &Value) -> Answer {
    bench.rest(WEST, method, &format!("{CLUSTER}{target}"), body)
}

/// The status, and what kind of error it is.
fn refusal(answer: &Answer) -> (u16, String) {
    let kind = answer.value()["error_type"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (answer.status, kind)
}

fn is_refused(answer: &Answer, status: u16, kind: &str) -> bool {
    refusal(answer) == (status, kind.to_owned())
}

/// Lets a task that was taken come to its end.
fn finished(bench: &mut Bench, started: &Answer) -> Value {
    assert_eq!(started.status, 202, "{}", started.value());
    for _ in 0..700 {
        bench.pass(1_000);
        let info = task(bench, &started.value()).value();
        if info["status"] == "SUCCEEDED" || info["status"] == "FAILED" {
            return info;
        }
    }
    panic!("the task does not end");
}

fn placement(name: &str) -> Value {
    json!({"name": name, "folder": "group-v4", "host": "host-29"})
}

fn ip(address: &str) -> Value {
    json!({"ip_family": "IPV4", "ipv4": {"address": address, "prefix": 24}})
}

/// An automatic deployment within the world's own vCenter.
fn deployment() -> Value {
    json!({
        "deployment": "AUTO",
        "active": {"ha_ip": ip("10.9.2.1")},
        "passive": {"placement": placement("vc-22"), "ha_ip": ip("10.9.2.2")},
        "witness": {"placement": placement("vc-23"), "ha_ip": ip("10.9.2.3")},
    })
}

/// A world without a cluster in the west.
fn without_cluster() -> VchaSpec {
    VchaSpec {
        clusters: BTreeMap::new(),
        ..VchaSpec::default()
    }
}

fn switches(bench: &Bench) -> u32 {
    bench.world.vcha().cluster(WEST).unwrap().switches
}

#[test]
fn a_planned_failover_flushes_switches_and_heals() {
    let mut bench = bench(VchaSpec::default());
    assert_eq!(active(&mut bench), "10.9.2.1");
    let started = failover(&mut bench, true);
    assert_eq!(started.status, 202);
    let id = started.value();
    bench.pass(100);
    assert_eq!(task(&mut bench, &id).value()["status"], "RUNNING");
    let operations = bench
        .rest(WEST, Method::GET, "/api/vcenter/vcha/operations", &Value::Null)
        .value();
    assert_eq!(
        operations["active"],
        json!(["com.vmware.vcenter.vcha.cluster.failover"])
    );
    let before = bench.world.endpoint(WEST).unwrap().connection_epoch;
    bench.pass(2_500);
    assert_eq!(bench.world.endpoint(WEST).unwrap().connection_epoch, before + 1);
    let get = Request::new(Method::GET, "/api/session");
    assert_eq!(bench.reply(WEST, &get), Reply::Unreachable);
    bench.pass(3_000);
    assert_eq!(task(&mut bench, &id).status, 401);
    bench.log_in(WEST);
    assert_eq!(task(&mut bench, &id).status, 404);
    assert_eq!(active(&mut bench), "10.9.2.2");
    let degraded = cluster(&mut bench);
    assert_eq!(degraded["health_state"], "DEGRADED");
    assert_eq!(degraded["manual_failover_allowed"], false);
    bench.pass(20_000);
    assert_eq!(cluster(&mut bench)["health_state"], "HEALTHY");
    let calls = bench.calls(FAILOVER, "vcha/vc-west");
    assert_eq!((calls.attempts, calls.accepted, calls.effects), (1, 1, 1));
}

#[test]
fn a_planned_failover_takes_its_time_to_flush_and_a_forced_one_none() {
    for (planned, [not_yet, by_then]) in [(true, [799, 2_500]), (false, [49, 300])] {
        for seed in 0..12 {
            let mut bench = Bench::new(&WorldSpec::pair(seed).groups(0).replications(0));
            assert_eq!(failover(&mut bench, planned).status, 202);
            bench.pass(not_yet);
            assert_eq!(switches(&bench), 0, "seed {seed}, planned: {planned}");
            assert_eq!(active(&mut bench), "10.9.2.1");
            bench.pass(by_then - not_yet);
            assert_eq!(switches(&bench), 1, "seed {seed}, planned: {planned}");
        }
    }
}

#[test]
fn a_failover_sent_twice_switches_back() {
    let mut bench = bench(VchaSpec::default());
    failover(&mut bench, false);
    bench.pass(30_000);
    bench.log_in(WEST);
    assert_eq!(failover(&mut bench, true).status, 202);
    bench.pass(30_000);
    bench.log_in(WEST);
    assert_eq!((active(&mut bench).as_str(), switches(&bench)), ("10.9.2.1", 2));
}

#[test]
fn what_the_cluster_forbids_is_refused_at_the_call_or_in_the_task() {
    let degraded = |change: fn(&mut ClusterSpec), refuses_in_task: bool| {
        let mut cluster = ClusterSpec::default();
        change(&mut cluster);
        let clusters = BTreeMap::from([(WEST.to_owned(), cluster)]);
        bench(VchaSpec {
            clusters,
            refuses_in_task,
            ..VchaSpec::default()
        })
    };
    let changes: [fn(&mut ClusterSpec); 3] = [
        |cluster| cluster.mode = Mode::Disabled,
        |cluster| cluster.witness_up = false,
        |cluster| cluster.passive_up = false,
    ];
    for change in changes {
        for planned in [true, false] {
            let mut bench = degraded(change, false);
            let refused = failover(&mut bench, planned);
            assert_eq!(
                (refused.status, &refused.value()["error_type"]),
                (500, &json!("ERROR"))
            );
            let mut bench = degraded(change, true);
            let id = failover(&mut bench, planned).value();
            bench.pass(3_000);
            let info = task(&mut bench, &id).value();
            assert_eq!(
                (&info["status"], &info["error"]["error_type"]),
                (&json!("FAILED"), &json!("ERROR"))
            );
            assert_eq!(switches(&bench), 0);
            let calls = bench.calls(FAILOVER, "vcha/vc-west");
            assert_eq!((calls.accepted, calls.effects), (1, 0));
        }
    }
    let mut maintained = degraded(|cluster| cluster.mode = Mode::Maintenance, false);
    assert_eq!(failover(&mut maintained, true).status, 202);
    assert_eq!(failover(&mut maintained, true).status, 500);
    let mut none = bench(VchaSpec {
        clusters: BTreeMap::new(),
        ..VchaSpec::default()
    });
    assert_eq!(failover(&mut none, true).status, 500);
    assert_eq!(cluster(&mut none), json!({"config_state": "NOTCONFIGURED"}));
}

#[test]
fn the_active_node_may_die_and_only_an_enabled_cluster_takes_over() {
    let mut bench = bench(VchaSpec {
        nodes_swap: true,
        ..VchaSpec::default()
    });
    assert!(bench.world.lose_active_node(WEST));
    bench.pass(3_000);
    bench.log_in(WEST);
    assert_eq!(
        cluster(&mut bench)["node1"]["ha_ip"]["ipv4"]["address"],
        "10.9.2.2"
    );
    bench.pass(20_000);
    bench.world.vcha_mut().set_mode(WEST, Mode::Maintenance);
    assert!(!bench.world.lose_active_node(WEST));
    bench.pass(3_000);
    bench.log_in(WEST);
    assert_eq!(active(&mut bench), "10.9.2.2");
}

#[test]
fn sessions_need_the_password_and_are_not_those_of_vi_json() {
    let mut bench = bench(VchaSpec::default());
    let wrong = Request::new(Method::POST, "/api/session").header("authorization", "Basic b3BzOm5v");
    let refused = bench.send(WEST, &wrong);
    assert_eq!(
        (refused.status, &refused.value()["error_type"]),
        (401, &json!("UNAUTHENTICATED"))
    );
    let session = bench.rest(WEST, Method::GET, "/api/session", &Value::Null);
    assert_eq!(session.value()["user"], "operator@vsphere.local");
    let (user, password) = bench.credentials(WEST);
    let path = format!("{}/SessionManager/SessionManager/Login", crate::testbench::BASE);
    let login = Request::new(Method::POST, &path).json(&json!({"userName": user, "password": password}));
    let token = bench
        .send(WEST, &login)
        .header_text("vmware-api-session-id")
        .unwrap()
        .to_owned();
    let get = Request::new(Method::GET, "/api/session").header("vmware-api-session-id", &token);
    assert_eq!(bench.send(WEST, &get).status, 401);
    assert_eq!(
        bench
            .rest(WEST, Method::DELETE, "/api/session", &Value::Null)
            .status,
        204
    );
    assert_eq!(
        bench.rest(WEST, Method::GET, "/api/session", &Value::Null).status,
        401
    );
}

#[test]
fn a_session_dies_idle_after_half_an_hour_and_of_age_after_a_day() {
    let status = |bench: &mut Bench| bench.rest(WEST, Method::GET, "/api/session", &Value::Null).status;
    let mut bench = bench(VchaSpec::default());
    bench.pass(30 * 60_000);
    assert_eq!(status(&mut bench), 200);
    bench.pass(30 * 60_000 + 1);
    assert_eq!(status(&mut bench), 401);
    bench.log_in(WEST);
    for _ in 0..(24 * 3) {
        bench.pass(20 * 60_000);
        assert_eq!(status(&mut bench), 200);
    }
    bench.pass(1);
    assert_eq!(status(&mut bench), 401);
}

#[test]
fn answers_say_their_media_type_and_those_without_a_body_say_none() {
    let mut bench = bench(VchaSpec::default());
    let mut ask = |method: Method, path: &str| {
        let answer = bench.rest(WEST, method, path, &Value::Null);
        let media_type = answer.header_text("content-type").map(str::to_owned);
        (answer.status, media_type, answer.body.is_empty())
    };
    let json = Some("application/json".to_owned());
    let missing = ask(Method::GET, "/api/cis/tasks/none");
    assert_eq!(missing, (404, json.clone(), false));
    assert_eq!(ask(Method::GET, "/api/session"), (200, json, false));
    assert_eq!(ask(Method::DELETE, "/api/session"), (204, None, true));
}

#[test]
fn requests_that_do_not_fit_are_refused_in_the_standard_form() {
    let mut bench = bench(VchaSpec::default());
    let path = format!("{CLUSTER}?action=failover&vmw-task=true");
    for body in [
        json!({}),
        json!({"planned": "yes"}),
        json!({"planned": true, "force": true}),
    ] {
        let refused = bench.rest(WEST, Method::POST, &path, &body);
        assert_eq!(
            (refused.status, &refused.value()["error_type"]),
            (400, &json!("INVALID_ARGUMENT")),
            "{body}"
        );
    }
    // They were passed over without a word.
    for query in [
        "action=failover&vmw-task=true&force=true",
        "action=failover&action=get&vmw-task=true",
    ] {
        let body = json!({"planned": true});
        let refused = bench.rest(WEST, Method::POST, &format!("{CLUSTER}?{query}"), &body);
        assert_eq!(
            (refused.status, &refused.value()["error_type"]),
            (400, &json!("INVALID_ARGUMENT")),
            "{query}"
        );
    }
    let taskless = bench.rest(
        WEST,
        Method::POST,
        &format!("{CLUSTER}?action=failover"),
        &json!({"planned": true}),
    );
    assert_eq!(
        (taskless.status, &taskless.value()["error_type"]),
        (404, &json!("OPERATION_NOT_FOUND"))
    );
    bench.pass(10_000);
    assert_eq!(switches(&bench), 0);
}

#[test]
fn a_fault_rule_restarts_a_vcenter_and_the_call_is_cut_before_it_acts() {
    let mut bench = bench(VchaSpec::default());
    let restart = crate::FaultAction::RestartVcenter {
        endpoint: WEST.to_owned(),
        outage_ms: 1_000,
    };
    bench
        .world
        .faults_mut()
        .add(crate::FaultRule::new(FAILOVER, restart));
    let request = Request::new(Method::POST, &format!("{CLUSTER}?action=failover&vmw-task=true"));
    let request = bench.with_session(WEST, request.json(&json!({"planned": true})));
    assert_eq!(bench.reply(WEST, &request), Reply::Cut);
    assert_eq!(bench.reply(WEST, &request), Reply::Unreachable);
    bench.pass(1_000);
    assert_eq!(bench.send(WEST, &request).status, 401);
    bench.pass(10_000);
    assert_eq!(switches(&bench), 0);
}

#[test]
fn a_world_from_a_file_names_only_what_differs() {
    let text = r#"{"seed": 1, "groups": 2, "replications": 0,
        "vcha": {"clusters": {"vc-west": {"mode": "DISABLED"}}},
        "vasa": {"providers": [{"max_batch_size": 1, "offline_at": ["vc-west"]}]},
        "dpu": {"troubles": [{"host": "host-11", "trouble": "not_offloaded"}]}}"#;
    let spec: WorldSpec = serde_json::from_str(text).unwrap();
    let mut bench = Bench::new(&spec);
    assert_eq!(cluster(&mut bench)["mode"], "DISABLED");
    let state = bench.world.state();
    assert_eq!(state["vasa"]["providers"].as_array().map(Vec::len), Some(2));
    assert_eq!(state["vasa"]["providers"][1]["online"], false);
    assert_eq!(state["hosts"]["hosts"][0]["troubles"], json!(["not_offloaded"]));
    assert!(
        serde_json::from_str::<WorldSpec>(r#"{"seed": 1, "groups": 2, "replications": 0, "vcah": {}}"#)
            .is_err()
    );
}
