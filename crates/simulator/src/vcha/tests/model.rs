//! Random operations, legal and illegal, against a cluster, beside a small model of what the sources say.

use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{WEST, bench, call, deployment, failover, placement};
use crate::exchange::{Reply, Request};
use crate::testbench::Bench;
use crate::vcha::{Deployment, Mode, VchaSpec};

#[derive(Debug, Clone, Copy)]
enum Step {
    FailOver(bool),
    SetMode(Mode),
    Deploy,
    Undeploy(bool),
    Redeploy(bool),
    Passive(bool),
    Witness(bool),
    Versions(bool),
    KillActive,
    Restart,
    Isolate(bool),
    BreakNextSwitch,
    Pass(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let mode = prop_oneof![Just(Mode::Enabled), Just(Mode::Disabled), Just(Mode::Maintenance)];
    let step = prop_oneof![
        4 => any::<bool>().prop_map(Step::FailOver),
        4 => mode.prop_map(Step::SetMode),
        2 => Just(Step::Deploy),
        1 => any::<bool>().prop_map(Step::Undeploy),
        3 => any::<bool>().prop_map(Step::Redeploy),
        2 => any::<bool>().prop_map(Step::Passive),
        2 => any::<bool>().prop_map(Step::Witness),
        1 => any::<bool>().prop_map(Step::Versions),
        1 => Just(Step::KillActive),
        1 => Just(Step::Restart),
        1 => any::<bool>().prop_map(Step::Isolate),
        1 => Just(Step::BreakNextSwitch),
        6 => prop_oneof![Just(10), Just(400), Just(3_000), Just(30_000), Just(700_000)].prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..60)
}

/// What can be seen of a cluster from outside, before a step.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    mode: Mode,
    healthy: bool,
    active: String,
    switches: u32,
    versions_differ: bool,
}

fn seen(bench: &Bench) -> Option<Seen> {
    let cluster = bench.world.vcha().cluster(WEST)?;
    Some(Seen {
        mode: cluster.mode,
        healthy: cluster.is_healthy(),
        active: cluster.active_ip().to_owned(),
        switches: cluster.switches,
        versions_differ: cluster.versions_differ,
    })
}

fn is_busy(bench: &Bench) -> bool {
    !bench.world.state()["vcha"]["sites"][WEST]["running"].is_null()
}

/// Whether the sources allow a call; `None` for what is no call.
fn allowed(step: Step, before: Option<&Seen>, busy: bool, half: bool) -> Option<bool> {
    let free = |legal: bool| Some(legal && !busy);
    match (step, before) {
        (Step::FailOver(_), Some(seen)) => free(seen.healthy && seen.mode != Mode::Disabled),
        (Step::SetMode(to), Some(seen)) => free(match (seen.mode, to) {
            (Mode::Enabled, Mode::Disabled) => true,
            (Mode::Enabled, Mode::Maintenance) | (Mode::Disabled, Mode::Enabled) => seen.healthy,
            (Mode::Maintenance, Mode::Enabled | Mode::Disabled) => seen.healthy && !seen.versions_differ,
            _ => false,
        }),
        (Step::FailOver(_) | Step::SetMode(_), None) => Some(false),
        (Step::Deploy, seen) => free(seen.is_none() && !half),
        (Step::Undeploy(_), seen) => free(seen.is_some() || half),
        _ => None,
    }
}

