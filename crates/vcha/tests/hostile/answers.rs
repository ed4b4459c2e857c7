//! Reads, log-ins and lists.

use std::sync::Arc;

use farside_models_vcenter::CisTasksListRequest;
use farside_models_vcenter::operation::{CIS_SESSION_CREATE, VCHA_CLUSTER_FAILOVER_TASK, VCHA_CLUSTER_GET};
use farside_transport::testing::{Answer, ScriptedTransport};
use farside_transport::{CallErrorKind, Effect, OperationId, PollPolicy};
use farside_vcha::{CIS_TASK, Failover, FailoverErrorKind, HaAddress, HaCluster as _, VchaClient};
use farside_wire::Secret;
use serde_json::json;

use crate::support::{
    FIRST, LIMIT, SECOND, client, cluster, cut, no_json, no_operations, node, ok, std_error, vcenter,
};

#[tokio::test(start_paused = true)]
async fn a_page_of_a_proxy_at_one_address_does_not_keep_a_read_from_the_other() {
    for status in [404, 500, 502, 503, 504] {
        let former = node(move |_, _| no_json(status));
        let serving = vcenter(SECOND);
        let client = client(&[&former, &serving]);
        let view = client
            .view()
            .await
            .unwrap_or_else(|error| panic!("{status}: {error:?}"));
        assert_eq!(view.roles().active, Some(HaAddress::new(SECOND)));
        let asked = former.calls().len();
        client.operations().await.unwrap();
        assert_eq!(former.calls().len(), asked, "the other one is asked from here on");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_starts_at_one_address_does_not_keep_a_read_from_the_other() {
    let former = node(|_, _| std_error(503, "SERVICE_UNAVAILABLE"));
    let serving = vcenter(SECOND);
    assert!(client(&[&former, &serving]).cluster().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_refused_password_is_not_tried_at_the_other_address() {
    for refusal in [no_json(401), std_error(401, "UNAUTHENTICATED")] {
        let first = Arc::new(ScriptedTransport::new().answer(&CIS_SESSION_CREATE, refusal));
        let second = vcenter(SECOND);
        assert!(client(&[&first, &second]).cluster().await.is_err());
        assert_eq!(second.calls().len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_view_is_of_one_address_and_not_half_of_each() {
    // The first address tells its roles and is gone before it tells its operations.
    let former = node(|id, _| match id {
        id if id == VCHA_CLUSTER_GET.id => ok(&cluster(FIRST)),
        _ => cut(),
    });
    let serving = vcenter(SECOND);
    let view = client(&[&former, &serving]).view().await.unwrap();
    assert_eq!(view.roles().active, Some(HaAddress::new(SECOND)));
}

#[tokio::test(start_paused = true)]
async fn a_session_id_that_is_none_is_no_session() {
    for token in ["\"\"", "\"a\\nb\"", "null", "{}"] {
        let script = ScriptedTransport::with(|_, _| no_operations());
        let script = script.answer(&CIS_SESSION_CREATE, Answer::json(201, token));
        let script = Arc::new(script.answer(&CIS_SESSION_CREATE, Answer::json(201, "\"token\"")));
        let client = client(&[&script]);
        let error = client.operations().await.unwrap_err();
        let CallErrorKind::Login(login) = error.kind() else {
            panic!("{token}: {error:?}")
        };
        assert!(
            matches!(login.kind(), CallErrorKind::Decode(_)),
            "{token}: {login:?}"
        );
        assert_eq!(error.effect(), Effect::NotSent);
        assert!(client.operations().await.is_ok(), "{token}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_name_that_would_be_cut_at_its_colon_is_not_sent() {
    let vcenter = vcenter(FIRST);
    let password = Secret::new("hunter2");
    let client = VchaClient::builder("vc-west", vcenter.clone(), "admin:x", password).build();
    let error = client.operations().await.unwrap_err();
    assert_eq!(error.effect(), Effect::NotSent);
    assert_eq!(vcenter.calls().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn nodes_that_cannot_be_told_apart_are_neither_active_nor_passive() {
    for address in ["", "10.9.0.1"] {
        let mut cluster = cluster(FIRST);
        for node in ["node1", "node2"] {
            cluster[node]["ha_ip"]["ipv4"]["address"] = json!(address);
        }
        let vcenter = node(move |id, _| match id {
            id if id == VCHA_CLUSTER_GET.id => ok(&cluster),
            _ => no_operations(),
        });
        let outcome = Failover::new(client(&[&vcenter])).run(None, true, LIMIT).await;
        let error = outcome.unwrap_err();
        assert!(
            matches!(error.kind(), FailoverErrorKind::NotReady(_)),
            "{error:?}"
        );
        assert_eq!(vcenter.count(&VCHA_CLUSTER_FAILOVER_TASK), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_has_ended_ends_its_wait_whatever_else_is_odd_about_it() {
    for odd in [
        json!({}),
        json!({"progress": null, "start_time": null, "end_time": null, "error": null, "result": null}),
        json!({"progress": {"total": 0.5, "completed": "x"}}),
        json!({"progress": {"total": 100}}),
        json!({"description": null}),
        json!({"description": {"id": "x", "default_message": "Failover"}}),
        json!({"description": "Failover"}),
        json!({"start_time": "yesterday"}),
        json!({"cancelable": null}),
        json!({"service": null, "operation": 7}),
        json!({"target": "vm-1", "user": {"name": "u"}}),
    ] {
        let mut info = json!({"status": "SUCCEEDED", "description": {"id": "x", "default_message": "", "args": []},
            "service": "s", "operation": "o", "cancelable": false});
        for (name, value) in odd.as_object().unwrap() {
            info[name] = value.clone();
        }
        let vcenter = node(move |_, _| ok(&info));
        let client = client(&[&vcenter]);
        let id = OperationId::new(CIS_TASK, "vc-west", "task-1");
        let (work, clock) = (client.operation(id).unwrap(), client.clock());
        let ended = work.until_done(LIMIT, &*clock, PollPolicy::default()).await;
        assert!(ended.is_ok(), "{odd}: {:?}", ended.unwrap_err().kind());
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_cannot_be_read_costs_the_list_no_other_one() {
    let good = json!({"status": "RUNNING", "description": {"id": "x", "default_message": "", "args": []},
        "service": "s", "operation": "o", "cancelable": false});
    let list = json!({"task-1": good, "task-2": {"status": 7}});
    let vcenter = node(move |_, _| ok(&list));
    let request = CisTasksListRequest::default();
    let client = client(&[&vcenter]);
    let tasks = client.list_tasks(&request).await.unwrap();
    assert!(tasks["task-1"].is_ok());
    assert!(tasks["task-2"].is_err());
}
