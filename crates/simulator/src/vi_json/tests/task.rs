//! Tasks: how they come, go, and are asked to stop.

use serde_json::{Value, json};

use super::{EAST, bench, fault};
use crate::exchange::Answer;
use crate::spec::WorldSpec;
use crate::testbench::Bench;
use crate::vi_json::object::Object;
use crate::vi_json::{CancelEnd, ViJsonSpec};

fn info(bench: &mut Bench, task: &str) -> Value {
    bench.get(EAST, &format!("/Task/{task}/info")).value()
}

fn call(bench: &mut Bench, task: &str, method: &str, body: &Value) -> Answer {
    bench.post(EAST, &format!("/Task/{task}/{method}"), body)
}

#[test]
fn a_task_waits_runs_with_progress_ends_and_is_forgotten() {
    let mut bench = bench();
    let task = bench.world.run_task(
        EAST,
        10_000,
        Ok(Some(json!({"_typeName": "string", "_value": "x"}))),
    );
    assert_eq!(info(&mut bench, &task)["state"], "queued");
    bench.pass(3_000);
    let running = info(&mut bench, &task);
    assert_eq!(
        (&running["state"], &running["progress"]),
        (&json!("running"), &json!(25))
    );
    bench.pass(7_000);
    let done = info(&mut bench, &task);
    assert_eq!(
        (&done["state"], &done["result"]["_value"]),
        (&json!("success"), &json!("x"))
    );
    assert!(done.get("progress").is_none() && done["completeTime"].is_string());
    let root = Object::find(&bench.world, EAST, "group-d1").unwrap();
    assert_eq!(
        root.property(&bench.world, "recentTask").unwrap()[0]["value"],
        json!(task)
    );
    bench.pass(11 * 60_000);
    assert_eq!(
        fault(&bench.get(EAST, &format!("/Task/{task}/info"))),
        "ManagedObjectNotFound"
    );
}

#[test]
fn a_cancelled_task_ends_in_each_of_the_readings() {
    let wanted = [
        (CancelEnd::RequestCanceled, "error", json!("RequestCanceled")),
        (CancelEnd::OtherFault, "error", json!("SystemError")),
        (CancelEnd::NoFault, "error", Value::Null),
        (CancelEnd::GoesOn, "success", Value::Null),
    ];
    for (cancel_end, state, error) in wanted {
        let spec = ViJsonSpec {
            cancel_end,
            ..ViJsonSpec::default()
        };
        let mut bench = Bench::new(&WorldSpec::pair(7).groups(0).replications(0).vi_json(spec));
        let task = bench.world.run_task(EAST, 10_000, Ok(None));
        assert_eq!(call(&mut bench, &task, "CancelTask", &Value::Null).status, 204);
        bench.pass(20_000);
        let ended = info(&mut bench, &task);
        assert_eq!(
            (&ended["state"], &ended["error"]["_typeName"], &ended["cancelled"]),
            (&json!(state), &error, &json!(true))
        );
    }
}

#[test]
fn a_cancelled_task_ends_with_an_error_and_is_not_cancelled_twice() {
    let mut bench = bench();
    let task = bench
        .world
        .run_task(EAST, 10_000, Err(json!({"_typeName": "InvalidState"})));
    assert_eq!(call(&mut bench, &task, "CancelTask", &Value::Null).status, 204);
    assert_eq!(
        fault(&call(&mut bench, &task, "CancelTask", &Value::Null)),
        "InvalidState"
    );
    bench.pass(500);
    let ended = info(&mut bench, &task);
    assert_eq!(
        (&ended["state"], &ended["cancelled"]),
        (&json!("error"), &json!(true))
    );
    assert_eq!(ended["error"]["_typeName"], "RequestCanceled");
    bench.pass(20_000);
    assert_eq!(info(&mut bench, &task)["error"]["_typeName"], "RequestCanceled");
    bench.world.forget_task(EAST, &task);
    assert_eq!(
        fault(&call(&mut bench, &task, "CancelTask", &Value::Null)),
        "ManagedObjectNotFound"
    );
}

