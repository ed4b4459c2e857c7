//! Tasks: what they say, lists, cancelling, and what the sources leave open about them.

use http::Method;
use serde_json::{Value, json};

use super::{WEST, bench, call, deployment, failover, finished, is_refused, task, without_cluster};
use crate::exchange::Answer;
use crate::testbench::Bench;
use crate::vcha::{AfterSwitch, TaskIds, VchaSpec};

fn list(bench: &mut Bench, filter: Value) -> Answer {
    let body = json!({"filter_spec": filter});
    bench.rest(WEST, Method::POST, "/api/cis/tasks?action=list", &body)
}

fn cancel(bench: &mut Bench, id: &Value) -> Answer {
    let path = format!("/api/cis/tasks/{}?action=cancel", id.as_str().unwrap());
    bench.rest(WEST, Method::POST, &path, &Value::Null)
}

fn config_state(bench: &mut Bench) -> Value {
    super::cluster(bench)["config_state"].clone()
}

#[test]
fn a_list_holds_what_meets_every_condition() {
    let mut bench = bench(VchaSpec::default());
    let id = failover(&mut bench, true).value();
    bench.pass(100);
    let user = bench.credentials(WEST).0;
    let all = json!({
        "tasks": [id],
        "services": ["com.vmware.vcenter.vcha.cluster"],
        "operations": ["failover$task"],
        "status": ["RUNNING"],
        "targets": [{"type": "VirtualMachine", "id": "vm-21"}],
        "users": [user],
    });
    let found = list(&mut bench, all.clone()).value();
    assert_eq!(
        found.as_object().unwrap().keys().collect::<Vec<_>>(),
        [id.as_str().unwrap()]
    );
    for (name, other) in [
        ("tasks", json!(["another"])),
        ("services", json!(["com.vmware.vcenter.vcha.cluster.mode"])),
        ("operations", json!(["deploy$task"])),
        ("status", json!(["FAILED", "PENDING"])),
        ("targets", json!([{"type": "VirtualMachine", "id": "vm-22"}])),
        ("users", json!(["somebody"])),
    ] {
        let mut filter = all.clone();
        filter[name] = other;
        assert_eq!(list(&mut bench, filter).value(), json!({}), "{name}");
    }
    for bad in [
        json!({}),
        json!({"status": ["RUNNING"]}),
        json!({"tasks": []}),
        json!({"tasks": [id], "operations": ["failover$task"]}),
        json!({"services": ["com.vmware.vcenter.vcha.cluster", "com.vmware.content.library"]}),
        json!({"services": ["com.vmware.vcenter.vcha.cluster"], "color": "red"}),
    ] {
        assert!(
            is_refused(&list(&mut bench, bad.clone()), 400, "INVALID_ARGUMENT"),
            "{bad}"
        );
    }
}

#[test]
fn what_a_task_tells_grows_with_what_is_asked_for() {
    let mut bench = bench(VchaSpec {
        after_switch: AfterSwitch::Succeeded,
        ..VchaSpec::default()
    });
    let id = failover(&mut bench, true).value();
    bench.pass(30_000);
    bench.log_in(WEST);
    let mut get = |query: &str| {
        let path = format!("/api/cis/tasks/{}{query}", id.as_str().unwrap());
        let answer = bench.rest(WEST, Method::GET, &path, &Value::Null);
        let info = answer.value();
        (
            answer.status,
            info.get("target").is_some(),
            info.get("result").is_some(),
        )
    };
    assert_eq!(get(""), (200, false, false));
    assert_eq!(get("?return_all=true"), (200, true, true));
    assert_eq!(get("?return_all=true&exclude_result=true"), (200, true, false));
    assert_eq!(get("?return_all=perhaps").0, 400);
    assert_eq!(get("?other=true").0, 400);
}

