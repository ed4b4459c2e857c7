//! Switches that go wrong or look strange, isolation, death of nodes, and addresses that differ.

use http::Method;
use serde_json::json;

use super::{
    WEST, active, bench, call, cluster, deployment, failover, is_refused, switches, task, without_cluster,
};
use crate::exchange::{Reply, Request};
use crate::testbench::Bench;
use crate::vcha::{ClusterSpec, Mode, VchaSpec};
use crate::{FaultAction, FaultRule};

const SECOND: &str = "vc-west-node2";

fn answers(bench: &mut Bench, endpoint: &str) -> bool {
    let hello = Request::new(Method::POST, "/api/vcenter/system?action=hello");
    let hello = hello.json(&json!({"api_releases": ["8.0.3.0"]}));
    matches!(bench.reply(endpoint, &hello), Reply::Answer(_))
}

#[test]
fn a_switch_that_fails_midway_leaves_the_former_node_active() {
    let mut bench = bench(VchaSpec::default());
    assert!(bench.world.vcha_mut().fail_next_switch(WEST));
    let id = failover(&mut bench, true).value();
    bench.pass(2_600);
    assert!(!answers(&mut bench, WEST));
    bench.pass(3_000);
    bench.log_in(WEST);
    assert_eq!((active(&mut bench).as_str(), switches(&bench)), ("10.9.2.1", 0));
    assert_eq!(task(&mut bench, &id).status, 404);
    assert_eq!(cluster(&mut bench)["health_state"], "DEGRADED");
    let calls = bench.calls(super::FAILOVER, "vcha/vc-west");
    assert_eq!((calls.accepted, calls.effects), (1, 0));
    bench.pass(20_000);
    assert_eq!(failover(&mut bench, true).status, 202);
    bench.pass(30_000);
    assert_eq!(switches(&bench), 1, "only the one switch was to fail");
}

#[test]
fn a_witness_that_is_lost_during_the_flush_stops_the_failover() {
    let mut bench = bench(VchaSpec::default());
    let id = failover(&mut bench, true).value();
    bench.world.vcha_mut().set_witness(WEST, false);
    bench.pass(5_000);
    assert_eq!(task(&mut bench, &id).value()["status"], "FAILED");
    assert_eq!(switches(&bench), 0);
}

#[test]
fn the_old_node_may_answer_for_a_moment_as_if_it_were_active() {
    let mut bench = bench(VchaSpec {
        old_node_answers_ms: 4_000,
        ..VchaSpec::default()
    });
    failover(&mut bench, false);
    bench.pass(1_000);
    assert_eq!(switches(&bench), 1);
    assert_eq!(active(&mut bench), "10.9.2.1", "it does not know better");
    assert_eq!(cluster(&mut bench)["health_state"], "HEALTHY");
    assert!(is_refused(&failover(&mut bench, true), 500, "ERROR"));
    bench.pass(3_500);
    assert!(!answers(&mut bench, WEST));
    bench.pass(3_500);
    bench.log_in(WEST);
    assert_eq!(active(&mut bench), "10.9.2.2");
}

#[test]
fn an_isolated_cluster_serves_unless_it_is_enabled() {
    for (mode, serves) in [
        (Mode::Enabled, false),
        (Mode::Maintenance, true),
        (Mode::Disabled, true),
    ] {
        let mut bench = bench(VchaSpec::default());
        bench.world.vcha_mut().set_mode(WEST, mode);
        assert!(bench.world.isolate_cluster(WEST, true));
        bench.pass(600_000);
        assert_eq!(answers(&mut bench, WEST), serves);
        if serves {
            assert_eq!(cluster(&mut bench)["health_state"], "ISOLATED");
            assert!(is_refused(&failover(&mut bench, true), 500, "ERROR"));
        }
        assert!(bench.world.isolate_cluster(WEST, false));
        assert_eq!(cluster(&mut bench)["health_state"], "HEALTHY");
        assert_eq!(switches(&bench), 0);
    }
}

#[test]
fn a_vcenter_whose_nodes_have_their_own_addresses_moves_with_its_active_node() {
    let cluster = ClusterSpec {
        failover_ips: Some(["198.51.100.20".to_owned(), "203.0.113.20".to_owned()]),
        ..ClusterSpec::default()
    };
    let mut bench = bench(VchaSpec {
        clusters: [(WEST.to_owned(), cluster)].into(),
        ..VchaSpec::default()
    });
    assert!(answers(&mut bench, WEST) && !answers(&mut bench, SECOND));
    failover(&mut bench, false);
    bench.pass(10_000);
    assert!(!answers(&mut bench, WEST) && answers(&mut bench, SECOND));
    bench.world.set_reachable(WEST, false);
    assert!(
        !answers(&mut bench, SECOND),
        "a lost site is lost at each address"
    );
    bench.world.set_reachable(WEST, true);
    bench.pass(20_000);
    assert!(bench.world.lose_active_node(WEST));
    bench.pass(10_000);
    assert!(answers(&mut bench, WEST) && !answers(&mut bench, SECOND));
}

#[test]
fn a_rule_that_kills_the_active_node_lets_the_other_one_take_over() {
    let mut bench = bench(VchaSpec::default());
    let rule = FaultRule::any(FaultAction::LoseActiveNode {
        endpoint: WEST.to_owned(),
    });
    bench.world.add_fault(rule.clone()).unwrap();
    let reply = bench.reply(WEST, &Request::new(Method::GET, "/api/vcenter/vcha/cluster/mode"));
    assert_eq!(reply, Reply::Cut);
    let cluster = bench.world.vcha().cluster(WEST).unwrap();
    assert_eq!((cluster.active, cluster.switches), (1, 1));

    let mut bench = self::bench(without_cluster());
    let error = bench.world.add_fault(rule).unwrap_err().to_string();
    assert!(error.contains("a vCenter with a vCenter HA cluster"), "{error}");
}

#[test]
fn a_vcenter_that_starts_anew_forgets_its_work_but_for_a_failover() {
    let mut bench = bench(VchaSpec::default());
    let body = json!({"mode": "MAINTENANCE"});
    assert_eq!(
        call(&mut bench, Method::PUT, "/mode?vmw-task=true", &body).status,
        202
    );
    bench.world.restart_vcenter(WEST, 1_000);
    bench.pass(10_000);
    bench.log_in(WEST);
    assert_eq!(cluster(&mut bench)["mode"], "ENABLED");
    let mut bare = super::bench(without_cluster());
    let path = "?action=deploy&vmw-task=true";
    assert_eq!(call(&mut bare, Method::POST, path, &deployment()).status, 202);
    bare.world.restart_vcenter(WEST, 1_000);
    bare.pass(600_000);
    bare.log_in(WEST);
    assert_eq!(cluster(&mut bare)["config_state"], "INVALID");
}

#[test]
fn a_partial_read_may_leave_out_mode_health_and_roles() {
    let mut bench = bench(VchaSpec {
        partial_is_bare: true,
        ..VchaSpec::default()
    });
    let partial = cluster(&mut bench);
    assert!(partial["mode"].is_null() && partial["node1"]["runtime"].is_null());
    let full = call(&mut bench, Method::POST, "?action=get", &json!({})).value();
    assert_eq!(full["node1"]["runtime"]["role"], "ACTIVE");
}