#[test]
fn a_restart_forgets_all_tasks_of_its_vcenter() {
    let mut bench = bench();
    let here = bench.world.run_task(EAST, 1_000, Ok(None));
    let there = bench.world.run_task("vc-west", 1_000, Ok(None));
    bench.world.restart_vcenter(EAST, 100);
    bench.pass(200);
    bench.log_in(EAST);
    assert_eq!(
        fault(&bench.get(EAST, &format!("/Task/{here}/info"))),
        "ManagedObjectNotFound"
    );
    assert_eq!(bench.get("vc-west", &format!("/Task/{there}/info")).status, 200);
}

#[test]
fn who_runs_a_task_sets_how_it_stands_until_it_has_ended() {
    let mut bench = bench();
    let task = bench.world.run_task(EAST, 60_000, Ok(None));
    bench.pass(100);
    let progress = |percent: i64| json!({"percentDone": percent});
    assert_eq!(
        call(&mut bench, &task, "UpdateProgress", &progress(140)).status,
        204
    );
    let text = json!({"_typeName": "LocalizableMessage", "key": "x", "message": "half way"});
    let described = call(
        &mut bench,
        &task,
        "SetTaskDescription",
        &json!({"description": text}),
    );
    assert_eq!(described.status, 204);
    let custom = json!({"key": "runbook", "value": "r-1"});
    assert_eq!(call(&mut bench, &task, "setCustomValue", &custom).status, 204);
    let other = json!({"key": "x", "value": "r-1"});
    assert_eq!(
        fault(&call(&mut bench, &task, "setCustomValue", &other)),
        "InvalidArgument"
    );
    let shown = info(&mut bench, &task);
    assert_eq!((&shown["progress"], &shown["description"]), (&json!(100), &text));
    assert_eq!(
        bench.get(EAST, &format!("/Task/{task}/value")).value()[0]["value"],
        "r-1"
    );
    refuses_what_it_would_show(&mut bench, &task);
    let both = json!({"state": "success", "fault": {"_typeName": "InvalidState"}});
    assert_eq!(
        fault(&call(&mut bench, &task, "SetTaskState", &both)),
        "InvalidState"
    );
    let failed = json!({"state": "error", "fault": {"_typeName": "InvalidState"}});
    assert_eq!(call(&mut bench, &task, "SetTaskState", &failed).status, 204);
    assert_eq!(info(&mut bench, &task)["error"], failed["fault"]);
    assert_eq!(
        fault(&call(&mut bench, &task, "SetTaskState", &failed)),
        "InvalidState"
    );
    assert_eq!(
        fault(&call(&mut bench, &task, "UpdateProgress", &progress(1))),
        "InvalidState"
    );
}

// They were taken, and a task showed them to everybody.
fn refuses_what_it_would_show(bench: &mut Bench, task: &str) {
    let fault_of = |fault: Value| json!({"state": "error", "fault": fault});
    let message =
        |arg: Value| json!({"description": {"_typeName": "LocalizableMessage", "key": "x", "arg": arg}});
    let odd = json!([{"_typeName": "KeyAnyValue", "key": "k", "value": {"_typeName": "string", "_value": "v"}, "x": 1}]);
    let bare = json!([{"_typeName": "KeyAnyValue", "key": "k", "value": "v"}]);
    let coloured =
        json!({"_typeName": "ManagedObjectReference", "type": "Task", "value": "x", "colour": "red"});
    let caused = json!({"_typeName": "NoPermission", "faultCause": {"_typeName": "HostIpConfig"}});
    for (method, body) in [
        ("SetTaskDescription", message(json!([5]))),
        ("SetTaskDescription", message(odd)),
        ("SetTaskDescription", message(bare)),
        ("SetTaskState", fault_of(json!(5))),
        ("SetTaskState", fault_of(json!({}))),
        ("SetTaskState", fault_of(json!({"_typeName": "HostIpConfig"}))),
        (
            "SetTaskState",
            fault_of(json!({"_typeName": "ManagedObjectReference", "type": "Task", "value": "x"})),
        ),
        (
            "SetTaskState",
            fault_of(json!({"_typeName": "NoPermission", "faultMessage": "x"})),
        ),
        ("SetTaskState", fault_of(caused)),
        ("SetTaskState", json!({"state": "success", "result": "bare"})),
        ("SetTaskState", json!({"state": "success", "result": coloured})),
    ] {
        let refused = call(bench, task, method, &body);
        assert_eq!(fault(&refused), "InvalidRequest", "{method} {body}");
    }
    assert_eq!(info(bench, task)["state"], "running");
}