#[test]
fn a_deployment_that_is_cancelled_leaves_half_a_cluster_to_be_removed() {
    let mut bench = bench(without_cluster());
    let path = "?action=deploy&vmw-task=true";
    let id = call(&mut bench, Method::POST, path, &deployment()).value();
    bench.pass(10_000);
    assert_eq!(task(&mut bench, &id).value()["cancelable"], true);
    assert_eq!(cancel(&mut bench, &id).status, 204);
    let info = task(&mut bench, &id).value();
    assert_eq!(
        (&info["status"], &info["error"]["error_type"]),
        (&json!("FAILED"), &json!("CANCELED"))
    );
    assert!(is_refused(
        &cancel(&mut bench, &id),
        400,
        "NOT_ALLOWED_IN_CURRENT_STATE"
    ));
    assert_eq!(config_state(&mut bench), "INVALID");
    let refused = call(&mut bench, Method::POST, path, &deployment());
    assert!(is_refused(&refused, 500, "ERROR"));
    let removed = call(
        &mut bench,
        Method::POST,
        "?action=undeploy&vmw-task=true",
        &json!({}),
    );
    finished(&mut bench, &removed);
    assert_eq!(config_state(&mut bench), "NOTCONFIGURED");
    bench.pass(600_000);
    assert_eq!(config_state(&mut bench), "NOTCONFIGURED");
}

#[test]
fn what_cannot_be_cancelled_says_so_and_the_wish_may_come_to_nothing() {
    let mut bench = bench(VchaSpec::default());
    let id = failover(&mut bench, true).value();
    assert!(is_refused(&cancel(&mut bench, &id), 400, "UNSUPPORTED"));
    assert!(is_refused(
        &cancel(&mut bench, &json!("unknown")),
        404,
        "NOT_FOUND"
    ));
    let mut deaf = super::bench(VchaSpec {
        ignores_cancel: true,
        ..without_cluster()
    });
    let started = call(
        &mut deaf,
        Method::POST,
        "?action=deploy&vmw-task=true",
        &deployment(),
    );
    assert_eq!(cancel(&mut deaf, &started.value()).status, 204);
    assert_eq!(finished(&mut deaf, &started)["status"], "SUCCEEDED");
}

#[test]
fn ids_texts_and_members_of_tasks_may_be_otherwise() {
    for task_ids in [TaskIds::Short, TaskIds::Odd] {
        let mut bench = bench(VchaSpec {
            task_ids,
            plain_operations: true,
            tells_little: true,
            ..VchaSpec::default()
        });
        let id = failover(&mut bench, true).value();
        bench.pass(100);
        let info = task(&mut bench, &id).value();
        assert_eq!(
            (&info["status"], &info["operation"]),
            (&json!("RUNNING"), &json!("failover"))
        );
        assert!(info.get("start_time").is_none() && info.get("progress").is_none());
    }
}

#[test]
fn the_task_of_a_failover_may_outlive_the_switch() {
    for (after_switch, status) in [
        (AfterSwitch::Failed, "FAILED"),
        (AfterSwitch::Succeeded, "SUCCEEDED"),
    ] {
        let mut bench = bench(VchaSpec {
            after_switch,
            ..VchaSpec::default()
        });
        let id = failover(&mut bench, true).value();
        bench.pass(30_000);
        assert_eq!(task(&mut bench, &id).status, 401, "the session does not");
        bench.log_in(WEST);
        assert_eq!(task(&mut bench, &id).value()["status"], status);
        assert_eq!(super::active(&mut bench), "10.9.2.2");
    }
}

#[test]
fn more_than_a_thousand_tasks_are_not_listed() {
    let mut bench = bench(VchaSpec {
        refuses_in_task: true,
        ..without_cluster()
    });
    let filter = json!({"services": ["com.vmware.vcenter.vcha.cluster"]});
    for _ in 0..1_000 {
        failover(&mut bench, true);
    }
    assert_eq!(
        list(&mut bench, filter.clone())
            .value()
            .as_object()
            .unwrap()
            .len(),
        1_000
    );
    failover(&mut bench, true);
    assert!(is_refused(&list(&mut bench, filter), 400, "INVALID_ARGUMENT"));
}
