//! Tasks with odd ids, odd members, and too many of them.

use std::time::Duration;

use farside_models_vcda::operation::{
    SESSIONS_LOGIN, TASKS_GET, TASKS_LIST, TASKS_POLL, VM_REPLICATIONS_FAILOVER,
};
use farside_models_vcda::{SingleVmReplicationInfo, TasksListQuery};
use farside_transport::testing::{Answer, ScriptedTransport};
use farside_transport::{CallErrorKind, OperationId, WaitErrorKind};
use farside_vcda::{FailoverSettings, Networks, Power, TASK_KIND, Target, poll_policy};
use farside_wire::RawJson;

use crate::support::{logged_in, no_json, over, page, service, vm};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_task_whose_id_holds_the_sign_before_a_site_is_asked_for_by_its_whole_id() {
    let (client, script) = service(
        |id, _| match id {
            id if id == VM_REPLICATIONS_FAILOVER.id => {
                Answer::json(202, r#"{"id": "50%@west", "state": "RUNNING"}"#)
            }
            _ => page(r#"{"id": "50%@west", "state": "SUCCEEDED"}"#),
        },
        |builder| builder,
    );
    let settings = FailoverSettings::new(Target::Vcloud, Power::Off, Networks::Preconfigured);
    let work = vm(&client).start_failover(&settings).await.unwrap();
    work.poll().await.unwrap();
    let asked = script.calls().pop().unwrap();
    assert_eq!(asked.request.uri().to_string(), "/tasks/50%25%40west");
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_too_long_for_a_uri_is_not_put_to_another_path() {
    let (client, script) = service(|_, _| page(r#"{"items": []}"#), |builder| builder);
    let query = TasksListQuery::default().with_ids("6f0c7a52,".repeat(10_000));
    let refused = client.list_tasks(&query).await.unwrap_err();
    assert!(matches!(refused.kind(), CallErrorKind::Request(_)), "{refused:?}");
    assert_eq!(script.count(&TASKS_LIST), 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_odd_in_what_nothing_hangs_on_ends_its_wait_all_the_same() {
    for odd in [
        r#""progress": 100.0"#,
        r#""progress": "done""#,
        r#""warnings": ["the tools are old"]"#,
        r#""warnings": "none""#,
        r#""endTime": "2026-01-01T00:00:00Z""#,
        r#""workflowInfo": "failover""#,
        r#""error": "none""#,
        r#""user": {"name": "u"}"#,
    ] {
        let whole = format!(r#"{{"id": "t", "state": "SUCCEEDED", "result": {{"id": "C4-1"}}, {odd}}}"#);
        let (client, _) = service(
            move |id, _| match id {
                id if id == TASKS_POLL.id => {
                    page(r#"{"propertyNames": ["id", "state"], "values": [["t", "SUCCEEDED"]]}"#)
                }
                id if id == TASKS_GET.id => page(&whole),
                _ => page(&format!(r#"{{"items": [{whole}], "total": 1}}"#)),
            },
            |builder| builder,
        );
        let id = OperationId::new(TASK_KIND, "west", "t");
        let work = client.attach::<SingleVmReplicationInfo>(id).unwrap();
        let done = work.until_done(MINUTE, client.clock(), poll_policy()).await;
        let done = done.unwrap_or_else(|error| panic!("{odd}: {error:?}"));
        assert_eq!(done.result.unwrap().id.as_deref(), Some("C4-1"), "{odd}");
        if odd.contains("tools") {
            let warning = done.task.shown().warnings[0].error.clone().unwrap();
            assert_eq!(warning.msg.as_deref(), Some("the tools are old"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_reason_of_a_failed_task_is_told_in_whichever_form_it_comes() {
    for (error, told) in [
        (r#""disk full""#, "disk full"),
        (
            r#"{"code": "DiskFull", "msg": "disk full", "args": 7}"#,
            "disk full",
        ),
        (r#"["disk full"]"#, "disk full"),
    ] {
        let whole = format!(r#"{{"id": "t", "state": "FAILED", "error": {error}}}"#);
        let (client, _) = service(move |_, _| page(&whole), |builder| builder);
        let id = OperationId::new(TASK_KIND, "west", "t");
        let status = client.attach::<RawJson>(id).unwrap().poll().await.unwrap();
        assert!(format!("{status:?}").contains(told), "{status:?}");
    }
}

/// As it comes while the service behind the proxy starts anew. A wait bears a page of 404; 400 ends it, as a look that failed.
#[tokio::test(start_paused = true)]
async fn the_page_of_a_proxy_does_not_say_that_a_task_is_gone() {
    for status in [400, 404] {
        let (client, _) = service(
            move |id, nth| match id {
                _ if nth < 3 => no_json(status),
                id if id == TASKS_POLL.id => {
                    page(r#"{"propertyNames": ["id", "state"], "values": [["t", "SUCCEEDED"]]}"#)
                }
                id if id == TASKS_GET.id => page(WHOLE),
                _ => page(&format!(r#"{{"items": [{WHOLE}], "total": 1}}"#)),
            },
            |builder| builder,
        );
        let id = OperationId::new(TASK_KIND, "west", "t");
        let work = client.attach::<SingleVmReplicationInfo>(id).unwrap();
        let done = work.until_done(10 * MINUTE, client.clock(), poll_policy()).await;
        match (status, done) {
            (404, done) => assert_eq!(done.unwrap().result.unwrap().id.as_deref(), Some("C4-1")),
            (_, Err(error)) => assert!(matches!(error.kind(), WaitErrorKind::Call(_)), "{error:?}"),
            (_, Ok(done)) => panic!("{done:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_too_large_is_asked_for_in_halves() {
    let script = ScriptedTransport::with(|call, _| {
        let body = String::from_utf8_lossy(call.request.body()).into_owned();
        let row = |id: &str| format!(r#"["{id}", "SUCCEEDED"]"#);
        let rows = |rows: String| {
            page(&format!(
                r#"{{"propertyNames": ["id", "state"], "values": [{rows}]}}"#
            ))
        };
        let whole = |id: &str| format!(r#"{{"id": "{id}", "state": "SUCCEEDED"}}"#);
        match call.operation.id {
            id if id == SESSIONS_LOGIN.id => logged_in(),
            id if id == TASKS_POLL.id => match (body.contains("task-a"), body.contains("task-b")) {
                (true, true) => Answer::fail(CallErrorKind::TooLarge {
                    part: "body",
                    limit: 1,
                }),
                (true, false) => rows(row("task-a")),
                _ => rows(row("task-b")),
            },
            _ => page(&format!(
                r#"{{"items": [{}, {}], "total": 2}}"#,
                whole("task-a"),
                whole("task-b")
            )),
        }
    });
    let (client, _) = over(script, |builder| builder);
    let wait = async |task: &str| {
        let id = OperationId::new(TASK_KIND, "west", task);
        let work = client.attach::<RawJson>(id).unwrap();
        work.until_done(MINUTE, client.clock(), poll_policy()).await
    };
    let (a, b) = tokio::join!(wait("task-a"), wait("task-b"));
    a.unwrap();
    b.unwrap();
}

const WHOLE: &str = r#"{"id": "t", "state": "SUCCEEDED", "result": {"id": "C4-1"}}"#;
