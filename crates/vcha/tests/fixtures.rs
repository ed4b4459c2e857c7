//! The client against the wire fixtures: the requests that it makes, and what it makes of the answers.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use farside_transport::testing::{Answer, ScriptedTransport};
use farside_transport::{CallError, CallErrorKind, Effect, OperationId, TaskSource as _, TaskStatus};
use farside_vcha::{CIS_TASK, CisTasks, Roles, VchaClient};
use farside_wire::Secret;
use http::Response;
use serde_json::Value;

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../models-vcenter/tests/fixtures")
        .join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A vCenter that answers the fixture's operation as the fixture says.
fn server(fixture: &Value) -> Arc<ScriptedTransport> {
    let operation = fixture["operation"].as_str().unwrap().to_owned();
    let response = fixture["response"].clone();
    let token = fixture["request"]["headers"]["vmware-api-session-id"].clone();
    Arc::new(ScriptedTransport::with(move |call, _| {
        if call.operation.id == operation {
            Answer::response(recorded(&response))
        } else if call.operation.id == "Cis.Session_create" {
            Answer::json(201, token.to_string())
        } else {
            Answer::empty(204)
        }
    }))
}

fn recorded(response: &Value) -> Response<Bytes> {
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    let mut builder = Response::builder().status(status);
    for (name, value) in response["headers"].as_object().unwrap() {
        builder = builder.header(name, value.as_str().unwrap());
    }
    let body = match &response["body"] {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    builder.body(body.into()).unwrap()
}

fn client(server: &Arc<ScriptedTransport>) -> VchaClient {
    let password = Secret::new("hunter2-secret");
    VchaClient::builder("vc-west", server.clone(), "operator@vsphere.local", password).build()
}

/// Asserts that the last request of the fixture's operation is the fixture's.
fn assert_sent(server: &ScriptedTransport, fixture: &Value) {
    let calls = server.calls();
    let operation = fixture["operation"].as_str().unwrap();
    let call = calls
        .iter()
        .rev()
        .find(|call| call.operation.id == operation)
        .unwrap();
    let wanted = &fixture["request"];
    assert_eq!(call.request.method().as_str(), wanted["method"].as_str().unwrap());
    assert_eq!(call.request.uri().to_string(), wanted["path"].as_str().unwrap());
    for (name, value) in wanted["headers"].as_object().unwrap() {
        let sent = call
            .request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap());
        assert_eq!(sent, value.as_str(), "{name}");
    }
    let body: Value = serde_json::from_slice(call.request.body()).unwrap_or_default();
    assert_eq!(body, wanted["body"]);
}

async fn failover(name: &str, planned: bool) -> (Result<OperationId, CallError>, usize) {
    let fixture = fixture(name);
    let server = server(&fixture);
    let outcome = client(&server).start_failover(planned).await;
    assert_sent(&server, &fixture);
    let operation = fixture["operation"].as_str().unwrap();
    let sent = server
        .calls()
        .iter()
        .filter(|call| call.operation.id == operation)
        .count();
    (outcome, sent)
}

#[tokio::test(start_paused = true)]
async fn a_failover_is_one_request_and_its_answer_a_task() {
    for (name, planned) in [("planned", true), ("forced", false)] {
        let (outcome, sent) = failover(&format!("vcha/cluster-failover-{name}"), planned).await;
        let task = outcome.unwrap();
        assert_eq!(
            (task.kind.as_str(), task.endpoint.as_str(), sent),
            (CIS_TASK, "vc-west", 1)
        );
        assert!(!task.id.is_empty() && !task.id.starts_with('"'), "{task:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_an_error_of_the_server_leaves_the_outcome_unknown() {
    let (outcome, sent) = failover("vcha/cluster-failover-refused", true).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.effect(), sent), (Effect::Unknown, 1));
    assert!(
        error
            .service_error()
            .unwrap()
            .message()
            .unwrap()
            .contains("not ready")
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_over_rights_or_session_says_that_nothing_was_done() {
    let (outcome, sent) = failover("vcha/cluster-failover-unauthorized", true).await;
    assert_eq!((outcome.unwrap_err().effect(), sent), (Effect::Refused, 1));
    // A dead session: the call did nothing, and may be wrong by now, since sessions are lost with a switch.
    let (outcome, sent) = failover("vcha/cluster-failover-unauthenticated", true).await;
    assert_eq!((outcome.unwrap_err().effect(), sent), (Effect::Refused, 1));
}

#[tokio::test(start_paused = true)]
async fn the_partial_form_is_enough_where_it_has_mode_and_roles() {
    let fixture = fixture("vcha/cluster-get-partial");
    let server = server(&fixture);
    let cluster = client(&server).cluster().await.unwrap();
    assert_sent(&server, &fixture);
    assert!(Roles::of(&cluster).all_up);
    let reads = server
        .calls()
        .iter()
        .filter(|call| call.operation.id == "Vcenter.Vcha.Cluster_get")
        .count();
    assert_eq!(reads, 1);
}

#[tokio::test(start_paused = true)]
async fn the_full_form_is_asked_for_where_the_partial_one_says_too_little() {
    let fixture = fixture("vcha/cluster-get-not-configured");
    let server = server(&fixture);
    client(&server).cluster().await.unwrap();
    let bodies: Vec<Value> = server
        .calls()
        .iter()
        .filter(|call| call.operation.id == "Vcenter.Vcha.Cluster_get")
        .map(|call| serde_json::from_slice(call.request.body()).unwrap())
        .collect();
    assert_eq!(
        bodies,
        [serde_json::json!({"partial": true}), serde_json::json!({})]
    );
}

#[tokio::test(start_paused = true)]
async fn the_operations_are_read_within_a_session() {
    let fixture = fixture("vcha/operations-get-failover-active");
    let server = server(&fixture);
    let operations = client(&server).operations().await.unwrap();
    assert_sent(&server, &fixture);
    assert!(farside_vcha::failover_is_active(&operations));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_the_server_does_not_know_is_gone() {
    for (name, gone) in [
        ("get-not-found", true),
        ("get-failed", false),
        ("get-encoded-id", false),
    ] {
        let fixture = fixture(&format!("tasks/{name}"));
        let path = fixture["request"]["path"].as_str().unwrap();
        let id = path
            .rsplit('/')
            .next()
            .unwrap()
            .replace("%2F", "/")
            .replace("%20", " ");
        let server = server(&fixture);
        let tasks = CisTasks::new(Arc::new(client(&server)));
        let status = tasks
            .poll(&OperationId::new(CIS_TASK, "vc-west", id))
            .await
            .unwrap();
        assert_sent(&server, &fixture);
        assert_eq!(matches!(status, TaskStatus::Gone), gone, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_password_is_not_tried_at_the_next_address() {
    let refused = fixture("session/create-unauthenticated");
    let (first, second) = (server(&refused), server(&refused));
    let password = Secret::new("hunter2-secret");
    let client = VchaClient::builder("vc-west", first.clone(), "operator@vsphere.local", password)
        .also_at(second.clone())
        .build();
    let error = client.operations().await.unwrap_err();
    assert!(matches!(error.kind(), CallErrorKind::Login(_)), "{error:?}");
    assert_eq!(
        (error.effect(), first.calls().len(), second.calls().len()),
        (Effect::NotSent, 1, 0)
    );
    assert!(!format!("{client:?} {error:?}").contains("hunter2"));
}