fn act(bench: &mut Bench, step: Step) -> Option<u16> {
    let answer = match step {
        Step::FailOver(planned) => failover(bench, planned),
        Step::SetMode(mode) => call(bench, Method::PUT, "/mode?vmw-task=true", &json!({"mode": mode})),
        Step::Deploy => call(bench, Method::POST, "?action=deploy&vmw-task=true", &deployment()),
        Step::Undeploy(force) => {
            let body = json!({"force_delete": force});
            call(bench, Method::POST, "?action=undeploy&vmw-task=true", &body)
        }
        Step::Redeploy(passive) => {
            let node = if passive { "passive" } else { "witness" };
            let body = json!({"placement": placement("vc-29")});
            call(
                bench,
                Method::POST,
                &format!("/{node}?action=redeploy&vmw-task=true"),
                &body,
            )
        }
        Step::Passive(up) => return change(bench.world.vcha_mut().set_passive(WEST, up)),
        Step::Witness(up) => return change(bench.world.vcha_mut().set_witness(WEST, up)),
        Step::Versions(differ) => return change(bench.world.vcha_mut().set_versions_differ(WEST, differ)),
        Step::KillActive => return change(bench.world.lose_active_node(WEST)),
        Step::Restart => {
            bench.world.restart_vcenter(WEST, 500);
            return None;
        }
        Step::Isolate(isolated) => return change(bench.world.isolate_cluster(WEST, isolated)),
        Step::BreakNextSwitch => return change(bench.world.vcha_mut().fail_next_switch(WEST)),
        Step::Pass(ms) => {
            bench.pass(ms);
            return None;
        }
    };
    Some(answer.status)
}

fn change(_there: bool) -> Option<u16> {
    None
}

/// What never may be, whatever was done.
fn audit(bench: &mut Bench) {
    let Some(cluster) = bench.world.vcha().cluster(WEST) else {
        return;
    };
    let [first, second] = &cluster.nodes;
    assert_ne!(first.ha_ip, second.ha_ip);
    assert!(cluster.nodes[cluster.active].up, "the active node is up");
    let automatic = cluster.deployment == Deployment::Auto;
    let machines = bench.world.vcha().machines(WEST);
    assert!(!automatic || machines.contains(&cluster.witness.vm.id.as_str()));
    let info = super::cluster(bench);
    let roles = [&info["node1"], &info["node2"]].map(|node| node["runtime"]["role"].clone());
    let both = [json!("ACTIVE"), json!("PASSIVE")];
    assert!(
        roles == both || roles == [both[1].clone(), both[0].clone()],
        "{info}"
    );
    let told = info["manual_failover_allowed"] == json!(true);
    let operations = bench.rest(WEST, Method::GET, "/api/vcenter/vcha/operations", &Value::Null);
    let barred = operations.value()["disabled"]
        .to_string()
        .contains("cluster.failover");
    let only_busy = operations.value()["active"]
        .as_array()
        .is_some_and(|active| !active.is_empty());
    assert!(told != barred || only_busy, "{info} {}", operations.value());
}

/// Has a vCenter that answers, and a session there. One that is isolated is freed for it.
fn connect(bench: &mut Bench) {
    let get = Request::new(Method::GET, "/api/session");
    loop {
        let get = bench.with_session(WEST, get.clone());
        match bench.reply(WEST, &get) {
            Reply::Answer(answer) if answer.status == 200 => return,
            Reply::Answer(_) => bench.log_in(WEST),
            Reply::Cut
            | Reply::Silence
            | Reply::Unreachable
            | Reply::Dropped
            | Reply::Part(..)
            | Reply::Parked(_) => {
                bench.world.isolate_cluster(WEST, false);
                bench.pass(1_000);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_operation_leads_to_an_illegal_state(steps in steps(), in_task in any::<bool>()) {
        let mut bench = bench(VchaSpec { refuses_in_task: in_task, ..VchaSpec::default() });
        for step in steps {
            if !matches!(step, Step::Pass(_)) {
                connect(&mut bench);
                audit(&mut bench);
            }
            let before = seen(&bench);
            let busy = is_busy(&bench);
            let half = bench.world.state()["vcha"]["sites"][WEST]["stage"] == "invalid";
            let status = act(&mut bench, step);
            if let (Some(status), Some(allowed)) = (status, allowed(step, before.as_ref(), busy, half)) {
                let expected = if allowed || in_task { 202 } else { 500 };
                prop_assert_eq!(status, expected, "{:?} at {:?}, busy: {}", step, before, busy);
                if !allowed {
                    // Refused, here or in its task: nothing of it is ever seen.
                    prop_assert_eq!(is_busy(&bench), busy);
                    prop_assert_eq!(seen(&bench), before);
                }
            }
        }
    }
}
